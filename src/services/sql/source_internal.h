/* Rows that the engine may read under a name: tables, metadata tables, rows in memory. One face for all, so
 * that the engine's table function knows nothing of Iceberg. */
#ifndef FIRN_SERVICES_SQL_SOURCE_INTERNAL_H
#define FIRN_SERVICES_SQL_SOURCE_INTERNAL_H

#include "base/ctx.h"
#include "column/vector.h"
#include "iceberg/expr/expr.h"

enum { FIRN_SQL_BATCH_ROWS = 2048 /* the engine's vectors */ };

typedef struct firn_sql_source firn_sql_source;
typedef struct firn_sql_scan firn_sql_scan;     /* one reading of it */
typedef struct firn_sql_reader firn_sql_reader; /* one thread's part of a reading */

typedef struct firn_sql_source_ops {
  /* `columns`: children of `schema` in the order wanted, perhaps none (then batches only count rows). Called
   * when the statement runs. */
  firn_status (*open)(const firn_sql_source *s, const uint32_t *columns, size_t n, firn_ctx *ctx,
                      firn_sql_scan **out, firn_error *err);
  double (*progress)(firn_sql_scan *scan); /* 0 to 1 */
  void (*close)(firn_sql_scan *scan);
  firn_status (*reader_open)(firn_sql_scan *scan, firn_ctx *ctx, firn_sql_reader **out, firn_error *err);
  /* At most FIRN_SQL_BATCH_ROWS rows; NULL after the last. Borrowed until the reader's following next. */
  firn_status (*next)(firn_sql_reader *r, firn_ctx *ctx, const firn_batch **out, firn_error *err);
  void (*reader_close)(firn_sql_reader *r);
} firn_sql_source_ops;

struct firn_sql_source { /* first member of every source's own struct */
  const firn_sql_source_ops *ops;
  const firn_field *schema; /* a STRUCT */
  int64_t n_rows;           /* an estimate; -1: unknown */
  bool is_exact_count;      /* n_rows is how many there are */
  unsigned max_readers;     /* threads that may read one scan */
  bool is_text_checked;     /* what it yields as text is UTF-8 */
  const firn_expr *filter;  /* bound: rows that do not match may be left out; NULL: none. Set before `open` */
  /* Nothing but count, min and max of whole columns is wanted: other rows may come that give the same. Set
   * before `open`. */
  bool is_summary;
};

#endif

/* One data file of an archive, open for reading rows: its footer and page indexes in memory, the rest in its
 * store. Files of others are read too: with columns missing or in another order, without page indexes (a
 * row then costs its whole column chunks), and with DIMO's `data_base64`.
 *
 * Immutable; threads may share it. */
#ifndef FIRN_SERVICES_FETCH_ARCHIVE_FILE_INTERNAL_H
#define FIRN_SERVICES_FETCH_ARCHIVE_FILE_INTERNAL_H

#include "events/event.h"
#include "formats/parquet/reader.h"
#include "io/store.h"

typedef struct firn_archive_file firn_archive_file;

/* One read of the store for the end of the file, a second one when footer and page indexes are larger than
 * that. `store` is borrowed, `path` copied. FIRN_NOT_FOUND: no such object, or one that holds no events;
 * FIRN_CORRUPT: it is no Parquet file, or a broken one. */
FIRN_MUST_USE firn_status firn_archive_file_open(firn_store *store, const char *path, firn_ctx *ctx,
                                                 firn_archive_file **out, firn_error *err);
void firn_archive_file_close(firn_archive_file *f); /* NULL is fine */
void firn_archive_file_close_pointer(firn_archive_file **f);
#define FIRN_AUTO_ARCHIVE_FILE FIRN_AUTO(firn_archive_file_close_pointer) firn_archive_file

/* Bytes that it holds. */
size_t firn_archive_file_memory(const firn_archive_file *f);
int64_t firn_archive_file_rows(const firn_archive_file *f);

typedef struct firn_archive_rows {
  size_t n;
  const int64_t *rows;   /* which the file has, in ascending order */
  unsigned what;         /* FIRN_FETCH_DATA, FIRN_FETCH_HEADER */
  size_t max_page_bytes; /* decompressed; 0: 1 GiB. A larger page is FIRN_LIMIT */
} firn_archive_rows;

/* The events of rows, in `arena`: one read of the store. FIRN_NOT_FOUND: the object is there no more;
 * FIRN_CONFLICT: it is another than the one that was opened. */
FIRN_MUST_USE firn_status firn_archive_file_read(const firn_archive_file *f, firn_ctx *ctx,
                                                 const firn_archive_rows *rows, firn_arena *arena,
                                                 firn_event *out, firn_error *err);

/* How many bytes the page of a row's payload takes in the file, when that is much (FIRN_LARGE_PAGE or more)
 * and the file has an index; else 0. No read. */
enum { FIRN_LARGE_PAGE = 128 << 10 };
size_t firn_archive_file_large(const firn_archive_file *f, int64_t row);
/* Where the payload of a row lies: firn_parquet_locate. */
FIRN_MUST_USE firn_status firn_archive_file_locate(const firn_archive_file *f, firn_ctx *ctx, int64_t row,
                                                   firn_parquet_located *out, firn_error *err);
/* Bytes of the file as they are, for payloads that are read in pieces. */
FIRN_MUST_USE firn_status firn_archive_file_read_at(const firn_archive_file *f, firn_ctx *ctx,
                                                    uint64_t offset, uint8_t *into, size_t len,
                                                    firn_error *err);

#endif

/* The archive: the three tables that CloudEvents are kept in, and batches of events for them.
 *
 * `<name>.valid`, `<name>.partial` (events that lack something) and `<name>.dead_letter` (what is no event).
 * Field ids, column order, partitioning and file names are a contract: docs/decisions.md. */
#ifndef FIRN_EVENTS_ARCHIVE_H
#define FIRN_EVENTS_ARCHIVE_H

#include "column/vector.h"
#include "events/event.h"
#include "formats/parquet/writer.h"
#include "iceberg/write/table_writer.h"

typedef enum firn_archive_table {
  FIRN_ARCHIVE_VALID = 0,
  FIRN_ARCHIVE_PARTIAL,
  FIRN_ARCHIVE_DEAD_LETTER,
  FIRN_ARCHIVE_N_TABLES,
} firn_archive_table;

/* "valid", "partial", "dead_letter". */
const char *firn_archive_table_name(firn_archive_table t);
const firn_schema *firn_archive_schema(firn_archive_table t);
const firn_partition_spec *firn_archive_spec(firn_archive_table t);
/* What a new one is made with: it is committed to every few seconds, so its old metadata files go, and its
 * manifests are merged. */
firn_properties firn_archive_properties(firn_archive_table t);

/* The spec of a table that the archive's files are written by, also where others have made another one the
 * default; NULL: it has none. */
const firn_partition_spec *firn_archive_spec_in(firn_archive_table t, const firn_metadata *metadata);
/* Whether a table that exists can take the archive's files: its columns by id and type, whatever others have
 * named them and added beside, as long as nothing is required. FIRN_INVALID says what is missing,
 * FIRN_UNSUPPORTED names a format version that is not written. */
FIRN_MUST_USE firn_status firn_archive_check(firn_archive_table t, const firn_metadata *metadata,
                                             firn_error *err);

/* year=YYYY/month=MM/day=DD/batch-<uuid>.parquet below the table's location; day=unknown/ for a null time. */
const char *firn_archive_file_name(void *arg, firn_ctx *ctx, const firn_partition_spec *spec,
                                   const firn_schema *schema, const firn_value *tuple, firn_arena *arena);

/* How the archive's Parquet files are written: small pages for point reads, bloom filters on id and subject,
 * no bounds for data. */
void firn_archive_parquet_options(firn_archive_table t, firn_codec codec, int level,
                                  firn_parquet_writer_options *out);

/* A batch of events that grows row by row. Rows borrow what the events borrow, until the batch is reset. */
typedef struct firn_archive_batch {
  firn_batch batch;
  size_t capacity;
  uint64_t *masks; /* a validity bitmap for each column, in use from its first null on */
  size_t tag_capacity;
  firn_arena arena; /* the vectors' own memory */
} firn_archive_batch;

FIRN_MUST_USE firn_status firn_archive_batch_open(firn_archive_table t, size_t capacity,
                                                  firn_archive_batch *out, firn_error *err);
void firn_archive_batch_close(firn_archive_batch *b); /* fine on {0} */
bool firn_archive_batch_is_full(const firn_archive_batch *b);
/* VALID or PARTIAL, not full. */
FIRN_MUST_USE firn_status firn_archive_batch_add(firn_archive_batch *b, const firn_event *event,
                                                 firn_error *err);

typedef struct firn_dead_letter {
  int64_t received_us;
  firn_bytes origin;   /* the file, topic, address it came from */
  firn_bytes position; /* the place in it: "offset 4096" */
  firn_bytes reason;
  firn_bytes payload; /* byte for byte */
} firn_dead_letter;

/* DEAD_LETTER, not full. */
void firn_archive_batch_add_dead(firn_archive_batch *b, const firn_dead_letter *letter);
void firn_archive_batch_reset(firn_archive_batch *b);

#endif

/* The headers of the events in one data file, as rows of the index; `data` is not read. */
#ifndef FIRN_SERVICES_INDEXER_EVENT_ROWS_INTERNAL_H
#define FIRN_SERVICES_INDEXER_EVENT_ROWS_INTERNAL_H

#include "iceberg/meta/manifest.h"
#include "index/index.h"
#include "io/stores.h"

typedef struct firn_event_rows firn_event_rows;

/* `metadata` is of the file's table, and all is borrowed. FIRN_UNSUPPORTED where it has no columns of events.
 */
FIRN_MUST_USE firn_status firn_event_rows_open(const firn_metadata *metadata, firn_stores *stores,
                                               const firn_data_file *file, firn_ctx *ctx,
                                               firn_event_rows **out, firn_error *err);
/* `*out` is NULL after the last row; borrowed until the following next. */
FIRN_MUST_USE firn_status firn_event_rows_next(firn_event_rows *r, firn_ctx *ctx, const firn_index_row **out,
                                               firn_error *err);
void firn_event_rows_close(firn_event_rows *r); /* NULL is fine */
void firn_event_rows_close_pointer(firn_event_rows **r);
#define FIRN_AUTO_EVENT_ROWS FIRN_AUTO(firn_event_rows_close_pointer) firn_event_rows

#endif

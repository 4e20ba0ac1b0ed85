/* POST /v1/sql: one read-only statement over HTTP. The body is the SQL text, or JSON {"query": ...,
 * "namespace":
 * ..., "limit": ..., "timeout_ms": ...}; the answer is streamed as JSON lines, or as an Arrow IPC stream with
 * Accept: application/vnd.apache.arrow.stream. Rows and time are limited; a client that leaves stops its
 * query. */
#ifndef FIRN_SERVICES_SQL_HTTP_H
#define FIRN_SERVICES_SQL_HTTP_H

#include "services/common/router.h"
#include "services/sql/sql.h"

typedef struct firn_sql_http_options {
  firn_sql_options sql;    /* is_read_only is set here */
  uint64_t max_rows;       /* 0: 1,000,000 */
  int64_t max_duration_us; /* 0: 60 s */
  unsigned max_queries;    /* at once; 0: 4. More are FIRN_BUSY */
} firn_sql_http_options;

typedef struct firn_sql_http firn_sql_http;

/* Opens no engine yet: that happens with the first query. */
FIRN_MUST_USE firn_status firn_sql_http_open(const firn_sql_http_options *options, firn_ctx *ctx,
                                             firn_sql_http **out, firn_error *err);
firn_route_set firn_sql_http_routes(firn_sql_http *h);
/* What runs ends soon, with FIRN_CANCELLED. Before the server waits for its connections. */
void firn_sql_http_stop(firn_sql_http *h);
void firn_sql_http_close(firn_sql_http *h); /* NULL is fine; after the server */

#endif

#include "services/sql/http.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json_tree.h"
#include "formats/arrow/ipc.h"
#include "rows/json_rows.h"

enum {
  MAX_BODY = 1 << 20,
  DEFAULT_ROWS = 1000000,
  DEFAULT_QUERIES = 4,
  PIECE_BYTES = 64 << 10, /* gathered before they go */
};
static const int64_t default_duration_us = INT64_C(60) * 1000000;

struct firn_sql_http {
  firn_sql_options sql_options;
  uint64_t max_rows;
  int64_t max_duration_us;
  unsigned max_queries;
  atomic_uint n_queries; /* that run */
  atomic_bool is_stopping;
  pthread_mutex_t lock; /* of `sql`, until it is open */
  firn_sql *sql;
};

/* What a request asks for. */
typedef struct query {
  firn_bytes statement;
  const char *ns; /* where names are looked up; NULL: as the service has it */
  uint64_t max_rows;
  bool is_cut; /* rows beyond max_rows are not wanted, rather than too many */
  int64_t duration_us;
  bool wants_arrow;
} query;

/* A query whose rows are going out. */
typedef struct answering {
  firn_sql_http *http;
  firn_env env;
  firn_ctx ctx;
  char trace_id[64];
  firn_sql_session *session;
  firn_sql_result *result;
  query query;
  uint64_t n_rows;
  firn_builder text; /* rows as they go out */
  size_t sent;       /* of `text` */
  bool is_over;
} answering;

static firn_status open_engine(firn_sql_http *h, firn_ctx *ctx, firn_sql **out, firn_error *err) {
  (void)pthread_mutex_lock(&h->lock);
  firn_status status = h->sql != NULL ? FIRN_OK : firn_sql_open(&h->sql_options, ctx, &h->sql, err);
  *out = h->sql;
  (void)pthread_mutex_unlock(&h->lock);
  return status;
}

static bool begin_query(firn_sql_http *h) {
  if (atomic_fetch_add(&h->n_queries, 1) < h->max_queries) {
    return true;
  }
  atomic_fetch_sub(&h->n_queries, 1);
  return false;
}

static void close_answering(void *self) {
  answering *a = self;
  firn_sql_result_close(a->result);
  firn_sql_session_close(a->session);
  firn_builder_free(&a->text);
  atomic_fetch_sub(&a->http->n_queries, 1);
  firn_free(a);
}

/* The next rows into the empty `text`. */
static firn_status gather(answering *a, firn_error *err) {
  firn_builder_reset(&a->text);
  a->sent = 0;
  while (!a->is_over && a->text.len < PIECE_BYTES) {
    const firn_batch *batch;
    FIRN_TRY(firn_sql_result_next(a->result, &a->ctx, &batch, err));
    a->is_over = batch == NULL;
    if (batch == NULL) {
      break;
    }
    firn_batch part = *batch;
    if (a->n_rows + part.n_rows > a->query.max_rows) {
      if (!a->query.is_cut) {
        return firn_error_set(err, FIRN_LIMIT,
                              "the query has more than %llu rows: give a LIMIT, or \"limit\"",
                              (unsigned long long)a->query.max_rows);
      }
      part.n_rows = (size_t)(a->query.max_rows - a->n_rows);
      a->is_over = true;
    }
    a->n_rows += part.n_rows;
    if (a->query.wants_arrow) {
      FIRN_TRY(firn_arrow_ipc_write_batch(&part, &a->text, err));
    } else {
      firn_json_rows_write(&part, &a->text);
    }
  }
  if (a->is_over && a->query.wants_arrow) {
    firn_arrow_ipc_write_end(&a->text);
  }
  firn_bytes built;
  return firn_builder_finish(&a->text, &built, err);
}

/* A failure here breaks the chunked body off: nobody can take a part for the whole. */
static firn_status read_rows(void *self, firn_ctx *ctx, uint8_t *into, size_t len, size_t *got,
                             firn_error *err) {
  (void)ctx; /* the query's own has its deadline */
  answering *a = self;
  if (a->sent == a->text.len && !a->is_over) {
    FIRN_TRY(gather(a, err));
  }
  *got = len < a->text.len - a->sent ? len : a->text.len - a->sent;
  if (*got > 0) {
    memcpy(into, a->text.data + a->sent, *got);
  }
  a->sent += *got;
  return FIRN_OK;
}

static bool has_word(firn_bytes value, const char *word) {
  return value.data != NULL && memmem(value.data, value.len, word, strlen(word)) != NULL;
}

static firn_status read_json_query(firn_sql_http *h, firn_exchange *x, query *out, firn_error *err) {
  const firn_json_value *json;
  const char *text;
  int64_t limit = -1;
  int64_t timeout_ms = 0;
  firn_arena *arena = firn_exchange_arena(x);
  FIRN_TRY(firn_json_tree_read(firn_exchange_body(x), arena, &json, err));
  FIRN_TRY(firn_json_need_text(json, "query", arena, &text, err));
  FIRN_TRY(firn_json_may_text(json, "namespace", arena, &out->ns, err));
  FIRN_TRY(firn_json_may_int64(json, "limit", &limit, err));
  FIRN_TRY(firn_json_may_int64(json, "timeout_ms", &timeout_ms, err));
  if (limit < -1 || timeout_ms < 0) {
    return firn_error_set(err, FIRN_INVALID, "limit and timeout_ms are not negative");
  }
  out->statement = firn_bytes_of(text);
  if (limit >= 0 && (uint64_t)limit <= h->max_rows) {
    out->max_rows = (uint64_t)limit;
    out->is_cut = true;
  }
  if (timeout_ms > 0 && timeout_ms < out->duration_us / 1000) {
    out->duration_us = timeout_ms * 1000;
  }
  return FIRN_OK;
}

static firn_status read_query(firn_sql_http *h, firn_exchange *x, query *out, firn_error *err) {
  *out = (query){.max_rows = h->max_rows, .duration_us = h->max_duration_us};
  out->wants_arrow = has_word(firn_exchange_header(x, "Accept"), "application/vnd.apache.arrow.stream");
  firn_bytes body = firn_exchange_body(x);
  if (has_word(firn_exchange_header(x, "Content-Type"), "application/json")) {
    FIRN_TRY(read_json_query(h, x, out, err));
    body = out->statement;
  }
  bool is_open;
  firn_bytes more;
  if (!firn_sql_next_statement(&body, &out->statement, &is_open)) {
    return firn_error_set(err, FIRN_INVALID, "the body holds no statement");
  }
  if (firn_sql_next_statement(&body, &more, &is_open)) {
    return firn_error_set(err, FIRN_INVALID, "the body holds more than one statement");
  }
  return FIRN_OK;
}

/* Starts the query and gathers its first rows, so that nearly every failure still has a status. */
static firn_status start(answering *a, firn_error *err) {
  firn_sql *sql;
  FIRN_TRY(open_engine(a->http, &a->ctx, &sql, err));
  FIRN_TRY(firn_sql_session_open(sql, &a->ctx, &a->session, err));
  if (a->query.ns != NULL) {
    FIRN_TRY(firn_sql_session_use(a->session, &a->ctx, a->query.ns, err));
  }
  FIRN_TRY(firn_sql_run(a->session, &a->ctx, a->query.statement, &a->result, err));
  if (!a->query.wants_arrow) {
    return gather(a, err);
  }
  FIRN_AUTO_BUILDER head = FIRN_BUILDER_INIT(0);
  FIRN_TRY(firn_arrow_ipc_write_schema(firn_sql_result_schema(a->result), &head, err));
  FIRN_TRY(gather(a, err));
  firn_builder_add(&head, firn_builder_bytes(&a->text));
  firn_builder first = a->text;
  a->text = head;
  head = first; /* freed at the end of the scope */
  firn_bytes built;
  return firn_builder_finish(&a->text, &built, err);
}

static firn_status post_sql(void *self, firn_exchange *x, firn_ctx *ctx, firn_error *err) {
  firn_sql_http *h = self;
  query q;
  FIRN_TRY(read_query(h, x, &q, err));
  if (!begin_query(h)) {
    return firn_error_set(err, FIRN_BUSY, "%u queries run already: try again later", h->max_queries);
  }
  answering *a = firn_alloc(sizeof *a);
  if (a == NULL) {
    atomic_fetch_sub(&h->n_queries, 1);
    return firn_error_set(err, FIRN_NOMEM, "no memory for a query");
  }
  a->http = h;
  a->env = *ctx->env;
  a->ctx = (firn_ctx){.env = &a->env, .cancel = &h->is_stopping};
  a->ctx.deadline_us = firn_ctx_monotonic_us(ctx) + q.duration_us;
  if (ctx->trace_id != NULL) {
    (void)snprintf(a->trace_id, sizeof a->trace_id, "%s", ctx->trace_id);
    a->ctx.trace_id = a->trace_id;
  }
  a->query = q;
  firn_status status = start(a, err);
  if (status != FIRN_OK) {
    close_answering(a);
    return status;
  }
  a->query.statement = (firn_bytes){0}; /* these were the exchange's */
  a->query.ns = NULL;
  firn_http_body body = {.read = read_rows, .close = close_answering, .self = a, .is_slow = true};
  firn_exchange_stream(x, 200, q.wants_arrow ? "application/vnd.apache.arrow.stream" : "application/x-ndjson",
                       -1, body);
  return FIRN_OK;
}

static const firn_route routes[] = {
    {.method = "POST", .path = "/v1/sql", .handle = post_sql, .name = "sql.post", .takes_body = true},
};

firn_route_set firn_sql_http_routes(firn_sql_http *h) {
  return (firn_route_set){routes, FIRN_COUNT_OF(routes), h, MAX_BODY};
}

firn_status firn_sql_http_open(const firn_sql_http_options *options, firn_ctx *ctx, firn_sql_http **out,
                               firn_error *err) {
  (void)ctx;
  firn_sql_http *h = firn_alloc(sizeof *h);
  if (h == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a service");
  }
  h->sql_options = options->sql;
  h->sql_options.is_read_only = true;
  h->max_rows = options->max_rows == 0 ? DEFAULT_ROWS : options->max_rows;
  h->max_duration_us = options->max_duration_us == 0 ? default_duration_us : options->max_duration_us;
  h->max_queries = options->max_queries == 0 ? DEFAULT_QUERIES : options->max_queries;
  (void)pthread_mutex_init(&h->lock, NULL);
  *out = h;
  return FIRN_OK;
}

void firn_sql_http_stop(firn_sql_http *h) {
  atomic_store(&h->is_stopping, true);
}

void firn_sql_http_close(firn_sql_http *h) {
  if (h == NULL) {
    return;
  }
  firn_sql_close(h->sql);
  (void)pthread_mutex_destroy(&h->lock);
  firn_free(h);
}

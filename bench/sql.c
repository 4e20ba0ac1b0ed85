/* How long statements take: sql LIBRARY CATALOG WAREHOUSE NAMESPACE THREADS ROUNDS < STATEMENTS. LIBRARY is
 * libduckdb.so, CATALOG a URI as --catalog takes it, a statement ends with ';' at the end of a line. One JSON
 * object a statement:
 * {"s": [seconds of each round], "rows": [[...], ...], "message": ...}. Statements that change something run
 * once. tpch.py uses it. */
#include "services/sql/sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#include "catalogs/catalogs.h"
#include "iceberg/types/value.h"

enum { TEXT_MAX = 16 << 20 };

typedef struct bench {
  firn_ctx ctx;
  firn_stores *stores;
  firn_catalog *catalog;
  firn_sql *sql;
  firn_sql_session *session;
  int rounds;
} bench;

static double now_s(void) {
  struct timespec t;
  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void write_rows(const firn_batch *batch, firn_json_writer *w) {
  for (size_t i = 0; i < batch->n_rows; i++) {
    firn_json_begin_array(w);
    for (uint32_t c = 0; c < batch->schema->n_children; c++) {
      firn_vector_write_json(&batch->columns[c], &batch->schema->children[c], i, w);
    }
    firn_json_end_array(w);
  }
}

/* One run; what it yields goes to `out`. */
static firn_status run(bench *b, firn_bytes statement, firn_builder *out, bool *changes, firn_error *err) {
  FIRN_AUTO_SQL_RESULT *result = NULL;
  firn_json_writer w = FIRN_JSON_WRITER_INIT(out);
  firn_builder_reset(out);
  FIRN_TRY(firn_sql_run(b->session, &b->ctx, statement, &result, err));
  firn_json_begin_array(&w);
  for (;;) {
    const firn_batch *batch;
    FIRN_TRY(firn_sql_result_next(result, &b->ctx, &batch, err));
    if (batch == NULL) {
      break;
    }
    write_rows(batch, &w);
  }
  firn_json_end_array(&w);
  const char *message = firn_sql_result_message(result);
  *changes = message != NULL;
  firn_builder_addf(out, ", \"message\": \"%s\"", message == NULL ? "" : message);
  return FIRN_OK;
}

static void free_line(char **line) {
  free(*line);
}

static firn_status measure(bench *b, firn_bytes statement, firn_error *err) {
  FIRN_AUTO_BUILDER out = FIRN_BUILDER_INIT(0);
  bool changes = false;
  (void)printf("{\"s\": [");
  for (int i = 0; i < b->rounds && !changes; i++) {
    double started = now_s();
    FIRN_TRY(run(b, statement, &out, &changes, err));
    (void)printf("%s%.4f", i == 0 ? "" : ", ", now_s() - started);
  }
  (void)printf("], \"rows\": %.*s}\n", FIRN_FORMAT_BYTES(firn_builder_bytes(&out)));
  (void)fflush(stdout);
  return FIRN_OK;
}

static firn_status open_all(bench *b, char **argv, firn_error *err) {
  FIRN_TRY(firn_stores_open(b->ctx.env, &b->stores, err));
  FIRN_TRY(firn_catalog_open(&b->ctx, argv[2], argv[3], b->stores, &b->catalog, err));
  const firn_sql_options options = {.library = argv[1],
                                    .catalog = b->catalog,
                                    .stores = b->stores,
                                    .memory_bytes = UINT64_C(4) << 30,
                                    .n_threads = (unsigned)strtoul(argv[5], NULL, 10)};
  b->rounds = (int)strtol(argv[6], NULL, 10);
  FIRN_TRY(firn_sql_open(&options, &b->ctx, &b->sql, err));
  FIRN_TRY(firn_sql_session_open(b->sql, &b->ctx, &b->session, err));
  FIRN_AUTO_BUILDER use = FIRN_BUILDER_INIT(0), ignored = FIRN_BUILDER_INIT(0);
  bool changes;
  firn_builder_addf(&use, "CREATE NAMESPACE IF NOT EXISTS %s", argv[4]);
  FIRN_TRY(run(b, firn_builder_bytes(&use), &ignored, &changes, err));
  firn_builder_reset(&use);
  firn_builder_addf(&use, "USE %s", argv[4]);
  return run(b, firn_builder_bytes(&use), &ignored, &changes, err);
}

/* Statement by statement as they come, so that who sends them may do other things between. */
static firn_status run_all(bench *b, firn_error *err) {
  FIRN_AUTO_BUILDER text = FIRN_BUILDER_INIT(TEXT_MAX);
  firn_status status = FIRN_OK;
  char *line FIRN_AUTO(free_line) = NULL;
  size_t size = 0;
  for (ssize_t len; status == FIRN_OK && (len = getline(&line, &size, stdin)) >= 0;) {
    firn_builder_add(&text, (firn_bytes){(const uint8_t *)line, (size_t)len});
    firn_bytes rest = firn_builder_bytes(&text), statement;
    bool is_open;
    if (firn_sql_next_statement(&rest, &statement, &is_open) && !is_open) {
      status = measure(b, statement, err);
      firn_builder_reset(&text);
    }
  }
  return status;
}

int main(int argc, char **argv) {
  firn_error err;
  bench b = {.ctx = FIRN_CTX_INIT(&firn_env_system)};
  if (argc != 7) {
    (void)fprintf(stderr, "sql LIBRARY CATALOG WAREHOUSE NAMESPACE THREADS ROUNDS < STATEMENTS\n");
    return 2;
  }
  firn_status status = open_all(&b, argv, &err);
  if (status == FIRN_OK) {
    status = run_all(&b, &err);
  }
  if (status != FIRN_OK) {
    (void)fprintf(stderr, "%s\n", err.text);
  }
  firn_sql_session_close(b.session);
  firn_sql_close(b.sql);
  firn_catalog_close(b.catalog);
  firn_stores_close(b.stores);
  return status != FIRN_OK;
}

/* An SQL session over a memory catalog, for tests. Header only. */
#ifndef FIRN_TEST_SQL_H
#define FIRN_TEST_SQL_H

#include "test.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/builder.h"
#include "base/json_write.h"
#include "catalogs/catalogs.h"
#include "iceberg/types/value.h"
#include "services/sql/sql.h"

typedef struct test_sql {
  firn_ctx *ctx;
  firn_stores *stores;
  firn_catalog *catalog;
  firn_sql *sql;
  firn_sql_session *session;
} test_sql;

static FIRN_UNUSED const char *test_sql_library(void) {
  const char *library = getenv("FIRN_DUCKDB");
  return library != NULL ? library : ".cache/duckdb/libduckdb.so";
}

static FIRN_UNUSED bool test_sql_is_there(const char *what_is_skipped) {
  if (access(test_sql_library(), R_OK) == 0) {
    return true;
  }
  (void)fprintf(stderr, "SKIPPED without %s (`tools/setup sql` fetches it): %s\n", test_sql_library(),
                what_is_skipped);
  return false;
}

static FIRN_UNUSED void test_sql_open(test_sql *t, bool is_read_only) {
  static unsigned n_opened;
  char uri[32];
  (void)snprintf(uri, sizeof uri, "memory:sql%u", n_opened++);
  firn_error err;
  *t = (test_sql){.ctx = test_ctx()};
  CHECK_OK(firn_stores_open(t->ctx->env, &t->stores, &err));
  CHECK_OK(firn_catalog_open(t->ctx, uri, NULL, t->stores, &t->catalog, &err));
  firn_sql_options options = {.library = test_sql_library(),
                              .catalog = t->catalog,
                              .stores = t->stores,
                              .memory_bytes = 256 << 20,
                              .n_threads = 2,
                              .is_read_only = is_read_only};
  CHECK_OK(firn_sql_open(&options, t->ctx, &t->sql, &err));
  CHECK_OK(firn_sql_session_open(t->sql, t->ctx, &t->session, &err));
}

static FIRN_UNUSED void test_sql_close(test_sql *t) {
  firn_sql_session_close(t->session);
  firn_sql_close(t->sql);
  firn_catalog_close(t->catalog);
  firn_stores_close(t->stores);
}

/* One row of a batch as JSON values with blanks between. */
static FIRN_UNUSED void test_sql_add_row(const firn_batch *batch, size_t row, firn_builder *out) {
  for (uint32_t i = 0; i < batch->schema->n_children; i++) {
    firn_json_writer w = FIRN_JSON_WRITER_INIT(out);
    firn_builder_add_text(out, i == 0 ? "" : " ");
    firn_vector_write_json(&batch->columns[i], &batch->schema->children[i], row, &w);
  }
}

/* Runs one statement; its rows, a line each, go to `out`, or its message. */
static FIRN_UNUSED firn_status test_sql_run(test_sql *t, const char *sql, firn_builder *out,
                                            firn_error *err) {
  FIRN_AUTO_SQL_RESULT *result = NULL;
  FIRN_TRY(firn_sql_run(t->session, t->ctx, firn_bytes_of(sql), &result, err));
  for (;;) {
    const firn_batch *batch;
    FIRN_TRY(firn_sql_result_next(result, t->ctx, &batch, err));
    if (batch == NULL) {
      break;
    }
    for (size_t i = 0; i < batch->n_rows; i++) {
      test_sql_add_row(batch, i, out);
      firn_builder_add_text(out, "\n");
    }
  }
  const char *message = firn_sql_result_message(result);
  if (message != NULL) {
    firn_builder_addf(out, "%s\n", message);
  }
  return FIRN_OK;
}

/* The statement yields just these lines. */
static FIRN_UNUSED void test_sql_yields(test_sql *t, const char *sql, const char *wanted) {
  FIRN_AUTO_BUILDER out = FIRN_BUILDER_INIT(1 << 24);
  firn_error err;
  if (test_sql_run(t, sql, &out, &err) != FIRN_OK) {
    fail_msg("%s\n  fails: %s", sql, err.text);
  }
  firn_builder_add_u8(&out, 0);
  if (strcmp((const char *)out.data, wanted) != 0) {
    fail_msg("%s\n  gives\n%s  wanted\n%s", sql, (const char *)out.data, wanted);
  }
}

/* It fails so, in one line that holds `says`. */
static FIRN_UNUSED void test_sql_fails(test_sql *t, const char *sql, firn_status wanted, const char *says) {
  FIRN_AUTO_BUILDER out = FIRN_BUILDER_INIT(1 << 24);
  firn_error err = {0};
  firn_status status = test_sql_run(t, sql, &out, &err);
  if (status != wanted || strstr(err.text, says) == NULL || strchr(err.text, '\n') != NULL) {
    fail_msg("%.200s\n  gives %s: %s\n  wanted %s: %s", sql, firn_status_name(status), err.text,
             firn_status_name(wanted), says);
  }
}

#endif

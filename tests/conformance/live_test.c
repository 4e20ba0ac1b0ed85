/* Accepted requests on their whole way: event journal, batches, commit log, committer, tables. One thread, no
 * sleeping. */
#include <stdio.h>

#include "base/alloc.h"
#include "base/builder.h"
#include "catalogs/catalogs.h"
#include "failing_files.h"
#include "iceberg/scan/scan.h"
#include "services/committer/committer.h"
#include "services/ingest/batches.h"
#include "services/ingest/intake.h"
#include "test.h"

typedef struct world {
  failing_files files;
  char events[600], commits[600];
  firn_stores *stores;
  firn_catalog *catalog;
  firn_table_id tables[FIRN_ARCHIVE_N_TABLES];
  firn_journal *journal;
  firn_commit_log *log;
  firn_intake *intake;
  firn_batches *batches;
  firn_committer *committer;
} world;

static firn_ctx *ctx_of(world *w) {
  return &w->files.ctx;
}

static firn_status on_covered(void *arg, firn_ctx *ctx, uint64_t position, firn_error *err) {
  return firn_intake_covered(((world *)arg)->intake, ctx, position, err);
}

static void open_services(world *w) {
  firn_error err;
  firn_ctx *ctx = ctx_of(w);
  firn_journal_options jo = {.folder = w->events, .kind = "events"};
  CHECK_OK(firn_journal_open(&jo, ctx, &w->journal, &err));
  CHECK_OK(firn_local_commit_log_open(w->commits, ctx, &w->log, &err));
  firn_intake_options io = {.journal = w->journal};
  CHECK_OK(firn_intake_open(&io, ctx, &w->intake, &err));
  firn_batches_options bo = {.journal = w->journal,
                             .log = w->log,
                             .catalog = w->catalog,
                             .codec = FIRN_CODEC_ZSTD,
                             .level = FIRN_LEVEL_DEFAULT,
                             .max_events = 1000,
                             .on_covered = on_covered,
                             .arg = w};
  memcpy(bo.tables, w->tables, sizeof w->tables);
  CHECK_OK(firn_batches_open(&bo, ctx, &w->batches, &err));
  firn_committer_options co = {
      .log = w->log, .catalog = w->catalog, .n_tables = FIRN_ARCHIVE_N_TABLES, .tables = w->tables};
  CHECK_OK(firn_committer_open(&co, ctx, &w->committer, &err));
}

static void close_services(world *w) {
  firn_committer_close(w->committer);
  firn_batches_close(w->batches);
  firn_intake_close(w->intake);
  firn_commit_log_close(w->log);
  firn_journal_close(w->journal);
}

static void begin(world *w) {
  static const char *const level = "cloudevent";
  firn_error err;
  *w = (world){.catalog = NULL};
  const char *folder = test_folder();
  (void)snprintf(w->events, sizeof w->events, "%s/events", folder);
  (void)snprintf(w->commits, sizeof w->commits, "%s/commits", folder);
  failing_files_init(&w->files, test_ctx());
  w->files.skips_sync = true;
  for (int t = 0; t < FIRN_ARCHIVE_N_TABLES; t++) {
    w->tables[t] = (firn_table_id){.ns = {1, &level}, .name = firn_archive_table_name((firn_archive_table)t)};
  }
  CHECK_OK(firn_stores_open(&w->files.env, &w->stores, &err));
  CHECK_OK(firn_catalog_open(ctx_of(w), "memory:test", NULL, w->stores, &w->catalog, &err));
  open_services(w);
}

static void end(world *w) {
  close_services(w);
  firn_catalog_close(w->catalog);
  firn_stores_close(w->stores);
}

static void run(world *w, const firn_service_ops *ops, void *self) {
  firn_error err;
  for (int64_t wait_us = 0; wait_us != FIRN_STEP_IDLE;) {
    CHECK_OK(ops->step(self, ctx_of(w), true, &wait_us, &err));
  }
}

static void run_all(world *w) {
  run(w, &firn_intake_service, w->intake);
  run(w, &firn_batches_service, w->batches);
  run(w, &firn_committer_service, w->committer);
}

static void post(world *w, firn_event_mode mode, firn_bytes body) {
  firn_error err;
  uint64_t position;
  firn_accepted a = {.mode = mode,
                     .received_us = INT64_C(1749988800123456),
                     .n_events = 1,
                     .client = FIRN_LITERAL("http 127.0.0.1"),
                     .body = body};
  CHECK_OK(firn_intake_add(w->intake, ctx_of(w), &a, &position, &err));
}

/* Columns of a table, every row on a line of its own: their bytes as they are, between bars, "-" for null. */
static firn_bytes rows_of(world *w, firn_archive_table t, const char *const *columns, size_t n,
                          firn_builder *out) {
  firn_error err;
  FIRN_AUTO_TABLE table = {0};
  CHECK_OK(firn_catalog_table_load(w->catalog, ctx_of(w), &w->tables[t], &table, &err));
  FIRN_AUTO_SCAN *scan = NULL;
  firn_scan_options options = {
      .metadata = table.metadata, .stores = w->stores, .columns = columns, .n_columns = n};
  CHECK_OK(firn_scan_open(&options, ctx_of(w), &scan, &err));
  for (;;) {
    const firn_batch *batch;
    CHECK_OK(firn_scan_next(scan, ctx_of(w), &batch, &err));
    if (batch == NULL) {
      firn_builder_add_u8(out, 0);
      return (firn_bytes){out->data, out->len - 1};
    }
    for (size_t row = 0; row < batch->n_rows; row++) {
      for (size_t c = 0; c < n; c++) {
        const firn_vector *v = &batch->columns[c];
        firn_builder_add(out, firn_vector_is_null(v, row) ? FIRN_LITERAL("-") : v->bytes[row]);
        firn_builder_add_text(out, c + 1 < n ? "|" : "\n");
      }
    }
  }
}

#define ATTRIBUTES                                                                                         \
  "\"source\":\"s\",\"type\":\"t\",\"specversion\":\"1.0\",\"subject\":\"a\",\"time\":\"2025-06-15T12:00:" \
  "00Z\""

static void payloads_arrive_byte_for_byte(void **state) {
  (void)state;
  world w;
  FIRN_AUTO_BUILDER out = FIRN_BUILDER_INIT(0);
  static const char *const columns[] = {"id", "data_content_type", "data", "extras"};
  begin(&w);
  post(&w, FIRN_EVENT_STRUCTURED, FIRN_LITERAL(" {\"id\":\"1\"," ATTRIBUTES ",\"data\":{ \"x\" : 1.50 } } "));
  post(&w, FIRN_EVENT_BATCHED,
       FIRN_LITERAL("[{\"id\":\"2\"," ATTRIBUTES
                    ",\"data_base64\":\"AAEC\",\"other\":[1, 2]},\n{\"id\":\"3\"," ATTRIBUTES
                    ",\"datacontenttype\":\"text/plain\",\"data\":\"a\\n\\u00e9\"}]"));
  post(&w, FIRN_EVENT_LINES,
       FIRN_LITERAL("{\"id\":\"4\"," ATTRIBUTES "}\r\n\n{\"id\":\"5\"," ATTRIBUTES ",\"data\":null}"));
  run_all(&w);
  static const char wanted[] =
      "1|-|{ \"x\" : 1.50 }|{}\n"
      "2|-|\0\1\2|{\"other\":[1, 2]}\n"
      "3|text/plain|a\n\xC3\xA9|{}\n"
      "4|-|-|{}\n"
      "5|-|null|{}\n";
  firn_bytes got = rows_of(&w, FIRN_ARCHIVE_VALID, columns, 4, &out);
  assert_int_equal(got.len, sizeof wanted - 1);
  assert_memory_equal(got.data, wanted, got.len);
  end(&w);
}

static void a_binary_event_keeps_its_body_and_headers(void **state) {
  (void)state;
  world w;
  firn_error err;
  uint64_t position;
  FIRN_AUTO_BUILDER out = FIRN_BUILDER_INIT(0);
  static const char *const columns[] = {"id", "data_content_type", "subject", "extras", "data"};
  const firn_event_header headers[] = {
      {FIRN_LITERAL("ce-id"), FIRN_LITERAL("6")},
      {FIRN_LITERAL("Ce-Source"), FIRN_LITERAL("s")},
      {FIRN_LITERAL("ce-type"), FIRN_LITERAL("t")},
      {FIRN_LITERAL("ce-specversion"), FIRN_LITERAL("1.0")},
      {FIRN_LITERAL("ce-subject"), FIRN_LITERAL("caf%C3%A9")},
      {FIRN_LITERAL("ce-time"), FIRN_LITERAL("2025-06-15T12:00:00Z")},
      {FIRN_LITERAL("ce-trace"), FIRN_LITERAL("7")},
      {FIRN_LITERAL("content-type"), FIRN_LITERAL("image/png")},
  };
  begin(&w);
  firn_accepted a = {.mode = FIRN_EVENT_BINARY,
                     .n_events = 1,
                     .client = FIRN_LITERAL("http ::1"),
                     .headers = headers,
                     .n_headers = FIRN_COUNT_OF(headers),
                     .body = FIRN_LITERAL("{\"no\":")};
  CHECK_OK(firn_intake_add(w.intake, ctx_of(&w), &a, &position, &err));
  run_all(&w);
  CHECK_BYTES(rows_of(&w, FIRN_ARCHIVE_VALID, columns, 5, &out),
              "6|image/png|caf\xC3\xA9|{\"trace\":\"7\"}|{\"no\":\n");
  end(&w);
}

static void dead_letters_say_where_they_came_from(void **state) {
  (void)state;
  world w;
  firn_error err;
  uint64_t position;
  FIRN_AUTO_BUILDER out = FIRN_BUILDER_INIT(0);
  static const char *const columns[] = {"origin", "position", "payload"};
  const firn_event_header headers[] = {
      {FIRN_LITERAL("ce-id"), FIRN_LITERAL("%FF")},
      {FIRN_LITERAL("Content-Type"), FIRN_LITERAL("a/b")},
  };
  begin(&w);
  post(&w, FIRN_EVENT_BATCHED,
       FIRN_LITERAL("[{\"id\":\"1\"," ATTRIBUTES "}, \"x\",{\"id\":\"1\",\"id\":\"2\"}]"));
  firn_accepted a = {.mode = FIRN_EVENT_BINARY,
                     .received_us = 1,
                     .n_events = 1,
                     .client = FIRN_LITERAL("http ::1"),
                     .headers = headers,
                     .n_headers = FIRN_COUNT_OF(headers),
                     .body = FIRN_LITERAL("body")};
  CHECK_OK(firn_intake_add(w.intake, ctx_of(&w), &a, &position, &err));
  run_all(&w);
  CHECK_BYTES(
      rows_of(&w, FIRN_ARCHIVE_DEAD_LETTER, columns, 3, &out),
      "http 127.0.0.1|2025-06-15T12:00:00.123456+00:00, event 1|\"x\"\n"
      "http 127.0.0.1|2025-06-15T12:00:00.123456+00:00, event 2|{\"id\":\"1\",\"id\":\"2\"}\n"
      "http ::1|1970-01-01T00:00:00.000001+00:00, event 0|ce-id: %FF\r\nContent-Type: a/b\r\n\r\nbody\n");
  end(&w);
}

/* Requests of very different sizes, a new start now and then: each event is in the table once, with its
 * bytes.
 */
static void a_mix_of_sizes_arrives_whole_across_new_starts(void **state) {
  (void)state;
  enum { N = 700, MAX_FILL = 300000 };
  static bool seen[N];
  static char fill[MAX_FILL];
  world w;
  firn_error err;
  memset(fill, 'x', sizeof fill);
  memset(seen, 0, sizeof seen);
  begin(&w);
  for (int i = 0; i < N; i++) {
    FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
    int len = i % 97 == 0 ? MAX_FILL - 100 : (int)(test_random() % 400);
    firn_builder_addf(
        &b,
        "[{\"id\":\"%d\",\"source\":\"s\",\"type\":\"t\",\"specversion\":\"1.0\",\"subject\":\"a\","
        "\"time\":\"2025-06-%02dT12:00:00Z\",\"n\":\"\\u0041\",\"data\":\"%d:%.*s\"}]",
        i, 10 + i % 5, i, len, fill);
    post(&w, FIRN_EVENT_BATCHED, firn_builder_bytes(&b));
    if (i % 50 == 0) {
      run_all(&w);
    }
    if (i % 150 == 0) {
      close_services(&w);
      open_services(&w);
    }
  }
  run_all(&w);
  FIRN_AUTO_TABLE table = {0};
  CHECK_OK(firn_catalog_table_load(w.catalog, ctx_of(&w), &w.tables[FIRN_ARCHIVE_VALID], &table, &err));
  static const char *const columns[] = {"id", "data"};
  FIRN_AUTO_SCAN *scan = NULL;
  firn_scan_options options = {
      .metadata = table.metadata, .stores = w.stores, .columns = columns, .n_columns = 2};
  CHECK_OK(firn_scan_open(&options, ctx_of(&w), &scan, &err));
  size_t n_rows = 0;
  for (;;) {
    const firn_batch *batch;
    CHECK_OK(firn_scan_next(scan, ctx_of(&w), &batch, &err));
    if (batch == NULL) {
      break;
    }
    for (size_t row = 0; row < batch->n_rows; row++, n_rows++) {
      firn_bytes id = batch->columns[0].bytes[row];
      firn_bytes data = batch->columns[1].bytes[row];
      int i = 0;
      for (size_t k = 0; k < id.len; k++) {
        i = i * 10 + (id.data[k] - '0');
      }
      assert_true(i < N && !seen[i]);
      seen[i] = true;
      assert_true(data.len >= id.len + 3 && memcmp(data.data + 1, id.data, id.len) == 0);
      assert_true(i % 97 != 0 || data.len == (size_t)MAX_FILL - 100 + id.len + 3);
    }
  }
  assert_int_equal(n_rows, N);
  firn_scan_close(scan);
  scan = NULL;
  end(&w);
}

RUN_TESTS(payloads_arrive_byte_for_byte, a_binary_event_keeps_its_body_and_headers,
          dead_letters_say_where_they_came_from, a_mix_of_sizes_arrives_whole_across_new_starts)

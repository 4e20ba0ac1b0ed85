/* `firn up` on one thread: clients post events; intake, batches, committers and indexer are stepped in any
 * order, and at the end in the order in which they wake each other. Other writers append beside it. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/journal.h"
#include "catalogs/catalogs.h"
#include "commitlog/commitlog.h"
#include "iceberg/commit/append.h"
#include "index/index.h"
#include "services/committer/committer.h"
#include "services/fetch/fetch.h"
#include "services/indexer/indexer.h"
#include "services/ingest/batches.h"
#include "services/ingest/ingest.h"
#include "services/ingest/intake.h"
#include "sim/clients.h"
#include "sim/interleaved.h"
#include "sim/scenario.h"

enum { INTAKE, BATCHES, COMMITTER, SECOND_COMMITTER, INDEXER, N_SERVICES };

#define SIM_INDEX SIM_FOLDER "/index.db"

typedef struct service {
  firn_service_loop loop; /* ops NULL: there is none */
  int64_t due_us;         /* INT64_MAX: when woken */
} service;

typedef struct server {
  story *story;
  world *world;
  clients *clients;
  firn_stores *stores;
  firn_catalog *catalog;
  firn_catalog *interrupted; /* the same, and others get on while one waits for it */
  bool is_interrupted;
  int stepping;
  firn_journal *journal;
  firn_commit_log *log;
  firn_index *index;
  firn_fetch *fetch;
  firn_indexer *indexer;
  firn_committer *committers[2];
  firn_batches *batches;
  firn_intake *intake;
  firn_route_set routes;
  firn_table_id tables[FIRN_ARCHIVE_N_TABLES];
  service services[N_SERVICES];
} server;

/* ---- who wakes whom ---- */

static void wake(server *s, int which) {
  s->services[which].due_us = INT64_MIN;
}
static void wake_intake(void *arg) {
  wake(arg, INTAKE);
}
static void wake_batches(void *arg) {
  wake(arg, BATCHES);
}
static void wake_log_readers(void *arg) {
  wake(arg, COMMITTER);
  wake(arg, SECOND_COMMITTER);
  wake(arg, INDEXER);
}
static void wake_indexer(void *arg) {
  firn_indexer_look(((server *)arg)->indexer);
  wake(arg, INDEXER);
}
static firn_status range_is_covered(void *arg, firn_ctx *ctx, uint64_t position, firn_error *err) {
  return firn_intake_covered(((server *)arg)->intake, ctx, position, err);
}

/* ---- what others do meanwhile ---- */

static firn_status read_bytes(void *self, firn_ctx *ctx, uint8_t *into, size_t len, size_t *got,
                              firn_error *err) {
  firn_bytes *rest = self;
  (void)ctx;
  (void)err;
  *got = len < rest->len ? len : rest->len;
  if (*got > 0) {
    memcpy(into, rest->data, *got);
  }
  *rest = firn_bytes_part(*rest, *got, SIZE_MAX);
  return FIRN_OK;
}

/* Somebody runs `firn ingest` with one event. */
static firn_status ingest_beside(server *s, firn_error *err) {
  world *w = s->world;
  FIRN_AUTO_BUILDER text = FIRN_BUILDER_INIT(0);
  firn_ingest_options options = {.catalog = s->catalog};
  memcpy(options.tables, s->tables, sizeof options.tables);
  uint64_t number = story_next(s->story, STORY_ALONE);
  story_sent(s->story, number, 1);
  story_write(s->story, number, &text);
  firn_bytes rest = firn_builder_bytes(&text);
  firn_input input = {.origin = "beside", .read = read_bytes, .self = &rest};
  firn_ingest *g = NULL;
  FIRN_TRY(firn_ingest_open(&options, &w->ctx, &g, err));
  firn_status status = firn_ingest_input(g, &w->ctx, &input, err);
  if (status == FIRN_OK) {
    status = firn_ingest_commit(g, &w->ctx, err);
  }
  if (status == FIRN_OK) {
    story_answered(s->story, number);
  }
  firn_ingest_close(g, &w->ctx);
  return status;
}

static firn_status step(server *s, int which, bool is_draining, bool *is_idle, firn_error *err);

/* While one service waits for the catalog another makes a step, or somebody else commits. Failures are those
 * of the disk, and are met again. */
static void interrupt(void *arg) {
  server *s = arg;
  world *w = s->world;
  firn_error err;
  bool is_idle;
  if (s->is_interrupted || !world_chance(w, 8)) {
    return;
  }
  s->is_interrupted = true;
  int stepping = s->stepping;
  int which = (int)world_below(w, N_SERVICES + 1);
  firn_status status = FIRN_OK;
  if (which == N_SERVICES) {
    status = ingest_beside(s, &err);
  } else if (which != stepping) {
    status = step(s, which, false, &is_idle, &err);
  }
  if (status != FIRN_OK && !w->is_hurt && !disk_is_cut(w->disk)) {
    world_fail(w, "%s in between: %s", firn_status_name(status), err.text);
  }
  s->stepping = stepping;
  s->is_interrupted = false;
}

/* ---- opening and closing, as `firn up` does ---- */

static firn_status open_storage(server *s, firn_error *err) {
  world *w = s->world;
  firn_journal_options journal = {.folder = SIM_FOLDER "/events",
                                  .kind = "events",
                                  .segment_bytes = 4096 << world_below(w, 6),
                                  .max_record_bytes = 80 << 20};
  FIRN_TRY(firn_folder_make_all(&w->ctx, SIM_FOLDER, err));
  FIRN_TRY(firn_stores_open(&w->env, &s->stores, err));
  FIRN_TRY(firn_catalog_open(&w->ctx, SIM_CATALOG, SIM_WAREHOUSE, s->stores, &s->catalog, err));
  FIRN_TRY(interleaved_open(s->catalog, interrupt, s, &s->interrupted, err));
  FIRN_TRY(firn_journal_open(&journal, &w->ctx, &s->journal, err));
  FIRN_TRY(firn_local_commit_log_open(SIM_FOLDER "/commits", &w->ctx, &s->log, err));
  return firn_sqlite_index_open(SIM_INDEX, &w->ctx, &s->index, err);
}

static firn_status open_committer(server *s, int which, firn_error *err) {
  world *w = s->world;
  firn_committer_options options = {.consumer = which == 0 ? NULL : "second",
                                    .log = s->log,
                                    .catalog = s->interrupted,
                                    .n_tables = FIRN_ARCHIVE_N_TABLES,
                                    .tables = s->tables,
                                    .max_files = 1 + (unsigned)world_below(w, 8),
                                    .period_us = 1 + (int64_t)world_below(w, 10000000),
                                    .snapshot_age_us = world_chance(w, 2) ? 20000000 : 0,
                                    .keep_up_records = 1 + (unsigned)world_below(w, 20),
                                    .on_commit = wake_indexer,
                                    .arg = s};
  FIRN_TRY(firn_committer_open(&options, &w->ctx, &s->committers[which], err));
  s->services[COMMITTER + which].loop =
      (firn_service_loop){.ops = &firn_committer_service, .self = s->committers[which]};
  return FIRN_OK;
}

static firn_status open_readers(server *s, firn_error *err) {
  world *w = s->world;
  firn_fetch_options fetch = {.stores = s->stores, .warehouse = SIM_WAREHOUSE, .index = s->index};
  FIRN_TRY(firn_fetch_open(&fetch, &w->ctx, &s->fetch, err));
  firn_indexer_options indexer = {.index = s->index,
                                  .log = s->log,
                                  .catalog = s->interrupted,
                                  .stores = s->stores,
                                  .warehouse = SIM_WAREHOUSE,
                                  .n_tables = FIRN_ARCHIVE_PARTIAL + 1,
                                  .tables = s->tables,
                                  .max_rows = 1 + (int64_t)world_below(w, 100)};
  FIRN_TRY(firn_indexer_open(&indexer, &w->ctx, &s->indexer, err));
  s->services[INDEXER].loop = (firn_service_loop){.ops = &firn_indexer_service, .self = s->indexer};
  FIRN_TRY(open_committer(s, 0, err));
  return world_chance(w, 3) ? open_committer(s, 1, err) : FIRN_OK;
}

static firn_status open_writers(server *s, firn_error *err) {
  world *w = s->world;
  firn_intake_options intake = {.journal = s->journal,
                                .max_journal_bytes = world_chance(w, 4) ? 20000 : 0,
                                .remember_us = clients_remember_us(s->clients),
                                .on_durable = wake_batches,
                                .on_added = wake_intake,
                                .arg = s};
  FIRN_TRY(firn_intake_open(&intake, &w->ctx, &s->intake, err));
  s->services[INTAKE].loop = (firn_service_loop){.ops = &firn_intake_service, .self = s->intake};
  s->routes = firn_intake_routes(s->intake);
  firn_batches_options batches = {.journal = s->journal,
                                  .log = s->log,
                                  .catalog = s->interrupted,
                                  .codec = world_chance(w, 2) ? FIRN_CODEC_ZSTD : FIRN_CODEC_NONE,
                                  .n_writers = 1 + (unsigned)world_below(w, 3),
                                  .max_events = 1 + (int64_t)world_below(w, 60),
                                  .max_bytes = 1000 << world_below(w, 8),
                                  .period_us = 1 + (int64_t)world_below(w, 5000000),
                                  .on_covered = range_is_covered,
                                  .on_record = wake_log_readers,
                                  .arg = s};
  memcpy(batches.tables, s->tables, sizeof batches.tables);
  FIRN_TRY(firn_batches_open(&batches, &w->ctx, &s->batches, err));
  s->services[BATCHES].loop = (firn_service_loop){.ops = &firn_batches_service, .self = s->batches};
  return FIRN_OK;
}

static firn_status open_all(server *s, firn_error *err) {
  scenario_tables(s->tables);
  FIRN_TRY(open_storage(s, err));
  FIRN_TRY(open_readers(s, err));
  FIRN_TRY(open_writers(s, err));
  for (int i = 0; i < N_SERVICES; i++) { /* each begins with a step */
    wake(s, i);
  }
  return FIRN_OK;
}

static void close_all(server *s) {
  if (s->intake != NULL) {
    firn_intake_stop(s->intake);
  }
  clients_hang_up(s->clients);
  firn_intake_close(s->intake);
  firn_batches_close(s->batches);
  firn_committer_close(s->committers[0]);
  firn_committer_close(s->committers[1]);
  firn_indexer_close(s->indexer);
  firn_fetch_close(s->fetch);
  firn_index_close(s->index);
  firn_commit_log_close(s->log);
  firn_journal_close(s->journal);
  firn_catalog_close(s->interrupted);
  firn_catalog_close(s->catalog);
  firn_stores_close(s->stores);
}

/* ---- what happens ---- */

/* `*is_idle`: nothing is left. Trouble that is tried again needs an explanation. */
static firn_status step(server *s, int which, bool is_draining, bool *is_idle, firn_error *err) {
  world *w = s->world;
  service *v = &s->services[which];
  int64_t wait_us = FIRN_STEP_IDLE;
  *is_idle = true;
  s->stepping = which;
  v->due_us = INT64_MAX; /* before the step: it may be woken in it */
  if (v->loop.ops == NULL) {
    return FIRN_OK;
  }
  FIRN_TRY(firn_service_loop_step(&v->loop, &w->ctx, is_draining, &wait_us, err));
  if (disk_is_cut(w->disk)) {
    return firn_error_set(err, FIRN_IO, "the power is cut");
  }
  if (v->loop.is_troubled && !w->is_hurt) {
    world_fail(w, "%s is in trouble: %s", v->loop.ops->name, err->text);
  }
  *is_idle = wait_us == FIRN_STEP_IDLE && !v->loop.is_troubled;
  int64_t due_us = wait_us == FIRN_STEP_IDLE ? INT64_MAX : w->monotonic_us + wait_us;
  v->due_us = due_us < v->due_us ? due_us : v->due_us;
  clients_look(s->clients, w->is_hurt);
  return FIRN_OK;
}

static firn_bytes as_text(const char *text) {
  return firn_bytes_of(text);
}

/* Whoever finds an event gets its bytes, at any time. */
static firn_status look_for_one(server *s, firn_error *err) {
  world *w = s->world;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER wanted = FIRN_BUILDER_INIT(0);
  firn_index_hits hits;
  if (s->story->n == 0) {
    return FIRN_OK;
  }
  uint64_t number = world_below(w, s->story->n);
  story_header h = story_header_of(s->story, number);
  firn_index_query query = {.id = as_text(h.id)};
  FIRN_TRY(firn_index_search(s->index, &w->ctx, &query, &arena, &hits, err));
  if (hits.n == 0) {
    return FIRN_OK;
  }
  firn_event e;
  FIRN_TRY(
      firn_fetch_key_event(s->fetch, &w->ctx, as_text(hits.items[0].key), FIRN_FETCH_DATA, &arena, &e, err));
  story_write_data(s->story, number, &wanted);
  if (!firn_bytes_equal(e.data, firn_builder_bytes(&wanted))) {
    world_fail(w, "event %" PRIu64 " is found under %s, which has other bytes", number, hits.items[0].key);
  }
  return FIRN_OK;
}

static firn_status happen(server *s, firn_error *err) {
  world *w = s->world;
  bool is_idle;
  switch (world_below(w, 16)) {
    case 0:
    case 1:
    case 2:
    case 3:
      clients_post(s->clients, &s->routes);
      clients_look(s->clients, w->is_hurt);
      return FIRN_OK;
    case 4:
    case 5:
      world_pass(w, (int64_t)world_below(w, UINT64_C(1) << world_below(w, 24)));
      return FIRN_OK;
    case 6:
      return look_for_one(s, err);
    case 7:
      if (world_chance(w, 4)) {
        return ingest_beside(s, err);
      }
      if (world_chance(w, 20)) {
        world_set_back(w, INT64_C(3600) * 1000000);
      }
      return FIRN_OK;
    default:
      return step(s, (int)world_below(w, N_SERVICES), false, &is_idle, err);
  }
}

/* SIGTERM. */
static firn_status drain(server *s, firn_error *err) {
  s->is_interrupted = true; /* what others commit now would be indexed after the next start */
  for (int i = 0; i < N_SERVICES; i++) {
    bool is_idle = false;
    for (int n = 0; !is_idle; n++) {
      FIRN_TRY(step(s, i, true, &is_idle, err));
      if (n == 10000) {
        world_fail(s->world, "%s does not end draining", s->services[i].loop.ops->name);
      }
      if (s->services[i].loop.is_troubled) {
        world_pass(s->world, s->services[i].loop.pause_us);
      }
    }
  }
  return FIRN_OK;
}

static bool is_visible(server *s, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_log_positions first, next;
  return firn_batches_covered(s->batches) == firn_journal_next(s->journal) &&
         firn_commit_log_range(s->log, &s->world->ctx, &arena, &first, &next, err) == FIRN_OK &&
         clients_n_waiting(s->clients) == 0;
}

/* Services step when they are due or woken, and not otherwise: what was posted must become files by itself.
 */
static firn_status run_by_clock(server *s, firn_error *err) {
  world *w = s->world;
  int64_t give_up_us = w->monotonic_us + INT64_C(600) * 1000000;
  for (;;) {
    int which = 0;
    for (int i = 1; i < N_SERVICES; i++) {
      which = s->services[i].due_us < s->services[which].due_us ? i : which;
    }
    int64_t due_us = s->services[which].due_us;
    if (due_us > give_up_us) {
      break;
    }
    if (due_us > w->monotonic_us) {
      world_pass(w, due_us - w->monotonic_us);
    }
    bool is_idle;
    FIRN_TRY(step(s, which, false, &is_idle, err));
  }
  if (!is_visible(s, err)) {
    world_fail(w, "ten minutes later %zu requests wait, and %" PRIu64 " of %" PRIu64 " requests are in files",
               clients_n_waiting(s->clients), firn_batches_covered(s->batches),
               firn_journal_next(s->journal));
  }
  return FIRN_OK;
}

static firn_status serve(server *s, bool is_last, firn_error *err) {
  world *w = s->world;
  FIRN_TRY(open_all(s, err));
  uint64_t n = world_below(w, UINT64_C(8) << world_below(w, 6));
  for (; n > 0; n--) {
    FIRN_TRY(happen(s, err));
    if (disk_is_cut(w->disk)) {
      return firn_error_set(err, FIRN_IO, "the power is cut");
    }
  }
  if (is_last) {
    FIRN_TRY(run_by_clock(s, err));
  }
  return is_last || world_chance(w, 3) ? drain(s, err) : FIRN_OK;
}

static firn_status live(story *told, void *lasting, bool is_last, firn_error *err) {
  server *s = calloc(1, sizeof *s);
  if (s == NULL) {
    world_fail(told->world, "no memory for a server");
  }
  s->story = told;
  s->world = told->world;
  s->clients = lasting;
  firn_status status = serve(s, is_last, err);
  close_all(s);
  free(s);
  return status;
}

/* ---- the index, at the end ---- */

static void must(const world *w, firn_status status, const firn_error *err) {
  if (status != FIRN_OK) {
    world_fail(w, "the index: %s: %s", firn_status_name(status), err->text);
  }
}

static void check_hits(story *s, firn_fetch *f, const firn_index_hits *hits) {
  firn_error err;
  for (size_t i = 0; i < hits->n; i++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    FIRN_AUTO_BUILDER wanted = FIRN_BUILDER_INIT(0);
    firn_event e;
    must(s->world,
         firn_fetch_key_event(f, &s->world->ctx, as_text(hits->items[i].key),
                              FIRN_FETCH_DATA | FIRN_FETCH_HEADER, &arena, &e, &err),
         &err);
    uint64_t number = story_number(e.data);
    if (number >= s->n) {
      world_fail(s->world, "the index has %s, which nobody sent", hits->items[i].key);
    }
    story_header h = story_header_of(s, number);
    story_write_data(s, number, &wanted);
    if (!firn_bytes_is(hits->items[i].row.id, h.id) || !firn_bytes_is(e.texts[FIRN_EVENT_ID], h.id) ||
        !firn_bytes_equal(e.data, firn_builder_bytes(&wanted))) {
      world_fail(s->world, "the index's key %s does not fetch the event of its row", hits->items[i].key);
    }
  }
}

static void check_index(story *s, firn_catalog *catalog) {
  world *w = s->world;
  firn_error err;
  firn_index *index = NULL;
  FIRN_AUTO_FETCH *fetch = NULL;
  must(w, firn_sqlite_index_open(SIM_INDEX, &w->ctx, &index, &err), &err);
  firn_fetch_options options = {.stores = catalog->stores, .warehouse = SIM_WAREHOUSE, .index = index};
  must(w, firn_fetch_open(&options, &w->ctx, &fetch, &err), &err);
  size_t n = 0;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_index_query query = {.limit = 50, .is_ascending = true};
  do {
    firn_index_hits hits;
    must(w, firn_index_search(index, &w->ctx, &query, &arena, &hits, &err), &err);
    check_hits(s, fetch, &hits);
    n += hits.n;
    query.cursor = hits.cursor;
  } while (query.cursor != NULL);
  if (n != s->n_rows[FIRN_ARCHIVE_VALID] + s->n_rows[FIRN_ARCHIVE_PARTIAL]) {
    world_fail(w, "the index has %zu rows, the tables %zu and %zu", n, s->n_rows[FIRN_ARCHIVE_VALID],
               s->n_rows[FIRN_ARCHIVE_PARTIAL]);
  }
  firn_index_close(index);
}

static void *begin(story *s) {
  return clients_new(s);
}

static void end(void *lasting) {
  clients_free(lasting);
}

const scenario scenario_live = {
    .name = "live", .begin = begin, .end = end, .live = live, .check = check_index};

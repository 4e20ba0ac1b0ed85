/* `firn ingest`, run several times: inputs into tables, without journals; committed by the hand of the user.
 */
#include "catalogs/catalogs.h"
#include "services/ingest/ingest.h"
#include "sim/scenario.h"

typedef struct rest {
  firn_bytes bytes;
} rest;

static firn_status read_rest(void *self, firn_ctx *ctx, uint8_t *into, size_t len, size_t *got,
                             firn_error *err) {
  rest *r = self;
  (void)ctx;
  (void)err;
  *got = len < r->bytes.len ? len : r->bytes.len;
  if (*got > 0) {
    memcpy(into, r->bytes.data, *got);
  }
  r->bytes = firn_bytes_part(r->bytes, *got, SIZE_MAX);
  return FIRN_OK;
}

/* Each table of a round is committed by itself. */
static uint64_t group_of(uint64_t round, firn_archive_table t, bool is_atomic) {
  return is_atomic ? round * FIRN_ARCHIVE_N_TABLES + (uint64_t)t : STORY_ALONE;
}

static void write_events(story *s, size_t n, bool is_atomic, firn_builder *out) {
  uint64_t round = s->n;
  for (size_t i = 0; i < n; i++) {
    uint64_t number = story_next(s, 0);
    s->events[number].group = group_of(round, story_table(s, number), is_atomic);
    story_sent(s, number, 1);
    story_write(s, number, out);
    firn_builder_add_text(out, "\n");
  }
}

static firn_status one_round(story *s, firn_ingest *g, bool is_atomic, firn_error *err) {
  world *w = s->world;
  FIRN_AUTO_BUILDER text = FIRN_BUILDER_INIT(0);
  size_t first = s->n;
  write_events(s, (size_t)world_below(w, UINT64_C(1) << world_below(w, 7)) + 1, is_atomic, &text);
  rest r = {firn_builder_bytes(&text)};
  firn_input input = {.origin = "events", .read = read_rest, .self = &r};
  FIRN_TRY(firn_ingest_input(g, &w->ctx, &input, err));
  FIRN_TRY(firn_ingest_commit(g, &w->ctx, err));
  for (size_t i = first; i < s->n; i++) {
    story_answered(s, i);
  }
  return FIRN_OK;
}

static firn_status ingest(story *s, firn_catalog *catalog, firn_error *err) {
  world *w = s->world;
  firn_ingest_options options = {
      .catalog = catalog,
      .codec = world_chance(w, 2) ? FIRN_CODEC_ZSTD : FIRN_CODEC_NONE,
      .n_workers = (unsigned)world_below(w, 3),
      .batch_rows = 1 + world_below(w, 20),
      .target_file_bytes = world_chance(w, 3) ? 20000 : 0,
      .commit_every_rows = world_chance(w, 4) ? 5 : 0,
  };
  scenario_tables(options.tables);
  firn_ingest *g = NULL;
  FIRN_TRY(firn_ingest_open(&options, &w->ctx, &g, err));
  firn_status status = FIRN_OK;
  for (uint64_t n = 1 + world_below(w, 5); n > 0 && status == FIRN_OK; n--) {
    status = one_round(s, g, options.commit_every_rows == 0, err);
    world_pass(w, (int64_t)world_below(w, 5000000));
  }
  firn_ingest_close(g, &w->ctx);
  return status;
}

static firn_status live(story *s, void *lasting, bool is_last, firn_error *err) {
  (void)lasting;
  (void)is_last;
  world *w = s->world;
  FIRN_AUTO_STORES *stores = NULL;
  FIRN_AUTO_CATALOG *catalog = NULL;
  FIRN_TRY(firn_folder_make_all(&w->ctx, SIM_FOLDER, err));
  FIRN_TRY(firn_stores_open(&w->env, &stores, err));
  FIRN_TRY(firn_catalog_open(&w->ctx, SIM_CATALOG, SIM_WAREHOUSE, stores, &catalog, err));
  firn_status status = ingest(s, catalog, err);
  return status;
}

const scenario scenario_ingest = {.name = "ingest", .live = live};

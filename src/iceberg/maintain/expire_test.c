#include "iceberg/maintain/expire.h"

#include <stdio.h>

#include "test_table.h"

#define HOUR_MS INT64_C(3600000)

static firn_arena arena = FIRN_ARENA_INIT(0);

typedef struct rig {
  firn_ctx *ctx;
  test_catalog catalog;
  int n_appends;
} rig;

static firn_status rig_open(rig *r, firn_store *store, const firn_property *properties, size_t n,
                            firn_error *err) {
  *r = (rig){.ctx = test_ctx()};
  const firn_properties all = {n, properties};
  return test_catalog_open(store, false, &all, r->ctx, &r->catalog, err);
}

static void rig_close(rig *r) {
  if (r->catalog.base.ops != NULL) {
    test_catalog_close(&r->catalog);
  }
}
#define FIRN_AUTO_RIG FIRN_AUTO(rig_close) rig

static void pass_hours(rig *r, int64_t hours) {
  r->ctx->env->sleep_us(r->ctx->env->self, hours * HOUR_MS * 1000);
}

static const firn_metadata_fields *table(const rig *r) {
  return firn_metadata_get(r->catalog.metadata);
}

static firn_status append_to(rig *r, const char *branch, const firn_property *summary, firn_error *err) {
  FIRN_AUTO_ARENA a = FIRN_ARENA_INIT(0);
  const firn_append how = {.branch = branch, .summary = {summary != NULL, summary}};
  const char *prefix = firn_arena_printf(&a, "%d-", r->n_appends++);
  return prefix == NULL ? FIRN_NOMEM : test_append(&r->catalog, r->ctx, prefix, 1, &how, &a, NULL, err);
}

static void append(rig *r, const char *branch) {
  firn_error err;
  CHECK_OK(append_to(r, branch, NULL, &err));
}

static void commit_updates(rig *r, const firn_update *updates, size_t n) {
  firn_error err;
  const firn_table_commit commit = {.table = test_table_id, .n_updates = n, .updates = updates};
  CHECK_OK(firn_catalog_commit(&r->catalog.base, r->ctx, &commit, 1, NULL, &err));
}

static void set_ref(rig *r, firn_ref ref) {
  const firn_update update = {.kind = FIRN_UPDATE_SET_SNAPSHOT_REF, .ref = ref};
  commit_updates(r, &update, 1);
}

static int64_t snapshot_at(const rig *r, size_t i) {
  return table(r)->snapshots[i].snapshot_id;
}

/* Snapshots from before so many hours ago may go. */
static firn_status expire_hours(rig *r, int64_t hours, firn_expired *out, firn_error *err) {
  const firn_expire how = {.older_than_us = firn_ctx_now_us(r->ctx) - hours * HOUR_MS * 1000};
  return firn_expire_snapshots(&r->catalog.base, r->ctx, &test_table_id, &how, out, err);
}

static firn_expired expire(rig *r, int64_t hours) {
  firn_error err;
  firn_expired out;
  CHECK_OK(expire_hours(r, hours, &out, &err));
  return out;
}

/* --- what there must be: everything that a snapshot reaches, and nothing else --- */

typedef struct paths {
  size_t n, capacity;
  const char **items;
} paths;

static void note(paths *p, const char *location) {
  const char *path = location + strlen("memory://lake/");
  for (size_t i = 0; i < p->n; i++) {
    if (strcmp(p->items[i], path) == 0) {
      return;
    }
  }
  p->items = firn_arena_grow(&arena, p->items, p->n, &p->capacity, sizeof *p->items);
  p->items[p->n++] = firn_arena_text(&arena, firn_bytes_of(path));
}

static void note_snapshot(rig *r, const firn_snapshot *s, paths *p) {
  firn_error err;
  firn_bytes bytes;
  note(p, s->manifest_list);
  CHECK_OK(test_read_location(r->catalog.base.stores, r->ctx, s->manifest_list, &arena, &bytes, &err));
  FIRN_AUTO_MANIFEST_LIST_READER *reader = NULL;
  CHECK_OK(firn_manifest_list_open(firn_avro_source_over(&bytes), r->ctx, &reader, &err));
  for (;;) {
    const firn_manifest_file *m;
    CHECK_OK(firn_manifest_list_next(reader, r->ctx, &m, &err));
    if (m == NULL) {
      return;
    }
    note(p, m->path);
  }
}

/* `may_have_orphans`: only that nothing is missing. */
static void check_files(rig *r, bool may_have_orphans) {
  paths p = {0};
  firn_arena_reset(&arena);
  for (size_t i = 0; i < table(r)->n_snapshots; i++) {
    note_snapshot(r, &table(r)->snapshots[i], &p);
  }
  for (size_t i = 0; i < p.n; i++) {
    firn_error err;
    firn_object_info info;
    CHECK_OK(firn_store_stat(r->catalog.store, r->ctx, p.items[i], &info, &err));
  }
  if (!may_have_orphans) {
    assert_int_equal(test_count_objects(r->catalog.store, r->ctx, ".avro"), p.n);
  }
}

/* --- what goes and what stays --- */

static void old_snapshots_go_and_young_ones_stay(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_RIG r = {0};
  CHECK_OK(rig_open(&r, NULL, NULL, 0, &err));
  for (int i = 0; i < 10; i++) {
    append(&r, NULL);
    pass_hours(&r, 1);
  }
  int64_t first_kept = snapshot_at(&r, 5);
  firn_expired out = expire(&r, 5); /* of 10, 9, ... 1 hours: five are older, the sixth is not (yet) */
  assert_int_equal(out.n_snapshots, 5);
  assert_int_equal(out.n_lists, 5);
  assert_int_equal(out.n_manifests, 0); /* all in the lists that stay */
  assert_int_equal(out.n_left, 0);
  assert_int_equal(table(&r)->n_snapshots, 5);
  assert_int_equal(snapshot_at(&r, 0), first_kept);
  check_files(&r, false);
  out = expire(&r, 5);
  assert_int_equal(out.n_snapshots, 0);
  pass_hours(&r, 1000);
  out = expire(&r, 5);
  assert_int_equal(out.n_snapshots, 4);
  assert_int_equal(table(&r)->n_snapshots, 1); /* the head stays, however old */
  check_files(&r, false);
  test_entries entries;
  CHECK_OK(test_read_snapshot(r.catalog.base.stores, r.ctx, r.catalog.metadata,
                              firn_metadata_current_snapshot(r.catalog.metadata), &arena, &entries, &err));
  assert_int_equal(entries.n_live, 10);
}

static const firn_property merges_often = {"commit.manifest.min-count-to-merge", "3"};

static void manifests_that_were_merged_go_with_the_last_list_that_names_them(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_RIG r = {0};
  CHECK_OK(rig_open(&r, NULL, &merges_often, 1, &err));
  for (int i = 0; i < 10; i++) {
    append(&r, NULL);
    pass_hours(&r, 1);
    firn_expired out = expire(&r, 3);
    assert_int_equal(out.n_left, 0);
    check_files(&r, false);
  }
  assert_int_equal(table(&r)->n_snapshots, 2 + 1);
}

static void the_table_keeps_as_many_as_it_says(void **state) {
  (void)state;
  firn_error err;
  static const firn_property four = {"history.expire.min-snapshots-to-keep", "4"};
  FIRN_AUTO_RIG r = {0};
  CHECK_OK(rig_open(&r, NULL, &four, 1, &err));
  for (int i = 0; i < 10; i++) {
    append(&r, NULL);
  }
  pass_hours(&r, 10);
  firn_expire how = {.older_than_us = INT64_MAX, .keep_at_least = 6};
  firn_expired out;
  CHECK_OK(firn_expire_snapshots(&r.catalog.base, r.ctx, &test_table_id, &how, &out, &err));
  assert_int_equal(table(&r)->n_snapshots, 6);
  (void)expire(&r, 1);
  assert_int_equal(table(&r)->n_snapshots, 4);
  check_files(&r, false);
}

/* Spec: Snapshot Retention Policy: each reference's own wishes win. */
static void references_have_retention_of_their_own(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_RIG r = {0};
  CHECK_OK(rig_open(&r, NULL, &merges_often, 1, &err));
  for (int i = 0; i < 6; i++) {
    append(&r, NULL);
    pass_hours(&r, 1);
  }
  set_ref(
      &r,
      (firn_ref){
          .name = "two", .snapshot_id = snapshot_at(&r, 3), .is_branch = true, .min_snapshots_to_keep = 2});
  set_ref(&r, (firn_ref){.name = "aged",
                         .snapshot_id = snapshot_at(&r, 5),
                         .is_branch = true,
                         .max_snapshot_age_ms = 100 * HOUR_MS});
  set_ref(&r, (firn_ref){.name = "tag", .snapshot_id = snapshot_at(&r, 0)});
  set_ref(&r, (firn_ref){.name = "short", .snapshot_id = snapshot_at(&r, 1), .max_ref_age_ms = HOUR_MS});
  set_ref(&r, (firn_ref){.name = "long", .snapshot_id = snapshot_at(&r, 2), .max_ref_age_ms = 50 * HOUR_MS});
  for (int i = 0; i < 6; i++) {
    append(&r, NULL);
  }
  pass_hours(&r, 1);
  firn_expired out = expire(&r, 0); /* everything, but for what is kept */
  assert_int_equal(out.n_refs, 1);
  assert_null(firn_metadata_ref_named(r.catalog.metadata, "short"));
  assert_int_equal(table(&r)->n_snapshots, 6 + 1); /* "aged" keeps all six, main its head */
  check_files(&r, false);
  pass_hours(&r, 200);
  int64_t two[] = {snapshot_at(&r, 2), snapshot_at(&r, 3)}, aged = snapshot_at(&r, 5),
          tag = snapshot_at(&r, 0);
  out = expire(&r, 0);
  assert_int_equal(out.n_refs, 1);
  assert_null(firn_metadata_ref_named(r.catalog.metadata, "long"));
  assert_int_equal(table(&r)->n_snapshots, 5);
  assert_non_null(firn_metadata_snapshot(r.catalog.metadata, two[0]));
  assert_non_null(firn_metadata_snapshot(r.catalog.metadata, two[1]));
  assert_non_null(firn_metadata_snapshot(r.catalog.metadata, aged));
  assert_non_null(firn_metadata_snapshot(r.catalog.metadata, tag));
  check_files(&r, false);
}

static void main_never_goes_and_a_tables_age_of_references_counts(void **state) {
  (void)state;
  firn_error err;
  static const firn_property hours = {"history.expire.max-ref-age-ms", "7200000"};
  FIRN_AUTO_RIG r = {0};
  CHECK_OK(rig_open(&r, NULL, &hours, 1, &err));
  append(&r, NULL);
  set_ref(&r, (firn_ref){.name = "dev", .snapshot_id = snapshot_at(&r, 0), .is_branch = true});
  append(&r, "dev");
  set_ref(&r, (firn_ref){.name = "kept", .snapshot_id = snapshot_at(&r, 1), .max_ref_age_ms = 9 * HOUR_MS});
  pass_hours(&r, 3);
  firn_expired out = expire(&r, 1000);
  assert_int_equal(out.n_refs, 1);
  assert_null(firn_metadata_ref_named(r.catalog.metadata, "dev"));
  assert_int_equal(out.n_snapshots, 0);
  assert_non_null(firn_metadata_ref_named(r.catalog.metadata, "main"));
  assert_non_null(firn_metadata_ref_named(r.catalog.metadata, "kept"));
}

static void staged_and_rolled_back_snapshots_go_by_age(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_RIG r = {0};
  CHECK_OK(rig_open(&r, NULL, &merges_often, 1, &err));
  for (int i = 0; i < 8; i++) {
    append(&r, NULL);
    pass_hours(&r, 1);
  }
  set_ref(&r, (firn_ref){.name = "main", .snapshot_id = snapshot_at(&r, 2), .is_branch = true});
  (void)expire(&r, 4); /* 8 and 7 hours old go; 6 is the head; 5 goes; 4, 3, 2, 1 are not older */
  assert_int_equal(table(&r)->n_snapshots, 5);
  check_files(&r, false);
  append(&r, NULL);
  (void)expire(&r, 0);
  assert_int_equal(table(&r)->n_snapshots, 1);
  check_files(&r, false);
}

static void the_newest_position_of_every_producer_stays(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_RIG r = {0};
  CHECK_OK(rig_open(&r, NULL, NULL, 0, &err));
  static const firn_property positions[] = {
      {"firn.log.a", "{\"0\":1}"},         {"firn.log.b", "{\"0\":7}"}, {"firn.log.a", "{\"0\":2}"},
      {"redpanda.commit-metadata", "{}"},  {"unknown.offsets", "{}"},   {"kafka.connect.offsets.t.g", "{}"},
      {"firn.commit-id", "no such prefix"}};
  for (size_t i = 0; i < FIRN_COUNT_OF(positions); i++) {
    CHECK_OK(append_to(&r, NULL, &positions[i], &err));
  }
  append(&r, NULL);
  static const char *const prefixes[] = {"firn.log.", "kafka.connect.offsets.", "redpanda."};
  int64_t wanted[] = {snapshot_at(&r, 1), snapshot_at(&r, 2), snapshot_at(&r, 3), snapshot_at(&r, 5),
                      snapshot_at(&r, 7)};
  const firn_expire how = {.older_than_us = firn_ctx_now_us(r.ctx) + 10 * HOUR_MS * 1000,
                           .n_keep_newest_of = FIRN_COUNT_OF(prefixes),
                           .keep_newest_of = prefixes};
  firn_expired out;
  CHECK_OK(firn_expire_snapshots(&r.catalog.base, r.ctx, &test_table_id, &how, &out, &err));
  assert_int_equal(table(&r)->n_snapshots, FIRN_COUNT_OF(wanted));
  for (size_t i = 0; i < FIRN_COUNT_OF(wanted); i++) {
    assert_int_equal(snapshot_at(&r, i), wanted[i]);
  }
  check_files(&r, false);
}

static void append_fast(rig *r) {
  firn_error err;
  char prefix[16];
  const firn_append how = {.fast = true};
  (void)snprintf(prefix, sizeof prefix, "%d-", r->n_appends++);
  CHECK_OK(test_append(&r->catalog, r->ctx, prefix, 1, &how, &arena, NULL, &err));
}

/* What lay between a branch that stays and the snapshot that goes now went earlier, so no parent tells what
 * the two share. */
static void across_a_gap_of_earlier_expiries_no_manifest_is_lost(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_RIG r = {0};
  CHECK_OK(rig_open(&r, NULL, &merges_often, 1, &err));
  append(&r, NULL);
  append(&r, NULL);
  set_ref(&r, (firn_ref){.name = "audit",
                         .is_branch = true,
                         .snapshot_id = snapshot_at(&r, 1),
                         .max_snapshot_age_ms = 100 * HOUR_MS});
  append(&r, "audit"); /* merges: of the branch, the second snapshot alone still has its own manifest */
  append_fast(&r);
  pass_hours(&r, 2);
  append_fast(&r); /* has it too */
  assert_int_equal(expire(&r, 1).n_snapshots, 1);
  check_files(&r, false);
  pass_hours(&r, 2);
  append(&r, NULL);
  assert_int_equal(expire(&r, 1).n_snapshots, 1);
  assert_int_equal(table(&r)->n_snapshots, 4);
  check_files(&r, false);
}

static void statistics_of_forgotten_snapshots_go(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_RIG r = {0};
  CHECK_OK(rig_open(&r, NULL, NULL, 0, &err));
  append(&r, NULL);
  append(&r, NULL);
  for (size_t i = 0; i < 2; i++) {
    char json[256];
    (void)snprintf(json, sizeof json,
                   "{\"snapshot-id\":%lld,\"statistics-path\":\"memory://lake/db/events/metadata/%zu.stats\","
                   "\"file-size-in-bytes\":1,\"file-footer-size-in-bytes\":1,\"blob-metadata\":[]}",
                   (long long)snapshot_at(&r, i), i);
    const firn_update set = {.kind = FIRN_UPDATE_SET_STATISTICS,
                             .statistics = {.snapshot_id = snapshot_at(&r, i), .json = firn_bytes_of(json)}};
    commit_updates(&r, &set, 1);
    char path[64];
    (void)snprintf(path, sizeof path, "db/events/metadata/%zu.stats", i);
    CHECK_OK(firn_store_put(r.catalog.store, r.ctx, path, FIRN_LITERAL("x"), FIRN_PUT_ALWAYS, NULL, &err));
  }
  pass_hours(&r, 1);
  firn_expired out = expire(&r, 0);
  assert_int_equal(out.n_statistics, 1);
  assert_int_equal(test_count_objects(r.catalog.store, r.ctx, "0.stats"), 0);
  assert_int_equal(test_count_objects(r.catalog.store, r.ctx, "1.stats"), 1);
}

static void a_dry_run_only_counts(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_RIG r = {0};
  CHECK_OK(rig_open(&r, NULL, &merges_often, 1, &err));
  for (int i = 0; i < 7; i++) {
    append(&r, NULL);
  }
  pass_hours(&r, 1);
  size_t n_objects = test_count_objects(r.catalog.store, r.ctx, "");
  firn_expire how = {.older_than_us = firn_ctx_now_us(r.ctx), .is_dry = true};
  firn_expired dry, wet;
  CHECK_OK(firn_expire_snapshots(&r.catalog.base, r.ctx, &test_table_id, &how, &dry, &err));
  assert_int_equal(table(&r)->n_snapshots, 7);
  assert_int_equal(test_count_objects(r.catalog.store, r.ctx, ""), n_objects);
  how.is_dry = false;
  CHECK_OK(firn_expire_snapshots(&r.catalog.base, r.ctx, &test_table_id, &how, &wet, &err));
  assert_true(dry.n_manifests > 0);
  assert_memory_equal(&dry, &wet, sizeof dry);
  check_files(&r, false);
}

static void a_table_without_garbage_collection_is_left_alone(void **state) {
  (void)state;
  firn_error err;
  static const firn_property off = {"gc.enabled", "false"};
  FIRN_AUTO_RIG r = {0};
  CHECK_OK(rig_open(&r, NULL, &off, 1, &err));
  append(&r, NULL);
  append(&r, NULL);
  firn_expired out;
  CHECK_STATUS(expire_hours(&r, -1, &out, &err), FIRN_INVALID);
  CHECK_SAYS("gc.enabled=false");
  assert_int_equal(table(&r)->n_snapshots, 2);
}

/* --- others, and answers that get lost --- */

static void after_a_lost_answer_nothing_is_removed(void **state) {
  (void)state;
  for (int done = 0; done < 2; done++) {
    firn_error err;
    FIRN_AUTO_RIG r = {0};
    CHECK_OK(rig_open(&r, NULL, &merges_often, 1, &err));
    for (int i = 0; i < 5; i++) {
      append(&r, NULL);
    }
    pass_hours(&r, 1);
    size_t n_files = test_count_objects(r.catalog.store, r.ctx, ".avro");
    r.catalog.lost_after = done;
    r.catalog.lost_before = !done;
    firn_expired out;
    CHECK_STATUS(expire_hours(&r, 0, &out, &err), FIRN_UNCERTAIN);
    assert_int_equal(table(&r)->n_snapshots, done ? 1 : 5);
    assert_int_equal(test_count_objects(r.catalog.store, r.ctx, ".avro"), n_files);
    check_files(&r, true);
  }
}

static void rival_appends(test_catalog *c, void *arg) {
  firn_error err;
  FIRN_AUTO_ARENA a = FIRN_ARENA_INIT(0);
  c->rival = NULL;
  CHECK_OK(test_append(c, arg, "rival", 1, NULL, &a, NULL, &err));
}

static void who_is_faster_wins_and_nothing_happens(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_RIG r = {0};
  CHECK_OK(rig_open(&r, NULL, &merges_often, 1, &err));
  for (int i = 0; i < 5; i++) {
    append(&r, NULL);
  }
  pass_hours(&r, 1);
  r.catalog.rival = rival_appends;
  r.catalog.rival_arg = r.ctx;
  firn_expired out;
  CHECK_STATUS(expire_hours(&r, 0, &out, &err), FIRN_CONFLICT);
  assert_int_equal(out.n_snapshots, 0);
  assert_int_equal(table(&r)->n_snapshots, 6);
  check_files(&r, false);
}

/* A snapshot that is on no branch moves no reference: the fence does not see it. */
static void rival_stages(test_catalog *c, void *arg) {
  firn_error err;
  c->rival = NULL;
  firn_snapshot staged = firn_metadata_get(c->metadata)->snapshots[0]; /* needs what is about to go */
  staged.snapshot_id = 4711;
  staged.has_parent = false;
  staged.sequence_number = firn_metadata_get(c->metadata)->last_sequence_number + 1;
  staged.timestamp_ms = firn_metadata_get(c->metadata)->last_updated_ms;
  const firn_update add = {.kind = FIRN_UPDATE_ADD_SNAPSHOT, .snapshot = staged};
  const firn_table_commit commit = {.table = test_table_id, .n_updates = 1, .updates = &add};
  CHECK_OK(firn_catalog_commit(&c->base, arg, &commit, 1, NULL, &err));
}

static void a_snapshot_that_came_in_between_keeps_all_files(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_RIG r = {0};
  CHECK_OK(rig_open(&r, NULL, &merges_often, 1, &err));
  for (int i = 0; i < 5; i++) {
    append(&r, NULL);
  }
  pass_hours(&r, 1);
  r.catalog.rival = rival_stages;
  r.catalog.rival_arg = r.ctx;
  firn_expired out = expire(&r, 0);
  assert_int_equal(out.n_snapshots, 4);
  assert_int_equal(out.n_lists, 0);
  assert_true(out.n_left > 0);
  assert_int_equal(table(&r)->n_snapshots, 2);
  check_files(&r, true);
}

static void a_list_that_cannot_be_read_keeps_all_files(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_RIG r = {0};
  CHECK_OK(rig_open(&r, NULL, &merges_often, 1, &err));
  for (int i = 0; i < 5; i++) {
    append(&r, NULL);
  }
  pass_hours(&r, 1);
  const char *list = table(&r)->snapshots[4].manifest_list + strlen("memory://lake/");
  CHECK_OK(firn_store_put(r.catalog.store, r.ctx, list, FIRN_LITERAL("broken"), FIRN_PUT_ALWAYS, NULL, &err));
  size_t n_files = test_count_objects(r.catalog.store, r.ctx, ".avro");
  firn_expired out = expire(&r, 0);
  assert_int_equal(out.n_snapshots, 4);
  assert_int_equal(out.n_left, 4);
  assert_int_equal(test_count_objects(r.catalog.store, r.ctx, ".avro"), n_files);
}

/* Every call of the store in turn: whatever happens, no snapshot that is there lacks a file. */
static void a_store_that_fails_loses_nothing(void **state) {
  (void)state;
  static const firn_status statuses[] = {FIRN_IO, FIRN_UNCERTAIN};
  size_t n_calls = 1, before = 0;
  for (size_t at = 0; at < n_calls * FIRN_COUNT_OF(statuses); at++) {
    firn_error err;
    firn_store *memory = NULL, *faulty = NULL;
    FIRN_AUTO_RIG r = {0};
    CHECK_OK(firn_memory_store_open(0, &memory, &err));
    CHECK_OK(firn_faulty_store_open(memory, at == 0 ? SIZE_MAX : before + at / FIRN_COUNT_OF(statuses),
                                    statuses[at % FIRN_COUNT_OF(statuses)], &faulty, &err));
    CHECK_OK(rig_open(&r, faulty, &merges_often, 1, &err));
    for (int i = 0; i < 5; i++) {
      append(&r, NULL);
    }
    pass_hours(&r, 1);
    before = firn_faulty_store_calls(faulty);
    firn_expired out;
    (void)!expire_hours(&r, 0, &out, &err);
    n_calls = at == 0 ? firn_faulty_store_calls(faulty) - before : n_calls;
    check_files(&r, true);
  }
  assert_true(n_calls > 6);
}

/* --- any history --- */

static void change_at_random(rig *r) {
  static const char *const branches[] = {NULL, NULL, NULL, NULL, "dev", "test"};
  size_t n = table(r)->n_snapshots;
  uint64_t what = test_random() % 16;
  if (n == 0 || what < 9) {
    append(r, branches[test_random() % FIRN_COUNT_OF(branches)]);
    return;
  }
  if (what < 11) { /* back, or forward again, to anything that is there */
    set_ref(r,
            (firn_ref){.name = "main", .snapshot_id = snapshot_at(r, test_random() % n), .is_branch = true});
    return;
  }
  if (what < 13) {
    set_ref(r, (firn_ref){.name = "tag", .snapshot_id = snapshot_at(r, test_random() % n)});
    return;
  }
  if (what < 14) {
    const firn_update remove = {.kind = FIRN_UPDATE_REMOVE_SNAPSHOT_REF, .text = "dev"};
    commit_updates(r, &remove, 1);
    return;
  }
  pass_hours(r, 1);
  (void)expire(r, (int64_t)(test_random() % 4));
}

static void no_history_loses_a_file_or_keeps_one_too_many(void **state) {
  (void)state;
  for (int seed = 0; seed < 20; seed++) {
    firn_error err;
    FIRN_AUTO_RIG r = {0};
    CHECK_OK(rig_open(&r, NULL, &merges_often, 1, &err));
    for (int i = 0; i < seed * 5; i++) {
      (void)test_random();
    }
    for (int i = 0; i < 60; i++) {
      change_at_random(&r);
    }
    pass_hours(&r, 1);
    (void)expire(&r, seed % 3);
    check_files(&r, false);
  }
}

/* --- memory --- */

static firn_status append_and_expire(void) {
  firn_error err;
  firn_expired out;
  FIRN_AUTO_RIG r = {0};
  FIRN_TRY(rig_open(&r, NULL, NULL, 0, &err));
  FIRN_TRY(append_to(&r, NULL, NULL, &err));
  FIRN_TRY(append_to(&r, NULL, NULL, &err));
  pass_hours(&r, 1);
  FIRN_TRY(expire_hours(&r, 0, &out, &err));
  return out.n_left == 0 ? FIRN_OK : FIRN_NOMEM; /* what the removal itself allocates costs an orphan */
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(append_and_expire);
  firn_arena_free(&arena);
}

RUN_TESTS(old_snapshots_go_and_young_ones_stay,
          manifests_that_were_merged_go_with_the_last_list_that_names_them,
          the_table_keeps_as_many_as_it_says, references_have_retention_of_their_own,
          main_never_goes_and_a_tables_age_of_references_counts, staged_and_rolled_back_snapshots_go_by_age,
          the_newest_position_of_every_producer_stays, across_a_gap_of_earlier_expiries_no_manifest_is_lost,
          statistics_of_forgotten_snapshots_go, a_dry_run_only_counts,
          a_table_without_garbage_collection_is_left_alone, after_a_lost_answer_nothing_is_removed,
          who_is_faster_wins_and_nothing_happens, a_snapshot_that_came_in_between_keeps_all_files,
          a_list_that_cannot_be_read_keeps_all_files, a_store_that_fails_loses_nothing,
          no_history_loses_a_file_or_keeps_one_too_many, survives_oom)

#include "iceberg/scan/tasks.h"

#include "test_lake.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/pool.h"

/* Snapshot 1 of a table that is partitioned by identity(name). */
static const char table[] =
    "{\"format-version\":2,\"table-uuid\":\"9c12d441-03fe-4693-9a96-a0705ddf69c1\","
    "\"location\":\"" LAKE
    "\",\"last-sequence-number\":1,\"last-updated-ms\":1,\"last-column-id\":1,"
    "\"schemas\":[{\"type\":\"struct\",\"schema-id\":0,\"fields\":["
    "{\"id\":1,\"name\":\"name\",\"required\":false,\"type\":\"string\"}]}],\"current-schema-id\":0,"
    "\"partition-specs\":[{\"spec-id\":0,\"fields\":["
    "{\"source-id\":1,\"field-id\":1000,\"name\":\"name\",\"transform\":\"identity\"}]}],"
    "\"default-spec-id\":0,\"last-partition-id\":1000,"
    "\"sort-orders\":[{\"order-id\":0,\"fields\":[]}],\"default-sort-order-id\":0,"
    "\"current-snapshot-id\":1,\"snapshots\":[{\"snapshot-id\":1,\"sequence-number\":1,\"timestamp-ms\":1,"
    "\"manifest-list\":\"" LAKE "/list.avro\",\"summary\":{\"operation\":\"append\"}}]}";

static const firn_value in_a_partition = {.kind = FIRN_KIND_STRING, .bytes = {(const uint8_t *)"name", 4}};

static firn_data_file data_file(const char *path, int64_t rows, int64_t size, const int64_t *offsets,
                                size_t n_offsets) {
  static const firn_id_count counts[] = {{1, 5}};
  return (firn_data_file){.path = path,
                          .format = "PARQUET",
                          .partition = &in_a_partition,
                          .record_count = rows,
                          .size_bytes = size,
                          .null_counts = {true, 1, counts},
                          .n_split_offsets = n_offsets,
                          .split_offsets = offsets,
                          .has_sort_order_id = true,
                          .sort_order_id = 0};
}

/* Two manifests of the files, half in each. */
static firn_status fill(test_lake *l, const firn_data_file *files, size_t n, firn_error *err) {
  FIRN_TRY(test_lake_open(table, l, err));
  firn_manifest_entry *entries = firn_new_n(&l->arena, firn_manifest_entry, n);
  if (entries == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory");
  }
  for (size_t i = 0; i < n; i++) {
    entries[i] = (firn_manifest_entry){.status = FIRN_ENTRY_ADDED, .snapshot_id = 1, .file = files[i]};
  }
  firn_manifest_file made[2];
  FIRN_TRY(test_lake_manifest(l, LAKE "/a.avro", 0, 1, entries, n / 2, &made[0], err));
  FIRN_TRY(test_lake_manifest(l, LAKE "/b.avro", 0, 1, entries + n / 2, n - n / 2, &made[1], err));
  const firn_manifest_file *manifests[] = {&made[0], &made[1]};
  return test_lake_list(l, LAKE "/list.avro", 1, manifests, 2, err);
}

static firn_status open_tasks(test_lake *l, size_t split_bytes, firn_tasks **out, firn_error *err) {
  const firn_files_options options = {
      .metadata = l->metadata, .snapshot = firn_metadata_current_snapshot(l->metadata), .stores = l->stores};
  return firn_tasks_open(&options, split_bytes, l->ctx, out, err);
}

static void free_task(firn_scan_task *t) {
  firn_arena_free(&t->arena);
}
#define AUTO_TASK FIRN_AUTO(free_task) firn_scan_task

/* Checks that the tasks of the one file are disjoint, in order and without gaps to the end of the world;
 * their number, and where they begin. */
static size_t starts_of(const firn_data_file *file, size_t split_bytes, uint64_t *starts, size_t most) {
  firn_error err;
  FIRN_AUTO_LAKE lake = {0};
  FIRN_AUTO_TASKS *tasks = NULL;
  AUTO_TASK task = {0};
  CHECK_OK(fill(&lake, file, 1, &err));
  CHECK_OK(open_tasks(&lake, split_bytes, &tasks, &err));
  uint64_t end = 0;
  for (size_t n = 0;; n++) {
    bool is_over;
    CHECK_OK(firn_tasks_next(tasks, lake.ctx, &task, &is_over, &err));
    if (is_over) {
      assert_true(end == UINT64_MAX);
      return n;
    }
    assert_true(task.start == end);
    assert_true(task.length > 0);
    end = task.start + task.length;
    assert_true(end > task.start);
    assert_true(n < most);
    starts[n] = task.start;
  }
}

static void a_small_file_stays_whole(void **state) {
  (void)state;
  uint64_t starts[4];
  firn_data_file file = data_file("a", 10, 1000, NULL, 0);
  assert_int_equal(starts_of(&file, 0, starts, 4), 1);
  assert_int_equal(starts_of(&file, 1000, starts, 4), 1);
  file.size_bytes = INT64_C(1) << 40;
  assert_int_equal(starts_of(&file, SIZE_MAX, starts, 4), 1);
  file.size_bytes = 0;
  assert_int_equal(starts_of(&file, 1, starts, 4), 1);
}

static void row_groups_are_kept_together_up_to_the_split(void **state) {
  (void)state;
  uint64_t starts[8];
  static const int64_t offsets[] = {4, 100, 200, 300, 700, 800};
  firn_data_file file = data_file("a", 10, 900, offsets, 6);
  assert_int_equal(starts_of(&file, 250, starts, 8), 4);
  assert_int_equal(starts[1], 200);
  assert_int_equal(starts[2], 300);
  assert_int_equal(starts[3], 700); /* a row group larger than a split is a task of its own */
}

/* Four bytes of head are no task. */
static void a_large_first_row_group_is_a_task(void **state) {
  (void)state;
  uint64_t starts[8];
  static const int64_t offsets[] = {4, 500, 900};
  firn_data_file file = data_file("a", 10, 1000, offsets, 3);
  assert_int_equal(starts_of(&file, 100, starts, 8), 3);
  assert_int_equal(starts[1], 500);
  assert_int_equal(starts[2], 900);
  static const int64_t one[] = {4};
  file = data_file("a", 10, 1000, one, 1);
  assert_int_equal(starts_of(&file, 100, starts, 8), 1);
}

static void a_file_without_offsets_is_cut_by_bytes(void **state) {
  (void)state;
  uint64_t starts[16];
  firn_data_file file = data_file("a", 10, 1000, NULL, 0);
  assert_int_equal(starts_of(&file, 100, starts, 16), 10);
  assert_int_equal(starts_of(&file, 999, starts, 16), 2);
  assert_int_equal(starts[1], 999);
}

/* Trap 63: the last lies beyond the end of the file. */
static void offsets_that_are_nonsense_are_no_offsets(void **state) {
  (void)state;
  uint64_t starts[16];
  static const int64_t beyond[] = {4, 100, 1000};
  firn_data_file file = data_file("a", 10, 1000, beyond, 3);
  assert_int_equal(starts_of(&file, 500, starts, 16), 2);
  assert_int_equal(starts[1], 500);
}

static void a_size_that_is_a_lie_does_not_make_tasks_without_end(void **state) {
  (void)state;
  static uint64_t starts[5000];
  firn_data_file file = data_file("a", 10, INT64_MAX, NULL, 0);
  assert_in_range(starts_of(&file, 1, starts, 5000), 4096, 4100);
}

static void any_offsets_are_cut_without_gaps(void **state) {
  (void)state;
  (void)test_ctx();
  for (int turn = 0; turn < 60; turn++) {
    int64_t offsets[40];
    static uint64_t starts[5000];
    size_t n = test_random() % 40;
    int64_t at = 4;
    for (size_t i = 0; i < n; i++) {
      offsets[i] = at;
      at += 1 + (int64_t)(test_random() % (1U << test_random() % 12));
    }
    firn_data_file file = data_file("a", 10, at + 10, offsets, n);
    (void)starts_of(&file, 1 + test_random() % 4000, starts, 5000); /* checks by itself */
  }
}

static void a_task_owns_its_file(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_LAKE lake = {0};
  FIRN_AUTO_TASKS *tasks = NULL;
  AUTO_TASK task = {0};
  static const int64_t offsets[] = {4, 100};
  firn_data_file file = data_file("s3://b/a.parquet", 10, 900, offsets, 2);
  CHECK_OK(fill(&lake, &file, 1, &err));
  CHECK_OK(open_tasks(&lake, 0, &tasks, &err));
  assert_int_equal(firn_tasks_row_estimate(tasks), 10);
  bool is_over;
  CHECK_OK(firn_tasks_next(tasks, lake.ctx, &task, &is_over, &err));
  assert_false(is_over);
  firn_tasks_close(FIRN_HAND_OVER(tasks));
  assert_string_equal(task.file.path, "s3://b/a.parquet");
  assert_string_equal(task.file.format, "PARQUET");
  assert_int_equal(task.file.record_count, 10);
  CHECK_BYTES(task.file.partition[0].bytes, "name");
  assert_int_equal(task.file.n_split_offsets, 2);
  assert_int_equal(task.file.split_offsets[1], 100);
  assert_false(task.file.null_counts.present);
  assert_int_equal(task.residual->op, FIRN_EXPR_TRUE);
}

/* What a thread takes: numbers of files, which are their paths. */
typedef struct takers {
  test_lake *lake;
  firn_tasks *tasks;
  pthread_mutex_t lock; /* guards what follows */
  int seen[1000];

} takers;

static firn_status take_all(void *arg, size_t i, firn_ctx *ctx, firn_error *err) {
  (void)i;
  takers *t = arg;
  AUTO_TASK task = {0};
  for (;;) {
    bool is_over;
    FIRN_TRY(firn_tasks_next(t->tasks, ctx, &task, &is_over, err));
    if (is_over) {
      return FIRN_OK;
    }
    double progress = firn_tasks_progress(t->tasks);
    (void)pthread_mutex_lock(&t->lock);
    t->seen[strtol(task.file.path, NULL, 10)]++;
    (void)pthread_mutex_unlock(&t->lock);
    if (!(progress >= 0 && progress <= 1)) {
      return firn_error_set(err, FIRN_INVALID, "progress %f", progress);
    }
  }
}

static firn_status fill_many(test_lake *l, size_t n, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_data_file *files = firn_new_n(&arena, firn_data_file, n);
  for (size_t i = 0; files != NULL && i < n; i++) {
    files[i] = data_file(firn_arena_printf(&arena, "%zu", i), 100, 1000, NULL, 0);
    files = files[i].path == NULL ? NULL : files;
  }
  return files == NULL ? firn_error_set(err, FIRN_NOMEM, "no memory") : fill(l, files, n, err);
}

static void threads_take_each_task_once(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_LAKE lake = {0};
  FIRN_AUTO_TASKS *tasks = NULL;
  CHECK_OK(fill_many(&lake, 1000, &err));
  CHECK_OK(open_tasks(&lake, 250, &tasks, &err));
  takers t = {.lake = &lake, .tasks = tasks, .lock = PTHREAD_MUTEX_INITIALIZER};
  firn_pool *pool = NULL;
  CHECK_OK(firn_pool_open(3, &pool, &err));
  CHECK_OK(firn_pool_for_each(pool, lake.ctx, 8, take_all, &t, &err));
  firn_pool_close(pool);
  for (size_t i = 0; i < 1000; i++) {
    assert_int_equal(t.seen[i], 4);
  }
  assert_true(firn_tasks_progress(tasks) == 1);
}

static void progress_rises_from_none_to_all(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_LAKE lake = {0};
  FIRN_AUTO_TASKS *tasks = NULL;
  AUTO_TASK task = {0};
  CHECK_OK(fill_many(&lake, 200, &err));
  CHECK_OK(open_tasks(&lake, 0, &tasks, &err));
  assert_true(firn_tasks_progress(tasks) == 0);
  for (int i = 1;; i++) {
    bool is_over;
    CHECK_OK(firn_tasks_next(tasks, lake.ctx, &task, &is_over, &err));
    if (is_over) {
      break;
    }
    double wanted = i / 200.0, got = firn_tasks_progress(tasks);
    assert_true(got > wanted - 0.001 && got < wanted + 0.001);
  }
  assert_true(firn_tasks_progress(tasks) == 1);
}

static void a_failure_is_everybodys(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_LAKE lake = {0};
  FIRN_AUTO_TASKS *tasks = NULL;
  AUTO_TASK task = {0}, other = {0};
  CHECK_OK(fill_many(&lake, 10, &err));
  CHECK_OK(test_lake_put(&lake, LAKE "/b.avro", FIRN_LITERAL("no manifest"), &err));
  CHECK_OK(open_tasks(&lake, 0, &tasks, &err));
  bool is_over;
  CHECK_STATUS(firn_tasks_next(tasks, lake.ctx, &task, &is_over, &err), FIRN_CORRUPT);
  CHECK_SAYS("b.avro");
  CHECK_STATUS(firn_tasks_next(tasks, lake.ctx, &other, &is_over, &err), FIRN_CORRUPT);
  CHECK_SAYS("b.avro");
}

static firn_status take_without_memory(void) {
  firn_error err;
  FIRN_AUTO_LAKE lake = {0};
  FIRN_AUTO_TASKS *tasks = NULL;
  AUTO_TASK task = {0};
  FIRN_TRY(fill_many(&lake, 3, &err));
  FIRN_TRY(open_tasks(&lake, 0, &tasks, &err));
  for (bool is_over = false; !is_over;) {
    FIRN_TRY(firn_tasks_next(tasks, lake.ctx, &task, &is_over, &err));
  }
  return FIRN_OK;
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(take_without_memory);
}

RUN_TESTS(a_small_file_stays_whole, row_groups_are_kept_together_up_to_the_split,
          a_large_first_row_group_is_a_task, a_file_without_offsets_is_cut_by_bytes,
          offsets_that_are_nonsense_are_no_offsets, a_size_that_is_a_lie_does_not_make_tasks_without_end,
          any_offsets_are_cut_without_gaps, a_task_owns_its_file, threads_take_each_task_once,
          progress_rises_from_none_to_all, a_failure_is_everybodys, survives_oom)

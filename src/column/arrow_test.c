#include "column/arrow.h"

#include "test.h"

static const firn_field element = {.id = 15, .name = "element", .kind = FIRN_KIND_STRING};
static const firn_field entries[] = {
    {.id = 21, .name = "key", .required = true, .kind = FIRN_KIND_STRING},
    {.id = 22, .name = "value", .kind = FIRN_KIND_LONG},
};
static const firn_field inner[] = {
    {.id = 31, .name = "a", .required = true, .kind = FIRN_KIND_INT},
    {.id = 32, .name = "b", .kind = FIRN_KIND_BOOLEAN},
};
static const firn_field columns[] = {
    {.id = 1, .name = "n", .kind = FIRN_KIND_LONG},
    {.id = 2, .name = "tags", .kind = FIRN_KIND_LIST, .n_children = 1, .children = &element},
    {.id = 3, .name = "m", .kind = FIRN_KIND_MAP, .n_children = 2, .children = entries},
    {.id = 4, .name = "s", .kind = FIRN_KIND_STRUCT, .n_children = 2, .children = inner},
    {.id = 5, .name = "u", .required = true, .kind = FIRN_KIND_UUID},
    {.id = 6, .name = "nothing", .kind = FIRN_KIND_UNKNOWN},
    {.id = 7, .name = "d", .kind = FIRN_KIND_DECIMAL, .precision = 38, .scale = 4},
    {.id = FIRN_NO_ID, .name = "text", .kind = FIRN_KIND_STRING},
    {.id = FIRN_NO_ID, .name = "t", .required = true, .kind = FIRN_KIND_TIMESTAMPTZ_NS},
};
static const firn_field schema = {.id = FIRN_NO_ID,
                                  .name = "",
                                  .required = true,
                                  .kind = FIRN_KIND_STRUCT,
                                  .n_children = 9,
                                  .children = columns};

enum { ROWS = 100 };

static void set_len(firn_vector *v, size_t len) {
  v->len = len;
  for (uint32_t i = 0; v->kind == FIRN_KIND_STRUCT && i < v->n_children; i++) {
    set_len(&v->children[i], len);
  }
}

/* Row i: n is null for every third, tags and m have i % 3 entries, text is of i bytes. */
static firn_status make(firn_arena *arena, firn_batch *out, firn_error *err) {
  static const uint8_t uuid[16] = "0123456789abcdef";
  static const uint8_t text[ROWS] =
      "the quick brown fox jumps over the lazy dog, and over the snow that is on it";
  firn_batch b;
  FIRN_TRY(firn_batch_new(&schema, ROWS, arena, &b, err));
  firn_vector *c = b.columns;
  FIRN_TRY(firn_vector_need_validity(&c[0], ROWS, arena, err));
  FIRN_TRY(firn_vector_need_validity(&c[3], ROWS, arena, err));
  FIRN_TRY(firn_vector_need_validity(&c[7], ROWS, arena, err));
  b.n_rows = ROWS;
  for (uint32_t i = 0; i < schema.n_children; i++) {
    set_len(&c[i], ROWS);
  }
  int32_t at = 0;
  for (size_t i = 0; i < ROWS; i++) {
    c[0].i64[i] = (int64_t)i - 50;
    for (size_t k = 0; k < i % 3; k++, at++) {
      c[1].children[0].bytes[at] = (firn_bytes){text, k + i % 20};
      c[2].children[0].bytes[at] = (firn_bytes){text + k, 3};
      c[2].children[1].i64[at] = at;
    }
    c[1].offsets[i + 1] = c[2].offsets[i + 1] = at;
    c[3].children[0].i32[i] = (int32_t)i;
    if (i % 2 == 0) {
      firn_bit_set(c[3].children[1].bits, i);
    }
    c[4].bytes[i] = (firn_bytes){uuid, 16};
    c[6].dec[i] = ((firn_decimal)i - 7) * INT64_MAX;
    c[7].bytes[i] = (firn_bytes){text, i < 70 ? i : 5};
    c[8].i64[i] = INT64_MAX - (int64_t)i;
    if (i % 3 == 1) {
      firn_vector_set_null(&c[0], i);
      firn_vector_set_null(&c[3], i);
      firn_vector_set_null(&c[7], i);
      c[7].bytes[i] = (firn_bytes){NULL, 0};
    }
  }
  c[1].children[0].len = c[2].children[0].len = c[2].children[1].len = (size_t)at;
  c[5].n_nulls = ROWS;
  *out = b;
  return FIRN_OK;
}

static void check_same(const firn_vector *a, const firn_vector *b) {
  assert_int_equal(a->kind, b->kind);
  assert_int_equal(a->len, b->len);
  assert_int_equal(a->n_nulls, b->n_nulls);
  size_t size = firn_kind_value_size(a->kind);
  for (size_t i = 0; i < a->len; i++) {
    assert_int_equal(firn_vector_is_null(a, i), firn_vector_is_null(b, i));
    if (firn_vector_is_null(a, i)) {
      continue;
    }
    if (a->kind == FIRN_KIND_BOOLEAN) {
      assert_int_equal(firn_bit(a->bits, i), firn_bit(b->bits, i));
    } else if (firn_kind_is_bytes(a->kind)) {
      assert_true(firn_bytes_equal(a->bytes[i], b->bytes[i]));
    } else if (a->kind == FIRN_KIND_LIST || a->kind == FIRN_KIND_MAP) {
      assert_int_equal(a->offsets[i + 1], b->offsets[i + 1]);
    } else if (size > 0) {
      assert_memory_equal((uint8_t *)a->values + i * size, (uint8_t *)b->values + i * size, size);
    }
  }
  assert_int_equal(a->n_children, b->n_children);
  for (uint32_t i = 0; i < a->n_children; i++) {
    check_same(&a->children[i], &b->children[i]);
  }
}

static void check_same_field(const firn_field *a, const firn_field *b) {
  assert_true(firn_field_same_type(a, b));
  assert_int_equal(a->id, b->id);
  assert_string_equal(a->name, b->name);
  assert_int_equal(a->required, b->required);
  for (uint32_t i = 0; i < a->n_children; i++) {
    check_same_field(&a->children[i], &b->children[i]);
  }
}

static void what_goes_out_comes_back(void **state) {
  (void)state;
  firn_error err;
  for (int form = FIRN_ARROW_LARGE; form <= FIRN_ARROW_VIEW; form++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    firn_batch in;
    firn_batch out;
    firn_field field;
    struct ArrowSchema s;
    struct ArrowArray a;
    CHECK_OK(make(&arena, &in, &err));
    CHECK_OK(firn_batch_check(&in, &err));
    CHECK_OK(firn_arrow_schema_export(&schema, (firn_arrow_form)form, &s, &err));
    CHECK_OK(firn_arrow_batch_export(&in, (firn_arrow_form)form, &a, &err));
    assert_string_equal(s.children[7]->format, form == FIRN_ARROW_LARGE ? "U" : "vu");
    CHECK_OK(firn_arrow_schema_import(&s, &arena, &field, &err));
    check_same_field(&schema, &field);
    CHECK_OK(firn_arrow_batch_import(&a, &s, &field, &arena, &out, &err));
    CHECK_OK(firn_batch_check(&out, &err));
    for (uint32_t i = 0; i < schema.n_children; i++) {
      check_same(&in.columns[i], &out.columns[i]);
    }
    s.release(&s);
    a.release(&a);
    assert_null(s.release);
    assert_null(a.release);
  }
}

static void a_part_of_an_array_is_imported_by_its_offset(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_batch in;
  firn_batch out;
  struct ArrowSchema s;
  struct ArrowArray a;
  CHECK_OK(make(&arena, &in, &err));
  CHECK_OK(firn_arrow_schema_export(&schema, FIRN_ARROW_VIEW, &s, &err));
  CHECK_OK(firn_arrow_batch_export(&in, FIRN_ARROW_VIEW, &a, &err));
  for (int64_t from = 0; from < ROWS; from += 7) {
    a.offset = from;
    a.length = ROWS - from;
    CHECK_OK(firn_arrow_batch_import(&a, &s, &schema, &arena, &out, &err));
    CHECK_OK(firn_batch_check(&out, &err));
    for (size_t i = 0; i < out.n_rows; i++) {
      size_t j = i + (size_t)from;
      assert_int_equal(firn_vector_is_null(&out.columns[0], i), firn_vector_is_null(&in.columns[0], j));
      assert_int_equal(firn_bit(out.columns[3].children[1].bits, i),
                       firn_bit(in.columns[3].children[1].bits, j));
      assert_true(firn_bytes_equal(out.columns[7].bytes[i], in.columns[7].bytes[j]));
      const firn_vector *tags = &out.columns[1];
      assert_int_equal(tags->offsets[i + 1] - tags->offsets[i], j % 3);
      for (int32_t k = tags->offsets[i]; k < tags->offsets[i + 1]; k++) {
        assert_true(firn_bytes_equal(
            tags->children[0].bytes[k],
            in.columns[1].children[0].bytes[in.columns[1].offsets[j] + k - tags->offsets[i]]));
      }
    }
  }
  s.release(&s);
  a.release(&a);
}

static void a_child_may_outlive_its_parent(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_batch in;
  struct ArrowSchema s;
  struct ArrowArray a;
  CHECK_OK(make(&arena, &in, &err));
  CHECK_OK(firn_arrow_schema_export(&schema, FIRN_ARROW_LARGE, &s, &err));
  CHECK_OK(firn_arrow_batch_export(&in, FIRN_ARROW_LARGE, &a, &err));
  struct ArrowArray child = *a.children[0];
  struct ArrowSchema child_schema = *s.children[2];
  a.children[0]->release = NULL; /* moved */
  s.children[2]->release = NULL;
  a.release(&a);
  s.release(&s);
  assert_int_equal(((const int64_t *)child.buffers[1])[3], -47);
  assert_string_equal(child_schema.children[0]->children[1]->name, "value");
  child.release(&child);
  child_schema.release(&child_schema);
}

typedef struct counter {
  const firn_batch *batch;
  int left;
  bool fails;
  int *closed;
} counter;

static firn_status next_of(void *self, const firn_batch **out, firn_error *err) {
  counter *c = self;
  if (c->left == 0 && c->fails) {
    return firn_error_set(err, FIRN_CORRUPT, "block 3 is torn");
  }
  *out = c->left == 0 ? NULL : c->batch;
  c->left -= c->left > 0;
  return FIRN_OK;
}

static void close_counter(void *self) {
  counter *c = self;
  *c->closed += 1;
}

static firn_status stream_through(firn_batch *batch, bool fails, int *closed, int *n, firn_error *err) {
  struct ArrowArrayStream s;
  counter c = {.batch = batch, .left = 3, .fails = fails, .closed = closed};
  firn_batch_source source = {next_of, close_counter, &c};
  FIRN_TRY(firn_arrow_stream_export(&schema, source, FIRN_ARROW_VIEW, &s, err));
  FIRN_AUTO_ARROW_READER *r = NULL;
  FIRN_TRY(firn_arrow_reader_open(&s, &r, err));
  assert_null(s.release);
  for (*n = 0;; ++*n) {
    const firn_batch *got;
    FIRN_TRY(firn_arrow_reader_next(r, &got, err));
    if (got == NULL) {
      return FIRN_OK;
    }
    assert_int_equal(got->n_rows, batch->n_rows);
    check_same(&got->columns[2], &batch->columns[2]);
  }
}

static void streams_pass_batches_and_failures(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_batch in;
  int closed = 0;
  int n = 0;
  CHECK_OK(make(&arena, &in, &err));
  CHECK_OK(stream_through(&in, false, &closed, &n, &err));
  assert_int_equal(n, 3);
  assert_int_equal(closed, 1);
  CHECK_STATUS(stream_through(&in, true, &closed, &n, &err), FIRN_IO);
  CHECK_SAYS("block 3 is torn");
  assert_int_equal(closed, 2);
}

static void refuses_types_by_name(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_field field;
  static const char *const unknown[] = {"tiM",  "tDs", "+us:0,1", "+r", "d:10,2,256", "d:39,0", "d:5", "w:",
                                        "w:-1", "ts",  "tsx:",    "",   "+w:x",       "d:0,0",  "q"};
  for (size_t i = 0; i < FIRN_COUNT_OF(unknown); i++) {
    struct ArrowSchema s = {.format = unknown[i], .name = "odd"};
    CHECK_STATUS(firn_arrow_schema_import(&s, &arena, &field, &err), FIRN_UNSUPPORTED);
    CHECK_SAYS("odd has the Arrow type");
  }
  struct ArrowSchema list = {.format = "+l", .name = "l"};
  CHECK_STATUS(firn_arrow_schema_import(&list, &arena, &field, NULL), FIRN_INVALID);
  firn_field variant = {.name = "v", .kind = FIRN_KIND_VARIANT};
  CHECK_STATUS(firn_arrow_schema_export(&variant, FIRN_ARROW_LARGE, &list, NULL), FIRN_UNSUPPORTED);
}

/* One column of `n` values in a struct array, imported. */
static firn_status import_column(const char *format, const void *values, size_t n, firn_arena *arena,
                                 firn_vector *out, firn_error *err) {
  struct ArrowSchema column_schema = {.format = format, .name = "c", .flags = ARROW_FLAG_NULLABLE};
  struct ArrowSchema *schemas[] = {&column_schema};
  struct ArrowSchema s = {.format = "+s", .name = "", .n_children = 1, .children = schemas};
  const void *buffers[] = {NULL, values};
  const void *none[] = {NULL};
  struct ArrowArray column = {.length = (int64_t)n, .n_buffers = 2, .buffers = buffers};
  struct ArrowArray *arrays[] = {&column};
  struct ArrowArray a = {
      .length = (int64_t)n, .n_buffers = 1, .buffers = none, .n_children = 1, .children = arrays};
  firn_field field;
  firn_batch batch;
  FIRN_TRY(firn_arrow_schema_import(&s, arena, &field, err));
  FIRN_TRY(firn_arrow_batch_import(&a, &s, &field, arena, &batch, err));
  *out = batch.columns[0];
  return FIRN_OK;
}

static void numbers_widen_exactly(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_vector v;
  CHECK_OK(import_column("C", (uint8_t[]){0, 255}, 2, &arena, &v, &err));
  assert_int_equal(v.i32[1], 255);
  CHECK_OK(import_column("c", (int8_t[]){0, -128}, 2, &arena, &v, &err));
  assert_int_equal(v.i32[1], -128);
  CHECK_OK(import_column("I", (uint32_t[]){UINT32_MAX}, 1, &arena, &v, &err));
  assert_int_equal(v.i64[0], UINT32_MAX);
  CHECK_OK(import_column("L", (uint64_t[]){UINT64_MAX}, 1, &arena, &v, &err));
  assert_true(v.dec[0] == (firn_decimal)UINT64_MAX);
  CHECK_OK(import_column("d:5,2,32", (int32_t[]){-12345}, 1, &arena, &v, &err));
  assert_true(v.dec[0] == -12345);
  CHECK_OK(import_column("e", (uint16_t[]){0x3E00, 0x0001, 0xFC00}, 3, &arena, &v, &err));
  assert_true(v.f32[0] == 1.5F && v.f32[1] == 0x1p-24F && v.f32[2] == -1.0F / 0.0F);
  CHECK_OK(import_column("tdm", (int64_t[]){-1}, 1, &arena, &v, &err));
  assert_int_equal(v.i32[0], -1);
  CHECK_OK(import_column("tss:", (int64_t[]){-7}, 1, &arena, &v, &err));
  assert_int_equal(v.i64[0], -7000000);
  CHECK_STATUS(import_column("tss:", (int64_t[]){INT64_MAX / 2}, 1, &arena, &v, &err), FIRN_INVALID);
  CHECK_SAYS("c: value 0 is outside the range of its type");
  CHECK_STATUS(import_column("ttn", (int64_t[]){1}, 1, &arena, &v, &err), FIRN_UNSUPPORTED);
  CHECK_OK(import_column("ttn", (int64_t[]){1000}, 1, &arena, &v, &err));
  CHECK_STATUS(import_column("i", NULL, 1, &arena, &v, &err), FIRN_INVALID);
  CHECK_STATUS(import_column("U", (int64_t[]){0, 1}, 1, &arena, &v, &err), FIRN_INVALID); /* two buffers */
}

static firn_status through_once(void) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_batch in;
  firn_error err;
  int closed = 0;
  int n;
  FIRN_TRY(make(&arena, &in, NULL));
  firn_status status = stream_through(&in, false, &closed, &n, &err);
  assert_int_equal(closed, 1); /* whatever happened */
  return status;
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(through_once);
}

RUN_TESTS(what_goes_out_comes_back, a_part_of_an_array_is_imported_by_its_offset,
          a_child_may_outlive_its_parent, streams_pass_batches_and_failures, refuses_types_by_name,
          numbers_widen_exactly, survives_oom)

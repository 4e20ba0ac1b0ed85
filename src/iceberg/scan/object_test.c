#include "iceberg/scan/object.h"

#include "test.h"

enum { SIZE = 21 << 20 };

typedef struct lake {
  firn_store *store;
  firn_stores *stores;
} lake;

static void lake_close(lake *l) {
  firn_stores_close(l->stores);
  firn_store_close(l->store);
}
#define AUTO_LAKE FIRN_AUTO(lake_close) lake

static firn_status lake_open(lake *l, const char *path, firn_bytes bytes, firn_error *err) {
  firn_ctx *ctx = test_ctx();
  FIRN_TRY(firn_memory_store_open(0, &l->store, err));
  FIRN_TRY(firn_stores_open(ctx->env, &l->stores, err));
  FIRN_TRY(firn_stores_add(l->stores, "memory", "lake", l->store, err));
  return firn_store_put(l->store, ctx, path, bytes, FIRN_PUT_ALWAYS, NULL, err);
}

static firn_status read_all(firn_object_stream *s, size_t step, uint8_t *into, size_t room, size_t *len,
                            firn_error *err) {
  firn_avro_source source = firn_object_stream_source(s);
  *len = 0;
  for (;;) {
    size_t got = 0, wanted = room - *len < step ? room - *len : step;
    FIRN_TRY(source.read(source.self, test_ctx(), into + *len, wanted, &got, err));
    if (got == 0) {
      return FIRN_OK;
    }
    *len += got;
  }
}

/* Larger than a part, whatever is said of its size, in turn on one stream. */
static void a_stream_gives_the_whole_object(void **state) {
  (void)state;
  static const uint64_t said[] = {SIZE, 0, 1, SIZE - 1, SIZE + 1, UINT64_MAX, 300 << 10};
  firn_error err;
  AUTO_LAKE l = {0};
  uint8_t *data = firn_alloc_raw(SIZE), *back = firn_alloc_raw(SIZE + 1);
  assert_true(data != NULL && back != NULL);
  for (size_t i = 0; i < SIZE; i++) {
    data[i] = (uint8_t)(i * 2654435761U >> 13);
  }
  CHECK_OK(lake_open(&l, "a/big", (firn_bytes){data, SIZE}, &err));
  FIRN_AUTO_OBJECT_STREAM s = {0};
  for (size_t i = 0; i < FIRN_COUNT_OF(said); i++) {
    size_t len;
    CHECK_OK(firn_object_stream_open(&s, l.stores, NULL, test_ctx(), "memory://lake/a/big", said[i], &err));
    CHECK_OK(read_all(&s, 65536 + i * 1000, back, SIZE + 1, &len, &err));
    assert_int_equal(len, SIZE);
    assert_memory_equal(back, data, SIZE);
    assert_in_range(s.capacity, 1, 10 << 20);
  }
  firn_free(data);
  firn_free(back);
}

static void an_empty_object_is_at_its_end(void **state) {
  (void)state;
  firn_error err;
  AUTO_LAKE l = {0};
  CHECK_OK(lake_open(&l, "a/empty", (firn_bytes){NULL, 0}, &err));
  FIRN_AUTO_OBJECT_STREAM s = {0};
  for (uint64_t said = 0; said < 3; said++) {
    uint8_t byte;
    size_t len;
    CHECK_OK(firn_object_stream_open(&s, l.stores, NULL, test_ctx(), "memory://lake/a/empty", said, &err));
    CHECK_OK(read_all(&s, 1, &byte, 1, &len, &err));
    assert_int_equal(len, 0);
  }
}

static void a_missing_object_is_not_found(void **state) {
  (void)state;
  firn_error err;
  AUTO_LAKE l = {0};
  CHECK_OK(lake_open(&l, "a/b", FIRN_LITERAL("b"), &err));
  FIRN_AUTO_OBJECT_STREAM s = {0};
  CHECK_STATUS(firn_object_stream_open(&s, l.stores, NULL, test_ctx(), "memory://lake/a/c", 0, &err),
               FIRN_NOT_FOUND);
}

static void a_moved_object_is_read_where_it_was_found(void **state) {
  (void)state;
  firn_error err;
  AUTO_LAKE l = {0};
  const firn_moved moved = {"s3://old/t", "memory://lake/new"};
  CHECK_OK(lake_open(&l, "new/m.avro", FIRN_LITERAL("here"), &err));
  FIRN_AUTO_OBJECT_STREAM s = {0};
  uint8_t text[8];
  size_t len;
  CHECK_OK(firn_object_stream_open(&s, l.stores, &moved, test_ctx(), "s3://old/t/m.avro", 4, &err));
  CHECK_OK(read_all(&s, 8, text, 8, &len, &err));
  CHECK_BYTES(((firn_bytes){text, len}), "here");
}

static firn_status stream_without_memory(void) {
  firn_error err;
  AUTO_LAKE l = {0};
  FIRN_TRY(lake_open(&l, "a/b", FIRN_LITERAL("some text"), &err));
  FIRN_AUTO_OBJECT_STREAM s = {0};
  uint8_t text[16];
  size_t len;
  FIRN_TRY(firn_object_stream_open(&s, l.stores, NULL, test_ctx(), "memory://lake/a/b", 3, &err));
  return read_all(&s, 2, text, sizeof text, &len, &err);
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(stream_without_memory);
}

RUN_TESTS(a_stream_gives_the_whole_object, an_empty_object_is_at_its_end, a_missing_object_is_not_found,
          a_moved_object_is_read_where_it_was_found, survives_oom)

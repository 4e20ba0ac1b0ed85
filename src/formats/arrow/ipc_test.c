/* What a stream looks like from outside; that others read it is tests/interop/arrow_test.py's. */
#include "formats/arrow/ipc.h"

#include "random_batch.h"
#include "test.h"

static uint32_t u32_at(firn_bytes in, size_t at) {
  return (uint32_t)in.data[at] | (uint32_t)in.data[at + 1] << 8 | (uint32_t)in.data[at + 2] << 16 |
         (uint32_t)in.data[at + 3] << 24;
}

/* Every message begins with the mark, has a length that is a multiple of 8 and begins at one. */
static void messages_are_aligned(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 50; seed++) {
    firn_error err;
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    random_source r = {.state = seed};
    firn_field schema;
    firn_batch batch;
    assert_true(random_schema(&r, &arena, 6, &schema));
    assert_true(random_batch(&r, &schema, random_below(&r, 100), &arena, &batch));
    FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
    CHECK_OK(firn_arrow_ipc_write_schema(&schema, &b, &err));
    assert_int_equal(b.len % 8, 0);
    assert_int_equal(u32_at(firn_builder_bytes(&b), 0), UINT32_MAX);
    assert_int_equal(u32_at(firn_builder_bytes(&b), 4) + 8, b.len);
    size_t at = b.len;
    CHECK_OK(firn_arrow_ipc_write_batch(&batch, &b, &err));
    assert_int_equal(b.len % 8, 0);
    assert_int_equal(u32_at(firn_builder_bytes(&b), at), UINT32_MAX);
    assert_int_equal(u32_at(firn_builder_bytes(&b), at + 4) % 8, 0);
    at = b.len;
    firn_arrow_ipc_write_end(&b);
    assert_int_equal(b.len, at + 8);
  }
}

static void what_arrow_lacks_is_refused(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_field variant = {.id = 1, .name = "v", .kind = FIRN_KIND_VARIANT};
  firn_field schema = {.id = FIRN_NO_ID, .kind = FIRN_KIND_STRUCT, .n_children = 1, .children = &variant};
  CHECK_STATUS(firn_arrow_ipc_write_schema(&schema, &b, &err), FIRN_UNSUPPORTED);
}

static firn_status write_once(void) {
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  random_source r = {.state = 3};
  firn_field schema;
  firn_batch batch;
  if (!random_schema(&r, &arena, 5, &schema) || !random_batch(&r, &schema, 20, &arena, &batch)) {
    return FIRN_NOMEM;
  }
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  FIRN_TRY(firn_arrow_ipc_write_schema(&schema, &b, &err));
  FIRN_TRY(firn_arrow_ipc_write_batch(&batch, &b, &err));
  firn_arrow_ipc_write_end(&b);
  firn_bytes built;
  return firn_builder_finish(&b, &built, &err);
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(write_once);
}

RUN_TESTS(messages_are_aligned, what_arrow_lacks_is_refused, survives_oom)

#include "services/ingest/accepted.h"

#include "test.h"

static const firn_event_header headers[] = {
    {{(const uint8_t *)"ce-id", 5}, {(const uint8_t *)"7", 1}},
    {{(const uint8_t *)"content-type", 12}, {(const uint8_t *)"", 0}},
};

static firn_accepted sample(void) {
  return (firn_accepted){
      .mode = FIRN_EVENT_BINARY,
      .received_us = INT64_C(-5),
      .n_events = 1,
      .fingerprint = UINT64_C(0x8000000000000001),
      .idempotency_key = FIRN_LITERAL("key"),
      .client = FIRN_LITERAL("http ::1"),
      .n_headers = 2,
      .headers = headers,
      .body = FIRN_LITERAL("payload"),
  };
}

static firn_bytes record_of(const firn_accepted *a, firn_builder *b) {
  firn_error err;
  firn_bytes record;
  firn_accepted_write_head(a, b);
  firn_builder_add(b, a->body);
  CHECK_OK(firn_builder_finish(b, &record, &err));
  return record;
}

static void reads_back_what_was_written(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_accepted in = sample();
  firn_accepted out;
  CHECK_OK(firn_accepted_read(record_of(&in, &b), &arena, &out, &err));
  assert_int_equal(out.mode, in.mode);
  assert_int_equal(out.received_us, in.received_us);
  assert_int_equal(out.n_events, in.n_events);
  assert_true(out.fingerprint == in.fingerprint);
  CHECK_BYTES(out.idempotency_key, "key");
  CHECK_BYTES(out.client, "http ::1");
  assert_int_equal(out.n_headers, 2);
  CHECK_BYTES(out.headers[0].name, "ce-id");
  CHECK_BYTES(out.headers[0].value, "7");
  CHECK_BYTES(out.headers[1].value, "");
  CHECK_BYTES(out.body, "payload");
}

static void no_key_and_an_empty_body_come_back_as_such(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_accepted in = {.mode = FIRN_EVENT_LINES};
  firn_accepted out;
  CHECK_OK(firn_accepted_read(record_of(&in, &b), &arena, &out, &err));
  assert_null(out.idempotency_key.data);
  assert_int_equal(out.n_headers, 0);
  assert_int_equal(out.body.len, 0);
}

/* The bytes of version 1, so that a later program reads what this one wrote. */
static void version_1_stays_as_it_is(void **state) {
  (void)state;
  static const uint8_t wanted[] =
      "\1\1\2\0\0\0\0\0\0\0\3\0\0\0\4\0\0\0\0\0\0\0\1\0\0\0k\6\0\0\0http x\0\0\0\0{}";
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_accepted a = {.mode = FIRN_EVENT_STRUCTURED,
                     .received_us = 2,
                     .n_events = 3,
                     .fingerprint = 4,
                     .idempotency_key = FIRN_LITERAL("k"),
                     .client = FIRN_LITERAL("http x"),
                     .body = FIRN_LITERAL("{}")};
  firn_bytes record = record_of(&a, &b);
  assert_int_equal(record.len, sizeof wanted - 1);
  assert_memory_equal(record.data, wanted, record.len);
  assert_true(firn_accepted_fingerprint(&a) == UINT64_C(0x67D49721B9A53DBE));
}

static void a_newer_version_is_refused(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_accepted out;
  CHECK_STATUS(firn_accepted_read(FIRN_LITERAL("\2anything"), &arena, &out, &err), FIRN_UNSUPPORTED);
  CHECK_SAYS("newer");
}

static void every_cut_of_the_head_is_refused(void **state) {
  (void)state;
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_accepted in = sample();
  firn_bytes record = record_of(&in, &b);
  for (size_t len = 0; len < record.len - in.body.len; len++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    firn_accepted out;
    uint8_t *cut = firn_alloc_raw(len + 1);
    assert_non_null(cut);
    memcpy(cut, record.data, len);
    CHECK_STATUS(firn_accepted_read((firn_bytes){cut, len}, &arena, &out, NULL), FIRN_CORRUPT);
    firn_free(cut);
  }
}

static void no_flipped_byte_reads_beyond_the_end(void **state) {
  (void)state;
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_accepted in = sample();
  firn_bytes record = record_of(&in, &b);
  for (size_t i = 0; i < record.len; i++) {
    for (unsigned bit = 0; bit < 8; bit++) {
      FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
      firn_accepted out = {0};
      uint8_t *copy = firn_alloc_raw(record.len);
      assert_non_null(copy);
      memcpy(copy, record.data, record.len);
      copy[i] ^= (uint8_t)(1u << bit);
      if (firn_accepted_read((firn_bytes){copy, record.len}, &arena, &out, NULL) == FIRN_OK) {
        assert_true(out.body.len <= record.len);
        (void)firn_accepted_fingerprint(&out); /* ASan looks at every byte */
      }
      firn_free(copy);
    }
  }
}

static void the_fingerprint_knows_mode_headers_and_body(void **state) {
  (void)state;
  firn_accepted a = sample();
  firn_accepted same = a;
  same.received_us = 1;
  same.client = FIRN_LITERAL("http 10.0.0.1");
  assert_true(firn_accepted_fingerprint(&a) == firn_accepted_fingerprint(&same));
  firn_accepted other = a;
  other.body = FIRN_LITERAL("payloae");
  assert_true(firn_accepted_fingerprint(&a) != firn_accepted_fingerprint(&other));
  other = a;
  other.n_headers = 1;
  assert_true(firn_accepted_fingerprint(&a) != firn_accepted_fingerprint(&other));
  other = a;
  other.mode = FIRN_EVENT_STRUCTURED;
  assert_true(firn_accepted_fingerprint(&a) != firn_accepted_fingerprint(&other));
}

static firn_status write_and_read(void) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_accepted in = sample();
  firn_accepted out;
  firn_bytes record;
  firn_accepted_write_head(&in, &b);
  firn_builder_add(&b, in.body);
  FIRN_TRY(firn_builder_finish(&b, &record, NULL));
  return firn_accepted_read(record, &arena, &out, NULL);
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(write_and_read);
}

RUN_TESTS(reads_back_what_was_written, no_key_and_an_empty_body_come_back_as_such, version_1_stays_as_it_is,
          a_newer_version_is_refused, every_cut_of_the_head_is_refused, no_flipped_byte_reads_beyond_the_end,
          the_fingerprint_knows_mode_headers_and_body, survives_oom)

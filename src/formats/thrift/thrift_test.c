#include "formats/thrift/thrift.h"

#include "base/alloc.h"
#include "test.h"

/* A struct that uses everything there is. */
static void write_sample(firn_builder *b) {
  firn_thrift_writer w = FIRN_THRIFT_WRITER_INIT(b);
  firn_thrift_write_begin(&w);
  firn_thrift_write_i32(&w, 1, -7);
  firn_thrift_write_bool(&w, 2, true);
  firn_thrift_write_bool(&w, 3, false);
  firn_thrift_write_binary(&w, 4, FIRN_LITERAL("snow"));
  firn_thrift_write_struct(&w, 20); /* further than a delta reaches */
  firn_thrift_write_i64(&w, 1, INT64_MIN);
  firn_thrift_write_double(&w, 2, 0.5);
  firn_thrift_write_i8(&w, 3, -128);
  firn_thrift_write_i16(&w, 4, INT16_MAX);
  firn_thrift_write_end(&w);
  firn_thrift_write_list(&w, 21, FIRN_THRIFT_I64, 20);
  for (int i = 0; i < 20; i++) {
    firn_thrift_write_i64_element(&w, i * INT64_C(1000000007));
  }
  firn_thrift_write_list(&w, 22, FIRN_THRIFT_TRUE, 3);
  for (int i = 0; i < 3; i++) {
    firn_thrift_write_bool_element(&w, i == 1);
  }
  firn_thrift_write_list(&w, 23, FIRN_THRIFT_STRUCT, 2);
  for (int i = 0; i < 2; i++) {
    firn_thrift_write_begin(&w);
    firn_thrift_write_i32(&w, 5, i);
    firn_thrift_write_end(&w);
  }
  firn_thrift_write_list(&w, 24, FIRN_THRIFT_BINARY, 1);
  firn_thrift_write_binary_element(&w, FIRN_LITERAL(""));
  firn_thrift_write_list(&w, 25, FIRN_THRIFT_I32, 1);
  firn_thrift_write_i32_element(&w, INT32_MAX);
  firn_thrift_write_end(&w);
}

typedef struct sample {
  int32_t one, max;
  bool two, three, flags[3];
  firn_bytes four;
  int64_t smallest, sum;
  double half;
  int32_t byte, word, last;
  size_t n_empty;
} sample;

static void read_inner(firn_thrift_reader *r, sample *s) {
  firn_thrift_struct_begin(r);
  for (firn_thrift_field f = {0}; firn_thrift_field_next(r, &f);) {
    switch (f.id) {
      case 1:
        s->smallest = firn_thrift_i64(r, f);
        break;
      case 2:
        s->half = firn_thrift_double(r, f);
        break;
      case 3:
        s->byte = firn_thrift_i32(r, f);
        break;
      case 4:
        s->word = firn_thrift_i32(r, f);
        break;
      default:
        firn_thrift_skip(r, f.type);
    }
  }
  firn_thrift_struct_end(r);
}

static void read_lists(firn_thrift_reader *r, firn_thrift_field f, sample *s) {
  static const firn_thrift_type types[] = {FIRN_THRIFT_I64, FIRN_THRIFT_FALSE, FIRN_THRIFT_STRUCT,
                                           FIRN_THRIFT_BINARY, FIRN_THRIFT_I32};
  size_t n = firn_thrift_list_begin(r, f, types[f.id - 21]);
  for (size_t i = 0; i < n; i++) {
    if (f.id == 21) {
      s->sum += firn_thrift_i64_element(r) & 0xFFFFFFFFF;
    } else if (f.id == 22) {
      s->flags[i % 3] = firn_thrift_bool_element(r);
    } else if (f.id == 23) {
      firn_thrift_struct_begin(r);
      for (firn_thrift_field g = {0}; firn_thrift_field_next(r, &g);) {
        s->last = firn_thrift_i32(r, g);
      }
      firn_thrift_struct_end(r);
    } else if (f.id == 24) {
      s->n_empty += firn_thrift_binary_element(r).len == 0;
    } else {
      s->max = firn_thrift_i32_element(r);
    }
  }
}

static bool read_sample(firn_bytes in, sample *s) {
  firn_thrift_reader r = firn_thrift_reader_over(in);
  firn_thrift_struct_begin(&r);
  for (firn_thrift_field f = {0}; firn_thrift_field_next(&r, &f);) {
    if (f.id == 1) {
      s->one = firn_thrift_i32(&r, f);
    } else if (f.id == 2) {
      s->two = firn_thrift_bool(&r, f);
    } else if (f.id == 3) {
      s->three = firn_thrift_bool(&r, f);
    } else if (f.id == 4) {
      s->four = firn_thrift_binary(&r, f);
    } else if (f.id == 20 && f.type == FIRN_THRIFT_STRUCT) {
      read_inner(&r, s);
    } else if (f.id >= 21 && f.id <= 25) {
      read_lists(&r, f, s);
    } else {
      firn_thrift_skip(&r, f.type);
    }
  }
  firn_thrift_struct_end(&r);
  assert_true(r.in.bad || r.depth == 0);
  return !r.in.bad;
}

static void reads_what_it_wrote(void **state) {
  (void)state;
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  write_sample(&b);
  sample s = {0};
  assert_true(read_sample(firn_builder_bytes(&b), &s));
  assert_int_equal(s.one, -7);
  assert_true(s.two);
  assert_false(s.three);
  CHECK_BYTES(s.four, "snow");
  assert_true(s.smallest == INT64_MIN);
  assert_true(s.half == 0.5);
  assert_int_equal(s.byte, -128);
  assert_int_equal(s.word, INT16_MAX);
  assert_int_equal(s.sum, INT64_C(1000000007) * 190);
  assert_true(!s.flags[0] && s.flags[1] && !s.flags[2]);
  assert_int_equal(s.last, 1);
  assert_int_equal(s.n_empty, 1);
  assert_int_equal(s.max, INT32_MAX);
}

/* {1: i32 1, 2: string "ab", 5: list<i32> [1, -1], 6: true} by Apache Thrift's rules, worked out by hand. */
static void writes_the_bytes_of_the_protocol(void **state) {
  (void)state;
  static const uint8_t wanted[] = {0x15, 0x02, 0x18, 0x02, 'a', 'b', 0x39, 0x25, 0x02, 0x01, 0x11, 0x00};
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_thrift_writer w = FIRN_THRIFT_WRITER_INIT(&b);
  firn_thrift_write_begin(&w);
  firn_thrift_write_i32(&w, 1, 1);
  firn_thrift_write_binary(&w, 2, FIRN_LITERAL("ab"));
  firn_thrift_write_list(&w, 5, FIRN_THRIFT_I32, 2);
  firn_thrift_write_i32_element(&w, 1);
  firn_thrift_write_i32_element(&w, -1);
  firn_thrift_write_bool(&w, 6, true);
  firn_thrift_write_end(&w);
  assert_int_equal(b.len, sizeof wanted);
  assert_memory_equal(b.data, wanted, sizeof wanted);
}

static void skips_everything(void **state) {
  (void)state;
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  write_sample(&b);
  firn_thrift_reader r = firn_thrift_reader_over(firn_builder_bytes(&b));
  firn_thrift_skip(&r, FIRN_THRIFT_STRUCT);
  assert_false(r.in.bad);
  assert_int_equal(firn_cursor_left(&r.in), 0);
  /* A map of i32 to string: {1: "a", 2: "b"}, and an empty one. */
  static const uint8_t map[] = {0x1B, 0x02, 0x58, 0x02, 0x01, 'a', 0x04, 0x01, 'b', 0x1B, 0x00, 0x00};
  r = firn_thrift_reader_over((firn_bytes){map, sizeof map});
  firn_thrift_skip(&r, FIRN_THRIFT_STRUCT);
  assert_false(r.in.bad);
  assert_int_equal(firn_cursor_left(&r.in), 0);
}

static void refuses_every_cut_and_survives_every_flip(void **state) {
  (void)state;
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  write_sample(&b);
  for (size_t len = 0; len < b.len; len++) {
    uint8_t *cut = firn_alloc(len);
    memcpy(cut, b.data, len);
    sample s = {0};
    assert_false(read_sample((firn_bytes){cut, len}, &s));
    firn_thrift_reader r = firn_thrift_reader_over((firn_bytes){cut, len});
    firn_thrift_skip(&r, FIRN_THRIFT_STRUCT);
    assert_true(r.in.bad);
    firn_free(cut);
  }
  for (size_t at = 0; at < b.len; at++) {
    for (unsigned bit = 0; bit < 8; bit++) {
      b.data[at] ^= (uint8_t)(1U << bit);
      sample s = {0};
      (void)read_sample(firn_builder_bytes(&b), &s); /* may be readable still; must not crash */
      b.data[at] ^= (uint8_t)(1U << bit);
    }
  }
}

static void bounds_depth_and_counts(void **state) {
  (void)state;
  uint8_t deep[100];
  memset(deep, 0x1C, sizeof deep); /* field 1: a struct, again and again */
  firn_thrift_reader r = firn_thrift_reader_over((firn_bytes){deep, sizeof deep});
  firn_thrift_skip(&r, FIRN_THRIFT_STRUCT);
  assert_true(r.in.bad);
  assert_true(firn_cursor_offset(&r.in) <= FIRN_THRIFT_MAX_DEPTH);
  memset(deep, 0x19, sizeof deep); /* lists of a list */
  r = firn_thrift_reader_over((firn_bytes){deep, sizeof deep});
  firn_thrift_skip(&r, FIRN_THRIFT_LIST);
  assert_true(r.in.bad);
  static const uint8_t many[] = {0xF5, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0x00};
  r = firn_thrift_reader_over((firn_bytes){many, sizeof many});
  assert_int_equal(firn_thrift_list_begin(&r, (firn_thrift_field){1, FIRN_THRIFT_LIST}, FIRN_THRIFT_I32), 0);
  assert_true(r.in.bad);
}

static void refuses_other_types_and_ranges(void **state) {
  (void)state;
  static const uint8_t big[] = {0x80, 0x80, 0x80, 0x80, 0x20, 0x00}; /* zigzag of 2^32 */
  firn_thrift_reader r = firn_thrift_reader_over((firn_bytes){big, sizeof big});
  (void)firn_thrift_i32(&r, (firn_thrift_field){1, FIRN_THRIFT_I32});
  assert_true(r.in.bad);
  r = firn_thrift_reader_over((firn_bytes){big, sizeof big});
  assert_true(firn_thrift_i64(&r, (firn_thrift_field){1, FIRN_THRIFT_I32}) == INT64_C(1) << 32);
  assert_false(r.in.bad);
  (void)firn_thrift_i32(&r, (firn_thrift_field){1, FIRN_THRIFT_I64});
  assert_true(r.in.bad);
  r = firn_thrift_reader_over((firn_bytes){big, sizeof big});
  (void)firn_thrift_binary(&r, (firn_thrift_field){1, FIRN_THRIFT_I64});
  assert_true(r.in.bad);
  r = firn_thrift_reader_over((firn_bytes){big, sizeof big});
  (void)firn_thrift_bool(&r, (firn_thrift_field){1, FIRN_THRIFT_I8});
  assert_true(r.in.bad);
}

static firn_status write_once(void) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_bytes out;
  write_sample(&b);
  return firn_builder_finish(&b, &out, NULL);
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(write_once);
}

RUN_TESTS(reads_what_it_wrote, writes_the_bytes_of_the_protocol, skips_everything,
          refuses_every_cut_and_survives_every_flip, bounds_depth_and_counts, refuses_other_types_and_ranges,
          survives_oom)

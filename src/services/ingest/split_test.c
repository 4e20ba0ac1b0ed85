#include "services/ingest/split.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/builder.h"
#include "test.h"

/* An input over text that gives at most `step` bytes at a time. */
typedef struct text_input {
  firn_bytes rest;
  size_t step;
} text_input;

static firn_status read_text(void *self, firn_ctx *ctx, uint8_t *into, size_t len, size_t *got,
                             firn_error *err) {
  (void)ctx;
  (void)err;
  text_input *t = self;
  size_t n = len < t->step ? len : t->step;
  n = n < t->rest.len ? n : t->rest.len;
  if (n > 0) {
    memcpy(into, t->rest.data, n);
  }
  t->rest.data += n;
  t->rest.len -= n;
  *got = n;
  return FIRN_OK;
}

/* All events of `text`, each followed by its offset and a bar, as one text on the builder. */
static firn_status split(const char *text, size_t step, size_t block_bytes, size_t max_event,
                         firn_builder *out, firn_error *err) {
  text_input t = {firn_bytes_of(text), step};
  firn_input input = {.origin = "test", .read = read_text, .self = &t};
  firn_splitter s;
  firn_event_block block = {0};
  firn_splitter_init(&s, &input, block_bytes, max_event);
  firn_ctx *ctx = test_ctx();
  firn_status status;
  for (;;) {
    status = firn_splitter_next(&s, ctx, &block, err);
    if (status != FIRN_OK || block.n_events == 0) {
      break;
    }
    for (size_t i = 0; i < block.n_events; i++) {
      firn_event_span e = block.events[i];
      firn_builder_add(out, (firn_bytes){block.data + e.at, e.len});
      firn_builder_addf(out, "@%zu|", (size_t)block.offset + e.at);
    }
  }
  firn_event_block_free(&block);
  firn_splitter_free(&s);
  return status;
}

/* However the input arrives and however small the blocks are, the events are the same. */
static void gives(const char *text, const char *wanted) {
  static const size_t steps[] = {1, 2, 3, 7, 1000};
  for (size_t i = 0; i < FIRN_COUNT_OF(steps); i++) {
    for (size_t block = 1; block < 40; block += 3) {
      firn_error err;
      FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
      CHECK_OK(split(text, steps[i], block, 0, &b, &err));
      CHECK_BYTES(firn_builder_bytes(&b), wanted);
    }
  }
}

static void splits_lines(void **state) {
  (void)state;
  gives("", "");
  gives(" \n\r\n\t", "");
  gives("{1}\n{22}\n", "{1}@0|{22}@4|");
  gives("{1}\r\n\n  {22}", "{1}@0|  {22}@6|");
  gives("{\"a\":[1,2]}\nnonsense\n{3}", "{\"a\":[1,2]}@0|nonsense@12|{3}@21|");
}

static void a_line_is_kept_byte_for_byte(void **state) {
  (void)state;
  gives(" {1 \n\t\r\n{2\r", " {1 @0|{2@8|");
}

static void splits_an_array(void **state) {
  (void)state;
  gives("[]", "");
  gives(" [ ] \n", "");
  gives("[{1}]", "{1}@1|");
  gives("[ {\"a\":\"],}\\\"\"} ,\n [2,[3]] ]\n", "{\"a\":\"],}\\\"\"}@2|[2,[3]]@19|");
  gives("[1,2,3]", "1@1|2@3|3@5|");
}

static void a_broken_array_loses_nothing(void **state) {
  (void)state;
  gives("[1,{\"a\":2", "1@1|{\"a\":2@3|");
  gives("[1,,2]", "1@1|@3|2@4|");
  gives("[1,]", "1@1|@3|");
  gives("[,1]", "@1|1@2|");
  gives("[1] trailing", "1@1|trailing@4|");
  gives("[1][2]", "1@1|[2]@3|");
}

static void passes_over_a_byte_order_mark(void **state) {
  (void)state;
  gives("\xEF\xBB\xBF{1}\n", "{1}@3|");
  gives("\xEF\xBB\xBF[1]", "1@4|");
}

static void refuses_an_event_that_is_too_large(void **state) {
  (void)state;
  static const char *const texts[] = {"{1}\n{2345678901234567890}\n", "[1,\"12345678901234567890\"]"};
  for (size_t i = 0; i < 2; i++) {
    for (size_t block = 1; block < 40; block += 5) {
      firn_error err;
      FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
      CHECK_STATUS(split(texts[i], 3, block, 10, &b, &err), FIRN_LIMIT);
      CHECK_SAYS(i == 0 ? "the event at offset 4 is larger than 10 bytes"
                        : "the event at offset 3 is larger");
    }
  }
}

static firn_status split_some(void) {
  firn_error err;
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  FIRN_TRY(split("{1}\n{2}\n{33333333333333333333333333333333}\n", 5, 8, 0, &b, &err));
  return b.failed;
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(split_some);
}

RUN_TESTS(splits_lines, a_line_is_kept_byte_for_byte, splits_an_array, a_broken_array_loses_nothing,
          passes_over_a_byte_order_mark, refuses_an_event_that_is_too_large, survives_oom)

#include "rows/input_internal.h"

#include "base/alloc.h"

enum { FIRST_CAPACITY = 64 << 10 };

/* Moves what is there to the front. */
static void move_down(firn_input_buffer *b) {
  if (b->at > 0 && b->end > b->at) {
    memmove(b->data, b->data + b->at, b->end - b->at);
  }
  b->end -= b->at;
  b->at = 0;
}

/* Room for more bytes; small inputs never need much. */
static firn_status make_room(firn_input_buffer *b, firn_error *err) {
  if (b->capacity - b->end >= FIRST_CAPACITY / 2) {
    return FIRN_OK;
  }
  size_t capacity = b->capacity == 0 ? FIRST_CAPACITY : b->capacity * 2;
  uint8_t *moved = firn_realloc(b->data, capacity);
  if (moved == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory to hold %zu bytes of input", capacity);
  }
  b->data = moved;
  b->capacity = capacity;
  return FIRN_OK;
}

firn_status firn_input_fill(firn_input_buffer *b, firn_ctx *ctx, size_t wanted, firn_error *err) {
  if (b->end - b->at >= wanted || b->is_over) {
    return FIRN_OK;
  }
  move_down(b);
  while (b->end < wanted && !b->is_over) {
    size_t got = 0;
    FIRN_TRY(make_room(b, err));
    FIRN_TRY(firn_ctx_check(ctx, err));
    FIRN_TRY(b->input.read(b->input.self, ctx, b->data + b->end, b->capacity - b->end, &got, err));
    b->end += got;
    b->is_over = got == 0;
  }
  return FIRN_OK;
}

firn_status firn_input_begin(firn_input_buffer *b, firn_ctx *ctx, firn_error *err) {
  static const struct {
    firn_bytes magic;
    const char *what;
  } others[] = {
      {{(const uint8_t *)"\x1F\x8B", 2}, "packed by gzip: unpack it first (zcat)"},
      {{(const uint8_t *)"\x28\xB5\x2F\xFD", 4}, "packed by zstd: unpack it first (zstdcat)"},
      {{(const uint8_t *)"BZh", 3}, "packed by bzip2: unpack it first (bzcat)"},
      {{(const uint8_t *)"\xFF\xFE", 2}, "UTF-16: turn it into UTF-8 first (iconv)"},
      {{(const uint8_t *)"\xFE\xFF", 2}, "UTF-16: turn it into UTF-8 first (iconv)"},
      {{(const uint8_t *)"PAR1", 4}, "a Parquet file: --from parquet reads those"},
  };
  FIRN_TRY(firn_input_fill(b, ctx, 4, err));
  firn_bytes start = firn_input_rest(b);
  for (size_t i = 0; i < FIRN_COUNT_OF(others); i++) {
    if (firn_bytes_has_prefix(start, others[i].magic)) {
      return firn_error_set(err, FIRN_UNSUPPORTED, "the input is %s", others[i].what);
    }
  }
  if (firn_bytes_has_prefix(start, FIRN_LITERAL("\xEF\xBB\xBF"))) {
    b->at += 3;
  }
  return FIRN_OK;
}

void firn_input_free(firn_input_buffer *b) {
  firn_free(b->data);
  b->data = NULL;
}

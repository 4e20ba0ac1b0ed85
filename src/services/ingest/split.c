#include "services/ingest/split.h"

#include <inttypes.h>

#include "base/alloc.h"

enum { DEFAULT_BLOCK = 4 << 20, DEFAULT_MAX_EVENT = 16 << 20 };

void firn_event_block_free(firn_event_block *b) {
  firn_free(b->data);
  firn_free(b->events);
  *b = (firn_event_block){0};
}

void firn_splitter_init(firn_splitter *s, const firn_input *input, size_t block_bytes,
                        size_t max_event_bytes) {
  *s = (firn_splitter){.input = input,
                       .block_bytes = block_bytes == 0 ? DEFAULT_BLOCK : block_bytes,
                       .max_event_bytes = max_event_bytes == 0 ? DEFAULT_MAX_EVENT : max_event_bytes};
}

void firn_splitter_free(firn_splitter *s) {
  firn_free(s->carry);
  s->carry = NULL;
}

static bool is_space(uint8_t c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static firn_status no_memory(size_t bytes, firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for %zu bytes of input", bytes);
}

static firn_status need_room(uint8_t **data, size_t *capacity, size_t wanted, firn_error *err) {
  if (*capacity >= wanted) {
    return FIRN_OK;
  }
  uint8_t *moved = firn_realloc(*data, wanted);
  if (moved == NULL) {
    return no_memory(wanted, err);
  }
  *data = moved;
  *capacity = wanted;
  return FIRN_OK;
}

/* Where only white space is left between `from` and `to`. */
static bool is_blank(const firn_event_block *b, size_t from, size_t to) {
  while (from < to && is_space(b->data[from])) {
    from++;
  }
  return from == to;
}

static firn_status add_event(firn_splitter *s, firn_event_block *b, size_t from, size_t to, firn_error *err) {
  if (to - from > s->max_event_bytes) {
    return firn_error_set(err, FIRN_LIMIT,
                          "the event at offset %" PRIu64
                          " is larger than %zu bytes: raise the limit (--max-event-size) to take it",
                          b->offset + from, s->max_event_bytes);
  }
  if (b->n_events == b->events_capacity) {
    size_t capacity = b->events_capacity == 0 ? 1024 : b->events_capacity * 2;
    firn_event_span *moved = firn_realloc(b->events, capacity * sizeof *moved);
    if (moved == NULL) {
      return no_memory(capacity * sizeof *moved, err);
    }
    b->events = moved;
    b->events_capacity = capacity;
  }
  b->events[b->n_events++] = (firn_event_span){from, to - from};
  return FIRN_OK;
}

/* A line is kept as it stands, but for a carriage return at its end. Blank lines are nothing. */
static firn_status add_line(firn_splitter *s, firn_event_block *b, size_t from, size_t to, firn_error *err) {
  to -= to > from && b->data[to - 1] == '\r';
  return is_blank(b, from, to) ? FIRN_OK : add_event(s, b, from, to, err);
}

/* An element of an array, without the white space around it. A blank one is nothing, unless commas demand an
 * element. */
static firn_status add_element(firn_splitter *s, firn_event_block *b, size_t from, size_t to, bool needed,
                               firn_error *err) {
  while (from < to && is_space(b->data[from])) {
    from++;
  }
  while (to > from && is_space(b->data[to - 1])) {
    to--;
  }
  return from == to && !needed ? FIRN_OK : add_event(s, b, from, to, err);
}

/* Each finder adds the whole events of the block and says, in `*used`, where the first incomplete one begins.
 * At the end of the input there is no incomplete one. */
static firn_status find_lines(firn_splitter *s, firn_event_block *b, size_t from, size_t *used,
                              firn_error *err) {
  size_t at = from;
  while (at < b->len) {
    const uint8_t *end = memchr(b->data + at, '\n', b->len - at);
    if (end == NULL) {
      break;
    }
    FIRN_TRY(add_line(s, b, at, (size_t)(end - b->data), err));
    at = (size_t)(end - b->data) + 1;
  }
  if (s->is_over && at < b->len) {
    FIRN_TRY(add_line(s, b, at, b->len, err));
    at = b->len;
  }
  *used = at;
  return FIRN_OK;
}

/* Where the element that begins at `from` ends: at a comma or bracket of the array's own level. SIZE_MAX: not
 * in the block. */
static size_t element_end(const firn_event_block *b, size_t from) {
  size_t depth = 0;
  bool in_text = false;
  for (size_t i = from; i < b->len; i++) {
    uint8_t c = b->data[i];
    if (in_text) {
      i += c == '\\';
      in_text = c != '"';
    } else if (c == '"') {
      in_text = true;
    } else if (c == '{' || c == '[') {
      depth++;
    } else if (depth == 0 && (c == ',' || c == ']')) {
      return i;
    } else if (c == '}' || c == ']') {
      depth -= depth > 0;
    }
  }
  return SIZE_MAX;
}

static firn_status find_elements(firn_splitter *s, firn_event_block *b, size_t from, size_t *used,
                                 firn_error *err) {
  size_t at = from;
  while (s->form == FIRN_SPLIT_ARRAY) {
    size_t end = element_end(b, at);
    if (end == SIZE_MAX) {
      if (s->is_over) { /* the array does not end: what is there is the last element */
        FIRN_TRY(add_element(s, b, at, b->len, false, err));
        at = b->len;
      }
      break;
    }
    bool is_last = b->data[end] == ']';
    FIRN_TRY(add_element(s, b, at, end, s->has_elements || !is_last, err));
    s->has_elements = true;
    s->form = is_last ? FIRN_SPLIT_AFTER_ARRAY : FIRN_SPLIT_ARRAY;
    at = end + 1;
  }
  if (s->form == FIRN_SPLIT_AFTER_ARRAY &&
      s->is_over) { /* nothing should be here; what is, is kept as it is */
    FIRN_TRY(add_element(s, b, at, b->len, false, err));
    at = b->len;
  }
  *used = at;
  return FIRN_OK;
}

/* Looks at the first byte that says something. `*from` is where events may begin. */
static void tell_form(firn_splitter *s, const firn_event_block *b, size_t *from) {
  static const uint8_t byte_order_mark[] = {0xEF, 0xBB, 0xBF};
  size_t at = *from;
  size_t seen = b->len < sizeof byte_order_mark ? b->len : sizeof byte_order_mark;
  if (b->offset == 0 && seen > 0 && memcmp(b->data, byte_order_mark, seen) == 0) {
    if (seen < sizeof byte_order_mark && !s->is_over) {
      return; /* more of it may come */
    }
    at = seen == sizeof byte_order_mark ? seen : 0;
    *from = at;
  }
  while (at < b->len && is_space(b->data[at])) {
    at++;
  }
  if (at < b->len) {
    s->form = b->data[at] == '[' ? FIRN_SPLIT_ARRAY : FIRN_SPLIT_LINES;
    *from = s->form == FIRN_SPLIT_ARRAY ? at + 1 : *from;
  }
}

static firn_status read_more(firn_splitter *s, firn_ctx *ctx, firn_event_block *b, firn_error *err) {
  while (!s->is_over && b->len < b->capacity) {
    size_t got;
    FIRN_TRY(s->input->read(s->input->self, ctx, b->data + b->len, b->capacity - b->len, &got, err));
    b->len += got;
    s->is_over = got == 0;
  }
  return FIRN_OK;
}

static firn_status keep_rest(firn_splitter *s, const firn_event_block *b, size_t used, firn_error *err) {
  s->carry_len = b->len - used;
  s->offset = b->offset + used;
  FIRN_TRY(need_room(&s->carry, &s->carry_capacity, s->carry_len, err));
  if (s->carry_len > 0) {
    memcpy(s->carry, b->data + used, s->carry_len);
  }
  return FIRN_OK;
}

static firn_status find_events(firn_splitter *s, firn_event_block *b, size_t *used, firn_error *err) {
  size_t from = 0;
  if (s->form == FIRN_SPLIT_UNKNOWN) {
    tell_form(s, b, &from);
  }
  if (s->form ==
      FIRN_SPLIT_UNKNOWN) { /* white space only: it can go, except where a byte order mark may begin */
    *used = s->is_over || b->len >= 3 ? b->len : 0;
    return FIRN_OK;
  }
  return s->form == FIRN_SPLIT_LINES ? find_lines(s, b, from, used, err)
                                     : find_elements(s, b, from, used, err);
}

firn_status firn_splitter_next(firn_splitter *s, firn_ctx *ctx, firn_event_block *block, firn_error *err) {
  block->origin = s->input->origin;
  block->offset = s->offset;
  block->n_events = 0;
  block->len = s->carry_len;
  size_t wanted = s->block_bytes > s->carry_len * 2 ? s->block_bytes : s->carry_len * 2;
  FIRN_TRY(need_room(&block->data, &block->capacity, wanted, err));
  if (s->carry_len > 0) {
    memcpy(block->data, s->carry, s->carry_len);
  }
  for (;;) {
    FIRN_TRY(firn_ctx_check(ctx, err));
    FIRN_TRY(read_more(s, ctx, block, err));
    size_t used = 0;
    FIRN_TRY(find_events(s, block, &used, err));
    if (block->n_events > 0 || s->is_over) {
      return keep_rest(s, block, used, err);
    }
    if (block->len - used > s->max_event_bytes) {
      return firn_error_set(err, FIRN_LIMIT,
                            "the event at offset %" PRIu64
                            " is larger than %zu bytes: raise the limit (--max-event-size) to take it",
                            block->offset + used, s->max_event_bytes);
    }
    memmove(block->data, block->data + used, block->len - used);
    block->len -= used;
    block->offset += used;
    if (block->len > block->capacity / 2) {
      FIRN_TRY(need_room(&block->data, &block->capacity, block->capacity * 2, err));
    }
  }
}

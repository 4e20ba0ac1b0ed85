/* Bodies of answers that do not live in the exchange: held in memory of their own, within the budget of all,
 * or read from their file piece by piece. */
#include <inttypes.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "services/fetch/answer_internal.h"

enum {
  SMALL = 64 << 10, /* copied into the exchange */
  AHEAD = 1 << 20,  /* of a file that is streamed, read at a time */
};

/* ---- held ---- */

firn_held *firn_held_new(firn_fetch *f) {
  firn_held *h = firn_alloc(sizeof *h);
  if (h != NULL) {
    h->fetch = f;
  }
  return h;
}

void firn_held_free(firn_held *h) {
  if (h != NULL) {
    firn_fetch_release(h->fetch, h->reserved);
    firn_builder_free(&h->builder);
    firn_arena_free(&h->arena);
    firn_free(h);
  }
}

void firn_held_free_pointer(firn_held **h) {
  firn_held_free(*h);
}

static firn_status read_held(void *self, firn_ctx *ctx, uint8_t *into, size_t len, size_t *got,
                             firn_error *err) {
  firn_held *h = self;
  (void)ctx;
  (void)err;
  *got = len < h->left.len ? len : h->left.len;
  if (*got > 0) {
    memcpy(into, h->left.data, *got);
  }
  h->left = firn_bytes_part(h->left, *got, h->left.len);
  return FIRN_OK;
}

static void close_held(void *self) {
  firn_held_free(self);
}

void firn_held_answer(firn_held *h, firn_exchange *x, const char *content_type, firn_bytes body) {
  if (body.len <= SMALL) {
    firn_exchange_answer(x, 200, content_type, body, false);
    firn_held_free(h);
    return;
  }
  h->left = body;
  firn_http_body stream = {.read = read_held, .close = close_held, .self = h};
  firn_exchange_stream(x, 200, content_type, (int64_t)body.len, stream);
}

firn_status firn_fetch_answer_json(firn_fetch *f, firn_exchange *x, firn_builder *b, firn_error *err) {
  FIRN_AUTO_HELD *h = firn_held_new(f);
  firn_bytes body;
  FIRN_TRY(firn_builder_finish(b, &body, err));
  if (h == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for an answer");
  }
  if (body.len > SMALL && !firn_fetch_reserve(f, b->capacity)) {
    return firn_error_set(err, FIRN_BUSY, "too much is being answered at the moment: try again");
  }
  h->reserved = body.len > SMALL ? b->capacity : 0;
  h->builder = *b;
  *b = (firn_builder){0};
  firn_exchange_add_header(x, "Cache-Control", "no-store");
  firn_held_answer(FIRN_HAND_OVER(h), x, "application/json", body);
  return FIRN_OK;
}

/* ---- streamed ---- */

typedef struct streamed {
  firn_fetch *fetch;
  firn_cached_file *hold;
  firn_parquet_located at;
  uint64_t done;   /* read from the file */
  uint32_t crc;    /* of it */
  firn_bytes left; /* of what was read ahead */
  uint8_t *ahead;
} streamed;

static void close_streamed(void *self) {
  streamed *s = self;
  firn_file_cache_release(s->fetch->cache, s->hold);
  firn_free(s->ahead);
  firn_free(s);
}

/* The last piece is given only when the whole is what it was: a client that sees the end has seen no flipped
 * bit. */
static firn_status read_more(streamed *s, firn_ctx *ctx, firn_error *err) {
  uint64_t left = s->at.len - s->done;
  size_t len = left < AHEAD ? (size_t)left : AHEAD;
  const firn_archive_file *file = firn_cached_file_of(s->hold);
  FIRN_TRY(firn_archive_file_read_at(file, ctx, s->at.offset + s->done, s->ahead, len, err));
  s->left = (firn_bytes){s->ahead, len};
  s->crc = firn_crc32(s->crc, s->left);
  s->done += len;
  if (s->done == s->at.len && s->at.has_crc && s->crc != s->at.crc) {
    firn_file_cache_forget(s->fetch->cache, s->hold);
    return firn_error_set(err, FIRN_CORRUPT, "the check sum of a page does not match");
  }
  return FIRN_OK;
}

static firn_status read_streamed(void *self, firn_ctx *ctx, uint8_t *into, size_t len, size_t *got,
                                 firn_error *err) {
  streamed *s = self;
  if (s->left.len == 0 && s->done < s->at.len) {
    FIRN_TRY(read_more(s, ctx, err));
  }
  *got = len < s->left.len ? len : s->left.len;
  if (*got > 0) {
    memcpy(into, s->left.data, *got);
  }
  s->left = firn_bytes_part(s->left, *got, s->left.len);
  return FIRN_OK;
}

firn_status firn_fetch_stream(firn_fetch *f, firn_exchange *x, firn_cached_file *hold,
                              const firn_parquet_located *at, const char *content_type, firn_error *err) {
  streamed *s = firn_alloc(sizeof *s);
  uint8_t *ahead = firn_alloc_raw(AHEAD);
  if (s == NULL || ahead == NULL) {
    firn_free(s);
    firn_free(ahead);
    firn_file_cache_release(f->cache, hold);
    return firn_error_set(err, FIRN_NOMEM, "no memory to stream a payload");
  }
  *s = (streamed){.fetch = f, .hold = hold, .at = *at, .crc = at->crc_before, .ahead = ahead};
  firn_http_body body = {.read = read_streamed, .close = close_streamed, .self = s, .is_slow = true};
  firn_exchange_stream(x, 200, content_type, (int64_t)at->len, body);
  return FIRN_OK;
}

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "formats/codec/codec_internal.h"

static size_t none_bound(size_t len) {
  return len;
}

static firn_status none_compress(void *state, firn_bytes in, uint8_t *into, size_t room, size_t *len,
                                 firn_error *err) {
  (void)state;
  (void)err;
  assert(room >= in.len);
  (void)room; /* only asserted */
  if (in.len > 0) {
    memcpy(into, in.data, in.len);
  }
  *len = in.len;
  return FIRN_OK;
}

static firn_status none_decompress(void **state, firn_bytes in, uint8_t *into, size_t room, size_t *len,
                                   firn_error *err) {
  if (in.len > room) {
    return firn_error_set(err, FIRN_LIMIT, "more than %zu bytes", room);
  }
  return none_compress(state, in, into, room, len, err);
}

static const firn_codec_ops none = {.name = "none",
                                    .bound = none_bound,
                                    .compress = none_compress,
                                    .decompress = none_decompress,
                                    .max_ratio = 1};

static const firn_codec_ops *const codecs[FIRN_CODEC_COUNT] = {
    [FIRN_CODEC_NONE] = &none,
    [FIRN_CODEC_SNAPPY] = &firn_codec_snappy,
    [FIRN_CODEC_GZIP] = &firn_codec_gzip,
    [FIRN_CODEC_DEFLATE] = &firn_codec_deflate,
    [FIRN_CODEC_LZ4_RAW] = &firn_codec_lz4_raw,
    [FIRN_CODEC_ZSTD] = &firn_codec_zstd,
    [FIRN_CODEC_BROTLI] = &firn_codec_brotli,
};

static const firn_codec_ops *ops_of(firn_codec codec) {
  return (unsigned)codec < FIRN_CODEC_COUNT ? codecs[codec] : NULL;
}

const char *firn_codec_name(firn_codec codec) {
  const firn_codec_ops *ops = ops_of(codec);
  return ops == NULL ? NULL : ops->name;
}

firn_status firn_codec_by_name(const char *name, firn_codec *out, firn_error *err) {
  static const struct {
    const char *name;
    firn_codec codec;
  } others[] = {{"lz4", FIRN_CODEC_LZ4_RAW}, {"uncompressed", FIRN_CODEC_NONE}};
  for (int i = 0; i < FIRN_CODEC_COUNT; i++) {
    if (strcasecmp(name, codecs[i]->name) == 0) {
      *out = (firn_codec)i;
      return FIRN_OK;
    }
  }
  for (size_t i = 0; i < FIRN_COUNT_OF(others); i++) {
    if (strcasecmp(name, others[i].name) == 0) {
      *out = others[i].codec;
      return FIRN_OK;
    }
  }
  return firn_error_set(
      err, FIRN_INVALID,
      "there is no codec \"%.40s\"; there are none, snappy, gzip, deflate, lz4_raw, zstd and brotli", name);
}

firn_status firn_codec_parse(const char *text, firn_codec *codec, int *level, firn_error *err) {
  char name[16];
  size_t len = strcspn(text, ":");
  *level = FIRN_LEVEL_DEFAULT;
  if (len >= sizeof name) {
    return firn_error_set(err, FIRN_INVALID, "\"%.40s\" is no codec", text);
  }
  memcpy(name, text, len);
  name[len] = '\0';
  if (text[len] == ':') {
    int consumed = 0;
    const char *number = text + len + 1;
    if (sscanf(number, "%d%n", level, &consumed) != 1 || number[consumed] != '\0') {
      return firn_error_set(err, FIRN_INVALID, "\"%.40s\" is no level of a codec", number);
    }
  }
  return firn_codec_by_name(name, codec, err);
}

struct firn_compressor {
  const firn_codec_ops *ops;
  void *state;
};

static firn_status level_check(const firn_codec_ops *ops, int *level, firn_error *err) {
  if (*level == 0 || *level == FIRN_LEVEL_DEFAULT) {
    *level = ops->level_default;
    return FIRN_OK;
  }
  if (ops->level_max == 0) {
    return firn_error_set(err, FIRN_INVALID, "%s has no levels, %d was asked", ops->name, *level);
  }
  if (*level < ops->level_min || *level > ops->level_max) {
    return firn_error_set(err, FIRN_INVALID, "%s has levels %d to %d, %d was asked", ops->name,
                          ops->level_min, ops->level_max, *level);
  }
  return FIRN_OK;
}

firn_status firn_compressor_new(firn_codec codec, int level, firn_compressor **out, firn_error *err) {
  const firn_codec_ops *ops = ops_of(codec);
  if (ops == NULL) {
    return firn_error_set(err, FIRN_INVALID, "there is no codec number %d", (int)codec);
  }
  FIRN_TRY(level_check(ops, &level, err));
  FIRN_AUTO_COMPRESSOR *c = firn_alloc(sizeof *c);
  if (c == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a %s compressor", ops->name);
  }
  c->ops = ops;
  if (ops->open != NULL) {
    FIRN_TRY(ops->open(level, &c->state, err));
  }
  *out = FIRN_HAND_OVER(c);
  return FIRN_OK;
}

void firn_compressor_free(firn_compressor *c) {
  if (c == NULL) {
    return;
  }
  if (c->state != NULL) {
    c->ops->close(c->state);
  }
  firn_free(c);
}

void firn_compressor_free_pointer(firn_compressor **c) {
  firn_compressor_free(*c);
}

size_t firn_compressor_memory(const firn_compressor *c) {
  return sizeof *c + (c->ops->memory == NULL ? 0 : c->ops->memory(c->state));
}

size_t firn_compress_bound(const firn_compressor *c, size_t len) {
  return c->ops->bound(len);
}

firn_status firn_compress(firn_compressor *c, firn_bytes in, firn_builder *out, firn_error *err) {
  firn_bytes done;
  if (in.len > INT32_MAX) { /* the smallest bound of all codecs, LZ4's, is near it */
    return firn_error_set(err, FIRN_LIMIT, "%s: a block of %zu bytes", c->ops->name, in.len);
  }
  size_t room = c->ops->bound(in.len);
  uint8_t *into = firn_builder_reserve(out, room);
  if (into == NULL) {
    return firn_builder_finish(out, &done, err);
  }
  size_t len = 0;
  FIRN_TRY(c->ops->compress(c->state, in, into, room, &len, err));
  firn_builder_claim(out, len);
  return FIRN_OK;
}

struct firn_decompressor {
  void *states[FIRN_CODEC_COUNT];
};

firn_status firn_decompressor_new(firn_decompressor **out, firn_error *err) {
  firn_decompressor *d = firn_alloc(sizeof *d);
  if (d == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a decompressor");
  }
  *out = d;
  return FIRN_OK;
}

void firn_decompressor_free(firn_decompressor *d) {
  if (d == NULL) {
    return;
  }
  for (int i = 0; i < FIRN_CODEC_COUNT; i++) {
    if (d->states[i] != NULL) {
      codecs[i]->forget(d->states[i]);
    }
  }
  firn_free(d);
}

void firn_decompressor_free_pointer(firn_decompressor **d) {
  firn_decompressor_free(*d);
}

firn_status firn_decompress(firn_decompressor *d, firn_codec codec, firn_bytes in, uint8_t *into, size_t size,
                            firn_error *err) {
  const firn_codec_ops *ops = ops_of(codec);
  if (ops == NULL) {
    return firn_error_set(err, FIRN_INVALID, "there is no codec number %d", (int)codec);
  }
  if (in.len == 0 && size == 0) {
    return FIRN_OK;
  }
  uint8_t nowhere[1];
  size_t len = 0;
  firn_status status = ops->decompress(&d->states[codec], in, into == NULL ? nowhere : into, size, &len, err);
  if (status == FIRN_LIMIT) {
    return firn_error_set(err, FIRN_CORRUPT, "%s: the block holds more than %zu bytes", ops->name, size);
  }
  FIRN_TRY(status);
  if (len != size) {
    return firn_error_set(err, FIRN_CORRUPT, "%s: the block holds %zu bytes, not %zu", ops->name, len, size);
  }
  return FIRN_OK;
}

/* How much room to try first: what the block says, as far as it can be believed. Never none, which would not
 * grow by doubling: a first frame or a last member may hold nothing. */
static size_t first_room(const firn_codec_ops *ops, firn_bytes in) {
  enum { LEAST = 64 };
  size_t believable = in.len > (SIZE_MAX >> 8) ? SIZE_MAX : in.len * 32 + 4096;
  size_t guess = in.len > (SIZE_MAX >> 8) ? SIZE_MAX : in.len * 4 + 256;
  if (ops->hint != NULL) {
    uint64_t said = ops->hint(in);
    guess = said > believable ? believable : (size_t)said;
  }
  guess = guess < LEAST ? LEAST : guess;
  return ops->max_ratio == 1 ? in.len : guess;
}

firn_status firn_decompress_grow(firn_decompressor *d, firn_codec codec, firn_bytes in, firn_builder *out,
                                 firn_error *err) {
  const firn_codec_ops *ops = ops_of(codec);
  firn_bytes failed;
  if (ops == NULL) {
    return firn_error_set(err, FIRN_INVALID, "there is no codec number %d", (int)codec);
  }
  if (in.len == 0) {
    return FIRN_OK;
  }
  size_t most = SIZE_MAX; /* a block that would become more than this is broken */
  if (ops->max_ratio != 0 && in.len < SIZE_MAX / ops->max_ratio - 64) {
    most = in.len * ops->max_ratio + 64;
  }
  size_t bound = out->max_bytes == 0 ? SIZE_MAX : out->max_bytes - out->len;
  size_t guess = first_room(ops, in);
  size_t have = out->capacity - out->len; /* a builder that was used before knows what blocks become */
  for (size_t room = guess > have ? guess : have;; room = room > SIZE_MAX / 2 ? SIZE_MAX : room * 2) {
    room = room > most ? most : room;
    room = room > bound ? bound : room;
    uint8_t *into = firn_builder_reserve(out, room);
    if (into == NULL) {
      return firn_builder_finish(out, &failed, err);
    }
    size_t len = 0;
    firn_status status = ops->decompress(&d->states[codec], in, into, room, &len, err);
    if (status == FIRN_OK) {
      firn_builder_claim(out, len);
      return FIRN_OK;
    }
    if (status != FIRN_LIMIT) {
      return status;
    }
    if (room == most) {
      return firn_error_set(err, FIRN_CORRUPT, "%s: the block is broken", ops->name);
    }
    if (room == bound) {
      return firn_error_set(err, FIRN_LIMIT, "%s: more than %zu bytes", ops->name, bound);
    }
  }
}

#include <assert.h>

#include "base/alloc.h"
#include "formats/avro/avro.h"
#include "formats/avro/codec_internal.h"

enum {
  SYNC_BYTES = 16,
  READ_BYTES = 64 << 10,
  DEFAULT_MAX_BLOCK = 64 << 20,
  MAX_EMPTY_RECORDS = 1 << 20 /* in one block, of a schema whose values take no bytes */
};

static const uint8_t magic[4] = {'O', 'b', 'j', 1};

/* Bytes that have been read from the source and not been used yet: [at, len) of `data`. */
typedef struct input {
  firn_avro_source source;
  uint8_t *data;
  size_t at, len, capacity;
  bool at_end; /* of the source */
} input;

struct firn_avro_reader {
  input in;
  firn_arena arena; /* of the head */
  const firn_avro_schema *schema;
  size_t n_pairs;
  const firn_avro_pair *pairs;
  uint8_t sync[SYNC_BYTES];
  firn_codec codec;
  size_t max_block_bytes;
  firn_decompressor *decompressor;
  firn_builder plain;  /* the block, decompressed */
  firn_cursor records; /* what is left of it */
  uint64_t n_left;     /* records */
  uint64_t n_blocks;   /* read so far */
};

static firn_bytes in_hand(const input *in) {
  return (firn_bytes){in->data == NULL ? NULL : in->data + in->at, in->len - in->at};
}

static firn_status make_room(input *in, size_t wanted, firn_error *err) {
  if (in->at > 0) { /* to the front, so that the buffer grows no larger than what is wanted at once */
    memmove(in->data, in->data + in->at, in->len - in->at);
    in->len -= in->at;
    in->at = 0;
  }
  if (wanted <= in->capacity) {
    return FIRN_OK;
  }
  uint8_t *moved = firn_realloc(in->data, wanted);
  if (moved == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu bytes of an Avro file", wanted);
  }
  in->data = moved;
  in->capacity = wanted;
  return FIRN_OK;
}

/* Reads on until `wanted` bytes are in hand or the source is at its end. The buffer grows as bytes come, not
 * as the file promises. */
static firn_status fill(input *in, firn_ctx *ctx, size_t wanted, firn_error *err) {
  while (in->len - in->at < wanted && !in->at_end) {
    size_t have = in->len - in->at;
    size_t room = have < READ_BYTES ? READ_BYTES : have * 2;
    if (in->capacity - in->len < READ_BYTES / 2) {
      FIRN_TRY(make_room(in, room < READ_BYTES * 2 ? READ_BYTES * 2 : room, err));
    }
    size_t got = 0;
    FIRN_TRY(in->source.read(in->source.self, ctx, in->data + in->len, in->capacity - in->len, &got, err));
    assert(got <= in->capacity - in->len);
    in->len += got;
    in->at_end = got == 0;
  }
  return FIRN_OK;
}

static firn_status read_from_bytes(void *self, firn_ctx *ctx, uint8_t *into, size_t len, size_t *got,
                                   firn_error *err) {
  (void)ctx;
  (void)err;
  firn_bytes *rest = self;
  *got = len < rest->len ? len : rest->len;
  if (*got > 0) {
    memcpy(into, rest->data, *got);
    *rest = firn_bytes_part(*rest, *got, rest->len);
  }
  return FIRN_OK;
}

firn_avro_source firn_avro_source_over(firn_bytes *rest) {
  return (firn_avro_source){read_from_bytes, rest};
}

static firn_bytes take_length(firn_cursor *c) {
  int64_t len = firn_cursor_zigzag(c);
  c->bad = c->bad || len < 0;
  return firn_cursor_take(c, (uint64_t)len);
}

/* Passes over the head's map, filling `pairs` (may be NULL: only count). `c->bad` when it is not all there.
 */
static size_t read_pairs(firn_cursor *c, firn_avro_pair *pairs) {
  size_t n = 0;
  for (;;) {
    int64_t count = firn_cursor_zigzag(c);
    if (count < 0) {
      (void)firn_cursor_zigzag(c); /* the size of the block, which we do not need */
      c->bad = c->bad || count == INT64_MIN;
      count = c->bad ? 0 : -count;
    }
    if (count == 0 || c->bad) {
      return n;
    }
    for (int64_t i = 0; i < count && !c->bad; i++) {
      firn_bytes key = take_length(c);
      firn_bytes value = take_length(c);
      if (pairs != NULL && !c->bad) {
        pairs[n] = (firn_avro_pair){key, value};
      }
      n += c->bad ? 0 : 1;
    }
  }
}

/* Gets the whole head in hand; `*len` is its length, magic and sync marker included, `*n` its pairs. */
static firn_status find_head(firn_avro_reader *r, firn_ctx *ctx, size_t *len, size_t *n, firn_error *err) {
  FIRN_TRY(fill(&r->in, ctx, sizeof magic, err));
  firn_bytes have = in_hand(&r->in);
  if (firn_bytes_has_prefix(have, FIRN_LITERAL("AGS1"))) {
    return firn_error_set(err, FIRN_UNSUPPORTED, "the file is encrypted (AGS1)");
  }
  if (!firn_bytes_has_prefix(have, (firn_bytes){magic, sizeof magic})) {
    return firn_error_set(err, FIRN_CORRUPT, "no Avro file: it does not begin with \"Obj\" and 1");
  }
  for (;;) {
    have = in_hand(&r->in);
    firn_cursor c = firn_cursor_over(have);
    (void)firn_cursor_take(&c, sizeof magic);
    *n = read_pairs(&c, NULL);
    (void)firn_cursor_take(&c, SYNC_BYTES);
    if (!c.bad) {
      *len = firn_cursor_offset(&c);
      return FIRN_OK;
    }
    if (r->in.at_end) {
      return firn_error_set(err, FIRN_CORRUPT, "the head is broken or ends early");
    }
    if (have.len >= r->max_block_bytes) {
      return firn_error_set(err, FIRN_LIMIT, "the head is broken or larger than %zu bytes",
                            r->max_block_bytes);
    }
    FIRN_TRY(fill(&r->in, ctx, have.len * 2, err));
  }
}

static firn_status read_head(firn_avro_reader *r, firn_ctx *ctx, firn_error *err) {
  size_t len = 0, n = 0;
  FIRN_TRY(find_head(r, ctx, &len, &n, err));
  firn_bytes head = firn_arena_copy(&r->arena, firn_bytes_part(in_hand(&r->in), 0, len));
  firn_avro_pair *pairs = firn_new_n(&r->arena, firn_avro_pair, n);
  if (head.data == NULL || pairs == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for the head of an Avro file");
  }
  r->in.at += len;
  firn_cursor c = firn_cursor_over(head);
  (void)firn_cursor_take(&c, sizeof magic);
  r->n_pairs = read_pairs(&c, pairs);
  r->pairs = pairs;
  memcpy(r->sync, firn_cursor_take(&c, SYNC_BYTES).data, SYNC_BYTES);
  assert(!c.bad && r->n_pairs == n);

  FIRN_TRY(firn_avro_codec_by_name(firn_avro_reader_meta(r, "avro.codec"), &r->codec, err));
  firn_bytes schema = firn_avro_reader_meta(r, "avro.schema");
  if (schema.data == NULL) {
    return firn_error_set(err, FIRN_CORRUPT, "the head has no \"avro.schema\"");
  }
  firn_status status = firn_avro_schema_read(schema, &r->arena, &r->schema, err);
  return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "\"avro.schema\"");
}

firn_status firn_avro_reader_open(firn_avro_source source, firn_ctx *ctx, size_t max_block_bytes,
                                  firn_avro_reader **out, firn_error *err) {
  FIRN_AUTO_AVRO_READER *r = firn_alloc(sizeof *r);
  if (r == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for an Avro reader");
  }
  r->in.source = source;
  r->max_block_bytes = max_block_bytes == 0 ? DEFAULT_MAX_BLOCK : max_block_bytes;
  r->plain.max_bytes = r->max_block_bytes;
  FIRN_TRY(read_head(r, ctx, err));
  FIRN_TRY(firn_decompressor_new(&r->decompressor, err));
  *out = FIRN_HAND_OVER(r);
  return FIRN_OK;
}

const firn_avro_schema *firn_avro_reader_schema(const firn_avro_reader *r) {
  return r->schema;
}

firn_bytes firn_avro_reader_meta(const firn_avro_reader *r, const char *key) {
  firn_bytes found = {NULL, 0};
  for (size_t i = 0; i < r->n_pairs; i++) {
    if (firn_bytes_is(r->pairs[i].key, key)) {
      found = r->pairs[i].value;
    }
  }
  return found;
}

const firn_avro_pair *firn_avro_reader_pairs(const firn_avro_reader *r, size_t *n) {
  *n = r->n_pairs;
  return r->pairs;
}

/* The head of a block: how many records, how many bytes. */
static firn_status read_block_head(firn_avro_reader *r, uint64_t *n_records, size_t *size, firn_error *err) {
  enum { LARGEST_HEAD = 20 };
  firn_cursor c = firn_cursor_over(firn_bytes_part(in_hand(&r->in), 0, LARGEST_HEAD));
  int64_t n = firn_cursor_zigzag(&c);
  int64_t bytes = firn_cursor_zigzag(&c);
  if (c.bad || n < 0 || bytes < 0) {
    return firn_error_set(err, FIRN_CORRUPT, "its head is broken");
  }
  if ((uint64_t)bytes > r->max_block_bytes) {
    return firn_error_set(err, FIRN_LIMIT, "%lld bytes are more than %zu", (long long)bytes,
                          r->max_block_bytes);
  }
  *n_records = (uint64_t)n;
  *size = (size_t)bytes;
  r->in.at += firn_cursor_offset(&c);
  return FIRN_OK;
}

static firn_status check_count(const firn_avro_reader *r, firn_bytes plain, firn_error *err) {
  uint64_t least = r->schema->least_bytes;
  uint64_t most = least == 0 ? MAX_EMPTY_RECORDS : plain.len / least;
  if (r->n_left > most) {
    return firn_error_set(err, least == 0 ? FIRN_LIMIT : FIRN_CORRUPT, "%llu records in %zu bytes",
                          (unsigned long long)r->n_left, plain.len);
  }
  return FIRN_OK;
}

static firn_status read_block(firn_avro_reader *r, firn_ctx *ctx, firn_error *err) {
  uint64_t n = 0;
  size_t size = 0;
  FIRN_TRY(read_block_head(r, &n, &size, err));
  FIRN_TRY(fill(&r->in, ctx, size + SYNC_BYTES, err));
  firn_bytes have = in_hand(&r->in);
  if (have.len < size + SYNC_BYTES) {
    return firn_error_set(err, FIRN_CORRUPT, "the file ends early");
  }
  if (memcmp(have.data + size, r->sync, SYNC_BYTES) != 0) {
    return firn_error_set(err, FIRN_CORRUPT, "sync marker does not match");
  }
  firn_bytes plain = {have.data, size};
  if (r->codec != FIRN_CODEC_NONE) {
    firn_builder_reset(&r->plain);
    FIRN_TRY(firn_avro_block_decompress(r->decompressor, r->codec, plain, &r->plain, err));
    plain = firn_builder_bytes(&r->plain);
  }
  r->in.at += size + SYNC_BYTES; /* what `plain` borrows stays in place until the next fill */
  r->n_left = n;
  r->records = firn_cursor_over(plain);
  return check_count(r, plain, err);
}

/* Before the next record: what became of the last? */
static firn_status check_last(const firn_avro_reader *r, firn_error *err) {
  if (r->records.bad) {
    return firn_error_set(err, FIRN_CORRUPT, "a record does not fit its schema");
  }
  if (r->n_left == 0 && firn_cursor_left(&r->records) != 0) {
    return firn_error_set(err, FIRN_CORRUPT, "%zu bytes are left after its records",
                          firn_cursor_left(&r->records));
  }
  return FIRN_OK;
}

static firn_status in_block(const firn_avro_reader *r, firn_status status, firn_error *err) {
  return status == FIRN_OK
             ? FIRN_OK
             : firn_error_while(err, status, "Avro block %llu", (unsigned long long)r->n_blocks);
}

firn_status firn_avro_reader_record(firn_avro_reader *r, firn_ctx *ctx, firn_cursor **out, firn_error *err) {
  FIRN_TRY(in_block(r, check_last(r, err), err));
  while (r->n_left == 0) {
    FIRN_TRY(firn_ctx_check(ctx, err));
    FIRN_TRY(fill(&r->in, ctx, READ_BYTES / 2, err));
    if (in_hand(&r->in).len == 0) {
      *out = NULL;
      return FIRN_OK;
    }
    r->n_blocks++;
    FIRN_TRY(in_block(r, read_block(r, ctx, err), err));
    FIRN_TRY(in_block(r, check_last(r, err), err));
  }
  r->n_left--;
  *out = &r->records;
  return FIRN_OK;
}

firn_status firn_avro_reader_next(firn_avro_reader *r, firn_ctx *ctx, firn_arena *arena,
                                  const firn_avro_value **out, firn_error *err) {
  firn_cursor *c = NULL;
  FIRN_TRY(firn_avro_reader_record(r, ctx, &c, err));
  if (c == NULL) {
    *out = NULL;
    return FIRN_OK;
  }
  firn_avro_value *value = firn_new(arena, firn_avro_value);
  if (value == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for an Avro value");
  }
  FIRN_TRY(in_block(r, firn_avro_value_read(c, r->schema, arena, value, err), err));
  *out = value;
  return FIRN_OK;
}

void firn_avro_reader_close(firn_avro_reader *r) {
  if (r == NULL) {
    return;
  }
  firn_free(r->in.data);
  firn_builder_free(&r->plain);
  firn_decompressor_free(r->decompressor);
  firn_arena_free(&r->arena);
  firn_free(r);
}

void firn_avro_reader_close_pointer(firn_avro_reader **r) {
  firn_avro_reader_close(*r);
}

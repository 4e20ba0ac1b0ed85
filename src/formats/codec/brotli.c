#include <brotli/decode.h>
#include <brotli/encode.h>
#include <setjmp.h>
#include <stdalign.h>

#include "base/alloc.h"
#include "formats/codec/codec_internal.h"

enum { LEVEL_MIN = 1, LEVEL_MAX = 11, LEVEL_DEFAULT = 5 };

static void *take(void *self, size_t size) {
  (void)self;
  return firn_alloc_raw(size);
}

static void give(void *self, void *old) {
  (void)self;
  firn_free(old);
}

/* As distributions build it, the encoder ends the process when its allocator answers NULL. So ours never
 * does: it jumps back to brotli_compress, which frees every block that the encoder still had. The encoder is
 * C and holds nothing but memory, so nothing else is lost. */
typedef struct block {
  struct block *next, **back;
  alignas(16) uint8_t bytes[];
} block;

typedef struct heap {
  block *blocks;
  jmp_buf out_of_memory;
} heap;

/* An encoder serves one stream only, so there is no more state than this. */
typedef struct brotli {
  int level;
  heap heap; /* here and not on the stack, where a jump would leave it undefined */
} brotli;

static firn_status brotli_open(int level, void **state, firn_error *err) {
  brotli *b = firn_alloc(sizeof *b);
  if (b == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "brotli: no memory for a compressor");
  }
  b->level = level;
  *state = b;
  return FIRN_OK;
}

static size_t brotli_bound(size_t len) {
  /* The library's own bound holds only for qualities above 1; a raw meta-block takes four bytes a 16 KiB. */
  return BrotliEncoderMaxCompressedSize(len) + len / 1024 + 64;
}

static void *heap_take(void *self, size_t size) {
  heap *h = self;
  block *b = size > SIZE_MAX / 2 ? NULL : firn_alloc_raw(sizeof *b + size);
  if (b == NULL) {
    longjmp(h->out_of_memory, 1);
  }
  b->next = h->blocks;
  b->back = &h->blocks;
  if (b->next != NULL) {
    b->next->back = &b->next;
  }
  h->blocks = b;
  return b->bytes;
}

static void heap_give(void *self, void *old) {
  (void)self;
  if (old == NULL) {
    return;
  }
  block *b = (block *)((uint8_t *)old - offsetof(block, bytes));
  *b->back = b->next;
  if (b->next != NULL) {
    b->next->back = b->back;
  }
  firn_free(b);
}

static bool encode(heap *h, int level, firn_bytes in, uint8_t *into, size_t room, size_t *len) {
  BrotliEncoderState *e = BrotliEncoderCreateInstance(heap_take, heap_give, h);
  size_t left = in.len, free_room = room;
  const uint8_t *from = in.data;
  uint8_t *to = into;
  bool ok = e != NULL && BrotliEncoderSetParameter(e, BROTLI_PARAM_QUALITY, (uint32_t)level) &&
            BrotliEncoderSetParameter(e, BROTLI_PARAM_SIZE_HINT, (uint32_t)in.len) &&
            BrotliEncoderCompressStream(e, BROTLI_OPERATION_FINISH, &left, &from, &free_room, &to, NULL) &&
            BrotliEncoderIsFinished(e);
  BrotliEncoderDestroyInstance(e);
  *len = room - free_room;
  return ok;
}

static firn_status brotli_compress(void *state, firn_bytes in, uint8_t *into, size_t room, size_t *len,
                                   firn_error *err) {
  brotli *b = state;
  b->heap.blocks = NULL;
  if (setjmp(b->heap.out_of_memory) != 0) {
    for (block *next, *left = b->heap.blocks; left != NULL; left = next) {
      next = left->next;
      firn_free(left);
    }
    return firn_error_set(err, FIRN_NOMEM, "brotli: no memory");
  }
  if (!encode(&b->heap, b->level, in, into, room, len)) {
    return firn_error_set(err, FIRN_LIMIT, "brotli: no room in %zu bytes", room);
  }
  return FIRN_OK;
}

static firn_status brotli_decompress(void **state, firn_bytes in, uint8_t *into, size_t room, size_t *len,
                                     firn_error *err) {
  (void)state;
  BrotliDecoderState *d = BrotliDecoderCreateInstance(take, give, NULL);
  if (d == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "brotli: no memory for a decompressor");
  }
  size_t left = in.len, free_room = room;
  const uint8_t *from = in.data;
  uint8_t *to = into;
  BrotliDecoderResult result = BrotliDecoderDecompressStream(d, &left, &from, &free_room, &to, NULL);
  BrotliDecoderErrorCode code = BrotliDecoderGetErrorCode(d);
  BrotliDecoderDestroyInstance(d);
  if (result == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT) {
    return firn_error_set(err, FIRN_LIMIT, "brotli: no room");
  }
  if (result == BROTLI_DECODER_RESULT_ERROR && code <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES &&
      code >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES) {
    return firn_error_set(err, FIRN_NOMEM, "brotli: no memory");
  }
  if (result != BROTLI_DECODER_RESULT_SUCCESS || left != 0) {
    return firn_error_set(err, FIRN_CORRUPT, "brotli: the block is broken");
  }
  *len = room - free_room;
  return FIRN_OK;
}

const firn_codec_ops firn_codec_brotli = {.name = "brotli",
                                          .level_min = LEVEL_MIN,
                                          .level_max = LEVEL_MAX,
                                          .level_default = LEVEL_DEFAULT,
                                          .open = brotli_open,
                                          .close = firn_free,
                                          .bound = brotli_bound,
                                          .compress = brotli_compress,
                                          .decompress = brotli_decompress};

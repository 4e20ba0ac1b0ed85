#include <inttypes.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/journal_internal.h"

enum {
  BLOCK_BYTES = 256 << 10,
  KEPT_BYTES = 1 << 20, /* a block that a large record made larger than this is given back after it */
};

/* Makes room for `len` bytes in the block; what it holds stays. */
static firn_status make_room(firn_journal_scan *s, size_t len, firn_error *err) {
  size_t wanted = len > BLOCK_BYTES ? len : BLOCK_BYTES;
  bool is_too_large = s->block_capacity > KEPT_BYTES && wanted <= KEPT_BYTES && s->block_len <= wanted;
  if (s->block_capacity >= wanted && !is_too_large) {
    return FIRN_OK;
  }
  uint8_t *block = firn_realloc(s->block, wanted);
  if (block == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu bytes of a journal", wanted);
  }
  s->block = block;
  s->block_capacity = wanted;
  return FIRN_OK;
}

/* `len` bytes at `at`, read with what follows them; `*out` NULL when there are not as many. */
static firn_status look_at(firn_journal_scan *s, uint64_t at, size_t len, const uint8_t **out,
                           firn_error *err) {
  *out = NULL;
  if (at > s->end || len > s->end - at) {
    return FIRN_OK;
  }
  if (at < s->block_at || at + len > s->block_at + s->block_len) {
    size_t kept = 0;
    if (at >= s->block_at && at < s->block_at + s->block_len) {
      kept = s->block_len - (size_t)(at - s->block_at);
      memmove(s->block, s->block + (at - s->block_at), kept);
    }
    s->block_at = at;
    s->block_len = kept;
    FIRN_TRY(make_room(s, len, err));
    uint64_t left = s->end - at - kept;
    size_t room = s->block_capacity - kept, got;
    FIRN_TRY(
        firn_file_read_at(s->file, at + kept, s->block + kept, left < room ? (size_t)left : room, &got, err));
    s->block_len += got;
    if (len > s->block_len) { /* the file is shorter than it was said to be */
      return FIRN_OK;
    }
  }
  *out = s->block + (at - s->block_at);
  return FIRN_OK;
}

static firn_status bad(firn_journal_scan *s, const char *why, firn_journal_found *found) {
  s->why = why;
  *found = FIRN_JOURNAL_BAD;
  return FIRN_OK;
}

static bool is_zero(const uint8_t *bytes, size_t len) {
  for (size_t i = 0; i < len; i++) {
    if (bytes[i] != 0) {
      return false;
    }
  }
  return true;
}

firn_status firn_journal_scan_next(firn_journal_scan *s, firn_journal_record_head *head, firn_bytes *payload,
                                   firn_journal_found *found, firn_error *err) {
  if (s->offset == s->end) {
    *found = FIRN_JOURNAL_END;
    return FIRN_OK;
  }
  const uint8_t *bytes;
  FIRN_TRY(look_at(s, s->offset, FIRN_JOURNAL_RECORD_HEAD_BYTES, &bytes, err));
  if (bytes == NULL) {
    return bad(s, "it is cut short", found);
  }
  if (!firn_journal_record_head_read(bytes, s->seed, s->offset, head)) {
    return bad(s, "its head is damaged", found);
  }
  if (head->position != s->position) {
    return bad(s, "it is another record", found);
  }
  uint64_t size = firn_journal_record_bytes(head->length);
  if (size > s->end - s->offset) {
    return bad(s, "it is cut short", found);
  }
  if (head->length > s->max_record_bytes) {
    return firn_error_set(err, FIRN_LIMIT,
                          "record %" PRIu64 " has %" PRIu32 " bytes, at most %zu are allowed", head->position,
                          head->length, s->max_record_bytes);
  }
  FIRN_TRY(look_at(s, s->offset, (size_t)size, &bytes, err));
  if (bytes == NULL) {
    return bad(s, "it is cut short", found);
  }
  *payload = (firn_bytes){bytes + FIRN_JOURNAL_RECORD_HEAD_BYTES, head->length};
  size_t used = FIRN_JOURNAL_RECORD_HEAD_BYTES + (size_t)head->length;
  if (head->check != firn_xxh3(s->seed, *payload) || !is_zero(bytes + used, (size_t)size - used)) {
    return bad(s, "its check sum does not match", found);
  }
  s->offset += size;
  s->position++;
  *found = FIRN_JOURNAL_RECORD;
  return FIRN_OK;
}

firn_status firn_journal_scan_known_durable(firn_journal_scan *s, uint64_t *durable, firn_error *err) {
  uint64_t largest = 0;
  const uint8_t *bytes;
  for (uint64_t at = s->offset + FIRN_JOURNAL_ALIGNMENT;; at += FIRN_JOURNAL_ALIGNMENT) {
    FIRN_TRY(look_at(s, at, FIRN_JOURNAL_RECORD_HEAD_BYTES, &bytes, err));
    if (bytes == NULL) {
      break;
    }
    /* Its payload need not be there: what its head says was true when it was written. */
    firn_journal_record_head head;
    if (firn_journal_record_head_read(bytes, s->seed, at, &head) && head.position > s->position &&
        head.durable > largest) {
      largest = head.durable;
    }
  }
  *durable = largest;
  return FIRN_OK;
}

void firn_journal_scan_move(firn_journal_scan *s, firn_file *file, uint64_t offset, uint64_t position) {
  s->file = file;
  s->offset = offset;
  s->position = position;
  s->block_at = 0;
  s->block_len = 0;
}

void firn_journal_scan_free(firn_journal_scan *s) {
  firn_free(s->block);
  s->block = NULL;
}

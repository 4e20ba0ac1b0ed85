#include <inttypes.h>
#include <stdio.h>

#include "base/hash.h"
#include "base/journal_internal.h"

static const uint8_t magic[8] = {'F', 'I', 'R', 'N', 'J', 'R', 'N', 'L'};

/* Where things stand in a segment's head. Every version keeps magic, version and check sum where they are. */
enum { AT_VERSION = 8, AT_SIZE = 12, AT_ID = 16, AT_FIRST = 32, AT_KIND = 40, AT_CHECK = 56 };
/* The same in a record's head. */
enum { AT_HEAD_CHECK = 0, AT_LENGTH = 4, AT_POSITION = 8, AT_DURABLE = 16, AT_PAYLOAD_CHECK = 24 };

static void put_le(uint8_t *at, uint64_t v, size_t size) {
  for (size_t i = 0; i < size; i++) {
    at[i] = (uint8_t)(v >> (8 * i));
  }
}

static uint64_t get_le(const uint8_t *at, size_t size) {
  uint64_t v = 0;
  for (size_t i = 0; i < size; i++) {
    v |= (uint64_t)at[i] << (8 * i);
  }
  return v;
}

void firn_journal_head_write(const firn_journal_head *head, uint8_t out[FIRN_JOURNAL_HEAD_BYTES]) {
  memset(out, 0, FIRN_JOURNAL_HEAD_BYTES);
  memcpy(out, magic, sizeof magic);
  put_le(out + AT_VERSION, FIRN_JOURNAL_VERSION, 4);
  put_le(out + AT_SIZE, FIRN_JOURNAL_HEAD_BYTES, 4);
  memcpy(out + AT_ID, head->id.bytes, sizeof head->id.bytes);
  put_le(out + AT_FIRST, head->first, 8);
  memcpy(out + AT_KIND, head->kind, strlen(head->kind));
  put_le(out + AT_CHECK, firn_xxh3(0, (firn_bytes){out, AT_CHECK}), 8);
}

firn_status firn_journal_head_read(firn_bytes bytes, firn_journal_head *out, firn_error *err) {
  if (bytes.len < FIRN_JOURNAL_HEAD_BYTES) {
    return firn_error_set(err, FIRN_CORRUPT, "%zu bytes are too few for the head of a journal's segment",
                          bytes.len);
  }
  if (memcmp(bytes.data, magic, sizeof magic) != 0 ||
      get_le(bytes.data + AT_CHECK, 8) != firn_xxh3(0, firn_bytes_part(bytes, 0, AT_CHECK))) {
    return firn_error_set(err, FIRN_CORRUPT, "the head is damaged, or this is no journal");
  }
  uint64_t version = get_le(bytes.data + AT_VERSION, 4), size = get_le(bytes.data + AT_SIZE, 4);
  if (version > FIRN_JOURNAL_VERSION) {
    return firn_error_set(err, FIRN_UNSUPPORTED,
                          "written in version %" PRIu64 " of the format, by a newer firn: use that one",
                          version);
  }
  if (version == 0 || size != FIRN_JOURNAL_HEAD_BYTES) {
    return firn_error_set(err, FIRN_CORRUPT, "a head of version %" PRIu64 " and %" PRIu64 " bytes", version,
                          size);
  }
  *out = (firn_journal_head){.first = get_le(bytes.data + AT_FIRST, 8)};
  memcpy(out->id.bytes, bytes.data + AT_ID, sizeof out->id.bytes);
  memcpy(out->kind, bytes.data + AT_KIND, FIRN_JOURNAL_KIND_BYTES);
  return FIRN_OK;
}

uint64_t firn_journal_seed(firn_uuid id) {
  return firn_xxh3(0, (firn_bytes){id.bytes, sizeof id.bytes});
}

static uint64_t head_check(const uint8_t *bytes, uint64_t seed, uint64_t offset) {
  firn_bytes checked = {bytes + AT_LENGTH, FIRN_JOURNAL_RECORD_HEAD_BYTES - AT_LENGTH};
  return firn_xxh3(seed + offset, checked) & UINT32_MAX;
}

void firn_journal_record_head_write(const firn_journal_record_head *head, uint64_t seed, uint64_t offset,
                                    uint8_t out[FIRN_JOURNAL_RECORD_HEAD_BYTES]) {
  put_le(out + AT_LENGTH, head->length, 4);
  put_le(out + AT_POSITION, head->position, 8);
  put_le(out + AT_DURABLE, head->durable, 8);
  put_le(out + AT_PAYLOAD_CHECK, head->check, 8);
  put_le(out + AT_HEAD_CHECK, head_check(out, seed, offset), 4);
}

bool firn_journal_record_head_read(const uint8_t *bytes, uint64_t seed, uint64_t offset,
                                   firn_journal_record_head *out) {
  *out = (firn_journal_record_head){.length = (uint32_t)get_le(bytes + AT_LENGTH, 4),
                                    .position = get_le(bytes + AT_POSITION, 8),
                                    .durable = get_le(bytes + AT_DURABLE, 8),
                                    .check = get_le(bytes + AT_PAYLOAD_CHECK, 8)};
  return out->durable <= out->position && get_le(bytes + AT_HEAD_CHECK, 4) == head_check(bytes, seed, offset);
}

uint64_t firn_journal_record_bytes(uint64_t length) {
  uint64_t a = FIRN_JOURNAL_ALIGNMENT;
  return (FIRN_JOURNAL_RECORD_HEAD_BYTES + length + a - 1) / a * a;
}

firn_status firn_journal_path(const char *folder, uint64_t first, const char *ending,
                              char out[FIRN_JOURNAL_PATH_BYTES], firn_error *err) {
  int len = snprintf(out, FIRN_JOURNAL_PATH_BYTES, "%s/%020" PRIu64 ".log%s", folder, first, ending);
  if (len < 0 || len >= FIRN_JOURNAL_PATH_BYTES) {
    return firn_error_set(err, FIRN_INVALID, "the path of a journal's folder is too long");
  }
  return FIRN_OK;
}

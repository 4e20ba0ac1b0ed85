/* Records of the event journal from anyone's bytes: one that can be read is written again the same; its body
 * is checked, and its headers are read as an event, whose extras must be JSON. */
#include <stdlib.h>

#include "base/json.h"
#include "services/ingest/accepted.h"
#include "services/ingest/body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool is_so) {
  if (!is_so) {
    abort();
  }
}

static void check_written_again(const firn_accepted *a, firn_bytes record) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_accepted_write_head(a, &b);
  firn_builder_add(&b, a->body);
  must(b.failed == FIRN_OK && firn_bytes_equal(firn_builder_bytes(&b), record));
}

static void check_event(const firn_accepted *a, firn_arena *arena) {
  firn_event_mode mode;
  firn_event event;
  firn_error err;
  if (firn_event_mode_of(a->headers, a->n_headers, a->body, &mode, &err) == FIRN_OK) {
    must(mode >= FIRN_EVENT_STRUCTURED && mode <= FIRN_EVENT_BINARY);
  }
  if (firn_event_read_binary(a->headers, a->n_headers, a->body, arena, &event, &err) == FIRN_OK) {
    must(firn_json_is_valid(event.extras));
    must(!event.has_data || firn_bytes_equal(event.data, a->body));
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(64 << 20);
  firn_bytes record = {data, size};
  firn_accepted a;
  firn_error err;
  uint32_t n_events;
  if (firn_accepted_read(record, &arena, &a, &err) != FIRN_OK) {
    return 0;
  }
  check_written_again(&a, record);
  (void)firn_accepted_fingerprint(&a);
  firn_status status = firn_body_check(a.mode, a.body, 1 << 20, &n_events, &err);
  bool is_json = firn_json_is_valid(a.body);
  if (a.mode == FIRN_EVENT_STRUCTURED) {
    must((status == FIRN_OK) == is_json);
  } else if (a.mode == FIRN_EVENT_BATCHED && status == FIRN_OK) {
    must(is_json);
  }
  check_event(&a, &arena);
  return 0;
}

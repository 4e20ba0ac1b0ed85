/* The CloudEvent (CloudEvents 1.0.2, JSON Event Format): its attributes as spans of the JSON they came in.
 *
 * An event borrows from its input and from the arena it was read with. Nothing is dropped: what has no column
 * of its own, or has the wrong type for it, is in `extras` as raw JSON; so are more than 65,536 tags. */
#ifndef FIRN_EVENTS_EVENT_H
#define FIRN_EVENTS_EVENT_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"

/* The text attributes, in the order of the archive's columns. */
typedef enum firn_event_text {
  FIRN_EVENT_SUBJECT = 0,
  FIRN_EVENT_TYPE,
  FIRN_EVENT_ID,
  FIRN_EVENT_SOURCE,
  FIRN_EVENT_PRODUCER,
  FIRN_EVENT_DATA_CONTENT_TYPE,
  FIRN_EVENT_DATA_VERSION,
  FIRN_EVENT_SPECVERSION,
  FIRN_EVENT_DATASCHEMA,
  FIRN_EVENT_SIGNATURE,
  FIRN_EVENT_N_TEXTS,
} firn_event_text;

typedef struct firn_event {
  firn_bytes texts[FIRN_EVENT_N_TEXTS]; /* data NULL: absent */
  bool has_time;
  int64_t time_us; /* since 1970, UTC */
  bool has_tags;
  size_t n_tags;
  const firn_bytes *tags;
  firn_bytes extras; /* a JSON object, "{}" when nothing is left over */
  bool has_data;
  firn_bytes data; /* byte for byte */
} firn_event;

/* Reads one event in structured mode. FIRN_CORRUPT when it is no CloudEvent at all (no JSON object, an
 * attribute given twice, `data` and `data_base64` both): the text says why and where. An event that merely
 * lacks something is read; see firn_event_is_valid. */
FIRN_MUST_USE firn_status firn_event_read(firn_bytes json, firn_arena *arena, firn_event *out,
                                          firn_error *err);

/* Whether it has what an event must have: id, source, type, specversion, subject (none of them empty) and a
 * readable time. */
bool firn_event_is_valid(const firn_event *e);

/* "application/json", "text/json; charset=utf-8", "x/y+json", and no content type at all, which means JSON.
 */
bool firn_content_type_is_json(firn_bytes content_type);

#endif

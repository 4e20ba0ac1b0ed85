/* What the readers of events share: the names of attributes. */
#ifndef FIRN_EVENTS_EVENT_INTERNAL_H
#define FIRN_EVENTS_EVENT_INTERNAL_H

#include "events/event.h"

enum {
  FIRN_EVENT_MAX_ATTRIBUTES = 1024, /* more are no CloudEvent; also bounds the search for names given twice */
  /* Attributes that are no text, numbered behind those. */
  FIRN_EVENT_IS_TIME = FIRN_EVENT_N_TEXTS,
  FIRN_EVENT_IS_TAGS,
  FIRN_EVENT_IS_DATA,
  FIRN_EVENT_IS_DATA_BASE64,
  FIRN_EVENT_IS_OTHER,
};

/* Which attribute a name of the JSON Event Format is: a firn_event_text or one of the above. */
int firn_event_attribute_of(firn_bytes key);

/* The tags of a JSON array into `event`. `*is_list` false: it is no list of texts, or one that is too long;
 * the event is then as it was. */
FIRN_MUST_USE firn_status firn_event_read_tags(firn_bytes array, firn_arena *arena, firn_event *event,
                                               bool *is_list, firn_error *err);

#endif

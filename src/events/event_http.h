/* CloudEvents over HTTP (HTTP Protocol Binding 1.0.2): which mode a request is in, events in binary mode, and
 * events on their way out, as `ce-` headers or as JSON. No HTTP server is known here: headers are names and
 * values.
 *
 * An attribute with a name of its own column keeps it; names of the archive that no HTTP name matches are
 * written as the extensions `producer`, `dataversion`, `dataschema`, `signature`, `tags`; the value of `tags`
 * is a JSON array of texts. */
#ifndef FIRN_EVENTS_EVENT_HTTP_H
#define FIRN_EVENTS_EVENT_HTTP_H

#include "base/builder.h"
#include "base/json_write.h"
#include "events/event.h"

typedef enum firn_event_mode {
  FIRN_EVENT_STRUCTURED = 1, /* one JSON event */
  FIRN_EVENT_BATCHED,        /* a JSON array of them */
  FIRN_EVENT_LINES,          /* one a line: application/x-ndjson */
  FIRN_EVENT_BINARY,         /* attributes in headers, the body is the data */
} firn_event_mode;

typedef struct firn_event_header {
  firn_bytes name; /* any case */
  firn_bytes value;
} firn_event_header;

/* By content type and headers. A content type that begins with application/cloudevents decides alone: `+json`
 * is structured, `-batch+json` batched. Else any `ce-` header means binary mode, whatever the content type.
 * Else application/x-ndjson is lines, and application/json or none is structured or batched by the first byte
 * of `body`. FIRN_UNSUPPORTED for every other content type, for two of them, and for JSON that is not in
 * UTF-8. */
FIRN_MUST_USE firn_status firn_event_mode_of(const firn_event_header *headers, size_t n, firn_bytes body,
                                             firn_event_mode *out, firn_error *err);

/* Whether it holds an attribute: `ce-...`, in any case. */
bool firn_event_is_attribute_header(firn_bytes name);

/* An event in binary mode: values of `ce-` headers are unquoted and percent-decoded; other headers but
 * `content-type` are passed over. FIRN_CORRUPT when it is no CloudEvent (an attribute given twice, bytes that
 * are no UTF-8, data in a header). A time or tags that cannot be read go to extras, as text. Without body and
 * content type there is no data. The event borrows from headers, body and arena. */
FIRN_MUST_USE firn_status firn_event_read_binary(const firn_event_header *headers, size_t n, firn_bytes body,
                                                 firn_arena *arena, firn_event *out, firn_error *err);

/* What an event's payload is served as: its own content type when that can stand in a header,
 * application/json when it has none and the payload is JSON, else application/octet-stream. */
firn_bytes firn_event_content_type(const firn_event *e);

/* `content-type`, first, and the `ce-` headers of an event, percent-encoded as the binding says (so that no
 * value can end its header), terminated, in `arena`. `ce-tags` is the JSON array of the tags. Left out, and
 * in the JSON form only: extras that are no text, number or boolean or whose name is no attribute name, and
 * what exceeds the size of headers that clients take (8 KiB each, 24 KiB and 64 headers in all). */
FIRN_MUST_USE firn_status firn_event_write_headers(const firn_event *e, firn_arena *arena,
                                                   firn_event_header **out, size_t *n, firn_error *err);

/* The event as one JSON object (JSON Event Format). `data` is written as it is when its type is JSON and the
 * bytes parse, as a string where the type is text and the bytes are UTF-8, else as `data_base64`; `with_data`
 * false leaves it out. The time has microseconds and a Z. What firn_event_read makes of it is the same event,
 * but for white space around JSON data. */
void firn_event_write_json(const firn_event *e, bool with_data, firn_json_writer *w);

#endif

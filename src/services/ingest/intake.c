#include "services/ingest/intake.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/metrics.h"
#include "services/ingest/body.h"
#include "services/ingest/keys.h"

enum {
  DEFAULT_EVENT_BYTES = 16 << 20,
  MAX_EVENT_BYTES = 1 << 30,
  DEFAULT_BODY_BYTES = 64 << 20,
  FRAME_BYTES = 64 << 10, /* what a body may have around one event */
  DEFAULT_JOURNAL_BYTES = 1 << 30,
  DEFAULT_REMEMBER_BYTES = 256 << 20,
  DEFAULT_KEYS = 1000000,
  FORGET_AT_ONCE = 64,
};
#define DEFAULT_REMEMBER_US INT64_C(600000000)

enum { EVENTS, REQUESTS, BYTES, REPEATED, WAITING, SYNC_US, JOURNAL_BYTES, KEYS };
static const firn_metric metrics[] = {
    [EVENTS] = {"firn_intake_events_total", "Events accepted and durable", FIRN_METRIC_COUNTER, 1},
    [REQUESTS] = {"firn_intake_requests_total", "Requests accepted and durable", FIRN_METRIC_COUNTER, 1},
    [BYTES] = {"firn_intake_bytes_total", "Bytes of accepted bodies", FIRN_METRIC_COUNTER, 1},
    [REPEATED] = {"firn_intake_repeated_total", "Requests that were there already, by their Idempotency-Key",
                  FIRN_METRIC_COUNTER, 1},
    [WAITING] = {"firn_intake_waiting_requests", "Requests that wait for a sync of the journal",
                 FIRN_METRIC_GAUGE, 1},
    [SYNC_US] = {"firn_intake_sync_seconds", "Time of one sync of the event journal", FIRN_METRIC_HISTOGRAM,
                 1e-6},
    [JOURNAL_BYTES] = {"firn_intake_journal_bytes", "Event journal that is not in files yet",
                       FIRN_METRIC_GAUGE, 1},
    [KEYS] = {"firn_intake_keys", "Idempotency keys that are remembered", FIRN_METRIC_GAUGE, 1},
};
const firn_metric_set firn_intake_metrics = {metrics, FIRN_COUNT_OF(metrics)};

/* A deferred exchange; in its arena. */
typedef struct waiter {
  struct waiter *next;
  firn_exchange *x;
  uint64_t position; /* FIRN_KEY_PENDING: of the first request with `key`, once it is known */
  firn_bytes key;
  uint64_t fingerprint; /* with a key */
  uint32_t n_events;
  size_t n_bytes;
  bool is_repeat;
} waiter;

struct firn_intake {
  firn_intake_options options;
  pthread_mutex_t lock; /* guards all below, and is never held while the journal is written or synced */
  waiter *waiting;
  bool is_woken;    /* on_added was called since the last step looked */
  bool is_stopped;  /* nobody waits any more */
  bool is_failed;   /* a sync has failed */
  bool is_refusing; /* the last write of the journal failed; so that the log says it once */
  uint64_t covered;
  firn_keys keys;
  int64_t shown_bytes, shown_keys; /* what the gauges say */
};

static void set_defaults(firn_intake_options *o) {
  o->max_event_bytes = o->max_event_bytes == 0 ? DEFAULT_EVENT_BYTES : o->max_event_bytes;
  o->max_event_bytes = o->max_event_bytes > MAX_EVENT_BYTES ? MAX_EVENT_BYTES : o->max_event_bytes;
  o->max_body_bytes = o->max_body_bytes == 0 ? DEFAULT_BODY_BYTES : o->max_body_bytes;
  if (o->max_body_bytes < o->max_event_bytes + FRAME_BYTES) {
    o->max_body_bytes = o->max_event_bytes + FRAME_BYTES;
  }
  o->max_journal_bytes = o->max_journal_bytes == 0 ? DEFAULT_JOURNAL_BYTES : o->max_journal_bytes;
  o->remember_us = o->remember_us == 0 ? DEFAULT_REMEMBER_US : o->remember_us;
  o->remember_bytes = o->remember_bytes == 0 ? DEFAULT_REMEMBER_BYTES : o->remember_bytes;
  o->max_keys = o->max_keys == 0 ? DEFAULT_KEYS : o->max_keys;
}

/* A key that was forgotten and used again is in the journal twice: the later one counts. */
static firn_status remember_record(firn_intake *in, const firn_journal_record *record, firn_arena *scratch,
                                   firn_error *err) {
  firn_accepted a;
  firn_key *key;
  FIRN_TRY(firn_accepted_read(record->bytes, scratch, &a, err));
  if (a.idempotency_key.data == NULL) {
    return FIRN_OK;
  }
  if (a.idempotency_key.len > FIRN_KEY_MAX_BYTES) {
    return firn_error_set(err, FIRN_CORRUPT, "an idempotency key of %zu bytes", a.idempotency_key.len);
  }
  firn_keys_remove(&in->keys, a.idempotency_key);
  firn_status status =
      firn_keys_add(&in->keys, a.idempotency_key, a.fingerprint, a.n_events, record->position, &key, err);
  if (status == FIRN_OK) {
    key->position = record->position;
  }
  return status;
}

static firn_status remember_all(firn_intake *in, firn_ctx *ctx, firn_error *err) {
  FIRN_AUTO_JOURNAL_READER *reader = NULL;
  FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(0);
  firn_journal *j = in->options.journal;
  FIRN_TRY(firn_journal_reader_open(j, ctx, firn_journal_first(j), &reader, err));
  for (;;) {
    firn_journal_record record;
    bool is_there;
    firn_arena_reset(&scratch);
    FIRN_TRY(firn_ctx_check(ctx, err));
    FIRN_TRY(firn_journal_reader_next(reader, ctx, &record, &is_there, err));
    if (!is_there) {
      return FIRN_OK;
    }
    firn_status status = remember_record(in, &record, &scratch, err);
    if (status != FIRN_OK) {
      return firn_error_while(err, status, "record %" PRIu64 " of the event journal", record.position);
    }
  }
}

firn_status firn_intake_open(const firn_intake_options *options, firn_ctx *ctx, firn_intake **out,
                             firn_error *err) {
  firn_intake *in = firn_alloc(sizeof *in);
  if (in == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for the intake");
  }
  in->options = *options;
  set_defaults(&in->options);
  (void)pthread_mutex_init(&in->lock, NULL); /* cannot fail without attributes */
  in->covered = firn_journal_first(options->journal);
  /* What is in the journal was within the bounds when it came: none of it is too much now. */
  firn_keys_init(&in->keys, ctx, SIZE_MAX);
  firn_status status = remember_all(in, ctx, err);
  in->keys.max_keys = in->options.max_keys;
  if (status != FIRN_OK) {
    firn_intake_close(in);
    return status;
  }
  *out = in;
  return FIRN_OK;
}

static const char stopping_text[] = "firn is stopping: whether the events were taken is not known";

static waiter *take_waiting(firn_intake *in) {
  pthread_mutex_lock(&in->lock);
  waiter *list = in->waiting;
  in->waiting = NULL;
  in->is_woken = false;
  pthread_mutex_unlock(&in->lock);
  return list;
}

static void answer_unknown(waiter *list, const char *text) {
  while (list != NULL) {
    waiter *w = list;
    list = w->next; /* answering may end it */
    firn_route_fail_as(w->x, 503, FIRN_UNCERTAIN, text);
  }
}

void firn_intake_stop(firn_intake *in) {
  if (in == NULL) {
    return;
  }
  pthread_mutex_lock(&in->lock);
  in->is_stopped = true;
  pthread_mutex_unlock(&in->lock);
  answer_unknown(take_waiting(in), stopping_text);
}

void firn_intake_close(firn_intake *in) {
  if (in == NULL) {
    return;
  }
  assert(in->waiting == NULL);
  firn_keys_free(&in->keys);
  (void)pthread_mutex_destroy(&in->lock); /* nobody holds it */
  firn_free(in);
}

/* Adding. */

/* With the lock, so that nobody is woken any more once the intake is stopped. */
static void wake(firn_intake *in) {
  if (in->options.on_added != NULL && !in->is_stopped && !in->is_woken) {
    in->options.on_added(in->options.arg);
  }
  in->is_woken = true;
}

static firn_status add_record(firn_intake *in, firn_ctx *ctx, const firn_accepted *a, uint64_t *position,
                              firn_error *err) {
  FIRN_AUTO_BUILDER head = FIRN_BUILDER_INIT(0);
  firn_bytes parts[2] = {{NULL, 0}, a->body};
  firn_accepted_write_head(a, &head);
  FIRN_TRY(firn_builder_finish(&head, &parts[0], err));
  return firn_journal_add(in->options.journal, ctx, parts, FIRN_COUNT_OF(parts), position, err);
}

firn_status firn_intake_add(firn_intake *in, firn_ctx *ctx, const firn_accepted *what, uint64_t *position,
                            firn_error *err) {
  FIRN_TRY(add_record(in, ctx, what, position, err));
  pthread_mutex_lock(&in->lock);
  wake(in);
  pthread_mutex_unlock(&in->lock);
  return FIRN_OK;
}

/* With the lock: defers the exchange until the next sync. False: there will be none. */
static bool defer(firn_intake *in, waiter *w) {
  if (in->is_failed || in->is_stopped) {
    return false;
  }
  firn_exchange_defer(w->x);
  w->next = in->waiting;
  in->waiting = w;
  wake(in);
  return true;
}

/* The request as the journal will hold it; all of it in the exchange's arena or borrowed from it. */
static firn_status read_headers(firn_exchange *x, firn_event_header **out, size_t *n, firn_error *err) {
  firn_http_header *all;
  size_t n_all;
  FIRN_TRY(firn_exchange_headers(x, &all, &n_all, err));
  firn_event_header *kept = firn_new_n(firn_exchange_arena(x), firn_event_header, n_all + 1);
  if (kept == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu headers", n_all);
  }
  *n = 0;
  for (size_t i = 0; i < n_all; i++) {
    static const char type[] = "content-type";
    bool is_type = all[i].name.len == sizeof type - 1 &&
                   strncasecmp((const char *)all[i].name.data, type, sizeof type - 1) == 0;
    if (is_type || firn_event_is_attribute_header(all[i].name)) { /* others may be secrets */
      kept[(*n)++] = (firn_event_header){all[i].name, all[i].value};
    }
  }
  *out = kept;
  return FIRN_OK;
}

static firn_status read_key(firn_exchange *x, firn_bytes *out, firn_error *err) {
  *out = firn_exchange_header(x, "Idempotency-Key");
  if (out->data != NULL && (out->len == 0 || out->len > FIRN_KEY_MAX_BYTES)) {
    return firn_error_set(err, FIRN_INVALID, "an Idempotency-Key must have 1 to %d bytes, not %zu",
                          FIRN_KEY_MAX_BYTES, out->len);
  }
  return FIRN_OK;
}

static firn_status read_request(const firn_intake *in, firn_exchange *x, firn_ctx *ctx, firn_accepted *out,
                                firn_error *err) {
  firn_event_header *headers;
  size_t n_headers;
  firn_accepted a = {.received_us = firn_ctx_now_us(ctx), .body = firn_exchange_body(x)};
  FIRN_TRY(read_headers(x, &headers, &n_headers, err));
  FIRN_TRY(read_key(x, &a.idempotency_key, err));
  FIRN_TRY(firn_event_mode_of(headers, n_headers, a.body, &a.mode, err));
  FIRN_TRY(firn_body_check(a.mode, a.body, in->options.max_event_bytes, &a.n_events, err));
  const char *client = firn_arena_printf(firn_exchange_arena(x), "http %s", firn_exchange_client(x));
  if (client == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a request");
  }
  a.client = firn_bytes_of(client);
  if (a.mode == FIRN_EVENT_BINARY) {
    a.headers = headers;
    a.n_headers = n_headers;
  }
  a.fingerprint = a.idempotency_key.data != NULL ? firn_accepted_fingerprint(&a) : 0;
  *out = a;
  return FIRN_OK;
}

static firn_status check_room(firn_intake *in, firn_error *err) {
  pthread_mutex_lock(&in->lock);
  uint64_t covered = in->covered;
  bool is_ended = in->is_failed || in->is_stopped;
  pthread_mutex_unlock(&in->lock);
  if (is_ended) {
    return firn_error_set(err, FIRN_IO,
                          "firn takes no events now: it is stopping, or its event journal failed");
  }
  if (firn_journal_bytes(in->options.journal, covered) > in->options.max_journal_bytes) {
    return firn_error_set(err, FIRN_BUSY, "events come faster than they are written to files: try again");
  }
  return FIRN_OK;
}

/* Answering. */

static firn_status is_over(firn_error *err) {
  return firn_error_set(err, FIRN_UNCERTAIN, "%s", stopping_text);
}

static void answer(firn_exchange *x, uint32_t n_events) {
  char text[40];
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(sizeof text);
  firn_builder_addf(&b, "{\"accepted\":%" PRIu32 "}", n_events);
  firn_exchange_answer(x, 202, "application/json", firn_builder_bytes(&b), false);
}

static int code_of(firn_status status) {
  switch (status) {
    case FIRN_INVALID:
    case FIRN_CORRUPT:
      return 400;
    case FIRN_LIMIT:
      return 413;
    case FIRN_UNSUPPORTED:
      return 415;
    case FIRN_CONFLICT:
      return 422;
    case FIRN_BUSY:
      return 429;
    default:
      return 503;
  }
}

/* The journal could not take it. Why is for the operator, once until it works again; the client needs to know
 * whether anything was taken. */
static firn_status refuse_unwritten(firn_intake *in, firn_ctx *ctx, firn_status status, firn_error *err) {
  if (status == FIRN_LIMIT) {
    return firn_error_set(err, FIRN_LIMIT, "the request is larger than a record of the event journal may be");
  }
  pthread_mutex_lock(&in->lock);
  bool is_first = !in->is_refusing;
  in->is_refusing = true;
  if (status == FIRN_UNCERTAIN) {
    in->is_failed = true;
    wake(in); /* the service is to stop */
  }
  pthread_mutex_unlock(&in->lock);
  if (is_first) {
    FIRN_LOG_WITH(ctx, FIRN_LOG_ERROR, "the event journal cannot be written: requests are refused",
                  FIRN_LOG_TEXT("because", err->text));
  }
  return status == FIRN_UNCERTAIN /* what was written of it could not be taken back */
             ? firn_error_set(err, FIRN_UNCERTAIN,
                              "the event journal cannot be written now; whether the events were taken is "
                              "not known")
             : firn_error_set(err, FIRN_IO,
                              "the event journal cannot be written now; nothing of the request was taken");
}

static void note_written(firn_intake *in, firn_ctx *ctx) {
  pthread_mutex_lock(&in->lock);
  bool was_refusing = in->is_refusing;
  in->is_refusing = false;
  pthread_mutex_unlock(&in->lock);
  if (was_refusing) {
    FIRN_LOG(ctx, FIRN_LOG_INFO, "the event journal can be written again");
  }
}

/* A key that is remembered: answered, deferred or refused. `*is_new`: it was not, and is pending now. */
static firn_status look_up(firn_intake *in, const firn_accepted *a, waiter *w, bool *is_new,
                           firn_error *err) {
  firn_journal *j = in->options.journal;
  uint64_t durable = firn_journal_durable(j);
  bool is_durable = false;
  firn_status status = FIRN_OK;
  pthread_mutex_lock(&in->lock);
  firn_key *key = firn_keys_find(&in->keys, a->idempotency_key);
  *is_new = key == NULL;
  if (key == NULL) {
    status = firn_keys_add(&in->keys, a->idempotency_key, a->fingerprint, a->n_events, firn_journal_next(j),
                           &key, err);
  } else if (key->fingerprint != a->fingerprint) {
    status = firn_error_set(err, FIRN_CONFLICT,
                            "this Idempotency-Key came with another request: use a new key for new events");
  } else if (key->position < durable) {
    is_durable = true;
  } else {
    w->position = key->position;
    w->is_repeat = true;
    status = defer(in, w) ? FIRN_OK : is_over(err);
  }
  pthread_mutex_unlock(&in->lock);
  if (is_durable) {
    firn_metric_add(firn_exchange_ctx(w->x), &firn_intake_metrics, REPEATED, 1);
    answer(w->x, a->n_events);
  }
  return status;
}

static void take_back_key(firn_intake *in, const firn_accepted *a) {
  pthread_mutex_lock(&in->lock);
  firn_keys_remove(&in->keys, a->idempotency_key);
  wake(in); /* those who wait for this key must hear of it */
  pthread_mutex_unlock(&in->lock);
}

/* Adds the request. Once it is deferred the exchange, with its context and arena, is the step's. */
static firn_status add_and_wait(firn_intake *in, firn_ctx *ctx, const firn_accepted *a, waiter *w,
                                firn_error *err) {
  bool has_key = a->idempotency_key.data != NULL;
  firn_status status = add_record(in, ctx, a, &w->position, err);
  if (status != FIRN_OK) {
    if (has_key) {
      take_back_key(in, a);
    }
    return refuse_unwritten(in, ctx, status, err);
  }
  note_written(in, ctx);
  pthread_mutex_lock(&in->lock);
  firn_key *key = has_key ? firn_keys_find(&in->keys, a->idempotency_key) : NULL;
  if (key != NULL) {
    key->position = w->position;
  }
  status = defer(in, w) ? FIRN_OK : is_over(err);
  pthread_mutex_unlock(&in->lock);
  return status;
}

static firn_status take_request(firn_intake *in, firn_exchange *x, firn_ctx *ctx, firn_error *err) {
  firn_accepted a;
  FIRN_TRY(read_request(in, x, ctx, &a, err));
  if (a.n_events == 0) {
    answer(x, 0);
    return FIRN_OK;
  }
  waiter *w = firn_new(firn_exchange_arena(x), waiter);
  if (w == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a request");
  }
  *w = (waiter){.x = x,
                .key = a.idempotency_key,
                .fingerprint = a.fingerprint,
                .n_events = a.n_events,
                .n_bytes = a.body.len};
  bool is_new = true;
  if (a.idempotency_key.data != NULL) {
    FIRN_TRY(look_up(in, &a, w, &is_new, err));
  }
  if (is_new) {
    firn_status status = check_room(in, err);
    if (status != FIRN_OK && a.idempotency_key.data != NULL) {
      take_back_key(in, &a);
    }
    FIRN_TRY(status);
    FIRN_TRY(add_and_wait(in, ctx, &a, w, err));
  }
  return FIRN_OK;
}

static firn_status post_events(void *service, firn_exchange *x, firn_ctx *ctx, firn_error *err) {
  firn_status status = take_request(service, x, ctx, err);
  if (status != FIRN_OK) {
    firn_route_fail_as(x, code_of(status), status, err->text);
  }
  return FIRN_OK;
}

firn_route_set firn_intake_routes(firn_intake *in) {
  static const firn_route routes[] = {
      {.method = "POST",
       .path = "/v1/events",
       .handle = post_events,
       .name = "events.post",
       .takes_body = true},
  };
  return (firn_route_set){routes, FIRN_COUNT_OF(routes), in, in->options.max_body_bytes};
}

/* Stepping. */

/* Those who wait on, unless nobody may any more. */
static void put_back(firn_intake *in, waiter *list) {
  pthread_mutex_lock(&in->lock);
  bool is_stopped = in->is_stopped;
  while (list != NULL) {
    waiter *w = list;
    list = w->next;
    w->next = in->waiting;
    in->waiting = w;
  }
  pthread_mutex_unlock(&in->lock);
  if (is_stopped) {
    answer_unknown(take_waiting(in), stopping_text);
  }
}

/* One who waits for the first request with its key: what became of that. False: it is gone, perhaps with
 * other events under its key since. */
static bool find_first(firn_intake *in, waiter *w) {
  pthread_mutex_lock(&in->lock);
  const firn_key *key = firn_keys_find(&in->keys, w->key);
  bool is_there = key != NULL && key->fingerprint == w->fingerprint;
  w->position = is_there ? key->position : FIRN_KEY_PENDING;
  pthread_mutex_unlock(&in->lock);
  return is_there;
}

/* Everything before `durable` is safe. */
static void answer_durable(firn_intake *in, firn_ctx *ctx, waiter *list, uint64_t durable) {
  waiter *left = NULL;
  int64_t n_events = 0, n_requests = 0, n_bytes = 0, n_repeated = 0;
  while (list != NULL) {
    waiter *w = list;
    list = w->next; /* answering may end it */
    if (w->position == FIRN_KEY_PENDING && !find_first(in, w)) {
      firn_route_fail_as(w->x, 503, FIRN_BUSY, "the first request with this Idempotency-Key was not taken");
      continue;
    }
    if (w->position >= durable) { /* FIRN_KEY_PENDING too */
      w->next = left;
      left = w;
      continue;
    }
    n_repeated += w->is_repeat;
    n_requests += !w->is_repeat;
    n_events += w->is_repeat ? 0 : w->n_events;
    n_bytes += w->is_repeat ? 0 : (int64_t)w->n_bytes;
    answer(w->x, w->n_events);
  }
  put_back(in, left);
  firn_metric_add(ctx, &firn_intake_metrics, EVENTS, n_events);
  firn_metric_add(ctx, &firn_intake_metrics, REQUESTS, n_requests);
  firn_metric_add(ctx, &firn_intake_metrics, BYTES, n_bytes);
  firn_metric_add(ctx, &firn_intake_metrics, REPEATED, n_repeated);
}

static int64_t count_waiting(const waiter *list) {
  int64_t n = 0;
  for (; list != NULL; list = list->next) {
    n++;
  }
  return n;
}

/* A step that never came to the sync leaves everything as it was. */
static bool is_unchanged(firn_status status) {
  return status == FIRN_NOMEM || status == FIRN_CANCELLED || status == FIRN_TIMEOUT || status == FIRN_BUSY;
}

static bool has_failed(firn_intake *in) {
  pthread_mutex_lock(&in->lock);
  bool is_failed = in->is_failed;
  pthread_mutex_unlock(&in->lock);
  return is_failed;
}

static firn_status sync_and_answer(firn_intake *in, firn_ctx *ctx, firn_error *err) {
  waiter *list = take_waiting(in);
  firn_journal *j = in->options.journal;
  if (list == NULL && !has_failed(in) && firn_journal_durable(j) == firn_journal_next(j)) {
    return FIRN_OK;
  }
  uint64_t durable;
  int64_t n_waiting = count_waiting(list);
  int64_t start_us = firn_ctx_monotonic_us(ctx);
  firn_metric_add(ctx, &firn_intake_metrics, WAITING, n_waiting);
  firn_status status = firn_journal_sync(j, ctx, &durable, err);
  firn_metric_add(ctx, &firn_intake_metrics, WAITING, -n_waiting);
  firn_metric_observe(ctx, &firn_intake_metrics, SYNC_US, firn_ctx_monotonic_us(ctx) - start_us);
  if (status == FIRN_OK) {
    answer_durable(in, ctx, list, durable);
    if (in->options.on_durable != NULL) {
      in->options.on_durable(in->options.arg);
    }
    return FIRN_OK;
  }
  if (is_unchanged(status)) {
    put_back(in, list);
    return status;
  }
  pthread_mutex_lock(&in->lock);
  in->is_failed = true;
  pthread_mutex_unlock(&in->lock);
  put_back(in, list); /* with those who have come since */
  answer_unknown(take_waiting(in),
                 "the event journal could not be synced: whether the events were taken is not known");
  return firn_error_while(
      err, FIRN_UNCERTAIN,
      "the event journal has failed; firn looks what is on the disk when it is started again");
}

static void show(firn_intake *in, firn_ctx *ctx) {
  pthread_mutex_lock(&in->lock);
  int64_t n_keys = (int64_t)(in->keys.end - in->keys.begin);
  int64_t bytes = (int64_t)firn_journal_bytes(in->options.journal, in->covered);
  int64_t more_keys = n_keys - in->shown_keys;
  int64_t more_bytes = bytes - in->shown_bytes;
  in->shown_keys = n_keys;
  in->shown_bytes = bytes;
  pthread_mutex_unlock(&in->lock);
  firn_metric_add(ctx, &firn_intake_metrics, KEYS, more_keys);
  firn_metric_add(ctx, &firn_intake_metrics, JOURNAL_BYTES, more_bytes);
}

/* Forgets keys that need not be remembered any more, and says from where on the journal is needed. */
static uint64_t forget(firn_intake *in, firn_ctx *ctx) {
  firn_journal *j = in->options.journal;
  pthread_mutex_lock(&in->lock);
  firn_keys *k = &in->keys;
  firn_keys_forget_before(k, firn_ctx_monotonic_us(ctx) - in->options.remember_us);
  uint64_t uncovered = firn_journal_bytes(j, in->covered);
  while (firn_journal_bytes(j, firn_keys_floor(k, in->covered)) - uncovered > in->options.remember_bytes &&
         firn_keys_forget_oldest(k, FORGET_AT_ONCE)) {
  }
  uint64_t needed = firn_keys_floor(k, in->covered);
  pthread_mutex_unlock(&in->lock);
  return needed;
}

firn_status firn_intake_covered(firn_intake *in, firn_ctx *ctx, uint64_t position, firn_error *err) {
  pthread_mutex_lock(&in->lock);
  in->covered = position > in->covered ? position : in->covered;
  firn_keys_cover(&in->keys, in->covered, firn_ctx_monotonic_us(ctx));
  pthread_mutex_unlock(&in->lock);
  firn_status status = firn_journal_free_before(in->options.journal, ctx, forget(in, ctx), err);
  show(in, ctx);
  return status;
}

/* When the oldest key may be forgotten. */
static int64_t forget_in_us(firn_intake *in, firn_ctx *ctx) {
  pthread_mutex_lock(&in->lock);
  int64_t oldest_us = firn_keys_oldest_us(&in->keys);
  pthread_mutex_unlock(&in->lock);
  if (oldest_us == INT64_MAX) {
    return FIRN_STEP_IDLE;
  }
  int64_t left_us = oldest_us + in->options.remember_us - firn_ctx_monotonic_us(ctx);
  return left_us > 0 ? left_us : 0;
}

static firn_status step(void *self, firn_ctx *ctx, bool is_draining, int64_t *wait_us, firn_error *err) {
  firn_intake *in = self;
  FIRN_TRY(sync_and_answer(in, ctx, err));
  if (forget_in_us(in, ctx) == 0) {
    FIRN_TRY(firn_journal_free_before(in->options.journal, ctx, forget(in, ctx), err));
  }
  show(in, ctx);
  *wait_us = is_draining ? FIRN_STEP_IDLE : forget_in_us(in, ctx);
  return FIRN_OK;
}

const firn_service_ops firn_intake_service = {.name = "intake", .step = step};

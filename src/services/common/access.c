#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "services/common/router_internal.h"

enum { NOTES = 1024, PATH_MAX_BYTES = 200, METHOD_MAX_BYTES = 16, CLIENT_MAX_BYTES = 48, TRACE_BYTES = 33 };

/* A note is written this much later at most; so a busy server writes many lines for one wake-up. */
#define LATEST_US INT64_C(20000)

enum { REQUESTS, REQUEST_US, ANSWER_BYTES, BODY_BYTES, FAILED, BROKEN, LOST_LINES };
static const firn_metric metrics[] = {
    [REQUESTS] = {"firn_http_requests_total", "Requests answered", FIRN_METRIC_COUNTER, 1},
    [REQUEST_US] = {"firn_http_request_seconds", "From the head of a request to the last byte of its answer",
                    FIRN_METRIC_HISTOGRAM, 1e-6},
    [ANSWER_BYTES] = {"firn_http_answer_bytes_total", "Bytes of answers' bodies", FIRN_METRIC_COUNTER, 1},
    [BODY_BYTES] = {"firn_http_body_bytes_total", "Bytes of requests' bodies, as announced",
                    FIRN_METRIC_COUNTER, 1},
    [FAILED] = {"firn_http_failed_requests_total", "Requests answered with a status of 500 or more",
                FIRN_METRIC_COUNTER, 1},
    [BROKEN] = {"firn_http_broken_requests_total", "Requests whose connection broke before the last byte",
                FIRN_METRIC_COUNTER, 1},
    [LOST_LINES] = {"firn_http_lost_log_lines_total", "Requests not logged because the log was too slow",
                    FIRN_METRIC_COUNTER, 1},
};
const firn_metric_set firn_http_metrics = {metrics, FIRN_COUNT_OF(metrics)};

typedef struct note {
  int64_t at_us; /* wall clock */
  int64_t took_us;
  uint64_t bytes;
  const char *route;
  int status;
  bool is_whole;
  char method[METHOD_MAX_BYTES], path[PATH_MAX_BYTES], client[CLIENT_MAX_BYTES], trace_id[TRACE_BYTES];
} note;

/* Answers of one route: by code, as many as it has ever given; what there is no place for is counted as 0. */
enum { CODES = 12, LABELS_MAX = 256 };
typedef struct route_counts {
  const char *name;
  size_t same_as; /* the first route of this name */
  atomic_int codes[CODES];
  atomic_int_least64_t n[CODES];
} route_counts;

struct firn_access {
  firn_ctx ctx;
  size_t n_routes; /* with the one that stands for none */
  route_counts *routes;
  firn_metric *time_metrics; /* one histogram a route, all of one name */
  firn_metric_set time_set;
  firn_metrics *time_values;
  firn_env time_env;
  bool has_thread;
  pthread_t thread;

  pthread_mutex_t lock; /* guards what follows, and is not held while a line is written */
  pthread_cond_t more;
  size_t first, n;
  bool is_waiting, is_closing;
  note notes[NOTES];
};

/* Log lines bear the time of their request, not that of their writing. */
static int64_t time_of_note(void *self) {
  return ((const note *)self)->at_us;
}

static void write_line(firn_access *a, note *n) {
  firn_env env = *a->ctx.env;
  env.now_us = time_of_note;
  env.self = n; /* only the clock is asked */
  firn_ctx ctx = FIRN_CTX_INIT(&env);
  ctx.trace_id = n->trace_id[0] == '\0' ? NULL : n->trace_id;
  firn_log_field broken = FIRN_LOG_BOOL("broken", true);
  if (n->is_whole) {
    broken.kind = FIRN_LOG_IS_NOTHING;
  }
  FIRN_LOG_WITH(&ctx, FIRN_LOG_INFO, "request", FIRN_LOG_TEXT("method", n->method),
                FIRN_LOG_TEXT("route", n->route == NULL ? "-" : n->route), FIRN_LOG_TEXT("path", n->path),
                FIRN_LOG_INT("status", n->status), FIRN_LOG_INT("bytes", (int64_t)n->bytes),
                FIRN_LOG_INT("us", n->took_us), FIRN_LOG_TEXT("client", n->client), broken);
}

static void pause_a_moment(firn_access *a) {
  int64_t until_us = firn_ctx_monotonic_us(&a->ctx) + LATEST_US;
  struct timespec until = {.tv_sec = until_us / 1000000, .tv_nsec = until_us % 1000000 * 1000};
  while (!a->is_closing && a->n < NOTES / 2 &&
         pthread_cond_clockwait(&a->more, &a->lock, CLOCK_MONOTONIC, &until) != ETIMEDOUT) {
  }
}

static void *write_lines(void *arg) {
  firn_access *a = arg;
  pthread_mutex_lock(&a->lock);
  for (;;) {
    while (a->n == 0 && !a->is_closing) {
      a->is_waiting = true;
      (void)pthread_cond_wait(&a->more, &a->lock);
      a->is_waiting = false;
    }
    if (a->n == 0) {
      break;
    }
    pause_a_moment(a);
    while (a->n > 0) {
      note copy = a->notes[a->first];
      a->first = (a->first + 1) % NOTES;
      a->n--;
      pthread_mutex_unlock(&a->lock);
      write_line(a, &copy);
      pthread_mutex_lock(&a->lock);
    }
  }
  pthread_mutex_unlock(&a->lock);
  return NULL;
}

/* Signals are for the application's own threads. */
static int start_thread(firn_access *a) {
  sigset_t all, before;
  (void)sigfillset(&all);
  int failed = pthread_sigmask(SIG_SETMASK, &all, &before);
  failed = failed != 0 ? failed : pthread_create(&a->thread, NULL, write_lines, a);
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL); /* as it was; cannot fail */
  return failed;
}

static void name_routes(firn_access *a, const char *const *names) {
  for (size_t i = 0; i < a->n_routes; i++) {
    route_counts *r = &a->routes[i];
    r->name = i < a->n_routes - 1 ? names[i] : "-";
    while (strcmp(a->routes[r->same_as].name, r->name) != 0) {
      r->same_as++;
    }
    a->time_metrics[i] = (firn_metric){
        .name = "firn_http_route_seconds",
        .help = "From the head of a request to the last byte of its answer, by route",
        .kind = FIRN_METRIC_HISTOGRAM,
        .scale = 1e-6,
    };
  }
}

static firn_status open_counts(firn_access *a, const char *const *names, size_t n, firn_error *err) {
  a->n_routes = n + 1;
  a->routes = firn_alloc(a->n_routes * sizeof *a->routes);
  a->time_metrics = firn_alloc(a->n_routes * sizeof *a->time_metrics);
  if (a->routes == NULL || a->time_metrics == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for the metrics of %zu routes", n);
  }
  name_routes(a, names);
  a->time_set = (firn_metric_set){a->time_metrics, a->n_routes};
  FIRN_TRY(firn_metrics_open((const firn_metric_set *const[]){&a->time_set}, 1, &a->time_values, err));
  a->time_env = *a->ctx.env;
  a->time_env.metrics = a->time_values;
  return FIRN_OK;
}

firn_status firn_access_open(firn_ctx *ctx, const char *const *names, size_t n, firn_access **out,
                             firn_error *err) {
  firn_access *a = firn_alloc(sizeof *a);
  if (a == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for the access log");
  }
  a->ctx = *ctx;
  (void)pthread_mutex_init(&a->lock, NULL); /* neither can fail with default attributes */
  (void)pthread_cond_init(&a->more, NULL);
  firn_status status = open_counts(a, names, n, err);
  if (status == FIRN_OK && firn_log_wants(ctx, FIRN_LOG_INFO)) {
    int failed = start_thread(a);
    a->has_thread = failed == 0;
    status = failed == 0
                 ? FIRN_OK
                 : firn_error_set(err, FIRN_LIMIT, "starting the access log: %s", strerrordesc_np(failed));
  }
  if (status != FIRN_OK) {
    firn_access_close(a);
    return status;
  }
  *out = a;
  return FIRN_OK;
}

void firn_access_close(firn_access *a) {
  if (a == NULL) {
    return;
  }
  if (a->has_thread) {
    pthread_mutex_lock(&a->lock);
    a->is_closing = true;
    pthread_cond_signal(&a->more);
    pthread_mutex_unlock(&a->lock);
    (void)pthread_join(a->thread, NULL); /* ours and joinable */
  }
  firn_metrics_close(a->time_values);
  firn_free(a->time_metrics);
  firn_free(a->routes);
  pthread_cond_destroy(&a->more);
  pthread_mutex_destroy(&a->lock);
  firn_free(a);
}

static void copy_text(char *into, size_t size, const char *text) {
  size_t len = text == NULL ? 0 : strnlen(text, size - 1);
  memcpy(into, text == NULL ? "" : text, len);
  into[len] = '\0';
}

static void fill(note *n, firn_exchange *x, const char *route, int64_t took_us, bool is_whole) {
  n->at_us = firn_ctx_now_us(firn_exchange_ctx(x));
  n->took_us = took_us;
  n->bytes = firn_exchange_answered_bytes(x);
  n->route = route;
  n->status = firn_exchange_status(x);
  n->is_whole = is_whole;
  copy_text(n->method, sizeof n->method, firn_exchange_method(x));
  copy_text(n->path, sizeof n->path, firn_exchange_path(x));
  copy_text(n->client, sizeof n->client, firn_exchange_client(x));
  copy_text(n->trace_id, sizeof n->trace_id, firn_exchange_ctx(x)->trace_id);
}

static bool take_note(firn_access *a, firn_exchange *x, const char *route, int64_t took_us, bool is_whole) {
  pthread_mutex_lock(&a->lock);
  bool has_room = a->n < NOTES;
  if (has_room) {
    fill(&a->notes[(a->first + a->n) % NOTES], x, route, took_us, is_whole);
    a->n++;
    if (a->is_waiting || a->n == NOTES / 2) {
      pthread_cond_signal(&a->more);
    }
  }
  pthread_mutex_unlock(&a->lock);
  return has_room;
}

/* Only the polling thread counts; others read. */
static void count_code(route_counts *r, int code) {
  size_t i = 0;
  while (i < CODES - 1 && atomic_load_explicit(&r->n[i], memory_order_relaxed) > 0 &&
         atomic_load_explicit(&r->codes[i], memory_order_relaxed) != code) {
    i++;
  }
  atomic_store_explicit(&r->codes[i], i < CODES - 1 ? code : 0, memory_order_relaxed);
  atomic_fetch_add_explicit(&r->n[i], 1, memory_order_release);
}

void firn_access_note(firn_access *a, firn_exchange *x, size_t route, bool is_whole) {
  int64_t took_us = firn_ctx_monotonic_us(&a->ctx) - firn_exchange_started_us(x);
  int64_t announced = firn_exchange_body_announced(x);
  firn_metric_add(&a->ctx, &firn_http_metrics, REQUESTS, 1);
  firn_metric_observe(&a->ctx, &firn_http_metrics, REQUEST_US, took_us);
  firn_metric_add(&a->ctx, &firn_http_metrics, ANSWER_BYTES, (int64_t)firn_exchange_answered_bytes(x));
  firn_metric_add(&a->ctx, &firn_http_metrics, BODY_BYTES, announced > 0 ? announced : 0);
  firn_metric_add(&a->ctx, &firn_http_metrics, FAILED, firn_exchange_status(x) >= 500);
  firn_metric_add(&a->ctx, &firn_http_metrics, BROKEN, !is_whole);
  size_t same = a->routes[route].same_as;
  firn_ctx time_ctx = FIRN_CTX_INIT(&a->time_env);
  firn_metric_observe(&time_ctx, &a->time_set, same, took_us);
  count_code(&a->routes[same], firn_exchange_status(x));
  if (a->has_thread &&
      !take_note(a, x, route == a->n_routes - 1 ? NULL : a->routes[route].name, took_us, is_whole)) {
    firn_metric_add(&a->ctx, &firn_http_metrics, LOST_LINES, 1);
  }
}

static void write_codes(const firn_access *a, firn_builder *out) {
  static const firn_metric by_code = {"firn_http_route_requests_total",
                                      "Requests answered, by route and code (0: none, the connection broke)",
                                      FIRN_METRIC_COUNTER, 1};
  firn_prometheus_begin(&by_code, out);
  for (size_t i = 0; i < a->n_routes; i++) {
    for (size_t k = 0; k < CODES; k++) {
      int64_t n = atomic_load_explicit(&a->routes[i].n[k], memory_order_acquire);
      char labels[LABELS_MAX];
      (void)snprintf(
          labels, sizeof labels, "route=\"%s\",code=\"%d\"", a->routes[i].name,
          atomic_load_explicit(&a->routes[i].codes[k], memory_order_relaxed)); /* names are short */
      if (n > 0) {
        firn_prometheus_value(&(firn_metric_value){.metric = &by_code, .value = n}, labels, out);
      }
    }
  }
}

void firn_access_write(firn_access *a, firn_builder *out) {
  write_codes(a, out);
  firn_prometheus_begin(&a->time_metrics[0], out);
  firn_metric_value v;
  for (size_t at = 0; firn_metrics_next(a->time_values, &at, &v);) {
    char labels[LABELS_MAX];
    (void)snprintf(labels, sizeof labels, "route=\"%s\"", a->routes[at - 1].name); /* names are short */
    if (v.count > 0) {
      firn_prometheus_value(&v, labels, out);
    }
  }
}

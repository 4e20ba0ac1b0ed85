#include "services/common/router.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/log.h"
#include "net/percent.h"
#include "services/common/router_internal.h"

enum { MOST_PARTS = 16, OWN_ROUTES = 3, METRICS_MAX = 16 << 20 };

/* One route, its path taken apart. */
typedef struct compiled {
  const firn_route *route;
  const firn_route_set *set;
  size_t n_parts;
  firn_bytes parts[MOST_PARTS]; /* with their braces */
  bool takes_rest;              /* the last is {name...} */
} compiled;

struct firn_router {
  const firn_auth *auth;
  firn_health *health;
  firn_ctx ctx;
  firn_route_set own;
  firn_access *access;
  size_t n;
  compiled routes[]; /* the most particular first */
};

/* What the router knows about a request. */
typedef struct frame {
  firn_router *router;
  const compiled *found;
  size_t n_parts;
  bool is_deeper;               /* there are more parts than these */
  firn_bytes parts[MOST_PARTS]; /* of the request's path, decoded */
  firn_bytes raw[MOST_PARTS];   /* the path from there on, as it came */
  firn_bytes rest;              /* what {name...} matched, decoded */
} frame;

static bool is_brace(firn_bytes part) {
  return part.len > 2 && part.data[0] == '{';
}

static bool is_rest(firn_bytes part) {
  return part.len > 5 && part.data[0] == '{' && memcmp(part.data + part.len - 4, "...}", 4) == 0;
}

/* The first part of a path that begins with '/', which is taken off. */
static firn_bytes next_part(firn_bytes *path) {
  firn_bytes rest = firn_bytes_part(*path, 1, path->len);
  const uint8_t *slash = rest.len == 0 ? NULL : memchr(rest.data, '/', rest.len);
  size_t len = slash == NULL ? rest.len : (size_t)(slash - rest.data);
  *path = firn_bytes_part(rest, len, rest.len);
  return firn_bytes_part(rest, 0, len);
}

static firn_status compile(const firn_route *route, const firn_route_set *set, compiled *out,
                           firn_error *err) {
  *out = (compiled){.route = route, .set = set};
  firn_bytes path = firn_bytes_of(route->path);
  if (path.len == 0 || path.data[0] != '/') {
    return firn_error_set(err, FIRN_INVALID, "route %s does not begin with /", route->path);
  }
  while (path.len > 0) {
    if (out->n_parts == MOST_PARTS || out->takes_rest) {
      return firn_error_set(err, FIRN_INVALID, "route %s has too many parts", route->path);
    }
    firn_bytes part = next_part(&path);
    out->parts[out->n_parts++] = part;
    out->takes_rest = is_rest(part);
  }
  return FIRN_OK;
}

/* Part by part: a literal before a brace, a brace before the rest. */
static int rank(const compiled *c, size_t i) {
  if (i >= c->n_parts) {
    return 0;
  }
  return is_rest(c->parts[i]) ? 3 : is_brace(c->parts[i]) ? 2 : 1;
}

static int by_particularity(const void *a, const void *b) {
  const compiled *x = a, *y = b;
  for (size_t i = 0; i < MOST_PARTS; i++) {
    int difference = rank(x, i) - rank(y, i);
    if (difference != 0) {
      return difference;
    }
    if (rank(x, i) == 1 && !firn_bytes_equal(x->parts[i], y->parts[i])) {
      return firn_bytes_compare(x->parts[i], y->parts[i]);
    }
  }
  return strcmp(x->route->method, y->route->method);
}

static firn_status check_twins(const firn_router *r, firn_error *err) {
  for (size_t i = 1; i < r->n; i++) {
    if (by_particularity(&r->routes[i - 1], &r->routes[i]) == 0) {
      return firn_error_set(err, FIRN_INVALID, "two routes for %s %s", r->routes[i].route->method,
                            r->routes[i].route->path);
    }
  }
  return FIRN_OK;
}

static bool matches(const compiled *c, const frame *f) {
  if (c->takes_rest ? f->n_parts < c->n_parts : f->n_parts != c->n_parts || f->is_deeper) {
    return false;
  }
  for (size_t i = 0; i < c->n_parts; i++) {
    bool fits = is_brace(c->parts[i]) ? f->parts[i].len > 0 || is_rest(c->parts[i])
                                      : firn_bytes_equal(c->parts[i], f->parts[i]);
    if (!fits) {
      return false;
    }
  }
  return true;
}

/* HEAD is answered as GET, without its body. */
static bool is_method(const compiled *c, const char *method) {
  return strcmp(c->route->method, method) == 0 ||
         (strcmp(method, "HEAD") == 0 && strcmp(c->route->method, "GET") == 0);
}

static void add_method(firn_builder *allow, const char *method) {
  firn_builder_addf(allow, "%s%s", allow->len > 0 ? ", " : "", method);
}

/* The methods of all routes that match, each once. */
static void list_methods(const firn_router *r, const frame *f, firn_builder *allow) {
  for (size_t i = 0; i < r->n; i++) {
    const char *method = r->routes[i].route->method;
    bool is_new = matches(&r->routes[i], f);
    for (size_t k = 0; k < i && is_new; k++) {
      is_new = strcmp(r->routes[k].route->method, method) != 0 || !matches(&r->routes[k], f);
    }
    if (is_new) {
      add_method(allow, method);
      if (strcmp(method, "GET") == 0) {
        add_method(allow, "HEAD");
      }
    }
  }
}

static const compiled *find(const firn_router *r, const frame *f, const char *method) {
  for (size_t i = 0; i < r->n; i++) {
    if (is_method(&r->routes[i], method) && matches(&r->routes[i], f)) {
      return &r->routes[i];
    }
  }
  return NULL;
}

static firn_status split(firn_exchange *x, frame *f, firn_error *err) {
  firn_bytes path = firn_bytes_of(firn_exchange_path(x));
  if (path.len == 0 || path.data[0] != '/') {
    return firn_error_set(err, FIRN_NOT_FOUND, "there is nothing at this path");
  }
  while (path.len > 0) {
    if (f->n_parts == MOST_PARTS) {
      f->is_deeper = true;
      break;
    }
    f->raw[f->n_parts] = firn_bytes_part(path, 1, path.len);
    firn_bytes part = next_part(&path);
    FIRN_TRY(firn_percent_decode(part, false, firn_exchange_arena(x), &f->parts[f->n_parts++], err));
  }
  return FIRN_OK;
}

static int code_of(firn_status status) {
  static const int codes[] = {
      [FIRN_OK] = 200,       [FIRN_INVALID] = 400,   [FIRN_NOT_FOUND] = 404, [FIRN_EXISTS] = 409,
      [FIRN_CONFLICT] = 409, [FIRN_UNCERTAIN] = 503, [FIRN_CORRUPT] = 400,   [FIRN_UNSUPPORTED] = 501,
      [FIRN_DENIED] = 403,   [FIRN_BUSY] = 429,      [FIRN_TIMEOUT] = 504,   [FIRN_CANCELLED] = 503,
      [FIRN_LIMIT] = 413,    [FIRN_IO] = 503,        [FIRN_NOMEM] = 503,
  };
  size_t i = (size_t)status;
  return i < FIRN_COUNT_OF(codes) ? codes[i] : 500;
}

void firn_route_fail_as(firn_exchange *x, int code, firn_status status, const char *text) {
  if (code == 429 || code == 503) {
    firn_exchange_add_header(x, "Retry-After", "1");
  }
  firn_exchange_fail(x, code, firn_status_name(status), text);
}

void firn_route_fail(firn_exchange *x, firn_status status, const firn_error *err) {
  firn_route_fail_as(x, code_of(status), status,
                     err != NULL && err->status != FIRN_OK ? err->text : firn_status_name(status));
}

static firn_status check_who_asks(firn_router *r, firn_exchange *x, const firn_route *route,
                                  firn_error *err) {
  if (route->is_open || r->auth == NULL) {
    return FIRN_OK;
  }
  return r->auth->check(r->auth->self, x, route, err);
}

static void refuse_who_asks(firn_exchange *x, firn_status status, const firn_error *err) {
  if (status == FIRN_DENIED && firn_exchange_header(x, "Authorization").data == NULL) {
    firn_exchange_add_header(x, "WWW-Authenticate", "Bearer");
    firn_route_fail_as(x, 401, status, err->text);
  } else {
    firn_route_fail(x, status, err);
  }
}

static void refuse_path(firn_router *r, firn_exchange *x, const frame *f) {
  FIRN_AUTO_BUILDER allow = FIRN_BUILDER_INIT(1024);
  list_methods(r, f, &allow);
  if (allow.len == 0) {
    firn_route_fail_as(x, 404, FIRN_NOT_FOUND, "there is nothing at this path");
    return;
  }
  firn_builder_add_u8(&allow, '\0');
  firn_bytes methods;
  if (firn_builder_finish(&allow, &methods, NULL) == FIRN_OK) {
    firn_exchange_add_header(x, "Allow", (const char *)methods.data);
  }
  firn_route_fail_as(x, 405, FIRN_UNSUPPORTED, "this path does not take this method");
}

static void begin(void *self, firn_exchange *x) {
  firn_router *r = self;
  firn_error err = {.status = FIRN_OK};
  frame *f = firn_new(firn_exchange_arena(x), frame);
  if (f == NULL) {
    firn_route_fail(x, FIRN_NOMEM, NULL);
    return;
  }
  f->router = r;
  firn_exchange_set_frame(x, f);
  firn_status status = split(x, f, &err);
  if (status != FIRN_OK) {
    firn_route_fail(x, status, &err);
    return;
  }
  f->found = find(r, f, firn_exchange_method(x));
  if (f->found == NULL) {
    refuse_path(r, x, f);
    return;
  }
  if (f->found->takes_rest) {
    status =
        firn_percent_decode(f->raw[f->found->n_parts - 1], false, firn_exchange_arena(x), &f->rest, &err);
  }
  if (status != FIRN_OK) {
    firn_route_fail(x, status, &err);
    return;
  }
  status = check_who_asks(r, x, f->found->route, &err);
  if (status != FIRN_OK) {
    refuse_who_asks(x, status, &err);
    return;
  }
  if (f->found->route->takes_body) {
    firn_exchange_allow_body(x, f->found->set->max_body_bytes);
  }
  if (f->found->route->is_quick) {
    firn_exchange_be_quick(x);
  }
}

static void handle(void *self, firn_exchange *x) {
  (void)self;
  const frame *f = firn_exchange_frame(x);
  const compiled *c = f->found;
  firn_error err = {.status = FIRN_OK};
  firn_status status = c->route->handle(c->set->service, x, firn_exchange_ctx(x), &err);
  if (status != FIRN_OK) { /* so it was neither answered nor deferred */
    firn_route_fail(x, status, &err);
  }
}

static void end(void *self, firn_exchange *x, bool is_whole) {
  firn_router *r = self;
  const frame *f = firn_exchange_frame(x);
  firn_access_note(r->access, x, f != NULL && f->found != NULL ? (size_t)(f->found - r->routes) : r->n,
                   is_whole);
}

static void notice(void *self, const char *text) {
  firn_router *r = self;
  FIRN_LOG(&r->ctx, FIRN_LOG_WARN, text);
}

firn_http_handler firn_router_handler(firn_router *r) {
  return (firn_http_handler){.begin = begin, .handle = handle, .end = end, .notice = notice, .self = r};
}

firn_bytes firn_route_part(firn_exchange *x, const char *name) {
  const frame *f = firn_exchange_frame(x);
  size_t len = strlen(name);
  for (size_t i = 0; f != NULL && f->found != NULL && i < f->found->n_parts; i++) {
    firn_bytes part = f->found->parts[i];
    size_t tail = is_rest(part) ? 5 : 2; /* "{" and "...}", or "{" and "}" */
    if (is_brace(part) && part.len == len + tail && memcmp(part.data + 1, name, len) == 0) {
      return is_rest(part) ? f->rest : f->parts[i];
    }
  }
  return (firn_bytes){NULL, 0};
}

static firn_status answer_healthz(void *service, firn_exchange *x, firn_ctx *ctx, firn_error *err) {
  (void)service;
  (void)ctx;
  (void)err;
  firn_exchange_answer(x, 200, "text/plain; charset=utf-8", FIRN_LITERAL("ok\n"), true);
  return FIRN_OK;
}

static firn_status answer_readyz(void *service, firn_exchange *x, firn_ctx *ctx, firn_error *err) {
  (void)ctx;
  firn_router *r = service;
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(64 << 10);
  int code = firn_health_is_ready(r->health) ? 200 : 503;
  firn_health_write(r->health, &b);
  firn_bytes body;
  FIRN_TRY(firn_builder_finish(&b, &body, err));
  firn_exchange_answer(x, code, "application/json", body, false);
  return FIRN_OK;
}

static firn_status answer_metrics(void *service, firn_exchange *x, firn_ctx *ctx, firn_error *err) {
  firn_router *r = service;
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(METRICS_MAX);
  firn_prometheus_write(ctx->env->metrics, &b);
  firn_access_write(r->access, &b);
  firn_bytes body;
  FIRN_TRY(firn_builder_finish(&b, &body, err));
  firn_exchange_answer(x, 200, FIRN_PROMETHEUS_TYPE, body, false);
  return FIRN_OK;
}

static const firn_route own_routes[OWN_ROUTES] = {
    {"GET", "/healthz", answer_healthz, "healthz", .is_open = true, .is_quick = true},
    {"GET", "/readyz", answer_readyz, "readyz", .is_open = true, .is_quick = true},
    {"GET", "/metrics", answer_metrics, "metrics", .is_open = true},
};

static firn_status compile_all(firn_router *r, const firn_route_set *sets, size_t n_sets, firn_error *err) {
  for (size_t s = 0; s <= n_sets; s++) {
    const firn_route_set *set = s < n_sets ? &sets[s] : &r->own;
    for (size_t i = 0; i < set->n; i++) {
      FIRN_TRY(compile(&set->routes[i], set, &r->routes[r->n++], err));
    }
  }
  qsort(r->routes, r->n, sizeof r->routes[0], by_particularity);
  return check_twins(r, err);
}

static firn_status open_access(firn_router *r, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const char **names = firn_new_n(&arena, const char *, r->n);
  if (names == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for the names of %zu routes", r->n);
  }
  for (size_t i = 0; i < r->n; i++) {
    names[i] = r->routes[i].route->name;
  }
  return firn_access_open(&r->ctx, names, r->n, &r->access, err);
}

firn_status firn_router_open(const firn_route_set *sets, size_t n_sets, const firn_auth *auth,
                             firn_health *health, firn_ctx *ctx, firn_router **out, firn_error *err) {
  size_t n = OWN_ROUTES;
  for (size_t s = 0; s < n_sets; s++) {
    n += sets[s].n;
  }
  firn_router *r = firn_alloc(sizeof *r + n * sizeof r->routes[0]);
  if (r == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu routes", n);
  }
  r->auth = auth;
  r->health = health;
  r->ctx = (firn_ctx)FIRN_CTX_INIT(ctx->env);
  r->own = (firn_route_set){.routes = own_routes, .n = OWN_ROUTES, .service = r};
  firn_status status = compile_all(r, sets, n_sets, err);
  status = status == FIRN_OK ? open_access(r, err) : status;
  if (status != FIRN_OK) {
    firn_router_close(r);
    return status;
  }
  *out = r;
  return FIRN_OK;
}

void firn_router_close(firn_router *r) {
  if (r != NULL) {
    firn_access_close(r->access);
    firn_free(r);
  }
}

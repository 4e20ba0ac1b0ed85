/* bench_intake FOLDER [BATCH [CLIENTS [SECONDS]]]: events acknowledged over HTTP.
 *
 * The server (router, intake, event journal in FOLDER, a thread that steps the intake) is this process;
 * CLIENTS connections of a second process each post an array of BATCH events of about 480 bytes, wait for the
 * answer, and post again. Beside it stand the syncs of a plain file in the same folder, to which one thread
 * appends as many bytes for each as the server had. Files are not made here. */
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "services/ingest/intake.h"

enum { MAX_CLIENTS = 1024, MAX_SAMPLES = 1 << 22 };

static void must(firn_status status, const firn_error *err) {
  if (status != FIRN_OK) {
    (void)fprintf(stderr, "bench_intake: %s\n", err->text);
    exit(1);
  }
}

static double now(void) {
  struct timespec t;
  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu_seconds(void) {
  struct rusage u;
  (void)getrusage(RUSAGE_SELF, &u);
  return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
         (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* A request of `n` events. */
static void make_request(firn_builder *out, unsigned n) {
  FIRN_AUTO_BUILDER body = FIRN_BUILDER_INIT(0);
  for (unsigned i = 0; i < n; i++) {
    firn_builder_addf(&body,
                      "%s{\"specversion\":\"1.0\",\"id\":\"2f6a3d0e-7c1b-4b52-9d0a-%012u\",\"source\":"
                      "\"0x4c674ddE8189aEF6e3b58F5a36d7438b2b1f6Bc2\","
                      "\"producer\":\"did:erc721:137:0xbA5738a18d83D41847dfFbDC6101d37C69c9B0cF:%u\","
                      "\"type\":\"dimo.status\","
                      "\"subject\":\"did:erc721:137:0xbA5738a18d83D41847dfFbDC6101d37C69c9B0cF:%u\",\"time\":"
                      "\"2025-06-15T12:00:00.123456Z\","
                      "\"dataversion\":\"r/v0/s\",\"datacontenttype\":\"application/"
                      "json\",\"data\":{\"speed\":%u,\"odometer\":%u,"
                      "\"location\":{\"lat\":52.5200%02u,\"lon\":13.4050%02u},\"soc\":0.%02u}}",
                      i == 0 ? "[" : ",", i, i % 977, i % 977, i % 130, 120000 + i, i % 100, (i * 7) % 100,
                      i % 100);
  }
  firn_builder_add_u8(&body, ']');
  firn_builder_addf(out,
                    "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                    "application/cloudevents-batch+json\r\nContent-Length: %zu\r\n\r\n",
                    body.len);
  firn_builder_add(out, firn_builder_bytes(&body));
}

/* The clients. */

typedef struct client {
  int fd;
  size_t sent, got;
  double start;
  char answer[512];
} client;

typedef struct tally {
  uint64_t n;
  double seconds;
  float p50_ms, p99_ms, max_ms;
} tally;

static int compare(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

static bool push(client *c, firn_bytes request) {
  while (c->sent < request.len) {
    ssize_t n = send(c->fd, request.data + c->sent, request.len - c->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n <= 0) {
      return false;
    }
    c->sent += (size_t)n;
  }
  return true;
}

/* Whether the answer is complete. */
static bool pull(client *c) {
  ssize_t n = recv(c->fd, c->answer + c->got, sizeof c->answer - 1 - c->got, MSG_DONTWAIT);
  if (n == 0) {
    (void)fprintf(stderr, "bench_intake: the server closed a connection\n");
    exit(1);
  }
  c->got += n > 0 ? (size_t)n : 0;
  c->answer[c->got] = '\0';
  const char *end = strstr(c->answer, "\r\n\r\n");
  if (end == NULL || strchr(end, '}') == NULL) {
    return false;
  }
  if (strncmp(c->answer, "HTTP/1.1 202", 12) != 0) {
    (void)fprintf(stderr, "bench_intake: %s\n", c->answer);
    exit(1);
  }
  return true;
}

static void open_clients(client *clients, unsigned n, uint16_t port, int poll) {
  for (unsigned i = 0; i < n; i++) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int one = 1;
    clients[i].fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(clients[i].fd, (struct sockaddr *)&to, sizeof to) != 0) {
      perror("bench_intake: connect");
      exit(1);
    }
    (void)setsockopt(clients[i].fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.u32 = i};
    (void)epoll_ctl(poll, EPOLL_CTL_ADD, clients[i].fd, &e);
  }
}

static void be_clients(uint16_t port, firn_bytes request, unsigned n_clients, double seconds, int result) {
  static client clients[MAX_CLIENTS];
  static float samples[MAX_SAMPLES];
  tally t = {0};
  int poll = epoll_create1(0);
  open_clients(clients, n_clients, port, poll);
  double start = now();
  for (unsigned i = 0; i < n_clients; i++) {
    clients[i].start = start;
    (void)push(&clients[i], request);
  }
  while (now() - start < seconds) {
    struct epoll_event events[64];
    int n = epoll_wait(poll, events, 64, 100);
    for (int k = 0; k < n; k++) {
      client *c = &clients[events[k].data.u32];
      if (push(c, request) && pull(c)) {
        double end = now();
        samples[t.n++ % MAX_SAMPLES] = (float)((end - c->start) * 1e3);
        c->start = end;
        c->sent = c->got = 0;
        (void)push(c, request);
      }
    }
  }
  t.seconds = now() - start;
  size_t kept = t.n < MAX_SAMPLES ? (size_t)t.n : MAX_SAMPLES;
  qsort(samples, kept, sizeof samples[0], compare);
  t.p50_ms = samples[kept / 2];
  t.p99_ms = samples[kept * 99 / 100];
  t.max_ms = samples[kept - (kept > 0)];
  _exit(write(result, &t, sizeof t) == sizeof t ? 0 : 1);
}

/* The server. */

static firn_service *the_service;

static void on_added(void *arg) {
  (void)arg;
  firn_service_wake(the_service);
}

static uint64_t n_syncs(const firn_metrics *m) {
  firn_metric_value v;
  for (size_t at = 0; firn_metrics_next(m, &at, &v);) {
    if (strcmp(v.metric->name, "firn_intake_sync_seconds") == 0) {
      return v.count;
    }
  }
  return 0;
}

/* Appends and syncs as the journal does, one after the other, for a second. */
static double floor_syncs(firn_ctx *ctx, const char *folder, size_t n_bytes) {
  firn_error err;
  char path[4096];
  FIRN_AUTO_FILE *file = NULL;
  uint8_t *data = firn_alloc(n_bytes);
  uint64_t n = 0;
  (void)snprintf(path, sizeof path, "%s/floor", folder);
  must(firn_file_open(ctx, path, FIRN_FILE_WRITE | FIRN_FILE_CREATE, &file, &err), &err);
  double start = now();
  while (now() - start < 1) {
    must(firn_file_append(file, (firn_bytes){data, n_bytes}, &err), &err);
    must(firn_file_sync(file, &err), &err);
    n++;
  }
  firn_free(data);
  must(firn_file_unlink(ctx, path, &err), &err);
  return (double)n / (now() - start);
}

int main(int argc, char **argv) {
  if (argc < 2) {
    (void)fprintf(stderr, "usage: bench_intake FOLDER [BATCH [CLIENTS [SECONDS]]]\n");
    return 2;
  }
  unsigned batch = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 1;
  unsigned n_clients = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 64;
  double seconds = argc > 4 ? strtod(argv[4], NULL) : 5;
  static const firn_metric_set *const sets[] = {&firn_intake_metrics};
  firn_error err;
  firn_env env = firn_env_system;
  must(firn_metrics_open(sets, 1, &env.metrics, &err), &err);
  firn_ctx ctx = FIRN_CTX_INIT(&env);
  FIRN_AUTO_BUILDER request = FIRN_BUILDER_INIT(0);
  make_request(&request, batch);

  firn_journal *journal;
  firn_intake *intake;
  firn_health *health;
  firn_router *router;
  firn_http_server *server;
  firn_journal_options jo = {.folder = argv[1], .kind = "events"};
  must(firn_journal_open(&jo, &ctx, &journal, &err), &err);
  firn_intake_options io = {.journal = journal, .max_journal_bytes = UINT64_C(1) << 40, .on_added = on_added};
  must(firn_intake_open(&io, &ctx, &intake, &err), &err);
  must(firn_health_open(&health, &err), &err);
  must(firn_service_start(&firn_intake_service, intake, &ctx, health, NULL, NULL, &the_service, &err), &err);
  firn_route_set set = firn_intake_routes(intake);
  must(firn_router_open(&set, 1, NULL, health, &ctx, &router, &err), &err);
  firn_http_server_options so = {.address = "127.0.0.1", .handler = firn_router_handler(router)};
  must(firn_http_server_open(&so, &ctx, &server, &err), &err);

  int result[2];
  if (pipe(result) != 0) {
    return 1;
  }
  double cpu = cpu_seconds();
  uint64_t before = firn_journal_bytes(journal, firn_journal_first(journal));
  if (fork() == 0) {
    be_clients(firn_http_server_port(server), firn_builder_bytes(&request), n_clients, seconds, result[1]);
  }
  tally t;
  if (read(result[0], &t, sizeof t) != sizeof t) {
    return 1;
  }
  (void)wait(NULL);
  cpu = cpu_seconds() - cpu;
  double syncs = (double)n_syncs(env.metrics) / t.seconds;
  double mb = (double)(firn_journal_bytes(journal, firn_journal_first(journal)) - before) / 1e6 / t.seconds;
  firn_http_server_drain(server, &ctx, firn_ctx_monotonic_us(&ctx) + 5000000);
  firn_intake_stop(intake);
  firn_service_stop(the_service);
  firn_http_server_close(server);
  double floor = floor_syncs(&ctx, argv[1], (size_t)(mb * 1e6 / syncs));
  (void)printf(
      "batch %u, %u clients: %.0f requests/s, %.0f events/s, %.1f MB/s; p50 %.2f ms, p99 %.2f, max %.1f; "
      "%.0f syncs/s of %.1f requests (plain file: %.0f/s); processor %.1f us a request, %.2f us an event\n",
      batch, n_clients, (double)t.n / t.seconds, (double)t.n * batch / t.seconds, mb, (double)t.p50_ms,
      (double)t.p99_ms, (double)t.max_ms, syncs, (double)t.n / t.seconds / syncs, floor,
      cpu * 1e6 / (double)t.n, cpu * 1e6 / (double)t.n / batch);
  return 0;
}

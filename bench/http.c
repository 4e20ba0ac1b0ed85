/* The bare HTTP server: how long a trivial GET takes over kept connections, handled on the polling thread
 * ("quick"), handed to a worker ("work"), and answered by a third thread ("later").
 *
 *   bench_http [clients [requests]]      64 clients share 4 threads; 20,000 requests each kind */
#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/ctx.h"
#include "net/server.h"

typedef struct later {
  pthread_mutex_t lock;
  pthread_cond_t more;
  firn_exchange *first;
  bool is_over;
} later;

static later waiting = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, NULL, false};

static void answer_ok(firn_exchange *x) {
  firn_exchange_answer(x, 200, "text/plain", FIRN_LITERAL("ok\n"), true);
}

static void *answer_later(void *arg) {
  (void)arg;
  pthread_mutex_lock(&waiting.lock);
  while (!waiting.is_over) {
    firn_exchange *x = waiting.first;
    if (x == NULL) {
      pthread_cond_wait(&waiting.more, &waiting.lock);
      continue;
    }
    waiting.first = firn_exchange_data(x);
    pthread_mutex_unlock(&waiting.lock);
    answer_ok(x);
    pthread_mutex_lock(&waiting.lock);
  }
  pthread_mutex_unlock(&waiting.lock);
  return NULL;
}

static void begin(void *self, firn_exchange *x) {
  (void)self;
  if (strcmp(firn_exchange_path(x), "/quick") == 0) {
    firn_exchange_be_quick(x);
  }
}

static void handle(void *self, firn_exchange *x) {
  (void)self;
  if (strcmp(firn_exchange_path(x), "/later") != 0) {
    answer_ok(x);
    return;
  }
  firn_exchange_defer(x);
  pthread_mutex_lock(&waiting.lock);
  firn_exchange_set_data(x, waiting.first);
  waiting.first = x;
  pthread_cond_signal(&waiting.more);
  pthread_mutex_unlock(&waiting.lock);
}

typedef struct client {
  uint16_t port;
  const char *request;
  int n_connections, n_requests;
  int64_t *took_us;
} client;

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int open_connection(uint16_t port) {
  int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
    perror("connect");
    exit(1);
  }
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

static void send_request(int fd, const char *request) {
  size_t len = strlen(request);
  if (send(fd, request, len, 0) != (ssize_t)len) {
    perror("send");
    exit(1);
  }
}

static void *ask(void *arg) {
  client *c = arg;
  struct pollfd *fds = calloc((size_t)c->n_connections, sizeof *fds);
  int64_t *sent = calloc((size_t)c->n_connections, sizeof *sent);
  char answer[4096];
  for (int i = 0; i < c->n_connections; i++) {
    fds[i] = (struct pollfd){.fd = open_connection(c->port), .events = POLLIN};
    sent[i] = now_ns();
    send_request(fds[i].fd, c->request);
  }
  for (int done = 0; done < c->n_requests;) {
    poll(fds, (nfds_t)c->n_connections, -1);
    for (int i = 0; i < c->n_connections && done < c->n_requests; i++) {
      if (fds[i].revents == 0) {
        continue;
      }
      if (recv(fds[i].fd, answer, sizeof answer, 0) <= 0) {
        fprintf(stderr, "the server has closed\n");
        exit(1);
      }
      c->took_us[done++] = now_ns() - sent[i];
      sent[i] = now_ns();
      send_request(fds[i].fd, c->request);
    }
  }
  for (int i = 0; i < c->n_connections; i++) {
    close(fds[i].fd);
  }
  free(fds);
  free(sent);
  return NULL;
}

static int by_value(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static void measure(uint16_t port, const char *path, int n_clients, int n_requests) {
  enum { MOST = 4 };
  int n_threads = n_clients < MOST ? n_clients : MOST;
  char request[128];
  snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
  client clients[MOST];
  pthread_t threads[MOST];
  int each = n_requests / n_threads;
  int64_t *took = calloc((size_t)each * MOST, sizeof *took);
  int64_t started = now_ns();
  for (int i = 0; i < n_threads; i++) {
    clients[i] = (client){port, request, n_clients / n_threads, each, took + (size_t)i * (size_t)each};
    pthread_create(&threads[i], NULL, ask, &clients[i]);
  }
  for (int i = 0; i < n_threads; i++) {
    pthread_join(threads[i], NULL);
  }
  double seconds = (double)(now_ns() - started) / 1e9;
  size_t n = (size_t)each * (size_t)n_threads;
  qsort(took, n, sizeof *took, by_value);
  printf("%-7s %3d clients: p50 %7.1f us  p99 %7.1f us  %8.0f requests/s\n", path, n_clients,
         (double)took[n / 2] / 1e3, (double)took[n * 99 / 100] / 1e3, (double)n / seconds);
  free(took);
}

int main(int argc, char **argv) {
  int n_clients = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 1;
  int n_requests = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 20000;
  firn_ctx ctx = FIRN_CTX_INIT(&firn_env_system);
  firn_http_server *server = NULL;
  firn_error err;
  firn_http_server_options options = {.address = "127.0.0.1", .handler = {.begin = begin, .handle = handle}};
  if (firn_http_server_open(&options, &ctx, &server, &err) != FIRN_OK) {
    fprintf(stderr, "%s\n", err.text);
    return 1;
  }
  pthread_t answerer;
  pthread_create(&answerer, NULL, answer_later, NULL);
  measure(firn_http_server_port(server), "/quick", n_clients, n_requests);
  measure(firn_http_server_port(server), "/work", n_clients, n_requests);
  measure(firn_http_server_port(server), "/later", n_clients, n_requests);
  pthread_mutex_lock(&waiting.lock);
  waiting.is_over = true;
  pthread_cond_signal(&waiting.more);
  pthread_mutex_unlock(&waiting.lock);
  pthread_join(answerer, NULL);
  usleep(50000);
  firn_http_server_close(server);
  return 0;
}

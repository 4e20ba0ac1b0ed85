/* Load over HTTP/1.1 on kept connections: some clients, each with one request under way.
 *
 *   http_load post ADDRESS PORT CLIENTS COUNT FILE BATCH
 *       events of FILE (one a line), BATCH in a request, to /v1/events
 *   http_load get ADDRESS PORT CLIENTS COUNT FILE
 *       paths of FILE (one a line), round and round
 *
 * COUNT requests in all. Prints one JSON line: requests, events, seconds, microseconds at p50, p90, p99, the
 * longest, and how many answers were not 2xx. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

typedef struct span {
  const char *at;
  size_t len;
} span;

static struct {
  bool is_post;
  const char *address;
  uint16_t port;
  size_t n_requests, batch, n_lines;
  span *lines;
  atomic_size_t next;
  atomic_size_t n_bad;
  uint32_t *took_us;
} load;

static void fail(const char *what) {
  (void)fprintf(stderr, "http_load: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void *must(void *memory) {
  if (memory == NULL) {
    fail("memory");
  }
  return memory;
}

static int64_t now_us(void) {
  struct timespec t;
  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void read_lines(const char *path) {
  FILE *f = fopen(path, "rb");
  if (f == NULL || fseek(f, 0, SEEK_END) != 0) {
    fail(path);
  }
  size_t size = (size_t)ftell(f);
  rewind(f);
  char *text = must(malloc(size + 1));
  if (fread(text, 1, size, f) != size) {
    fail(path);
  }
  (void)fclose(f);
  size_t capacity = 0;
  for (char *at = text; at < text + size;) {
    char *end = memchr(at, '\n', (size_t)(text + size - at));
    end = end == NULL ? text + size : end;
    if (load.n_lines == capacity) {
      capacity = capacity * 2 + 1024;
      load.lines = must(realloc(load.lines, capacity * sizeof *load.lines));
    }
    load.lines[load.n_lines++] = (span){at, (size_t)(end - at)};
    at = end + 1;
  }
}

static int connect_to_server(void) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(load.port)};
  int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int one = 1;
  if (s < 0 || inet_pton(AF_INET, load.address, &to.sin_addr) != 1 ||
      connect(s, (struct sockaddr *)&to, sizeof to) != 0 ||
      setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0) {
    fail("connecting");
  }
  return s;
}

static void send_all(int s, const char *at, size_t len) {
  while (len > 0) {
    ssize_t n = send(s, at, len, MSG_NOSIGNAL);
    if (n < 0) {
      fail("sending");
    }
    at += n;
    len -= (size_t)n;
  }
}

/* Reads one answer with a Content-Length; its status. */
static int read_answer(int s, char *buffer, size_t room) {
  size_t have = 0;
  size_t body = 0;
  char *head_end = NULL;
  int status = 0;
  for (;;) {
    ssize_t n =
        recv(s, buffer + (head_end == NULL ? have : 0), head_end == NULL ? room - have - 1 : room - 1, 0);
    if (n <= 0) {
      fail("receiving");
    }
    if (head_end != NULL) {
      body -= (size_t)n;
    } else {
      have += (size_t)n;
      buffer[have] = '\0';
      head_end = strstr(buffer, "\r\n\r\n");
      if (head_end == NULL) {
        continue;
      }
      char *length = strcasestr(buffer, "content-length:");
      body = length == NULL || length > head_end ? 0 : strtoul(length + 15, NULL, 10);
      body -= have - (size_t)(head_end + 4 - buffer);
      (void)sscanf(buffer, "HTTP/1.1 %d", &status);
    }
    if (body == 0) {
      return status;
    }
  }
}

/* Request `i` into `buffer`, which grows. */
static size_t make_request(size_t i, char **buffer, size_t *capacity) {
  size_t n = load.is_post ? load.batch : 1;
  size_t body = 2;
  for (size_t k = 0; k < n; k++) {
    body += load.lines[(i * n + k) % load.n_lines].len + 1;
  }
  if (body + 1024 > *capacity) {
    *capacity = body + 1024;
    *buffer = must(realloc(*buffer, *capacity));
  }
  if (!load.is_post) {
    span path = load.lines[i % load.n_lines];
    return (size_t)snprintf(*buffer, *capacity, "GET %.*s HTTP/1.1\r\nHost: firn\r\n\r\n", (int)path.len,
                            path.at);
  }
  size_t at = (size_t)snprintf(*buffer, *capacity,
                               "POST /v1/events HTTP/1.1\r\nHost: firn\r\n"
                               "Content-Type: application/cloudevents%s+json\r\n"
                               "Content-Length: %zu\r\n\r\n",
                               n == 1 ? "" : "-batch", n == 1 ? body - 3 : body - 1);
  for (size_t k = 0; k < n; k++) {
    span line = load.lines[(i * n + k) % load.n_lines];
    if (n > 1) {
      (*buffer)[at++] = k == 0 ? '[' : ',';
    }
    memcpy(*buffer + at, line.at, line.len);
    at += line.len;
  }
  if (n > 1) {
    (*buffer)[at++] = ']';
  }
  return at;
}

static void *client(void *unused) {
  enum { ROOM = 1 << 20 };
  char *answer = must(malloc(ROOM));
  char *request = NULL;
  size_t capacity = 0;
  int s = connect_to_server();
  (void)unused;
  for (;;) {
    size_t i = atomic_fetch_add(&load.next, 1);
    if (i >= load.n_requests) {
      break;
    }
    size_t len = make_request(i, &request, &capacity);
    int64_t before = now_us();
    send_all(s, request, len);
    int status = read_answer(s, answer, ROOM);
    load.took_us[i] = (uint32_t)(now_us() - before);
    if (status < 200 || status > 299) {
      atomic_fetch_add(&load.n_bad, 1);
    }
  }
  (void)close(s);
  free(answer);
  free(request);
  return NULL;
}

static int ascending(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a;
  uint32_t y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv) {
  bool is_post = argc == 8 && strcmp(argv[1], "post") == 0;
  if (!is_post && !(argc == 7 && strcmp(argv[1], "get") == 0)) {
    (void)fprintf(stderr, "usage: http_load post|get ADDRESS PORT CLIENTS COUNT FILE [BATCH]\n");
    return 2;
  }
  load.is_post = is_post;
  load.address = argv[2];
  load.port = (uint16_t)strtoul(argv[3], NULL, 10);
  size_t n_clients = strtoul(argv[4], NULL, 10);
  load.n_requests = strtoul(argv[5], NULL, 10);
  load.batch = is_post ? strtoul(argv[7], NULL, 10) : 1;
  read_lines(argv[6]);
  load.took_us = must(calloc(load.n_requests + 1, sizeof *load.took_us));
  pthread_t *threads = must(calloc(n_clients, sizeof *threads));
  int64_t before = now_us();
  for (size_t i = 0; i < n_clients; i++) {
    if (pthread_create(&threads[i], NULL, client, NULL) != 0) {
      fail("threads");
    }
  }
  for (size_t i = 0; i < n_clients; i++) {
    (void)pthread_join(threads[i], NULL);
  }
  double seconds = (double)(now_us() - before) / 1e6;
  size_t n = load.n_requests;
  qsort(load.took_us, n, sizeof *load.took_us, ascending);
  (void)printf(
      "{\"requests\": %zu, \"events\": %zu, \"seconds\": %.3f, \"p50\": %u, \"p90\": %u, "
      "\"p99\": %u, \"longest\": %u, \"bad\": %zu}\n",
      n, is_post ? n * load.batch : 0, seconds, load.took_us[n / 2], load.took_us[n * 9 / 10],
      load.took_us[n * 99 / 100], load.took_us[n == 0 ? 0 : n - 1], atomic_load(&load.n_bad));
  return 0;
}

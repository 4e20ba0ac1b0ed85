/* A client for tests of servers: it sends exactly the bytes that it is given, and reads what comes. */
#ifndef FIRN_TEST_HTTP_H
#define FIRN_TEST_HTTP_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "test.h"

static inline int64_t http_now_ms(void) {
  struct timespec t;
  (void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail */
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static inline int http_connect(uint16_t port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int one = 1;
  assert_true(fd >= 0);
  assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
  (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one); /* only for speed */
  return fd;
}

/* False when the other side has closed. */
static inline bool http_send(int fd, const void *data, size_t len) {
  const char *at = data;
  while (len > 0) {
    ssize_t n = send(fd, at, len, MSG_NOSIGNAL);
    if (n <= 0) {
      return false;
    }
    at += n;
    len -= (size_t)n;
  }
  return true;
}

static inline bool http_say(int fd, const char *text) {
  return http_send(fd, text, strlen(text));
}

/* Whether something can be read, the end included, within `ms`. */
static inline bool http_is_readable(int fd, int ms) {
  struct pollfd p = {.fd = fd, .events = POLLIN};
  return poll(&p, 1, ms) == 1;
}

/* Whether the other side closes within `ms`; what it still says is thrown away. */
static inline bool http_is_closed(int fd, int ms) {
  char trash[4096];
  int64_t until = http_now_ms() + ms;
  for (int64_t left = ms; left >= 0; left = until - http_now_ms()) {
    if (!http_is_readable(fd, (int)left)) {
      return false;
    }
    if (recv(fd, trash, sizeof trash, 0) <= 0) {
      return true;
    }
  }
  return false;
}

typedef struct http_answer {
  int code; /* 0: none came */
  size_t body_len;
  bool is_whole; /* its body is complete */
  char head[4096];
  char body[65536]; /* its beginning, terminated */
} http_answer;

/* A header's value, into a buffer that the next call uses again; NULL: not there. */
static inline const char *http_header(const http_answer *a, const char *name) {
  static _Thread_local char value[1024];
  size_t len = strlen(name);
  for (const char *line = strstr(a->head, "\r\n"); line != NULL; line = strstr(line + 2, "\r\n")) {
    if (strncasecmp(line + 2, name, len) == 0 && line[2 + len] == ':') {
      (void)snprintf(value, sizeof value, "%.*s", (int)strcspn(line + len + 4, "\r"), line + len + 4);
      return value;
    }
  }
  return NULL;
}

static inline bool http_get_byte(int fd, char *c) {
  return http_is_readable(fd, 10000) && recv(fd, c, 1, 0) == 1;
}

static inline void http_keep(http_answer *a, char c) {
  if (a->body_len < sizeof a->body - 1) {
    a->body[a->body_len] = c;
  }
  a->body_len++;
}

static inline bool http_read_body(int fd, http_answer *a, unsigned long long len) {
  while (len > 0) {
    char some[16384];
    size_t wanted = len < sizeof some ? (size_t)len : sizeof some;
    ssize_t n = http_is_readable(fd, 10000) ? recv(fd, some, wanted, 0) : -1;
    if (n <= 0) {
      return false;
    }
    for (ssize_t i = 0; i < n; i++) {
      http_keep(a, some[i]);
    }
    len -= (unsigned long long)n;
  }
  return true;
}

static inline bool http_read_chunks(int fd, http_answer *a) {
  for (;;) {
    char line[32] = {0}, c;
    for (size_t i = 0; i < sizeof line - 1 && (i < 2 || line[i - 1] != '\n'); i++) {
      if (!http_get_byte(fd, &line[i])) {
        return false;
      }
    }
    unsigned long left = strtoul(line, NULL, 16);
    bool is_last = left == 0;
    if (!http_read_body(fd, a, left)) {
      return false;
    }
    if (!http_get_byte(fd, &c) || !http_get_byte(fd, &c) || is_last) {
      return is_last;
    }
  }
}

/* Reads one answer and not a byte more; `is_head`: to a HEAD. */
static inline http_answer http_read(int fd, bool is_head) {
  http_answer a = {0};
  size_t len = 0;
  while (len < sizeof a.head - 1 && (len < 4 || memcmp(a.head + len - 4, "\r\n\r\n", 4) != 0)) {
    if (!http_get_byte(fd, &a.head[len])) {
      return a;
    }
    len++;
  }
  a.code = (int)strtol(a.head + 9, NULL, 10);
  const char *length = http_header(&a, "Content-Length");
  if (is_head || a.code < 200 || a.code == 204) {
    a.is_whole = true;
  } else if (length != NULL) {
    a.is_whole = http_read_body(fd, &a, strtoull(length, NULL, 10));
  } else {
    a.is_whole = http_read_chunks(fd, &a);
  }
  return a;
}

/* One request on a connection of its own. */
static inline http_answer http_ask(uint16_t port, const char *request) {
  int fd = http_connect(port);
  http_answer a = {0};
  if (http_say(fd, request)) {
    a = http_read(fd, strncmp(request, "HEAD", 4) == 0);
  }
  (void)close(fd);
  return a;
}

#endif

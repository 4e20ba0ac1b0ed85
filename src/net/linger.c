#include <fcntl.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "net/server_internal.h"

enum { MOST_LINGERING = 256, IDLE_US = 2000000, TOTAL_US = 20000000, ONE_READ = 1 << 20, READS_A_TURN = 8 };

typedef struct lingering {
  int fd;
  int64_t idle_until_us, until_us;
} lingering;

struct firn_linger {
  int epoll;
  size_t n;
  lingering items[MOST_LINGERING];
};

firn_status firn_linger_open(int epoll, firn_linger **out, firn_error *err) {
  firn_linger *l = firn_alloc(sizeof *l);
  if (l == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for closing connections");
  }
  l->epoll = epoll;
  *out = l;
  return FIRN_OK;
}

void firn_linger_add(firn_linger *l, int fd, int64_t now_us) {
  if (l->n == MOST_LINGERING) {
    return;
  }
  int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.fd = own};
  if (own < 0 || epoll_ctl(l->epoll, EPOLL_CTL_ADD, own, &event) != 0) {
    (void)(own >= 0 && close(own));
    return;
  }
  (void)shutdown(own, SHUT_WR); /* what was answered is all there is */
  l->items[l->n++] = (lingering){own, now_us + IDLE_US, now_us + TOTAL_US};
}

/* Throws away what has come. False: the client has gone. */
static bool discard(lingering *i, int64_t now_us) {
  for (int turn = 0; turn < READS_A_TURN; turn++) {
    ssize_t n = recv(i->fd, NULL, ONE_READ, MSG_DONTWAIT | MSG_TRUNC); /* of TCP, it copies nothing */
    if (n < 0) {
      break; /* nothing more for now; after an error the next says 0 */
    }
    if (n == 0) {
      return false;
    }
    i->idle_until_us = now_us + IDLE_US;
  }
  return true;
}

int64_t firn_linger_run(firn_linger *l, int64_t now_us) {
  int64_t next_us = 0;
  for (size_t i = 0; i < l->n;) {
    lingering *item = &l->items[i];
    bool is_there = discard(item, now_us);
    int64_t until = item->idle_until_us < item->until_us ? item->idle_until_us : item->until_us;
    if (!is_there || until <= now_us) {
      (void)close(item->fd); /* leaves the epoll set by itself: it is the last descriptor of that socket */
      *item = l->items[--l->n];
      continue;
    }
    next_us = next_us == 0 || until < next_us ? until : next_us;
    i++;
  }
  return next_us;
}

void firn_linger_close(firn_linger *l) {
  for (size_t i = 0; l != NULL && i < l->n; i++) {
    (void)close(l->items[i].fd);
  }
  firn_free(l);
}

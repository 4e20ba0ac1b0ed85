/* Total deadlines. libmicrohttpd knows only idle time, which a client that trickles never spends. */
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "net/server_internal.h"

/* Who takes less of an answer within its timeout is as good as gone. */
enum { LEAST_TAKEN = 4096 };

typedef struct traffic {
  uint64_t received, taken; /* from the client; by it */
} traffic;

static traffic traffic_of(int fd) {
  struct tcp_info info = {0};
  socklen_t len = sizeof info;
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0) {
    return (traffic){0, 0};
  }
  return (traffic){info.tcpi_bytes_received, info.tcpi_bytes_acked};
}

void firn_connection_doom(firn_connection *c) {
  (void)shutdown(c->fd, SHUT_RDWR); /* fails when it is gone already */
  firn_connection_set(c, FIRN_CONNECTION_DOOMED, 0);
}

/* The client gets to know why, and libmicrohttpd sees an end. */
static void end_body(firn_connection *c) {
  firn_answer_raw(c->exchange, 408, "FIRN_TIMEOUT", "the body did not come in time");
  (void)shutdown(c->fd, SHUT_RD);
  firn_connection_set(c, FIRN_CONNECTION_DOOMED, 0);
}

static void expire(firn_connection *c, int64_t now_us) {
  const firn_http_server_options *o = &c->server->options;
  traffic t = traffic_of(c->fd);
  switch (c->phase) {
    case FIRN_CONNECTION_NEW:
      if (t.received == 0) { /* it never began */
        firn_connection_set(c, FIRN_CONNECTION_IDLE, c->opened_us + o->idle_timeout_us);
        return;
      }
      break;
    case FIRN_CONNECTION_BODY:
      end_body(c);
      return;
    case FIRN_CONNECTION_ANSWER:
      if (t.taken - c->traffic >= LEAST_TAKEN) {
        c->traffic = t.taken;
        firn_connection_set(c, FIRN_CONNECTION_ANSWER, now_us + o->answer_timeout_us);
        return;
      }
      break;
    case FIRN_CONNECTION_IDLE:
    case FIRN_CONNECTION_HEAD:
    case FIRN_CONNECTION_HELD:
    case FIRN_CONNECTION_DOOMED:
      break;
  }
  firn_connection_doom(c);
}

void firn_deadlines_sweep(firn_http_server *s, int64_t now_us) {
  s->sweep_at_us = 0;
  for (firn_connection *c = s->first; c != NULL; c = c->next) {
    if (c->deadline_us != 0 && c->deadline_us <= now_us) {
      expire(c, now_us);
    }
    if (c->deadline_us != 0 && (s->sweep_at_us == 0 || c->deadline_us < s->sweep_at_us)) {
      s->sweep_at_us = c->deadline_us;
    }
  }
}

void firn_connections_make_room(firn_http_server *s) {
  for (firn_connection *c = s->first; c != NULL; c = c->next) {
    if (c->phase == FIRN_CONNECTION_IDLE) {
      firn_connection_doom(c);
      firn_metric_add(&s->ctx, &firn_server_metrics, FIRN_SERVER_EVICTED, 1);
      return;
    }
  }
}

void firn_connections_doom_idle(firn_http_server *s) {
  for (firn_connection *c = s->first; c != NULL; c = c->next) {
    if (c->phase == FIRN_CONNECTION_IDLE ||
        (c->phase == FIRN_CONNECTION_NEW && traffic_of(c->fd).received == 0)) {
      firn_connection_doom(c);
    }
  }
}

#include <gnutls/gnutls.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "net/server_internal.h"

enum { PIECE_BYTES = 64 << 10 };

static ssize_t read_now(firn_exchange *x, char *into, size_t len) {
  size_t got = 0;
  firn_status status = x->stream.read(x->stream.self, &x->ctx, (uint8_t *)into, len, &got, NULL);
  if (status != FIRN_OK) {
    return MHD_CONTENT_READER_END_WITH_ERROR;
  }
  x->answered_bytes += got;
  return got == 0 ? MHD_CONTENT_READER_END_OF_STREAM : (ssize_t)got;
}

/* On a worker. */
static void read_piece(firn_work *work) {
  firn_exchange *x = (firn_exchange *)work;
  x->piece_at = x->piece_len = 0;
  x->piece_status = x->stream.read(x->stream.self, &x->ctx, x->piece, PIECE_BYTES, &x->piece_len, NULL);
  x->is_piece_ready = true;
  firn_exchange_return(x);
}

static ssize_t take_piece(firn_exchange *x, char *into, size_t len) {
  size_t left = x->piece_len - x->piece_at;
  size_t n = left < len ? left : len;
  memcpy(into, x->piece + x->piece_at, n);
  x->piece_at += n;
  x->is_piece_ready = x->piece_at < x->piece_len;
  x->answered_bytes += n;
  return (ssize_t)n;
}

static ssize_t read_slowly(firn_exchange *x, char *into, size_t len) {
  if (x->piece == NULL) {
    x->piece = firn_arena_alloc_bytes(&x->arena, PIECE_BYTES);
    if (x->piece == NULL) {
      return MHD_CONTENT_READER_END_WITH_ERROR;
    }
  }
  if (x->is_piece_ready) {
    if (x->piece_status != FIRN_OK) {
      return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    return x->piece_len == 0 ? MHD_CONTENT_READER_END_OF_STREAM : take_piece(x, into, len);
  }
  firn_connection_set(x->connection, FIRN_CONNECTION_HELD, 0);
  MHD_suspend_connection(x->mhd);
  x->work.run = read_piece;
  firn_workers_give(x->server->workers, &x->work);
  return 0;
}

/* libmicrohttpd wants more of the body. A body of a known size may not end before it. */
static ssize_t read_stream(void *exchange, uint64_t position, char *into, size_t len) {
  (void)position;
  firn_exchange *x = exchange;
  if (x->server->is_closing) {
    return MHD_CONTENT_READER_END_WITH_ERROR;
  }
  ssize_t got = x->stream.is_slow ? read_slowly(x, into, len) : read_now(x, into, len);
  bool is_short = got == MHD_CONTENT_READER_END_OF_STREAM && x->stream_size >= 0;
  return is_short ? MHD_CONTENT_READER_END_WITH_ERROR : got;
}

static struct MHD_Response *make_response(firn_exchange *x) {
  if (!x->has_stream) {
    x->answered_bytes = strcmp(x->method, "HEAD") == 0 ? 0 : x->answer.len;
    return MHD_create_response_from_buffer(x->answer.len, (void *)(uintptr_t)x->answer.data,
                                           MHD_RESPMEM_PERSISTENT);
  }
  uint64_t size = x->stream_size >= 0 ? (uint64_t)x->stream_size : MHD_SIZE_UNKNOWN;
  return MHD_create_response_from_callback(size, PIECE_BYTES, read_stream, x, NULL);
}

/* False when there is no memory, or a value that no header may have. */
static bool add_headers(firn_exchange *x, struct MHD_Response *response) {
  bool is_ok = !x->has_lost_header;
  if (x->content_type != NULL) {
    is_ok &= MHD_add_response_header(response, "Content-Type", x->content_type) == MHD_YES;
  }
  for (const firn_answer_header *h = x->headers; h != NULL; h = h->next) {
    is_ok &= MHD_add_response_header(response, h->name, h->value) == MHD_YES;
  }
  if (x->must_close || x->server->is_quiet) {
    is_ok &= MHD_add_response_header(response, "Connection", "close") == MHD_YES;
  }
  return is_ok;
}

static struct MHD_Response *make_whole_response(firn_exchange *x) {
  struct MHD_Response *response = make_response(x);
  if (response != NULL && !add_headers(x, response)) {
    MHD_destroy_response(response);
    firn_exchange_spoil(x);
    response = make_response(x);
    if (response != NULL && !add_headers(x, response)) {
      MHD_destroy_response(response);
      response = NULL;
    }
  }
  return response;
}

enum MHD_Result firn_answer_queue(firn_exchange *x) {
  struct MHD_Response *response = make_whole_response(x);
  if (response == NULL) {
    return MHD_NO;
  }
  int64_t deadline = firn_server_now_us(x->server) + x->server->options.answer_timeout_us;
  firn_connection_set(x->connection, FIRN_CONNECTION_ANSWER, deadline);
  x->state = FIRN_EXCHANGE_SENT;
  enum MHD_Result result = MHD_queue_response(x->mhd, (unsigned)x->status, response);
  MHD_destroy_response(response); /* ours; the connection has its own reference */
  if (!x->has_stream) {
    firn_body_release(x);
  }
  return result;
}

static void send_all(firn_exchange *x, const char *text, size_t len) {
  const union MHD_ConnectionInfo *tls = MHD_get_connection_info(x->mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
  if (x->server->tls != NULL && tls != NULL) {
    (void)gnutls_record_send(tls->tls_session, text, len); /* the connection ends anyway */
  } else {
    (void)!send(x->connection->fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT); /* the same */
  }
}

void firn_answer_raw(firn_exchange *x, int status, const char *type, const char *message) {
  firn_exchange_fail(x, status, type, message);
  char head[256];
  int len = snprintf(head, sizeof head,
                     "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
                     "Connection: close\r\n\r\n",
                     status, MHD_get_reason_phrase_for((unsigned)status), x->answer.len);
  char *whole = (char *)firn_arena_alloc_bytes(&x->arena, (size_t)len + x->answer.len);
  if (whole != NULL) {
    memcpy(whole, head, (size_t)len);
    memcpy(whole + len, x->answer.data, x->answer.len);
    send_all(x, whole, (size_t)len + x->answer.len);
  }
  x->answered_bytes = x->answer.len;
  x->state = FIRN_EXCHANGE_SENT;
  x->connection->must_linger = true;
}

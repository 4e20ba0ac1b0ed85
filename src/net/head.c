/* What libmicrohttpd lets pass and a careful server does not: heads that two readers could read in two ways
 * (RFC 9112, sections 2.2, 3.2 and 6.3). Whoever stands between us and the client may have read the other
 * one. */
#include <string.h>

#include "net/server_internal.h"

typedef struct head_walk {
  const char *at; /* behind the last thing seen */
  unsigned n_hosts, n_lengths, n_encodings;
  firn_bytes length, encoding;
  const char *wrong; /* NULL: nothing yet */
} head_walk;

static bool is_token_character(uint8_t c) {
  return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
         (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_token(firn_bytes text) {
  for (size_t i = 0; i < text.len; i++) {
    if (!is_token_character(text.data[i])) {
      return false;
    }
  }
  return text.len > 0;
}

static bool is_plain(firn_bytes value) {
  for (size_t i = 0; i < value.len; i++) {
    if ((value.data[i] < ' ' && value.data[i] != '\t') || value.data[i] == 0x7F) {
      return false;
    }
  }
  return true;
}

static bool is_name(firn_bytes name, const char *wanted) {
  return name.len == strlen(wanted) && strncasecmp((const char *)name.data, wanted, name.len) == 0;
}

/* libmicrohttpd cuts the head where it lies and puts zeros in place of line ends. So a name begins one or two
 * bytes behind the value before it, unless a NUL or a folded line is hidden between them. */
static bool follows(const char *before, const char *at) {
  return at - before == 1 || at - before == 2;
}

static enum MHD_Result look_at_header(void *arg, enum MHD_ValueKind kind, const char *name, size_t name_len,
                                      const char *value, size_t value_len) {
  (void)kind;
  head_walk *walk = arg;
  firn_bytes n = {(const uint8_t *)name, name_len};
  firn_bytes v = {(const uint8_t *)(value == NULL ? "" : value), value_len};
  if (!is_token(n)) {
    walk->wrong = "a header's name is no token";
  } else if (!is_plain(v)) {
    walk->wrong = "a control character in a header";
  } else if (value == NULL || !follows(walk->at, name)) {
    walk->wrong = "a NUL or a folded line in a header";
  }
  walk->at = value == NULL ? NULL : value + value_len;
  if (is_name(n, "Host")) {
    walk->n_hosts++;
  } else if (is_name(n, "Content-Length")) {
    walk->n_lengths++;
    walk->length = v;
  } else if (is_name(n, "Transfer-Encoding")) {
    walk->n_encodings++;
    walk->encoding = v;
  }
  return walk->wrong == NULL ? MHD_YES : MHD_NO;
}

static int64_t parse_length(firn_bytes text) {
  int64_t length = 0;
  for (size_t i = 0; i < text.len; i++) {
    if (text.data[i] < '0' || text.data[i] > '9' || __builtin_mul_overflow(length, 10, &length) ||
        __builtin_add_overflow(length, text.data[i] - '0', &length)) {
      return -1;
    }
  }
  return text.len == 0 ? -1 : length;
}

static const char *what_is_wrong_with_the_body(firn_exchange *x, const head_walk *walk, bool is_1_0) {
  if (walk->n_lengths > 1 || walk->n_encodings > 1) {
    return "the length of the body is given twice";
  }
  if (walk->n_encodings == 1) {
    if (walk->n_lengths == 1) {
      return "both Content-Length and Transfer-Encoding";
    }
    if (is_1_0 || !is_name(walk->encoding, "chunked")) {
      return "a Transfer-Encoding other than chunked";
    }
    x->is_chunked = true;
  }
  if (walk->n_lengths == 1) {
    x->announced = parse_length(walk->length);
    if (x->announced < 0) {
      return "a Content-Length that is no number";
    }
  }
  return NULL;
}

/* Behind the last value come its line's end and an empty line. */
static bool is_last(const firn_exchange *x, const char *method, const char *at) {
  size_t size = MHD_get_connection_info(x->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)->header_size;
  return method + size - at >= 2 && method + size - at <= 4;
}

firn_status firn_head_check(firn_exchange *x, const char *method, const char *version, firn_error *err) {
  bool is_1_0 = strcmp(version, "HTTP/1.0") == 0;
  if (!is_1_0 && strcmp(version, "HTTP/1.1") != 0) {
    return firn_error_set(err, FIRN_INVALID, "the request is not of HTTP/1.0 or HTTP/1.1");
  }
  if (x->raw_at + x->raw.len + 1 != version) {
    return firn_error_set(err, FIRN_INVALID, "a NUL or a space in the URL");
  }
  head_walk walk = {.at = version + strlen(version)};
  (void)MHD_get_connection_values_n(x->mhd, MHD_HEADER_KIND, look_at_header, &walk); /* it tells `walk` */
  const char *wrong = walk.wrong;
  if (wrong == NULL && !is_last(x, method, walk.at)) {
    wrong = "a NUL or a folded line in a header";
  }
  if (wrong == NULL && (walk.n_hosts > 1 || (walk.n_hosts == 0 && !is_1_0))) {
    wrong = "there must be one Host header";
  }
  wrong = wrong != NULL ? wrong : what_is_wrong_with_the_body(x, &walk, is_1_0);
  return wrong == NULL ? FIRN_OK : firn_error_set(err, FIRN_INVALID, "%s", wrong);
}

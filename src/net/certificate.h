/* A server's certificate and key, before a server uses them: whether they can be read, belong together, and
 * until when they are good. By GnuTLS. */
#ifndef FIRN_NET_CERTIFICATE_H
#define FIRN_NET_CERTIFICATE_H

#include "base/bytes.h"
#include "base/error.h"

typedef struct firn_certificate {
  int64_t begins_us, ends_us; /* since 1970, UTC: the shortest of the chain */
  size_t n_in_chain;
  char subject[256]; /* of the first: "CN=firn.example", cut when it is longer */
} firn_certificate;

/* Both are PEM: the certificate with those between it and its root, the key without a password. FIRN_CORRUPT
 * for what is neither, FIRN_INVALID when the key is another's, FIRN_DENIED when `now_us` lies outside the
 * time that it is good for. `out` is filled as soon as the certificate can be read. */
FIRN_MUST_USE firn_status firn_certificate_check(firn_bytes certificate, firn_bytes key, int64_t now_us,
                                                 firn_certificate *out, firn_error *err);

#endif

/* The server's certificate and key, read again when their files change. */
#ifndef FIRN_NET_TLS_INTERNAL_H
#define FIRN_NET_TLS_INTERNAL_H

#include <gnutls/abstract.h>
#include <stdbool.h>

#include "base/ctx.h"

typedef struct firn_tls firn_tls;

/* FIRN_INVALID when a file is no PEM, or when the key is not that of the certificate. */
FIRN_MUST_USE firn_status firn_tls_open(const char *certificate, const char *key, firn_ctx *ctx,
                                        firn_tls **out, firn_error *err);
void firn_tls_close(firn_tls *t); /* NULL is fine */

/* Looks whether the files have changed since the last look, and reads them then; what it read waits for
 * firn_tls_swap. On any thread. After a failure the old ones stay. */
FIRN_MUST_USE firn_status firn_tls_look(firn_tls *t, firn_ctx *ctx, bool *has_changed, firn_error *err);

/* The rest is for the polling thread. Handshakes use what is given out until their connection ends, so what
 * was replaced stays until all connections below number `n` have gone. */
void firn_tls_swap(firn_tls *t, uint64_t n);
void firn_tls_forget(firn_tls *t, uint64_t oldest); /* of the connections that are left; `t` may be NULL */
void firn_tls_current(firn_tls *t, gnutls_pcert_st **certificates, unsigned *n, gnutls_privkey_t *key);

#endif

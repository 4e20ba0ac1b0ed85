/* Requests without a server: the functions of net/server.h about one exchange, for handlers that are called
 * directly. A program that has it must not have a server. */
#ifndef FIRN_TESTS_EXCHANGE_H
#define FIRN_TESTS_EXCHANGE_H

#include "net/server.h"

typedef struct exchange_request {
  const char *method, *path;
  size_t n_headers;
  const firn_http_header *headers;
  firn_bytes body;
} exchange_request;

/* Everything in `request` is copied. Freed by exchange_free, when nobody will answer it any more. */
firn_exchange *exchange_new(firn_ctx *ctx, const exchange_request *request);
void exchange_free(firn_exchange *x); /* NULL is fine */

bool exchange_is_deferred(const firn_exchange *x);
/* What was answered; firn_exchange_status says whether. */
firn_bytes exchange_answer(const firn_exchange *x);

#endif

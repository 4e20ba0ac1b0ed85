/* The clients of a simulated firn: they post events in every mode, wait for the answer, and send a request
 * again when it had an Idempotency-Key and the answer was lost with the server. They outlive the server. */
#ifndef FIRN_TESTS_CLIENTS_H
#define FIRN_TESTS_CLIENTS_H

#include "services/common/router.h"
#include "sim/story.h"

typedef struct clients clients;

clients *clients_new(story *s);
void clients_free(clients *c); /* NULL is fine */
/* How long an Idempotency-Key is expected to be remembered; nothing is sent again later. */
int64_t clients_remember_us(const clients *c);

/* Posts a request, a new one or an old one again, through the first of `routes`. */
void clients_post(clients *c, const firn_route_set *routes);
/* Takes note of answers that have come. A refusal that nothing explains ends the program, unless
 * `may_refuse`. */
void clients_look(clients *c, bool may_refuse);
/* The server is gone, with whoever still waited. */
void clients_hang_up(clients *c);
size_t clients_n_waiting(const clients *c);

#endif

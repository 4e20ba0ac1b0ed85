/* The router's notes about requests that have ended: metrics, and a line in the log. */
#ifndef FIRN_SERVICES_COMMON_ROUTER_INTERNAL_H
#define FIRN_SERVICES_COMMON_ROUTER_INTERNAL_H

#include "services/common/router.h"

typedef struct firn_access firn_access;

/* Routes of one name are counted together; one more, without a name, stands for requests that found none. */
FIRN_MUST_USE firn_status firn_access_open(firn_ctx *ctx, const char *const *names, size_t n,
                                           firn_access **out, firn_error *err);
/* Writes what is noted. NULL is fine. */
void firn_access_close(firn_access *a);
/* On the polling thread: it only takes a note; a thread of its own writes the log. `route` is the number of a
 * name, or `n`: there was none. */
void firn_access_note(firn_access *a, firn_exchange *x, size_t route, bool is_whole);
/* The counts by route and code, for /metrics. */
void firn_access_write(firn_access *a, firn_builder *out);

#endif

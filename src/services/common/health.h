/* How the services of a process are: what /readyz says. Threads may share it.
 *
 * /healthz is 200 as long as the process answers. /readyz is 200 when every service is ready, else 503, and
 * lists each with its sentence. */
#ifndef FIRN_SERVICES_COMMON_HEALTH_H
#define FIRN_SERVICES_COMMON_HEALTH_H

#include "base/builder.h"
#include "base/ctx.h"
#include "base/error.h"
#include "base/metrics.h"

typedef struct firn_health firn_health;

typedef enum firn_health_state {
  FIRN_HEALTH_STARTING = 0,
  FIRN_HEALTH_READY,
  FIRN_HEALTH_TROUBLED, /* works, and something fails that is tried again: the text says what. Still ready */
  FIRN_HEALTH_STOPPED,
} firn_health_state;

enum { FIRN_HEALTH_MAX_SERVICES = 16 };

FIRN_MUST_USE firn_status firn_health_open(firn_health **out, firn_error *err);
void firn_health_close(firn_health *h); /* NULL is fine */
/* A service by its (constant) name; beyond the maximum FIRN_LIMIT. */
FIRN_MUST_USE firn_status firn_health_add(firn_health *h, const char *name, size_t *i, firn_error *err);
/* `text` (may be NULL) is copied, and cut at 500 bytes. */
void firn_health_set(firn_health *h, size_t i, firn_health_state state, const char *text);
bool firn_health_is_ready(firn_health *h);
/* {"ready": true, "services": [{"name": "committer", "state": "ready", "text": ...}]} */
void firn_health_write(firn_health *h, firn_builder *out);

#endif

/* What a request line asks for: a path, and a query taken apart. */
#ifndef FIRN_NET_TARGET_INTERNAL_H
#define FIRN_NET_TARGET_INTERNAL_H

#include "net/server.h"

typedef struct firn_target {
  const char *path; /* still percent-encoded; begins with '/', or is "*" */
  size_t n_params;
  firn_http_header *params; /* decoded, in order */
} firn_target;

/* `raw` as it stands between method and version. The absolute form (RFC 9112, section 3.2.2) loses its scheme
 * and host. FIRN_INVALID for anything that is no target. */
FIRN_MUST_USE firn_status firn_target_parse(firn_bytes raw, firn_arena *arena, firn_target *out,
                                            firn_error *err);

#endif

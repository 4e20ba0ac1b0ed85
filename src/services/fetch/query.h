/* What to search for, from parameters by name and text: those of a URL, and the options of `firn fetch`.
 *
 *   subject type source producer id dataversion tag (several: any of them) after before (RFC 3339, exclusive)
 *   limit order (asc, desc) cursor data (true, false) */
#ifndef FIRN_SERVICES_FETCH_QUERY_H
#define FIRN_SERVICES_FETCH_QUERY_H

#include "index/index.h"

enum {
  FIRN_QUERY_PAGING = 1 << 0, /* limit, order, cursor and data are taken too */
  FIRN_QUERY_LIMIT = 1 << 1,  /* limit alone */
};

typedef struct firn_fetch_query {
  firn_index_query index;
  bool with_data;
  unsigned takes; /* FIRN_QUERY_... */
  unsigned given; /* a bit for each parameter: none may come twice */
  firn_bytes *tags;
  size_t tag_capacity;
} firn_fetch_query;

/* Adds a parameter; texts are borrowed, or in `arena`. FIRN_INVALID for a name that is none of these (with
 * the nearest), one that is given twice, and a value that cannot be read. */
FIRN_MUST_USE firn_status firn_fetch_query_add(firn_fetch_query *q, firn_bytes name, firn_bytes value,
                                               firn_arena *arena, firn_error *err);

#endif

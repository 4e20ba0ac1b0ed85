/* Connections to one database, lent to whoever asks and kept for the next. Threads may share it. */
#ifndef FIRN_DB_CONNECTIONS_H
#define FIRN_DB_CONNECTIONS_H

#include "db/db.h"

typedef struct firn_connections firn_connections;

/* Opens one more connection. */
typedef firn_status (*firn_connect)(const void *self, firn_ctx *ctx, firn_db **out, firn_error *err);

/* `self` is the caller's and must outlive the object. */
FIRN_MUST_USE firn_status firn_connections_new(firn_connect connect, const void *self, firn_connections **out,
                                               firn_error *err);
void firn_connections_free(firn_connections *c); /* NULL is fine; nothing may be lent */

/* A connection on loan goes back on every way out of its block:
 *   FIRN_AUTO_CONNECTION c = {0};
 *   FIRN_TRY(firn_connections_borrow(connections, ctx, &c, err));
 *   ... c.db ... */
typedef struct firn_connection {
  firn_db *db;
  firn_connections *home;
} firn_connection;

FIRN_MUST_USE firn_status firn_connections_borrow(firn_connections *c, firn_ctx *ctx, firn_connection *out,
                                                  firn_error *err);
void firn_connection_give_back(firn_connection *c); /* fine on {0} */
#define FIRN_AUTO_CONNECTION FIRN_AUTO(firn_connection_give_back) firn_connection

#endif

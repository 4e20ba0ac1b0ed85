#include "db/connections.h"

#include <pthread.h>

#include "base/alloc.h"

enum { MAX_IDLE = 8 }; /* more than these are closed when they come back */

struct firn_connections {
  firn_connect connect;
  const void *self;
  pthread_mutex_t lock; /* guards what follows */
  firn_db *idle[MAX_IDLE];
  size_t n_idle;
};

firn_status firn_connections_new(firn_connect connect, const void *self, firn_connections **out,
                                 firn_error *err) {
  firn_connections *c = firn_alloc(sizeof *c);
  if (c == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for connections");
  }
  int failed = pthread_mutex_init(&c->lock, NULL);
  if (failed != 0) {
    firn_free(c);
    return firn_error_set(err, FIRN_NOMEM, "no lock for connections: %s", strerror(failed));
  }
  c->connect = connect;
  c->self = self;
  *out = c;
  return FIRN_OK;
}

void firn_connections_free(firn_connections *c) {
  if (c == NULL) {
    return;
  }
  for (size_t i = 0; i < c->n_idle; i++) {
    firn_db_close(c->idle[i]);
  }
  pthread_mutex_destroy(&c->lock);
  firn_free(c);
}

firn_status firn_connections_borrow(firn_connections *c, firn_ctx *ctx, firn_connection *out,
                                    firn_error *err) {
  firn_db *db = NULL;
  pthread_mutex_lock(&c->lock);
  if (c->n_idle > 0) {
    db = c->idle[--c->n_idle];
  }
  pthread_mutex_unlock(&c->lock);
  if (db == NULL) {
    FIRN_TRY(c->connect(c->self, ctx, &db, err));
  }
  *out = (firn_connection){db, c};
  return FIRN_OK;
}

void firn_connection_give_back(firn_connection *lent) {
  firn_db *db = lent->db;
  if (db == NULL) {
    return;
  }
  firn_connections *c = lent->home;
  pthread_mutex_lock(&c->lock);
  if (c->n_idle < MAX_IDLE) {
    c->idle[c->n_idle++] = db;
    db = NULL;
  }
  pthread_mutex_unlock(&c->lock);
  firn_db_close(db);
  lent->db = NULL;
}

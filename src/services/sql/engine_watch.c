/* A watch over statements that have a deadline or may be cancelled: between two looks at its context a query
 * may be in the engine for as long as it likes, on threads that are the engine's. One thread an engine,
 * started when it is first needed; it sleeps while there is nothing to watch. */
#include "services/sql/engine_state_internal.h"

enum { LOOK_EVERY_US = 10000 };

/* With the lock held. Interrupting only sets a flag in the engine. */
static void look(firn_engine *e) {
  for (firn_engine_link *l = e->watch.first; l != NULL; l = l->next_watched) {
    if (firn_ctx_check(l->ctx, NULL) != FIRN_OK) {
      e->api->interrupt(l->connection);
    }
  }
}

static void *watch(void *arg) {
  firn_engine *e = arg;
  (void)pthread_mutex_lock(&e->watch.mutex);
  while (!e->watch.is_over) {
    if (e->watch.first == NULL) {
      (void)pthread_cond_wait(&e->watch.wanted, &e->watch.mutex);
      continue;
    }
    const firn_env *env = e->watch.first->ctx->env; /* which outlives every statement */
    (void)pthread_mutex_unlock(&e->watch.mutex);
    env->sleep_us(env->self, LOOK_EVERY_US);
    (void)pthread_mutex_lock(&e->watch.mutex);
    look(e);
  }
  (void)pthread_mutex_unlock(&e->watch.mutex);
  return NULL;
}

firn_status firn_engine_watch_open(firn_engine *e, firn_error *err) {
  if (pthread_mutex_init(&e->watch.mutex, NULL) != 0) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for the SQL engine");
  }
  (void)pthread_cond_init(&e->watch.wanted, NULL); /* cannot fail without attributes */
  e->watch.is_open = true;
  return FIRN_OK;
}

void firn_engine_watch_close(firn_engine *e) {
  if (!e->watch.is_open) {
    return;
  }
  (void)pthread_mutex_lock(&e->watch.mutex);
  e->watch.is_over = true;
  (void)pthread_cond_signal(&e->watch.wanted);
  (void)pthread_mutex_unlock(&e->watch.mutex);
  if (e->watch.has_thread) {
    (void)pthread_join(e->watch.thread, NULL);
  }
  (void)pthread_cond_destroy(&e->watch.wanted);
  (void)pthread_mutex_destroy(&e->watch.mutex);
}

firn_status firn_engine_watch_begin(firn_engine_link *l, firn_error *err) {
  firn_engine *e = l->engine;
  if (l->ctx->deadline_us == 0 && l->ctx->cancel == NULL) {
    return FIRN_OK;
  }
  (void)pthread_mutex_lock(&e->watch.mutex);
  if (!e->watch.has_thread) {
    e->watch.has_thread = pthread_create(&e->watch.thread, NULL, watch, e) == 0;
  }
  bool is_watched = e->watch.has_thread;
  if (is_watched) {
    l->next_watched = e->watch.first;
    e->watch.first = l;
    (void)pthread_cond_signal(&e->watch.wanted);
  }
  (void)pthread_mutex_unlock(&e->watch.mutex);
  return is_watched ? FIRN_OK : firn_error_set(err, FIRN_NOMEM, "no thread to watch over a statement");
}

void firn_engine_watch_end(firn_engine_link *l) {
  firn_engine *e = l->engine;
  (void)pthread_mutex_lock(&e->watch.mutex);
  for (firn_engine_link **at = &e->watch.first; *at != NULL; at = &(*at)->next_watched) {
    if (*at == l) {
      *at = l->next_watched;
      break;
    }
  }
  (void)pthread_mutex_unlock(&e->watch.mutex);
}

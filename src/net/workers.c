#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"
#include "net/workers_internal.h"

struct firn_workers {
  pthread_mutex_t lock; /* guards everything below but `threads`; never held while work runs */
  pthread_cond_t more;
  firn_work *first, *last;
  bool is_stopping;
  unsigned n_threads;
  pthread_t threads[];
};

static firn_work *take(firn_workers *w) {
  firn_work *work = w->first;
  if (work != NULL) {
    w->first = work->next;
    w->last = w->first == NULL ? NULL : w->last;
    work->next = NULL;
  }
  return work;
}

static void *serve(void *arg) {
  firn_workers *w = arg;
  pthread_mutex_lock(&w->lock);
  while (!w->is_stopping) {
    firn_work *work = take(w);
    if (work == NULL) {
      pthread_cond_wait(&w->more, &w->lock);
      continue;
    }
    pthread_mutex_unlock(&w->lock);
    work->run(work); /* which may give it, and what it is part of, to others: not ours any more */
    pthread_mutex_lock(&w->lock);
  }
  pthread_mutex_unlock(&w->lock);
  return NULL;
}

/* Signals are for the application's own threads. */
static int start(firn_workers *w, unsigned n_threads) {
  sigset_t all, before;
  (void)sigfillset(&all);
  int failed = pthread_sigmask(SIG_SETMASK, &all, &before);
  while (failed == 0 && w->n_threads < n_threads) {
    failed = pthread_create(&w->threads[w->n_threads], NULL, serve, w);
    w->n_threads += failed == 0;
  }
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL); /* as it was; cannot fail */
  return failed;
}

firn_status firn_workers_open(unsigned n_threads, firn_workers **out, firn_error *err) {
  firn_workers *w = firn_alloc(sizeof *w + n_threads * sizeof w->threads[0]);
  if (w == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %u workers", n_threads);
  }
  (void)pthread_mutex_init(&w->lock, NULL); /* neither can fail with default attributes */
  (void)pthread_cond_init(&w->more, NULL);
  int failed = start(w, n_threads);
  if (failed != 0) {
    firn_workers_close(w);
    return firn_error_set(err, FIRN_LIMIT, "starting %u workers: %s", n_threads, strerrordesc_np(failed));
  }
  *out = w;
  return FIRN_OK;
}

void firn_workers_give(firn_workers *w, firn_work *work) {
  work->next = NULL;
  pthread_mutex_lock(&w->lock);
  if (w->last != NULL) {
    w->last->next = work;
  } else {
    w->first = work;
  }
  w->last = work;
  pthread_cond_signal(&w->more);
  pthread_mutex_unlock(&w->lock);
}

void firn_workers_stop(firn_workers *w) {
  pthread_mutex_lock(&w->lock);
  w->is_stopping = true;
  pthread_cond_broadcast(&w->more);
  pthread_mutex_unlock(&w->lock);
  for (unsigned i = 0; i < w->n_threads; i++) {
    (void)pthread_join(w->threads[i], NULL); /* ours and joinable */
  }
  w->n_threads = 0;
}

void firn_workers_close(firn_workers *w) {
  if (w != NULL) {
    firn_workers_stop(w);
    pthread_cond_destroy(&w->more);
    pthread_mutex_destroy(&w->lock);
    firn_free(w);
  }
}

#include "base/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"

/* One call of firn_pool_for_each, on its caller's stack. */
typedef struct loop {
  struct loop *next; /* in the pool's list while it has indexes to give away */
  firn_task task;
  void *arg;
  firn_ctx *ctx;
  size_t n, started;
  size_t running;
  firn_status failed;
  firn_error error; /* of the first failure */
} loop;

struct firn_pool {
  pthread_mutex_t lock;     /* guards everything below, and the loops in the list; never held in a task */
  pthread_cond_t more_work; /* a loop came, or `closing` */
  pthread_cond_t task_done; /* the last running task of some loop ended */
  loop *loops;
  bool closing;
  unsigned n_threads;
  pthread_t threads[];
};

static bool has_more(const loop *l) {
  return l->failed == FIRN_OK && l->started < l->n;
}

/* Takes a loop that nobody needs to start anything of any more out of the list. */
static void unlist(firn_pool *pool, const loop *l) {
  for (loop **at = &pool->loops; *at != NULL; at = &(*at)->next) {
    if (*at == l) {
      *at = l->next;
      return;
    }
  }
}

/* Runs one index of `l`. Called and left with the lock held. */
static void run_one(firn_pool *pool, loop *l) {
  size_t i = l->started++;
  l->running++;
  if (!has_more(l)) {
    unlist(pool, l);
  }
  pthread_mutex_unlock(&pool->lock);
  firn_error err = {.status = FIRN_OK};
  firn_status status = firn_ctx_check(l->ctx, &err);
  if (status == FIRN_OK) {
    status = l->task(l->arg, i, l->ctx, &err);
  }
  pthread_mutex_lock(&pool->lock);
  if (status != FIRN_OK && l->failed == FIRN_OK) {
    l->failed = status;
    l->error = err;
    unlist(pool, l);
  }
  if (--l->running == 0) {
    pthread_cond_broadcast(&pool->task_done);
  }
}

static void *help(void *arg) {
  firn_pool *pool = arg;
  pthread_mutex_lock(&pool->lock);
  while (!pool->closing) {
    if (pool->loops == NULL) {
      pthread_cond_wait(&pool->more_work, &pool->lock);
    } else {
      run_one(pool, pool->loops);
    }
  }
  pthread_mutex_unlock(&pool->lock);
  return NULL;
}

/* Signals are for the application's own threads. */
static int start_threads(firn_pool *pool, unsigned n_threads) {
  sigset_t all, before;
  (void)sigfillset(&all);
  int failed = pthread_sigmask(SIG_SETMASK, &all, &before);
  if (failed != 0) {
    return failed;
  }
  while (failed == 0 && pool->n_threads < n_threads) {
    failed = pthread_create(&pool->threads[pool->n_threads], NULL, help, pool);
    pool->n_threads += failed == 0;
  }
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL); /* as it was; cannot fail */
  return failed;
}

firn_status firn_pool_open(unsigned n_threads, firn_pool **out, firn_error *err) {
  enum { MOST_THREADS = 4096 };
  if (n_threads > MOST_THREADS) {
    return firn_error_set(err, FIRN_LIMIT, "a pool of %u threads: at most %d", n_threads, MOST_THREADS);
  }
  firn_pool *pool = firn_alloc(sizeof *pool + n_threads * sizeof pool->threads[0]);
  if (pool == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a pool of %u threads", n_threads);
  }
  (void)pthread_mutex_init(&pool->lock, NULL); /* none of the three can fail with default attributes */
  (void)pthread_cond_init(&pool->more_work, NULL);
  (void)pthread_cond_init(&pool->task_done, NULL);
  int failed = start_threads(pool, n_threads);
  if (failed != 0) {
    unsigned started = pool->n_threads;
    firn_pool_close(pool);
    return firn_error_set(err, FIRN_LIMIT, "starting thread %u of %u: %s", started + 1, n_threads,
                          strerrordesc_np(failed));
  }
  *out = pool;
  return FIRN_OK;
}

void firn_pool_close(firn_pool *pool) {
  if (pool == NULL) {
    return;
  }
  pthread_mutex_lock(&pool->lock);
  pool->closing = true;
  pthread_cond_broadcast(&pool->more_work);
  pthread_mutex_unlock(&pool->lock);
  for (unsigned i = 0; i < pool->n_threads; i++) {
    (void)pthread_join(pool->threads[i], NULL); /* ours and joinable */
  }
  pthread_cond_destroy(&pool->task_done);
  pthread_cond_destroy(&pool->more_work);
  pthread_mutex_destroy(&pool->lock);
  firn_free(pool);
}

static firn_status run_alone(firn_ctx *ctx, size_t n, firn_task task, void *arg, firn_error *err) {
  for (size_t i = 0; i < n; i++) {
    FIRN_TRY(firn_ctx_check(ctx, err));
    FIRN_TRY(task(arg, i, ctx, err));
  }
  return FIRN_OK;
}

firn_status firn_pool_for_each(firn_pool *pool, firn_ctx *ctx, size_t n, firn_task task, void *arg,
                               firn_error *err) {
  if (pool == NULL || pool->n_threads == 0 || n <= 1) {
    return run_alone(ctx, n, task, arg, err);
  }
  loop l = {.task = task, .arg = arg, .ctx = ctx, .n = n};
  pthread_mutex_lock(&pool->lock);
  /* At the front: a loop inside a task must end before the loop around it can. */
  l.next = pool->loops;
  pool->loops = &l;
  if (n - 1 < pool->n_threads) {
    for (size_t i = 1; i < n; i++) {
      pthread_cond_signal(&pool->more_work);
    }
  } else {
    pthread_cond_broadcast(&pool->more_work);
  }
  while (has_more(&l)) {
    run_one(pool, &l);
  }
  while (l.running > 0) {
    pthread_cond_wait(&pool->task_done, &pool->lock);
  }
  pthread_mutex_unlock(&pool->lock);
  if (l.failed != FIRN_OK && err != NULL) {
    *err = l.error;
  }
  return l.failed;
}

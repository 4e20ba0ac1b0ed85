#include <pthread.h>
#include <unistd.h>

#include "apps/firn/sql.h"
#include "base/alloc.h"

enum { WIDTH = 40, FIRST_MS = 1000, EVERY_MS = 200 };

struct firn_sql_progress_bar {
  firn_sql_shell *shell;
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t wake;
  bool is_over; /* behind `lock` */
  bool is_shown;
};

static void show(firn_sql_progress_bar *p) {
  double done = firn_sql_progress(p->shell->session);
  if (done < 0) {
    return;
  }
  done = done > 1 ? 1 : done;
  int full = (int)(done * WIDTH);
  (void)fprintf(p->shell->app->errors, "\r[%.*s%*s] %3d%%", full, "########################################",
                WIDTH - full, "", (int)(done * 100));
  (void)fflush(p->shell->app->errors);
  p->is_shown = true;
}

/* Waits that long, or until the statement is over. */
static bool wait_ms(firn_sql_progress_bar *p, int64_t ms) {
  struct timespec until;
  (void)clock_gettime(CLOCK_MONOTONIC, &until);
  int64_t nanos = until.tv_nsec + ms % 1000 * 1000000;
  until.tv_sec += ms / 1000 + nanos / 1000000000;
  until.tv_nsec = nanos % 1000000000;
  (void)pthread_mutex_lock(&p->lock);
  int woken = 0;
  while (!p->is_over && woken == 0) {
    woken = pthread_cond_timedwait(&p->wake, &p->lock, &until);
  }
  bool is_over = p->is_over;
  (void)pthread_mutex_unlock(&p->lock);
  return !is_over;
}

static void *watch(void *arg) {
  firn_sql_progress_bar *p = arg;
  for (int64_t ms = FIRST_MS; wait_ms(p, ms); ms = EVERY_MS) {
    show(p);
  }
  if (p->is_shown) {
    (void)fprintf(p->shell->app->errors, "\r%*s\r", WIDTH + 8, "");
    (void)fflush(p->shell->app->errors);
  }
  return NULL;
}

firn_status firn_sql_progress_start(firn_sql_shell *s, firn_sql_progress_bar **out, firn_error *err) {
  *out = NULL;
  if (s->app->is_quiet || isatty(fileno(s->app->errors)) == 0) {
    return FIRN_OK;
  }
  firn_sql_progress_bar *p = firn_alloc(sizeof *p);
  if (p == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a progress bar");
  }
  p->shell = s;
  pthread_condattr_t by_monotonic;
  (void)pthread_condattr_init(&by_monotonic);
  (void)pthread_condattr_setclock(&by_monotonic, CLOCK_MONOTONIC);
  (void)pthread_mutex_init(&p->lock, NULL);
  (void)pthread_cond_init(&p->wake, &by_monotonic);
  (void)pthread_condattr_destroy(&by_monotonic);
  if (pthread_create(&p->thread, NULL, watch, p) != 0) {
    firn_free(p);
    return FIRN_OK; /* a bar is worth no failure */
  }
  *out = p;
  return FIRN_OK;
}

void firn_sql_progress_stop(firn_sql_progress_bar *p) {
  if (p == NULL) {
    return;
  }
  (void)pthread_mutex_lock(&p->lock);
  p->is_over = true;
  (void)pthread_cond_signal(&p->wake);
  (void)pthread_mutex_unlock(&p->lock);
  (void)pthread_join(p->thread, NULL);
  (void)pthread_cond_destroy(&p->wake);
  (void)pthread_mutex_destroy(&p->lock);
  firn_free(p);
}

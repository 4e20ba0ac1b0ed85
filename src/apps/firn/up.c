/* firn up: the whole lakehouse in one process. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "apps/firn/notify.h"
#include "apps/firn/serve.h"
#include "base/log.h"

/* SIGTERM and SIGINT, which threads leave to whoever waits for them here. */
static sigset_t ends(void) {
  sigset_t set;
  (void)sigemptyset(&set);
  (void)sigaddset(&set, SIGTERM);
  (void)sigaddset(&set, SIGINT);
  return set;
}

/* A service that cannot go on ends the process the way a person would. */
static void end_process(void *arg) {
  (void)arg;
  (void)kill(getpid(), SIGTERM);
}

/* Another signal, while what was accepted is being committed, ends the process at once: nothing is lost by
 * that. */
static void let_signals_kill(const sigset_t *set) {
  (void)signal(SIGTERM, SIG_DFL);
  (void)signal(SIGINT, SIG_DFL);
  (void)pthread_sigmask(SIG_UNBLOCK, set, NULL);
}

/* A service manager that cannot be told is worth a line, and no reason to stop serving. */
static void tell_manager(const firn_app *app, const char *state) {
  firn_error err;
  if (firn_notify(app, state, &err) != FIRN_OK) {
    (void)fprintf(app->errors, "%s\n", err.text);
  }
}

static firn_status serve(firn_app *app, const firn_settings *settings, const sigset_t *set, firn_error *err) {
  firn_serving *s;
  int64_t started = firn_ctx_monotonic_us(&app->ctx);
  FIRN_TRY(firn_serving_open(app, settings, end_process, NULL, &s, err));
  (void)fprintf(app->out, "firn is at %s, data in %s, ready in %lld ms\n", firn_serving_url(s),
                firn_serving_data(s), (long long)(firn_ctx_monotonic_us(&app->ctx) - started) / 1000);
  (void)fflush(app->out);
  tell_manager(app, "READY=1");
  int signal_number;
  (void)sigwait(set, &signal_number); /* fails only for a wrong set */
  tell_manager(app, "STOPPING=1");
  let_signals_kill(set);
  firn_status status = firn_serving_drain(s, err);
  firn_serving_close(s);
  return status;
}

firn_status firn_up_command_run(firn_app *app, const firn_args *args, firn_error *err) {
  firn_settings settings = {0};
  FIRN_TRY(firn_settings_read(app, args, &settings, err));
  sigset_t set = ends();
  (void)pthread_sigmask(SIG_BLOCK, &set, NULL); /* before the first thread, which all inherit it */
  firn_status status = serve(app, &settings, &set, err);
  (void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
  return status;
}

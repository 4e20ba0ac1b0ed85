/* firn: the one program. What it can do is in commands.c. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apps/firn/command.h"

static atomic_bool cancelled;

/* The first signal asks the command to stop and to clean up; the second one ends the program. */
static void ask_to_stop(int number) {
  if (atomic_exchange(&cancelled, true)) {
    (void)signal(number, SIG_DFL);
    (void)raise(number);
  }
}

static const char *variable(const char *name) {
  return getenv(name);
}

/* The first that is set and not empty; NULL: neither is. */
static const char *either(const char *name, const char *other) {
  const char *value = getenv(name);
  value = value != NULL && value[0] != '\0' ? value : getenv(other);
  return value != NULL && value[0] != '\0' ? value : NULL;
}

int main(int argc, char **argv) {
  struct sigaction action = {.sa_handler = ask_to_stop};
  (void)sigaction(SIGINT, &action,
                  NULL); /* without handlers the signals end the program, which is right too */
  (void)sigaction(SIGTERM, &action, NULL);
  (void)signal(SIGPIPE, SIG_IGN);

  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_app app = {
      .env = firn_env_system,
      .out = stdout,
      .errors = stderr,
      .arena = &arena,
      .variable = variable,
      .catalog_uri = either("FIRN_CATALOG", "ICEBERG_CATALOG_URI"),
      .warehouse = either("FIRN_WAREHOUSE", "ICEBERG_WAREHOUSE"),
  };
  app.ctx = (firn_ctx){.env = &app.env, .cancel = &cancelled};
  return firn_app_run(&app, argc, argv);
}

/* Simulated crashes: firn on a disk that forgets, from a seed, until the tables must tell the story that was
 * promised.
 *
 *   crash_sim [--scenario NAME] [--seeds FROM N] [--trace FILE] [--export FOLDER EVERY]
 *
 * --export writes the disk of every EVERY-th seed below FOLDER, and a line on standard output when it is
 * there: "FOLDER/seed-7 valid=12 partial=1 dead_letter=0". */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "catalogs/catalogs.h"
#include "sim/scenario.h"

typedef struct options {
  const scenario *scenario;
  uint64_t from, n, export_every;
  const char *export_to;
  FILE *trace;
} options;

static const scenario *const scenarios[] = {&scenario_live, &scenario_ingest};

typedef struct totals {
  uint64_t n_crashes, n_faults, n_events, n_answered, n_operations;
} totals;

void scenario_tables(firn_table_id tables[FIRN_ARCHIVE_N_TABLES]) {
  static const char *const level = "cloudevent";
  for (int t = 0; t < FIRN_ARCHIVE_N_TABLES; t++) {
    tables[t] = (firn_table_id){.ns = {1, &level}, .name = firn_archive_table_name((firn_archive_table)t)};
  }
}

/* With the power on, and nothing in its way. */
static void check(story *s, const scenario *what) {
  firn_error err;
  world *w = s->world;
  FIRN_AUTO_STORES *stores = NULL;
  FIRN_AUTO_CATALOG *catalog = NULL;
  firn_file_info info;
  if (firn_file_stat(&w->ctx, SIM_FOLDER, &info, &err) != FIRN_OK) {
    return;
  }
  if (firn_stores_open(&w->env, &stores, &err) != FIRN_OK ||
      firn_catalog_open(&w->ctx, SIM_CATALOG, SIM_WAREHOUSE, stores, &catalog, &err) != FIRN_OK) {
    world_fail(w, "the catalog does not open: %s", err.text);
  }
  firn_table_id tables[FIRN_ARCHIVE_N_TABLES];
  scenario_tables(tables);
  story_check(s, catalog, tables);
  if (what->check != NULL) {
    what->check(s, catalog);
  }
}

/* Early crashes are as likely as late ones, whatever that is in a life. */
static uint64_t some_operations(world *w) {
  return 1 + world_below(w, UINT64_C(2) << world_below(w, 10));
}

/* Anywhere; or, as likely, where it matters to one part, however rarely that touches the disk. */
static void plan_cut(world *w) {
  static const char *const whats[] = {NULL,     NULL,     "sync",   "sync", "syncdir",
                                      "append", "rename", "create", "mkdir"};
  static const char *const wheres[] = {"/events",  "/events",  "/commits",  "/commits", "catalog.db",
                                       "index.db", ".parquet", "/metadata", "warehouse"};
  switch (world_below(w, 8)) {
    case 0:
      break; /* no cut */
    case 1:
    case 2:
    case 3:
      disk_cut_power_at(w->disk, disk_n_operations(w->disk) + some_operations(w));
      break;
    default: {
      const char *what = whats[world_below(w, FIRN_COUNT_OF(whats))];
      const char *where = wheres[world_below(w, FIRN_COUNT_OF(wheres))];
      disk_cut_power_at_one(w->disk, what, where, 1 + world_below(w, UINT64_C(2) << world_below(w, 5)));
    }
  }
}

/* Fails unless something was broken on purpose. */
static void one_life(story *s, const scenario *what, void *lasting, bool is_last, totals *sum) {
  firn_error err = {0};
  world *w = s->world;
  uint64_t now = disk_n_operations(w->disk);
  w->is_hurt = false;
  if (!is_last) {
    plan_cut(w);
    if (world_chance(w, 10)) {
      disk_fill_at(w->disk, now + some_operations(w), 1 + world_below(w, 20));
      w->is_hurt = true;
    }
    if (world_chance(w, 10)) {
      disk_fail_sync_at(w->disk, now + some_operations(w));
      w->is_hurt = true;
    }
  }
  firn_status status = what->live(s, lasting, is_last, &err);
  if (status != FIRN_OK && !disk_is_cut(w->disk) && !w->is_hurt) {
    world_fail(w, "%s: %s", firn_status_name(status), err.text);
  }
  sum->n_faults += w->is_hurt;
  w->is_hurt = false;
  bool is_killed = disk_is_cut(w->disk);
  if (world_chance(w,
                   is_killed ? 3 : 4)) { /* the process alone; or the power goes although nothing is done */
    is_killed = !is_killed;
  }
  /* A disk that has failed a sync shows what it does not have. SQLite believes it when it opens a log again,
   * and nothing that firn could do would help; so the machine is started again too. (The journals help
   * themselves: journal_test.c.) */
  if (is_killed || disk_has_failed_sync(w->disk)) {
    sum->n_crashes++;
    disk_crash(w->disk, world_below(w, UINT64_MAX));
  } else {
    disk_revive(w->disk);
  }
}

static void export(const options *o, story *s) {
  char to[4096];
  if (o->export_to == NULL || s->world->seed % o->export_every != 0) {
    return;
  }
  (void)snprintf(to, sizeof to, "%s/seed-%" PRIu64, o->export_to, s->world->seed);
  disk_export(s->world->disk, SIM_FOLDER, to);
  (void)printf("%s", to);
  for (int t = 0; t < FIRN_ARCHIVE_N_TABLES; t++) {
    (void)printf(" %s=%zu", firn_archive_table_name((firn_archive_table)t), s->n_rows[t]);
  }
  (void)printf("\n");
  (void)fflush(stdout); /* whoever reads waits for the line */
}

/* A loop without an end is a fault like others. */
static uint64_t seed_under_way;
static void on_alarm(int signal) {
  (void)signal;
  static char text[80];
  int len =
      snprintf(text, sizeof text, "crash_sim: seed %" PRIu64 " takes more than a minute\n", seed_under_way);
  (void)!write(STDERR_FILENO, text, (size_t)len);
  _exit(1);
}

static uint64_t simulate(const options *o, uint64_t seed, totals *sum) {
  world w;
  story s;
  world_open(&w, o->scenario->name, seed);
  seed_under_way = seed;
  (void)alarm(60);
  disk_trace(w.disk, o->trace);
  story_open(&s, &w);
  void *lasting = o->scenario->begin != NULL ? o->scenario->begin(&s) : NULL;
  for (uint64_t n = 1 + world_below(&w, 12); n > 0; n--) {
    one_life(&s, o->scenario, lasting, false, sum);
  }
  one_life(&s, o->scenario, lasting, true, sum);
  check(&s, o->scenario);
  export(o, &s);
  sum->n_operations += disk_n_operations(w.disk);
  sum->n_events += s.n;
  for (size_t i = 0; i < s.n; i++) {
    sum->n_answered += s.events[i].least;
  }
  if (o->scenario->end != NULL) {
    o->scenario->end(lasting);
  }
  uint64_t digest = disk_digest(w.disk);
  story_close(&s);
  world_close(&w);
  return digest;
}

/* A seed that fails must fail again: nothing in firn may depend on anything else. */
static void check_same_story(const options *o, uint64_t seed, uint64_t digest) {
  totals ignored = {0};
  options quiet = {.scenario = o->scenario};
  if (simulate(&quiet, seed, &ignored) != digest) {
    (void)fprintf(stderr, "crash_sim: seed %" PRIu64 " makes another story the second time\n", seed);
    exit(1);
  }
}

static _Noreturn void usage(void) {
  (void)fprintf(
      stderr, "usage: crash_sim [--scenario NAME] [--seeds FROM N] [--trace FILE] [--export FOLDER EVERY]\n");
  exit(2);
}

static uint64_t number(const char *text) {
  char *end;
  uint64_t n = strtoull(text, &end, 10);
  if (*end != '\0' || text[0] == '\0') {
    usage();
  }
  return n;
}

static const scenario *named(const char *name) {
  for (size_t i = 0; i < FIRN_COUNT_OF(scenarios); i++) {
    if (strcmp(scenarios[i]->name, name) == 0) {
      return scenarios[i];
    }
  }
  usage();
}

static void read_options(int argc, char **argv, options *o) {
  for (int i = 1; i < argc; i++) {
    int left = argc - i - 1;
    if (strcmp(argv[i], "--scenario") == 0 && left >= 1) {
      o->scenario = named(argv[++i]);
    } else if (strcmp(argv[i], "--seeds") == 0 && left >= 2) {
      o->from = number(argv[++i]);
      o->n = number(argv[++i]);
    } else if (strcmp(argv[i], "--trace") == 0 && left >= 1) {
      o->trace = fopen(argv[++i], "w");
    } else if (strcmp(argv[i], "--export") == 0 && left >= 2) {
      o->export_to = argv[++i];
      o->export_every = number(argv[++i]);
    } else {
      usage();
    }
  }
}

int main(int argc, char **argv) {
  options o = {.scenario = scenarios[0], .from = 1, .n = 100, .export_every = 1};
  totals sum = {0};
  read_options(argc, argv, &o);
  (void)signal(SIGALRM, on_alarm);
  for (uint64_t i = 0; i < o.n; i++) {
    uint64_t digest = simulate(&o, o.from + i, &sum);
    if (i % 25 == 0 && o.trace == NULL) {
      check_same_story(&o, o.from + i, digest);
    }
  }
  (void)printf("%s: seeds %" PRIu64 " to %" PRIu64 ": %" PRIu64 " crashes, %" PRIu64
               " lives with faults, %" PRIu64 " disk operations, %" PRIu64 " events, %" PRIu64
               " of them answered\n",
               o.scenario->name, o.from, o.from + o.n - 1, sum.n_crashes, sum.n_faults, sum.n_operations,
               sum.n_events, sum.n_answered);
  return 0;
}

/* What the engine's files share: databases, connections, the sources bound to them. */
#ifndef FIRN_SERVICES_SQL_ENGINE_STATE_INTERNAL_H
#define FIRN_SERVICES_SQL_ENGINE_STATE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "services/sql/duck_internal.h"
#include "services/sql/engine_internal.h"

enum { FIRN_ENGINE_NAME_SIZE = 128, FIRN_ENGINE_ANY_SIZE = 32 };

#define FIRN_ENGINE_FUNCTION "firn_scan"

/* Of statements that must end in time (engine_watch.c). */
typedef struct firn_engine_watch {
  bool is_open;
  pthread_mutex_t mutex; /* guards all below */
  pthread_cond_t wanted; /* signalled when there is something to watch, or it is over */
  bool has_thread, is_over;
  pthread_t thread;
  firn_engine_link *first;
} firn_engine_watch;

struct firn_engine {
  const duck_api *api;
  firn_engine_watch watch;
  duck_database database;
  /* Optimisers that look at statistics would fold away scans of empty tables, and can be turned off for a
   * whole database only: plans are made in one of their own. Opened by the first that is asked for. */
  duck_database planner;
  unsigned n_threads;
  bool is_closed;
  pthread_mutex_t mutex; /* guards all below, and `planner` */
  firn_engine_link *links;
  int64_t last_number;
};

/* A source under a name. The view says its number, so a statement that was prepared before the name was
 * dropped finds nothing rather than something else. */
typedef struct firn_bound {
  struct firn_bound *next;
  int64_t number;
  char name[FIRN_ENGINE_NAME_SIZE];
  const firn_sql_source *source;
  char any[FIRN_ENGINE_ANY_SIZE]; /* of a column that stands for none */
  bool has_shadow;                /* an empty table in the planner */
  size_t n_openings;              /* by the running statement */
} firn_bound;

/* One reading of a source. The engine's threads hold it, each by a reader. */
typedef struct firn_reading_now {
  struct firn_reading_now *next; /* of the link's */
  firn_engine_link *link;
  const firn_sql_source *source;
  firn_sql_scan *scan;
  size_t n_columns; /* wanted, and for each vector of a chunk which of them it is; SIZE_MAX: none */
  size_t n_vectors;
  size_t *columns_of_vectors;
  atomic_uint n_holders;
} firn_reading_now;

struct firn_engine_link {
  firn_engine *engine;
  firn_engine_link *next;         /* guarded by engine->mutex */
  firn_engine_link *next_watched; /* guarded by the watch's */
  uint64_t id;                    /* the connection's */
  duck_connection connection;
  duck_connection planner; /* NULL until a plan is asked for */
  firn_engine_rows *rows;  /* that are open; NULL: none */
  firn_ctx *ctx;           /* of the statement that runs */
  atomic_bool is_interrupted;
  pthread_mutex_t mutex; /* guards all below; held across progress(), which only counts */
  firn_bound *bound;
  firn_reading_now *readings; /* that can be asked how far they are */
  size_t n_readings;          /* those too that are being closed */
  pthread_cond_t is_let_go;   /* signalled when there are none */
  double done;                /* rows of readings that are over */
  firn_error failure; /* the first of a source, which the engine would tell in other words; status OK: none */
};

/* Makes FIRN_ENGINE_FUNCTION known to the database. */
FIRN_MUST_USE firn_status firn_engine_function_register(firn_engine *e, duck_connection connection,
                                                        firn_error *err);

/* Runs a statement of our own that yields nothing. */
FIRN_MUST_USE firn_status firn_engine_do(const duck_api *api, duck_connection connection, const char *sql,
                                         firn_error *err);

/* Turns what the engine says into one sentence and a status. */
FIRN_MUST_USE firn_status firn_engine_failure(const char *text, firn_error *err);

FIRN_MUST_USE firn_status firn_engine_watch_open(firn_engine *e, firn_error *err);
void firn_engine_watch_close(firn_engine *e);
/* From here to the end the statement of `l` is interrupted when its context says so. */
FIRN_MUST_USE firn_status firn_engine_watch_begin(firn_engine_link *l, firn_error *err);
void firn_engine_watch_end(firn_engine_link *l);

/* The connection of `l` to the planner, opened when it is not. */
FIRN_MUST_USE firn_status firn_engine_planner(firn_engine_link *l, duck_connection *out, firn_error *err);

#endif

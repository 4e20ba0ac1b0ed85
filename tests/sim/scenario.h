/* The programs that are simulated. A life is a process from its start to its end: it opens what the last one
 * left on the disk, does some work, and ends by itself, by a failure, or with the power. */
#ifndef FIRN_TESTS_SCENARIO_H
#define FIRN_TESTS_SCENARIO_H

#include "sim/story.h"

#define SIM_FOLDER "/data"
#define SIM_CATALOG "sqlite:/data/catalog.db"
#define SIM_WAREHOUSE "/data/warehouse"

typedef struct scenario {
  const char *name;
  /* What outlives every life. Both may be NULL. */
  void *(*begin)(story *s);
  void (*end)(void *lasting);
  /* `is_last`: nothing goes wrong any more, and everything is to be finished. Everything is closed when it
   * returns. A failure while the power is on and no fault was injected is a bug. */
  firn_status (*live)(story *s, void *lasting, bool is_last, firn_error *err);
  /* Whether more than the tables is right, after the last life. May be NULL. */
  void (*check)(story *s, firn_catalog *catalog);
} scenario;

extern const scenario scenario_ingest; /* firn ingest */
extern const scenario scenario_live;   /* firn up */

/* The archive's tables: cloudevent.valid and so on. */
void scenario_tables(firn_table_id tables[FIRN_ARCHIVE_N_TABLES]);

#endif

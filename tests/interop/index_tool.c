/* Brings an index up to the tables cloudevent.valid and cloudevent.partial as they are, for index_test.py.
 *   index_tool CATALOG WAREHOUSE INDEX [STEPS]
 * With STEPS it ends after so many, as a process that is killed does. The answer is what it said of tables
 * that it cannot follow, if anything. A failure is one line on standard error and exit status 1. */
#include <stdio.h>
#include <stdlib.h>

#include "catalogs/catalogs.h"
#include "services/indexer/indexer.h"

static void say(void *arg, const char *text) {
  (void)arg;
  (void)printf("%s\n", text == NULL ? "" : text);
}

static firn_status follow(firn_indexer *indexer, firn_ctx *ctx, long steps, firn_error *err) {
  int64_t wait_us = 0;
  for (long i = 0; wait_us != FIRN_STEP_IDLE && i < steps; i++) {
    FIRN_TRY(firn_indexer_service.step(indexer, ctx, true, &wait_us, err));
  }
  return FIRN_OK;
}

static firn_status run(char **words, long steps, firn_ctx *ctx, firn_error *err) {
  static const char *const levels[] = {"cloudevent"};
  const firn_table_id tables[] = {{.ns = {1, levels}, .name = "valid"},
                                  {.ns = {1, levels}, .name = "partial"}};
  FIRN_AUTO_STORES *stores = NULL;
  FIRN_AUTO_INDEX *index = NULL;
  firn_catalog *catalog = NULL;
  firn_indexer *indexer = NULL;
  FIRN_TRY(firn_stores_open(ctx->env, &stores, err));
  FIRN_TRY(firn_sqlite_index_open(words[2], ctx, &index, err));
  FIRN_TRY(firn_catalog_open(ctx, words[0], words[1], stores, &catalog, err));
  firn_status status = firn_indexer_open(&(firn_indexer_options){.index = index,
                                                                 .catalog = catalog,
                                                                 .stores = stores,
                                                                 .warehouse = words[1],
                                                                 .n_tables = 2,
                                                                 .tables = tables,
                                                                 .max_rows = 500,
                                                                 .problem = say},
                                         ctx, &indexer, err);
  if (status == FIRN_OK) {
    status = follow(indexer, ctx, steps, err);
  }
  firn_indexer_close(indexer);
  firn_catalog_close(catalog);
  return status;
}

int main(int argc, char **argv) {
  firn_error err;
  firn_ctx ctx = FIRN_CTX_INIT(&firn_env_system);
  if (argc != 4 && argc != 5) {
    (void)fprintf(stderr, "usage: %s CATALOG WAREHOUSE INDEX [STEPS]\n", argv[0]);
    return 2;
  }
  if (run(argv + 1, argc == 5 ? strtol(argv[4], NULL, 10) : 1000000, &ctx, &err) != FIRN_OK) {
    (void)fprintf(stderr, "%s\n", err.text);
    return 1;
  }
  return 0;
}

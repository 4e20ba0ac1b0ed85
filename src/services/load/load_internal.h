/* What the files of a load share. */
#ifndef FIRN_SERVICES_LOAD_LOAD_INTERNAL_H
#define FIRN_SERVICES_LOAD_LOAD_INTERNAL_H

#include "services/load/files_internal.h"
#include "services/load/fit_internal.h"
#include "services/load/load.h"

struct firn_load {
  firn_load_options options;
  firn_table table; /* as it was last loaded; metadata NULL: there is none yet */
  firn_load_result result;
  firn_load_files *files;
  uint64_t n_uncommitted; /* rows */
  int64_t last_commit_us;
  /* How the batches of the current source become the table's. */
  firn_arena fit_arena;
  firn_field source; /* a copy of their schema */
  bool has_fit;
  firn_fit fit;
  bool is_source_ours;    /* the current input is read with the table's own schema: ids tell */
  uint64_t n_source_rows; /* of the current input, taken so far: for error texts */
  firn_arena scratch;     /* one batch */
  bool is_finished;
  firn_status failed; /* of an earlier call: rows are missing since */
};

/* Loads the table; FIRN_NOT_FOUND leaves it absent. Checks the terms of the options against what it has. */
FIRN_MUST_USE firn_status firn_load_table_open(firn_load *l, firn_ctx *ctx, firn_error *err);
/* Makes the table with this schema, unless somebody else did meanwhile. */
FIRN_MUST_USE firn_status firn_load_table_make(firn_load *l, firn_ctx *ctx, const firn_schema *schema,
                                               firn_error *err);
/* Loads it anew: others may have changed it. */
FIRN_MUST_USE firn_status firn_load_table_refresh(firn_load *l, firn_ctx *ctx, firn_error *err);
/* Makes the table what the rows need, as far as the evolution allows. */
FIRN_MUST_USE firn_status firn_load_table_widen(firn_load *l, firn_ctx *ctx, const firn_fit_gap *gap,
                                                firn_error *err);
/* Takes the table away again when this load made it and nothing was committed to it. */
void firn_load_table_undo(firn_load *l, firn_ctx *ctx);

const firn_field *firn_load_root(const firn_load *l);

#endif

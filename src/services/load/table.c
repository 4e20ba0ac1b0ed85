/* The table of a load: found, made, changed, taken back. */
#include <inttypes.h>
#include <string.h>

#include "iceberg/commit/alter.h"
#include "iceberg/commit/purge.h"
#include "iceberg/types/terms.h"
#include "services/load/load_internal.h"

const firn_field *firn_load_root(const firn_load *l) {
  return &firn_metadata_current_schema(l->table.metadata)->root;
}

static const char *said(const char *terms) {
  return terms == NULL ? "" : terms;
}

static firn_status parse_partitioning(const firn_load *l, const firn_schema *schema, firn_arena *arena,
                                      firn_partition_spec *out, firn_error *err) {
  firn_status status =
      firn_partition_terms_parse(firn_bytes_of(said(l->options.partition_by)), schema, arena, out, err);
  return status == FIRN_OK ? status
                           : firn_error_while(err, status, "partitioning by \"%s\"", l->options.partition_by);
}

static firn_status parse_sorting(const firn_load *l, const firn_schema *schema, firn_arena *arena,
                                 firn_sort_order *out, firn_error *err) {
  firn_status status =
      firn_sort_terms_parse(firn_bytes_of(said(l->options.sort_by)), schema, arena, out, err);
  return status == FIRN_OK ? status : firn_error_while(err, status, "sorting by \"%s\"", l->options.sort_by);
}

/* Terms that are given for a table that is there must say what it has: changing it is another command. */
static firn_status check_terms(const firn_load *l, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const firn_metadata *m = l->table.metadata;
  const firn_schema *schema = firn_metadata_current_schema(m);
  if (l->options.partition_by != NULL) {
    firn_partition_spec spec;
    FIRN_TRY(parse_partitioning(l, schema, &arena, &spec, err));
    if (!firn_partition_spec_equal(&spec, firn_metadata_default_spec(m))) {
      return firn_error_set(err, FIRN_INVALID,
                            "the table is there and partitioned otherwise than by \"%s\"; firn table alter "
                            "changes that",
                            l->options.partition_by);
    }
  }
  if (l->options.sort_by != NULL) {
    firn_sort_order order;
    FIRN_TRY(parse_sorting(l, schema, &arena, &order, err));
    const firn_sort_order *has = firn_metadata_sort_order(m, firn_metadata_get(m)->default_sort_order_id);
    if (has == NULL ? order.n_fields > 0 : !firn_sort_order_equal(&order, has)) {
      return firn_error_set(
          err, FIRN_INVALID,
          "the table is there and sorted otherwise than by \"%s\"; firn table alter changes "
          "that",
          l->options.sort_by);
    }
  }
  return FIRN_OK;
}

/* The loaded table becomes the load's. */
static firn_status take_table(firn_load *l, firn_ctx *ctx, firn_table *loaded, firn_error *err) {
  firn_table_release(&l->table);
  l->table = *loaded;
  *loaded = (firn_table){0};
  l->has_fit = false;
  return firn_load_files_set_table(l->files, ctx, l->table.metadata, err);
}

firn_status firn_load_table_open(firn_load *l, firn_ctx *ctx, firn_error *err) {
  FIRN_AUTO_TABLE loaded = {0};
  firn_status status = firn_catalog_table_load(l->options.catalog, ctx, &l->options.table, &loaded, err);
  if (status == FIRN_NOT_FOUND) {
    return l->options.schema == NULL ? FIRN_OK : firn_load_table_make(l, ctx, l->options.schema, err);
  }
  FIRN_TRY(status);
  FIRN_TRY(take_table(l, ctx, &loaded, err));
  return check_terms(l, err);
}

firn_status firn_load_table_make(firn_load *l, firn_ctx *ctx, const firn_schema *schema, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_schema numbered;
  firn_partition_spec spec;
  firn_sort_order order;
  int32_t last_id = 0;
  if (schema->root.n_children == 0) {
    return firn_error_set(err, FIRN_INVALID, "the rows have no columns to make a table of");
  }
  FIRN_TRY(firn_schema_assign_ids(schema, &last_id, &arena, &numbered, err));
  FIRN_TRY(firn_schema_check(&numbered, err));
  FIRN_TRY(parse_partitioning(l, &numbered, &arena, &spec, err));
  FIRN_TRY(parse_sorting(l, &numbered, &arena, &order, err));
  firn_table_create how = {.schema = &numbered, .spec = &spec, .sort_order = &order};
  if (l->options.make_namespace) {
    firn_status made =
        firn_catalog_namespace_create(l->options.catalog, ctx, &l->options.table.ns, NULL, err);
    FIRN_TRY(made == FIRN_EXISTS ? FIRN_OK : made);
  }
  FIRN_AUTO_TABLE made = {0};
  firn_status status =
      firn_catalog_table_create(l->options.catalog, ctx, &l->options.table, &how, &made, err);
  if (status == FIRN_EXISTS) { /* somebody was faster: their table takes the rows if it can */
    FIRN_TRY(firn_catalog_table_load(l->options.catalog, ctx, &l->options.table, &made, err));
    FIRN_TRY(take_table(l, ctx, &made, err));
    return check_terms(l, err);
  }
  FIRN_TRY(status);
  l->result.made_table = true;
  return take_table(l, ctx, &made, err);
}

static bool is_same_table(const firn_metadata *a, const firn_metadata *b) {
  const char *x = firn_metadata_get(a)->table_uuid;
  const char *y = firn_metadata_get(b)->table_uuid;
  return x == NULL || y == NULL ? x == y : strcmp(x, y) == 0;
}

firn_status firn_load_table_refresh(firn_load *l, firn_ctx *ctx, firn_error *err) {
  FIRN_AUTO_TABLE loaded = {0};
  FIRN_TRY(firn_catalog_table_load(l->options.catalog, ctx, &l->options.table, &loaded, err));
  if (!is_same_table(loaded.metadata, l->table.metadata)) {
    return firn_error_set(err, FIRN_INVALID, "%s was dropped, and another table has its name now",
                          l->options.table.name);
  }
  return take_table(l, ctx, &loaded, err);
}

/* --- schema evolution: ledger SCH-01, SCH-02, ERR-03 --- */

static const char *and_others(const firn_fit_gap *gap, firn_arena *arena) {
  const char *text = gap->n_new <= 1 ? "" : firn_arena_printf(arena, " and %zu more", gap->n_new - 1);
  return text == NULL ? "" : text;
}

static firn_status check_allowed(const firn_load *l, const firn_fit_gap *gap, firn_arena *arena,
                                 firn_error *err) {
  if (gap->refusal != NULL) {
    return firn_error_set(err, FIRN_INVALID, "%s", gap->refusal);
  }
  if (gap->n_new > 0 && l->options.evolution == FIRN_LOAD_STRICT) {
    return firn_error_set(err, FIRN_INVALID,
                          "Schema evolution not allowed in strict mode: the table has no column %s%s; "
                          "--schema-evolution add_columns adds it",
                          gap->first_new, and_others(gap, arena));
  }
  if (gap->n_optional > 0 && l->options.evolution != FIRN_LOAD_FULL) {
    return firn_error_set(err, FIRN_INVALID,
                          "the rows have no column %s, which is required; --schema-evolution full makes it "
                          "optional",
                          gap->optional[0]);
  }
  return FIRN_OK;
}

firn_status firn_load_table_widen(firn_load *l, firn_ctx *ctx, const firn_fit_gap *gap, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_TRY(check_allowed(l, gap, &arena, err));
  size_t n = 0;
  firn_change *changes = firn_new_n(&arena, firn_change, gap->n_optional + 1);
  if (changes == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for changes of a schema");
  }
  for (size_t i = 0; i < gap->n_optional; i++) {
    changes[n++] = (firn_change){.kind = FIRN_CHANGE_SET_OPTIONAL, .name = gap->optional[i]};
  }
  if (gap->n_new + gap->n_promotions > 0) {
    changes[n++] = (firn_change){.kind = FIRN_CHANGE_WIDEN, .field = gap->wanted};
  }
  const firn_alter alter = {.n_changes = n, .changes = changes};
  FIRN_TRY(firn_alter_commit(l->options.catalog, ctx, &l->options.table, &alter, &arena, NULL, err));
  l->result.n_columns_added += gap->n_new;
  return firn_load_table_refresh(l, ctx, err);
}

void firn_load_table_undo(firn_load *l, firn_ctx *ctx) {
  if (!l->result.made_table || l->table.metadata == NULL) {
    return;
  }
  firn_ctx calm = FIRN_CTX_INIT(ctx->env); /* tidying up goes on after a cancel or a deadline */
  FIRN_AUTO_TABLE now = {0};
  firn_status status = firn_catalog_table_load(l->options.catalog, &calm, &l->options.table, &now, NULL);
  if (status != FIRN_OK || !is_same_table(now.metadata, l->table.metadata) ||
      firn_metadata_get(now.metadata)->n_snapshots > 0) {
    return; /* somebody uses it */
  }
  firn_purge_result purged;
  if (firn_catalog_table_drop(l->options.catalog, &calm, &l->options.table, NULL) == FIRN_OK) {
    /* Files that stay are orphans, which are harmless. */
    FIRN_IGNORE(firn_table_purge(l->options.catalog->stores, &calm, now.metadata, now.metadata_location,
                                 &purged, NULL));
  }
}

/* For tests of iceberg/commit/alter.h: tables made of a few words, changes applied without a catalog, and
 * what came of it as text. Header only. */
#ifndef FIRN_TEST_ALTER_H
#define FIRN_TEST_ALTER_H

#include "test_table.h"

#include "iceberg/commit/alter.h"
#include "iceberg/types/terms.h"

/* id long!, at timestamptz, name string, day date, place struct{city string!, spot struct{lat float, lon
 * float}!}!, tags list<string>, people list<struct{age int}>, by_key map<struct{k int!}, struct{v int}>,
 * price decimal(9, 2), n int. Ids as a new table has them. */
#define ALTER_SCHEMA                                                                                \
  "{\"type\":\"struct\",\"schema-id\":0,\"fields\":["                                               \
  "{\"id\":1,\"name\":\"id\",\"required\":true,\"type\":\"long\"},"                                 \
  "{\"id\":2,\"name\":\"at\",\"required\":false,\"type\":\"timestamptz\"},"                         \
  "{\"id\":3,\"name\":\"name\",\"required\":false,\"type\":\"string\",\"doc\":\"who\"},"            \
  "{\"id\":4,\"name\":\"day\",\"required\":false,\"type\":\"date\"},"                               \
  "{\"id\":5,\"name\":\"place\",\"required\":true,\"type\":{\"type\":\"struct\",\"fields\":["       \
  "{\"id\":11,\"name\":\"city\",\"required\":true,\"type\":\"string\"},"                            \
  "{\"id\":12,\"name\":\"spot\",\"required\":true,\"type\":{\"type\":\"struct\",\"fields\":["       \
  "{\"id\":13,\"name\":\"lat\",\"required\":false,\"type\":\"float\"},"                             \
  "{\"id\":14,\"name\":\"lon\",\"required\":false,\"type\":\"float\"}]}}]}},"                       \
  "{\"id\":6,\"name\":\"tags\",\"required\":false,\"type\":{\"type\":\"list\",\"element-id\":15,"   \
  "\"element-required\":false,\"element\":\"string\"}},"                                            \
  "{\"id\":7,\"name\":\"people\",\"required\":false,\"type\":{\"type\":\"list\",\"element-id\":16," \
  "\"element-required\":true,\"element\":{\"type\":\"struct\",\"fields\":["                         \
  "{\"id\":17,\"name\":\"age\",\"required\":false,\"type\":\"int\"}]}}},"                           \
  "{\"id\":8,\"name\":\"by_key\",\"required\":false,\"type\":{\"type\":\"map\",\"key-id\":18,"      \
  "\"value-id\":19,\"value-required\":false,\"key\":{\"type\":\"struct\",\"fields\":["              \
  "{\"id\":20,\"name\":\"k\",\"required\":true,\"type\":\"int\"}]},"                                \
  "\"value\":{\"type\":\"struct\",\"fields\":["                                                     \
  "{\"id\":21,\"name\":\"v\",\"required\":false,\"type\":\"int\"}]}}},"                             \
  "{\"id\":9,\"name\":\"price\",\"required\":false,\"type\":\"decimal(9, 2)\"},"                    \
  "{\"id\":10,\"name\":\"n\",\"required\":false,\"type\":\"int\"}]}"

#define ALTER_FIELDS                                                                                         \
  "1 id long!, 2 at timestamptz, 3 name string, 4 day date, 5 place {11 city string!, 12 spot {13 lat "      \
  "float, 14 lon float}!}!, 6 tags [15 string], 7 people [16 {17 age int}!], 8 by_key <18 {20 k int!}!, 19 " \
  "{21 v int}>, 9 price decimal(9, 2), 10 n int"

/* The metadata of a new table; `partition_by`, `sort_by` may be NULL. */
static FIRN_UNUSED firn_status alter_table(int32_t version, const char *schema_json, const char *partition_by,
                                           const char *sort_by, firn_metadata **out, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_schema schema;
  firn_partition_spec spec;
  firn_sort_order order;
  const firn_update *updates;
  size_t n;
  FIRN_TRY(test_schema_read(schema_json, &arena, &schema, err));
  FIRN_TRY(firn_partition_terms_parse(firn_bytes_of(partition_by), &schema, &arena, &spec, err));
  FIRN_TRY(firn_sort_terms_parse(firn_bytes_of(sort_by), &schema, &arena, &order, err));
  const firn_table_create how = {
      .schema = &schema, .spec = &spec, .sort_order = &order, .format_version = version};
  FIRN_TRY(firn_table_create_updates(&how, TEST_LOCATION, test_ctx()->env, &arena, &updates, &n, err));
  return firn_updates_apply(NULL, NULL, updates, n, 1000, out, err);
}

/* Plans the changes, sees to it that the requirements hold, and puts what they make in the place of `*m`.
 * The status of the plan. */
static FIRN_UNUSED firn_status alter_apply(firn_metadata **m, const firn_change *changes, size_t n,
                                           firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_alter_result plan;
  firn_metadata *after;
  FIRN_TRY(firn_alter_plan(*m, changes, n, 2000, &arena, &plan, err));
  for (size_t i = 0; i < plan.n_requirements; i++) {
    FIRN_TRY(firn_requirement_check(&plan.requirements[i], *m, err));
  }
  FIRN_TRY(firn_updates_apply(*m, NULL, plan.updates, plan.n_updates, 2000, &after, err));
  firn_metadata_unref(*m);
  *m = after;
  return FIRN_OK;
}

/* --- as text --- */

static FIRN_UNUSED void alter_add_field(const firn_field *f, bool with_name, firn_builder *b) {
  firn_builder_addf(b, "%d ", f->id);
  if (with_name) {
    firn_builder_addf(b, "%s ", f->name);
  }
  static const char *const signs[] = {"{", "}", "[", "]", "<", ">"};
  if (firn_kind_is_nested(f->kind)) {
    size_t which = f->kind == FIRN_KIND_STRUCT ? 0 : f->kind == FIRN_KIND_LIST ? 2 : 4;
    firn_builder_add_text(b, signs[which]);
    for (uint32_t i = 0; i < f->n_children; i++) {
      firn_builder_add_text(b, i == 0 ? "" : ", ");
      alter_add_field(&f->children[i], f->kind == FIRN_KIND_STRUCT, b);
    }
    firn_builder_add_text(b, signs[which + 1]);
  } else {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    firn_builder_add_text(b, firn_type_text(f, &arena));
  }
  firn_builder_add_text(b, f->required ? "!" : "");
}

/* "1 id long!, 2 name string" */
static FIRN_UNUSED const char *alter_fields(const firn_metadata *m, firn_arena *arena) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  const firn_field *root = &firn_metadata_current_schema(m)->root;
  for (uint32_t i = 0; i < root->n_children; i++) {
    firn_builder_add_text(&b, i == 0 ? "" : ", ");
    alter_add_field(&root->children[i], true, &b);
  }
  return firn_arena_text(arena, firn_builder_bytes(&b));
}

/* "0: 1000 at_day 2 day, ..." */
static FIRN_UNUSED const char *alter_spec(const firn_metadata *m, firn_arena *arena) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  const firn_partition_spec *spec = firn_metadata_default_spec(m);
  firn_builder_addf(&b, "%d:", spec->spec_id);
  for (size_t i = 0; i < spec->n_fields; i++) {
    char transform[64];
    firn_transform_text(&spec->fields[i].transform, transform);
    firn_builder_addf(&b, "%s %d %s %d %s", i == 0 ? "" : ",", spec->fields[i].field_id, spec->fields[i].name,
                      spec->fields[i].source_id, transform);
  }
  return firn_arena_text(arena, firn_builder_bytes(&b));
}

/* "1: 2 identity desc last, ..." */
static FIRN_UNUSED const char *alter_order(const firn_metadata *m, firn_arena *arena) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  const firn_sort_order *order = firn_metadata_sort_order(m, firn_metadata_get(m)->default_sort_order_id);
  firn_builder_addf(&b, "%d:", order->order_id);
  for (size_t i = 0; i < order->n_fields; i++) {
    char transform[64];
    firn_transform_text(&order->fields[i].transform, transform);
    firn_builder_addf(&b, "%s %d %s %s %s", i == 0 ? "" : ",", order->fields[i].source_id, transform,
                      order->fields[i].descending ? "desc" : "asc",
                      order->fields[i].nulls_last ? "last" : "first");
  }
  return firn_arena_text(arena, firn_builder_bytes(&b));
}

/* "main 1, ..." in the order of the metadata; a tag has a '#', retention stands behind. */
static FIRN_UNUSED const char *alter_refs(const firn_metadata *m, firn_arena *arena) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  const firn_metadata_fields *f = firn_metadata_get(m);
  for (size_t i = 0; i < f->n_refs; i++) {
    const firn_ref *r = &f->refs[i];
    firn_builder_addf(&b, "%s%s%s %lld", i == 0 ? "" : ", ", r->is_branch ? "" : "#", r->name,
                      (long long)r->snapshot_id);
    if (r->min_snapshots_to_keep != 0 || r->max_snapshot_age_ms != 0 || r->max_ref_age_ms != 0) {
      firn_builder_addf(&b, " (%lld %lld %lld)", (long long)r->min_snapshots_to_keep,
                        (long long)r->max_snapshot_age_ms, (long long)r->max_ref_age_ms);
    }
  }
  return firn_arena_text(arena, firn_builder_bytes(&b));
}

#endif

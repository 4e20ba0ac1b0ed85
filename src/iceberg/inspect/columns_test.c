#include "test.h"

#include "iceberg/inspect/columns_internal.h"

#define HEAD                                                                                              \
  "\"table-uuid\":\"9c12d441-03fe-4693-9a96-a0705ddf69c1\",\"location\":\"memory://lake/t\","             \
  "\"last-updated-ms\":1,\"properties\":{},\"current-snapshot-id\":-1,\"snapshots\":[],\"sort-orders\":[" \
  "{\"order-id\":0,\"fields\":[]}],\"default-sort-order-id\":0,\"last-partition-id\":1009,"               \
  "\"last-column-id\":20,\"current-schema-id\":0,"

#define SCHEMA                                                                                    \
  "{\"type\":\"struct\",\"schema-id\":0,\"fields\":["                                             \
  "{\"id\":1,\"name\":\"b\",\"required\":true,\"type\":\"long\"},"                                \
  "{\"id\":2,\"name\":\"at\",\"required\":false,\"type\":\"timestamptz\"},"                       \
  "{\"id\":3,\"name\":\"price\",\"required\":false,\"type\":\"decimal(9, 2)\"},"                  \
  "{\"id\":4,\"name\":\"tags\",\"required\":false,\"type\":{\"type\":\"list\",\"element-id\":5,"  \
  "\"element-required\":false,\"element\":\"string\"}},"                                          \
  "{\"id\":6,\"name\":\"a\",\"required\":false,\"type\":{\"type\":\"map\",\"key-id\":7,\"key\":"  \
  "\"string\",\"value-id\":8,\"value-required\":true,\"value\":{\"type\":\"struct\",\"fields\":[" \
  "{\"id\":9,\"name\":\"x\",\"required\":false,\"type\":\"int\"}]}}}]}"

#define V2(specs)                                                                 \
  "{\"format-version\":2,\"last-sequence-number\":0," HEAD "\"schemas\":[" SCHEMA \
  "],"                                                                            \
  "\"default-spec-id\":0,\"partition-specs\":[" specs "]}"
#define V1(specs)                                                                                            \
  "{\"format-version\":1," HEAD "\"schemas\":[" SCHEMA "],\"default-spec-id\":0,\"partition-specs\":[" specs \
  "]}"

/* The unified partition columns as "name:type[id], ...". */
static const char *unified(const char *json, firn_inspect_kind kind, firn_arena *arena,
                           firn_metadata_columns *out, firn_metadata **metadata) {
  firn_error err;
  const char *text = "";
  CHECK_OK(firn_metadata_read(firn_bytes_of(json), metadata, &err));
  CHECK_OK(firn_columns_make(kind, *metadata, arena, out, &err));
  for (size_t i = 0; i < out->partition.n; i++) {
    const firn_field *f = &out->partition.fields[i].type;
    text = firn_arena_printf(arena, "%s%s%s:%s[%d]", text, i == 0 ? "" : ", ", f->name,
                             firn_type_text(f, arena), (int)f->id);
  }
  return text;
}

#define FIELD(source, id, name, transform) \
  "{\"source-id\":" #source ",\"field-id\":" #id ",\"name\":\"" name "\",\"transform\":\"" transform "\"}"
#define SPEC(id, fields) "{\"spec-id\":" #id ",\"fields\":[" fields "]}"

static void partition_columns_are_those_of_all_specs(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_METADATA *m = NULL;
  firn_metadata_columns columns;
  const char *json = V2(SPEC(0, FIELD(2, 1000, "at_day", "day")) "," SPEC(
      1, FIELD(3, 1002, "price", "identity") "," FIELD(2, 1000, "when", "day")) "," SPEC(2, ""));
  assert_string_equal(unified(json, FIRN_INSPECT_FILES, &arena, &columns, &m),
                      "when:date[1000], price:decimal(9, 2)[1002]"); /* the newest spec names it */
  const firn_partition_spec *first = firn_metadata_spec(m, 0);
  const firn_partition_spec *second = firn_metadata_spec(m, 1);
  assert_int_equal(firn_unified_place(&columns.partition.fields[0], first), 0);
  assert_int_equal(firn_unified_place(&columns.partition.fields[1], first), -1);
  assert_int_equal(firn_unified_place(&columns.partition.fields[0], second), 1);
  assert_int_equal(firn_unified_place(&columns.partition.fields[1], second), 0);
}

static void a_field_dropped_in_version_1_keeps_its_type(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_METADATA *m = NULL;
  firn_metadata_columns columns;
  const char *json = V1(SPEC(0, FIELD(2, 1000, "at_month", "month")) "," SPEC(
      1, FIELD(2, 1000, "at_month", "void") "," FIELD(1, 1001, "b_bucket", "bucket[8]")));
  assert_string_equal(unified(json, FIRN_INSPECT_ENTRIES, &arena, &columns, &m),
                      "at_month:int[1000], b_bucket:int[1001]");
}

static void one_id_of_two_meanings_makes_two_columns(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_METADATA *m = NULL;
  firn_metadata_columns columns;
  const char *json = V1(SPEC(0, FIELD(2, 1000, "p", "day")) "," SPEC(1, FIELD(1, 1000, "P", "identity")));
  assert_string_equal(unified(json, FIRN_INSPECT_PARTITIONS, &arena, &columns, &m),
                      "P:long[1000], p_1000_1:date[1000]");
  assert_int_equal(firn_unified_place(&columns.partition.fields[0], firn_metadata_spec(m, 0)), -1);
  assert_int_equal(firn_unified_place(&columns.partition.fields[1], firn_metadata_spec(m, 0)), 0);
}

static void what_is_gone_or_unknown_is_no_column(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_METADATA *m = NULL;
  firn_metadata_columns columns;
  const char *json =
      V2(SPEC(0, "") "," SPEC(1, FIELD(17, 1000, "dropped", "identity") "," FIELD(1, 1001, "z", "zorder")));
  assert_string_equal(unified(json, FIRN_INSPECT_FILES, &arena, &columns, &m), "");
  assert_null(firn_field_child(&columns.root, "partition")); /* no empty struct */
}

static void readable_metrics_are_of_every_primitive_by_its_full_name(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_METADATA *m = NULL;
  firn_metadata_columns columns;
  static const char *const names[] = {"a.key", "a.value.x", "at", "b", "price", "tags.element"};
  (void)unified(V2(SPEC(0, "")), FIRN_INSPECT_FILES, &arena, &columns, &m);
  const firn_field *metrics = firn_field_child(&columns.root, "readable_metrics");
  assert_ptr_equal(metrics, &columns.root.children[columns.root.n_children - 1]);
  assert_int_equal(metrics->n_children, FIRN_COUNT_OF(names));
  for (size_t i = 0; i < FIRN_COUNT_OF(names); i++) {
    assert_string_equal(metrics->children[i].name, names[i]);
    assert_int_equal(metrics->children[i].n_children, 6);
    assert_string_equal(metrics->children[i].children[5].name, "upper_bound");
  }
  assert_int_equal(metrics->children[4].children[4].kind, FIRN_KIND_DECIMAL);
  assert_int_equal(metrics->children[4].children[4].scale, 2);
}

RUN_TESTS(partition_columns_are_those_of_all_specs, a_field_dropped_in_version_1_keeps_its_type,
          one_id_of_two_meanings_makes_two_columns, what_is_gone_or_unknown_is_no_column,
          readable_metrics_are_of_every_primitive_by_its_full_name)

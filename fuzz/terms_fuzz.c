/* Partition terms, sort terms and types as people write them. What is read is a spec, an order or a type that
 * passes the checks that those of a file pass; the first byte says which. */
#include <stdlib.h>

#include "iceberg/types/terms.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds) {
  if (!holds) {
    abort(); /* what a fuzzer looks for */
  }
}

static const firn_field city[] = {{.id = 6, .name = "city", .kind = FIRN_KIND_STRING}};
static const firn_field element[] = {{.id = 7, .name = "element", .kind = FIRN_KIND_STRING}};
static const firn_field columns[] = {
    {.id = 1, .name = "id", .kind = FIRN_KIND_LONG},
    {.id = 2, .name = "ts", .kind = FIRN_KIND_TIMESTAMPTZ},
    {.id = 3, .name = "a \"b\".c", .kind = FIRN_KIND_STRING},
    {.id = 4, .name = "place", .kind = FIRN_KIND_STRUCT, .n_children = 1, .children = city},
    {.id = 5, .name = "tags", .kind = FIRN_KIND_LIST, .n_children = 1, .children = element}};
static const firn_schema schema = {.root = {.id = FIRN_NO_ID,
                                            .name = "",
                                            .kind = FIRN_KIND_STRUCT,
                                            .n_children = FIRN_COUNT_OF(columns),
                                            .children = columns}};

static void read_type(firn_bytes text, firn_arena *arena) {
  firn_field type = {.name = "t", .id = 1};
  if (firn_type_parse(text, arena, &type, NULL) != FIRN_OK) {
    return;
  }
  firn_schema given = {.root = {.id = FIRN_NO_ID, .name = "", .kind = FIRN_KIND_STRUCT}}, with_ids;
  given.root.n_children = 1;
  given.root.children = &type;
  int32_t last_id = 0;
  firn_status status = firn_schema_assign_ids(&given, &last_id, arena, &with_ids, NULL);
  check(status == FIRN_OK || status == FIRN_LIMIT || status == FIRN_NOMEM);
  check(status != FIRN_OK || firn_field_same_type(&with_ids.root.children[0], &type));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(64 << 20);
  firn_bytes text = {data + (size > 0), size - (size > 0)};
  uint8_t which = size > 0 ? data[0] % 3 : 0;
  firn_partition_spec spec;
  firn_sort_order order;
  if (which == 0 && firn_partition_terms_parse(text, &schema, &arena, &spec, NULL) == FIRN_OK) {
    check(firn_partition_spec_check(&spec, &schema, NULL) == FIRN_OK);
  } else if (which == 1 && firn_sort_terms_parse(text, &schema, &arena, &order, NULL) == FIRN_OK) {
    check(firn_sort_order_check(&order, &schema, NULL) == FIRN_OK);
  } else if (which == 2) {
    read_type(text, &arena);
  }
  return 0;
}

/* Expressions for tests: from text, bound to a schema from JSON, shown as text. */
#ifndef FIRN_TEST_FILTERS_H
#define FIRN_TEST_FILTERS_H

#include "iceberg/expr/expr.h"
#include "iceberg/types/spec.h"
#include "test.h"

/* One column of each kind, named after it, and some that are nested. */
FIRN_UNUSED static const char all_kinds[] =
    "{\"type\":\"struct\",\"schema-id\":0,\"fields\":["
    "{\"id\":1,\"name\":\"i\",\"required\":false,\"type\":\"int\"},"
    "{\"id\":2,\"name\":\"l\",\"required\":false,\"type\":\"long\"},"
    "{\"id\":3,\"name\":\"f\",\"required\":false,\"type\":\"float\"},"
    "{\"id\":4,\"name\":\"d\",\"required\":false,\"type\":\"double\"},"
    "{\"id\":5,\"name\":\"dec\",\"required\":false,\"type\":\"decimal(9, 2)\"},"
    "{\"id\":6,\"name\":\"b\",\"required\":false,\"type\":\"boolean\"},"
    "{\"id\":7,\"name\":\"date\",\"required\":false,\"type\":\"date\"},"
    "{\"id\":8,\"name\":\"time\",\"required\":false,\"type\":\"time\"},"
    "{\"id\":9,\"name\":\"ts\",\"required\":false,\"type\":\"timestamp\"},"
    "{\"id\":10,\"name\":\"tstz\",\"required\":false,\"type\":\"timestamptz\"},"
    "{\"id\":11,\"name\":\"ns\",\"required\":false,\"type\":\"timestamp_ns\"},"
    "{\"id\":12,\"name\":\"nstz\",\"required\":false,\"type\":\"timestamptz_ns\"},"
    "{\"id\":13,\"name\":\"s\",\"required\":false,\"type\":\"string\"},"
    "{\"id\":14,\"name\":\"u\",\"required\":false,\"type\":\"uuid\"},"
    "{\"id\":15,\"name\":\"fix\",\"required\":false,\"type\":\"fixed[3]\"},"
    "{\"id\":16,\"name\":\"bin\",\"required\":false,\"type\":\"binary\"},"
    "{\"id\":17,\"name\":\"must\",\"required\":true,\"type\":\"long\"},"
    "{\"id\":18,\"name\":\"st\",\"required\":false,\"type\":{\"type\":\"struct\",\"fields\":["
    "{\"id\":19,\"name\":\"x\",\"required\":true,\"type\":\"long\"},"
    "{\"id\":20,\"name\":\"Y\",\"required\":false,\"type\":\"string\"}]}},"
    "{\"id\":21,\"name\":\"list\",\"required\":false,\"type\":{\"type\":\"list\",\"element-id\":22,"
    "\"element-required\":true,\"element\":\"long\"}},"
    "{\"id\":23,\"name\":\"strict\",\"required\":true,\"type\":{\"type\":\"struct\",\"fields\":["
    "{\"id\":24,\"name\":\"x\",\"required\":true,\"type\":\"long\"}]}},"
    "{\"id\":25,\"name\":\"Case\",\"required\":false,\"type\":\"long\"},"
    "{\"id\":26,\"name\":\"cASE\",\"required\":false,\"type\":\"long\"},"
    "{\"id\":27,\"name\":\"wide\",\"required\":false,\"type\":\"decimal(38, 10)\"}"
    "]}";

FIRN_UNUSED static firn_schema schema_of(const char *json, firn_arena *arena) {
  const firn_json_value *tree;
  firn_schema schema;
  firn_error err;
  CHECK_OK(firn_json_tree_read(firn_bytes_of(json), arena, &tree, &err));
  CHECK_OK(firn_schema_read(tree, arena, &schema, &err));
  return schema;
}

FIRN_UNUSED static const firn_expr *parsed(const char *text, firn_arena *arena) {
  const firn_expr *e = NULL;
  firn_error err;
  firn_status status = firn_expr_parse(firn_bytes_of(text), arena, &e, &err);
  if (status != FIRN_OK) {
    fail_msg("%s: %s", text, err.text);
  }
  return e;
}

FIRN_UNUSED static const firn_expr *bound(const char *text, const firn_schema *schema, firn_arena *arena) {
  const firn_expr *e = NULL;
  firn_error err;
  firn_status status = firn_expr_bind(parsed(text, arena), schema, false, arena, &e, &err);
  if (status != FIRN_OK) {
    fail_msg("%s: %s", text, err.text);
  }
  return e;
}

FIRN_UNUSED static void check_text(const firn_expr *e, const char *wanted, const char *of,
                                   firn_arena *arena) {
  const char *text = firn_expr_text(e, arena);
  assert_non_null(text);
  if (strcmp(text, wanted) != 0) {
    fail_msg("%s\n  gives  %s\n  not    %s", of, text, wanted);
  }
}

#endif

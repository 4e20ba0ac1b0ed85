#include <stdio.h>

#include "iceberg/types/terms.h"
#include "test.h"

static void write(const firn_field *f, firn_builder *b) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_builder_add_text(b, firn_type_text(f, &arena));
  for (uint32_t i = 0; i < f->n_children; i++) {
    firn_builder_addf(b, "%s%s:", i == 0 ? "<" : ",", f->children[i].name);
    write(&f->children[i], b);
    firn_builder_add_text(b, f->children[i].required ? "!" : "");
    firn_builder_add_text(b, i + 1 == f->n_children ? ">" : "");
  }
}

static void nested_types_are_read(void **state) {
  (void)state;
  static const char *const cases[][2] = {
      {"long", "long"},
      {" decimal( 9 , 2 ) ", "decimal(9, 2)"},
      {"fixed[16]", "fixed[16]"},
      {"list<string>", "list<element:string>"},
      {"list < string required >", "list<element:string!>"},
      {"map<string, list<int>>", "map<key:string!,value:list<element:int>>"},
      {"struct<a: int required, \"b \"\"c\": decimal(9,2), `d` string>",
       "struct<a:int!,b \"c:decimal(9, 2),d:string>"},
      {"struct<required: int required, list: list<struct<x date>> required>",
       "struct<required:int!,list:list<element:struct<x:date>>!>"},
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(cases); i++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
    firn_error err = {0};
    firn_field type = {.name = "kept"};
    CHECK_OK(firn_type_parse(firn_bytes_of(cases[i][0]), &arena, &type, &err));
    assert_string_equal(type.name, "kept");
    write(&type, &b);
    CHECK_BYTES(firn_builder_bytes(&b), cases[i][1]);
  }
}

static void says_what_is_wrong(void **state) {
  (void)state;
  static const char *const cases[][2] = {
      {"", "a type is missing"},
      {"nonsense", "type nonsense: "},
      {"long long", "\"long\" stands behind it"},
      {"decimal(39, 0)", "precision"},
      {"decimal(9, 2", "decimal(9, 2"},
      {"list", "'<' is missing"},
      {"list<>", "a type is missing"},
      {"list<int", "'>' is missing"},
      {"list<int, int>", "'>' is missing before \", int>\""},
      {"map<int>", "',' is missing"},
      {"struct<>", "a field's name is missing"},
      {"struct<a>", "field a: a type is missing"},
      {"struct<a: int,>", "a field's name is missing"},
      {"struct<\"a: int>", "'\"' is missing"},
      {"int\xff", "not UTF-8"},
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(cases); i++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    firn_error err = {0};
    firn_field type = {0};
    CHECK_STATUS(firn_type_parse(firn_bytes_of(cases[i][0]), &arena, &type, &err), FIRN_INVALID);
    CHECK_SAYS(cases[i][1]);
  }
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_field type = {0};
  for (int i = 0; i < 100000; i++) {
    firn_builder_add_text(&b, "list<");
  }
  CHECK_STATUS(firn_type_parse(firn_builder_bytes(&b), &arena, &type, NULL), FIRN_LIMIT);
}

static void survives_any_text(void **state) {
  (void)state;
  static const char text[] = "struct<a: int required, `b`: map<string, list<decimal(9, 2)>>, c fixed[4]>";
  static const char signs[] = "\"`<>(,:[ 9a";
  for (size_t i = 0; i < sizeof text; i++) {
    for (size_t k = 0; k < sizeof signs; k++) {
      FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
      char changed[sizeof text];
      memcpy(changed, text, sizeof text);
      changed[i] = signs[k];
      firn_field type = {0};
      firn_bytes given = {(const uint8_t *)changed, k + 1 == sizeof signs ? i : sizeof text - 1};
      FIRN_IGNORE(firn_type_parse(given, &arena, &type, NULL)); /* any answer is fine */
    }
  }
}

static firn_status parse(void) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_field type = {0};
  return firn_type_parse(FIRN_LITERAL("struct<a: int, `b`: map<string, list<fixed[4]>>>"), &arena, &type,
                         NULL);
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(parse);
}

RUN_TESTS(nested_types_are_read, says_what_is_wrong, survives_any_text, survives_oom)

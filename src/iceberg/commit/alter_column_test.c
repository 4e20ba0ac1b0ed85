/* Columns: what may change, with which ids, and what may not. */
#include "test_alter.h"

#include "iceberg/commit/alter_internal.h"

static const firn_field age[] = {{.name = "age", .kind = FIRN_KIND_INT},
                                 {.name = "who", .kind = FIRN_KIND_STRING}};
static const firn_field key_value[] = {
    {.name = "key", .required = true, .kind = FIRN_KIND_STRING},
    {.name = "value", .kind = FIRN_KIND_STRUCT, .n_children = 2, .children = age}};
static const firn_field below_deep[] = {
    {.name = "m", .kind = FIRN_KIND_MAP, .n_children = 2, .children = key_value},
    {.name = "b", .kind = FIRN_KIND_BINARY, .required = true}};

#define FIELD(k) {.kind = FIRN_KIND_##k}
#define ADD(where, k) {.kind = FIRN_CHANGE_ADD_COLUMN, .name = (where), .field = FIELD(k)}
#define TO_TYPE(column, k) {.kind = FIRN_CHANGE_SET_TYPE, .name = (column), .field = FIELD(k)}
#define RENAME(from, new_name) {.kind = FIRN_CHANGE_RENAME_COLUMN, .name = (from), .to = (new_name)}
#define DROP(column) {.kind = FIRN_CHANGE_DROP_COLUMN, .name = (column)}
#define MOVE(column, where, sibling)                                                              \
  {                                                                                               \
    .kind = FIRN_CHANGE_MOVE_COLUMN, .name = (column), .place = { FIRN_PLACE_##where, (sibling) } \
  }

static firn_status change_small(const firn_change *changes, size_t n, firn_arena *arena, const char **fields,
                                firn_error *err) {
  FIRN_AUTO_METADATA *m = NULL;
  CHECK_STATUS(alter_table(2, ALTER_SCHEMA, "", "", &m, NULL), FIRN_OK);
  FIRN_TRY(alter_apply(&m, changes, n, err));
  *fields = alter_fields(m, arena);
  return FIRN_OK;
}

/* `wanted` is what follows the fields of before, or, beginning with '1', all of them. */
static void check_fields(const firn_change *changes, size_t n, const char *wanted) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err = {0};
  const char *fields;
  CHECK_OK(change_small(changes, n, &arena, &fields, &err));
  assert_string_equal(fields,
                      wanted[0] == '1' ? wanted : firn_arena_printf(&arena, "%s%s", ALTER_FIELDS, wanted));
}

#define CHECK_FIELDS(wanted, ...)                              \
  do {                                                         \
    const firn_change changes_[] = {__VA_ARGS__};              \
    check_fields(changes_, FIRN_COUNT_OF(changes_), (wanted)); \
  } while (0)

static void new_columns_get_ids_level_by_level(void **state) {
  (void)state;
  CHECK_FIELDS(", 22 c string", ADD("c", STRING));
  CHECK_FIELDS(", 22 c string, 23 d date", ADD("c", STRING), ADD("d", DATE));
  CHECK_FIELDS(", 22 deep {23 m <25 string!, 26 {27 age int, 28 who string}>, 24 b binary!}",
               {.kind = FIRN_CHANGE_ADD_COLUMN,
                .name = "deep",
                .field = {.kind = FIRN_KIND_STRUCT, .n_children = 2, .children = below_deep}});
  /* an id is spent, though the column goes again */
  CHECK_FIELDS(", 23 d date", ADD("c", STRING), ADD("d", DATE), DROP("c"));
}

static void columns_are_added_where_they_are_asked_for(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  CHECK_FIELDS(
      "1 id long!, 2 at timestamptz, 3 name string, 4 day date, 5 place {11 city string!, 22 zip int, "
      "12 spot {13 lat float, 14 lon float, 23 alt double}!}!, 6 tags [15 string], 7 people [16 {17 age "
      "int, 24 size int}!], 8 by_key <18 {20 k int!}!, 19 {21 v int, 25 w long, 26 x long}>, 9 price "
      "decimal(9, 2), 10 n int",
      {.kind = FIRN_CHANGE_ADD_COLUMN,
       .name = "place.zip",
       .field = FIELD(INT),
       .place = {FIRN_PLACE_AFTER, "city"}},
      ADD("place.spot.alt", DOUBLE), ADD("people.size", INT), ADD("by_key.w", LONG),
      ADD("by_key.value.x", LONG));
  CHECK_FIELDS(
      "1 id long!, 23 b int, 2 at timestamptz, 3 name string, 4 day date, 5 place {24 zip int, 11 city "
      "string!, 12 spot {13 lat float, 14 lon float}!}!, 6 tags [15 string], 7 people [16 {17 age int}!], "
      "8 by_key <18 {20 k int!}!, 19 {21 v int}>, 9 price decimal(9, 2), 10 n int, 22 c int",
      ADD("c", INT),
      {.kind = FIRN_CHANGE_ADD_COLUMN, .name = "b", .field = FIELD(INT), .place = {FIRN_PLACE_BEFORE, "at"}},
      {.kind = FIRN_CHANGE_ADD_COLUMN,
       .name = "place.zip",
       .field = FIELD(INT),
       .place = {FIRN_PLACE_BEFORE, "place.city"}});
}

static void a_name_with_dots_says_where_it_begins(void **state) {
  (void)state;
  CHECK_FIELDS(
      ", 22 a.b int",
      {.kind = FIRN_CHANGE_ADD_COLUMN, .name = "a.b", .field = {.name = "a.b", .kind = FIRN_KIND_INT}});
  CHECK_FIELDS(
      "1 id long!, 2 at timestamptz, 3 name string, 4 day date, 5 place {11 city string!, 12 spot {13 lat "
      "float, 14 lon float}!, 22 c.d int}!, 6 tags [15 string], 7 people [16 {17 age int}!], 8 by_key <18 "
      "{20 k int!}!, 19 {21 v int}>, 9 price decimal(9, 2), 10 n int",
      {.kind = FIRN_CHANGE_ADD_COLUMN, .name = "place.c.d", .field = {.name = "c.d", .kind = FIRN_KIND_INT}});
}

static void columns_are_dropped_renamed_and_moved(void **state) {
  (void)state;
  CHECK_FIELDS("1 id long!, 3 name string, 5 place {12 spot {13 lat float}!}!, 22 at string", DROP("at"),
               DROP("day"), DROP("place.city"), DROP("place.spot.lon"), DROP("tags"), DROP("people"),
               DROP("by_key"), DROP("price"), DROP("n"), ADD("at", STRING));
  CHECK_FIELDS(
      "1 id long!, 3 who string, 2 when timestamptz, 5 where {12 point {14 x float, 13 y float}!, 11 town "
      "string!}!",
      DROP("tags"), DROP("people"), DROP("by_key"), DROP("price"), DROP("n"), DROP("day"),
      RENAME("place", "where"), RENAME("where.spot", "point"), RENAME("where.point.lat", "y"),
      RENAME("where.point.lon", "x"), RENAME("where.city", "town"), RENAME("at", "when"),
      RENAME("name", "who"), MOVE("when", AFTER, "who"), MOVE("where.point", FIRST, NULL),
      MOVE("where.point.x", BEFORE, "y"));
  /* names swapped */
  CHECK_FIELDS("1 id long!, 3 n string, 10 name int", DROP("at"), DROP("day"), DROP("place"), DROP("tags"),
               DROP("people"), DROP("by_key"), DROP("price"), RENAME("name", "x"), RENAME("n", "name"),
               RENAME("x", "n"));
}

static void types_are_promoted(void **state) {
  (void)state;
  CHECK_FIELDS(
      "1 id long!, 2 at timestamptz, 3 name string, 4 day date, 5 place {11 city string!, 12 spot {13 lat "
      "double, 14 lon float}!}!, 6 tags [15 string], 7 people [16 {17 age long}!], 8 by_key <18 {20 k "
      "int!}!, 19 {21 v long}>, 9 price decimal(38, 2), 10 n long",
      TO_TYPE("n", LONG), TO_TYPE("place.spot.lat", DOUBLE), TO_TYPE("people.element.age", LONG),
      TO_TYPE("by_key.value.v", LONG),
      {.kind = FIRN_CHANGE_SET_TYPE,
       .name = "price",
       .field = {.kind = FIRN_KIND_DECIMAL, .precision = 38, .scale = 2}});
  CHECK_FIELDS("", TO_TYPE("id", LONG), TO_TYPE("name", STRING)); /* as they are */
}

static void the_table_of_promotions_is_the_specifications(void **state) {
  (void)state;
  static const firn_kind primitives[] = {
      FIRN_KIND_UNKNOWN, FIRN_KIND_BOOLEAN,        FIRN_KIND_INT,         FIRN_KIND_LONG,
      FIRN_KIND_FLOAT,   FIRN_KIND_DOUBLE,         FIRN_KIND_DECIMAL,     FIRN_KIND_DATE,
      FIRN_KIND_TIME,    FIRN_KIND_TIMESTAMP,      FIRN_KIND_TIMESTAMPTZ, FIRN_KIND_TIMESTAMP_NS,
      FIRN_KIND_STRING,  FIRN_KIND_TIMESTAMPTZ_NS, FIRN_KIND_UUID,        FIRN_KIND_FIXED,
      FIRN_KIND_BINARY,  FIRN_KIND_GEOMETRY,       FIRN_KIND_GEOGRAPHY};
  for (int32_t version = 1; version <= 3; version++) {
    for (size_t i = 0; i < FIRN_COUNT_OF(primitives); i++) {
      for (size_t k = 0; k < FIRN_COUNT_OF(primitives); k++) {
        firn_kind from = primitives[i], to = primitives[k];
        bool wanted = (from == FIRN_KIND_INT && to == FIRN_KIND_LONG) ||
                      (from == FIRN_KIND_FLOAT && to == FIRN_KIND_DOUBLE) ||
                      (from == FIRN_KIND_DECIMAL && to == FIRN_KIND_DECIMAL) ||
                      (version >= 3 && from == FIRN_KIND_UNKNOWN) ||
                      (version >= 3 && from == FIRN_KIND_DATE &&
                       (to == FIRN_KIND_TIMESTAMP || to == FIRN_KIND_TIMESTAMP_NS));
        assert_int_equal(firn_type_may_become(&(firn_field){.kind = from, .precision = 9, .scale = 2},
                                              &(firn_field){.kind = to, .precision = 9, .scale = 2}, version),
                         wanted);
      }
    }
  }
  const firn_field money = {.kind = FIRN_KIND_DECIMAL, .precision = 9, .scale = 2};
  const firn_field wider = {.kind = FIRN_KIND_DECIMAL, .precision = 10, .scale = 2};
  const firn_field finer = {.kind = FIRN_KIND_DECIMAL, .precision = 10, .scale = 3};
  assert_true(firn_type_may_become(&money, &wider, 1));
  assert_false(firn_type_may_become(&wider, &money, 3));
  assert_false(firn_type_may_become(&money, &finer, 3));
}

static const struct refusal {
  firn_change change;
  firn_status status;
  const char *says;
} refusals[] = {
    {ADD("name", INT), FIRN_EXISTS, "adding a column: there is a column name already"},
    {ADD("place.city", INT), FIRN_EXISTS, "column place.city already"},
    {ADD("nowhere.x", INT), FIRN_NOT_FOUND, "there is no column nowhere"},
    {ADD("plac.x", INT), FIRN_NOT_FOUND, "is place meant?"},
    {ADD("name.x", INT), FIRN_INVALID, "name is no struct"},
    {ADD("tags.x", INT), FIRN_INVALID, "tags is no struct"},
    {ADD("by_key.key.x", INT), FIRN_INVALID, "by_key.key is a key of a map"},
    {ADD("", INT), FIRN_INVALID, "a name is missing"},
    {ADD("place.", INT), FIRN_INVALID, "a column's name is missing"},
    {ADD("x\xff", INT), FIRN_INVALID, "not UTF-8"},
    {{.kind = FIRN_CHANGE_ADD_COLUMN, .name = NULL, .field = FIELD(INT)}, FIRN_INVALID, "a name is missing"},
    {{.kind = FIRN_CHANGE_ADD_COLUMN, .name = "x", .field = {.kind = FIRN_KIND_INT, .required = true}},
     FIRN_INVALID,
     "required column x needs a default"},
    {{.kind = FIRN_CHANGE_ADD_COLUMN, .name = "x", .field = {.kind = FIRN_KIND_DECIMAL, .precision = 39}},
     FIRN_INVALID,
     "column x: it is no decimal that there could be"},
    {{.kind = FIRN_CHANGE_ADD_COLUMN, .name = "x", .field = {.kind = FIRN_KIND_FIXED}},
     FIRN_INVALID,
     "no fixed that there could be"},
    {{.kind = FIRN_CHANGE_ADD_COLUMN, .name = "x", .field = {.kind = FIRN_KIND_LIST}},
     FIRN_INVALID,
     "no list that there could be"},
    {{.kind = FIRN_CHANGE_ADD_COLUMN, .name = "x", .field = {.kind = FIRN_KIND_STRUCT}},
     FIRN_INVALID,
     "struct x keeps one field at least"},
    {ADD("x", TIMESTAMP_NS), FIRN_UNSUPPORTED, "column x: timestamp_ns needs format version 3"},
    {{.kind = FIRN_CHANGE_ADD_COLUMN,
      .name = "x",
      .field = {.kind = FIRN_KIND_INT, .required = true, .initial_default = {(const uint8_t *)"5", 1}}},
     FIRN_UNSUPPORTED,
     "a default needs format version 3"},
    {{.kind = FIRN_CHANGE_ADD_COLUMN,
      .name = "tags.element",
      .field = {.name = "tags.element", .kind = FIRN_KIND_INT}},
     FIRN_INVALID,
     "two columns would be called tags.element"},
    {{.kind = FIRN_CHANGE_ADD_COLUMN,
      .name = "x",
      .field = FIELD(INT),
      .place = {FIRN_PLACE_AFTER, "place.city"}},
     FIRN_INVALID,
     "x and place.city are not in one struct"},
    {{.kind = FIRN_CHANGE_ADD_COLUMN, .name = "NAME", .field = FIELD(INT), .ignore_case = true},
     FIRN_EXISTS,
     "column NAME already"},
    {DROP("nam"), FIRN_NOT_FOUND, "dropping a column: there is no column nam; is name meant?"},
    {DROP("tags.element"), FIRN_INVALID, "tags.element is a part of a list and cannot be dropped"},
    {DROP("by_key.value"), FIRN_INVALID, "part of a map"},
    {DROP("by_key.key"), FIRN_INVALID, "a key of a map"},
    {DROP("by_key.key.k"), FIRN_INVALID, "a key of a map"},
    {DROP("by_key.v"), FIRN_NOT_FOUND, "no column by_key.v"},
    {RENAME("nix", "x"), FIRN_NOT_FOUND, "no column nix"},
    {RENAME("name", "at"), FIRN_EXISTS, "column at already"},
    {RENAME("name", ""), FIRN_INVALID, "new name is missing"},
    {RENAME("name", NULL), FIRN_INVALID, "new name is missing"},
    {RENAME("people.element", "x"), FIRN_INVALID, "part of a list"},
    {RENAME("by_key.key.k", "x"), FIRN_INVALID, "a key of a map"},
    {RENAME("name", "tags.element"), FIRN_INVALID, "two columns would be called tags.element"},
    {MOVE("name", AFTER, "name"), FIRN_INVALID, "beside itself"},
    {MOVE("name", BEFORE, "name"), FIRN_INVALID, "beside itself"},
    {MOVE("name", BEFORE, "city"), FIRN_NOT_FOUND, "no column city"},
    {MOVE("name", BEFORE, "place.city"), FIRN_INVALID, "not in one struct"},
    {MOVE("people.element", FIRST, NULL), FIRN_INVALID, "cannot be moved"},
    {TO_TYPE("id", INT), FIRN_INVALID, "column id: long cannot become int"},
    {TO_TYPE("name", BINARY), FIRN_INVALID, "string cannot become binary"},
    {TO_TYPE("day", TIMESTAMP), FIRN_INVALID, "date cannot become timestamp"},
    {TO_TYPE("place", STRING), FIRN_INVALID, "struct cannot become string"},
    {TO_TYPE("by_key.key.k", LONG), FIRN_INVALID, "a key of a map"},
    {{.kind = FIRN_CHANGE_SET_TYPE,
      .name = "price",
      .field = {.kind = FIRN_KIND_DECIMAL, .precision = 8, .scale = 2}},
     FIRN_INVALID,
     "decimal(9, 2) cannot become decimal(8, 2)"},
    {{.kind = FIRN_CHANGE_SET_REQUIRED, .name = "name"}, FIRN_INVALID, "name cannot become required"},
    {{.kind = FIRN_CHANGE_SET_DOC, .name = "tags.element", .text = "x"}, FIRN_INVALID, "cannot be described"},
    {{.kind = FIRN_CHANGE_SET_DOC, .name = "id", .text = "\xc3"}, FIRN_INVALID, "not UTF-8"},
    {{.kind = (firn_change_kind)1000}, FIRN_INVALID, "no change of kind 1000"},
};

static void what_may_not_change_is_refused_with_its_name(void **state) {
  (void)state;
  FIRN_AUTO_METADATA *m = NULL;
  firn_error err = {0};
  CHECK_OK(alter_table(2, ALTER_SCHEMA, "", "", &m, &err));
  for (size_t i = 0; i < FIRN_COUNT_OF(refusals); i++) {
    err = (firn_error){0};
    if (alter_apply(&m, &refusals[i].change, 1, &err) != refusals[i].status) {
      print_error("case %zu: %s\n", i, err.text);
    }
    assert_int_equal(err.status, refusals[i].status);
    CHECK_SAYS(refusals[i].says);
  }
  const firn_change all[] = {DROP("id"),   DROP("at"),     DROP("name"),   DROP("day"),   DROP("place"),
                             DROP("tags"), DROP("people"), DROP("by_key"), DROP("price"), DROP("n")};
  CHECK_STATUS(alter_apply(&m, all, FIRN_COUNT_OF(all), &err), FIRN_INVALID);
  CHECK_SAYS("a table keeps one column at least");
  const firn_change emptied[] = {DROP("place.spot.lat"), DROP("place.spot.lon")};
  CHECK_STATUS(alter_apply(&m, emptied, FIRN_COUNT_OF(emptied), &err), FIRN_INVALID);
  CHECK_SAYS("struct spot keeps one field at least");
}

static void some_things_may_be_forced_or_be_there_already(void **state) {
  (void)state;
  static const firn_change nothing[] = {
      {.kind = FIRN_CHANGE_ADD_COLUMN, .name = "name", .field = FIELD(INT), .if_not_exists = true},
      {.kind = FIRN_CHANGE_DROP_COLUMN, .name = "nix", .if_exists = true},
      {.kind = FIRN_CHANGE_RENAME_COLUMN, .name = "nix", .to = "nox", .if_exists = true},
      {.kind = FIRN_CHANGE_SET_REQUIRED, .name = "id"},
      {.kind = FIRN_CHANGE_SET_OPTIONAL, .name = "name"},
      {.kind = FIRN_CHANGE_SET_DOC, .name = "name", .text = "who"},
      MOVE("id", FIRST, NULL),
      MOVE("n", LAST, NULL),
      MOVE("at", AFTER, "id"),
      RENAME("id", "id"),
      RENAME("name", "x"),
      RENAME("x", "name"), /* there and back */
  };
  FIRN_AUTO_METADATA *m = NULL;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err = {0};
  firn_alter_result plan;
  CHECK_OK(alter_table(2, ALTER_SCHEMA, "", "", &m, &err));
  CHECK_OK(firn_alter_plan(m, nothing, FIRN_COUNT_OF(nothing), 2000, &arena, &plan, &err));
  assert_int_equal(plan.n_updates, 0);
  assert_int_equal(plan.n_requirements, 0);
  static const firn_change forced[] = {
      {.kind = FIRN_CHANGE_SET_REQUIRED, .name = "name", .force = true},
      {.kind = FIRN_CHANGE_SET_OPTIONAL, .name = "id"},
      {.kind = FIRN_CHANGE_SET_OPTIONAL, .name = "people.element"},
      {.kind = FIRN_CHANGE_ADD_COLUMN,
       .name = "x",
       .field = {.kind = FIRN_KIND_INT, .required = true},
       .force = true},
      {.kind = FIRN_CHANGE_RENAME_COLUMN, .name = "PLACE.CITY", .to = "City", .ignore_case = true},
      {.kind = FIRN_CHANGE_SET_DOC, .name = "name", .text = NULL},
      {.kind = FIRN_CHANGE_SET_DOC, .name = "id", .text = "which"}};
  CHECK_OK(alter_apply(&m, forced, FIRN_COUNT_OF(forced), &err));
  assert_string_equal(
      alter_fields(m, &arena),
      "1 id long, 2 at timestamptz, 3 name string!, 4 day date, 5 place {11 City string!, 12 spot "
      "{13 lat float, 14 lon float}!}!, 6 tags [15 string], 7 people [16 {17 age int}], 8 by_key "
      "<18 {20 k int!}!, 19 {21 v int}>, 9 price decimal(9, 2), 10 n int, 22 x int!");
  const firn_schema *schema = firn_metadata_current_schema(m);
  assert_null(firn_schema_find(schema, "name")->doc);
  assert_string_equal(firn_schema_find(schema, "id")->doc, "which");
}

static void identifiers_are_required_and_stay(void **state) {
  (void)state;
  static const char *const two[] = {"place.city", "id", "id"}, *const optional[] = {"name"},
                           *const missing[] = {"nix"}, *const in_list[] = {"people.element.age"},
                           *const nested[] = {"place"};
  FIRN_AUTO_METADATA *m = NULL;
  firn_error err = {0};
  CHECK_OK(alter_table(2, ALTER_SCHEMA, "", "", &m, &err));
  static const struct {
    const char *const *names;
    firn_status status;
    const char *says;
  } cases[] = {
      {optional, FIRN_INVALID, "name cannot be an identifier field: it is not required"},
      {missing, FIRN_NOT_FOUND, "no column nix"},
      {in_list, FIRN_INVALID, "people is no required struct"},
      {nested, FIRN_INVALID, "it is struct"},
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(cases); i++) {
    const firn_change set = {.kind = FIRN_CHANGE_SET_IDENTIFIERS, .n_names = 1, .names = cases[i].names};
    CHECK_STATUS(alter_apply(&m, &set, 1, &err), cases[i].status);
    CHECK_SAYS(cases[i].says);
  }
  const firn_change set = {.kind = FIRN_CHANGE_SET_IDENTIFIERS, .n_names = 3, .names = two};
  CHECK_OK(alter_apply(&m, &set, 1, &err));
  const firn_schema *schema = firn_metadata_current_schema(m);
  assert_int_equal(schema->n_identifier_ids, 2);
  assert_int_equal(schema->identifier_ids[0], 11);
  assert_int_equal(schema->identifier_ids[1], 1);
  const firn_change drops[] = {DROP("id"), DROP("place.city"), DROP("place")};
  for (size_t i = 0; i < FIRN_COUNT_OF(drops); i++) {
    CHECK_STATUS(alter_apply(&m, &drops[i], 1, &err), FIRN_INVALID);
    CHECK_SAYS("is used by the identifier fields");
  }
  const firn_change loosened = {.kind = FIRN_CHANGE_SET_OPTIONAL, .name = "place"};
  CHECK_STATUS(alter_apply(&m, &loosened, 1, &err), FIRN_INVALID);
  const firn_change renamed = RENAME("place.city", "town");
  CHECK_OK(alter_apply(&m, &renamed, 1, &err));
  assert_int_equal(firn_metadata_current_schema(m)->identifier_ids[0], 11);
  const firn_change none_and_drop[] = {{.kind = FIRN_CHANGE_SET_IDENTIFIERS}, DROP("place.town")};
  CHECK_OK(alter_apply(&m, none_and_drop, 2, &err));
  assert_int_equal(firn_metadata_current_schema(m)->n_identifier_ids, 0);
}

static void sources_of_spec_and_order_stay(void **state) {
  (void)state;
  FIRN_AUTO_METADATA *m = NULL;
  firn_error err = {0};
  CHECK_OK(alter_table(2, ALTER_SCHEMA, "day(at), bucket(4, place.city)", "name", &m, &err));
  const firn_change at = DROP("at"), place = DROP("place"), name = DROP("name");
  CHECK_STATUS(alter_apply(&m, &at, 1, &err), FIRN_INVALID);
  CHECK_SAYS("column at is used by the partition spec");
  CHECK_STATUS(alter_apply(&m, &place, 1, &err), FIRN_INVALID);
  CHECK_STATUS(alter_apply(&m, &name, 1, &err), FIRN_INVALID);
  CHECK_SAYS("column name is used by the sort order");
  const firn_change clash = ADD("at_day", INT);
  CHECK_STATUS(alter_apply(&m, &clash, 1, &err), FIRN_INVALID);
  CHECK_SAYS("a column has its name");
  const firn_change freed[] = {{.kind = FIRN_CHANGE_DROP_PARTITION, .text = "at_day"},
                               {.kind = FIRN_CHANGE_SET_SORT_ORDER, .text = ""},
                               DROP("at"),
                               DROP("name")};
  CHECK_OK(alter_apply(&m, freed, 4, &err));
  assert_null(firn_schema_find(firn_metadata_current_schema(m), "at"));
}

static void a_schema_that_was_there_before_is_taken_again(void **state) {
  (void)state;
  FIRN_AUTO_METADATA *m = NULL;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err = {0};
  firn_alter_result plan;
  const firn_change add = ADD("x", INT), drop = DROP("x");
  CHECK_OK(alter_table(2, ALTER_SCHEMA, "", "", &m, &err));
  CHECK_OK(alter_apply(&m, &add, 1, &err));
  assert_int_equal(firn_metadata_get(m)->current_schema_id, 1);
  CHECK_OK(firn_alter_plan(m, &drop, 1, 2000, &arena, &plan, &err));
  assert_int_equal(plan.n_updates, 1);
  assert_int_equal(plan.updates[0].kind, FIRN_UPDATE_SET_CURRENT_SCHEMA);
  assert_int_equal(plan.updates[0].id, 0);
  CHECK_OK(alter_apply(&m, &drop, 1, &err));
  assert_int_equal(firn_metadata_get(m)->current_schema_id, 0);
  CHECK_OK(alter_apply(&m, &add, 1, &err)); /* another column of that name: another id */
  assert_int_equal(firn_schema_find(firn_metadata_current_schema(m), "x")->id, 23);
  assert_int_equal(firn_metadata_get(m)->current_schema_id, 2);
  assert_int_equal(firn_metadata_get(m)->last_column_id, 23);
}

/* --- widening --- */

static const firn_field zip_and_spot[] = {
    {.name = "zip", .required = true, .kind = FIRN_KIND_INT},
    {.name = "spot",
     .kind = FIRN_KIND_STRUCT,
     .n_children = 1,
     .children = &(firn_field){.name = "lat", .kind = FIRN_KIND_DOUBLE}}};
static const firn_field wide_element[] = {
    {.name = "element", .kind = FIRN_KIND_STRUCT, .n_children = 2, .children = age}};
static const firn_field wide_map[] = {{.name = "key",
                                       .kind = FIRN_KIND_STRUCT,
                                       .n_children = 1,
                                       .children = &(firn_field){.name = "k", .kind = FIRN_KIND_INT}},
                                      {.name = "value",
                                       .kind = FIRN_KIND_STRUCT,
                                       .n_children = 1,
                                       .children = &(firn_field){.name = "w", .kind = FIRN_KIND_INT}}};

static void widening_adds_and_promotes_by_name(void **state) {
  (void)state;
  static const firn_field given[] = {
      {.name = "extra", .required = true, .kind = FIRN_KIND_STRUCT, .n_children = 2, .children = age},
      {.name = "n", .kind = FIRN_KIND_LONG, .doc = "how many"},
      {.name = "id", .kind = FIRN_KIND_INT}, /* narrower than the table's */
      {.name = "price", .kind = FIRN_KIND_DECIMAL, .precision = 12, .scale = 2},
      {.name = "place", .kind = FIRN_KIND_STRUCT, .n_children = 2, .children = zip_and_spot},
      {.name = "people", .kind = FIRN_KIND_LIST, .n_children = 1, .children = wide_element},
      {.name = "by_key", .kind = FIRN_KIND_MAP, .n_children = 2, .children = wide_map},
      {.name = "name", .kind = FIRN_KIND_UNKNOWN}}; /* only nulls were seen */
  const firn_change widen = {
      .kind = FIRN_CHANGE_WIDEN,
      .field = {.kind = FIRN_KIND_STRUCT, .n_children = FIRN_COUNT_OF(given), .children = given}};
  FIRN_AUTO_METADATA *m = NULL;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err = {0};
  firn_alter_result plan;
  CHECK_OK(alter_table(2, ALTER_SCHEMA, "", "", &m, &err));
  CHECK_OK(alter_apply(&m, &widen, 1, &err));
  assert_string_equal(
      alter_fields(m, &arena),
      "1 id long!, 2 at timestamptz, 3 name string, 4 day date, 5 place {11 city string!, 12 spot {13 "
      "lat double, 14 lon float}!, 22 zip int}!, 6 tags [15 string], 7 people [16 {17 age int, 23 who "
      "string}!], 8 by_key <18 {20 k int!}!, 19 {21 v int, 24 w int}>, 9 price decimal(12, 2), 10 n "
      "long, 25 extra {26 age int, 27 who string}");
  assert_string_equal(firn_schema_find(firn_metadata_current_schema(m), "n")->doc, "how many");
  CHECK_OK(firn_alter_plan(m, &widen, 1, 2000, &arena, &plan, &err));
  assert_int_equal(plan.n_updates, 0); /* wide enough already */
}

static firn_status widen_by(firn_field one, bool force, bool ignore_case, firn_metadata **m,
                            firn_error *err) {
  const firn_change widen = {.kind = FIRN_CHANGE_WIDEN,
                             .field = {.kind = FIRN_KIND_STRUCT, .n_children = 1, .children = &one},
                             .force = force,
                             .ignore_case = ignore_case};
  return alter_apply(m, &widen, 1, err);
}

static void widening_refuses_what_does_not_fit(void **state) {
  (void)state;
  const firn_field other_key[] = {{.name = "key",
                                   .kind = FIRN_KIND_STRUCT,
                                   .n_children = 1,
                                   .children = &(firn_field){.name = "k", .kind = FIRN_KIND_LONG}},
                                  {.name = "value", .kind = FIRN_KIND_UNKNOWN}};
  FIRN_AUTO_METADATA *m = NULL;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err = {0};
  CHECK_OK(alter_table(2, ALTER_SCHEMA, "", "", &m, &err));
  CHECK_STATUS(widen_by((firn_field){.name = "name", .kind = FIRN_KIND_INT}, false, false, &m, &err),
               FIRN_INVALID);
  CHECK_SAYS("column name: string cannot become int");
  CHECK_STATUS(widen_by((firn_field){.name = "place", .kind = FIRN_KIND_INT}, false, false, &m, &err),
               FIRN_INVALID);
  CHECK_SAYS("column place: struct cannot become int");
  firn_field wrong = {.name = "name", .kind = FIRN_KIND_LIST, .n_children = 1, .children = wide_element};
  CHECK_STATUS(widen_by(wrong, false, false, &m, &err), FIRN_INVALID);
  CHECK_SAYS("string cannot become list");
  firn_field key = {.name = "by_key", .kind = FIRN_KIND_MAP, .n_children = 2, .children = other_key};
  CHECK_STATUS(widen_by(key, false, false, &m, &err), FIRN_INVALID);
  CHECK_SAYS("keys of maps never change");
  CHECK_STATUS(widen_by((firn_field){.name = "", .kind = FIRN_KIND_INT}, false, false, &m, &err),
               FIRN_INVALID);
  CHECK_OK(widen_by((firn_field){.name = "ID", .kind = FIRN_KIND_INT}, false, true, &m, &err));
  CHECK_OK(widen_by((firn_field){.name = "id", .kind = FIRN_KIND_LONG}, false, false, &m, &err));
  assert_string_equal(alter_fields(m, &arena), ALTER_FIELDS);
  CHECK_OK(widen_by((firn_field){.name = "id", .kind = FIRN_KIND_LONG}, true, false, &m, &err));
  assert_false(firn_schema_find(firn_metadata_current_schema(m), "id")->required);
}

/* --- hostile --- */

static void long_and_deep_ones_are_refused(void **state) {
  (void)state;
  FIRN_AUTO_METADATA *m = NULL;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err = {0};
  CHECK_OK(alter_table(2, ALTER_SCHEMA, "", "", &m, &err));
  char *name = (char *)firn_arena_alloc(&arena, 1 << 20);
  memset(name, 'x', (1 << 20) - 1);
  const firn_change add = ADD(name, INT), rename = RENAME("id", name);
  CHECK_STATUS(alter_apply(&m, &add, 1, &err), FIRN_LIMIT);
  CHECK_STATUS(alter_apply(&m, &rename, 1, &err), FIRN_LIMIT);
  firn_field *deep = firn_new_n(&arena, firn_field, 80);
  for (size_t i = 0; i < 80; i++) {
    deep[i] = (firn_field){.name = "d", .kind = FIRN_KIND_STRUCT, .n_children = 1, .children = &deep[i + 1]};
  }
  deep[79] = (firn_field){.name = "d", .kind = FIRN_KIND_INT};
  firn_change nested = {.kind = FIRN_CHANGE_ADD_COLUMN, .name = "deep", .field = deep[0]};
  CHECK_STATUS(alter_apply(&m, &nested, 1, &err), FIRN_LIMIT);
  nested.field = deep[30]; /* fits, but not twice */
  CHECK_OK(alter_apply(&m, &nested, 1, &err));
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_builder_add_text(&b, "deep");
  for (int i = 0; i < 48; i++) {
    firn_builder_add_text(&b, ".d");
  }
  firn_builder_add_text(&b, ".e");
  nested.name = firn_arena_text(&arena, firn_builder_bytes(&b));
  CHECK_STATUS(alter_apply(&m, &nested, 1, &err), FIRN_LIMIT);
}

static firn_status change_everything(void) {
  static const firn_change changes[] = {
      ADD("place.zip", INT),
      DROP("tags"),
      RENAME("name", "who"),
      MOVE("who", FIRST, NULL),
      TO_TYPE("n", LONG),
      {.kind = FIRN_CHANGE_WIDEN,
       .field = {.kind = FIRN_KIND_STRUCT, .n_children = 2, .children = zip_and_spot}},
      {.kind = FIRN_CHANGE_SET_PARTITIONING, .text = "day(at), bucket(4, id)"},
      {.kind = FIRN_CHANGE_SET_SORT_ORDER, .text = "id desc"}};
  FIRN_AUTO_METADATA *m = NULL;
  FIRN_TRY(alter_table(2, ALTER_SCHEMA, "", "", &m, NULL));
  return alter_apply(&m, changes, FIRN_COUNT_OF(changes), NULL);
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(change_everything);
}

RUN_TESTS(new_columns_get_ids_level_by_level, columns_are_added_where_they_are_asked_for,
          a_name_with_dots_says_where_it_begins, columns_are_dropped_renamed_and_moved, types_are_promoted,
          the_table_of_promotions_is_the_specifications, what_may_not_change_is_refused_with_its_name,
          some_things_may_be_forced_or_be_there_already, identifiers_are_required_and_stay,
          sources_of_spec_and_order_stay, a_schema_that_was_there_before_is_taken_again,
          widening_adds_and_promotes_by_name, widening_refuses_what_does_not_fit,
          long_and_deep_ones_are_refused, survives_oom)

/* Rules of parquet-format that readers get wrong, on files made byte by byte: numbers 57 and 58 of the facts
 * that implementers get wrong, the backward-compatibility rules of LogicalTypes.md, and what must be refused.
 */
#include <inttypes.h>
#include <unistd.h>

#include "column/vector.h"
#include "formats/parquet/reader.h"
#include "formats/thrift/thrift.h"
#include "test.h"

enum { NONE = -1, V1 = 0, DICTIONARY_PAGE = 2 };

/* One SchemaElement. */
typedef struct node {
  const char *name;
  int type, length, repetition, n_children, converted, precision, scale;
} node;

#define GROUP(group_name, repeats, children, means) \
  {.name = (group_name),                            \
   .type = NONE,                                    \
   .repetition = (repeats),                         \
   .n_children = (children),                        \
   .converted = (means)}
#define LEAF(leaf_name, physical, repeats) \
  {.name = (leaf_name), .type = (physical), .repetition = (repeats), .converted = NONE}

enum { REQUIRED, OPTIONAL, REPEATED };
enum { MAP = 1, MAP_KEY_VALUE = 2, LIST = 3, UTF8 = 0, DECIMAL = 5 };

/* A file of one row group and one leaf, its page (and dictionary page) uncompressed. */
typedef struct file_plan {
  const node *nodes;
  size_t n_nodes;
  firn_bytes page, dictionary; /* levels with their lengths, then values */
  int32_t n_values, n_rows, n_dictionary;
  int32_t encoding, codec, def_encoding;
  firn_bytes old_min; /* of deprecated statistics */
  bool is_indexed;    /* has an offset index, and says of its dictionary that it is data */
} file_plan;

static void write_node(firn_thrift_writer *w, const node *n, bool is_root) {
  firn_thrift_write_begin(w);
  if (n->type != NONE) {
    firn_thrift_write_i32(w, 1, n->type);
  }
  if (n->length > 0) {
    firn_thrift_write_i32(w, 2, n->length);
  }
  if (!is_root) {
    firn_thrift_write_i32(w, 3, n->repetition);
  }
  firn_thrift_write_binary(w, 4, firn_bytes_of(n->name));
  if (n->n_children > 0) {
    firn_thrift_write_i32(w, 5, n->n_children);
  }
  if (n->converted != NONE) {
    firn_thrift_write_i32(w, 6, n->converted);
  }
  if (n->precision > 0) {
    firn_thrift_write_i32(w, 7, n->scale);
    firn_thrift_write_i32(w, 8, n->precision);
  }
  firn_thrift_write_end(w);
}

static void write_page(firn_builder *b, const file_plan *p, bool is_dictionary) {
  firn_bytes bytes = is_dictionary ? p->dictionary : p->page;
  firn_thrift_writer w = FIRN_THRIFT_WRITER_INIT(b);
  firn_thrift_write_begin(&w);
  firn_thrift_write_i32(&w, 1, is_dictionary ? DICTIONARY_PAGE : V1);
  firn_thrift_write_i32(&w, 2, (int32_t)bytes.len);
  firn_thrift_write_i32(&w, 3, (int32_t)bytes.len);
  firn_thrift_write_struct(&w, is_dictionary ? 7 : 5);
  firn_thrift_write_i32(&w, 1, is_dictionary ? p->n_dictionary : p->n_values);
  firn_thrift_write_i32(&w, 2, is_dictionary ? FIRN_PARQUET_PLAIN : p->encoding);
  if (!is_dictionary) {
    firn_thrift_write_i32(&w, 3, p->def_encoding);
    firn_thrift_write_i32(&w, 4, FIRN_PARQUET_RLE);
  }
  firn_thrift_write_end(&w);
  firn_thrift_write_end(&w);
  firn_builder_add(b, bytes);
}

/* An offset index of the one page of data. */
static void write_offset_index(firn_builder *b, size_t data_at, size_t end) {
  firn_thrift_writer w = FIRN_THRIFT_WRITER_INIT(b);
  firn_thrift_write_begin(&w);
  firn_thrift_write_list(&w, 1, FIRN_THRIFT_STRUCT, 1);
  firn_thrift_write_begin(&w);
  firn_thrift_write_i64(&w, 1, (int64_t)data_at);
  firn_thrift_write_i32(&w, 2, (int32_t)(end - data_at));
  firn_thrift_write_i64(&w, 3, 0);
  firn_thrift_write_end(&w);
  firn_thrift_write_end(&w);
}

static void write_chunk(firn_thrift_writer *w, const file_plan *p, size_t data_at, size_t end,
                        size_t index_end) {
  const node *leaf = &p->nodes[p->n_nodes - 1];
  for (size_t i = 0; i < p->n_nodes; i++) { /* of a map the key is the leaf that there is */
    leaf = p->nodes[i].type != NONE ? &p->nodes[i] : leaf;
  }
  firn_thrift_write_begin(w);
  firn_thrift_write_i64(w, 2, 4);
  firn_thrift_write_struct(w, 3);
  firn_thrift_write_i32(w, 1, leaf->type);
  firn_thrift_write_list(w, 2, FIRN_THRIFT_I32, 1);
  firn_thrift_write_i32_element(w, p->encoding);
  firn_thrift_write_list(w, 3, FIRN_THRIFT_BINARY, 1);
  firn_thrift_write_binary_element(w, firn_bytes_of(leaf->name));
  firn_thrift_write_i32(w, 4, p->codec);
  firn_thrift_write_i64(w, 5, p->n_values);
  firn_thrift_write_i64(w, 6, (int64_t)end - 4);
  firn_thrift_write_i64(w, 7, (int64_t)end - 4);
  firn_thrift_write_i64(w, 9, p->is_indexed ? 4 : (int64_t)data_at);
  if (p->dictionary.len > 0 && !p->is_indexed) {
    firn_thrift_write_i64(w, 11, 4);
  }
  if (p->old_min.len > 0) {
    firn_thrift_write_struct(w, 12);
    firn_thrift_write_binary(w, 1, p->old_min);
    firn_thrift_write_binary(w, 2, p->old_min);
    firn_thrift_write_end(w);
  }
  firn_thrift_write_end(w);
  if (p->is_indexed) {
    firn_thrift_write_i64(w, 4, (int64_t)end);
    firn_thrift_write_i32(w, 5, (int32_t)(index_end - end));
  }
  firn_thrift_write_end(w);
}

static firn_bytes build(const file_plan *p, firn_arena *arena) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_builder_add_text(&b, "PAR1");
  if (p->dictionary.len > 0) {
    write_page(&b, p, true);
  }
  size_t data_at = b.len;
  write_page(&b, p, false);
  size_t data_end = b.len;
  if (p->is_indexed) {
    write_offset_index(&b, data_at, data_end);
  }
  size_t footer_at = b.len;
  firn_thrift_writer w = FIRN_THRIFT_WRITER_INIT(&b);
  firn_thrift_write_begin(&w);
  firn_thrift_write_i32(&w, 1, 1);
  firn_thrift_write_list(&w, 2, FIRN_THRIFT_STRUCT, p->n_nodes + 1);
  write_node(&w, &(node)GROUP("root", REQUIRED, 1, NONE), true);
  for (size_t i = 0; i < p->n_nodes; i++) {
    write_node(&w, &p->nodes[i], false);
  }
  firn_thrift_write_i64(&w, 3, p->n_rows);
  firn_thrift_write_list(&w, 4, FIRN_THRIFT_STRUCT, 1);
  firn_thrift_write_begin(&w);
  firn_thrift_write_list(&w, 1, FIRN_THRIFT_STRUCT, 1);
  write_chunk(&w, p, data_at, data_end, footer_at);
  firn_thrift_write_i64(&w, 2, (int64_t)data_end - 4);
  firn_thrift_write_i64(&w, 3, p->n_rows);
  firn_thrift_write_end(&w);
  firn_thrift_write_end(&w);
  firn_builder_add_u32le(&b, (uint32_t)(b.len - footer_at));
  firn_builder_add_text(&b, "PAR1");
  firn_bytes file = {NULL, 0};
  assert_int_equal(firn_builder_finish_copy(&b, arena, &file, NULL), FIRN_OK);
  return file;
}

/* The first batch of the file, in `arena`. */
static firn_status read_plan(const file_plan *p, firn_arena *arena, firn_batch *out, firn_error *err) {
  firn_bytes bytes = build(p, arena);
  FIRN_AUTO_PARQUET_FILE *f = NULL;
  FIRN_AUTO_PARQUET_READER *r = NULL;
  const firn_batch *batch = NULL;
  FIRN_TRY(firn_parquet_file_open(firn_parquet_source_over(&bytes), test_ctx(), 0, 0, &f, err));
  assert_false(firn_parquet_file_metadata(f)->row_groups[0].chunks[0].statistics.has_min);
  FIRN_TRY(firn_parquet_reader_open(f, NULL, &r, err));
  FIRN_TRY(firn_parquet_reader_next(r, test_ctx(), &batch, err));
  assert_non_null(batch);
  FIRN_TRY(firn_batch_check(batch, err));
  FIRN_TRY(firn_batch_copy(batch, arena, out, err));
  FIRN_TRY(firn_parquet_reader_next(r, test_ctx(), &batch, err));
  return FIRN_OK;
}

/* A file of one required column, its values plain. */
static file_plan plain(const node *leaf, firn_bytes values, int32_t n) {
  return (file_plan){
      .nodes = leaf, .n_nodes = 1, .page = values, .n_values = n, .n_rows = n, .def_encoding = 3};
}

static void trap_57_a_decimal_may_be_stored_in_anything(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_batch b;
  node d = {.name = "d", .type = FIRN_PARQUET_INT32, .converted = DECIMAL, .precision = 9, .scale = 2};
  file_plan p = plain(&d, (firn_bytes){(const uint8_t *)(const int32_t[]){-1, 999999999}, 8}, 2);
  CHECK_OK(read_plan(&p, &arena, &b, &err));
  assert_true(b.columns[0].dec[0] == -1 && b.columns[0].dec[1] == 999999999);
  assert_int_equal(b.schema->children[0].precision, 9);
  assert_int_equal(b.schema->children[0].scale, 2);
  d.type = FIRN_PARQUET_INT64;
  d.precision = 18;
  p = plain(&d, (firn_bytes){(const uint8_t *)(const int64_t[]){-1, INT64_C(999999999999999999)}, 16}, 2);
  CHECK_OK(read_plan(&p, &arena, &b, &err));
  assert_true(b.columns[0].dec[1] == INT64_C(999999999999999999));
  for (int width = 2; width <= 20;
       width++) { /* wider than it need be, wider than we hold: padded by the sign */
    uint8_t values[40];
    memset(values, 0xFF, (size_t)width);
    memset(values + width, 0, (size_t)width);
    values[width - 1] = 0x85;
    values[2 * width - 2] = 0x01;
    d = (node){.name = "d",
               .type = FIRN_PARQUET_FIXED_LEN_BYTE_ARRAY,
               .length = width,
               .converted = DECIMAL,
               .precision = 4};
    p = plain(&d, (firn_bytes){values, (size_t)width * 2}, 2);
    CHECK_OK(read_plan(&p, &arena, &b, &err));
    assert_true(b.columns[0].dec[0] == -123 && b.columns[0].dec[1] == 256);
    values[0] ^= 0x80; /* beyond 128 bits, when it is that wide */
    CHECK_STATUS(read_plan(&p, &arena, &b, &err), width > 16 ? FIRN_CORRUPT : FIRN_OK);
  }
  d = (node){.name = "d", .type = FIRN_PARQUET_BYTE_ARRAY, .converted = DECIMAL, .precision = 38};
  static const uint8_t mixed[] = {1, 0, 0, 0, 0xFE, 3, 0, 0, 0, 0x01, 0x00, 0x00, 17, 0, 0, 0, 0,
                                  0, 0, 0, 0, 0,    0, 0, 0, 0, 0,    0,    0,    0,  0, 1, 0};
  p = plain(&d, (firn_bytes){mixed, sizeof mixed}, 3);
  CHECK_OK(read_plan(&p, &arena, &b, &err));
  assert_true(b.columns[0].dec[0] == -2 && b.columns[0].dec[1] == 65536 && b.columns[0].dec[2] == 256);
  d.precision = 39;
  CHECK_STATUS(read_plan(&p, &arena, &b, &err), FIRN_UNSUPPORTED);
}

static void put_int96(uint8_t *at, uint64_t nanos, uint32_t julian_day) {
  memcpy(at, &nanos, sizeof nanos);
  memcpy(at + 8, &julian_day, sizeof julian_day);
}

static void trap_58_int96_goes_straight_to_microseconds(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_batch b;
  uint8_t values[48];
  put_int96(values, 0, 2440588);
  put_int96(values + 12, 1999, 2440588);
  put_int96(values + 24, UINT64_C(86399999999000), 2440587);
  put_int96(values + 36, 0, 2440588 + 497464); /* the year 3332, which does not fit in nanoseconds */
  static const int64_t wanted[] = {0, 1, -1, INT64_C(497464) * 86400000000};
  node leaf = LEAF("old", FIRN_PARQUET_INT96, REQUIRED);
  file_plan p = plain(&leaf, (firn_bytes){values, 48}, 4);
  p.old_min = (firn_bytes){values, 12}; /* its statistics are not to be trusted: read_plan looks */
  CHECK_OK(read_plan(&p, &arena, &b, &err));
  assert_int_equal(b.columns[0].kind, FIRN_KIND_TIMESTAMPTZ);
  assert_memory_equal(b.columns[0].i64, wanted, sizeof wanted);
  p.dictionary = p.page;
  p.n_dictionary = 4;
  p.encoding = FIRN_PARQUET_RLE_DICTIONARY;
  static const uint8_t indexes[] = {2, 3, 0xE4, 0x1B}; /* width 2; 8 packed: 0 1 2 3 3 2 1 0 */
  p.page = (firn_bytes){indexes, sizeof indexes};
  p.n_values = p.n_rows = 8;
  CHECK_OK(read_plan(&p, &arena, &b, &err));
  for (size_t i = 0; i < 8; i++) {
    assert_int_equal(b.columns[0].i64[i], wanted[i < 4 ? i : 7 - i]);
  }
}

static void a_dictionary_that_is_called_data_is_found_for_one_row(void **state) {
  (void)state;
  static const int32_t values[] = {70, 80, 90};
  static const uint8_t indexes[] = {2, 3, 0x24, 0}; /* width 2; 8 packed: 0 1 2 */
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  node leaf = LEAF("n", FIRN_PARQUET_INT32, REQUIRED);
  file_plan p = plain(&leaf, (firn_bytes){indexes, sizeof indexes}, 3);
  p.encoding = FIRN_PARQUET_RLE_DICTIONARY;
  p.dictionary = (firn_bytes){(const uint8_t *)values, sizeof values};
  p.n_dictionary = 3;
  p.is_indexed = true;
  firn_bytes bytes = build(&p, &arena);
  FIRN_AUTO_PARQUET_FILE *f = NULL;
  firn_batch row;
  CHECK_OK(firn_parquet_file_open(firn_parquet_source_over(&bytes), test_ctx(), 0, 0, &f, &err));
  for (int64_t i = 0; i < 3; i++) {
    CHECK_OK(firn_parquet_read_row(f, test_ctx(), i, NULL, 0, &arena, &row, &err));
    assert_int_equal(row.columns[0].i32[0], values[i]);
  }
}

/* Both are the last value that was written where parquet-mr before 1.8 kept a buffer: PARQUET-251. read_plan
 * looks that nothing is made of them. */
static void equal_deprecated_bounds_of_bytes_are_not_believed(void **state) {
  (void)state;
  static const uint8_t values[] = {1, 0, 0, 0, 'b', 1, 0, 0, 0, 'a'};
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_batch b;
  node leaf = LEAF("t", FIRN_PARQUET_BYTE_ARRAY, REQUIRED);
  file_plan p = plain(&leaf, (firn_bytes){values, sizeof values}, 2);
  p.old_min = FIRN_LITERAL("a");
  CHECK_OK(read_plan(&p, &arena, &b, &err));
}

/* Levels of three rows [7, 8], [], [9] for a list of required ints in which a row is not null: repetition in
 * two-bit runs of one, definition from 0 to `max`. */
static firn_bytes list_page(firn_builder *b, uint8_t empty, uint8_t full) {
  static const uint8_t rep[] = {0, 1, 0, 0};
  const uint8_t def[] = {full, full, empty, full};
  const uint8_t *const levels[] = {rep, def};
  for (int which = 0; which < 2; which++) {
    firn_builder_add_u32le(b, 8);
    for (size_t i = 0; i < 4; i++) {
      firn_builder_add_u8(b, 1 << 1); /* a run of one value */
      firn_builder_add_u8(b, levels[which][i]);
    }
  }
  for (uint32_t v = 7; v <= 9; v++) {
    firn_builder_add_u32le(b, v);
  }
  return firn_builder_bytes(b);
}

static void check_list(const node *nodes, size_t n_nodes, uint8_t empty, uint8_t full, bool list_required,
                       firn_kind element) {
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER page = FIRN_BUILDER_INIT(0);
  firn_batch b;
  file_plan p = {.nodes = nodes, .n_nodes = n_nodes, .n_values = 4, .n_rows = 3, .def_encoding = 3};
  p.page = list_page(&page, empty, full);
  CHECK_OK(read_plan(&p, &arena, &b, &err));
  const firn_vector *list = &b.columns[0];
  const firn_field *field = &b.schema->children[0];
  assert_int_equal(list->kind, FIRN_KIND_LIST);
  assert_int_equal(field->required, list_required);
  assert_string_equal(field->name, "l");
  assert_string_equal(field->children[0].name, "element");
  assert_int_equal(field->children[0].kind, element);
  assert_memory_equal(list->offsets, ((int32_t[]){0, 2, 2, 3}), 4 * sizeof(int32_t));
  const firn_vector *values = &list->children[0];
  while (values->n_children > 0) {
    values = &values->children[0];
  }
  assert_memory_equal(values->i32, ((int32_t[]){7, 8, 9}), 3 * sizeof(int32_t));
}

static void lists_of_every_legacy_shape(void **state) {
  (void)state;
  const node bare[] = {LEAF("l", FIRN_PARQUET_INT32, REPEATED)};
  check_list(bare, 1, 0, 1, true, FIRN_KIND_INT);
  const node three_levels[] = {GROUP("l", OPTIONAL, 1, LIST), GROUP("list", REPEATED, 1, NONE),
                               LEAF("element", FIRN_PARQUET_INT32, OPTIONAL)};
  check_list(three_levels, 3, 1, 3, false, FIRN_KIND_INT);
  const node rule_1[] = {GROUP("l", OPTIONAL, 1, LIST), LEAF("element", FIRN_PARQUET_INT32, REPEATED)};
  check_list(rule_1, 2, 1, 2, false, FIRN_KIND_INT);
  const node rule_4_array[] = {GROUP("l", OPTIONAL, 1, LIST), GROUP("array", REPEATED, 1, NONE),
                               LEAF("n", FIRN_PARQUET_INT32, REQUIRED)};
  check_list(rule_4_array, 3, 1, 2, false, FIRN_KIND_STRUCT);
  const node rule_4_tuple[] = {GROUP("l", REQUIRED, 1, LIST), GROUP("l_tuple", REPEATED, 1, NONE),
                               LEAF("n", FIRN_PARQUET_INT32, REQUIRED)};
  check_list(rule_4_tuple, 3, 0, 1, true, FIRN_KIND_STRUCT);
  const node rule_5_bag[] = {GROUP("l", OPTIONAL, 1, LIST), GROUP("bag", REPEATED, 1, NONE),
                             LEAF("array_element", FIRN_PARQUET_INT32, OPTIONAL)};
  check_list(rule_5_bag, 3, 1, 3, false, FIRN_KIND_INT);
  const node bare_group[] = {GROUP("l", REPEATED, 1, NONE), LEAF("n", FIRN_PARQUET_INT32, REQUIRED)};
  check_list(bare_group, 2, 0, 1, true, FIRN_KIND_STRUCT);
}

static void a_list_in_a_list_of_two_levels(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_batch b;
  /* Rule 3: [[7, 8], []], and an empty outer list. */
  const node nodes[] = {GROUP("l", OPTIONAL, 1, LIST), GROUP("array", REPEATED, 1, LIST),
                        LEAF("array", FIRN_PARQUET_INT32, REPEATED)};
  static const uint8_t page[] = {8, 0, 0, 0, 2, 0, 2, 2, 2, 1, 2, 0, 8, 0, 0, 0,
                                 4, 3, 2, 2, 2, 1, 0, 0, 7, 0, 0, 0, 8, 0, 0, 0};
  file_plan p = {.nodes = nodes,
                 .n_nodes = 3,
                 .page = {page, sizeof page},
                 .n_values = 4,
                 .n_rows = 2,
                 .def_encoding = FIRN_PARQUET_RLE};
  CHECK_OK(read_plan(&p, &arena, &b, &err));
  const firn_vector *outer = &b.columns[0];
  assert_memory_equal(outer->offsets, ((int32_t[]){0, 2, 2}), 3 * sizeof(int32_t));
  assert_int_equal(outer->children[0].kind, FIRN_KIND_LIST);
  assert_memory_equal(outer->children[0].offsets, ((int32_t[]){0, 2, 2}), 3 * sizeof(int32_t));
  assert_int_equal(outer->children[0].children[0].i32[1], 8);
}

static void maps_of_every_legacy_shape(void **state) {
  (void)state;
  firn_error err;
  static const int meanings[] = {MAP, MAP_KEY_VALUE};
  for (size_t i = 0; i < 2; i++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    FIRN_AUTO_BUILDER page = FIRN_BUILDER_INIT(0);
    firn_batch b;
    /* Keys alone are a set, which is a list here. */
    const node set[] = {GROUP("m", OPTIONAL, 1, meanings[i]), GROUP("map", REPEATED, 1, MAP_KEY_VALUE),
                        LEAF("k", FIRN_PARQUET_INT32, REQUIRED)};
    file_plan p = {.nodes = set, .n_nodes = 3, .n_values = 4, .n_rows = 3, .def_encoding = 3};
    p.page = list_page(&page, 1, 2);
    CHECK_OK(read_plan(&p, &arena, &b, &err));
    assert_int_equal(b.columns[0].kind, FIRN_KIND_LIST);
    assert_int_equal(b.columns[0].offsets[3], 3);
  }
  firn_parquet_node pair[] = {
      {.name = "str", .repetition = FIRN_PARQUET_REQUIRED, .type = FIRN_PARQUET_BYTE_ARRAY, .field_id = 5},
      {.name = "num", .repetition = FIRN_PARQUET_OPTIONAL, .type = FIRN_PARQUET_INT32, .field_id = 6}};
  firn_parquet_node entries = {
      .name = "map", .repetition = FIRN_PARQUET_REPEATED, .n_children = 2, .children = pair};
  firn_parquet_node map = {.name = "m",
                           .repetition = FIRN_PARQUET_OPTIONAL,
                           .logical = FIRN_LOGICAL_MAP,
                           .field_id = 4,
                           .n_children = 1,
                           .children = &entries};
  firn_parquet_node root = {.name = "root", .n_children = 1, .children = &map};
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const firn_field *schema;
  CHECK_OK(firn_parquet_schema_of(&root, &arena, &schema, &err));
  const firn_field *m = &schema->children[0];
  assert_int_equal(m->kind, FIRN_KIND_MAP);
  assert_int_equal(m->id, 4);
  assert_string_equal(m->children[0].name, "key");
  assert_int_equal(m->children[0].id, 5);
  assert_true(m->children[0].required);
  assert_int_equal(m->children[1].id, 6);
  assert_false(m->children[1].required);
  entries.repetition = FIRN_PARQUET_OPTIONAL;
  CHECK_STATUS(firn_parquet_schema_of(&root, &arena, &schema, &err), FIRN_CORRUPT);
  CHECK_SAYS("the map m is not a repeated group");
}

static void what_is_not_read_is_refused_by_name(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_batch b;
  static const uint8_t four[] = {1, 0, 0, 0};
  node leaf = LEAF("n", FIRN_PARQUET_INT32, REQUIRED);
  static const struct {
    int32_t encoding;
    const char *name;
  } encodings[] = {{FIRN_PARQUET_DELTA_BINARY_PACKED, "DELTA_BINARY_PACKED"},
                   {FIRN_PARQUET_DELTA_LENGTH_BYTE_ARRAY, "DELTA_LENGTH_BYTE_ARRAY"},
                   {FIRN_PARQUET_DELTA_BYTE_ARRAY, "DELTA_BYTE_ARRAY"},
                   {FIRN_PARQUET_BYTE_STREAM_SPLIT, "BYTE_STREAM_SPLIT"},
                   {FIRN_PARQUET_BIT_PACKED, "BIT_PACKED"},
                   {99, "an unknown encoding"}};
  for (size_t i = 0; i < FIRN_COUNT_OF(encodings); i++) {
    file_plan p = plain(&leaf, (firn_bytes){four, 4}, 1);
    p.encoding = encodings[i].encoding;
    CHECK_STATUS(read_plan(&p, &arena, &b, &err), FIRN_UNSUPPORTED);
    CHECK_SAYS(encodings[i].name);
    CHECK_SAYS("row group 0: column n: ");
  }
  static const char *const codecs[] = {[3] = "LZO", [5] = "LZ4 of Hadoop", [9] = "an unknown codec"};
  for (int32_t codec = 3; codec < 10; codec++) {
    file_plan p = plain(&leaf, (firn_bytes){four, 4}, 1);
    p.codec = codec;
    if (codecs[codec] != NULL) {
      CHECK_STATUS(read_plan(&p, &arena, &b, &err), FIRN_UNSUPPORTED);
      CHECK_SAYS(codecs[codec]);
    }
  }
  leaf.repetition = OPTIONAL;
  static const uint8_t with_levels[] = {1, 0, 0, 0, 1, 1, 0, 0, 0};
  file_plan p = plain(&leaf, (firn_bytes){with_levels, sizeof with_levels}, 1);
  p.def_encoding = FIRN_PARQUET_BIT_PACKED;
  CHECK_STATUS(read_plan(&p, &arena, &b, &err), FIRN_UNSUPPORTED);
  CHECK_SAYS("its levels are encoded as BIT_PACKED");
}

static void counts_must_agree(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_batch b;
  static const uint8_t eight[8] = {1};
  node leaf = LEAF("n", FIRN_PARQUET_INT32, REQUIRED);
  file_plan p = plain(&leaf, (firn_bytes){eight, 8}, 2);
  CHECK_OK(read_plan(&p, &arena, &b, &err));
  p.n_rows = 3;
  CHECK_STATUS(read_plan(&p, &arena, &b, &err), FIRN_CORRUPT);
  CHECK_SAYS("2 values in a row group of 3 rows");
  p.n_rows = p.n_values = 3;
  CHECK_STATUS(read_plan(&p, &arena, &b, &err), FIRN_CORRUPT);
  CHECK_SAYS("the values end early");
  p.dictionary = p.page;
  p.n_dictionary = 3;
  p.encoding = FIRN_PARQUET_RLE_DICTIONARY;
  CHECK_STATUS(read_plan(&p, &arena, &b, &err), FIRN_CORRUPT);
  CHECK_SAYS("3 entries are not in a dictionary of 8 bytes");
  p.n_dictionary = 2;
  p.page = (firn_bytes){(const uint8_t[]){2, 6, 2}, 3}; /* three times entry 2 of 2 */
  CHECK_STATUS(read_plan(&p, &arena, &b, &err), FIRN_CORRUPT);
  CHECK_SAYS("an index beyond the 2 entries");
}

static void text_must_be_utf8(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_batch b;
  static const uint8_t bad[] = {2, 0, 0, 0, 'a', 0xFF};
  node leaf = LEAF("t", FIRN_PARQUET_BYTE_ARRAY, REQUIRED);
  file_plan p = plain(&leaf, (firn_bytes){bad, sizeof bad}, 1);
  CHECK_OK(read_plan(&p, &arena, &b, &err)); /* as binary */
  leaf.converted = UTF8;
  CHECK_STATUS(read_plan(&p, &arena, &b, &err), FIRN_CORRUPT);
  CHECK_SAYS("column t: text is not UTF-8");
}

static void a_few_bytes_cannot_claim_all_memory(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_batch b;
  /* One row with a list of 2^31 - 1 nulls, in runs of a few bytes. */
  static const uint8_t page[] = {8, 0, 0, 0, 2, 0,    0xFC, 0xFF, 0xFF, 0xFF, 0x0F,
                                 1, 6, 0, 0, 0, 0xFE, 0xFF, 0xFF, 0xFF, 0x0F, 2};
  const node list[] = {GROUP("l", OPTIONAL, 1, LIST), GROUP("list", REPEATED, 1, NONE),
                       LEAF("element", FIRN_PARQUET_INT32, OPTIONAL)};
  file_plan p = {.nodes = list,
                 .n_nodes = 3,
                 .page = {page, sizeof page},
                 .n_values = INT32_MAX,
                 .n_rows = 1,
                 .def_encoding = FIRN_PARQUET_RLE};
  CHECK_STATUS(read_plan(&p, &arena, &b, &err), FIRN_LIMIT);
  CHECK_SAYS("values in one batch of rows");
}

static void a_foreign_bloom_filter_admits_what_is_there(void **state) {
  (void)state;
  const char *folder = test_shared_data("bloom filters of another writer");
  if (folder == NULL) {
    skip();
  }
  static const char *const files[] = {"data_index_bloom_encoding_with_length.parquet",
                                      "data_index_bloom_encoding_stats.parquet"};
  for (size_t i = 0; i < FIRN_COUNT_OF(files); i++) {
    firn_error err;
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    const char *path = firn_arena_printf(&arena, "%s/parquet-testing/data/%s", folder, files[i]);
    if (access(path, R_OK) != 0) {
      continue; /* half of that project's files are kept apart */
    }
    firn_bytes bytes = test_read_file(path);
    FIRN_AUTO_PARQUET_FILE *f = NULL;
    firn_batch row;
    CHECK_OK(firn_parquet_file_open(firn_parquet_source_over(&bytes), test_ctx(), 0, 0, &f, &err));
    assert_true(firn_parquet_file_metadata(f)->row_groups[0].chunks[0].bloom_filter_offset > 0);
    for (int64_t n = 0; n < firn_parquet_file_metadata(f)->n_rows; n++) {
      bool may = false;
      CHECK_OK(firn_parquet_read_row(f, test_ctx(), n, NULL, 0, &arena, &row, &err));
      CHECK_OK(firn_parquet_file_may_contain(f, test_ctx(), 0, 0, row.columns[0].bytes[0], &may, &err));
      assert_true(may);
    }
    int n_admitted = 0;
    for (int n = 0; n < 100; n++) {
      bool may = false;
      firn_bytes other = firn_bytes_of(firn_arena_printf(&arena, "not there %d", n));
      CHECK_OK(firn_parquet_file_may_contain(f, test_ctx(), 0, 0, other, &may, &err));
      n_admitted += may;
    }
    assert_true(n_admitted < 50);
    firn_free((void *)(uintptr_t)bytes.data);
  }
}

RUN_TESTS(trap_57_a_decimal_may_be_stored_in_anything, trap_58_int96_goes_straight_to_microseconds,
          lists_of_every_legacy_shape, a_list_in_a_list_of_two_levels, maps_of_every_legacy_shape,
          what_is_not_read_is_refused_by_name, counts_must_agree, text_must_be_utf8,
          a_few_bytes_cannot_claim_all_memory, a_foreign_bloom_filter_admits_what_is_there,
          a_dictionary_that_is_called_data_is_found_for_one_row,
          equal_deprecated_bounds_of_bytes_are_not_believed)

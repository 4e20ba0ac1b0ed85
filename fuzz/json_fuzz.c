/* JSON: the readers agree on any bytes, and what a tree holds is written and read back as the same tree. */
#include <stdlib.h>

#include "base/json.h"
#include "base/json_internal.h"
#include "base/json_tree.h"
#include "base/json_write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds) {
  if (!holds) {
    abort(); /* what a fuzzer looks for */
  }
}

static void walk_both(const firn_json_reader *fast, firn_bytes text) {
  firn_json a, b;
  firn_json_init(&a, text);
  firn_json_init(&b, text);
  for (;;) {
    firn_json_token one = {.kind = FIRN_JSON_END}, two = {.kind = FIRN_JSON_END};
    firn_error first = {.text = ""}, second = {.text = ""};
    firn_status status = firn_json_plain.next(&a, &one, &first);
    check(fast->next(&b, &two, &second) == status && strcmp(first.text, second.text) == 0);
    check(one.kind == two.kind && one.raw.data == two.raw.data && one.raw.len == two.raw.len);
    check(one.has_escapes == two.has_escapes && one.is_integer == two.is_integer && a.at == b.at);
    if (status != FIRN_OK || one.kind == FIRN_JSON_END) {
      return;
    }
  }
}

static void skip_both(const firn_json_reader *fast, firn_bytes text) {
  firn_json a, b;
  firn_json_init(&a, text);
  firn_json_init(&b, text);
  firn_bytes one = {NULL, 0}, two = {NULL, 0};
  check(firn_json_plain.skip(&a, &one, NULL) == fast->skip(&b, &two, NULL));
  check(one.data == two.data && one.len == two.len && a.at == b.at);
}

static void write_value(firn_json_writer *w, const firn_json_value *v) {
  switch (v->kind) {
    case FIRN_JSON_OBJECT:
      firn_json_begin_object(w);
      for (size_t i = 0; i < v->n_items; i++) {
        firn_json_key_bytes(w, v->members[i].key);
        write_value(w, v->members[i].value);
      }
      firn_json_end_object(w);
      break;
    case FIRN_JSON_ARRAY:
      firn_json_begin_array(w);
      for (size_t i = 0; i < v->n_items; i++) {
        write_value(w, &v->items[i]);
      }
      firn_json_end_array(w);
      break;
    case FIRN_JSON_STRING:
      firn_json_write_bytes(w, v->text);
      break;
    default:
      firn_json_write_raw(w, v->text);
      break;
  }
}

static void write_and_read_back(firn_bytes text) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER first = FIRN_BUILDER_INIT(0);
  FIRN_AUTO_BUILDER second = FIRN_BUILDER_INIT(0);
  const firn_json_value *tree;
  if (firn_json_tree_read(text, &arena, &tree, NULL) != FIRN_OK) {
    return;
  }
  check(firn_json_is_valid(text));
  firn_json_writer w = FIRN_JSON_WRITER_INIT(&first);
  write_value(&w, tree);
  check(firn_json_tree_read(firn_builder_bytes(&first), &arena, &tree, NULL) == FIRN_OK);
  w = (firn_json_writer)FIRN_JSON_WRITER_INIT(&second);
  write_value(&w, tree);
  check(firn_bytes_equal(firn_builder_bytes(&first), firn_builder_bytes(&second)));
}

static void read_numbers(firn_bytes text) {
  firn_json j;
  firn_json_token token;
  firn_json_init(&j, text);
  while (firn_json_next(&j, &token, NULL) == FIRN_OK && token.kind != FIRN_JSON_END) {
    int64_t whole;
    double v;
    if (firn_json_int64(&token, &whole, NULL) == FIRN_OK) {
      check(firn_json_double(&token, &v, NULL) == FIRN_OK);
    }
    check(firn_json_double(&token, &v, NULL) != FIRN_CORRUPT); /* what the reader yields is well formed */
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  firn_bytes text = {data, size};
  walk_both(&firn_json_swar, text);
  skip_both(&firn_json_swar, text);
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi")) {
    walk_both(&firn_json_avx2, text);
    skip_both(&firn_json_avx2, text);
  }
#endif
  read_numbers(text);
  write_and_read_back(text);
  return 0;
}

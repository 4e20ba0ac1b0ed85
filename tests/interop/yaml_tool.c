/* What yaml_test.py asks of firn: texts on standard input, a zero byte after each, become lines of JSON:
 *   {"status": "FIRN_OK", "tree": ...}   maps, lists, texts; nothing at all is null
 *   {"status": "FIRN_CORRUPT", "text": "line 3, column 1: ..."} */
#include <stdio.h>

#include "base/json_write.h"
#include "base/yaml.h"

enum { MAX_BYTES = 64 << 20 };

static void write_value(const firn_yaml *v, firn_json_writer *w) {
  if (v->kind == FIRN_YAML_MAP) {
    firn_json_begin_object(w);
    for (size_t i = 0; i < v->n; i++) {
      firn_json_key_bytes(w, v->members[i].key);
      write_value(v->members[i].value, w);
    }
    firn_json_end_object(w);
  } else if (v->kind == FIRN_YAML_LIST) {
    firn_json_begin_array(w);
    for (size_t i = 0; i < v->n; i++) {
      write_value(v->items[i], w);
    }
    firn_json_end_array(w);
  } else if (v->kind == FIRN_YAML_SCALAR) {
    firn_json_write_bytes(w, v->text);
  } else {
    firn_json_write_null(w);
  }
}

static void write_answer(firn_bytes text, firn_builder *out) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const firn_yaml *tree;
  firn_error err = {0};
  firn_status status = firn_yaml_read(text, MAX_BYTES, &arena, &tree, &err);
  firn_json_writer w = FIRN_JSON_WRITER_INIT(out);
  firn_json_begin_object(&w);
  firn_json_add_text(&w, "status", firn_status_name(status));
  if (status == FIRN_OK) {
    firn_json_key(&w, "tree");
    write_value(tree, &w);
  } else {
    firn_json_add_text(&w, "text", err.text);
  }
  firn_json_end_object(&w);
  firn_builder_add_text(out, "\n");
}

int main(void) {
  FIRN_AUTO_BUILDER in = FIRN_BUILDER_INIT(MAX_BYTES), out = FIRN_BUILDER_INIT(0);
  uint8_t *room = firn_builder_reserve(&in, MAX_BYTES);
  firn_error err;
  firn_bytes answers;
  if (room == NULL) {
    return 1;
  }
  firn_bytes left = {room, fread(room, 1, MAX_BYTES, stdin)};
  while (left.len > 0) {
    const uint8_t *end = memchr(left.data, 0, left.len);
    size_t len = end == NULL ? left.len : (size_t)(end - left.data);
    write_answer(firn_bytes_part(left, 0, len), &out);
    left = firn_bytes_part(left, len + 1, left.len);
  }
  if (firn_builder_finish(&out, &answers, &err) != FIRN_OK) {
    (void)fprintf(stderr, "%s\n", err.text);
    return 1;
  }
  return fwrite(answers.data, 1, answers.len, stdout) == answers.len ? 0 : 1;
}

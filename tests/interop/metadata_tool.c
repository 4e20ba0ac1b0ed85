/* What metadata_test.py asks of firn:
 *   metadata_tool rewrite FILE   reads table metadata and writes it to standard output
 *   metadata_tool values         for each line {"type": T, "value": V} of standard input a line of the
 * value's bytes, JSON and transforms Exit status 1 with a sentence on standard error when it is refused. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "iceberg/meta/metadata.h"

enum { MAX_FILE_BYTES = 64 << 20, MAX_LINE_BYTES = 1 << 20 };

static int failed(const firn_error *err) {
  (void)fprintf(stderr, "%s\n", err->text);
  return 1;
}

static int print(const firn_builder *b) {
  firn_bytes out;
  firn_error err;
  if (firn_builder_finish(b, &out, &err) != FIRN_OK) {
    return failed(&err);
  }
  (void)fwrite(out.data, 1, out.len, stdout);
  (void)putchar('\n');
  return 0;
}

static int rewrite(const char *path) {
  FIRN_AUTO_BUILDER in = FIRN_BUILDER_INIT(MAX_FILE_BYTES), out = FIRN_BUILDER_INIT(0);
  FIRN_AUTO_METADATA *m = NULL;
  firn_error err;
  FILE *f = fopen(path, "rb");
  uint8_t *room = firn_builder_reserve(&in, MAX_FILE_BYTES);
  if (f == NULL || room == NULL) {
    (void)fprintf(stderr, "cannot read %s\n", path);
    return 1;
  }
  firn_builder_claim(&in, fread(room, 1, MAX_FILE_BYTES, f));
  (void)fclose(f);
  if (firn_metadata_read(firn_builder_bytes(&in), &m, &err) != FIRN_OK) {
    return failed(&err);
  }
  firn_json_writer w = FIRN_JSON_WRITER_INIT(&out);
  firn_metadata_write(m, &w);
  return print(&out);
}

static void write_hex(firn_bytes bytes, firn_json_writer *w) {
  static const firn_field binary = {.kind = FIRN_KIND_BINARY};
  firn_value v = {.kind = FIRN_KIND_BINARY, .bytes = bytes};
  firn_value_write_json(&v, &binary, w);
}

/* Each transform that takes the type: its result, and how a path shows it. */
static firn_status write_transforms(const firn_value *v, const firn_field *column, firn_arena *arena,
                                    firn_json_writer *w, firn_error *err) {
  static const char *const names[] = {"identity", "bucket[16]", "truncate[7]", "year",
                                      "month",    "day",        "hour",        "void"};
  firn_schema schema = {
      .root = {.id = FIRN_NO_ID, .kind = FIRN_KIND_STRUCT, .n_children = 1, .children = column}};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    firn_partition_field field = {column->id, 1000, "p", {0}};
    firn_partition_spec spec = {0, 1, &field};
    FIRN_TRY(firn_transform_read(firn_bytes_of(names[i]), arena, &field.transform, err));
    if (!firn_transform_takes(&field.transform, column)) {
      continue;
    }
    firn_field type = {0};
    firn_value result;
    firn_transform_result(&field.transform, column, &type);
    firn_json_key(w, names[i]);
    if (firn_transform_apply(&field.transform, column, v, arena, &result, NULL) != FIRN_OK) {
      firn_json_write_text(w, "does not fit");
      continue;
    }
    firn_json_begin_array(w);
    firn_value_write_json(&result, &type, w);
    firn_json_write_text(w, firn_partition_path(&spec, &schema, &result, arena));
    firn_json_end_array(w);
  }
  return FIRN_OK;
}

static firn_status one_value(firn_bytes line, firn_builder *out, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER bytes = FIRN_BUILDER_INIT(0);
  const firn_json_value *json;
  const char *type;
  firn_field column = {.id = 1, .name = "c"};
  firn_value v, back;
  FIRN_TRY(firn_json_tree_read(line, &arena, &json, err));
  FIRN_TRY(firn_json_need_text(json, "type", &arena, &type, err));
  FIRN_TRY(firn_type_read(firn_bytes_of(type), &arena, &column, err));
  FIRN_TRY(firn_value_read_json(firn_json_get(json, "value"), &column, &arena, &v, err));
  firn_value_write(&v, &bytes);
  FIRN_TRY(firn_value_read(firn_builder_bytes(&bytes), &column, &back, err));
  if (!firn_value_equal(&v, &back)) {
    return firn_error_set(err, FIRN_CORRUPT, "a value of type %s does not read back", type);
  }
  firn_json_writer w = FIRN_JSON_WRITER_INIT(out);
  firn_json_begin_object(&w);
  firn_json_key(&w, "binary");
  write_hex(firn_builder_bytes(&bytes), &w);
  firn_json_key(&w, "json");
  firn_value_write_json(&v, &column, &w);
  FIRN_TRY(write_transforms(&v, &column, &arena, &w, err));
  firn_json_end_object(&w);
  return FIRN_OK;
}

static int values(void) {
  char *line = malloc(MAX_LINE_BYTES);
  int status = line == NULL;
  while (status == 0 && fgets(line, MAX_LINE_BYTES, stdin) != NULL) {
    FIRN_AUTO_BUILDER out = FIRN_BUILDER_INIT(0);
    firn_error err;
    status = one_value(firn_bytes_of(line), &out, &err) != FIRN_OK ? failed(&err) : print(&out);
  }
  free(line);
  return status;
}

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "rewrite") == 0) {
    return rewrite(argv[2]);
  }
  if (argc == 2 && strcmp(argv[1], "values") == 0) {
    return values();
  }
  (void)fputs("usage: metadata_tool rewrite FILE | values\n", stderr);
  return 2;
}

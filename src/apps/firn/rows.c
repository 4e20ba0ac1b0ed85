#include "apps/firn/rows.h"

#include "apps/firn/print.h"
#include "base/json_write.h"
#include "iceberg/types/value.h"

enum { FLUSH_BYTES = 1 << 16 };

firn_status firn_print_rows(firn_app *app, const firn_batch *batch, size_t n, firn_error *err) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  for (size_t row = 0; row < n; row++) {
    firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
    firn_json_begin_object(&w);
    for (uint32_t i = 0; i < batch->schema->n_children; i++) {
      firn_json_key(&w, batch->schema->children[i].name);
      firn_vector_write_json(&batch->columns[i], &batch->schema->children[i], row, &w);
    }
    firn_json_end_object(&w);
    firn_builder_add_u8(&b, '\n');
    if (b.len >= FLUSH_BYTES || row + 1 == n) {
      FIRN_TRY(firn_print_builder(&b, app->out, err));
    }
  }
  return FIRN_OK;
}

firn_status firn_split_names(const char *text, firn_arena *arena, const char *const **out, size_t *n,
                             firn_error *err) {
  *out = NULL;
  *n = 0;
  if (text == NULL) {
    return FIRN_OK;
  }
  size_t count = 1;
  for (const char *c = text; *c != '\0'; c++) {
    count += *c == ',';
  }
  const char **names = firn_new_n(arena, const char *, count);
  if (names == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu names", count);
  }
  for (size_t i = 0; i < count; i++) {
    size_t len = strcspn(text, ",");
    names[i] = firn_arena_text(arena, (firn_bytes){(const uint8_t *)text, len});
    if (names[i] == NULL) {
      return firn_error_set(err, FIRN_NOMEM, "no memory for %zu names", count);
    }
    text += len + 1;
  }
  *out = names;
  *n = count;
  return FIRN_OK;
}

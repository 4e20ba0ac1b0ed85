#include "iceberg/types/value.h"
#include "rows/json_rows.h"

void firn_json_rows_write(const firn_batch *batch, firn_builder *out) {
  for (size_t row = 0; row < batch->n_rows && out->failed == FIRN_OK; row++) {
    firn_json_writer w = FIRN_JSON_WRITER_INIT(out);
    firn_json_begin_object(&w);
    for (uint32_t i = 0; i < batch->schema->n_children; i++) {
      const firn_field *field = &batch->schema->children[i];
      firn_json_key(&w, field->name);
      firn_vector_write_json(&batch->columns[i], field, row, &w);
    }
    firn_json_end_object(&w);
    firn_builder_add_u8(out, '\n');
  }
}

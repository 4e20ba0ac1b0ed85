#include "iceberg/types/value.h"
#include "rows/csv.h"

static uint8_t delimiter_of(const firn_csv_options *options) {
  return options == NULL || options->delimiter == 0 ? (uint8_t)',' : (uint8_t)options->delimiter;
}

/* A text that is empty would read back as null, and blanks at the ends are lost by some readers. */
static bool needs_quotes(firn_bytes text, uint8_t delimiter) {
  if (text.len == 0 || text.data[0] == ' ' || text.data[text.len - 1] == ' ') {
    return true;
  }
  for (size_t i = 0; i < text.len; i++) {
    uint8_t c = text.data[i];
    if (c == delimiter || c == '"' || c == '\n' || c == '\r') {
      return true;
    }
  }
  return false;
}

static void add_field(firn_bytes text, uint8_t delimiter, firn_builder *out) {
  if (!needs_quotes(text, delimiter)) {
    firn_builder_add(out, text);
    return;
  }
  firn_builder_add_u8(out, '"');
  for (size_t done = 0; done < text.len;) {
    const uint8_t *quote = memchr(text.data + done, '"', text.len - done);
    size_t end = quote == NULL ? text.len : (size_t)(quote - text.data) + 1;
    firn_builder_add(out, firn_bytes_part(text, done, end - done));
    if (quote != NULL) {
      firn_builder_add_u8(out, '"');
    }
    done = end;
  }
  firn_builder_add_u8(out, '"');
}

/* A value that is no text: its JSON, without the quotes where that is one (dates, decimals, ...). */
static void add_value(const firn_vector *v, const firn_field *type, size_t row, uint8_t delimiter,
                      firn_builder *scratch, firn_builder *out) {
  firn_json_writer w = FIRN_JSON_WRITER_INIT(scratch);
  firn_builder_reset(scratch);
  firn_vector_write_json(v, type, row, &w);
  firn_bytes json = firn_builder_bytes(scratch);
  if (scratch->failed != FIRN_OK && out->failed == FIRN_OK) {
    out->failed = scratch->failed;
  }
  if (!firn_kind_is_nested(type->kind) && json.len >= 2 && json.data[0] == '"') {
    json = firn_bytes_part(json, 1, json.len - 2);
  }
  add_field(json, delimiter, out);
}

void firn_csv_write_header(const firn_field *schema, const firn_csv_options *options, firn_builder *out) {
  uint8_t delimiter = delimiter_of(options);
  for (uint32_t i = 0; i < schema->n_children; i++) {
    if (i > 0) {
      firn_builder_add_u8(out, delimiter);
    }
    add_field(firn_bytes_of(schema->children[i].name), delimiter, out);
  }
  firn_builder_add_u8(out, '\n');
}

void firn_csv_write_batch(const firn_batch *batch, const firn_csv_options *options, firn_builder *out) {
  uint8_t delimiter = delimiter_of(options);
  FIRN_AUTO_BUILDER scratch = FIRN_BUILDER_INIT(0);
  for (size_t row = 0; row < batch->n_rows && out->failed == FIRN_OK; row++) {
    for (uint32_t i = 0; i < batch->schema->n_children; i++) {
      const firn_vector *v = &batch->columns[i];
      const firn_field *type = &batch->schema->children[i];
      if (i > 0) {
        firn_builder_add_u8(out, delimiter);
      }
      if (firn_vector_is_null(v, row)) {
        continue;
      }
      if (type->kind == FIRN_KIND_STRING) {
        add_field(v->bytes[row], delimiter, out);
      } else {
        add_value(v, type, row, delimiter, &scratch, out);
      }
    }
    firn_builder_add_u8(out, '\n');
  }
}

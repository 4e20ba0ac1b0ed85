#include "apps/firn/output.h"

#include <string.h>

#include "apps/firn/print.h"
#include "base/alloc.h"
#include "formats/arrow/ipc.h"
#include "formats/parquet/writer.h"
#include "rows/csv.h"
#include "rows/json_rows.h"

enum { FLUSH_BYTES = 1 << 16 };

firn_status firn_format_of(const char *text, firn_format *out, firn_error *err) {
  static const char *const names[] = {"table", "json", "csv", "markdown", "arrow", "parquet"};
  for (size_t i = 0; i < FIRN_COUNT_OF(names); i++) {
    if (strcmp(text, names[i]) == 0) {
      *out = (firn_format)i;
      return FIRN_OK;
    }
  }
  return firn_error_set(
      err, FIRN_INVALID,
      "the form of output must be table, json, csv, markdown, arrow or parquet, not \"%.40s\"", text);
}

bool firn_format_is_binary(firn_format format) {
  return format == FIRN_FORMAT_ARROW || format == FIRN_FORMAT_PARQUET;
}

/* CSV */

static firn_status csv_begin(firn_output *o, firn_error *err) {
  (void)err;
  firn_csv_write_header(o->schema, &(firn_csv_options){0}, &o->text);
  return FIRN_OK;
}

static firn_status csv_batch(firn_output *o, const firn_batch *batch, firn_error *err) {
  (void)err;
  firn_csv_write_batch(batch, &(firn_csv_options){0}, &o->text);
  return FIRN_OK;
}

/* JSON lines */

static firn_status json_batch(firn_output *o, const firn_batch *batch, firn_error *err) {
  (void)err;
  firn_json_rows_write(batch, &o->text);
  return FIRN_OK;
}

/* Arrow IPC */

static firn_status arrow_begin(firn_output *o, firn_error *err) {
  return firn_arrow_ipc_write_schema(o->schema, &o->text, err);
}

static firn_status arrow_batch(firn_output *o, const firn_batch *batch, firn_error *err) {
  return firn_arrow_ipc_write_batch(batch, &o->text, err);
}

static firn_status arrow_end(firn_output *o, firn_error *err) {
  (void)err;
  firn_arrow_ipc_write_end(&o->text);
  return FIRN_OK;
}

/* Parquet */

typedef struct parquet_output {
  firn_output base;
  firn_parquet_writer *writer;
} parquet_output;

static firn_status parquet_write(void *self, firn_bytes data, firn_error *err) {
  firn_output *o = self;
  firn_builder_add(&o->text, data);
  return o->text.len < FLUSH_BYTES ? FIRN_OK : firn_print_builder(&o->text, o->to, err);
}

static firn_status parquet_begin(firn_output *o, firn_error *err) {
  firn_parquet_writer_options options = {.codec = FIRN_CODEC_ZSTD};
  return firn_parquet_writer_open(o->schema, &options, (firn_parquet_sink){parquet_write, o},
                                  &((parquet_output *)o)->writer, err);
}

static firn_status parquet_batch(firn_output *o, const firn_batch *batch, firn_error *err) {
  return firn_parquet_writer_write(((parquet_output *)o)->writer, batch, err);
}

static void parquet_close(firn_output *o) {
  parquet_output *p = (parquet_output *)o;
  firn_parquet_writer_close(p->writer);
  p->writer = NULL;
}

static firn_status parquet_end(firn_output *o, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_parquet_file_info info;
  firn_status status = firn_parquet_writer_finish(((parquet_output *)o)->writer, &arena, &info, err);
  parquet_close(o);
  return status;
}

static const firn_output_ops csv_ops = {.begin = csv_begin, .batch = csv_batch};
static const firn_output_ops json_ops = {.batch = json_batch};
static const firn_output_ops arrow_ops = {.begin = arrow_begin, .batch = arrow_batch, .end = arrow_end};
static const firn_output_ops parquet_ops = {
    .begin = parquet_begin, .batch = parquet_batch, .end = parquet_end, .close = parquet_close};

static firn_output *new_output(const firn_output_ops *ops, size_t size) {
  firn_output *o = firn_alloc(size);
  if (o != NULL) {
    o->ops = ops;
  }
  return o;
}

static firn_output *output_of(firn_format format) {
  switch (format) {
    case FIRN_FORMAT_JSON:
      return new_output(&json_ops, sizeof(firn_output));
    case FIRN_FORMAT_CSV:
      return new_output(&csv_ops, sizeof(firn_output));
    case FIRN_FORMAT_MARKDOWN:
      return firn_output_markdown_new();
    case FIRN_FORMAT_ARROW:
      return new_output(&arrow_ops, sizeof(firn_output));
    case FIRN_FORMAT_PARQUET:
      return new_output(&parquet_ops, sizeof(parquet_output));
    case FIRN_FORMAT_TABLE:
      break;
  }
  return firn_output_table_new();
}

firn_status firn_output_open(firn_format format, FILE *to, size_t width, firn_output **out, firn_error *err) {
  firn_output *o = output_of(format);
  if (o == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for output");
  }
  o->to = to;
  o->max_width = width;
  *out = o;
  return FIRN_OK;
}

firn_status firn_output_begin(firn_output *o, const firn_field *schema, firn_error *err) {
  o->schema = schema;
  o->n_rows = 0;
  return o->ops->begin == NULL ? FIRN_OK : o->ops->begin(o, err);
}

firn_status firn_output_batch(firn_output *o, const firn_batch *batch, firn_error *err) {
  FIRN_TRY(o->ops->batch(o, batch, err));
  o->n_rows += batch->n_rows;
  return o->text.len < FLUSH_BYTES ? FIRN_OK : firn_print_builder(&o->text, o->to, err);
}

firn_status firn_output_end(firn_output *o, firn_error *err) {
  if (o->ops->end != NULL) {
    FIRN_TRY(o->ops->end(o, err));
  }
  return firn_print_builder(&o->text, o->to, err);
}

void firn_output_close(firn_output *o) {
  if (o == NULL) {
    return;
  }
  if (o->ops->close != NULL) {
    o->ops->close(o);
  }
  firn_builder_free(&o->text);
  firn_free(o);
}

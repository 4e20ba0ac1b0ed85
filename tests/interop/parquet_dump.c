/* Shows a Parquet file to parquet_read_test.py: a line with the schema, then each row as JSON.
 * parquet_dump FILE                 every row
 * parquet_dump FILE rows FIRST N    some of them, in small batches
 * parquet_dump FILE row N...        single rows
 * parquet_dump FILE ranges FIRST N...   from one range of rows to the next, by one reader
 * Exit status 1 and one sentence on standard error when the file is refused. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "formats/parquet/reader.h"
#include "iceberg/types/schema.h"
#include "iceberg/types/value.h"

typedef struct counted {
  firn_bytes file;
  size_t n_reads, n_bytes;
} counted;

static firn_status read_counted(void *self, firn_ctx *ctx, firn_parquet_range *ranges, size_t n,
                                firn_error *err) {
  counted *c = self;
  firn_parquet_source plain = firn_parquet_source_over(&c->file);
  c->n_reads++;
  for (size_t i = 0; i < n; i++) {
    c->n_bytes += ranges[i].len;
  }
  return plain.read(plain.self, ctx, ranges, n, err);
}

static void show_type(const firn_field *field, firn_arena *arena, firn_json_writer *w) {
  firn_json_begin_object(w);
  firn_json_add_text(w, "name", field->name);
  firn_json_add_text(w, "type", firn_type_text(field, arena));
  firn_json_add_int64(w, "id", field->id);
  firn_json_add_bool(w, "required", field->required);
  if (field->n_children > 0) {
    firn_json_key(w, "children");
    firn_json_begin_array(w);
    for (uint32_t i = 0; i < field->n_children; i++) {
      show_type(&field->children[i], arena, w);
    }
    firn_json_end_array(w);
  }
  firn_json_end_object(w);
}

static firn_status print_line(firn_builder *b, firn_error *err) {
  firn_bytes line;
  FIRN_TRY(firn_builder_finish(b, &line, err));
  (void)fwrite(line.data, 1, line.len, stdout);
  (void)fputc('\n', stdout);
  firn_builder_reset(b);
  return FIRN_OK;
}

static firn_status show_batch(const firn_batch *batch, firn_error *err) {
  FIRN_AUTO_BUILDER line = FIRN_BUILDER_INIT(0);
  FIRN_TRY(firn_batch_check(batch, err));
  for (size_t row = 0; row < batch->n_rows; row++) {
    firn_json_writer w = FIRN_JSON_WRITER_INIT(&line);
    firn_json_begin_array(&w); /* not an object: names may repeat */
    for (uint32_t c = 0; c < batch->schema->n_children; c++) {
      firn_vector_write_json(&batch->columns[c], &batch->schema->children[c], row, &w);
    }
    firn_json_end_array(&w);
    FIRN_TRY(print_line(&line, err));
  }
  return FIRN_OK;
}

static firn_status show_rows(const firn_parquet_file *file, firn_ctx *ctx, int64_t first, int64_t n,
                             size_t batch_rows, firn_error *err) {
  firn_parquet_reader_options options = {.first_row = first, .n_rows = n, .batch_rows = batch_rows};
  FIRN_AUTO_PARQUET_READER *reader = NULL;
  int64_t expected = first;
  FIRN_TRY(firn_parquet_reader_open(file, &options, &reader, err));
  for (;;) {
    const firn_batch *batch;
    FIRN_TRY(firn_parquet_reader_next(reader, ctx, &batch, err));
    if (batch == NULL) {
      return FIRN_OK;
    }
    if (firn_parquet_reader_row(reader) != expected) {
      return firn_error_set(err, FIRN_INVALID, "the batch says that it begins at row %" PRId64,
                            firn_parquet_reader_row(reader));
    }
    expected += (int64_t)batch->n_rows;
    FIRN_TRY(show_batch(batch, err));
  }
}

/* Pairs of numbers. Every other range is sought as if the rest of the file would follow. */
static firn_status show_ranges(const firn_parquet_file *file, firn_ctx *ctx, int n, char **words,
                               firn_error *err) {
  firn_parquet_reader_options options = {.seeks = true};
  FIRN_AUTO_PARQUET_READER *reader = NULL;
  FIRN_TRY(firn_parquet_reader_open(file, &options, &reader, err));
  for (int i = 0; i + 1 < n; i += 2) {
    int64_t at = strtoll(words[i], NULL, 10);
    int64_t end = at + strtoll(words[i + 1], NULL, 10);
    int64_t all = firn_parquet_file_metadata(file)->n_rows;
    FIRN_TRY(firn_parquet_reader_seek(reader, at, i % 4 == 0 ? end : all, err));
    while (at < end) {
      const firn_batch *batch;
      FIRN_TRY(firn_parquet_reader_next_rows(reader, ctx, (size_t)(end - at), &batch, err));
      if (batch == NULL || firn_parquet_reader_row(reader) != at) {
        return firn_error_set(err, FIRN_INVALID, "row %" PRId64 " was sought and did not come", at);
      }
      at += (int64_t)batch->n_rows;
      FIRN_TRY(show_batch(batch, err));
    }
  }
  return FIRN_OK;
}

static firn_status show_row(const firn_parquet_file *file, counted *from, firn_ctx *ctx, int64_t row,
                            firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_batch batch;
  from->n_reads = from->n_bytes = 0;
  FIRN_TRY(firn_parquet_read_row(file, ctx, row, NULL, 0, &arena, &batch, err));
  (void)fprintf(stderr, "row %" PRId64 ": %zu reads, %zu bytes\n", row, from->n_reads, from->n_bytes);
  return show_batch(&batch, err);
}

static firn_status show(counted *from, int n_words, char **words, firn_error *err) {
  firn_ctx ctx = FIRN_CTX_INIT(&firn_env_system);
  FIRN_AUTO_PARQUET_FILE *file = NULL;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER line = FIRN_BUILDER_INIT(0);
  firn_parquet_source source = {read_counted, from, from->file.len};
  FIRN_TRY(firn_parquet_file_open(source, &ctx, 0, 0, &file, err));
  firn_json_writer w = FIRN_JSON_WRITER_INIT(&line);
  show_type(firn_parquet_file_metadata(file)->schema, &arena, &w);
  FIRN_TRY(print_line(&line, err));
  if (n_words > 2 && strcmp(words[0], "rows") == 0) {
    return show_rows(file, &ctx, strtoll(words[1], NULL, 10), strtoll(words[2], NULL, 10), 7, err);
  }
  if (n_words > 2 && strcmp(words[0], "ranges") == 0) {
    return show_ranges(file, &ctx, n_words - 1, words + 1, err);
  }
  for (int i = 1; i < n_words && strcmp(words[0], "row") == 0; i++) {
    FIRN_TRY(show_row(file, from, &ctx, strtoll(words[i], NULL, 10), err));
  }
  return n_words == 0 ? show_rows(file, &ctx, 0, 0, 0, err) : FIRN_OK;
}

int main(int argc, char **argv) {
  FILE *f = argc < 2 ? NULL : fopen(argv[1], "rb");
  if (f == NULL || fseek(f, 0, SEEK_END) != 0) {
    (void)fprintf(stderr, "usage: parquet_dump FILE [rows FIRST N | row N... | ranges FIRST N...]\n");
    return 2;
  }
  size_t size = (size_t)ftell(f);
  uint8_t *data = firn_alloc_raw(size); /* of just this size, so that ASan sees what is read beyond */
  rewind(f);
  if (data == NULL || fread(data, 1, size, f) != size) {
    (void)fprintf(stderr, "cannot read %s\n", argv[1]);
    return 2;
  }
  (void)fclose(f);
  counted from = {.file = {data, size}};
  firn_error err = {0};
  firn_status status = show(&from, argc - 2, argv + 2, &err);
  if (status != FIRN_OK) {
    (void)fprintf(stderr, "%s: %s\n", firn_status_name(status), err.text);
  }
  firn_free(data);
  return status == FIRN_OK ? 0 : 1;
}

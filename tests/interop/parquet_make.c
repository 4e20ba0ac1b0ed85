/* Writes Parquet files of random tables for parquet_write_test.py, which reads them with other engines:
 * parquet_make FOLDER FIRST COUNT
 * For each seed from FIRST on: N.parquet, N.rows (what is in it: a JSON array a row, values bit by bit) and
 * N.json (the schema, how it was written, what the writer told). Exit status 1 and a sentence on standard
 * error on failure. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "../random_batch.h"
#include "base/json_write.h"
#include "formats/parquet/writer.h"

enum { BATCHES = 3, COLUMNS_MAX = 8 };

static firn_status write_to_file(void *self, firn_bytes data, firn_error *err) {
  if (fwrite(data.data, 1, data.len, self) != data.len) {
    return firn_error_set(err, FIRN_IO, "the file cannot be written");
  }
  return FIRN_OK;
}

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory");
}

static void show_hex(firn_json_writer *w, firn_bytes bytes) {
  FIRN_AUTO_BUILDER hex = FIRN_BUILDER_INIT(0);
  for (size_t i = 0; i < bytes.len; i++) {
    firn_builder_addf(&hex, "%02x", bytes.data[i]);
  }
  firn_json_write_bytes(w, firn_builder_bytes(&hex));
}

static void show_decimal(firn_json_writer *w, firn_decimal v) {
  char text[48];
  size_t at = sizeof text;
  firn_decimal rest = v < 0 ? -v : v;
  text[--at] = '\0';
  do {
    text[--at] = (char)('0' + (int)(rest % 10));
    rest /= 10;
  } while (rest > 0);
  if (v < 0) {
    text[--at] = '-';
  }
  firn_json_write_text(w, text + at);
}

static void show_value(firn_json_writer *w, const firn_field *f, const firn_vector *v, size_t i);

/* A struct is an array of its fields, a list of its elements, a map of [key, value]. */
static void show_nested(firn_json_writer *w, const firn_field *f, const firn_vector *v, size_t i) {
  firn_json_begin_array(w);
  if (f->kind == FIRN_KIND_STRUCT) {
    for (uint32_t c = 0; c < f->n_children; c++) {
      show_value(w, &f->children[c], &v->children[c], i);
    }
  } else {
    for (int32_t e = v->offsets[i]; e < v->offsets[i + 1]; e++) {
      if (f->kind == FIRN_KIND_MAP) {
        firn_json_begin_array(w);
      }
      for (uint32_t c = 0; c < f->n_children; c++) {
        show_value(w, &f->children[c], &v->children[c], (size_t)e);
      }
      if (f->kind == FIRN_KIND_MAP) {
        firn_json_end_array(w);
      }
    }
  }
  firn_json_end_array(w);
}

static void show_value(firn_json_writer *w, const firn_field *f, const firn_vector *v, size_t i) {
  if (firn_vector_is_null(v, i)) {
    firn_json_write_null(w);
  } else if (firn_kind_is_nested(f->kind)) {
    show_nested(w, f, v, i);
  } else if (f->kind == FIRN_KIND_BOOLEAN) {
    firn_json_write_bool(w, firn_bit(v->bits, i));
  } else if (f->kind == FIRN_KIND_STRING) {
    firn_json_write_bytes(w, v->bytes[i]);
  } else if (firn_kind_is_bytes(f->kind)) {
    show_hex(w, v->bytes[i]);
  } else if (f->kind == FIRN_KIND_DECIMAL) {
    show_decimal(w, v->dec[i]);
  } else if (firn_kind_value_size(f->kind) == sizeof(int32_t)) {
    firn_json_write_int64(w, v->i32[i]); /* floats as their bits */
  } else {
    firn_json_write_int64(w, v->i64[i]);
  }
}

static firn_status save(const char *folder, uint64_t seed, const char *ending, const firn_builder *b,
                        firn_error *err) {
  char path[4096];
  firn_bytes text;
  FIRN_TRY(firn_builder_finish(b, &text, err));
  (void)snprintf(path, sizeof path, "%s/%" PRIu64 ".%s", folder, seed, ending);
  FILE *f = fopen(path, "wb");
  if (f == NULL) {
    return firn_error_set(err, FIRN_IO, "%s cannot be made", path);
  }
  bool ok = fwrite(text.data, 1, text.len, f) == text.len;
  ok = fclose(f) == 0 && ok;
  return ok ? FIRN_OK : firn_error_set(err, FIRN_IO, "%s cannot be written", path);
}

static void show_schema(firn_json_writer *w, const firn_field *f) {
  firn_json_begin_object(w);
  firn_json_add_text(w, "name", f->name);
  firn_json_add_int64(w, "id", f->id);
  firn_json_add_text(w, "kind", firn_kind_name(f->kind));
  firn_json_add_bool(w, "required", f->required);
  firn_json_add_int64(w, "precision", f->precision);
  firn_json_add_int64(w, "scale", f->scale);
  firn_json_key(w, "children");
  firn_json_begin_array(w);
  for (uint32_t i = 0; i < f->n_children; i++) {
    show_schema(w, &f->children[i]);
  }
  firn_json_end_array(w);
  firn_json_end_object(w);
}

static void show_info(firn_json_writer *w, const firn_parquet_file_info *info) {
  firn_json_key(w, "columns");
  firn_json_begin_array(w);
  for (size_t i = 0; i < info->n_columns; i++) {
    const firn_parquet_column_info *c = &info->columns[i];
    firn_json_begin_object(w);
    firn_json_add_int64(w, "id", c->field_id);
    firn_json_add_bool(w, "in_list", c->in_list);
    firn_json_add_int64(w, "compressed_bytes", c->compressed_bytes);
    firn_json_add_int64(w, "n_values", c->n_values);
    firn_json_add_int64(w, "n_nulls", c->n_nulls);
    firn_json_add_int64(w, "n_nans", c->n_nans);
    if (c->has_bounds) {
      firn_json_key(w, "lower");
      show_hex(w, c->lower);
    }
    if (c->has_upper) {
      firn_json_key(w, "upper");
      show_hex(w, c->upper);
    }
    firn_json_end_object(w);
  }
  firn_json_end_array(w);
  firn_json_key(w, "split_offsets");
  firn_json_begin_array(w);
  for (size_t i = 0; i < info->n_row_groups; i++) {
    firn_json_write_int64(w, info->split_offsets[i]);
  }
  firn_json_end_array(w);
}

typedef struct plan {
  firn_parquet_writer_options options;
  firn_parquet_column_options columns[COLUMNS_MAX];
} plan;

/* Every codec, small and large pages, row groups and dictionaries; filters and bounds differ by column. */
static void make_plan(random_source *r, uint64_t seed, const firn_field *schema, plan *p) {
  static const firn_codec codecs[] = {FIRN_CODEC_NONE,    FIRN_CODEC_SNAPPY, FIRN_CODEC_GZIP,
                                      FIRN_CODEC_LZ4_RAW, FIRN_CODEC_ZSTD,   FIRN_CODEC_BROTLI};
  p->options = (firn_parquet_writer_options){.codec = codecs[seed % FIRN_COUNT_OF(codecs)],
                                             .page_bytes = (size_t)128 << random_below(r, 10),
                                             .page_rows = 1 + random_below(r, 700),
                                             .row_group_rows = 100 + random_below(r, 3000),
                                             .dictionary_bytes = (size_t)64 << random_below(r, 12),
                                             .skip_incompressible = random_below(r, 2) == 0,
                                             .columns = p->columns};
  for (uint32_t i = 0; i < schema->n_children; i++) {
    const firn_field *f = &schema->children[i];
    if (firn_kind_is_nested(f->kind) || f->kind == FIRN_KIND_BOOLEAN) {
      continue;
    }
    p->columns[p->options.n_columns++] = (firn_parquet_column_options){
        .path = f->name,
        .bloom_filter = random_below(r, 2) == 0,
        .dictionary = random_below(r, 5) == 0 ? FIRN_DICTIONARY_OFF : FIRN_DICTIONARY_AUTO,
        .bounds = (firn_parquet_bounds)(random_below(r, 4) == 0 ? 1 + random_below(r, 2) : 0)};
  }
}

static void show_plan(firn_json_writer *w, const plan *p) {
  firn_json_add_text(w, "codec", firn_codec_name(p->options.codec));
  firn_json_add_int64(w, "page_bytes", (int64_t)p->options.page_bytes);
  firn_json_add_int64(w, "page_rows", (int64_t)p->options.page_rows);
  firn_json_add_int64(w, "row_group_rows", (int64_t)p->options.row_group_rows);
  firn_json_key(w, "options");
  firn_json_begin_object(w);
  for (size_t i = 0; i < p->options.n_columns; i++) {
    firn_json_key(w, p->columns[i].path);
    firn_json_begin_object(w);
    firn_json_add_bool(w, "bloom_filter", p->columns[i].bloom_filter);
    firn_json_add_int64(w, "bounds", p->columns[i].bounds);
    firn_json_end_object(w);
  }
  firn_json_end_object(w);
}

static firn_status write_parquet(const char *folder, uint64_t seed, const firn_field *schema, const plan *p,
                                 const firn_batch *batches, firn_arena *arena, firn_parquet_file_info *info,
                                 firn_error *err) {
  char path[4096];
  FIRN_AUTO_PARQUET_WRITER *w = NULL;
  (void)snprintf(path, sizeof path, "%s/%" PRIu64 ".parquet", folder, seed);
  FILE *f = fopen(path, "wb");
  if (f == NULL) {
    return firn_error_set(err, FIRN_IO, "%s cannot be made", path);
  }
  firn_status status =
      firn_parquet_writer_open(schema, &p->options, (firn_parquet_sink){write_to_file, f}, &w, err);
  for (size_t i = 0; i < BATCHES && status == FIRN_OK; i++) {
    status = firn_parquet_writer_write(w, &batches[i], err);
  }
  if (status == FIRN_OK) {
    status = firn_parquet_writer_finish(w, arena, info, err);
  }
  if (fclose(f) != 0 && status == FIRN_OK) {
    status = firn_error_set(err, FIRN_IO, "%s cannot be written", path);
  }
  return status;
}

static firn_status make(const char *folder, uint64_t seed, firn_error *err) {
  random_source r = {.state = seed};
  plan p = {0};
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER rows = FIRN_BUILDER_INIT(0), about = FIRN_BUILDER_INIT(0);
  firn_field schema;
  firn_batch batches[BATCHES];
  firn_parquet_file_info info;
  if (!random_schema(&r, &arena, 1 + (uint32_t)random_below(&r, COLUMNS_MAX), &schema)) {
    return no_memory(err);
  }
  for (size_t i = 0; i < BATCHES; i++) {
    if (!random_batch(&r, &schema, random_below(&r, seed % 5 == 0 ? 4000 : 400), &arena, &batches[i])) {
      return no_memory(err);
    }
    for (size_t row = 0; row < batches[i].n_rows; row++) {
      firn_json_writer w = FIRN_JSON_WRITER_INIT(&rows);
      firn_json_begin_array(&w);
      for (uint32_t c = 0; c < schema.n_children; c++) {
        show_value(&w, &schema.children[c], &batches[i].columns[c], row);
      }
      firn_json_end_array(&w);
      firn_builder_add_u8(&rows, '\n');
    }
  }
  make_plan(&r, seed, &schema, &p);
  FIRN_TRY(write_parquet(folder, seed, &schema, &p, batches, &arena, &info, err));
  firn_json_writer w = FIRN_JSON_WRITER_INIT(&about);
  firn_json_begin_object(&w);
  firn_json_key(&w, "schema");
  show_schema(&w, &schema);
  show_plan(&w, &p);
  show_info(&w, &info);
  firn_json_end_object(&w);
  FIRN_TRY(save(folder, seed, "rows", &rows, err));
  return save(folder, seed, "json", &about, err);
}

int main(int argc, char **argv) {
  if (argc != 4) {
    (void)fprintf(stderr, "usage: parquet_make FOLDER FIRST COUNT\n");
    return 2;
  }
  uint64_t first = strtoull(argv[2], NULL, 10), count = strtoull(argv[3], NULL, 10);
  for (uint64_t seed = first; seed < first + count; seed++) {
    firn_error err = {0};
    if (make(argv[1], seed, &err) != FIRN_OK) {
      (void)fprintf(stderr, "seed %" PRIu64 ": %s\n", seed, err.text);
      return 1;
    }
  }
  return 0;
}

#include "services/load/properties_internal.h"

#include <stdlib.h>

#include "base/number.h"
#include "iceberg/commit/property.h"
#include "iceberg/types/schema.h"

#define CODEC "write.parquet.compression-codec"
#define LEVEL "write.parquet.compression-level"
#define BLOOM "write.parquet.bloom-filter-enabled.column."
#define BLOOM_FPP "write.parquet.bloom-filter-fpp.column."

static size_t size_property(const firn_metadata *table, const char *key, int64_t least) {
  int64_t v = firn_property_int64(&firn_metadata_get(table)->properties, key, 0);
  return v < least ? 0 : (size_t)v;
}

uint64_t firn_load_target_bytes(const firn_metadata *table) {
  return size_property(table, "write.target-file-size-bytes", 1);
}

static double fpp_of(const firn_metadata *table, const char *column, firn_arena *arena) {
  const char *key = firn_arena_printf(arena, BLOOM_FPP "%s", column);
  const char *text = key == NULL ? NULL : firn_metadata_property(table, key);
  char *end = NULL;
  double v = text == NULL ? 0 : strtod(text, &end);
  return v > 0 && v < 1 ? v : 0;
}

/* Columns that the table has, outside of lists and maps: their paths in a file are their names. */
static firn_status bloom_columns(const firn_metadata *table, firn_arena *arena,
                                 firn_parquet_writer_options *out, firn_error *err) {
  const firn_properties *p = &firn_metadata_get(table)->properties;
  const firn_schema *schema = firn_metadata_current_schema(table);
  firn_parquet_column_options *columns = firn_new_n(arena, firn_parquet_column_options, p->n);
  if (columns == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a table's properties");
  }
  size_t n = 0;
  for (size_t i = 0; i < p->n; i++) {
    const char *key = p->items[i].key;
    if (!firn_bytes_has_prefix(firn_bytes_of(key), FIRN_LITERAL(BLOOM)) ||
        strcmp(p->items[i].value, "true") != 0) {
      continue;
    }
    const char *column = key + sizeof BLOOM - 1;
    const firn_field *field = firn_schema_find(schema, column);
    if (field != NULL && !firn_kind_is_nested(field->kind) && firn_spec_source(schema, field->id) != NULL) {
      columns[n++] = (firn_parquet_column_options){
          .path = column, .bloom_filter = true, .bloom_fpp = fpp_of(table, column, arena)};
    }
  }
  out->columns = columns;
  out->n_columns = n;
  return FIRN_OK;
}

firn_status firn_load_parquet_options(const firn_metadata *table, firn_arena *arena,
                                      firn_parquet_writer_options *out, firn_error *err) {
  firn_parquet_writer_options o = {
      .codec = FIRN_CODEC_ZSTD,
      .page_bytes = size_property(table, "write.parquet.page-size-bytes", 1024),
      .page_rows = size_property(table, "write.parquet.page-row-limit", 1),
      .row_group_bytes = size_property(table, "write.parquet.row-group-size-bytes", 1 << 16),
      .dictionary_bytes = size_property(table, "write.parquet.dict-size-bytes", 1024),
      .skip_incompressible = true,
  };
  const char *codec = firn_metadata_property(table, CODEC);
  firn_status status = codec == NULL ? FIRN_OK : firn_codec_by_name(codec, &o.codec, err);
  if (status != FIRN_OK) {
    return firn_error_while(err, status, "the table's property " CODEC);
  }
  int64_t level = firn_property_int64(&firn_metadata_get(table)->properties, LEVEL, 0);
  firn_compressor *try = NULL;
  if (level > -100 && level < 100 && firn_compressor_new(o.codec, (int)level, &try, NULL) == FIRN_OK) {
    o.level = (int)level; /* one that the codec has */
  }
  firn_compressor_free(try);
  FIRN_TRY(bloom_columns(table, arena, &o, err));
  *out = o;
  return FIRN_OK;
}

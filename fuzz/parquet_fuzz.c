/* A whole Parquet file: everything that a reader may be asked of it. */
#include "formats/parquet/reader.h"
#include "formats/parquet/statistics.h"

/* From one range of rows to another, of every second leaf; and every bound of a chunk. */
static firn_status seek_about(const firn_parquet_file *f, firn_ctx *ctx, firn_arena *arena) {
  const firn_parquet_metadata *m = firn_parquet_file_metadata(f);
  FIRN_AUTO_PARQUET_READER *r = NULL;
  firn_parquet_reader_options options = {.max_page_bytes = 1 << 20, .seeks = true};
  bool *leaves = firn_new_n(arena, bool, m->n_leaves);
  for (uint32_t i = 0; leaves != NULL && i < m->n_leaves; i++) {
    leaves[i] = i % 2 == 0;
    for (size_t g = 0; g < m->n_row_groups && g < 4; g++) {
      const firn_parquet_statistics *s = &m->row_groups[g].chunks[i].statistics;
      _Alignas(16) uint8_t value[FIRN_PARQUET_VALUE_MAX];
      FIRN_IGNORE(firn_parquet_bound_read(m->leaves[i], s->min, true, value));
      FIRN_IGNORE(firn_parquet_bound_read(m->leaves[i], s->max, false, value));
    }
  }
  options.leaves = m->n_rows % 2 == 0 ? leaves : NULL;
  FIRN_TRY(firn_parquet_reader_open(f, &options, &r, NULL));
  int64_t step = m->n_rows / 9 + 1;
  for (int64_t at = 0; at < m->n_rows; at += 2 * step) {
    const firn_batch *batch;
    FIRN_TRY(firn_parquet_reader_seek(r, at, at + step < m->n_rows ? at + step : m->n_rows, NULL));
    FIRN_TRY(firn_parquet_reader_next_rows(r, ctx, 100, &batch, NULL));
    if (batch != NULL) {
      FIRN_TRY(firn_batch_check(batch, NULL));
    }
  }
  return FIRN_OK;
}

static firn_status read_everything(const firn_parquet_file *f, firn_ctx *ctx, firn_arena *arena) {
  const firn_parquet_metadata *m = firn_parquet_file_metadata(f);
  FIRN_AUTO_PARQUET_READER *r = NULL;
  firn_parquet_reader_options options = {.max_page_bytes = 1 << 20};
  FIRN_TRY(firn_parquet_reader_open(f, &options, &r, NULL));
  for (int batches = 0; batches < 1000;
       batches++) { /* a run of nulls may claim more rows than there is time for */
    const firn_batch *batch;
    FIRN_TRY(firn_parquet_reader_next(r, ctx, &batch, NULL));
    if (batch == NULL) {
      break;
    }
    FIRN_TRY(firn_batch_check(batch, NULL));
  }
  firn_batch row;
  FIRN_IGNORE(firn_parquet_read_row(f, ctx, m->n_rows / 2, NULL, 0, arena, &row,
                                    NULL)); /* what it says is its own affair */
  for (size_t g = 0; g < m->n_row_groups && g < 4; g++) {
    for (uint32_t leaf = 0; leaf < m->n_leaves && leaf < 16; leaf++) {
      firn_parquet_offset_index offsets;
      firn_parquet_column_index columns;
      bool found;
      FIRN_IGNORE(firn_parquet_file_offset_index(f, ctx, g, leaf, arena, &offsets, NULL)); /* the same */
      FIRN_IGNORE(firn_parquet_file_column_index(f, ctx, g, leaf, arena, &columns, NULL));
      FIRN_IGNORE(firn_parquet_file_may_contain(f, ctx, g, leaf, FIRN_LITERAL("snow"), &found, NULL));
    }
  }
  return FIRN_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  firn_ctx ctx = FIRN_CTX_INIT(&firn_env_system);
  firn_bytes file = {data, size};
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(64 << 20);
  FIRN_AUTO_PARQUET_FILE *f = NULL;
  if (firn_parquet_file_open(firn_parquet_source_over(&file), &ctx, 1024, 0, &f, NULL) == FIRN_OK) {
    FIRN_IGNORE(seek_about(f, &ctx, &arena)); /* refused or not, the sanitizers judge */
    FIRN_IGNORE(read_everything(f, &ctx, &arena));
  }
  return 0;
}

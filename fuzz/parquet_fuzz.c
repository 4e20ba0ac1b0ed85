/* A whole Parquet file: everything that a reader may be asked of it. */
#include "formats/parquet/reader.h"

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
    FIRN_IGNORE(read_everything(f, &ctx, &arena)); /* refused or not, the sanitizers judge */
  }
  return 0;
}

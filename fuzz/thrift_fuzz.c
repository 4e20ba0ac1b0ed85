/* Thrift structures: as a footer of a Parquet file, as page indexes, and skipped whole. */
#include "formats/parquet/metadata.h"
#include "formats/thrift/thrift.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  firn_bytes in = {data, size};
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(256 << 20);
  const firn_parquet_metadata *metadata;
  firn_parquet_offset_index offsets;
  firn_parquet_column_index columns;
  /* Refused or not, the sanitizers judge. */
  FIRN_IGNORE(firn_parquet_metadata_read(in, 1 << 20, &arena, &metadata, NULL));
  FIRN_IGNORE(firn_parquet_offset_index_read(in, 1000, 1 << 20, &arena, &offsets, NULL));
  FIRN_IGNORE(firn_parquet_column_index_read(in, &arena, &columns, NULL));
  firn_thrift_reader r = firn_thrift_reader_over(in);
  firn_thrift_skip(&r, FIRN_THRIFT_STRUCT);
  return 0;
}

/* The head of a page. Follows parquet.thrift: PageHeader. */
#ifndef FIRN_FORMATS_PARQUET_PAGE_INTERNAL_H
#define FIRN_FORMATS_PARQUET_PAGE_INTERNAL_H

#include "formats/parquet/metadata.h"

typedef enum firn_parquet_page_type {
  FIRN_PAGE_DATA = 0,
  FIRN_PAGE_INDEX = 1,
  FIRN_PAGE_DICTIONARY = 2,
  FIRN_PAGE_DATA_V2 = 3,
} firn_parquet_page_type;

typedef struct firn_parquet_page_head {
  int32_t type;
  int32_t head_bytes; /* of this head */
  int32_t compressed_bytes, uncompressed_bytes;
  bool has_crc;
  uint32_t crc;
  int32_t n_values; /* nulls included */
  int32_t encoding;
  int32_t def_encoding, rep_encoding; /* v1 */
  int32_t n_rows;                     /* v2 */
  int32_t def_bytes, rep_bytes;       /* v2 */
  bool is_compressed;                 /* v2; else true */
} firn_parquet_page_head;

/* False when `in` does not begin with a whole head; more bytes may help. */
bool firn_parquet_page_head_read(firn_bytes in, firn_parquet_page_head *out);

/* "DELTA_BINARY_PACKED", ...; "encoding" for a number that is none. */
const char *firn_parquet_encoding_name(int32_t encoding);

#endif

#include "formats/parquet/page_internal.h"
#include "formats/thrift/thrift.h"

const char *firn_parquet_encoding_name(int32_t encoding) {
  static const char *const names[] = {"PLAIN",
                                      NULL,
                                      "PLAIN_DICTIONARY",
                                      "RLE",
                                      "BIT_PACKED",
                                      "DELTA_BINARY_PACKED",
                                      "DELTA_LENGTH_BYTE_ARRAY",
                                      "DELTA_BYTE_ARRAY",
                                      "RLE_DICTIONARY",
                                      "BYTE_STREAM_SPLIT",
                                      "ALP"};
  bool known = encoding >= 0 && encoding < (int32_t)FIRN_COUNT_OF(names) && names[encoding] != NULL;
  return known ? names[encoding] : "an unknown encoding";
}

static void read_data(firn_thrift_reader *r, firn_parquet_page_head *h) {
  firn_thrift_struct_begin(r);
  for (firn_thrift_field f = {0}; firn_thrift_field_next(r, &f);) {
    switch (f.id) {
      case 1:
        h->n_values = firn_thrift_i32(r, f);
        break;
      case 2:
        h->encoding = firn_thrift_i32(r, f);
        break;
      case 3:
        h->def_encoding = firn_thrift_i32(r, f);
        break;
      case 4:
        h->rep_encoding = firn_thrift_i32(r, f);
        break;
      default:
        firn_thrift_skip(r, f.type);
        break;
    }
  }
  firn_thrift_struct_end(r);
}

static void read_dictionary(firn_thrift_reader *r, firn_parquet_page_head *h) {
  firn_thrift_struct_begin(r);
  for (firn_thrift_field f = {0}; firn_thrift_field_next(r, &f);) {
    switch (f.id) {
      case 1:
        h->n_values = firn_thrift_i32(r, f);
        break;
      case 2:
        h->encoding = firn_thrift_i32(r, f);
        break;
      default:
        firn_thrift_skip(r, f.type);
        break;
    }
  }
  firn_thrift_struct_end(r);
}

static void read_data_v2(firn_thrift_reader *r, firn_parquet_page_head *h) {
  firn_thrift_struct_begin(r);
  for (firn_thrift_field f = {0}; firn_thrift_field_next(r, &f);) {
    switch (f.id) {
      case 1:
        h->n_values = firn_thrift_i32(r, f);
        break;
      case 3:
        h->n_rows = firn_thrift_i32(r, f);
        break;
      case 4:
        h->encoding = firn_thrift_i32(r, f);
        break;
      case 5:
        h->def_bytes = firn_thrift_i32(r, f);
        break;
      case 6:
        h->rep_bytes = firn_thrift_i32(r, f);
        break;
      case 7:
        h->is_compressed = firn_thrift_bool(r, f);
        break;
      default:
        firn_thrift_skip(r, f.type);
        break;
    }
  }
  firn_thrift_struct_end(r);
}

bool firn_parquet_page_head_read(firn_bytes in, firn_parquet_page_head *out) {
  firn_thrift_reader r = firn_thrift_reader_over(in);
  firn_parquet_page_head h = {.type = -1,
                              .compressed_bytes = -1,
                              .uncompressed_bytes = -1,
                              .n_values = -1,
                              .encoding = -1,
                              .n_rows = -1,
                              .is_compressed = true};
  firn_thrift_struct_begin(&r);
  for (firn_thrift_field f = {0}; firn_thrift_field_next(&r, &f);) {
    bool is_struct = f.type == FIRN_THRIFT_STRUCT;
    if (f.id == 1) {
      h.type = firn_thrift_i32(&r, f);
    } else if (f.id == 2) {
      h.uncompressed_bytes = firn_thrift_i32(&r, f);
    } else if (f.id == 3) {
      h.compressed_bytes = firn_thrift_i32(&r, f);
    } else if (f.id == 4) {
      h.crc = (uint32_t)firn_thrift_i32(&r, f);
      h.has_crc = true;
    } else if (f.id == 5 && is_struct) {
      read_data(&r, &h);
    } else if (f.id == 7 && is_struct) {
      read_dictionary(&r, &h);
    } else if (f.id == 8 && is_struct) {
      read_data_v2(&r, &h);
    } else {
      firn_thrift_skip(&r, f.type);
    }
  }
  firn_thrift_struct_end(&r);
  if (r.in.bad) {
    return false;
  }
  h.head_bytes = (int32_t)firn_cursor_offset(&r.in);
  *out = h;
  return true;
}

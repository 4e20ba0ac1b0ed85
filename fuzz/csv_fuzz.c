/* CSV as rows, with a header and without. */
#include "rows_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static firn_status open_csv(firn_rows_input input, const firn_rows_options *options, firn_ctx *ctx,
                            firn_rows **out, firn_error *err) {
  const firn_csv_options sniffed = {0};
  return firn_csv_open(input, &sniffed, options, ctx, out, err);
}

static firn_status open_headless(firn_rows_input input, const firn_rows_options *options, firn_ctx *ctx,
                                 firn_rows **out, firn_error *err) {
  const firn_csv_options said = {.delimiter = ',', .no_header = true};
  return firn_csv_open(input, &said, options, ctx, out, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fuzz_rows_of(open_csv, (firn_bytes){data, size});
  fuzz_rows_of(open_headless, (firn_bytes){data, size});
  return 0;
}

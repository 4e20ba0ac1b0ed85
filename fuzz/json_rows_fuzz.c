/* JSON lines, arrays and sequences as rows. */
#include "rows_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fuzz_rows_of(firn_json_rows_open, (firn_bytes){data, size});
  return 0;
}

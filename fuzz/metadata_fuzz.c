/* Table metadata from anyone's bytes: what is read must also be written, read again, and then be written the
 * same. */
#include <stdlib.h>

#include "iceberg/meta/metadata.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_to(const firn_metadata *m, firn_builder *b) {
  firn_json_writer w = FIRN_JSON_WRITER_INIT(b);
  firn_metadata_write(m, &w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  FIRN_AUTO_METADATA *m = NULL;
  FIRN_AUTO_METADATA *again = NULL;
  FIRN_AUTO_BUILDER once = FIRN_BUILDER_INIT(0), twice = FIRN_BUILDER_INIT(0);
  firn_error err;
  if (firn_metadata_read((firn_bytes){data, size}, &m, &err) != FIRN_OK) {
    return 0;
  }
  write_to(m, &once);
  if (once.failed != FIRN_OK || firn_metadata_read(firn_builder_bytes(&once), &again, &err) != FIRN_OK) {
    abort();
  }
  write_to(again, &twice);
  if (!firn_bytes_equal(firn_builder_bytes(&once), firn_builder_bytes(&twice))) {
    abort();
  }
  return 0;
}

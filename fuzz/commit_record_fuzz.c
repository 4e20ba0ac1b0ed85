/* Commit records from anyone's bytes: one that can be read and whose files fit the table must also be
 * written, read again, and then be written the same. */
#include <stdlib.h>

#include "events/commit_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const metadata_json =
    "{\"format-version\":2,\"table-uuid\":\"9c12d441-03fe-4693-9a96-a0705ddf69c1\",\"location\":\"/lake\","
    "\"last-sequence-number\":0,\"last-updated-ms\":0,\"last-column-id\":1,\"current-schema-id\":0,"
    "\"schemas\":[{\"type\":\"struct\",\"schema-id\":0,\"fields\":[{\"id\":1,\"name\":\"at\",\"required\":"
    "false,\"type\":\"timestamptz\"}]}],\"default-spec-id\":0,\"partition-specs\":[{\"spec-id\":0,\"fields\":"
    "[{\"source-id\":1,\"field-id\":1000,\"name\":\"at_day\",\"transform\":\"day\"}]}],"
    "\"last-partition-id\":1000,\"default-sort-order-id\":0,\"sort-orders\":[{\"order-id\":0,\"fields\":[]}],"
    "\"properties\":{}}";

static bool read_bound(firn_bytes json, const firn_metadata *metadata, firn_arena *arena,
                       firn_commit_record *out) {
  firn_error err;
  if (firn_commit_record_read(json, arena, out, &err) != FIRN_OK) {
    return false;
  }
  firn_commit_record_table *tables = firn_new_n(arena, firn_commit_record_table, out->n_tables);
  for (size_t i = 0; tables != NULL && i < out->n_tables; i++) {
    firn_data_file *files;
    tables[i] = out->tables[i];
    if (firn_commit_record_bind(&tables[i], metadata, arena, &files, &err) != FIRN_OK) {
      return false;
    }
    tables[i].files = files;
  }
  out->tables = tables;
  return tables != NULL;
}

static void write_to(const firn_commit_record *record, const firn_metadata *metadata, firn_arena *arena,
                     firn_builder *out) {
  const firn_metadata **tables = firn_new_n(arena, const firn_metadata *, record->n_tables);
  firn_error err;
  if (tables == NULL) {
    abort();
  }
  for (size_t i = 0; i < record->n_tables; i++) {
    tables[i] = metadata;
  }
  if (firn_commit_record_write(record, tables, out, &err) != FIRN_OK) {
    abort();
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_METADATA *metadata = NULL;
  FIRN_AUTO_BUILDER once = FIRN_BUILDER_INIT(0), twice = FIRN_BUILDER_INIT(0);
  firn_commit_record record, again;
  firn_error err;
  if (firn_metadata_read(firn_bytes_of(metadata_json), &metadata, &err) != FIRN_OK) {
    abort();
  }
  if (!read_bound((firn_bytes){data, size}, metadata, &arena, &record)) {
    return 0;
  }
  write_to(&record, metadata, &arena, &once);
  if (!read_bound(firn_builder_bytes(&once), metadata, &arena, &again)) {
    abort();
  }
  write_to(&again, metadata, &arena, &twice);
  if (!firn_bytes_equal(firn_builder_bytes(&once), firn_builder_bytes(&twice))) {
    abort();
  }
  return 0;
}

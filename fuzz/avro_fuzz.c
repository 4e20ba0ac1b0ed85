/* Avro: any bytes as a container file, as a manifest and as a manifest list. Passing over a record must move
 * as far as reading it does. */
#include <stdlib.h>

#include "formats/avro/avro_json.h"
#include "iceberg/meta/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_BLOCK = 1 << 20, MAX_TREE = 64 << 20 };

static void check(bool holds) {
  if (!holds) {
    abort(); /* what a fuzzer looks for */
  }
}

/* Reads a record and passes over it; false when there is no other. */
static bool read_and_skip(firn_avro_reader *r, firn_ctx *ctx, firn_arena *arena, firn_builder *json) {
  firn_cursor *c = NULL;
  firn_avro_value v;
  if (firn_avro_reader_record(r, ctx, &c, NULL) != FIRN_OK || c == NULL) {
    return false;
  }
  firn_cursor skipped = *c;
  firn_arena_reset(arena);
  firn_builder_reset(json);
  bool can_skip = firn_avro_skip(&skipped, firn_avro_reader_schema(r));
  if (firn_avro_value_read(c, firn_avro_reader_schema(r), arena, &v, NULL) != FIRN_OK) {
    return false;
  }
  check(can_skip && skipped.at == c->at);
  firn_json_writer w = FIRN_JSON_WRITER_INIT(json);
  firn_avro_value_write_json(&v, &w);
  check(json->failed != FIRN_OK || firn_json_is_valid(firn_builder_bytes(json)));
  return true;
}

static void as_container(firn_bytes file, firn_ctx *ctx) {
  FIRN_AUTO_AVRO_READER *r = NULL;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(MAX_TREE);
  FIRN_AUTO_BUILDER json = FIRN_BUILDER_INIT(MAX_TREE);
  if (firn_avro_reader_open(firn_avro_source_over(&file), ctx, MAX_BLOCK, &r, NULL) != FIRN_OK) {
    return;
  }
  for (int n = 0; n < 1000 && read_and_skip(r, ctx, &arena, &json); n++) {
  }
}

static void as_manifest(firn_bytes file, firn_ctx *ctx, bool is_deletes) {
  FIRN_AUTO_MANIFEST_READER *r = NULL;
  firn_manifest_file m = {.path = "fuzz", .spec_id = -1, .sequence_number = 3, .is_deletes = is_deletes};
  if (firn_manifest_open(firn_avro_source_over(&file), ctx, &m, NULL, &r, NULL) != FIRN_OK) {
    return;
  }
  const firn_manifest_entry *e = NULL;
  while (firn_manifest_next(r, ctx, &e, NULL) == FIRN_OK && e != NULL) {
    check(e->file.path != NULL && e->file.format != NULL && e->file.record_count >= 0);
    check(e->file.partition != NULL || firn_manifest_spec(r)->n_fields == 0);
  }
}

static bool wants_even(void *arg, const firn_manifest_entry *e) {
  (void)arg;
  check(e->file.path != NULL && e->file.record_count >= 0);
  return e->file.record_count % 2 == 0;
}

/* The entries of a manifest that is sound to its end, -1 of another. `wishes` NULL: those that would be
 * wanted. */
static int count_entries(firn_bytes file, firn_ctx *ctx, const firn_manifest_wishes *wishes) {
  FIRN_AUTO_MANIFEST_READER *r = NULL;
  const firn_manifest_file m = {.path = "fuzz", .spec_id = -1, .sequence_number = 3};
  const firn_manifest_wishes everything = {0};
  const firn_manifest_wishes *asked = wishes == NULL ? &everything : wishes;
  if (firn_manifest_open_for(firn_avro_source_over(&file), ctx, &m, NULL, asked, &r, NULL) != FIRN_OK) {
    return -1;
  }
  for (int n = 0;;) {
    const firn_manifest_entry *e = NULL;
    if (firn_manifest_next(r, ctx, &e, NULL) != FIRN_OK) {
      return -1;
    }
    if (e == NULL) {
      return n;
    }
    n += wishes != NULL || wants_even(NULL, e);
    check(wishes == NULL || !e->file.column_sizes.present);
  }
}

/* Who passes over a part of it finds the same entries. */
static void as_part_of_a_manifest(firn_bytes file, firn_ctx *ctx) {
  static const int32_t columns[] = {1, 3, 1000};
  const firn_manifest_wishes wishes = {
      .only_columns = true, .n_columns = 3, .columns = columns, .wants = wants_even};
  int whole = count_entries(file, ctx, NULL), part = count_entries(file, ctx, &wishes);
  check(whole < 0 || whole == part);
}

static void as_list(firn_bytes file, firn_ctx *ctx) {
  FIRN_AUTO_MANIFEST_LIST_READER *r = NULL;
  if (firn_manifest_list_open(firn_avro_source_over(&file), ctx, &r, NULL) != FIRN_OK) {
    return;
  }
  const firn_manifest_file *m = NULL;
  while (firn_manifest_list_next(r, ctx, &m, NULL) == FIRN_OK && m != NULL) {
    check(m->path != NULL && m->sequence_number >= 0);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  firn_ctx ctx = FIRN_CTX_INIT(&firn_env_system);
  firn_bytes file = {data, size};
  as_container(file, &ctx);
  as_manifest(file, &ctx, false);
  as_manifest(file, &ctx, true);
  as_part_of_a_manifest(file, &ctx);
  as_list(file, &ctx);
  return 0;
}

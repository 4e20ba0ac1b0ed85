#include "base/alloc.h"
#include "iceberg/meta/manifest_internal.h"
#include "iceberg/meta/record_program_internal.h"

enum { MAX_ENTRY_BYTES = 64 << 20 /* of memory, for one entry */ };

/* An entry as it stands in the file. */
typedef struct raw_manifest {
  int32_t content;
  firn_summary_list partitions;
  firn_manifest_file file; /* what needs no second look goes here at once */
} raw_manifest;

/* Bits of `present`. */
enum {
  PATH,
  LENGTH,
  SPEC_ID,
  CONTENT,
  SEQUENCE_NUMBER,
  MIN_SEQUENCE_NUMBER,
  ADDED_SNAPSHOT_ID,
  ADDED_FILES,
  EXISTING_FILES,
  DELETED_FILES,
  ADDED_ROWS,
  EXISTING_ROWS,
  DELETED_ROWS,
  PARTITIONS,
  KEY_METADATA,
};

#define ALL_COUNTS (UINT64_C(0x3F) << ADDED_FILES)

#define SLOT(number, text, what, place, at, ...) \
  {.id = (number),                               \
   .name = (text),                               \
   .kind = FIRN_SLOT_##what,                     \
   .bit = (at),                                  \
   .offset = offsetof(raw_manifest, place),      \
   ##__VA_ARGS__}

/* Spec: Manifest Lists. */
static const firn_slot manifest_slots[] = {
    SLOT(500, "manifest_path", TEXT, file.path, PATH, .required = true),
    SLOT(501, "manifest_length", LONG, file.size_bytes, LENGTH, .required = true),
    SLOT(502, "partition_spec_id", INT, file.spec_id, SPEC_ID, .required = true),
    SLOT(517, "content", INT, content, CONTENT),
    SLOT(515, "sequence_number", LONG, file.sequence_number, SEQUENCE_NUMBER),
    SLOT(516, "min_sequence_number", LONG, file.min_sequence_number, MIN_SEQUENCE_NUMBER),
    SLOT(503, "added_snapshot_id", LONG, file.added_snapshot_id, ADDED_SNAPSHOT_ID),
    SLOT(504, "added_files_count", INT, file.n_added_files, ADDED_FILES,
         .old_name = "added_data_files_count"),
    SLOT(505, "existing_files_count", INT, file.n_existing_files, EXISTING_FILES,
         .old_name = "existing_data_files_count"),
    SLOT(506, "deleted_files_count", INT, file.n_deleted_files, DELETED_FILES,
         .old_name = "deleted_data_files_count"),
    SLOT(512, "added_rows_count", LONG, file.n_added_rows, ADDED_ROWS),
    SLOT(513, "existing_rows_count", LONG, file.n_existing_rows, EXISTING_ROWS),
    SLOT(514, "deleted_rows_count", LONG, file.n_deleted_rows, DELETED_ROWS),
    SLOT(507, "partitions", SUMMARIES, partitions, PARTITIONS),
    SLOT(519, "key_metadata", BYTES, file.key_metadata, KEY_METADATA),
};

struct firn_manifest_list_reader {
  firn_avro_reader *avro;
  firn_arena arena; /* of the reader */
  int32_t format_version;
  const firn_record_program *program;
  firn_arena entry_arena;
  firn_manifest_file entry;
};

/* The head need not say it: then the columns do. Version 1 in its place would lose sequence numbers. */
static firn_status read_version(firn_manifest_list_reader *r, firn_error *err) {
  const firn_avro_schema *s = firn_avro_reader_schema(r->avro);
  bool is_v3 = firn_record_find(s, 520, "first_row_id") != NULL;
  bool is_v2 =
      firn_record_find(s, 517, "content") != NULL || firn_record_find(s, 515, "sequence_number") != NULL;
  return firn_manifest_version_of(firn_avro_reader_meta(r->avro, "format-version"),
                                  is_v3   ? 3
                                  : is_v2 ? 2
                                          : 1,
                                  &r->format_version, err);
}

static firn_status open_reader(firn_manifest_list_reader *r, firn_avro_source source, firn_ctx *ctx,
                               firn_error *err) {
  FIRN_TRY(firn_avro_reader_open(source, ctx, 0, &r->avro, err));
  const firn_avro_schema *schema = firn_avro_reader_schema(r->avro);
  if (schema->type != FIRN_AVRO_RECORD) {
    return firn_error_set(err, FIRN_CORRUPT, "it holds no records");
  }
  FIRN_TRY(read_version(r, err));
  const firn_record_wishes everything = {0};
  return firn_record_program_make(schema, manifest_slots, FIRN_COUNT_OF(manifest_slots), &everything,
                                  &r->arena, &r->program, err);
}

firn_status firn_manifest_list_open(firn_avro_source source, firn_ctx *ctx, firn_manifest_list_reader **out,
                                    firn_error *err) {
  FIRN_AUTO_MANIFEST_LIST_READER *r = firn_alloc(sizeof *r);
  if (r == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a manifest list reader");
  }
  r->entry_arena.max_bytes = MAX_ENTRY_BYTES;
  firn_status status = open_reader(r, source, ctx, err);
  if (status != FIRN_OK) {
    return firn_error_while(err, status, "manifest list");
  }
  *out = FIRN_HAND_OVER(r);
  return FIRN_OK;
}

int32_t firn_manifest_list_format_version(const firn_manifest_list_reader *r) {
  return r->format_version;
}

/* Less than none is how some say that they do not know. */
static bool are_counts(const firn_manifest_file *m) {
  return m->n_added_files >= 0 && m->n_existing_files >= 0 && m->n_deleted_files >= 0 &&
         m->n_added_rows >= 0 && m->n_existing_rows >= 0 && m->n_deleted_rows >= 0;
}

static firn_status make_entry(firn_manifest_list_reader *r, const raw_manifest *raw, uint64_t present,
                              firn_error *err) {
  if (raw->content < 0 || raw->content > 1) {
    return firn_error_set(err, FIRN_UNSUPPORTED, "manifest %s has content %d", raw->file.path,
                          (int)raw->content);
  }
  if (raw->file.size_bytes < 0 || raw->file.spec_id < 0 || raw->file.sequence_number < 0) {
    return firn_error_set(err, FIRN_CORRUPT, "manifest %s has a negative length, spec id or sequence number",
                          raw->file.path);
  }
  r->entry = raw->file;
  r->entry.is_deletes = raw->content == 1;
  r->entry.has_counts = (present & ALL_COUNTS) == ALL_COUNTS && are_counts(&raw->file);
  if ((present & UINT64_C(1) << ADDED_SNAPSHOT_ID) == 0) {
    r->entry.added_snapshot_id = -1;
  }
  static const firn_field_summary empty = {0};
  const firn_field_summary *given = raw->partitions.n == 0 ? &empty : raw->partitions.items;
  r->entry.n_partitions = raw->partitions.n;
  r->entry.partitions = (present & UINT64_C(1) << PARTITIONS) == 0 ? NULL : given;
  return FIRN_OK;
}

static firn_status next(firn_manifest_list_reader *r, firn_ctx *ctx, const firn_manifest_file **out,
                        firn_error *err) {
  firn_cursor *c = NULL;
  FIRN_TRY(firn_avro_reader_record(r->avro, ctx, &c, err));
  if (c == NULL) {
    *out = NULL;
    return FIRN_OK;
  }
  raw_manifest raw = {0};
  uint64_t present = 0;
  firn_arena_reset(&r->entry_arena);
  FIRN_TRY(firn_record_program_run(r->program, c, &r->entry_arena, &raw, &present, err));
  FIRN_TRY(make_entry(r, &raw, present, err));
  *out = &r->entry;
  return FIRN_OK;
}

firn_status firn_manifest_list_next(firn_manifest_list_reader *r, firn_ctx *ctx,
                                    const firn_manifest_file **out, firn_error *err) {
  firn_status status = next(r, ctx, out, err);
  return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "manifest list");
}

void firn_manifest_list_close(firn_manifest_list_reader *r) {
  if (r == NULL) {
    return;
  }
  firn_avro_reader_close(r->avro);
  firn_arena_free(&r->entry_arena);
  firn_arena_free(&r->arena);
  firn_free(r);
}

void firn_manifest_list_close_pointer(firn_manifest_list_reader **r) {
  firn_manifest_list_close(*r);
}

#include <assert.h>
#include <stdio.h>

#include "base/alloc.h"
#include "iceberg/meta/manifest_internal.h"
#include "iceberg/meta/tuple_internal.h"

struct firn_manifest_writer {
  firn_manifest_writer_options options;
  firn_arena arena;
  firn_field partition_type;
  firn_summary_builder *summaries;
  firn_avro_writer *avro;
  firn_manifest_file counts; /* what is known of the file so far */
};

/* The Avro schema, around that of the partition. Record names are those that the reference writes, for some
 * readers go by them. Bare names of primitives: some readers know no others. */
static const char schema_head[] =
    "{\"type\":\"record\",\"name\":\"manifest_entry\",\"fields\":["
    "{\"name\":\"status\",\"type\":\"int\",\"field-id\":0},"
    "{\"name\":\"snapshot_id\",\"type\":[\"null\",\"long\"],\"default\":null,\"field-id\":1},"
    "{\"name\":\"sequence_number\",\"type\":[\"null\",\"long\"],\"default\":null,\"field-id\":3},"
    "{\"name\":\"file_sequence_number\",\"type\":[\"null\",\"long\"],\"default\":null,\"field-id\":4},"
    "{\"name\":\"data_file\",\"type\":{\"type\":\"record\",\"name\":\"r2\",\"fields\":["
    "{\"name\":\"content\",\"type\":\"int\",\"field-id\":134},"
    "{\"name\":\"file_path\",\"type\":\"string\",\"field-id\":100},"
    "{\"name\":\"file_format\",\"type\":\"string\",\"field-id\":101},"
    "{\"name\":\"partition\",\"type\":";

#define MAP(name, id, key, value, type)                                                                  \
  ",{\"name\":\"" name                                                                                   \
  "\",\"type\":[\"null\",{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"k" key "_v" value \
  "\",\"fields\":[{\"name\":\"key\",\"type\":\"int\",\"field-id\":" key                                  \
  "},{\"name\":\"value\",\"type\":\"" type "\",\"field-id\":" value                                      \
  "}]},\"logicalType\":\"map\"}],\"default\":null,\"field-id\":" id "}"
#define LIST(name, id, element, type)                                                \
  ",{\"name\":\"" name "\",\"type\":[\"null\",{\"type\":\"array\",\"items\":\"" type \
  "\",\"element-id\":" element "}],\"default\":null,\"field-id\":" id "}"
#define OPTIONAL(name, id, type) \
  ",{\"name\":\"" name "\",\"type\":[\"null\",\"" type "\"],\"default\":null,\"field-id\":" id "}"

static const char schema_tail[] =
    ",\"field-id\":102},"
    "{\"name\":\"record_count\",\"type\":\"long\",\"field-id\":103},"
    "{\"name\":\"file_size_in_bytes\",\"type\":\"long\",\"field-id\":104}" /* */
    MAP("column_sizes", "108", "117", "118", "long")                       /* */
    MAP("value_counts", "109", "119", "120", "long")                       /* */
    MAP("null_value_counts", "110", "121", "122", "long")                  /* */
    MAP("nan_value_counts", "137", "138", "139", "long")                   /* */
    MAP("lower_bounds", "125", "126", "127", "bytes")                      /* */
    MAP("upper_bounds", "128", "129", "130", "bytes")                      /* */
    OPTIONAL("key_metadata", "131", "bytes")                               /* */
    LIST("split_offsets", "132", "133", "long")                            /* */
    LIST("equality_ids", "135", "136", "int")                              /* */
    OPTIONAL("sort_order_id", "140", "int")                                /* */
    OPTIONAL("referenced_data_file", "143", "string") "]},\"field-id\":2}]}";

enum { N_PAIRS = 6 };

/* The keys of the head. Spec: Manifests. All values are texts; "partition-spec" is the array of fields only.
 */
typedef struct head {
  firn_builder schema, spec, avro;
  char schema_id[16], spec_id[16];
  firn_avro_pair pairs[N_PAIRS];
} head;

static void head_free(head *h) {
  firn_builder_free(&h->schema);
  firn_builder_free(&h->spec);
  firn_builder_free(&h->avro);
}

static firn_status make_head(const firn_manifest_writer *w, head *h, firn_error *err) {
  const firn_manifest_writer_options *o = &w->options;
  firn_json_writer schema = FIRN_JSON_WRITER_INIT(&h->schema), spec = FIRN_JSON_WRITER_INIT(&h->spec);
  firn_schema_write(o->schema, &schema);
  firn_partition_fields_write(o->spec, &spec);
  (void)snprintf(h->schema_id, sizeof h->schema_id, "%d", (int)o->schema->schema_id);
  (void)snprintf(h->spec_id, sizeof h->spec_id, "%d", (int)o->spec->spec_id);
  firn_bytes schema_json, spec_json;
  FIRN_TRY(firn_builder_finish(&h->schema, &schema_json, err));
  FIRN_TRY(firn_builder_finish(&h->spec, &spec_json, err));
  const firn_avro_pair pairs[N_PAIRS] = {
      {FIRN_LITERAL("schema"), schema_json},
      {FIRN_LITERAL("schema-id"), firn_bytes_of(h->schema_id)},
      {FIRN_LITERAL("partition-spec"), spec_json},
      {FIRN_LITERAL("partition-spec-id"), firn_bytes_of(h->spec_id)},
      {FIRN_LITERAL("format-version"), FIRN_LITERAL("2")},
      {FIRN_LITERAL("content"), o->is_deletes ? FIRN_LITERAL("deletes") : FIRN_LITERAL("data")},
  };
  memcpy(h->pairs, pairs, sizeof pairs);

  firn_builder_add_text(&h->avro, schema_head);
  firn_json_writer partition = FIRN_JSON_WRITER_INIT(&h->avro);
  FIRN_TRY(firn_tuple_write_schema(&w->partition_type, &partition, err));
  firn_builder_add_text(&h->avro, schema_tail);
  return FIRN_OK;
}

static firn_status open_avro(firn_manifest_writer *w, firn_avro_sink sink, firn_error *err) {
  head h FIRN_AUTO(head_free) = {0};
  FIRN_TRY(make_head(w, &h, err));
  firn_bytes schema;
  FIRN_TRY(firn_builder_finish(&h.avro, &schema, err));
  firn_avro_writer_options options = {
      .codec = w->options.codec, .level = FIRN_LEVEL_DEFAULT, .metadata = h.pairs, .n_metadata = N_PAIRS};
  w->options.env->random(w->options.env->self, options.sync, sizeof options.sync);
  return firn_avro_writer_open(schema, &options, sink, &w->avro, err);
}

firn_status firn_manifest_writer_open(const firn_manifest_writer_options *options, firn_avro_sink sink,
                                      firn_manifest_writer **out, firn_error *err) {
  if (options->format_version != 2) {
    return firn_error_set(err, FIRN_UNSUPPORTED, "manifests of format version %d are not written, only 2",
                          (int)options->format_version);
  }
  FIRN_AUTO_MANIFEST_WRITER *w = firn_alloc(sizeof *w);
  if (w == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a manifest writer");
  }
  w->options = *options;
  w->counts = (firn_manifest_file){.spec_id = options->spec->spec_id,
                                   .is_deletes = options->is_deletes,
                                   .sequence_number = -1,
                                   .min_sequence_number = -1,
                                   .added_snapshot_id = options->snapshot_id,
                                   .has_counts = true};
  if (options->partition_type != NULL) {
    w->partition_type = *options->partition_type;
  } else {
    FIRN_TRY(firn_partition_type(options->spec, options->schema, &w->arena, &w->partition_type, err));
  }
  FIRN_TRY(firn_summary_builder_new(&w->partition_type, &w->summaries, err));
  FIRN_TRY(open_avro(w, sink, err));
  *out = FIRN_HAND_OVER(w);
  return FIRN_OK;
}

static void put_optional_long(firn_builder *b, bool there, int64_t v) {
  firn_builder_add_zigzag(b, there);
  if (there) {
    firn_builder_add_zigzag(b, v);
  }
}

/* An array in one block, then the end; `n` items follow the answer true. */
static bool begin_array(firn_builder *b, bool there, size_t n) {
  firn_builder_add_zigzag(b, there);
  if (there && n > 0) {
    firn_builder_add_zigzag(b, (int64_t)n);
  } else if (there) {
    firn_builder_add_zigzag(b, 0);
  }
  return there && n > 0;
}

static void put_counts(firn_builder *b, const firn_id_counts *counts) {
  if (begin_array(b, counts->present, counts->n)) {
    for (size_t i = 0; i < counts->n; i++) {
      firn_builder_add_zigzag(b, counts->items[i].id);
      firn_builder_add_zigzag(b, counts->items[i].n);
    }
    firn_builder_add_zigzag(b, 0);
  }
}

static void put_bounds(firn_builder *b, const firn_id_bounds *bounds) {
  if (begin_array(b, bounds->present, bounds->n)) {
    for (size_t i = 0; i < bounds->n; i++) {
      firn_builder_add_zigzag(b, bounds->items[i].id);
      firn_avro_put_bytes(b, bounds->items[i].value);
    }
    firn_builder_add_zigzag(b, 0);
  }
}

static void put_format(firn_builder *b, const char *format) {
  size_t len = strlen(format);
  firn_builder_add_zigzag(b, (int64_t)len);
  for (size_t i = 0; i < len; i++) {
    firn_builder_add_u8(b,
                        (uint8_t)(format[i] >= 'a' && format[i] <= 'z' ? format[i] - 'a' + 'A' : format[i]));
  }
}

/* In the order of the schema above. */
static firn_status put_file(const firn_manifest_writer *w, const firn_data_file *f, firn_builder *b,
                            firn_error *err) {
  firn_builder_add_zigzag(b, f->content);
  firn_avro_put_text(b, f->path);
  put_format(b, f->format);
  FIRN_TRY(firn_tuple_write(&w->partition_type, f->partition, b, err));
  firn_builder_add_zigzag(b, f->record_count);
  firn_builder_add_zigzag(b, f->size_bytes);
  put_counts(b, &f->column_sizes);
  put_counts(b, &f->value_counts);
  put_counts(b, &f->null_counts);
  put_counts(b, &f->nan_counts);
  put_bounds(b, &f->lower_bounds);
  put_bounds(b, &f->upper_bounds);
  firn_builder_add_zigzag(b, f->key_metadata.data != NULL);
  if (f->key_metadata.data != NULL) {
    firn_avro_put_bytes(b, f->key_metadata);
  }
  if (begin_array(b, f->n_split_offsets > 0, f->n_split_offsets)) {
    for (size_t i = 0; i < f->n_split_offsets; i++) {
      firn_builder_add_zigzag(b, f->split_offsets[i]);
    }
    firn_builder_add_zigzag(b, 0);
  }
  if (begin_array(b, f->n_equality_ids > 0, f->n_equality_ids)) {
    for (size_t i = 0; i < f->n_equality_ids; i++) {
      firn_builder_add_zigzag(b, f->equality_ids[i]);
    }
    firn_builder_add_zigzag(b, 0);
  }
  /* Spec: position deletes have an order of their own, and no id for it. */
  put_optional_long(b, f->has_sort_order_id && f->content != FIRN_CONTENT_POSITION_DELETES, f->sort_order_id);
  firn_builder_add_zigzag(b, f->referenced_data_file != NULL);
  if (f->referenced_data_file != NULL) {
    firn_avro_put_text(b, f->referenced_data_file);
  }
  return FIRN_OK;
}

static bool ascend(const int64_t *offsets, size_t n) {
  for (size_t i = 1; i < n; i++) {
    if (offsets[i] <= offsets[i - 1]) {
      return false;
    }
  }
  return true;
}

/* What no reader could make sense of must not be written. */
static firn_status check_entry(const firn_manifest_writer *w, const firn_manifest_entry *e, firn_error *err) {
  const firn_data_file *f = &e->file;
  if (f->path == NULL || f->path[0] == '\0' || f->format == NULL || f->record_count < 0 ||
      f->size_bytes < 0) {
    return firn_error_set(err, FIRN_INVALID, "a data file without path, format, count of rows or size");
  }
  if ((f->content != FIRN_CONTENT_DATA) != w->options.is_deletes) {
    return firn_error_set(err, FIRN_INVALID, "%s does not belong into a manifest of %s", f->path,
                          w->options.is_deletes ? "deletes" : "data files");
  }
  if ((f->content == FIRN_CONTENT_EQUALITY_DELETES) != (f->n_equality_ids > 0)) {
    return firn_error_set(err, FIRN_INVALID, "%s: equality ids belong to equality deletes", f->path);
  }
  if (e->status != FIRN_ENTRY_ADDED && e->sequence_number < 0) {
    return firn_error_set(err, FIRN_INVALID, "%s is not new and has no sequence number", f->path);
  }
  if (!ascend(f->split_offsets, f->n_split_offsets)) {
    return firn_error_set(err, FIRN_INVALID, "%s: its split offsets do not ascend", f->path);
  }
  return FIRN_OK;
}

static firn_status count(firn_manifest_file *m, const firn_manifest_entry *e, bool has_sequence,
                         firn_error *err) {
  int32_t *files[] = {&m->n_existing_files, &m->n_added_files, &m->n_deleted_files};
  int64_t *rows[] = {&m->n_existing_rows, &m->n_added_rows, &m->n_deleted_rows};
  int32_t *n_files = files[e->status];
  if (*n_files == INT32_MAX || e->file.record_count > INT64_MAX - *rows[e->status]) {
    return firn_error_set(err, FIRN_LIMIT, "a manifest of too many files or rows");
  }
  *n_files += 1;
  *rows[e->status] += e->file.record_count;
  bool lives = e->status != FIRN_ENTRY_DELETED;
  if (lives && has_sequence && (m->min_sequence_number < 0 || e->sequence_number < m->min_sequence_number)) {
    m->min_sequence_number = e->sequence_number;
  }
  return FIRN_OK;
}

static firn_status add(firn_manifest_writer *w, const firn_manifest_entry *e, firn_error *err) {
  FIRN_TRY(check_entry(w, e, err));
  bool is_new = e->status == FIRN_ENTRY_ADDED;
  bool has_sequence = !is_new || (e->keeps_sequence_number && e->sequence_number >= 0);
  firn_builder *b = firn_avro_writer_begin(w->avro);
  firn_builder_add_zigzag(b, e->status);
  put_optional_long(b, true, e->status == FIRN_ENTRY_EXISTING ? e->snapshot_id : w->options.snapshot_id);
  put_optional_long(b, has_sequence, e->sequence_number);
  put_optional_long(b, !is_new && e->file_sequence_number >= 0, e->file_sequence_number);
  FIRN_TRY(put_file(w, &e->file, b, err));
  FIRN_TRY(firn_avro_writer_record(w->avro, err));
  FIRN_TRY(firn_summary_builder_add(w->summaries, e->file.partition, err));
  return count(&w->counts, e, has_sequence, err);
}

firn_status firn_manifest_writer_add(firn_manifest_writer *w, const firn_manifest_entry *entry,
                                     firn_error *err) {
  assert(entry->status <= FIRN_ENTRY_DELETED);
  firn_status status = add(w, entry, err);
  return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "writing a manifest");
}

uint64_t firn_manifest_writer_size(const firn_manifest_writer *w) {
  return firn_avro_writer_size(w->avro);
}

firn_status firn_manifest_writer_finish(firn_manifest_writer *w, firn_arena *arena, firn_manifest_file *out,
                                        firn_error *err) {
  uint64_t size = 0;
  FIRN_TRY(firn_avro_writer_finish(w->avro, &size, err));
  firn_manifest_file made = w->counts;
  made.size_bytes = (int64_t)size;
  made.n_partitions = w->partition_type.n_children;
  FIRN_TRY(firn_summary_builder_finish(w->summaries, arena, &made.partitions, err));
  *out = made;
  return FIRN_OK;
}

void firn_manifest_writer_close(firn_manifest_writer *w) {
  if (w == NULL) {
    return;
  }
  firn_avro_writer_close(w->avro);
  firn_summary_builder_free(w->summaries);
  firn_arena_free(&w->arena);
  firn_free(w);
}

void firn_manifest_writer_close_pointer(firn_manifest_writer **w) {
  firn_manifest_writer_close(*w);
}

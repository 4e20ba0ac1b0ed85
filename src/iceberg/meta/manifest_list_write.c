#include <inttypes.h>
#include <stdio.h>

#include "iceberg/meta/manifest_internal.h"

/* Spec: Manifest Lists. Record names as the reference writes them. */
#define FIELD(name, id, type) "{\"name\":\"" name "\",\"type\":\"" type "\",\"field-id\":" id "}"
#define OPTIONAL(name, id, type) \
  "{\"name\":\"" name "\",\"type\":[\"null\",\"" type "\"],\"default\":null,\"field-id\":" id "}"

static const char schema_json[] =
    "{\"type\":\"record\",\"name\":\"manifest_file\",\"fields\":[" /* */
    FIELD("manifest_path", "500", "string") ","                    /* */
    FIELD("manifest_length", "501", "long") ","                    /* */
    FIELD("partition_spec_id", "502", "int") ","                   /* */
    FIELD("content", "517", "int") ","                             /* */
    FIELD("sequence_number", "515", "long") ","                    /* */
    FIELD("min_sequence_number", "516", "long") ","                /* */
    FIELD("added_snapshot_id", "503", "long") ","                  /* */
    FIELD("added_files_count", "504", "int") ","                   /* */
    FIELD("existing_files_count", "505", "int") ","                /* */
    FIELD("deleted_files_count", "506", "int") ","                 /* */
    FIELD("added_rows_count", "512", "long") ","                   /* */
    FIELD("existing_rows_count", "513", "long") ","                /* */
    FIELD("deleted_rows_count", "514", "long") ","                 /* */
    "{\"name\":\"partitions\",\"type\":[\"null\",{\"type\":\"array\",\"items\":"
    "{\"type\":\"record\",\"name\":\"r508\",\"fields\":["    /* */
    FIELD("contains_null", "509", "boolean") ","             /* */
    OPTIONAL("contains_nan", "518", "boolean") ","           /* */
    OPTIONAL("lower_bound", "510", "bytes") ","              /* */
    OPTIONAL("upper_bound", "511", "bytes")                  /* */
    "]},\"element-id\":508}],\"default\":null,\"field-id\":507}," /* */
    OPTIONAL("key_metadata", "519", "bytes") "]}";

static void put_optional_bytes(firn_builder *b, firn_bytes bytes) {
  firn_builder_add_zigzag(b, bytes.data != NULL);
  if (bytes.data != NULL) {
    firn_avro_put_bytes(b, bytes);
  }
}

static void put_summaries(firn_builder *b, const firn_manifest_file *m) {
  firn_builder_add_zigzag(b, m->partitions != NULL);
  if (m->partitions == NULL) { /* unknown: an empty array would claim to describe no fields */
    return;
  }
  if (m->n_partitions > 0) {
    firn_builder_add_zigzag(b, (int64_t)m->n_partitions);
  }
  for (size_t i = 0; i < m->n_partitions; i++) {
    const firn_field_summary *s = &m->partitions[i];
    firn_builder_add_u8(b, s->contains_null);
    firn_builder_add_zigzag(b, s->has_contains_nan);
    if (s->has_contains_nan) {
      firn_builder_add_u8(b, s->contains_nan);
    }
    put_optional_bytes(b, s->lower);
    put_optional_bytes(b, s->upper);
  }
  firn_builder_add_zigzag(b, 0);
}

/* In the order of the schema above. */
static void put_manifest(firn_builder *b, const firn_manifest_list_options *o, const firn_manifest_file *m) {
  int64_t sequence = m->sequence_number < 0 ? o->sequence_number : m->sequence_number;
  int64_t least = m->min_sequence_number < 0 ? o->sequence_number : m->min_sequence_number;
  firn_avro_put_text(b, m->path);
  firn_builder_add_zigzag(b, m->size_bytes);
  firn_builder_add_zigzag(b, m->spec_id);
  firn_builder_add_zigzag(b, m->is_deletes);
  firn_builder_add_zigzag(b, sequence);
  firn_builder_add_zigzag(b, least);
  firn_builder_add_zigzag(b, m->added_snapshot_id);
  firn_builder_add_zigzag(b, m->n_added_files);
  firn_builder_add_zigzag(b, m->n_existing_files);
  firn_builder_add_zigzag(b, m->n_deleted_files);
  firn_builder_add_zigzag(b, m->n_added_rows);
  firn_builder_add_zigzag(b, m->n_existing_rows);
  firn_builder_add_zigzag(b, m->n_deleted_rows);
  put_summaries(b, m);
  put_optional_bytes(b, m->key_metadata);
}

static firn_status check(const firn_manifest_list_options *o, const firn_manifest_file *m, firn_error *err) {
  if (m->path == NULL || m->size_bytes <= 0 || m->spec_id < 0) {
    return firn_error_set(err, FIRN_INVALID, "a manifest without path, length or spec id");
  }
  if ((m->sequence_number < 0 || m->min_sequence_number < 0) && m->added_snapshot_id != o->snapshot_id) {
    return firn_error_set(err, FIRN_INVALID,
                          "manifest %s of snapshot %" PRId64
                          " has no sequence number, and is not of snapshot %" PRId64,
                          m->path, m->added_snapshot_id, o->snapshot_id);
  }
  if (!m->has_counts) {
    return firn_error_set(
        err, FIRN_UNSUPPORTED,
        "manifest %s has no counts in its list, which version 2 must have; rewrite the manifest", m->path);
  }
  return FIRN_OK;
}

typedef struct head {
  char snapshot_id[24], parent[24], sequence[24];
  firn_avro_pair pairs[4];
} head;

static void make_head(const firn_manifest_list_options *o, head *h) {
  (void)snprintf(h->snapshot_id, sizeof h->snapshot_id, "%" PRId64, o->snapshot_id);
  (void)snprintf(h->sequence, sizeof h->sequence, "%" PRId64, o->sequence_number);
  (void)snprintf(h->parent, sizeof h->parent, "%" PRId64, o->parent_snapshot_id);
  h->pairs[0] = (firn_avro_pair){FIRN_LITERAL("snapshot-id"), firn_bytes_of(h->snapshot_id)};
  h->pairs[1] = (firn_avro_pair){FIRN_LITERAL("parent-snapshot-id"),
                                 o->has_parent ? firn_bytes_of(h->parent) : FIRN_LITERAL("null")};
  h->pairs[2] = (firn_avro_pair){FIRN_LITERAL("sequence-number"), firn_bytes_of(h->sequence)};
  h->pairs[3] = (firn_avro_pair){FIRN_LITERAL("format-version"), FIRN_LITERAL("2")};
}

firn_status firn_manifest_list_write(const firn_manifest_list_options *options,
                                     const firn_manifest_file *const *manifests, size_t n, firn_builder *out,
                                     firn_error *err) {
  if (options->format_version != 2) {
    return firn_error_set(err, FIRN_UNSUPPORTED,
                          "manifest lists of format version %d are not written, only 2",
                          (int)options->format_version);
  }
  head h;
  make_head(options, &h);
  firn_avro_writer_options avro = {.codec = options->codec,
                                   .level = FIRN_LEVEL_DEFAULT,
                                   .metadata = h.pairs,
                                   .n_metadata = FIRN_COUNT_OF(h.pairs)};
  options->env->random(options->env->self, avro.sync, sizeof avro.sync);
  FIRN_AUTO_AVRO_WRITER *w = NULL;
  FIRN_TRY(firn_avro_writer_open(firn_bytes_of(schema_json), &avro, firn_avro_sink_onto(out), &w, err));
  for (size_t i = 0; i < n; i++) {
    FIRN_TRY(check(options, manifests[i], err));
    put_manifest(firn_avro_writer_begin(w), options, manifests[i]);
    FIRN_TRY(firn_avro_writer_record(w, err));
  }
  return firn_avro_writer_finish(w, NULL, err);
}

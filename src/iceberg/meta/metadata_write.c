/* From table metadata to JSON. Spec: Table Metadata Fields; Appendix C; Appendix E, what version 2 leaves
 * out. */
#include "iceberg/meta/metadata.h"

static void write_schemas(const firn_metadata *m, const firn_metadata_fields *f, firn_json_writer *w) {
  if (f->format_version == 1) {
    firn_json_key(w, "schema"); /* required there, and forbidden later */
    firn_schema_write(firn_metadata_current_schema(m), w);
  }
  firn_json_add_int64(w, "current-schema-id", f->current_schema_id);
  firn_json_key(w, "schemas");
  firn_json_begin_array(w);
  for (size_t i = 0; i < f->n_schemas; i++) {
    firn_schema_write(&f->schemas[i], w);
  }
  firn_json_end_array(w);
}

static void write_specs(const firn_metadata *m, const firn_metadata_fields *f, firn_json_writer *w) {
  if (f->format_version == 1) {
    firn_json_key(w, "partition-spec");
    firn_partition_fields_write(firn_metadata_default_spec(m), w);
  }
  firn_json_add_int64(w, "default-spec-id", f->default_spec_id);
  firn_json_key(w, "partition-specs");
  firn_json_begin_array(w);
  for (size_t i = 0; i < f->n_specs; i++) {
    firn_partition_spec_write(&f->specs[i], w);
  }
  firn_json_end_array(w);
  firn_json_add_int64(w, "last-partition-id", f->last_partition_id);
  firn_json_add_int64(w, "default-sort-order-id", f->default_sort_order_id);
  firn_json_key(w, "sort-orders");
  firn_json_begin_array(w);
  for (size_t i = 0; i < f->n_sort_orders; i++) {
    firn_sort_order_write(&f->sort_orders[i], w);
  }
  firn_json_end_array(w);
}

static void add_if_set(firn_json_writer *w, const char *key, int64_t v) {
  if (v != 0) {
    firn_json_add_int64(w, key, v);
  }
}

/* The table of the specification gives version 1 no refs, but the reference keeps tags of such tables here.
 */
static void write_refs(const firn_metadata_fields *f, firn_json_writer *w) {
  firn_json_key(w, "refs");
  firn_json_begin_object(w);
  for (size_t i = 0; i < f->n_refs; i++) {
    const firn_ref *ref = &f->refs[i];
    firn_json_key(w, ref->name);
    firn_json_begin_object(w);
    firn_json_add_int64(w, "snapshot-id", ref->snapshot_id);
    firn_json_add_text(w, "type", ref->is_branch ? "branch" : "tag");
    add_if_set(w, "min-snapshots-to-keep", ref->min_snapshots_to_keep);
    add_if_set(w, "max-snapshot-age-ms", ref->max_snapshot_age_ms);
    add_if_set(w, "max-ref-age-ms", ref->max_ref_age_ms);
    firn_json_end_object(w);
  }
  firn_json_end_object(w);
}

static void write_statistics(const char *key, const firn_statistics_file *files, size_t n,
                             firn_json_writer *w) {
  firn_json_key(w, key);
  firn_json_begin_array(w);
  for (size_t i = 0; i < n; i++) {
    firn_json_write_raw(w, files[i].json);
  }
  firn_json_end_array(w);
}

static void write_logs(const firn_metadata_fields *f, firn_json_writer *w) {
  firn_json_key(w, "snapshot-log");
  firn_json_begin_array(w);
  for (size_t i = 0; i < f->n_snapshot_log; i++) {
    firn_json_begin_object(w);
    firn_json_add_int64(w, "timestamp-ms", f->snapshot_log[i].timestamp_ms);
    firn_json_add_int64(w, "snapshot-id", f->snapshot_log[i].snapshot_id);
    firn_json_end_object(w);
  }
  firn_json_end_array(w);
  firn_json_key(w, "metadata-log");
  firn_json_begin_array(w);
  for (size_t i = 0; i < f->n_metadata_log; i++) {
    firn_json_begin_object(w);
    firn_json_add_int64(w, "timestamp-ms", f->metadata_log[i].timestamp_ms);
    firn_json_add_text(w, "metadata-file", f->metadata_log[i].metadata_file);
    firn_json_end_object(w);
  }
  firn_json_end_array(w);
}

void firn_metadata_write(const firn_metadata *m, firn_json_writer *w) {
  const firn_metadata_fields *f = firn_metadata_get(m);
  firn_json_begin_object(w);
  firn_json_add_int64(w, "format-version", f->format_version);
  if (f->table_uuid != NULL) {
    firn_json_add_text(w, "table-uuid", f->table_uuid);
  }
  firn_json_add_text(w, "location", f->location);
  if (f->format_version > 1) {
    firn_json_add_int64(w, "last-sequence-number", f->last_sequence_number);
  }
  firn_json_add_int64(w, "last-updated-ms", f->last_updated_ms);
  firn_json_add_int64(w, "last-column-id", f->last_column_id);
  write_schemas(m, f, w);
  write_specs(m, f, w);
  firn_json_key(w, "properties");
  firn_properties_write(&f->properties, w);
  if (f->has_current_snapshot) {
    firn_json_add_int64(w, "current-snapshot-id", f->current_snapshot_id); /* else optional: some refuse -1 */
  }
  write_refs(f, w);
  firn_json_key(w, "snapshots");
  firn_json_begin_array(w);
  for (size_t i = 0; i < f->n_snapshots; i++) {
    firn_snapshot_write(&f->snapshots[i], f->format_version, w);
  }
  firn_json_end_array(w);
  write_statistics("statistics", f->statistics, f->n_statistics, w);
  write_statistics("partition-statistics", f->partition_statistics, f->n_partition_statistics, w);
  write_logs(f, w);
  firn_json_end_object(w);
}

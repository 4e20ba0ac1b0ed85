/* firn table list|show|schema|snapshots|history: what the catalog and the metadata say. */
#include <inttypes.h>

#include "apps/firn/print.h"
#include "apps/firn/table.h"
#include "base/json_write.h"

enum { LINE_MAX_BYTES = 64 << 20 };

static firn_status print_line(firn_app *app, firn_builder *b, firn_error *err) {
  firn_builder_add_u8(b, '\n');
  return firn_print_builder(b, app->out, err);
}

static firn_status list_namespace(firn_app *app, firn_catalog *catalog, const firn_namespace *ns,
                                  firn_error *err) {
  firn_names names;
  FIRN_TRY(firn_catalog_table_list(catalog, &app->ctx, ns, app->arena, &names, err));
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(LINE_MAX_BYTES);
  for (size_t i = 0; i < names.n; i++) {
    const char *name = firn_table_id_text(&names.items[i], app->arena);
    if (name == NULL) {
      return firn_error_set(err, FIRN_NOMEM, "no memory for a table's name");
    }
    if (app->format == FIRN_FORMAT_JSON) {
      firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
      firn_json_begin_object(&w);
      firn_json_add_text(&w, "table", name);
      firn_json_end_object(&w);
    } else {
      firn_builder_add_text(&b, name);
    }
    FIRN_TRY(print_line(app, &b, err));
  }
  return FIRN_OK;
}

/* This namespace's tables, then those of the namespaces below it. */
static firn_status list_tree(firn_app *app, firn_catalog *catalog, const firn_namespace *ns, size_t depth,
                             firn_error *err) {
  if (ns != NULL) {
    FIRN_TRY(list_namespace(app, catalog, ns, err));
  }
  firn_namespaces below;
  FIRN_TRY(firn_catalog_namespace_list(catalog, &app->ctx, ns, app->arena, &below, err));
  for (size_t i = 0; i < below.n && depth < FIRN_NAMESPACE_MAX_LEVELS; i++) {
    FIRN_TRY(list_tree(app, catalog, &below.items[i], depth + 1, err));
  }
  return FIRN_OK;
}

firn_status firn_table_list_run(firn_app *app, const firn_args *args, firn_error *err) {
  firn_catalog *catalog;
  FIRN_TRY(firn_app_catalog(app, false, &catalog, err));
  if (args->n_words == 0) {
    return list_tree(app, catalog, NULL, 0, err);
  }
  firn_namespace ns;
  FIRN_TRY(firn_namespace_parse(args->words[0], app->arena, &ns, err));
  return list_tree(app, catalog, &ns, ns.n_levels, err);
}

/* Nested types are printed in the form that people know: list<string>, struct<a: long>. */
static void write_type(const firn_field *field, firn_arena *arena, firn_builder *b) {
  const char *text =
      firn_kind_is_nested(field->kind) ? firn_kind_name(field->kind) : firn_type_text(field, arena);
  firn_builder_add_text(b, text == NULL ? "?" : text);
  if (!firn_kind_is_nested(field->kind)) {
    return;
  }
  firn_builder_add_u8(b, '<');
  for (uint32_t i = 0; i < field->n_children; i++) {
    firn_builder_add_text(b, i == 0 ? "" : ", ");
    if (field->kind == FIRN_KIND_STRUCT) {
      firn_builder_addf(b, "%s: ", field->children[i].name);
    }
    write_type(&field->children[i], arena, b);
  }
  firn_builder_add_u8(b, '>');
}

static firn_status print_columns(firn_app *app, const firn_schema *schema, firn_error *err) {
  static const char *const heads[] = {">id", "name", "type", "required", "doc"};
  firn_table_printer p = FIRN_TABLE_PRINTER_INIT(app->arena, heads);
  for (uint32_t i = 0; i < schema->root.n_children; i++) {
    const firn_field *f = &schema->root.children[i];
    FIRN_AUTO_BUILDER type = FIRN_BUILDER_INIT(LINE_MAX_BYTES);
    write_type(f, app->arena, &type);
    const char *cells[] = {firn_arena_printf(app->arena, "%" PRId32, f->id), f->name,
                           firn_arena_text(app->arena, firn_builder_bytes(&type)), f->required ? "yes" : "no",
                           f->doc == NULL ? "" : f->doc};
    FIRN_TRY(firn_table_printer_add(&p, cells, err));
  }
  firn_table_printer_print(&p, app->out);
  return FIRN_OK;
}

static firn_status run_schema(firn_app *app, const firn_app_table_found *found, firn_error *err) {
  const firn_schema *schema = firn_metadata_current_schema(found->metadata);
  if (app->format != FIRN_FORMAT_JSON) {
    return print_columns(app, schema, err);
  }
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(LINE_MAX_BYTES);
  firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
  firn_schema_write(schema, &w);
  return print_line(app, &b, err);
}

static const char *spec_text(const firn_metadata *m, firn_arena *arena) {
  const firn_partition_spec *spec = firn_metadata_default_spec(m);
  const char *text = "";
  for (size_t i = 0; spec != NULL && i < spec->n_fields && text != NULL; i++) {
    char transform[64];
    firn_transform_text(&spec->fields[i].transform, transform);
    const char *source =
        firn_schema_name_of(firn_metadata_current_schema(m), spec->fields[i].source_id, arena);
    text = firn_arena_printf(arena, "%s%s%s(%s)", text, i == 0 ? "" : ", ", transform,
                             source == NULL ? "?" : source);
  }
  return text == NULL ? "?" : text[0] == '\0' ? "none" : text;
}

static void print_pair(firn_app *app, const char *key, const char *value) {
  (void)fprintf(app->out, "%-18s %s\n", key, value == NULL ? "-" : value);
}

static firn_status show_text(firn_app *app, const firn_app_table_found *found, firn_error *err) {
  const firn_metadata_fields *m = firn_metadata_get(found->metadata);
  const firn_snapshot *snapshot = firn_metadata_current_snapshot(found->metadata);
  print_pair(app, "location", m->location);
  print_pair(app, "metadata", found->metadata_location);
  print_pair(app, "uuid", m->table_uuid);
  print_pair(app, "format version", firn_arena_printf(app->arena, "%" PRId32, m->format_version));
  print_pair(app, "last updated", firn_print_time_ms(m->last_updated_ms, app->arena));
  print_pair(app, "partitioned by", spec_text(found->metadata, app->arena));
  print_pair(app, "snapshots", firn_print_count((int64_t)m->n_snapshots, app->arena));
  if (snapshot != NULL) {
    print_pair(app, "current snapshot", firn_arena_printf(app->arena, "%" PRId64, snapshot->snapshot_id));
    print_pair(app, "records", firn_properties_get(&snapshot->summary, "total-records"));
    print_pair(app, "data files", firn_properties_get(&snapshot->summary, "total-data-files"));
    print_pair(app, "bytes", firn_properties_get(&snapshot->summary, "total-files-size"));
  }
  for (size_t i = 0; i < m->properties.n; i++) {
    print_pair(
        app, i == 0 ? "properties" : "",
        firn_arena_printf(app->arena, "%s = %s", m->properties.items[i].key, m->properties.items[i].value));
  }
  (void)fputs("\n", app->out);
  return print_columns(app, firn_metadata_current_schema(found->metadata), err);
}

static firn_status run_show(firn_app *app, const firn_app_table_found *found, firn_error *err) {
  if (app->format != FIRN_FORMAT_JSON) {
    return show_text(app, found, err);
  }
  FIRN_AUTO_BUILDER metadata = FIRN_BUILDER_INIT(0);
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_json_writer inner = FIRN_JSON_WRITER_INIT(&metadata);
  firn_metadata_write(found->metadata, &inner);
  firn_bytes json;
  FIRN_TRY(firn_builder_finish(&metadata, &json, err));
  firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
  firn_json_begin_object(&w);
  firn_json_add_text(&w, "metadata-location", found->metadata_location);
  firn_json_key(&w, "metadata");
  firn_json_write_raw(&w, json);
  firn_json_end_object(&w);
  return print_line(app, &b, err);
}

static void write_snapshot(const firn_snapshot *s, firn_json_writer *w) {
  firn_json_begin_object(w);
  firn_json_add_int64(w, "snapshot-id", s->snapshot_id);
  firn_json_key(w, "parent-snapshot-id");
  if (s->has_parent) {
    firn_json_write_int64(w, s->parent_snapshot_id);
  } else {
    firn_json_write_null(w);
  }
  firn_json_add_int64(w, "sequence-number", s->sequence_number);
  firn_json_add_int64(w, "timestamp-ms", s->timestamp_ms);
  firn_json_key(w, "operation");
  if (s->operation != NULL) {
    firn_json_write_text(w, s->operation);
  } else {
    firn_json_write_null(w);
  }
  firn_json_key(w, "summary");
  firn_json_begin_object(w);
  for (size_t i = 0; i < s->summary.n; i++) {
    firn_json_add_text(w, s->summary.items[i].key, s->summary.items[i].value);
  }
  firn_json_end_object(w);
  firn_json_end_object(w);
}

static firn_status snapshots_json(firn_app *app, const firn_metadata_fields *m, firn_error *err) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(LINE_MAX_BYTES);
  for (size_t i = 0; i < m->n_snapshots; i++) {
    firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
    write_snapshot(&m->snapshots[i], &w);
    FIRN_TRY(print_line(app, &b, err));
  }
  return FIRN_OK;
}

static firn_status run_snapshots(firn_app *app, const firn_app_table_found *found, firn_error *err) {
  static const char *const heads[] = {"committed at", ">snapshot id", ">parent id", "operation",
                                      ">added rows",  ">added files", ">total rows"};
  const firn_metadata_fields *m = firn_metadata_get(found->metadata);
  if (app->format == FIRN_FORMAT_JSON) {
    return snapshots_json(app, m, err);
  }
  firn_table_printer p = FIRN_TABLE_PRINTER_INIT(app->arena, heads);
  for (size_t i = 0; i < m->n_snapshots; i++) {
    const firn_snapshot *s = &m->snapshots[i];
    const char *cells[] = {
        firn_print_time_ms(s->timestamp_ms, app->arena),
        firn_arena_printf(app->arena, "%" PRId64, s->snapshot_id),
        s->has_parent ? firn_arena_printf(app->arena, "%" PRId64, s->parent_snapshot_id) : NULL,
        s->operation,
        firn_properties_get(&s->summary, "added-records"),
        firn_properties_get(&s->summary, "added-data-files"),
        firn_properties_get(&s->summary, "total-records"),
    };
    FIRN_TRY(firn_table_printer_add(&p, cells, err));
  }
  firn_table_printer_print(&p, app->out);
  return FIRN_OK;
}

/* Whether the current snapshot descends from `id`. */
static bool is_ancestor(const firn_metadata *m, int64_t id) {
  const firn_snapshot *s = firn_metadata_current_snapshot(m);
  for (size_t steps = 0; s != NULL && steps <= firn_metadata_get(m)->n_snapshots; steps++) {
    if (s->snapshot_id == id) {
      return true;
    }
    s = s->has_parent ? firn_metadata_snapshot(m, s->parent_snapshot_id) : NULL;
  }
  return false;
}

static firn_status run_history(firn_app *app, const firn_app_table_found *found, firn_error *err) {
  static const char *const heads[] = {"made current at", ">snapshot id", "is current ancestor"};
  const firn_metadata_fields *m = firn_metadata_get(found->metadata);
  firn_table_printer p = FIRN_TABLE_PRINTER_INIT(app->arena, heads);
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(LINE_MAX_BYTES);
  for (size_t i = 0; i < m->n_snapshot_log; i++) {
    const firn_snapshot_log_entry *e = &m->snapshot_log[i];
    bool is_current_ancestor = is_ancestor(found->metadata, e->snapshot_id);
    if (app->format == FIRN_FORMAT_JSON) {
      firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
      firn_json_begin_object(&w);
      firn_json_add_int64(&w, "timestamp-ms", e->timestamp_ms);
      firn_json_add_int64(&w, "snapshot-id", e->snapshot_id);
      firn_json_add_bool(&w, "is-current-ancestor", is_current_ancestor);
      firn_json_end_object(&w);
      FIRN_TRY(print_line(app, &b, err));
      continue;
    }
    const char *cells[] = {firn_print_time_ms(e->timestamp_ms, app->arena),
                           firn_arena_printf(app->arena, "%" PRId64, e->snapshot_id),
                           is_current_ancestor ? "yes" : "no"};
    FIRN_TRY(firn_table_printer_add(&p, cells, err));
  }
  if (app->format != FIRN_FORMAT_JSON) {
    firn_table_printer_print(&p, app->out);
  }
  return FIRN_OK;
}

/* Loads the table that the first word names, shows it with `show`, lets it go. */
static firn_status with_table(firn_app *app, const firn_args *args,
                              firn_status (*show)(firn_app *, const firn_app_table_found *, firn_error *),
                              firn_error *err) {
  firn_app_table_found found;
  FIRN_TRY(firn_app_table(app, args->words[0], &found, err));
  firn_status status = show(app, &found, err);
  firn_metadata_unref(found.metadata);
  return status;
}

firn_status firn_table_show_run(firn_app *app, const firn_args *args, firn_error *err) {
  return with_table(app, args, run_show, err);
}

firn_status firn_table_schema_run(firn_app *app, const firn_args *args, firn_error *err) {
  return with_table(app, args, run_schema, err);
}

firn_status firn_table_snapshots_run(firn_app *app, const firn_args *args, firn_error *err) {
  return with_table(app, args, run_snapshots, err);
}

firn_status firn_table_history_run(firn_app *app, const firn_args *args, firn_error *err) {
  return with_table(app, args, run_history, err);
}

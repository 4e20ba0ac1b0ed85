#include "services/sql/session_internal.h"

#include "base/alloc.h"
#include "base/time.h"
#include "services/sql/filter_internal.h"
#include "services/sql/rewrite_internal.h"

enum { STATEMENT_MEMORY_MAX = 1 << 30 };

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for an SQL session");
}

static bool keep_texts(firn_sql *sql) {
  const char **texts[] = {&sql->options.library, &sql->options.ns, &sql->options.spill_folder,
                          &sql->options.folder};
  for (size_t i = 0; i < FIRN_COUNT_OF(texts); i++) {
    if (*texts[i] != NULL) {
      *texts[i] = firn_arena_text(&sql->arena, firn_bytes_of(*texts[i]));
      if (*texts[i] == NULL) {
        return false;
      }
    }
  }
  return true;
}

firn_status firn_sql_open(const firn_sql_options *options, firn_ctx *ctx, firn_sql **out, firn_error *err) {
  firn_sql *sql = firn_alloc(sizeof *sql);
  if (sql == NULL) {
    return no_memory(err);
  }
  sql->options = *options;
  const firn_engine_options engine = {
      .library = options->library,
      .memory_bytes = options->memory_bytes,
      .spill_folder = options->spill_folder,
      .n_threads = options->n_threads,
      .is_closed = options->is_read_only,
  };
  firn_status status = keep_texts(sql) ? FIRN_OK : no_memory(err);
  if (status == FIRN_OK) {
    status = firn_engine_open(&engine, ctx, &sql->engine, err);
  }
  if (status != FIRN_OK) {
    firn_sql_close(sql);
    return status;
  }
  sql->n_threads = firn_engine_threads(sql->engine);
  *out = sql;
  return FIRN_OK;
}

void firn_sql_close(firn_sql *sql) {
  if (sql != NULL) {
    firn_engine_close(sql->engine);
    firn_arena_free(&sql->arena);
    firn_free(sql);
  }
}

void firn_sql_session_names(const firn_sql_session *s, firn_arena *arena, firn_scan_counts *counts,
                            firn_sql_names *names) {
  const firn_sql_options *o = &s->sql->options;
  *names = (firn_sql_names){
      .catalog = o->catalog,
      .stores = o->stores,
      .folder = o->folder,
      .ns = s->ns,
      .n_threads = s->sql->n_threads,
      .counts = counts,
      .arena = arena,
  };
}

firn_status firn_sql_session_use(firn_sql_session *s, firn_ctx *ctx, const char *ns, firn_error *err) {
  FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(1 << 24);
  firn_sql_names names;
  firn_sql_session_names(s, &scratch, NULL, &names);
  names.ns = (firn_namespace){0};
  firn_namespace written, found;
  FIRN_TRY(firn_namespace_parse(ns, &scratch, &written, err));
  FIRN_TRY(firn_sql_namespace_find(&names, ctx, written.levels, written.n_levels, &found, err));
  return firn_sql_session_keep_ns(s, &found, err);
}

firn_status firn_sql_session_keep_ns(firn_sql_session *s, const firn_namespace *ns, firn_error *err) {
  firn_arena arena = FIRN_ARENA_INIT(1 << 20);
  const char **levels = firn_new_n(&arena, const char *, ns->n_levels + 1);
  bool kept = levels != NULL;
  for (size_t i = 0; kept && i < ns->n_levels; i++) {
    levels[i] = firn_arena_text(&arena, firn_bytes_of(ns->levels[i]));
    kept = levels[i] != NULL;
  }
  if (!kept) {
    firn_arena_free(&arena);
    return no_memory(err);
  }
  firn_arena_free(&s->ns_arena);
  s->ns_arena = arena;
  s->ns = (firn_namespace){ns->n_levels, levels};
  return FIRN_OK;
}

firn_status firn_sql_session_open(firn_sql *sql, firn_ctx *ctx, firn_sql_session **out, firn_error *err) {
  firn_sql_session *s = firn_alloc(sizeof *s);
  if (s == NULL) {
    return no_memory(err);
  }
  s->sql = sql;
  firn_status status = firn_engine_link_open(sql->engine, ctx, &s->link, err);
  if (status == FIRN_OK && sql->options.ns != NULL) {
    status = firn_sql_session_use(s, ctx, sql->options.ns, err);
  }
  if (status != FIRN_OK) {
    firn_sql_session_close(s);
    return status;
  }
  *out = s;
  return FIRN_OK;
}

void firn_sql_session_close(firn_sql_session *s) {
  if (s != NULL) {
    firn_engine_link_close(s->link);
    firn_arena_free(&s->ns_arena);
    firn_free(s);
  }
}

/* The engine speaks of generated names; people shall read theirs. NULL: there is none in the text, or no
 * memory. */
static const char *with_names(firn_sql_result *r, const char *text) {
  if (r->generated == NULL || strstr(text, "firn_ref_") == NULL) {
    return NULL;
  }
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(1 << 20);
  for (size_t at = 0; text[at] != 0;) {
    size_t len = 0;
    for (size_t i = 0; i < r->statement.n_refs && len == 0; i++) {
      const char *name = r->generated[i];
      if (name != NULL && strncmp(text + at, name, strlen(name)) == 0) {
        firn_builder_add_text(&b, r->shown[i]);
        len = strlen(name);
      }
    }
    if (len == 0) {
      firn_builder_add_u8(&b, (uint8_t)text[at]);
      len = 1;
    }
    at += len;
  }
  return b.failed == FIRN_OK ? firn_arena_text(&r->arena, firn_builder_bytes(&b)) : NULL;
}

static void show_names(firn_sql_result *r, firn_error *err) {
  const char *text = err == NULL ? NULL : with_names(r, err->text);
  if (text != NULL) {
    firn_error_write(err, err->status, "%s", text);
  }
}

/* Columns without a name of their own are headed by what the engine read. */
static firn_status name_columns(firn_sql_result *r, firn_error *err) {
  const firn_field *schema = firn_engine_rows_schema(r->rows);
  for (uint32_t i = 0; i < schema->n_children; i++) {
    const char *name = with_names(r, schema->children[i].name);
    if (name != NULL) {
      FIRN_TRY(firn_engine_rows_rename(r->rows, i, name, err));
    }
  }
  return FIRN_OK;
}

firn_status firn_sql_engine_has(firn_sql_result *r, firn_ctx *ctx, const firn_sql_ref *ref, bool *out,
                                firn_error *err) {
  *out = false;
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(1 << 20);
  firn_builder_add_text(&b,
                        "SELECT 1 FROM (SELECT database_name d, schema_name s, table_name t FROM "
                        "duckdb_tables() UNION ALL SELECT database_name, schema_name, view_name FROM "
                        "duckdb_views()) WHERE lower(t) = lower(");
  for (size_t i = ref->n_parts; i-- > 0;) {
    firn_builder_add_u8(&b, '\'');
    for (const char *at = ref->parts[i]; *at != 0; at++) {
      firn_builder_add_u8(&b, (uint8_t)*at);
      if (*at == '\'') {
        firn_builder_add_u8(&b, '\'');
      }
    }
    firn_builder_add_text(&b, "')");
    if (i > 0) {
      firn_builder_add_text(&b, ref->n_parts == 2 ? " AND lower(s) = lower("
                                : i == 2          ? " AND lower(s) = lower("
                                                  : " AND lower(d) = lower(");
    }
  }
  firn_builder_add_u8(&b, 0);
  firn_bytes sql;
  FIRN_TRY(firn_builder_finish(&b, &sql, err));
  if (ref->n_parts > 3) {
    return FIRN_OK;
  }
  firn_engine_rows *rows;
  FIRN_TRY(firn_engine_query(r->session->link, ctx, (const char *)sql.data, &rows, err));
  const firn_batch *batch = NULL;
  firn_status status = firn_engine_rows_next(rows, ctx, &batch, err);
  *out = batch != NULL;
  firn_engine_rows_close(rows);
  return status;
}

static firn_status engine_has(void *arg, firn_ctx *ctx, const firn_sql_ref *ref, bool *out, firn_error *err) {
  return firn_sql_engine_has(arg, ctx, ref, out, err);
}

/* Several plans of one query prune what all of them would: `so_far` grows by what this one says of each
 * table. */
static firn_status plan_add(firn_sql_result *r, const char *select, const firn_expr **so_far, bool *counts,
                            bool *is_planned, firn_error *err) {
  const firn_json_value *plan;
  firn_error ignored;
  *is_planned = firn_engine_plan(r->session->link, select, &r->arena, &plan, &ignored) == FIRN_OK;
  for (size_t i = 0; *is_planned && i < r->statement.n_refs; i++) {
    const firn_schema *schema = r->sources[i] == NULL ? NULL : firn_source_filter_schema(r->sources[i]);
    if (schema == NULL) {
      continue;
    }
    const firn_expr *filter = NULL;
    bool is_summary = false;
    FIRN_TRY(firn_sql_filter_of(plan, r->generated[i], &schema->root, &r->arena, &filter, &is_summary, err));
    so_far[i] = so_far[i] == NULL ? filter : firn_expr_or(so_far[i], filter, &r->arena);
    counts[i] = is_summary;
    if (so_far[i] == NULL) {
      return no_memory(err);
    }
  }
  return FIRN_OK;
}

static firn_status filter_keep(firn_sql_result *r, size_t i, const firn_expr *filter, bool counts,
                               firn_error *err) {
  const firn_schema *schema = r->sources[i] == NULL ? NULL : firn_source_filter_schema(r->sources[i]);
  const firn_expr *bound = NULL;
  if (schema == NULL || filter == NULL) {
    return FIRN_OK;
  }
  if (filter->op == FIRN_EXPR_TRUE) {
    r->sources[i]->is_summary = counts;
    return FIRN_OK;
  }
  firn_status status = firn_expr_bind(filter, schema, false, &r->arena, &bound, err);
  if (status == FIRN_OK && bound->op != FIRN_EXPR_TRUE) {
    r->sources[i]->filter = bound;
  }
  return status == FIRN_NOMEM ? status : FIRN_OK;
}

/* The engine's own clock. */
static firn_status engine_time(firn_sql_result *r, firn_ctx *ctx, int64_t *now_us, firn_error *err) {
  firn_engine_rows *rows;
  FIRN_TRY(firn_engine_query(r->session->link, ctx, "SELECT epoch_us(now())", &rows, err));
  const firn_batch *batch = NULL;
  firn_status status = firn_engine_rows_next(rows, ctx, &batch, err);
  bool is_there = status == FIRN_OK && batch != NULL && batch->columns[0].kind == FIRN_KIND_LONG;
  *now_us = is_there ? batch->columns[0].i64[0] : 0;
  firn_engine_rows_close(rows);
  return status == FIRN_OK && !is_there ? firn_error_set(err, FIRN_UNSUPPORTED, "the engine has no clock")
                                        : status;
}

/* A query that asks for the time is planned for now and for an hour from now, and prunes what neither needs:
 * it runs in between. */
static firn_status plans_add(firn_sql_result *r, firn_ctx *ctx, const firn_expr **filters, bool *counts,
                             bool *is_planned, firn_error *err) {
  const firn_sql_statement *s = &r->statement;
  const char *select;
  bool can_be_planned;
  if (!firn_sql_asks_for_time(s, &can_be_planned)) {
    FIRN_TRY(firn_sql_rewrite(s, s->query_at, s->query_len, r->generated, &r->arena, &select, err));
    return plan_add(r, select, filters, counts, is_planned, err);
  }
  *is_planned = can_be_planned;
  int64_t now;
  FIRN_TRY(engine_time(r, ctx, &now, err));
  for (int i = 0; *is_planned && i < 2; i++) {
    int64_t at = i == 0 ? now - FIRN_US_PER_HOUR : now + FIRN_US_PER_HOUR;
    FIRN_TRY(firn_sql_rewrite_at(s, s->query_at, s->query_len, r->generated, at, &r->arena, &select, err));
    FIRN_TRY(plan_add(r, select, filters, counts, is_planned, err));
  }
  return FIRN_OK;
}

/* A plan that cannot be had, or is not understood, prunes nothing. */
firn_status firn_sql_filters_set(firn_sql_result *r, firn_ctx *ctx, firn_error *err) {
  const firn_sql_statement *s = &r->statement;
  if (s->query_len == 0 || s->n_refs == 0 || r->session->has_own_settings) {
    return FIRN_OK;
  }
  const firn_expr **filters = firn_new_n(&r->arena, const firn_expr *, s->n_refs);
  bool *counts = firn_new_n(&r->arena, bool, s->n_refs);
  if (filters == NULL || counts == NULL) {
    return no_memory(err);
  }
  bool is_planned = false;
  FIRN_TRY(plans_add(r, ctx, filters, counts, &is_planned, err));
  for (size_t i = 0; is_planned && i < s->n_refs; i++) {
    FIRN_TRY(filter_keep(r, i, filters[i], counts[i], err));
  }
  return FIRN_OK;
}

static firn_status ref_open(firn_sql_result *r, firn_ctx *ctx, size_t i, firn_error *err) {
  const firn_sql_ref *ref = &r->statement.refs[i];
  firn_status status = firn_sql_ref_open(&r->names, ctx, ref, &r->sources[i], &r->shown[i], err);
  if (status == FIRN_NOT_FOUND || status == FIRN_INVALID) {
    firn_sql_place place = firn_sql_place_of(r->statement.text, ref->at);
    return firn_error_while(err, status, "line %zu, column %zu", place.line, place.column);
  }
  FIRN_TRY(status);
  if (r->sources[i] == NULL) {
    return FIRN_OK;
  }
  r->generated[i] = firn_arena_printf(&r->arena, "firn_ref_%zu_", i + 1);
  return r->generated[i] == NULL ? no_memory(err)
                                 : firn_engine_bind(r->session->link, r->generated[i], r->sources[i], err);
}

firn_status firn_sql_refs_open(firn_sql_result *r, firn_ctx *ctx, firn_error *err) {
  size_t n = r->statement.n_refs;
  r->generated = firn_new_n(&r->arena, const char *, n + 1);
  r->shown = firn_new_n(&r->arena, const char *, n + 1);
  r->sources = firn_new_n(&r->arena, firn_sql_source *, n + 1);
  if (r->generated == NULL || r->shown == NULL || r->sources == NULL) {
    return no_memory(err);
  }
  if (!r->session->sql->options.is_read_only) {
    r->names.engine_has = engine_has;
    r->names.arg = r;
  }
  for (size_t i = 0; i < n; i++) {
    FIRN_TRY(ref_open(r, ctx, i, err));
  }
  return FIRN_OK;
}

firn_status firn_sql_engine_start(firn_sql_result *r, firn_ctx *ctx, const char *sql, firn_error *err) {
  firn_status status = firn_engine_query(r->session->link, ctx, sql, &r->rows, err);
  if (status != FIRN_OK) {
    show_names(r, err);
    return status;
  }
  return name_columns(r, err);
}

firn_status firn_sql_query_start(firn_sql_result *r, firn_ctx *ctx, size_t at, size_t len, firn_error *err) {
  const char *sql;
  FIRN_TRY(firn_sql_refs_open(r, ctx, err));
  FIRN_TRY(firn_sql_rewrite(&r->statement, at, len, r->generated, &r->arena, &sql, err));
  FIRN_TRY(firn_sql_filters_set(r, ctx, err));
  return firn_sql_engine_start(r, ctx, sql, err);
}

/* What changes how the engine reads a query (SET, macros, ...) is not known to the engine's planner: no query
 * is planned after it. */
static void note_settings(firn_sql_result *r) {
  static const char *const harmless[] = {
      "copy",        "create temp table", "create temporary table", "drop table",
      "set threads", "set memory_limit",  "set temp_directory",     "set max_memory"};
  const firn_sql_statement *s = &r->statement;
  firn_parser p = {.text = s->text, .tokens = s->tokens, .n = s->n_tokens};
  for (size_t i = 0; i < FIRN_COUNT_OF(harmless); i++) {
    if (firn_parser_sees_all(&p, harmless[i])) {
      return;
    }
  }
  r->session->has_own_settings = true;
}

static firn_status run(firn_sql_result *r, firn_ctx *ctx, firn_error *err) {
  switch (r->statement.kind) {
    case FIRN_SQL_ENGINE:
      note_settings(r);
      return firn_sql_query_start(r, ctx, 0, r->statement.text.len, err);
    case FIRN_SQL_QUERY:
      return firn_sql_query_start(r, ctx, 0, r->statement.text.len, err);
    case FIRN_SQL_DESCRIBE:
      return firn_sql_describe(r, ctx, err);
    case FIRN_SQL_SHOW_NAMESPACES:
      return firn_sql_show_namespaces(r, ctx, err);
    case FIRN_SQL_SHOW_TABLES:
      return firn_sql_show_tables(r, ctx, err);
    case FIRN_SQL_USE:
      return firn_sql_use(r, ctx, err);
    case FIRN_SQL_REFUSED:
      return firn_error_set(err, FIRN_UNSUPPORTED, "%s", r->statement.refusal);
    default:
      return firn_sql_change(r, ctx, err);
  }
}

static firn_status read_and_run(firn_sql_result *r, firn_ctx *ctx, firn_bytes text, firn_error *err) {
  firn_bytes kept = firn_arena_copy(&r->arena, firn_bytes_part(text, 0, FIRN_SQL_MAX_BYTES + 1));
  if (kept.data == NULL) {
    return no_memory(err);
  }
  FIRN_TRY(firn_sql_statement_read(kept, &r->arena, &r->statement, err));
  if (r->session->sql->options.is_read_only) {
    FIRN_TRY(firn_sql_read_only_check(&r->statement, err));
  }
  return run(r, ctx, err);
}

firn_status firn_sql_run(firn_sql_session *s, firn_ctx *ctx, firn_bytes statement, firn_sql_result **out,
                         firn_error *err) {
  if (s->has_result) {
    return firn_error_set(err, FIRN_INVALID, "the rows of the last statement have not been closed");
  }
  firn_sql_result *r = firn_alloc(sizeof *r);
  if (r == NULL) {
    return no_memory(err);
  }
  r->session = s;
  r->arena = (firn_arena)FIRN_ARENA_INIT(STATEMENT_MEMORY_MAX);
  r->no_columns = (firn_field){.id = FIRN_NO_ID, .name = "rows", .required = true, .kind = FIRN_KIND_STRUCT};
  firn_sql_session_names(s, &r->arena, &r->counts, &r->names);
  s->has_result = true;
  atomic_store(&s->is_running, true);
  firn_status status = read_and_run(r, ctx, statement, err);
  if (status != FIRN_OK) {
    firn_sql_result_close(r);
    return status;
  }
  *out = r;
  return FIRN_OK;
}

const firn_field *firn_sql_result_schema(const firn_sql_result *r) {
  if (r->rows != NULL) {
    return firn_engine_rows_schema(r->rows);
  }
  return r->own != NULL ? r->own->schema : &r->no_columns;
}

firn_status firn_sql_result_next(firn_sql_result *r, firn_ctx *ctx, const firn_batch **out, firn_error *err) {
  if (r->rows != NULL) {
    firn_status status = firn_engine_rows_next(r->rows, ctx, out, err);
    if (status != FIRN_OK) {
      show_names(r, err);
    }
    return status;
  }
  bool has_rows = r->own != NULL && r->own->n_rows > 0 && !r->own_is_given;
  *out = has_rows ? r->own : NULL;
  r->own_is_given = true;
  return FIRN_OK;
}

const char *firn_sql_result_message(const firn_sql_result *r) {
  return r->message;
}

const firn_scan_counts *firn_sql_result_counts(const firn_sql_result *r) {
  return &r->counts;
}

void firn_sql_result_close(firn_sql_result *r) {
  if (r == NULL) {
    return;
  }
  firn_engine_rows_close(r->rows);
  firn_engine_unbind_all(r->session->link);
  firn_sql_names_close(&r->names);
  atomic_store(&r->session->is_running, false);
  r->session->has_result = false;
  firn_arena_free(&r->arena);
  firn_free(r);
}

void firn_sql_result_close_pointer(firn_sql_result **r) {
  firn_sql_result_close(*r);
}

void firn_sql_interrupt(firn_sql_session *s) {
  firn_engine_interrupt(s->link);
}

double firn_sql_progress(firn_sql_session *s) {
  return atomic_load(&s->is_running) ? firn_engine_progress(s->link) : -1;
}

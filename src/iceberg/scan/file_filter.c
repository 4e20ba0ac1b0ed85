#include "iceberg/scan/file_filter_internal.h"

#include "formats/parquet/statistics.h"

/* What the filter of one row group may cost; what would be more is not asked. */
enum {
  BLOOM_QUESTIONS = 64,     /* each is a read or two */
  PAGE_QUESTIONS = 1 << 20, /* literals times pages */
};

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for a filter");
}

/* ---- the columns ---- */

/* The field with this id and the structs around it, each with that one child; false when there is none, or it
 * lies below a list or map. `type` is what the filter knows it as. */
static bool path_to(const firn_field *parent, const firn_field *type, firn_arena *arena, firn_field *out,
                    bool *out_of_memory) {
  for (uint32_t i = 0; i < parent->n_children; i++) {
    const firn_field *child = &parent->children[i];
    if (child->id == type->id) {
      *out = *type;
      out->required = false; /* a file that lacks it may still be asked */
      if (out->kind == FIRN_KIND_STRUCT) {
        out->n_children = 0; /* whether it is null is all that can be asked */
      }
      return true;
    }
    firn_field *below = NULL;
    if (child->kind == FIRN_KIND_STRUCT && firn_field_find(child, type->id) != NULL) {
      below = firn_new(arena, firn_field);
      *out_of_memory = *out_of_memory || below == NULL;
    }
    if (below != NULL && path_to(child, type, arena, below, out_of_memory)) {
      *out = *child;
      out->required = false;
      out->n_children = 1;
      out->children = below;
      return true;
    }
  }
  return false;
}

static bool find_path(const firn_metadata *metadata, const firn_field *type, firn_arena *arena,
                      firn_field *out, bool *out_of_memory) {
  if (path_to(&firn_metadata_current_schema(metadata)->root, type, arena, out, out_of_memory)) {
    return true;
  }
  const firn_metadata_fields *m = firn_metadata_get(metadata);
  for (size_t i = 0; i < m->n_schemas; i++) {
    if (path_to(&m->schemas[i].root, type, arena, out, out_of_memory)) {
      return true;
    }
  }
  return false;
}

static const firn_field *field_of(const firn_expr *e, int32_t id) {
  if (e == NULL) {
    return NULL;
  }
  if (e->field != NULL && e->field->id == id) {
    return e->field;
  }
  const firn_field *found = field_of(e->left, id);
  return found != NULL ? found : field_of(e->right, id);
}

firn_status firn_file_filter_new(const firn_expr *e, const firn_metadata *metadata, firn_arena *arena,
                                 firn_file_filter *out, firn_error *err) {
  const int32_t *ids;
  size_t n;
  FIRN_TRY(firn_expr_field_ids(e, arena, &ids, &n, err));
  firn_filter_column *columns = firn_new_n(arena, firn_filter_column, n);
  firn_field *fields = firn_new_n(arena, firn_field, n);
  if (columns == NULL || fields == NULL) {
    return no_memory(err);
  }
  bool out_of_memory = false;
  *out = (firn_file_filter){.e = e, .columns = columns, .fields = {.id = FIRN_NO_ID, .name = ""}};
  for (size_t i = 0; i < n; i++) {
    const firn_field *type = field_of(e, ids[i]);
    if (type != NULL && find_path(metadata, type, arena, &fields[out->n_columns], &out_of_memory)) {
      columns[out->n_columns++] = (firn_filter_column){.id = ids[i], .type = *type};
    }
  }
  out->fields.kind = FIRN_KIND_STRUCT;
  out->fields.required = true;
  out->fields.n_children = (uint32_t)out->n_columns;
  out->fields.children = fields;
  return out_of_memory ? no_memory(err) : FIRN_OK;
}

/* Down the structs to the leaf, in the projection and in the file side by side. */
static void find_column(firn_filter_column *c, const firn_projection *p, const firn_parquet_node *parent) {
  bool in_struct = false;
  while (p->from_file) {
    const firn_parquet_node *node = &parent->children[p->child];
    if (p->wanted->id == c->id) {
      bool is_leaf = node->n_children == 0 && node->max_rep == 0;
      c->leaf = is_leaf ? node : NULL;
      c->file_kind = p->file_kind;
      return;
    }
    in_struct = true;
    parent = node;
    p = &p->children[0];
  }
  /* Where a struct is null its parts are too, whatever they would be otherwise. */
  c->is_constant = p->constant.is_null || !in_struct;
  c->constant = p->constant;
}

void firn_file_filter_find(firn_file_filter *f, const firn_parquet_file *file,
                           const firn_projection *projection) {
  f->file = file;
  for (size_t i = 0; i < f->n_columns; i++) {
    find_column(&f->columns[i], &projection->children[i], firn_parquet_file_metadata(file)->root);
  }
}

static const firn_filter_column *column_of(const firn_file_filter *f, int32_t id) {
  for (size_t i = 0; i < f->n_columns; i++) {
    if (f->columns[i].id == id) {
      return &f->columns[i];
    }
  }
  return NULL;
}

/* ---- statistics ---- */

static bool read_bound(const firn_filter_column *c, firn_bytes stored, bool is_min, firn_value *out) {
  _Alignas(16) uint8_t room[FIRN_PARQUET_VALUE_MAX] = {0};
  if (!firn_parquet_bound_read(c->leaf, stored, is_min, room)) {
    return false;
  }
  firn_value v = {.kind = c->file_kind};
  if (v.kind == FIRN_KIND_BOOLEAN) {
    v.boolean = room[0] != 0;
  } else {
    memcpy(&v.i64, room, firn_kind_value_size(v.kind)); /* where every kind begins */
  }
  *out = firn_value_promote(&v, c->type.kind);
  return !out->is_null;
}

static void constant_stats(const firn_filter_column *c, int64_t n_rows, firn_column_stats *out) {
  bool is_nan = (c->constant.kind == FIRN_KIND_FLOAT && c->constant.f32 != c->constant.f32) ||
                (c->constant.kind == FIRN_KIND_DOUBLE && c->constant.f64 != c->constant.f64);
  bool is_value = !c->constant.is_null && !is_nan;
  *out = (firn_column_stats){.type = &c->type,
                             .n_values = n_rows,
                             .n_nulls = c->constant.is_null ? n_rows : 0,
                             .n_nans = !c->constant.is_null && is_nan ? n_rows : 0,
                             .has_lower = is_value,
                             .has_upper = is_value,
                             .lower = c->constant,
                             .upper = c->constant};
}

typedef struct in_group {
  const firn_file_filter *f;
  const firn_parquet_row_group *group;
} in_group;

static bool is_real(firn_kind kind) {
  return kind == FIRN_KIND_FLOAT || kind == FIRN_KIND_DOUBLE;
}

static bool stats_of_group(void *arg, int32_t id, firn_column_stats *out) {
  const in_group *g = arg;
  const firn_filter_column *c = column_of(g->f, id);
  if (c != NULL && c->is_constant) {
    constant_stats(c, g->group->n_rows, out);
    return true;
  }
  if (c == NULL || c->leaf == NULL) {
    return false;
  }
  const firn_parquet_chunk *chunk = &g->group->chunks[c->leaf->leaf];
  const firn_parquet_statistics *s = &chunk->statistics;
  firn_column_stats stats = {.type = &c->type,
                             .n_values = g->group->n_rows,
                             .n_nulls = s->n_nulls,
                             .n_nans = is_real(c->type.kind) ? -1 : 0};
  stats.has_lower = s->has_min && read_bound(c, s->min, true, &stats.lower);
  stats.has_upper = s->has_max && read_bound(c, s->max, false, &stats.upper);
  *out = stats;
  return true;
}

/* ---- bloom filters ---- */

/* The literal as the file's own type; false when no value of it is equal, or more than one is. `*excluded`:
 * none is. */
static bool narrow_literal(const firn_value *v, firn_kind file_kind, firn_value *out, bool *excluded) {
  *out = *v;
  *excluded = false;
  if (v->kind == file_kind) {
    return true;
  }
  out->kind = file_kind;
  if (v->kind == FIRN_KIND_LONG && file_kind == FIRN_KIND_INT) {
    out->i32 = (int32_t)v->i64;
    *excluded = out->i32 != v->i64;
    return !*excluded;
  }
  if (v->kind == FIRN_KIND_DOUBLE && file_kind == FIRN_KIND_FLOAT) {
    out->f32 = (float)v->f64;
    *excluded = v->f64 == v->f64 && (double)out->f32 != v->f64;
    return !*excluded && v->f64 == v->f64;
  }
  return firn_kind_is_bytes(v->kind) && firn_kind_is_bytes(file_kind);
}

static firn_status excludes_literal(const firn_file_filter *f, firn_ctx *ctx, size_t group,
                                    const firn_filter_column *c, const firn_value *literal, bool *out,
                                    firn_error *err) {
  firn_value v;
  if (!narrow_literal(literal, c->file_kind, &v, out)) {
    return FIRN_OK;
  }
  _Alignas(16) uint8_t value[FIRN_PARQUET_VALUE_MAX] = {0};
  uint8_t room[FIRN_PARQUET_VALUE_MAX];
  firn_bytes stored;
  size_t size = firn_kind_value_size(c->file_kind);
  memcpy(value, &v.i64, size); /* where every kind begins */
  if (size == 0 || !firn_parquet_stored_form(c->leaf, value, room, &stored)) {
    return FIRN_OK;
  }
  bool may = true;
  firn_status status = firn_parquet_file_may_contain(f->file, ctx, group, c->leaf->leaf, stored, &may, err);
  *out = status == FIRN_OK && !may;
  return status == FIRN_CORRUPT ? FIRN_OK : status;
}

/* Whether the bloom filters say that no row of the group matches; `*left` more literals may be asked. */
static firn_status bloom_excludes(const firn_file_filter *f, firn_ctx *ctx, size_t group, const firn_expr *e,
                                  size_t *left, bool *out, firn_error *err) {
  *out = false;
  if (e->op == FIRN_EXPR_AND || e->op == FIRN_EXPR_OR) {
    FIRN_TRY(bloom_excludes(f, ctx, group, e->left, left, out, err));
    return *out == (e->op == FIRN_EXPR_AND) ? FIRN_OK
                                            : bloom_excludes(f, ctx, group, e->right, left, out, err);
  }
  if ((e->op != FIRN_EXPR_EQ && e->op != FIRN_EXPR_IN) || e->n_literals > *left ||
      e->transform.kind != FIRN_TRANSFORM_IDENTITY) {
    return FIRN_OK;
  }
  const firn_filter_column *c = column_of(f, e->field->id);
  const firn_parquet_row_group *g = &firn_parquet_file_metadata(f->file)->row_groups[group];
  if (c == NULL || c->leaf == NULL || g->chunks[c->leaf->leaf].bloom_filter_offset == 0) {
    return FIRN_OK;
  }
  *left -= e->n_literals;
  bool all = e->n_literals > 0;
  for (size_t i = 0; i < e->n_literals && all; i++) {
    FIRN_TRY(excludes_literal(f, ctx, group, c, &e->literals[i].value, &all, err));
  }
  *out = all;
  return FIRN_OK;
}

/* ---- pages ---- */

/* The indexes of one column; no pages where they cannot be used. */
typedef struct page_indexes {
  bool is_loaded;
  firn_parquet_offset_index offsets;
  firn_parquet_column_index bounds;
} page_indexes;

typedef struct in_pages {
  const firn_file_filter *f;
  firn_ctx *ctx;
  size_t group;
  firn_arena *arena;
  int64_t first_row, n_rows; /* of the group; the first counted over the file */
  page_indexes *indexes;     /* of each of the filter's columns */
  size_t left;               /* questions that may still be asked */
  /* Of the predicate being asked: */
  const firn_filter_column *column;
  const page_indexes *of_column;
  size_t page;
  int64_t page_rows;
} in_pages;

static bool stats_of_page(void *arg, int32_t id, firn_column_stats *out) {
  const in_pages *p = arg;
  if (id != p->column->id) {
    return false;
  }
  const firn_parquet_column_index *bounds = &p->of_column->bounds;
  int64_t n_nulls = bounds->n_nulls == NULL ? -1 : bounds->n_nulls[p->page];
  firn_column_stats stats = {.type = &p->column->type,
                             .n_values = p->page_rows,
                             .n_nulls = n_nulls < 0 || n_nulls > p->page_rows ? -1 : n_nulls,
                             .n_nans = is_real(p->column->type.kind) ? -1 : 0};
  if (!bounds->null_pages[p->page]) {
    stats.has_lower = read_bound(p->column, bounds->mins[p->page], true, &stats.lower);
    stats.has_upper = read_bound(p->column, bounds->maxes[p->page], false, &stats.upper);
  } else if (p->column->leaf->max_def == 0 || n_nulls != p->page_rows) {
    return false; /* writers without statistics have called pages of required columns null pages */
  } else {
    stats.n_nans = 0;
  }
  *out = stats;
  return true;
}

/* A status that says only that there is nothing to prune by. */
static bool is_no_index(firn_status status) {
  return status == FIRN_NOT_FOUND || status == FIRN_CORRUPT;
}

static firn_status load_indexes(in_pages *p, const firn_filter_column *c, page_indexes *out,
                                firn_error *err) {
  const firn_parquet_metadata *m = firn_parquet_file_metadata(p->f->file);
  out->is_loaded = true;
  if (c->leaf == NULL || !firn_parquet_has_order(m, c->leaf)) {
    return FIRN_OK;
  }
  uint32_t leaf = c->leaf->leaf;
  const firn_parquet_chunk *chunk = &m->row_groups[p->group].chunks[leaf];
  if (chunk->column_index_offset == 0 || chunk->offset_index_offset == 0) {
    return FIRN_OK;
  }
  page_indexes found = {.is_loaded = true};
  firn_status status =
      firn_parquet_file_column_index(p->f->file, p->ctx, p->group, leaf, p->arena, &found.bounds, err);
  if (status == FIRN_OK) {
    status =
        firn_parquet_file_offset_index(p->f->file, p->ctx, p->group, leaf, p->arena, &found.offsets, err);
  }
  if (status == FIRN_OK && found.bounds.n_pages == found.offsets.n_pages) {
    *out = found;
  }
  return is_no_index(status) ? FIRN_OK : status;
}

/* The indexes of the column that a predicate asks about; `*found` false when its pages cannot be asked. */
static firn_status find_indexes(in_pages *p, const firn_expr *e, bool *found, firn_error *err) {
  *found = false;
  p->column = e->field == NULL ? NULL : column_of(p->f, e->field->id);
  if (p->column == NULL) {
    return FIRN_OK;
  }
  page_indexes *of_column = &p->indexes[p->column - p->f->columns];
  if (!of_column->is_loaded) {
    FIRN_TRY(load_indexes(p, p->column, of_column, err));
  }
  size_t n_pages = of_column->offsets.n_pages;
  p->of_column = of_column;
  *found = n_pages > 1 && e->n_literals < p->left / n_pages;
  p->left -= *found ? (e->n_literals + 1) * n_pages : 0;
  return FIRN_OK;
}

static firn_status rows_of(in_pages *p, const firn_expr *e, firn_row_ranges *out, firn_error *err);

static firn_status rows_of_two(in_pages *p, const firn_expr *e, firn_row_ranges *out, firn_error *err) {
  firn_row_ranges left, right;
  FIRN_TRY(rows_of(p, e->left, &left, err));
  FIRN_TRY(rows_of(p, e->right, &right, err));
  return e->op == FIRN_EXPR_AND ? firn_row_ranges_both(&left, &right, p->arena, out, err)
                                : firn_row_ranges_either(&left, &right, p->arena, out, err);
}

/* The rows of the group that may match, by the pages of each predicate's own column. */
static firn_status rows_of(in_pages *p, const firn_expr *e, firn_row_ranges *out, firn_error *err) {
  *out = (firn_row_ranges){0};
  if (e->op == FIRN_EXPR_AND || e->op == FIRN_EXPR_OR) {
    return rows_of_two(p, e, out, err);
  }
  bool found;
  FIRN_TRY(find_indexes(p, e, &found, err));
  if (!found) {
    int64_t end = e->op == FIRN_EXPR_FALSE ? p->first_row : p->first_row + p->n_rows;
    return firn_row_ranges_add(out, p->first_row, end, p->arena, err);
  }
  const firn_parquet_offset_index *offsets = &p->of_column->offsets;
  for (p->page = 0; p->page < offsets->n_pages; p->page++) {
    const firn_parquet_page_location *page = &offsets->pages[p->page];
    int64_t end = p->page + 1 < offsets->n_pages ? page[1].first_row : p->n_rows;
    p->page_rows = end - page->first_row;
    if (p->page_rows > 0 && firn_expr_may_match(e, stats_of_page, p)) {
      FIRN_TRY(firn_row_ranges_add(out, p->first_row + page->first_row, p->first_row + end, p->arena, err));
    }
  }
  return FIRN_OK;
}

firn_status firn_file_filter_rows(const firn_file_filter *f, firn_ctx *ctx, size_t group, firn_arena *arena,
                                  firn_row_ranges *out, bool *surely, firn_error *err) {
  const firn_parquet_row_group *g = &firn_parquet_file_metadata(f->file)->row_groups[group];
  in_group in = {f, g};
  *out = (firn_row_ranges){0};
  *surely = false;
  if (!firn_expr_may_match(f->e, stats_of_group, &in)) {
    return FIRN_OK;
  }
  if (firn_expr_must_match(f->e, stats_of_group, &in)) {
    *surely = true;
    return firn_row_ranges_add(out, g->first_row, g->first_row + g->n_rows, arena, err);
  }
  bool is_excluded;
  size_t left = BLOOM_QUESTIONS;
  FIRN_TRY(bloom_excludes(f, ctx, group, f->e, &left, &is_excluded, err));
  if (is_excluded) {
    return FIRN_OK;
  }
  in_pages p = {.f = f,
                .ctx = ctx,
                .group = group,
                .arena = arena,
                .first_row = g->first_row,
                .n_rows = g->n_rows,
                .indexes = firn_new_n(arena, page_indexes, f->n_columns),
                .left = PAGE_QUESTIONS};
  if (p.indexes == NULL) {
    return no_memory(err);
  }
  return rows_of(&p, f->e, out, err);
}

#include "iceberg/scan/project.h"

#include "base/utf8.h"

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory to resolve columns");
}

static bool is_micros(firn_kind k) {
  return k == FIRN_KIND_TIMESTAMP || k == FIRN_KIND_TIMESTAMPTZ;
}
static bool is_nanos(firn_kind k) {
  return k == FIRN_KIND_TIMESTAMP_NS || k == FIRN_KIND_TIMESTAMPTZ_NS;
}
static bool is_text(firn_kind k) {
  return k == FIRN_KIND_STRING || k == FIRN_KIND_BINARY;
}

/* Whether values of a file's field can be read as the table's: the same type, a promotion, or the same bytes
 * under a looser annotation, as older writers left them. */
static bool becomes(const firn_field *file, const firn_field *wanted) {
  if (file->kind == wanted->kind) {
    return (file->kind != FIRN_KIND_DECIMAL || file->scale == wanted->scale) &&
           (file->kind != FIRN_KIND_FIXED || file->width == wanted->width);
  }
  switch (wanted->kind) {
    case FIRN_KIND_LONG:
      return file->kind == FIRN_KIND_INT;
    case FIRN_KIND_DOUBLE:
      return file->kind == FIRN_KIND_FLOAT;
    case FIRN_KIND_TIMESTAMP:
      return is_micros(file->kind) || is_nanos(file->kind) || file->kind == FIRN_KIND_DATE;
    case FIRN_KIND_TIMESTAMPTZ:
      return is_micros(file->kind) || is_nanos(file->kind);
    case FIRN_KIND_TIMESTAMP_NS:
      return is_nanos(file->kind) || file->kind == FIRN_KIND_DATE;
    case FIRN_KIND_TIMESTAMPTZ_NS:
      return is_nanos(file->kind);
    case FIRN_KIND_STRING:
    case FIRN_KIND_BINARY:
      return is_text(file->kind);
    case FIRN_KIND_UUID:
      return file->kind == FIRN_KIND_FIXED && file->width == 16;
    case FIRN_KIND_FIXED:
      return file->kind == FIRN_KIND_UUID && wanted->width == 16;
    default:
      return false;
  }
}

enum { SECONDS_PER_DAY = 86400 };

/* Days as microseconds or nanoseconds; false when there are too many. Spec: date becomes timestamp, v3. */
static bool days_to_time(int32_t days, firn_kind to, int64_t *out) {
  int64_t per_second = is_nanos(to) ? 1000000000 : 1000000;
  return !__builtin_mul_overflow((int64_t)days, SECONDS_PER_DAY * per_second, out);
}

static int64_t nanos_to_micros(int64_t nanos) {
  return nanos / 1000 - (nanos % 1000 < 0);
}

firn_value firn_value_promote(const firn_value *from, firn_kind wanted) {
  firn_value v = *from;
  v.kind = wanted;
  if (v.is_null || from->kind == wanted) {
    return v;
  }
  if (from->kind == FIRN_KIND_INT && wanted == FIRN_KIND_LONG) {
    v.i64 = from->i32;
  } else if (from->kind == FIRN_KIND_FLOAT && wanted == FIRN_KIND_DOUBLE) {
    v.f64 = (double)from->f32;
  } else if (from->kind == FIRN_KIND_DATE && (is_micros(wanted) || is_nanos(wanted))) {
    v.is_null = !days_to_time(from->i32, wanted, &v.i64);
  } else if (is_nanos(from->kind) && is_micros(wanted)) {
    v.i64 = nanos_to_micros(from->i64);
  } else {
    bool same = (is_micros(from->kind) && is_micros(wanted)) || (is_nanos(from->kind) && is_nanos(wanted)) ||
                (firn_kind_is_bytes(from->kind) && firn_kind_is_bytes(wanted));
    v.is_null = !same;
  }
  return v;
}

/* A partition value as the wanted type: the table's current type may be wider than a snapshot's own schema,
 * and then it is narrowed to what it was when the file was written. */
static firn_value constant_of(const firn_value *partition, const firn_field *wanted) {
  firn_value v = *partition;
  v.kind = wanted->kind;
  if (!partition->is_null && partition->kind == FIRN_KIND_LONG && wanted->kind == FIRN_KIND_INT) {
    v.i32 = (int32_t)partition->i64;
    return v;
  }
  if (!partition->is_null && partition->kind == FIRN_KIND_DOUBLE && wanted->kind == FIRN_KIND_FLOAT) {
    v.f32 = (float)partition->f64;
    return v;
  }
  return firn_value_promote(partition, wanted->kind);
}

typedef struct context {
  const firn_data_file *entry;
  const firn_partition_spec *spec;
  firn_arena *arena;
} context;

static firn_status project_null(const firn_field *wanted, firn_projection *out, firn_error *err) {
  if (wanted->required) {
    return firn_error_set(err, FIRN_CORRUPT, "required field %s (id %d) is missing", wanted->name,
                          wanted->id);
  }
  out->constant = (firn_value){.kind = wanted->kind, .is_null = true};
  return FIRN_OK;
}

/* Spec: Column Projection: an identity partition value, else initial-default, else null. */
static firn_status project_missing(const context *c, const firn_field *wanted, firn_projection *out,
                                   firn_error *err) {
  for (size_t i = 0; c->entry != NULL && i < c->spec->n_fields; i++) {
    const firn_partition_field *field = &c->spec->fields[i];
    if (field->source_id == wanted->id && field->transform.kind == FIRN_TRANSFORM_IDENTITY) {
      out->constant = constant_of(&c->entry->partition[i], wanted);
      bool is_text = wanted->kind == FIRN_KIND_STRING && !out->constant.is_null;
      if (is_text && !firn_utf8_is_valid(out->constant.bytes)) {
        return firn_error_set(err, FIRN_CORRUPT, "the partition value of %s is not UTF-8", wanted->name);
      }
      return FIRN_OK;
    }
  }
  if (wanted->initial_default.len > 0 && !firn_kind_is_nested(wanted->kind)) {
    const firn_json_value *json;
    FIRN_TRY(firn_json_tree_read(wanted->initial_default, c->arena, &json, err));
    return firn_value_read_json(json, wanted, c->arena, &out->constant, err);
  }
  return project_null(wanted, out, err);
}

static firn_status project(const context *c, const firn_field *wanted, const firn_field *file_parent,
                           uint32_t child, firn_projection *out, firn_error *err);

static firn_status project_children(const context *c, const firn_field *wanted, const firn_field *file,
                                    firn_projection *out, firn_error *err) {
  out->n_children = wanted->n_children;
  out->children = firn_new_n(c->arena, firn_projection, wanted->n_children);
  if (out->children == NULL) {
    return no_memory(err);
  }
  for (uint32_t i = 0; i < wanted->n_children; i++) {
    uint32_t found = wanted->kind == FIRN_KIND_STRUCT ? UINT32_MAX : i; /* lists and maps: by place */
    for (uint32_t j = 0; wanted->kind == FIRN_KIND_STRUCT && j < file->n_children; j++) {
      found = file->children[j].id == wanted->children[i].id && found == UINT32_MAX ? j : found;
    }
    FIRN_TRY(project(c, &wanted->children[i], file, found, &out->children[i], err));
  }
  return FIRN_OK;
}

/* One wanted field, from child `child` of the file's parent (UINT32_MAX: the file lacks it). */
static firn_status project(const context *c, const firn_field *wanted, const firn_field *file_parent,
                           uint32_t child, firn_projection *out, firn_error *err) {
  *out = (firn_projection){.wanted = wanted};
  if (child == UINT32_MAX) {
    return project_missing(c, wanted, out, err);
  }
  const firn_field *file = &file_parent->children[child];
  if (file->kind == FIRN_KIND_UNKNOWN && wanted->kind != FIRN_KIND_UNKNOWN) {
    return project_null(wanted, out, err); /* Spec: unknown becomes any type */
  }
  if (!becomes(file, wanted)) {
    return firn_error_set(err, FIRN_CORRUPT, "field %s (id %d) is %s in the file and %s in the table",
                          wanted->name, wanted->id, firn_kind_name(file->kind), firn_kind_name(wanted->kind));
  }
  out->from_file = true;
  out->child = child;
  out->file_kind = file->kind;
  return firn_kind_is_nested(wanted->kind) ? project_children(c, wanted, file, out, err) : FIRN_OK;
}

firn_status firn_projection_new(const firn_field *wanted, const firn_field *file, const firn_data_file *entry,
                                const firn_partition_spec *spec, firn_arena *arena, firn_projection *out,
                                firn_error *err) {
  context c = {entry, spec, arena};
  *out = (firn_projection){.wanted = wanted, .from_file = true};
  return project_children(&c, wanted, file, out, err);
}

static void fill_fixed(const firn_value *value, size_t n, size_t size, firn_vector *out) {
  const uint8_t *from = (const uint8_t *)value + offsetof(firn_value, i64); /* where every kind begins */
  for (size_t i = 0; i < n; i++) {
    memcpy((uint8_t *)out->values + i * size, from, size);
  }
}

/* `n` times one value, or null. */
static firn_status apply_constant(const firn_projection *p, size_t n, firn_arena *arena, firn_vector *out,
                                  firn_error *err) {
  FIRN_TRY(firn_vector_new(p->wanted, n, arena, out, err));
  out->len = n;
  if (p->constant.is_null) {
    out->validity = firn_new_n(arena, uint64_t, firn_bit_words(n));
    out->n_nulls = n;
    for (uint32_t i = 0; i < out->n_children && p->wanted->kind == FIRN_KIND_STRUCT; i++) {
      firn_projection null = {.wanted = &p->wanted->children[i],
                              .constant = {.kind = p->wanted->children[i].kind, .is_null = true}};
      FIRN_TRY(apply_constant(&null, n, arena, &out->children[i], err));
    }
    return out->validity == NULL ? no_memory(err) : FIRN_OK;
  }
  if (p->wanted->kind == FIRN_KIND_BOOLEAN) {
    memset(out->bits, p->constant.boolean ? 0xFF : 0, firn_bit_words(n) * sizeof *out->bits);
    return FIRN_OK;
  }
  fill_fixed(&p->constant, n, firn_kind_value_size(p->wanted->kind), out);
  return FIRN_OK;
}

static firn_status dates_to_times(const firn_vector *in, firn_kind to, int64_t *out, firn_error *err) {
  for (size_t i = 0; i < in->len; i++) {
    if (!days_to_time(in->i32[i], to, &out[i]) && !firn_vector_is_null(in, i)) {
      return firn_error_set(err, FIRN_CORRUPT, "a date is outside the range of %s", firn_kind_name(to));
    }
  }
  return FIRN_OK;
}

/* What was binary to its writer is text to the table only where it is. */
static firn_status check_text(const firn_vector *in, firn_error *err) {
  for (size_t i = 0; i < in->len; i++) {
    if (!firn_vector_is_null(in, i) && !firn_utf8_is_valid(in->bytes[i])) {
      return firn_error_set(err, FIRN_CORRUPT, "text is not UTF-8");
    }
  }
  return FIRN_OK;
}

static firn_status promote(firn_kind from, firn_kind to, const firn_vector *in, firn_arena *arena,
                           firn_vector *out, firn_error *err) {
  bool is_widened = (from == FIRN_KIND_INT && to == FIRN_KIND_LONG) ||
                    (from == FIRN_KIND_FLOAT && to == FIRN_KIND_DOUBLE) ||
                    (from == FIRN_KIND_DATE && to != FIRN_KIND_DATE) || (is_nanos(from) && is_micros(to));
  if (from == FIRN_KIND_BINARY && to == FIRN_KIND_STRING) {
    return check_text(in, err);
  }
  if (!is_widened) {
    return FIRN_OK; /* the same bytes under another name */
  }
  out->values = firn_arena_alloc_n(arena, in->len, sizeof(int64_t));
  if (out->values == NULL) {
    return no_memory(err);
  }
  if (from == FIRN_KIND_DATE) {
    return dates_to_times(in, to, out->i64, err);
  }
  for (size_t i = 0; i < in->len && from == FIRN_KIND_INT; i++) {
    out->i64[i] = in->i32[i];
  }
  for (size_t i = 0; i < in->len && from == FIRN_KIND_FLOAT; i++) {
    out->f64[i] = (double)in->f32[i];
  }
  for (size_t i = 0; i < in->len && is_nanos(from); i++) {
    out->i64[i] = nanos_to_micros(in->i64[i]);
  }
  return FIRN_OK;
}

firn_status firn_projection_apply(const firn_projection *p, const firn_vector *file_vectors, size_t n_rows,
                                  firn_arena *arena, firn_vector *out, firn_error *err) {
  if (!p->from_file) {
    return apply_constant(p, n_rows, arena, out, err);
  }
  const firn_vector *in = &file_vectors[p->child];
  *out = *in;
  out->kind = p->wanted->kind;
  if (!firn_kind_is_nested(p->wanted->kind)) {
    return promote(p->file_kind, p->wanted->kind, in, arena, out, err);
  }
  size_t n_below = n_rows;
  if (p->wanted->kind != FIRN_KIND_STRUCT) {
    n_below = in->children[0].len;
  }
  out->n_children = p->n_children;
  out->children = firn_new_n(arena, firn_vector, p->n_children);
  if (out->children == NULL) {
    return no_memory(err);
  }
  for (uint32_t i = 0; i < p->n_children; i++) {
    FIRN_TRY(firn_projection_apply(&p->children[i], in->children, n_below, arena, &out->children[i], err));
  }
  return FIRN_OK;
}

uint32_t firn_field_leaves(const firn_field *field) {
  uint32_t n = field->n_children == 0;
  for (uint32_t i = 0; i < field->n_children; i++) {
    n += firn_field_leaves(&field->children[i]);
  }
  return n;
}

static bool is_marked(const firn_field *field, const bool *leaves) {
  uint32_t n = firn_field_leaves(field);
  for (uint32_t i = 0; i < n; i++) {
    if (leaves[i]) {
      return true;
    }
  }
  return false;
}

/* As little as can be of a field of which only its nulls are wanted: one leaf, not below a list where that
 * can be. Lists and maps are made of their entries, so a map needs a leaf of its keys and one of its values.
 */
static void mark_any(const firn_field *field, bool *leaves) {
  if (field->n_children == 0) {
    leaves[0] = true;
    return;
  }
  uint32_t chosen = 0;
  uint32_t before = 0;
  for (uint32_t i = 0, at = 0; i < field->n_children; i++) {
    if (field->kind != FIRN_KIND_STRUCT) {
      mark_any(&field->children[i], leaves + at);
    } else if (field->children[i].n_children == 0 && field->children[chosen].n_children > 0) {
      chosen = i;
      before = at;
    }
    at += firn_field_leaves(&field->children[i]);
  }
  if (field->kind == FIRN_KIND_STRUCT) {
    mark_any(&field->children[chosen], leaves + before);
  }
}

static void mark_below(const firn_projection *p, const firn_field *file, bool *leaves);

/* `leaves` are here and below those of the field alone. */
static void mark_field(const firn_projection *p, const firn_field *file, bool *leaves) {
  if (file->n_children == 0) {
    leaves[0] = true;
    return;
  }
  mark_below(p, file, leaves);
  uint32_t at = 0;
  for (uint32_t i = 0; i < file->n_children && file->kind != FIRN_KIND_STRUCT; i++) {
    if (!is_marked(&file->children[i], leaves + at)) {
      mark_any(&file->children[i], leaves + at);
    }
    at += firn_field_leaves(&file->children[i]);
  }
  if (!is_marked(file, leaves)) {
    mark_any(file, leaves);
  }
}

static void mark_below(const firn_projection *p, const firn_field *file, bool *leaves) {
  for (uint32_t i = 0, at = 0; i < file->n_children; i++) {
    for (uint32_t j = 0; j < p->n_children; j++) {
      if (p->children[j].from_file && p->children[j].child == i) {
        mark_field(&p->children[j], &file->children[i], leaves + at);
      }
    }
    at += firn_field_leaves(&file->children[i]);
  }
}

void firn_projection_mark(const firn_projection *p, const firn_field *file, bool *leaves) {
  mark_below(p, file, leaves);
}

void firn_projection_renumber(firn_projection *p, const firn_field *file, const bool *leaves) {
  uint32_t n_kept = 0; /* not more than `i`, so that no new number is taken for an old one to come */
  for (uint32_t i = 0, at = 0; i < file->n_children; i++) {
    for (uint32_t j = 0; j < p->n_children; j++) {
      firn_projection *c = &p->children[j];
      if (c->from_file && c->child == i) {
        firn_projection_renumber(c, &file->children[i], leaves + at);
        c->child = n_kept;
      }
    }
    n_kept += is_marked(&file->children[i], leaves + at);
    at += firn_field_leaves(&file->children[i]);
  }
}

/* Spec: Manifest Lists, field_summary. */
#include <math.h>

#include "base/alloc.h"
#include "iceberg/meta/manifest_internal.h"

/* A bound that is kept: a value whose bytes lie in the builder beside it, so that replacing it takes no more
 * memory. */
typedef struct bound {
  bool is_set;
  firn_value value;
  firn_builder bytes;
} bound;

typedef struct summary {
  bool contains_null, contains_nan;
  bound lower, upper;
} summary;

struct firn_summary_builder {
  const firn_field *type;
  summary fields[];
};

firn_status firn_summary_builder_new(const firn_field *type, firn_summary_builder **out, firn_error *err) {
  firn_summary_builder *b = firn_alloc(sizeof *b + type->n_children * sizeof(summary));
  if (b == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for partition summaries");
  }
  b->type = type;
  *out = b;
  return FIRN_OK;
}

void firn_summary_builder_free(firn_summary_builder *b) {
  for (uint32_t i = 0; b != NULL && i < b->type->n_children; i++) {
    firn_builder_free(&b->fields[i].lower.bytes);
    firn_builder_free(&b->fields[i].upper.bytes);
  }
  firn_free(b);
}

static firn_status keep(bound *b, const firn_value *v, firn_error *err) {
  b->value = *v;
  b->is_set = true;
  if (!firn_kind_is_bytes(v->kind)) {
    return FIRN_OK;
  }
  firn_builder_reset(&b->bytes);
  firn_builder_add(&b->bytes, v->bytes);
  return firn_builder_finish(&b->bytes, &b->value.bytes, err);
}

static bool is_nan(const firn_value *v) {
  return (v->kind == FIRN_KIND_FLOAT && isnan(v->f32)) || (v->kind == FIRN_KIND_DOUBLE && isnan(v->f64));
}

firn_status firn_summary_builder_add(firn_summary_builder *b, const firn_value *tuple, firn_error *err) {
  for (uint32_t i = 0; i < b->type->n_children; i++) {
    summary *s = &b->fields[i];
    const firn_value *v = &tuple[i];
    if (v->is_null) {
      s->contains_null = true;
      continue;
    }
    if (is_nan(v)) {
      s->contains_nan = true;
      continue;
    }
    if (!s->lower.is_set || firn_value_compare(v, &s->lower.value) < 0) {
      FIRN_TRY(keep(&s->lower, v, err));
    }
    if (!s->upper.is_set || firn_value_compare(v, &s->upper.value) > 0) {
      FIRN_TRY(keep(&s->upper, v, err));
    }
  }
  return FIRN_OK;
}

static firn_status write_bound(const bound *b, firn_arena *arena, firn_bytes *out, firn_error *err) {
  *out = (firn_bytes){NULL, 0};
  if (!b->is_set) {
    return FIRN_OK;
  }
  FIRN_AUTO_BUILDER bytes = FIRN_BUILDER_INIT(0);
  firn_value_write(&b->value, &bytes);
  return firn_builder_finish_copy(&bytes, arena, out, err);
}

firn_status firn_summary_builder_finish(const firn_summary_builder *b, firn_arena *arena,
                                        const firn_field_summary **out, firn_error *err) {
  firn_field_summary *made = firn_new_n(arena, firn_field_summary, b->type->n_children);
  if (made == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for partition summaries");
  }
  for (uint32_t i = 0; i < b->type->n_children; i++) {
    const summary *s = &b->fields[i];
    made[i] = (firn_field_summary){
        .contains_null = s->contains_null, .has_contains_nan = true, .contains_nan = s->contains_nan};
    FIRN_TRY(write_bound(&s->lower, arena, &made[i].lower, err));
    FIRN_TRY(write_bound(&s->upper, arena, &made[i].upper, err));
  }
  *out = made;
  return FIRN_OK;
}

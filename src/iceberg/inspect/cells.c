#include "iceberg/inspect/cells_internal.h"

#include "iceberg/types/value.h"

/* What a vector has room for once it holds `len` values: columns are made with room for the batch, and the
 * children of lists and maps are doubled when they are full. */
static size_t room_for(const firn_cells *c, size_t len) {
  size_t room = c->capacity;
  while (room < len) {
    room *= 2;
  }
  return room;
}

/* The number of the value to fill in; SIZE_MAX: there is nothing to fill. */
static size_t claim(const firn_cells *c, firn_vector *v) {
  return v == NULL || c->failed ? SIZE_MAX : v->len++;
}

void firn_cell_null(firn_cells *c, firn_vector *v) {
  if (v == NULL || c->failed) {
    return;
  }
  if (firn_vector_need_validity(v, room_for(c, v->len + 1), c->arena, NULL) != FIRN_OK) {
    c->failed = true;
    return;
  }
  firn_vector_set_null(v, v->len);
  if (v->kind == FIRN_KIND_LIST || v->kind == FIRN_KIND_MAP) {
    v->offsets[v->len + 1] = v->offsets[v->len];
  }
  for (uint32_t i = 0; v->kind == FIRN_KIND_STRUCT && i < v->n_children; i++) {
    firn_cell_null(c, &v->children[i]);
  }
  v->len++;
}

void firn_cell_bool(firn_cells *c, firn_vector *v, bool value) {
  size_t i = claim(c, v);
  if (i != SIZE_MAX && value) {
    firn_bit_set(v->bits, i);
  }
}

void firn_cell_int(firn_cells *c, firn_vector *v, int32_t value) {
  size_t i = claim(c, v);
  if (i != SIZE_MAX) {
    v->i32[i] = value;
  }
}

void firn_cell_long(firn_cells *c, firn_vector *v, int64_t value) {
  size_t i = claim(c, v);
  if (i != SIZE_MAX) {
    v->i64[i] = value;
  }
}

void firn_cell_time_ms(firn_cells *c, firn_vector *v, int64_t ms) {
  int64_t us;
  if (__builtin_mul_overflow(ms, INT64_C(1000), &us)) {
    us = ms < 0 ? INT64_MIN : INT64_MAX;
  }
  firn_cell_long(c, v, us);
}

void firn_cell_bytes(firn_cells *c, firn_vector *v, firn_bytes bytes) {
  if (v == NULL || c->failed) {
    return;
  }
  if (bytes.data == NULL) {
    firn_cell_null(c, v);
    return;
  }
  firn_bytes copy = firn_arena_copy(c->arena, bytes);
  if (copy.data == NULL) {
    c->failed = true;
    return;
  }
  v->bytes[v->len++] = copy;
}

void firn_cell_text(firn_cells *c, firn_vector *v, const char *text) {
  firn_cell_bytes(c, v, firn_bytes_of(text));
}

/* What tables allow as a promotion, and a day as the number that some writers take it for. */
static bool becomes(firn_kind from, firn_kind to) {
  return from == to || (from == FIRN_KIND_INT && (to == FIRN_KIND_LONG || to == FIRN_KIND_DATE)) ||
         (from == FIRN_KIND_DATE && to == FIRN_KIND_INT) ||
         (from == FIRN_KIND_FLOAT && to == FIRN_KIND_DOUBLE);
}

static void put_value(firn_vector *v, size_t i, const firn_value *value) {
  switch (v->kind) {
    case FIRN_KIND_BOOLEAN:
      if (value->boolean) {
        firn_bit_set(v->bits, i);
      }
      break;
    case FIRN_KIND_INT:
    case FIRN_KIND_DATE:
      v->i32[i] = value->i32;
      break;
    case FIRN_KIND_LONG:
      v->i64[i] = value->kind == FIRN_KIND_INT ? value->i32 : value->i64;
      break;
    case FIRN_KIND_FLOAT:
      v->f32[i] = value->f32;
      break;
    case FIRN_KIND_DOUBLE:
      v->f64[i] = value->kind == FIRN_KIND_FLOAT ? (double)value->f32 : value->f64;
      break;
    case FIRN_KIND_DECIMAL:
      v->dec[i] = value->dec;
      break;
    default:
      v->i64[i] = value->i64; /* times and timestamps */
  }
}

void firn_cell_value(firn_cells *c, firn_vector *v, const firn_value *value) {
  if (v == NULL) {
    return;
  }
  if (value->is_null || v->kind == FIRN_KIND_UNKNOWN || firn_kind_is_nested(v->kind) ||
      !becomes(value->kind, v->kind)) {
    firn_cell_null(c, v);
    return;
  }
  if (firn_kind_is_bytes(v->kind)) {
    firn_cell_bytes(c, v, value->bytes.data == NULL ? FIRN_LITERAL("") : value->bytes);
    return;
  }
  size_t i = claim(c, v);
  if (i != SIZE_MAX) {
    put_value(v, i, value);
  }
}

bool firn_cell_entry(firn_cells *c, firn_vector *v) {
  if (v == NULL || c->failed) {
    return false;
  }
  for (uint32_t i = 0; i < v->n_children; i++) {
    firn_vector *child = &v->children[i];
    size_t room = room_for(c, child->len);
    if (child->len == room && firn_vector_grow(child, 2 * room, c->arena, NULL) != FIRN_OK) {
      c->failed = true;
      return false;
    }
  }
  return true;
}

void firn_cell_list(firn_cells *c, firn_vector *v) {
  size_t i = claim(c, v);
  if (i != SIZE_MAX) {
    v->offsets[i + 1] = (int32_t)v->children[0].len;
  }
}

void firn_cell_struct(firn_cells *c, firn_vector *v) {
  (void)claim(c, v);
}

void firn_cell_properties(firn_cells *c, firn_vector *v, const firn_properties *p) {
  for (size_t i = 0; i < p->n && firn_cell_entry(c, v); i++) {
    firn_cell_text(c, &v->children[0], p->items[i].key);
    firn_cell_text(c, &v->children[1], p->items[i].value);
  }
  firn_cell_list(c, v);
}

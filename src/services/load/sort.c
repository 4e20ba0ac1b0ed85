#include "services/load/sort_internal.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "column/gather.h"

enum { OUT_ROWS = 8192, DECIMAL_BYTES = 16 };

/* One part of a key: a column, what is made of it, how it is ordered. */
typedef struct part {
  const firn_field *field;
  const firn_transform *transform;
  bool descending, nulls_last;
  size_t depth;
  uint32_t path[FIRN_TYPE_MAX_DEPTH];
} part;

typedef struct sorted_row {
  uint64_t prefix; /* the first bytes of the key, as a number */
  const uint8_t *rest;
  size_t n_rest;
  firn_row_ref at;
} sorted_row;

struct firn_sorter {
  size_t n_parts;
  part *parts;
  firn_arena plan;
  firn_arena held; /* batches and keys */
  firn_batch *batches;
  size_t n_batches, batch_capacity;
  sorted_row *rows;
  size_t n_rows, row_capacity;
  firn_builder key;
};

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory to sort rows");
}

static bool find_path(const firn_field *parent, int32_t id, part *out) {
  for (uint32_t i = 0; parent->kind == FIRN_KIND_STRUCT && i < parent->n_children; i++) {
    if (out->depth == FIRN_TYPE_MAX_DEPTH) {
      return false;
    }
    out->path[out->depth++] = i;
    out->field = &parent->children[i];
    if (parent->children[i].id == id || find_path(&parent->children[i], id, out)) {
      return true;
    }
    out->depth--;
  }
  return false;
}

bool firn_sorter_knows(const firn_schema *schema, const firn_sort_order *order) {
  for (size_t i = 0; i < order->n_fields; i++) {
    if (firn_spec_source_check(schema, order->fields[i].source_id, &order->fields[i].transform, NULL) !=
        FIRN_OK) {
      return false;
    }
  }
  return true;
}

static firn_status add_part(firn_sorter *s, const firn_schema *schema, int32_t source_id,
                            const firn_transform *transform, firn_error *err) {
  part *p = &s->parts[s->n_parts];
  *p = (part){.transform = transform};
  if (transform->kind == FIRN_TRANSFORM_VOID) {
    return FIRN_OK;
  }
  if (!find_path(&schema->root, source_id, p)) {
    return firn_error_set(err, FIRN_INVALID, "the schema has no field %d to sort by", source_id);
  }
  s->n_parts++;
  return FIRN_OK;
}

static firn_status make_parts(firn_sorter *s, const firn_schema *schema, const firn_partition_spec *spec,
                              const firn_sort_order *order, firn_error *err) {
  s->parts = firn_new_n(&s->plan, part, spec->n_fields + order->n_fields);
  if (s->parts == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < spec->n_fields; i++) {
    FIRN_TRY(add_part(s, schema, spec->fields[i].source_id, &spec->fields[i].transform, err));
  }
  for (size_t i = 0; i < order->n_fields; i++) {
    size_t before = s->n_parts;
    FIRN_TRY(add_part(s, schema, order->fields[i].source_id, &order->fields[i].transform, err));
    if (s->n_parts > before) {
      s->parts[before].descending = order->fields[i].descending;
      s->parts[before].nulls_last = order->fields[i].nulls_last;
    }
  }
  return FIRN_OK;
}

firn_status firn_sorter_open(const firn_schema *schema, const firn_partition_spec *spec,
                             const firn_sort_order *order, firn_sorter **out, firn_error *err) {
  firn_sorter *s = firn_alloc(sizeof *s);
  if (s == NULL) {
    return no_memory(err);
  }
  firn_status status = make_parts(s, schema, spec, order, err);
  if (status != FIRN_OK) {
    firn_sorter_close(s);
    return status;
  }
  *out = s;
  return FIRN_OK;
}

/* --- keys --- */

static void add_big_endian(firn_builder *b, uint64_t v, unsigned n_bytes) {
  uint8_t bytes[sizeof v];
  for (unsigned i = 0; i < sizeof v; i++) {
    bytes[i] = (uint8_t)(v >> (8 * (sizeof v - 1 - i)));
  }
  firn_builder_add(b, (firn_bytes){bytes + sizeof v - n_bytes, n_bytes});
}

/* Bits that compare as the numbers do: negative ones turned round, NaN (only one) above all. */
static uint64_t ordered_double(double v) {
  uint64_t bits;
  v = v != v ? (double)__builtin_nan("") : v;
  memcpy(&bits, &v, sizeof bits);
  return bits >> 63 != 0 ? ~bits : bits | UINT64_C(1) << 63;
}

/* Zero bytes are escaped, so that a text is before its continuations, whatever stands behind it. */
static void add_run(firn_builder *b, firn_bytes run) {
  for (size_t done = 0; done < run.len;) {
    const uint8_t *zero = memchr(run.data + done, 0, run.len - done);
    size_t end = zero == NULL ? run.len : (size_t)(zero - run.data) + 1;
    firn_builder_add(b, firn_bytes_part(run, done, end - done));
    if (zero != NULL) {
      firn_builder_add_u8(b, 0xFF);
    }
    done = end;
  }
  firn_builder_add_u8(b, 0);
  firn_builder_add_u8(b, 0);
}

static void add_value(firn_builder *b, const firn_value *v) {
  switch (v->kind) {
    case FIRN_KIND_BOOLEAN:
      firn_builder_add_u8(b, v->boolean);
      break;
    case FIRN_KIND_INT:
    case FIRN_KIND_DATE:
      add_big_endian(b, (uint32_t)v->i32 ^ UINT32_C(0x80000000), sizeof v->i32);
      break;
    case FIRN_KIND_FLOAT:
      add_big_endian(b, ordered_double((double)v->f32), sizeof(double));
      break;
    case FIRN_KIND_DOUBLE:
      add_big_endian(b, ordered_double(v->f64), sizeof v->f64);
      break;
    case FIRN_KIND_DECIMAL:
      add_big_endian(b, (uint64_t)(v->dec >> 64) ^ UINT64_C(1) << 63, DECIMAL_BYTES / 2);
      add_big_endian(b, (uint64_t)v->dec, DECIMAL_BYTES / 2);
      break;
    default:
      if (firn_kind_is_bytes(v->kind)) {
        add_run(b, v->bytes);
      } else {
        add_big_endian(b, (uint64_t)v->i64 ^ UINT64_C(1) << 63, sizeof v->i64);
      }
  }
}

static firn_value value_at(const part *p, const firn_batch *batch, size_t row) {
  const firn_vector *v = &batch->columns[p->path[0]];
  for (size_t i = 1; i < p->depth; i++) {
    if (firn_vector_is_null(v, row)) {
      return (firn_value){.kind = p->field->kind, .is_null = true};
    }
    v = &v->children[p->path[i]];
  }
  return firn_value_at(v, row);
}

static firn_status add_to_key(firn_sorter *s, const part *p, const firn_batch *batch, size_t row,
                              firn_arena *scratch, firn_error *err) {
  firn_value made;
  firn_value value = value_at(p, batch, row);
  FIRN_TRY(firn_transform_apply(p->transform, p->field, &value, scratch, &made, err));
  firn_builder_add_u8(&s->key, made.is_null == p->nulls_last);
  if (made.is_null) {
    return FIRN_OK;
  }
  size_t start = s->key.len;
  add_value(&s->key, &made);
  for (size_t i = start; p->descending && i < s->key.len; i++) {
    s->key.data[i] = (uint8_t)~s->key.data[i];
  }
  return FIRN_OK;
}

static firn_status add_row(firn_sorter *s, const firn_batch *batch, size_t row, firn_arena *scratch,
                           firn_error *err) {
  firn_builder_reset(&s->key);
  for (size_t i = 0; i < s->n_parts; i++) {
    FIRN_TRY(add_to_key(s, &s->parts[i], batch, row, scratch, err));
  }
  firn_bytes key;
  FIRN_TRY(firn_builder_finish(&s->key, &key, err));
  sorted_row made = {.at = {(uint32_t)s->n_batches, (uint32_t)row}};
  for (size_t i = 0; i < sizeof made.prefix; i++) {
    made.prefix = made.prefix << 8 | (i < key.len ? key.data[i] : 0);
  }
  if (key.len > sizeof made.prefix) {
    firn_bytes rest = firn_arena_copy(&s->held, firn_bytes_part(key, sizeof made.prefix, key.len));
    if (rest.data == NULL) {
      return no_memory(err);
    }
    made.rest = rest.data;
    made.n_rest = rest.len;
  }
  s->rows[s->n_rows++] = made;
  return FIRN_OK;
}

static firn_status make_room(firn_sorter *s, size_t n, firn_error *err) {
  if (s->n_rows + n > s->row_capacity) {
    size_t wanted = (s->n_rows + n) + (s->n_rows + n) / 2;
    sorted_row *rows = firn_realloc(s->rows, wanted * sizeof *rows);
    if (rows == NULL) {
      return no_memory(err);
    }
    s->rows = rows;
    s->row_capacity = wanted;
  }
  if (s->n_batches == s->batch_capacity) {
    size_t wanted = s->batch_capacity == 0 ? 64 : s->batch_capacity * 2;
    firn_batch *batches = firn_realloc(s->batches, wanted * sizeof *batches);
    if (batches == NULL) {
      return no_memory(err);
    }
    s->batches = batches;
    s->batch_capacity = wanted;
  }
  return FIRN_OK;
}

firn_status firn_sorter_add(firn_sorter *s, const firn_batch *batch, firn_error *err) {
  FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(0);
  firn_batch copy;
  FIRN_TRY(make_room(s, batch->n_rows, err));
  FIRN_TRY(firn_batch_copy(batch, &s->held, &copy, err));
  copy.schema = batch->schema;
  for (size_t i = 0; i < batch->n_rows; i++) {
    FIRN_TRY(add_row(s, batch, i, &scratch, err));
  }
  s->batches[s->n_batches++] = copy;
  return FIRN_OK;
}

size_t firn_sorter_memory(const firn_sorter *s) {
  return s->held.used_bytes + s->row_capacity * sizeof *s->rows;
}

size_t firn_sorter_rows(const firn_sorter *s) {
  return s->n_rows;
}

/* --- order --- */

static int compare_rows(const void *a, const void *b) {
  const sorted_row *x = a, *y = b;
  if (x->prefix != y->prefix) {
    return x->prefix < y->prefix ? -1 : 1;
  }
  int order = firn_bytes_compare((firn_bytes){x->rest, x->n_rest}, (firn_bytes){y->rest, y->n_rest});
  if (order != 0) {
    return order;
  }
  if (x->at.batch != y->at.batch) { /* equal rows stay as they came */
    return x->at.batch < y->at.batch ? -1 : 1;
  }
  return (x->at.row > y->at.row) - (x->at.row < y->at.row);
}

static void forget(firn_sorter *s) {
  firn_arena_reset(&s->held);
  s->n_rows = s->n_batches = 0;
}

firn_status firn_sorter_drain(firn_sorter *s, firn_ctx *ctx,
                              firn_status (*write)(void *arg, firn_ctx *ctx, const firn_batch *batch,
                                                   firn_error *err),
                              void *arg, firn_error *err) {
  FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(0);
  if (s->n_rows == 0) {
    return FIRN_OK;
  }
  qsort(s->rows, s->n_rows, sizeof *s->rows, compare_rows);
  for (size_t at = 0; at < s->n_rows;) {
    size_t n = s->n_rows - at < OUT_ROWS ? s->n_rows - at : OUT_ROWS;
    firn_arena_reset(&scratch);
    firn_row_ref *refs = firn_new_n(&scratch, firn_row_ref, n);
    firn_batch batch;
    if (refs == NULL) {
      return no_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
      refs[i] = s->rows[at + i].at;
    }
    FIRN_TRY(firn_batches_gather(s->batches, s->n_batches, refs, n, &scratch, &batch, err));
    FIRN_TRY(write(arg, ctx, &batch, err));
    at += n;
  }
  forget(s);
  return FIRN_OK;
}

void firn_sorter_close(firn_sorter *s) {
  if (s == NULL) {
    return;
  }
  firn_arena_free(&s->plan);
  firn_arena_free(&s->held);
  firn_free(s->batches);
  firn_free(s->rows);
  firn_builder_free(&s->key);
  firn_free(s);
}

/* Batches out, in the Arrow C data and stream interfaces. */
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/builder.h"
#include "column/arrow.h"

enum {
  UUID_BYTES = 16,
  VIEW_BYTES = 16,
  VIEW_INLINE = 12, /* shorter values stand in the view itself */
  VIEW_PREFIX = 4,
  VIEW_BUFFER_BYTES = 1 << 30, /* offsets into a buffer have 31 bits */
};

/* What a tree of exported structs shares: its memory. Each struct holds it once, because a consumer may move
 * a child out and release it after its parent. */
typedef struct owner {
  atomic_size_t refs;
  firn_arena arena;
} owner;

static owner *owner_new(void) {
  owner *o = firn_alloc(sizeof *o);
  if (o != NULL) {
    atomic_init(&o->refs, 1);
  }
  return o;
}

static void owner_unref(owner *o) {
  if (atomic_fetch_sub_explicit(&o->refs, 1, memory_order_acq_rel) == 1) {
    firn_arena_free(&o->arena);
    firn_free(o);
  }
}

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory to export to Arrow");
}

/* ---- schemas ---- */

static void release_schema(struct ArrowSchema *s) {
  for (int64_t i = 0; i < s->n_children; i++) {
    if (s->children[i] != NULL && s->children[i]->release != NULL) {
      s->children[i]->release(s->children[i]);
    }
  }
  s->release = NULL;
  owner_unref(s->private_data);
}

static const char *format_of(const firn_field *f, firn_arrow_form form, firn_arena *arena) {
  static const char *const formats[] = {
      [FIRN_KIND_UNKNOWN] = "n",
      [FIRN_KIND_BOOLEAN] = "b",
      [FIRN_KIND_INT] = "i",
      [FIRN_KIND_LONG] = "l",
      [FIRN_KIND_FLOAT] = "f",
      [FIRN_KIND_DOUBLE] = "g",
      [FIRN_KIND_DATE] = "tdD",
      [FIRN_KIND_TIME] = "ttu",
      [FIRN_KIND_TIMESTAMP] = "tsu:",
      [FIRN_KIND_TIMESTAMPTZ] = "tsu:UTC",
      [FIRN_KIND_TIMESTAMP_NS] = "tsn:",
      [FIRN_KIND_TIMESTAMPTZ_NS] = "tsn:UTC",
      [FIRN_KIND_UUID] = "w:16",
      [FIRN_KIND_STRUCT] = "+s",
      [FIRN_KIND_LIST] = "+l",
      [FIRN_KIND_MAP] = "+m",
  };
  switch (f->kind) {
    case FIRN_KIND_DECIMAL:
      return firn_arena_printf(arena, "d:%d,%d", f->precision, f->scale);
    case FIRN_KIND_FIXED:
      return firn_arena_printf(arena, "w:%" PRIu32, f->width);
    case FIRN_KIND_STRING:
      return form == FIRN_ARROW_VIEW ? "vu" : "U";
    case FIRN_KIND_BINARY:
    case FIRN_KIND_GEOMETRY:
    case FIRN_KIND_GEOGRAPHY:
      return form == FIRN_ARROW_VIEW ? "vz" : "Z";
    default:
      return (size_t)f->kind < FIRN_COUNT_OF(formats) ? formats[f->kind] : NULL;
  }
}

static void add_int32(firn_builder *b, size_t v) {
  int32_t native = (int32_t)v;
  firn_builder_add(b, (firn_bytes){(const uint8_t *)&native, sizeof native});
}

static void add_pair(firn_builder *b, const char *key, const char *value) {
  add_int32(b, strlen(key));
  firn_builder_add_text(b, key);
  add_int32(b, strlen(value));
  firn_builder_add_text(b, value);
}

/* Metadata: a count, then keys and values behind their lengths, in the machine's byte order. */
static firn_status add_metadata(const firn_field *f, owner *o, struct ArrowSchema *out, firn_error *err) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(1 << 10);
  bool is_uuid = f->kind == FIRN_KIND_UUID;
  size_t n = (f->id != FIRN_NO_ID ? 1u : 0u) + (is_uuid ? 2u : 0u);
  firn_bytes built = {NULL, 0};
  if (n == 0) {
    return FIRN_OK;
  }
  add_int32(&b, n);
  if (f->id != FIRN_NO_ID) {
    char id[16];
    (void)snprintf(id, sizeof id, "%" PRId32, f->id); /* eleven characters at most */
    add_pair(&b, "PARQUET:field_id", id);
  }
  if (is_uuid) {
    add_pair(&b, "ARROW:extension:name", "arrow.uuid");
    add_pair(&b, "ARROW:extension:metadata", "");
  }
  FIRN_TRY(firn_builder_finish_copy(&b, &o->arena, &built, err));
  out->metadata = (const char *)built.data;
  return FIRN_OK;
}

static firn_status export_schema(const firn_field *f, firn_arrow_form form, int depth, owner *o,
                                 struct ArrowSchema *out, firn_error *err);

static firn_status new_schemas(owner *o, size_t n, struct ArrowSchema *parent, firn_error *err) {
  struct ArrowSchema *items = firn_new_n(&o->arena, struct ArrowSchema, n);
  parent->children = firn_new_n(&o->arena, struct ArrowSchema *, n);
  if (items == NULL || parent->children == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < n; i++) {
    parent->children[i] = &items[i];
  }
  parent->n_children = (int64_t)n;
  return FIRN_OK;
}

static void own_schema(owner *o, struct ArrowSchema *s) {
  (void)atomic_fetch_add_explicit(&o->refs, 1, memory_order_relaxed); /* the count before is of no use */
  s->private_data = o;
  s->release = release_schema;
}

/* A map's child is a struct of its keys and values. */
static firn_status export_entries(const firn_field *f, firn_arrow_form form, int depth, owner *o,
                                  struct ArrowSchema *out, firn_error *err) {
  firn_field entries = {.id = FIRN_NO_ID,
                        .name = "entries",
                        .required = true,
                        .kind = FIRN_KIND_STRUCT,
                        .n_children = f->n_children,
                        .children = f->children};
  FIRN_TRY(new_schemas(o, 1, out, err));
  return export_schema(&entries, form, depth + 1, o, out->children[0], err);
}

static firn_status export_schema(const firn_field *f, firn_arrow_form form, int depth, owner *o,
                                 struct ArrowSchema *out, firn_error *err) {
  if (depth > FIRN_TYPE_MAX_DEPTH) {
    return firn_error_set(err, FIRN_LIMIT, "types nest deeper than %d", FIRN_TYPE_MAX_DEPTH);
  }
  own_schema(o, out);
  if (f->kind == FIRN_KIND_VARIANT) {
    return firn_error_set(err, FIRN_UNSUPPORTED, "a variant cannot be exported to Arrow");
  }
  out->format = format_of(f, form, &o->arena);
  out->name = firn_arena_text(&o->arena, firn_bytes_of(f->name == NULL ? "" : f->name));
  out->flags = f->required ? 0 : ARROW_FLAG_NULLABLE;
  if (out->format == NULL || out->name == NULL) {
    return no_memory(err);
  }
  FIRN_TRY(add_metadata(f, o, out, err));
  if (f->kind == FIRN_KIND_MAP) {
    return export_entries(f, form, depth, o, out, err);
  }
  FIRN_TRY(new_schemas(o, f->n_children, out, err));
  for (uint32_t i = 0; i < f->n_children; i++) {
    FIRN_TRY(export_schema(&f->children[i], form, depth + 1, o, out->children[i], err));
  }
  return FIRN_OK;
}

firn_status firn_arrow_schema_export(const firn_field *field, firn_arrow_form form, struct ArrowSchema *out,
                                     firn_error *err) {
  owner *o = owner_new();
  if (o == NULL) {
    return no_memory(err);
  }
  struct ArrowSchema schema = {0};
  firn_status status = export_schema(field, form, 0, o, &schema, err);
  owner_unref(o); /* the structs hold it now */
  if (status != FIRN_OK) {
    if (schema.release != NULL) {
      schema.release(&schema);
    }
    return status;
  }
  *out = schema;
  return FIRN_OK;
}

/* ---- arrays ---- */

static void release_array(struct ArrowArray *a) {
  for (int64_t i = 0; i < a->n_children; i++) {
    if (a->children[i] != NULL && a->children[i]->release != NULL) {
      a->children[i]->release(a->children[i]);
    }
  }
  a->release = NULL;
  owner_unref(a->private_data);
}

static void own_array(owner *o, struct ArrowArray *a) {
  (void)atomic_fetch_add_explicit(&o->refs, 1, memory_order_relaxed); /* the count before is of no use */
  a->private_data = o;
  a->release = release_array;
}

/* Room for `n` buffers, the first of them a copy of the validity bitmap. */
static firn_status begin_buffers(const firn_vector *v, size_t n, owner *o, struct ArrowArray *out,
                                 firn_error *err) {
  out->buffers = firn_new_n(&o->arena, const void *, n);
  if (out->buffers == NULL) {
    return no_memory(err);
  }
  out->n_buffers = (int64_t)n;
  if (v->validity != NULL && v->n_nulls > 0) {
    size_t bytes = firn_bit_words(v->len) * sizeof(uint64_t);
    out->buffers[0] = firn_arena_copy(&o->arena, (firn_bytes){(const uint8_t *)v->validity, bytes}).data;
    return out->buffers[0] == NULL ? no_memory(err) : FIRN_OK;
  }
  return FIRN_OK;
}

static firn_status copy_buffer(const void *from, size_t bytes, owner *o, const void **out, firn_error *err) {
  void *to = firn_arena_alloc(&o->arena, bytes);
  if (to == NULL) {
    return no_memory(err);
  }
  if (bytes > 0) {
    memcpy(to, from, bytes);
  }
  *out = to;
  return FIRN_OK;
}

static firn_bytes bytes_at(const firn_vector *v, size_t i) {
  return firn_vector_is_null(v, i) ? (firn_bytes){NULL, 0} : v->bytes[i];
}

static firn_status export_large(const firn_vector *v, owner *o, struct ArrowArray *out, firn_error *err) {
  FIRN_TRY(begin_buffers(v, 3, o, out, err));
  int64_t *offsets = firn_new_n(&o->arena, int64_t, v->len + 1);
  if (offsets == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < v->len; i++) {
    offsets[i + 1] = offsets[i] + (int64_t)bytes_at(v, i).len;
  }
  uint8_t *data = firn_arena_alloc_bytes(&o->arena, (size_t)offsets[v->len]);
  if (data == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < v->len; i++) {
    firn_bytes value = bytes_at(v, i);
    if (value.len > 0) {
      memcpy(data + offsets[i], value.data, value.len);
    }
  }
  out->buffers[1] = offsets;
  out->buffers[2] = data;
  return FIRN_OK;
}

/* How many buffers of at most VIEW_BUFFER_BYTES hold the values that do not fit in a view, and how much each.
 */
static size_t view_buffers(const firn_vector *v, int64_t *sizes) {
  size_t n = 0;
  size_t used = 0;
  for (size_t i = 0; i < v->len; i++) {
    size_t len = bytes_at(v, i).len;
    if (len <= VIEW_INLINE) {
      continue;
    }
    if (n == 0 || len > VIEW_BUFFER_BYTES - used) { /* a longer value has a buffer alone */
      n++;
      used = 0;
    }
    used = used + len < VIEW_BUFFER_BYTES ? used + len : VIEW_BUFFER_BYTES;
    if (sizes != NULL) {
      sizes[n - 1] += (int64_t)len;
    }
  }
  return n;
}

static void put_view(uint8_t *view, firn_bytes value, int32_t buffer, int32_t offset) {
  int32_t len = (int32_t)value.len;
  memcpy(view, &len, sizeof len);
  if (value.len <= VIEW_INLINE) {
    if (value.len > 0) {
      memcpy(view + 4, value.data, value.len);
    }
    return;
  }
  memcpy(view + 4, value.data, VIEW_PREFIX);
  memcpy(view + 8, &buffer, sizeof buffer);
  memcpy(view + 12, &offset, sizeof offset);
}

static firn_status export_views(const firn_vector *v, owner *o, struct ArrowArray *out, firn_error *err) {
  size_t n = view_buffers(v, NULL);
  FIRN_TRY(begin_buffers(v, n + 3, o, out, err));
  uint8_t *views = firn_arena_alloc_n(&o->arena, v->len, VIEW_BYTES);
  int64_t *sizes = firn_new_n(&o->arena, int64_t, n);
  uint8_t **data = firn_new_n(&o->arena, uint8_t *, n);
  if (views == NULL || sizes == NULL || data == NULL) {
    return no_memory(err);
  }
  (void)view_buffers(v, sizes); /* counted above */
  for (size_t b = 0; b < n; b++) {
    data[b] = firn_arena_alloc_bytes(&o->arena, (size_t)sizes[b]);
    if (data[b] == NULL) {
      return no_memory(err);
    }
    out->buffers[2 + b] = data[b];
  }
  size_t b = 0;
  int64_t at = 0;
  for (size_t i = 0; i < v->len; i++) {
    firn_bytes value = bytes_at(v, i);
    if (value.len > INT32_MAX) {
      return firn_error_set(err, FIRN_LIMIT, "a value of %zu bytes is too long for a view", value.len);
    }
    if (value.len > VIEW_INLINE) {
      if (at == sizes[b]) {
        b++;
        at = 0;
      }
      memcpy(data[b] + at, value.data, value.len);
    }
    put_view(views + i * VIEW_BYTES, value, (int32_t)b, (int32_t)at);
    at += value.len > VIEW_INLINE ? (int64_t)value.len : 0;
  }
  out->buffers[1] = views;
  out->buffers[2 + n] = sizes;
  return FIRN_OK;
}

static firn_status export_fixed(const firn_vector *v, size_t width, owner *o, struct ArrowArray *out,
                                firn_error *err) {
  FIRN_TRY(begin_buffers(v, 2, o, out, err));
  uint8_t *data = firn_arena_alloc_n(&o->arena, v->len, width);
  if (data == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < v->len; i++) {
    firn_bytes value = bytes_at(v, i);
    if (value.len == width) {
      memcpy(data + i * width, value.data, width);
    } else if (value.len > 0) { /* empty under a null of a struct above */
      return firn_error_set(err, FIRN_INVALID, "a value of %zu bytes in a column of %zu", value.len, width);
    }
  }
  out->buffers[1] = data;
  return FIRN_OK;
}

static firn_status export_vector(const firn_vector *v, const firn_field *f, firn_arrow_form form, int depth,
                                 owner *o, struct ArrowArray *out, firn_error *err);

static firn_status export_children(const firn_vector *v, const firn_field *f, firn_arrow_form form, int depth,
                                   owner *o, struct ArrowArray *out, firn_error *err) {
  size_t n = v->n_children;
  struct ArrowArray *items = firn_new_n(&o->arena, struct ArrowArray, n);
  out->children = firn_new_n(&o->arena, struct ArrowArray *, n);
  if (items == NULL || out->children == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < n; i++) {
    out->children[i] = &items[i];
  }
  out->n_children = (int64_t)n;
  for (size_t i = 0; i < n; i++) {
    FIRN_TRY(export_vector(&v->children[i], &f->children[i], form, depth + 1, o, &items[i], err));
  }
  return FIRN_OK;
}

static firn_status export_entries_of(const firn_vector *v, const firn_field *f, firn_arrow_form form,
                                     int depth, owner *o, struct ArrowArray *out, firn_error *err) {
  static const int32_t empty[] = {0};
  FIRN_TRY(begin_buffers(v, 2, o, out, err));
  FIRN_TRY(copy_buffer(v->offsets == NULL ? empty : v->offsets, (v->len + 1) * sizeof(int32_t), o,
                       &out->buffers[1], err));
  if (f->kind == FIRN_KIND_LIST) {
    return export_children(v, f, form, depth, o, out, err);
  }
  firn_vector entries = {.kind = FIRN_KIND_STRUCT,
                         .len = v->children[0].len,
                         .n_children = v->n_children,
                         .children = v->children};
  firn_vector map = {.n_children = 1, .children = &entries};
  firn_field field = {.kind = FIRN_KIND_STRUCT, .n_children = f->n_children, .children = f->children};
  firn_field map_field = {.n_children = 1, .children = &field};
  return export_children(&map, &map_field, form, depth, o, out, err);
}

static firn_status export_values(const firn_vector *v, const firn_field *f, firn_arrow_form form, int depth,
                                 owner *o, struct ArrowArray *out, firn_error *err) {
  switch (f->kind) {
    case FIRN_KIND_UNKNOWN:
      out->null_count = (int64_t)v->len;
      return FIRN_OK;
    case FIRN_KIND_STRUCT:
      FIRN_TRY(begin_buffers(v, 1, o, out, err));
      return export_children(v, f, form, depth, o, out, err);
    case FIRN_KIND_LIST:
    case FIRN_KIND_MAP:
      return export_entries_of(v, f, form, depth, o, out, err);
    case FIRN_KIND_UUID:
      return export_fixed(v, UUID_BYTES, o, out, err);
    case FIRN_KIND_FIXED:
      return export_fixed(v, f->width, o, out, err);
    case FIRN_KIND_VARIANT:
      return firn_error_set(err, FIRN_UNSUPPORTED, "a variant cannot be exported to Arrow");
    case FIRN_KIND_BOOLEAN:
      FIRN_TRY(begin_buffers(v, 2, o, out, err));
      return copy_buffer(v->bits, firn_bit_words(v->len) * sizeof(uint64_t), o, &out->buffers[1], err);
    default:
      break;
  }
  if (firn_kind_is_bytes(f->kind)) {
    return form == FIRN_ARROW_VIEW ? export_views(v, o, out, err) : export_large(v, o, out, err);
  }
  FIRN_TRY(begin_buffers(v, 2, o, out, err));
  return copy_buffer(v->values, v->len * firn_kind_value_size(f->kind), o, &out->buffers[1], err);
}

static firn_status export_vector(const firn_vector *v, const firn_field *f, firn_arrow_form form, int depth,
                                 owner *o, struct ArrowArray *out, firn_error *err) {
  if (depth > FIRN_TYPE_MAX_DEPTH) {
    return firn_error_set(err, FIRN_LIMIT, "types nest deeper than %d", FIRN_TYPE_MAX_DEPTH);
  }
  own_array(o, out);
  out->length = (int64_t)v->len;
  out->null_count = (int64_t)v->n_nulls;
  return export_values(v, f, form, depth, o, out, err);
}

firn_status firn_arrow_batch_export(const firn_batch *batch, firn_arrow_form form, struct ArrowArray *out,
                                    firn_error *err) {
  owner *o = owner_new();
  if (o == NULL) {
    return no_memory(err);
  }
  struct ArrowArray array = {0};
  firn_vector all = {.kind = FIRN_KIND_STRUCT,
                     .len = batch->n_rows,
                     .n_children = batch->schema->n_children,
                     .children = batch->columns};
  firn_status status = export_vector(&all, batch->schema, form, 0, o, &array, err);
  owner_unref(o); /* the structs hold it now */
  if (status != FIRN_OK) {
    if (array.release != NULL) {
      array.release(&array);
    }
    return status;
  }
  *out = array;
  return FIRN_OK;
}

/* ---- streams ---- */

typedef struct stream {
  firn_batch_source source;
  firn_arrow_form form;
  firn_arena arena;
  firn_field schema;
  firn_error error;
} stream;

static int errno_of(firn_status status) {
  switch (status) {
    case FIRN_NOMEM:
      return ENOMEM;
    case FIRN_UNSUPPORTED:
      return ENOTSUP;
    case FIRN_INVALID:
      return EINVAL;
    case FIRN_CANCELLED:
      return ECANCELED;
    case FIRN_TIMEOUT:
      return ETIMEDOUT;
    default:
      return EIO;
  }
}

static int stream_schema(struct ArrowArrayStream *s, struct ArrowSchema *out) {
  stream *st = s->private_data;
  firn_status status = firn_arrow_schema_export(&st->schema, st->form, out, &st->error);
  return status == FIRN_OK ? 0 : errno_of(status);
}

static int stream_next(struct ArrowArrayStream *s, struct ArrowArray *out) {
  stream *st = s->private_data;
  const firn_batch *batch = NULL;
  firn_status status = st->source.next(st->source.self, &batch, &st->error);
  if (status != FIRN_OK) {
    return errno_of(status);
  }
  if (batch == NULL) {
    *out = (struct ArrowArray){0}; /* released: the end */
    return 0;
  }
  status = firn_arrow_batch_export(batch, st->form, out, &st->error);
  return status == FIRN_OK ? 0 : errno_of(status);
}

static const char *stream_error(struct ArrowArrayStream *s) {
  const stream *st = s->private_data;
  return st->error.text[0] == '\0' ? NULL : st->error.text;
}

static void close_source(firn_batch_source source) {
  if (source.close != NULL) {
    source.close(source.self);
  }
}

static void stream_release(struct ArrowArrayStream *s) {
  stream *st = s->private_data;
  close_source(st->source);
  firn_arena_free(&st->arena);
  firn_free(st);
  s->release = NULL;
}

firn_status firn_arrow_stream_export(const firn_field *schema, firn_batch_source source, firn_arrow_form form,
                                     struct ArrowArrayStream *out, firn_error *err) {
  stream *st = firn_alloc(sizeof *st);
  if (st == NULL) {
    close_source(source);
    return no_memory(err);
  }
  st->source = source;
  st->form = form;
  struct ArrowArrayStream made = {.get_schema = stream_schema,
                                  .get_next = stream_next,
                                  .get_last_error = stream_error,
                                  .release = stream_release,
                                  .private_data = st};
  firn_status status = firn_field_copy(schema, &st->arena, &st->schema, err);
  if (status != FIRN_OK) {
    made.release(&made);
    return status;
  }
  *out = made;
  return FIRN_OK;
}

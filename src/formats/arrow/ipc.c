#include "formats/arrow/ipc.h"

#include <stdlib.h>
#include <string.h>

#include "column/arrow.h"
#include "formats/arrow/flat_internal.h"

/* Numbers of Schema.fbs and Message.fbs. */
enum { METADATA_V5 = 4, HEADER_SCHEMA = 1, HEADER_RECORD_BATCH = 3 };
enum {
  TYPE_NULL = 1,
  TYPE_INT = 2,
  TYPE_FLOATING_POINT = 3,
  TYPE_BOOL = 6,
  TYPE_DECIMAL = 7,
  TYPE_DATE = 8,
  TYPE_TIME = 9,
  TYPE_TIMESTAMP = 10,
  TYPE_LIST = 12,
  TYPE_STRUCT = 13,
  TYPE_FIXED_SIZE_BINARY = 15,
  TYPE_MAP = 17,
  TYPE_LARGE_BINARY = 19,
  TYPE_LARGE_UTF8 = 20,
};
enum {
  PRECISION_SINGLE = 1,
  PRECISION_DOUBLE = 2,
  UNIT_MICROSECOND = 2,
  UNIT_NANOSECOND = 3,
  DECIMAL_BITS = 128
};

/* What the buffers of an array hold, by its format. */
typedef enum layout {
  LAYOUT_NONE,
  LAYOUT_BITS,
  LAYOUT_FIXED,
  LAYOUT_LARGE_BYTES,
  LAYOUT_OFFSETS,
  LAYOUT_PARENT
} layout;

typedef struct type_of_format {
  const char *format; /* exact, or what it begins with where it ends with ':' */
  layout layout;
  size_t width; /* FIXED: bytes of a value; 0: as the format says */
  int type;
  size_t n_fields;
  firn_flat_field fields[3];
} type_of_format;

static const type_of_format types[] = {
    {"n", LAYOUT_NONE, 0, TYPE_NULL, 0, {{0}}},
    {"b", LAYOUT_BITS, 0, TYPE_BOOL, 0, {{0}}},
    {"i", LAYOUT_FIXED, 4, TYPE_INT, 2, {{4, false, 32}, {1, false, 1}}},
    {"l", LAYOUT_FIXED, 8, TYPE_INT, 2, {{4, false, 64}, {1, false, 1}}},
    {"f", LAYOUT_FIXED, 4, TYPE_FLOATING_POINT, 1, {{2, false, PRECISION_SINGLE}}},
    {"g", LAYOUT_FIXED, 8, TYPE_FLOATING_POINT, 1, {{2, false, PRECISION_DOUBLE}}},
    {"tdD", LAYOUT_FIXED, 4, TYPE_DATE, 1, {{2, false, 0}}},
    {"ttu", LAYOUT_FIXED, 8, TYPE_TIME, 2, {{2, false, UNIT_MICROSECOND}, {4, false, 64}}},
    {"tsu:", LAYOUT_FIXED, 8, TYPE_TIMESTAMP, 2, {{2, false, UNIT_MICROSECOND}}},
    {"tsn:", LAYOUT_FIXED, 8, TYPE_TIMESTAMP, 2, {{2, false, UNIT_NANOSECOND}}},
    {"d:", LAYOUT_FIXED, 16, TYPE_DECIMAL, 3, {{0}}},
    {"w:", LAYOUT_FIXED, 0, TYPE_FIXED_SIZE_BINARY, 1, {{0}}},
    {"U", LAYOUT_LARGE_BYTES, 0, TYPE_LARGE_UTF8, 0, {{0}}},
    {"Z", LAYOUT_LARGE_BYTES, 0, TYPE_LARGE_BINARY, 0, {{0}}},
    {"+s", LAYOUT_PARENT, 0, TYPE_STRUCT, 0, {{0}}},
    {"+l", LAYOUT_OFFSETS, 0, TYPE_LIST, 0, {{0}}},
    {"+m", LAYOUT_OFFSETS, 0, TYPE_MAP, 1, {{1, false, 0}}},
};

static firn_status type_of(const char *format, const type_of_format **out, firn_error *err) {
  for (size_t i = 0; i < FIRN_COUNT_OF(types); i++) {
    size_t len = strlen(types[i].format);
    bool is_open = types[i].format[len - 1] == ':';
    if (is_open ? strncmp(format, types[i].format, len) == 0 : strcmp(format, types[i].format) == 0) {
      *out = &types[i];
      return FIRN_OK;
    }
  }
  return firn_error_set(err, FIRN_UNSUPPORTED, "Arrow type \"%.20s\" is not written to streams", format);
}

/* The type's table; what stands in the format completes the constant fields. */
static firn_flat_place add_type(firn_flat *f, const type_of_format *type, const char *format) {
  firn_flat_field fields[3];
  memcpy(fields, type->fields, sizeof fields);
  char *rest = NULL;
  if (type->type == TYPE_DECIMAL) {
    fields[0] = FIRN_FLAT_SCALAR(4, strtol(format + 2, &rest, 10));
    fields[1] = FIRN_FLAT_SCALAR(4, strtol(rest + 1, NULL, 10));
    fields[2] = FIRN_FLAT_SCALAR(4, DECIMAL_BITS);
  } else if (type->type == TYPE_FIXED_SIZE_BINARY) {
    fields[0] = FIRN_FLAT_SCALAR(4, strtol(format + 2, NULL, 10));
  } else if (type->type == TYPE_TIMESTAMP && format[4] != '\0') {
    fields[1] = FIRN_FLAT_REFERENCE(firn_flat_text(f, format + 4));
  }
  return firn_flat_table(f, fields, type->n_fields);
}

static int32_t read_i32(const char **at) {
  int32_t v;
  memcpy(&v, *at, sizeof v);
  *at += sizeof v;
  return v;
}

static const char *read_text(const char **at, firn_arena *arena) {
  int32_t len = read_i32(at);
  const char *text = firn_arena_text(arena, (firn_bytes){(const uint8_t *)*at, (size_t)len});
  *at += len;
  return text;
}

/* The metadata of the C interface (counts and lengths, then bytes) as a vector of KeyValue; 0: there is none.
 */
static firn_status add_metadata(firn_flat *f, const char *metadata, firn_arena *arena, firn_flat_place *out,
                                firn_error *err) {
  *out = 0;
  if (metadata == NULL) {
    return FIRN_OK;
  }
  size_t n = (size_t)read_i32(&metadata);
  firn_flat_place *pairs = firn_new_n(arena, firn_flat_place, n);
  for (size_t i = 0; pairs != NULL && i < n; i++) {
    const char *key = read_text(&metadata, arena);
    const char *value = read_text(&metadata, arena);
    if (key == NULL || value == NULL) {
      pairs = NULL;
      break;
    }
    firn_flat_field fields[2] = {FIRN_FLAT_REFERENCE(firn_flat_text(f, key)),
                                 FIRN_FLAT_REFERENCE(firn_flat_text(f, value))};
    pairs[i] = firn_flat_table(f, fields, 2);
  }
  if (pairs == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for an Arrow schema");
  }
  *out = firn_flat_places(f, pairs, n);
  return FIRN_OK;
}

static firn_status add_field(firn_flat *f, const struct ArrowSchema *s, firn_arena *arena,
                             firn_flat_place *out, firn_error *err);

static firn_status add_children(firn_flat *f, const struct ArrowSchema *s, firn_arena *arena,
                                firn_flat_place *out, firn_error *err) {
  firn_flat_place *children = firn_new_n(arena, firn_flat_place, (size_t)s->n_children);
  if (children == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for an Arrow schema");
  }
  for (int64_t i = 0; i < s->n_children; i++) {
    FIRN_TRY(add_field(f, s->children[i], arena, &children[i], err));
  }
  *out = firn_flat_places(f, children, (size_t)s->n_children);
  return FIRN_OK;
}

static firn_status add_field(firn_flat *f, const struct ArrowSchema *s, firn_arena *arena,
                             firn_flat_place *out, firn_error *err) {
  const type_of_format *type = NULL;
  firn_flat_place children;
  firn_flat_place metadata;
  FIRN_TRY(type_of(s->format, &type, err));
  FIRN_TRY(add_children(f, s, arena, &children, err));
  FIRN_TRY(add_metadata(f, s->metadata, arena, &metadata, err));
  firn_flat_field fields[7] = {
      FIRN_FLAT_REFERENCE(firn_flat_text(f, s->name == NULL ? "" : s->name)),
      FIRN_FLAT_SCALAR(1, (s->flags & ARROW_FLAG_NULLABLE) != 0),
      FIRN_FLAT_SCALAR(1, type->type),
      FIRN_FLAT_REFERENCE(add_type(f, type, s->format)),
      FIRN_FLAT_ABSENT, /* no dictionary */
      FIRN_FLAT_REFERENCE(children),
      metadata == 0 ? FIRN_FLAT_ABSENT : FIRN_FLAT_REFERENCE(metadata),
  };
  *out = firn_flat_table(f, fields, FIRN_COUNT_OF(fields));
  return FIRN_OK;
}

/* The message around a header, with what precedes it in a stream: the continuation mark and the length. */
static firn_status add_message(firn_flat *f, int header_type, firn_flat_place header, int64_t body_bytes,
                               firn_builder *out, firn_error *err) {
  firn_flat_field fields[4] = {FIRN_FLAT_SCALAR(2, METADATA_V5), FIRN_FLAT_SCALAR(1, header_type),
                               FIRN_FLAT_REFERENCE(header), FIRN_FLAT_SCALAR(8, body_bytes)};
  firn_bytes message;
  if (!firn_flat_finish(f, firn_flat_table(f, fields, FIRN_COUNT_OF(fields)), &message)) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for an Arrow message");
  }
  firn_builder_add_u32le(out, UINT32_MAX);
  firn_builder_add_u32le(out, (uint32_t)message.len);
  firn_builder_add(out, message);
  return FIRN_OK;
}

static firn_status write_schema(const struct ArrowSchema *s, firn_flat *f, firn_arena *arena,
                                firn_builder *out, firn_error *err) {
  firn_flat_place fields;
  FIRN_TRY(add_children(f, s, arena, &fields, err));
  firn_flat_field schema[2] = {FIRN_FLAT_SCALAR(2, 0) /* little endian */, FIRN_FLAT_REFERENCE(fields)};
  return add_message(f, HEADER_SCHEMA, firn_flat_table(f, schema, 2), 0, out, err);
}

firn_status firn_arrow_ipc_write_schema(const firn_field *field, firn_builder *out, firn_error *err) {
  struct ArrowSchema schema = {0};
  FIRN_TRY(firn_arrow_schema_export(field, FIRN_ARROW_LARGE, &schema, err));
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_flat f = {0};
  firn_status status = write_schema(&schema, &f, &arena, out, err);
  firn_flat_free(&f);
  schema.release(&schema);
  return status;
}

/* The parts of a record batch as they are found, depth first. */
typedef struct body {
  firn_arena arena;
  size_t n_nodes, nodes_capacity;
  int64_t (*nodes)[2]; /* length, nulls */
  size_t n_buffers, buffers_capacity;
  int64_t (*buffers)[2]; /* offset, bytes */
  const void **data;
  size_t data_capacity;
  int64_t bytes;
} body;

static firn_status body_buffer(body *b, const void *data, size_t bytes, firn_error *err) {
  b->buffers = firn_arena_grow(&b->arena, b->buffers, b->n_buffers, &b->buffers_capacity, sizeof *b->buffers);
  b->data = firn_arena_grow(&b->arena, b->data, b->n_buffers, &b->data_capacity, sizeof *b->data);
  if (b->buffers == NULL || b->data == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for an Arrow batch");
  }
  b->buffers[b->n_buffers][0] = b->bytes;
  b->buffers[b->n_buffers][1] = data == NULL ? 0 : (int64_t)bytes;
  b->data[b->n_buffers] = data;
  b->bytes += (b->buffers[b->n_buffers][1] + 7) / 8 * 8;
  b->n_buffers++;
  return FIRN_OK;
}

static size_t fixed_width(const type_of_format *type, const char *format) {
  return type->width != 0 ? type->width : (size_t)strtoul(format + 2, NULL, 10);
}

static firn_status body_array(body *b, const struct ArrowSchema *s, const struct ArrowArray *a,
                              firn_error *err) {
  static const int64_t no_offset = 0;
  const type_of_format *type = NULL;
  FIRN_TRY(type_of(s->format, &type, err));
  b->nodes = firn_arena_grow(&b->arena, b->nodes, b->n_nodes, &b->nodes_capacity, sizeof *b->nodes);
  if (b->nodes == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for an Arrow batch");
  }
  size_t len = (size_t)a->length;
  b->nodes[b->n_nodes][0] = a->length;
  b->nodes[b->n_nodes++][1] = type->layout == LAYOUT_NONE ? a->length : a->null_count;
  if (type->layout != LAYOUT_NONE) {
    FIRN_TRY(body_buffer(b, a->null_count == 0 ? NULL : a->buffers[0], (len + 7) / 8, err));
  }
  switch (type->layout) {
    case LAYOUT_BITS:
      FIRN_TRY(body_buffer(b, a->buffers[1], (len + 7) / 8, err));
      break;
    case LAYOUT_FIXED:
      FIRN_TRY(body_buffer(b, a->buffers[1], len * fixed_width(type, s->format), err));
      break;
    case LAYOUT_LARGE_BYTES: {
      const int64_t *offsets = a->buffers[1] == NULL ? &no_offset : a->buffers[1];
      FIRN_TRY(body_buffer(b, offsets, (len + 1) * sizeof *offsets, err));
      FIRN_TRY(body_buffer(b, a->buffers[2], (size_t)offsets[len], err));
      break;
    }
    case LAYOUT_OFFSETS:
      FIRN_TRY(body_buffer(b, a->buffers[1] == NULL ? &no_offset : a->buffers[1], (len + 1) * sizeof(int32_t),
                           err));
      break;
    case LAYOUT_NONE:
    case LAYOUT_PARENT:
      break;
  }
  for (int64_t i = 0; i < a->n_children; i++) {
    FIRN_TRY(body_array(b, s->children[i], a->children[i], err));
  }
  return FIRN_OK;
}

static firn_status write_batch(const body *b, int64_t n_rows, firn_builder *out, firn_error *err) {
  static const uint8_t padding[8] = {0};
  firn_flat f = {0};
  firn_flat_place buffers = firn_flat_structs(&f, b->n_buffers == 0 ? NULL : b->buffers[0], b->n_buffers, 2);
  firn_flat_place nodes = firn_flat_structs(&f, b->n_nodes == 0 ? NULL : b->nodes[0], b->n_nodes, 2);
  firn_flat_field batch[3] = {FIRN_FLAT_SCALAR(8, n_rows), FIRN_FLAT_REFERENCE(nodes),
                              FIRN_FLAT_REFERENCE(buffers)};
  firn_status status =
      add_message(&f, HEADER_RECORD_BATCH, firn_flat_table(&f, batch, 3), b->bytes, out, err);
  firn_flat_free(&f);
  for (size_t i = 0; status == FIRN_OK && i < b->n_buffers; i++) {
    size_t len = (size_t)b->buffers[i][1];
    if (len > 0) {
      firn_builder_add(out, (firn_bytes){b->data[i], len});
      firn_builder_add(out, (firn_bytes){padding, (8 - len % 8) % 8});
    }
  }
  return status;
}

static firn_status collect_and_write(const struct ArrowSchema *s, const struct ArrowArray *a,
                                     firn_builder *out, firn_error *err) {
  body b = {0};
  firn_status status = FIRN_OK;
  for (int64_t i = 0; status == FIRN_OK && i < a->n_children; i++) {
    status = body_array(&b, s->children[i], a->children[i], err);
  }
  if (status == FIRN_OK) {
    status = write_batch(&b, a->length, out, err);
  }
  firn_arena_free(&b.arena);
  return status;
}

firn_status firn_arrow_ipc_write_batch(const firn_batch *batch, firn_builder *out, firn_error *err) {
  struct ArrowSchema schema = {0};
  struct ArrowArray array = {0};
  FIRN_TRY(firn_arrow_schema_export(batch->schema, FIRN_ARROW_LARGE, &schema, err));
  firn_status status = firn_arrow_batch_export(batch, FIRN_ARROW_LARGE, &array, err);
  if (status == FIRN_OK) {
    status = collect_and_write(&schema, &array, out, err);
    array.release(&array);
  }
  schema.release(&schema);
  return status;
}

void firn_arrow_ipc_write_end(firn_builder *out) {
  firn_builder_add_u32le(out, UINT32_MAX);
  firn_builder_add_u32le(out, 0);
}

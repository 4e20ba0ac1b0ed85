#include "formats/avro/avro_json.h"

#include <stdio.h>

#include "base/time.h"
#include "base/uuid.h"

enum { DECIMAL_MAX_BYTES = 16, DECIMAL_MAX_TEXT = 160 };

static bool is_logical(const firn_avro_schema *s, const char *logical) {
  return s->logical_type != NULL && strcmp(s->logical_type, logical) == 0;
}

static void write_hex(firn_bytes bytes, firn_json_writer *w) {
  FIRN_AUTO_BUILDER hex = FIRN_BUILDER_INIT(0);
  for (size_t i = 0; i < bytes.len; i++) {
    firn_builder_addf(&hex, "%02x", bytes.data[i]);
  }
  firn_bytes text;
  if (firn_builder_finish(&hex, &text, NULL) != FIRN_OK) {
    w->to->failed = hex.failed;
    return;
  }
  firn_json_write_bytes(w, text);
}

/* Two's complement, big endian, to digits with a point before the last `scale` of them. */
static void write_decimal(firn_bytes bytes, int32_t scale, firn_json_writer *w) {
  __extension__ unsigned __int128 v = (bytes.data[0] & 0x80) != 0 ? ~(__extension__(unsigned __int128) 0) : 0;
  for (size_t i = 0; i < bytes.len; i++) {
    v = v << 8 | bytes.data[i];
  }
  bool negative = (v >> 127) != 0;
  v = negative ? -v : v;
  char text[DECIMAL_MAX_TEXT];
  size_t at = sizeof text;
  for (int32_t digits = 0; v != 0 || digits <= scale; digits++, v /= 10) {
    if (digits == scale && scale > 0) {
      text[--at] = '.';
    }
    text[--at] = (char)('0' + (int)(v % 10));
  }
  if (negative) {
    text[--at] = '-';
  }
  firn_json_write_bytes(w, (firn_bytes){(uint8_t *)text + at, sizeof text - at});
}

static void write_bytes(const firn_avro_value *v, firn_json_writer *w) {
  const firn_avro_schema *s = v->schema;
  bool is_decimal = is_logical(s, "decimal") && v->bytes.len >= 1 && v->bytes.len <= DECIMAL_MAX_BYTES &&
                    s->scale >= 0 && s->scale < DECIMAL_MAX_TEXT / 2;
  if (is_decimal) {
    write_decimal(v->bytes, s->scale, w);
  } else if (is_logical(s, "uuid") && v->bytes.len == sizeof(firn_uuid)) {
    firn_uuid uuid;
    char text[FIRN_UUID_TEXT];
    memcpy(uuid.bytes, v->bytes.data, sizeof uuid.bytes);
    firn_uuid_text(uuid, text);
    firn_json_write_text(w, text);
  } else {
    write_hex(v->bytes, w);
  }
}

static void write_timestamp(const firn_avro_value *v, firn_time_unit unit, bool zoned, firn_json_writer *w) {
  char text[FIRN_TIME_TEXT_MAX];
  (void)firn_timestamp_text(v->number, unit, zoned, text);
  firn_json_write_text(w, text);
}

static void write_number(const firn_avro_value *v, firn_json_writer *w) {
  const firn_avro_schema *s = v->schema;
  char text[FIRN_TIME_TEXT_MAX];
  if (s->type == FIRN_AVRO_INT && is_logical(s, "date")) {
    (void)firn_date_text((int32_t)v->number, text);
    firn_json_write_text(w, text);
  } else if (is_logical(s, "time-micros") && v->number >= 0 && v->number < FIRN_US_PER_DAY) {
    (void)firn_time_text(v->number, FIRN_MICROS, text);
    firn_json_write_text(w, text);
  } else if (is_logical(s, "timestamp-micros") || is_logical(s, "local-timestamp-micros")) {
    write_timestamp(v, FIRN_MICROS, s->adjust_to_utc, w);
  } else if (is_logical(s, "timestamp-nanos") || is_logical(s, "local-timestamp-nanos")) {
    write_timestamp(v, FIRN_NANOS, s->adjust_to_utc, w);
  } else {
    firn_json_write_int64(w, v->number);
  }
}

static void write_items(const firn_avro_value *v, size_t from, size_t step, firn_json_writer *w) {
  firn_json_begin_array(w);
  for (size_t i = from; i < v->n_items; i += step) {
    firn_avro_value_write_json(&v->items[i], w);
  }
  firn_json_end_array(w);
}

/* An array of records of two fields that stands for a map (Iceberg specification, Appendix A, Avro). */
static bool is_map_of_records(const firn_avro_schema *s) {
  return is_logical(s, "map") && s->items[0]->type == FIRN_AVRO_RECORD && s->items[0]->n_fields == 2;
}

static void write_column(const firn_avro_value *v, size_t field, firn_json_writer *w) {
  firn_json_begin_array(w);
  for (size_t i = 0; i < v->n_items; i++) {
    firn_avro_value_write_json(&v->items[i].items[field], w);
  }
  firn_json_end_array(w);
}

static void write_map(const firn_avro_value *v, firn_json_writer *w) {
  bool by_records = v->schema->type == FIRN_AVRO_ARRAY;
  firn_json_begin_object(w);
  firn_json_key(w, "keys");
  if (by_records) {
    write_column(v, 0, w);
  } else {
    write_items(v, 0, 2, w);
  }
  firn_json_key(w, "values");
  if (by_records) {
    write_column(v, 1, w);
  } else {
    write_items(v, 1, 2, w);
  }
  firn_json_end_object(w);
}

static void write_record(const firn_avro_value *v, firn_json_writer *w) {
  firn_json_begin_object(w);
  for (size_t i = 0; i < v->n_items; i++) {
    firn_json_key(w, v->schema->fields[i].true_name);
    firn_avro_value_write_json(&v->items[i], w);
  }
  firn_json_end_object(w);
}

void firn_avro_value_write_json(const firn_avro_value *v, firn_json_writer *w) {
  switch (v->schema->type) {
    case FIRN_AVRO_BOOLEAN:
      firn_json_write_bool(w, v->boolean);
      return;
    case FIRN_AVRO_INT:
    case FIRN_AVRO_LONG:
      write_number(v, w);
      return;
    case FIRN_AVRO_FLOAT:
      firn_json_write_float(w, (float)v->real);
      return;
    case FIRN_AVRO_DOUBLE:
      firn_json_write_double(w, v->real);
      return;
    case FIRN_AVRO_BYTES:
    case FIRN_AVRO_FIXED:
      write_bytes(v, w);
      return;
    case FIRN_AVRO_STRING:
      firn_json_write_bytes(w, v->bytes);
      return;
    case FIRN_AVRO_ENUM:
      firn_json_write_text(w, v->schema->symbols[v->number]);
      return;
    case FIRN_AVRO_RECORD:
      write_record(v, w);
      return;
    case FIRN_AVRO_ARRAY:
      if (!is_map_of_records(v->schema)) {
        write_items(v, 0, 1, w);
        return;
      }
      write_map(v, w);
      return;
    case FIRN_AVRO_MAP:
      write_map(v, w);
      return;
    case FIRN_AVRO_NULL:
    case FIRN_AVRO_UNION: /* values of unions are those of their branches */
      firn_json_write_null(w);
      return;
  }
}

firn_status firn_avro_reader_next_json(firn_avro_reader *r, firn_ctx *ctx, firn_arena *arena,
                                       firn_builder *out, bool *more, firn_error *err) {
  const firn_avro_value *v = NULL;
  firn_arena_reset(arena);
  FIRN_TRY(firn_avro_reader_next(r, ctx, arena, &v, err));
  *more = v != NULL;
  if (v == NULL) {
    return FIRN_OK;
  }
  firn_json_writer w = FIRN_JSON_WRITER_INIT(out);
  firn_avro_value_write_json(v, &w);
  firn_builder_add_u8(out, '\n');
  firn_bytes all;
  return firn_builder_finish(out, &all, err);
}

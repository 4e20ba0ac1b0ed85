#include "events/archive.h"

#include <assert.h>
#include <inttypes.h>

#include "base/time.h"
#include "base/uuid.h"

enum {
  /* Columns of the archive of events. */
  SUBJECT = 0,
  TIME,
  TYPE,
  TAGS = 11,
  EXTRAS,
  DATA,
  N_COLUMNS,
  /* Columns of the dead letters. */
  RECEIVED = 0,
  ORIGIN,
  POSITION,
  REASON,
  PAYLOAD,
};

#define COLUMN(number, text, type) {.id = (number), .name = (text), .kind = (type)}

static const firn_field tag_element = COLUMN(15, "element", FIRN_KIND_STRING);

static const firn_field event_columns[N_COLUMNS] = {
    COLUMN(1, "subject", FIRN_KIND_STRING),
    COLUMN(2, "time", FIRN_KIND_TIMESTAMPTZ),
    COLUMN(3, "type", FIRN_KIND_STRING),
    COLUMN(4, "id", FIRN_KIND_STRING),
    COLUMN(5, "source", FIRN_KIND_STRING),
    COLUMN(6, "producer", FIRN_KIND_STRING),
    COLUMN(7, "data_content_type", FIRN_KIND_STRING),
    COLUMN(8, "data_version", FIRN_KIND_STRING),
    COLUMN(9, "specversion", FIRN_KIND_STRING),
    COLUMN(10, "dataschema", FIRN_KIND_STRING),
    COLUMN(11, "signature", FIRN_KIND_STRING),
    {.id = 12, .name = "tags", .kind = FIRN_KIND_LIST, .n_children = 1, .children = &tag_element},
    COLUMN(13, "extras", FIRN_KIND_STRING),
    COLUMN(14, "data", FIRN_KIND_BINARY),
};

static const firn_field dead_columns[] = {
    COLUMN(1, "received", FIRN_KIND_TIMESTAMPTZ), COLUMN(2, "origin", FIRN_KIND_STRING),
    COLUMN(3, "position", FIRN_KIND_STRING),      COLUMN(4, "error", FIRN_KIND_STRING),
    COLUMN(5, "payload", FIRN_KIND_BINARY),
};

static const firn_schema event_schema = {
    .root = {.id = FIRN_NO_ID,
             .name = "table",
             .required = true,
             .kind = FIRN_KIND_STRUCT,
             .n_children = N_COLUMNS,
             .children = event_columns},
};
static const firn_schema dead_schema = {
    .root = {.id = FIRN_NO_ID,
             .name = "table",
             .required = true,
             .kind = FIRN_KIND_STRUCT,
             .n_children = FIRN_COUNT_OF(dead_columns),
             .children = dead_columns},
};

static const firn_partition_field event_day = {.source_id = 2,
                                               .field_id = FIRN_FIRST_PARTITION_ID,
                                               .name = "time_day",
                                               .transform = {.kind = FIRN_TRANSFORM_DAY}};
static const firn_partition_field dead_day = {.source_id = 1,
                                              .field_id = FIRN_FIRST_PARTITION_ID,
                                              .name = "received_day",
                                              .transform = {.kind = FIRN_TRANSFORM_DAY}};
static const firn_partition_spec event_spec = {.n_fields = 1, .fields = &event_day};
static const firn_partition_spec dead_spec = {.n_fields = 1, .fields = &dead_day};

/* Where each text attribute of an event goes. */
static const uint8_t column_of_text[FIRN_EVENT_N_TEXTS] = {SUBJECT, TYPE, 3, 4, 5, 6, 7, 8, 9, 10};

const char *firn_archive_table_name(firn_archive_table t) {
  static const char *const names[FIRN_ARCHIVE_N_TABLES] = {"valid", "partial", "dead_letter"};
  return names[t];
}

const firn_schema *firn_archive_schema(firn_archive_table t) {
  return t == FIRN_ARCHIVE_DEAD_LETTER ? &dead_schema : &event_schema;
}

const firn_partition_spec *firn_archive_spec(firn_archive_table t) {
  return t == FIRN_ARCHIVE_DEAD_LETTER ? &dead_spec : &event_spec;
}

firn_properties firn_archive_properties(firn_archive_table t) {
  static const firn_property properties[] = {
      {"write.format.default", "parquet"},
      {"write.parquet.compression-codec", "zstd"},
      {"write.metadata.delete-after-commit.enabled", "true"},
      {"write.metadata.previous-versions-max", "20"},
      {"firn.fetch-keys", "true"},
  };
  (void)t; /* so far they are alike */
  return (firn_properties){FIRN_COUNT_OF(properties), properties};
}

const firn_partition_spec *firn_archive_spec_in(firn_archive_table t, const firn_metadata *metadata) {
  const firn_metadata_fields *m = firn_metadata_get(metadata);
  for (size_t i = m->n_specs; i > 0; i--) {
    if (firn_partition_spec_equal(&m->specs[i - 1], firn_archive_spec(t))) {
      return &m->specs[i - 1];
    }
  }
  return NULL;
}

/* By its id: a column may have been renamed or moved. */
static const firn_field *column_by_id(const firn_field *root, int32_t id) {
  for (uint32_t i = 0; i < root->n_children; i++) {
    if (root->children[i].id == id) {
      return &root->children[i];
    }
  }
  return NULL;
}

firn_status firn_archive_check(firn_archive_table t, const firn_metadata *metadata, firn_error *err) {
  const firn_field *ours = &firn_archive_schema(t)->root;
  const firn_field *theirs = &firn_metadata_current_schema(metadata)->root;
  if (firn_metadata_get(metadata)->format_version !=
      2) { /* said before anything is taken, not at the commit */
    return firn_error_set(err, FIRN_UNSUPPORTED,
                          "the table has format version %d, which is read but not written; version 1 can be "
                          "upgraded to 2",
                          (int)firn_metadata_get(metadata)->format_version);
  }
  for (uint32_t i = 0; i < ours->n_children; i++) {
    const firn_field *a = &ours->children[i];
    const firn_field *b = column_by_id(theirs, a->id);
    if (b == NULL || b->required || !firn_field_same_type(a, b)) {
      return firn_error_set(err, FIRN_INVALID,
                            "the table has no optional column with id %d that is the archive's %s %s", a->id,
                            firn_kind_name(a->kind), a->name);
    }
  }
  for (uint32_t i = 0; i < theirs->n_children; i++) {
    const firn_field *b = &theirs->children[i];
    if (b->required) { /* the archive's own are not */
      return firn_error_set(err, FIRN_INVALID, "its column %s is required, and events have none of it",
                            b->name);
    }
  }
  if (firn_archive_spec_in(t, metadata) == NULL) {
    return firn_error_set(err, FIRN_INVALID, "the table was never partitioned by day(%s) alone",
                          t == FIRN_ARCHIVE_DEAD_LETTER ? "received" : "time");
  }
  return FIRN_OK;
}

const char *firn_archive_file_name(void *arg, firn_ctx *ctx, const firn_partition_spec *spec,
                                   const firn_schema *schema, const firn_value *tuple, firn_arena *arena) {
  (void)arg;
  (void)schema;
  (void)spec; /* one field: the day */
  char id[FIRN_UUID_TEXT];
  firn_uuid_text(firn_uuid_v7(ctx), id);
  if (tuple[0].is_null) {
    return firn_arena_printf(arena, "day=unknown/batch-%s.parquet", id);
  }
  firn_date date = firn_date_of_days(tuple[0].i32);
  return firn_arena_printf(arena, "year=%04" PRId64 "/month=%02d/day=%02d/batch-%s.parquet", date.year,
                           date.month, date.day, id);
}

void firn_archive_parquet_options(firn_archive_table t, firn_codec codec, int level,
                                  firn_parquet_writer_options *out) {
  /* A point read fetches one page of `data`: 64 KiB at most. Headers are read in scans. */
  static const firn_parquet_column_options events[] = {
      {.path = "subject", .bloom_filter = true},
      {.path = "id", .bloom_filter = true, .dictionary = FIRN_DICTIONARY_OFF},
      {.path = "extras", .bounds = FIRN_BOUNDS_NONE},
      {.path = "data", .bounds = FIRN_BOUNDS_NONE, .dictionary = FIRN_DICTIONARY_OFF},
  };
  static const firn_parquet_column_options dead[] = {
      {.path = "payload", .bounds = FIRN_BOUNDS_NONE, .dictionary = FIRN_DICTIONARY_OFF},
  };
  bool is_dead = t == FIRN_ARCHIVE_DEAD_LETTER;
  *out = (firn_parquet_writer_options){
      .codec = codec,
      .level = level,
      .page_bytes = 64 << 10,
      .row_group_bytes = 64 << 20,
      .skip_incompressible = true,
      .columns = is_dead ? dead : events,
      .n_columns = is_dead ? FIRN_COUNT_OF(dead) : FIRN_COUNT_OF(events),
  };
}

firn_status firn_archive_batch_open(firn_archive_table t, size_t capacity, firn_archive_batch *out,
                                    firn_error *err) {
  firn_archive_batch b = {.capacity = capacity, .arena = FIRN_ARENA_INIT(0)};
  const firn_field *root = &firn_archive_schema(t)->root;
  firn_status status = firn_batch_new(root, capacity, &b.arena, &b.batch, err);
  if (status == FIRN_OK) {
    b.masks = firn_new_n(&b.arena, uint64_t, root->n_children *firn_bit_words(capacity));
    status = b.masks == NULL ? firn_error_set(err, FIRN_NOMEM, "no memory for a batch of events") : FIRN_OK;
  }
  if (status != FIRN_OK) {
    firn_arena_free(&b.arena);
    return status;
  }
  b.tag_capacity = capacity;
  *out = b;
  return FIRN_OK;
}

void firn_archive_batch_close(firn_archive_batch *b) {
  firn_arena_free(&b->arena);
  *b = (firn_archive_batch){0};
}

bool firn_archive_batch_is_full(const firn_archive_batch *b) {
  return b->batch.n_rows == b->capacity;
}

/* The row being added is null in this column: the column gets its bitmap at its first null. */
static void add_null(firn_archive_batch *b, size_t column) {
  firn_vector *v = &b->batch.columns[column];
  size_t words = firn_bit_words(b->capacity);
  if (v->validity == NULL) {
    v->validity = b->masks + column * words;
    memset(v->validity, 0xFF, words * sizeof *v->validity);
  }
  firn_bit_clear(v->validity, b->batch.n_rows);
  v->n_nulls++;
}

static void add_bytes(firn_archive_batch *b, size_t column, firn_bytes value, bool is_there) {
  b->batch.columns[column].bytes[b->batch.n_rows] = is_there ? value : (firn_bytes){NULL, 0};
  if (!is_there) {
    add_null(b, column);
  }
}

static void add_time(firn_archive_batch *b, size_t column, int64_t time_us, bool is_there) {
  b->batch.columns[column].i64[b->batch.n_rows] = is_there ? time_us : 0;
  if (!is_there) {
    add_null(b, column);
  }
}

static firn_status add_tags(firn_archive_batch *b, const firn_event *event, firn_error *err) {
  firn_vector *list = &b->batch.columns[TAGS];
  firn_vector *tags = &list->children[0];
  while (b->tag_capacity - tags->len < event->n_tags) {
    firn_bytes *moved =
        firn_arena_grow(&b->arena, tags->bytes, b->tag_capacity, &b->tag_capacity, sizeof *moved);
    if (moved == NULL) {
      return firn_error_set(err, FIRN_NOMEM, "no memory for the tags of a batch of events");
    }
    tags->bytes = moved;
  }
  if (event->n_tags > 0) {
    memcpy(tags->bytes + tags->len, event->tags, event->n_tags * sizeof *event->tags);
    tags->len += event->n_tags;
  }
  list->offsets[b->batch.n_rows + 1] = (int32_t)tags->len;
  if (!event->has_tags) {
    add_null(b, TAGS);
  }
  return FIRN_OK;
}

static void end_row(firn_archive_batch *b) {
  b->batch.n_rows++;
  for (uint32_t i = 0; i < b->batch.schema->n_children; i++) {
    b->batch.columns[i].len = b->batch.n_rows;
  }
}

firn_status firn_archive_batch_add(firn_archive_batch *b, const firn_event *event, firn_error *err) {
  assert(!firn_archive_batch_is_full(b) && b->batch.schema->n_children == N_COLUMNS);
  FIRN_TRY(add_tags(b, event, err));
  for (size_t i = 0; i < FIRN_EVENT_N_TEXTS; i++) {
    add_bytes(b, column_of_text[i], event->texts[i], event->texts[i].data != NULL);
  }
  add_time(b, TIME, event->time_us, event->has_time);
  add_bytes(b, EXTRAS, event->extras, true);
  add_bytes(b, DATA, event->data, event->has_data);
  end_row(b);
  return FIRN_OK;
}

void firn_archive_batch_add_dead(firn_archive_batch *b, const firn_dead_letter *letter) {
  assert(!firn_archive_batch_is_full(b) && b->batch.schema == &dead_schema.root);
  add_time(b, RECEIVED, letter->received_us, true);
  add_bytes(b, ORIGIN, letter->origin, true);
  add_bytes(b, POSITION, letter->position, true);
  add_bytes(b, REASON, letter->reason, true);
  add_bytes(b, PAYLOAD, letter->payload, true);
  end_row(b);
}

void firn_archive_batch_reset(firn_archive_batch *b) {
  b->batch.n_rows = 0;
  for (uint32_t i = 0; i < b->batch.schema->n_children; i++) {
    firn_vector *v = &b->batch.columns[i];
    v->len = 0;
    v->n_nulls = 0;
    v->validity = NULL;
    for (uint32_t j = 0; j < v->n_children; j++) {
      v->children[j].len = 0;
    }
  }
}

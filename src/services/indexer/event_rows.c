#include "services/indexer/event_rows_internal.h"

#include "base/alloc.h"
#include "base/builder.h"
#include "base/json.h"
#include "base/json_write.h"
#include "events/archive.h"
#include "iceberg/scan/scan.h"

enum { MAX_EXTRAS = 1 << 30 };

enum {
  SUBJECT,
  TYPE,
  ID,
  SOURCE,
  PRODUCER,
  CONTENT_TYPE,
  VERSION,
  SPECVERSION,
  DATASCHEMA,
  SIGNATURE,
  EXTRAS,
  N_TEXTS,
  TIME = N_TEXTS,
  TAGS,
  N_COLUMNS,
};

static const struct {
  const char *name;
  firn_kind kind;
  bool needed; /* a table without it is none of events */
} columns[N_COLUMNS] = {
    [SUBJECT] = {"subject", FIRN_KIND_STRING, true},
    [TYPE] = {"type", FIRN_KIND_STRING, true},
    [ID] = {"id", FIRN_KIND_STRING, true},
    [SOURCE] = {"source", FIRN_KIND_STRING, true},
    [PRODUCER] = {"producer", FIRN_KIND_STRING, false},
    [CONTENT_TYPE] = {"data_content_type", FIRN_KIND_STRING, false},
    [VERSION] = {"data_version", FIRN_KIND_STRING, false},
    [SPECVERSION] = {"specversion", FIRN_KIND_STRING, false},
    [DATASCHEMA] = {"dataschema", FIRN_KIND_STRING, false},
    [SIGNATURE] = {"signature", FIRN_KIND_STRING, false},
    [EXTRAS] = {"extras", FIRN_KIND_STRING, false},
    [TIME] = {"time", FIRN_KIND_TIMESTAMPTZ, true},
    [TAGS] = {"tags", FIRN_KIND_LIST, false},
};

struct firn_event_rows {
  firn_scan *scan;
  const char *names[N_COLUMNS]; /* of the columns that are read */
  int place[N_COLUMNS];         /* of each column among them; -1: the table lacks it */
  const firn_batch *batch;      /* NULL: the next is due */
  size_t at;                    /* in the batch */
  int64_t row;                  /* in the file */
  firn_builder extras;          /* of the row that came last */
  firn_index_row out;
};

/* By its name; a column that others have renamed is known by the archive's id. */
static const firn_field *find_column(const firn_field *root, const char *name) {
  const firn_field *found = firn_field_child(root, name);
  const firn_field *own = firn_field_child(&firn_archive_schema(FIRN_ARCHIVE_VALID)->root, name);
  for (uint32_t i = 0; found == NULL && own != NULL && i < root->n_children; i++) {
    found = root->children[i].id == own->id ? &root->children[i] : NULL;
  }
  return found;
}

static firn_status choose(firn_event_rows *r, const firn_field *root, size_t *n, firn_error *err) {
  *n = 0;
  for (int i = 0; i < N_COLUMNS; i++) {
    const firn_field *field = find_column(root, columns[i].name);
    bool fits = field != NULL && field->kind == columns[i].kind &&
                (field->kind != FIRN_KIND_LIST || field->children[0].kind == FIRN_KIND_STRING);
    if (!fits && (columns[i].needed || field != NULL)) {
      return firn_error_set(err, FIRN_UNSUPPORTED, "it is no table of events: it has %s column '%s'",
                            field == NULL ? "no" : "another kind of", columns[i].name);
    }
    r->place[i] = fits ? (int)*n : -1;
    if (fits) {
      r->names[(*n)++] = field->name;
    }
  }
  return FIRN_OK;
}

firn_status firn_event_rows_open(const firn_metadata *metadata, firn_stores *stores,
                                 const firn_data_file *file, firn_ctx *ctx, firn_event_rows **out,
                                 firn_error *err) {
  FIRN_AUTO_EVENT_ROWS *r = firn_alloc(sizeof *r);
  size_t n;
  if (r == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory to read headers");
  }
  r->extras = (firn_builder)FIRN_BUILDER_INIT(MAX_EXTRAS);
  FIRN_TRY(choose(r, &firn_metadata_current_schema(metadata)->root, &n, err));
  const firn_scan_options options = {
      .metadata = metadata, .stores = stores, .file = file, .columns = r->names, .n_columns = n};
  FIRN_TRY(firn_scan_open(&options, ctx, &r->scan, err));
  *out = FIRN_HAND_OVER(r);
  return FIRN_OK;
}

static const firn_vector *column(const firn_event_rows *r, int which) {
  const firn_vector *v = r->place[which] < 0 ? NULL : &r->batch->columns[r->place[which]];
  return v == NULL || firn_vector_is_null(v, r->at) ? NULL : v;
}

/* Data NULL where it is null. */
static firn_bytes text(const firn_event_rows *r, int which) {
  const firn_vector *v = column(r, which);
  return v == NULL ? (firn_bytes){NULL, 0} : v->bytes[r->at];
}

static void add_text(firn_json_writer *w, const char *name, firn_bytes value) {
  if (value.data != NULL) {
    firn_json_key(w, name);
    firn_json_write_bytes(w, value);
  }
}

static void add_tags(firn_json_writer *w, const firn_vector *tags, size_t at) {
  firn_json_key(w, "tags");
  firn_json_begin_array(w);
  const firn_vector *element = &tags->children[0];
  for (int32_t i = tags->offsets[at]; i < tags->offsets[at + 1]; i++) {
    if (!firn_vector_is_null(element, (size_t)i)) {
      firn_json_write_bytes(w, element->bytes[i]);
    }
  }
  firn_json_end_array(w);
}

/* What stands between the braces of a JSON object, as it is. What is none, which a foreign writer may have
 * put there, is kept as text. */
static void copy_members(firn_json_writer *w, firn_bytes extras) {
  firn_json j;
  firn_json_token token;
  if (extras.data == NULL) {
    return;
  }
  firn_json_init(&j, extras);
  if (!firn_json_is_valid(extras) || firn_json_next(&j, &token, NULL) != FIRN_OK ||
      token.kind != FIRN_JSON_OBJECT) {
    add_text(w, "extras", extras);
    return;
  }
  size_t begin = firn_json_offset(&j), end = extras.len;
  while (extras.data[end - 1] != '}') {
    end--; /* white space */
  }
  if (firn_json_next(&j, &token, NULL) == FIRN_OK && token.kind != FIRN_JSON_OBJECT_END) {
    firn_builder_add(w->to, firn_bytes_part(extras, begin, end - 1 - begin));
    w->needs_comma = true;
  }
}

static bool is_plain(const firn_event_rows *r) {
  firn_bytes version = text(r, SPECVERSION);
  return (version.data == NULL || firn_bytes_is(version, "1.0")) && text(r, DATASCHEMA).data == NULL &&
         text(r, SIGNATURE).data == NULL && column(r, TAGS) == NULL;
}

/* What has no column of its own in the index. */
static firn_status make_extras(firn_event_rows *r, firn_bytes *out, firn_error *err) {
  firn_bytes own = text(r, EXTRAS);
  if (is_plain(r) && (own.data == NULL || firn_bytes_is(own, "{}"))) {
    *out = FIRN_LITERAL("{}");
    return FIRN_OK;
  }
  firn_builder_reset(&r->extras);
  firn_json_writer w = FIRN_JSON_WRITER_INIT(&r->extras);
  firn_bytes version = text(r, SPECVERSION);
  const firn_vector *tags = column(r, TAGS);
  firn_json_begin_object(&w);
  copy_members(&w, own);
  if (!firn_bytes_is(version, "1.0")) {
    add_text(&w, "specversion", version);
  }
  add_text(&w, "dataschema", text(r, DATASCHEMA));
  add_text(&w, "signature", text(r, SIGNATURE));
  if (tags != NULL) {
    add_tags(&w, tags, r->at);
  }
  firn_json_end_object(&w);
  return firn_builder_finish(&r->extras, out, err);
}

firn_status firn_event_rows_next(firn_event_rows *r, firn_ctx *ctx, const firn_index_row **out,
                                 firn_error *err) {
  *out = NULL;
  if (r->batch == NULL || r->at == r->batch->n_rows) {
    FIRN_TRY(firn_scan_next(r->scan, ctx, &r->batch, err));
    r->at = 0;
    if (r->batch == NULL) {
      return FIRN_OK;
    }
  }
  const firn_vector *time = column(r, TIME);
  r->out = (firn_index_row){.subject = text(r, SUBJECT),
                            .has_time = time != NULL,
                            .time_us = time == NULL ? 0 : time->i64[r->at],
                            .type = text(r, TYPE),
                            .id = text(r, ID),
                            .source = text(r, SOURCE),
                            .producer = text(r, PRODUCER),
                            .data_content_type = text(r, CONTENT_TYPE),
                            .data_version = text(r, VERSION),
                            .row = r->row};
  FIRN_TRY(make_extras(r, &r->out.extras, err));
  r->at++;
  r->row++;
  *out = &r->out;
  return FIRN_OK;
}

void firn_event_rows_close(firn_event_rows *r) {
  if (r != NULL) {
    firn_scan_close(r->scan);
    firn_builder_free(&r->extras);
    firn_free(r);
  }
}

void firn_event_rows_close_pointer(firn_event_rows **r) {
  firn_event_rows_close(*r);
}

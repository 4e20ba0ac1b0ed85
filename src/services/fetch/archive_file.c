#include "services/fetch/archive_file_internal.h"

#include <inttypes.h>

#include "base/alloc.h"
#include "base/base64.h"
#include "services/fetch/fetch.h"

enum {
  TAIL_BYTES = 512 << 10, /* the first read: what a writer of archives puts at the end fits as a rule */
  MOST_KEPT = 64 << 20,   /* of page indexes; more are read when they are needed */
  MOST_FOOTER = 64 << 20,
};

/* What a column is to us: a text attribute by its number, or one of these. */
enum { TIME = FIRN_EVENT_N_TEXTS, TAGS, EXTRAS, DATA, DATA_BASE64, N_ROLES };

static const char *const role_names[N_ROLES] = {
    [FIRN_EVENT_SUBJECT] = "subject",
    [FIRN_EVENT_TYPE] = "type",
    [FIRN_EVENT_ID] = "id",
    [FIRN_EVENT_SOURCE] = "source",
    [FIRN_EVENT_PRODUCER] = "producer",
    [FIRN_EVENT_DATA_CONTENT_TYPE] = "data_content_type",
    [FIRN_EVENT_DATA_VERSION] = "data_version",
    [FIRN_EVENT_SPECVERSION] = "specversion",
    [FIRN_EVENT_DATASCHEMA] = "dataschema",
    [FIRN_EVENT_SIGNATURE] = "signature",
    [TIME] = "time",
    [TAGS] = "tags",
    [EXTRAS] = "extras",
    [DATA] = "data",
    [DATA_BASE64] = "data_base64",
};

/* A run of columns to be read, and what each is. */
typedef struct choice {
  size_t n;
  uint32_t columns[N_ROLES];
  uint8_t roles[N_ROLES];
} choice;

/* A page of payloads that is so large that it matters how it is read. */
typedef struct large_page {
  int64_t first_row, end_row; /* counted over the file */
  size_t bytes;               /* in the file */
} large_page;

struct firn_archive_file {
  firn_store *store;
  char path[FIRN_PATH_MAX + 1];
  char etag[FIRN_ETAG_MAX];
  firn_parquet_file *parquet;
  uint8_t *kept; /* the end of the file, from the page indexes on */
  size_t kept_len;
  uint64_t kept_at;
  uint64_t size_bytes;
  choice choices[4]; /* by FIRN_FETCH_... */
  bool has_specversion;
  int data_column; /* -1: none, the payload is in data_base64 alone */
  firn_arena arena;
  size_t n_large, large_capacity;
  large_page *large; /* ascending */
};

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for a data file");
}

/* The last part of a path: who asks over HTTP need not know where the warehouse is. */
static const char *name_of(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash == NULL ? path : slash + 1;
}

/* ---- reading ranges ---- */

static bool is_kept(const firn_archive_file *f, const firn_parquet_range *r) {
  return r->offset >= f->kept_at && r->len <= f->kept_len && r->offset - f->kept_at <= f->kept_len - r->len;
}

static firn_status read_store(firn_archive_file *f, firn_ctx *ctx, firn_range *ranges, size_t n,
                              firn_error *err) {
  firn_object_info info;
  FIRN_TRY(firn_store_read(f->store, ctx, f->path, ranges, n, &info, err));
  if (info.size_bytes != f->size_bytes || strcmp(info.etag, f->etag) != 0) {
    return firn_error_set(err, FIRN_CONFLICT, "the file was replaced by another");
  }
  for (size_t i = 0; i < n; i++) {
    if (ranges[i].got != ranges[i].len) {
      return firn_error_set(err, FIRN_CORRUPT, "the file has no %zu bytes at %" PRIu64, ranges[i].len,
                            ranges[i].offset);
    }
  }
  return FIRN_OK;
}

/* For the Parquet reader: from what is kept, the rest in one read of the store. */
static firn_status read_ranges(void *self, firn_ctx *ctx, firn_parquet_range *ranges, size_t n,
                               firn_error *err) {
  firn_archive_file *f = self;
  FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(0);
  firn_range few[4];
  firn_range *wanted = n <= FIRN_COUNT_OF(few) ? few : firn_new_n(&scratch, firn_range, n);
  if (wanted == NULL) {
    return no_memory(err);
  }
  size_t n_wanted = 0;
  for (size_t i = 0; i < n; i++) {
    if (!is_kept(f, &ranges[i])) {
      wanted[n_wanted++] =
          (firn_range){.offset = ranges[i].offset, .len = ranges[i].len, .into = ranges[i].into};
    } else if (ranges[i].len > 0) {
      memcpy(ranges[i].into, f->kept + (ranges[i].offset - f->kept_at), ranges[i].len);
    }
  }
  return n_wanted == 0 ? FIRN_OK : read_store(f, ctx, wanted, n_wanted, err);
}

/* ---- opening ---- */

/* Reads the end of the file, and with it learns its size. */
static firn_status read_tail(firn_archive_file *f, firn_ctx *ctx, firn_error *err) {
  firn_object_info info;
  f->kept = firn_alloc_raw(TAIL_BYTES);
  if (f->kept == NULL) {
    return no_memory(err);
  }
  firn_range tail = {.from_end = true, .len = TAIL_BYTES, .into = f->kept};
  FIRN_TRY(firn_store_read(f->store, ctx, f->path, &tail, 1, &info, err));
  memcpy(f->etag, info.etag, sizeof f->etag);
  f->size_bytes = info.size_bytes;
  f->kept_len = tail.got;
  f->kept_at = info.size_bytes - tail.got;
  return FIRN_OK;
}

/* Where the page indexes and the footer begin: what is before it need not be kept. */
static uint64_t indexes_begin(const firn_archive_file *f) {
  const firn_parquet_metadata *m = firn_parquet_file_metadata(f->parquet);
  uint64_t begin = f->size_bytes;
  for (size_t g = 0; g < m->n_row_groups; g++) {
    for (uint32_t leaf = 0; leaf < m->n_leaves; leaf++) {
      const firn_parquet_chunk *c = &m->row_groups[g].chunks[leaf];
      bool is_first = c->offset_index_offset != 0 && (uint64_t)c->offset_index_offset < begin;
      begin = is_first ? (uint64_t)c->offset_index_offset : begin;
    }
  }
  return begin;
}

static uint64_t indexes_end(const firn_archive_file *f) {
  const firn_parquet_metadata *m = firn_parquet_file_metadata(f->parquet);
  uint64_t end = 0;
  for (size_t g = 0; g < m->n_row_groups; g++) {
    for (uint32_t leaf = 0; leaf < m->n_leaves; leaf++) {
      const firn_parquet_chunk *c = &m->row_groups[g].chunks[leaf];
      uint64_t chunk_end = (uint64_t)c->offset_index_offset + (uint64_t)c->offset_index_bytes;
      end = c->offset_index_offset != 0 && chunk_end > end ? chunk_end : end;
    }
  }
  return end;
}

/* Keeps the page indexes and lets the rest of the tail go; those that lie before the tail are read now, once
 * and for all. */
static firn_status keep_indexes(firn_archive_file *f, firn_ctx *ctx, firn_error *err) {
  uint64_t begin = indexes_begin(f);
  uint64_t end = indexes_end(f);
  uint64_t len = end > begin ? end - begin : 0;
  if (len > MOST_KEPT) { /* a foreign file that has them far apart: read when they are needed */
    len = 0;
  }
  uint8_t *kept = firn_alloc_raw(len == 0 ? 1 : (size_t)len);
  if (kept == NULL) {
    return no_memory(err);
  }
  firn_parquet_range range = {.offset = begin, .len = (size_t)len, .into = kept};
  firn_status status = len == 0 ? FIRN_OK : read_ranges(f, ctx, &range, 1, err);
  if (status != FIRN_OK) {
    firn_free(kept);
    return status;
  }
  firn_free(f->kept);
  f->kept = kept;
  f->kept_len = (size_t)len;
  f->kept_at = begin;
  return FIRN_OK;
}

static bool kind_fits(int role, const firn_field *column) {
  switch (role) {
    case TIME:
      return column->kind == FIRN_KIND_TIMESTAMPTZ || column->kind == FIRN_KIND_TIMESTAMP;
    case TAGS:
      return column->kind == FIRN_KIND_LIST && column->children[0].kind == FIRN_KIND_STRING;
    case DATA:
    case DATA_BASE64:
      return column->kind == FIRN_KIND_BINARY || column->kind == FIRN_KIND_STRING;
    default:
      return column->kind == FIRN_KIND_STRING;
  }
}

static void choose(choice *c, uint32_t column, int role) {
  c->columns[c->n] = column;
  c->roles[c->n++] = (uint8_t)role;
}

/* Which columns are what. */
static firn_status find_columns(firn_archive_file *f, firn_error *err) {
  const firn_field *schema = firn_parquet_file_metadata(f->parquet)->schema;
  f->data_column = -1;
  bool seen[N_ROLES] = {false};
  for (uint32_t i = 0; i < schema->n_children; i++) {
    const firn_field *column = &schema->children[i];
    int role = 0;
    while (role < N_ROLES && strcmp(column->name, role_names[role]) != 0) {
      role++;
    }
    if (role == N_ROLES || seen[role]) {
      continue;
    }
    if (!kind_fits(role, column)) {
      return firn_error_set(err, FIRN_NOT_FOUND, "its column %s is %s: it is no file of events", column->name,
                            firn_kind_name(column->kind));
    }
    seen[role] = true;
    f->data_column = role == DATA ? (int)i : f->data_column;
    unsigned what = role == DATA || role == DATA_BASE64 ? FIRN_FETCH_DATA : FIRN_FETCH_HEADER;
    choose(&f->choices[what], i, role);
    choose(&f->choices[FIRN_FETCH_DATA | FIRN_FETCH_HEADER], i, role);
  }
  if (!seen[FIRN_EVENT_ID] || (!seen[DATA] && !seen[DATA_BASE64])) {
    return firn_error_set(err, FIRN_NOT_FOUND, "it has no columns id and data: it is no file of events");
  }
  f->has_specversion = seen[FIRN_EVENT_SPECVERSION];
  return FIRN_OK;
}

static firn_status add_large(firn_archive_file *f, large_page page, firn_error *err) {
  large_page *moved = firn_arena_grow(&f->arena, f->large, f->n_large, &f->large_capacity, sizeof *moved);
  if (moved == NULL) {
    return no_memory(err);
  }
  f->large = moved;
  f->large[f->n_large++] = page;
  return FIRN_OK;
}

/* Notes the large pages of one row group. */
static firn_status find_large(firn_archive_file *f, size_t group, uint32_t leaf, firn_error *err) {
  const firn_parquet_row_group *g = &firn_parquet_file_metadata(f->parquet)->row_groups[group];
  const firn_parquet_offset_index *index = firn_parquet_file_kept_index(f->parquet, group, leaf);
  for (size_t i = 0; index != NULL && i < index->n_pages; i++) {
    const firn_parquet_page_location *p = &index->pages[i];
    int64_t end = i + 1 < index->n_pages ? index->pages[i + 1].first_row : g->n_rows;
    large_page page = {g->first_row + p->first_row, g->first_row + end, (size_t)p->compressed_bytes};
    if (p->compressed_bytes >= FIRN_LARGE_PAGE) {
      FIRN_TRY(add_large(f, page, err));
    }
  }
  return FIRN_OK;
}

/* The pages of payloads: decoded once for all, and the large ones among them noted. */
static firn_status find_pages(firn_archive_file *f, firn_ctx *ctx, firn_error *err) {
  const firn_parquet_metadata *m = firn_parquet_file_metadata(f->parquet);
  if (f->data_column < 0 || m->root->children[f->data_column].n_children > 0) {
    return FIRN_OK;
  }
  uint32_t leaf = m->root->children[f->data_column].leaf;
  FIRN_TRY(firn_parquet_file_keep_index(f->parquet, ctx, leaf, err));
  for (size_t group = 0; group < m->n_row_groups; group++) {
    FIRN_TRY(find_large(f, group, leaf, err));
  }
  return FIRN_OK;
}

static firn_status open_file(firn_archive_file *f, firn_ctx *ctx, firn_error *err) {
  FIRN_TRY(read_tail(f, ctx, err));
  firn_parquet_source source = {.read = read_ranges, .self = f, .size_bytes = f->size_bytes};
  FIRN_TRY(firn_parquet_file_open(source, ctx, 1, MOST_FOOTER, &f->parquet, err));
  FIRN_TRY(find_columns(f, err));
  FIRN_TRY(keep_indexes(f, ctx, err));
  return find_pages(f, ctx, err);
}

firn_status firn_archive_file_open(firn_store *store, const char *path, firn_ctx *ctx,
                                   firn_archive_file **out, firn_error *err) {
  FIRN_AUTO_ARCHIVE_FILE *f = firn_alloc(sizeof *f);
  if (f == NULL) {
    return no_memory(err);
  }
  size_t len = strlen(path);
  if (len > FIRN_PATH_MAX) {
    return firn_error_set(err, FIRN_INVALID, "a path of %zu bytes; %d are the most", len, (int)FIRN_PATH_MAX);
  }
  memcpy(f->path, path, len + 1);
  f->store = store;
  firn_status status = open_file(f, ctx, err);
  if (status != FIRN_OK) {
    return firn_error_while(err, status, "data file %s", name_of(path));
  }
  *out = FIRN_HAND_OVER(f);
  return FIRN_OK;
}

void firn_archive_file_close(firn_archive_file *f) {
  if (f != NULL) {
    firn_parquet_file_close(f->parquet);
    firn_arena_free(&f->arena);
    firn_free(f->kept);
    firn_free(f);
  }
}

void firn_archive_file_close_pointer(firn_archive_file **f) {
  firn_archive_file_close(*f);
}

size_t firn_archive_file_memory(const firn_archive_file *f) {
  return sizeof *f + f->kept_len + f->arena.used_bytes + firn_parquet_file_memory(f->parquet);
}

int64_t firn_archive_file_rows(const firn_archive_file *f) {
  return firn_parquet_file_metadata(f->parquet)->n_rows;
}

/* ---- rows ---- */

/* A text that is there has an address, also when it is empty. */
static firn_bytes text_at(const firn_vector *v, size_t i) {
  if (firn_vector_is_null(v, i)) {
    return (firn_bytes){NULL, 0};
  }
  return v->bytes[i].data != NULL ? v->bytes[i] : FIRN_LITERAL("");
}

static firn_status take_tags(const firn_vector *v, firn_event *e, firn_arena *arena, firn_error *err) {
  if (firn_vector_is_null(v, 0)) {
    return FIRN_OK;
  }
  const firn_vector *element = &v->children[0];
  e->n_tags = (size_t)(v->offsets[1] - v->offsets[0]);
  firn_bytes *tags = firn_new_n(arena, firn_bytes, e->n_tags + 1);
  if (tags == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu tags", e->n_tags);
  }
  for (size_t i = 0; i < e->n_tags; i++) {
    firn_bytes tag = text_at(element, (size_t)v->offsets[0] + i);
    tags[i] = tag.data == NULL ? FIRN_LITERAL("") : tag;
  }
  e->has_tags = true;
  e->tags = tags;
  return FIRN_OK;
}

/* DIMO's archives keep what came as data_base64 as that text. */
static firn_status take_base64(const firn_vector *v, firn_event *e, firn_arena *arena, firn_error *err) {
  firn_bytes text = text_at(v, 0);
  if (text.data == NULL || text.len == 0 || e->has_data) {
    return FIRN_OK;
  }
  FIRN_TRY(firn_base64_decode(text, arena, &e->data, err));
  e->has_data = true;
  return FIRN_OK;
}

static firn_status take_value(int role, const firn_vector *v, firn_event *e, firn_arena *arena,
                              firn_error *err) {
  switch (role) {
    case TIME:
      e->has_time = !firn_vector_is_null(v, 0);
      e->time_us = e->has_time ? v->i64[0] : 0;
      return FIRN_OK;
    case TAGS:
      return take_tags(v, e, arena, err);
    case EXTRAS:
      e->extras = text_at(v, 0);
      return FIRN_OK;
    case DATA:
      if (!firn_vector_is_null(v, 0)) {
        e->data = text_at(v, 0);
        e->has_data = true;
      }
      return FIRN_OK;
    case DATA_BASE64:
      return take_base64(v, e, arena, err);
    default:
      e->texts[role] = text_at(v, 0);
      return FIRN_OK;
  }
}

static firn_status take_event(const firn_archive_file *f, const choice *c, const firn_batch *batch,
                              firn_arena *arena, firn_event *out, firn_error *err) {
  firn_event e = {0};
  for (size_t i = 0; i < c->n; i++) {
    firn_status status = take_value(c->roles[i], &batch->columns[i], &e, arena, err);
    if (status != FIRN_OK) {
      return firn_error_while(err, status, "column %s", role_names[c->roles[i]]);
    }
  }
  if (e.extras.len == 0) {
    e.extras = FIRN_LITERAL("{}");
  }
  if (!f->has_specversion) { /* older archives have no column for what was always so */
    e.texts[FIRN_EVENT_SPECVERSION] = FIRN_LITERAL("1.0");
  }
  *out = e;
  return FIRN_OK;
}

firn_status firn_archive_file_read(const firn_archive_file *f, firn_ctx *ctx, const firn_archive_rows *rows,
                                   firn_arena *arena, firn_event *out, firn_error *err) {
  const choice *c = &f->choices[rows->what & (FIRN_FETCH_DATA | FIRN_FETCH_HEADER)];
  firn_parquet_rows wanted = {.n = rows->n,
                              .rows = rows->rows,
                              .n_columns = c->n,
                              .columns = c->columns,
                              .max_page_bytes = rows->max_page_bytes};
  firn_batch *batches = firn_new_n(arena, firn_batch, rows->n);
  if (batches == NULL) {
    return no_memory(err);
  }
  firn_status status = firn_parquet_read_rows(f->parquet, ctx, &wanted, arena, batches, err);
  for (size_t i = 0; i < rows->n && status == FIRN_OK; i++) {
    status = take_event(f, c, &batches[i], arena, &out[i], err);
  }
  return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "data file %s", name_of(f->path));
}

/* ---- large payloads ---- */

size_t firn_archive_file_large(const firn_archive_file *f, int64_t row) {
  for (size_t low = 0, high = f->n_large; low < high;) {
    size_t middle = low + (high - low) / 2;
    const large_page *p = &f->large[middle];
    if (row < p->first_row) {
      high = middle;
    } else if (row >= p->end_row) {
      low = middle + 1;
    } else {
      return p->bytes;
    }
  }
  return 0;
}

firn_status firn_archive_file_locate(const firn_archive_file *f, firn_ctx *ctx, int64_t row,
                                     firn_parquet_located *out, firn_error *err) {
  firn_status status = FIRN_NOT_FOUND;
  if (f->data_column >= 0) {
    status = firn_parquet_locate(f->parquet, ctx, row, (uint32_t)f->data_column, 0, out, err);
  } else {
    *out = (firn_parquet_located){0};
    status = FIRN_OK;
  }
  return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "data file %s", name_of(f->path));
}

firn_status firn_archive_file_read_at(const firn_archive_file *f, firn_ctx *ctx, uint64_t offset,
                                      uint8_t *into, size_t len, firn_error *err) {
  firn_range range = {.offset = offset, .len = len, .into = into};
  firn_status status = read_store((firn_archive_file *)(uintptr_t)f, ctx, &range, 1, err);
  return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "data file %s", name_of(f->path));
}

/* Filters on one Parquet file, for file_scan_test.py: file_scan_tool FILE [BATCH_ROWS]
 *
 * Each line of standard input is a filter. The file is read in three ways: without skipping anything, with
 * skipping, and with skipping where rows that may not match come too. That all three agree, row by row and
 * value by value, is checked here. A line of JSON answers: the numbers of the rows that match, and what the
 * second way passed over. Exit status 1 and one sentence when it fails. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "iceberg/scan/name_mapping.h"
#include "iceberg/scan/scan.h"

/* ---- a table of the one file ---- */

static void number_fields(firn_field *fields, uint32_t n, int32_t *last, firn_arena *arena) {
  for (uint32_t i = 0; i < n; i++) {
    fields[i].id = ++*last;
    if (fields[i].n_children > 0) {
      firn_field *children = firn_new_n(arena, firn_field, fields[i].n_children);
      memcpy(children, fields[i].children, fields[i].n_children * sizeof *children);
      number_fields(children, fields[i].n_children, last, arena);
      fields[i].children = children;
    }
  }
}

/* Whether every field has an id of its own. */
static bool are_numbered(const firn_field *parent) {
  for (uint32_t i = 0; i < parent->n_children; i++) {
    if (parent->children[i].id == FIRN_NO_ID || !are_numbered(&parent->children[i])) {
      return false;
    }
  }
  return true;
}

static int32_t last_id(const firn_field *parent, int32_t last) {
  for (uint32_t i = 0; i < parent->n_children; i++) {
    last = parent->children[i].id > last ? parent->children[i].id : last;
    last = last_id(&parent->children[i], last);
  }
  return last;
}

static void write_mapping(const firn_field *parent, firn_json_writer *w) {
  firn_json_begin_array(w);
  for (uint32_t i = 0; i < parent->n_children; i++) {
    firn_json_begin_object(w);
    firn_json_add_int64(w, "field-id", parent->children[i].id);
    firn_json_key(w, "names");
    firn_json_begin_array(w);
    firn_json_write_text(w, parent->children[i].name);
    firn_json_end_array(w);
    if (parent->children[i].n_children > 0) {
      firn_json_key(w, "fields");
      write_mapping(&parent->children[i], w);
    }
    firn_json_end_object(w);
  }
  firn_json_end_array(w);
}

typedef struct lake {
  firn_arena arena;
  firn_stores *stores;
  firn_metadata *metadata;
  const firn_schema *schema;
  const firn_json_value *mapping;
  const char *path;
  uint64_t size_bytes;
  size_t batch_rows;
  size_t n_rows;
  const char **texts; /* of every value, column by column */
} lake;

static firn_status describe(lake *l, const firn_field *file, firn_error *err) {
  firn_schema schema = {.root = *file};
  firn_field *columns = firn_new_n(&l->arena, firn_field, file->n_children);
  int32_t last = 0;
  memcpy(columns, file->children, file->n_children * sizeof *columns);
  if (are_numbered(file)) {
    last = last_id(file, 0);
  } else if (firn_field_has_ids(file)) {
    return firn_error_set(err, FIRN_UNSUPPORTED, "some fields have ids and some have none");
  } else {
    number_fields(columns, file->n_children, &last, &l->arena);
  }
  schema.root.children = columns;
  schema.root.id = FIRN_NO_ID;
  schema.root.required = true;
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
  firn_builder_addf(
      &b,
      "{\"format-version\":2,\"table-uuid\":\"9c12d441-03fe-4693-9a96-a0705ddf69c1\","
      "\"location\":\"file:///lake\",\"last-sequence-number\":1,\"last-updated-ms\":1,"
      "\"last-column-id\":%d,\"current-schema-id\":0,\"default-spec-id\":0,"
      "\"last-partition-id\":999,\"partition-specs\":[{\"spec-id\":0,\"fields\":[]}],"
      "\"sort-orders\":[{\"order-id\":0,\"fields\":[]}],\"default-sort-order-id\":0,\"schemas\":[",
      last);
  firn_schema_write(&schema, &w);
  firn_builder_addf(&b, "]}");
  firn_bytes text;
  FIRN_TRY(firn_builder_finish(&b, &text, err));
  FIRN_TRY(firn_metadata_read(text, &l->metadata, err));
  l->schema = firn_metadata_current_schema(l->metadata);
  FIRN_AUTO_BUILDER m = FIRN_BUILDER_INIT(0);
  w = (firn_json_writer)FIRN_JSON_WRITER_INIT(&m);
  write_mapping(&l->schema->root, &w);
  FIRN_TRY(firn_builder_finish(&m, &text, err));
  text = firn_arena_copy(&l->arena, text);
  return firn_json_tree_read(text, &l->arena, &l->mapping, err);
}

/* ---- reading it ---- */

/* Which rows came, in order; their values are compared with those that were read first. */
typedef struct came {
  size_t n;
  int64_t *rows;
} came;

static firn_status value_text(const firn_batch *batch, uint32_t c, size_t i, firn_builder *b, firn_bytes *out,
                              firn_error *err) {
  firn_builder_reset(b);
  firn_json_writer w = FIRN_JSON_WRITER_INIT(b);
  firn_vector_write_json(&batch->columns[c], &batch->schema->children[c], i, &w);
  return firn_builder_finish(b, out, err);
}

static size_t column_of(const lake *l, const firn_field *field) {
  size_t c = 0;
  while (l->schema->root.children[c].id != field->id) {
    c++;
  }
  return c;
}

/* The first time texts are kept, later they are compared. */
static firn_status take_batch(lake *l, const firn_file_scan *scan, const firn_batch *batch, bool is_first,
                              came *out, firn_error *err) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  FIRN_TRY(firn_batch_check(batch, err));
  for (size_t i = 0; i < batch->n_rows; i++) {
    int64_t row = firn_file_scan_row(scan, i);
    if (row < 0 || (size_t)row >= l->n_rows || (out->n > 0 && out->rows[out->n - 1] >= row)) {
      return firn_error_set(err, FIRN_INVALID, "row %" PRId64 " came as number %zu", row, out->n);
    }
    out->rows[out->n++] = row;
    for (uint32_t c = 0; c < batch->schema->n_children; c++) {
      firn_bytes text;
      FIRN_TRY(value_text(batch, c, i, &b, &text, err));
      const char **kept = &l->texts[column_of(l, &batch->schema->children[c]) * l->n_rows + (size_t)row];
      if (is_first) {
        *kept = firn_arena_text(&l->arena, text);
      } else if (!firn_bytes_is(text, *kept)) {
        return firn_error_set(err, FIRN_INVALID, "row %" PRId64 ", column %s: %.*s, not %s", row,
                              batch->schema->children[c].name, FIRN_FORMAT_BYTES(text), *kept);
      }
    }
  }
  return FIRN_OK;
}

typedef struct way {
  const firn_expr *filter;
  bool is_first, is_exact, never_skip;
  uint64_t columns; /* a bit for each that is wanted */
  uint64_t split;   /* 0: the file is one task */
  firn_scan_counts *counts;
} way;

static firn_status read_task(lake *l, firn_ctx *ctx, const firn_reading *reading, const firn_scan_task *task,
                             bool is_first, came *out, firn_error *err) {
  FIRN_AUTO_FILE_SCAN *scan = NULL;
  FIRN_TRY(firn_file_scan_open(reading, task, ctx, &scan, err));
  for (;;) {
    const firn_batch *batch;
    FIRN_TRY(firn_file_scan_next(scan, ctx, &batch, err));
    if (batch == NULL) {
      return FIRN_OK;
    }
    if (batch->n_rows == 0) {
      return firn_error_set(err, FIRN_INVALID, "an empty batch");
    }
    FIRN_TRY(take_batch(l, scan, batch, is_first, out, err));
  }
}

static firn_status read_file(lake *l, firn_ctx *ctx, const way *how, came *out, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_reading reading = {.metadata = l->metadata,
                          .root = l->schema->root,
                          .mapping = l->mapping,
                          .stores = l->stores,
                          .batch_rows = l->batch_rows,
                          .is_exact = how->is_exact,
                          .never_skip = how->never_skip,
                          .counts = how->counts};
  firn_field *columns = firn_new_n(&arena, firn_field, l->schema->root.n_children);
  reading.root.children = columns;
  reading.root.n_children = 0;
  for (uint32_t i = 0; i < l->schema->root.n_children; i++) {
    if ((how->columns >> (i % 64) & 1) != 0) {
      columns[reading.root.n_children++] = l->schema->root.children[i];
    }
  }
  out->n = 0;
  uint64_t step = how->split == 0 ? UINT64_MAX : how->split;
  for (uint64_t at = 0;; at += step) {
    firn_scan_task task = {
        .file = {.path = l->path, .format = "PARQUET", .size_bytes = (int64_t)l->size_bytes},
        .start = at,
        .length = at + step < l->size_bytes ? step : UINT64_MAX - at,
        .residual = how->filter};
    FIRN_TRY(read_task(l, ctx, &reading, &task, how->is_first, out, err));
    if (task.length != step || how->split == 0) {
      return FIRN_OK;
    }
  }
}

static firn_status open_lake(lake *l, firn_ctx *ctx, const char *path, firn_error *err) {
  l->path = path;
  FIRN_TRY(firn_stores_open(ctx->env, &l->stores, err));
  firn_parquet_object object;
  FIRN_AUTO_PARQUET_FILE *f = NULL;
  FIRN_TRY(firn_parquet_object_find(l->stores, NULL, ctx, path, 0, &l->arena, &object, err));
  FIRN_TRY(firn_parquet_file_open(firn_parquet_object_source(&object), ctx, 0, 0, &f, err));
  const firn_parquet_metadata *m = firn_parquet_file_metadata(f);
  l->size_bytes = object.size_bytes;
  l->n_rows = (size_t)m->n_rows;
  l->texts = firn_new_n(&l->arena, const char *, l->n_rows * m->schema->n_children);
  return describe(l, m->schema, err);
}

/* ---- asking ---- */

static firn_status compare_ways(lake *l, firn_ctx *ctx, const firn_expr *filter, uint64_t seed,
                                came came_in[3], firn_scan_counts *counts, firn_error *err) {
  way how = {.filter = filter, .columns = seed >> 8 | seed << 20, .is_exact = true, .never_skip = true};
  FIRN_TRY(read_file(l, ctx, &how, &came_in[0], err));
  how.never_skip = false;
  how.counts = counts;
  FIRN_TRY(read_file(l, ctx, &how, &came_in[1], err));
  how.is_exact = false;
  how.counts = NULL;
  how.split = seed % 3 == 0 ? 1 + l->size_bytes / (1 + seed % 7) : 0;
  FIRN_TRY(read_file(l, ctx, &how, &came_in[2], err));
  size_t n = came_in[0].n;
  if (n != came_in[1].n || memcmp(came_in[0].rows, came_in[1].rows, n * sizeof(int64_t)) != 0) {
    return firn_error_set(err, FIRN_INVALID, "%zu rows match, and %zu when some are skipped", n,
                          came_in[1].n);
  }
  size_t at = 0;
  for (size_t i = 0; i < n; i++) {
    while (at < came_in[2].n && came_in[2].rows[at] < came_in[0].rows[i]) {
      at++;
    }
    if (at == came_in[2].n || came_in[2].rows[at] != came_in[0].rows[i]) {
      return firn_error_set(err, FIRN_INVALID, "row %" PRId64 " matches and did not come",
                            came_in[0].rows[i]);
    }
  }
  return FIRN_OK;
}

static firn_status answer(lake *l, firn_ctx *ctx, firn_bytes line, came came_in[3], firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const firn_expr *filter;
  firn_scan_counts counts = {0};
  uint64_t seed = firn_xxh64(line);
  FIRN_TRY(firn_expr_parse(line, &arena, &filter, err));
  FIRN_TRY(firn_expr_bind(filter, l->schema, false, &arena, &filter, err));
  FIRN_TRY(compare_ways(l, ctx, filter, seed, came_in, &counts, err));
  (void)printf("{\"rows\":[");
  for (size_t i = 0; i < came_in[1].n; i++) {
    (void)printf("%s%" PRId64, i == 0 ? "" : ",", came_in[1].rows[i]);
  }
  (void)printf("],\"loose\":%zu,\"row_groups\":[%" PRIdFAST64 ",%" PRIdFAST64 "],\"pages\":[%" PRIdFAST64
               ",%" PRIdFAST64 "]}\n",
               came_in[2].n, (int_fast64_t)counts.row_groups, (int_fast64_t)counts.row_groups_skipped,
               (int_fast64_t)counts.pages, (int_fast64_t)counts.pages_skipped);
  return FIRN_OK;
}

static firn_status run(lake *l, const char *path, firn_error *err) {
  firn_ctx ctx = FIRN_CTX_INIT(&firn_env_system);
  came came_in[3] = {0};
  char line[1 << 16];
  FIRN_TRY(open_lake(l, &ctx, path, err));
  for (size_t i = 0; i < FIRN_COUNT_OF(came_in); i++) {
    came_in[i].rows = firn_new_n(&l->arena, int64_t, l->n_rows);
  }
  way all = {.is_first = true, .columns = UINT64_MAX};
  FIRN_TRY(read_file(l, &ctx, &all, &came_in[0], err));
  if (came_in[0].n != l->n_rows) {
    return firn_error_set(err, FIRN_INVALID, "%zu rows came of %zu", came_in[0].n, l->n_rows);
  }
  while (fgets(line, sizeof line, stdin) != NULL) {
    firn_bytes text = firn_bytes_of(line);
    text.len -= text.len > 0 && text.data[text.len - 1] == '\n';
    firn_status status = answer(l, &ctx, text, came_in, err);
    if (status != FIRN_OK) {
      return firn_error_while(err, status, "%.*s", FIRN_FORMAT_BYTES(text));
    }
  }
  return FIRN_OK;
}

int main(int argc, char **argv) {
  if (argc < 2) {
    (void)fprintf(stderr, "usage: file_scan_tool FILE [BATCH_ROWS]\n");
    return 2;
  }
  lake l = {.batch_rows = argc > 2 ? (size_t)strtoull(argv[2], NULL, 10) : 0};
  firn_error err = {0};
  firn_status status = run(&l, argv[1], &err);
  if (status != FIRN_OK) {
    (void)fprintf(stderr, "%s: %s\n", firn_status_name(status), err.text);
  }
  firn_metadata_unref(l.metadata);
  firn_stores_close(l.stores);
  firn_arena_free(&l.arena);
  return status == FIRN_OK ? 0 : 1;
}

#include "iceberg/scan/file_scan.h"

#include <strings.h>

#include "base/alloc.h"
#include "column/take.h"
#include "iceberg/expr/evaluate.h"
#include "iceberg/scan/file_filter_internal.h"
#include "iceberg/scan/file_part_internal.h"
#include "iceberg/scan/name_mapping.h"

enum {
  DEFAULT_BATCH = 4096,
  FEW = 2,           /* fewer than one row in so many: matches are picked out even where nobody asks for it */
  STREAK_ENOUGH = 2, /* batches whose rows all came, before others are read ahead */
  BORED_AFTER = 4,   /* batches that the filter let pass as they were, ... */
  MOST_UNASKED = 64, /* ... before it is asked of some only; at most so many go by */
};

struct firn_file_scan {
  const firn_reading *reading;
  const firn_scan_task *task;
  size_t batch_rows;
  firn_arena arena; /* what lives as long as the file is open */
  firn_parquet_object object;
  firn_parquet_file *parquet;

  bool has_filter;
  firn_file_filter filter;
  firn_projection filter_columns;
  firn_file_part asked; /* what the filter needs: read first */
  firn_file_part rest;

  size_t next_group; /* the first row group that has not been looked at */
  firn_arena group_arena;
  firn_row_ranges ranges; /* of the row group: what may match */
  size_t next_range;
  firn_row_range range; /* what is left of the one being read */
  bool matches_surely;

  int64_t first_row;       /* of the rows that were asked last */
  size_t window, end;      /* those of them that are still to be handed out */
  const uint64_t *matches; /* NULL: all; a bit for each */
  firn_arena asked_arena;
  unsigned streak, boredom, unasked;

  firn_arena batch_arena;
  firn_batch batch;
  int64_t batch_first;    /* the row that batch_rows are counted from */
  const uint32_t *picked; /* NULL: one after the other */
};

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory to read a data file");
}

/* ---- opening ---- */

/* Some writers record a wrong size: where the file does not open by it, the store is asked. */
static firn_status open_parquet(firn_file_scan *s, firn_ctx *ctx, firn_error *err) {
  const firn_data_file *file = &s->task->file;
  FIRN_TRY(firn_parquet_object_find(s->reading->stores, &s->reading->moved, ctx, file->path,
                                    (uint64_t)file->size_bytes, &s->arena, &s->object, err));
  firn_status status =
      firn_parquet_file_open(firn_parquet_object_source(&s->object), ctx, 0, 0, &s->parquet, err);
  if (status != FIRN_CORRUPT) {
    return status;
  }
  firn_object_info info;
  FIRN_TRY(firn_store_stat(s->object.store, ctx, s->object.path, &info, err));
  s->object.size_bytes = info.size_bytes; /* the same again fails the same again, with its reason */
  return firn_parquet_file_open(firn_parquet_object_source(&s->object), ctx, 0, 0, &s->parquet, err);
}

/* The file's schema with field ids: its own, or those of the name mapping. */
static firn_status file_schema(firn_file_scan *s, firn_field *out, firn_error *err) {
  const firn_field *own = firn_parquet_file_metadata(s->parquet)->schema;
  *out = *own;
  if (firn_field_has_ids(own)) {
    return FIRN_OK;
  }
  if (s->reading->mapping == NULL) {
    return firn_error_set(err, FIRN_UNSUPPORTED,
                          "the file has no field ids and the table no schema.name-mapping.default");
  }
  return firn_name_mapping_apply(s->reading->mapping, own, &s->arena, out, err);
}

/* Whether the filter's own columns have this one, so that it need not be read twice. Of nested columns the
 * filter has a part only. */
static bool is_asked(const firn_file_scan *s, const firn_projection *column) {
  if (!s->has_filter || !column->from_file || firn_kind_is_nested(column->wanted->kind)) {
    return false;
  }
  for (uint32_t i = 0; i < s->filter_columns.n_children; i++) {
    const firn_projection *f = &s->filter_columns.children[i];
    if (f->from_file && f->wanted->id == column->wanted->id && f->child == column->child) {
      return true;
    }
  }
  return false;
}

static firn_status open_parts(firn_file_scan *s, const firn_field *own, const firn_projection *all,
                              firn_error *err) {
  uint32_t n_leaves = firn_parquet_file_metadata(s->parquet)->n_leaves;
  firn_file_part_options options = {.file = s->parquet, .schema = own, .whole_groups = !s->has_filter};
  FIRN_TRY(firn_file_part_init(&s->asked, all->n_children, n_leaves, &s->arena, err));
  FIRN_TRY(firn_file_part_init(&s->rest, all->n_children, n_leaves, &s->arena, err));
  for (uint32_t i = 0; i < all->n_children; i++) {
    bool first = is_asked(s, &all->children[i]);
    firn_file_part_add(first ? &s->asked : &s->rest, &all->children[i], i);
  }
  FIRN_TRY(firn_file_part_open(&s->rest, &options, &s->arena, err));
  if (!s->has_filter) {
    return FIRN_OK;
  }
  firn_projection_mark(&s->filter_columns, own, s->asked.leaves);
  FIRN_TRY(firn_file_part_open(&s->asked, &options, &s->arena, err));
  firn_projection_renumber(&s->filter_columns, own, s->asked.leaves);
  return FIRN_OK;
}

static firn_status resolve(firn_file_scan *s, const firn_partition_spec *spec, firn_error *err) {
  const firn_data_file *file = &s->task->file;
  const firn_expr *filter = s->task->residual;
  firn_field *own = firn_new(&s->arena, firn_field);
  if (own == NULL) {
    return no_memory(err);
  }
  FIRN_TRY(file_schema(s, own, err));
  s->has_filter = filter != NULL && filter->op != FIRN_EXPR_TRUE;
  if (s->has_filter) {
    FIRN_TRY(firn_file_filter_new(filter, s->reading->metadata, &s->arena, &s->filter, err));
    FIRN_TRY(firn_projection_new(&s->filter.fields, own, file, spec, &s->arena, &s->filter_columns, err));
    firn_file_filter_find(&s->filter, s->parquet, &s->filter_columns);
  }
  firn_projection all;
  FIRN_TRY(firn_projection_new(&s->reading->root, own, file, spec, &s->arena, &all, err));
  return open_parts(s, own, &all, err);
}

static firn_status open_file(firn_file_scan *s, firn_ctx *ctx, firn_error *err) {
  const firn_data_file *file = &s->task->file;
  if (strcasecmp(file->format, "parquet") != 0) {
    return firn_error_set(err, FIRN_UNSUPPORTED, "data files in %s cannot be read, only Parquet",
                          file->format);
  }
  const firn_partition_spec *spec = firn_metadata_spec(s->reading->metadata, file->spec_id);
  if (spec == NULL) {
    return firn_error_set(err, FIRN_CORRUPT, "the table has no partition spec %d", file->spec_id);
  }
  FIRN_TRY(open_parquet(s, ctx, err));
  return resolve(s, spec, err);
}

firn_status firn_file_scan_open(const firn_reading *reading, const firn_scan_task *task, firn_ctx *ctx,
                                firn_file_scan **out, firn_error *err) {
  FIRN_AUTO_FILE_SCAN *s = firn_alloc(sizeof *s);
  if (s == NULL) {
    return no_memory(err);
  }
  s->reading = reading;
  s->task = task;
  s->batch_rows = reading->batch_rows == 0 ? DEFAULT_BATCH : reading->batch_rows;
  firn_status status = open_file(s, ctx, err);
  if (status != FIRN_OK) {
    return firn_error_while(err, status, "data file %s", task->file.path);
  }
  *out = FIRN_HAND_OVER(s);
  return FIRN_OK;
}

/* ---- which rows ---- */

/* Whether a row group belongs to the task: it begins within its part of the file. */
static bool is_of_task(const firn_file_scan *s, const firn_parquet_row_group *g) {
  uint64_t at = firn_parquet_file_metadata(s->parquet)->n_leaves == 0 ? 0 : (uint64_t)g->chunks[0].offset;
  return at >= s->task->start && at - s->task->start < s->task->length;
}

static void count_group(const firn_file_scan *s, bool is_skipped) {
  if (s->reading->counts != NULL) {
    s->reading->counts->row_groups += !is_skipped;
    s->reading->counts->row_groups_skipped += is_skipped;
  }
}

static firn_status look_at_group(firn_file_scan *s, firn_ctx *ctx, size_t group, firn_error *err) {
  const firn_parquet_row_group *g = &firn_parquet_file_metadata(s->parquet)->row_groups[group];
  firn_arena_reset(&s->group_arena);
  s->ranges = (firn_row_ranges){0};
  s->next_range = 0;
  s->matches_surely = !s->has_filter;
  if (!s->has_filter || s->reading->never_skip) {
    FIRN_TRY(firn_row_ranges_add(&s->ranges, g->first_row, g->first_row + g->n_rows, &s->group_arena, err));
  } else {
    FIRN_TRY(
        firn_file_filter_rows(&s->filter, ctx, group, &s->group_arena, &s->ranges, &s->matches_surely, err));
    /* A writer's counts may be wrong. That rows are left out for them is the format's bargain; that others
     * come out as matches is not. */
    s->matches_surely = s->matches_surely && !s->reading->is_exact;
  }
  count_group(s, s->ranges.n == 0);
  return FIRN_OK;
}

/* The next rows that may match; `*found` false when there are none. */
static firn_status next_range(firn_file_scan *s, firn_ctx *ctx, bool *found, firn_error *err) {
  const firn_parquet_metadata *m = firn_parquet_file_metadata(s->parquet);
  while (s->next_range == s->ranges.n && s->next_group < m->n_row_groups) {
    const firn_parquet_row_group *g = &m->row_groups[s->next_group++];
    if (g->n_rows == 0 || !is_of_task(s, g)) {
      continue;
    }
    FIRN_TRY(firn_ctx_check(ctx, err));
    firn_status status = look_at_group(s, ctx, s->next_group - 1, err);
    if (status != FIRN_OK) {
      return firn_error_while(err, status, "row group %zu", s->next_group - 1);
    }
  }
  *found = s->next_range < s->ranges.n;
  if (*found) {
    s->range = s->ranges.items[s->next_range++];
  }
  return FIRN_OK;
}

/* ---- the filter ---- */

static size_t count_bits(const uint64_t *bits, size_t from, size_t to) {
  size_t n = 0;
  for (size_t i = from; i < to;) {
    size_t k = 64 - i % 64 < to - i ? 64 - i % 64 : to - i;
    uint64_t mask = k == 64 ? ~UINT64_C(0) : ((UINT64_C(1) << k) - 1) << (i % 64);
    n += (size_t)__builtin_popcountll(bits[i / 64] & mask);
    i += k;
  }
  return n;
}

static firn_status evaluate(firn_file_scan *s, uint64_t **out, firn_error *err) {
  size_t n = s->asked.n_rows;
  firn_arena_reset(&s->asked_arena);
  firn_batch batch = {.schema = &s->filter.fields, .n_rows = n};
  batch.columns = firn_new_n(&s->asked_arena, firn_vector, s->filter_columns.n_children);
  *out = firn_new_n(&s->asked_arena, uint64_t, firn_bit_words(n));
  if (batch.columns == NULL || *out == NULL) {
    return no_memory(err);
  }
  for (uint32_t i = 0; i < s->filter_columns.n_children; i++) {
    FIRN_TRY(firn_projection_apply(&s->filter_columns.children[i], s->asked.vectors, n, &s->asked_arena,
                                   &batch.columns[i], err));
  }
  return firn_expr_filter(s->filter.e, &batch, !s->reading->is_exact, &s->asked_arena, *out, err);
}

/* Where whoever reads asks all rows again, a filter that passes over nothing is asked now and then only. */
static bool may_leave_unasked(firn_file_scan *s) {
  if (s->matches_surely) {
    return true;
  }
  if (s->reading->is_exact || s->unasked == 0) {
    return false;
  }
  s->unasked--;
  return true;
}

/* The rows from the first match to the last, or all where most match or nothing may be passed over. */
static void set_window(firn_file_scan *s, size_t n_matches) {
  size_t n = s->asked.n_rows;
  s->window = 0;
  s->end = n;
  bool takes_all = s->matches == NULL || s->reading->never_skip || n_matches == n ||
                   (!s->reading->is_exact && n_matches > 0 && n_matches >= n / FEW);
  if (s->matches != NULL) {
    s->boredom = takes_all ? s->boredom + 1 : 0;
    s->unasked = s->boredom < BORED_AFTER ? 0 : s->boredom < MOST_UNASKED ? s->boredom : MOST_UNASKED;
  }
  if (takes_all) {
    s->matches = s->reading->is_exact && n_matches < n ? s->matches : NULL;
    s->streak++;
    return;
  }
  s->streak = 0;
  s->end = n_matches == 0 ? 0 : n;
  while (s->window < s->end && !firn_bit(s->matches, s->window)) {
    s->window++;
  }
  while (s->end > s->window && !firn_bit(s->matches, s->end - 1)) {
    s->end--;
  }
}

/* Reads what the filter needs of the next rows, and asks it. */
static firn_status ask(firn_file_scan *s, firn_ctx *ctx, firn_error *err) {
  int64_t left = s->range.end - s->range.first;
  size_t most = left < (int64_t)s->batch_rows ? (size_t)left : s->batch_rows;
  FIRN_TRY(firn_file_part_read(&s->asked, ctx, s->range.first, most, s->range.end, err));
  size_t n = s->asked.n_rows;
  s->first_row = s->range.first;
  s->range.first += (int64_t)n;
  s->matches = NULL;
  size_t n_matches = n;
  if (!may_leave_unasked(s)) {
    uint64_t *matches;
    FIRN_TRY(evaluate(s, &matches, err));
    n_matches = count_bits(matches, 0, n);
    s->matches = matches;
  }
  set_window(s, n_matches);
  return FIRN_OK;
}

/* ---- handing out ---- */

/* The rows of the window's next `n` that match, counted from its beginning; NULL where all do. */
static firn_status pick(firn_file_scan *s, size_t n, const uint32_t **out, size_t *n_picked,
                        firn_error *err) {
  *out = NULL;
  *n_picked = s->matches == NULL ? n : count_bits(s->matches, s->window, s->window + n);
  if (*n_picked == n) {
    return FIRN_OK;
  }
  uint32_t *rows = firn_new_n(&s->batch_arena, uint32_t, *n_picked);
  if (rows == NULL) {
    return no_memory(err);
  }
  size_t k = 0;
  for (size_t i = 0; i < n; i++) {
    if (firn_bit(s->matches, s->window + i)) {
      rows[k++] = (uint32_t)i;
    }
  }
  *out = rows;
  return FIRN_OK;
}

/* Rows `rows` (NULL: all of `n`), counted from row `from` of what the part read last, to their places in the
 * batch. */
static firn_status hand_out(firn_file_scan *s, firn_file_part *p, size_t from, const uint32_t *rows, size_t n,
                            firn_error *err) {
  const firn_batch *batch;
  if (p->wanted.n_children == 0) {
    return FIRN_OK;
  }
  FIRN_TRY(firn_file_part_project(p, &batch, err));
  firn_batch taken = *batch;
  if (rows != NULL || from > 0 || n < batch->n_rows) {
    uint32_t *at = firn_new_n(&s->batch_arena, uint32_t, n);
    if (at == NULL) {
      return no_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
      at[i] = (uint32_t)(from + (rows == NULL ? i : rows[i]));
    }
    FIRN_TRY(firn_batch_take(batch, at, n, &s->batch_arena, &taken, err));
  }
  for (uint32_t i = 0; i < p->wanted.n_children; i++) {
    s->batch.columns[p->places[i]] = taken.columns[i];
  }
  return FIRN_OK;
}

/* Reads the other columns of the window, or of its beginning, and makes a batch of the rows that match; it
 * may have none. */
static firn_status make_batch(firn_file_scan *s, firn_ctx *ctx, firn_error *err) {
  int64_t first = s->first_row + (int64_t)s->window;
  int64_t end = s->first_row + (int64_t)s->end;
  bool reads_ahead = s->streak >= STREAK_ENOUGH || s->reading->never_skip || !s->has_filter;
  int64_t ahead = reads_ahead && s->range.end > end ? s->range.end : end;
  FIRN_TRY(firn_file_part_read(&s->rest, ctx, first, s->end - s->window, ahead, err));
  size_t n = s->rest.n_rows;
  const uint32_t *rows;
  size_t n_rows;
  firn_arena_reset(&s->batch_arena);
  FIRN_TRY(pick(s, n, &rows, &n_rows, err));
  s->batch = (firn_batch){.schema = &s->reading->root, .n_rows = n_rows};
  s->batch.columns = firn_new_n(&s->batch_arena, firn_vector, s->reading->root.n_children);
  if (s->batch.columns == NULL) {
    return no_memory(err);
  }
  s->batch_first = first;
  s->picked = rows;
  size_t from = s->window;
  s->window += n;
  if (n_rows == 0) {
    return FIRN_OK;
  }
  FIRN_TRY(hand_out(s, &s->asked, from, rows, n_rows, err));
  return hand_out(s, &s->rest, 0, rows, n_rows, err);
}

/* Without a filter there is nothing to ask: the rows of a range are a window of their own. */
static void take_all(firn_file_scan *s) {
  int64_t left = s->range.end - s->range.first;
  s->first_row = s->range.first;
  s->window = 0;
  s->end = left < (int64_t)s->batch_rows ? (size_t)left : s->batch_rows;
  s->matches = NULL;
}

static firn_status next(firn_file_scan *s, firn_ctx *ctx, bool *found, firn_error *err) {
  *found = false;
  for (;;) {
    FIRN_TRY(firn_ctx_check(ctx, err));
    if (s->window < s->end) {
      FIRN_TRY(make_batch(s, ctx, err));
      if (!s->has_filter) {
        s->range.first += (int64_t)s->batch.n_rows;
        s->end = s->window; /* as many as came; the next ones are a new window */
      }
      *found = s->batch.n_rows > 0;
      if (*found) {
        return FIRN_OK;
      }
      continue;
    }
    if (s->range.first == s->range.end) {
      bool more;
      FIRN_TRY(next_range(s, ctx, &more, err));
      if (!more) {
        return FIRN_OK;
      }
    }
    if (s->has_filter) {
      FIRN_TRY(ask(s, ctx, err));
    } else {
      take_all(s);
    }
  }
}

/* What the readers counted, once, when the file has been read. */
static void count_pages(firn_file_scan *s) {
  firn_file_part *parts[] = {&s->asked, &s->rest};
  for (size_t i = 0; i < FIRN_COUNT_OF(parts); i++) {
    if (parts[i]->reader != NULL && s->reading->counts != NULL) {
      int64_t n_pages, n_read;
      firn_parquet_reader_pages(parts[i]->reader, &n_pages, &n_read);
      s->reading->counts->pages += n_read;
      s->reading->counts->pages_skipped += n_pages - n_read;
    }
  }
}

firn_status firn_file_scan_next(firn_file_scan *s, firn_ctx *ctx, const firn_batch **out, firn_error *err) {
  bool found;
  firn_status status = next(s, ctx, &found, err);
  if (status != FIRN_OK) {
    return firn_error_while(err, status, "data file %s", s->task->file.path);
  }
  *out = found ? &s->batch : NULL;
  if (found && s->reading->counts != NULL) {
    s->reading->counts->rows += (int_fast64_t)s->batch.n_rows;
  }
  return FIRN_OK;
}

int64_t firn_file_scan_row(const firn_file_scan *s, size_t i) {
  return s->batch_first + (int64_t)(s->picked == NULL ? i : s->picked[i]);
}

void firn_file_scan_close(firn_file_scan *s) {
  if (s == NULL) {
    return;
  }
  count_pages(s);
  firn_file_part_close(&s->asked);
  firn_file_part_close(&s->rest);
  firn_parquet_file_close(s->parquet);
  firn_arena_free(&s->batch_arena);
  firn_arena_free(&s->asked_arena);
  firn_arena_free(&s->group_arena);
  firn_arena_free(&s->arena);
  firn_free(s);
}

void firn_file_scan_close_pointer(firn_file_scan **s) {
  firn_file_scan_close(*s);
}

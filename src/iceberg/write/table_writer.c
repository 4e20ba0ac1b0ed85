#include "iceberg/write/table_writer.h"

#include <assert.h>

#include "base/alloc.h"
#include "base/uuid.h"
#include "column/take.h"
#include "iceberg/write/data_file.h"
#include "iceberg/write/fanout.h"

enum {
  DEFAULT_OPEN_FILES = 64,
  DEFAULT_MEMORY = 64 << 20,
  DEFAULT_FILE = 128 * 1000 * 1000,
  LEAST_CUT = 256 << 10, /* a smaller row group frees less than it costs: then a whole file is closed */
  SCRATCH_MAX = 1 << 30
};

/* A file that is being written. */
typedef struct open_file {
  struct open_file *next;
  firn_table_writer *owner;
  firn_arena arena; /* tuple and location */
  const firn_value *tuple;
  uint64_t tuple_hash;
  const char *location;
  firn_writer *to;
  firn_parquet_writer *parquet;
  uint64_t last_used;
  size_t memory; /* of its Parquet writer when it was last asked */
} open_file;

/* A file that was finished, and its place should it have to be removed. */
typedef struct made_file {
  struct made_file *next;
  firn_store *store;
  const char *path;
} made_file;

struct firn_table_writer {
  firn_table_writer_options options;
  open_file *open;
  size_t n_open;
  size_t
      open_memory; /* the sum of theirs: asking all of them at every write would take n_open times as long */
  uint64_t clock;  /* counts writes, for last_used */
  int64_t n_rows;
  firn_arena entries_arena; /* what finish hands over */
  firn_data_file *entries;
  size_t n_entries, entries_capacity;
  made_file *made; /* in entries_arena; what a close removes */
  bool is_finished;
  firn_status failed; /* of a write or finish: rows are missing since, and no entries are handed over */
  firn_ctx *ctx;      /* of the call that runs: the sink needs it */
};

static firn_status sink_write(void *self, firn_bytes data, firn_error *err) {
  open_file *f = self;
  return firn_writer_write(f->to, f->owner->ctx, data, err);
}

static void free_open_file(open_file *f) {
  firn_parquet_writer_close(f->parquet);
  firn_writer_close(f->to); /* without a finish this aborts */
  firn_arena_free(&f->arena);
  firn_free(f);
}

static void unlink_file(firn_table_writer *w, open_file *f) {
  for (open_file **at = &w->open; *at != NULL; at = &(*at)->next) {
    if (*at == f) {
      *at = f->next;
      w->n_open--;
      w->open_memory -= f->memory;
      return;
    }
  }
}

firn_status firn_table_writer_open(const firn_table_writer_options *options, firn_table_writer **out,
                                   firn_error *err) {
  firn_table_writer *w = firn_alloc(sizeof *w);
  if (w == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a table writer");
  }
  w->options = *options;
  firn_table_writer_options *o = &w->options;
  o->target_file_bytes = o->target_file_bytes == 0 ? DEFAULT_FILE : o->target_file_bytes;
  o->memory_bytes = o->memory_bytes == 0 ? DEFAULT_MEMORY : o->memory_bytes;
  o->max_open_files = o->max_open_files == 0 ? DEFAULT_OPEN_FILES : o->max_open_files;
  w->entries_arena = (firn_arena)FIRN_ARENA_INIT(0);
  *out = w;
  return FIRN_OK;
}

static const char *default_name(firn_table_writer *w, const firn_value *tuple, firn_arena *arena) {
  char id[FIRN_UUID_TEXT];
  firn_uuid_text(firn_uuid_v7(w->ctx), id);
  const char *folder = firn_partition_path(w->options.spec, w->options.schema, tuple, arena);
  if (folder == NULL) {
    return NULL;
  }
  return firn_arena_printf(arena, "data/%s%s%s.parquet", folder, folder[0] == '\0' ? "" : "/", id);
}

static firn_status name_file(firn_table_writer *w, open_file *f, firn_store **store, const char **path,
                             firn_error *err) {
  const firn_table_writer_options *o = &w->options;
  const char *name = o->namer != NULL
                         ? o->namer(o->namer_arg, w->ctx, o->spec, o->schema, f->tuple, &f->arena)
                         : default_name(w, f->tuple, &f->arena);
  f->location = name == NULL ? NULL : firn_arena_printf(&f->arena, "%s/%s", o->location, name);
  if (f->location == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for the name of a data file");
  }
  return firn_stores_find(o->stores, f->location, &f->arena, store, path, err);
}

static firn_status copy_tuple(const firn_value *tuple, size_t n, firn_arena *arena, const firn_value **out,
                              firn_error *err) {
  firn_value *copy = firn_new_n(arena, firn_value, n);
  if (copy == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a partition tuple");
  }
  for (size_t i = 0; i < n; i++) {
    FIRN_TRY(firn_value_copy(&tuple[i], arena, &copy[i], err));
  }
  *out = copy;
  return FIRN_OK;
}

static firn_status start_file(firn_table_writer *w, const firn_value *tuple, open_file *f, firn_error *err) {
  firn_store *store;
  const char *path;
  FIRN_TRY(copy_tuple(tuple, w->options.spec->n_fields, &f->arena, &f->tuple, err));
  FIRN_TRY(name_file(w, f, &store, &path, err));
  FIRN_TRY(firn_store_write(store, w->ctx, path, FIRN_PUT_IF_ABSENT, &f->to, err));
  firn_parquet_sink sink = {sink_write, f};
  return firn_parquet_writer_open(&w->options.schema->root, &w->options.parquet, sink, &f->parquet, err);
}

static firn_status open_new_file(firn_table_writer *w, const firn_value *tuple, uint64_t hash,
                                 open_file **out, firn_error *err) {
  open_file *f = firn_alloc(sizeof *f);
  if (f == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a data file");
  }
  *f = (open_file){.owner = w, .arena = FIRN_ARENA_INIT(0), .tuple_hash = hash};
  firn_status status = start_file(w, tuple, f, err);
  if (status != FIRN_OK) {
    free_open_file(f);
    return status;
  }
  f->next = w->open;
  w->open = f;
  w->n_open++;
  *out = f;
  return FIRN_OK;
}

/* Remembers a finished file: its entry, and where it is. */
static firn_status keep_entry(firn_table_writer *w, const open_file *f, const firn_parquet_file_info *info,
                              firn_error *err) {
  firn_arena *arena = &w->entries_arena;
  made_file *made = firn_new(arena, made_file);
  firn_data_file *moved =
      firn_arena_grow(arena, w->entries, w->n_entries, &w->entries_capacity, sizeof *moved);
  if (made == NULL || moved == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for the entry of a data file");
  }
  w->entries = moved;
  FIRN_TRY(firn_stores_find(w->options.stores, f->location, arena, &made->store, &made->path, err));
  firn_data_file *entry = &w->entries[w->n_entries];
  *entry = (firn_data_file){.spec_id = w->options.spec->spec_id,
                            .has_sort_order_id = true,
                            .sort_order_id = w->options.sort_order_id};
  FIRN_TRY(firn_data_file_of_parquet(info, arena, entry, err));
  FIRN_TRY(copy_tuple(f->tuple, w->options.spec->n_fields, arena, &entry->partition, err));
  entry->path = firn_arena_text(arena, firn_bytes_of(f->location));
  if (entry->path == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for the entry of a data file");
  }
  made->next = w->made;
  w->made = made;
  w->n_entries++;
  return FIRN_OK;
}

/* The file is published only after its entry is kept, so that whatever fails there is nothing that nobody
 * knows of. */
static firn_status finish_file(firn_table_writer *w, open_file *f, firn_error *err) {
  firn_parquet_file_info info;
  firn_status status = firn_parquet_writer_finish(f->parquet, &w->entries_arena, &info, err);
  if (status == FIRN_OK) {
    status = keep_entry(w, f, &info, err);
  }
  if (status == FIRN_OK) {
    status = firn_writer_finish(f->to, w->ctx, NULL, err);
  }
  unlink_file(w, f);
  if (status != FIRN_OK) {
    (void)firn_error_while(err, status, "writing %s", f->location);
  }
  free_open_file(f);
  return status;
}

static open_file *least_recently_used(const firn_table_writer *w) {
  open_file *least = NULL;
  for (open_file *f = w->open; f != NULL; f = f->next) {
    if (least == NULL || f->last_used < least->last_used) {
      least = f;
    }
  }
  return least;
}

static open_file *find_open(firn_table_writer *w, const firn_value *tuple, uint64_t hash) {
  for (open_file *f = w->open; f != NULL; f = f->next) {
    if (f->tuple_hash == hash && firn_partition_tuple_equal(f->tuple, tuple, w->options.spec->n_fields)) {
      return f;
    }
  }
  return NULL;
}

size_t firn_table_writer_memory(const firn_table_writer *w) {
  return w->entries_arena.used_bytes + w->open_memory;
}

/* A file's memory changes only by what is written to it. */
static void count_memory(firn_table_writer *w, open_file *f) {
  size_t now = firn_parquet_writer_memory(f->parquet);
  w->open_memory = w->open_memory - f->memory + now;
  f->memory = now;
}

int64_t firn_table_writer_rows(const firn_table_writer *w) {
  return w->n_rows;
}

/* Cuts the row group of the largest writer; when that is not enough, closes the file that was used longest
 * ago. Entries of finished files do not count here: closing more files would only make more of them. */
static firn_status keep_budget(firn_table_writer *w, firn_error *err) {
  if (w->open_memory <= w->options.memory_bytes || w->open == NULL) {
    return FIRN_OK;
  }
  open_file *largest = w->open;
  for (open_file *f = w->open; f != NULL; f = f->next) {
    largest = f->memory > largest->memory ? f : largest;
  }
  if (largest->memory >= LEAST_CUT) {
    FIRN_TRY(firn_parquet_writer_flush(largest->parquet, err));
    count_memory(w, largest);
  }
  while (w->open_memory > w->options.memory_bytes && w->open != NULL) {
    FIRN_TRY(finish_file(w, least_recently_used(w), err));
  }
  return FIRN_OK;
}

static firn_status write_group(firn_table_writer *w, const firn_batch *rows, const firn_value *tuple,
                               firn_error *err) {
  uint64_t hash = firn_partition_tuple_hash(tuple, w->options.spec->n_fields);
  open_file *f = find_open(w, tuple, hash);
  if (f == NULL) {
    if (w->n_open >= w->options.max_open_files) {
      FIRN_TRY(finish_file(w, least_recently_used(w), err));
    }
    FIRN_TRY(open_new_file(w, tuple, hash, &f, err));
  }
  f->last_used = ++w->clock;
  firn_status status = firn_parquet_writer_write(f->parquet, rows, err);
  if (status != FIRN_OK) {
    return firn_error_while(err, status, "writing %s", f->location);
  }
  w->n_rows += (int64_t)rows->n_rows;
  count_memory(w, f);
  if (firn_parquet_writer_size(f->parquet) >= w->options.target_file_bytes ||
      firn_parquet_writer_is_full(f->parquet)) {
    return finish_file(w, f, err);
  }
  return keep_budget(w, err);
}

static firn_status write_batch(firn_table_writer *w, firn_ctx *ctx, const firn_batch *batch,
                               firn_error *err) {
  FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(SCRATCH_MAX);
  const firn_partition_group *groups;
  size_t n_groups;
  FIRN_TRY(
      firn_partition_groups(w->options.spec, w->options.schema, batch, &scratch, &groups, &n_groups, err));
  for (size_t i = 0; i < n_groups; i++) {
    firn_batch rows = *batch;
    if (groups[i].rows != NULL) {
      FIRN_TRY(firn_batch_take(batch, groups[i].rows, groups[i].n_rows, &scratch, &rows, err));
    }
    FIRN_TRY(firn_ctx_check(ctx, err));
    FIRN_TRY(write_group(w, &rows, groups[i].tuple, err));
  }
  return FIRN_OK;
}

static firn_status check_whole(const firn_table_writer *w, firn_error *err) {
  return w->failed == FIRN_OK
             ? FIRN_OK
             : firn_error_set(err, w->failed,
                              "an earlier write failed: the files lack rows and are given up");
}

firn_status firn_table_writer_write(firn_table_writer *w, firn_ctx *ctx, const firn_batch *batch,
                                    firn_error *err) {
  assert(!w->is_finished);
  FIRN_TRY(check_whole(w, err));
  w->ctx = ctx;
  w->failed = write_batch(w, ctx, batch, err);
  return w->failed;
}

firn_status firn_table_writer_finish(firn_table_writer *w, firn_ctx *ctx, const firn_data_file **files,
                                     size_t *n_files, firn_error *err) {
  FIRN_TRY(check_whole(w, err));
  w->ctx = ctx;
  while (w->open != NULL) {
    w->failed = finish_file(w, least_recently_used(w), err);
    FIRN_TRY(w->failed);
  }
  *files = w->entries;
  *n_files = w->n_entries;
  w->is_finished = true;
  return FIRN_OK;
}

void firn_table_writer_keep(firn_table_writer *w) {
  firn_arena_reset(&w->entries_arena);
  w->made = NULL;
  w->entries = NULL;
  w->n_entries = w->entries_capacity = 0;
  w->n_rows = 0;
  w->is_finished = false;
}

void firn_table_writer_close(firn_table_writer *w, firn_ctx *ctx) {
  if (w == NULL) {
    return;
  }
  firn_ctx calm =
      FIRN_CTX_INIT(ctx == NULL ? NULL : ctx->env); /* tidying up goes on after a cancel or a deadline */
  w->ctx = &calm;
  while (w->open != NULL) {
    open_file *f = w->open;
    unlink_file(w, f);
    free_open_file(f);
  }
  for (const made_file *m = w->made; m != NULL; m = m->next) {
    /* An orphan at worst, which is harmless. */
    FIRN_IGNORE(firn_store_remove(m->store, &calm, &m->path, 1, NULL, NULL));
  }
  firn_arena_free(&w->entries_arena);
  firn_free(w);
}

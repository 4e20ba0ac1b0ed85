#include "services/load/files_internal.h"

#include "base/alloc.h"
#include "services/load/properties_internal.h"
#include "services/load/sort_internal.h"

enum { DEFAULT_TARGET = 128 * 1000 * 1000 };

/* A writer of one form of the table. */
typedef struct writing {
  struct writing *next;
  firn_arena arena; /* its options */
  firn_metadata *table;
  firn_table_writer *writer;
  bool is_sealed; /* its files are finished, and no more rows go into it */
} writing;

struct firn_load_files {
  firn_load_files_options options;
  firn_metadata *table;
  const firn_sort_order *order; /* of the table; NULL: rows are written as they come */
  firn_sorter *sorter;
  writing *all; /* the newest first; the others are sealed */
  firn_arena entries;
};

firn_status firn_load_files_open(const firn_load_files_options *options, firn_load_files **out,
                                 firn_error *err) {
  firn_load_files *f = firn_alloc(sizeof *f);
  if (f == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a load");
  }
  f->options = *options;
  *out = f;
  return FIRN_OK;
}

static void free_writing(writing *w, firn_ctx *ctx) {
  firn_table_writer_close(w->writer, ctx);
  firn_metadata_unref(w->table);
  firn_arena_free(&w->arena);
  firn_free(w);
}

static firn_status start_writing(firn_load_files *f, writing *w, firn_error *err) {
  const firn_metadata *table = f->table;
  uint64_t target = f->options.target_file_bytes;
  target = target == 0 ? firn_load_target_bytes(table) : target;
  firn_table_writer_options options = {
      .schema = firn_metadata_current_schema(table),
      .spec = firn_metadata_default_spec(table),
      .location = firn_metadata_get(table)->location,
      .sort_order_id = f->order == NULL ? 0 : f->order->order_id,
      .target_file_bytes = target == 0 ? DEFAULT_TARGET : target,
      .memory_bytes = f->options.memory_bytes / (f->order == NULL ? 2 : 4),
      .max_open_files = f->order == NULL ? f->options.max_open_files : 1, /* sorted: one after the other */
      .stores = f->options.stores,
  };
  FIRN_TRY(firn_load_parquet_options(table, &w->arena, &options.parquet, err));
  return firn_table_writer_open(&options, &w->writer, err);
}

/* The writer that takes rows now. */
static firn_status current(firn_load_files *f, writing **out, firn_error *err) {
  if (f->all != NULL && !f->all->is_sealed) {
    *out = f->all;
    return FIRN_OK;
  }
  writing *w = firn_alloc(sizeof *w);
  if (w == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a load");
  }
  w->table = firn_metadata_ref(f->table);
  firn_status status = start_writing(f, w, err);
  if (status != FIRN_OK) {
    free_writing(w, NULL); /* it has made no file */
    return status;
  }
  w->next = f->all;
  f->all = w;
  *out = w;
  return FIRN_OK;
}

static firn_status seal_writer(firn_load_files *f, firn_ctx *ctx, firn_error *err) {
  writing *w = f->all;
  if (w == NULL || w->is_sealed) {
    return FIRN_OK;
  }
  const firn_data_file *files;
  size_t n;
  FIRN_TRY(firn_table_writer_finish(w->writer, ctx, &files, &n, err));
  w->is_sealed = true;
  return FIRN_OK;
}

static firn_status write_rows(void *arg, firn_ctx *ctx, const firn_batch *batch, firn_error *err) {
  writing *w;
  FIRN_TRY(current(arg, &w, err));
  return firn_table_writer_write(w->writer, ctx, batch, err);
}

/* What was sorted goes into files of its own: others behind it would break their order. */
static firn_status seal(firn_load_files *f, firn_ctx *ctx, firn_error *err) {
  if (f->sorter != NULL) {
    FIRN_TRY(firn_sorter_drain(f->sorter, ctx, write_rows, f, err));
  }
  return seal_writer(f, ctx, err);
}

static firn_status open_sorter(firn_load_files *f, firn_error *err) {
  const firn_metadata *table = f->table;
  const firn_schema *schema = firn_metadata_current_schema(table);
  const firn_sort_order *order =
      firn_metadata_sort_order(table, firn_metadata_get(table)->default_sort_order_id);
  firn_sorter_close(FIRN_HAND_OVER(f->sorter));
  f->order = NULL;
  if (order == NULL || order->n_fields == 0 || !firn_sorter_knows(schema, order)) {
    return FIRN_OK;
  }
  FIRN_TRY(firn_sorter_open(schema, firn_metadata_default_spec(table), order, &f->sorter, err));
  f->order = order;
  return FIRN_OK;
}

firn_status firn_load_files_set_table(firn_load_files *f, firn_ctx *ctx, firn_metadata *table,
                                      firn_error *err) {
  FIRN_TRY(seal(f, ctx, err));
  firn_metadata_unref(f->table);
  f->table = firn_metadata_ref(table);
  return open_sorter(f, err);
}

firn_status firn_load_files_write(firn_load_files *f, firn_ctx *ctx, const firn_batch *batch,
                                  firn_error *err) {
  if (f->sorter == NULL) {
    return write_rows(f, ctx, batch, err);
  }
  FIRN_TRY(firn_sorter_add(f->sorter, batch, err));
  return firn_sorter_memory(f->sorter) < f->options.memory_bytes / 2 ? FIRN_OK : seal(f, ctx, err);
}

firn_status firn_load_files_finish(firn_load_files *f, firn_ctx *ctx, const firn_data_file **files, size_t *n,
                                   firn_error *err) {
  FIRN_TRY(seal(f, ctx, err));
  firn_data_file *all = NULL;
  size_t n_all = 0;
  size_t capacity = 0;
  firn_arena_reset(&f->entries);
  for (writing *w = f->all; w != NULL; w = w->next) {
    const firn_data_file *made;
    size_t n_made;
    FIRN_TRY(firn_table_writer_finish(w->writer, ctx, &made, &n_made, err)); /* again: only the entries */
    for (size_t i = 0; i < n_made; i++) {
      all = firn_arena_grow(&f->entries, all, n_all, &capacity, sizeof *all);
      if (all == NULL) {
        return firn_error_set(err, FIRN_NOMEM, "no memory for the entries of data files");
      }
      all[n_all++] = made[i];
    }
  }
  *files = all;
  *n = n_all;
  return FIRN_OK;
}

void firn_load_files_keep(firn_load_files *f, firn_ctx *ctx) {
  while (f->all != NULL) {
    writing *w = f->all;
    f->all = w->next;
    firn_table_writer_keep(w->writer);
    free_writing(w, ctx);
  }
  firn_arena_reset(&f->entries);
}

void firn_load_files_close(firn_load_files *f, firn_ctx *ctx) {
  if (f == NULL) {
    return;
  }
  while (f->all != NULL) {
    writing *w = f->all;
    f->all = w->next;
    free_writing(w, ctx);
  }
  firn_sorter_close(f->sorter);
  firn_metadata_unref(f->table);
  firn_arena_free(&f->entries);
  firn_free(f);
}

/* Inputs of a load: each becomes batches, and may widen the table on its way. */
#include <string.h>

#include "rows/json_rows.h"
#include "services/load/load_internal.h"

/* Counts what is read of an input. */
typedef struct counted {
  firn_load *load;
  firn_rows_input input;
} counted;

static firn_status read_counted(void *self, firn_ctx *ctx, uint8_t *into, size_t room, size_t *got,
                                firn_error *err) {
  counted *c = self;
  FIRN_TRY(c->input.read(c->input.self, ctx, into, room, got, err));
  c->load->result.bytes_read += *got;
  return FIRN_OK;
}

/* Schemas that readers borrow: the current one, and the one before it while they change over. */
typedef struct schemas {
  firn_arena arenas[2];
  unsigned current;
} schemas;

/* A copy of the table's schema, which may be loaded anew at any time. */
static firn_status copy_root(const firn_load *l, schemas *s, const firn_field **out, firn_error *err) {
  firn_arena *arena = &s->arenas[1 - s->current];
  firn_arena_reset(arena);
  firn_field *copy = firn_new(arena, firn_field);
  if (copy == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a schema");
  }
  FIRN_TRY(firn_field_copy(firn_load_root(l), arena, copy, err));
  s->current = 1 - s->current;
  *out = copy;
  return FIRN_OK;
}

static firn_status read_with_tables_schema(firn_load *l, schemas *s, firn_rows *rows, firn_error *err) {
  const firn_field *root;
  FIRN_TRY(copy_root(l, s, &root, err));
  l->is_source_ours = true;
  l->has_fit = false;
  return firn_rows_set_schema(rows, root, err);
}

/* Rows have fields that the table lacks, or wider ones. */
static firn_status widen(firn_load *l, firn_ctx *ctx, schemas *s, firn_rows *rows, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_fit fit;
  firn_fit_gap gap;
  FIRN_TRY(firn_fit_new(firn_load_root(l), rows->unknown, (firn_fit_how){.promote = true}, &arena, &fit, &gap,
                        err));
  gap.n_optional = 0; /* these are not all fields of the rows */
  if (gap.n_promotions > 0 && l->options.evolution != FIRN_LOAD_FULL) {
    return firn_error_set(
        err, FIRN_INVALID, "%s%s; --schema-evolution full promotes the column",
        l->options.evolution == FIRN_LOAD_STRICT ? "Schema evolution not allowed in strict mode: " : "",
        rows->unknown_reason);
  }
  firn_status status = firn_load_table_widen(l, ctx, &gap, err);
  if (status != FIRN_OK) {
    return firn_error_while(err, status, "%s", rows->unknown_reason);
  }
  return read_with_tables_schema(l, s, rows, err);
}

/* What can be done about a value that does not fit. */
static firn_status say_remedy(const firn_load *l, firn_status status, firn_error *err) {
  if (status != FIRN_INVALID || err == NULL || l->options.schema != NULL) {
    return status;
  }
  char text[sizeof err->text];
  memcpy(text, err->text, sizeof text);
  if (l->result.made_table) {
    return firn_error_set(err, status,
                          "%s; types are those of the first rows unless a schema is given (--schema)", text);
  }
  return firn_error_set(err, status,
                        "%s; a table's columns can only become wider (int to long, float to double, decimal)",
                        text);
}

static firn_status load_batches(firn_load *l, firn_ctx *ctx, schemas *s, firn_rows *rows, firn_error *err) {
  firn_batch none = {.schema = rows->schema};
  if (rows->schema->n_children > 0) { /* a header without rows makes a table all the same */
    FIRN_TRY(firn_load_batch(l, ctx, &none, err));
  }
  for (;;) {
    const firn_batch *batch;
    if (rows->unknown != NULL) {
      FIRN_TRY(widen(l, ctx, s, rows, err));
    }
    firn_status status = firn_rows_next(rows, ctx, &batch, err);
    if (status != FIRN_OK) {
      return say_remedy(l, status, err);
    }
    if (batch == NULL) {
      return FIRN_OK;
    }
    FIRN_TRY(firn_load_batch(l, ctx, batch, err));
    if (!l->is_source_ours && l->options.schema == NULL && rows->unknown == NULL) {
      FIRN_TRY(read_with_tables_schema(l, s, rows, err)); /* it was inferred, and the table made of it */
    }
  }
}

typedef enum row_form { JSON_ROWS, CSV_ROWS } row_form;

static firn_status load_rows(firn_load *l, firn_ctx *ctx, row_form form, firn_rows_input input, schemas *s,
                             firn_error *err) {
  counted c = {l, input};
  firn_rows_input counting = {read_counted, &c};
  firn_rows_options options = {
      .schema = l->options.schema == NULL ? NULL : &l->options.schema->root,
      .max_row_bytes = l->options.max_row_bytes,
      .note_unknown = true,
  };
  l->is_source_ours = false;
  l->has_fit = false;
  l->n_source_rows = 0;
  if (options.schema == NULL && l->table.metadata != NULL) {
    FIRN_TRY(copy_root(l, s, &options.schema, err));
    l->is_source_ours = true;
  }
  FIRN_AUTO_ROWS *rows = NULL;
  FIRN_TRY(form == JSON_ROWS ? firn_json_rows_open(counting, &options, ctx, &rows, err)
                             : firn_csv_open(counting, &l->options.csv, &options, ctx, &rows, err));
  return load_batches(l, ctx, s, rows, err);
}

/* After a failure nothing more goes in: rows of an input are missing. */
static firn_status conclude(firn_load *l, const char *name, firn_status status, firn_error *err) {
  l->is_source_ours = false;
  l->has_fit = false;
  if (status == FIRN_OK) {
    return FIRN_OK;
  }
  l->failed = status;
  return firn_error_while(err, status, "%s", name);
}

static firn_status load_text(firn_load *l, firn_ctx *ctx, row_form form, const char *name,
                             firn_rows_input input, firn_error *err) {
  schemas s = {0};
  firn_status status = load_rows(l, ctx, form, input, &s, err);
  firn_arena_free(&s.arenas[0]);
  firn_arena_free(&s.arenas[1]);
  return conclude(l, name, status, err);
}

firn_status firn_load_json(firn_load *l, firn_ctx *ctx, const char *name, firn_rows_input input,
                           firn_error *err) {
  return load_text(l, ctx, JSON_ROWS, name, input, err);
}

firn_status firn_load_csv(firn_load *l, firn_ctx *ctx, const char *name, firn_rows_input input,
                          firn_error *err) {
  return load_text(l, ctx, CSV_ROWS, name, input, err);
}

static firn_status load_file(firn_load *l, firn_ctx *ctx, firn_parquet_source source, firn_error *err) {
  FIRN_AUTO_PARQUET_FILE *file = NULL;
  FIRN_AUTO_PARQUET_READER *reader = NULL;
  firn_parquet_reader_options options = {0};
  FIRN_TRY(firn_parquet_file_open(source, ctx, 0, 0, &file, err));
  FIRN_TRY(firn_parquet_reader_open(file, &options, &reader, err));
  firn_batch none = {.schema = firn_parquet_reader_schema(reader)};
  FIRN_TRY(firn_load_batch(l, ctx, &none, err)); /* a file without rows has a schema all the same */
  for (;;) {
    const firn_batch *batch;
    FIRN_TRY(firn_parquet_reader_next(reader, ctx, &batch, err));
    if (batch == NULL) {
      l->result.bytes_read += source.size_bytes;
      return FIRN_OK;
    }
    FIRN_TRY(firn_load_batch(l, ctx, batch, err));
  }
}

firn_status firn_load_parquet(firn_load *l, firn_ctx *ctx, const char *name, firn_parquet_source source,
                              firn_error *err) {
  l->is_source_ours = false;
  l->has_fit = false;
  l->n_source_rows = 0;
  return conclude(l, name, load_file(l, ctx, source, err), err);
}

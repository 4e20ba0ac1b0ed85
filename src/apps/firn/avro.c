/* firn avro cat FILE: the records of an Avro object container file. */
#include "formats/avro/avro.h"

#include "apps/firn/command.h"
#include "apps/firn/print.h"
#include "formats/avro/avro_json.h"

enum { FLUSH_BYTES = 1 << 16 };

/* An object of a store as a source, front to back. */
typedef struct object_source {
  firn_store *store;
  const char *path;
  uint64_t offset;
} object_source;

static firn_status read_object(void *self, firn_ctx *ctx, uint8_t *into, size_t len, size_t *got,
                               firn_error *err) {
  object_source *o = self;
  firn_range range = {.offset = o->offset, .len = len, .into = into};
  FIRN_TRY(firn_store_read(o->store, ctx, o->path, &range, 1, NULL, err));
  o->offset += range.got;
  *got = range.got;
  return FIRN_OK;
}

static firn_status print_records(firn_app *app, firn_avro_reader *reader, firn_error *err) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  for (bool more = true; more;) {
    FIRN_TRY(firn_avro_reader_next_json(reader, &app->ctx, &arena, &b, &more, err));
    if (b.len >= FLUSH_BYTES || !more) {
      FIRN_TRY(firn_print_builder(&b, app->out, err));
    }
  }
  return FIRN_OK;
}

static firn_status cat(firn_app *app, const char *path, firn_error *err) {
  firn_stores *stores;
  object_source source = {0};
  const char *location = firn_app_absolute(app, path);
  if (location == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a path");
  }
  FIRN_TRY(firn_app_stores(app, &stores, err));
  FIRN_TRY(firn_stores_find(stores, location, app->arena, &source.store, &source.path, err));
  FIRN_AUTO_AVRO_READER *reader = NULL;
  FIRN_TRY(firn_avro_reader_open((firn_avro_source){read_object, &source}, &app->ctx, 0, &reader, err));
  return print_records(app, reader, err);
}

static firn_status run_cat(firn_app *app, const firn_args *args, firn_error *err) {
  firn_status status = cat(app, args->words[0], err);
  return status == FIRN_OK ? status : firn_error_while(err, status, "%s", args->words[0]);
}

const firn_command firn_avro_commands[] = {
    {"cat", "FILE", "its records, as one JSON object a line", 1, 1, NULL, run_cat, NULL},
    {0},
};

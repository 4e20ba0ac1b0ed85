#include "iceberg/commit/metadata_file.h"

#include <string.h>
#include <strings.h>

#include "base/uuid.h"
#include "formats/codec/codec.h"
#include "iceberg/commit/property.h"
#include "iceberg/commit/table_file.h"

enum { VERSION_DIGITS = 5, VERSION_MAX_DIGITS = 9 };

static const size_t metadata_max_bytes = (size_t)1 << 30;

firn_status firn_metadata_file_read(firn_stores *stores, firn_ctx *ctx, const char *location,
                                    firn_metadata **out, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_bytes text;
  firn_status status = firn_table_file_read(stores, ctx, location, metadata_max_bytes, &arena, &text, err);
  if (status == FIRN_OK) {
    status = firn_metadata_read(text, out, err);
  }
  return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "metadata %s", location);
}

/* --- writing --- */

/* The number in ".../00012-<uuid>.metadata.json" plus one; 0 where the name has none. */
static unsigned next_version(const char *previous) {
  if (previous == NULL) {
    return 0;
  }
  const char *slash = strrchr(previous, '/');
  const char *name = slash == NULL ? previous : slash + 1;
  unsigned version = 0;
  size_t i = 0;
  for (; i < VERSION_MAX_DIGITS && name[i] >= '0' && name[i] <= '9'; i++) {
    version = version * 10 + (unsigned)(name[i] - '0');
  }
  return i > 0 && name[i] == '-' ? version + 1 : 0;
}

static firn_status compress(firn_bytes text, firn_builder *into, firn_error *err) {
  FIRN_AUTO_COMPRESSOR *compressor = NULL;
  FIRN_TRY(firn_compressor_new(FIRN_CODEC_GZIP, FIRN_LEVEL_DEFAULT, &compressor, err));
  return firn_compress(compressor, text, into, err);
}

firn_status firn_metadata_file_write(firn_stores *stores, firn_ctx *ctx, const firn_metadata *m,
                                     const char *previous_location, firn_arena *arena, const char **out,
                                     firn_error *err) {
  const char *codec = firn_metadata_property(m, FIRN_PROPERTY_METADATA_CODEC);
  bool gzip = codec != NULL && strcasecmp(codec, "gzip") == 0;
  FIRN_AUTO_BUILDER json = FIRN_BUILDER_INIT(metadata_max_bytes);
  firn_json_writer w = FIRN_JSON_WRITER_INIT(&json);
  firn_metadata_write(m, &w);
  firn_bytes text;
  FIRN_TRY(firn_builder_finish(&json, &text, err));

  FIRN_AUTO_BUILDER zipped = FIRN_BUILDER_INIT(metadata_max_bytes);
  if (gzip) {
    FIRN_TRY(compress(text, &zipped, err));
    FIRN_TRY(firn_builder_finish(&zipped, &text, err));
  }
  char uuid[FIRN_UUID_TEXT];
  firn_uuid_text(firn_uuid_v4(ctx), uuid);
  const char *name = firn_arena_printf(arena, "%0*u-%s%s.metadata.json", VERSION_DIGITS,
                                       next_version(previous_location), uuid, gzip ? ".gz" : "");
  const char *location = name == NULL ? NULL : firn_table_file_location(m, name, arena);
  if (location == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for the name of a metadata file");
  }
  FIRN_TRY(firn_table_file_write(stores, ctx, location, text, err));
  *out = location;
  return FIRN_OK;
}

/* --- trimming --- */

static bool logs(const firn_metadata_fields *m, const char *file) {
  for (size_t i = 0; i < m->n_metadata_log; i++) {
    if (strcmp(m->metadata_log[i].metadata_file, file) == 0) {
      return true;
    }
  }
  return false;
}

/* "v3.metadata.json", "00003-....gz.metadata.json", "v3.metadata.json.gz" */
static bool is_metadata_name(const char *location) {
  const char *slash = strrchr(location, '/');
  return strstr(slash == NULL ? location : slash, ".metadata.json") != NULL;
}

void firn_metadata_file_trim(firn_stores *stores, firn_ctx *ctx, const firn_metadata *before,
                             const firn_metadata *after, firn_metadata_in_use in_use, void *self) {
  const firn_metadata_fields *now = firn_metadata_get(after);
  const firn_metadata_fields *then = firn_metadata_get(before);
  if (!firn_property_bool(&now->properties, FIRN_PROPERTY_DELETE_AFTER_COMMIT, false)) {
    return;
  }
  /* Entries fall off the log's front, so the first one that is still there ends the search. */
  for (size_t i = 0; i < then->n_metadata_log && !logs(now, then->metadata_log[i].metadata_file); i++) {
    const char *file = then->metadata_log[i].metadata_file;
    if (is_metadata_name(file) && (in_use == NULL || !in_use(self, ctx, file))) {
      firn_table_file_discard(stores, ctx, file);
    }
  }
}

/* Versions of a table's metadata: finding the newest, making the next, taking all away. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/uuid.h"
#include "catalogs/folder/folder_internal.h"

enum {
  HINT_MAX = 4096,
  PROBES_MOST = 16, /* upward from the hint; then the folder is listed */
  PUT_TRIES = 3,
  DROP_TRIES = 8,
};

static const size_t metadata_max_bytes = (size_t)1 << 30;

/* What stands behind "v<N>". The first is what is written; all are read, as the reference does. */
static const char *const suffixes[] = {".metadata.json", ".gz.metadata.json", ".metadata.json.gz"};

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for a table's versions");
}

/* A positive number of 32 bits and what stands behind it; 0: it is none. */
static int32_t read_number(const char *text, const char **rest) {
  int64_t number = 0;
  for (; *text >= '0' && *text <= '9' && number <= INT32_MAX; text++) {
    number = number * 10 + (*text - '0');
  }
  *rest = text;
  return number <= INT32_MAX ? (int32_t)number : 0;
}

int32_t firn_folder_version_of(const char *name) {
  const char *rest;
  int32_t number = name[0] == 'v' ? read_number(name + 1, &rest) : 0;
  for (size_t i = 0; number > 0 && i < FIRN_COUNT_OF(suffixes); i++) {
    if (strcmp(rest, suffixes[i]) == 0) {
      return number;
    }
  }
  return 0;
}

const char *firn_folder_version_path(const char *path, int32_t number, firn_arena *arena) {
  return firn_arena_printf(arena, "%s/metadata/v%" PRId32 "%s", path, number, suffixes[0]);
}

firn_status firn_folder_certain(firn_status status, firn_error *err) {
  return status == FIRN_UNCERTAIN || status == FIRN_CONFLICT ? firn_error_while(err, FIRN_IO, "looking")
                                                             : status;
}

/* --- finding --- */

/* 0: there is no hint, or none that says anything. */
static firn_status read_hint(firn_store *store, firn_ctx *ctx, const char *path, firn_arena *arena,
                             int32_t *out, firn_error *err) {
  const char *hint = firn_arena_printf(arena, "%s/metadata/version-hint.text", path);
  firn_bytes bytes;
  *out = 0;
  if (hint == NULL) {
    return no_memory(err);
  }
  firn_status status = firn_store_read_all(store, ctx, hint, HINT_MAX, arena, &bytes, err);
  if (status == FIRN_NOT_FOUND || status == FIRN_LIMIT || status == FIRN_CONFLICT) {
    return FIRN_OK; /* a hint is no more than that */
  }
  FIRN_TRY(firn_folder_certain(status, err));
  const char *text = firn_arena_text(arena, bytes);
  if (text == NULL) {
    return no_memory(err);
  }
  const char *rest;
  int32_t number = read_number(text, &rest);
  *out = rest[strspn(rest, " \r\n")] == '\0' ? number : 0;
  return FIRN_OK;
}

/* Whether version `number` is there, in any form. */
static firn_status probe(firn_store *store, firn_ctx *ctx, const char *path, int32_t number,
                         firn_arena *arena, firn_folder_version *out, firn_error *err) {
  *out = (firn_folder_version){0};
  for (size_t i = 0; i < FIRN_COUNT_OF(suffixes); i++) {
    const char *file = firn_arena_printf(arena, "%s/metadata/v%" PRId32 "%s", path, number, suffixes[i]);
    firn_object_info info;
    if (file == NULL) {
      return no_memory(err);
    }
    firn_status status = firn_store_stat(store, ctx, file, &info, err);
    if (status == FIRN_OK) {
      *out = (firn_folder_version){number, file};
      return FIRN_OK;
    }
    if (status != FIRN_NOT_FOUND) {
      return firn_folder_certain(status, err);
    }
  }
  return FIRN_OK;
}

/* The plain form of a version comes behind the others: it is what is written here. */
static int ascending(const void *a, const void *b) {
  const firn_folder_version *x = a;
  const firn_folder_version *y = b;
  if (x->number != y->number) {
    return x->number < y->number ? -1 : 1;
  }
  size_t m = strlen(x->path);
  size_t n = strlen(y->path);
  return (m < n) - (m > n);
}

firn_status firn_folder_versions(firn_store *store, firn_ctx *ctx, const char *path, firn_arena *arena,
                                 firn_folder_version **out, size_t *n, firn_error *err) {
  FIRN_AUTO_LISTING *listing = NULL;
  const char *prefix = firn_arena_printf(arena, "%s/metadata/v", path);
  firn_folder_version *all = NULL;
  size_t count = 0;
  size_t capacity = 0;
  if (prefix == NULL) {
    return no_memory(err);
  }
  FIRN_TRY(firn_folder_certain(firn_store_list(store, ctx, prefix, &listing, err), err));
  for (;;) {
    const firn_listed *item;
    FIRN_TRY(firn_folder_certain(firn_listing_next(listing, ctx, &item, err), err));
    if (item == NULL) {
      break;
    }
    int32_t number = firn_folder_version_of(item->path + strlen(prefix) - 1);
    if (number == 0) {
      continue;
    }
    all = firn_arena_grow(arena, all, count, &capacity, sizeof *all);
    if (all == NULL) {
      return no_memory(err);
    }
    all[count] = (firn_folder_version){number, firn_arena_text(arena, firn_bytes_of(item->path))};
    if (all[count++].path == NULL) {
      return no_memory(err);
    }
  }
  if (count > 1) {
    qsort(all, count, sizeof *all, ascending);
  }
  *out = all;
  *n = count;
  return FIRN_OK;
}

static firn_status newest_listed(firn_store *store, firn_ctx *ctx, const char *path, firn_arena *arena,
                                 firn_folder_version *out, firn_error *err) {
  firn_folder_version *all;
  size_t n;
  FIRN_TRY(firn_folder_versions(store, ctx, path, arena, &all, &n, err));
  *out = n == 0 ? (firn_folder_version){0} : all[n - 1];
  return FIRN_OK;
}

/* The hint is written after the file that it names, and may be late or be overtaken by an older one; what is
 * really there decides. Without a hint that leads to a file, and after many steps, the folder is listed. */
firn_status firn_folder_newest(firn_store *store, firn_ctx *ctx, const char *path, firn_arena *arena,
                               firn_folder_version *out, firn_error *err) {
  int32_t number;
  firn_folder_version found = {0};
  FIRN_TRY(read_hint(store, ctx, path, arena, &number, err));
  if (number > 0) {
    FIRN_TRY(probe(store, ctx, path, number, arena, &found, err));
  }
  for (int i = 0; found.number > 0 && found.number < INT32_MAX && i < PROBES_MOST; i++) {
    firn_folder_version next;
    FIRN_TRY(probe(store, ctx, path, found.number + 1, arena, &next, err));
    if (next.number == 0) {
      *out = found;
      return FIRN_OK;
    }
    found = next;
  }
  return newest_listed(store, ctx, path, arena, out, err);
}

/* --- making --- */

/* Whether the object holds just these bytes. They tell whose it is: metadata has random ids in it. */
static firn_status is_ours(firn_store *store, firn_ctx *ctx, const char *file, firn_bytes data, bool *out,
                           firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_bytes there;
  firn_status status = firn_store_read_all(store, ctx, file, data.len, &arena, &there, err);
  *out = status == FIRN_OK && firn_bytes_equal(there, data);
  return status == FIRN_LIMIT ? FIRN_OK : status; /* larger than ours: another one */
}

/* A lost answer is cleared up: the object is ours, somebody else's, or not there, and then may be tried
 * again. A store that repeats requests by itself may also find that it was there, and it was its own. */
static firn_status put_new(firn_store *store, firn_ctx *ctx, const char *file, firn_bytes data,
                           firn_error *err) {
  bool was_uncertain = false;
  for (int i = 0; i < PUT_TRIES; i++) {
    bool ours = false;
    firn_status status = firn_store_put(store, ctx, file, data, FIRN_PUT_IF_ABSENT, NULL, err);
    was_uncertain |= status == FIRN_UNCERTAIN;
    if (status != FIRN_EXISTS && status != FIRN_UNCERTAIN) {
      return status != FIRN_OK && was_uncertain ? firn_error_while(err, FIRN_UNCERTAIN, "trying again")
                                                : status;
    }
    firn_status seen = is_ours(store, ctx, file, data, &ours, NULL);
    if (ours) {
      return FIRN_OK;
    }
    if (seen == FIRN_OK || (status == FIRN_EXISTS && !was_uncertain)) {
      return firn_error_set(err, FIRN_EXISTS, "%s is there already", file);
    }
    if (seen != FIRN_NOT_FOUND) {
      break;
    }
  }
  return firn_error_set(err, FIRN_UNCERTAIN, "the answer to writing %s was lost", file);
}

/* The version that ours was made from is gone, so ours may stand beyond the table's end (it was dropped), or
 * before its start (old versions were trimmed while we took our time): then nobody will read it. */
static firn_status without_base(firn_store *store, firn_ctx *ctx, const char *path, int32_t number,
                                const char *file, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  for (int i = 0; i < 2; i++) {
    firn_folder_version newest;
    FIRN_TRY(newest_listed(store, ctx, path, &arena, &newest, err));
    if (newest.number > number) {
      return firn_error_set(err, FIRN_UNCERTAIN,
                            "the version before it is gone: whether %s is in the table's history must be "
                            "looked up",
                            file);
    }
    if (i == 0) {
      FIRN_TRY(firn_store_remove(store, ctx, &file, 1, NULL, err));
    }
  }
  return firn_error_set(err, FIRN_CONFLICT, "the table was dropped meanwhile");
}

static void write_hint(firn_store *store, firn_ctx *ctx, const char *path, int32_t number) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  char text[16];
  const char *hint = firn_arena_printf(&arena, "%s/metadata/version-hint.text", path);
  int len = snprintf(text, sizeof text, "%" PRId32, number);
  if (hint != NULL && len > 0) {
    /* Readers go on from an older one. */
    FIRN_IGNORE(firn_store_put(store, ctx, hint, (firn_bytes){(const uint8_t *)text, (size_t)len},
                               FIRN_PUT_ALWAYS, NULL, NULL));
  }
}

firn_status firn_folder_publish(firn_store *store, firn_ctx *ctx, const char *path, int32_t number,
                                const char *before, firn_bytes data, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_ctx unhurried = FIRN_CTX_INIT(ctx->env); /* what comes after the commit has no deadline */
  const char *file = firn_folder_version_path(path, number, &arena);
  firn_folder_version there;
  firn_object_info info;
  if (file == NULL) {
    return no_memory(err);
  }
  /* Another writer may give the file another name: packed ones end otherwise. */
  FIRN_TRY(probe(store, ctx, path, number, &arena, &there, err));
  if (there.number > 0) {
    return firn_error_set(err, FIRN_EXISTS, "%s is there already", there.path);
  }
  FIRN_TRY(put_new(store, ctx, file, data, err));
  if (before != NULL && firn_store_stat(store, &unhurried, before, &info, NULL) == FIRN_NOT_FOUND) {
    firn_status status = without_base(store, &unhurried, path, number, file, err);
    return status == FIRN_CONFLICT ? status : firn_error_while(err, FIRN_UNCERTAIN, "%s", file);
  }
  write_hint(store, &unhurried, path, number);
  return FIRN_OK;
}

/* --- forgetting --- */

/* What a register needs to bring the table back. */
static firn_status keep_copy(firn_store *store, firn_ctx *ctx, const char *path,
                             const firn_folder_version *newest, firn_arena *arena, firn_error *err) {
  char uuid[FIRN_UUID_TEXT];
  firn_bytes data;
  firn_uuid_text(firn_uuid_v4(ctx), uuid);
  const char *copy =
      firn_arena_printf(arena, "%s/metadata/dropped-v%" PRId32 "-%s%s", path, newest->number, uuid, ".json");
  if (copy == NULL) {
    return no_memory(err);
  }
  FIRN_TRY(firn_store_read_all(store, ctx, newest->path, metadata_max_bytes, arena, &data, err));
  firn_status status = firn_store_put(store, ctx, copy, data, FIRN_PUT_ALWAYS, NULL, err);
  return status == FIRN_UNCERTAIN ? firn_error_while(err, FIRN_IO, "before anything was dropped") : status;
}

/* The newest goes last, so that a drop that is cut off never leaves an older state of the table. */
static firn_status remove_versions(firn_store *store, firn_ctx *ctx, const firn_folder_version *all, size_t n,
                                   firn_error *err) {
  for (size_t i = 0; i < n; i++) {
    FIRN_TRY(firn_store_remove(store, ctx, &all[i].path, 1, NULL, err));
  }
  return FIRN_OK;
}

firn_status firn_folder_forget(firn_store *store, firn_ctx *ctx, const char *path, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  for (int i = 0; i < DROP_TRIES; i++) { /* somebody may commit meanwhile */
    firn_folder_version *all;
    size_t n;
    firn_arena_reset(&arena);
    FIRN_TRY(firn_folder_versions(store, ctx, path, &arena, &all, &n, err));
    if (n == 0) {
      const char *hint = firn_arena_printf(&arena, "%s/metadata/version-hint.text", path);
      if (hint != NULL) {
        FIRN_IGNORE(firn_store_remove(store, ctx, &hint, 1, NULL, NULL)); /* it leads nowhere */
      }
      return i > 0 ? FIRN_OK : firn_error_set(err, FIRN_NOT_FOUND, "there is no such table");
    }
    FIRN_TRY(keep_copy(store, ctx, path, &all[n - 1], &arena, err));
    FIRN_TRY(remove_versions(store, ctx, all, n, err));
  }
  return firn_error_set(err, FIRN_CONFLICT, "it is committed to faster than it can be dropped");
}

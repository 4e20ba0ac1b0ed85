#include "io/stores.h"

#include <assert.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/file.h"
#include "io/local/folders_internal.h"

enum {
  NAME_MOST = 255,     /* bytes of a name, in every file system that we know */
  TEMP_NAME_CUT = 200, /* of a name in that of its temporary file: leaves room for the rest */
  TEMP_RANDOM = 8,     /* bytes */
  WRITE_BUFFER = 64 << 10,
};

typedef struct local_store {
  firn_store base;
  firn_known_folders *known; /* their names are durable */
  char root[];               /* absolute, ends with a slash */
} local_store;

/* An unfinished write: a temporary file beside its target, which nobody sees. */
typedef struct unfinished {
  firn_file *file;
  const firn_env *env; /* for the cleaning up in `close` */
  char target[PATH_MAX];
  char temp[PATH_MAX];
  char folder[PATH_MAX];
  bool has_temp;
} unfinished;

typedef struct local_writer {
  firn_writer base;
  firn_put_if when;
  unfinished to;
  size_t n_buffered;
  uint8_t buffer[WRITE_BUFFER];
} local_writer;

static local_store *of(const firn_store *s) {
  return (local_store *)(uintptr_t)s;
}

static firn_status full_path(const firn_store *s, const char *path, char into[PATH_MAX], firn_error *err) {
  int len = snprintf(into, PATH_MAX, "%s%s", of(s)->root, path);
  if (len < 0 || len >= PATH_MAX) {
    return firn_error_set(err, FIRN_INVALID, "the whole path has %d bytes, more than %d", len, PATH_MAX - 1);
  }
  return FIRN_OK;
}

/* Weaker than elsewhere: two writes within one tick of the file system's clock, of the same size, might get
 * the same inode number too. Nothing is decided by it alone, for we do not offer FIRN_PUT_MATCH. */
static void describe(const firn_file_info *f, firn_object_info *out) {
  *out = (firn_object_info){.size_bytes = f->size_bytes, .modified_us = f->modified_ns / 1000};
  (void)snprintf(out->etag, sizeof out->etag, "%" PRIx64 "-%" PRIx64 "-%" PRIx64, f->size_bytes,
                 (uint64_t)f->modified_ns, f->inode); /* fits */
}

static firn_status check_is_file(const firn_file_info *f, firn_error *err) {
  return f->is_file ? FIRN_OK
                    : firn_error_set(err, FIRN_NOT_FOUND, "there is a %s of this name, no file",
                                     f->is_folder ? "folder" : "special file");
}

static firn_status local_stat(firn_store *s, firn_ctx *ctx, const char *path, firn_object_info *out,
                              firn_error *err) {
  char full[PATH_MAX];
  firn_file_info f;
  FIRN_TRY(full_path(s, path, full, err));
  FIRN_TRY(firn_file_stat(ctx, full, &f, err));
  FIRN_TRY(check_is_file(&f, err));
  describe(&f, out);
  return FIRN_OK;
}

/* Counts every range from the start and cuts it where the file ends. */
static void place(firn_range *r, uint64_t size, uint64_t *from) {
  if (r->from_end) {
    *from = r->len < size ? size - r->len : 0;
  } else {
    *from = r->offset < size ? r->offset : size;
  }
  r->got = r->len < size - *from ? r->len : (size_t)(size - *from);
}

/* Reads ranges[0], and with it those after it that follow in the file and in memory; how many that were is
 * `*n_done`. */
static firn_status read_run(firn_file *file, firn_range *ranges, size_t n, uint64_t size, size_t *n_done,
                            firn_error *err) {
  uint64_t from;
  place(&ranges[0], size, &from);
  size_t len = ranges[0].got;
  size_t i = 1;
  for (; i < n && len > 0; i++) {
    uint64_t next_from;
    place(&ranges[i], size, &next_from);
    if (next_from != from + len || ranges[i].into != ranges[0].into + len || ranges[i].got == 0) {
      break;
    }
    len += ranges[i].got;
  }
  *n_done = i;
  size_t got = 0;
  FIRN_TRY(len == 0 ? FIRN_OK : firn_file_read_at(file, from, ranges[0].into, len, &got, err));
  if (got < len) { /* it had this size when it was opened: someone shortens our files in place */
    return firn_error_set(err, FIRN_CONFLICT, "the file was shortened while it was read");
  }
  return FIRN_OK;
}

static firn_status local_read(firn_store *s, firn_ctx *ctx, const char *path, firn_range *ranges, size_t n,
                              firn_object_info *info, firn_error *err) {
  char full[PATH_MAX];
  firn_file_info f;
  FIRN_AUTO_FILE *file = NULL;
  FIRN_TRY(full_path(s, path, full, err));
  FIRN_TRY(firn_file_open(ctx, full, FIRN_FILE_READ, &file, err));
  FIRN_TRY(firn_file_info_of(file, &f, err));
  FIRN_TRY(check_is_file(&f, err));
  size_t n_done = 0;
  for (size_t i = 0; i < n;
       i += n_done) { /* one open file is one version: writers replace, they do not change */
    FIRN_TRY(firn_ctx_check(ctx, err));
    FIRN_TRY(read_run(file, ranges + i, n - i, f.size_bytes, &n_done, err));
  }
  if (info != NULL) {
    describe(&f, info);
  }
  return FIRN_OK;
}

static bool is_hex(const char *text, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (strchr("0123456789abcdef", text[i]) == NULL || text[i] == '\0') {
      return false;
    }
  }
  return true;
}

/* ".NAME.<16 hex digits>.tmp" */
static bool is_temp_name(const char *name) {
  size_t len = strlen(name);
  size_t tail = 1 + 2 * TEMP_RANDOM + 4;
  return name[0] == '.' && len > tail && name[len - tail] == '.' && strcmp(name + len - 4, ".tmp") == 0 &&
         is_hex(name + len - tail + 1, 2 * TEMP_RANDOM);
}

static const char *name_in(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash == NULL ? path : slash + 1;
}

/* Spells `u->target`, `u->folder` and a fresh `u->temp`. */
static firn_status name_unfinished(const firn_store *s, firn_ctx *ctx, const char *path, unfinished *u,
                                   firn_error *err) {
  const char *name = name_in(path);
  if (strlen(name) > NAME_MOST) {
    return firn_error_set(err, FIRN_INVALID, "its name has %zu bytes, more than %d", strlen(name), NAME_MOST);
  }
  if (is_temp_name(name)) {
    return firn_error_set(err, FIRN_INVALID, "names like this one are kept for unfinished writes");
  }
  FIRN_TRY(full_path(s, path, u->target, err));
  size_t folder_len = (size_t)(name_in(u->target) - u->target);
  (void)snprintf(u->folder, sizeof u->folder, "%.*s", (int)folder_len, u->target); /* shorter than target */
  int cut = strlen(name) < TEMP_NAME_CUT ? (int)strlen(name) : TEMP_NAME_CUT;
  while (cut > 0 && ((unsigned char)name[cut] & 0xC0) == 0x80) { /* not in the middle of a UTF-8 character */
    cut--;
  }
  uint64_t random;
  static_assert(sizeof random == TEMP_RANDOM, "");
  firn_ctx_random(ctx, &random, sizeof random);
  int len = snprintf(u->temp, sizeof u->temp, "%s.%.*s.%016" PRIx64 ".tmp", u->folder, cut, name, random);
  if (len < 0 || len >= PATH_MAX) {
    return firn_error_set(err, FIRN_INVALID, "the whole path has more than %d bytes", PATH_MAX - 32);
  }
  return FIRN_OK;
}

/* What is in the way of a folder is no missing object. */
static firn_status make_folders(firn_ctx *ctx, const char *folder, firn_error *err) {
  firn_status status = firn_folder_make_all(ctx, folder, err);
  if (status == FIRN_NOT_FOUND || status == FIRN_EXISTS) {
    return firn_error_while(err, FIRN_INVALID, "a file stands where a folder should be");
  }
  return status;
}

/* Once for each folder, also for one that is there. */
static firn_status need_folder(const firn_store *s, firn_ctx *ctx, const char *folder, firn_error *err) {
  if (firn_known_folders_has(of(s)->known, folder)) {
    return FIRN_OK;
  }
  FIRN_TRY(make_folders(ctx, folder, err));
  return firn_known_folders_add(of(s)->known, folder, err);
}

static firn_status begin_write(const firn_store *s, firn_ctx *ctx, const char *path, unfinished *u,
                               firn_error *err) {
  const unsigned how = FIRN_FILE_WRITE | FIRN_FILE_CREATE | FIRN_FILE_NEW;
  u->env = ctx->env;
  FIRN_TRY(name_unfinished(s, ctx, path, u, err));
  FIRN_TRY(need_folder(s, ctx, u->folder, err));
  firn_status status = firn_file_open(ctx, u->temp, how, &u->file, err);
  if (status == FIRN_NOT_FOUND) { /* somebody has removed it */
    FIRN_TRY(make_folders(ctx, u->folder, err));
    status = firn_file_open(ctx, u->temp, how, &u->file, err);
  }
  u->has_temp = status == FIRN_OK;
  return status;
}

/* Closes, and removes the temporary file if it is still there. What cannot be removed is skipped by listings.
 */
static void end_write(unfinished *u) {
  firn_file_close(FIRN_HAND_OVER(u->file));
  if (u->has_temp) {
    firn_ctx ctx = FIRN_CTX_INIT(u->env);
    FIRN_IGNORE(firn_file_unlink(&ctx, u->temp, NULL)); /* what stays is skipped by listings */
    u->has_temp = false;
  }
}

static firn_status give_name(firn_ctx *ctx, unfinished *u, firn_put_if when, firn_error *err) {
  if (when.kind == FIRN_PUT_ABSENT) {
    firn_status status = firn_file_link(ctx, u->temp, u->target, err);
    if (status == FIRN_EXISTS) {
      return firn_error_set(err, FIRN_EXISTS, "it is already there");
    }
    return status; /* `end_write` removes the other name */
  }
  FIRN_TRY(firn_file_rename(ctx, u->temp, u->target, err));
  u->has_temp = false;
  return FIRN_OK;
}

/* The content reaches the disk before the name, and the name before our answer. */
static firn_status publish(firn_ctx *ctx, unfinished *u, firn_put_if when, firn_object_info *info,
                           firn_error *err) {
  firn_file_info f;
  FIRN_TRY(firn_file_sync(u->file, err));
  FIRN_TRY(firn_file_info_of(u->file, &f, err));
  FIRN_TRY(give_name(ctx, u, when, err));
  end_write(u);
  if (firn_folder_sync(ctx, u->folder, err) != FIRN_OK) {
    return firn_error_while(err, FIRN_UNCERTAIN, "the object is there, but may be lost with the power");
  }
  if (info != NULL) {
    describe(&f, info);
  }
  return FIRN_OK;
}

static firn_status put_through(firn_store *s, firn_ctx *ctx, const char *path, firn_bytes data,
                               firn_put_if when, unfinished *u, firn_object_info *info, firn_error *err) {
  FIRN_TRY(begin_write(s, ctx, path, u, err));
  FIRN_TRY(firn_file_append(u->file, data, err));
  return publish(ctx, u, when, info, err);
}

static firn_status local_put(firn_store *s, firn_ctx *ctx, const char *path, firn_bytes data,
                             firn_put_if when, firn_object_info *info, firn_error *err) {
  unfinished *u = firn_alloc(sizeof *u); /* too large for a stack */
  if (u == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a writer");
  }
  firn_status status = put_through(s, ctx, path, data, when, u, info, err);
  end_write(u);
  firn_free(u);
  return status;
}

static firn_status flush(local_writer *w, firn_error *err) {
  firn_bytes data = {w->buffer, w->n_buffered};
  w->n_buffered = 0;
  return data.len == 0 ? FIRN_OK : firn_file_append(w->to.file, data, err);
}

static firn_status writer_write(firn_writer *base, firn_ctx *ctx, firn_bytes data, firn_error *err) {
  (void)ctx;
  local_writer *w = (local_writer *)base;
  if (data.len > WRITE_BUFFER - w->n_buffered) {
    FIRN_TRY(flush(w, err));
  }
  if (data.len >= WRITE_BUFFER) {
    return firn_file_append(w->to.file, data, err);
  }
  if (data.len > 0) {
    memcpy(w->buffer + w->n_buffered, data.data, data.len);
    w->n_buffered += data.len;
  }
  return FIRN_OK;
}

static firn_status writer_finish(firn_writer *base, firn_ctx *ctx, firn_object_info *info, firn_error *err) {
  local_writer *w = (local_writer *)base;
  FIRN_TRY(flush(w, err));
  return publish(ctx, &w->to, w->when, info, err);
}

static void writer_close(firn_writer *base) {
  local_writer *w = (local_writer *)base;
  end_write(&w->to);
  firn_free(w);
}

static const firn_writer_ops writer_ops = {
    .write = writer_write, .finish = writer_finish, .close = writer_close};

static firn_status local_writer_open(firn_store *s, firn_ctx *ctx, const char *path, firn_put_if when,
                                     firn_writer **out, firn_error *err) {
  local_writer *w = firn_alloc_raw(sizeof *w);
  if (w == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a writer");
  }
  firn_writer_init(&w->base, &writer_ops, s, path);
  w->when = when;
  w->n_buffered = 0;
  w->to.file = NULL;
  w->to.has_temp = false;
  firn_status status = begin_write(s, ctx, path, &w->to, err);
  if (status != FIRN_OK) {
    writer_close(&w->base);
    return status;
  }
  *out = &w->base;
  return FIRN_OK;
}

/* Whether something is in the way that is no object. */
static bool is_no_object(firn_ctx *ctx, const char *full) {
  firn_file_info f;
  return firn_file_stat(ctx, full, &f, NULL) == FIRN_OK && f.is_folder;
}

static firn_status remove_one(firn_store *s, firn_ctx *ctx, const char *path, firn_error *err) {
  char full[PATH_MAX];
  FIRN_TRY(full_path(s, path, full, err));
  FIRN_TRY(firn_ctx_check(ctx, err));
  firn_status status = firn_file_unlink(ctx, full, err);
  if (status == FIRN_NOT_FOUND || (status != FIRN_OK && is_no_object(ctx, full))) {
    return FIRN_OK; /* there was no such object */
  }
  return status;
}

/* Not synced: a removed object that is back after a loss of power is an orphan, no wrong answer. */
static firn_status local_remove(firn_store *s, firn_ctx *ctx, const char *const *paths, size_t n,
                                firn_status *each, firn_error *err) {
  firn_status first = FIRN_OK;
  for (size_t i = 0; i < n; i++) {
    firn_status status = remove_one(s, ctx, paths[i], first == FIRN_OK ? err : NULL);
    first = first == FIRN_OK ? status : first;
    if (each != NULL) {
      each[i] = status;
    }
  }
  return first;
}

/* One folder of a listing: its names in an arena of its own, and where we are in them. */
typedef struct level {
  struct level *above;
  firn_arena arena;
  firn_file_name *names;
  size_t n, at;
  size_t path_len; /* of the listing's `path`: this folder, with its slash */
} level;

typedef struct local_listing {
  firn_listing base;
  level *deepest;
  firn_listed item;
  char root[PATH_MAX];
  char path[FIRN_PATH_MAX + NAME_MOST + 2]; /* relative to the root */
} local_listing;

/* The byte order of whole paths: a folder's name counts with the slash behind it. */
static int compare_names(const void *left, const void *right) {
  const firn_file_name *a = left;
  const firn_file_name *b = right;
  size_t a_len = strlen(a->name);
  size_t b_len = strlen(b->name);
  size_t shorter = a_len < b_len ? a_len : b_len;
  int order = memcmp(a->name, b->name, shorter);
  if (order != 0) {
    return order;
  }
  unsigned char a_next = (unsigned char)(a_len > shorter ? a->name[shorter] : a->is_folder ? '/' : '\0');
  unsigned char b_next = (unsigned char)(b_len > shorter ? b->name[shorter] : b->is_folder ? '/' : '\0');
  return a_next - b_next;
}

static void leave(local_listing *l) {
  level *left = l->deepest;
  l->deepest = left->above;
  firn_arena_free(&left->arena);
  firn_free(left);
}

/* Enters the folder that `l->path` names up to `path_len`. One that is gone has nothing in it. */
static firn_status enter(local_listing *l, firn_ctx *ctx, size_t path_len, firn_error *err) {
  char full[PATH_MAX];
  int len = snprintf(full, sizeof full, "%s%.*s", l->root, (int)path_len, l->path);
  if (len < 0 || len >= PATH_MAX) {
    return firn_error_set(err, FIRN_INVALID, "a folder's whole path has more than %d bytes", PATH_MAX - 1);
  }
  level *in = firn_alloc(sizeof *in);
  if (in == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a listing");
  }
  *in = (level){.above = l->deepest, .arena = FIRN_ARENA_INIT(0), .path_len = path_len};
  l->deepest = in;
  firn_status status = firn_folder_list(ctx, full, &in->arena, &in->names, &in->n, err);
  if (status == FIRN_NOT_FOUND) {
    in->n = 0;
    return FIRN_OK;
  }
  FIRN_TRY(status);
  if (in->n > 0) {
    qsort(in->names, in->n, sizeof *in->names, compare_names);
  }
  return FIRN_OK;
}

/* Whether `l->path`, `len` long, can be or lead to what is asked for. */
static bool fits_prefix(const local_listing *l, size_t len, bool is_folder) {
  size_t prefix_len = strlen(l->base.prefix);
  size_t shorter = len < prefix_len ? len : prefix_len;
  return strncmp(l->path, l->base.prefix, shorter) == 0 && (is_folder || len >= prefix_len);
}

/* Looks at the next name of the deepest folder; `*found` when it is an object. */
static firn_status step(local_listing *l, firn_ctx *ctx, bool *found, firn_error *err) {
  level *in = l->deepest;
  const firn_file_name *name = &in->names[in->at++];
  size_t len = in->path_len + strlen(name->name);
  if (strlen(name->name) > NAME_MOST || len > FIRN_PATH_MAX) {
    return FIRN_OK; /* no path of ours could name it */
  }
  memcpy(l->path + in->path_len, name->name, strlen(name->name) + 1);
  if (name->is_folder) {
    memcpy(l->path + len, "/", 2);
    return fits_prefix(l, len + 1, true) ? enter(l, ctx, len + 1, err) : FIRN_OK;
  }
  if (is_temp_name(name->name) || !fits_prefix(l, len, false)) {
    return FIRN_OK;
  }
  firn_object_info info;
  firn_status status = local_stat((firn_store *)(uintptr_t)l->base.store, ctx, l->path, &info, err);
  if (status == FIRN_NOT_FOUND || status == FIRN_INVALID) { /* gone meanwhile, no file, links in a circle */
    return FIRN_OK;
  }
  FIRN_TRY(status);
  l->item = (firn_listed){.path = l->path, .size_bytes = info.size_bytes, .modified_us = info.modified_us};
  *found = true;
  return FIRN_OK;
}

static firn_status listing_next(firn_listing *base, firn_ctx *ctx, const firn_listed **out, firn_error *err) {
  local_listing *l = (local_listing *)base;
  *out = NULL;
  while (l->deepest != NULL) {
    if (l->deepest->at == l->deepest->n) {
      leave(l);
      continue;
    }
    bool found = false;
    FIRN_TRY(step(l, ctx, &found, err));
    if (found) {
      *out = &l->item;
      return FIRN_OK;
    }
  }
  return FIRN_OK;
}

static void listing_close(firn_listing *base) {
  local_listing *l = (local_listing *)base;
  while (l->deepest != NULL) {
    leave(l);
  }
  firn_free(l);
}

static const firn_listing_ops listing_ops = {.next = listing_next, .close = listing_close};

static firn_status local_list(firn_store *s, firn_ctx *ctx, const char *prefix, firn_listing **out,
                              firn_error *err) {
  local_listing *l = firn_alloc(sizeof *l);
  if (l == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a listing");
  }
  firn_listing_init(&l->base, &listing_ops, s, prefix);
  memcpy(l->root, of(s)->root, strlen(of(s)->root) + 1);
  size_t folder_len =
      (size_t)(name_in(prefix) - prefix); /* the listing begins in the prefix's last whole folder */
  memcpy(l->path, prefix, folder_len);
  firn_status status = enter(l, ctx, folder_len, err);
  if (status != FIRN_OK) {
    listing_close(&l->base);
    return status;
  }
  *out = &l->base;
  return FIRN_OK;
}

static void local_close(firn_store *s) {
  firn_known_folders_free(of(s)->known);
  firn_free(s);
}

static const firn_store_ops local_ops = {
    .scheme = "file",
    .stat = local_stat,
    .read = local_read,
    .put = local_put,
    .writer_open = local_writer_open,
    .list = local_list,
    .remove = local_remove,
    .close = local_close,
};

/* Only who writes cares whether it is durable. */
static firn_status need_root(firn_ctx *ctx, const char *folder, firn_error *err) {
  firn_file_info info;
  bool is_there = firn_file_stat(ctx, folder, &info, NULL) == FIRN_OK && info.is_folder;
  return is_there ? FIRN_OK : make_folders(ctx, folder, err);
}

firn_status firn_local_store_open(const char *folder, const firn_env *env, firn_store **out,
                                  firn_error *err) {
  size_t len = strlen(folder);
  if (folder[0] != '/' || len > PATH_MAX - FIRN_PATH_MAX / 2) {
    return firn_error_set(err, FIRN_INVALID, "\"%.240s\" is no absolute path of a folder", folder);
  }
  while (len > 0 && folder[len - 1] == '/') {
    len--;
  }
  firn_ctx ctx = FIRN_CTX_INIT(env);
  firn_status status = need_root(&ctx, folder, err);
  if (status != FIRN_OK) {
    return firn_error_while(err, status, "file: opening %.240s", folder);
  }
  local_store *s = firn_alloc(sizeof *s + len + 2);
  if (s == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a store");
  }
  status = firn_known_folders_new(&s->known, err);
  if (status != FIRN_OK) {
    firn_free(s);
    return status;
  }
  memcpy(s->root, folder, len);
  memcpy(s->root + len, "/", 2);
  s->base = (firn_store){.ops = &local_ops,
                         .can = FIRN_STORE_IF_ABSENT | FIRN_STORE_LIST_ORDERED | FIRN_STORE_DURABLE,
                         .root = s->root};
  *out = &s->base;
  return FIRN_OK;
}

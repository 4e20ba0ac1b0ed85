/* A journal's segment of anyone's bytes, in a folder in memory: as it is, and once more with its check sums
 * put right, so that what lies behind them is reached too. It is refused with a status that says why, or it
 * opens; then all its records can be read, and it opens again as the same. */
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/journal_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* --- a folder in memory: no more than a journal asks for --- */

enum { MOST_FILES = 16, MOST_BYTES = 1 << 21 };

typedef struct node {
  char name[64]; /* "": free */
  uint8_t *bytes;
  size_t len;
} node;

typedef struct handle {
  firn_file base;
  size_t node;
} handle;

static node nodes[MOST_FILES];
static const firn_file_ops memory_ops;

static const char *name_of(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash != NULL ? slash + 1 : path;
}

static size_t find(const char *path) {
  size_t i = 0;
  while (i < MOST_FILES && strcmp(nodes[i].name, name_of(path)) != 0) {
    i++;
  }
  return i;
}

static void clear(node *n) {
  free(n->bytes);
  *n = (node){.len = 0};
}

static firn_status memory_open(void *self, const char *path, unsigned flags, firn_file **out,
                               firn_error *err) {
  (void)self;
  size_t i = find(path);
  if (i == MOST_FILES && (flags & FIRN_FILE_CREATE) == 0) {
    return firn_error_set(err, FIRN_NOT_FOUND, "no such file");
  }
  if (i < MOST_FILES && (flags & FIRN_FILE_NEW) != 0) {
    return firn_error_set(err, FIRN_EXISTS, "it is there");
  }
  if (i == MOST_FILES) {
    i = find("");
    if (i == MOST_FILES) {
      abort();
    }
    (void)snprintf(nodes[i].name, sizeof nodes[i].name, "%s", name_of(path));
  }
  handle *h = calloc(1, sizeof *h);
  if (h == NULL) {
    abort();
  }
  *h = (handle){.base = {.ops = &memory_ops}, .node = i};
  *out = &h->base;
  return FIRN_OK;
}

static node *of(firn_file *file) {
  return &nodes[((handle *)file)->node];
}

static firn_status memory_stat(void *self, const char *path, firn_file_info *out, firn_error *err) {
  (void)self;
  size_t i = find(path);
  if (i == MOST_FILES && strcmp(name_of(path), "journal") != 0) {
    return firn_error_set(err, FIRN_NOT_FOUND, "no such file");
  }
  bool is_file = i < MOST_FILES;
  *out =
      (firn_file_info){.is_folder = !is_file, .is_file = is_file, .size_bytes = is_file ? nodes[i].len : 0};
  return FIRN_OK;
}

/* The handle that is open follows its file, as far as a journal needs it: a segment being made is written
 * through one handle and then renamed. */
static firn_status memory_rename(void *self, const char *from, const char *to, firn_error *err) {
  (void)self;
  (void)err;
  size_t a = find(from), b = find(to);
  if (a == MOST_FILES) {
    abort();
  }
  if (b < MOST_FILES) {
    nodes[b].name[0] = '\001'; /* replaced, and perhaps open still */
  }
  (void)snprintf(nodes[a].name, sizeof nodes[a].name, "%s", name_of(to));
  return FIRN_OK;
}

static firn_status memory_unlink(void *self, const char *path, firn_error *err) {
  (void)self;
  size_t i = find(path);
  if (i == MOST_FILES) {
    return firn_error_set(err, FIRN_NOT_FOUND, "no such file");
  }
  clear(&nodes[i]);
  return FIRN_OK;
}

static firn_status on_folder(void *self, const char *path, firn_error *err) {
  (void)self;
  (void)path;
  (void)err;
  return FIRN_OK;
}

static firn_status memory_list(void *self, const char *path, firn_arena *arena, firn_file_name **out,
                               size_t *n, firn_error *err) {
  (void)self;
  (void)path;
  *n = 0;
  *out = firn_new_n(arena, firn_file_name, MOST_FILES);
  if (*out == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for names");
  }
  for (size_t i = 0; i < MOST_FILES; i++) {
    if (nodes[i].name[0] > '\001') {
      (*out)[(*n)++] = (firn_file_name){.name = nodes[i].name};
    }
  }
  return FIRN_OK;
}

static firn_status memory_read_at(firn_file *file, uint64_t offset, void *into, size_t len, size_t *got,
                                  firn_error *err) {
  (void)err;
  firn_bytes part = offset > of(file)->len
                        ? (firn_bytes){NULL, 0}
                        : firn_bytes_part((firn_bytes){of(file)->bytes, of(file)->len}, (size_t)offset, len);
  if (part.len > 0) {
    memcpy(into, part.data, part.len);
  }
  *got = part.len;
  return FIRN_OK;
}

static firn_status memory_append(firn_file *file, firn_bytes data, firn_error *err) {
  node *n = of(file);
  if (n->len + data.len > MOST_BYTES) {
    return firn_error_set(err, FIRN_IO, "the disk is full");
  }
  n->bytes = realloc(n->bytes, n->len + data.len + 1);
  if (n->bytes == NULL) {
    abort();
  }
  if (data.len > 0) {
    memcpy(n->bytes + n->len, data.data, data.len);
  }
  n->len += data.len;
  return FIRN_OK;
}

static firn_status memory_truncate(firn_file *file, uint64_t size_bytes, firn_error *err) {
  (void)err;
  of(file)->len = size_bytes < of(file)->len ? (size_t)size_bytes : of(file)->len;
  return FIRN_OK;
}

static firn_status memory_info(firn_file *file, firn_file_info *out, firn_error *err) {
  (void)err;
  *out = (firn_file_info){.size_bytes = of(file)->len, .is_file = true};
  return FIRN_OK;
}

static firn_status memory_sync(firn_file *file, firn_error *err) {
  (void)file;
  (void)err;
  return FIRN_OK;
}

static firn_status memory_lock(firn_file *file, bool wait, firn_error *err) {
  (void)wait;
  return memory_sync(file, err);
}

static void memory_close(firn_file *file) {
  free(file);
}

static const firn_file_ops memory_ops = {
    .open = memory_open,
    .stat = memory_stat,
    .rename = memory_rename,
    .unlink = memory_unlink,
    .make_folder = on_folder,
    .sync_folder = on_folder,
    .list = memory_list,
    .read_at = memory_read_at,
    .append = memory_append,
    .sync = memory_sync,
    .truncate = memory_truncate,
    .info = memory_info,
    .lock = memory_lock,
    .close = memory_close,
};

/* --- the journal --- */

static const firn_uuid id = {.bytes = {1, 2, 3}};

/* Keeps what the input says where that can be, and makes the sums fit. */
static void put_right(uint8_t *bytes, size_t size) {
  if (size < FIRN_JOURNAL_HEAD_BYTES) {
    return;
  }
  firn_journal_head_write(&(firn_journal_head){.id = id, .kind = "fuzz"}, bytes);
  uint64_t position = 0, seed = firn_journal_seed(id);
  for (size_t at = FIRN_JOURNAL_HEAD_BYTES; at + FIRN_JOURNAL_RECORD_HEAD_BYTES <= size; position++) {
    uint8_t *record = bytes + at;
    size_t left = size - at - FIRN_JOURNAL_RECORD_HEAD_BYTES;
    firn_journal_record_head head = {.length = (uint32_t)(record[4] | (record[5] & 3) << 8),
                                     .position = record[8] == 0xFF ? record[9] : position,
                                     .durable = record[16] <= position ? record[16] : position};
    size_t taken = head.length < left ? head.length : left;
    head.check =
        firn_xxh3(seed, (firn_bytes){record + FIRN_JOURNAL_RECORD_HEAD_BYTES, taken}) ^ (record[7] == 0xFF);
    bool is_damaged = record[6] == 0xFF;
    firn_journal_record_head_write(&head, seed, at, record);
    record[0] ^= is_damaged;
    at += (size_t)firn_journal_record_bytes(head.length);
    for (size_t i = taken; i < left && i < taken + FIRN_JOURNAL_ALIGNMENT; i++) {
      size_t gap = at - (size_t)(record - bytes) - FIRN_JOURNAL_RECORD_HEAD_BYTES;
      record[FIRN_JOURNAL_RECORD_HEAD_BYTES + i] = i < gap ? 0 : record[FIRN_JOURNAL_RECORD_HEAD_BYTES + i];
    }
  }
}

static firn_status open_and_read(uint64_t *next, uint64_t *n_read) {
  firn_env env = firn_env_system;
  env.files = &memory_ops;
  firn_ctx ctx = FIRN_CTX_INIT(&env);
  firn_error err;
  firn_journal_options options = {.folder = "/journal", .kind = "fuzz", .max_record_bytes = 1 << 16};
  firn_journal *j = NULL;
  FIRN_TRY(firn_journal_open(&options, &ctx, &j, &err));
  *next = firn_journal_next(j);
  *n_read = firn_journal_first(j);
  firn_journal_reader *r = NULL;
  firn_status status = firn_journal_reader_open(j, &ctx, *n_read, &r, &err);
  bool is_there = status == FIRN_OK;
  while (is_there) {
    firn_journal_record record;
    status = firn_journal_reader_next(r, &ctx, &record, &is_there, &err);
    is_there = is_there && status == FIRN_OK;
    *n_read += is_there;
  }
  firn_journal_reader_close(r);
  firn_journal_close(j);
  if (status != FIRN_OK) { /* an open promises that its records can be read */
    abort();
  }
  return FIRN_OK;
}

static void try_segment(const uint8_t *data, size_t size) {
  (void)snprintf(nodes[0].name, sizeof nodes[0].name, "00000000000000000000.log");
  nodes[0].bytes = malloc(size + 1);
  if (nodes[0].bytes == NULL) {
    abort();
  }
  if (size > 0) {
    memcpy(nodes[0].bytes, data, size);
  }
  nodes[0].len = size;
  uint64_t next = 0, n_read = 0, next_again = 0;
  firn_status status = open_and_read(&next, &n_read);
  if (status == FIRN_OK) {
    if (n_read != next || open_and_read(&next_again, &n_read) != FIRN_OK || next_again != next ||
        n_read != next) {
      abort();
    }
  } else if (status != FIRN_CORRUPT && status != FIRN_UNSUPPORTED && status != FIRN_INVALID &&
             status != FIRN_LIMIT) {
    abort();
  }
  for (size_t i = 0; i < MOST_FILES; i++) {
    clear(&nodes[i]);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size > MOST_BYTES / 4) {
    return 0;
  }
  try_segment(data, size);
  uint8_t *copy = malloc(size + 1);
  if (copy == NULL) {
    abort();
  }
  if (size > 0) {
    memcpy(copy, data, size);
  }
  put_right(copy, size);
  try_segment(copy, size);
  free(copy);
  return 0;
}

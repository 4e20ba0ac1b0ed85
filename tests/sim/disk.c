#include "sim/disk.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "sim/disk_internal.h"

enum { ROOT = 0, PATH_MOST = 4096 };

typedef struct opened {
  firn_file base;
  disk *on;
  size_t node;
  unsigned flags;
} opened;

/* ---- memory, randomness ---- */

static void *checked(void *memory) {
  if (memory == NULL) {
    (void)fprintf(stderr, "the simulated disk has no memory\n");
    abort();
  }
  return memory;
}

void *disk_grow(void *items, size_t n, size_t *capacity, size_t item_size) {
  if (n < *capacity) {
    return items;
  }
  *capacity = *capacity == 0 ? 8 : *capacity * 2;
  return checked(realloc(items, *capacity * item_size));
}

void *disk_zeros(size_t size) {
  return checked(calloc(1, size));
}

char *disk_text(const char *text, size_t len) {
  return checked(strndup(text, len));
}

uint64_t disk_random(uint64_t *state) { /* splitmix64 */
  uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
  z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
  return z ^ (z >> 31);
}

/* ---- content ---- */

void disk_content_write(disk_content *c, size_t offset, const uint8_t *data, size_t len) {
  size_t end = offset + len;
  if (end > c->capacity) {
    size_t capacity = c->capacity * 2 > end ? c->capacity * 2 : end;
    c->data = checked(realloc(c->data, capacity));
    memset(c->data + c->capacity, 0, capacity - c->capacity);
    c->capacity = capacity;
  }
  if (data != NULL && len > 0) {
    memcpy(c->data + offset, data, len);
  }
  c->size = end > c->size ? end : c->size;
}

void disk_content_cut(disk_content *c, size_t size) {
  if (size < c->size) {
    memset(c->data + size, 0, c->size - size);
    c->size = size;
  }
}

static void change(disk_node *f, disk_change what) {
  f->changes = disk_grow(f->changes, f->n_changes, &f->changes_capacity, sizeof *f->changes);
  f->changes[f->n_changes++] = what;
}

static void write_now(disk_node *f, size_t offset, const uint8_t *data, size_t len) {
  if (len == 0) {
    return;
  }
  disk_content_write(&f->now, offset, data, len);
  uint8_t *copy = NULL;
  if (data != NULL) {
    copy = checked(malloc(len));
    memcpy(copy, data, len);
  }
  change(f, (disk_change){.offset = offset, .len = len, .data = copy});
}

/* ---- names ---- */

size_t disk_names_find(const disk_names *names, const char *text) {
  for (size_t i = 0; i < names->n; i++) {
    if (strcmp(names->items[i].text, text) == 0) {
      return i;
    }
  }
  return SIZE_MAX;
}

void disk_names_set(disk_names *names, const char *text, size_t node) {
  size_t i = disk_names_find(names, text);
  if (i != SIZE_MAX) {
    names->items[i].node = node;
    return;
  }
  names->items = disk_grow(names->items, names->n, &names->capacity, sizeof *names->items);
  names->items[names->n++] = (disk_name){disk_text(text, strlen(text)), node};
}

void disk_names_remove(disk_names *names, const char *text) {
  size_t i = disk_names_find(names, text);
  assert(i != SIZE_MAX);
  free(names->items[i].text);
  names->items[i] = names->items[--names->n];
}

static size_t new_node(disk *d, const char *path, bool is_folder) {
  size_t i = 1;
  while (i < d->n_nodes && d->nodes[i].is_used) {
    i++;
  }
  if (i >= d->n_nodes) {
    i = d->n_nodes;
    d->nodes = disk_grow(d->nodes, d->n_nodes, &d->nodes_capacity, sizeof *d->nodes);
    d->n_nodes++;
  }
  d->nodes[i] = (disk_node){.is_used = true, .is_folder = is_folder, .path = disk_text(path, strlen(path))};
  return i;
}

static int64_t stamp(const disk *d) {
  return d->now_us != NULL ? d->now_us(d->clock_arg) * 1000
                           : INT64_C(1750000000000000000) + (int64_t)d->n_operations * 1000;
}

/* A place in the tree of names: a folder and a name in it, which may be taken. */
typedef struct place {
  size_t folder;
  char name[256];
  size_t node; /* SIZE_MAX: nothing of that name */
} place;

static firn_status no_such(firn_error *err) {
  return firn_error_set(err, FIRN_NOT_FOUND, "No such file or directory");
}

static firn_status find(const disk *d, const char *path, place *out, firn_error *err) {
  if (path[0] != '/') {
    return firn_error_set(err, FIRN_INVALID, "the simulated disk knows absolute paths only");
  }
  *out = (place){.folder = ROOT, .node = ROOT};
  for (const char *at = path; *at != '\0';) {
    size_t len = strcspn(at, "/");
    bool is_name = len > 0 && !(len == 1 && at[0] == '.');
    if (is_name) {
      if (out->node == SIZE_MAX) {
        return no_such(err);
      }
      if (!d->nodes[out->node].is_folder) {
        return firn_error_set(err, FIRN_NOT_FOUND, "Not a directory");
      }
      if (len >= sizeof out->name) {
        return firn_error_set(err, FIRN_INVALID, "File name too long");
      }
      out->folder = out->node;
      memcpy(out->name, at, len);
      out->name[len] = '\0';
      const disk_names *names = &d->nodes[out->folder].names;
      size_t i = disk_names_find(names, out->name);
      out->node = i == SIZE_MAX ? SIZE_MAX : names->items[i].node;
    }
    at += len + (at[len] == '/');
  }
  return FIRN_OK;
}

/* The same for something that is there. */
static firn_status find_node(const disk *d, const char *path, size_t *out, firn_error *err) {
  place p;
  FIRN_TRY(find(d, path, &p, err));
  *out = p.node;
  return p.node == SIZE_MAX ? no_such(err) : FIRN_OK;
}

static void move(disk *d, size_t node, const place *from, const place *to) {
  d->moves = disk_grow(d->moves, d->n_moves, &d->moves_capacity, sizeof *d->moves);
  d->moves[d->n_moves++] = (disk_move){
      .node = node,
      .to_folder = to != NULL ? to->folder : SIZE_MAX,
      .to = to != NULL ? disk_text(to->name, strlen(to->name)) : NULL,
      .from_folder = from != NULL ? from->folder : SIZE_MAX,
      .from = from != NULL ? disk_text(from->name, strlen(from->name)) : NULL,
  };
  if (from != NULL) {
    disk_names_remove(&d->nodes[from->folder].names, from->name);
  }
  if (to != NULL) {
    disk_names_set(&d->nodes[to->folder].names, to->name, node);
  }
}

/* ---- power, faults ---- */

static firn_status dark(firn_error *err) {
  return firn_error_set(err, FIRN_IO, "the power is cut");
}

static firn_status check_power(const disk *d, firn_error *err) {
  return d->is_cut ? dark(err) : FIRN_OK;
}

static void digest(disk *d, const char *text) {
  for (; *text != '\0'; text++) {
    d->digest = (d->digest ^ (uint8_t)*text) * UINT64_C(0x100000001B3); /* FNV-1a */
  }
}

static bool is_the_one(disk *d, const char *what, const char *path) {
  bool fits = d->cut_at_one.nth > 0 &&
              (d->cut_at_one.what == NULL || strcmp(d->cut_at_one.what, what) == 0) &&
              strstr(path, d->cut_at_one.where) != NULL;
  return fits && --d->cut_at_one.nth == 0;
}

/* Counts an operation. When the power goes in it, half the time it is still done; `answer` fails then. */
static firn_status begin(disk *d, const char *what, const char *path, firn_error *err) {
  FIRN_TRY(check_power(d, err));
  d->n_operations++;
  digest(d, what);
  digest(d, path);
  bool dies = d->n_operations == d->cut_at || is_the_one(d, what, path);
  if (d->trace != NULL) {
    (void)fprintf(d->trace, "%8" PRIu64 " %-8s %s%s\n", d->n_operations, what, path,
                  dies ? "   POWER CUT" : "");
  }
  if (!dies) {
    return FIRN_OK;
  }
  d->is_cut = true;
  return disk_random(&d->random) % 2 == 0 ? FIRN_OK : dark(err);
}

static firn_status answer(const disk *d, firn_error *err) {
  return check_power(d, err);
}

static bool is_full(const disk *d) {
  return d->n_operations >= d->full_from && d->n_operations < d->full_to;
}

static firn_status check_space(const disk *d, firn_error *err) {
  return is_full(d) ? firn_error_set(err, FIRN_IO, "No space left on device: free some space, then try again")
                    : FIRN_OK;
}

static bool sync_fails(disk *d) {
  if (d->fail_sync_at == 0 || d->n_operations < d->fail_sync_at) {
    return false;
  }
  d->fail_sync_at = 0;
  d->has_failed_sync = true;
  return true;
}

/* ---- operations on names ---- */

static opened *of(firn_file *f) {
  return (opened *)f;
}

static disk_node *node_of(firn_file *f) {
  return &of(f)->on->nodes[of(f)->node];
}

static firn_status check_open(const disk *d, const place *p, unsigned flags, firn_error *err) {
  bool is_there = p->node != SIZE_MAX;
  if (!is_there && (flags & FIRN_FILE_CREATE) == 0) {
    return no_such(err);
  }
  if (is_there && (flags & FIRN_FILE_NEW) != 0) {
    return firn_error_set(err, FIRN_EXISTS, "File exists");
  }
  if (is_there && d->nodes[p->node].is_folder && (flags & (FIRN_FILE_WRITE | FIRN_FILE_CREATE)) != 0) {
    return firn_error_set(err, FIRN_INVALID, "Is a directory");
  }
  return FIRN_OK;
}

static firn_status create(disk *d, const char *path, place *p, firn_error *err) {
  FIRN_TRY(begin(d, "create", path, err));
  FIRN_TRY(check_space(d, err));
  p->node = new_node(d, path, false);
  d->nodes[p->node].modified_ns = stamp(d);
  move(d, p->node, NULL, p);
  return answer(d, err);
}

static firn_status disk_open(void *self, const char *path, unsigned flags, firn_file **out, firn_error *err) {
  disk *d = self;
  place p;
  FIRN_TRY(check_power(d, err));
  FIRN_TRY(find(d, path, &p, err));
  FIRN_TRY(check_open(d, &p, flags, err));
  if (p.node == SIZE_MAX) {
    FIRN_TRY(create(d, path, &p, err));
  }
  opened *f = checked(malloc(sizeof *f));
  *f = (opened){.base = {.ops = &d->ops}, .on = d, .node = p.node, .flags = flags};
  d->nodes[p.node].n_open++;
  d->n_open++;
  *out = &f->base;
  return FIRN_OK;
}

static void fill_info(const disk *d, size_t node, firn_file_info *out) {
  const disk_node *n = &d->nodes[node];
  *out = (firn_file_info){.size_bytes = n->now.size,
                          .modified_ns = n->modified_ns,
                          .device = 1,
                          .inode = node + 1,
                          .is_folder = n->is_folder,
                          .is_file = !n->is_folder};
}

static firn_status disk_stat(void *self, const char *path, firn_file_info *out, firn_error *err) {
  const disk *d = self;
  size_t node;
  FIRN_TRY(check_power(d, err));
  FIRN_TRY(find_node(d, path, &node, err));
  fill_info(d, node, out);
  return FIRN_OK;
}

/* Whether folder `what` is `in` or somewhere below it. */
static bool is_within(const disk *d, size_t what, size_t in) { /* as deep as folders are */
  const disk_names *names = &d->nodes[in].names;
  bool is = what == in;
  for (size_t i = 0; i < names->n && !is; i++) {
    is = d->nodes[names->items[i].node].is_folder && is_within(d, what, names->items[i].node);
  }
  return is;
}

static firn_status check_replace(const disk *d, const place *from, const place *to, firn_error *err) {
  if (from->node == ROOT || to->node == ROOT ||
      (d->nodes[from->node].is_folder && is_within(d, to->folder, from->node))) {
    return firn_error_set(err, FIRN_INVALID, "Invalid argument");
  }
  if (to->node == SIZE_MAX) {
    return FIRN_OK;
  }
  const disk_node *a = &d->nodes[from->node], *b = &d->nodes[to->node];
  if (a->is_folder != b->is_folder) {
    return firn_error_set(err, a->is_folder ? FIRN_NOT_FOUND : FIRN_INVALID, "%s",
                          a->is_folder ? "Not a directory" : "Is a directory");
  }
  return b->is_folder && b->names.n > 0 ? firn_error_set(err, FIRN_EXISTS, "Directory not empty") : FIRN_OK;
}

static firn_status disk_rename(void *self, const char *from, const char *to, firn_error *err) {
  disk *d = self;
  place old, new;
  FIRN_TRY(begin(d, "rename", from, err));
  FIRN_TRY(find(d, from, &old, err));
  FIRN_TRY(old.node == SIZE_MAX ? no_such(err) : FIRN_OK);
  FIRN_TRY(find(d, to, &new, err));
  FIRN_TRY(check_replace(d, &old, &new, err));
  FIRN_TRY(check_space(d, err));
  if (old.node != new.node) {
    move(d, old.node, &old, &new);
    free(d->nodes[old.node].path);
    d->nodes[old.node].path = disk_text(to, strlen(to));
  }
  return answer(d, err);
}

static firn_status disk_link(void *self, const char *from, const char *to, firn_error *err) {
  disk *d = self;
  place old, new;
  FIRN_TRY(begin(d, "link", to, err));
  FIRN_TRY(find(d, from, &old, err));
  FIRN_TRY(old.node == SIZE_MAX ? no_such(err) : FIRN_OK);
  FIRN_TRY(find(d, to, &new, err));
  if (new.node != SIZE_MAX) {
    return firn_error_set(err, FIRN_EXISTS, "File exists");
  }
  if (d->nodes[old.node].is_folder) {
    return firn_error_set(err, FIRN_UNSUPPORTED, "the file system has no hard links"); /* to folders */
  }
  FIRN_TRY(check_space(d, err));
  move(d, old.node, NULL, &new);
  return answer(d, err);
}

static firn_status disk_unlink(void *self, const char *path, firn_error *err) {
  disk *d = self;
  place p;
  FIRN_TRY(begin(d, "unlink", path, err));
  FIRN_TRY(find(d, path, &p, err));
  FIRN_TRY(p.node == SIZE_MAX ? no_such(err) : FIRN_OK);
  if (d->nodes[p.node].is_folder) {
    return firn_error_set(err, FIRN_INVALID, "Is a directory");
  }
  move(d, p.node, &p, NULL);
  return answer(d, err);
}

static firn_status disk_make_folder(void *self, const char *path, firn_error *err) {
  disk *d = self;
  place p;
  FIRN_TRY(begin(d, "mkdir", path, err));
  FIRN_TRY(find(d, path, &p, err));
  if (p.node != SIZE_MAX) {
    return firn_error_set(err, FIRN_EXISTS, "File exists");
  }
  FIRN_TRY(check_space(d, err));
  size_t node = new_node(d, path, true);
  d->nodes[node].modified_ns = stamp(d);
  move(d, node, NULL, &p);
  return answer(d, err);
}

static firn_status disk_remove_folder(void *self, const char *path, firn_error *err) {
  disk *d = self;
  place p;
  FIRN_TRY(begin(d, "rmdir", path, err));
  FIRN_TRY(find(d, path, &p, err));
  FIRN_TRY(p.node == SIZE_MAX ? no_such(err) : FIRN_OK);
  if (!d->nodes[p.node].is_folder || p.node == ROOT) {
    return firn_error_set(err, FIRN_NOT_FOUND, "Not a directory");
  }
  if (d->nodes[p.node].names.n > 0) {
    return firn_error_set(err, FIRN_EXISTS, "Directory not empty");
  }
  move(d, p.node, &p, NULL);
  return answer(d, err);
}

static firn_status disk_sync_folder(void *self, const char *path, firn_error *err) {
  disk *d = self;
  size_t node;
  FIRN_TRY(begin(d, "syncdir", path, err));
  FIRN_TRY(find_node(d, path, &node, err));
  if (!d->nodes[node].is_folder) {
    return firn_error_set(err, FIRN_NOT_FOUND, "Not a directory");
  }
  if (sync_fails(d)) {
    return firn_error_set(err, FIRN_IO, "Input/output error");
  }
  disk_settle_names(d, node);
  return answer(d, err);
}

static firn_status disk_list(void *self, const char *path, firn_arena *arena, firn_file_name **out, size_t *n,
                             firn_error *err) {
  const disk *d = self;
  size_t node;
  FIRN_TRY(check_power(d, err));
  FIRN_TRY(find_node(d, path, &node, err));
  if (!d->nodes[node].is_folder) {
    return firn_error_set(err, FIRN_NOT_FOUND, "Not a directory");
  }
  const disk_names *names = &d->nodes[node].names;
  firn_file_name *items = firn_new_n(arena, firn_file_name, names->n + 1);
  if (items == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu names", names->n);
  }
  for (size_t i = 0; i < names->n; i++) {
    items[i].name = firn_arena_text(arena, firn_bytes_of(names->items[i].text));
    items[i].is_folder = d->nodes[names->items[i].node].is_folder;
    if (items[i].name == NULL) {
      return firn_error_set(err, FIRN_NOMEM, "no memory for %zu names", names->n);
    }
  }
  *out = items;
  *n = names->n;
  return FIRN_OK;
}

/* ---- operations on open files ---- */

static firn_status disk_read_at(firn_file *f, uint64_t offset, void *into, size_t len, size_t *got,
                                firn_error *err) {
  const disk_node *n = node_of(f);
  FIRN_TRY(check_power(of(f)->on, err));
  if (n->is_folder) {
    return firn_error_set(err, FIRN_INVALID, "Is a directory");
  }
  if ((of(f)->flags & FIRN_FILE_READ) == 0) {
    return firn_error_set(err, FIRN_IO, "Bad file descriptor");
  }
  if (offset > INT64_MAX) {
    return firn_error_set(err, FIRN_INVALID, "an offset beyond 63 bits");
  }
  size_t left = offset < n->now.size ? n->now.size - (size_t)offset : 0;
  *got = len < left ? len : left;
  if (*got > 0) {
    memcpy(into, n->now.data + offset, *got);
  }
  return FIRN_OK;
}

static firn_status write_somewhere(firn_file *f, const char *what, bool in_place, uint64_t offset,
                                   firn_bytes data, firn_error *err) {
  disk *d = of(f)->on;
  char text[PATH_MOST];
  (void)snprintf(text, sizeof text, "%s: %zu bytes at %" PRIu64, node_of(f)->path, data.len, offset);
  FIRN_TRY(begin(d, what, text, err));
  if ((of(f)->flags & FIRN_FILE_WRITE) == 0) {
    return firn_error_set(err, FIRN_IO, "Bad file descriptor");
  }
  bool is_in_place = (of(f)->flags & FIRN_FILE_IN_PLACE) != 0;
  if (in_place != is_in_place || offset > SIZE_MAX / 4) {
    return firn_error_set(err, FIRN_INVALID, "the file was opened to be %s",
                          is_in_place ? "written in place" : "appended to");
  }
  disk_node *n = node_of(f);
  size_t len = is_full(d) ? (size_t)(disk_random(&d->random) % (data.len + 1)) : data.len;
  if (offset > n->now.size && len > 0) {
    write_now(n, n->now.size, NULL, (size_t)offset - n->now.size);
  }
  write_now(n, (size_t)offset, data.data, len);
  n->modified_ns = stamp(d);
  FIRN_TRY(check_space(d, err));
  return answer(d, err);
}

static firn_status disk_append(firn_file *f, firn_bytes data, firn_error *err) {
  return write_somewhere(f, "append", false, node_of(f)->now.size, data, err);
}

static firn_status disk_write_at(firn_file *f, uint64_t offset, firn_bytes data, firn_error *err) {
  return write_somewhere(f, "write", true, offset, data, err);
}

static firn_status disk_sync(firn_file *f, firn_error *err) {
  disk *d = of(f)->on;
  FIRN_TRY(begin(d, "sync", node_of(f)->path, err));
  if (sync_fails(d)) {
    disk_settle_partly(node_of(f), &d->random);
    return firn_error_set(err, FIRN_IO, "Input/output error");
  }
  disk_settle_whole(node_of(f));
  return answer(d, err);
}

static firn_status disk_truncate(firn_file *f, uint64_t size_bytes, firn_error *err) {
  disk *d = of(f)->on;
  char text[PATH_MOST];
  (void)snprintf(text, sizeof text, "%s: to %" PRIu64, node_of(f)->path, size_bytes);
  FIRN_TRY(begin(d, "truncate", text, err));
  if ((of(f)->flags & FIRN_FILE_WRITE) == 0 || size_bytes > SIZE_MAX / 4) {
    return firn_error_set(err, FIRN_INVALID, "Invalid argument");
  }
  disk_node *n = node_of(f);
  size_t size = (size_t)size_bytes;
  if (size > n->now.size) {
    FIRN_TRY(check_space(d, err));
    write_now(n, n->now.size, NULL, size - n->now.size);
  } else if (size < n->now.size) {
    disk_content_cut(&n->now, size);
    change(n, (disk_change){.is_cut = true, .offset = size});
  }
  n->modified_ns = stamp(d);
  return answer(d, err);
}

static firn_status disk_info(firn_file *f, firn_file_info *out, firn_error *err) {
  FIRN_TRY(check_power(of(f)->on, err));
  fill_info(of(f)->on, of(f)->node, out);
  return FIRN_OK;
}

static firn_status disk_lock(firn_file *f, bool wait, firn_error *err) {
  (void)wait; /* on one thread nobody would ever let go */
  FIRN_TRY(check_power(of(f)->on, err));
  disk_node *n = node_of(f);
  if (n->locked_by != NULL && n->locked_by != f) {
    return firn_error_set(err, FIRN_BUSY, "another process has it");
  }
  n->locked_by = f;
  return FIRN_OK;
}

static void disk_close(firn_file *f) {
  disk_node *n = node_of(f);
  n->locked_by = n->locked_by == f ? NULL : n->locked_by;
  n->n_open--;
  of(f)->on->n_open--;
  free(f);
}

/* ---- the disk ---- */

disk *disk_new(uint64_t seed) {
  disk *d = disk_zeros(sizeof *d);
  d->ops = (firn_file_ops){
      .self = d,
      .open = disk_open,
      .stat = disk_stat,
      .rename = disk_rename,
      .link = disk_link,
      .unlink = disk_unlink,
      .make_folder = disk_make_folder,
      .remove_folder = disk_remove_folder,
      .sync_folder = disk_sync_folder,
      .list = disk_list,
      .read_at = disk_read_at,
      .append = disk_append,
      .write_at = disk_write_at,
      .sync = disk_sync,
      .truncate = disk_truncate,
      .info = disk_info,
      .lock = disk_lock,
      .close = disk_close,
  };
  d->random = seed;
  d->nodes = disk_grow(NULL, 0, &d->nodes_capacity, sizeof *d->nodes);
  d->nodes[ROOT] = (disk_node){.is_used = true, .is_folder = true, .path = disk_text("/", 1)};
  d->n_nodes = 1;
  return d;
}

const firn_file_ops *disk_ops(disk *d) {
  return &d->ops;
}

void disk_set_clock(disk *d, int64_t (*now_us)(void *), void *arg) {
  d->now_us = now_us;
  d->clock_arg = arg;
}

void disk_trace(disk *d, FILE *to) {
  d->trace = to;
}

uint64_t disk_digest(const disk *d) {
  return d->digest;
}

uint64_t disk_n_operations(const disk *d) {
  return d->n_operations;
}

void disk_cut_power_at(disk *d, uint64_t operation) {
  d->cut_at = operation;
}

void disk_cut_power_at_one(disk *d, const char *what, const char *where, uint64_t nth) {
  d->cut_at_one.what = what;
  d->cut_at_one.where = where;
  d->cut_at_one.nth = nth;
}

void disk_cut_power(disk *d) {
  d->is_cut = true;
}

void disk_revive(disk *d) {
  disk_check_closed(d);
  d->is_cut = false;
  d->cut_at = d->cut_at_one.nth = d->full_from = d->full_to = d->fail_sync_at = 0;
}

bool disk_is_cut(const disk *d) {
  return d->is_cut;
}

void disk_fill_at(disk *d, uint64_t operation, uint64_t n_operations) {
  d->full_from = operation;
  d->full_to = operation + n_operations;
}

void disk_fail_sync_at(disk *d, uint64_t operation) {
  d->fail_sync_at = operation;
}

bool disk_has_failed_sync(const disk *d) {
  return d->has_failed_sync;
}

/* ---- to the real system ---- */

static void must(bool done, const char *what, const char *path) {
  if (!done) {
    (void)fprintf(stderr, "%s %s: %s\n", what, path, strerror(errno));
    abort();
  }
}

static void export_file(const disk_node *n, const char *to) {
  FILE *f = fopen(to, "wb");
  must(f != NULL, "opening", to);
  must(n->now.size == 0 || fwrite(n->now.data, 1, n->now.size, f) == n->now.size, "writing", to);
  must(fclose(f) == 0, "closing", to);
}

static void export_folder(const disk *d, size_t folder, const char *to) { /* as deep as folders are */
  must(mkdir(to, 0777) == 0 || errno == EEXIST, "making", to);
  const disk_names *names = &d->nodes[folder].names;
  for (size_t i = 0; i < names->n; i++) {
    char path[PATH_MOST];
    int len = snprintf(path, sizeof path, "%s/%s", to, names->items[i].text);
    must(len > 0 && len < PATH_MOST, "naming", to);
    const disk_node *n = &d->nodes[names->items[i].node];
    if (n->is_folder) {
      export_folder(d, names->items[i].node, path);
    } else {
      export_file(n, path);
    }
  }
}

void disk_export(disk *d, const char *from, const char *to) {
  firn_error err;
  size_t node;
  if (find_node(d, from, &node, &err) != FIRN_OK || !d->nodes[node].is_folder) {
    (void)fprintf(stderr, "there is no folder %s on the simulated disk\n", from);
    abort();
  }
  export_folder(d, node, to);
}

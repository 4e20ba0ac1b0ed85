/* What the two files of the simulated disk share. */
#ifndef FIRN_TESTS_DISK_INTERNAL_H
#define FIRN_TESTS_DISK_INTERNAL_H

#include "sim/disk.h"

enum { DISK_SECTOR = 512 };

typedef struct disk_content {
  uint8_t *data; /* zeros from `size` to `capacity` */
  size_t size, capacity;
} disk_content;

/* Something that happened to a file's content since its last sync. */
typedef struct disk_change {
  bool is_cut;   /* shortened to `offset` */
  size_t offset; /* else written there; without data: made longer with zeros */
  size_t len;
  uint8_t *data;
} disk_change;

typedef struct disk_name {
  char *text;
  size_t node;
} disk_name;

typedef struct disk_names {
  disk_name *items;
  size_t n, capacity;
} disk_names;

typedef struct disk_node {
  bool is_used, is_folder;
  char *path; /* where it was made, or moved to; for people */
  int64_t modified_ns;
  disk_content now, durable; /* of a file */
  disk_change *changes;
  size_t n_changes, changes_capacity;
  disk_names names, durable_names; /* of a folder */
  const void *locked_by;           /* an open file */
  size_t n_open;
} disk_node;

/* Something that happened to names and that no sync has made durable: `to` is a new name for `node`, `from`
 * is one that it has lost. Either may be missing (text NULL). */
typedef struct disk_move {
  size_t node;
  size_t to_folder, from_folder;
  char *to, *from;
} disk_move;

struct disk {
  firn_file_ops ops;
  disk_node *nodes; /* 0 is "/" */
  size_t n_nodes, nodes_capacity;
  disk_move *moves;
  size_t n_moves, moves_capacity;
  uint64_t random, digest;
  uint64_t n_operations, cut_at, full_from, full_to, fail_sync_at;
  struct {
    const char *what, *where;
    uint64_t nth; /* 0: never */
  } cut_at_one;
  bool is_cut, has_failed_sync;
  size_t n_open;
  int64_t (*now_us)(void *);
  void *clock_arg;
  FILE *trace;
};

/* Memory; ends the program when there is none. */
void *disk_grow(void *items, size_t n, size_t *capacity, size_t item_size);
void *disk_zeros(size_t size);
char *disk_text(const char *text, size_t len);

uint64_t disk_random(uint64_t *state);

void disk_content_write(disk_content *c, size_t offset, const uint8_t *data, size_t len);
void disk_content_cut(disk_content *c, size_t size);

size_t disk_names_find(const disk_names *names, const char *text); /* SIZE_MAX: it is not there */
void disk_names_set(disk_names *names, const char *text, size_t node);
void disk_names_remove(disk_names *names, const char *text);

/* disk_crash.c */
/* Everything that happened to the file is durable. */
void disk_settle_whole(disk_node *f);
/* Some of it is, by `random`; the rest is forgotten. `now` stays. */
void disk_settle_partly(disk_node *f, uint64_t *random);
/* The names in `folder` are durable. */
void disk_settle_names(disk *d, size_t folder);
void disk_check_closed(const disk *d);

#endif

/* What is left of a simulated disk when the power is back. */
#include <stdlib.h>

#include "sim/disk_internal.h"

/* How a crash treats the content of a file, or the names in folders. Whole disks that are treated alike are
 * as dangerous as mixtures: a file of full size that holds zeros comes about in no other way. */
typedef enum fate {
  ALL,     /* everything arrived: only the process died */
  NOTHING, /* nothing since the last sync */
  UP_TO,   /* everything up to some moment */
  ANY,     /* any part of it */
  HOLLOW,  /* content only: sizes arrived, data did not */
  N_FATES
} fate;

static bool coin(uint64_t *random) {
  return disk_random(random) % 2 == 0;
}

/* From 0 to `n`, both ends more often. */
static size_t moment(uint64_t *random, size_t n) {
  uint64_t r = disk_random(random);
  return r % 4 == 0 ? 0 : r % 4 == 1 ? n : (size_t)((r >> 8) % (n + 1));
}

/* ---- content ---- */

static void apply(disk_content *c, const disk_change *what) {
  if (what->is_cut) {
    disk_content_cut(c, what->offset);
  } else {
    disk_content_write(c, what->offset, what->data, what->len);
  }
}

static void forget_changes(disk_node *f) {
  for (size_t i = 0; i < f->n_changes; i++) {
    free(f->changes[i].data);
  }
  f->n_changes = 0;
}

void disk_settle_whole(disk_node *f) {
  for (size_t i = 0; i < f->n_changes; i++) {
    apply(&f->durable, &f->changes[i]);
  }
  forget_changes(f);
}

/* Where the changes end that some image may show: at a cut that did not arrive nothing written behind it did
 * either, for a file system does not show what was cut off under a size that came later. */
static size_t last_of(const disk_node *f, uint64_t *random) {
  size_t n_cuts = 0;
  for (size_t i = 0; i < f->n_changes; i++) {
    n_cuts += f->changes[i].is_cut;
  }
  size_t kept = moment(random, n_cuts), i = 0;
  for (; i < f->n_changes; i++) {
    if (f->changes[i].is_cut && kept-- == 0) {
      break;
    }
  }
  return i;
}

/* A sector holds what was in it after some of the changes: before change number ... of `end`. */
static size_t moment_of_sector(uint64_t key, size_t sector, size_t end) {
  uint64_t state = key ^ (sector * UINT64_C(0xD1342543DE82EF95));
  return moment(&state, end);
}

/* The sectors of one write that arrived. They may lie behind `c->size`, which does not change. */
static void apply_sectors(disk_content *c, const disk_change *what, size_t number, uint64_t key, size_t end) {
  size_t size = c->size, upto = what->offset + what->len;
  disk_content_write(c, what->offset, NULL, what->len); /* room */
  for (size_t at = what->offset; at < upto;) {
    size_t sector = at / DISK_SECTOR;
    size_t next = (sector + 1) * DISK_SECTOR < upto ? (sector + 1) * DISK_SECTOR : upto;
    if (what->data != NULL && number < moment_of_sector(key, sector, end)) {
      memcpy(c->data + at, what->data + (at - what->offset), next - at);
    }
    at = next;
  }
  c->size = size;
}

/* A size on the way from the one before the write to the one after it. */
static size_t size_within(const disk_change *what, size_t before, uint64_t *random) {
  size_t after = what->offset + what->len;
  if (after <= before) {
    return before;
  }
  size_t at = before + (size_t)(disk_random(random) % (after - before + 1));
  at = at / DISK_SECTOR * DISK_SECTOR;
  return at > before ? at : before;
}

static void settle_any(disk_node *f, uint64_t *random, bool is_hollow) {
  size_t end = last_of(f, random), size_moment = is_hollow ? end : moment(random, end);
  uint64_t key = disk_random(random);
  disk_content *c = &f->durable;
  size_t size = c->size;
  for (size_t i = 0; i < end; i++) {
    const disk_change *what = &f->changes[i];
    if (what->is_cut) { /* cuts what arrived behind the size too */
      size_t cut = what->offset < size ? what->offset : size;
      c->size = c->capacity;
      disk_content_cut(c, cut);
      size = cut;
      continue;
    }
    if (!is_hollow || what->offset + what->len <= size) {
      apply_sectors(c, what, i, key, end);
    } else {
      disk_content_write(c, what->offset, NULL, what->len);
    }
    if (i < size_moment) {
      size = what->offset + what->len > size ? what->offset + what->len : size;
    } else if (i == size_moment) {
      size = size_within(what, size, random);
    }
  }
  c->size = c->capacity; /* what arrived behind the size is not seen, nor later when the file grows */
  disk_content_cut(c, size);
}

static void settle_up_to(disk_node *f, uint64_t *random) {
  size_t end = moment(random, f->n_changes);
  for (size_t i = 0; i < end; i++) {
    apply(&f->durable, &f->changes[i]);
  }
}

static void settle(disk_node *f, fate how, uint64_t *random) {
  switch (how) {
    case ALL:
      disk_settle_whole(f);
      break;
    case UP_TO:
      settle_up_to(f, random);
      break;
    case ANY:
    case HOLLOW:
      settle_any(f, random, how == HOLLOW);
      break;
    case NOTHING:
    case N_FATES:
      break;
  }
  forget_changes(f);
}

void disk_settle_partly(disk_node *f, uint64_t *random) {
  settle(f, coin(random) ? NOTHING : ANY, random);
}

/* ---- names ---- */

static bool is_of(const disk_names *names, const char *text, size_t node) {
  size_t i = disk_names_find(names, text);
  return i != SIZE_MAX && names->items[i].node == node;
}

/* `keeps_both`: a rename of which the second half is missing. */
static void apply_move(disk *d, const disk_move *m, bool keeps_both) {
  if (m->to != NULL) {
    disk_names_set(&d->nodes[m->to_folder].durable_names, m->to, m->node);
  }
  if (m->from == NULL || keeps_both) {
    return;
  }
  disk_names *names = &d->nodes[m->from_folder].durable_names;
  bool is_gone = m->to == NULL; /* a folder goes only when it is empty */
  bool is_full = is_gone && d->nodes[m->node].is_folder && d->nodes[m->node].durable_names.n > 0;
  if (is_of(names, m->from, m->node) && !is_full) {
    disk_names_remove(names, m->from);
  }
}

static void forget_move(disk *d, size_t i) {
  free(d->moves[i].to);
  free(d->moves[i].from);
  memmove(d->moves + i, d->moves + i + 1, (--d->n_moves - i) * sizeof *d->moves);
}

/* A rename from folder to folder is one step: with one of them the other is synced too. */
static void mark_with(const disk *d, size_t folder, bool *marked) {
  marked[folder] = true;
  for (bool again = true; again;) {
    again = false;
    for (size_t i = 0; i < d->n_moves; i++) {
      const disk_move *m = &d->moves[i];
      if (m->to == NULL || m->from == NULL || marked[m->to_folder] == marked[m->from_folder]) {
        continue;
      }
      marked[m->to_folder] = marked[m->from_folder] = again = true;
    }
  }
}

void disk_settle_names(disk *d, size_t folder) {
  bool *marked = disk_zeros(d->n_nodes);
  mark_with(d, folder, marked);
  for (size_t i = 0; i < d->n_moves;) {
    const disk_move *m = &d->moves[i];
    bool is_marked = (m->to != NULL && marked[m->to_folder]) || (m->from != NULL && marked[m->from_folder]);
    if (!is_marked) {
      i++;
      continue;
    }
    apply_move(d, m, false);
    forget_move(d, i);
  }
  free(marked);
}

static void settle_all_names(disk *d, fate how, uint64_t *random) {
  size_t end = how == ALL || how == ANY ? d->n_moves : how == UP_TO ? moment(random, d->n_moves) : 0;
  for (size_t i = 0; i < end; i++) {
    if (how != ANY || coin(random)) {
      apply_move(d, &d->moves[i], how == ANY && disk_random(random) % 4 == 0);
    }
  }
  while (d->n_moves > 0) {
    forget_move(d, d->n_moves - 1);
  }
}

/* ---- the disk ---- */

static void free_names(disk_names *names) {
  for (size_t i = 0; i < names->n; i++) {
    free(names->items[i].text);
  }
  free(names->items);
  *names = (disk_names){0};
}

static void free_node(disk_node *n) {
  forget_changes(n);
  free(n->changes);
  free(n->path);
  free(n->now.data);
  free(n->durable.data);
  free_names(&n->names);
  free_names(&n->durable_names);
  *n = (disk_node){0};
}

/* What a program sees from now on: the durable state, as far as names lead to it. */
static void show(disk *d, size_t node, bool *seen) {
  disk_node *n = &d->nodes[node];
  seen[node] = true;
  free_names(&n->names);
  free(n->now.data);
  n->now = (disk_content){0};
  disk_content_write(&n->now, 0, n->durable.data, n->durable.size);
  for (size_t i = 0; i < n->durable_names.n; i++) {
    const disk_name *name = &n->durable_names.items[i];
    disk_names_set(&n->names, name->text, name->node);
    if (!seen[name->node]) {
      show(d, name->node, seen);
    }
  }
}

void disk_check_closed(const disk *d) {
  if (d->n_open > 0) {
    (void)fprintf(stderr, "%zu files of the simulated disk are open still\n", d->n_open);
    abort();
  }
}

void disk_crash(disk *d, uint64_t seed) {
  disk_check_closed(d);
  uint64_t random = seed;
  bool is_mixed = coin(&random);
  fate content = (fate)(disk_random(&random) % N_FATES);
  fate names = (fate)(disk_random(&random) % HOLLOW);
  for (size_t i = 0; i < d->n_nodes; i++) {
    if (d->nodes[i].is_used) {
      settle(&d->nodes[i], is_mixed ? (fate)(disk_random(&random) % N_FATES) : content, &random);
    }
  }
  settle_all_names(d, names, &random);
  bool *seen = disk_zeros(d->n_nodes);
  show(d, 0, seen);
  for (size_t i = 0; i < d->n_nodes; i++) {
    if (!seen[i]) {
      free_node(&d->nodes[i]);
    }
  }
  free(seen);
  disk_revive(d);
  d->has_failed_sync = false;
}

void disk_free(disk *d) {
  if (d == NULL) {
    return;
  }
  disk_check_closed(d);
  while (d->n_moves > 0) {
    forget_move(d, d->n_moves - 1);
  }
  for (size_t i = 0; i < d->n_nodes; i++) {
    free_node(&d->nodes[i]);
  }
  free(d->nodes);
  free(d->moves);
  free(d);
}

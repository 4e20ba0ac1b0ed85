/* The summary of an append's snapshot. Every value is text; totals are carried forward from the parent, and
 * one that the parent does not have is unknown and stays away. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "iceberg/commit/append_internal.h"
#include "iceberg/commit/property.h"

enum { MAX_MADE = 16 };

typedef struct sums {
  int64_t files, records, bytes;
  size_t partitions;
} sums;

/* By total: which of the sums it grows by. */
static const struct {
  const char *key;
  enum { RECORDS, BYTES, FILES, NOTHING } grows_by;
} totals[] = {
    {"total-records", RECORDS},      {"total-files-size", BYTES},         {"total-data-files", FILES},
    {"total-delete-files", NOTHING}, {"total-position-deletes", NOTHING}, {"total-equality-deletes", NOTHING},
};

static const char *const others[] = {
    "operation",        "added-data-files",        "added-records",
    "added-files-size", "changed-partition-count", "manifests-created",
    "manifests-kept",   "manifests-replaced",
};

bool firn_append_makes_key(const char *key) {
  for (size_t i = 0; i < FIRN_COUNT_OF(totals); i++) {
    if (strcmp(key, totals[i].key) == 0) {
      return true;
    }
  }
  for (size_t i = 0; i < FIRN_COUNT_OF(others); i++) {
    if (strcmp(key, others[i]) == 0) {
      return true;
    }
  }
  return false;
}

/* --- how many partitions change --- */

typedef struct seen_partition {
  uint64_t hash;
  const firn_data_file *file; /* NULL: a free place */
} seen_partition;

static uint64_t hash_partition(const firn_data_file *file, size_t n_fields) {
  uint64_t hash = (uint64_t)(uint32_t)file->spec_id;
  for (size_t i = 0; i < n_fields; i++) {
    hash = (hash ^ firn_value_hash(&file->partition[i])) * UINT64_C(0x9E3779B97F4A7C15);
    hash ^= hash >> 29;
  }
  return hash;
}

static bool same_partition(const firn_data_file *a, const firn_data_file *b, size_t n_fields) {
  if (a->spec_id != b->spec_id) {
    return false;
  }
  for (size_t i = 0; i < n_fields; i++) {
    if (!firn_value_equal(&a->partition[i], &b->partition[i])) {
      return false;
    }
  }
  return true;
}

static firn_status count_partitions(const firn_append *append, const firn_metadata *base, size_t *out,
                                    firn_error *err) {
  size_t size = 16;
  while (size < append->n_files * 2) {
    size *= 2;
  }
  seen_partition *seen FIRN_AUTO(firn_free_pointer) = firn_alloc(size * sizeof *seen);
  if (seen == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory to count partitions of %zu files", append->n_files);
  }
  size_t n = 0;
  for (size_t i = 0; i < append->n_files; i++) {
    const firn_data_file *file = &append->files[i];
    size_t n_fields = firn_metadata_spec(base, file->spec_id)->n_fields;
    uint64_t hash = hash_partition(file, n_fields);
    size_t at = hash & (size - 1);
    while (seen[at].file != NULL &&
           (seen[at].hash != hash || !same_partition(seen[at].file, file, n_fields))) {
      at = (at + 1) & (size - 1);
    }
    n += seen[at].file == NULL;
    seen[at] = (seen_partition){.hash = hash, .file = file};
  }
  *out = n;
  return FIRN_OK;
}

/* --- building --- */

typedef struct building {
  firn_property *items;
  size_t n;
  firn_arena *arena;
  bool failed;
} building;

static void add_number(building *b, const char *key, int64_t v) {
  char *text = firn_arena_printf(b->arena, "%" PRId64, v);
  b->failed = b->failed || text == NULL;
  b->items[b->n++] = (firn_property){.key = key, .value = text};
}

static void add_counted(building *b, const sums *s) {
  const struct {
    const char *key;
    int64_t v;
  } added[] = {{"added-data-files", s->files}, {"added-records", s->records}, {"added-files-size", s->bytes}};
  for (size_t i = 0; i < FIRN_COUNT_OF(added); i++) {
    if (added[i].v > 0) { /* as the reference: what did not change is not mentioned */
      add_number(b, added[i].key, added[i].v);
    }
  }
  add_number(b, "changed-partition-count", (int64_t)s->partitions);
}

/* A parent's total, 0 where there is no parent, -1 where the parent does not say. */
static int64_t parent_total(const firn_append_attempt *attempt, const char *key) {
  return attempt->has_parent ? firn_property_int64(&attempt->parent.summary, key, -1) : 0;
}

static void add_totals(building *b, const firn_append_attempt *attempt, const sums *s) {
  const int64_t growth[] = {[RECORDS] = s->records, [BYTES] = s->bytes, [FILES] = s->files, [NOTHING] = 0};
  for (size_t i = 0; i < FIRN_COUNT_OF(totals); i++) {
    int64_t total = parent_total(attempt, totals[i].key);
    if (total >= 0 && !__builtin_add_overflow(total, growth[totals[i].grows_by], &total)) {
      add_number(b, totals[i].key, total);
    }
  }
}

static void add_manifests(building *b, const firn_appending *a, const firn_append_attempt *attempt) {
  int64_t created = 0;
  for (size_t i = 0; i < attempt->manifests.n; i++) {
    created += attempt->manifests.items[i]->added_snapshot_id == a->snapshot_id;
  }
  add_number(b, "manifests-created", created);
  add_number(b, "manifests-kept", (int64_t)attempt->manifests.n - created);
  add_number(b, "manifests-replaced", (int64_t)attempt->n_replaced);
}

firn_status firn_append_summary(const firn_appending *a, const firn_append_attempt *attempt,
                                firn_arena *scratch, firn_properties *out, firn_error *err) {
  const firn_append *append = a->append;
  building b = {.items = firn_new_n(scratch, firn_property, append->summary.n + MAX_MADE), .arena = scratch};
  if (b.items == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a snapshot's summary");
  }
  sums s = {.files = (int64_t)append->n_files};
  for (size_t i = 0; i < append->n_files; i++) {
    if (__builtin_add_overflow(s.records, append->files[i].record_count, &s.records) ||
        __builtin_add_overflow(s.bytes, append->files[i].size_bytes, &s.bytes)) {
      return firn_error_set(err, FIRN_LIMIT, "the files of one append are too large to be counted");
    }
  }
  FIRN_TRY(count_partitions(append, attempt->base, &s.partitions, err));
  for (size_t i = 0; i < append->summary.n; i++) {
    b.items[b.n++] = append->summary.items[i];
  }
  add_counted(&b, &s);
  add_totals(&b, attempt, &s);
  add_manifests(&b, a, attempt);
  if (b.failed) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a snapshot's summary");
  }
  *out = (firn_properties){.n = b.n, .items = b.items};
  return FIRN_OK;
}

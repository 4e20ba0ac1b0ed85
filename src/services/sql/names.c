#include "services/sql/names_internal.h"

#include <strings.h>

#include "base/alloc.h"
#include "base/nearest.h"
#include "iceberg/scan/path.h"

struct firn_sql_opened {
  firn_sql_opened *next;
  firn_table table;       /* of the catalog */
  firn_metadata *by_path; /* one reference, instead of `table` */
  firn_moved moved;
  firn_sql_found found;
  firn_sql_source *source; /* instead of all of it */
};

/* What a name turned out to be. */
typedef struct meaning {
  const firn_sql_opened *table; /* NULL: nothing */
  bool is_metadata;
  firn_inspect_kind kind;
  const char *ref; /* of t.branch_x, t.tag_x; NULL: none */
} meaning;

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for the tables of a statement");
}

static firn_status opened_add(firn_sql_names *names, firn_sql_opened **out, firn_error *err) {
  firn_sql_opened *o = firn_alloc(sizeof *o);
  if (o == NULL) {
    return no_memory(err);
  }
  o->next = names->opened;
  names->opened = o;
  *out = o;
  return FIRN_OK;
}

void firn_sql_names_close(firn_sql_names *names) {
  while (names->opened != NULL) {
    firn_sql_opened *o = names->opened;
    names->opened = o->next;
    firn_source_close(o->source);
    firn_table_release(&o->table);
    firn_metadata_unref(o->by_path);
    firn_free(o);
  }
}

/* "a.b.c" in the statement's arena; NULL: no memory. */
static const char *joined(firn_sql_names *names, const char *const *parts, size_t n) {
  firn_namespace all = {n, parts};
  return firn_namespace_text(&all, names->arena);
}

static const firn_sql_opened *opened_find(const firn_sql_names *names, const char *shown) {
  for (const firn_sql_opened *o = names->opened; o != NULL; o = o->next) {
    if (o->found.shown != NULL && strcmp(o->found.shown, shown) == 0) {
      return o;
    }
  }
  return NULL;
}

/* No such table, or a name that no table can have. */
static bool is_absence(firn_status status) {
  return status == FIRN_NOT_FOUND || status == FIRN_INVALID;
}

/* `*out` is NULL when the catalog has no such table. */
static firn_status table_try(firn_sql_names *names, firn_ctx *ctx, const char *const *parts, size_t n,
                             const firn_sql_opened **out, firn_error *err) {
  *out = NULL;
  if (n < 2 || n > FIRN_NAMESPACE_MAX_LEVELS + 1 || names->catalog == NULL) {
    return FIRN_OK;
  }
  const char *shown = joined(names, parts, n);
  if (shown == NULL) {
    return no_memory(err);
  }
  *out = opened_find(names, shown);
  if (*out != NULL) {
    return FIRN_OK;
  }
  firn_table_id id = {.ns = {n - 1, parts}, .name = parts[n - 1]};
  FIRN_AUTO_TABLE table = {0};
  firn_status status = firn_catalog_table_load(names->catalog, ctx, &id, &table, err);
  if (status != FIRN_OK) {
    return is_absence(status) ? FIRN_OK : status;
  }
  firn_sql_opened *o;
  FIRN_TRY(opened_add(names, &o, err));
  o->table = table;
  table = (firn_table){0};
  o->found = (firn_sql_found){.id = id,
                              .metadata = o->table.metadata,
                              .metadata_location = o->table.metadata_location,
                              .shown = shown};
  *out = o;
  return FIRN_OK;
}

/* t.branch_x and t.tag_x, as Spark has them. */
static const char *ref_of_part(const char *part) {
  static const char *const prefixes[] = {"branch_", "tag_"};
  for (size_t i = 0; i < FIRN_COUNT_OF(prefixes); i++) {
    size_t len = strlen(prefixes[i]);
    if (strncasecmp(part, prefixes[i], len) == 0 && part[len] != 0) {
      return part + len;
    }
  }
  return NULL;
}

/* "t$snapshots", as Trino has it: the last part cut in two. */
static firn_status dollar_try(firn_sql_names *names, firn_ctx *ctx, const char *const *parts, size_t n,
                              meaning *out, firn_error *err) {
  const char *dollar = strrchr(parts[n - 1], '$');
  firn_inspect_kind kind;
  if (dollar == NULL || dollar == parts[n - 1] || !firn_inspect_kind_of(firn_bytes_of(dollar + 1), &kind)) {
    return FIRN_OK;
  }
  const char **cut = firn_new_n(names->arena, const char *, n);
  if (cut == NULL) {
    return no_memory(err);
  }
  memcpy(cut, parts, n * sizeof *cut);
  firn_bytes name = {(const uint8_t *)parts[n - 1], (size_t)(dollar - parts[n - 1])};
  cut[n - 1] = firn_arena_text(names->arena, name);
  if (cut[n - 1] == NULL) {
    return no_memory(err);
  }
  *out = (meaning){.is_metadata = true, .kind = kind};
  return table_try(names, ctx, cut, n, &out->table, err);
}

static firn_status meaning_try(firn_sql_names *names, firn_ctx *ctx, const char *const *parts, size_t n,
                               meaning *out, firn_error *err) {
  *out = (meaning){0};
  FIRN_TRY(table_try(names, ctx, parts, n, &out->table, err));
  if (out->table != NULL || n < 2) {
    return FIRN_OK;
  }
  const char *last = parts[n - 1];
  meaning m = {.ref = ref_of_part(last)};
  m.is_metadata = firn_inspect_kind_of(firn_bytes_of(last), &m.kind);
  if (m.is_metadata || m.ref != NULL) {
    FIRN_TRY(table_try(names, ctx, parts, n - 1, &m.table, err));
    if (m.table != NULL) {
      *out = m;
      return FIRN_OK;
    }
  }
  return dollar_try(names, ctx, parts, n, out, err);
}

/* The parts behind the levels of the namespace in use. */
static firn_status below_ns(firn_sql_names *names, const char *const *parts, size_t n,
                            const char *const **out, size_t *n_out, firn_error *err) {
  const char **all = firn_new_n(names->arena, const char *, names->ns.n_levels + n);
  if (all == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < names->ns.n_levels; i++) {
    all[i] = names->ns.levels[i];
  }
  memcpy(all + names->ns.n_levels, parts, n * sizeof *all);
  *out = all;
  *n_out = names->ns.n_levels + n;
  return FIRN_OK;
}

/* `*out` false also for what can be no namespace. */
static firn_status namespace_is_there(firn_sql_names *names, firn_ctx *ctx, const char *const *parts,
                                      size_t n, bool *out, firn_error *err) {
  *out = false;
  if (names->catalog == NULL || n == 0 || n > FIRN_NAMESPACE_MAX_LEVELS) {
    return FIRN_OK;
  }
  firn_namespace ns = {n, parts};
  firn_properties ignored;
  firn_status status = firn_catalog_namespace_load(names->catalog, ctx, &ns, names->arena, &ignored, err);
  *out = status == FIRN_OK;
  return is_absence(status) ? FIRN_OK : status;
}

/* As it stands, and below the namespace in use. */
static firn_status here_try(firn_sql_names *names, firn_ctx *ctx, const char *const *parts, size_t n,
                            meaning *out, firn_error *err) {
  FIRN_TRY(meaning_try(names, ctx, parts, n, out, err));
  if (out->table != NULL || names->ns.n_levels == 0) {
    return FIRN_OK;
  }
  const char *const *all;
  size_t n_all;
  FIRN_TRY(below_ns(names, parts, n, &all, &n_all, err));
  return meaning_try(names, ctx, all, n_all, out, err);
}

/* Then as other engines write it, with the catalog's name in front, when no namespace is called so. */
static firn_status anywhere_try(firn_sql_names *names, firn_ctx *ctx, const char *const *parts, size_t n,
                                meaning *out, firn_error *err) {
  FIRN_TRY(here_try(names, ctx, parts, n, out, err));
  if (out->table != NULL || n < 2) {
    return FIRN_OK;
  }
  bool is_there;
  FIRN_TRY(namespace_is_there(names, ctx, parts, 1, &is_there, err));
  return is_there ? FIRN_OK : here_try(names, ctx, parts + 1, n - 1, out, err);
}

/* Names are what they are, but who writes capitals as other engines let him finds what is in small letters.
 */
static firn_status lower(firn_sql_names *names, const char *const *parts, size_t n, const char *const **out,
                         firn_error *err) {
  const char **made = firn_new_n(names->arena, const char *, n);
  *out = NULL;
  bool changed = false;
  for (size_t i = 0; made != NULL && i < n; i++) {
    char *copy = firn_arena_text(names->arena, firn_bytes_of(parts[i]));
    if (copy == NULL) {
      return no_memory(err);
    }
    for (char *at = copy; *at != 0; at++) {
      changed |= *at >= 'A' && *at <= 'Z';
      *at = *at >= 'A' && *at <= 'Z' ? (char)(*at | 0x20) : *at;
    }
    made[i] = copy;
  }
  *out = changed ? made : NULL;
  return made == NULL ? no_memory(err) : FIRN_OK;
}

static firn_status meaning_find(firn_sql_names *names, firn_ctx *ctx, const char *const *parts, size_t n,
                                meaning *out, firn_error *err) {
  FIRN_TRY(anywhere_try(names, ctx, parts, n, out, err));
  if (out->table != NULL) {
    return FIRN_OK;
  }
  const char *const *small;
  FIRN_TRY(lower(names, parts, n, &small, err));
  return small == NULL ? FIRN_OK : anywhere_try(names, ctx, small, n, out, err);
}

/* The nearest of the tables of a namespace, or of the namespaces below one; NULL: none is near. */
static const char *nearest_in(firn_sql_names *names, firn_ctx *ctx, const firn_namespace *parent,
                              bool of_tables, const char *written) {
  firn_names tables = {0};
  firn_namespaces below = {0};
  const firn_namespace *within = parent->n_levels == 0 ? NULL : parent;
  firn_status status =
      of_tables ? firn_catalog_table_list(names->catalog, ctx, parent, names->arena, &tables, NULL)
                : firn_catalog_namespace_list(names->catalog, ctx, within, names->arena, &below, NULL);
  size_t n = of_tables ? tables.n : below.n;
  const char **list = status == FIRN_OK ? firn_new_n(names->arena, const char *, n + 1) : NULL;
  if (list == NULL) {
    return NULL; /* a hint less */
  }
  for (size_t i = 0; i < n; i++) {
    const firn_namespace *ns = of_tables ? NULL : &below.items[i];
    list[i] = of_tables ? tables.items[i].name : ns->levels[ns->n_levels - 1];
  }
  return firn_nearest(firn_bytes_of(written), list, n);
}

static firn_status absent(const char *what, const char *shown, const char *before, const char *near,
                          firn_error *err) {
  return near == NULL ? firn_error_set(err, FIRN_NOT_FOUND, "there is no %s %s", what, shown)
                      : firn_error_set(err, FIRN_NOT_FOUND, "there is no %s %s; did you mean %s%s%s?", what,
                                       shown, before, before[0] == 0 ? "" : ".", near);
}

/* The first of its levels that is not there. */
static firn_status namespace_absent(firn_sql_names *names, firn_ctx *ctx, const char *const *parts, size_t n,
                                    firn_error *err) {
  size_t there = 0;
  bool is_there = true;
  while (is_there && there < n) {
    FIRN_TRY(namespace_is_there(names, ctx, parts, there + 1, &is_there, err));
    there += is_there;
  }
  there -= there == n && n > 0; /* all are, and together they are not */
  firn_namespace parent = {there, parts};
  const char *before = there == 0 ? "" : joined(names, parts, there);
  const char *shown = joined(names, parts, there + 1);
  if (before == NULL || shown == NULL) {
    return no_memory(err);
  }
  return absent("namespace", shown, before, nearest_in(names, ctx, &parent, false, parts[there]), err);
}

static firn_status table_absent(firn_sql_names *names, firn_ctx *ctx, const char *const *parts, size_t n,
                                firn_error *err) {
  const char *shown = joined(names, parts, n);
  if (shown == NULL) {
    return no_memory(err);
  }
  if (names->catalog == NULL) {
    return firn_error_set(err, FIRN_NOT_FOUND, "there is no table %s: without a catalog only paths are read",
                          shown);
  }
  firn_namespace ns = n > 1 ? (firn_namespace){n - 1, parts} : names->ns;
  if (ns.n_levels == 0) {
    return firn_error_set(err, FIRN_NOT_FOUND,
                          "there is no table %s: its namespace must be written before it, or be in USE",
                          shown);
  }
  bool is_there;
  FIRN_TRY(namespace_is_there(names, ctx, ns.levels, ns.n_levels, &is_there, err));
  if (is_there) {
    const char *before = n > 1 ? joined(names, parts, n - 1) : "";
    return before == NULL
               ? no_memory(err)
               : absent("table", shown, before, nearest_in(names, ctx, &ns, true, parts[n - 1]), err);
  }
  const firn_sql_opened *table = NULL; /* t.snapshotz */
  FIRN_TRY(table_try(names, ctx, parts, n - 1, &table, err));
  if (table == NULL) {
    return namespace_absent(names, ctx, ns.levels, ns.n_levels, err);
  }
  enum { N_KINDS = FIRN_INSPECT_ALL_ENTRIES + 1 };
  const char *kinds[N_KINDS];
  for (size_t i = 0; i < N_KINDS; i++) {
    kinds[i] = firn_inspect_name((firn_inspect_kind)i);
  }
  const char *near = firn_nearest(firn_bytes_of(parts[n - 1]), kinds, N_KINDS);
  return absent("metadata table", shown, table->found.shown, near, err);
}

static firn_status path_absolute(firn_sql_names *names, const char *path, const char **out, firn_error *err) {
  if (path[0] != '/' && names->folder == NULL && strstr(path, "://") == NULL) {
    return firn_error_set(err, FIRN_INVALID, "the path %s must be absolute", path);
  }
  *out = firn_location_absolute(names->folder, path, names->arena);
  return *out == NULL ? no_memory(err) : FIRN_OK;
}

static firn_status path_open(firn_sql_names *names, firn_ctx *ctx, const char *path,
                             const firn_sql_opened **out, firn_error *err) {
  const char *absolute;
  FIRN_TRY(path_absolute(names, path, &absolute, err));
  *out = opened_find(names, absolute);
  if (*out != NULL) {
    return FIRN_OK;
  }
  firn_sql_opened *o;
  FIRN_TRY(opened_add(names, &o, err));
  FIRN_TRY(firn_path_table_open(names->stores, ctx, absolute, names->arena, &o->by_path,
                                &o->found.metadata_location, &o->moved, err));
  o->found.metadata = o->by_path;
  o->found.shown = absolute;
  *out = o;
  return FIRN_OK;
}

static firn_status source_make(firn_sql_names *names, firn_ctx *ctx, const firn_sql_ref *ref,
                               const meaning *m, firn_sql_source **out, firn_error *err) {
  firn_table_view view = {
      .metadata = m->table->found.metadata,
      .metadata_location = m->table->found.metadata_location,
      .table_name = m->table->found.shown,
      .stores = names->stores,
      .moved = m->table->moved,
      .n_threads = names->n_threads,
      .counts = names->counts,
  };
  firn_snapshot_choice choice = {.kind = FIRN_CHOOSE_CURRENT};
  if (m->ref != NULL) {
    choice = (firn_snapshot_choice){.kind = FIRN_CHOOSE_REF, .ref = m->ref};
  }
  if (ref->has_choice && m->ref != NULL) {
    return firn_error_set(err, FIRN_INVALID, "%s.%s is a snapshot already: AS OF cannot choose another",
                          view.table_name, ref->parts[ref->n_parts - 1]);
  }
  choice = ref->has_choice ? ref->choice : choice;
  firn_status status = firn_snapshot_choose(view.metadata, &choice, &view.snapshot, &view.schema, err);
  if (status != FIRN_OK) {
    return firn_error_while(err, status, "table %s", view.table_name);
  }
  firn_sql_opened *o;
  FIRN_TRY(opened_add(names, &o, err));
  FIRN_TRY(m->is_metadata ? firn_inspect_source_open(&view, m->kind, ctx, &o->source, err)
                          : firn_table_source_open(&view, &o->source, err));
  *out = o->source;
  return FIRN_OK;
}

/* What the engine reads by itself: files of rows by their ends, and patterns of names. */
static bool is_engine_file(const char *path) {
  static const char *const ends[] = {".csv",    ".tsv",     ".parquet", ".json",     ".jsonl", ".ndjson",
                                     ".csv.gz", ".json.gz", ".csv.zst", ".json.zst", ".parq"};
  size_t len = strlen(path);
  static const char metadata[] = ".metadata.json";
  if (len > sizeof metadata && strcmp(path + len - (sizeof metadata - 1), metadata) == 0) {
    return false;
  }
  for (size_t i = 0; i < FIRN_COUNT_OF(ends); i++) {
    size_t end = strlen(ends[i]);
    if (len > end && strcasecmp(path + len - end, ends[i]) == 0) {
      return true;
    }
  }
  return strpbrk(path, "*?") != NULL;
}

static firn_status by_path(firn_sql_names *names, firn_ctx *ctx, const firn_sql_ref *ref,
                           firn_sql_source **source, const char **shown, firn_error *err) {
  *source = NULL;
  *shown = ref->parts[0];
  bool is_file = is_engine_file(ref->parts[0]) || !ref->is_path;
  if (is_file && names->engine_has != NULL && !ref->has_choice) {
    return FIRN_OK;
  }
  meaning m = {0};
  FIRN_TRY(path_open(names, ctx, ref->parts[0], &m.table, err));
  return source_make(names, ctx, ref, &m, source, err);
}

firn_status firn_sql_ref_open(firn_sql_names *names, firn_ctx *ctx, const firn_sql_ref *ref,
                              firn_sql_source **source, const char **shown, firn_error *err) {
  if (ref->is_path || ref->is_text) {
    return by_path(names, ctx, ref, source, shown, err);
  }
  *source = NULL;
  *shown = joined(names, ref->parts, ref->n_parts);
  if (*shown == NULL) {
    return no_memory(err);
  }
  meaning m;
  FIRN_TRY(meaning_find(names, ctx, ref->parts, ref->n_parts, &m, err));
  if (m.table != NULL) {
    return source_make(names, ctx, ref, &m, source, err);
  }
  bool is_engines = false;
  if (names->engine_has != NULL && !ref->has_choice) {
    FIRN_TRY(names->engine_has(names->arg, ctx, ref, &is_engines, err));
  }
  return is_engines ? FIRN_OK : table_absent(names, ctx, ref->parts, ref->n_parts, err);
}

firn_status firn_sql_table_find(firn_sql_names *names, firn_ctx *ctx, const char *const *parts, size_t n,
                                bool is_path, firn_sql_found *out, firn_error *err) {
  meaning m = {0};
  if (is_path) {
    FIRN_TRY(path_open(names, ctx, parts[0], &m.table, err));
  } else {
    FIRN_TRY(meaning_find(names, ctx, parts, n, &m, err));
  }
  if (m.table == NULL) {
    return table_absent(names, ctx, parts, n, err);
  }
  if (m.is_metadata || m.ref != NULL) {
    const char *shown = joined(names, parts, n);
    return shown == NULL ? no_memory(err)
                         : firn_error_set(err, FIRN_INVALID, "%s shows the table %s and can only be queried",
                                          shown, m.table->found.shown);
  }
  *out = m.table->found;
  return FIRN_OK;
}

/* The parts themselves, below the namespace in use, or without the catalog's name, whichever is there. */
static firn_status namespace_look(firn_sql_names *names, firn_ctx *ctx, const char *const *parts, size_t n,
                                  firn_namespace *out, bool *is_there, firn_error *err) {
  *out = (firn_namespace){n, parts};
  FIRN_TRY(namespace_is_there(names, ctx, parts, n, is_there, err));
  if (!*is_there && names->ns.n_levels > 0) {
    FIRN_TRY(below_ns(names, parts, n, &out->levels, &out->n_levels, err));
    FIRN_TRY(namespace_is_there(names, ctx, out->levels, out->n_levels, is_there, err));
  }
  if (!*is_there && n > 1) {
    bool first_is_there;
    FIRN_TRY(namespace_is_there(names, ctx, parts, 1, &first_is_there, err));
    *out = (firn_namespace){n - 1, parts + 1};
    if (!first_is_there) {
      FIRN_TRY(namespace_is_there(names, ctx, parts + 1, n - 1, is_there, err));
    }
  }
  return FIRN_OK;
}

static firn_status need_catalog(const firn_sql_names *names, firn_error *err) {
  return names->catalog != NULL
             ? FIRN_OK
             : firn_error_set(err, FIRN_INVALID,
                              "there is no catalog: tables can only be read, by their path");
}

firn_status firn_sql_namespace_find(firn_sql_names *names, firn_ctx *ctx, const char *const *parts, size_t n,
                                    firn_namespace *out, firn_error *err) {
  FIRN_TRY(need_catalog(names, err));
  bool is_there;
  FIRN_TRY(namespace_look(names, ctx, parts, n, out, &is_there, err));
  return is_there ? FIRN_OK : namespace_absent(names, ctx, parts, n, err);
}

firn_status firn_sql_new_table_id(firn_sql_names *names, firn_ctx *ctx, const char *const *parts, size_t n,
                                  firn_table_id *out, firn_error *err) {
  FIRN_TRY(need_catalog(names, err));
  *out = (firn_table_id){.ns = names->ns, .name = parts[n - 1]};
  if (n > 1) {
    return firn_sql_namespace_find(names, ctx, parts, n - 1, &out->ns, err);
  }
  return names->ns.n_levels > 0
             ? FIRN_OK
             : firn_error_set(err, FIRN_INVALID,
                              "the table %s needs a namespace before its name, or one in USE", parts[0]);
}

firn_status firn_sql_new_namespace(firn_sql_names *names, firn_ctx *ctx, const char *const *parts, size_t n,
                                   firn_namespace *out, firn_error *err) {
  (void)ctx;
  FIRN_TRY(need_catalog(names, err));
  *out = (firn_namespace){n, parts};
  return n <= FIRN_NAMESPACE_MAX_LEVELS ? FIRN_OK
                                        : firn_error_set(err, FIRN_LIMIT, "a namespace has at most %d levels",
                                                         FIRN_NAMESPACE_MAX_LEVELS);
}

#include "io/stores.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <strings.h>

#include "base/alloc.h"

/* The kinds that are opened by themselves when a location names them. */
typedef struct kind {
  const char *scheme;
  firn_status (*open)(const char *authority, const firn_env *env, firn_store **out, firn_error *err);
} kind;

static firn_status open_file(const char *authority, const firn_env *env, firn_store **out, firn_error *err) {
  (void)authority; /* always "": see split_file */
  return firn_local_store_open("/", env, out, err);
}

static const kind kinds[] = {
    {"file", open_file},
};

enum { SCHEME_MAX = 16, AUTHORITY_MAX = 256, MAX_STORES = 1024 };

typedef struct served {
  struct served *next;
  firn_store *store;
  bool is_owned;
  char scheme[SCHEME_MAX + 1];
  char authority[AUTHORITY_MAX + 1];
} served;

struct firn_stores {
  const firn_env *env;
  pthread_mutex_t lock; /* guards what follows */
  served *first;
  size_t n;
};

typedef struct parts {
  char scheme[SCHEME_MAX + 1];
  char authority[AUTHORITY_MAX + 1];
  const char *path; /* the rest of the location, slashes before it included */
} parts;

static firn_status too_long(const char *location, firn_error *err) {
  return firn_error_set(err, FIRN_INVALID, "the location %.240s has a scheme or a host that is too long",
                        location);
}

/* "file:/x", "file:///x" and "file://localhost/x" are all "/x". */
static firn_status split_file(const char *rest, const char *location, parts *out, firn_error *err) {
  if (strncmp(rest, "//", 2) == 0) {
    rest += 2;
    rest += strncmp(rest, "localhost/", 10) == 0 ? 9 : 0;
  }
  if (rest[0] != '/') {
    return firn_error_set(err, FIRN_INVALID,
                          "the location %.240s names no absolute path; write file:///folder/...", location);
  }
  out->path = rest;
  return FIRN_OK;
}

static firn_status split(const char *location, parts *out, firn_error *err) {
  *out = (parts){.scheme = "file"};
  if (location[0] == '/') {
    out->path = location;
    return FIRN_OK;
  }
  size_t scheme_len = 0;
  while (isalnum((unsigned char)location[scheme_len]) || (scheme_len > 0 && location[scheme_len] == '+')) {
    scheme_len++;
  }
  if (scheme_len == 0 || location[scheme_len] != ':') {
    return firn_error_set(err, FIRN_INVALID, "the location %.240s is neither an absolute path nor a URI",
                          location);
  }
  if (scheme_len > SCHEME_MAX) {
    return too_long(location, err);
  }
  for (size_t i = 0; i < scheme_len; i++) {
    out->scheme[i] = (char)tolower((unsigned char)location[i]);
  }
  out->scheme[scheme_len] = '\0';
  const char *rest = location + scheme_len + 1;
  if (strcmp(out->scheme, "file") == 0) {
    return split_file(rest, location, out, err);
  }
  if (strncmp(rest, "//", 2) != 0) {
    return firn_error_set(err, FIRN_INVALID, "the location %.240s lacks \"//\" after its scheme", location);
  }
  rest += 2;
  size_t authority_len = strcspn(rest, "/");
  if (authority_len > AUTHORITY_MAX) {
    return too_long(location, err);
  }
  memcpy(out->authority, rest, authority_len);
  out->authority[authority_len] = '\0';
  out->path = rest + authority_len;
  return FIRN_OK;
}

/* The path without slashes at its ends. A file system takes "a//b" for "a/b"; elsewhere these are two names.
 */
static const char *clean_path(const char *path, bool is_file, firn_arena *arena) {
  path += strspn(path, "/");
  char *copy = firn_arena_text(arena, firn_bytes_of(path));
  if (copy == NULL) {
    return NULL;
  }
  char *to = copy;
  for (const char *from = copy; *from != '\0'; from++) {
    if (!is_file || from[0] != '/' || from[1] != '/') {
      *to++ = *from;
    }
  }
  while (to > copy && to[-1] == '/') {
    to--;
  }
  *to = '\0';
  return copy;
}

static served *find_served(const firn_stores *stores, const char *scheme, const char *authority) {
  for (served *s = stores->first; s != NULL; s = s->next) {
    if (strcmp(s->scheme, scheme) == 0 && strcmp(s->authority, authority) == 0) {
      return s;
    }
  }
  return NULL;
}

/* Under the lock. */
static firn_status serve(firn_stores *stores, const char *scheme, const char *authority, firn_store *store,
                         bool is_owned, firn_error *err) {
  if (stores->n >= MAX_STORES) {
    return firn_error_set(err, FIRN_LIMIT, "more than %d stores are open", MAX_STORES);
  }
  served *s = firn_alloc(sizeof *s);
  if (s == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a store");
  }
  (void)snprintf(s->scheme, sizeof s->scheme, "%s", scheme);          /* fits: the callers looked */
  (void)snprintf(s->authority, sizeof s->authority, "%s", authority); /* fits */
  s->store = store;
  s->is_owned = is_owned;
  s->next = stores->first;
  stores->first = s;
  stores->n++;
  return FIRN_OK;
}

static firn_status open_kind(const firn_stores *stores, const parts *p, firn_store **out, firn_error *err) {
  for (size_t i = 0; i < FIRN_COUNT_OF(kinds); i++) {
    if (strcmp(kinds[i].scheme, p->scheme) == 0) {
      return kinds[i].open(p->authority, stores->env, out, err);
    }
  }
  return firn_error_set(err, FIRN_UNSUPPORTED, "no store serves %s://%s", p->scheme, p->authority);
}

/* Opens without the lock; a thread that was quicker wins. */
static firn_status open_and_serve(firn_stores *stores, const parts *p, firn_store **out, firn_error *err) {
  FIRN_AUTO_STORE *opened = NULL;
  FIRN_TRY(open_kind(stores, p, &opened, err));
  pthread_mutex_lock(&stores->lock);
  const served *quicker = find_served(stores, p->scheme, p->authority);
  firn_status status = FIRN_OK;
  if (quicker != NULL) {
    *out = quicker->store;
  } else {
    status = serve(stores, p->scheme, p->authority, opened, true, err);
    if (status == FIRN_OK) {
      *out = FIRN_HAND_OVER(opened);
    }
  }
  pthread_mutex_unlock(&stores->lock);
  return status;
}

firn_status firn_stores_find(firn_stores *stores, const char *location, firn_arena *arena, firn_store **store,
                             const char **path, firn_error *err) {
  parts p;
  FIRN_TRY(split(location, &p, err));
  const char *cleaned = clean_path(p.path, strcmp(p.scheme, "file") == 0, arena);
  if (cleaned == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for the location %.240s", location);
  }
  pthread_mutex_lock(&stores->lock);
  const served *s = find_served(stores, p.scheme, p.authority);
  firn_store *found = s == NULL ? NULL : s->store;
  pthread_mutex_unlock(&stores->lock);
  if (found == NULL) {
    firn_status status = open_and_serve(stores, &p, &found, err);
    if (status != FIRN_OK) {
      return firn_error_while(err, status, "the location %.240s", location);
    }
  }
  *store = found;
  *path = cleaned;
  return FIRN_OK;
}

firn_status firn_stores_add(firn_stores *stores, const char *scheme, const char *authority, firn_store *store,
                            firn_error *err) {
  if (strlen(scheme) > SCHEME_MAX || strlen(authority) > AUTHORITY_MAX) {
    return too_long(authority, err);
  }
  pthread_mutex_lock(&stores->lock);
  firn_status status;
  if (find_served(stores, scheme, authority) != NULL) {
    status = firn_error_set(err, FIRN_EXISTS, "%s://%s is served already", scheme, authority);
  } else {
    status = serve(stores, scheme, authority, store, false, err);
  }
  pthread_mutex_unlock(&stores->lock);
  return status;
}

void firn_stores_take_out(firn_stores *stores, const firn_store *store) {
  pthread_mutex_lock(&stores->lock);
  for (served **at = &stores->first; *at != NULL;) {
    served *s = *at;
    if (s->store == store && !s->is_owned) {
      *at = s->next;
      stores->n--;
      firn_free(s);
    } else {
      at = &s->next;
    }
  }
  pthread_mutex_unlock(&stores->lock);
}

firn_status firn_stores_open(const firn_env *env, firn_stores **out, firn_error *err) {
  firn_stores *stores = firn_alloc(sizeof *stores);
  if (stores == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a set of stores");
  }
  int failed = pthread_mutex_init(&stores->lock, NULL);
  if (failed != 0) {
    firn_free(stores);
    return firn_error_set(err, FIRN_NOMEM, "no lock for a set of stores: %s", strerror(failed));
  }
  stores->env = env;
  *out = stores;
  return FIRN_OK;
}

void firn_stores_close(firn_stores *stores) {
  if (stores == NULL) {
    return;
  }
  for (served *s = stores->first; s != NULL;) {
    served *next = s->next;
    if (s->is_owned) {
      firn_store_close(s->store);
    }
    firn_free(s);
    s = next;
  }
  pthread_mutex_destroy(&stores->lock);
  firn_free(stores);
}

void firn_stores_close_pointer(firn_stores **stores) {
  firn_stores_close(*stores);
}

/* Configuration by one constant table of keys. The table drives parsing, error sentences (with the nearest
 * name and the line), environment names, flags, `firn check` and the man page.
 *
 *   static const firn_config_key keys[] = {
 *     {"server.listen", FIRN_CONFIG_TEXT, offsetof(settings, listen), .preset = "127.0.0.1:8181",
 *      .env = "FIRN_LISTEN", .flag = "listen", .text = "address and port of the HTTP server"},
 *     ...
 *
 * A value comes, the first that is there, from a flag, the environment, the file, the preset. In the file
 * "${X}" is replaced by the environment's X, an error when it is not set; "${X:default}" is not. "$$" is a
 * dollar sign. Values are typed by the table: sizes "64MB", "1GiB", durations "10s", "5m", "500ms", booleans
 * true/false/yes/no/on/off. */
#ifndef FIRN_BASE_CONFIG_H
#define FIRN_BASE_CONFIG_H

#include "base/builder.h"
#include "base/yaml.h"

typedef enum firn_config_type {
  FIRN_CONFIG_TEXT = 1, /* const char *, terminated; NULL when not given and without preset */
  FIRN_CONFIG_TEXTS,    /* firn_config_texts: a list, or one text */
  FIRN_CONFIG_BOOL,     /* bool */
  FIRN_CONFIG_COUNT,    /* int64_t */
  FIRN_CONFIG_SIZE,     /* uint64_t, bytes */
  FIRN_CONFIG_DURATION, /* int64_t, microseconds */
  FIRN_CONFIG_CHOICE,   /* const char *, one of `choices` */
} firn_config_type;

typedef struct firn_config_texts {
  size_t n;
  const char *const *items;
} firn_config_texts;

typedef struct firn_config_key {
  const char *path; /* "committer.batching.count" */
  firn_config_type type;
  size_t offset;              /* of the value in the caller's struct */
  const char *preset;         /* as it would be written; NULL: none */
  const char *env;            /* NULL: FIRN_ and the path in capitals, '_' for '.' and '-' */
  const char *env_too;        /* another name that is honoured (ICEBERG_CATALOG_URI); NULL: none */
  const char *flag;           /* NULL: none */
  bool is_secret;             /* never printed: (set) or (not set) */
  int64_t least, most;        /* COUNT, SIZE, DURATION; both 0: any */
  const char *const *choices; /* CHOICE, ends with NULL */
  const char *text;           /* for people: one sentence */
} firn_config_key;

/* Where values may come from; each may be NULL. */
typedef struct firn_config_sources {
  const char *(*flag)(void *self, const char *name);
  const char *(*env)(void *self, const char *name);
  void *self;
  const firn_yaml *file;
  const char *file_name; /* for error texts */
} firn_config_sources;

/* Fills `into` (the caller's struct, zeroed), texts in `arena`. Every key of the file must be in the table.
 * The first error in the order of the file, then of the table: "firn.yaml:12: comitter is no key here; did
 * you mean committer?" */
FIRN_MUST_USE firn_status firn_config_read(const firn_config_key *keys, size_t n,
                                           const firn_config_sources *sources, void *into, firn_arena *arena,
                                           firn_error *err);
/* Every key with its value, where that came from, and its sentence: one line a key, secrets hidden. */
FIRN_MUST_USE firn_status firn_config_print(const firn_config_key *keys, size_t n, const void *from,
                                            firn_builder *out, firn_error *err);

#endif

/* Configuration by one constant table of keys. The table drives parsing, error sentences (with the nearest
 * name and the line), environment names, flags, `firn check` and the man page.
 *
 *   static const firn_config_key keys[] = {
 *     {"server.listen", FIRN_CONFIG_TEXT, offsetof(settings, listen), .preset = "127.0.0.1:8181",
 *      .flag = "listen", .text = "address and port of the HTTP server"},
 *     ...
 *
 * A value comes, the first that is there, from a flag, the environment, the file, the preset. An empty text
 * is as good as none: the next is asked.
 *
 * In values of the file "${X}" is replaced by the environment's X, an error when that is not set or empty;
 * "${X:default}" is not. "$$" is a dollar sign, and so is a lone "$". What is put in is not looked at again.
 *
 * Values are typed by the table, quoted or not: sizes are whole numbers with B, K, M, G or T (powers of 1024,
 * "64MB" and "64MiB" too), times whole numbers with us, ms, s, m, h or d, booleans true, false, yes, no, on
 * or off. In the file a plain `~`, `null` or nothing is refused. */
#ifndef FIRN_BASE_CONFIG_H
#define FIRN_BASE_CONFIG_H

#include "base/builder.h"
#include "base/yaml.h"

typedef enum firn_config_type {
  FIRN_CONFIG_TEXT = 1, /* const char *, terminated; NULL when not given and without preset */
  FIRN_CONFIG_TEXTS,    /* firn_config_texts: a list or one text; with commas in flags and environment */
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
  const char *path; /* "committer.batching.count"; no path begins with another and a dot */
  firn_config_type type;
  size_t offset;              /* of the value in the caller's struct */
  const char *preset;         /* as it would be written; NULL: none (0, false, no texts) */
  const char *env;            /* NULL: FIRN_ and the path in capitals, '_' for '.' and '-' */
  const char *env_too;        /* another name that is honoured (ICEBERG_CATALOG_URI); NULL: none */
  const char *flag;           /* NULL: none */
  bool is_secret;             /* never printed: (set) or (not set) */
  int64_t least, most;        /* COUNT, SIZE, DURATION; both 0: any */
  const char *word;           /* COUNT, SIZE, DURATION: one word that stands for ... */
  int64_t word_value;         /* ... this: "never", -1. NULL: none */
  const char *const *choices; /* CHOICE, ends with NULL */
  const char *text;           /* for people: what it is */
} firn_config_key;

/* Where values may come from; each may be NULL. */
typedef struct firn_config_sources {
  const char *(*flag)(void *self, const char *name); /* a switch that was given: "" */
  const char *(*env)(void *self, const char *name);
  void *self;
  const firn_yaml *file;
  const char *file_name; /* for error texts; borrowed by the origins */
} firn_config_sources;

/* Where a value came from. */
typedef struct firn_config_origin {
  enum {
    FIRN_CONFIG_FROM_NOWHERE = 0,
    FIRN_CONFIG_FROM_PRESET,
    FIRN_CONFIG_FROM_FILE,
    FIRN_CONFIG_FROM_ENV,
    FIRN_CONFIG_FROM_FLAG
  } from;
  const char *name; /* of file, variable or flag */
  uint32_t line;    /* FILE */
} firn_config_origin;

/* Fills `into` (the caller's struct), texts in `arena`, and `origins` (one for each key; may be NULL). Every
 * key of the file must be in the table, and all its values are checked, those that are not used too. The
 * first error in the order of the file, then of the table: "firn.yaml:12: comitter is no key; did you mean
 * committer?" */
FIRN_MUST_USE firn_status firn_config_read(const firn_config_key *keys, size_t n,
                                           const firn_config_sources *sources, firn_arena *arena, void *into,
                                           firn_config_origin *origins, firn_error *err);

/* Every key with its value and where that came from, one a line, as a file that would be read as the same;
 * what is secret or not given stands in comments. */
FIRN_MUST_USE firn_status firn_config_print(const firn_config_key *keys, size_t n, const void *from,
                                            const firn_config_origin *origins, firn_builder *out,
                                            firn_error *err);

/* The key of that path; NULL: none. */
const firn_config_key *firn_config_find(const firn_config_key *keys, size_t n, const char *path);

/* Room for the texts below, their end included. */
enum { FIRN_CONFIG_TEXT_MAX = 256 };
/* The variable that sets a key: FIRN_COMMITTER_BATCHING_COUNT. */
const char *firn_config_env_name(const firn_config_key *key, char out[FIRN_CONFIG_TEXT_MAX]);
/* "a whole number from 1 to 1024". */
const char *firn_config_allowed(const firn_config_key *key, char out[FIRN_CONFIG_TEXT_MAX]);
/* "firn.yaml:12", "FIRN_SERVER_LISTEN", "--listen", "default", "nowhere". */
const char *firn_config_origin_text(const firn_config_origin *origin, char out[FIRN_CONFIG_TEXT_MAX]);

#endif

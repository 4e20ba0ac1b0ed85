#include "base/config.h"

#include <stdio.h>

#include "test.h"

typedef struct settings {
  const char *listen;
  const char *name;
  const char *password;
  firn_config_texts roots;
  bool insecure;
  int64_t workers;
  uint64_t memory;
  int64_t period_us;
  int64_t age_us;
  const char *level;
  int64_t any;
} settings;

static const char *const levels[] = {"debug", "info", "warn", NULL};

#define AT(member) offsetof(settings, member)
static const firn_config_key keys[] = {
    {"server.listen", FIRN_CONFIG_TEXT, AT(listen), .preset = "127.0.0.1:8181", .flag = "listen",
     .text = "t"},
    {"name", FIRN_CONFIG_TEXT, AT(name), .env_too = "OTHER_NAME", .flag = "name", .text = "t"},
    {"store.password", FIRN_CONFIG_TEXT, AT(password), .is_secret = true, .flag = "password", .text = "t"},
    {"store.roots", FIRN_CONFIG_TEXTS, AT(roots), .flag = "roots", .text = "t"},
    {"server.insecure", FIRN_CONFIG_BOOL, AT(insecure), .preset = "no", .flag = "insecure", .text = "t"},
    {"server.workers", FIRN_CONFIG_COUNT, AT(workers), .preset = "8", .flag = "workers", .least = 1,
     .most = 1024, .text = "t"},
    {"ingest.memory", FIRN_CONFIG_SIZE, AT(memory), .preset = "96MB", .flag = "memory", .least = 1 << 20,
     .most = INT64_C(1) << 40, .text = "t"},
    {"ingest.batching.period", FIRN_CONFIG_DURATION, AT(period_us), .preset = "5s", .flag = "period",
     .least = 1000, .most = INT64_MAX, .text = "t"},
    {"ingest.age", FIRN_CONFIG_DURATION, AT(age_us), .preset = "6h", .flag = "age", .word = "never",
     .word_value = -1, .text = "t"},
    {"log.level", FIRN_CONFIG_CHOICE, AT(level), .preset = "info", .flag = "level", .choices = levels,
     .text = "t"},
    {"any-number", FIRN_CONFIG_COUNT, AT(any), .env = "ANY", .flag = "any", .text = "t"},
};
enum { N_KEYS = FIRN_COUNT_OF(keys) };

/* Names and values of a flag table and an environment, each ending with NULL. */
typedef struct outside {
  const char *const *flags, *const *env;
} outside;

static const char *find(const char *const *pairs, const char *name) {
  for (size_t i = 0; pairs != NULL && pairs[i] != NULL; i += 2) {
    if (strcmp(pairs[i], name) == 0) {
      return pairs[i + 1];
    }
  }
  return NULL;
}
static const char *flag(void *self, const char *name) {
  return find(((outside *)self)->flags, name);
}
static const char *env(void *self, const char *name) {
  return find(((outside *)self)->env, name);
}

static firn_status read_all(const char *file, const char *const *flags, const char *const *variables,
                            firn_arena *arena, settings *out, firn_config_origin *origins, firn_error *err) {
  outside o = {flags, variables};
  firn_config_sources sources = {flag, env, &o, NULL, "f.yaml"};
  if (file != NULL) {
    FIRN_TRY(firn_yaml_read(firn_bytes_of(file), 1 << 16, arena, &sources.file, err));
  }
  return firn_config_read(keys, N_KEYS, &sources, arena, out, origins, err);
}

static void presets_fill_what_nobody_says(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err;
  settings s;
  memset(&s, 0xAA, sizeof s);
  CHECK_OK(read_all(NULL, NULL, NULL, &arena, &s, NULL, &err));
  assert_string_equal(s.listen, "127.0.0.1:8181");
  assert_null(s.name);
  assert_null(s.password);
  assert_int_equal(s.roots.n, 0);
  assert_false(s.insecure);
  assert_int_equal(s.workers, 8);
  assert_int_equal(s.memory, 96 << 20);
  assert_int_equal(s.period_us, 5000000);
  assert_int_equal(s.age_us, INT64_C(21600000000));
  assert_string_equal(s.level, "info");
  assert_int_equal(s.any, 0);
  CHECK_OK(read_all("# nothing\n", NULL, NULL, &arena, &s, NULL, &err));
  CHECK_OK(read_all("server:\nstore:\n", NULL, NULL, &arena, &s, NULL, &err));
  assert_int_equal(s.workers, 8);
}

/* Of each key, one way to write each value as text; the values are told apart by printing them. */
static const struct {
  const char *path, *file, *env, *flag;
} each_key[] = {
    {"server.listen", "a:1", "b:2", "c:3"},
    {"name", "f", "e", "g"},
    {"store.password", "p1", "p2", "p3"},
    {"store.roots", "r1", "r2, r3", "r4"},
    {"server.insecure", "on", "yes", "true"},
    {"server.workers", "11", "12", "13"},
    {"ingest.memory", "2MB", "3MB", "4MB"},
    {"ingest.batching.period", "2ms", "3ms", "4ms"},
    {"ingest.age", "1h", "never", "3h"},
    {"log.level", "debug", "warn", "debug"},
    {"any-number", "-1", "0", "9223372036854775807"},
};

static const char *printed(const settings *s, const firn_config_origin *origins, const char *path,
                           firn_arena *arena) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_error err;
  CHECK_OK(firn_config_print(keys, N_KEYS, s, origins, &b, &err));
  firn_builder_add_u8(&b, 0);
  const char *text = firn_arena_text(arena, firn_builder_bytes(&b));
  const char *line = strstr(text, firn_arena_printf(arena, "%s: ", path));
  assert_non_null(line);
  return firn_arena_text(arena, (firn_bytes){(const uint8_t *)line, strcspn(line, "\n")});
}

/* By the table, and by what the sources say, which wins. */
static void the_first_source_that_has_a_value_gives_it(void **state) {
  (void)state;
  for (size_t i = 0; i < FIRN_COUNT_OF(each_key); i++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    const firn_config_key *key = firn_config_find(keys, N_KEYS, each_key[i].path);
    char variable[FIRN_CONFIG_TEXT_MAX];
    const char *flags[] = {key->flag, each_key[i].flag, NULL};
    const char *variables[] = {firn_config_env_name(key, variable), each_key[i].env, NULL};
    const char *file = firn_arena_printf(&arena, "\n\n%s: '%s'\n", key->path, each_key[i].file);
    char last[400] = "";
    for (unsigned sources = 0; sources < 8; sources++) {
      firn_error err;
      settings s = {0};
      firn_config_origin origins[N_KEYS];
      CHECK_OK(read_all(sources & 1 ? file : NULL, sources & 4 ? flags : NULL, sources & 2 ? variables : NULL,
                        &arena, &s, origins, &err));
      const char *line = printed(&s, origins, key->path, &arena);
      const firn_config_origin *o = &origins[key - keys];
      char place[FIRN_CONFIG_TEXT_MAX];
      const char *wanted = sources & 4           ? firn_arena_printf(&arena, "--%s", key->flag)
                           : sources & 2         ? variable
                           : sources & 1         ? "f.yaml:3"
                           : key->preset != NULL ? "default"
                                                 : "nowhere";
      assert_string_equal(firn_config_origin_text(o, place), wanted);
      assert_true((sources & (sources - 1)) != 0 || strcmp(line, last) != 0); /* each source another line */
      (void)snprintf(last, sizeof last, "%s", line);
    }
  }
}

static void values_are_typed_by_the_table(void **state) {
  (void)state;
  static const struct {
    const char *file;
    const char *text; /* of name */
    int64_t workers, any, period_us, age_us;
    uint64_t memory;
    bool insecure;
  } cases[] = {
      {"name: no", "no", 8, 0, 5000000, 21600000000, 96 << 20, false},
      {"name: 0o14", "0o14", 8, 0, 5000000, 21600000000, 96 << 20, false},
      {"name: 2025-01-01", "2025-01-01", 8, 0, 5000000, 21600000000, 96 << 20, false},
      {"name: '~'", "~", 8, 0, 5000000, 21600000000, 96 << 20, false},
      {"name: \"null\"", "null", 8, 0, 5000000, 21600000000, 96 << 20, false},
      {"server: {workers: \"16\", insecure: 'YES'}", NULL, 16, 0, 5000000, 21600000000, 96 << 20, true},
      {"server.workers: 1024\nserver.insecure: Off", NULL, 1024, 0, 5000000, 21600000000, 96 << 20, false},
      {"any-number: -9223372036854775807", NULL, 8, -INT64_MAX, 5000000, 21600000000, 96 << 20, false},
      {"ingest: {memory: 1048576, batching: {period: 1500us}, age: never}", NULL, 8, 0, 1500, -1, 1 << 20,
       false},
      {"ingest: {memory: 1TB, batching: {period: 3d}, age: 0}", NULL, 8, 0, 259200000000, 0, INT64_C(1) << 40,
       false},
      {"ingest: {memory: 2048KiB, batching: {period: 2m}, age: 2h}", NULL, 8, 0, 120000000, 7200000000,
       2 << 20, false},
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(cases); i++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    firn_error err;
    settings s = {0};
    CHECK_OK(read_all(cases[i].file, NULL, NULL, &arena, &s, NULL, &err));
    assert_true((s.name == NULL) == (cases[i].text == NULL));
    if (s.name != NULL) {
      assert_string_equal(s.name, cases[i].text);
    }
    assert_int_equal(s.workers, cases[i].workers);
    assert_int_equal(s.any, cases[i].any);
    assert_int_equal(s.period_us, cases[i].period_us);
    assert_int_equal(s.age_us, cases[i].age_us);
    assert_int_equal(s.memory, cases[i].memory);
    assert_int_equal(s.insecure, cases[i].insecure);
  }
}

static void texts_are_a_list_or_one(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err;
  settings s = {0};
  CHECK_OK(
      read_all("store:\n  roots:\n  - s3://a\n  - \"${B:s3://b}\"\n", NULL, NULL, &arena, &s, NULL, &err));
  assert_int_equal(s.roots.n, 2);
  assert_string_equal(s.roots.items[1], "s3://b");
  CHECK_OK(read_all("store.roots: a, b\n", NULL, NULL, &arena, &s, NULL, &err));
  assert_int_equal(s.roots.n, 1);
  assert_string_equal(s.roots.items[0], "a, b");
  CHECK_OK(read_all("store.roots: []\n", NULL, NULL, &arena, &s, NULL, &err));
  assert_int_equal(s.roots.n, 0);
  const char *const variables[] = {"FIRN_STORE_ROOTS", " a ,b,  c d", NULL};
  CHECK_OK(read_all(NULL, NULL, variables, &arena, &s, NULL, &err));
  assert_int_equal(s.roots.n, 3);
  assert_string_equal(s.roots.items[0], "a");
  assert_string_equal(s.roots.items[2], "c d");
}

static void variables_are_put_in(void **state) {
  (void)state;
  static const char *const variables[] = {"X", "ex", "EMPTY", "", "RISKY", "${X}: [{", "_a9", "low", NULL};
  static const struct {
    const char *value, *wanted;
  } cases[] = {
      {"${X}", "ex"},       {"a${X}b${X}c", "aexbexc"},
      {"${X:y}", "ex"},     {"${Y:y}", "y"},
      {"${EMPTY:y}", "y"},  {"${Y:http://a:1/b}", "http://a:1/b"},
      {"$$", "$"},          {"$${X}", "${X}"},
      {"$$$${X}", "$${X}"}, {"$$${X}", "$ex"},
      {"$X", "$X"},         {"a$", "a$"},
      {"${_a9}", "low"},    {"${RISKY}", "${X}: [{"}, /* neither looked at again nor read as YAML */
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(cases); i++) {
    for (int quote = 0; quote < 3; quote++) {
      FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
      firn_error err;
      settings s = {0};
      const char *q = quote == 0 ? "" : quote == 1 ? "'" : "\"";
      CHECK_OK(read_all(firn_arena_printf(&arena, "name: %s%s%s", q, cases[i].value, q), NULL, variables,
                        &arena, &s, NULL, &err));
      assert_string_equal(s.name, cases[i].wanted);
    }
  }
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err;
  settings s = {0};
  CHECK_OK(read_all("name: ${Y:}\nserver.workers: ${W:}", NULL, variables, &arena, &s, NULL, &err));
  assert_null(s.name); /* an empty text is as good as none */
  assert_int_equal(s.workers, 8);
}

static void the_second_name_of_a_variable_counts_when_the_first_does_not(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err;
  settings s = {0};
  const char *const both[] = {"FIRN_NAME", "one", "OTHER_NAME", "two", NULL};
  CHECK_OK(read_all("name: file", NULL, both, &arena, &s, NULL, &err));
  assert_string_equal(s.name, "one");
  CHECK_OK(read_all("name: file", NULL, both + 2, &arena, &s, NULL, &err));
  assert_string_equal(s.name, "two");
  const char *const empty[] = {"FIRN_NAME", "", "OTHER_NAME", "", NULL};
  CHECK_OK(read_all("name: file", NULL, empty, &arena, &s, NULL, &err));
  assert_string_equal(s.name, "file");
}

static const struct {
  const char *file, *says;
} bads[] = {
    {"\nnam: x", "f.yaml:2: nam is no key; did you mean name?"},
    {"sever:\n  listen: x", "f.yaml:1: sever is no key; did you mean server?"},
    {"server:\n  workes: 3", "f.yaml:2: server.workes is no key; did you mean server.workers?"},
    {"ingest:\n  bacthing:\n    period: 3s",
     "f.yaml:2: ingest.bacthing is no key; did you mean ingest.batching?"},
    {"listen: x", "f.yaml:1: listen is no key; did you mean server.listen?"},
    {"period: 3s", "f.yaml:1: period is no key; did you mean ingest.batching.period?"},
    {"any_number: 3", "any_number is no key; did you mean any-number?"},
    {"zzzzzzzzzz: 3", "f.yaml:1: zzzzzzzzzz is no key"},
    {"name.first: 3", "f.yaml:1: name.first is no key"},
    {"server: x", "f.yaml:1: server must have keys below it"},
    {"server: [x]", "f.yaml:1: server must have keys below it"},
    {"- a", "f.yaml:1: the file must have keys below it"},
    {"text", "the file must have keys below it"},
    {"name: {a: b}", "f.yaml:1: name is a map; it must be a text"},
    {"name: [a]", "f.yaml:1: name is a list; it must be a text"},
    {"store.roots: {a: b}", "store.roots is a map; it must be a text or a list of texts"},
    {"store.roots: [[a]]", "store.roots is a list"},
    {"store.roots: [a, '']", "store.roots has an empty text"},
    {"store.roots: [a, ]\nname: [", "expected"},
    {"name:", "f.yaml:1: name has no value; give it one, or leave the line out"},
    {"name: ~", "name has no value; give it one (a text like that in quotes)"},
    {"name: null", "name has no value"},
    {"server:\n  workers: ~", "f.yaml:2: server.workers has no value"},
    {"server.workers: 0", "f.yaml:1: server.workers is \"0\"; it must be a whole number from 1 to 1024"},
    {"server.workers: 1025", "server.workers is \"1025\"; it must be a whole number from 1 to 1024"},
    {"server.workers: -3", "whole number"},
    {"server.workers: 1_000", "server.workers is \"1_000\""},
    {"server.workers: 0o14", "server.workers is \"0o14\""},
    {"server.workers: 014", "server.workers is \"014\""},
    {"server.workers: 0x1F", "server.workers is \"0x1F\""},
    {"server.workers: 1e3", "server.workers is \"1e3\""},
    {"server.workers: +5", "server.workers is \"+5\""},
    {"server.workers: 5.0", "server.workers is \"5.0\""},
    {"server.workers: ' 5'", "server.workers is \" 5\""},
    {"server.workers: yes", "server.workers is \"yes\""},
    {"any-number: 9223372036854775808", "it must be a whole number"},
    {"server.insecure: 1", "server.insecure is \"1\"; it must be true or false (yes, no, on, off)"},
    {"server.insecure: y", "it must be true or false"},
    {"server.insecure: truee", "it must be true or false"},
    {"ingest.memory: 64mb",
     "ingest.memory is \"64mb\"; it must be a size such as 512KB, 64MB or 1GB, from 1MB to 1TB"},
    {"ingest.memory: 64 MB", "it must be a size"},
    {"ingest.memory: 1.5GB", "it must be a size"},
    {"ingest.memory: MB", "it must be a size"},
    {"ingest.memory: 1048575", "it must be a size"},
    {"ingest.memory: 9999999999TB", "it must be a size"},
    {"ingest.memory: 99999999999999999999", "it must be a size"},
    {"ingest.memory: -1MB", "it must be a size"},
    {"ingest.batching.period: 10", "it must be a time such as 500ms, 10s, 5m, 6h or 7d, 1ms or more"},
    {"ingest.batching.period: 1h30m", "it must be a time"},
    {"ingest.batching.period: 10 s", "it must be a time"},
    {"ingest.batching.period: 999us", "it must be a time"},
    {"ingest.batching.period: never", "it must be a time"},
    {"ingest.batching.period: 00:05:00", "it must be a time"},
    {"ingest.age: Never", "or never"},
    {"ingest.age: 12:30", "or never"},
    {"log.level: trace", "log.level is \"trace\"; it must be one of debug, info or warn"},
    {"log.level: INFO", "it must be one of"},
    {"name: ${Y}", "f.yaml:1: name: the environment variable Y is not set; set it, or write ${Y:default}"},
    {"name: ${EMPTY}", "the environment variable EMPTY is not set"},
    {"store.roots: [a, '${Y}']", "f.yaml:1: store.roots: the environment variable Y is not set"},
    {"server.workers: ${W:many}", "server.workers is \"many\""},
    {"name: ${Y:-8}", "write ${Y:default}, without the -"},
    {"name: ${X", "a ${ without its }"},
    {"name: ${}", "${} names no variable"},
    {"name: ${9}", "${9} names no variable"},
    {"name: ${X Y}", "${X Y} names no variable"},
    {"name: ${X?err}", "names no variable"},
    {"name: a\nserver:\n  listen: b\nserver.listen: c",
     "f.yaml:4: server.listen is given again, first in line 3"},
    {"store.password: [s3cret]", "store.password is a list"},
};

static void refuses_with_key_line_and_remedy(void **state) {
  (void)state;
  static const char *const variables[] = {"X", "ex", "EMPTY", "", NULL};
  for (size_t i = 0; i < FIRN_COUNT_OF(bads); i++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    firn_error err = {0};
    settings s = {0};
    firn_status status = read_all(bads[i].file, NULL, variables, &arena, &s, NULL, &err);
    assert_true(status == FIRN_INVALID || status == FIRN_CORRUPT);
    CHECK_SAYS(bads[i].says);
  }
}

static void the_first_error_is_the_first_of_the_file_then_of_the_table(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err = {0};
  settings s = {0};
  const char *const flags[] = {"workers", "0", "memory", "x", NULL};
  const char *const variables[] = {"FIRN_SERVER_INSECURE", "perhaps", NULL};
  const char *const file = "log.level: x\nnam: y\nserver.workers: 0\n";
  assert_int_equal(read_all(file, flags, variables, &arena, &s, NULL, &err), FIRN_INVALID);
  CHECK_SAYS("f.yaml:1: log.level");
  assert_int_equal(read_all("name: x", flags, variables, &arena, &s, NULL, &err), FIRN_INVALID);
  CHECK_SAYS("FIRN_SERVER_INSECURE: server.insecure is \"perhaps\"");
  assert_int_equal(read_all("name: x", flags, NULL, &arena, &s, NULL, &err), FIRN_INVALID);
  CHECK_SAYS("--workers: server.workers is \"0\"; it must be");
  /* a value of the file is checked though a flag hides it */
  const char *const good[] = {"workers", "5", NULL};
  assert_int_equal(read_all("server.workers: ${NOBODY}", good, NULL, &arena, &s, NULL, &err), FIRN_INVALID);
}

static void secrets_are_in_no_text(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err = {0};
  settings s = {0};
  firn_config_origin origins[N_KEYS];
  const char *const variables[] = {"FIRN_STORE_PASSWORD", "s3cr\xFFt", NULL};
  assert_int_equal(read_all(NULL, NULL, variables, &arena, &s, origins, &err), FIRN_INVALID);
  assert_string_equal(err.text, "FIRN_STORE_PASSWORD: store.password is no text in UTF-8");
  CHECK_OK(read_all("store:\n  password: s3cret\n", NULL, NULL, &arena, &s, origins, &err));
  assert_string_equal(s.password, "s3cret");
  assert_string_equal(printed(&s, origins, "store.password", &arena), "store.password: (set)  # f.yaml:2");
  CHECK_OK(read_all(NULL, NULL, NULL, &arena, &s, origins, &err));
  assert_string_equal(printed(&s, origins, "store.password", &arena), "store.password: (not set)");
}

/* What is printed is a file that gives the same settings. */
static void what_is_printed_reads_back_as_the_same(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err = {0};
  settings s = {0}, again = {0};
  firn_config_origin origins[N_KEYS];
  CHECK_OK(
      read_all("name: \"a $${X} \\\"q\\\" \\\\ # ü\\ttab\\L\\x7f\\n\"\nstore.roots: ['a, b', "
               "'$$']\nserver.insecure: on\n"
               "server.workers: 77\ningest: {memory: 3145729, batching: {period: 90m}, age: never}\n"
               "log.level: warn\nany-number: -5\n",
               NULL, NULL, &arena, &s, origins, &err));
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  CHECK_OK(firn_config_print(keys, N_KEYS, &s, origins, &b, &err));
  firn_builder_add_u8(&b, 0);
  CHECK_OK(read_all((const char *)firn_builder_bytes(&b).data, NULL, NULL, &arena, &again, NULL, &err));
  assert_string_equal(again.name, "a ${X} \"q\" \\ # ü\ttab\u2028\x7f\n");
  assert_string_equal(again.listen, s.listen);
  assert_int_equal(again.roots.n, 2);
  assert_string_equal(again.roots.items[0], "a, b");
  assert_string_equal(again.roots.items[1], "$");
  assert_true(again.insecure);
  assert_int_equal(again.workers, 77);
  assert_int_equal(again.memory, 3145729);
  assert_int_equal(again.period_us, INT64_C(5400000000));
  assert_int_equal(again.age_us, -1);
  assert_string_equal(again.level, "warn");
  assert_int_equal(again.any, -5);
  assert_string_equal(printed(&s, origins, "ingest.batching.period", &arena),
                      "ingest.batching.period: 90m  # f.yaml:5");
  assert_string_equal(printed(&s, origins, "ingest.age", &arena), "ingest.age: never  # f.yaml:5");
  assert_string_equal(printed(&s, origins, "server.listen", &arena),
                      "server.listen: \"127.0.0.1:8181\"  # default");
}

static void names_of_variables(void **state) {
  (void)state;
  char name[FIRN_CONFIG_TEXT_MAX];
  assert_string_equal(firn_config_env_name(&keys[7], name), "FIRN_INGEST_BATCHING_PERIOD");
  firn_config_key key = {.path = "a-b.c_d"};
  assert_string_equal(firn_config_env_name(&key, name), "FIRN_A_B_C_D");
  assert_string_equal(firn_config_env_name(&keys[10], name), "ANY");
}

static firn_status read_and_print(void) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  settings s = {0};
  firn_config_origin origins[N_KEYS];
  const char *const variables[] = {"OTHER_NAME", "n", "FIRN_STORE_ROOTS", "a,b", NULL};
  FIRN_TRY(read_all("server: {listen: '${X:y}', workers: 3}\nstore.roots: [x, $$]", NULL, variables, &arena,
                    &s, origins, NULL));
  FIRN_TRY(firn_config_print(keys, N_KEYS, &s, origins, &b, NULL));
  firn_status status = read_all("server.workers: 3", NULL, NULL, &arena, &s, NULL, NULL);
  if (status == FIRN_OK) {
    assert_int_equal(s.workers, 3);
  }
  return status;
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(read_and_print);
}

RUN_TESTS(presets_fill_what_nobody_says, the_first_source_that_has_a_value_gives_it,
          values_are_typed_by_the_table, texts_are_a_list_or_one, variables_are_put_in,
          the_second_name_of_a_variable_counts_when_the_first_does_not, refuses_with_key_line_and_remedy,
          the_first_error_is_the_first_of_the_file_then_of_the_table, secrets_are_in_no_text,
          what_is_printed_reads_back_as_the_same, names_of_variables, survives_oom)

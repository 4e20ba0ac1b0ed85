#include "apps/firn/settings.h"

#include <stdio.h>

#include "test.h"

/* The environment of the tests: names and values, ends with NULL. */
static const char *const *variables;

static const char *variable(const char *name) {
  for (size_t i = 0; variables != NULL && variables[i] != NULL; i += 2) {
    if (strcmp(variables[i], name) == 0) {
      return variables[i + 1];
    }
  }
  return NULL;
}

static firn_app app_of(firn_arena *arena) {
  variables = NULL;
  return (firn_app){.env = *test_ctx()->env, .ctx = *test_ctx(), .arena = arena, .variable = variable};
}

enum { MAX_OPTIONS = 16 };

/* The value of one option; `name` NULL: none is given. */
static firn_args args_of(const char *name, const char *value, const char **values) {
  firn_args args = {.options = firn_setting_options, .values = values};
  for (size_t i = 0; firn_setting_options[i].name != NULL; i++) {
    assert_true(i < MAX_OPTIONS);
    values[i] = name != NULL && strcmp(name, firn_setting_options[i].name) == 0 ? value : NULL;
  }
  return args;
}

static const char *write_file(const char *text, firn_arena *arena) {
  const char *path = firn_arena_printf(arena, "%s/firn.yaml", test_folder());
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
  assert_int_equal(fclose(f), 0);
  return path;
}

/* Settings of a file alone. */
static firn_status read_text(firn_app *app, const char *text, firn_settings *out, firn_error *err) {
  const char *values[MAX_OPTIONS];
  firn_args args = args_of("config", write_file(text, app->arena), values);
  return firn_settings_read(app, &args, out, err);
}

static size_t size_of(firn_config_type type) {
  return type == FIRN_CONFIG_BOOL ? sizeof(bool) : type == FIRN_CONFIG_TEXTS ? sizeof(firn_config_texts) : 8;
}

static void the_table_and_the_struct_fit(void **state) {
  (void)state;
  uint8_t owner[offsetof(firn_settings, origins)] = {0};
  assert_int_equal(firn_n_setting_keys, FIRN_N_SETTINGS);
  for (size_t i = 0; i < FIRN_N_SETTINGS; i++) {
    const firn_config_key *key = &firn_setting_keys[i];
    size_t size = size_of(key->type);
    assert_non_null(key->path);
    assert_non_null(key->text);
    assert_true(key->offset + size <= sizeof owner);
    assert_int_equal(key->offset % (size < 8 ? size : 8), 0);
    for (size_t k = 0; k < size; k++) {
      assert_int_equal(owner[key->offset + k], 0); /* nobody else's */
      owner[key->offset + k] = 1;
    }
    assert_true((key->type == FIRN_CONFIG_CHOICE) == (key->choices != NULL));
    assert_true(key->least <= key->most);
  }
  for (size_t at = 0; at < sizeof owner; at += 8) { /* padding only behind a bool */
    assert_true(owner[at]);
  }
}

static void names_are_given_once(void **state) {
  (void)state;
  for (size_t i = 0; i < FIRN_N_SETTINGS; i++) {
    char a[FIRN_CONFIG_TEXT_MAX], b[FIRN_CONFIG_TEXT_MAX];
    const firn_config_key *x = &firn_setting_keys[i];
    (void)firn_config_env_name(x, a);
    assert_true(strlen(a) < 64 && strcmp(a, "FIRN_CONFIG") != 0);
    for (size_t k = 0; k < FIRN_N_SETTINGS; k++) {
      const firn_config_key *y = &firn_setting_keys[k];
      if (k == i) {
        continue;
      }
      (void)firn_config_env_name(y, b);
      size_t len = strlen(x->path);
      assert_false(strncmp(x->path, y->path, len) == 0 && (y->path[len] == '.' || y->path[len] == '\0'));
      assert_string_not_equal(a, b);
      assert_true(y->env_too == NULL || strcmp(a, y->env_too) != 0);
      assert_true(x->env_too == NULL || y->env_too == NULL || strcmp(x->env_too, y->env_too) != 0);
      assert_true(x->flag == NULL || y->flag == NULL || strcmp(x->flag, y->flag) != 0);
    }
  }
}

/* Every flag of the table is an option of the commands, but --catalog and --warehouse, which all have; every
 * option but --config is a flag. */
static void flags_are_options(void **state) {
  (void)state;
  size_t n_flags = 0, n_options = 0;
  for (size_t i = 0; i < FIRN_N_SETTINGS; i++) {
    const firn_config_key *key = &firn_setting_keys[i];
    if (key->flag == NULL || strcmp(key->flag, "catalog") == 0 || strcmp(key->flag, "warehouse") == 0) {
      continue;
    }
    n_flags++;
    const firn_option *o = firn_setting_options;
    while (o->name != NULL && strcmp(o->name, key->flag) != 0) {
      o++;
    }
    assert_non_null(o->name);
    assert_true((o->argument == NULL) == (key->type == FIRN_CONFIG_BOOL));
  }
  for (const firn_option *o = firn_setting_options; o->name != NULL; o++) {
    n_options++;
  }
  assert_int_equal(n_options, n_flags + 1);
}

static void presets_are_the_ones_that_are_promised(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_app app = app_of(&arena);
  firn_settings s;
  firn_error err;
  CHECK_OK(read_text(&app, "", &s, &err));
  assert_string_equal(s.data, "./firn-data");
  assert_null(s.catalog);
  assert_null(s.warehouse);
  assert_string_equal(s.namespace_name, "cloudevent");
  assert_string_equal(s.server.listen, "127.0.0.1:8181");
  assert_int_equal(s.ingest.batch_events, 10000);
  assert_int_equal(s.ingest.batch_period_us, 5000000);
  assert_int_equal(s.ingest.max_event_bytes, 16 << 20);
  assert_int_equal(s.committer.max_files, 100);
  assert_int_equal(s.committer.period_us, 10000000);
  assert_int_equal(s.committer.snapshot_age_us, INT64_C(6) * 3600 * 1000000);
  assert_string_equal(s.log.level, "info");
}

/* Two values for each key, as they are written; the values in effect are told apart by printing. */
static const struct {
  const char *path, *one, *two, *three;
} samples[] = {
    {"data", "/a", "/b", "/c"},
    {"catalog", "memory:a", "memory:b", "memory:c"},
    {"warehouse", "/a", "/b", "/c"},
    {"namespace", "a", "b", "c"},
    {"server.listen", "127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"},
    {"server.insecure", "yes", "on", "true"},
    {"log.level", "warn", "error", "debug"},
    {"log.form", "json", "json", "json"},
    {"ingest.compression", "lz4", "none", "gzip"},
    {"server.tls.certificate", "a", "b", "c"},
    {"server.tls.key", "a", "b", "c"},
    {"fetch.legacy_roots", "/a", "/b,/c", "/d"},
    {"fetch.subject_format", "a%s", "b%s", "c%s"},
    {"sql.library", "/a.so", "/b.so", "/c.so"},
};

/* Of keys that are not among the samples: 50 of what the preset counts in. */
static const char *sample_of(const firn_config_key *key, int which, firn_arena *arena) {
  for (size_t i = 0; i < FIRN_COUNT_OF(samples); i++) {
    if (strcmp(samples[i].path, key->path) == 0) {
      return which == 0 ? samples[i].one : which == 1 ? samples[i].two : samples[i].three;
    }
  }
  const char *unit = key->preset + strspn(key->preset, "0123456789");
  return firn_arena_printf(arena, "%d%s", 50 + which, unit);
}

static const char *line_of(const firn_settings *s, const char *path, firn_arena *arena) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_error err;
  CHECK_OK(firn_config_print(firn_setting_keys, FIRN_N_SETTINGS, s, s->origins, &b, &err));
  firn_builder_add_u8(&b, 0);
  const char *text = firn_arena_text(arena, firn_builder_bytes(&b));
  const char *line = strstr(text, firn_arena_printf(arena, "%s: ", path));
  assert_non_null(line);
  return firn_arena_text(arena, (firn_bytes){(const uint8_t *)line, strcspn(line, "\n")});
}

/* Loads the settings with one key set by some of its sources (1: file, 2: variable, 4: flag). */
static const char *load_with(const firn_config_key *key, unsigned sources, firn_arena *arena) {
  firn_app app = app_of(arena);
  firn_settings *s = firn_new(arena, firn_settings);
  firn_error err;
  const char *values[MAX_OPTIONS];
  char name[FIRN_CONFIG_TEXT_MAX];
  const char *const set[] = {firn_config_env_name(key, name), sample_of(key, 1, arena), NULL};
  const char *given = sources & 4 ? sample_of(key, 2, arena) : NULL;
  bool is_catalog = key->flag != NULL && strcmp(key->flag, "catalog") == 0;
  bool is_warehouse = key->flag != NULL && strcmp(key->flag, "warehouse") == 0;
  app.catalog_flag = is_catalog ? given : NULL;
  app.warehouse_flag = is_warehouse ? given : NULL;
  firn_args args =
      args_of(given != NULL ? key->flag : NULL, key->type == FIRN_CONFIG_BOOL ? "" : given, values);
  if (sources & 1) {
    const char *text = firn_arena_printf(arena, "%s: \"%s\"\n", key->path, sample_of(key, 0, arena));
    values[0] = write_file(text, arena); /* --config is the first option */
  }
  variables = sources & 2 ? set : NULL;
  CHECK_OK(firn_settings_load(&app, &args, s, &err));
  variables = NULL;
  return line_of(s, key->path, arena);
}

static void every_key_is_set_by_each_of_its_sources(void **state) {
  (void)state;
  for (size_t i = 0; i < FIRN_N_SETTINGS; i++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    const firn_config_key *key = &firn_setting_keys[i];
    char name[FIRN_CONFIG_TEXT_MAX];
    const char *variable_place = firn_arena_printf(&arena, "  # %s", firn_config_env_name(key, name));
    const char *none = load_with(key, 0, &arena);
    const char *file = load_with(key, 1, &arena);
    const char *both = load_with(key, 3, &arena);
    const char *both_places[] = {strstr(none, key->preset == NULL ? "(not set)" : "  # default"),
                                 strstr(file, "firn.yaml:1"), strstr(both, variable_place)};
    for (size_t k = 0; k < FIRN_COUNT_OF(both_places); k++) {
      assert_non_null(both_places[k]);
    }
    assert_string_equal(load_with(key, 2, &arena), both);
    size_t none_len = strcspn(none, "#"), file_len = strcspn(file, "#"); /* the values differ too */
    assert_false(key->preset != NULL && none_len == file_len && strncmp(none, file, none_len) == 0);
    if (key->flag != NULL) {
      const char *all = load_with(key, 7, &arena);
      assert_non_null(strstr(all, firn_arena_printf(&arena, "  # --%s", key->flag)));
      assert_string_equal(load_with(key, 4, &arena), all);
    }
  }
}

static void names_of_other_programs_are_honoured(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_app app = app_of(&arena);
  firn_settings s;
  firn_error err;
  const char *values[MAX_OPTIONS];
  firn_args args = args_of(NULL, NULL, values);
  static const char *const all[] = {"FIRN_CATALOG",
                                    "memory:f",
                                    "FIRN_WAREHOUSE",
                                    "/f",
                                    "ICEBERG_CATALOG_URI",
                                    "memory:i",
                                    "ICEBERG_WAREHOUSE",
                                    "/i",
                                    NULL};
  variables = all + 4;
  CHECK_OK(firn_settings_read(&app, &args, &s, &err));
  assert_string_equal(s.catalog, "memory:i");
  assert_string_equal(s.warehouse, "/i");
  variables = all;
  CHECK_OK(firn_settings_read(&app, &args, &s, &err));
  assert_string_equal(s.catalog, "memory:f");
  assert_string_equal(s.warehouse, "/f");
}

static void the_file_is_named_by_option_or_variable(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_app app = app_of(&arena);
  firn_settings s;
  firn_error err;
  const char *values[MAX_OPTIONS];
  const char *path = write_file("namespace: of_file\n", &arena);
  firn_args args = args_of(NULL, NULL, values);
  const char *const named[] = {"FIRN_CONFIG", path, NULL};
  variables = named;
  CHECK_OK(firn_settings_read(&app, &args, &s, &err));
  assert_string_equal(s.namespace_name, "of_file");
  assert_string_equal(s.config_name, path);
  args = args_of("config", "/no/such/file.yaml", values);
  CHECK_STATUS(firn_settings_read(&app, &args, &s, &err), FIRN_NOT_FOUND);
  CHECK_SAYS("reading the configuration: ");
  CHECK_SAYS("/no/such/file.yaml");
  CHECK_STATUS(read_text(&app, "a: [", &s, &err), FIRN_CORRUPT);
  CHECK_SAYS("/firn.yaml: line ");
  CHECK_STATUS(read_text(&app, "\nsever:\n", &s, &err), FIRN_INVALID);
  CHECK_SAYS("/firn.yaml:2: sever is no key; did you mean server?");
}

static void roots_are_made_absolute(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_app app = app_of(&arena);
  firn_settings s;
  firn_error err;
  CHECK_OK(read_text(&app, "fetch.legacy_roots: [old, /a/../b, 's3://c/d']", &s, &err));
  assert_int_equal(s.fetch.legacy_roots.items[0][0], '/');
  assert_non_null(strstr(s.fetch.legacy_roots.items[0], "/old"));
  assert_string_equal(s.fetch.legacy_roots.items[1], "/b");
  assert_string_equal(s.fetch.legacy_roots.items[2], "s3://c/d");
}

static void addresses_are_taken_apart(void **state) {
  (void)state;
  static const struct {
    const char *listen, *address;
    uint16_t port;
    bool is_loopback;
  } good[] = {
      {"127.0.0.1:8181", "127.0.0.1", 8181, true},
      {"localhost:0", "127.0.0.1", 0, true},
      {"127.9.8.7:65535", "127.9.8.7", 65535, true},
      {"[::1]:80", "::1", 80, true},
      {"[::ffff:127.0.0.1]:80", "::ffff:127.0.0.1", 80, true},
      {"0.0.0.0:8181", "0.0.0.0", 8181, false},
      {"[::]:1", "::", 1, false},
      {"10.0.0.1:1", "10.0.0.1", 1, false},
      {"[::ffff:10.0.0.1]:80", "::ffff:10.0.0.1", 80, false},
      {"128.0.0.1:1", "128.0.0.1", 1, false},
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(good); i++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    firn_settings s = {.server = {.listen = good[i].listen}};
    firn_error err;
    const char *address;
    uint16_t port;
    CHECK_OK(firn_settings_address(&s, &arena, &address, &port, &err));
    assert_string_equal(address, good[i].address);
    assert_int_equal(port, good[i].port);
    assert_int_equal(firn_address_is_loopback(address), good[i].is_loopback);
  }
  static const char *const bad[] = {"8181",
                                    ":8181",
                                    "127.0.0.1",
                                    "127.0.0.1:",
                                    "127.0.0.1:65536",
                                    "127.0.0.1:8x",
                                    "127.0.0.1:-1",
                                    "::1:8181",
                                    "[::1]",
                                    "[::1:8181",
                                    "[]:1",
                                    "example.org:80",
                                    "127.1:80",
                                    "1.2.3.4.5:80",
                                    "[127.0.0.1:80",
                                    "127.0.0.1:99999999999999"};
  for (size_t i = 0; i < FIRN_COUNT_OF(bad); i++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    firn_settings s = {.server = {.listen = bad[i]}};
    firn_error err = {0};
    const char *address;
    uint16_t port;
    CHECK_STATUS(firn_settings_address(&s, &arena, &address, &port, &err), FIRN_INVALID);
    CHECK_SAYS("must be a numeric address and a port");
  }
}

static const struct {
  const char *text;
  firn_status status;
  const char *says;
} combinations[] = {
    {"server.listen: 0.0.0.0:8181", FIRN_DENIED,
     "firn.yaml:1: server.listen: 0.0.0.0:8181 is reached from other machines"},
    {"server: {listen: '[::]:1', insecure: no}", FIRN_DENIED,
     "accept that with --insecure or server.insecure: true"},
    {"server: {listen: '0.0.0.0:1', insecure: yes}", FIRN_OK, NULL},
    {"server.listen: nowhere", FIRN_INVALID,
     "firn.yaml:1: server.listen: \"nowhere\" must be a numeric address"},
    {"server.tls.key: k", FIRN_INVALID,
     "firn.yaml:1: server.tls.key: needs server.tls.certificate beside it"},
    {"server.tls.certificate: c", FIRN_INVALID, "server.tls.certificate: needs server.tls.key beside it"},
    {"server.tls: {certificate: c, key: k}", FIRN_OK, NULL},
    {"ingest.max_event_size: 65MB", FIRN_INVALID,
     "ingest.max_event_size: must not be larger than ingest.max_body_size"},
    {"ingest: {max_event_size: 1GB, max_body_size: 2GB}", FIRN_INVALID,
     "must not be larger than ingest.max_journal_size"},
    {"ingest: {max_event_size: 1GB, max_body_size: 2GB, max_journal_size: 4GB}", FIRN_OK, NULL},
    {"ingest.compression: zip", FIRN_INVALID, "firn.yaml:1: ingest.compression: "},
    {"ingest.compression: zstd:9", FIRN_OK, NULL},
    {"fetch.subject_format: x", FIRN_INVALID, "fetch.subject_format: must contain %s once, and no other %"},
    {"fetch.subject_format: a%s%s", FIRN_INVALID, "must contain %s once"},
    {"fetch.subject_format: a%n", FIRN_INVALID, "must contain %s once"},
    {"fetch.subject_format: 'did:%s:x'", FIRN_OK, NULL},
    {"namespace: a..b", FIRN_INVALID, "firn.yaml:1: namespace: "},
    {"namespace: a.b", FIRN_OK, NULL},
};

static void settings_must_go_together(void **state) {
  (void)state;
  for (size_t i = 0; i < FIRN_COUNT_OF(combinations); i++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    firn_app app = app_of(&arena);
    firn_settings s;
    firn_error err = {0};
    assert_int_equal(read_text(&app, combinations[i].text, &s, &err), combinations[i].status);
    if (combinations[i].says != NULL) {
      CHECK_SAYS(combinations[i].says);
    }
  }
}

static void the_page_is_that_of_the_table(void **state) {
  (void)state;
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_settings_page(&b);
  firn_bytes page = test_read_file("docs/man/firn.yaml.md");
  if (!firn_bytes_equal(page, firn_builder_bytes(&b))) {
    fail_msg("docs/man/firn.yaml.md is not what the table says; make it anew: firn check --keys > %s",
             "docs/man/firn.yaml.md");
  }
  firn_free((void *)(uintptr_t)page.data);
}

static firn_status load_and_check(void) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_app app = {.env = firn_env_system, .arena = &arena};
  app.ctx = (firn_ctx)FIRN_CTX_INIT(&app.env);
  const char *values[MAX_OPTIONS];
  firn_args args = args_of("config", "examples/firn.yaml", values);
  firn_settings *s = firn_new(&arena, firn_settings);
  if (s == NULL) {
    return FIRN_NOMEM;
  }
  return firn_settings_read(&app, &args, s, NULL);
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(load_and_check);
}

RUN_TESTS(the_table_and_the_struct_fit, names_are_given_once, flags_are_options,
          presets_are_the_ones_that_are_promised, every_key_is_set_by_each_of_its_sources,
          names_of_other_programs_are_honoured, the_file_is_named_by_option_or_variable,
          roots_are_made_absolute, addresses_are_taken_apart, settings_must_go_together,
          the_page_is_that_of_the_table, survives_oom)

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

RUN_TESTS(the_table_and_the_struct_fit, names_are_given_once, flags_are_options,
          presets_are_the_ones_that_are_promised)

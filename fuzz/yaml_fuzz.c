/* YAML and configuration: what is read keeps the promises of base/yaml.h, and what a configuration prints is
 * read back as the same. */
#include <stdlib.h>

#include "base/config.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds) {
  if (!holds) {
    abort(); /* what a fuzzer looks for */
  }
}

typedef struct settings {
  const char *text, *secret, *choice;
  firn_config_texts texts;
  bool is_on;
  int64_t count, duration;
  uint64_t size;
} settings;

static const char *const choices[] = {"one", "two", NULL};
static const firn_config_key keys[] = {
    {"a", FIRN_CONFIG_TEXT, offsetof(settings, text), .text = "t"},
    {"b.secret", FIRN_CONFIG_TEXT, offsetof(settings, secret), .is_secret = true, .text = "t"},
    {"b.choice", FIRN_CONFIG_CHOICE, offsetof(settings, choice), .preset = "one", .choices = choices,
     .text = "t"},
    {"b.c.texts", FIRN_CONFIG_TEXTS, offsetof(settings, texts), .text = "t"},
    {"on", FIRN_CONFIG_BOOL, offsetof(settings, is_on), .text = "t"},
    {"n", FIRN_CONFIG_COUNT, offsetof(settings, count), .word = "auto", .word_value = -1, .text = "t"},
    {"d", FIRN_CONFIG_DURATION, offsetof(settings, duration), .text = "t"},
    {"s", FIRN_CONFIG_SIZE, offsetof(settings, size), .least = 1, .most = INT64_MAX, .preset = "1MB",
     .text = "t"},
};
enum { N_KEYS = FIRN_COUNT_OF(keys) };

static size_t walk(const firn_yaml *v, size_t depth) {
  size_t n_nodes = 1;
  check(depth <= FIRN_YAML_MAX_DEPTH && v->line > 0 && v->column > 0);
  check(v->kind != FIRN_YAML_SCALAR ||
        (firn_utf8_is_valid(v->text) && memchr(v->text.data, 0, v->text.len) == NULL));
  for (size_t i = 0; i < v->n; i++) {
    bool is_map = v->kind == FIRN_YAML_MAP;
    check(is_map || v->kind == FIRN_YAML_LIST);
    for (size_t k = 0; is_map && k < i && i < 20; k++) { /* all pairs of a large map take too long */
      check(!firn_bytes_equal(v->members[k].key, v->members[i].key));
    }
    check(!is_map || (v->members[i].key.len > 0 && v->members[i].line > 0));
    n_nodes += walk(is_map ? v->members[i].value : v->items[i], depth + 1);
  }
  return n_nodes;
}

static const char *env(void *self, const char *name) {
  (void)self;
  return name[0] == 'X' ? "x: $y" : NULL;
}

static firn_status read_config(firn_bytes text, firn_arena *arena, settings *out,
                               firn_config_origin *origins) {
  firn_config_sources sources = {.env = env, .file_name = "f"};
  FIRN_TRY(firn_yaml_read(text, 1 << 16, arena, &sources.file, NULL));
  return firn_config_read(keys, N_KEYS, &sources, arena, out, origins, NULL);
}

static void print_and_read_back(firn_bytes text) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER first = FIRN_BUILDER_INIT(0);
  FIRN_AUTO_BUILDER second = FIRN_BUILDER_INIT(0);
  firn_config_origin origins[N_KEYS], unused[N_KEYS];
  settings s = {0};
  if (read_config(text, &arena, &s, origins) != FIRN_OK) {
    return;
  }
  s.secret = NULL; /* what is not printed cannot come back */
  origins[1] = (firn_config_origin){0};
  check(firn_config_print(keys, N_KEYS, &s, origins, &first, NULL) == FIRN_OK);
  settings again = {0};
  check(read_config(firn_builder_bytes(&first), &arena, &again, unused) == FIRN_OK);
  check(firn_config_print(keys, N_KEYS, &again, origins, &second, NULL) == FIRN_OK);
  check(firn_bytes_equal(firn_builder_bytes(&first), firn_builder_bytes(&second)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(64 << 20);
  firn_bytes text = {data, size};
  const firn_yaml *tree = NULL;
  firn_error err = {0};
  firn_status status = firn_yaml_read(text, 1 << 16, &arena, &tree, &err);
  check(status == FIRN_OK || status == FIRN_CORRUPT || status == FIRN_UNSUPPORTED || status == FIRN_LIMIT);
  check((status == FIRN_OK) == (tree != NULL) && (status == FIRN_OK) == (err.text[0] == '\0'));
  if (tree != NULL) {
    check(walk(tree, 0) <= FIRN_YAML_MAX_NODES);
  }
  print_and_read_back(text);
  return 0;
}

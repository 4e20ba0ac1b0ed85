/* The page docs/man/firn.yaml.md, made of the table. */
#include "apps/firn/settings.h"

#include <stdio.h>

enum { COLUMNS = 100, INDENT = 8 };

static const char head[] =
    "# firn.yaml\n"
    "\n"
    "The configuration of `firn up`. This page is made of the program's table of keys (`firn check "
    "--keys`).\n"
    "\n"
    "    firn up --config firn.yaml\n"
    "    firn check --config firn.yaml          what would happen, without doing it\n"
    "    firn check --config firn.yaml --print  every key, its value, and where that came from\n"
    "\n"
    "A value comes, the first that is there, from an option, the environment, the file, the default. Every "
    "key has\n"
    "a variable: FIRN_ and its path in capitals with _ for the dots, `FIRN_SERVER_LISTEN` for "
    "`server.listen`.\n"
    "`FIRN_CONFIG` names the file where `--config` does not. An empty value is as good as none.\n"
    "\n"
    "In the file a key stands in its section, or with its whole path:\n"
    "\n"
    "    server:\n"
    "      listen: 0.0.0.0:8181\n"
    "      insecure: true\n"
    "    ingest.batching.period: ${PERIOD:2s}\n"
    "\n"
    "`${NAME}` is replaced by the environment's NAME, and is an error when that is not set or empty;\n"
    "`${NAME:default}` is not. `$$` is a dollar sign. A key that does not exist, a value of the wrong type "
    "or out of\n"
    "its range is an error that says what is allowed. Types are those of the keys, with quotes or without; "
    "`~`,\n"
    "`null` and nothing are no values. Tags, merge keys and several documents are refused.\n"
    "\n"
    "Sizes are whole numbers with B, KB, MB, GB or TB (powers of 1024). Times are whole numbers with us, ms, "
    "s, m, h\n"
    "or d.\n";

/* "ingest" of "ingest.batching.count"; length 0: it has no section. */
static firn_bytes section_of(const char *path) {
  const char *dot = strchr(path, '.');
  return (firn_bytes){(const uint8_t *)path, dot == NULL ? 0 : (size_t)(dot - path)};
}

/* Words, in lines of COLUMNS. */
static void add_wrapped(const char *text, firn_builder *out) {
  size_t column = 0;
  while (*text != '\0') {
    size_t len = strcspn(text, " ");
    if (column == 0 || column + 1 + len > COLUMNS) {
      firn_builder_addf(out, "%s%*s", column == 0 ? "" : "\n", (int)INDENT, "");
      column = INDENT;
    } else {
      firn_builder_add_text(out, " ");
      column++;
    }
    firn_builder_add(out, (firn_bytes){(const uint8_t *)text, len});
    column += len;
    text += len + (text[len] == ' ');
  }
  firn_builder_add_text(out, "\n");
}

static void add_key(const firn_config_key *key, firn_builder *out) {
  char variable[FIRN_CONFIG_TEXT_MAX], allowed[FIRN_CONFIG_TEXT_MAX], facts[4 * FIRN_CONFIG_TEXT_MAX];
  firn_builder_addf(out, "    %s", key->path);
  if (key->preset != NULL) {
    firn_builder_addf(out, ": %s", key->preset);
  }
  firn_builder_add_text(out, "\n");
  add_wrapped(key->text, out);
  (void)firn_config_allowed(key, allowed);
  (void)snprintf(facts, sizeof facts, "%c%s. %s%s%s%s%s%s", allowed[0] - 'a' + 'A', allowed + 1,
                 firn_config_env_name(key, variable), key->env_too == NULL ? "" : ", ",
                 key->env_too == NULL ? "" : key->env_too, key->flag == NULL ? "" : ", --",
                 key->flag == NULL ? "" : key->flag, key->is_secret ? ". Secret" : "");
  add_wrapped(facts, out);
}

void firn_settings_page(firn_builder *out) {
  firn_bytes section = {(const uint8_t *)"?", 1};
  firn_builder_add_text(out, head);
  for (size_t i = 0; i < FIRN_N_SETTINGS; i++) {
    firn_bytes here = section_of(firn_setting_keys[i].path);
    if (!firn_bytes_equal(here, section)) {
      firn_bytes title = here.len == 0 ? FIRN_LITERAL("Places") : here;
      firn_builder_addf(out, "\n## %.*s\n", FIRN_FORMAT_BYTES(title));
      section = here;
    }
    firn_builder_add_text(out, "\n");
    add_key(&firn_setting_keys[i], out);
  }
}

/* The command line: finding the command, parsing its options, help, the exit status. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "apps/firn/command.h"
#include "apps/firn/pages.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, MAX_OPTIONS = 32 };

static const firn_option global_options[] = {
    {"catalog", "URI",
     "the catalog: sqlite:PATH, folder:URI, memory: (default: ./firn-data/catalog.db; FIRN_CATALOG)"},
    {"warehouse", "LOCATION", "where new tables go (default: ./firn-data/warehouse; FIRN_WAREHOUSE)"},
    {"format", "FORM", "form of the output: table or json (json is one object a line, for programs)"},
    {"quiet", NULL, "no progress"},
    {"help", NULL, "this text"},
    {0},
};

/* What one command line says. */
typedef struct parsed {
  const char *globals[FIRN_COUNT_OF(global_options)];
  const char *values[MAX_OPTIONS];
  const char **words;
  size_t n_words;
} parsed;

static size_t count_options(const firn_option *options) {
  size_t n = 0;
  while (options != NULL && options[n].name != NULL) {
    n++;
  }
  return n;
}

const char *firn_args_value(const firn_args *args, const char *name) {
  for (size_t i = 0; args->options != NULL && args->options[i].name != NULL; i++) {
    if (strcmp(args->options[i].name, name) == 0) {
      return args->values[i];
    }
  }
  return NULL;
}

bool firn_args_has(const firn_args *args, const char *name) {
  return firn_args_value(args, name) != NULL;
}

/* Digits, then what follows them. */
static bool read_digits(const char *text, uint64_t *out, const char **rest) {
  char *end;
  errno = 0;
  unsigned long long v = strtoull(text, &end, 10);
  *out = v;
  *rest = end;
  return text[0] >= '0' && text[0] <= '9' && errno == 0;
}

firn_status firn_args_count(const firn_args *args, const char *name, uint64_t *out, firn_error *err) {
  const char *text = firn_args_value(args, name);
  if (text == NULL) {
    return FIRN_OK;
  }
  uint64_t v;
  const char *rest;
  if (!read_digits(text, &v, &rest) || rest[0] != '\0') {
    return firn_error_set(err, FIRN_INVALID, "--%s must be a whole number, not \"%s\"", name, text);
  }
  *out = v;
  return FIRN_OK;
}

firn_status firn_args_size(const firn_args *args, const char *name, uint64_t *out, firn_error *err) {
  static const struct {
    const char *text;
    uint64_t bytes;
  } units[] = {{"", 1},          {"B", 1},        {"K", 1 << 10},  {"KB", 1 << 10},
               {"KiB", 1 << 10}, {"M", 1 << 20},  {"MB", 1 << 20}, {"MiB", 1 << 20},
               {"G", 1 << 30},   {"GB", 1 << 30}, {"GiB", 1 << 30}};
  const char *text = firn_args_value(args, name);
  if (text == NULL) {
    return FIRN_OK;
  }
  uint64_t v;
  const char *rest;
  bool is_number = read_digits(text, &v, &rest);
  for (size_t i = 0; is_number && i < FIRN_COUNT_OF(units); i++) {
    if (strcmp(rest, units[i].text) == 0 && !__builtin_mul_overflow(v, units[i].bytes, out)) {
      return FIRN_OK;
    }
  }
  return firn_error_set(err, FIRN_INVALID, "--%s must be a size such as 128MB or 1G, not \"%s\"", name, text);
}

static void print_options(const firn_option *options, FILE *to) {
  for (size_t i = 0; options != NULL && options[i].name != NULL; i++) {
    const firn_option *o = &options[i];
    int width = fprintf(to, "  --%s%s%s", o->name, o->argument == NULL ? "" : " ",
                        o->argument == NULL ? "" : o->argument);
    (void)fprintf(to, "%*s%s\n", width < 28 ? 28 - width : 1, "", o->help);
  }
}

static void print_command_list(const firn_command *commands, const char *before, FILE *to) {
  for (const firn_command *c = commands; c->name != NULL; c++) {
    if (c->commands != NULL) {
      print_command_list(c->commands, c->name, to);
      continue;
    }
    int width = fprintf(to, "  firn %s%s%s%s%s", before, before[0] == '\0' ? "" : " ", c->name,
                        c->usage == NULL ? "" : " ", c->usage == NULL ? "" : c->usage);
    (void)fprintf(to, "%*s%s\n", width < 44 ? 44 - width : 2, "", c->summary);
  }
}

static void print_help(FILE *to) {
  (void)fputs("firn: an Apache Iceberg lakehouse in one program\n\nCommands:\n", to);
  print_command_list(firn_commands, "", to);
  (void)fputs("\nOptions of every command:\n", to);
  print_options(global_options, to);
}

static void print_command_help(const firn_command *c, const char *group, FILE *to) {
  (void)fprintf(to, "firn %s%s%s%s%s: %s\n\nOptions:\n", group, group[0] == '\0' ? "" : " ", c->name,
                c->usage == NULL ? "" : " ", c->usage == NULL ? "" : c->usage, c->summary);
  print_options(c->options, to);
  (void)fputs("Options of every command:\n", to);
  print_options(global_options, to);
}

static int wrong_usage(firn_app *app, const firn_error *err) {
  (void)fprintf(app->errors, "Error: %s\n(firn --help says what there is)\n", err->text);
  return EXIT_USAGE;
}

static const firn_command *find_command(const firn_command *commands, const char *name) {
  for (const firn_command *c = commands; c->name != NULL; c++) {
    if (strcmp(c->name, name) == 0) {
      return c;
    }
  }
  return NULL;
}

/* "--name", "--name=value" or "--name value": which option of a table it is, and its value. */
static bool match_option(const firn_option *options, const char *text, size_t *which, const char **value) {
  size_t len = strcspn(text, "=");
  for (size_t i = 0; options != NULL && options[i].name != NULL; i++) {
    if (strlen(options[i].name) == len && strncmp(options[i].name, text, len) == 0) {
      *which = i;
      *value = text[len] == '=' ? text + len + 1 : NULL;
      return true;
    }
  }
  return false;
}

static firn_status parse_option(const firn_option *own, int argc, char **argv, int *at, parsed *out,
                                firn_error *err) {
  const char *text = argv[*at] + 2;
  size_t which;
  const char *value;
  const firn_option *option;
  const char **into;
  if (match_option(own, text, &which, &value)) {
    option = &own[which];
    into = &out->values[which];
  } else if (match_option(global_options, text, &which, &value)) {
    option = &global_options[which];
    into = &out->globals[which];
  } else {
    return firn_error_set(err, FIRN_INVALID, "there is no option --%s here", text);
  }
  if (*into != NULL) {
    return firn_error_set(err, FIRN_INVALID, "--%s is given twice", option->name);
  }
  if (option->argument == NULL) {
    *into = "";
    return value == NULL ? FIRN_OK : firn_error_set(err, FIRN_INVALID, "--%s takes no value", option->name);
  }
  if (value == NULL) {
    if (*at + 1 >= argc) {
      return firn_error_set(err, FIRN_INVALID, "--%s needs a %s", option->name, option->argument);
    }
    value = argv[++*at];
  }
  *into = value;
  return FIRN_OK;
}

static firn_status parse(const firn_option *own, int argc, char **argv, int from, parsed *out,
                         firn_error *err) {
  bool only_words = false;
  for (int i = from; i < argc; i++) {
    if (!only_words && strcmp(argv[i], "--") == 0) {
      only_words = true;
    } else if (!only_words && strncmp(argv[i], "--", 2) == 0) {
      FIRN_TRY(parse_option(own, argc, argv, &i, out, err));
    } else if (!only_words && argv[i][0] == '-' && argv[i][1] != '\0') {
      return firn_error_set(err, FIRN_INVALID, "there is no option %s; options are long, as in --help",
                            argv[i]);
    } else {
      out->words[out->n_words++] = argv[i];
    }
  }
  return FIRN_OK;
}

static firn_status take_globals(firn_app *app, const parsed *p, firn_error *err) {
  app->catalog_flag = p->globals[0];
  app->warehouse_flag = p->globals[1];
  app->catalog_uri = p->globals[0] != NULL ? p->globals[0] : app->catalog_uri;
  app->warehouse = p->globals[1] != NULL ? p->globals[1] : app->warehouse;
  app->is_quiet = p->globals[3] != NULL;
  const char *format = p->globals[2];
  if (format != NULL && strcmp(format, "json") == 0) {
    app->format = FIRN_FORMAT_JSON;
  } else if (format != NULL && strcmp(format, "table") != 0) {
    return firn_error_set(err, FIRN_INVALID, "--format must be table or json, not \"%s\"", format);
  }
  return FIRN_OK;
}

static int run_command(firn_app *app, const firn_command *c, const parsed *p) {
  firn_args args = {.n_words = p->n_words, .words = p->words, .options = c->options, .values = p->values};
  firn_error err = {0};
  firn_status status = c->run(app, &args, &err);
  if (status == FIRN_OK && fflush(app->out) != 0) {
    status = firn_error_set(&err, FIRN_IO, "the output cannot be written: %s", strerror(errno));
  }
  firn_catalog_close(app->catalog);
  firn_stores_close(app->stores);
  firn_pool_close(app->env.pool);
  if (status != FIRN_OK) {
    (void)fprintf(app->errors, "Error: %s\n", err.text);
  }
  return status == FIRN_OK ? EXIT_DONE : EXIT_FAILED;
}

/* firn help [PAGE]: a page of docs/man. */
static int show_page(firn_app *app, const char *name) {
  for (const firn_page *p = firn_pages; p->name != NULL; p++) {
    if (strcmp(p->name, name) == 0) {
      (void)fputs(p->text, app->out);
      return EXIT_DONE;
    }
  }
  firn_error err;
  (void)firn_error_set(&err, FIRN_INVALID, "there is no page %s", name);
  return wrong_usage(app, &err);
}

int firn_app_run(firn_app *app, int argc, char **argv) {
  firn_error err;
  if (argc < 2 || strcmp(argv[1], "--help") == 0) {
    print_help(argc < 2 ? app->errors : app->out);
    return argc < 2 ? EXIT_USAGE : EXIT_DONE;
  }
  if (strcmp(argv[1], "help") == 0) {
    return show_page(app, argc < 3 ? "firn" : argv[2]);
  }
  if (strcmp(argv[1], "--version") == 0) {
    (void)fprintf(app->out, "firn %s\n", FIRN_VERSION);
    return EXIT_DONE;
  }
  int at = 1;
  const char *group = "";
  const firn_command *c = find_command(firn_commands, argv[at]);
  if (c != NULL && c->commands != NULL) {
    group = c->name;
    at++;
    if (at >= argc || strcmp(argv[at], "--help") == 0) {
      print_command_list(c->commands, group, at < argc ? app->out : app->errors);
      return at < argc ? EXIT_DONE : EXIT_USAGE;
    }
    c = find_command(c->commands, argv[at]);
  }
  if (c == NULL) {
    (void)firn_error_set(&err, FIRN_INVALID, "there is no command %s%s%s", group, group[0] == '\0' ? "" : " ",
                         argv[at]);
    return wrong_usage(app, &err);
  }
  parsed p = {.words = firn_new_n(app->arena, const char *, (size_t)argc)};
  if (p.words == NULL || count_options(c->options) > MAX_OPTIONS ||
      parse(c->options, argc, argv, at + 1, &p, &err) != FIRN_OK) {
    return wrong_usage(app, &err);
  }
  if (p.globals[4] != NULL) {
    print_command_help(c, group, app->out);
    return EXIT_DONE;
  }
  if (p.n_words < c->min_words || p.n_words > c->max_words) {
    (void)firn_error_set(&err, FIRN_INVALID, "firn %s%s%s takes %s", group, group[0] == '\0' ? "" : " ",
                         c->name, c->usage == NULL ? "nothing" : c->usage);
    return wrong_usage(app, &err);
  }
  return take_globals(app, &p, &err) != FIRN_OK ? wrong_usage(app, &err) : run_command(app, c, &p);
}

/* firn check: whether `firn up` could serve with this configuration. It asks, and changes nothing. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "apps/firn/command.h"
#include "apps/firn/data.h"
#include "apps/firn/print.h"
#include "apps/firn/settings.h"
#include "base/file.h"
#include "base/json_write.h"
#include "base/nearest.h"
#include "base/time.h"
#include "catalogs/catalogs.h"
#include "net/certificate.h"

enum {
  MAX_PEM_BYTES = 1 << 20,
  OTHER_FILES = 128, /* descriptors beside those of connections */
  SOON_DAYS = 14,    /* before a certificate ends */
  NAME_COLUMN = 16,
};

const firn_option firn_check_command_options[] = {
    FIRN_SETTING_OPTIONS,
    {"print", NULL,
     "also the settings that are in effect, as a configuration file; the checks are its comments"},
    {"keys", NULL, "only the page of all keys, as in firn help firn.yaml"},
    {0},
};

typedef enum outcome { FINE, NOTE, FAILED } outcome;

/* One run. */
typedef struct checking {
  firn_app *app;
  firn_settings settings;
  bool is_comment; /* lines begin with "# " */
  size_t n_checks, n_failed;
  const char *data, *catalog, *warehouse; /* absolute */
  bool is_served;                         /* a firn is at work in the data directory */
  firn_status printed;                    /* the first failure of the output */
} checking;

/* --- what is said --- */

static void say(checking *c, outcome o, const char *name, const char *format, ...) FIRN_PRINTF(4, 5);
static void say(checking *c, outcome o, const char *name, const char *format, ...) {
  static const char *const words[] = {"ok", "note", "failed"};
  char text[sizeof((firn_error *)NULL)->text + 64];
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  va_list args;
  va_start(args, format);
  (void)vsnprintf(text, sizeof text, format, args);
  va_end(args);
  c->n_checks += o != NOTE;
  c->n_failed += o == FAILED;
  if (c->app->format == FIRN_FORMAT_JSON) {
    firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
    firn_json_begin_object(&w);
    firn_json_add_text(&w, "check", name);
    firn_json_add_text(&w, "state", words[o]);
    firn_json_add_text(&w, "text", text);
    firn_json_end_object(&w);
    firn_builder_add_text(&b, "\n");
  } else {
    firn_builder_addf(&b, "%s%-8s%-*s%s\n", c->is_comment ? "# " : "", words[o], (int)NAME_COLUMN, name,
                      text);
  }
  firn_status status = firn_print_builder(&b, c->app->out, NULL);
  c->printed = c->printed == FIRN_OK ? status : c->printed;
}

/* A check that ended in `status`; true when it is fine, and the caller says why. */
static bool passed(checking *c, const char *name, firn_status status, const firn_error *err) {
  if (status != FIRN_OK) {
    say(c, FAILED, name, "%s", err->text);
  }
  return status == FIRN_OK;
}

/* --- the configuration --- */

/* A variable that looks like a setting and is none is probably a slip. */
static void look_at_variables(checking *c) {
  static const char *const others[] = {"FIRN_CONFIG"};
  char names[FIRN_N_SETTINGS][FIRN_CONFIG_TEXT_MAX];
  const char *all[FIRN_N_SETTINGS + FIRN_COUNT_OF(others)];
  for (size_t i = 0; i < FIRN_N_SETTINGS; i++) {
    all[i] = firn_config_env_name(&firn_setting_keys[i], names[i]);
  }
  for (size_t i = 0; i < FIRN_COUNT_OF(others); i++) {
    all[FIRN_N_SETTINGS + i] = others[i];
  }
  for (char **at = environ; at != NULL && *at != NULL; at++) {
    firn_bytes name = {(const uint8_t *)*at, strcspn(*at, "=")};
    if (!firn_bytes_has_prefix(name, FIRN_LITERAL("FIRN_"))) {
      continue;
    }
    bool is_known = false;
    for (size_t i = 0; i < FIRN_COUNT_OF(all); i++) {
      is_known = is_known || firn_bytes_is(name, all[i]);
    }
    const char *near = firn_nearest(name, all, FIRN_COUNT_OF(all));
    if (!is_known) {
      say(c, NOTE, "environment", "%.*s sets nothing%s%s%s", FIRN_FORMAT_BYTES(name),
          near == NULL ? "" : "; did you mean ", near == NULL ? "" : near, near == NULL ? "" : "?");
    }
  }
}

static void count_origins(checking *c) {
  int n_of[FIRN_CONFIG_FROM_FLAG + 1] = {0};
  for (size_t i = 0; i < FIRN_N_SETTINGS; i++) {
    n_of[c->settings.origins[i].from]++;
  }
  const char *file = c->settings.config_name == NULL ? "no file" : c->settings.config_name;
  say(c, FINE, "configuration", "%s; of %d keys %d are set there, %d by the environment, %d by options", file,
      (int)FIRN_N_SETTINGS, n_of[FIRN_CONFIG_FROM_FILE], n_of[FIRN_CONFIG_FROM_ENV],
      n_of[FIRN_CONFIG_FROM_FLAG]);
}

static firn_status find_places(checking *c, firn_error *err) {
  const firn_settings *s = &c->settings;
  firn_arena *arena = c->app->arena;
  c->data = firn_app_absolute(c->app, s->data);
  if (c->data != NULL) {
    c->catalog = s->catalog != NULL ? s->catalog : firn_arena_printf(arena, "sqlite:%s/catalog.db", c->data);
    c->warehouse = s->warehouse != NULL ? firn_app_absolute(c->app, s->warehouse) : NULL;
    FIRN_TRY(firn_app_folder_catalog(c->app, &c->catalog, &c->warehouse, err));
    c->warehouse = c->warehouse != NULL ? c->warehouse : firn_arena_printf(arena, "%s/warehouse", c->data);
  }
  return c->data == NULL || c->catalog == NULL || c->warehouse == NULL
             ? firn_error_set(err, FIRN_NOMEM, "no memory for a path")
             : FIRN_OK;
}

/* --- folders --- */

typedef enum folder_state { FOLDER_THERE, FOLDER_MAKEABLE, FOLDER_BAD } folder_state;

/* Whether a folder can be written, or could be made; else `err` says why. */
static folder_state look_at_folder(checking *c, const char *path, firn_error *err) {
  char *at = firn_arena_text(c->app->arena, firn_bytes_of(path));
  firn_file_info info;
  bool is_there = true;
  while (at != NULL) {
    firn_status status = firn_file_stat(&c->app->ctx, at, &info, err);
    if (status == FIRN_OK && !info.is_folder) {
      (void)firn_error_set(err, FIRN_INVALID, "%s is no folder", at);
      return FOLDER_BAD;
    }
    if (status == FIRN_OK) {
      break;
    }
    char *slash = strrchr(at, '/');
    if (status != FIRN_NOT_FOUND || slash == NULL) {
      return FOLDER_BAD;
    }
    is_there = false;
    slash[slash == at ? 1 : 0] = '\0';
  }
  if (at == NULL) {
    (void)firn_error_set(err, FIRN_NOMEM, "no memory for a path");
    return FOLDER_BAD;
  }
  if (access(at, W_OK | X_OK) != 0) {
    (void)firn_error_set(err, FIRN_DENIED, "%s cannot be written: %s", at, strerror(errno));
    return FOLDER_BAD;
  }
  return is_there ? FOLDER_THERE : FOLDER_MAKEABLE;
}

/* Whether another process has the lock of the data directory. */
static bool is_locked(checking *c) {
  FIRN_AUTO_FILE *file = NULL;
  const char *path = firn_arena_printf(c->app->arena, "%s/lock", c->data);
  if (path == NULL ||
      firn_file_open(&c->app->ctx, path, FIRN_FILE_READ | FIRN_FILE_WRITE, &file, NULL) != FIRN_OK) {
    return false;
  }
  return firn_file_lock(file, false, NULL) == FIRN_BUSY;
}

static firn_status read_format(checking *c, firn_error *err) {
  firn_bytes text;
  const char *path = firn_arena_printf(c->app->arena, "%s/FORMAT", c->data);
  if (path == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a path");
  }
  firn_status status = firn_file_read_all(&c->app->ctx, path, 64, c->app->arena, &text, err);
  if (status == FIRN_NOT_FOUND) {
    return FIRN_OK; /* made at the first start */
  }
  FIRN_TRY(status);
  const char *digits = firn_arena_text(c->app->arena, text);
  long version = digits == NULL ? 0 : strtol(digits, NULL, 10);
  if (version < 1 || version > FIRN_DATA_FORMAT) {
    return firn_error_set(err, FIRN_UNSUPPORTED, "%s holds no format that this firn knows (up to %d)", path,
                          (int)FIRN_DATA_FORMAT);
  }
  return FIRN_OK;
}

static void look_at_data(checking *c) {
  firn_error err = {0};
  folder_state state = look_at_folder(c, c->data, &err);
  if (state == FOLDER_BAD || read_format(c, &err) != FIRN_OK) {
    say(c, FAILED, "data", "%s", err.text);
    return;
  }
  c->is_served = is_locked(c);
  say(c, FINE, "data", "%s %s", c->data,
      state == FOLDER_MAKEABLE ? "is not there and will be made"
      : c->is_served           ? "is there; a firn serves from it"
                               : "is there and can be written");
}

/* The file system must hold the journal, and then the files that are made of it. */
static void look_at_disk(checking *c) {
  struct statvfs fs;
  char *at = firn_arena_text(c->app->arena, firn_bytes_of(c->data));
  while (at != NULL && statvfs(at, &fs) != 0) {
    char *slash = strrchr(at, '/');
    if (slash == NULL || slash == at) {
      return;
    }
    *slash = '\0';
  }
  if (at == NULL) {
    return;
  }
  uint64_t n_free = (uint64_t)fs.f_bavail * fs.f_frsize;
  bool is_enough = n_free >= 2 * c->settings.ingest.max_journal_bytes;
  say(c, is_enough ? FINE : NOTE, "disk", "%s free below %s%s", firn_print_size(n_free, c->app->arena), at,
      is_enough ? "" : "; less than twice ingest.max_journal_size, and a full disk refuses events");
}

/* --- catalog, warehouse and roots --- */

static void look_at_catalog(checking *c) {
  firn_error err = {0};
  firn_catalog_look found;
  bool is_own = c->settings.catalog == NULL;
  folder_state state = is_own ? look_at_folder(c, c->data, &err) : FOLDER_THERE;
  if (state == FOLDER_MAKEABLE) {
    say(c, FINE, "catalog", "%s will be made", c->catalog);
  } else if (passed(c, "catalog", firn_catalog_look_at(&c->app->ctx, c->catalog, &found, &err), &err)) {
    const char *end = found.n_tables == 1 ? "" : "s";
    if (found.is_there) {
      say(c, FINE, "catalog", "%s opens, and has %" PRId64 " table%s", c->catalog, found.n_tables, end);
    } else {
      say(c, FINE, "catalog", "%s will be made", c->catalog);
    }
  }
}

/* A place for files: that a store serves it and, on this machine, that it can be written. */
static void look_at_location(checking *c, const char *name, const char *location, bool is_written) {
  firn_error err = {0};
  firn_stores *stores;
  firn_store *store;
  const char *path;
  firn_status status = firn_app_stores(c->app, &stores, &err);
  if (status == FIRN_OK) {
    status = firn_stores_find(stores, location, c->app->arena, &store, &path, &err);
  }
  if (!passed(c, name, status, &err)) {
    return;
  }
  bool is_local = location[0] == '/' || strncmp(location, "file:", 5) == 0;
  path = is_local ? firn_arena_printf(c->app->arena, "/%s", path) : NULL;
  if (path == NULL) {
    say(c, FINE, name, "%s", location);
    return;
  }
  if (!is_written) {
    firn_file_info info;
    if (passed(c, name, firn_file_stat(&c->app->ctx, path, &info, &err), &err)) {
      say(c, FINE, name, "%s is there", location);
    }
    return;
  }
  folder_state state = look_at_folder(c, path, &err);
  if (passed(c, name, state == FOLDER_BAD ? FIRN_DENIED : FIRN_OK, &err)) {
    say(c, FINE, name, "%s %s", location,
        state == FOLDER_THERE ? "is there and can be written" : "is not there and will be made");
  }
}

/* --- the server --- */

/* The address as the system wants it; its length. */
static socklen_t socket_address(const char *address, uint16_t port, struct sockaddr_storage *out) {
  struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  if (inet_pton(AF_INET, address, &v4.sin_addr) == 1) {
    memcpy(out, &v4, sizeof v4);
    return sizeof v4;
  }
  (void)inet_pton(AF_INET6, address, &v6.sin6_addr); /* it is one of the two: settings.c has looked */
  memcpy(out, &v6, sizeof v6);
  return sizeof v6;
}

/* 0, or errno of what hinders. */
static int try_to_bind(const char *address, uint16_t port) {
  struct sockaddr_storage at = {0};
  socklen_t len = socket_address(address, port, &at);
  int fd = socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return errno;
  }
  int on = 1;
  (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on); /* else a server that just ended hinders */
  int error = bind(fd, (const struct sockaddr *)&at, len) == 0 ? 0 : errno;
  (void)close(fd);
  return error;
}

static void look_at_address(checking *c) {
  firn_error err = {0};
  const char *address;
  uint16_t port;
  if (!passed(c, "listen", firn_settings_address(&c->settings, c->app->arena, &address, &port, &err), &err)) {
    return;
  }
  const char *listen = c->settings.server.listen;
  int error = try_to_bind(address, port);
  if (error == 0) {
    say(c, FINE, "listen", "%s is free%s", listen,
        firn_address_is_loopback(address) ? ""
                                          : "; other machines reach it, and nobody is asked who they are");
  } else if (error == EADDRINUSE && c->is_served) {
    say(c, FINE, "listen", "%s is taken, and a firn serves from the data directory", listen);
  } else if (error == EADDRINUSE) {
    say(c, FAILED, "listen", "%s is taken by another program; choose another port with --listen", listen);
  } else if (error == EACCES && port < 1024) {
    say(c, FAILED, "listen", "%s: ports below 1024 need root or CAP_NET_BIND_SERVICE", listen);
  } else {
    say(c, FAILED, "listen", "%s cannot be bound: %s", listen, strerror(error));
  }
}

static firn_status check_certificate(checking *c, firn_certificate *out, firn_error *err) {
  firn_bytes certificate, key;
  firn_app *app = c->app;
  const firn_settings *s = &c->settings;
  FIRN_TRY(
      firn_file_read_all(&app->ctx, s->server.tls_certificate, MAX_PEM_BYTES, app->arena, &certificate, err));
  FIRN_TRY(firn_file_read_all(&app->ctx, s->server.tls_key, MAX_PEM_BYTES, app->arena, &key, err));
  firn_status status = firn_certificate_check(certificate, key, firn_ctx_now_us(&app->ctx), out, err);
  return status == FIRN_OK ? status : firn_error_while(err, status, "%s", s->server.tls_certificate);
}

static void look_at_tls(checking *c) {
  firn_error err = {0};
  firn_certificate found = {0};
  char ends[FIRN_TIME_TEXT_MAX];
  if (c->settings.server.tls_certificate == NULL || c->settings.server.tls_key == NULL) {
    return;
  }
  if (!passed(c, "tls", check_certificate(c, &found, &err), &err)) {
    return;
  }
  (void)firn_date_text((int32_t)firn_floor_div(found.ends_us, FIRN_US_PER_DAY), ends);
  say(c, FINE, "tls", "%s, good until %s", found.subject, ends);
  if (found.ends_us - firn_ctx_now_us(&c->app->ctx) < SOON_DAYS * FIRN_US_PER_DAY) {
    say(c, NOTE, "tls", "the certificate ends within %d days", (int)SOON_DAYS);
  }
}

static void look_at_limits(checking *c) {
  struct rlimit limit;
  int64_t wanted = c->settings.server.max_connections + OTHER_FILES;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max < (rlim_t)wanted) {
    say(c, NOTE, "descriptors", "the system allows %" PRIu64 ", too few for server.max_connections %" PRId64,
        (uint64_t)limit.rlim_max, c->settings.server.max_connections);
  }
}

/* --- all of it --- */

static firn_status print_settings(checking *c, firn_error *err) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  FIRN_TRY(firn_config_print(firn_setting_keys, FIRN_N_SETTINGS, &c->settings, c->settings.origins, &b, err));
  return firn_print_builder(&b, c->app->out, err);
}

static void look_at_all(checking *c) {
  firn_error err = {0};
  count_origins(c);
  if (passed(c, "settings", firn_settings_check(c->app, &c->settings, &err), &err)) {
    say(c, FINE, "settings", "go together");
  }
  look_at_variables(c);
  look_at_data(c);
  look_at_disk(c);
  look_at_catalog(c);
  look_at_location(c, "warehouse", c->warehouse, true);
  for (size_t i = 0; i < c->settings.fetch.legacy_roots.n; i++) {
    look_at_location(c, "legacy root", c->settings.fetch.legacy_roots.items[i], false);
  }
  look_at_address(c);
  look_at_tls(c);
  look_at_limits(c);
}

static firn_status check(firn_app *app, const firn_args *args, checking *c, firn_error *err) {
  firn_error found = {0};
  firn_status status = firn_settings_load(app, args, &c->settings, &found);
  if (status != FIRN_OK) {
    say(c, FAILED, "configuration", "%s", found.text);
  } else {
    FIRN_TRY(find_places(c, err));
    if (firn_args_has(args, "print")) {
      c->is_comment = true;
      FIRN_TRY(print_settings(c, err));
    }
    look_at_all(c);
  }
  if (c->printed != FIRN_OK) {
    return firn_error_set(err, c->printed, "the output cannot be written");
  }
  return c->n_failed == 0
             ? FIRN_OK
             : firn_error_set(err, FIRN_INVALID, "%zu of %zu checks failed", c->n_failed, c->n_checks);
}

firn_status firn_check_command_run(firn_app *app, const firn_args *args, firn_error *err) {
  if (firn_args_has(args, "print") && app->format == FIRN_FORMAT_JSON) {
    return firn_error_set(err, FIRN_INVALID, "--print writes a configuration file: leave out --format json");
  }
  if (firn_args_has(args, "keys")) {
    FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
    firn_settings_page(&b);
    return firn_print_builder(&b, app->out, err);
  }
  checking *c = firn_new(app->arena, checking); /* with the settings it is large for a stack */
  if (c == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a check");
  }
  c->app = app;
  return check(app, args, c, err);
}

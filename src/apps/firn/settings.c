#include "apps/firn/settings.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/file.h"

enum { MAX_FILE_BYTES = 1 << 20, MAX_PORT = 65535 };

#define MS INT64_C(1000)
#define SECOND INT64_C(1000000)
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)
#define KB (INT64_C(1) << 10)
#define MB (INT64_C(1) << 20)
#define GB (INT64_C(1) << 30)
#define AT(member) offsetof(firn_settings, member)

static const char *const levels[] = {"debug", "info", "warn", "error", "off", NULL};
static const char *const forms[] = {"text", "json", NULL};

const firn_config_key firn_setting_keys[FIRN_N_SETTINGS] = {
    {"data", FIRN_CONFIG_TEXT, AT(data), .preset = "./firn-data", .flag = "data",
     .text = "The data directory: journals, index, lock, and, unless they are elsewhere, catalog "
             "and warehouse. Made when it is not there."},
    {"catalog", FIRN_CONFIG_TEXT, AT(catalog), .env_too = "ICEBERG_CATALOG_URI", .flag = "catalog",
     .text = "The catalog's URI, such as `sqlite:PATH`. Without it: `catalog.db` in the data directory."},
    {"warehouse", FIRN_CONFIG_TEXT, AT(warehouse), .env_too = "ICEBERG_WAREHOUSE", .flag = "warehouse",
     .text = "Where new tables go. Without it: `warehouse` in the data directory."},
    {"namespace", FIRN_CONFIG_TEXT, AT(namespace_name), .preset = "cloudevent",
     .text = "The namespace of the archive's tables `valid`, `partial` and `dead_letter`."},

    {"server.listen", FIRN_CONFIG_TEXT, AT(server.listen), .preset = "127.0.0.1:8181", .flag = "listen",
     .text = "Address and port of the HTTP server: `127.0.0.1:8181`, `[::1]:8181`, "
             "`0.0.0.0:8181`. Port 0 takes any free one."},
    {"server.insecure", FIRN_CONFIG_BOOL, AT(server.insecure), .preset = "false", .flag = "insecure",
     .text = "Allows an address beyond the loopback, though nobody is asked who they are."},
    {"server.workers", FIRN_CONFIG_COUNT, AT(server.workers), .preset = "8", .least = 1, .most = 1024,
     .text = "Threads that answer requests."},
    {"server.max_connections", FIRN_CONFIG_COUNT, AT(server.max_connections), .preset = "10000", .least = 1,
     .most = 1000000, .text = "Connections at a time, within what the system allows; more are turned away."},
    {"server.header_timeout", FIRN_CONFIG_DURATION, AT(server.header_timeout_us), .preset = "10s",
     .least = 100 * MS, .most = HOUR, .text = "A request's head must be complete in this time."},
    {"server.body_timeout", FIRN_CONFIG_DURATION, AT(server.body_timeout_us), .preset = "60s",
     .least = 100 * MS, .most = DAY,
     .text = "The same for its body; a second more is given for each announced MB."},
    {"server.answer_timeout", FIRN_CONFIG_DURATION, AT(server.answer_timeout_us), .preset = "60s",
     .least = 100 * MS, .most = DAY,
     .text = "A client that takes no byte of its answer for so long is let go."},
    {"server.idle_timeout", FIRN_CONFIG_DURATION, AT(server.idle_timeout_us), .preset = "60s",
     .least = 100 * MS, .most = DAY, .text = "A connection on which no request comes for so long is closed."},
    {"server.drain_timeout", FIRN_CONFIG_DURATION, AT(server.drain_timeout_us), .preset = "30s", .least = 0,
     .most = HOUR, .text = "When stopped: how long requests under way, then commit and index, may take."},
    {"server.max_header_size", FIRN_CONFIG_SIZE, AT(server.max_header_bytes), .preset = "16KB", .least = KB,
     .most = MB, .text = "A request with a larger head is refused (431)."},
    {"server.body_memory", FIRN_CONFIG_SIZE, AT(server.body_memory_bytes), .preset = "64MB", .least = MB,
     .most = 1024 * GB, .text = "All bodies in memory together; beyond it reading waits."},
    {"server.tls.certificate", FIRN_CONFIG_TEXT, AT(server.tls_certificate),
     .text = "A PEM file with the server's certificate and those between it and its root. With "
             "`server.tls.key`: HTTPS. Read again when it changes."},
    {"server.tls.key", FIRN_CONFIG_TEXT, AT(server.tls_key),
     .text = "A PEM file with the certificate's key."},

    {"ingest.batching.count", FIRN_CONFIG_COUNT, AT(ingest.batch_events), .preset = "10000", .least = 1,
     .most = 100000000, .text = "Accepted events become files when there are so many, ..."},
    {"ingest.batching.bytes", FIRN_CONFIG_SIZE, AT(ingest.batch_bytes), .preset = "64MB", .least = KB,
     .most = 16 * GB, .text = "... or so many bytes of them, ..."},
    {"ingest.batching.period", FIRN_CONFIG_DURATION, AT(ingest.batch_period_us), .preset = "5s",
     .least = 10 * MS, .most = DAY, .text = "... or the first of them has waited so long."},
    {"ingest.writers", FIRN_CONFIG_COUNT, AT(ingest.writers), .preset = "2", .least = 1, .most = 64,
     .text = "Batches that are written at a time."},
    {"ingest.memory", FIRN_CONFIG_SIZE, AT(ingest.memory_bytes), .preset = "96MB", .least = MB,
     .most = 1024 * GB, .text = "Budget of all files that are being written."},
    {"ingest.max_event_size", FIRN_CONFIG_SIZE, AT(ingest.max_event_bytes), .preset = "16MB", .least = KB,
     .most = GB, .text = "A larger event is refused (413)."},
    {"ingest.max_body_size", FIRN_CONFIG_SIZE, AT(ingest.max_body_bytes), .preset = "64MB", .least = KB,
     .most = 2 * GB, .text = "A larger request is refused (413)."},
    {"ingest.max_journal_size", FIRN_CONFIG_SIZE, AT(ingest.max_journal_bytes), .preset = "1GB", .least = MB,
     .most = 1024 * GB,
     .text = "Accepted events that are in no file yet; while there are more, clients get 429."},
    {"ingest.remember", FIRN_CONFIG_DURATION, AT(ingest.remember_us), .preset = "10m", .least = SECOND,
     .most = 30 * DAY, .text = "How long an Idempotency-Key is known after its events are in files, ..."},
    {"ingest.remember_size", FIRN_CONFIG_SIZE, AT(ingest.remember_bytes), .preset = "256MB", .least = MB,
     .most = 1024 * GB, .text = "... within so much journal kept for that, ..."},
    {"ingest.remember_keys", FIRN_CONFIG_COUNT, AT(ingest.remember_keys), .preset = "1000000", .least = 1,
     .most = 1000000000, .text = "... and so many keys, about 80 bytes of memory each."},
    {"ingest.compression", FIRN_CONFIG_TEXT, AT(ingest.compression), .preset = "zstd",
     .text = "`zstd`, `zstd:LEVEL`, `snappy`, `gzip`, `lz4`, `brotli` or `none`."},

    {"committer.batching.count", FIRN_CONFIG_COUNT, AT(committer.max_files), .preset = "100", .least = 1,
     .most = 100000, .text = "Files become a snapshot when there are so many, ..."},
    {"committer.batching.period", FIRN_CONFIG_DURATION, AT(committer.period_us), .preset = "10s",
     .least = 10 * MS, .most = DAY, .text = "... or the first of them has waited so long."},
    {"committer.snapshot_age", FIRN_CONFIG_DURATION, AT(committer.snapshot_age_us), .preset = "6h",
     .least = SECOND, .most = 36500 * DAY, .word = "never", .word_value = -1,
     .text = "Older snapshots are expired, unless the table says otherwise."},

    {"index.look_every", FIRN_CONFIG_DURATION, AT(index.look_every_us), .preset = "10s", .least = 10 * MS,
     .most = DAY, .text = "How often the tables are looked at for what other programs did."},
    {"index.max_rows", FIRN_CONFIG_COUNT, AT(index.max_rows), .preset = "500000", .least = 1,
     .most = 100000000, .text = "Rows that the index takes in one transaction."},

    {"fetch.cache", FIRN_CONFIG_SIZE, AT(fetch.cache_bytes), .preset = "64MB", .least = MB, .most = 1024 * GB,
     .text = "Memory for the footers and indexes of data files."},
    {"fetch.stream_above", FIRN_CONFIG_SIZE, AT(fetch.stream_above_bytes), .preset = "1MB", .least = KB,
     .most = GB, .text = "A larger payload is sent in pieces."},
    {"fetch.legacy_roots", FIRN_CONFIG_TEXTS, AT(fetch.legacy_roots),
     .text = "Where objects of keys without `#` may be, asked in this order."},
    {"fetch.subject_format", FIRN_CONFIG_TEXT, AT(fetch.subject_format),
     .text = "The subject of `/v1/vehicle/.../{tokenId}`, `%s` standing for the id: "
             "`did:erc721:137:0x...:%s`. Without it those paths are 404."},

    {"sql.library", FIRN_CONFIG_TEXT, AT(sql.library),
     .text = "The library of the SQL engine, libduckdb.so. Without it: beside the program, then where the "
             "system looks. "
             "It is opened by the first query."},
    {"sql.memory", FIRN_CONFIG_SIZE, AT(sql.memory_bytes), .preset = "512MB", .least = 32 * MB,
     .most = 1024 * GB, .text = "Memory of the SQL engine for all queries together."},
    {"sql.threads", FIRN_CONFIG_COUNT, AT(sql.threads), .preset = "2", .least = 1, .most = 1024,
     .text = "Threads of the SQL engine."},
    {"sql.max_queries", FIRN_CONFIG_COUNT, AT(sql.max_queries), .preset = "4", .least = 1, .most = 1000,
     .text = "Queries at once; more are answered 429."},
    {"sql.max_rows", FIRN_CONFIG_COUNT, AT(sql.max_rows), .preset = "1000000", .least = 1, .most = 1000000000,
     .text = "Rows that one query may answer."},
    {"sql.timeout", FIRN_CONFIG_DURATION, AT(sql.timeout_us), .preset = "60s", .least = 10 * MS, .most = DAY,
     .text = "How long one query may last."},

    {"log.level", FIRN_CONFIG_CHOICE, AT(log.level), .preset = "info", .flag = "log-level", .choices = levels,
     .text = "The least that is written to standard error."},
    {"log.form", FIRN_CONFIG_CHOICE, AT(log.form), .preset = "text", .flag = "log-form", .choices = forms,
     .text = "Lines for people or one JSON object a line."},
};
const size_t firn_n_setting_keys = FIRN_N_SETTINGS;

const firn_option firn_setting_options[] = {FIRN_SETTING_OPTIONS, {0}};

/* What flags and environment are asked of. */
typedef struct asked {
  firn_app *app;
  const firn_args *args;
} asked;

static const char *flag(void *self, const char *name) {
  const asked *a = self;
  if (strcmp(name, "catalog") == 0) { /* these two are options of every command */
    return a->app->catalog_flag;
  }
  if (strcmp(name, "warehouse") == 0) {
    return a->app->warehouse_flag;
  }
  return firn_args_value(a->args, name);
}

static const char *variable(void *self, const char *name) {
  const asked *a = self;
  return a->app->variable == NULL ? NULL : a->app->variable(name);
}

static firn_status read_file(firn_app *app, const char *name, const firn_yaml **out, firn_error *err) {
  firn_bytes text;
  firn_status status = firn_file_read_all(&app->ctx, name, MAX_FILE_BYTES, app->arena, &text, err);
  if (status != FIRN_OK) {
    return firn_error_while(err, status, "reading the configuration");
  }
  status = firn_yaml_read(text, MAX_FILE_BYTES, app->arena, out, err);
  return status == FIRN_OK ? status : firn_error_while(err, status, "%s", name);
}

/* Stores take no relative paths. */
static firn_status make_absolute(firn_app *app, firn_config_texts *texts, firn_error *err) {
  const char **items = firn_new_n(app->arena, const char *, texts->n);
  bool has_memory = items != NULL;
  for (size_t i = 0; has_memory && i < texts->n; i++) {
    items[i] = firn_app_absolute(app, texts->items[i]);
    has_memory = items[i] != NULL;
  }
  texts->items = items;
  return has_memory ? FIRN_OK : firn_error_set(err, FIRN_NOMEM, "no memory for a path");
}

firn_status firn_settings_load(firn_app *app, const firn_args *args, firn_settings *out, firn_error *err) {
  asked a = {app, args};
  firn_config_sources sources = {.flag = flag, .env = variable, .self = &a};
  *out = (firn_settings){0};
  const char *name = firn_args_value(args, "config");
  name = name == NULL ? variable(&a, "FIRN_CONFIG") : name;
  if (name != NULL && name[0] != '\0') {
    FIRN_TRY(read_file(app, name, &sources.file, err));
    sources.file_name = out->config_name = name;
  }
  FIRN_TRY(
      firn_config_read(firn_setting_keys, FIRN_N_SETTINGS, &sources, app->arena, out, out->origins, err));
  return make_absolute(app, &out->fetch.legacy_roots, err);
}

/* An error's text, with the place where the key was set before it. */
static firn_status at_key(const firn_settings *s, const char *path, firn_status status, firn_error *err) {
  char place[FIRN_CONFIG_TEXT_MAX];
  const firn_config_key *key = firn_config_find(firn_setting_keys, FIRN_N_SETTINGS, path);
  const firn_config_origin *origin = &s->origins[key - firn_setting_keys];
  if (status == FIRN_OK || status == FIRN_NOMEM || origin->from == FIRN_CONFIG_FROM_NOWHERE) {
    return status;
  }
  return firn_error_while(err, status, "%s: %s", firn_config_origin_text(origin, place), path);
}

/* "HOST:PORT", "[HOST]:PORT". */
static bool split_address(const char *text, firn_bytes *host, const char **port) {
  const char *colon = strrchr(text, ':');
  const char *end = colon;
  if (colon == NULL) {
    return false;
  }
  *port = colon + 1;
  if (text[0] == '[') {
    text++;
    end = colon > text && colon[-1] == ']' ? colon - 1 : NULL;
  } else if (memchr(text, ':', (size_t)(colon - text)) != NULL) {
    end = NULL; /* an IPv6 address without brackets */
  }
  *host = (firn_bytes){(const uint8_t *)text, end == NULL ? 0 : (size_t)(end - text)};
  return end != NULL;
}

static bool read_port(const char *text, uint16_t *out) {
  unsigned v = 0;
  size_t n = 0;
  for (; text[n] >= '0' && text[n] <= '9' && v <= MAX_PORT; n++) {
    v = v * 10 + (unsigned)(text[n] - '0');
  }
  *out = (uint16_t)v;
  return n > 0 && text[n] == '\0' && v <= MAX_PORT;
}

static bool is_numeric(const char *address) {
  struct in6_addr unused;
  return inet_pton(AF_INET, address, &unused) == 1 || inet_pton(AF_INET6, address, &unused) == 1;
}

bool firn_address_is_loopback(const char *address) {
  struct in_addr v4;
  struct in6_addr v6;
  if (inet_pton(AF_INET, address, &v4) == 1) {
    return ntohl(v4.s_addr) >> 24 == 127;
  }
  if (inet_pton(AF_INET6, address, &v6) != 1) {
    return false;
  }
  return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
}

firn_status firn_settings_address(const firn_settings *settings, firn_arena *arena, const char **address,
                                  uint16_t *port, firn_error *err) {
  const char *text = settings->server.listen;
  const char *digits;
  firn_bytes part;
  bool is_split = split_address(text, &part, &digits);
  const char *host = is_split ? firn_arena_text(arena, part) : "";
  if (host == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for an address");
  }
  if (strcmp(host, "localhost") == 0) {
    host = "127.0.0.1";
  }
  if (!is_split || !is_numeric(host) || !read_port(digits, port)) {
    return at_key(
        settings, "server.listen",
        firn_error_set(err, FIRN_INVALID,
                       "\"%s\" must be a numeric address and a port, such as 127.0.0.1:8181 or [::1]:8181",
                       text),
        err);
  }
  *address = host;
  return FIRN_OK;
}

static firn_status check_address(firn_app *app, const firn_settings *s, firn_error *err) {
  const char *address;
  uint16_t port;
  FIRN_TRY(firn_settings_address(s, app->arena, &address, &port, err));
  if (firn_address_is_loopback(address) || s->server.insecure) {
    return FIRN_OK;
  }
  return at_key(
      s, "server.listen",
      firn_error_set(err, FIRN_DENIED,
                     "%s is reached from other machines, and nobody is asked who they are; listen on "
                     "127.0.0.1, or accept that with --insecure or server.insecure: true",
                     s->server.listen),
      err);
}

static firn_status check_together(const firn_settings *s, firn_error *err) {
  if ((s->server.tls_certificate == NULL) != (s->server.tls_key == NULL)) {
    bool has_key = s->server.tls_key != NULL;
    return at_key(s, has_key ? "server.tls.key" : "server.tls.certificate",
                  firn_error_set(err, FIRN_INVALID, "needs %s beside it",
                                 has_key ? "server.tls.certificate" : "server.tls.key"),
                  err);
  }
  if (s->ingest.max_event_bytes > s->ingest.max_body_bytes) {
    return at_key(s, "ingest.max_event_size",
                  firn_error_set(err, FIRN_INVALID, "must not be larger than ingest.max_body_size"), err);
  }
  if (s->ingest.max_body_bytes > s->ingest.max_journal_bytes) {
    return at_key(s, "ingest.max_body_size",
                  firn_error_set(err, FIRN_INVALID, "must not be larger than ingest.max_journal_size"), err);
  }
  const char *percent = s->fetch.subject_format == NULL ? NULL : strchr(s->fetch.subject_format, '%');
  if (s->fetch.subject_format != NULL &&
      (percent == NULL || percent[1] != 's' || strchr(percent + 1, '%') != NULL)) {
    return at_key(s, "fetch.subject_format",
                  firn_error_set(err, FIRN_INVALID, "must contain %%s once, and no other %%"), err);
  }
  return FIRN_OK;
}

firn_status firn_settings_check(firn_app *app, const firn_settings *settings, firn_error *err) {
  firn_codec codec;
  int level;
  firn_table_id id;
  FIRN_TRY(check_address(app, settings, err));
  FIRN_TRY(check_together(settings, err));
  firn_status status = firn_codec_parse(settings->ingest.compression, &codec, &level, err);
  FIRN_TRY(at_key(settings, "ingest.compression", status, err));
  const char *name = firn_arena_printf(app->arena, "%s.valid", settings->namespace_name);
  if (name == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a name");
  }
  return at_key(settings, "namespace", firn_table_id_parse(name, app->arena, &id, err), err);
}

firn_status firn_settings_read(firn_app *app, const firn_args *args, firn_settings *out, firn_error *err) {
  FIRN_TRY(firn_settings_load(app, args, out, err));
  return firn_settings_check(app, out, err);
}

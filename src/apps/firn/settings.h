/* The settings of the serving commands (`firn up`, `firn check`): one table of keys. docs/man/firn.yaml.md is
 * made from it (`firn check --keys`). */
#ifndef FIRN_APPS_FIRN_SETTINGS_H
#define FIRN_APPS_FIRN_SETTINGS_H

#include "apps/firn/command.h"
#include "base/config.h"
#include "formats/codec/codec.h"

enum { FIRN_N_SETTINGS = 46 };

typedef struct firn_settings {
  const char *data;           /* the data directory: ./firn-data */
  const char *catalog;        /* URI; NULL: in the data directory */
  const char *warehouse;      /* location; NULL: in the data directory */
  const char *namespace_name; /* of the archive: cloudevent */
  struct {
    const char *listen; /* 127.0.0.1:8181 */
    bool insecure;      /* beyond the loopback without authentication */
    int64_t workers, max_connections;
    int64_t header_timeout_us, body_timeout_us, answer_timeout_us, idle_timeout_us, drain_timeout_us;
    uint64_t max_header_bytes, body_memory_bytes;
    const char *tls_certificate, *tls_key;
  } server;
  struct {
    int64_t batch_events, batch_period_us;
    uint64_t batch_bytes;
    int64_t writers;
    uint64_t memory_bytes, max_event_bytes, max_body_bytes, max_journal_bytes;
    int64_t remember_us; /* idempotency keys */
    uint64_t remember_bytes;
    int64_t remember_keys;
    const char *compression; /* for firn_codec_parse, which has taken it */
  } ingest;
  struct {
    int64_t max_files, period_us;
    int64_t snapshot_age_us; /* -1: never */
  } committer;
  struct {
    int64_t look_every_us, max_rows;
  } index;
  struct {
    uint64_t cache_bytes, stream_above_bytes;
    firn_config_texts legacy_roots;
    const char *subject_format;
  } fetch;
  struct {
    const char *library;
    uint64_t memory_bytes;
    int64_t threads, max_queries, max_rows, timeout_us;
  } sql;
  struct {
    const char *level, *form;
  } log;

  /* Not of the table. */
  firn_config_origin origins[FIRN_N_SETTINGS]; /* one for each key */
  const char *config_name;                     /* the file that was read; NULL: none */
} firn_settings;

extern const firn_config_key firn_setting_keys[FIRN_N_SETTINGS];
extern const size_t firn_n_setting_keys;

/* --config and the flags of the table, as options of a command. */
#define FIRN_SETTING_OPTIONS                                                                     \
  {"config", "FILE", "the configuration file, as in firn help firn.yaml (FIRN_CONFIG)"},         \
      {"data", "DIR", "the data directory (default ./firn-data; FIRN_DATA)"},                    \
      {"listen", "HOST:PORT", "where to serve HTTP (default 127.0.0.1:8181; port 0: any free)"}, \
      {"insecure", NULL, "listen beyond this machine, though nobody is asked who they are"},     \
      {"log-level", "LEVEL", "debug, info, warn, error or off (default info)"},                  \
      {"log-form", "FORM", "text or json (default text)"}
extern const firn_option firn_setting_options[];

/* From --config, flags and environment, checked: alone, together, and that nobody listens beyond the loopback
 * unasked. */
FIRN_MUST_USE firn_status firn_settings_read(firn_app *app, const firn_args *args, firn_settings *out,
                                             firn_error *err);
/* The same without asking whether the settings go together. */
FIRN_MUST_USE firn_status firn_settings_load(firn_app *app, const firn_args *args, firn_settings *out,
                                             firn_error *err);
/* Whether they do: the first that does not, with the place where it was set. */
FIRN_MUST_USE firn_status firn_settings_check(firn_app *app, const firn_settings *settings, firn_error *err);

/* server.listen taken apart: a numeric address without brackets ("localhost" is 127.0.0.1), in `arena`. */
FIRN_MUST_USE firn_status firn_settings_address(const firn_settings *settings, firn_arena *arena,
                                                const char **address, uint16_t *port, firn_error *err);
/* The page docs/man/firn.yaml.md. */
void firn_settings_page(firn_builder *out);
/* Whether a numeric address is of this machine's loopback. */
bool firn_address_is_loopback(const char *address);

#endif

/* The settings of the serving commands (`firn up`, `firn check`): one table of keys. docs/man/firn.yaml.md is
 * made from it. */
#ifndef FIRN_APPS_FIRN_SETTINGS_H
#define FIRN_APPS_FIRN_SETTINGS_H

#include "apps/firn/command.h"
#include "base/config.h"

typedef struct firn_settings {
  const char *data;           /* the data directory: ./firn-data */
  const char *catalog;        /* URI; NULL: in the data directory */
  const char *warehouse;      /* location; NULL: in the data directory */
  const char *namespace_name; /* of the archive: cloudevent */
  struct {
    const char *listen; /* 127.0.0.1:8181 */
    bool insecure;      /* beyond the loopback without authentication */
    int64_t workers, max_connections;
    int64_t header_timeout_us, body_timeout_us, drain_timeout_us;
    uint64_t body_memory_bytes;
    const char *tls_certificate, *tls_key;
  } server;
  struct {
    int64_t batch_events, batch_period_us;
    uint64_t batch_bytes;
    int64_t writers;
    uint64_t memory_bytes, max_event_bytes, max_body_bytes, max_journal_bytes;
    int64_t remember_us; /* idempotency keys */
    const char *compression;
  } ingest;
  struct {
    int64_t max_files, period_us, snapshot_age_us;
  } committer;
  struct {
    int64_t look_every_us;
  } index;
  struct {
    uint64_t cache_bytes;
    firn_config_texts legacy_roots;
    const char *subject_format;
  } fetch;
  struct {
    const char *level, *form;
  } log;
} firn_settings;

extern const firn_config_key firn_setting_keys[];
extern const size_t firn_n_setting_keys;
extern const firn_option firn_setting_options[]; /* the flags of the table, as options of a command */

/* From --config, flags and environment. */
FIRN_MUST_USE firn_status firn_settings_read(firn_app *app, const firn_args *args, firn_settings *out,
                                             firn_error *err);

#endif

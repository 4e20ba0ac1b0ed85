/* Old snapshots of a table that is committed to all the time. */
#include "base/log.h"
#include "base/time.h"
#include "iceberg/commit/property.h"
#include "iceberg/maintain/expire.h"
#include "services/committer/committer_internal.h"

/* Once a minute: six snapshots of ten seconds each go in one commit. */
static const int64_t expire_every_us = 60 * FIRN_US_PER_SECOND;

/* Where producers write down how far they are: ours, and those of others that may feed the same table. */
static const char *const producers[] = {
    FIRN_POSITIONS_SUMMARY,
    "kafka.connect.offsets.",
    "flink.",
    "redpanda.commit-metadata",
    "automq.",
    "arroyo.commit-id",
    "moonlink.",
    "clickhouse.export-partition-transaction-id",
};

/* The table's own age wins. */
static int64_t age_of(const firn_committer *c, const firn_metadata *metadata) {
  int64_t age_ms =
      firn_property_int64(&firn_metadata_get(metadata)->properties, FIRN_PROPERTY_MAX_SNAPSHOT_AGE_MS, -1);
  return age_ms >= 0 && age_ms <= INT64_MAX / 1000 ? age_ms * 1000 : c->options.snapshot_age_us;
}

static firn_status expire(firn_committer *c, firn_ctx *ctx, const firn_followed *t, firn_expired *out,
                          firn_error *err) {
  FIRN_AUTO_TABLE table = {0};
  FIRN_TRY(firn_catalog_table_load(c->options.catalog, ctx, &t->id, &table, err));
  int64_t age_us = age_of(c, table.metadata), now_us = firn_ctx_now_us(ctx), older_than_us;
  bool is_off =
      !firn_property_bool(&firn_metadata_get(table.metadata)->properties, FIRN_PROPERTY_GC_ENABLED, true);
  if (is_off || __builtin_sub_overflow(now_us, age_us, &older_than_us)) {
    return FIRN_OK;
  }
  const firn_expire how = {.older_than_us = older_than_us,
                           .n_keep_newest_of = FIRN_COUNT_OF(producers),
                           .keep_newest_of = producers};
  return firn_expire_snapshots(c->options.catalog, ctx, &t->id, &how, out, err);
}

void firn_committer_expire(firn_committer *c, firn_ctx *ctx, firn_followed *t) {
  int64_t now_us = firn_ctx_monotonic_us(ctx);
  bool is_due = !t->has_expired || now_us - t->expired_us >= expire_every_us || now_us < t->expired_us;
  if (c->options.snapshot_age_us < 0 || !is_due) {
    return;
  }
  t->has_expired = true;
  t->expired_us = now_us;
  firn_expired out = {0};
  firn_error why;
  firn_status status = expire(c, ctx, t, &out, &why);
  firn_metric_add(ctx, &firn_committer_metrics, FIRN_COMMITTER_EXPIRED, (int64_t)out.n_snapshots);
  if (status != FIRN_OK) {
    firn_metric_add(ctx, &firn_committer_metrics, FIRN_COMMITTER_EXPIRE_FAILURES, 1);
    FIRN_LOG_WITH(ctx, FIRN_LOG_WARN, "snapshots not expired", FIRN_LOG_TEXT("table", t->name),
                  FIRN_LOG_TEXT("error", why.text));
  } else if (out.n_snapshots > 0) {
    FIRN_LOG_WITH(ctx, FIRN_LOG_INFO, "snapshots expired", FIRN_LOG_TEXT("table", t->name),
                  FIRN_LOG_INT("snapshots", (int64_t)out.n_snapshots),
                  FIRN_LOG_INT("manifests", (int64_t)out.n_manifests),
                  FIRN_LOG_INT("left", (int64_t)out.n_left));
  }
}

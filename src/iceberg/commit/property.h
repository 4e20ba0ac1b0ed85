/* Table properties that this room obeys, and reading their values. The names and defaults are those of the
 * reference (org.apache.iceberg.TableProperties). A number that cannot be read counts as not set, since a
 * foreign engine's typing error must not stop a commit; a switch is on only when it says "true". */
#ifndef FIRN_ICEBERG_COMMIT_PROPERTY_H
#define FIRN_ICEBERG_COMMIT_PROPERTY_H

#include "iceberg/meta/metadata.h"

#define FIRN_PROPERTY_PREVIOUS_VERSIONS_MAX "write.metadata.previous-versions-max"
#define FIRN_PROPERTY_DELETE_AFTER_COMMIT "write.metadata.delete-after-commit.enabled"
#define FIRN_PROPERTY_METADATA_PATH "write.metadata.path"
#define FIRN_PROPERTY_METADATA_CODEC "write.metadata.compression-codec"
#define FIRN_PROPERTY_GC_ENABLED "gc.enabled"
#define FIRN_PROPERTY_RETRIES "commit.retry.num-retries"
#define FIRN_PROPERTY_RETRY_MIN_WAIT_MS "commit.retry.min-wait-ms"
#define FIRN_PROPERTY_RETRY_MAX_WAIT_MS "commit.retry.max-wait-ms"
#define FIRN_PROPERTY_RETRY_TOTAL_MS "commit.retry.total-timeout-ms"
#define FIRN_PROPERTY_CHECKS "commit.status-check.num-retries"
#define FIRN_PROPERTY_CHECK_MIN_WAIT_MS "commit.status-check.min-wait-ms"
#define FIRN_PROPERTY_CHECK_MAX_WAIT_MS "commit.status-check.max-wait-ms"
#define FIRN_PROPERTY_MERGE_ENABLED "commit.manifest-merge.enabled"
#define FIRN_PROPERTY_MERGE_MIN_COUNT "commit.manifest.min-count-to-merge"
#define FIRN_PROPERTY_MANIFEST_TARGET_BYTES "commit.manifest.target-size-bytes"
#define FIRN_PROPERTY_MAX_SNAPSHOT_AGE_MS "history.expire.max-snapshot-age-ms"
#define FIRN_PROPERTY_MIN_SNAPSHOTS "history.expire.min-snapshots-to-keep"
#define FIRN_PROPERTY_MAX_REF_AGE_MS "history.expire.max-ref-age-ms"

int64_t firn_property_int64(const firn_properties *p, const char *key, int64_t otherwise);
/* Keys that mean something when a table is made or changed and are never stored. */
bool firn_property_is_reserved(const char *key);
bool firn_property_bool(const firn_properties *p, const char *key, bool otherwise);

#endif

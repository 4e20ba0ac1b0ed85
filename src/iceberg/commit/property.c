#include "iceberg/commit/property.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int64_t firn_property_int64(const firn_properties *p, const char *key, int64_t otherwise) {
  const char *text = firn_properties_get(p, key);
  if (text == NULL || text[0] == '\0') {
    return otherwise;
  }
  char *end;
  errno = 0;
  long long v = strtoll(text, &end, 10);
  return errno == 0 && *end == '\0' ? (int64_t)v : otherwise;
}

bool firn_property_bool(const firn_properties *p, const char *key, bool otherwise) {
  const char *text = firn_properties_get(p, key);
  return text == NULL ? otherwise : strcasecmp(text, "true") == 0;
}

bool firn_property_is_reserved(const char *key) {
  static const char *const reserved[] = {
      "format-version",
      "uuid",
      "snapshot-count",
      "current-schema",
      "current-snapshot-id",
      "current-snapshot-summary",
      "default-sort-order",
      "default-partition-spec",
      "current-snapshot-timestamp-ms",
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(reserved); i++) {
    if (strcmp(key, reserved[i]) == 0) {
      return true;
    }
  }
  return false;
}

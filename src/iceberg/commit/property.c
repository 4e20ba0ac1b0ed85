#include "iceberg/commit/property.h"

#include <errno.h>
#include <stdlib.h>
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

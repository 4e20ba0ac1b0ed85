#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Ends a text that did not fit with "...", without leaving half a UTF-8 character before it. */
static void mark_cut(char *text, size_t size) {
  size_t end = size - 4;
  while (end > 0 && ((unsigned char)text[end] & 0xC0) == 0x80) {
    end--;
  }
  memcpy(text + end, "...", 4);
}

void firn_error_write(firn_error *err, firn_status status, const char *format, ...) {
  if (err == NULL) {
    return;
  }
  va_list args;
  va_start(args, format);
  int wanted = vsnprintf(err->text, sizeof err->text, format, args);
  va_end(args);
  if (wanted < 0) {
    err->text[0] = '\0';
  } else if ((size_t)wanted >= sizeof err->text) {
    mark_cut(err->text, sizeof err->text);
  }
  err->status = status;
}

void firn_error_prefix(firn_error *err, firn_status status, const char *doing, ...) {
  if (err == NULL) {
    return;
  }
  char inner[sizeof err->text];
  memcpy(inner, err->text, sizeof inner);
  va_list args;
  va_start(args, doing);
  int wanted = vsnprintf(err->text, sizeof err->text, doing, args);
  va_end(args);
  size_t used = wanted < 0 ? 0 : (size_t)wanted;
  if (used >= sizeof err->text) {
    mark_cut(err->text, sizeof err->text);
  } else {
    int more = snprintf(err->text + used, sizeof err->text - used, ": %s", inner);
    if (more < 0 || (size_t)more >= sizeof err->text - used) {
      mark_cut(err->text, sizeof err->text);
    }
  }
  err->status = status;
}

const char *firn_status_name(firn_status status) {
  static const char *const names[] = {
      "FIRN_OK",        "FIRN_INVALID",   "FIRN_NOT_FOUND",   "FIRN_EXISTS", "FIRN_CONFLICT",
      "FIRN_UNCERTAIN", "FIRN_CORRUPT",   "FIRN_UNSUPPORTED", "FIRN_DENIED", "FIRN_BUSY",
      "FIRN_TIMEOUT",   "FIRN_CANCELLED", "FIRN_LIMIT",       "FIRN_IO",     "FIRN_NOMEM",
  };
  size_t i = (size_t)status;
  return i < FIRN_COUNT_OF(names) ? names[i] : "FIRN_?";
}

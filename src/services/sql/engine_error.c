/* What the engine says, as one sentence. */
#include "services/sql/engine_state_internal.h"

#include <string.h>

/* "Binder Error: " and the like say where in the engine something went wrong. */
static const struct {
  const char *prefix;
  firn_status status;
} kinds[] = {
    {"Out of Memory Error: ", FIRN_LIMIT},
    {"INTERRUPT Error: ", FIRN_CANCELLED},
    {"Permission Error: ", FIRN_DENIED},
    {"IO Error: ", FIRN_IO},
    {"Not implemented Error: ", FIRN_UNSUPPORTED},
    {"Missing Extension Error: ", FIRN_UNSUPPORTED},
    {"Catalog Error: ", FIRN_INVALID},
    {"Parser Error: ", FIRN_INVALID},
    {"Binder Error: ", FIRN_INVALID},
    {"Invalid Input Error: ", FIRN_INVALID},
    {"Conversion Error: ", FIRN_INVALID},
    {"Out of Range Error: ", FIRN_INVALID},
    {"Constraint Error: ", FIRN_INVALID},
    {"Invalid Error: ", FIRN_INVALID},
    {"TransactionContext Error: ", FIRN_INVALID},
    {"Dependency Error: ", FIRN_INVALID},
    {"Syntax Error: ", FIRN_INVALID},
    {"Parameter Not Allowed Error: ", FIRN_INVALID},
    {"Parameter Not Resolved Error: ", FIRN_INVALID},
    {"Mismatch Type Error: ", FIRN_INVALID},
    {"Type Error: ", FIRN_INVALID},
    {"Sequence Error: ", FIRN_INVALID},
    {"Serialization Error: ", FIRN_INVALID},
    {"Invalid Configuration Error: ", FIRN_INVALID},
};

/* Some kinds are told apart by their words alone. */
static firn_status status_of(firn_status status, const char *text) {
  if (status != FIRN_INVALID) {
    return status;
  }
  if (strstr(text, " does not exist") != NULL) {
    return FIRN_NOT_FOUND;
  }
  return strstr(text, " already exists") != NULL ? FIRN_EXISTS : status;
}

firn_status firn_engine_failure(const char *text, firn_error *err) {
  if (text == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "the SQL engine has no memory");
  }
  firn_status status = FIRN_INVALID;
  for (size_t i = 0; i < FIRN_COUNT_OF(kinds); i++) {
    size_t len = strlen(kinds[i].prefix);
    if (strncmp(text, kinds[i].prefix, len) == 0) {
      status = kinds[i].status;
      text += len;
      break;
    }
  }
  char sentence[sizeof err->text];
  size_t n = 0;
  /* An empty line comes before the picture of the statement, and before advice about settings. */
  for (; *text != '\0' && n + 1 < sizeof sentence && strncmp(text, "\n\n", 2) != 0; text++) {
    bool ends_line = text[0] == '!' && text[1] == '\n';
    sentence[n++] = *text == '\n' ? ' ' : ends_line ? ';' : *text;
  }
  while (n > 0 && (sentence[n - 1] == ' ' || sentence[n - 1] == '!' || sentence[n - 1] == '.')) {
    n--;
  }
  sentence[n] = '\0';
  return firn_error_set(err, status_of(status, sentence), "%s", sentence);
}

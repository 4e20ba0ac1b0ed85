/* Files of JSON that the command line names. */
#include <errno.h>
#include <string.h>

#include "apps/firn/command.h"
#include "base/builder.h"

enum { FILE_MAX_BYTES = 64 << 20 };

firn_status firn_app_read_json(firn_app *app, const char *path, const firn_json_value **out,
                               firn_error *err) {
  bool is_stdin = strcmp(path, "-") == 0;
  FILE *f = is_stdin ? stdin : fopen(path, "rb");
  if (f == NULL) {
    return firn_error_set(err, errno == ENOENT ? FIRN_NOT_FOUND : FIRN_IO, "%s cannot be opened: %s", path,
                          strerror(errno));
  }
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(FILE_MAX_BYTES);
  while (feof(f) == 0 && ferror(f) == 0) {
    uint8_t *room = firn_builder_reserve(&b, 1 << 16);
    if (room == NULL) {
      break;
    }
    firn_builder_claim(&b, fread(room, 1, 1 << 16, f));
  }
  bool failed = ferror(f) != 0;
  if (!is_stdin) {
    (void)fclose(f); /* it was only read */
  }
  if (failed) {
    return firn_error_set(err, FIRN_IO, "%s cannot be read", path);
  }
  firn_bytes text;
  firn_status status = firn_builder_finish_copy(&b, app->arena, &text, err);
  if (status == FIRN_OK) {
    status = firn_json_tree_read(text, app->arena, out, err);
  }
  return status == FIRN_OK ? status : firn_error_while(err, status, "%s", path);
}

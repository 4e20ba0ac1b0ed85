#include "apps/firn/notify.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

firn_status firn_notify(const firn_app *app, const char *state, firn_error *err) {
  const char *name = app->variable == NULL ? NULL : app->variable("NOTIFY_SOCKET");
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  if (name == NULL || name[0] == '\0') {
    return FIRN_OK;
  }
  size_t len = strlen(name);
  if ((name[0] != '/' && name[0] != '@') || len >= sizeof to.sun_path) {
    return firn_error_set(err, FIRN_INVALID, "NOTIFY_SOCKET is no socket of this machine: %s", name);
  }
  memcpy(to.sun_path, name, len);
  if (name[0] == '@') {
    to.sun_path[0] = '\0'; /* Linux's abstract names */
  }
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
  bool is_sent =
      fd >= 0 && sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&to, size) >= 0;
  int error = errno;
  if (fd >= 0) {
    (void)close(fd);
  }
  return is_sent ? FIRN_OK
                 : firn_error_set(err, FIRN_IO, "the service manager at %s cannot be told: %s", name,
                                  strerror(error));
}

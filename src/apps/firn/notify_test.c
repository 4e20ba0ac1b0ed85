#include "apps/firn/notify.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "test.h"

static char name[100];

static const char *variable(const char *wanted) {
  return strcmp(wanted, "NOTIFY_SOCKET") == 0 ? name : NULL;
}

/* A socket of that name, as a service manager has one. */
static int listen_at(const char *at) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  (void)snprintf(name, sizeof name, "%s", at);
  memcpy(address.sun_path, name, strlen(name));
  address.sun_path[0] = name[0] == '@' ? '\0' : name[0];
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
  assert_int_equal(bind(fd, (const struct sockaddr *)&address, size), 0);
  return fd;
}

static void check_heard(int fd, const char *wanted) {
  char text[100] = {0};
  assert_int_equal(recv(fd, text, sizeof text - 1, MSG_DONTWAIT), (int)strlen(wanted));
  assert_string_equal(text, wanted);
}

static void the_manager_hears_it(void **state) {
  (void)state;
  firn_error err;
  firn_app app = {.variable = variable};
  char path[90], abstract[90];
  (void)snprintf(path, sizeof path, "%s/s", test_folder());
  (void)snprintf(abstract, sizeof abstract, "@firn-test-%ld", (long)getpid());
  const char *const names[] = {path, abstract};
  for (size_t i = 0; i < FIRN_COUNT_OF(names); i++) {
    int fd = listen_at(names[i]);
    CHECK_OK(firn_notify(&app, "READY=1", &err));
    CHECK_OK(firn_notify(&app, "STOPPING=1\nSTATUS=drains", &err));
    check_heard(fd, "READY=1");
    check_heard(fd, "STOPPING=1\nSTATUS=drains");
    assert_int_equal(close(fd), 0);
  }
}

static void nobody_need_listen(void **state) {
  (void)state;
  firn_error err = {0};
  firn_app app = {0};
  CHECK_OK(firn_notify(&app, "READY=1", &err));
  app.variable = variable;
  name[0] = '\0';
  CHECK_OK(firn_notify(&app, "READY=1", &err));
  (void)snprintf(name, sizeof name, "%s/nobody", test_folder());
  CHECK_STATUS(firn_notify(&app, "READY=1", &err), FIRN_IO);
  CHECK_SAYS("cannot be told");
  (void)snprintf(name, sizeof name, "vsock:2:1");
  CHECK_STATUS(firn_notify(&app, "READY=1", &err), FIRN_INVALID);
}

RUN_TESTS(the_manager_hears_it, nobody_need_listen)

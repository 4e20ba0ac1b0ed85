/* Tells the service manager how a service is (the protocol of sd_notify: one datagram to $NOTIFY_SOCKET). */
#ifndef FIRN_APPS_FIRN_NOTIFY_H
#define FIRN_APPS_FIRN_NOTIFY_H

#include "apps/firn/command.h"

/* "READY=1", "STOPPING=1", "STATUS=...". FIRN_OK where nobody wants to know. A failure hurts nobody but the
 * manager, which then gives up waiting: worth a line in the log. */
FIRN_MUST_USE firn_status firn_notify(const firn_app *app, const char *state, firn_error *err);

#endif

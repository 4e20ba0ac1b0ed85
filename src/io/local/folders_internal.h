/* Folders whose names a store knows to be durable: it has seen to it itself. That a folder is there does not
 * say so, for its maker may have died before he could sync it. Threads may share it. */
#ifndef FIRN_IO_LOCAL_FOLDERS_INTERNAL_H
#define FIRN_IO_LOCAL_FOLDERS_INTERNAL_H

#include <stdbool.h>

#include "base/error.h"

typedef struct firn_known_folders firn_known_folders;

FIRN_MUST_USE firn_status firn_known_folders_new(firn_known_folders **out, firn_error *err);
bool firn_known_folders_has(firn_known_folders *k, const char *folder);
FIRN_MUST_USE firn_status firn_known_folders_add(firn_known_folders *k, const char *folder, firn_error *err);
void firn_known_folders_free(firn_known_folders *k); /* NULL is fine */

#endif

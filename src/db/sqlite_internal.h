/* For sqlite_test.c only. */
#ifndef FIRN_DB_SQLITE_INTERNAL_H
#define FIRN_DB_SQLITE_INTERNAL_H

#include <stdint.h>

/* The name of a network file system by the magic number that statfs gives, NULL for every other. */
const char *firn_sqlite_network_name(uint32_t magic);

#endif

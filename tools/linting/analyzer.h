/* Read by clang-tidy before every file but base/error.c: shows the analyzer, which looks at one file at a
 * time, that these two give back the status that they were given. */
#include "base/error.h"

#define firn_error_set(err, status, ...) ((void)(firn_error_set)((err), (status), __VA_ARGS__), (status))
#define firn_error_while(err, status, ...) ((void)(firn_error_while)((err), (status), __VA_ARGS__), (status))

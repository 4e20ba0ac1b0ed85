/* The few macros that every room uses: what a compiler should check, and how ownership is written down. */
#ifndef FIRN_BASE_MACROS_H
#define FIRN_BASE_MACROS_H

#include <stddef.h>

/* The result must be looked at. To ignore it on purpose write FIRN_IGNORE(call) and why: a plain (void) is
 * not enough for GCC. */
#define FIRN_MUST_USE __attribute__((warn_unused_result))
#define FIRN_IGNORE(call) ((void)!(call))

/* Argument `format_at` is a printf format, its arguments begin at `args_at` (both counted from 1). */
#define FIRN_PRINTF(format_at, args_at) __attribute__((format(printf, format_at, args_at)))

#define FIRN_UNUSED __attribute__((unused))
#define FIRN_LIKELY(x) __builtin_expect(!!(x), 1)
#define FIRN_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* A local declared with FIRN_AUTO(fn) is given to fn(&local) on every way out of its block. */
#define FIRN_AUTO(fn) __attribute__((cleanup(fn)))

/* Hands a local that owns something on: its value leaves, NULL stays behind. */
#define FIRN_HAND_OVER(local)            \
  __extension__({                        \
    __typeof__(local) handed_ = (local); \
    (local) = NULL;                      \
    handed_;                             \
  })

#define FIRN_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif

/* A log: one line an event, as text for people or as JSON for programs, to a function or a file descriptor.
 *
 *   2025-06-15T12:00:00.123456Z info committed table=db.events rows=17
 *   {"time":"2025-06-15T12:00:00.123456Z","level":"info","message":"committed","table":"db.events","rows":17}
 *
 * Apps make one and put it into the firn_env; library code logs at debug level only. A field never carries a
 * secret: FIRN_LOG_SECRET says that there is one and nothing else. Threads may share a log; a line is written
 * whole. */
#ifndef FIRN_BASE_LOG_H
#define FIRN_BASE_LOG_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/ctx.h"

typedef struct firn_log firn_log;

typedef enum firn_log_level {
  FIRN_LOG_DEBUG,
  FIRN_LOG_INFO,
  FIRN_LOG_WARN,
  FIRN_LOG_ERROR,
  FIRN_LOG_OFF, /* as the least level to write: nothing */
} firn_log_level;

typedef enum firn_log_form { FIRN_LOG_AS_TEXT, FIRN_LOG_AS_JSON } firn_log_form;

/* Gets one line, its end included. Called by one thread at a time. */
typedef void (*firn_log_sink)(void *self, firn_bytes line);

FIRN_MUST_USE firn_status firn_log_open(firn_log_level least, firn_log_form form, firn_log_sink sink,
                                        void *self, firn_log **out, firn_error *err);
/* The same onto a descriptor, which stays the caller's. Lines that it refuses are lost. */
FIRN_MUST_USE firn_status firn_log_open_fd(firn_log_level least, firn_log_form form, int fd, firn_log **out,
                                           firn_error *err);
void firn_log_close(firn_log *log); /* NULL is fine; nobody may use it any more */

typedef struct firn_log_field {
  const char *key;
  enum {
    FIRN_LOG_IS_NOTHING, /* not written */
    FIRN_LOG_IS_TEXT,
    FIRN_LOG_IS_INT,
    FIRN_LOG_IS_BOOL
  } kind;
  firn_bytes text;
  int64_t number;
} firn_log_field;

#define FIRN_LOG_BYTES(name, value) \
  ((firn_log_field){.key = (name), .kind = FIRN_LOG_IS_TEXT, .text = (value)})
#define FIRN_LOG_TEXT(name, value) FIRN_LOG_BYTES(name, firn_bytes_of(value))
#define FIRN_LOG_INT(name, value) \
  ((firn_log_field){.key = (name), .kind = FIRN_LOG_IS_INT, .number = (value)})
#define FIRN_LOG_BOOL(name, value) \
  ((firn_log_field){.key = (name), .kind = FIRN_LOG_IS_BOOL, .number = (value)})
#define FIRN_LOG_SECRET(name, is_set) FIRN_LOG_TEXT(name, (is_set) ? "(set)" : "(not set)")

/* FIRN_LOG(ctx, FIRN_LOG_INFO, "started");
 * FIRN_LOG_WITH(ctx, FIRN_LOG_INFO, "committed", FIRN_LOG_TEXT("table", name), FIRN_LOG_INT("rows", n)); */
#define FIRN_LOG(ctx, level, message) firn_log_write((ctx), (level), (message), NULL, 0)
#define FIRN_LOG_WITH(ctx, level, message, ...)                                    \
  firn_log_write((ctx), (level), (message), (const firn_log_field[]){__VA_ARGS__}, \
                 sizeof((const firn_log_field[]){__VA_ARGS__}) / sizeof(firn_log_field))

/* Whether a line of that level would be written: to spare the work of making its fields. */
bool firn_log_wants(const firn_ctx *ctx, firn_log_level level);
/* The context gives log, clock and trace id; without a log nothing happens. Texts are cut at 8 KiB. A line
 * beyond 64 KiB, or without memory, is lost: firn_log_lost counts those. */
void firn_log_write(const firn_ctx *ctx, firn_log_level level, const char *message,
                    const firn_log_field *fields, size_t n_fields);
uint64_t firn_log_lost(const firn_log *log);

/* "debug", "info", "warn", "error", "off"; false for other text. */
bool firn_log_level_parse(firn_bytes text, firn_log_level *out);

#endif

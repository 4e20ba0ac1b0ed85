#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/builder.h"
#include "base/json_write.h"
#include "base/time.h"

enum { LONGEST_VALUE = 8192, LONGEST_LINE = 65536 };

struct firn_log {
  firn_log_level least;
  firn_log_form form;
  firn_log_sink sink;
  void *self;
  int fd;
  atomic_uint_least64_t lost;
  pthread_mutex_t
      lock; /* held while the sink writes, so that lines stay whole; the one lock held across I/O */
};

static const char *const level_names[] = {"debug", "info", "warn", "error", "off"};

static void write_to_fd(void *self, firn_bytes line) {
  firn_log *log = self;
  while (line.len > 0) {
    ssize_t n = write(log->fd, line.data, line.len);
    if (n < 0 && errno != EINTR) {
      atomic_fetch_add_explicit(&log->lost, 1, memory_order_relaxed);
      return;
    }
    line = n < 0 ? line : firn_bytes_part(line, (size_t)n, line.len);
  }
}

firn_status firn_log_open(firn_log_level least, firn_log_form form, firn_log_sink sink, void *self,
                          firn_log **out, firn_error *err) {
  firn_log *log = firn_alloc(sizeof *log);
  if (log == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a log");
  }
  log->least = least;
  log->form = form;
  log->sink = sink;
  log->self = self;
  log->fd = -1;
  (void)pthread_mutex_init(&log->lock, NULL); /* cannot fail with default attributes */
  *out = log;
  return FIRN_OK;
}

firn_status firn_log_open_fd(firn_log_level least, firn_log_form form, int fd, firn_log **out,
                             firn_error *err) {
  FIRN_TRY(firn_log_open(least, form, write_to_fd, NULL, out, err));
  (*out)->self = *out;
  (*out)->fd = fd;
  return FIRN_OK;
}

void firn_log_close(firn_log *log) {
  if (log != NULL) {
    pthread_mutex_destroy(&log->lock);
    firn_free(log);
  }
}

bool firn_log_wants(const firn_ctx *ctx, firn_log_level level) {
  return ctx->env->log != NULL && level >= ctx->env->log->least && level < FIRN_LOG_OFF;
}

uint64_t firn_log_lost(const firn_log *log) {
  return atomic_load_explicit(&log->lost, memory_order_relaxed);
}

static void add_time(firn_builder *b, int64_t now_us) {
  char text[FIRN_TIME_TEXT_MAX];
  size_t len = firn_timestamp_text(now_us, FIRN_MICROS, false, text);
  firn_builder_add(b, (firn_bytes){(const uint8_t *)text, len});
  firn_builder_add_u8(b, 'Z');
}

static firn_bytes shortened(firn_bytes text) {
  return firn_bytes_part(text, 0, LONGEST_VALUE);
}

static void add_json_field(firn_json_writer *w, const firn_log_field *f) {
  if (f->kind == FIRN_LOG_IS_NOTHING) {
    return;
  }
  firn_json_key(w, f->key);
  if (f->kind == FIRN_LOG_IS_INT) {
    firn_json_write_int64(w, f->number);
  } else if (f->kind == FIRN_LOG_IS_BOOL) {
    firn_json_write_bool(w, f->number != 0);
  } else {
    firn_json_write_bytes(w, shortened(f->text));
  }
}

static void add_json(firn_builder *b, const firn_ctx *ctx, firn_log_level level, const char *message,
                     const firn_log_field *fields, size_t n_fields) {
  firn_json_writer w = FIRN_JSON_WRITER_INIT(b);
  firn_json_begin_object(&w);
  firn_json_key(&w, "time");
  firn_json_write_raw(&w, FIRN_LITERAL("\""));
  add_time(b, firn_ctx_now_us(ctx));
  firn_builder_add_u8(b, '"');
  firn_json_add_text(&w, "level", level_names[level]);
  firn_json_key(&w, "message");
  firn_json_write_bytes(&w, shortened(firn_bytes_of(message)));
  if (ctx->trace_id != NULL) {
    firn_json_add_text(&w, "trace", ctx->trace_id);
  }
  for (size_t i = 0; i < n_fields; i++) {
    add_json_field(&w, &fields[i]);
  }
  firn_json_end_object(&w);
}

/* Words stay as they are; other text is quoted as in JSON, so that a value cannot pretend to be a field or
 * begin a line. */
static void add_plain(firn_builder *b, firn_bytes text, bool may_have_spaces) {
  bool plain = text.len > 0;
  for (size_t i = 0; i < text.len && plain; i++) {
    uint8_t c = text.data[i];
    plain = c >= 0x20 && c < 0x7F && c != '"' && c != '\\' && (may_have_spaces || (c != ' ' && c != '='));
  }
  if (plain) {
    firn_builder_add(b, text);
    return;
  }
  firn_json_writer w = FIRN_JSON_WRITER_INIT(b);
  firn_json_write_bytes(&w, text);
}

static void add_text_field(firn_builder *b, const firn_log_field *f) {
  if (f->kind == FIRN_LOG_IS_NOTHING) {
    return;
  }
  firn_builder_addf(b, " %s=", f->key);
  if (f->kind == FIRN_LOG_IS_INT) {
    firn_builder_addf(b, "%" PRId64, f->number);
  } else if (f->kind == FIRN_LOG_IS_BOOL) {
    firn_builder_add_text(b, f->number != 0 ? "true" : "false");
  } else {
    add_plain(b, shortened(f->text), false);
  }
}

static void add_text(firn_builder *b, const firn_ctx *ctx, firn_log_level level, const char *message,
                     const firn_log_field *fields, size_t n_fields) {
  add_time(b, firn_ctx_now_us(ctx));
  firn_builder_addf(b, " %s ", level_names[level]);
  add_plain(b, shortened(firn_bytes_of(message)), true);
  if (ctx->trace_id != NULL) {
    firn_builder_add_text(b, " trace=");
    add_plain(b, firn_bytes_of(ctx->trace_id), false);
  }
  for (size_t i = 0; i < n_fields; i++) {
    add_text_field(b, &fields[i]);
  }
}

void firn_log_write(const firn_ctx *ctx, firn_log_level level, const char *message,
                    const firn_log_field *fields, size_t n_fields) {
  if (!firn_log_wants(ctx, level)) {
    return;
  }
  firn_log *log = ctx->env->log;
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(LONGEST_LINE);
  (log->form == FIRN_LOG_AS_JSON ? add_json : add_text)(&b, ctx, level, message, fields, n_fields);
  firn_builder_add_u8(&b, '\n');
  firn_bytes line;
  if (firn_builder_finish(&b, &line, NULL) != FIRN_OK) {
    atomic_fetch_add_explicit(&log->lost, 1, memory_order_relaxed);
    return;
  }
  pthread_mutex_lock(&log->lock);
  log->sink(log->self, line);
  pthread_mutex_unlock(&log->lock);
}

bool firn_log_level_parse(firn_bytes text, firn_log_level *out) {
  for (size_t i = 0; i < FIRN_COUNT_OF(level_names); i++) {
    if (firn_bytes_is(text, level_names[i])) {
      *out = (firn_log_level)i;
      return true;
    }
  }
  return false;
}

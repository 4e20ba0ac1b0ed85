#include "commitlog/commitlog.h"

firn_status firn_commit_log_append(firn_commit_log *log, firn_ctx *ctx, firn_bytes record,
                                   firn_log_position *at, firn_error *err) {
  firn_status status = log->ops->append(log, ctx, record, at, err);
  return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "appending to the commit log");
}

firn_status firn_commit_log_range(firn_commit_log *log, firn_ctx *ctx, firn_arena *arena,
                                  firn_log_positions *first, firn_log_positions *next, firn_error *err) {
  return log->ops->range(log, ctx, arena, first, next, err);
}

firn_status firn_commit_log_reader_open(firn_commit_log *log, firn_ctx *ctx, const firn_log_positions *from,
                                        firn_commit_log_reader **out, firn_error *err) {
  firn_status status = log->ops->reader_open(log, ctx, from, out, err);
  return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "reading the commit log");
}

firn_status firn_commit_log_reader_next(firn_commit_log_reader *r, firn_ctx *ctx, firn_commit_log_record *out,
                                        bool *is_there, firn_error *err) {
  firn_status status = r->log->ops->reader_next(r, ctx, out, is_there, err);
  return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "reading the commit log");
}

void firn_commit_log_reader_close(firn_commit_log_reader *r) {
  if (r != NULL) {
    r->log->ops->reader_close(r);
  }
}

void firn_commit_log_reader_close_pointer(firn_commit_log_reader **r) {
  firn_commit_log_reader_close(*r);
}

firn_status firn_commit_log_consumer_add(firn_commit_log *log, firn_ctx *ctx, const char *name,
                                         const firn_log_positions *from, firn_commit_log_consumer **out,
                                         firn_error *err) {
  firn_status status = log->ops->consumer_add(log, ctx, name, from, out, err);
  return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "the commit log's consumer %s", name);
}

firn_status firn_commit_log_consumer_advance(firn_commit_log_consumer *c, firn_ctx *ctx,
                                             const firn_log_positions *to, firn_error *err) {
  return c->log->ops->consumer_advance(c, ctx, to, err);
}

void firn_commit_log_consumer_close(firn_commit_log_consumer *c) {
  if (c != NULL) {
    c->log->ops->consumer_close(c);
  }
}

void firn_commit_log_close(firn_commit_log *log) {
  if (log != NULL) {
    log->ops->close(log);
  }
}

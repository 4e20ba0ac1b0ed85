#include "index/index.h"

static firn_status said(const firn_index *index, firn_status status, const char *doing, firn_error *err) {
  return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "%s index: %s", index->ops->kind, doing);
}

firn_status firn_index_search(firn_index *index, firn_ctx *ctx, const firn_index_query *query,
                              firn_arena *arena, firn_index_hits *out, firn_error *err) {
  if (query->limit > FIRN_INDEX_MAX_LIMIT) {
    return firn_error_set(err, FIRN_INVALID, "a limit of %u is beyond the largest, %d", query->limit,
                          FIRN_INDEX_MAX_LIMIT);
  }
  if (query->n_tags > FIRN_INDEX_MAX_TAGS) {
    return firn_error_set(err, FIRN_INVALID, "%zu tags are more than the %d that one search may name",
                          query->n_tags, FIRN_INDEX_MAX_TAGS);
  }
  firn_index_query asked = *query;
  asked.limit = asked.limit == 0 ? FIRN_INDEX_DEFAULT_LIMIT : asked.limit;
  return said(index, index->ops->search(index, ctx, &asked, arena, out, err), "searching", err);
}

firn_status firn_index_row_at(firn_index *index, firn_ctx *ctx, firn_bytes path, int64_t row,
                              firn_arena *arena, firn_index_row *out, bool *is_there, firn_error *err) {
  return said(index, index->ops->row(index, ctx, path, row, arena, out, is_there, err), "looking for a row",
              err);
}

firn_status firn_index_file_state_of(firn_index *index, firn_ctx *ctx, firn_bytes path,
                                     firn_index_file_state *out, firn_error *err) {
  return said(index, index->ops->file_state(index, ctx, path, out, err), "looking for a file", err);
}

firn_status firn_index_count_of(firn_index *index, firn_ctx *ctx, firn_index_count *out, firn_error *err) {
  return said(index, index->ops->count(index, ctx, out, err), "counting", err);
}

firn_status firn_index_note(firn_index *index, firn_ctx *ctx, const char *name, firn_arena *arena,
                            const char **out, firn_error *err) {
  return said(index, index->ops->note_read(index, ctx, name, arena, out, err), "reading a note", err);
}

firn_status firn_index_files_of(firn_index *index, firn_ctx *ctx, const firn_index_listing *which,
                                firn_arena *arena, firn_index_files *out, firn_error *err) {
  return said(index, index->ops->files(index, ctx, which, arena, out, err), "listing files", err);
}

firn_status firn_index_load_begin(firn_index *index, firn_ctx *ctx, firn_index_load **out, firn_error *err) {
  return said(index, index->ops->load_begin(index, ctx, out, err), "beginning a load", err);
}

firn_status firn_index_load_file(firn_index_load *l, firn_ctx *ctx, const char *table, const char *path,
                                 firn_error *err) {
  firn_status status = l->index->ops->load_file(l, ctx, table, path, err);
  return status == FIRN_EXISTS ? status : said(l->index, status, "adding a file", err);
}

firn_status firn_index_load_pending(firn_index_load *l, firn_ctx *ctx, const char *path, const char *pending,
                                    firn_error *err) {
  return said(l->index, l->index->ops->load_pending(l, ctx, path, pending, err), "marking a file", err);
}

firn_status firn_index_load_row(firn_index_load *l, firn_ctx *ctx, const firn_index_row *row,
                                firn_error *err) {
  return said(l->index, l->index->ops->load_row(l, ctx, row, err), "adding a row", err);
}

firn_status firn_index_load_gone(firn_index_load *l, firn_ctx *ctx, const char *path, firn_error *err) {
  return said(l->index, l->index->ops->load_gone(l, ctx, path, err), "removing a file", err);
}

firn_status firn_index_load_note(firn_index_load *l, firn_ctx *ctx, const char *name, const char *text,
                                 firn_error *err) {
  return said(l->index, l->index->ops->load_note(l, ctx, name, text, err), "writing a note", err);
}

firn_status firn_index_load_commit(firn_index_load *l, firn_ctx *ctx, firn_error *err) {
  return said(l->index, l->index->ops->load_commit(l, ctx, err), "committing", err);
}

void firn_index_load_close(firn_index_load *l) {
  if (l != NULL) {
    l->index->ops->load_close(l);
  }
}

void firn_index_load_close_pointer(firn_index_load **l) {
  firn_index_load_close(*l);
}

void firn_index_close(firn_index *index) {
  if (index != NULL) {
    index->ops->close(index);
  }
}

void firn_index_close_pointer(firn_index **index) {
  firn_index_close(*index);
}

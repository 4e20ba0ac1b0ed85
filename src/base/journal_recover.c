#include <inttypes.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/builder.h"
#include "base/journal_internal.h"

#define REMEDY                                                                                  \
  "restore this file from a copy, or set the folder aside and begin anew without what only it " \
  "holds"

/* --- making segments --- */

firn_status firn_journal_begin_segment(const firn_journal *j, firn_ctx *ctx, uint64_t first, firn_file **out,
                                       firn_error *err) {
  char path[FIRN_JOURNAL_PATH_BYTES];
  FIRN_TRY(firn_journal_path(j->folder, first, ".new", path, err));
  firn_status status = firn_file_unlink(ctx, path, err); /* what an attempt before this one left */
  if (status != FIRN_OK && status != FIRN_NOT_FOUND) {
    return status;
  }
  FIRN_AUTO_FILE *file = NULL;
  FIRN_TRY(firn_file_open(ctx, path, FIRN_FILE_READ | FIRN_FILE_WRITE | FIRN_FILE_CREATE | FIRN_FILE_NEW,
                          &file, err));
  firn_journal_head head = {.id = j->uuid, .first = first};
  memcpy(head.kind, j->kind, sizeof head.kind);
  uint8_t bytes[FIRN_JOURNAL_HEAD_BYTES];
  firn_journal_head_write(&head, bytes);
  status = firn_file_append(file, (firn_bytes){bytes, sizeof bytes}, err);
  if (status != FIRN_OK) {
    FIRN_IGNORE(firn_file_unlink(ctx, path, NULL)); /* the next open removes it too */
    return firn_error_while(err, status, "%s", path);
  }
  *out = FIRN_HAND_OVER(file);
  return FIRN_OK;
}

firn_status firn_journal_finish_segment(const firn_journal *j, firn_ctx *ctx, uint64_t first, firn_file *file,
                                        bool *is_uncertain, firn_error *err) {
  char from[FIRN_JOURNAL_PATH_BYTES], to[FIRN_JOURNAL_PATH_BYTES];
  *is_uncertain = false;
  FIRN_TRY(firn_journal_path(j->folder, first, ".new", from, err));
  FIRN_TRY(firn_journal_path(j->folder, first, "", to, err));
  firn_status status = firn_file_sync(file, err);
  if (status != FIRN_OK) {
    FIRN_IGNORE(firn_file_unlink(ctx, from, NULL));
    return firn_error_while(err, status, "%s", from);
  }
  FIRN_TRY(firn_file_rename(ctx, from, to, err));
  status = firn_folder_sync(ctx, j->folder, err);
  *is_uncertain = status != FIRN_OK;
  return status;
}

/* Shortens it to nothing, also when it seems to be so already: it may seem so only. (A crash on the way can
 * leave the one byte.) */
static firn_status empty_durably(firn_ctx *ctx, const char *path, firn_error *err) {
  FIRN_AUTO_FILE *file = NULL;
  FIRN_TRY(firn_file_open(ctx, path, FIRN_FILE_WRITE, &file, err));
  firn_status status = firn_file_append(file, FIRN_LITERAL("-"), err);
  if (status == FIRN_OK) {
    status = firn_file_truncate(file, 0, err);
  }
  if (status == FIRN_OK) {
    status = firn_file_sync(file, err);
  }
  return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "%s", path);
}

firn_status firn_journal_remove_segment(const firn_journal *j, firn_ctx *ctx, uint64_t first,
                                        firn_error *err) {
  char path[FIRN_JOURNAL_PATH_BYTES];
  FIRN_TRY(firn_journal_path(j->folder, first, "", path, err));
  firn_status status = empty_durably(ctx, path, err);
  if (status == FIRN_NOT_FOUND) { /* an attempt before this one got as far as that */
    return firn_folder_sync(ctx, j->folder, err);
  }
  FIRN_TRY(status);
  FIRN_TRY(firn_file_unlink(ctx, path, err));
  return firn_folder_sync(ctx, j->folder, err);
}

void firn_journal_forget_oldest(firn_journal *j) {
  firn_free(j->segments[0].marks);
  j->n_segments--;
  memmove(j->segments, j->segments + 1, j->n_segments * sizeof *j->segments);
}

/* --- reading what is there --- */

/* What recovery knows of the newest segment. */
typedef struct newest {
  firn_file *file;
  uint64_t first;
  uint64_t size_bytes;    /* of the file */
  uint64_t end, next;     /* behind its last good record */
  uint64_t known_durable; /* a record's position: those before it were synced once */
} newest;

/* The position in the name of a segment. */
static bool segment_name(const char *name, uint64_t *first) {
  enum { DIGITS = 20 };
  uint64_t v = 0;
  for (size_t i = 0; i < DIGITS; i++) {
    if (name[i] < '0' || name[i] > '9') {
      return false;
    }
    uint64_t digit = (uint64_t)(name[i] - '0');
    if (v > (UINT64_MAX - digit) / 10) {
      return false;
    }
    v = v * 10 + digit;
  }
  *first = v;
  return strcmp(name + DIGITS, ".log") == 0;
}

/* The segments by their names; and what a crash left of one that was being made goes. */
static firn_status list_segments(firn_journal *j, firn_ctx *ctx, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(64 << 20);
  firn_file_name *names = NULL;
  size_t n = 0;
  FIRN_TRY(firn_folder_list(ctx, j->folder, &arena, &names, &n, err));
  for (size_t i = 0; i < n; i++) {
    uint64_t first;
    size_t len = strlen(names[i].name);
    if (segment_name(names[i].name, &first)) {
      FIRN_TRY(firn_journal_reserve_segment(j, err));
      j->segments[j->n_segments++] = (firn_journal_segment){.first = first};
    } else if (len > 8 && strcmp(names[i].name + len - 8, ".log.new") == 0) {
      char path[FIRN_JOURNAL_PATH_BYTES];
      int written = snprintf(path, sizeof path, "%s/%s", j->folder, names[i].name);
      if (written > 0 && (size_t)written < sizeof path) {
        FIRN_TRY(firn_file_unlink(ctx, path, err));
      }
    }
  }
  return FIRN_OK;
}

/* Segments that were being freed. */
static firn_status drop_freed(firn_journal *j, firn_ctx *ctx, firn_error *err) {
  while (j->n_segments > 1) {
    char path[FIRN_JOURNAL_PATH_BYTES];
    firn_file_info info;
    FIRN_TRY(firn_journal_path(j->folder, j->segments[0].first, "", path, err));
    FIRN_TRY(firn_file_stat(ctx, path, &info, err));
    if (info.size_bytes >= FIRN_JOURNAL_HEAD_BYTES) {
      break;
    }
    FIRN_TRY(firn_journal_remove_segment(j, ctx, j->segments[0].first, err));
    firn_journal_forget_oldest(j);
  }
  return FIRN_OK;
}

static firn_status check_head(firn_journal *j, size_t i, firn_file *file, firn_error *err) {
  uint8_t bytes[FIRN_JOURNAL_HEAD_BYTES];
  size_t got;
  FIRN_TRY(firn_file_read_at(file, 0, bytes, sizeof bytes, &got, err));
  firn_journal_head head;
  firn_status status = firn_journal_head_read((firn_bytes){bytes, got}, &head, err);
  if (status == FIRN_CORRUPT && err != NULL) {
    char why[sizeof err->text];
    memcpy(why, err->text, sizeof why);
    return firn_error_set(err, FIRN_CORRUPT, "%s: " REMEDY, why);
  }
  FIRN_TRY(status);
  if (strcmp(head.kind, j->kind) != 0) {
    return firn_error_set(err, FIRN_INVALID, "a journal of \"%s\", not of \"%s\"", head.kind, j->kind);
  }
  if (head.first != j->segments[i].first) {
    return firn_error_set(err, FIRN_CORRUPT, "its head says that it begins with record %" PRIu64 ": " REMEDY,
                          head.first);
  }
  if (i == 0) {
    j->uuid = head.id;
    j->seed = firn_journal_seed(head.id);
  } else if (!firn_uuid_equal(head.id, j->uuid)) {
    return firn_error_set(err, FIRN_CORRUPT,
                          "it belongs to another journal than the segments before it: take out what was "
                          "put into this folder");
  }
  return FIRN_OK;
}

/* All records of a segment up to the one at `until`, the first bad one, or the end. */
static firn_status scan_segment(firn_ctx *ctx, firn_journal_segment *segment, firn_journal_scan *s,
                                uint64_t until, firn_journal_found *found, uint64_t *known_durable,
                                firn_error *err) {
  *known_durable = segment->first;
  *found = FIRN_JOURNAL_END;
  while (s->position < until) {
    firn_journal_record_head head;
    firn_bytes payload;
    uint64_t at = s->offset;
    FIRN_TRY(firn_journal_scan_next(s, &head, &payload, found, err));
    if (*found != FIRN_JOURNAL_RECORD) {
      break;
    }
    FIRN_TRY(firn_journal_reserve_mark(segment, err));
    firn_journal_mark_record(segment, head.position, at);
    *known_durable = head.durable > *known_durable ? head.durable : *known_durable;
    if (head.position % 256 == 0) {
      FIRN_TRY(firn_ctx_check(ctx, err));
    }
  }
  segment->size_bytes = s->offset;
  return FIRN_OK;
}

static firn_status damaged(const firn_journal_scan *s, const char *how_known, firn_error *err) {
  return firn_error_set(err, FIRN_CORRUPT,
                        "record %" PRIu64 " at byte %" PRIu64 " was durable and is damaged (%s; %s): " REMEDY,
                        s->position, s->offset, s->why, how_known);
}

/* A bad record in the newest segment: the torn end of what was never synced, or damage. */
static firn_status judge(firn_journal_scan *s, firn_error *err) {
  uint64_t known;
  FIRN_TRY(firn_journal_scan_known_durable(s, &known, err));
  return known > s->position ? damaged(s, "a later record knew that it was synced", err) : FIRN_OK;
}

static firn_status read_segment(firn_journal *j, firn_ctx *ctx, size_t i, firn_file *file,
                                firn_journal_scan *s, newest *last, firn_error *err) {
  FIRN_TRY(check_head(j, i, file, err));
  firn_file_info info;
  FIRN_TRY(firn_file_info_of(file, &info, err));
  bool is_last = i + 1 == j->n_segments;
  firn_journal_segment *segment = &j->segments[i];
  uint64_t until = is_last ? UINT64_MAX : j->segments[i + 1].first, known_durable;
  s->seed = j->seed;
  s->end = info.size_bytes;
  firn_journal_scan_move(s, file, FIRN_JOURNAL_HEAD_BYTES, segment->first);
  firn_journal_found found;
  FIRN_TRY(scan_segment(ctx, segment, s, until, &found, &known_durable, err));
  if (is_last) {
    if (found == FIRN_JOURNAL_BAD) {
      FIRN_TRY(judge(s, err));
    }
    *last = (newest){.first = segment->first,
                     .size_bytes = info.size_bytes,
                     .end = s->offset,
                     .next = s->position,
                     .known_durable = known_durable};
    return FIRN_OK;
  }
  if (found == FIRN_JOURNAL_BAD) {
    return damaged(s, "it was synced before the segment behind it was made", err);
  }
  if (s->position < until) {
    return firn_error_set(err, FIRN_CORRUPT,
                          "it ends before record %" PRIu64
                          " and the segment behind it begins with record %" PRIu64
                          ": restore what is missing from a copy, or set the folder aside and begin anew "
                          "without what only it holds",
                          s->position, until);
  }
  return FIRN_OK;
}

/* Reads every segment; leaves the newest open in `last`. */
static firn_status read_segments(firn_journal *j, firn_ctx *ctx, firn_journal_scan *s, newest *last,
                                 firn_error *err) {
  for (size_t i = 0; i < j->n_segments; i++) {
    char path[FIRN_JOURNAL_PATH_BYTES];
    FIRN_TRY(firn_journal_path(j->folder, j->segments[i].first, "", path, err));
    FIRN_AUTO_FILE *file = NULL;
    unsigned flags = i + 1 < j->n_segments ? FIRN_FILE_READ : FIRN_FILE_READ | FIRN_FILE_WRITE;
    FIRN_TRY(firn_file_open(ctx, path, flags, &file, err));
    firn_status status = read_segment(j, ctx, i, file, s, last, err);
    if (status != FIRN_OK) {
      return firn_error_while(err, status, "%s", path);
    }
    if (i + 1 == j->n_segments) {
      last->file = FIRN_HAND_OVER(file);
    }
  }
  return FIRN_OK;
}

/* --- putting right what a crash left --- */

/* A new file <segment>.torn-<n>; `path` is its name. */
static firn_status torn_file(firn_journal *j, firn_ctx *ctx, uint64_t first, firn_file **out,
                             firn_error *err) {
  enum { MOST = 100000 };
  for (int n = 1; n < MOST; n++) {
    char ending[32];
    (void)snprintf(ending, sizeof ending, ".torn-%d", n);
    FIRN_TRY(firn_journal_path(j->folder, first, ending, j->torn, err));
    firn_status status =
        firn_file_open(ctx, j->torn, FIRN_FILE_WRITE | FIRN_FILE_CREATE | FIRN_FILE_NEW, out, err);
    if (status != FIRN_EXISTS) {
      return status;
    }
  }
  return firn_error_set(err, FIRN_LIMIT, "%s and all before it are there: remove them", j->torn);
}

/* Copies the torn end aside, durably. */
static firn_status put_aside(firn_journal *j, firn_ctx *ctx, const newest *last, firn_error *err) {
  enum { PIECE = 64 << 10 };
  void *piece FIRN_AUTO(firn_free_pointer) = firn_alloc_raw(PIECE);
  if (piece == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory to copy a torn end");
  }
  FIRN_AUTO_FILE *to = NULL;
  FIRN_TRY(torn_file(j, ctx, last->first, &to, err));
  for (uint64_t at = last->end; at < last->size_bytes;) {
    uint64_t left = last->size_bytes - at;
    size_t got;
    FIRN_TRY(firn_file_read_at(last->file, at, piece, left < PIECE ? (size_t)left : PIECE, &got, err));
    if (got == 0) {
      break;
    }
    FIRN_TRY(firn_file_append(to, (firn_bytes){piece, got}, err));
    at += got;
  }
  FIRN_TRY(firn_file_sync(to, err));
  FIRN_TRY(firn_folder_sync(ctx, j->folder, err));
  j->torn_bytes = last->size_bytes - last->end;
  return FIRN_OK;
}

/* Writes the records from `last->known_durable` on behind the head of a new segment. */
static firn_status copy_records(firn_journal *j, firn_journal_scan *s, const newest *last, firn_file *to,
                                firn_journal_segment *segment, firn_error *err) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  segment->size_bytes = FIRN_JOURNAL_HEAD_BYTES;
  while (s->position < last->next) {
    firn_journal_record_head head;
    firn_bytes payload;
    firn_journal_found found;
    FIRN_TRY(firn_journal_scan_next(s, &head, &payload, &found, err));
    if (found != FIRN_JOURNAL_RECORD) {
      return firn_error_set(err, FIRN_IO, "record %" PRIu64 " reads otherwise than a moment ago",
                            s->position);
    }
    FIRN_TRY(firn_journal_reserve_mark(segment, err));
    firn_journal_mark_record(segment, head.position, segment->size_bytes);
    head.durable = last->known_durable;
    size_t size = (size_t)firn_journal_record_bytes(head.length);
    firn_builder_reset(&b);
    uint8_t *into = firn_builder_reserve(&b, size);
    if (into == NULL) {
      return firn_error_set(err, FIRN_NOMEM, "no memory for a record of %zu bytes", size);
    }
    memset(into, 0, size);
    firn_journal_record_head_write(&head, j->seed, segment->size_bytes, into);
    if (payload.len > 0) {
      memcpy(into + FIRN_JOURNAL_RECORD_HEAD_BYTES, payload.data, payload.len);
    }
    FIRN_TRY(firn_file_append(to, (firn_bytes){into, size}, err));
    segment->size_bytes += size;
  }
  return FIRN_OK;
}

/* Stands the scan at record `position` of segment i. */
static firn_status seek(firn_journal *j, size_t i, firn_journal_scan *s, const newest *last,
                        uint64_t position, firn_error *err) {
  firn_journal_mark mark = firn_journal_mark_before(&j->segments[i], position);
  s->end = last->end;
  firn_journal_scan_move(s, last->file, mark.offset, mark.position);
  while (s->position < position) {
    firn_journal_record_head head;
    firn_bytes payload;
    firn_journal_found found;
    FIRN_TRY(firn_journal_scan_next(s, &head, &payload, &found, err));
    if (found != FIRN_JOURNAL_RECORD) {
      return firn_error_set(err, FIRN_IO, "record %" PRIu64 " reads otherwise than a moment ago",
                            s->position);
    }
  }
  return FIRN_OK;
}

/* A new segment begins with what is in the newest and not known to be durable, and is synced, it and its
 * name. To sync the old ones would not do: after a sync that failed the system may take for written what is
 * not on the disk, bytes or names, and say so to the next who asks. Hence also where there is no such record.
 */
static firn_status renew(firn_journal *j, firn_ctx *ctx, firn_journal_scan *s, const newest *last,
                         firn_error *err) {
  size_t i = j->n_segments - 1;
  FIRN_TRY(seek(j, i, s, last, last->known_durable, err));
  uint64_t cut = s->offset;
  FIRN_TRY(firn_journal_reserve_segment(j, err));
  j->segments[i + 1] = (firn_journal_segment){.first = last->known_durable};
  j->n_segments++;
  firn_journal_segment *fresh = &j->segments[i + 1];
  FIRN_AUTO_FILE *file = NULL;
  FIRN_TRY(firn_journal_begin_segment(j, ctx, fresh->first, &file, err));
  FIRN_TRY(copy_records(j, s, last, file, fresh, err));
  bool is_uncertain;
  FIRN_TRY(firn_journal_finish_segment(j, ctx, fresh->first, file, &is_uncertain, err));
  j->file = FIRN_HAND_OVER(file);
  firn_journal_segment *old = &j->segments[i];
  if (old->first == fresh->first) { /* it has replaced it */
    firn_free(old->marks);
    *old = *fresh;
    j->n_segments--;
    return FIRN_OK;
  }
  old->size_bytes = cut;
  while (old->n_marks > 0 && old->marks[old->n_marks - 1].position >= fresh->first) {
    old->n_marks--;
  }
  /* A segment ends where the next begins, so nobody reads what is cut off here, and it need not succeed. */
  FIRN_IGNORE(firn_file_truncate(last->file, cut, NULL));
  return FIRN_OK;
}

static firn_status put_right(firn_journal *j, firn_ctx *ctx, firn_journal_scan *s, const newest *last,
                             firn_error *err) {
  if (last->end < last->size_bytes) {
    firn_status status = put_aside(j, ctx, last, err);
    if (status != FIRN_OK) {
      return firn_error_while(err, status, "putting a torn end aside as %s", j->torn);
    }
  }
  return renew(j, ctx, s, last, err);
}

static firn_status make_first(firn_journal *j, firn_ctx *ctx, firn_error *err) {
  j->uuid = firn_uuid_v4(ctx);
  j->seed = firn_journal_seed(j->uuid);
  FIRN_TRY(firn_journal_reserve_segment(j, err));
  FIRN_AUTO_FILE *file = NULL;
  bool is_uncertain;
  FIRN_TRY(firn_journal_begin_segment(j, ctx, 0, &file, err));
  FIRN_TRY(firn_journal_finish_segment(j, ctx, 0, file, &is_uncertain, err));
  j->segments[j->n_segments++] = (firn_journal_segment){.size_bytes = FIRN_JOURNAL_HEAD_BYTES};
  j->file = FIRN_HAND_OVER(file);
  return FIRN_OK;
}

firn_status firn_journal_recover(firn_journal *j, firn_ctx *ctx, firn_error *err) {
  FIRN_TRY(list_segments(j, ctx, err));
  FIRN_TRY(drop_freed(j, ctx, err));
  if (j->n_segments == 0) {
    FIRN_TRY(make_first(j, ctx, err));
  } else {
    firn_journal_scan s = {.max_record_bytes = j->max_record_bytes};
    newest last = {.file = NULL};
    firn_status status = read_segments(j, ctx, &s, &last, err);
    if (status == FIRN_OK) {
      status = put_right(j, ctx, &s, &last, err);
    }
    firn_file_close(last.file);
    firn_journal_scan_free(&s);
    FIRN_TRY(status);
    j->next = last.next;
  }
  j->first = j->segments[0].first;
  j->durable = j->next;
  j->durable_bytes = j->segments[j->n_segments - 1].size_bytes;
  firn_uuid_text(j->uuid, j->id);
  return FIRN_OK;
}

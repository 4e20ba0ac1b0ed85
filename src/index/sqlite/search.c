#include <inttypes.h>
#include <stdio.h>

#include "base/builder.h"
#include "index/sqlite/index_internal.h"

enum { MAX_SQL = 1 << 20, MAX_VALUES = 16 + FIRN_INDEX_MAX_TAGS, CURSOR_MAX = 64 };

/* A search under way: its statement and what is bound to it. */
typedef struct search {
  const firn_index_query *query;
  firn_builder sql;
  size_t n_values;
  firn_db_value values[MAX_VALUES];
  bool is_empty; /* it names a text that no row has */
  bool has_cursor;
  int64_t time_us, identity; /* of the cursor: the last row that was seen */
  int64_t subject, type, source, producer, version;
  int64_t tags[FIRN_INDEX_MAX_TAGS];
} search;

/* --- cursors: "a" or "d" for the direction, then time and identity in hex --- */

static firn_status read_cursor(search *s, firn_error *err) {
  const char *text = s->query->cursor;
  uint64_t time_us, identity;
  int end = 0;
  char canonical[CURSOR_MAX];
  if (text == NULL) {
    return FIRN_OK;
  }
  char direction = s->query->is_ascending ? 'a' : 'd';
  if (sscanf(text + (text[0] != '\0'), "%16" SCNx64 "-%16" SCNx64 "%n", &time_us, &identity, &end) == 2) {
    (void)snprintf(canonical, sizeof canonical, "%c%" PRIx64 "-%" PRIx64, direction, time_us, identity);
  }
  if (end == 0 || strcmp(text, canonical) != 0) {
    return firn_error_set(err, FIRN_INVALID,
                          "this cursor was not made by a search in %s order of time: begin without one",
                          s->query->is_ascending ? "ascending" : "descending");
  }
  s->has_cursor = true;
  s->time_us = (int64_t)time_us;
  s->identity = (int64_t)identity;
  return FIRN_OK;
}

static const char *cursor_text(const search *s, int64_t time_us, int64_t identity, firn_arena *arena) {
  return firn_arena_printf(arena, "%c%" PRIx64 "-%" PRIx64, s->query->is_ascending ? 'a' : 'd',
                           (uint64_t)time_us, (uint64_t)identity);
}

/* --- what is asked, as numbers --- */

static firn_status find_text(search *s, firn_db *db, firn_ctx *ctx, firn_bytes text, int64_t *id,
                             firn_error *err) {
  if (text.data == NULL) {
    return FIRN_OK;
  }
  FIRN_TRY(firn_text_find(db, ctx, text, id, err));
  s->is_empty = s->is_empty || *id < 0;
  return FIRN_OK;
}

static firn_status find_texts(search *s, firn_db *db, firn_ctx *ctx, firn_error *err) {
  const firn_index_query *q = s->query;
  FIRN_TRY(find_text(s, db, ctx, q->subject, &s->subject, err));
  FIRN_TRY(find_text(s, db, ctx, q->type, &s->type, err));
  FIRN_TRY(find_text(s, db, ctx, q->source, &s->source, err));
  FIRN_TRY(find_text(s, db, ctx, q->producer, &s->producer, err));
  FIRN_TRY(find_text(s, db, ctx, q->data_version, &s->version, err));
  for (size_t i = 0; i < q->n_tags; i++) { /* one that nobody has is no reason to stop */
    FIRN_TRY(firn_text_find(db, ctx, q->tags[i], &s->tags[i], err));
  }
  return FIRN_OK;
}

/* --- the statement --- */

/* The number of a parameter with this value. */
static size_t value(search *s, firn_db_value v) {
  s->values[s->n_values] = v;
  return ++s->n_values;
}

/* What a search walks along: a tree, as `k`, with the event of each entry, as `e`; and which of the two tells
 * the time and what else is asked for. */
typedef struct walk {
  const char *tree, *time, *subject, *type_and_source, *others;
} walk;

static const walk along_ids = {"event_by_id", "e", "e", "e", "e"};
static const walk along_tags = {"event_tag", "k", "e", "e", "e"};
static const walk along_subject = {"event_by_subject", "k", "k", "k", "e"};
static const walk along_time = {"event_by_time", "k", "e", "k", "k"};

static void where(search *s, const char *of, const char *column, const char *relation, firn_db_value v) {
  firn_builder_addf(&s->sql, " AND %s.%s %s $%zu", of, column, relation, value(s, v));
}

static void where_text(search *s, const char *of, const char *column, firn_bytes asked, int64_t id) {
  if (asked.data != NULL) {
    where(s, of, column, "=", firn_db_int64(id));
  }
}

static void where_time(search *s, const char *of, bool without_time) {
  const firn_index_query *q = s->query;
  if (without_time) {
    where(s, of, "time_us", "=", firn_db_int64(FIRN_NO_TIME));
  } else if (q->has_after || q->has_before || q->is_ascending) {
    where(s, of, "time_us", ">", firn_db_int64(q->has_after ? q->after_us : FIRN_NO_TIME));
  }
  if (q->has_before) {
    where(s, of, "time_us", "<", firn_db_int64(q->before_us));
  }
  if (s->has_cursor) {
    size_t time_us = value(s, firn_db_int64(s->time_us));
    firn_builder_addf(&s->sql, " AND (%s.time_us, %s.identity) %c ($%zu, $%zu)", of, of,
                      q->is_ascending ? '>' : '<', time_us, value(s, firn_db_int64(s->identity)));
  }
}

/* Which rows; the same parameters whenever it is called. */
static void write_conditions(search *s, const walk *along, bool without_time) {
  const firn_index_query *q = s->query;
  where_text(s, along->subject, "subject", q->subject, s->subject);
  where_time(s, along->time, without_time);
  where_text(s, along->type_and_source, "type", q->type, s->type);
  where_text(s, along->type_and_source, "source", q->source, s->source);
  where_text(s, along->others, "producer", q->producer, s->producer);
  where_text(s, along->others, "data_version", q->data_version, s->version);
  if (q->id.data != NULL) {
    where(s, "e", "id", "=", firn_text_value(q->id));
  }
  /* A row that a later one stands before is not seen. */
  firn_builder_add_text(&s->sql,
                        " AND NOT EXISTS (SELECT 1 FROM event_by_subject n"
                        " CROSS JOIN event m ON m.event_id = n.event_id"
                        " WHERE n.subject = e.subject AND n.time_us = e.time_us"
                        " AND n.identity = e.identity AND n.event_id > e.event_id AND n.type = e.type"
                        " AND n.source = e.source AND m.id = e.id)");
}

static void write_order(search *s, const char *of) {
  const char *direction = s->query->is_ascending ? "" : " DESC";
  firn_builder_addf(&s->sql, " ORDER BY %s.time_us%s, %s.identity%s", of, direction, of, direction);
}

static void write_walk(search *s, const walk *along) {
  firn_builder_addf(&s->sql,
                    "SELECT e.event_id, %s.time_us, %s.identity FROM %s k CROSS JOIN event e "
                    "ON e.event_id = k.event_id WHERE ",
                    along->time, along->time, along->tree);
}

/* Along the tree that has the fewest rows of those asked for, chosen here because a planner without
 * statistics guesses. That of ids is in no order of time. */
static void write_plain(search *s, size_t limit, bool without_time) {
  const firn_index_query *q = s->query;
  const walk *along = q->id.data != NULL        ? &along_ids
                      : q->subject.data != NULL ? &along_subject
                                                : &along_time;
  write_walk(s, along);
  if (along == &along_ids) {
    firn_builder_addf(&s->sql, "k.id_hash = $%zu", value(s, firn_db_int64(firn_id_hash(q->id))));
  } else {
    firn_builder_add_text(&s->sql, "1");
  }
  write_conditions(s, along, without_time);
  write_order(s, along->time);
  firn_builder_addf(&s->sql, " LIMIT $%zu", limit);
}

/* The first rows of each tag, which hold the first rows of any of them. */
static void write_tagged(search *s, size_t limit, bool without_time) {
  size_t before = s->n_values;
  const char *joint = "";
  for (size_t i = 0; i < s->query->n_tags; i++) {
    if (s->tags[i] < 0) {
      continue;
    }
    s->n_values = before; /* the same parameters for each */
    firn_builder_addf(&s->sql, "%sSELECT * FROM (", joint);
    write_walk(s, &along_tags);
    firn_builder_addf(&s->sql, "k.tag = %" PRId64, s->tags[i]);
    write_conditions(s, &along_tags, without_time);
    write_order(s, along_tags.time);
    firn_builder_addf(&s->sql, " LIMIT $%zu)", limit);
    joint = " UNION ";
  }
  s->is_empty = joint[0] == '\0';
}

static void write_sql(search *s, bool without_time) {
  s->n_values = 0;
  firn_builder_reset(&s->sql);
  size_t limit = value(s, firn_db_int64((int64_t)s->query->limit + 1)); /* one more: is there more? */
  firn_builder_add_text(
      &s->sql,
      "SELECT e.time_us, e.identity, (SELECT text FROM text WHERE text_id = e.subject), "
      "(SELECT text FROM text WHERE text_id = e.type), e.id, "
      "(SELECT text FROM text WHERE text_id = e.source), "
      "(SELECT text FROM text WHERE text_id = e.producer), "
      "(SELECT text FROM text WHERE text_id = e.data_content_type), "
      "(SELECT text FROM text WHERE text_id = e.data_version), e.extras, e.event_id - f.first_id, "
      "f.path FROM (SELECT * FROM (");
  if (s->query->n_tags > 0) {
    write_tagged(s, limit, without_time);
  } else {
    write_plain(s, limit, without_time);
  }
  firn_builder_add_text(&s->sql, ") h");
  write_order(s, "h");
  firn_builder_addf(&s->sql,
                    " LIMIT $%zu) h CROSS JOIN event e ON e.event_id = h.event_id CROSS JOIN file f ON "
                    "f.first_id = (SELECT first_id FROM file WHERE first_id <= e.event_id "
                    "ORDER BY first_id DESC LIMIT 1)",
                    limit);
  write_order(s, "h");
  firn_builder_add_u8(&s->sql, '\0');
}

/* --- hits --- */

enum { TIME, IDENTITY, SUBJECT, TYPE, ID, SOURCE, PRODUCER, CONTENT_TYPE, VERSION, EXTRAS, ROW, PATH };

static firn_status copy_text(firn_statement *st, size_t column, firn_arena *arena, firn_bytes *out,
                             firn_error *err) {
  *out = firn_arena_copy(arena, firn_statement_bytes(st, column));
  return out->data == NULL ? firn_error_set(err, FIRN_NOMEM, "no memory for hits") : FIRN_OK;
}

static firn_status read_hit(firn_statement *st, firn_arena *arena, firn_index_hit *out, firn_error *err) {
  firn_index_row *row = &out->row;
  *row = (firn_index_row){.time_us = firn_statement_int64(st, TIME), .row = firn_statement_int64(st, ROW)};
  row->has_time = row->time_us != FIRN_NO_TIME;
  row->time_us = row->has_time ? row->time_us : 0;
  FIRN_TRY(copy_text(st, SUBJECT, arena, &row->subject, err));
  FIRN_TRY(copy_text(st, TYPE, arena, &row->type, err));
  FIRN_TRY(copy_text(st, ID, arena, &row->id, err));
  FIRN_TRY(copy_text(st, SOURCE, arena, &row->source, err));
  FIRN_TRY(copy_text(st, PRODUCER, arena, &row->producer, err));
  FIRN_TRY(copy_text(st, CONTENT_TYPE, arena, &row->data_content_type, err));
  FIRN_TRY(copy_text(st, VERSION, arena, &row->data_version, err));
  FIRN_TRY(copy_text(st, EXTRAS, arena, &row->extras, err));
  if (row->extras.len == 0) {
    row->extras = FIRN_LITERAL("{}");
  }
  firn_bytes path = firn_statement_bytes(st, PATH);
  out->key = firn_arena_printf(arena, "%.*s#%" PRId64, FIRN_FORMAT_BYTES(path), row->row);
  return out->key == NULL ? firn_error_set(err, FIRN_NOMEM, "no memory for hits") : FIRN_OK;
}

/* Adds the rows of the statement until there is one more than asked for, which becomes the cursor. */
static firn_status read_hits(search *s, firn_db *db, firn_ctx *ctx, firn_arena *arena, size_t *capacity,
                             firn_index_hits *out, firn_error *err) {
  FIRN_AUTO_STATEMENT *st = NULL;
  firn_bytes sql;
  FIRN_TRY(firn_builder_finish(&s->sql, &sql, err));
  FIRN_TRY(
      firn_db_query(db, ctx, (const char *)sql.data, (firn_db_values){s->n_values, s->values}, &st, err));
  for (;;) {
    bool is_row;
    FIRN_TRY(firn_statement_next(st, ctx, &is_row, err));
    if (!is_row) {
      return FIRN_OK;
    }
    if (out->n == s->query->limit) {
      out->cursor = cursor_text(s, s->time_us, s->identity, arena);
      return out->cursor == NULL ? firn_error_set(err, FIRN_NOMEM, "no memory for a cursor") : FIRN_OK;
    }
    firn_index_hit *items = firn_arena_grow(arena, out->items, out->n, capacity, sizeof *items);
    if (items == NULL) {
      return firn_error_set(err, FIRN_NOMEM, "no memory for hits");
    }
    out->items = items;
    FIRN_TRY(read_hit(st, arena, &items[out->n], err));
    out->n++;
    s->time_us = firn_statement_int64(st, TIME);
    s->identity = firn_statement_int64(st, IDENTITY);
  }
}

/* Rows without a time are the least of all, so in ascending order they come by a statement of their own. */
static firn_status run(search *s, firn_db *db, firn_ctx *ctx, firn_arena *arena, firn_index_hits *out,
                       firn_error *err) {
  const firn_index_query *q = s->query;
  size_t capacity = 0;
  bool is_last_part = q->is_ascending && s->has_cursor && s->time_us == FIRN_NO_TIME;
  if (!is_last_part) {
    write_sql(s, false);
    if (s->is_empty) {
      return FIRN_OK;
    }
    FIRN_TRY(read_hits(s, db, ctx, arena, &capacity, out, err));
    s->has_cursor = false;
  }
  if (!q->is_ascending || q->has_after || q->has_before || out->cursor != NULL) {
    return FIRN_OK;
  }
  write_sql(s, true);
  return s->is_empty ? FIRN_OK : read_hits(s, db, ctx, arena, &capacity, out, err);
}

firn_status firn_sqlite_index_search(firn_index *index, firn_ctx *ctx, const firn_index_query *query,
                                     firn_arena *arena, firn_index_hits *out, firn_error *err) {
  firn_sqlite_index *x = (firn_sqlite_index *)index;
  search s = {.query = query, .sql = FIRN_BUILDER_INIT(MAX_SQL)};
  firn_index_hits hits = {0};
  FIRN_AUTO_CONNECTION c = {0};
  FIRN_TRY(read_cursor(&s, err));
  FIRN_TRY(firn_connections_borrow(x->readers, ctx, &c, err));
  firn_status status = find_texts(&s, c.db, ctx, err);
  if (status == FIRN_OK && !s.is_empty) {
    status = run(&s, c.db, ctx, arena, &hits, err);
  }
  firn_builder_free(&s.sql);
  if (status != FIRN_OK) {
    return firn_sqlite_index_fail(x, status, err);
  }
  *out = hits;
  return FIRN_OK;
}

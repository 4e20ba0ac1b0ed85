#include "services/sql/query_internal.h"

#include "base/number.h"

typedef enum as_of_kind { AS_OF_NOTHING = 0, AS_OF_TIME, AS_OF_VERSION } as_of_kind;

/* A whole number where a time is wanted: seconds since 1970, as Spark has it; what would be beyond the year
 * 5138 then is milliseconds, beyond that microseconds. */
static int64_t millis_of_number(int64_t v) {
  const int64_t seconds_end = INT64_C(100000000000), millis_end = INT64_C(100000000000000);
  if (v < seconds_end) {
    return v * 1000;
  }
  return v < millis_end ? v : v / 1000;
}

/* TIMESTAMP, TIMESTAMP WITH TIME ZONE, DATE, ... before a text or behind "::". */
static bool takes_time_type(firn_parser *p) {
  if (firn_parser_takes(p, "timestamptz") || firn_parser_takes(p, "date") ||
      firn_parser_takes(p, "datetime") || firn_parser_takes(p, "timestamp_ms") ||
      firn_parser_takes(p, "timestamp_ns")) {
    return true;
  }
  if (!firn_parser_takes(p, "timestamp")) {
    return false;
  }
  (void)(firn_parser_takes(p, "with time zone") || firn_parser_takes(p, "without time zone"));
  return true;
}

static firn_status at_place(const firn_parser *p, const firn_token *t, firn_status status, firn_error *err) {
  if (status == FIRN_OK || status == FIRN_NOMEM) {
    return status;
  }
  firn_sql_place place = firn_sql_place_of(p->text, t->at);
  return firn_error_while(err, status, "line %zu, column %zu", place.line, place.column);
}

firn_status firn_sql_time_read(firn_parser *p, firn_snapshot_choice *out, firn_error *err) {
  static const char wanted[] = "a time ('2024-06-15 12:00:00')";
  const firn_token *t = firn_parser_token(p, 0);
  if (t->kind == FIRN_TOKEN_NUMBER) {
    int64_t v = 0;
    FIRN_TRY(firn_parser_whole(p, wanted, &v, err));
    *out = (firn_snapshot_choice){.kind = FIRN_CHOOSE_TIME, .timestamp_ms = millis_of_number(v)};
    return FIRN_OK;
  }
  bool is_cast = firn_parser_takes(p, "cast (");
  if (!is_cast) {
    (void)takes_time_type(p);
  }
  t = firn_parser_token(p, 0);
  const char *text = NULL;
  FIRN_TRY(firn_parser_quoted_text(p, wanted, &text, err));
  if ((is_cast && firn_parser_takes(p, "as")) || firn_parser_takes(p, "::")) {
    if (!takes_time_type(p)) {
      return firn_parser_fail(p, "TIMESTAMP", err);
    }
  }
  if (is_cast) {
    FIRN_TRY(firn_parser_need(p, ")", err));
  }
  return at_place(p, t, firn_snapshot_choice_of_time(firn_bytes_of(text), out, err), err);
}

static firn_status read_version(firn_parser *p, firn_snapshot_choice *out, firn_error *err) {
  static const char wanted[] = "a snapshot's id, or a branch or tag in quotes";
  const firn_token *t = firn_parser_token(p, 0);
  if (t->kind == FIRN_TOKEN_NUMBER) {
    *out = (firn_snapshot_choice){.kind = FIRN_CHOOSE_ID};
    return firn_parser_whole(p, wanted, &out->id, err);
  }
  const char *text = NULL;
  FIRN_TRY(firn_parser_quoted_text(p, wanted, &text, err));
  return at_place(p, t, firn_snapshot_choice_of_version(firn_bytes_of(text), p->arena, out, err), err);
}

static as_of_kind takes_as_of(firn_parser *p) {
  static const struct {
    const char *words;
    as_of_kind kind;
  } forms[] = {
      {"timestamp as of", AS_OF_TIME},
      {"system_time as of", AS_OF_TIME},
      {"version as of", AS_OF_VERSION},
      {"system_version as of", AS_OF_VERSION},
  };
  bool has_for = firn_parser_sees(p, 0, "for");
  firn_parser behind = *p;
  behind.at += has_for;
  for (size_t i = 0; i < FIRN_COUNT_OF(forms); i++) {
    if (firn_parser_takes(&behind, forms[i].words)) {
      p->at = behind.at;
      return forms[i].kind;
    }
  }
  return AS_OF_NOTHING;
}

/* FOR SYSTEM_TIME BETWEEN and the like: lawful SQL, and no table format's. */
static firn_status unknown_for(const firn_parser *p, firn_error *err) {
  firn_parser behind = *p;
  behind.at++;
  static const char *const words[] = {"system_time", "system_version", "timestamp", "version"};
  for (size_t i = 0; i < FIRN_COUNT_OF(words); i++) {
    if (firn_parser_takes(&behind, words[i])) {
      return firn_parser_fail(&behind, "AS OF", err);
    }
  }
  return FIRN_OK;
}

firn_status firn_sql_as_of_read(firn_parser *p, firn_sql_ref *ref, firn_error *err) {
  if (firn_parser_sees_all(p, "at (")) {
    p->at += 2;
    bool is_time = firn_parser_takes(p, "timestamp");
    if (!is_time) {
      FIRN_TRY(firn_parser_takes(p, "version") ? FIRN_OK : firn_parser_fail(p, "VERSION or TIMESTAMP", err));
    }
    FIRN_TRY(firn_parser_need(p, "=>", err));
    FIRN_TRY(is_time ? firn_sql_time_read(p, &ref->choice, err) : read_version(p, &ref->choice, err));
    ref->has_choice = true;
    return firn_parser_need(p, ")", err);
  }
  switch (takes_as_of(p)) {
    case AS_OF_TIME:
      ref->has_choice = true;
      return firn_sql_time_read(p, &ref->choice, err);
    case AS_OF_VERSION:
      ref->has_choice = true;
      return read_version(p, &ref->choice, err);
    default:
      return firn_parser_sees(p, 0, "for") ? unknown_for(p, err) : FIRN_OK;
  }
}

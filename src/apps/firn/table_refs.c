/* firn table branch|tag|rollback: what branches and tags point to. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "apps/firn/table.h"
#include "apps/firn/table_alter.h"

/* --- options --- */

/* "7d", "12h", "30m", "45s", "500ms"; "default" takes the ref's own value away. */
static firn_status read_age(const firn_args *args, const char *name, int64_t *out, firn_error *err) {
  static const struct {
    const char *unit;
    int64_t ms;
  } units[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
  const char *text = firn_args_value(args, name);
  if (text == NULL) {
    return FIRN_OK;
  }
  if (strcmp(text, "default") == 0) {
    *out = FIRN_RETENTION_DEFAULT;
    return FIRN_OK;
  }
  char *end;
  errno = 0;
  long long n = strtoll(text, &end, 10);
  for (size_t i = 0; errno == 0 && n > 0 && i < FIRN_COUNT_OF(units); i++) {
    if (strcmp(end, units[i].unit) == 0 && !__builtin_mul_overflow(n, units[i].ms, out)) {
      return FIRN_OK;
    }
  }
  return firn_error_set(err, FIRN_INVALID,
                        "--%s must be a time such as 7d, 12h, 30m or 500ms, or default, not \"%s\"", name,
                        text);
}

static firn_status read_count(const firn_args *args, const char *name, int64_t *out, firn_error *err) {
  const char *text = firn_args_value(args, name);
  if (text != NULL && strcmp(text, "default") == 0) {
    *out = FIRN_RETENTION_DEFAULT;
    return FIRN_OK;
  }
  uint64_t n = 0;
  FIRN_TRY(firn_args_count(args, name, &n, err));
  if (text != NULL && (n == 0 || n > INT32_MAX)) {
    return firn_error_set(err, FIRN_INVALID, "--%s must be a number from 1 to %d", name, INT32_MAX);
  }
  *out = (int64_t)n;
  return FIRN_OK;
}

/* A snapshot's id, or the name of a branch or tag. */
static void take_at(const char *text, firn_change_at *out) {
  char *end;
  errno = 0;
  long long id = strtoll(text, &end, 10);
  bool is_id = errno == 0 && end != text && *end == '\0' && text[0] >= '0' && text[0] <= '9';
  *out = is_id ? (firn_change_at){.kind = FIRN_AT_ID, .id = id}
               : (firn_change_at){.kind = FIRN_AT_REF, .ref = text};
}

static firn_status read_at(firn_app *app, const firn_args *args, const char *word, firn_change_at *out,
                           firn_error *err) {
  const char *time = firn_args_value(args, "time");
  if (word != NULL && time != NULL) {
    return firn_error_set(err, FIRN_INVALID, "either a snapshot or a time is given, not both");
  }
  if (word != NULL) {
    take_at(word, out);
  } else if (time != NULL) {
    out->kind = FIRN_AT_TIME;
    return firn_moment_read(time, app->arena, &out->id, err);
  }
  return FIRN_OK;
}

/* --- branch and tag --- */

/* What is to be done: one of these options, or none of them. */
typedef struct deed {
  const char *option;
  firn_change_kind branch, tag;
} deed;

static const deed deeds[] = {
    {"replace", FIRN_CHANGE_REPLACE_BRANCH, FIRN_CHANGE_REPLACE_TAG},
    {"drop", FIRN_CHANGE_DROP_BRANCH, FIRN_CHANGE_DROP_TAG},
    {"rename", FIRN_CHANGE_RENAME_REF, FIRN_CHANGE_RENAME_REF},
    {"retain", FIRN_CHANGE_SET_RETENTION, FIRN_CHANGE_SET_RETENTION},
    {"fast-forward", FIRN_CHANGE_FAST_FORWARD, FIRN_CHANGE_FAST_FORWARD},
};

static firn_status choose_deed(const firn_args *args, bool is_branch, firn_change *c, firn_error *err) {
  const char *chosen = NULL;
  c->kind = is_branch ? FIRN_CHANGE_CREATE_BRANCH : FIRN_CHANGE_CREATE_TAG;
  for (size_t i = 0; i < FIRN_COUNT_OF(deeds); i++) {
    if (!firn_args_has(args, deeds[i].option)) {
      continue;
    }
    if (chosen != NULL) {
      return firn_error_set(err, FIRN_INVALID, "--%s and --%s exclude each other", chosen, deeds[i].option);
    }
    chosen = deeds[i].option;
    c->kind = is_branch ? deeds[i].branch : deeds[i].tag;
    c->to = firn_args_value(args, chosen); /* of a switch it is empty, and nobody looks */
  }
  bool moves = chosen == NULL || strcmp(chosen, "replace") == 0;
  if (!moves && (firn_args_has(args, "at") || firn_args_has(args, "time"))) {
    return firn_error_set(err, FIRN_INVALID, "--%s takes neither --at nor --time", chosen);
  }
  return FIRN_OK;
}

static firn_status change_ref(firn_app *app, const firn_args *args, bool is_branch, firn_error *err) {
  firn_change c = {.name = args->words[1],
                   .if_exists = firn_args_has(args, "if-exists"),
                   .if_not_exists = firn_args_has(args, "if-not-exists")};
  FIRN_TRY(choose_deed(args, is_branch, &c, err));
  FIRN_TRY(read_at(app, args, firn_args_value(args, "at"), &c.at, err));
  FIRN_TRY(read_age(args, "max-age", &c.max_ref_age_ms, err));
  if (is_branch) {
    FIRN_TRY(read_count(args, "min-snapshots", &c.min_snapshots_to_keep, err));
    FIRN_TRY(read_age(args, "max-snapshot-age", &c.max_snapshot_age_ms, err));
  }
  return firn_table_commit_changes(app, args, &c, 1, err);
}

firn_status firn_table_branch_run(firn_app *app, const firn_args *args, firn_error *err) {
  return change_ref(app, args, true, err);
}

firn_status firn_table_tag_run(firn_app *app, const firn_args *args, firn_error *err) {
  return change_ref(app, args, false, err);
}

/* --- rollback --- */

firn_status firn_table_rollback_run(firn_app *app, const firn_args *args, firn_error *err) {
  bool any = firn_args_has(args, "any");
  firn_change c = {.kind = any ? FIRN_CHANGE_SET_CURRENT : FIRN_CHANGE_ROLLBACK};
  FIRN_TRY(read_at(app, args, args->n_words > 1 ? args->words[1] : NULL, &c.at, err));
  if (c.at.kind == FIRN_AT_CURRENT) {
    return firn_error_set(err, FIRN_INVALID,
                          "a snapshot, a branch, a tag or --time says where to roll back to");
  }
  return firn_table_commit_changes(app, args, &c, 1, err);
}

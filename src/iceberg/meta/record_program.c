#include "iceberg/meta/record_program_internal.h"

#include <assert.h>

/* Fields that no slot wants. */
#define SKIP ((firn_slot_kind) - 1)

/* How a map from column ids is laid out: an array of records of a key and a value, in either order. */
typedef struct pairs {
  bool is_plain; /* a key, then a value, neither optional: what nearly everybody writes */
  bool value_first;
  int key_null, value_null; /* as in step */
} pairs;

/* Keys whose pairs are kept. Column ids are small nearly always. */
typedef struct key_set {
  uint64_t low; /* bit i: key i */
  size_t n;
  const int32_t *keys; /* all of them, ascending */
} key_set;

/* Some writers (BigQuery) make everything optional, items of arrays too. A null item is none. */

typedef struct step {
  firn_slot_kind kind;
  int null_branch; /* index of null in the union around the value; -1: no union */
  uint8_t bit;
  bool required;
  bool judged;
  size_t offset;
  const firn_avro_schema *schema; /* without the union; of SKIP: with it */
  const char *name;
  int item_null;                    /* of arrays: as null_branch */
  pairs pairs;                      /* COUNTS, BOUNDS */
  const key_set *keep;              /* COUNTS, BOUNDS; NULL: all */
  const firn_record_program *inner; /* RECORD, SUMMARIES */
  const firn_tuple_program *tuple;  /* TUPLE */
} step;

struct firn_record_program {
  size_t n;
  const step *steps;
  size_t judge_at; /* the step before which the judge is asked; SIZE_MAX: never in this record */
  firn_record_judge judge;
  void *judge_arg;
};

typedef struct compiler {
  const firn_record_wishes *wishes;
  const key_set *keep; /* NULL: all */
  firn_arena *arena;
  firn_error *err;
} compiler;

static const key_set no_keys = {0};

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for a manifest's entry");
}

bool firn_avro_optional(const firn_avro_schema *s, const firn_avro_schema **value, int *null_branch) {
  *value = s;
  *null_branch = -1;
  if (s->type != FIRN_AVRO_UNION) {
    return true;
  }
  if (s->n_items != 2) {
    return false;
  }
  int null = s->items[0]->type == FIRN_AVRO_NULL ? 0 : 1;
  *value = s->items[1 - null];
  *null_branch = null;
  return s->items[null]->type == FIRN_AVRO_NULL;
}

bool firn_avro_has_ids(const firn_avro_schema *record) {
  for (size_t i = 0; i < record->n_fields; i++) {
    if (record->fields[i].field_id >= 0) {
      return true;
    }
  }
  return false;
}

const firn_avro_field *firn_record_find(const firn_avro_schema *record, int32_t id, const char *name) {
  bool by_id = firn_avro_has_ids(record);
  for (size_t i = 0; i < record->n_fields; i++) {
    const firn_avro_field *f = &record->fields[i];
    if (by_id ? f->field_id == id : strcmp(f->name, name) == 0) {
      return f;
    }
  }
  return NULL;
}

static bool is_integer(const firn_avro_schema *s) {
  return s->type == FIRN_AVRO_INT || s->type == FIRN_AVRO_LONG;
}

static bool is_run_of_bytes(const firn_avro_schema *s) {
  return s->type == FIRN_AVRO_BYTES || s->type == FIRN_AVRO_STRING;
}

/* Spec: Appendix A: "map" is an array of key-value records. */
static bool plan_pairs(const firn_avro_schema *pair, bool bytes, pairs *out) {
  if (pair->type != FIRN_AVRO_RECORD || pair->n_fields != 2) {
    return false;
  }
  out->value_first = strcmp(pair->fields[1].name, "key") == 0;
  const firn_avro_schema *key, *value;
  return firn_avro_optional(pair->fields[out->value_first].schema, &key, &out->key_null) &&
         firn_avro_optional(pair->fields[!out->value_first].schema, &value, &out->value_null) &&
         is_integer(key) && (bytes ? is_run_of_bytes(value) : is_integer(value));
}

enum { SUMMARY_NULL, SUMMARY_NAN, SUMMARY_LOWER, SUMMARY_UPPER };

/* Spec: Manifest Lists, field_summary. */
static const firn_slot summary_slots[] = {
    {.id = 509,
     .name = "contains_null",
     .kind = FIRN_SLOT_BOOL,
     .required = true,
     .bit = SUMMARY_NULL,
     .offset = offsetof(firn_field_summary, contains_null)},
    {.id = 518,
     .name = "contains_nan",
     .kind = FIRN_SLOT_BOOL,
     .bit = SUMMARY_NAN,
     .offset = offsetof(firn_field_summary, contains_nan)},
    {.id = 510,
     .name = "lower_bound",
     .kind = FIRN_SLOT_BYTES,
     .bit = SUMMARY_LOWER,
     .offset = offsetof(firn_field_summary, lower)},
    {.id = 511,
     .name = "upper_bound",
     .kind = FIRN_SLOT_BYTES,
     .bit = SUMMARY_UPPER,
     .offset = offsetof(firn_field_summary, upper)},
};

static firn_status compile(compiler *k, const firn_avro_schema *record, const firn_slot *slots,
                           size_t n_slots, const firn_record_program **out);

static bool is_for_array(firn_slot_kind kind) {
  return kind == FIRN_SLOT_COUNTS || kind == FIRN_SLOT_BOUNDS || kind == FIRN_SLOT_INTS ||
         kind == FIRN_SLOT_LONGS || kind == FIRN_SLOT_SUMMARIES;
}

/* Whether items of this type can go to the step's slot; plans what lies within. */
static firn_status plan_array(compiler *k, const firn_avro_schema *item, step *s, bool *fits) {
  if (s->kind == FIRN_SLOT_COUNTS || s->kind == FIRN_SLOT_BOUNDS) {
    *fits = plan_pairs(item, s->kind == FIRN_SLOT_BOUNDS, &s->pairs);
    s->pairs.is_plain =
        !s->pairs.value_first && s->item_null < 0 && s->pairs.key_null < 0 && s->pairs.value_null < 0;
    return FIRN_OK;
  }
  if (s->kind != FIRN_SLOT_SUMMARIES) {
    *fits = is_integer(item);
    return FIRN_OK;
  }
  *fits = item->type == FIRN_AVRO_RECORD;
  return *fits ? compile(k, item, summary_slots, FIRN_COUNT_OF(summary_slots), &s->inner) : FIRN_OK;
}

/* Whether a value of the step's type can go to its slot; plans what lies within. */
static firn_status plan_kind(compiler *k, const firn_slot *slot, step *s, bool *fits) {
  const firn_avro_schema *value = s->schema, *item = NULL;
  if (is_for_array(s->kind)) {
    *fits = value->type == FIRN_AVRO_ARRAY && firn_avro_optional(value->items[0], &item, &s->item_null);
    return *fits ? plan_array(k, item, s, fits) : FIRN_OK;
  }
  switch (s->kind) {
    case FIRN_SLOT_BOOL:
      *fits = value->type == FIRN_AVRO_BOOLEAN;
      return FIRN_OK;
    case FIRN_SLOT_INT:
    case FIRN_SLOT_LONG:
      *fits = is_integer(value);
      return FIRN_OK;
    case FIRN_SLOT_TEXT:
      *fits = value->type == FIRN_AVRO_STRING;
      return FIRN_OK;
    case FIRN_SLOT_BYTES:
      *fits = is_run_of_bytes(value);
      return FIRN_OK;
    case FIRN_SLOT_RECORD:
      *fits = value->type == FIRN_AVRO_RECORD;
      return *fits ? compile(k, value, slot->inner, slot->n_inner, &s->inner) : FIRN_OK;
    default: /* TUPLE */
      *fits = value->type == FIRN_AVRO_RECORD;
      return *fits ? firn_tuple_program_make(value, k->wishes->tuple, k->arena, &s->tuple, k->err) : FIRN_OK;
  }
}

static firn_status plan_step(compiler *k, const firn_avro_field *field, const firn_slot *slot, step *s) {
  *s = (step){.kind = SKIP, .schema = field->schema, .name = field->name, .null_branch = -1};
  if (slot == NULL || (field->schema->type == FIRN_AVRO_NULL && !slot->required)) {
    return FIRN_OK;
  }
  s->kind = slot->kind;
  s->bit = slot->bit;
  s->required = slot->required;
  s->judged = slot->judged;
  s->keep = (k->wishes->unwanted >> slot->bit & 1) != 0 ? &no_keys : k->keep;
  s->offset = slot->offset;
  bool fits = firn_avro_optional(field->schema, &s->schema, &s->null_branch);
  if (fits) {
    FIRN_TRY(plan_kind(k, slot, s, &fits));
  }
  if (!fits) {
    return firn_error_set(k->err, FIRN_CORRUPT, "field %s (%d) is no place for a value of type %s",
                          slot->name, (int)slot->id, firn_avro_type_name(s->schema->type));
  }
  return FIRN_OK;
}

static bool is_for(const firn_slot *slot, const firn_avro_field *field, bool by_id) {
  return by_id ? slot->id == field->field_id
               : strcmp(slot->name, field->name) == 0 ||
                     (slot->old_name != NULL && strcmp(slot->old_name, field->name) == 0);
}

static firn_status compile(compiler *k, const firn_avro_schema *record, const firn_slot *slots,
                           size_t n_slots, const firn_record_program **out) {
  firn_record_program *p = firn_new(k->arena, firn_record_program);
  step *steps = firn_new_n(k->arena, step, record->n_fields);
  if (p == NULL || steps == NULL) {
    return no_memory(k->err);
  }
  uint64_t found = 0; /* bits by place in `slots` */
  bool by_id = firn_avro_has_ids(record);
  for (size_t i = 0; i < record->n_fields; i++) {
    const firn_slot *slot = NULL;
    for (size_t j = 0; j < n_slots && slot == NULL; j++) {
      if (is_for(&slots[j], &record->fields[i], by_id) && (found & UINT64_C(1) << j) == 0) {
        slot = &slots[j];
        found |= UINT64_C(1) << j;
      }
    }
    FIRN_TRY(plan_step(k, &record->fields[i], slot, &steps[i]));
  }
  for (size_t j = 0; j < n_slots; j++) {
    if (slots[j].required && (found & UINT64_C(1) << j) == 0) {
      return firn_error_set(k->err, FIRN_CORRUPT, "the file's schema has no field %s (%d)", slots[j].name,
                            (int)slots[j].id);
    }
  }
  p->n = record->n_fields;
  p->steps = steps;
  p->judge_at = SIZE_MAX;
  *out = p;
  return FIRN_OK;
}

/* The step behind the last that the judge wants to see; 0: there is none. */
static size_t behind_judged(const firn_record_program *p) {
  for (size_t i = p->n; i > 0; i--) {
    if (p->steps[i - 1].judged) {
      return i;
    }
  }
  return 0;
}

/* The judge is asked within the record inside, if all that he must see outside comes before it. */
static void place_judge(const firn_record_program *p, const firn_record_wishes *wishes) {
  for (size_t i = 0; i < p->n; i++) {
    firn_record_program *inner = (firn_record_program *)(uintptr_t)p->steps[i].inner; /* ours */
    if (p->steps[i].kind == FIRN_SLOT_RECORD && behind_judged(p) <= i && behind_judged(inner) > 0) {
      inner->judge_at = behind_judged(inner);
      inner->judge = wishes->judge;
      inner->judge_arg = wishes->judge_arg;
    }
  }
}

static firn_status make_key_set(const firn_record_wishes *wishes, firn_arena *arena, const key_set **out,
                                firn_error *err) {
  *out = NULL;
  if (!wishes->only_keys) {
    return FIRN_OK;
  }
  key_set *made = firn_new(arena, key_set);
  if (made == NULL) {
    return no_memory(err);
  }
  *made = (key_set){.n = wishes->n_keys, .keys = wishes->keys};
  for (size_t i = 0; i < made->n; i++) {
    made->low |= made->keys[i] >= 0 && made->keys[i] < 64 ? UINT64_C(1) << made->keys[i] : 0;
  }
  *out = made;
  return FIRN_OK;
}

firn_status firn_record_program_make(const firn_avro_schema *schema, const firn_slot *slots, size_t n_slots,
                                     const firn_record_wishes *wishes, firn_arena *arena,
                                     const firn_record_program **out, firn_error *err) {
  assert(n_slots <= 62); /* the bits above are FIRN_RECORD_... */
  compiler k = {wishes, NULL, arena, err};
  if (schema->type != FIRN_AVRO_RECORD) {
    return firn_error_set(err, FIRN_CORRUPT, "the file holds no records");
  }
  FIRN_TRY(make_key_set(wishes, arena, &k.keep, err));
  FIRN_TRY(compile(&k, schema, slots, n_slots, out));
  if (wishes->judge != NULL) {
    place_judge(*out, wishes);
  }
  return FIRN_OK;
}

/* Most numbers of a manifest take one byte, or two. */
static inline int64_t take_number(firn_cursor *c) {
  if (FIRN_LIKELY(c->end - c->at >= 2)) {
    uint32_t first = c->at[0];
    if (first < 0x80) {
      c->at += 1;
      return (int64_t)(first >> 1) ^ -(int64_t)(first & 1);
    }
    uint32_t second = c->at[1];
    if (second < 0x80) {
      c->at += 2;
      first = (first & 0x7F) | second << 7;
      return (int64_t)(first >> 1) ^ -(int64_t)(first & 1);
    }
  }
  return firn_cursor_zigzag(c);
}

static inline bool take_int(firn_cursor *c, int32_t *out) {
  int64_t v = take_number(c);
  *out = (int32_t)v;
  return v == *out;
}

static inline firn_bytes take_run(firn_cursor *c) {
  return firn_cursor_take(c, (uint64_t)take_number(c)); /* a negative length is larger than any rest */
}

/* Whether the value of the union is there. */
static inline bool take_branch(firn_cursor *c, int null_branch) {
  if (null_branch < 0) {
    return true;
  }
  int64_t branch = take_number(c);
  c->bad = c->bad || (uint64_t)branch > 1;
  return branch != null_branch && !c->bad;
}

/* The items of the next block of an array; 0 after the last. Each takes a byte at least. */
static size_t take_count(firn_cursor *c) {
  int64_t count = take_number(c);
  if (count < 0) {
    (void)take_number(c); /* the block's size */
    c->bad = c->bad || count == INT64_MIN;
    count = c->bad ? 0 : -count;
  }
  if (c->bad || (uint64_t)count > firn_cursor_left(c)) {
    c->bad = true;
    return 0;
  }
  return (size_t)count;
}

/* An array on its way: items come in blocks, nearly always in one. */
typedef struct growing {
  void *items;
  size_t n, capacity;
} growing;

/* Room for `more` items, as an address to fill; NULL: no memory. */
static void *make_room(growing *g, firn_arena *arena, size_t more, size_t size) {
  if (more > g->capacity - g->n) {
    size_t wanted = g->capacity * 2 > g->n + more ? g->capacity * 2 : g->n + more;
    void *moved = firn_arena_alloc_n(arena, wanted, size);
    if (moved == NULL) {
      return NULL;
    }
    if (g->n > 0) {
      memcpy(moved, g->items, g->n * size);
    }
    g->items = moved;
    g->capacity = wanted;
  }
  return (uint8_t *)g->items + g->n * size;
}

static firn_status ends_early(firn_cursor *c, firn_error *err) {
  c->bad = true;
  return firn_error_set(err, FIRN_CORRUPT, "its value is broken or ends early");
}

/* A key and a value, which may be null: then nothing is known of the column, and false the answer. */
static inline bool take_pair(firn_cursor *c, const pairs *p, bool bytes, int32_t *key, void *value) {
  bool has_value = false;
  for (int turn = 0; turn < 2; turn++) {
    if ((turn == 0) != p->value_first) {
      c->bad = !(take_branch(c, p->key_null) && take_int(c, key)) || c->bad;
    } else if ((has_value = take_branch(c, p->value_null)) && bytes) {
      *(firn_bytes *)value = take_run(c);
    } else if (has_value) {
      *(int64_t *)value = take_number(c);
    }
  }
  return has_value;
}

/* The same for pairs that are plain, many of them: the cursor stays in registers. */
static inline void take_plain_pairs(firn_cursor *cursor, size_t count, bool bytes, firn_id_count *counts,
                                    firn_id_bytes *bounds) {
  firn_cursor c = *cursor;
  bool fits = true;
  for (size_t i = 0; i < count; i++) {
    fits &= take_int(&c, bytes ? &bounds[i].id : &counts[i].id);
    if (bytes) {
      bounds[i].value = take_run(&c);
    } else {
      counts[i].n = take_number(&c);
    }
  }
  c.bad = c.bad || !fits;
  *cursor = c;
}

/* --- pairs of chosen keys --- */

static inline bool is_kept(const key_set *keep, int32_t key) {
  if (FIRN_LIKELY(key >= 0 && key < 64)) {
    return (keep->low >> key & 1) != 0;
  }
  size_t from = 0, to = keep->n;
  while (from < to) {
    size_t middle = from + (to - from) / 2;
    if (keep->keys[middle] < key) {
      from = middle + 1;
    } else {
      to = middle;
    }
  }
  return from < keep->n && keep->keys[from] == key;
}

/* Passes over `n` numbers: each ends with a byte whose high bit is clear. */
static void pass_numbers(firn_cursor *c, size_t n) {
  const uint64_t ones = UINT64_C(0x0101010101010101);
  const uint8_t *at = c->at;
  while (n >= 8 && c->end - at >= 8) {
    uint64_t word;
    memcpy(&word, at, sizeof word);
    n -= (size_t)(((~word >> 7 & ones) * ones) >> 56); /* how many of its bytes end a number */
    at += sizeof word;
  }
  while (n > 0 && at < c->end) {
    n -= *at++ < 0x80;
  }
  c->at = at;
  c->bad = c->bad || n > 0;
}

/* The same for pairs of a number and bytes; the number, and how many bytes, take a byte each nearly always.
 */
static void pass_plain_bounds(firn_cursor *cursor, size_t n) {
  firn_cursor c = *cursor;
  for (size_t i = 0; i < n && !c.bad; i++) {
    if (FIRN_LIKELY(c.end - c.at >= 2 && ((c.at[0] | c.at[1]) & 0x80) == 0 && (c.at[1] & 1) == 0)) {
      size_t len = c.at[1] >> 1;
      c.at += 2;
      c.bad = len > (size_t)(c.end - c.at);
      c.at += c.bad ? 0 : len;
      continue;
    }
    pass_numbers(&c, 1);
    (void)take_run(&c);
  }
  *cursor = c;
}

static inline void pass_value(firn_cursor *c, bool bytes) {
  if (bytes) {
    (void)take_run(c);
  } else {
    pass_numbers(c, 1);
  }
}

/* The next pair of the map; false when it is none that is kept. */
static inline bool take_kept(const step *s, firn_cursor *c, bool bytes, int32_t *key, void *value) {
  if (!s->pairs.is_plain) {
    return take_branch(c, s->item_null) && take_pair(c, &s->pairs, bytes, key, value) &&
           is_kept(s->keep, *key);
  }
  c->bad = !take_int(c, key) || c->bad;
  if (!is_kept(s->keep, *key)) {
    pass_value(c, bytes);
    return false;
  }
  if (bytes) {
    *(firn_bytes *)value = take_run(c);
  } else {
    *(int64_t *)value = take_number(c);
  }
  return true;
}

static firn_status keep_counts(const step *s, firn_cursor *c, firn_arena *arena, firn_id_counts *out,
                               firn_error *err) {
  growing g = {NULL, 0, 0};
  for (size_t count; (count = take_count(c)) > 0;) {
    if (s->keep->n == 0 && s->pairs.is_plain) {
      pass_numbers(c, 2 * count);
      continue;
    }
    for (size_t i = 0; i < count && !c->bad; i++) {
      firn_id_count pair;
      if (take_kept(s, c, false, &pair.id, &pair.n)) {
        firn_id_count *at = make_room(&g, arena, 1, sizeof *at);
        if (at == NULL) {
          return no_memory(err);
        }
        *at = pair;
        g.n++;
      }
    }
  }
  *out = (firn_id_counts){s->keep->n > 0, g.n, g.items};
  return c->bad ? ends_early(c, err) : FIRN_OK;
}

static firn_status keep_bounds(const step *s, firn_cursor *c, firn_arena *arena, firn_id_bounds *out,
                               firn_error *err) {
  growing g = {NULL, 0, 0};
  for (size_t count; (count = take_count(c)) > 0;) {
    if (s->keep->n == 0 && s->pairs.is_plain) {
      pass_plain_bounds(c, count);
      continue;
    }
    for (size_t i = 0; i < count && !c->bad; i++) {
      firn_id_bytes pair;
      if (take_kept(s, c, true, &pair.id, &pair.value)) {
        firn_id_bytes *at = make_room(&g, arena, 1, sizeof *at);
        if (at == NULL) {
          return no_memory(err);
        }
        *at = pair;
        g.n++;
      }
    }
  }
  *out = (firn_id_bounds){s->keep->n > 0, g.n, g.items};
  return c->bad ? ends_early(c, err) : FIRN_OK;
}

static firn_status read_counts(const step *s, firn_cursor *c, firn_arena *arena, firn_id_counts *out,
                               firn_error *err) {
  if (s->keep != NULL) {
    return keep_counts(s, c, arena, out, err);
  }
  growing g = {NULL, 0, 0};
  for (size_t count; (count = take_count(c)) > 0;) {
    firn_id_count *at = make_room(&g, arena, count, sizeof *at);
    if (at == NULL) {
      return no_memory(err);
    }
    if (s->pairs.is_plain) {
      take_plain_pairs(c, count, false, at, NULL);
      g.n += count;
      continue;
    }
    for (size_t i = 0; i < count; i++) {
      bool known = take_branch(c, s->item_null) && take_pair(c, &s->pairs, false, &at->id, &at->n);
      at += known;
      g.n += known;
    }
  }
  *out = (firn_id_counts){true, g.n, g.items};
  return c->bad ? ends_early(c, err) : FIRN_OK;
}

static firn_status read_bounds(const step *s, firn_cursor *c, firn_arena *arena, firn_id_bounds *out,
                               firn_error *err) {
  if (s->keep != NULL) {
    return keep_bounds(s, c, arena, out, err);
  }
  growing g = {NULL, 0, 0};
  for (size_t count; (count = take_count(c)) > 0;) {
    firn_id_bytes *at = make_room(&g, arena, count, sizeof *at);
    if (at == NULL) {
      return no_memory(err);
    }
    if (s->pairs.is_plain) {
      take_plain_pairs(c, count, true, NULL, at);
      g.n += count;
      continue;
    }
    for (size_t i = 0; i < count; i++) {
      bool known = take_branch(c, s->item_null) && take_pair(c, &s->pairs, true, &at->id, &at->value);
      at += known;
      g.n += known;
    }
  }
  *out = (firn_id_bounds){true, g.n, g.items};
  return c->bad ? ends_early(c, err) : FIRN_OK;
}

static firn_status read_ints(const step *s, firn_cursor *c, firn_arena *arena, firn_int_list *out,
                             firn_error *err) {
  growing g = {NULL, 0, 0};
  for (size_t count; (count = take_count(c)) > 0;) {
    int32_t *at = make_room(&g, arena, count, sizeof *at);
    if (at == NULL) {
      return no_memory(err);
    }
    for (size_t i = 0; i < count; i++) {
      if (take_branch(c, s->item_null)) {
        c->bad = !take_int(c, at++) || c->bad;
        g.n++;
      }
    }
  }
  *out = (firn_int_list){g.n, g.items};
  return c->bad ? ends_early(c, err) : FIRN_OK;
}

static firn_status read_longs(const step *s, firn_cursor *c, firn_arena *arena, firn_long_list *out,
                              firn_error *err) {
  growing g = {NULL, 0, 0};
  for (size_t count; (count = take_count(c)) > 0;) {
    int64_t *at = make_room(&g, arena, count, sizeof *at);
    if (at == NULL) {
      return no_memory(err);
    }
    for (size_t i = 0; i < count; i++) {
      if (take_branch(c, s->item_null)) {
        *at++ = take_number(c);
        g.n++;
      }
    }
  }
  *out = (firn_long_list){g.n, g.items};
  return c->bad ? ends_early(c, err) : FIRN_OK;
}

static firn_status read_summary(const step *s, firn_cursor *c, firn_arena *arena, firn_field_summary *out,
                                firn_error *err) {
  uint64_t present = 0;
  FIRN_TRY(firn_record_program_run(s->inner, c, arena, out, &present, err));
  out->has_contains_nan = (present & 1U << SUMMARY_NAN) != 0;
  return FIRN_OK;
}

static firn_status read_summaries(const step *s, firn_cursor *c, firn_arena *arena, firn_summary_list *out,
                                  firn_error *err) {
  growing g = {NULL, 0, 0};
  for (size_t count; (count = take_count(c)) > 0;) {
    firn_field_summary *at = make_room(&g, arena, count, sizeof *at);
    if (at == NULL) {
      return no_memory(err);
    }
    for (size_t i = 0; i < count; i++) {
      if (take_branch(c, s->item_null)) {
        FIRN_TRY(read_summary(s, c, arena, at++, err));
        g.n++;
      }
    }
  }
  *out = (firn_summary_list){g.n, g.items};
  return c->bad ? ends_early(c, err) : FIRN_OK;
}

static firn_status read_text(firn_cursor *c, firn_arena *arena, const char **out, firn_error *err) {
  firn_bytes text = take_run(c);
  if (c->bad) {
    return ends_early(c, err);
  }
  if (memchr(text.data, '\0', text.len) != NULL) {
    return firn_error_set(err, FIRN_CORRUPT, "its text has a zero byte inside");
  }
  *out = firn_arena_text(arena, text);
  return *out == NULL ? no_memory(err) : FIRN_OK;
}

static firn_status read_slot(const step *s, firn_cursor *c, firn_arena *arena, void *base, uint64_t *present,
                             firn_error *err) {
  void *at = (uint8_t *)base + s->offset;
  switch (s->kind) {
    case FIRN_SLOT_BOOL:
      *(bool *)at = firn_cursor_u8(c) != 0;
      break;
    case FIRN_SLOT_INT:
      c->bad = !take_int(c, at) || c->bad;
      break;
    case FIRN_SLOT_LONG:
      *(int64_t *)at = take_number(c);
      break;
    case FIRN_SLOT_TEXT:
      return read_text(c, arena, at, err);
    case FIRN_SLOT_BYTES:
      *(firn_bytes *)at = take_run(c);
      break;
    case FIRN_SLOT_COUNTS:
      return read_counts(s, c, arena, at, err);
    case FIRN_SLOT_BOUNDS:
      return read_bounds(s, c, arena, at, err);
    case FIRN_SLOT_INTS:
      return read_ints(s, c, arena, at, err);
    case FIRN_SLOT_LONGS:
      return read_longs(s, c, arena, at, err);
    case FIRN_SLOT_SUMMARIES:
      return read_summaries(s, c, arena, at, err);
    case FIRN_SLOT_RECORD:
      return firn_record_program_run(s->inner, c, arena, base, present, err);
    case FIRN_SLOT_TUPLE:
      return firn_tuple_program_run(s->tuple, c, arena, at, err);
  }
  return c->bad ? ends_early(c, err) : FIRN_OK;
}

static firn_status run_step(const step *s, firn_cursor *c, firn_arena *arena, void *base, uint64_t *present,
                            firn_error *err) {
  if (s->kind == SKIP) {
    return firn_avro_skip(c, s->schema) ? FIRN_OK : ends_early(c, err);
  }
  if (!take_branch(c, s->null_branch)) {
    if (!c->bad && s->required) {
      return firn_error_set(err, FIRN_CORRUPT, "its value is null");
    }
    return c->bad ? ends_early(c, err) : FIRN_OK;
  }
  *present |= UINT64_C(1) << s->bit;
  return read_slot(s, c, arena, base, present, err);
}

/* A value that would go to a slot. */
static bool pass_over(const step *s, firn_cursor *c) {
  if (s->kind == SKIP) {
    return firn_avro_skip(c, s->schema);
  }
  if (!take_branch(c, s->null_branch)) {
    return !c->bad;
  }
  bool bytes = s->kind == FIRN_SLOT_BOUNDS;
  if ((s->kind != FIRN_SLOT_COUNTS && !bytes) || !s->pairs.is_plain) {
    return firn_avro_skip(c, s->schema);
  }
  for (size_t count; (count = take_count(c)) > 0;) {
    if (bytes) {
      pass_plain_bounds(c, count);
    } else {
      pass_numbers(c, 2 * count);
    }
  }
  return !c->bad;
}

static firn_status pass_rest(const firn_record_program *p, size_t from, firn_cursor *c, firn_error *err) {
  for (size_t i = from; i < p->n; i++) {
    if (FIRN_UNLIKELY(!pass_over(&p->steps[i], c))) {
      return firn_error_while(err, ends_early(c, err), "field %s", p->steps[i].name);
    }
  }
  return FIRN_OK;
}

firn_status firn_record_program_run(const firn_record_program *p, firn_cursor *c, firn_arena *arena,
                                    void *base, uint64_t *present, firn_error *err) {
  for (size_t i = 0; i < p->n; i++) {
    if (i == p->judge_at) {
      *present |= FIRN_RECORD_JUDGED;
      if (!p->judge(p->judge_arg, base, *present)) {
        *present |= FIRN_RECORD_PASSED;
        return pass_rest(p, i, c, err);
      }
    }
    firn_status status = run_step(&p->steps[i], c, arena, base, present, err);
    if (FIRN_UNLIKELY(status != FIRN_OK)) {
      return firn_error_while(err, status, "field %s", p->steps[i].name);
    }
    if (FIRN_UNLIKELY((*present & FIRN_RECORD_PASSED) != 0)) { /* within */
      return pass_rest(p, i + 1, c, err);
    }
  }
  return FIRN_OK;
}

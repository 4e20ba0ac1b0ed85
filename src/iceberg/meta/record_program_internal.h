/* A decoder of Avro records that is worked out once per file: each field of the file's schema either goes to
 * a slot of a C struct or is passed over, in the order of the file. Slots are found by field id (Spec:
 * Appendix A, Avro, Field IDs), by name where the record has no ids at all.
 *
 * This is how manifests are read: no tree is made, and what nobody asked for costs a skip. */
#ifndef FIRN_ICEBERG_META_RECORD_PROGRAM_INTERNAL_H
#define FIRN_ICEBERG_META_RECORD_PROGRAM_INTERNAL_H

#include "formats/avro/avro.h"
#include "iceberg/meta/manifest.h"

typedef enum firn_slot_kind {
  FIRN_SLOT_BOOL,      /* bool */
  FIRN_SLOT_INT,       /* int32_t */
  FIRN_SLOT_LONG,      /* int64_t */
  FIRN_SLOT_TEXT,      /* const char *, copied */
  FIRN_SLOT_BYTES,     /* firn_bytes, borrowed */
  FIRN_SLOT_COUNTS,    /* firn_id_counts */
  FIRN_SLOT_BOUNDS,    /* firn_id_bounds, values borrowed */
  FIRN_SLOT_INTS,      /* firn_int_list */
  FIRN_SLOT_LONGS,     /* firn_long_list */
  FIRN_SLOT_SUMMARIES, /* firn_summary_list */
  FIRN_SLOT_RECORD,    /* fields of the record within, at the same base */
  FIRN_SLOT_TUPLE,     /* const firn_value *, by the tuple's types */
} firn_slot_kind;

typedef struct firn_int_list {
  size_t n;
  const int32_t *items;
} firn_int_list;

typedef struct firn_long_list {
  size_t n;
  const int64_t *items;
} firn_long_list;

typedef struct firn_summary_list {
  size_t n;
  const firn_field_summary *items;
} firn_summary_list;

/* What is looked for in a record. */
typedef struct firn_slot {
  int32_t id;
  const char *name;
  const char *old_name; /* of earlier writers; NULL: none */
  firn_slot_kind kind;
  bool required; /* neither absent nor null */
  bool judged;   /* is wanted before a record is judged */
  uint8_t bit;   /* of `present`: was there and was not null */
  size_t offset; /* in the struct */
  size_t n_inner;
  const struct firn_slot *inner; /* RECORD */
} firn_slot;

typedef struct firn_record_program firn_record_program;

/* Looks at a record as soon as all slots that are `judged` are filled: false, and the rest of it is passed
 * over. Where the order of the file's fields does not allow that, nobody is asked. */
typedef bool (*firn_record_judge)(void *arg, const void *base, uint64_t present);

typedef struct firn_record_wishes {
  const firn_field *tuple; /* the partition type; NULL where no slot is a TUPLE */
  /* Of COUNTS and BOUNDS only the pairs of these keys, ascending; and none at all of the slots whose bits are
   * in `unwanted`. They are borrowed. */
  bool only_keys;
  size_t n_keys;
  const int32_t *keys;
  uint64_t unwanted;
  firn_record_judge judge; /* NULL: none */
  void *judge_arg;
} firn_record_wishes;

/* FIRN_CORRUPT when a required field is missing, or a field has a type that cannot go to its slot. All in
 * `arena`; `schema` and the tuple's type are borrowed. */
FIRN_MUST_USE firn_status firn_record_program_make(const firn_avro_schema *schema, const firn_slot *slots,
                                                   size_t n_slots, const firn_record_wishes *wishes,
                                                   firn_arena *arena, const firn_record_program **out,
                                                   firn_error *err);

/* Of `present`: the judge said no, and slots that come later are empty. */
#define FIRN_RECORD_PASSED (UINT64_C(1) << 63)
/* The judge was asked. */
#define FIRN_RECORD_JUDGED (UINT64_C(1) << 62)

/* Decodes one record into the struct at `base`, whose slots are zeroed before; sets the bits of `present` of
 * those that are not null. Arrays and texts go to `arena`. */
FIRN_MUST_USE firn_status firn_record_program_run(const firn_record_program *p, firn_cursor *c,
                                                  firn_arena *arena, void *base, uint64_t *present,
                                                  firn_error *err);

/* Partition tuples (tuple.c): a program of their own. */
typedef struct firn_tuple_program firn_tuple_program;
FIRN_MUST_USE firn_status firn_tuple_program_make(const firn_avro_schema *record, const firn_field *type,
                                                  firn_arena *arena, const firn_tuple_program **out,
                                                  firn_error *err);
FIRN_MUST_USE firn_status firn_tuple_program_run(const firn_tuple_program *p, firn_cursor *c,
                                                 firn_arena *arena, const firn_value **out, firn_error *err);

/* Takes an optional type apart: `*value` is what is not null, `*null_branch` the index of null in the union,
 * -1 when there is no union. False when it is a union of anything else. */
bool firn_avro_optional(const firn_avro_schema *s, const firn_avro_schema **value, int *null_branch);

/* Whether any field of the record has an id. */
bool firn_avro_has_ids(const firn_avro_schema *record);

/* A field of the record by its id, by its name where the record has no ids; NULL when there is none. */
const firn_avro_field *firn_record_find(const firn_avro_schema *record, int32_t id, const char *name);

#endif

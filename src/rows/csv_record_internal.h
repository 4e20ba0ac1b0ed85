/* One record of CSV (RFC 4180), split into its fields. */
#ifndef FIRN_ROWS_CSV_RECORD_INTERNAL_H
#define FIRN_ROWS_CSV_RECORD_INTERNAL_H

#include "base/arena.h"
#include "base/bytes.h"

typedef struct firn_csv_field {
  firn_bytes text;  /* without its quotes; data NULL: nothing stands there, not even quotes */
  bool has_doubled; /* holds "" for " */
} firn_csv_field;

typedef enum firn_csv_found {
  FIRN_CSV_RECORD,
  FIRN_CSV_INCOMPLETE, /* its end is not there */
  FIRN_CSV_BAD_QUOTE,  /* something stands behind a closing quote */
} firn_csv_found;

typedef struct firn_csv_record {
  firn_csv_field *fields; /* room for `capacity` */
  size_t capacity;
  size_t n_fields; /* may be more than there is room for: those are counted only */
  bool is_empty;   /* nothing stands in its last field */
  size_t n_lines;  /* line ends that it holds, its own too */
  size_t len;      /* with its line end */
} firn_csv_record;

/* The record that begins at the start of `text`. `is_last`: the text ends where the input does. An empty text
 * is incomplete. */
firn_csv_found firn_csv_split(firn_bytes text, uint8_t delimiter, bool is_last, firn_csv_record *out);

/* The text of a field, in `arena` where quotes are doubled; data NULL: no memory. */
firn_bytes firn_csv_text(const firn_csv_field *field, firn_arena *arena);

/* The one of , ; tab | that the first line has most, outside of quotes. */
uint8_t firn_csv_sniff(firn_bytes text);

#endif

#include "rows/csv_record_internal.h"

/* Eight bytes at a time: where the first delimiter or line end is. A bit of a byte is set when it is zero
 * after the exclusive or with the byte that is looked for. */
static uint64_t zero_bytes(uint64_t v) {
  return (v - UINT64_C(0x0101010101010101)) & ~v & UINT64_C(0x8080808080808080);
}

static const uint8_t *find_end(const uint8_t *at, const uint8_t *end, uint8_t delimiter) {
  const uint64_t ones = UINT64_C(0x0101010101010101);
  uint64_t delimiters = ones * delimiter, feeds = ones * '\n', returns = ones * '\r';
  while (end - at >= 8) {
    uint64_t v;
    memcpy(&v, at, sizeof v);
    uint64_t hits = zero_bytes(v ^ delimiters) | zero_bytes(v ^ feeds) | zero_bytes(v ^ returns);
    if (hits != 0) { /* the lowest hit is a true one */
      return at + __builtin_ctzll(hits) / 8;
    }
    at += 8;
  }
  while (at < end && *at != delimiter && *at != '\n' && *at != '\r') {
    at++;
  }
  return at;
}

/* Behind the closing quote of a field that begins behind `at`; NULL: there is none. */
static const uint8_t *find_quote(const uint8_t *at, const uint8_t *end, firn_csv_record *out,
                                 bool *has_doubled) {
  *has_doubled = false;
  for (;;) {
    const uint8_t *quote = at < end ? memchr(at, '"', (size_t)(end - at)) : NULL;
    const uint8_t *stop = quote == NULL ? end : quote;
    for (const uint8_t *feed = at; feed < stop && (feed = memchr(feed, '\n', (size_t)(stop - feed))) != NULL;
         feed++) {
      out->n_lines++;
    }
    if (quote == NULL) {
      return NULL;
    }
    if (quote + 1 < end && quote[1] == '"') {
      *has_doubled = true;
      at = quote + 2;
      continue;
    }
    return quote + 1;
  }
}

static void put_field(firn_csv_record *out, firn_csv_field field) {
  if (out->n_fields < out->capacity) {
    out->fields[out->n_fields] = field;
  }
  out->is_empty = field.text.data == NULL;
  out->n_fields++;
}

/* One field from `at`; `*found` says whether `*behind` is its end. */
static firn_csv_field split_field(const uint8_t *at, const uint8_t *end, uint8_t delimiter, bool is_last,
                                  firn_csv_record *out, const uint8_t **behind, firn_csv_found *found) {
  *found = FIRN_CSV_RECORD;
  if (at == end || *at != '"') {
    *behind = find_end(at, end, delimiter);
    *found = *behind == end && !is_last ? FIRN_CSV_INCOMPLETE : FIRN_CSV_RECORD;
    return (firn_csv_field){.text = {*behind == at ? NULL : at, (size_t)(*behind - at)}};
  }
  bool has_doubled;
  *behind = find_quote(at + 1, end, out, &has_doubled);
  if (*behind == NULL || (*behind == end && !is_last)) { /* a quote may follow, which would double it */
    *found = FIRN_CSV_INCOMPLETE;
    return (firn_csv_field){{NULL, 0}, false};
  }
  if (*behind < end && **behind != delimiter && **behind != '\n' && **behind != '\r') {
    *found = FIRN_CSV_BAD_QUOTE;
  }
  return (firn_csv_field){.text = {at + 1, (size_t)(*behind - at) - 2}, .has_doubled = has_doubled};
}

firn_csv_found firn_csv_split(firn_bytes text, uint8_t delimiter, bool is_last, firn_csv_record *out) {
  const uint8_t *at = text.data;
  const uint8_t *end = text.data + text.len;
  out->n_fields = out->n_lines = 0;
  if (text.len == 0) {
    return FIRN_CSV_INCOMPLETE;
  }
  for (;;) {
    const uint8_t *behind;
    firn_csv_found found;
    firn_csv_field field = split_field(at, end, delimiter, is_last, out, &behind, &found);
    if (found != FIRN_CSV_RECORD) {
      return found;
    }
    put_field(out, field);
    if (behind < end && *behind == delimiter) {
      at = behind + 1;
      continue;
    }
    if (behind < end && *behind == '\r') {
      if (behind + 1 == end && !is_last) { /* a line feed may follow */
        return FIRN_CSV_INCOMPLETE;
      }
      behind += behind + 1 < end && behind[1] == '\n'; /* a return alone ends a line, too */
    }
    behind += behind < end;
    out->n_lines++;
    out->len = (size_t)(behind - text.data);
    return FIRN_CSV_RECORD;
  }
}

firn_bytes firn_csv_text(const firn_csv_field *field, firn_arena *arena) {
  if (!field->has_doubled) {
    return field->text;
  }
  uint8_t *copy = firn_arena_alloc_bytes(arena, field->text.len);
  size_t len = 0;
  for (size_t i = 0; copy != NULL && i < field->text.len; i++) {
    copy[len++] = field->text.data[i];
    i += field->text.data[i] == '"'; /* the other one */
  }
  return (firn_bytes){copy, len};
}

uint8_t firn_csv_sniff(firn_bytes text) {
  static const uint8_t candidates[] = {',', ';', '\t', '|'};
  size_t counts[sizeof candidates] = {0};
  bool is_quoted = false;
  for (size_t i = 0; i < text.len; i++) {
    uint8_t c = text.data[i];
    is_quoted ^= c == '"';
    if (!is_quoted && (c == '\n' || c == '\r')) {
      break;
    }
    for (size_t k = 0; k < sizeof candidates && !is_quoted; k++) {
      counts[k] += c == candidates[k];
    }
  }
  size_t best = 0;
  for (size_t k = 1; k < sizeof candidates; k++) {
    best = counts[k] > counts[best] ? k : best;
  }
  return candidates[best];
}

#include "iceberg/scan/row_ranges_internal.h"

#include <assert.h>

firn_status firn_row_ranges_add(firn_row_ranges *r, int64_t first, int64_t end, firn_arena *arena,
                                firn_error *err) {
  firn_row_range *last = r->n == 0 ? NULL : &r->items[r->n - 1];
  assert(last == NULL || first >= last->first);
  if (first >= end) {
    return FIRN_OK;
  }
  if (last != NULL && first <= last->end) {
    last->end = end > last->end ? end : last->end;
    return FIRN_OK;
  }
  firn_row_range *items = firn_arena_grow(arena, r->items, r->n, &r->capacity, sizeof *items);
  if (items == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu ranges of rows", r->n);
  }
  r->items = items;
  r->items[r->n++] = (firn_row_range){first, end};
  return FIRN_OK;
}

firn_status firn_row_ranges_both(const firn_row_ranges *a, const firn_row_ranges *b, firn_arena *arena,
                                 firn_row_ranges *out, firn_error *err) {
  firn_row_ranges both = {0};
  for (size_t i = 0, j = 0; i < a->n && j < b->n;) {
    const firn_row_range *x = &a->items[i];
    const firn_row_range *y = &b->items[j];
    FIRN_TRY(firn_row_ranges_add(&both, x->first > y->first ? x->first : y->first,
                                 x->end < y->end ? x->end : y->end, arena, err));
    if (x->end < y->end) {
      i++;
    } else {
      j++;
    }
  }
  *out = both;
  return FIRN_OK;
}

firn_status firn_row_ranges_either(const firn_row_ranges *a, const firn_row_ranges *b, firn_arena *arena,
                                   firn_row_ranges *out, firn_error *err) {
  firn_row_ranges either = {0};
  for (size_t i = 0, j = 0; i < a->n || j < b->n;) {
    bool first = j == b->n || (i < a->n && a->items[i].first <= b->items[j].first);
    const firn_row_range *next = first ? &a->items[i++] : &b->items[j++];
    FIRN_TRY(firn_row_ranges_add(&either, next->first, next->end, arena, err));
  }
  *out = either;
  return FIRN_OK;
}

/* Numbers as text, whatever the locale. */
#ifndef FIRN_BASE_NUMBER_H
#define FIRN_BASE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

/* Room for any of the texts below, their end included. */
enum { FIRN_NUMBER_MAX = 32 };

/* The shortest decimal text that reads back as the same number, always with a point or an exponent: 1.0,
 * 0.1, 1e+300. `v` must be finite. Returns the length; the text is terminated. */
size_t firn_number_of_double(double v, char out[FIRN_NUMBER_MAX]);
size_t firn_number_of_float(float v, char out[FIRN_NUMBER_MAX]);

size_t firn_number_of_int64(int64_t v, char out[FIRN_NUMBER_MAX]);
/* Exactly `n_digits`, zeros in front; what does not fit is cut off. Not terminated; returns what is behind.
 */
char *firn_number_put_digits(char *to, uint64_t v, int n_digits);

/* The nearest double to a decimal number (an optional minus, digits, a fraction, an exponent), which `text`
 * must be. Infinite when it is too large; false when there is no memory for a very long text. */
bool firn_number_to_double(firn_bytes text, double *out);

#endif

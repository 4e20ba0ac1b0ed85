/* Dates and times of literals. */
#ifndef FIRN_ICEBERG_EXPR_LITERAL_TIME_INTERNAL_H
#define FIRN_ICEBERG_EXPR_LITERAL_TIME_INTERNAL_H

#include "iceberg/expr/literal_internal.h"

/* `in` as a DATE, TIME or timestamp of `kind`; false when no such value can be meant. */
bool firn_literal_time(const firn_value *in, firn_kind kind, firn_value *out, firn_fit *fit);

#endif

/* What a filter says about rows that nobody has read yet: by partition values, by statistics of files and
 * manifests. Follows the Iceberg specification: Scan Planning; Partition Transforms; Manifests, Data File
 * Fields. Every expression here is bound.
 *
 * Inclusive answers are never false for rows that match; strict ones are never true when a row may not match.
 * What is unknown (no statistics, a bound of a length that fits nothing, NaN bounds, counts that contradict
 * each other, UUID order, an unknown transform, a tuple of another type) is "may match" and "not surely".
 * Partitions of 1969 and before may be wrong by one (early writers), and are asked accordingly. */
#ifndef FIRN_ICEBERG_EXPR_PRUNE_H
#define FIRN_ICEBERG_EXPR_PRUNE_H

#include "iceberg/expr/expr.h"
#include "iceberg/meta/manifest.h"

/* Projections: an expression over the tuples of `spec` (names and ids of its fields), bound to its partition
 * type. Inclusive: true for every partition that may hold a match. Strict: true only for partitions in which
 * every row matches. In `arena`. */
FIRN_MUST_USE firn_status firn_expr_project_inclusive(const firn_expr *e, const firn_partition_spec *spec,
                                                      const firn_schema *schema, firn_arena *arena,
                                                      const firn_expr **out, firn_error *err);
FIRN_MUST_USE firn_status firn_expr_project_strict(const firn_expr *e, const firn_partition_spec *spec,
                                                   const firn_schema *schema, firn_arena *arena,
                                                   const firn_expr **out, firn_error *err);

/* A filter made ready for one partition spec: projected once, asked for many manifests and files. Constant
 * once made; threads may share it. In `arena`, and borrows `filter` and `spec`. */
typedef struct firn_prune firn_prune;
FIRN_MUST_USE firn_status firn_prune_new(const firn_expr *filter, const firn_partition_spec *spec,
                                         const firn_schema *schema, firn_arena *arena, const firn_prune **out,
                                         firn_error *err);

/* By the partition summaries of a manifest list entry. */
bool firn_prune_manifest(const firn_prune *p, const firn_manifest_file *manifest);
/* By a tuple; by tuple and statistics. False: no row of the file matches. */
bool firn_prune_partition(const firn_prune *p, const firn_value *tuple);
bool firn_prune_file(const firn_prune *p, const firn_data_file *file);
/* True: every row of the file matches. */
bool firn_prune_file_surely(const firn_prune *p, const firn_data_file *file);

/* What remains to be asked of the rows of one partition: predicates that the tuple decides are gone. */
FIRN_MUST_USE firn_status firn_prune_residual(const firn_prune *p, const firn_value *tuple, firn_arena *arena,
                                              const firn_expr **out, firn_error *err);

/* Statistics of one column over some rows, wherever they come from: a manifest, a row group, a page. */
typedef struct firn_column_stats {
  const firn_field *type; /* of the values; bounds are of its kind */
  int64_t n_values;       /* nulls and NaN included; -1: unknown */
  int64_t n_nulls;        /* -1: unknown */
  int64_t n_nans;         /* -1: unknown */
  bool has_lower, has_upper;
  firn_value lower, upper; /* inclusive, perhaps not exact */
} firn_column_stats;

/* False: `out` stays as it is, nothing is known of the column. */
typedef bool (*firn_stats_of)(void *arg, int32_t field_id, firn_column_stats *out);
bool firn_expr_may_match(const firn_expr *e, firn_stats_of stats, void *arg);
bool firn_expr_must_match(const firn_expr *e, firn_stats_of stats, void *arg);

#endif

/* Where the indexer is in the commit log, and where it is in a table, as the notes of the index say it:
 *   log             "<log id> 0:17,3:5"           the next record of each partition
 *   table.<name>    "<table uuid> <snapshot id>"  "-": the table was empty */
#ifndef FIRN_SERVICES_INDEXER_PLACE_INTERNAL_H
#define FIRN_SERVICES_INDEXER_PLACE_INTERNAL_H

#include "base/arena.h"
#include "commitlog/commitlog.h"
#include "iceberg/meta/metadata.h"

enum { FIRN_PLACE_MAX_PARTITIONS = 1024 };

typedef struct firn_place {
  size_t n;
  firn_log_position items[FIRN_PLACE_MAX_PARTITIONS]; /* ascending by partition */
} firn_place;

uint64_t firn_place_get(const firn_place *p, int32_t partition); /* 0 where it is not listed */
FIRN_MUST_USE firn_status firn_place_set(firn_place *p, int32_t partition, uint64_t next, firn_error *err);
FIRN_MUST_USE firn_status firn_place_copy(const firn_log_positions *from, firn_place *out, firn_error *err);
/* Borrowed from `p`. */
firn_log_positions firn_place_positions(firn_place *p);

/* In `arena`; NULL: no memory. */
const char *firn_place_text(const firn_place *p, const char *log_id, firn_arena *arena);
/* False for the place in another log, and for what is no place. */
bool firn_place_parse(const char *text, const char *log_id, firn_place *out);

/* "partition:position" of one record, as files are marked that are not in their table yet. */
enum { FIRN_RECORD_TEXT = 40 };
void firn_record_text(int32_t partition, uint64_t position, char out[FIRN_RECORD_TEXT]);
bool firn_record_parse(const char *text, int32_t *partition, uint64_t *position);

/* Whether the table says that it has everything of that record: its property firn.positions.<log id>. What
 * cannot be read says nothing. */
FIRN_MUST_USE firn_status firn_record_is_committed(const firn_metadata *metadata, const char *log_id,
                                                   int32_t partition, uint64_t position, bool *out,
                                                   firn_error *err);

#endif

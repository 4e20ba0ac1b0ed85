/* What a simulation has sent and been promised, and whether the tables tell the same story.
 *
 * An event is a number; everything about it (its table, day, size, payload) follows from the seed and that
 * number, so that whoever finds a row can tell what it must be. Events of one group come all or not at all.
 */
#ifndef FIRN_TESTS_STORY_H
#define FIRN_TESTS_STORY_H

#include "base/builder.h"
#include "events/archive.h"
#include "iceberg/commit/catalog.h"
#include "sim/world.h"

#define STORY_ALONE UINT64_MAX /* the group of an event without companions */

typedef struct story_event {
  uint64_t group;
  uint8_t least, most; /* how often it must, and may, be in its table */
  uint8_t seen;
  uint8_t is_headers; /* it came in binary mode */
} story_event;

typedef struct story {
  world *world;
  story_event *events;
  size_t n, capacity;
  size_t n_rows[FIRN_ARCHIVE_N_TABLES]; /* seen */
} story;

void story_open(story *s, world *w);
void story_close(story *s);

/* The next event, which was not sent yet. */
uint64_t story_next(story *s, uint64_t group);
/* It is sent (once more): it may be there (once more). */
void story_sent(story *s, uint64_t number, uint8_t most);
/* It was answered: it must be there. */
void story_answered(story *s, uint64_t number);

firn_archive_table story_table(const story *s, uint64_t number);
/* As JSON; and its payload alone. */
void story_write(const story *s, uint64_t number, firn_builder *out);
void story_write_data(const story *s, uint64_t number, firn_builder *out);
/* Attributes of an event: subject, type, id, source (NULL: it lacks it), and its time. */
typedef struct story_header {
  char subject[24], type[16], id[32], source[16];
  bool has_subject, has_time;
  int64_t time_us;
} story_header;
story_header story_header_of(const story *s, uint64_t number);
void story_time_text(int64_t time_us, char out[48]);
/* The number of the event of a payload; SIZE_MAX: it is none. */
uint64_t story_number(firn_bytes payload);

/* Reads the archive's three tables, whichever are there, and compares. Ends the program at a difference. */
void story_check(story *s, firn_catalog *catalog, const firn_table_id *tables);

#endif

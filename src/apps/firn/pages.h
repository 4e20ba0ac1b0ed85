/* The pages of docs/man, packed into the program by cmake/pages.cmake. */
#ifndef FIRN_APPS_FIRN_PAGES_H
#define FIRN_APPS_FIRN_PAGES_H

typedef struct firn_page {
  const char *name; /* "ingest"; the last entry has none */
  const char *text;
} firn_page;

extern const firn_page firn_pages[];

#endif

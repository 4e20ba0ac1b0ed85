/* Files of the archive for tests, made without tables: events in, an object in a store out. Header only, so
 * that each test program takes what it needs. */
#ifndef FIRN_TEST_ARCHIVE_H
#define FIRN_TEST_ARCHIVE_H

#include "test.h"

#include <stdio.h>

#include "events/archive.h"
#include "io/store.h"

static FIRN_UNUSED firn_status test_archive_sink(void *self, firn_bytes data, firn_error *err) {
  firn_builder *b = (firn_builder *)self;
  firn_builder_add(b, data);
  return b->failed == FIRN_OK ? FIRN_OK : firn_error_set(err, b->failed, "no memory for a test file");
}

typedef struct test_archive_options {
  size_t page_bytes;     /* 0: the archive's */
  size_t row_group_rows; /* 0: the archive's */
  bool has_codec;        /* else zstd */
  firn_codec codec;
} test_archive_options;

/* A file of `events`, as the archive writes it, in `out`. */
static FIRN_UNUSED firn_status test_archive_file(const firn_event *events, size_t n,
                                                 const test_archive_options *o, firn_builder *out,
                                                 firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_parquet_writer_options options;
  firn_archive_parquet_options(FIRN_ARCHIVE_VALID, o->has_codec ? o->codec : FIRN_CODEC_ZSTD, 0, &options);
  options.page_bytes = o->page_bytes == 0 ? options.page_bytes : o->page_bytes;
  options.row_group_rows = o->row_group_rows == 0 ? options.row_group_rows : o->row_group_rows;
  firn_parquet_sink sink = {.write = test_archive_sink, .self = out};
  FIRN_AUTO_PARQUET_WRITER *w = NULL;
  FIRN_TRY(firn_parquet_writer_open(&firn_archive_schema(FIRN_ARCHIVE_VALID)->root, &options, sink, &w, err));
  firn_archive_batch batch = {0};
  FIRN_TRY(firn_archive_batch_open(FIRN_ARCHIVE_VALID, n + 1, &batch, err));
  firn_status status = FIRN_OK;
  for (size_t i = 0; i < n && status == FIRN_OK; i++) {
    status = firn_archive_batch_add(&batch, &events[i], err);
  }
  if (status == FIRN_OK) {
    status = firn_parquet_writer_write(w, &batch.batch, err);
  }
  firn_archive_batch_close(&batch);
  firn_parquet_file_info info;
  return status == FIRN_OK ? firn_parquet_writer_finish(w, &arena, &info, err) : status;
}

/* The same into an object of `store`. */
static FIRN_UNUSED firn_status test_archive_put(firn_store *store, firn_ctx *ctx, const char *path,
                                                const firn_event *events, size_t n,
                                                const test_archive_options *o, firn_error *err) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  FIRN_TRY(test_archive_file(events, n, o, &b, err));
  return firn_store_put(store, ctx, path, firn_builder_bytes(&b), FIRN_PUT_ALWAYS, NULL, err);
}

/* Event number `i` of those that tests make: every header field says the number; its data are `len` bytes of
 * JSON. Texts in `arena`. */
static FIRN_UNUSED firn_event test_archive_event(size_t i, size_t len, firn_arena *arena) {
  static const firn_event_text numbered[] = {FIRN_EVENT_SUBJECT, FIRN_EVENT_ID, FIRN_EVENT_PRODUCER,
                                             FIRN_EVENT_SIGNATURE};
  firn_event e = {.has_time = true, .time_us = INT64_C(1750000000000000) + (int64_t)i * 1000};
  for (size_t k = 0; k < FIRN_COUNT_OF(numbered); k++) {
    e.texts[numbered[k]] = firn_bytes_of(firn_arena_printf(arena, "%zu-%zu", (size_t)numbered[k], i));
  }
  e.texts[FIRN_EVENT_TYPE] = firn_bytes_of(i % 2 == 0 ? "even" : "odd");
  e.texts[FIRN_EVENT_SOURCE] = FIRN_LITERAL("/source");
  e.texts[FIRN_EVENT_SPECVERSION] = FIRN_LITERAL("1.0");
  e.texts[FIRN_EVENT_DATA_CONTENT_TYPE] = FIRN_LITERAL("application/json");
  firn_bytes *tags = firn_new_n(arena, firn_bytes, 1);
  tags[0] = firn_bytes_of(firn_arena_printf(arena, "tag%zu", i % 3));
  e.has_tags = i % 4 != 0;
  e.n_tags = e.has_tags ? 1 : 0;
  e.tags = tags;
  e.extras = firn_bytes_of(i % 5 == 0 ? "{}" : firn_arena_printf(arena, "{\"n\":%zu}", i));
  char *data = firn_arena_printf(arena, "{\"i\":%zu,\"fill\":\"%*s\"}", i, (int)len, "");
  e.has_data = i % 7 != 6;
  e.data = e.has_data ? firn_bytes_of(data) : (firn_bytes){NULL, 0};
  return e;
}

#endif

/* What arrow_test.py loads: passes an Arrow stream through firn's batches. Import and export are then judged
 * by the library that made the stream and gets it back. */
#include <stdio.h>
#include <stdlib.h>

#include "column/arrow.h"
#include "formats/arrow/ipc.h"

#define EXPORTED __attribute__((visibility("default")))

EXPORTED int arrow_peer_write(struct ArrowArrayStream *in, const char *path, char *text, size_t text_size);
EXPORTED int arrow_peer_pass(struct ArrowArrayStream *in, struct ArrowArrayStream *out, int as_views,
                             char *text, size_t text_size);

static firn_status next(void *self, const firn_batch **out, firn_error *err) {
  FIRN_TRY(firn_arrow_reader_next(self, out, err));
  return *out == NULL ? FIRN_OK : firn_batch_check(*out, err);
}

static void close_reader(void *self) {
  firn_arrow_reader_close(self);
}

/* Takes `in` and fills `out`; on failure the sentence goes to `text` and the status is returned. */
int arrow_peer_pass(struct ArrowArrayStream *in, struct ArrowArrayStream *out, int as_views, char *text,
                    size_t text_size) {
  firn_error err = {0};
  firn_arrow_reader *reader = NULL;
  firn_status status = firn_arrow_reader_open(in, &reader, &err);
  if (status == FIRN_OK) {
    firn_batch_source source = {next, close_reader, reader};
    status = firn_arrow_stream_export(firn_arrow_reader_schema(reader), source,
                                      as_views != 0 ? FIRN_ARROW_VIEW : FIRN_ARROW_LARGE, out, &err);
  }
  (void)snprintf(text, text_size, "%s", err.text);
  return (int)status;
}

static firn_status write_all(struct ArrowArrayStream *in, firn_builder *b, firn_error *err) {
  FIRN_AUTO_ARROW_READER *reader = NULL;
  FIRN_TRY(firn_arrow_reader_open(in, &reader, err));
  FIRN_TRY(firn_arrow_ipc_write_schema(firn_arrow_reader_schema(reader), b, err));
  for (;;) {
    const firn_batch *batch;
    FIRN_TRY(firn_arrow_reader_next(reader, &batch, err));
    if (batch == NULL) {
      break;
    }
    FIRN_TRY(firn_arrow_ipc_write_batch(batch, b, err));
  }
  firn_arrow_ipc_write_end(b);
  firn_bytes built;
  return firn_builder_finish(b, &built, err);
}

/* The same into a file, as an IPC stream. */
int arrow_peer_write(struct ArrowArrayStream *in, const char *path, char *text, size_t text_size) {
  firn_error err = {0};
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_status status = write_all(in, &b, &err);
  FILE *f = fopen(path, "wb");
  if (status == FIRN_OK && (f == NULL || fwrite(b.data, 1, b.len, f) != b.len)) {
    status = firn_error_set(&err, FIRN_IO, "%s cannot be written", path);
  }
  if (f != NULL) {
    (void)fclose(f);
  }
  (void)snprintf(text, text_size, "%s", err.text);
  return (int)status;
}

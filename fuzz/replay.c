/* The main of every fuzz target in a plain build: replay FOLDER gives the target each file of the folder as
 * it is, then cut short and with bytes changed, the same on every machine. ctest runs it; the sanitizers
 * judge. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_VARIANTS = 400, MAX_SEED_BYTES = 1 << 20 };

/* A copy of its own for each run, so that ASan sees a read beyond the end. */
static void run(const uint8_t *data, size_t size) {
  uint8_t *copy = malloc(size == 0 ? 1 : size);
  if (copy == NULL) {
    (void)fputs("replay: no memory\n", stderr);
    exit(1);
  }
  if (size > 0) {
    memcpy(copy, data, size);
  }
  (void)LLVMFuzzerTestOneInput(copy, size);
  free(copy);
}

static void run_variants(uint8_t *data, size_t size) {
  run(data, size);
  size_t stride = size / MAX_VARIANTS + 1;
  for (size_t at = 0; at < size; at += stride) {
    run(data, at);
    uint8_t was = data[at];
    static const uint8_t changes[] = {0x01, 0x80, 0xFF};
    data[at] = (uint8_t)(was ^ changes[at / stride % sizeof changes]);
    run(data, size);
    data[at] = was;
  }
}

static void replay(const char *path) {
  FILE *f = fopen(path, "rb");
  uint8_t *data = malloc(MAX_SEED_BYTES);
  if (f == NULL || data == NULL) {
    (void)fprintf(stderr, "replay: cannot read %s\n", path);
    exit(1);
  }
  size_t size = fread(data, 1, MAX_SEED_BYTES, f);
  (void)fclose(f);
  run_variants(data, size);
  free(data);
}

int main(int argc, char **argv) {
  DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
  if (folder == NULL) {
    (void)fprintf(stderr, "usage: %s FOLDER-OF-SEEDS\n", argv[0]);
    return 2;
  }
  int n_seeds = 0;
  for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
    if (entry->d_name[0] != '.') {
      char path[4096];
      (void)snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
      replay(path);
      n_seeds++;
    }
  }
  (void)closedir(folder);
  (void)printf("%d seeds replayed\n", n_seeds);
  return n_seeds > 0 ? 0 : 1; /* a target without seeds tests nothing */
}

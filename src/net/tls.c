#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "net/tls_internal.h"

enum { MOST_CERTIFICATES = 16, LARGEST_FILE = 1 << 20, KEY_ID_MAX = 64 };

typedef struct generation {
  struct generation *older;
  unsigned n;
  gnutls_pcert_st certificates[MOST_CERTIFICATES];
  gnutls_privkey_t key;
  uint64_t used_below; /* connections of these numbers may use it */
} generation;

typedef struct look {
  firn_file_info certificate, key;
} look;

struct firn_tls {
  const char *certificate_path, *key_path; /* borrowed */
  look seen;                               /* one look at a time */
  generation *current, *retired;           /* the polling thread's */
  pthread_mutex_t lock;                    /* guards `fresh`; held for a moment only */
  generation *fresh;
};

static void free_generation(generation *g) {
  if (g == NULL) {
    return;
  }
  for (unsigned i = 0; i < g->n; i++) {
    gnutls_pcert_deinit(&g->certificates[i]);
  }
  if (g->key != NULL) {
    gnutls_privkey_deinit(g->key);
  }
  firn_free(g);
}

static void free_generation_pointer(generation **g) {
  free_generation(*g);
}

static firn_status read_pem(firn_ctx *ctx, const char *path, firn_arena *arena, gnutls_datum_t *out,
                            firn_error *err) {
  firn_bytes bytes;
  FIRN_TRY(firn_file_read_all(ctx, path, LARGEST_FILE, arena, &bytes, err));
  *out = (gnutls_datum_t){.data = (unsigned char *)(uintptr_t)bytes.data, .size = (unsigned)bytes.len};
  return FIRN_OK;
}

static firn_status key_id_of(gnutls_pubkey_t key, unsigned char out[KEY_ID_MAX], size_t *len) {
  *len = KEY_ID_MAX;
  return gnutls_pubkey_get_key_id(key, GNUTLS_KEYID_USE_SHA256, out, len) == 0 ? FIRN_OK : FIRN_INVALID;
}

static bool is_key_of_certificate(generation *g) {
  gnutls_pubkey_t public = NULL;
  if (gnutls_pubkey_init(&public) != 0) {
    return false;
  }
  unsigned char mine[KEY_ID_MAX], theirs[KEY_ID_MAX];
  size_t mine_len, theirs_len;
  bool is_same = gnutls_pubkey_import_privkey(public, g->key, 0, 0) == 0 &&
                 key_id_of(public, mine, &mine_len) == FIRN_OK &&
                 key_id_of(g->certificates[0].pubkey, theirs, &theirs_len) == FIRN_OK &&
                 mine_len == theirs_len && memcmp(mine, theirs, mine_len) == 0;
  gnutls_pubkey_deinit(public);
  return is_same;
}

static firn_status load(const firn_tls *t, firn_ctx *ctx, generation **out, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  generation *g FIRN_AUTO(free_generation_pointer) = firn_alloc(sizeof *g);
  if (g == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a certificate");
  }
  gnutls_datum_t pem;
  FIRN_TRY(read_pem(ctx, t->certificate_path, &arena, &pem, err));
  unsigned n = MOST_CERTIFICATES;
  int failed = gnutls_pcert_list_import_x509_raw(g->certificates, &n, &pem, GNUTLS_X509_FMT_PEM, 0);
  if (failed < 0 || n == 0) {
    return firn_error_set(err, FIRN_INVALID, "%s holds no certificate chain in PEM: %s", t->certificate_path,
                          gnutls_strerror(failed));
  }
  g->n = n;
  FIRN_TRY(read_pem(ctx, t->key_path, &arena, &pem, err));
  failed = gnutls_privkey_init(&g->key);
  failed = failed < 0 ? failed : gnutls_privkey_import_x509_raw(g->key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0);
  gnutls_memset(pem.data, 0, pem.size); /* the key does not stay in freed memory */
  if (failed < 0) {
    return firn_error_set(err, FIRN_INVALID, "%s holds no private key in PEM: %s", t->key_path,
                          gnutls_strerror(failed));
  }
  if (!is_key_of_certificate(g)) {
    return firn_error_set(err, FIRN_INVALID, "the key in %s is not that of the certificate in %s",
                          t->key_path, t->certificate_path);
  }
  *out = FIRN_HAND_OVER(g);
  return FIRN_OK;
}

static firn_status stat_files(const firn_tls *t, firn_ctx *ctx, look *out, firn_error *err) {
  FIRN_TRY(firn_file_stat(ctx, t->certificate_path, &out->certificate, err));
  return firn_file_stat(ctx, t->key_path, &out->key, err);
}

static bool is_same_file(const firn_file_info *a, const firn_file_info *b) {
  return a->size_bytes == b->size_bytes && a->modified_ns == b->modified_ns && a->device == b->device &&
         a->inode == b->inode;
}

firn_status firn_tls_open(const char *certificate, const char *key, firn_ctx *ctx, firn_tls **out,
                          firn_error *err) {
  firn_tls *t = firn_alloc(sizeof *t);
  if (t == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for TLS");
  }
  t->certificate_path = certificate;
  t->key_path = key;
  (void)pthread_mutex_init(&t->lock, NULL); /* cannot fail with default attributes */
  firn_status status = stat_files(t, ctx, &t->seen, err);
  status = status == FIRN_OK ? load(t, ctx, &t->current, err) : status;
  if (status != FIRN_OK) {
    firn_tls_close(t);
    return status;
  }
  *out = t;
  return FIRN_OK;
}

void firn_tls_close(firn_tls *t) {
  if (t == NULL) {
    return;
  }
  free_generation(t->fresh);
  free_generation(t->current);
  firn_tls_forget(t, UINT64_MAX);
  pthread_mutex_destroy(&t->lock);
  firn_free(t);
}

firn_status firn_tls_look(firn_tls *t, firn_ctx *ctx, bool *has_changed, firn_error *err) {
  look now;
  *has_changed = false;
  FIRN_TRY(stat_files(t, ctx, &now, err));
  if (is_same_file(&now.certificate, &t->seen.certificate) && is_same_file(&now.key, &t->seen.key)) {
    return FIRN_OK;
  }
  t->seen = now; /* what is broken is read again when it changes again */
  generation *g = NULL;
  FIRN_TRY(load(t, ctx, &g, err));
  pthread_mutex_lock(&t->lock);
  generation *unused = t->fresh;
  t->fresh = g;
  pthread_mutex_unlock(&t->lock);
  free_generation(unused);
  *has_changed = true;
  return FIRN_OK;
}

void firn_tls_swap(firn_tls *t, uint64_t n) {
  pthread_mutex_lock(&t->lock);
  generation *fresh = t->fresh;
  t->fresh = NULL;
  pthread_mutex_unlock(&t->lock);
  if (fresh != NULL) {
    t->current->used_below = n;
    t->current->older = t->retired;
    t->retired = t->current;
    t->current = fresh;
  }
}

void firn_tls_forget(firn_tls *t, uint64_t oldest) {
  generation **at = t == NULL ? NULL : &t->retired;
  while (at != NULL && *at != NULL) {
    generation *g = *at;
    if (g->used_below <= oldest) {
      *at = g->older;
      free_generation(g);
    } else {
      at = &g->older;
    }
  }
}

void firn_tls_current(firn_tls *t, gnutls_pcert_st **certificates, unsigned *n, gnutls_privkey_t *key) {
  *certificates = t->current->certificates;
  *n = t->current->n;
  *key = t->current->key;
}

#include "net/certificate.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "test.h"

static firn_error err;

/* 2025-01-01 to 2026-01-01 */
static const int64_t begins_us = INT64_C(1735689600) * FIRN_US_PER_SECOND;
static const int64_t ends_us = INT64_C(1767225600) * FIRN_US_PER_SECOND;
static const int64_t now_us = INT64_C(1750000000) * FIRN_US_PER_SECOND;

typedef struct pair {
  char certificate[4096], key[4096];
} pair;

static firn_bytes text_of(const char *text) {
  return firn_bytes_of(text);
}

/* A certificate that signs itself, and its key. */
static void make(const char *name, int64_t from_us, int64_t to_us, pair *out) {
  gnutls_x509_privkey_t key;
  gnutls_x509_crt_t crt;
  static const unsigned char serial[] = {1};
  assert_int_equal(gnutls_x509_privkey_init(&key), 0);
  assert_int_equal(
      gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
      0);
  assert_int_equal(gnutls_x509_crt_init(&crt), 0);
  assert_int_equal(gnutls_x509_crt_set_version(crt, 3), 0);
  assert_int_equal(gnutls_x509_crt_set_serial(crt, serial, sizeof serial), 0);
  assert_int_equal(gnutls_x509_crt_set_dn(crt, name, NULL), 0);
  assert_int_equal(gnutls_x509_crt_set_activation_time(crt, from_us / FIRN_US_PER_SECOND), 0);
  assert_int_equal(gnutls_x509_crt_set_expiration_time(crt, to_us / FIRN_US_PER_SECOND), 0);
  assert_int_equal(gnutls_x509_crt_set_key(crt, key), 0);
  assert_int_equal(gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0), 0);
  size_t size = sizeof out->certificate - 1;
  assert_int_equal(gnutls_x509_crt_export(crt, GNUTLS_X509_FMT_PEM, out->certificate, &size), 0);
  out->certificate[size] = '\0';
  size = sizeof out->key - 1;
  assert_int_equal(gnutls_x509_privkey_export(key, GNUTLS_X509_FMT_PEM, out->key, &size), 0);
  out->key[size] = '\0';
  gnutls_x509_crt_deinit(crt);
  gnutls_x509_privkey_deinit(key);
}

static void reads_a_pair_that_belongs_together(void **state) {
  (void)state;
  pair p;
  firn_certificate found = {0};
  make("CN=firn.example", begins_us, ends_us, &p);
  CHECK_OK(firn_certificate_check(text_of(p.certificate), text_of(p.key), now_us, &found, &err));
  assert_string_equal(found.subject, "CN=firn.example");
  assert_int_equal(found.n_in_chain, 1);
  assert_int_equal(found.begins_us, begins_us);
  assert_int_equal(found.ends_us, ends_us);
}

static void a_chain_is_as_good_as_its_shortest(void **state) {
  (void)state;
  pair p, above;
  char chain[2 * sizeof p.certificate];
  firn_certificate found = {0};
  make("CN=a", begins_us, ends_us, &p);
  make("CN=b", begins_us + 5 * FIRN_US_PER_SECOND, ends_us - 5 * FIRN_US_PER_SECOND, &above);
  (void)snprintf(chain, sizeof chain, "%s%s", p.certificate, above.certificate);
  CHECK_OK(firn_certificate_check(text_of(chain), text_of(p.key), now_us, &found, &err));
  assert_string_equal(found.subject, "CN=a");
  assert_int_equal(found.n_in_chain, 2);
  assert_int_equal(found.begins_us, begins_us + 5 * FIRN_US_PER_SECOND);
  assert_int_equal(found.ends_us, ends_us - 5 * FIRN_US_PER_SECOND);
}

static void refuses_what_does_not_serve(void **state) {
  (void)state;
  pair p, other;
  firn_certificate found = {0};
  make("CN=a", begins_us, ends_us, &p);
  make("CN=a", begins_us, ends_us, &other);
  firn_bytes certificate = text_of(p.certificate), key = text_of(p.key), none = {NULL, 0};
  CHECK_STATUS(firn_certificate_check(certificate, text_of(other.key), now_us, &found, &err), FIRN_INVALID);
  CHECK_SAYS("the key is not that of the certificate");
  CHECK_STATUS(firn_certificate_check(certificate, key, begins_us - 1, &found, &err), FIRN_DENIED);
  CHECK_SAYS("the certificate is good from 2025-01-01T00:00:00");
  CHECK_STATUS(firn_certificate_check(certificate, key, ends_us, &found, &err), FIRN_DENIED);
  CHECK_SAYS("the certificate was good until 2026-01-01T00:00:00");
  CHECK_STATUS(firn_certificate_check(none, key, now_us, &found, &err), FIRN_CORRUPT);
  CHECK_SAYS("the certificate cannot be read as PEM");
  CHECK_STATUS(firn_certificate_check(certificate, none, now_us, &found, &err), FIRN_CORRUPT);
  CHECK_SAYS("the key cannot be read as PEM");
  CHECK_STATUS(firn_certificate_check(key, certificate, now_us, &found, &err), FIRN_CORRUPT);
}

static void refuses_every_cut(void **state) {
  (void)state;
  pair p;
  make("CN=a", begins_us, ends_us, &p);
  size_t len =
      (size_t)(strstr(p.certificate, "-----END") - p.certificate); /* what is behind is not looked at */
  for (size_t cut = 0; cut < len; cut += 3) {
    firn_certificate found = {0};
    uint8_t *copy = malloc(cut + 1);
    assert_non_null(copy);
    memcpy(copy, p.certificate, cut);
    CHECK_STATUS(firn_certificate_check((firn_bytes){copy, cut}, text_of(p.key), now_us, &found, &err),
                 FIRN_CORRUPT);
    free(copy);
  }
}

RUN_TESTS(reads_a_pair_that_belongs_together, a_chain_is_as_good_as_its_shortest, refuses_what_does_not_serve,
          refuses_every_cut)

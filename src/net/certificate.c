#include "net/certificate.h"

#include <limits.h>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "base/time.h"

enum { MAX_CHAIN = 16 };

static void free_credentials(gnutls_certificate_credentials_t *c) {
  if (*c != NULL) {
    gnutls_certificate_free_credentials(*c);
  }
}

static firn_status failed(int code, const char *what, firn_error *err) {
  if (code == GNUTLS_E_MEMORY_ERROR) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a certificate");
  }
  if (code == GNUTLS_E_SHORT_MEMORY_BUFFER) {
    return firn_error_set(err, FIRN_LIMIT, "the chain has more than %d certificates", (int)MAX_CHAIN);
  }
  return firn_error_set(err, FIRN_CORRUPT, "the %s cannot be read as PEM: %s", what, gnutls_strerror(code));
}

static gnutls_datum_t datum(firn_bytes bytes) {
  return (gnutls_datum_t){(unsigned char *)(uintptr_t)bytes.data, (unsigned)bytes.len}; /* read only */
}

static void read_times(const gnutls_x509_crt_t *chain, unsigned n, firn_certificate *out) {
  out->begins_us = INT64_MIN;
  out->ends_us = INT64_MAX;
  for (unsigned i = 0; i < n; i++) {
    int64_t begins = (int64_t)gnutls_x509_crt_get_activation_time(chain[i]) * FIRN_US_PER_SECOND;
    int64_t ends = (int64_t)gnutls_x509_crt_get_expiration_time(chain[i]) * FIRN_US_PER_SECOND;
    out->begins_us = begins > out->begins_us ? begins : out->begins_us;
    out->ends_us = ends < out->ends_us ? ends : out->ends_us;
  }
}

static firn_status read_certificate(firn_bytes certificate, firn_certificate *out, firn_error *err) {
  gnutls_x509_crt_t chain[MAX_CHAIN];
  gnutls_datum_t pem = datum(certificate);
  unsigned n = MAX_CHAIN;
  int code = gnutls_x509_crt_list_import(chain, &n, &pem, GNUTLS_X509_FMT_PEM,
                                         GNUTLS_X509_CRT_LIST_IMPORT_FAIL_IF_EXCEED);
  if (code < 0) {
    return failed(code, "certificate", err);
  }
  size_t size = sizeof out->subject;
  if (gnutls_x509_crt_get_dn(chain[0], out->subject, &size) < 0) {
    out->subject[0] = '\0'; /* it has none, or a very long one: it is only for people */
  }
  out->n_in_chain = n;
  read_times(chain, n, out);
  for (unsigned i = 0; i < n; i++) {
    gnutls_x509_crt_deinit(chain[i]);
  }
  return FIRN_OK;
}

static firn_status check_key(firn_bytes certificate, firn_bytes key, firn_error *err) {
  gnutls_certificate_credentials_t credentials FIRN_AUTO(free_credentials) = NULL;
  int code = gnutls_certificate_allocate_credentials(&credentials);
  if (code < 0) {
    return failed(code, "certificate", err);
  }
  gnutls_datum_t pem = datum(certificate), key_pem = datum(key);
  code = gnutls_certificate_set_x509_key_mem(credentials, &pem, &key_pem, GNUTLS_X509_FMT_PEM);
  if (code == GNUTLS_E_CERTIFICATE_KEY_MISMATCH) {
    return firn_error_set(err, FIRN_INVALID, "the key is not that of the certificate");
  }
  return code < 0 ? failed(code, "key", err) : FIRN_OK;
}

firn_status firn_certificate_check(firn_bytes certificate, firn_bytes key, int64_t now_us,
                                   firn_certificate *out, firn_error *err) {
  char at[FIRN_TIME_TEXT_MAX];
  if (certificate.len > INT_MAX || key.len > INT_MAX) {
    return firn_error_set(err, FIRN_LIMIT, "a certificate of %zu bytes", certificate.len);
  }
  FIRN_TRY(read_certificate(certificate, out, err));
  FIRN_TRY(check_key(certificate, key, err));
  if (now_us < out->begins_us || now_us >= out->ends_us) {
    bool is_early = now_us < out->begins_us;
    (void)firn_timestamp_text(is_early ? out->begins_us : out->ends_us, FIRN_MICROS, true, at);
    return firn_error_set(
        err, FIRN_DENIED,
        is_early ? "the certificate is good from %s on" : "the certificate was good until %s", at);
  }
  return FIRN_OK;
}

#include "net/tls_internal.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <pthread.h>

#include "base/file.h"
#include "http.h"
#include "net/server.h"

typedef struct pair {
  char certificate[4200], key[4200]; /* paths */
} pair;

static void write_file(const char *path, const gnutls_datum_t *data) {
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  assert_int_equal(fwrite(data->data, 1, data->size, f), data->size);
  assert_int_equal(fclose(f), 0);
}

/* A certificate that signs itself, for `name`. */
static void make_certificate(const pair *p, const char *name) {
  gnutls_x509_privkey_t key;
  gnutls_x509_crt_t crt;
  gnutls_datum_t pem;
  assert_int_equal(gnutls_x509_privkey_init(&key), 0);
  assert_int_equal(
      gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
      0);
  assert_int_equal(gnutls_x509_crt_init(&crt), 0);
  assert_int_equal(gnutls_x509_crt_set_version(crt, 3), 0);
  assert_int_equal(gnutls_x509_crt_set_serial(crt, "\1", 1), 0);
  assert_int_equal(gnutls_x509_crt_set_activation_time(crt, 1600000000), 0);
  assert_int_equal(gnutls_x509_crt_set_expiration_time(crt, 4000000000), 0);
  assert_int_equal(
      gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, name, (unsigned)strlen(name)), 0);
  assert_int_equal(gnutls_x509_crt_set_key(crt, key), 0);
  assert_int_equal(gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0), 0);
  assert_int_equal(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem), 0);
  write_file(p->certificate, &pem);
  gnutls_free(pem.data);
  assert_int_equal(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &pem), 0);
  write_file(p->key, &pem);
  gnutls_free(pem.data);
  gnutls_x509_crt_deinit(crt);
  gnutls_x509_privkey_deinit(key);
}

static pair paths(const char *folder, const char *name) {
  pair p;
  (void)snprintf(p.certificate, sizeof p.certificate, "%s/%s.crt", folder, name);
  (void)snprintf(p.key, sizeof p.key, "%s/%s.key", folder, name);
  return p;
}

/* A server that answers every path with itself, on a worker. */
typedef struct fixture {
  firn_env env;
  firn_ctx ctx;
  pair files;
  firn_http_server *server;
  uint16_t port;
  pthread_mutex_t lock; /* guards the rest */
  int n_notices;
  char last_notice[600];
} fixture;

static void begin(void *self, firn_exchange *x) {
  (void)self;
  firn_exchange_allow_body(x, 4 << 20);
}

static void handle(void *self, firn_exchange *x) {
  (void)self;
  firn_bytes body = firn_exchange_body(x);
  firn_exchange_answer(x, 200, "text/plain", body.len > 0 ? body : firn_bytes_of(firn_exchange_path(x)),
                       false);
}

static void notice(void *self, const char *text) {
  fixture *f = self;
  pthread_mutex_lock(&f->lock);
  f->n_notices++;
  (void)snprintf(f->last_notice, sizeof f->last_notice, "%s", text);
  pthread_mutex_unlock(&f->lock);
}

static firn_status try_start(fixture *f, firn_error *err) {
  firn_http_server_options options = {
      .address = "127.0.0.1",
      .n_workers = 2,
      .max_connections = 100,
      .header_timeout_us = 2000000,
      .tls_certificate = f->files.certificate,
      .tls_key = f->files.key,
      .tls_look_us = 50000,
      .handler = {.begin = begin, .handle = handle, .notice = notice, .self = f},
  };
  return firn_http_server_open(&options, &f->ctx, &f->server, err);
}

static void prepare(fixture *f) {
  *f = (fixture){.env = firn_env_system, .files = paths(test_folder(), "server")};
  f->ctx = (firn_ctx)FIRN_CTX_INIT(&f->env);
  pthread_mutex_init(&f->lock, NULL);
}

static void start(fixture *f) {
  firn_error err;
  prepare(f);
  make_certificate(&f->files, "first");
  CHECK_OK(try_start(f, &err));
  f->port = firn_http_server_port(f->server);
}

static void stop(fixture *f) {
  firn_http_server_close(f->server);
  pthread_mutex_destroy(&f->lock);
}

typedef struct client {
  int fd;
  gnutls_session_t session;
  gnutls_certificate_credentials_t credentials;
} client;

/* What the handshake said: 0 or a GnuTLS error. */
static int client_open(client *c, uint16_t port, const char *priorities) {
  c->fd = http_connect(port);
  assert_int_equal(gnutls_certificate_allocate_credentials(&c->credentials), 0);
  assert_int_equal(gnutls_init(&c->session, GNUTLS_CLIENT), 0);
  assert_int_equal(gnutls_priority_set_direct(c->session, priorities, NULL), 0);
  assert_int_equal(gnutls_credentials_set(c->session, GNUTLS_CRD_CERTIFICATE, c->credentials), 0);
  gnutls_transport_set_int(c->session, c->fd);
  gnutls_handshake_set_timeout(c->session, 5000);
  int status;
  do {
    status = gnutls_handshake(c->session);
  } while (status == GNUTLS_E_AGAIN || status == GNUTLS_E_INTERRUPTED);
  return status;
}

static void client_close(client *c) {
  gnutls_deinit(c->session);
  gnutls_certificate_free_credentials(c->credentials);
  close(c->fd);
}

/* The name in the server's certificate. */
static void check_name(client *c, const char *wanted) {
  unsigned n = 0;
  const gnutls_datum_t *raw = gnutls_certificate_get_peers(c->session, &n);
  assert_int_equal(n, 1);
  gnutls_x509_crt_t crt;
  char name[64];
  size_t len = sizeof name;
  assert_int_equal(gnutls_x509_crt_init(&crt), 0);
  assert_int_equal(gnutls_x509_crt_import(crt, raw, GNUTLS_X509_FMT_DER), 0);
  assert_int_equal(gnutls_x509_crt_get_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &len), 0);
  assert_string_equal(name, wanted);
  gnutls_x509_crt_deinit(crt);
}

static void client_send(client *c, const char *data, size_t len) {
  while (len > 0) {
    ssize_t n = gnutls_record_send(c->session, data, len);
    assert_true(n > 0);
    data += n;
    len -= (size_t)n;
  }
}

/* Until `len` bytes have come, or the end; gives back how many. */
static size_t client_read(client *c, char *into, size_t len) {
  size_t so_far = 0;
  while (so_far < len) {
    ssize_t n = gnutls_record_recv(c->session, into + so_far, len - so_far);
    if (n <= 0) {
      break;
    }
    so_far += (size_t)n;
  }
  return so_far;
}

#define REQUEST "GET /snow HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"

static void ask(uint16_t port, const char *priorities, const char *name) {
  client c;
  assert_int_equal(client_open(&c, port, priorities), 0);
  check_name(&c, name);
  char answer[1024] = {0};
  client_send(&c, REQUEST, strlen(REQUEST));
  (void)client_read(&c, answer, sizeof answer - 1); /* what came is checked */
  assert_memory_equal(answer, "HTTP/1.1 200", 12);
  assert_non_null(strstr(answer, "/snow"));
  client_close(&c);
}

static void speaks_tls_1_2_and_1_3_only(void **state) {
  (void)state;
  fixture f;
  start(&f);
  ask(f.port, "NORMAL", "first");
  ask(f.port, "NORMAL:-VERS-ALL:+VERS-TLS1.2", "first");
  ask(f.port, "NORMAL:-VERS-ALL:+VERS-TLS1.3", "first");
  client c;
  assert_true(client_open(&c, f.port, "NORMAL:-VERS-ALL:+VERS-TLS1.1:+VERS-TLS1.0:%COMPAT") < 0);
  client_close(&c);
  http_answer a = http_ask(f.port, "GET / HTTP/1.1\r\nHost: h\r\n\r\n"); /* not TLS at all */
  assert_int_not_equal(a.code, 200);
  ask(f.port, "NORMAL", "first");
  stop(&f);
}

static void takes_large_bodies_over_tls(void **state) {
  (void)state;
  enum { SIZE = 3 << 20 };
  fixture f;
  start(&f);
  char *data = malloc(SIZE), *back = malloc(SIZE + 1024);
  assert_non_null(data);
  assert_non_null(back);
  for (size_t i = 0; i < SIZE; i++) {
    data[i] = (char)('a' + i % 19);
  }
  client c;
  assert_int_equal(client_open(&c, f.port, "NORMAL"), 0);
  for (int round = 0; round < 2; round++) {
    char head[128];
    int len = snprintf(head, sizeof head, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n", SIZE);
    client_send(&c, head, (size_t)len);
    client_send(&c, data, SIZE);
    size_t got = 0;
    while (got < 4 || memcmp(back + got - 4, "\r\n\r\n", 4) != 0) {
      assert_int_equal(client_read(&c, back + got, 1), 1);
      got++;
      assert_true(got < 1000);
    }
    assert_int_equal(client_read(&c, back, SIZE), SIZE);
    assert_memory_equal(back, data, SIZE);
  }
  /* Too large, told in the midst of a chunked body. */
  const char *chunked = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n600000\r\n";
  client_send(&c, chunked, strlen(chunked));
  client_send(&c, data, SIZE);
  client_send(&c, data, SIZE);
  size_t got = client_read(&c, back, 1024);
  assert_true(got > 12);
  assert_memory_equal(back, "HTTP/1.1 413", 12);
  client_close(&c);
  free(data);
  free(back);
  stop(&f);
}

static void a_silent_handshake_has_a_deadline(void **state) {
  (void)state;
  fixture f;
  start(&f);
  int fd = http_connect(f.port);
  assert_true(http_send(fd, "\x16\x03\x01\x02\x00\x01", 6)); /* the beginning of a hello */
  assert_false(http_is_closed(fd, 700));
  assert_true(http_is_closed(fd, 6000));
  close(fd);
  stop(&f);
}

static void wait_for_notices(fixture *f, int n) {
  for (int i = 0; i < 500; i++) {
    pthread_mutex_lock(&f->lock);
    bool is_there = f->n_notices >= n;
    pthread_mutex_unlock(&f->lock);
    if (is_there) {
      return;
    }
    usleep(10000);
  }
  fail_msg("no notice came");
}

static void a_changed_certificate_is_taken(void **state) {
  (void)state;
  fixture f;
  start(&f);
  client old;
  assert_int_equal(client_open(&old, f.port, "NORMAL"), 0);
  make_certificate(&f.files, "second");
  wait_for_notices(&f, 1);
  for (int i = 0; i < 100; i++) { /* between the two files it may have been read once */
    pthread_mutex_lock(&f.lock);
    bool is_done = strcmp(f.last_notice, "the certificate was read again") == 0;
    pthread_mutex_unlock(&f.lock);
    if (is_done) {
      break;
    }
    usleep(20000);
  }
  usleep(100000);
  ask(f.port, "NORMAL", "second");
  client_send(&old, REQUEST, strlen(REQUEST)); /* who is there stays */
  char answer[13] = {0};
  assert_int_equal(client_read(&old, answer, 12), 12);
  assert_string_equal(answer, "HTTP/1.1 200");
  client_close(&old);
  /* A broken one is told once, and the old one stays. */
  pthread_mutex_lock(&f.lock);
  int n = f.n_notices;
  pthread_mutex_unlock(&f.lock);
  write_file(f.files.certificate, &(gnutls_datum_t){(unsigned char *)(uintptr_t)"broken", 6});
  wait_for_notices(&f, n + 1);
  usleep(300000);
  ask(f.port, "NORMAL", "second");
  stop(&f);
  assert_int_equal(f.n_notices, n + 1);
  assert_non_null(strstr(f.last_notice, "the old certificate stays: "));
  assert_non_null(strstr(f.last_notice, "server.crt holds no certificate chain in PEM"));
}

static void says_what_is_wrong_with_the_files(void **state) {
  (void)state;
  firn_error err;
  fixture f;
  prepare(&f);
  pair other = paths(test_folder(), "other");
  CHECK_STATUS(try_start(&f, &err), FIRN_NOT_FOUND);
  CHECK_SAYS("server.crt");
  make_certificate(&f.files, "first");
  make_certificate(&other, "other");
  pair right = f.files;
  f.files = (pair){0};
  memcpy(f.files.certificate, right.certificate, sizeof right.certificate);
  memcpy(f.files.key, other.key, sizeof other.key);
  CHECK_STATUS(try_start(&f, &err), FIRN_INVALID);
  CHECK_SAYS("is not that of the certificate");
  memcpy(f.files.key, right.certificate, sizeof right.certificate);
  CHECK_STATUS(try_start(&f, &err), FIRN_INVALID);
  CHECK_SAYS("holds no private key");
  memcpy(f.files.certificate, right.key, sizeof right.key);
  CHECK_STATUS(try_start(&f, &err), FIRN_INVALID);
  CHECK_SAYS("holds no certificate chain");
  pthread_mutex_destroy(&f.lock);
}

/* Every cut and every flipped byte of the two files gives an error or a server, and never a crash. */
static void survives_broken_files(void **state) {
  (void)state;
  firn_error err;
  const char *folder = test_folder();
  pair good = paths(folder, "good"), bad = paths(folder, "bad");
  make_certificate(&good, "good");
  const char *const from[] = {good.certificate, good.key}, *const to[] = {bad.certificate, bad.key};
  for (int which = 0; which < 2; which++) {
    firn_bytes bytes[2] = {test_read_file(from[0]), test_read_file(from[1])};
    write_file(to[1 - which], &(gnutls_datum_t){(unsigned char *)(uintptr_t)bytes[1 - which].data,
                                                (unsigned)bytes[1 - which].len});
    for (size_t i = 0; i < bytes[which].len; i += 7) {
      firn_tls *t = NULL;
      unsigned char *data = (unsigned char *)(uintptr_t)bytes[which].data;
      write_file(to[which], &(gnutls_datum_t){data, (unsigned)i});
      firn_status status = firn_tls_open(bad.certificate, bad.key, test_ctx(), &t, &err);
      if (i + 40 <
          bytes[which].len) { /* more than the last line is missing, which GnuTLS does not read whole */
        assert_int_equal(status, FIRN_INVALID);
      }
      firn_tls_close(status == FIRN_OK ? t : NULL);
      data[i] ^= 0x15;
      write_file(to[which], &(gnutls_datum_t){data, (unsigned)bytes[which].len});
      data[i] ^= 0x15;
      if (firn_tls_open(bad.certificate, bad.key, test_ctx(), &t, &err) == FIRN_OK) {
        firn_tls_close(t);
      }
    }
    firn_free((void *)(uintptr_t)bytes[0].data);
    firn_free((void *)(uintptr_t)bytes[1].data);
  }
}

static pair oom_files;

static firn_status open_tls(void) {
  firn_tls *t = NULL;
  firn_status status = firn_tls_open(oom_files.certificate, oom_files.key, test_ctx(), &t, NULL);
  firn_tls_close(t);
  return status;
}

static void survives_oom(void **state) {
  (void)state;
  oom_files = paths(test_folder(), "oom");
  make_certificate(&oom_files, "oom");
  check_survives_oom(open_tls);
}

RUN_TESTS(speaks_tls_1_2_and_1_3_only, takes_large_bodies_over_tls, a_silent_handshake_has_a_deadline,
          a_changed_certificate_is_taken, says_what_is_wrong_with_the_files, survives_broken_files,
          survives_oom)

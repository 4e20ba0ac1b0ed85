#include "services/common/health.h"

#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json_write.h"

enum { TEXT_MAX = 501 };

typedef struct service {
  const char *name;
  firn_health_state state;
  char text[TEXT_MAX];
} service;

struct firn_health {
  pthread_mutex_t lock; /* guards the rest; held for moments */
  size_t n;
  service services[FIRN_HEALTH_MAX_SERVICES];
};

firn_status firn_health_open(firn_health **out, firn_error *err) {
  firn_health *h = firn_alloc(sizeof *h);
  if (h == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for the services' health");
  }
  (void)pthread_mutex_init(&h->lock, NULL); /* cannot fail with default attributes */
  *out = h;
  return FIRN_OK;
}

void firn_health_close(firn_health *h) {
  if (h != NULL) {
    pthread_mutex_destroy(&h->lock);
    firn_free(h);
  }
}

firn_status firn_health_add(firn_health *h, const char *name, size_t *i, firn_error *err) {
  pthread_mutex_lock(&h->lock);
  bool is_full = h->n == FIRN_HEALTH_MAX_SERVICES;
  if (!is_full) {
    h->services[h->n].name = name;
    *i = h->n++;
  }
  pthread_mutex_unlock(&h->lock);
  return is_full ? firn_error_set(err, FIRN_LIMIT, "more than %d services", FIRN_HEALTH_MAX_SERVICES)
                 : FIRN_OK;
}

void firn_health_set(firn_health *h, size_t i, firn_health_state state, const char *text) {
  pthread_mutex_lock(&h->lock);
  service *s = &h->services[i];
  s->state = state;
  size_t len = text == NULL ? 0 : strnlen(text, TEXT_MAX - 1);
  memcpy(s->text, text == NULL ? "" : text, len);
  s->text[len] = '\0';
  pthread_mutex_unlock(&h->lock);
}

static bool is_ready(const firn_health *h) {
  for (size_t i = 0; i < h->n; i++) {
    if (h->services[i].state != FIRN_HEALTH_READY && h->services[i].state != FIRN_HEALTH_TROUBLED) {
      return false;
    }
  }
  return true;
}

bool firn_health_is_ready(firn_health *h) {
  pthread_mutex_lock(&h->lock);
  bool ready = is_ready(h);
  pthread_mutex_unlock(&h->lock);
  return ready;
}

void firn_health_write(firn_health *h, firn_builder *out) {
  static const char *const states[] = {[FIRN_HEALTH_STARTING] = "starting",
                                       [FIRN_HEALTH_READY] = "ready",
                                       [FIRN_HEALTH_TROUBLED] = "troubled",
                                       [FIRN_HEALTH_STOPPED] = "stopped"};
  firn_json_writer w = FIRN_JSON_WRITER_INIT(out);
  firn_json_begin_object(&w);
  pthread_mutex_lock(&h->lock);
  firn_json_add_bool(&w, "ready", is_ready(h));
  firn_json_key(&w, "services");
  firn_json_begin_array(&w);
  for (size_t i = 0; i < h->n; i++) {
    firn_json_begin_object(&w);
    firn_json_add_text(&w, "name", h->services[i].name);
    firn_json_add_text(&w, "state", states[h->services[i].state]);
    if (h->services[i].text[0] != '\0') {
      firn_json_add_text(&w, "text", h->services[i].text);
    }
    firn_json_end_object(&w);
  }
  pthread_mutex_unlock(&h->lock);
  firn_json_end_array(&w);
  firn_json_end_object(&w);
}

/* Threads that run pieces of work in the order in which they came. Threads may share it. */
#ifndef FIRN_NET_WORKERS_INTERNAL_H
#define FIRN_NET_WORKERS_INTERNAL_H

#include "base/error.h"
#include "base/macros.h"

/* A piece of work: part of what it works on, so that giving it away needs no memory. */
typedef struct firn_work {
  struct firn_work *next;
  void (*run)(struct firn_work *work);
} firn_work;

typedef struct firn_workers firn_workers;

FIRN_MUST_USE firn_status firn_workers_open(unsigned n_threads, firn_workers **out, firn_error *err);
/* Quick. `work` must not be waiting already. */
void firn_workers_give(firn_workers *w, firn_work *work);
/* Returns when what is running has ended; what still waits is never run. */
void firn_workers_stop(firn_workers *w);
void firn_workers_close(firn_workers *w); /* NULL is fine */

#endif

#include "sim/interleaved.h"

#include "base/alloc.h"

typedef struct interleaved {
  firn_catalog base;
  firn_catalog_ops ops;
  firn_catalog *inner;
  void (*happen)(void *arg);
  void *arg;
} interleaved;

static interleaved *of(firn_catalog *c) {
  return (interleaved *)c;
}

static firn_status namespace_create(firn_catalog *c, firn_ctx *ctx, const firn_namespace *ns,
                                    const firn_properties *p, firn_error *err) {
  return of(c)->inner->ops->namespace_create(of(c)->inner, ctx, ns, p, err);
}

static firn_status table_create(firn_catalog *c, firn_ctx *ctx, const firn_table_id *id,
                                const firn_table_create *how, firn_table *out, firn_error *err) {
  of(c)->happen(of(c)->arg);
  return of(c)->inner->ops->table_create(of(c)->inner, ctx, id, how, out, err);
}

static firn_status table_load(firn_catalog *c, firn_ctx *ctx, const firn_table_id *id, firn_table *out,
                              firn_error *err) {
  of(c)->happen(of(c)->arg);
  return of(c)->inner->ops->table_load(of(c)->inner, ctx, id, out, err);
}

static firn_status table_exists(firn_catalog *c, firn_ctx *ctx, const firn_table_id *id, bool *out,
                                firn_error *err) {
  return of(c)->inner->ops->table_exists(of(c)->inner, ctx, id, out, err);
}

static firn_status commit(firn_catalog *c, firn_ctx *ctx, const firn_table_commit *commits, size_t n,
                          firn_table *out, firn_error *err) {
  of(c)->happen(of(c)->arg);
  return of(c)->inner->ops->commit(of(c)->inner, ctx, commits, n, out, err);
}

static void close_it(firn_catalog *c) {
  firn_free(c);
}

firn_status interleaved_open(firn_catalog *inner, void (*happen)(void *arg), void *arg, firn_catalog **out,
                             firn_error *err) {
  interleaved *i = firn_alloc(sizeof *i);
  if (i == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a catalog");
  }
  i->ops = (firn_catalog_ops){
      .kind = inner->ops->kind,
      .can = inner->ops->can,
      .namespace_create = namespace_create,
      .table_create = table_create,
      .table_load = table_load,
      .table_exists = table_exists,
      .commit = commit,
      .close = close_it,
  };
  i->base = (firn_catalog){.ops = &i->ops, .stores = inner->stores};
  i->inner = inner;
  i->happen = happen;
  i->arg = arg;
  *out = &i->base;
  return FIRN_OK;
}

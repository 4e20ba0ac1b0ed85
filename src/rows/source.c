#include "rows/source.h"

firn_status firn_rows_next(firn_rows *r, firn_ctx *ctx, const firn_batch **out, firn_error *err) {
  if (r->unknown != NULL) {
    return firn_error_set(err, FIRN_INVALID, "rows have fields that the schema lacks: it must be set anew");
  }
  FIRN_TRY(firn_ctx_check(ctx, err));
  firn_status status = r->ops->next(r, ctx, out, err);
  if (status == FIRN_OK && *out != NULL) {
    r->n_rows += (*out)->n_rows;
  }
  return status;
}

firn_status firn_rows_set_schema(firn_rows *r, const firn_field *schema, firn_error *err) {
  FIRN_TRY(r->ops->set_schema(r, schema, err));
  r->schema = schema;
  r->unknown = NULL;
  r->unknown_reason = NULL;
  return FIRN_OK;
}

void firn_rows_close(firn_rows *r) {
  if (r != NULL) {
    r->ops->close(r);
  }
}

void firn_rows_close_pointer(firn_rows **r) {
  firn_rows_close(*r);
}

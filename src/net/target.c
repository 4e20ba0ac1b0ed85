#include "net/percent.h"
#include "net/target_internal.h"

static size_t find(firn_bytes text, uint8_t c) {
  const uint8_t *at = text.len == 0 ? NULL : memchr(text.data, c, text.len);
  return at == NULL ? text.len : (size_t)(at - text.data);
}

static firn_status check_characters(firn_bytes raw, firn_error *err) {
  for (size_t i = 0; i < raw.len; i++) {
    if (raw.data[i] <= ' ' || raw.data[i] == 0x7F) {
      return firn_error_set(err, FIRN_INVALID, "a control character in the URL");
    }
  }
  return FIRN_OK;
}

static firn_bytes without_host(firn_bytes raw) {
  size_t scheme = firn_bytes_has_prefix(raw, FIRN_LITERAL("http://"))    ? 7
                  : firn_bytes_has_prefix(raw, FIRN_LITERAL("https://")) ? 8
                                                                         : 0;
  if (scheme == 0) {
    return raw;
  }
  firn_bytes rest = firn_bytes_part(raw, scheme, raw.len);
  rest = firn_bytes_part(rest, find(rest, '/'), rest.len);
  return rest.len > 0 ? rest : FIRN_LITERAL("/");
}

static firn_status parse_params(firn_bytes query, firn_arena *arena, firn_target *out, firn_error *err) {
  size_t capacity = 0;
  while (query.len > 0) {
    firn_bytes pair = firn_bytes_part(query, 0, find(query, '&'));
    query = firn_bytes_part(query, pair.len + 1, query.len);
    if (pair.len == 0) {
      continue;
    }
    size_t equals = find(pair, '=');
    firn_http_header *params =
        firn_arena_grow(arena, out->params, out->n_params, &capacity, sizeof *out->params);
    if (params == NULL) {
      return firn_error_set(err, FIRN_NOMEM, "no memory for a query");
    }
    out->params = params;
    firn_http_header *p = &params[out->n_params++];
    FIRN_TRY(firn_percent_decode(firn_bytes_part(pair, 0, equals), true, arena, &p->name, err));
    FIRN_TRY(firn_percent_decode(firn_bytes_part(pair, equals + 1, pair.len), true, arena, &p->value, err));
  }
  return FIRN_OK;
}

firn_status firn_target_parse(firn_bytes raw, firn_arena *arena, firn_target *out, firn_error *err) {
  FIRN_TRY(check_characters(raw, err));
  firn_bytes target = without_host(raw);
  firn_bytes path = firn_bytes_part(target, 0, find(target, '?'));
  if (!firn_bytes_is(path, "*") && (path.len == 0 || path.data[0] != '/')) {
    return firn_error_set(err, FIRN_INVALID, "the URL has no path");
  }
  *out = (firn_target){.path = firn_arena_text(arena, path)};
  firn_bytes decoded; /* only to know that it can be */
  FIRN_TRY(firn_percent_decode(path, false, arena, &decoded, err));
  firn_bytes query = firn_arena_copy(arena, firn_bytes_part(target, path.len + 1, target.len));
  if (out->path == NULL || query.data == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a URL of %zu bytes", raw.len);
  }
  return parse_params(query, arena, out, err);
}

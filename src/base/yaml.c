#include "base/yaml.h"

#include <inttypes.h>
#include <stdlib.h>

#include <yaml.h>

#include "base/utf8.h"

/* A map or list that is being read. */
typedef struct frame {
  firn_yaml *node;
  size_t n, capacity;
  const firn_yaml **items;   /* LIST */
  firn_yaml_member *members; /* MAP */
  bool has_key;
  firn_bytes key;
  uint32_t key_line;
  firn_bytes anchor; /* data NULL: none */
  size_t n_nodes;    /* in it and below, aliases written out */
  size_t height;     /* maps and lists below it, itself too */
} frame;

typedef struct anchor {
  firn_bytes name;
  const firn_yaml *node;
  size_t n_nodes, height;
} anchor;

typedef struct reader {
  yaml_parser_t parser;
  firn_bytes text;
  firn_arena *arena;
  frame frames[FIRN_YAML_MAX_DEPTH];
  size_t depth;
  size_t n_nodes;
  anchor *anchors;
  size_t n_anchors, anchor_capacity;
  const firn_yaml *root;
} reader;

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for YAML");
}

static uint32_t from_one(size_t n) {
  return n < UINT32_MAX ? (uint32_t)n + 1 : UINT32_MAX;
}

/* firn_error_set, with the place before the text. */
#define FAIL_AT(mark, status, ...)                                                              \
  (firn_error_write(err, (status), __VA_ARGS__),                                                \
   firn_error_while(err, (status), "line %" PRIu32 ", column %" PRIu32, from_one((mark)->line), \
                    from_one((mark)->column)))

/* The reader below the scanner knows offsets only. */
static yaml_mark_t mark_of_offset(firn_bytes text, size_t offset) {
  yaml_mark_t mark = {.index = offset};
  for (size_t i = 0; i < offset && i < text.len; i++) {
    bool is_end = text.data[i] == '\n';
    mark.line += is_end;
    mark.column = is_end ? 0 : mark.column + ((text.data[i] & 0xC0) != 0x80);
  }
  return mark;
}

static bool is_tab(firn_bytes text, const yaml_mark_t *mark) {
  size_t at = 0;
  for (size_t left = mark->index; left > 0 && at < text.len; left--) { /* the index counts characters */
    uint32_t unused;
    size_t width = firn_utf8_decode(text.data + at, text.data + text.len, &unused);
    at += width == 0 ? 1 : width;
  }
  return at < text.len && text.data[at] == '\t';
}

static firn_status parser_failed(const reader *r, firn_error *err) {
  const yaml_parser_t *p = &r->parser;
  const char *problem = p->problem == NULL ? "it is no YAML" : p->problem;
  if (p->error == YAML_MEMORY_ERROR) {
    return no_memory(err);
  }
  if (p->error == YAML_READER_ERROR) {
    yaml_mark_t mark = mark_of_offset(r->text, p->problem_offset);
    return FAIL_AT(&mark, FIRN_CORRUPT, "%s", problem);
  }
  const yaml_mark_t *mark = &p->problem_mark;
  if (p->error == YAML_SCANNER_ERROR && is_tab(r->text, mark)) {
    return FAIL_AT(mark, FIRN_CORRUPT, "a tab cannot indent in YAML; write spaces");
  }
  if (p->context != NULL && p->context_mark.line != mark->line) {
    return FAIL_AT(mark, FIRN_CORRUPT, "%s, %s that began in line %" PRIu32, problem, p->context,
                   from_one(p->context_mark.line));
  }
  return FAIL_AT(mark, FIRN_CORRUPT, "%s", problem);
}

static firn_status count_nodes(reader *r, const yaml_mark_t *mark, size_t n, firn_error *err) {
  r->n_nodes += n; /* both are bounded: it cannot overflow */
  if (r->n_nodes > FIRN_YAML_MAX_NODES) {
    return FAIL_AT(mark, FIRN_LIMIT, "more than %d values, aliases written out", (int)FIRN_YAML_MAX_NODES);
  }
  return FIRN_OK;
}

static firn_status new_node(reader *r, const yaml_mark_t *mark, firn_yaml **out, firn_error *err) {
  FIRN_TRY(count_nodes(r, mark, 1, err));
  *out = firn_new(r->arena, firn_yaml);
  if (*out == NULL) {
    return no_memory(err);
  }
  (*out)->line = from_one(mark->line);
  (*out)->column = from_one(mark->column);
  return FIRN_OK;
}

/* `name` NULL: there is none. Registered when the node is whole, so that none can contain itself; a later
 * anchor of the same name hides an earlier one. */
static firn_status add_anchor(reader *r, firn_bytes name, const firn_yaml *node, size_t n_nodes,
                              size_t height, firn_error *err) {
  if (name.data == NULL) {
    return FIRN_OK;
  }
  if (r->n_anchors == FIRN_YAML_MAX_ANCHORS) { /* each alias looks through them */
    return firn_error_set(err, FIRN_LIMIT, "line %" PRIu32 ": more than %d anchors", node->line,
                          (int)FIRN_YAML_MAX_ANCHORS);
  }
  anchor *grown = firn_arena_grow(r->arena, r->anchors, r->n_anchors, &r->anchor_capacity, sizeof *grown);
  if (grown == NULL) {
    return no_memory(err);
  }
  r->anchors = grown;
  r->anchors[r->n_anchors++] = (anchor){name, node, n_nodes, height};
  return FIRN_OK;
}

static firn_status copy_anchor(reader *r, const yaml_char_t *name, firn_bytes *out, firn_error *err) {
  *out = (firn_bytes){NULL, 0};
  if (name == NULL) {
    return FIRN_OK;
  }
  *out = firn_arena_copy(r->arena, firn_bytes_of((const char *)name));
  return out->data == NULL ? no_memory(err) : FIRN_OK;
}

static firn_status refuse_tag(const yaml_char_t *tag, const yaml_mark_t *mark, firn_error *err) {
  if (tag == NULL) {
    return FIRN_OK;
  }
  return FAIL_AT(mark, FIRN_UNSUPPORTED, "the tag %.60s: tags are not supported, the key says the type",
                 (const char *)tag);
}

/* A node is whole: it becomes the root, an item, or the value of the key before it. */
static firn_status place(reader *r, const firn_yaml *node, size_t n_nodes, size_t height, firn_error *err) {
  if (r->depth == 0) {
    r->root = node;
    return FIRN_OK;
  }
  frame *f = &r->frames[r->depth - 1];
  bool is_map = f->node->kind == FIRN_YAML_MAP;
  void *grown = firn_arena_grow(r->arena, is_map ? (void *)f->members : (void *)f->items, f->n, &f->capacity,
                                is_map ? sizeof *f->members : sizeof *f->items);
  if (grown == NULL) {
    return no_memory(err);
  }
  if (is_map) {
    f->members = grown;
    f->members[f->n++] = (firn_yaml_member){f->key, f->key_line, node};
    f->has_key = false;
  } else {
    f->items = grown;
    f->items[f->n++] = node;
  }
  f->n_nodes += n_nodes;
  f->height = height + 1 > f->height ? height + 1 : f->height;
  return FIRN_OK;
}

static bool wants_key(const reader *r) {
  const frame *f = r->depth == 0 ? NULL : &r->frames[r->depth - 1];
  return f != NULL && f->node->kind == FIRN_YAML_MAP && !f->has_key;
}

static firn_status take_key(reader *r, const yaml_event_t *e, firn_error *err) {
  const yaml_mark_t *mark = &e->start_mark;
  frame *f = &r->frames[r->depth - 1];
  if (e->type != YAML_SCALAR_EVENT || e->data.scalar.anchor != NULL) {
    return FAIL_AT(mark, FIRN_UNSUPPORTED, "a key must be plain text");
  }
  FIRN_TRY(refuse_tag(e->data.scalar.tag, mark, err));
  firn_bytes key = {e->data.scalar.value, e->data.scalar.length};
  if (key.len == 0) {
    return FAIL_AT(mark, FIRN_CORRUPT, "a key is empty");
  }
  if (memchr(key.data, 0, key.len) != NULL) {
    return FAIL_AT(mark, FIRN_CORRUPT, "a key with a zero byte");
  }
  if (e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && firn_bytes_is(key, "<<")) {
    return FAIL_AT(mark, FIRN_UNSUPPORTED, "merge keys (<<) are not supported; write the keys out");
  }
  f->key = firn_arena_copy(r->arena, key);
  f->key_line = from_one(mark->line);
  f->has_key = true;
  return f->key.data == NULL ? no_memory(err) : FIRN_OK;
}

static firn_status take_scalar(reader *r, const yaml_event_t *e, firn_error *err) {
  const yaml_mark_t *mark = &e->start_mark;
  firn_yaml *node;
  firn_bytes name;
  FIRN_TRY(refuse_tag(e->data.scalar.tag, mark, err));
  FIRN_TRY(new_node(r, mark, &node, err));
  FIRN_TRY(copy_anchor(r, e->data.scalar.anchor, &name, err));
  firn_bytes text = {e->data.scalar.value, e->data.scalar.length};
  node->is_quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
  if (text.len > 0 && memchr(text.data, 0, text.len) != NULL) {
    return FAIL_AT(mark, FIRN_CORRUPT, "a text with a zero byte");
  }
  node->kind = text.len > 0 || node->is_quoted ? FIRN_YAML_SCALAR : FIRN_YAML_NULL;
  node->text = firn_arena_copy(r->arena, text);
  if (node->text.data == NULL) {
    return no_memory(err);
  }
  FIRN_TRY(add_anchor(r, name, node, 1, 0, err));
  return place(r, node, 1, 0, err);
}

static firn_status take_alias(reader *r, const yaml_event_t *e, firn_error *err) {
  const yaml_mark_t *mark = &e->start_mark;
  firn_bytes name = firn_bytes_of((const char *)e->data.alias.anchor);
  for (size_t i = r->n_anchors; i > 0; i--) {
    const anchor *a = &r->anchors[i - 1];
    if (!firn_bytes_equal(a->name, name)) {
      continue;
    }
    FIRN_TRY(count_nodes(r, mark, a->n_nodes, err));
    if (r->depth + a->height > FIRN_YAML_MAX_DEPTH) {
      return FAIL_AT(mark, FIRN_LIMIT, "nested deeper than %d levels", (int)FIRN_YAML_MAX_DEPTH);
    }
    return place(r, a->node, a->n_nodes, a->height, err);
  }
  return FAIL_AT(mark, FIRN_CORRUPT, "*%.60s names nothing that is complete before it",
                 (const char *)e->data.alias.anchor);
}

static firn_status begin(reader *r, const yaml_event_t *e, firn_error *err) {
  const yaml_mark_t *mark = &e->start_mark;
  bool is_map = e->type == YAML_MAPPING_START_EVENT;
  firn_yaml *node;
  firn_bytes name;
  FIRN_TRY(refuse_tag(is_map ? e->data.mapping_start.tag : e->data.sequence_start.tag, mark, err));
  if (r->depth == FIRN_YAML_MAX_DEPTH) {
    return FAIL_AT(mark, FIRN_LIMIT, "nested deeper than %d levels", (int)FIRN_YAML_MAX_DEPTH);
  }
  FIRN_TRY(new_node(r, mark, &node, err));
  FIRN_TRY(copy_anchor(r, is_map ? e->data.mapping_start.anchor : e->data.sequence_start.anchor, &name, err));
  node->kind = is_map ? FIRN_YAML_MAP : FIRN_YAML_LIST;
  r->frames[r->depth++] = (frame){.node = node, .anchor = name, .n_nodes = 1, .height = 1};
  return FIRN_OK;
}

static int by_key_and_line(const void *a, const void *b) {
  const firn_yaml_member *x = *(const firn_yaml_member *const *)a;
  const firn_yaml_member *y = *(const firn_yaml_member *const *)b;
  int order = firn_bytes_compare(x->key, y->key);
  return order != 0 ? order : (x > y) - (x < y);
}

static firn_status refuse_doubles(reader *r, const frame *f, firn_error *err) {
  if (f->node->kind != FIRN_YAML_MAP || f->n < 2) {
    return FIRN_OK;
  }
  const firn_yaml_member **sorted = firn_new_n(r->arena, const firn_yaml_member *, f->n);
  if (sorted == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < f->n; i++) {
    sorted[i] = &f->members[i];
  }
  qsort(sorted, f->n, sizeof(firn_yaml_member *), by_key_and_line);
  for (size_t i = 1; i < f->n; i++) {
    firn_bytes key = sorted[i]->key;
    if (firn_bytes_equal(key, sorted[i - 1]->key)) {
      return firn_error_set(err, FIRN_CORRUPT,
                            "line %" PRIu32 ": %.*s is given again, first in line %" PRIu32, sorted[i]->line,
                            key.len > 60 ? 60 : (int)key.len, (const char *)key.data, sorted[i - 1]->line);
    }
  }
  return FIRN_OK;
}

static firn_status end(reader *r, firn_error *err) {
  frame *f = &r->frames[--r->depth];
  f->node->n = f->n;
  f->node->items = f->items;
  f->node->members = f->members;
  FIRN_TRY(refuse_doubles(r, f, err));
  FIRN_TRY(add_anchor(r, f->anchor, f->node, f->n_nodes, f->height, err));
  return place(r, f->node, f->n_nodes, f->height, err);
}

static firn_status take(reader *r, const yaml_event_t *e, firn_error *err) {
  bool is_node = e->type == YAML_SCALAR_EVENT || e->type == YAML_ALIAS_EVENT ||
                 e->type == YAML_SEQUENCE_START_EVENT || e->type == YAML_MAPPING_START_EVENT;
  if (is_node && wants_key(r)) {
    return take_key(r, e, err);
  }
  switch (e->type) {
    case YAML_SCALAR_EVENT:
      return take_scalar(r, e, err);
    case YAML_ALIAS_EVENT:
      return take_alias(r, e, err);
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
      return begin(r, e, err);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
      return end(r, err);
    case YAML_DOCUMENT_START_EVENT:
      return r->root == NULL
                 ? FIRN_OK
                 : FAIL_AT(&e->start_mark, FIRN_UNSUPPORTED, "a second document begins; one file holds one");
    default:
      return FIRN_OK; /* the ends of stream and document */
  }
}

static firn_status read_events(reader *r, firn_error *err) {
  for (bool is_end = false; !is_end;) {
    yaml_event_t event FIRN_AUTO(yaml_event_delete) = {0};
    if (yaml_parser_parse(&r->parser, &event) == 0) {
      return parser_failed(r, err);
    }
    is_end = event.type == YAML_STREAM_END_EVENT;
    FIRN_TRY(take(r, &event, err));
  }
  yaml_mark_t start = {0};
  firn_yaml *nothing;
  if (r->root == NULL) {
    FIRN_TRY(new_node(r, &start, &nothing, err));
    r->root = nothing;
  }
  return FIRN_OK;
}

/* libyaml compares each %TAG with all before it, and does so before it says anything. */
static firn_status check_directives(firn_bytes text, firn_error *err) {
  size_t n = 0;
  for (size_t i = 0; i < text.len; i++) {
    n += text.data[i] == '%' && (i == 0 || text.data[i - 1] == '\n' || text.data[i - 1] == '\r');
  }
  return n <= FIRN_YAML_MAX_DIRECTIVES ? FIRN_OK
                                       : firn_error_set(err, FIRN_LIMIT, "more than %d lines begin with %%",
                                                        (int)FIRN_YAML_MAX_DIRECTIVES);
}

firn_status firn_yaml_read(firn_bytes text, size_t max_bytes, firn_arena *arena, const firn_yaml **out,
                           firn_error *err) {
  if (text.len > max_bytes) {
    return firn_error_set(err, FIRN_LIMIT, "%zu bytes are more than the %zu that are allowed", text.len,
                          max_bytes);
  }
  if (firn_bytes_has_prefix(text, FIRN_LITERAL("\xEF\xBB\xBF"))) {
    text = firn_bytes_part(text, 3, text.len);
  }
  FIRN_TRY(check_directives(text, err));
  reader *r = firn_new(arena, reader); /* large for a stack */
  if (r == NULL || yaml_parser_initialize(&r->parser) == 0) {
    return no_memory(err);
  }
  r->text = text;
  r->arena = arena;
  yaml_parser_set_encoding(&r->parser, YAML_UTF8_ENCODING);
  yaml_parser_set_input_string(&r->parser, text.data == NULL ? (const uint8_t *)"" : text.data, text.len);
  firn_status status = read_events(r, err);
  yaml_parser_delete(&r->parser);
  if (status == FIRN_OK) {
    *out = r->root;
  }
  return status;
}

const firn_yaml *firn_yaml_get(const firn_yaml *map, const char *key) {
  for (size_t i = 0; map != NULL && map->kind == FIRN_YAML_MAP && i < map->n; i++) {
    if (firn_bytes_is(map->members[i].key, key)) {
      return map->members[i].value;
    }
  }
  return NULL;
}

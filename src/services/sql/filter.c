/* Plans of DuckDB 1.5 as json_serialize_plan writes them. Every row for which the plan's conditions on a scan
 * hold must match the expression made here; more may. Whatever is not known is TRUE. */
#include "services/sql/filter_internal.h"

#include "services/sql/filter_value_internal.h"

enum { NODES_MAX = 4000 /* of an expression; beyond it a condition prunes nothing */ };

/* One scan in the plan. */
typedef struct scan {
  const firn_field *schema;
  const firn_json_value *get;
  firn_arena *arena;
  size_t n_nodes;
} scan;

/* What a condition says. */
typedef struct said {
  const firn_expr *expr; /* NULL: no memory */
  bool is_exact;         /* true for just the rows for which the engine finds it true */
} said;

static said unknown(void) {
  return (said){firn_expr_constant(true), false};
}

static bool is_text(const firn_json_value *v, const char *text) {
  return v != NULL && v->kind == FIRN_JSON_STRING && firn_bytes_is(v->text, text);
}

static bool is_array(const firn_json_value *v) {
  return v != NULL && v->kind == FIRN_JSON_ARRAY;
}

static bool whole(const firn_json_value *v, uint64_t below, uint64_t *out) {
  int64_t n;
  if (v == NULL || !firn_json_value_int64(v, &n) || n < 0 || (uint64_t)n >= below) {
    return false;
  }
  *out = (uint64_t)n;
  return true;
}

/* A column of the table by its number; its name must not look like a path. */
static bool column_at(const scan *s, uint64_t index, firn_filter_term *out) {
  if (index >= s->schema->n_children) {
    return false;
  }
  const firn_field *field = &s->schema->children[index];
  *out = (firn_filter_term){.field = field, .name = field->name};
  return strchr(field->name, '.') == NULL;
}

/* What the scan yields at a position: projection_ids, when there are any, pick from column_indexes. */
static bool column_of_output(const scan *s, uint64_t position, firn_filter_term *out) {
  const firn_json_value *projected = firn_json_get(s->get, "projection_ids");
  const firn_json_value *columns = firn_json_get(s->get, "column_indexes");
  uint64_t index;
  if (!is_array(columns) || !is_array(projected)) {
    return false;
  }
  if (projected->n_items > 0 &&
      (position >= projected->n_items || !whole(&projected->items[position], columns->n_items, &position))) {
    return false;
  }
  if (position >= columns->n_items) {
    return false;
  }
  const firn_json_value *column = &columns->items[position];
  bool is_whole = is_text(firn_json_get(column, "index_type"), "FULL_READ"); /* not one member of a struct */
  return is_whole && whole(firn_json_get(column, "index"), s->schema->n_children, &index) &&
         column_at(s, index, out);
}

static bool member_of(const scan *s, const firn_filter_term *parent, firn_bytes name, firn_filter_term *out) {
  const char *text = firn_arena_text(s->arena, name);
  const firn_field *child = NULL;
  if (text == NULL || parent->field->kind != FIRN_KIND_STRUCT || strchr(text, '.') != NULL) {
    return false;
  }
  child = firn_field_child(parent->field, text);
  const char *dotted = firn_arena_printf(s->arena, "%s.%s", parent->name, text);
  *out = (firn_filter_term){.field = child, .name = dotted};
  return child != NULL && dotted != NULL;
}

/* Where a condition stands: on one column (table_filters), or above the scan. */
typedef struct place {
  const firn_filter_term *column; /* NULL: above the scan */
} place;

static bool read_term(scan *s, place at, const firn_json_value *node, firn_filter_term *out) {
  if (is_text(firn_json_get(node, "expression_class"), "BOUND_REF")) {
    uint64_t position;
    if (!whole(firn_json_get(node, "index"), UINT32_MAX, &position)) {
      return false;
    }
    if (at.column != NULL) {
      *out = *at.column;
      return position == 0;
    }
    return column_of_output(s, position, out);
  }
  if (is_text(firn_json_get(node, "expression_class"), "BOUND_CAST")) {
    const firn_json_value *type = firn_json_get(node, "return_type");
    const firn_json_value *child = firn_json_get_some(node, "child");
    bool known = child != NULL && read_term(s, at, child, out) && out->cast_type.len == 0 &&
                 firn_filter_cast_is_known(out->field, type);
    if (known) {
      out->cast_type = firn_json_get(type, "id")->text;
    }
    return known;
  }
  const firn_json_value *children = firn_json_get(node, "children");
  if (is_text(firn_json_get(node, "name"), "struct_extract") && is_array(children) &&
      children->n_items == 2) {
    firn_filter_term parent;
    firn_literal name;
    const firn_json_value *constant = firn_json_get_some(&children->items[1], "value");
    return read_term(s, at, &children->items[0], &parent) && parent.cast_type.len == 0 && constant != NULL &&
           firn_filter_literal(constant, s->arena, &name) && name.value.kind == FIRN_KIND_STRING &&
           member_of(s, &parent, name.value.bytes, out);
  }
  return false;
}

static bool read_constant(scan *s, const firn_json_value *node, firn_literal *out) {
  const firn_json_value *value = firn_json_get_some(node, "value");
  return is_text(firn_json_get(node, "expression_class"), "BOUND_CONSTANT") && value != NULL &&
         firn_filter_literal(value, s->arena, out);
}

static bool read_comparison(const firn_json_value *type, firn_expr_op *out) {
  static const struct {
    const char *name;
    firn_expr_op op;
  } comparisons[] = {
      {"COMPARE_EQUAL", FIRN_EXPR_EQ},
      {"COMPARE_NOTEQUAL", FIRN_EXPR_NOT_EQ},
      {"COMPARE_LESSTHAN", FIRN_EXPR_LT},
      {"COMPARE_LESSTHANOREQUALTO", FIRN_EXPR_LT_EQ},
      {"COMPARE_GREATERTHAN", FIRN_EXPR_GT},
      {"COMPARE_GREATERTHANOREQUALTO", FIRN_EXPR_GT_EQ},
      {"COMPARE_NOT_DISTINCT_FROM", FIRN_EXPR_EQ}, /* of a constant that is not null */
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(comparisons); i++) {
    if (is_text(type, comparisons[i].name)) {
      *out = comparisons[i].op;
      return true;
    }
  }
  return false;
}

static firn_expr_op turned(firn_expr_op op) {
  switch (op) {
    case FIRN_EXPR_LT:
      return FIRN_EXPR_GT;
    case FIRN_EXPR_LT_EQ:
      return FIRN_EXPR_GT_EQ;
    case FIRN_EXPR_GT:
      return FIRN_EXPR_LT;
    case FIRN_EXPR_GT_EQ:
      return FIRN_EXPR_LT_EQ;
    default:
      return op;
  }
}

static said compare(scan *s, const firn_filter_term *term, firn_expr_op op, firn_literal literal) {
  said out;
  out.expr = firn_filter_compare(term, op, literal, s->arena, &out.is_exact);
  return out;
}

static said of_comparison(scan *s, place at, const firn_json_value *node) {
  const firn_json_value *left = firn_json_get(node, "left"), *right = firn_json_get(node, "right");
  firn_filter_term term;
  firn_literal literal;
  firn_expr_op op;
  if (left == NULL || right == NULL || !read_comparison(firn_json_get(node, "type"), &op)) {
    return unknown();
  }
  if (read_term(s, at, left, &term) && read_constant(s, right, &literal)) {
    return compare(s, &term, op, literal);
  }
  if (read_term(s, at, right, &term) && read_constant(s, left, &literal)) {
    return compare(s, &term, turned(op), literal);
  }
  return unknown();
}

static said of_node(scan *s, place at, const firn_json_value *node);

/* All of a list, joined as a tree whose depth is that of its length's logarithm. */
static said of_list(scan *s, place at, const firn_json_value *items, size_t n, bool is_or) {
  if (n == 0) {
    return unknown();
  }
  if (n == 1) {
    return of_node(s, at, items);
  }
  said left = of_list(s, at, items, n / 2, is_or);
  said right = of_list(s, at, items + n / 2, n - n / 2, is_or);
  return (said){
      is_or ? firn_expr_or(left.expr, right.expr, s->arena) : firn_expr_and(left.expr, right.expr, s->arena),
      left.is_exact && right.is_exact};
}

static said of_conjunction(scan *s, place at, const firn_json_value *node, const firn_json_value *list) {
  const firn_json_value *type = firn_json_get(node, "type");
  type = type == NULL || !is_text(firn_json_get(node, "expression_class"), "BOUND_CONJUNCTION")
             ? firn_json_get(node, "filter_type")
             : type;
  bool is_or = is_text(type, "CONJUNCTION_OR");
  if (!is_array(list) || (!is_or && !is_text(type, "CONJUNCTION_AND"))) {
    return unknown();
  }
  return of_list(s, at, list->items, list->n_items, is_or);
}

/* Values of an IN, all known and of the column's own kind; else nothing is said. */
static said in_values(scan *s, const firn_filter_term *term, const firn_json_value *values, size_t n) {
  said all = {firn_expr_constant(false), true};
  for (size_t i = 0; i < n; i++) {
    const firn_json_value *node = &values[i];
    const firn_json_value *inner = firn_json_get(node, "expression_class");
    firn_literal literal;
    bool known =
        inner == NULL ? firn_filter_literal(node, s->arena, &literal) : read_constant(s, node, &literal);
    if (!known || ++s->n_nodes > NODES_MAX) {
      return unknown();
    }
    said one = compare(s, term, FIRN_EXPR_EQ, literal);
    all.expr = firn_expr_or(all.expr, one.expr, s->arena);
    all.is_exact = all.is_exact && one.is_exact;
  }
  return all;
}

/* A short list is a chain of comparisons; a long one is its smallest and largest, as the engine has besides.
 */
static said of_in(scan *s, const firn_filter_term *term, const firn_json_value *values, size_t n) {
  enum { CHAIN_MAX = 100, LITERALS_MAX = 2000 };
  if (n <= CHAIN_MAX) {
    return in_values(s, term, values, n);
  }
  if (n > LITERALS_MAX || term->cast_type.len > 0 || term->field->kind == FIRN_KIND_FLOAT ||
      term->field->kind == FIRN_KIND_DOUBLE || term->field->kind == FIRN_KIND_FIXED) {
    return unknown();
  }
  firn_literal *literals = firn_new_n(s->arena, firn_literal, n);
  for (size_t i = 0; literals != NULL && i < n; i++) {
    bool is_node = firn_json_get(&values[i], "expression_class") != NULL;
    bool known = is_node ? read_constant(s, &values[i], &literals[i])
                         : firn_filter_literal(&values[i], s->arena, &literals[i]);
    bool is_exact;
    const firn_expr *e =
        known ? firn_filter_compare(term, FIRN_EXPR_EQ, literals[i], s->arena, &is_exact) : NULL;
    if (!known || (e != NULL && (!is_exact || e->op != FIRN_EXPR_EQ))) {
      return unknown();
    }
  }
  return (said){literals == NULL ? NULL : firn_expr_in(FIRN_EXPR_IN, term->name, literals, n, s->arena),
                true};
}

static said of_operator(scan *s, place at, const firn_json_value *node) {
  const firn_json_value *type = firn_json_get(node, "type"), *children = firn_json_get(node, "children");
  firn_filter_term term;
  if (!is_array(children) || children->n_items == 0) {
    return unknown();
  }
  if (is_text(type, "OPERATOR_NOT")) {
    said inner = of_node(s, at, &children->items[0]);
    /* SQL's NOT of null is null; here a row that is null in the inner condition may match: more, not less. */
    return inner.is_exact ? (said){firn_expr_not(inner.expr, s->arena), false} : unknown();
  }
  if (!read_term(s, at, &children->items[0], &term) || term.cast_type.len > 0) {
    return unknown();
  }
  bool is_top = strchr(term.name, '.') == NULL;
  if (is_text(type, "OPERATOR_IS_NULL")) {
    return is_top ? (said){firn_expr_unary(FIRN_EXPR_IS_NULL, term.name, s->arena), true} : unknown();
  }
  if (is_text(type, "OPERATOR_IS_NOT_NULL")) {
    return is_top ? (said){firn_expr_unary(FIRN_EXPR_NOT_NULL, term.name, s->arena), true} : unknown();
  }
  if (is_text(type, "COMPARE_IN")) {
    return of_in(s, &term, children->items + 1, children->n_items - 1);
  }
  return unknown();
}

static said of_function(scan *s, place at, const firn_json_value *node) {
  const firn_json_value *name = firn_json_get(node, "name"), *children = firn_json_get(node, "children");
  firn_filter_term term;
  firn_literal literal;
  if (!is_array(children) || children->n_items == 0 || !read_term(s, at, &children->items[0], &term) ||
      term.cast_type.len > 0) {
    return unknown();
  }
  bool is_prefix = is_text(name, "prefix") || is_text(name, "starts_with") || is_text(name, "^@");
  if (is_prefix && children->n_items == 2 && term.field->kind == FIRN_KIND_STRING &&
      read_constant(s, &children->items[1], &literal) && literal.value.kind == FIRN_KIND_STRING) {
    return (said){firn_expr_compare(FIRN_EXPR_STARTS_WITH, term.name, literal, s->arena), true};
  }
  bool is_float = term.field->kind == FIRN_KIND_FLOAT || term.field->kind == FIRN_KIND_DOUBLE;
  if (is_text(name, "isnan") && is_float) {
    return (said){firn_expr_unary(FIRN_EXPR_IS_NAN, term.name, s->arena), true};
  }
  return unknown();
}

/* A column that is a condition itself. */
static said of_boolean(scan *s, place at, const firn_json_value *node) {
  firn_filter_term term;
  if (!read_term(s, at, node, &term) || term.field->kind != FIRN_KIND_BOOLEAN || term.cast_type.len > 0) {
    return unknown();
  }
  return compare(s, &term, FIRN_EXPR_EQ, firn_literal_bool(true));
}

static said of_between(scan *s, place at, const firn_json_value *node) {
  static const char *const ends[][2] = {{"lower", "lower_inclusive"}, {"upper", "upper_inclusive"}};
  const firn_json_value *input = firn_json_get(node, "input");
  said all = {firn_expr_constant(true), true};
  for (size_t i = 0; i < 2; i++) {
    const firn_json_value *end = firn_json_get(node, ends[i][0]),
                          *inclusive = firn_json_get(node, ends[i][1]);
    firn_filter_term term;
    firn_literal literal;
    if (input == NULL || end == NULL || inclusive == NULL || !read_term(s, at, input, &term) ||
        !read_constant(s, end, &literal)) {
      all.is_exact = false;
      continue;
    }
    bool with = inclusive->kind == FIRN_JSON_TRUE;
    firn_expr_op op = i == 0 ? (with ? FIRN_EXPR_GT_EQ : FIRN_EXPR_GT)
                      : with ? FIRN_EXPR_LT_EQ
                             : FIRN_EXPR_LT;
    said one = compare(s, &term, op, literal);
    all = (said){firn_expr_and(all.expr, one.expr, s->arena), all.is_exact && one.is_exact};
  }
  return all;
}

/* A table filter on one column. */
static said of_filter(scan *s, place at, const firn_json_value *node) {
  const firn_json_value *type = firn_json_get(node, "filter_type");
  const firn_json_value *inner = firn_json_get_some(node, "child_filter");
  if (is_text(type, "CONSTANT_COMPARISON")) {
    const firn_json_value *constant = firn_json_get_some(node, "constant");
    firn_literal literal;
    firn_expr_op op;
    bool known = constant != NULL && firn_filter_literal(constant, s->arena, &literal) &&
                 read_comparison(firn_json_get(node, "comparison_type"), &op);
    return known ? compare(s, at.column, op, literal) : unknown();
  }
  if (is_text(type, "EXPRESSION_FILTER")) {
    const firn_json_value *expr = firn_json_get_some(node, "expr");
    return expr == NULL ? unknown() : of_node(s, at, expr);
  }
  if (is_text(type, "IN_FILTER")) {
    const firn_json_value *values = firn_json_get(node, "values");
    return is_array(values) && at.column->cast_type.len == 0
               ? of_in(s, at.column, values->items, values->n_items)
               : unknown();
  }
  if (is_text(type, "OPTIONAL_FILTER") && inner != NULL) {
    return of_node(s, at, inner);
  }
  const firn_json_value *name = firn_json_get_some(node, "child_name");
  firn_filter_term member;
  if (is_text(type, "STRUCT_EXTRACT") && inner != NULL && name != NULL && name->kind == FIRN_JSON_STRING &&
      member_of(s, at.column, name->text, &member)) {
    return of_node(s, (place){&member}, inner);
  }
  return of_conjunction(s, at, node, firn_json_get(node, "child_filters"));
}

static said of_node(scan *s, place at, const firn_json_value *node) {
  if (++s->n_nodes > NODES_MAX) {
    return unknown();
  }
  if (at.column != NULL && firn_json_get(node, "filter_type") != NULL) {
    return of_filter(s, at, node);
  }
  const firn_json_value *class = firn_json_get(node, "expression_class");
  if (is_text(class, "BOUND_COMPARISON")) {
    return of_comparison(s, at, node);
  }
  if (is_text(class, "BOUND_CONJUNCTION")) {
    return of_conjunction(s, at, node, firn_json_get(node, "children"));
  }
  if (is_text(class, "BOUND_OPERATOR")) {
    return of_operator(s, at, node);
  }
  if (is_text(class, "BOUND_FUNCTION")) {
    return of_function(s, at, node);
  }
  if (is_text(class, "BOUND_BETWEEN")) {
    return of_between(s, at, node);
  }
  return is_text(class, "BOUND_REF") ? of_boolean(s, at, node) : unknown();
}

/* The filters in the scan itself. */
static const firn_expr *of_table_filters(scan *s) {
  const firn_json_value *list = firn_json_get(firn_json_get(s->get, "table_filters"), "filters");
  const firn_expr *all = firn_expr_constant(true);
  for (size_t i = 0; is_array(list) && i < list->n_items; i++) {
    firn_filter_term column;
    uint64_t index;
    const firn_json_value *filter = firn_json_get_some(&list->items[i], "value");
    if (filter != NULL && whole(firn_json_get(&list->items[i], "key"), s->schema->n_children, &index) &&
        column_at(s, index, &column)) {
      all = firn_expr_and(all, of_node(s, (place){&column}, filter).expr, s->arena);
    }
  }
  return all;
}

/* A scan whose rows are drawn by lot must yield them all: the lot is drawn after it. */
static bool is_sampled(const firn_json_value *get) {
  return firn_json_get_some(firn_json_get(get, "extra_info"), "sample_options") != NULL;
}

static bool has_columns_of(const firn_json_value *get, const firn_field *schema) {
  const firn_json_value *names = firn_json_get(get, "names");
  return is_array(names) && names->n_items == schema->n_children;
}

static const firn_expr *of_scan(scan *s, const firn_json_value *above) {
  if (is_sampled(s->get) || !has_columns_of(s->get, s->schema)) {
    return firn_expr_constant(true);
  }
  const firn_expr *all = of_table_filters(s);
  const firn_json_value *conditions = above == NULL ? NULL : firn_json_get(above, "expressions");
  for (size_t i = 0; is_array(conditions) && i < conditions->n_items; i++) {
    all = firn_expr_and(all, of_node(s, (place){NULL}, &conditions->items[i]).expr, s->arena);
  }
  return all;
}

/* Nothing but counts, smallest and largest values of whole columns, of all rows at once. */
static bool only_counts(const firn_json_value *aggregate) {
  static const char *const counting[] = {"count_star", "count", "min", "max"};
  const firn_json_value *groups = firn_json_get(aggregate, "groups");
  const firn_json_value *list = firn_json_get(aggregate, "expressions");
  if (!is_array(groups) || groups->n_items > 0 || !is_array(list)) {
    return false;
  }
  for (size_t i = 0; i < list->n_items; i++) {
    const firn_json_value *one = &list->items[i], *children = firn_json_get(one, "children");
    bool is_known = false;
    for (size_t k = 0; k < FIRN_COUNT_OF(counting); k++) {
      is_known |= is_text(firn_json_get(one, "name"), counting[k]);
    }
    bool is_plain = is_text(firn_json_get(one, "aggregate_type"), "NON_DISTINCT") &&
                    firn_json_get_some(one, "filter") == NULL &&
                    firn_json_get_some(one, "order_bys") == NULL && is_array(children) &&
                    children->n_items <= 1;
    bool of_column =
        is_plain && (children->n_items == 0 ||
                     is_text(firn_json_get(&children->items[0], "expression_class"), "BOUND_REF"));
    if (!is_known || !of_column) {
      return false;
    }
  }
  return true;
}

/* Every scan of the table in the plan, joined by OR. */
typedef struct search {
  const char *name;
  const firn_field *schema;
  firn_arena *arena;
  const firn_expr *found; /* NULL: no memory */
  size_t n_found, n_counted;
} search;

static void found(search *l, const firn_json_value *get, const firn_json_value *above) {
  const firn_json_value *type = above == NULL ? NULL : firn_json_get(above, "type");
  const firn_json_value *filter = is_text(type, "LOGICAL_FILTER") ? above : NULL;
  scan s = {.schema = l->schema, .get = get, .arena = l->arena};
  const firn_expr *conditions = of_scan(&s, filter);
  const firn_json_value *filters = firn_json_get(firn_json_get(get, "table_filters"), "filters");
  bool is_whole = is_array(filters) && filters->n_items == 0 && !is_sampled(get);
  l->n_counted += is_text(type, "LOGICAL_AGGREGATE_AND_GROUP_BY") && is_whole && only_counts(above);
  l->found = firn_expr_or(l->found, conditions, l->arena);
  l->n_found++;
}

static void look(search *l, const firn_json_value *node, const firn_json_value *above);

static void look_within(search *l, const firn_json_value *node, const firn_json_value *above) {
  if (node->kind == FIRN_JSON_ARRAY) {
    for (size_t i = 0; i < node->n_items; i++) {
      look(l, &node->items[i], above);
    }
  } else if (node->kind == FIRN_JSON_OBJECT) {
    for (size_t i = 0; i < node->n_items; i++) {
      look(l, node->members[i].value, firn_bytes_is(node->members[i].key, "children") ? above : NULL);
    }
  }
}

/* `above` is the operator of which `node` is the one child. */
static void look(search *l, const firn_json_value *node, const firn_json_value *above) {
  if (is_text(firn_json_get(node, "type"), "LOGICAL_GET") &&
      is_text(firn_json_get(firn_json_get(node, "function_data"), "table"), l->name)) {
    found(l, node, above);
    return;
  }
  const firn_json_value *children = firn_json_get(node, "children");
  bool has_one_child = is_array(children) && children->n_items == 1;
  bool is_list = node->kind == FIRN_JSON_ARRAY;
  look_within(l, node, has_one_child ? node : is_list ? above : NULL);
}

firn_status firn_sql_filter_of(const firn_json_value *plan, const char *name, const firn_field *schema,
                               firn_arena *arena, const firn_expr **filter, bool *is_summary,
                               firn_error *err) {
  const firn_json_value *plans = firn_json_get(plan, "plans");
  *filter = firn_expr_constant(true);
  *is_summary = false;
  if (!is_array(plans) || plans->n_items != 1) {
    return FIRN_OK;
  }
  search l = {.name = name, .schema = schema, .arena = arena, .found = firn_expr_constant(false)};
  look(&l, &plans->items[0], NULL);
  if (l.found == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for the filters of a query");
  }
  if (l.n_found > 0) {
    *filter = l.found;
    *is_summary = l.n_counted == l.n_found;
  }
  return FIRN_OK;
}

/* Canonical text and the attributeMappingSource form of an expression (expressions.md 9). */
#include "expr/function.h"

static const char *relop_text(enum relop op)
{
    static const char *const texts[] = {
        [RELOP_EQ] = "=",  [RELOP_NE] = "<>", [RELOP_GT] = ">",
        [RELOP_GE] = ">=", [RELOP_LT] = "<",  [RELOP_LE] = "<=",
    };

    return texts[op];
}

static void print_string(struct buf *out, struct str s)
{
    buf_add_char(out, '"');
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '"' || s.ptr[i] == '\\')
            buf_add_char(out, '\\');
        buf_add_char(out, s.ptr[i]);
    }
    buf_add_char(out, '"');
}

static void print_parts(struct buf *out, const struct node *n, const char *separator)
{
    for (size_t i = 0; i < n->count; i++) {
        if (i > 0)
            buf_add_z(out, separator);
        expr_print_node(out, n->parts[i]);
    }
}

void expr_print_node(struct buf *out, const struct node *n)
{
    switch (n->kind) {
    case NODE_OMITTED:
        break;
    case NODE_STRING:
        print_string(out, n->text);
        break;
    case NODE_INTEGER:
        buf_add_int(out, n->value.integer);
        break;
    case NODE_DOUBLE:
    case NODE_NAME:
        buf_add(out, n->text);
        break;
    case NODE_ATTRIBUTE:
        buf_add_char(out, '[');
        buf_add(out, n->text);
        buf_add_char(out, ']');
        break;
    case NODE_CALL:
        buf_add(out, n->text);
        buf_add_char(out, '(');
        print_parts(out, n, ", ");
        buf_add_char(out, ')');
        break;
    case NODE_COMPARE:
        expr_print_node(out, n->parts[0]);
        buf_addf(out, " %s ", relop_text(n->relop));
        expr_print_node(out, n->parts[1]);
        break;
    case NODE_CONCAT:
        print_parts(out, n, " & ");
        break;
    }
}

void expr_print(struct buf *out, const struct expr *e)
{
    expr_print_node(out, e->root);
}

static struct str printed(struct arena *a, const struct node *n, bool quote)
{
    CLEANUP(buf_done) struct buf text = {0};

    buf_init(&text, (size_t)EXPR_MAX_CHARACTERS * 16);
    if (quote) {
        print_string(&text, n->text);
    } else {
        expr_print_node(&text, n);
    }
    return arena_str(a, buf_str(&text));
}

static struct json *source_json(struct arena *a, const struct node *n)
{
    struct json *o = json_new(a, JSON_OBJECT);
    struct json *parameters = json_new(a, JSON_ARRAY);
    bool literal = n->kind == NODE_STRING || n->kind == NODE_INTEGER || n->kind == NODE_DOUBLE ||
                   n->kind == NODE_NAME;
    struct str name = n->text;

    /* Operators have no form of their own in the tree: they appear as functions named by their
     * sign, with the operands as parameters. */
    if (n->kind == NODE_COMPARE) {
        name = str_from_z(relop_text(n->relop));
    } else if (n->kind == NODE_CONCAT) {
        name = STR("&");
    }
    json_add_z(a, o, "type",
               literal                     ? "Constant"
               : n->kind == NODE_ATTRIBUTE ? "Attribute"
                                           : "Function");
    json_add_str(a, o, "name", name);
    json_add_str(a, o, "expression",
                 printed(a, n, n->kind == NODE_INTEGER || n->kind == NODE_DOUBLE));
    for (size_t i = 0; i < n->count; i++) {
        struct json *p;

        if (n->parts[i]->kind == NODE_OMITTED)
            continue;
        p = json_new(a, JSON_OBJECT);
        json_add_z(a, p, "key",
                   n->kind == NODE_CALL ? expr_function_key(n->function, i, n->count) : "source");
        json_add(a, p, STR("value"), source_json(a, n->parts[i]));
        json_append(parameters, p);
    }
    json_add(a, o, STR("parameters"), parameters);
    return o;
}

struct json *expr_to_json(struct arena *a, const struct expr *e)
{
    return source_json(a, e->root);
}

/* Recursive descent over the grammar of expressions.md section 2. Only calls nest, so the depth of
 * calls is the depth of the recursion. */
#include "base/unicode.h"
#include "expr/lexer.h"

struct parser {
    struct lexer lexer;
    struct token token; /* the one not yet taken */
    struct expr_error *err;
    struct arena *arena;
    size_t depth;
};

static bool advance(struct parser *p)
{
    return lexer_next(&p->lexer, &p->token, p->err);
}

static bool unexpected(struct parser *p, const char *expected)
{
    if (p->token.kind == TOKEN_END) {
        return expr_fail(p->err, EXPR_PARSE, p->token.offset,
                         "expected %s, but the expression ends here", expected);
    }
    return expr_fail(p->err, EXPR_PARSE, p->token.offset, "expected %s, found '%.*s'", expected,
                     STR_ARG(str_sub(p->token.source, 0, 60)));
}

static struct node *node_new(struct parser *p, enum node_kind kind)
{
    struct node *n = ARENA_NEW(p->arena, struct node);

    n->kind = kind;
    n->offset = p->token.offset;
    return n;
}

/* The parts of a call or concatenation, which are as many as there are. */
struct parts {
    struct node **items;
    size_t count;
    size_t cap;
};

static void parts_add(struct parser *p, struct parts *parts, struct node *n)
{
    if (parts->count == parts->cap) {
        size_t cap = parts->cap ? parts->cap * 2 : 4;
        struct node **items = ARENA_ARRAY(p->arena, struct node *, cap);

        for (size_t i = 0; i < parts->count; i++)
            items[i] = parts->items[i];
        parts->items = items;
        parts->cap = cap;
    }
    parts->items[parts->count++] = n;
}

static bool parse_comparison(struct parser *p, struct node **out);

static bool parse_argument(struct parser *p, struct node **out)
{
    if (p->token.kind != TOKEN_COMMA && p->token.kind != TOKEN_CLOSE)
        return parse_comparison(p, out);
    *out = node_new(p, NODE_OMITTED);
    return true;
}

/* Behind the opening parenthesis. F() has no arguments; every comma adds a position. */
static bool parse_arguments(struct parser *p, struct node *call)
{
    struct parts parts = {0};
    struct node *argument;

    if (p->token.kind == TOKEN_CLOSE)
        return advance(p);
    for (;;) {
        if (!parse_argument(p, &argument))
            return false;
        parts_add(p, &parts, argument);
        if (p->token.kind != TOKEN_COMMA)
            break;
        if (!advance(p))
            return false;
    }
    if (p->token.kind != TOKEN_CLOSE)
        return unexpected(p, "',' or ')'");
    call->parts = parts.items;
    call->count = parts.count;
    return advance(p);
}

static const struct {
    struct str name;
    struct expr_value value;
} bare_constants[] = {
    {STR_INIT("IgnoreAttributeFlow"), {.type = EXPR_IGNORE}},
    {STR_INIT("IgnoreObjectFlow"), {.type = EXPR_IGNORE_OBJECT}},
    {STR_INIT("True"), {.type = EXPR_BOOLEAN, {.boolean = true}}},
    {STR_INIT("False"), {.type = EXPR_BOOLEAN, {.boolean = false}}},
    {STR_INIT("NULL"), {.type = EXPR_NULL}},
    {STR_INIT("vbTextCompare"), {.type = EXPR_STRING, {.text = STR_INIT("vbTextCompare")}}},
    {STR_INIT("vbBinaryCompare"), {.type = EXPR_STRING, {.text = STR_INIT("vbBinaryCompare")}}},
    {STR_INIT("UTF8"), {.type = EXPR_STRING, {.text = STR_INIT("UTF8")}}},
    {STR_INIT("Unicode"), {.type = EXPR_STRING, {.text = STR_INIT("Unicode")}}},
    {STR_INIT("ASCII"), {.type = EXPR_STRING, {.text = STR_INIT("ASCII")}}},
    {STR_INIT("CaseSensitive"), {.type = EXPR_STRING, {.text = STR_INIT("CaseSensitive")}}},
    {STR_INIT("CaseInsensitive"), {.type = EXPR_STRING, {.text = STR_INIT("CaseInsensitive")}}},
};

static bool bare_constant(struct str name, struct expr_value *out)
{
    for (size_t i = 0; i < ARRAY_LEN(bare_constants); i++) {
        if (str_eq(bare_constants[i].name, name)) {
            *out = bare_constants[i].value;
            return true;
        }
    }
    return false;
}

static bool parse_identifier(struct parser *p, struct node **out)
{
    struct node *n = node_new(p, NODE_NAME);
    bool ok;

    n->text = p->token.text;
    if (!advance(p))
        return false;
    if (p->token.kind != TOKEN_OPEN) {
        *out = n;
        if (bare_constant(n->text, &n->value))
            return true;
        return expr_fail(
            p->err, EXPR_PARSE, n->offset,
            "'%.*s' is neither a function (a '(' is missing behind it) nor a constant; "
            "attributes stand in brackets and texts in quotes",
            STR_ARG(str_sub(n->text, 0, 60)));
    }
    n->kind = NODE_CALL;
    if (p->depth == EXPR_MAX_DEPTH) {
        return expr_fail(p->err, EXPR_PARSE, n->offset, "calls are nested more than %d deep",
                         EXPR_MAX_DEPTH);
    }
    p->depth++;
    ok = advance(p) && parse_arguments(p, n);
    p->depth--;
    *out = n;
    return ok;
}

static bool parse_primary(struct parser *p, struct node **out)
{
    const struct token *t = &p->token;
    struct node *n;

    switch (t->kind) {
    case TOKEN_STRING:
        n = node_new(p, NODE_STRING);
        n->text = t->text;
        n->value = (struct expr_value){.type = EXPR_STRING, {.text = t->text}};
        break;
    case TOKEN_INTEGER:
        n = node_new(p, NODE_INTEGER);
        n->text = arena_printf(p->arena, "%lld", (long long)t->integer);
        n->value = (struct expr_value){.type = EXPR_INTEGER, {.integer = t->integer}};
        break;
    case TOKEN_DOUBLE:
        n = node_new(p, NODE_DOUBLE);
        n->text = t->text;
        n->value = (struct expr_value){.type = EXPR_DOUBLE, {.number = t->number}};
        break;
    case TOKEN_ATTRIBUTE:
        n = node_new(p, NODE_ATTRIBUTE);
        n->text = t->text;
        break;
    case TOKEN_IDENTIFIER:
        return parse_identifier(p, out);
    case TOKEN_END:
    case TOKEN_RELOP:
    case TOKEN_CONCAT:
    case TOKEN_OPEN:
    case TOKEN_CLOSE:
    case TOKEN_COMMA:
    default:
        return unexpected(p, "a function, an [attribute], a \"text\" or a number");
    }
    *out = n;
    return advance(p);
}

static bool parse_concat(struct parser *p, struct node **out)
{
    struct parts parts = {0};
    struct node *n;

    if (!parse_primary(p, &n))
        return false;
    *out = n;
    if (p->token.kind != TOKEN_CONCAT)
        return true;
    parts_add(p, &parts, n);
    *out = node_new(p, NODE_CONCAT);
    (*out)->offset = n->offset;
    while (p->token.kind == TOKEN_CONCAT) {
        if (!advance(p) || !parse_primary(p, &n))
            return false;
        parts_add(p, &parts, n);
    }
    (*out)->parts = parts.items;
    (*out)->count = parts.count;
    return true;
}

static bool parse_comparison(struct parser *p, struct node **out)
{
    struct node *left;
    struct node *n;

    if (!parse_concat(p, &left))
        return false;
    *out = left;
    if (p->token.kind != TOKEN_RELOP)
        return true;
    n = node_new(p, NODE_COMPARE);
    n->offset = left->offset;
    n->relop = p->token.relop;
    n->count = 2;
    n->parts = ARENA_ARRAY(p->arena, struct node *, 2);
    n->parts[0] = left;
    if (!advance(p) || !parse_concat(p, &n->parts[1]))
        return false;
    if (p->token.kind == TOKEN_RELOP)
        return unexpected(p, "one comparison at most (nest IIF for more)");
    *out = n;
    return true;
}

bool expr_parse(struct arena *a, struct str text, struct node **out, struct expr_error *err)
{
    struct parser p = {.lexer = {.arena = a, .text = text}, .err = err, .arena = a};
    size_t bad;

    if (text.len > (size_t)EXPR_MAX_CHARACTERS * 4) {
        return expr_fail(err, EXPR_TOO_LONG, 0, "the expression has more than %d characters",
                         EXPR_MAX_CHARACTERS);
    }
    if (!utf8_valid(text, &bad))
        return expr_fail(err, EXPR_PARSE, bad, "the expression is not valid UTF-8 here");
    if (utf8_length(text) > EXPR_MAX_CHARACTERS) {
        return expr_fail(err, EXPR_TOO_LONG, 0, "the expression has more than %d characters",
                         EXPR_MAX_CHARACTERS);
    }
    if (!advance(&p) || !parse_comparison(&p, out))
        return false;
    if (p.token.kind != TOKEN_END)
        return unexpected(&p, "the end of the expression");
    return true;
}

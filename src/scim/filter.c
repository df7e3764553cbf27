#include "scim/filter.h"

#include "scim/filter_parse.h"
#include "scim/lex.h"

struct parser {
    struct arena *arena;
    struct str whole; /* what the user sent, for places */
    size_t base;      /* offset of the lexer's text in it */
    struct scim_lexer lexer;
    struct scim_token token; /* the one being looked at */
    size_t nodes;
    size_t depth;
    bool inner; /* between brackets: names are sub-attributes */
    struct err *err;
};

static const struct {
    struct str word;
    enum scim_filter_op op;
} operators[] = {
    {STR_INIT("eq"), SCIM_EQ}, {STR_INIT("ne"), SCIM_NE}, {STR_INIT("co"), SCIM_CO},
    {STR_INIT("sw"), SCIM_SW}, {STR_INIT("ew"), SCIM_EW}, {STR_INIT("gt"), SCIM_GT},
    {STR_INIT("ge"), SCIM_GE}, {STR_INIT("lt"), SCIM_LT}, {STR_INIT("le"), SCIM_LE},
    {STR_INIT("pr"), SCIM_PR},
};

static bool parse_or(struct parser *p, struct scim_filter **out);

static bool fail(struct parser *p, const char *why)
{
    if (p->token.kind == SCIM_TOKEN_END) {
        err_fill(p->err, ERR_INVALID, "invalidFilter", "%s, but the filter ends", why);
    } else {
        err_fill(p->err, ERR_INVALID, "invalidFilter", "%s at '%.*s'", why,
                 STR_ARG(str_sub(p->token.source, 0, 60)));
    }
    return err_at(p->err, "character %zu", scim_character(p->whole, p->base + p->token.at));
}

static void advance(struct parser *p)
{
    p->token = scim_lex(&p->lexer);
}

static bool is_word(const struct parser *p, struct str word)
{
    return p->token.kind == SCIM_TOKEN_WORD && str_eq_ascii_nocase(p->token.source, word);
}

static bool new_node(struct parser *p, enum scim_filter_op op, struct scim_filter **out)
{
    if (op > SCIM_NOT && ++p->nodes > SCIM_FILTER_MAX_NODES)
        return fail(p, "the filter has more than 500 comparisons");
    *out = ARENA_NEW(p->arena, struct scim_filter);
    (*out)->op = op;
    return true;
}

static bool enter(struct parser *p)
{
    if (++p->depth > SCIM_FILTER_MAX_DEPTH)
        return fail(p, "the filter is nested deeper than 32");
    return true;
}

/* A JSON literal, or any other word as text; booleans keep how they were written in `text`. */
static struct json *word_value(struct arena *a, struct str word)
{
    bool is_true = str_eq_ascii_nocase(word, STR("true"));
    struct json *value;

    if (str_eq_ascii_nocase(word, STR("null")))
        return json_null(a);
    if (is_true || str_eq_ascii_nocase(word, STR("false"))) {
        value = json_bool(a, is_true);
        value->text = arena_str(a, word);
        return value;
    }
    if ((ascii_is_digit(word.ptr[0]) || word.ptr[0] == '-') &&
        json_parse(a, word, NULL, &value, NULL, NULL) && value->type == JSON_NUMBER)
        return value;
    return json_string(a, word);
}

static bool parse_value(struct parser *p, struct scim_filter *node)
{
    struct str text;

    if (p->token.kind == SCIM_TOKEN_STRING) {
        if (!scim_token_text(p->arena, &p->token, &text))
            return fail(p, "the text has an escape that is not JSON");
        node->value = json_string(p->arena, text);
        node->bare = str_starts(p->token.source, STR("'"));
    } else if (p->token.kind == SCIM_TOKEN_WORD) {
        node->value = word_value(p->arena, p->token.source);
        node->bare = node->value->type == JSON_STRING;
    } else {
        return fail(p, p->token.kind == SCIM_TOKEN_BAD ? "the text has no closing quote"
                                                       : "a value to compare with is missing");
    }
    advance(p);
    return true;
}

/* `op value` or `pr` behind the path of node. */
static bool parse_comparison(struct parser *p, struct scim_filter *node)
{
    for (size_t i = 0; i < ARRAY_LEN(operators); i++) {
        if (is_word(p, operators[i].word)) {
            node->op = operators[i].op;
            advance(p);
            return node->op == SCIM_PR || parse_value(p, node);
        }
    }
    return fail(p, "expected an operator (eq, ne, co, sw, ew, gt, ge, lt, le, pr)");
}

/* "[filter]" and what may follow it; the current token is the bracket. */
static bool parse_value_path(struct parser *p, struct scim_filter *node)
{
    struct scim_filter *inner;
    size_t from = p->lexer.at;
    size_t behind;

    if (p->inner || !str_empty(node->path.sub) || str_empty(node->path.attribute))
        return fail(p, "a value filter is not possible here");
    if (!enter(p))
        return false;
    advance(p);
    p->inner = true;
    if (!parse_or(p, &inner))
        return false;
    p->inner = false;
    p->depth--;
    if (p->token.kind != SCIM_TOKEN_RIGHT)
        return fail(p, "expected ']'");
    node->path.filter = inner;
    node->path.filter_text = str_sub(p->lexer.text, from, p->token.at - from);
    node->left = inner;
    behind = p->lexer.at;
    advance(p);
    if (p->token.kind != SCIM_TOKEN_WORD || p->token.at != behind || p->token.source.ptr[0] != '.')
        return true;
    node->path.sub = str_from(p->token.source, 1);
    if (!scim_name_valid(node->path.sub))
        return fail(p, "not a sub-attribute");
    node->left = NULL;
    advance(p);
    return parse_comparison(p, node);
}

static bool parse_attribute(struct parser *p, struct scim_filter **out)
{
    if (p->token.kind != SCIM_TOKEN_WORD)
        return fail(p, "expected an attribute, 'not' or '('");
    if (!new_node(p, SCIM_VALUE_PATH, out))
        return false;
    if (!scim_path_split(p->token.source, &(*out)->path))
        return fail(p, "not an attribute name");
    advance(p);
    if (p->token.kind == SCIM_TOKEN_LEFT)
        return parse_value_path(p, *out);
    return parse_comparison(p, *out);
}

static bool parse_group(struct parser *p, struct scim_filter **out)
{
    if (!enter(p))
        return false;
    advance(p);
    if (!parse_or(p, out))
        return false;
    p->depth--;
    if (p->token.kind != SCIM_TOKEN_CLOSE)
        return fail(p, "expected ')'");
    advance(p);
    return true;
}

static bool parse_unit(struct parser *p, struct scim_filter **out)
{
    struct scim_filter *operand;

    if (p->token.kind == SCIM_TOKEN_OPEN)
        return parse_group(p, out);
    if (!is_word(p, STR("not")))
        return parse_attribute(p, out);
    advance(p);
    if (p->token.kind != SCIM_TOKEN_OPEN)
        return fail(p, "expected '(' behind 'not'");
    if (!parse_group(p, &operand) || !new_node(p, SCIM_NOT, out))
        return false;
    (*out)->left = operand;
    return true;
}

/* Operands joined by one operator, from left to right. */
static bool parse_chain(struct parser *p, enum scim_filter_op op,
                        bool (*operand)(struct parser *p, struct scim_filter **out),
                        struct scim_filter **out)
{
    struct scim_filter *left = NULL;
    struct scim_filter *right = NULL;
    struct scim_filter *node = NULL;

    if (!operand(p, &left))
        return false;
    while (is_word(p, op == SCIM_OR ? STR("or") : STR("and"))) {
        advance(p);
        if (!operand(p, &right) || !new_node(p, op, &node))
            return false;
        node->left = left;
        node->right = right;
        left = node;
    }
    *out = left;
    return true;
}

static bool parse_and(struct parser *p, struct scim_filter **out)
{
    return parse_chain(p, SCIM_AND, parse_unit, out);
}

static bool parse_or(struct parser *p, struct scim_filter **out)
{
    return parse_chain(p, SCIM_OR, parse_and, out);
}

static bool parse_all(struct parser *p, const struct scim_filter **out)
{
    struct scim_filter *filter;

    advance(p);
    if (!parse_or(p, &filter))
        return false;
    if (p->token.kind != SCIM_TOKEN_END)
        return fail(p, "expected 'and', 'or' or the end");
    *out = filter;
    return true;
}

bool scim_filter_parse_inner(struct arena *a, struct str whole, size_t at, struct str inner,
                             const struct scim_filter **out, struct err *err)
{
    struct parser p = {.arena = a,
                       .whole = whole,
                       .base = at,
                       .lexer = {inner, 0},
                       .depth = 1,
                       .inner = true,
                       .err = err};

    if (inner.len > SCIM_FILTER_MAX_BYTES) {
        return err_set(err, ERR_INVALID, "invalidFilter", "the filter is longer than %d bytes",
                       SCIM_FILTER_MAX_BYTES);
    }
    return parse_all(&p, out);
}

bool scim_filter_parse(struct arena *a, struct str text, const struct scim_filter **out,
                       struct err *err)
{
    struct parser p = {.arena = a, .lexer = {{0}, 0}, .err = err};

    if (text.len > SCIM_FILTER_MAX_BYTES) {
        return err_set(err, ERR_INVALID, "invalidFilter", "the filter is longer than %d bytes",
                       SCIM_FILTER_MAX_BYTES);
    }
    if (str_empty(str_trim(text))) {
        *out = NULL;
        return true;
    }
    p.whole = p.lexer.text = arena_str(a, text);
    return parse_all(&p, out);
}

static void write_value(struct buf *out, const struct json *value)
{
    if (value->type == JSON_BOOL) {
        buf_add_z(out, value->boolean ? "true" : "false");
    } else {
        json_write(out, value);
    }
}

void scim_filter_write_eq(struct buf *out, struct str path, const struct json *value)
{
    buf_add(out, path);
    buf_add_z(out, " eq ");
    write_value(out, value);
}

static void write_path(struct buf *out, const struct scim_path *path)
{
    buf_add(out, path->urn);
    if (path->urn.len && path->attribute.len)
        buf_add_char(out, ':');
    buf_add(out, path->attribute);
    if (path->filter) {
        buf_add_char(out, '[');
        scim_filter_write(out, path->filter);
        buf_add_char(out, ']');
    }
    if (path->sub.len) {
        buf_add_char(out, '.');
        buf_add(out, path->sub);
    }
}

static void write_operand(struct buf *out, const struct scim_filter *f, bool group)
{
    if (group)
        buf_add_char(out, '(');
    scim_filter_write(out, f);
    if (group)
        buf_add_char(out, ')');
}

void scim_filter_write(struct buf *out, const struct scim_filter *f)
{
    switch (f->op) {
    case SCIM_AND:
        write_operand(out, f->left, f->left->op == SCIM_OR);
        buf_add_z(out, " and ");
        write_operand(out, f->right, f->right->op == SCIM_OR || f->right->op == SCIM_AND);
        return;
    case SCIM_OR:
        write_operand(out, f->left, false);
        buf_add_z(out, " or ");
        write_operand(out, f->right, f->right->op == SCIM_OR);
        return;
    case SCIM_NOT:
        buf_add_z(out, "not ");
        write_operand(out, f->left, true);
        return;
    case SCIM_VALUE_PATH:
        write_path(out, &f->path);
        return;
    case SCIM_PR:
    case SCIM_EQ:
    case SCIM_NE:
    case SCIM_CO:
    case SCIM_SW:
    case SCIM_EW:
    case SCIM_GT:
    case SCIM_GE:
    case SCIM_LT:
    case SCIM_LE:
        write_path(out, &f->path);
        buf_add_char(out, ' ');
        buf_add(out, scim_filter_op_name(f->op));
        if (f->op != SCIM_PR) {
            buf_add_char(out, ' ');
            write_value(out, f->value);
        }
        return;
    }
}

struct str scim_filter_op_name(enum scim_filter_op op)
{
    for (size_t i = 0; i < ARRAY_LEN(operators); i++) {
        if (operators[i].op == op)
            return operators[i].word;
    }
    return op == SCIM_AND ? STR("and") : op == SCIM_OR ? STR("or") : STR("not");
}

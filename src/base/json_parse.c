#include "base/json.h"
#include "base/json_scan.h"
#include "base/unicode.h"

enum {
    DEPTH_DEFAULT = 64,
    DEPTH_MAX = 1000, /* each level is a call: what the stack of any thread bears */
    NODES_FIRST = 8,  /* nodes come from the arena in growing chunks */
    NODES_MOST = 32,
    FEW_MEMBERS = 32, /* up to here duplicate names are looked for without sorting */
};
static const size_t bytes_default = (size_t)16 << 20;
static const size_t values_default = 1000000;

/* The text is copied into the arena once, with zeros behind it, and strings are unescaped where
 * they stand. So the end needs no test of its own (a zero fits nowhere), eight bytes can be looked
 * at at once, and the place of a string in memory gives its offset. */
struct parser {
    struct arena *a;
    char *at;
    char *start;
    char *end;
    size_t skipped; /* bytes of the original before start */
    struct json *nodes;
    size_t nodes_left;
    size_t nodes_chunk;
    size_t values_left;
    size_t depth_left;
    size_t max_depth;
    bool names_ignore_case;
    size_t *out_offset;
    struct err *err;
};

static bool fail_at(struct parser *ps, const char *at, enum err_kind kind, const char *code,
                    const char *message)
{
    size_t offset = (size_t)(at - ps->start) + ps->skipped;

    if (ps->out_offset)
        *ps->out_offset = offset;
    err_fill(ps->err, kind, code, "%s", message);
    return err_at(ps->err, "byte %zu", offset);
}

static bool fail(struct parser *ps, const char *at, const char *message)
{
    return fail_at(ps, at, ERR_INVALID, "invalidJson", message);
}

/* Something else stands where `wanted` should. */
static bool fail_expected(struct parser *ps, const char *wanted)
{
    unsigned char c = (unsigned char)*ps->at;
    char message[128];

    if (ps->at == ps->end) {
        snprintf(message, sizeof(message), "the text ends where %s should follow", wanted);
    } else if (c > 0x20 && c < 0x7F) {
        snprintf(message, sizeof(message), "expected %s, found '%c'", wanted, c);
    } else {
        snprintf(message, sizeof(message), "expected %s, found byte 0x%02X", wanted, c);
    }
    return fail(ps, ps->at, message);
}

static inline void skip_blanks(struct parser *ps)
{
    while (*ps->at == ' ' || *ps->at == '\n' || *ps->at == '\r' || *ps->at == '\t')
        ps->at++;
}

static struct json *new_node(struct parser *ps)
{
    if (ps->values_left == 0) {
        (void)fail_at(ps, ps->at, ERR_LIMIT, "jsonTooLarge",
                      "the JSON document has too many values");
        return NULL;
    }
    ps->values_left--;
    if (ps->nodes_left == 0) {
        ps->nodes = ARENA_ARRAY(ps->a, struct json, ps->nodes_chunk);
        ps->nodes_left = ps->nodes_chunk;
        if (ps->nodes_chunk < NODES_MOST)
            ps->nodes_chunk *= 2;
    }
    ps->nodes_left--;
    return ps->nodes++;
}

/* The first byte that is not plain text; the zeros behind the text end it. */
static inline char *skip_plain(char *p)
{
    size_t n;

    do {
        n = json_plain_of_eight(p);
        p += n;
    } while (n == 8);
    return p;
}

static bool read_hex4(const char *p, uint32_t *out)
{
    uint32_t n = 0;

    for (int i = 0; i < 4; i++) {
        char c = ascii_lower(p[i]);

        if (ascii_is_digit(c)) {
            n = n << 4 | (uint32_t)(c - '0');
        } else if (c >= 'a' && c <= 'f') {
            n = n << 4 | (uint32_t)(c - 'a' + 10);
        } else {
            return false;
        }
    }
    *out = n;
    return true;
}

/* \uXXXX at *p, with its other half where it is a surrogate. */
static bool read_unicode_escape(struct parser *ps, char **p, char **to)
{
    uint32_t c;
    uint32_t low;

    if (!read_hex4(*p + 2, &c))
        return fail(ps, *p, "\\u needs four hexadecimal digits");
    if (c >= 0xD800 && c <= 0xDFFF) {
        if (c >= 0xDC00 || (*p)[6] != '\\' || (*p)[7] != 'u' || !read_hex4(*p + 8, &low) ||
            low < 0xDC00 || low > 0xDFFF)
            return fail(ps, *p, "half of a surrogate pair stands alone");
        c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
        *p += 6;
    }
    *p += 6;
    *to += utf8_put(c, *to);
    return true;
}

static bool read_escape(struct parser *ps, char **p, char **to)
{
    static const char plain[256] = {['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
                                    ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t'};
    unsigned char letter = (unsigned char)(*p)[1];

    if (letter == 'u')
        return read_unicode_escape(ps, p, to);
    if (!plain[letter])
        return fail(ps, *p, *p + 1 == ps->end ? "the text ends inside a string" : "unknown escape");
    *(*to)++ = plain[letter];
    *p += 2;
    return true;
}

/* The string whose quote is at ps->at. Escapes are never shorter than what they stand for, so the
 * text moves towards its own start, and the NUL goes at latest where the closing quote was. */
static bool parse_string(struct parser *ps, struct str *out)
{
    char *first = ps->at + 1;
    char *to = first;
    char *from = first;

    for (;;) {
        char *p = skip_plain(from);
        size_t n;

        if (to != from)
            memmove(to, from, (size_t)(p - from));
        to += p - from;
        from = p;
        if (*p == '"')
            break;
        if (*p == '\\') {
            if (!read_escape(ps, &from, &to))
                return false;
            continue;
        }
        if (p == ps->end)
            return fail(ps, p, "the text ends inside a string");
        if ((unsigned char)*p < 0x20)
            return fail(ps, p, "a control character in a string must be escaped");
        n = utf8_sequence((struct str){p, (size_t)(ps->end - p)}, 0);
        if (n == 0)
            return fail(ps, p, "not valid UTF-8");
        memmove(to, p, n);
        to += n;
        from += n;
    }
    ps->at = from + 1;
    *to = '\0';
    *out = (struct str){first, (size_t)(to - first)};
    return true;
}

static bool skip_digits(struct parser *ps)
{
    char *first = ps->at;

    while (ascii_is_digit(*ps->at))
        ps->at++;
    return ps->at > first || fail_expected(ps, "a digit");
}

static bool parse_number(struct parser *ps, struct str *out)
{
    char *first = ps->at;

    if (*ps->at == '-')
        ps->at++;
    if (*ps->at == '0') {
        ps->at++;
        if (ascii_is_digit(*ps->at))
            return fail(ps, ps->at, "a number may not start with 0");
    } else if (!skip_digits(ps)) {
        return false;
    }
    if (*ps->at == '.') {
        ps->at++;
        if (!skip_digits(ps))
            return false;
    }
    if (*ps->at == 'e' || *ps->at == 'E') {
        ps->at++;
        if (*ps->at == '+' || *ps->at == '-')
            ps->at++;
        if (!skip_digits(ps))
            return false;
    }
    *out = (struct str){first, (size_t)(ps->at - first)};
    return true;
}

static bool parse_word(struct parser *ps, struct str word)
{
    if (!str_starts((struct str){ps->at, (size_t)(ps->end - ps->at)}, word))
        return fail_expected(ps, "a value");
    ps->at += word.len;
    return true;
}

static bool same_name(const struct parser *ps, struct str a, struct str b)
{
    return ps->names_ignore_case ? str_eq_ascii_nocase(a, b) : str_eq(a, b);
}

static bool fail_duplicate(struct parser *ps, const struct json *member)
{
    char message[128];

    snprintf(message, sizeof(message), "the member '%.*s' is there twice",
             (int)(member->name.len < 64 ? member->name.len : 64), member->name.ptr);
    return fail(ps, member->name.ptr - 1, message);
}

/* A bit for length and last character: where the bit is new, so is the name. */
static bool check_few_names(struct parser *ps, const struct json *object)
{
    uint64_t seen = 0;

    JSON_EACH(member, object)
    {
        struct str name = member->name;
        size_t key = name.len ? name.len * 5 + ((unsigned char)name.ptr[name.len - 1] | 0x20u) : 0;
        uint64_t bit = UINT64_C(1) << (key & 63);

        if (seen & bit) {
            for (const struct json *other = object->first; other != member; other = other->next) {
                if (same_name(ps, other->name, name))
                    return fail_duplicate(ps, member);
            }
        }
        seen |= bit;
    }
    return true;
}

static int compare_exact(const void *a, const void *b)
{
    const struct json *const *x = a;
    const struct json *const *y = b;

    return str_cmp((*x)->name, (*y)->name);
}

static int compare_nocase(const void *a, const void *b)
{
    struct str x = (*(const struct json *const *)a)->name;
    struct str y = (*(const struct json *const *)b)->name;

    for (size_t i = 0; i < x.len && i < y.len; i++) {
        int order = (unsigned char)ascii_lower(x.ptr[i]) - (unsigned char)ascii_lower(y.ptr[i]);

        if (order != 0)
            return order;
    }
    return (x.len > y.len) - (x.len < y.len);
}

/* Sorting, not hashing: names that someone chose to collide cost no more than others. */
static bool check_many_names(struct parser *ps, const struct json *object)
{
    const struct json **members = mem_alloc(object->count * sizeof(const struct json *));
    const struct json *twice = NULL; /* the first in the text that was there before */
    size_t n = 0;

    JSON_EACH(member, object)
    {
        members[n++] = member;
    }
    qsort(members, n, sizeof(const struct json *),
          ps->names_ignore_case ? compare_nocase : compare_exact);
    for (size_t i = 1; i < n; i++) {
        const struct json *x = members[i - 1];
        const struct json *y = members[i];

        if (same_name(ps, x->name, y->name)) {
            const struct json *later = x->name.ptr > y->name.ptr ? x : y;

            if (!twice || later->name.ptr < twice->name.ptr)
                twice = later;
        }
    }
    free(members);
    return twice ? fail_duplicate(ps, twice) : true;
}

static bool check_names(struct parser *ps, const struct json *object)
{
    return object->count <= FEW_MEMBERS ? check_few_names(ps, object)
                                        : check_many_names(ps, object);
}

static struct json *parse_value(struct parser *ps);

static bool parse_member(struct parser *ps, struct json *object)
{
    struct json *v;
    struct str name;

    skip_blanks(ps);
    if (*ps->at != '"')
        return fail_expected(ps, "a member name in quotes");
    if (!parse_string(ps, &name))
        return false;
    skip_blanks(ps);
    if (*ps->at != ':')
        return fail_expected(ps, "':'");
    ps->at++;
    v = parse_value(ps);
    if (!v)
        return false;
    v->name = name;
    json_append(object, v);
    return true;
}

static bool parse_element(struct parser *ps, struct json *array)
{
    struct json *v = parse_value(ps);

    if (!v)
        return false;
    json_append(array, v);
    return true;
}

/* What stands between the brackets of v, and the closing one. */
static bool parse_elements(struct parser *ps, struct json *v, char close)
{
    bool (*parse_one)(struct parser *, struct json *) =
        v->type == JSON_OBJECT ? parse_member : parse_element;

    if (ps->depth_left == 0) {
        char message[96];

        snprintf(message, sizeof(message), "the JSON document is nested deeper than %zu levels",
                 ps->max_depth);
        return fail_at(ps, ps->at, ERR_LIMIT, "jsonTooDeep", message);
    }
    ps->depth_left--;
    ps->at++;
    skip_blanks(ps);
    while (*ps->at != close) {
        if (!parse_one(ps, v))
            return false;
        skip_blanks(ps);
        if (*ps->at == close)
            break;
        if (*ps->at != ',')
            return fail_expected(ps, v->type == JSON_OBJECT ? "',' or '}'" : "',' or ']'");
        ps->at++;
        skip_blanks(ps);
        if (*ps->at == close) {
            return fail_expected(ps,
                                 v->type == JSON_OBJECT ? "a member name in quotes" : "a value");
        }
    }
    ps->at++;
    ps->depth_left++;
    return v->type != JSON_OBJECT || check_names(ps, v);
}

static bool fill_value(struct parser *ps, struct json *v)
{
    switch (*ps->at) {
    case '"':
        v->type = JSON_STRING;
        return parse_string(ps, &v->text);
    case '{':
        v->type = JSON_OBJECT;
        return parse_elements(ps, v, '}');
    case '[':
        v->type = JSON_ARRAY;
        return parse_elements(ps, v, ']');
    case 't':
        v->type = JSON_BOOL;
        v->boolean = true;
        return parse_word(ps, STR("true"));
    case 'f':
        v->type = JSON_BOOL;
        return parse_word(ps, STR("false"));
    case 'n':
        v->type = JSON_NULL;
        return parse_word(ps, STR("null"));
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9':
        v->type = JSON_NUMBER;
        return parse_number(ps, &v->text);
    default:
        return fail_expected(ps, "a value");
    }
}

/* NULL on failure. */
static struct json *parse_value(struct parser *ps)
{
    struct json *v;

    skip_blanks(ps);
    v = new_node(ps);
    return v && fill_value(ps, v) ? v : NULL;
}

static void copy_text(struct parser *ps, struct str text)
{
    if (str_starts(text, STR("\xEF\xBB\xBF"))) {
        text = str_from(text, 3);
        ps->skipped = 3;
    }
    ps->start = arena_alloc(ps->a, text.len + 2 * sizeof(uint64_t));
    if (text.len > 0)
        memcpy(ps->start, text.ptr, text.len);
    ps->at = ps->start;
    ps->end = ps->start + text.len;
}

bool json_parse(struct arena *a, struct str text, const struct json_limits *limits,
                struct json **out, size_t *out_offset, struct err *err)
{
    static const struct json_limits none = {0};
    const struct json_limits *l = limits ? limits : &none;
    size_t max_bytes = l->max_bytes ? l->max_bytes : bytes_default;
    size_t max_depth = l->max_depth ? l->max_depth : DEPTH_DEFAULT;
    struct parser ps = {
        .a = a,
        .nodes_chunk = NODES_FIRST,
        .values_left = l->max_values ? l->max_values : values_default,
        .max_depth = max_depth < DEPTH_MAX ? max_depth : DEPTH_MAX,
        .names_ignore_case = l->names_ignore_case,
        .out_offset = out_offset,
        .err = err,
    };
    struct json *v;

    ps.depth_left = ps.max_depth;
    if (text.len > max_bytes) {
        if (out_offset)
            *out_offset = max_bytes;
        err_fill(err, ERR_LIMIT, "jsonTooLarge", "the JSON document is longer than %zu bytes",
                 max_bytes);
        return err_at(err, "byte %zu", max_bytes);
    }
    copy_text(&ps, text);
    v = parse_value(&ps);
    if (!v)
        return false;
    skip_blanks(&ps);
    if (ps.at != ps.end)
        return fail_expected(&ps, "the end of the document");
    *out = v;
    return true;
}

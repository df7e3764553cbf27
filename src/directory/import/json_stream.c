#include "directory/import/json_stream.h"

enum { CHUNK = 256 << 10, NAME_MAX_BYTES = 100 };

enum state {
    AT_START,
    IN_ARRAY,   /* before an element or the end */
    IN_SECTION, /* the same, in a section of the outer object */
    IN_OBJECT,  /* before a section or the end */
    AT_END,
};

struct json_stream {
    const char *name;
    csv_read *read;
    void *ctx;
    char *data;
    size_t at, end; /* data[at, end) is not yet looked at */
    bool ended;
    int64_t line, column; /* of data[at] */
    enum state state;
    enum source_kind kind;
    bool first; /* nothing has come yet in this array or object */
    bool seen[SOURCE_KIND_COUNT];
    struct buf text; /* of the value that is collected */
};

static const char *const section_names[] = {[SOURCE_USER] = "users", [SOURCE_GROUP] = "groups"};

struct json_stream *json_stream_new(const char *name, csv_read *read, void *ctx)
{
    struct json_stream *s = mem_alloc(sizeof(*s));

    s->name = name;
    s->read = read;
    s->ctx = ctx;
    s->data = mem_alloc(CHUNK);
    s->line = 1;
    s->column = 1;
    buf_init(&s->text, JSON_STREAM_OBJECT_MAX);
    return s;
}

void json_stream_free(struct json_stream *s)
{
    if (!s)
        return;
    buf_done(&s->text);
    free(s->data);
    free(s);
}

void json_stream_freep(struct json_stream **s)
{
    json_stream_free(*s);
    *s = NULL;
}

bool json_stream_has_section(const struct json_stream *s, enum source_kind kind)
{
    return s->seen[kind];
}

static bool place(const struct json_stream *s, int64_t line, int64_t column, struct err *err)
{
    return err_at(err, "%s:%lld:%lld", s->name, (long long)line, (long long)column);
}

static bool fail(const struct json_stream *s, const char *message, struct err *err)
{
    err_fill(err, ERR_INVALID, "invalidJson", "%s", message);
    return place(s, s->line, s->column, err);
}

/* The byte at hand, or -1 at the end of the input. */
static bool peek(struct json_stream *s, int *out, struct err *err)
{
    if (s->at == s->end && !s->ended) {
        size_t n;

        if (!s->read(s->ctx, s->data, CHUNK, &n, err))
            return false;
        s->at = 0;
        s->end = n;
        s->ended = n == 0;
    }
    *out = s->at < s->end ? (unsigned char)s->data[s->at] : -1;
    return true;
}

static void advance(struct json_stream *s)
{
    unsigned char c = (unsigned char)s->data[s->at++];

    if (c == '\n') {
        s->line++;
        s->column = 1;
    } else if ((c & 0xC0) != 0x80) {
        s->column++;
    }
}

static bool skip_blanks(struct json_stream *s, int *out, struct err *err)
{
    for (;;) {
        if (!peek(s, out, err))
            return false;
        if (*out < 0 || !ascii_is_blank((char)*out))
            return true;
        advance(s);
    }
}

/* Collects one value, from its first byte to its last, into s->text: only strings and brackets are
 * looked at, json_parse does the rest. */
static bool collect(struct json_stream *s, struct err *err)
{
    unsigned depth = 0;
    bool in_string = false;
    bool escaped = false;
    int c;

    buf_reset(&s->text);
    do {
        if (!peek(s, &c, err))
            return false;
        if (c < 0)
            return fail(s, "the file ends in the middle: it was cut off", err);
        if (escaped) {
            escaped = false;
        } else if (in_string) {
            escaped = c == '\\';
            in_string = c != '"';
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > JSON_STREAM_DEPTH_MAX) {
                (void)fail(s, "the JSON is nested deeper than 16 levels", err);
                err->kind = ERR_LIMIT;
                err->code = "jsonTooDeep";
                return false;
            }
        } else if (c == '}' || c == ']') {
            depth--;
        }
        if (s->text.len == JSON_STREAM_OBJECT_MAX) {
            (void)fail(s, "one person or group has more than 16 MiB", err);
            err->kind = ERR_LIMIT;
            err->code = "jsonTooLarge";
            return false;
        }
        buf_add_char(&s->text, (char)c);
        advance(s);
    } while (depth > 0 || in_string);
    return true;
}

/* Collects and parses a value that begins with `first`; what it is for says the message. */
static bool read_value(struct json_stream *s, char first, const char *message, struct arena *a,
                       struct json **out, struct err *err)
{
    static const struct json_limits limits = {.max_depth = JSON_STREAM_DEPTH_MAX,
                                              .max_bytes = JSON_STREAM_OBJECT_MAX};
    int64_t line = s->line;
    int64_t column = s->column;
    size_t offset = 0;
    size_t in_line;
    size_t in_column;
    int c;

    if (!peek(s, &c, err))
        return false;
    if (c < 0)
        return fail(s, "the file ends in the middle: it was cut off", err);
    if (c != first)
        return fail(s, message, err);
    if (!collect(s, err))
        return false;
    if (json_parse(a, buf_str(&s->text), &limits, out, &offset, err))
        return true;
    json_line_column(buf_str(&s->text), offset, &in_line, &in_column);
    return place(s, line + (int64_t)in_line - 1,
                 in_line == 1 ? column + (int64_t)in_column - 1 : (int64_t)in_column, err);
}

static bool begin(struct json_stream *s, struct err *err)
{
    int c;

    if (!peek(s, &c, err))
        return false;
    if (s->end >= 3 && memcmp(s->data, "\xEF\xBB\xBF", 3) == 0)
        s->at = 3;
    if (!skip_blanks(s, &c, err))
        return false;
    if (c != '[' && c != '{')
        return fail(s, "expected an array, or an object with \"users\" and \"groups\"", err);
    advance(s);
    s->state = c == '[' ? IN_ARRAY : IN_OBJECT;
    s->first = true;
    return true;
}

/* The comma before the next element, or the closing bracket. *out_close: it was that. */
static bool separator(struct json_stream *s, char close, bool *out_close, struct err *err)
{
    int c;

    if (!skip_blanks(s, &c, err))
        return false;
    *out_close = c == close;
    if (c == close) {
        advance(s);
        return true;
    }
    if (s->first) {
        s->first = false;
        return true;
    }
    if (c < 0)
        return fail(s, "the file ends in the middle: it was cut off", err);
    if (c != ',')
        return fail(s, close == ']' ? "expected ',' or ']'" : "expected ',' or '}'", err);
    advance(s);
    return skip_blanks(s, &c, err);
}

/* "users": [ or "groups": [, or the end of the outer object. */
static bool next_section(struct json_stream *s, struct arena *a, struct err *err)
{
    int64_t line;
    int64_t column;
    struct json *name;
    bool close;
    int c;

    if (!separator(s, '}', &close, err))
        return false;
    if (close) {
        s->state = AT_END;
        return true;
    }
    line = s->line;
    column = s->column;
    if (!read_value(s, '"', "expected \"users\" or \"groups\"", a, &name, err))
        return false;
    s->kind = str_eq_z(name->text, "users") ? SOURCE_USER : SOURCE_GROUP;
    if (!str_eq_z(name->text, section_names[s->kind]) || s->seen[s->kind]) {
        err_fill(err, ERR_INVALID, "unknownSection",
                 s->seen[s->kind] ? "'%.*s' is there twice"
                                  : "expected \"users\" or \"groups\", found \"%.*s\"",
                 STR_ARG(str_sub(name->text, 0, NAME_MAX_BYTES)));
        return place(s, line, column, err);
    }
    s->seen[s->kind] = true;
    if (!skip_blanks(s, &c, err))
        return false;
    if (c != ':')
        return fail(s, "expected ':'", err);
    advance(s);
    if (!skip_blanks(s, &c, err))
        return false;
    if (c != '[')
        return fail(s, "expected an array", err);
    advance(s);
    s->state = IN_SECTION;
    s->first = true;
    return true;
}

/* The next element of an array; *out_item is false at its end. */
static bool next_element(struct json_stream *s, struct arena *a, struct json_stream_item *out,
                         bool *out_item, struct err *err)
{
    bool in_section = s->state == IN_SECTION;
    struct json *object;
    bool close;

    if (!separator(s, ']', &close, err))
        return false;
    *out_item = !close;
    if (close) {
        s->state = in_section ? IN_OBJECT : AT_END;
        s->first = false;
        return true;
    }
    *out = (struct json_stream_item){
        .in_section = in_section, .kind = s->kind, .line = s->line, .column = s->column};
    if (!read_value(s, '{', "expected an object with the attributes of one person or group", a,
                    &object, err))
        return false;
    out->object = object;
    return true;
}

bool json_stream_next(struct json_stream *s, struct arena *a, struct json_stream_item *out,
                      bool *out_item, struct err *err)
{
    int c;

    *out_item = false;
    for (;;) {
        switch (s->state) {
        case AT_START:
            if (!begin(s, err))
                return false;
            break;
        case IN_OBJECT:
            if (!next_section(s, a, err))
                return false;
            break;
        case IN_ARRAY:
        case IN_SECTION:
            if (!next_element(s, a, out, out_item, err))
                return false;
            if (*out_item)
                return true;
            break;
        case AT_END:
            if (!skip_blanks(s, &c, err))
                return false;
            return c < 0 || fail(s, "expected the end of the file", err);
        }
    }
}

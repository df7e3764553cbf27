#include "base/json.h"
#include "base/json_scan.h"
#include "base/unicode.h"

/* The control characters that have an escape of their own. */
static char short_escape(unsigned char c)
{
    switch (c) {
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    case '"':
    case '\\':
        return (char)c;
    default:
        return 0;
    }
}

static void write_escape(struct buf *out, unsigned char c)
{
    char letter = short_escape(c);

    if (letter) {
        buf_add_char(out, '\\');
        buf_add_char(out, letter);
    } else {
        buf_addf(out, "\\u%04x", c);
    }
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* The first byte from `at` that is not plain text. */
static size_t skip_plain(struct str text, size_t at)
{
    while (text.len - at >= 8) {
        size_t n = json_plain_of_eight(text.ptr + at);

        at += n;
        if (n < 8)
            return at;
    }
    if (at == text.len)
        return at;
    if (text.len >= 8 && json_plain_of_eight(text.ptr + text.len - 8) == 8)
        return text.len; /* the last eight, some of them looked at a second time */
    while (at < text.len && is_plain((unsigned char)text.ptr[at]))
        at++;
    return at;
}

/* Copies the text if all of it is plain: the usual case, and the one that counts. Eight bytes are
 * looked at and copied at once; the last ones together with some that were done before. */
static bool copy_plain(char *to, struct str text)
{
    const char *from = text.ptr;
    size_t len = text.len;
    uint32_t head, tail;

    if (len >= 8) {
        for (size_t at = 0; len - at > 8; at += 8) {
            if (json_plain_of_eight(from + at) < 8)
                return false;
            memcpy(to + at, from + at, 8);
        }
        memcpy(to + len - 8, from + len - 8, 8);
        return json_plain_of_eight(from + len - 8) == 8;
    }
    if (len >= 4) {
        memcpy(&head, from, sizeof(head));
        memcpy(&tail, from + len - 4, sizeof(tail));
        memcpy(to, &head, sizeof(head));
        memcpy(to + len - 4, &tail, sizeof(tail));
        return json_plain_of_word((uint64_t)head | (uint64_t)tail << 32) == 8;
    }
    for (size_t i = 0; i < len; i++) {
        if (!is_plain((unsigned char)from[i]))
            return false;
        to[i] = from[i];
    }
    return true;
}

static void write_escaped(struct buf *out, struct str text)
{
    size_t start = 0; /* of what is not yet written */
    size_t at = 0;

    buf_add_char(out, '"');
    while (at < text.len) {
        unsigned char c = (unsigned char)text.ptr[at];
        size_t n = c < 0x80 ? skip_plain(text, at) - at : utf8_sequence(text, at);

        if (n > 0) {
            at += n;
            continue;
        }
        buf_add(out, str_sub(text, start, at - start));
        if (c < 0x80) {
            write_escape(out, c);
        } else {
            buf_add_z(out, "\xEF\xBF\xBD"); /* not UTF-8: what is written is JSON all the same */
        }
        start = ++at;
    }
    buf_add(out, str_from(text, start));
    buf_add_char(out, '"');
}

void json_write_text(struct buf *out, struct str text)
{
    size_t before = out->len;
    char *p = buf_extend(out, text.len + 2);

    if (!p)
        return;
    if (!copy_plain(p + 1, text)) {
        out->len = before;
        write_escaped(out, text);
        return;
    }
    p[0] = '"';
    p[text.len + 1] = '"';
}

/* indent: spaces before the elements of v; SIZE_MAX writes compactly. */
static void write_break(struct buf *out, size_t indent)
{
    if (indent == SIZE_MAX)
        return;
    buf_add_char(out, '\n');
    for (size_t i = 0; i < indent; i++)
        buf_add_char(out, ' ');
}

static void write_value(struct buf *out, const struct json *v, size_t indent);

static void write_elements(struct buf *out, const struct json *v, size_t indent)
{
    bool pretty = indent != SIZE_MAX;
    size_t inner = pretty ? indent + 2 : SIZE_MAX;

    JSON_EACH(child, v)
    {
        if (child != v->first)
            buf_add_char(out, ',');
        write_break(out, inner);
        if (v->type == JSON_OBJECT) {
            json_write_text(out, child->name);
            buf_add(out, pretty ? STR(": ") : STR(":"));
        }
        write_value(out, child, inner);
    }
    if (v->first)
        write_break(out, indent);
}

static void write_value(struct buf *out, const struct json *v, size_t indent)
{
    switch (v->type) {
    case JSON_NULL:
        buf_add(out, STR("null"));
        break;
    case JSON_BOOL:
        buf_add(out, v->boolean ? STR("true") : STR("false"));
        break;
    case JSON_NUMBER:
        buf_add(out, v->text);
        break;
    case JSON_STRING:
        json_write_text(out, v->text);
        break;
    case JSON_ARRAY:
        buf_add_char(out, '[');
        write_elements(out, v, indent);
        buf_add_char(out, ']');
        break;
    case JSON_OBJECT:
        buf_add_char(out, '{');
        write_elements(out, v, indent);
        buf_add_char(out, '}');
        break;
    }
}

void json_write(struct buf *out, const struct json *v)
{
    write_value(out, v, SIZE_MAX);
}

void json_write_pretty(struct buf *out, const struct json *v)
{
    write_value(out, v, 0);
}

struct str json_text(struct arena *a, const struct json *v)
{
    CLEANUP(buf_done) struct buf out;

    buf_init(&out, SIZE_MAX - 1);
    json_write(&out, v);
    return arena_str(a, buf_str(&out));
}

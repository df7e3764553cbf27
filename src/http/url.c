#include "http/client.h"

static bool is_unreserved(char c)
{
    return ascii_is_alpha(c) || ascii_is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

void http_url_encode(struct buf *out, struct str s)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];

        if (is_unreserved(s.ptr[i])) {
            buf_add_char(out, s.ptr[i]);
        } else {
            buf_add(out, (struct str){(char[]){'%', digits[c >> 4], digits[c & 15]}, 3});
        }
    }
}

static int hex_digit(char c)
{
    if (ascii_is_digit(c))
        return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool http_url_decode(struct arena *a, struct str s, bool plus_is_space, struct str *out)
{
    char *text = arena_alloc(a, s.len + 1);
    size_t len = 0;

    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];

        if (c == '%') {
            int high = i + 2 < s.len ? hex_digit(s.ptr[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(s.ptr[i + 2]) : -1;

            if (low < 0)
                return false;
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        text[len++] = c;
    }
    *out = (struct str){text, len};
    return true;
}

static bool bad_url(struct err *err, struct str text, const char *why)
{
    if (text.len > 200)
        text.len = 200;
    return err_set(err, ERR_INVALID, "badUrl", "'%.*s' is not a usable address: %s", STR_ARG(text),
                   why);
}

static bool take_scheme(struct str *rest, struct http_url *u)
{
    size_t at;

    if (!str_find(*rest, STR("://"), &at))
        return false;
    u->scheme = str_sub(*rest, 0, at);
    *rest = str_from(*rest, at + 3);
    if (str_eq_ascii_nocase(u->scheme, STR("https"))) {
        u->port = 443;
    } else if (str_eq_ascii_nocase(u->scheme, STR("http"))) {
        u->port = 80;
    }
    return u->port != 0;
}

/* "host", "host:port", "[::1]:port"; NULL or what is wrong. */
static const char *take_authority(struct str authority, struct http_url *u)
{
    struct str port = {0};
    int64_t number;
    size_t at;

    if (str_find_char(authority, '@', &at))
        return "a user name is not allowed in it";
    if (str_starts(authority, STR("["))) {
        if (!str_find_char(authority, ']', &at))
            return "the ']' is missing";
        u->host = str_sub(authority, 1, at - 1);
        port = str_from(authority, at + 1);
        if (port.len > 0 && port.ptr[0] != ':')
            return "there is something between ']' and the port";
        port = str_from(port, 1);
    } else {
        if (!str_cut(&authority, ':', &u->host))
            authority = (struct str){0};
        port = authority;
    }
    if (str_empty(u->host))
        return "the host is missing";
    if (port.len > 0) {
        if (!ascii_is_digit(port.ptr[0]) || !str_to_int(port, 1, UINT16_MAX, &number))
            return "the port is not a number from 1 to 65535";
        u->port = (uint16_t)number;
    }
    return NULL;
}

bool http_url_parse(struct str text, struct http_url *out, struct err *err)
{
    struct str rest = text;
    struct http_url u = {0};
    size_t end = 0;

    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] <= ' ' || text.ptr[i] == 0x7f || text.ptr[i] == '\\')
            return bad_url(err, text, "it has a blank, a backslash or a control character");
    }
    if (!take_scheme(&rest, &u))
        return bad_url(err, text, "it begins with neither https:// nor http://");
    if (str_find_char(rest, '#', &end))
        return bad_url(err, text, "a fragment ('#') is not allowed in it");
    for (end = 0; end < rest.len && rest.ptr[end] != '/' && rest.ptr[end] != '?'; end++)
        ;
    const char *wrong = take_authority(str_sub(rest, 0, end), &u);
    if (wrong)
        return bad_url(err, text, wrong);
    rest = str_from(rest, end);
    (void)str_cut(&rest, '?', &u.path);
    u.query = rest;
    *out = u;
    return true;
}

#include "base/err.h"

#include "base/unicode.h"

#include <stdarg.h>

static const char *const kind_names[] = {
    [ERR_NONE] = "none",
    [ERR_INVALID] = "invalid",
    [ERR_NOT_FOUND] = "notFound",
    [ERR_CONFLICT] = "conflict",
    [ERR_DENIED] = "denied",
    [ERR_LIMIT] = "limit",
    [ERR_UNAVAILABLE] = "unavailable",
    [ERR_INTERNAL] = "internal",
};
static_assert(ARRAY_LEN(kind_names) == ERR_KIND_COUNT, "every err_kind has a name");

/* Ends text at the last whole character when it was cut in the middle of one. */
static void drop_partial_character(char *text)
{
    size_t len = strlen(text);
    size_t tail = 0; /* continuation bytes at the end */
    size_t want;
    unsigned char lead;

    while (tail < 3 && tail < len && ((unsigned char)text[len - 1 - tail] & 0xC0) == 0x80)
        tail++;
    if (tail == len)
        return;
    lead = (unsigned char)text[len - 1 - tail];
    want = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
    if (tail < want)
        text[len - 1 - tail] = '\0';
}

/* Messages are stored, sent and shown on terminals, and what takes them takes UTF-8 only; an
 * argument may be a name that was cut by bytes, or come from outside. */
static void replace_bad_bytes(char *text)
{
    struct str rest = str_from_z(text);
    size_t at;

    while (!utf8_valid(rest, &at)) {
        text += at;
        *text++ = '?';
        rest = str_from(rest, at + 1);
    }
}

/* Through a buffer of its own, since the arguments may point into the text that is replaced. */
static void format_cut(char *out, size_t size, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
static void format_cut(char *out, size_t size, const char *format, va_list args)
{
    char text[512];
    int n = vsnprintf(text, size, format, args);

    if (n < 0) {
        text[0] = '\0';
    } else if ((size_t)n >= size) {
        drop_partial_character(text);
    }
    replace_bad_bytes(text);
    utf8_blank_controls(text, strlen(text), '\0');
    memcpy(out, text, strlen(text) + 1);
}
static_assert(sizeof(((struct err *)0)->message) <= 512, "a message fits format_cut");

void err_fill(struct err *err, enum err_kind kind, const char *code, const char *format, ...)
{
    va_list args;

    if (!err)
        return;
    va_start(args, format);
    format_cut(err->message, sizeof(err->message), format, args);
    va_end(args);
    err->kind = kind;
    err->code = code;
    err->place[0] = '\0';
}

static void set_message(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);
static void set_message(struct err *err, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    format_cut(err->message, sizeof(err->message), format, args);
    va_end(args);
}

void err_prefix(struct err *err, const char *format, ...)
{
    char prefix[sizeof(err->message)];
    va_list args;

    if (!err)
        return;
    va_start(args, format);
    format_cut(prefix, sizeof(prefix), format, args);
    va_end(args);
    set_message(err, "%s: %s", prefix, err->message);
}

void err_place(struct err *err, const char *format, ...)
{
    va_list args;

    if (!err)
        return;
    va_start(args, format);
    format_cut(err->place, sizeof(err->place), format, args);
    va_end(args);
}

const char *err_kind_name(enum err_kind kind)
{
    return (unsigned)kind < ARRAY_LEN(kind_names) ? kind_names[kind] : "internal";
}

/* FormatDateTime (expressions.md 7.5). */
#include "expr/function.h"
#include "expr/net_format.h"

/* The positions of a call with three or with four arguments. */
struct format_call {
    size_t styles; /* SIZE_MAX: there is no such position */
    size_t input, output;
};

static bool read_styles(struct call *c, const struct format_call *f, struct net_styles *out)
{
    bool given = f->styles != SIZE_MAX && call_given(c, f->styles);
    const char *why;

    if (net_styles_read(given ? str_trim(c->args[f->styles].text) : STR(""), out, &why))
        return true;
    return call_fail(c, EXPR_INVALID_ARGUMENT, f->styles, "dateTimeStyles: %s", why);
}

static bool check_format(struct call *c, size_t i)
{
    const char *why;

    if (net_format_valid(c->args[i].text, &why))
        return true;
    return call_fail(c, EXPR_INVALID_ARGUMENT, i, "'%.*s' is no date format: %s",
                     STR_ARG(str_sub(c->args[i].text, 0, 60)), why);
}

/* Without an input format: a date, or text that CDate reads. */
static bool read_date(struct call *c, struct net_date *out)
{
    struct str text;

    out->zone = NET_ZONE_UTC;
    if (value_to_date(&c->args[0], &out->ticks))
        return true;
    if (!call_text(c, 0, &c->args[0], &text))
        return false;
    return call_fail(c, EXPR_DATE_PARSE, 0, "'%.*s' is not a date", STR_ARG(str_sub(text, 0, 60)));
}

static bool read_formatted(struct call *c, const struct format_call *f,
                           const struct net_styles *styles, struct net_date *out)
{
    struct str format = c->args[f->input].text;
    struct str text;

    if (!check_format(c, f->input) || !call_text(c, 0, &c->args[0], &text))
        return false;
    if (net_date_read(text, format, styles, value_ticks_from_us(c->evaluation->context->now_us),
                      out))
        return true;
    return call_fail(c, EXPR_DATE_PARSE, 0, "'%.*s' is not a date of the form '%.*s'",
                     STR_ARG(str_sub(text, 0, 60)), STR_ARG(str_sub(format, 0, 60)));
}

bool fn_format_date(struct call *c, struct expr_value *out)
{
    struct format_call f = {c->count == 4 ? 1 : SIZE_MAX, c->count - 2, c->count - 1};
    CLEANUP(buf_done) struct buf text = {0};
    struct net_styles styles;
    struct net_date date;
    char *kept;

    if (!read_styles(c, &f, &styles) || !check_format(c, f.output))
        return false;
    if (call_given(c, f.input) ? !read_formatted(c, &f, &styles, &date) : !read_date(c, &date))
        return false;
    buf_init(&text, EXPR_MAX_TEXT);
    net_date_write(&text, c->args[f.output].text, &date);
    kept = call_alloc(c, text.overflowed ? (size_t)EXPR_MAX_TEXT + 1 : text.len);
    if (!kept)
        return false;
    if (text.len > 0)
        memcpy(kept, text.ptr, text.len);
    return give_text(out, (struct str){kept, text.len});
}

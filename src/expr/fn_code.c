/* Encodings and random text (expressions.md 5). */
#include "base/unicode.h"
#include "expr/function.h"

#include <sodium.h>
#include <unistr.h>

bool fn_to_base64(struct call *c, struct expr_value *out)
{
    struct str s = c->args[0].text;
    char *bytes = call_alloc(c, s.len * 2); /* no character has more than twice its UTF-8 bytes */
    size_t n = 0;
    char *text;
    size_t size;

    if (!bytes)
        return false;
    for (size_t i = 0; i < s.len;) {
        uint16_t units[2];
        ucs4_t letter = utf8_next(s, &i);
        int count = u16_uctomb(units, letter, 2);

        for (int k = 0; k < count; k++) {
            bytes[n++] = (char)(units[k] & 0xFF);
            bytes[n++] = (char)(units[k] >> 8);
        }
    }
    size = sodium_base64_encoded_len(n, sodium_base64_VARIANT_ORIGINAL);
    text = call_alloc(c, size);
    if (!text)
        return false;
    sodium_bin2base64(text, size, (const unsigned char *)bytes, n, sodium_base64_VARIANT_ORIGINAL);
    return give_text(out, (struct str){text, size - 1});
}

/* UTF-16LE bytes as text; false for half pairs and odd lengths. */
static bool from_utf16(struct call *c, struct str bytes, struct str *out)
{
    char *text = call_alloc(c, bytes.len * 2);
    uint16_t *units = (uint16_t *)(void *)call_alloc(c, bytes.len + 2);
    size_t count = bytes.len / 2;
    size_t n = 0;

    if (!text || !units)
        return false;
    for (size_t i = 0; i < count; i++) {
        units[i] =
            (uint16_t)((unsigned char)bytes.ptr[2 * i] | (unsigned char)bytes.ptr[2 * i + 1] << 8);
    }
    if (bytes.len % 2 != 0 || u16_check(units, count))
        return call_fail(c, EXPR_INVALID_ARGUMENT, 0, "the bytes are not UTF-16 text");
    for (size_t i = 0; i < count;) {
        ucs4_t letter;

        i += (size_t)u16_mbtouc(&letter, units + i, count - i);
        n += utf8_put(letter, text + n);
    }
    *out = (struct str){text, n};
    return true;
}

static bool from_bytes(struct call *c, struct str bytes, bool ascii, struct expr_value *out)
{
    for (size_t i = 0; ascii && i < bytes.len; i++) {
        if ((unsigned char)bytes.ptr[i] >= 0x80)
            return call_fail(c, EXPR_INVALID_ARGUMENT, 0, "the bytes are not ASCII text");
    }
    if (!utf8_valid(bytes, NULL))
        return call_fail(c, EXPR_INVALID_ARGUMENT, 0, "the bytes are not UTF-8 text");
    return give_text(out, bytes);
}

bool fn_from_base64(struct call *c, struct expr_value *out)
{
    struct str encoding = call_given(c, 1) ? c->args[1].text : STR("Unicode");
    struct str s = c->args[0].text;
    char *bytes = call_alloc(c, s.len);
    size_t n;
    struct str text;

    if (!bytes)
        return false;
    if (sodium_base642bin((unsigned char *)bytes, s.len, s.ptr, s.len, NULL, &n, NULL,
                          sodium_base64_VARIANT_ORIGINAL) != 0)
        return call_fail(c, EXPR_INVALID_ARGUMENT, 0, "the text is not base64");
    text = (struct str){bytes, n};
    if (str_eq_z(encoding, "Unicode"))
        return from_utf16(c, text, &text) && give_text(out, text);
    if (str_eq_z(encoding, "UTF8") || str_eq_z(encoding, "ASCII"))
        return from_bytes(c, text, str_eq_z(encoding, "ASCII"), out);
    return call_fail(c, EXPR_INVALID_ARGUMENT, 1, "the encoding is Unicode, UTF8 or ASCII");
}

bool fn_to_utf8_hex(struct call *c, struct expr_value *out)
{
    static const char digits[] = "0123456789ABCDEF";
    struct str s = c->args[0].text;
    char *text = call_alloc(c, s.len * 2);

    if (!text)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        text[2 * i] = digits[(unsigned char)s.ptr[i] >> 4];
        text[2 * i + 1] = digits[(unsigned char)s.ptr[i] & 0xF];
    }
    return give_text(out, (struct str){text, s.len * 2});
}

bool fn_from_utf8_hex(struct call *c, struct expr_value *out)
{
    struct str s = c->args[0].text;
    char *bytes = call_alloc(c, s.len);
    size_t n;

    if (!bytes)
        return false;
    if (s.len % 2 != 0 ||
        sodium_hex2bin((unsigned char *)bytes, s.len, s.ptr, s.len, NULL, &n, NULL) != 0)
        return call_fail(c, EXPR_INVALID_ARGUMENT, 0, "the text is not hexadecimal");
    return from_bytes(c, (struct str){bytes, n}, false, out);
}

enum { RANDOM_MAX = 256, CLASSES = 4, CLASS_MAX = 40 };

struct random_classes {
    char letters[CLASSES * CLASS_MAX]; /* of all classes, one after the other */
    size_t starts[CLASSES + 1];
};

static void fill_classes(struct random_classes *r, struct str avoid)
{
    static const struct str classes[CLASSES] = {
        STR_INIT("0123456789"),
        STR_INIT("~!@#$%^&*_-+=`|\\(){}[]:;\"'<>,.?/"),
        STR_INIT("ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
        STR_INIT("abcdefghijklmnopqrstuvwxyz"),
    };
    size_t n = 0;

    for (size_t k = 0; k < CLASSES; k++) {
        r->starts[k] = n;
        for (size_t i = 0; i < classes[k].len; i++) {
            size_t at;

            if (!str_find_char(avoid, classes[k].ptr[i], &at))
                r->letters[n++] = classes[k].ptr[i];
        }
    }
    r->starts[CLASSES] = n;
}

static bool check_counts(struct call *c)
{
    for (size_t i = 0; i <= CLASSES; i++) {
        if (value_is_null(&c->args[i]) || c->args[i].integer < 0 ||
            c->args[i].integer > RANDOM_MAX) {
            return call_fail(c, EXPR_INVALID_ARGUMENT, i, "the numbers of RandomString are 0 to %d",
                             RANDOM_MAX);
        }
    }
    if (c->evaluation->context->rng)
        return true;
    return call_fail(c, EXPR_INVALID_ARGUMENT, 0, "no random numbers are available here");
}

static bool check_random(struct call *c, const struct random_classes *r)
{
    int64_t length = c->args[0].integer;
    int64_t sum = 0;

    for (size_t k = 0; k < CLASSES; k++) {
        sum += c->args[k + 1].integer;
        if (c->args[k + 1].integer > 0 && r->starts[k + 1] == r->starts[k]) {
            return call_fail(c, EXPR_INVALID_ARGUMENT, k + 1,
                             "no characters of this kind are left to choose from");
        }
    }
    if (length >= 1 && length >= sum && (length == sum || r->starts[CLASSES] > 0))
        return true;
    return call_fail(c, EXPR_INVALID_ARGUMENT, 0,
                     "the length is 1 to %d and not less than the minimums together", RANDOM_MAX);
}

static char pick(struct rng *rng, const struct random_classes *r, size_t from, size_t to)
{
    return r->letters[from + rng_below(rng, to - from)];
}

bool fn_random_string(struct call *c, struct expr_value *out)
{
    struct rng *rng = c->evaluation->context->rng;
    struct random_classes r;
    size_t length;
    size_t n = 0;
    char *text;

    fill_classes(&r, c->args[CLASSES + 1].text);
    if (!check_counts(c) || !check_random(c, &r))
        return false;
    length = (size_t)c->args[0].integer;
    text = call_alloc(c, length);
    if (!text)
        return false;
    for (size_t k = 0; k < CLASSES; k++) {
        for (int64_t i = 0; i < c->args[k + 1].integer; i++)
            text[n++] = pick(rng, &r, r.starts[k], r.starts[k + 1]);
    }
    while (n < length)
        text[n++] = pick(rng, &r, 0, r.starts[CLASSES]);
    for (size_t i = length; i > 1; i--) { /* Fisher and Yates */
        size_t k = rng_below(rng, i);
        char swapped = text[i - 1];

        text[i - 1] = text[k];
        text[k] = swapped;
    }
    return give_text(out, (struct str){text, length});
}

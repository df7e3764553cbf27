#include "notify/address.h"

#include <string.h>

enum { LOCAL_MAX = 64, LABEL_MAX = 63 };

static bool is_alnum(char c)
{
    return ascii_is_alpha(c) || ascii_is_digit(c);
}

/* atext of RFC 5322, 3.2.3 */
static bool is_atom(char c)
{
    return is_alnum(c) || (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

/* dot-atom: atoms with single dots between */
static bool local_valid(struct str s)
{
    if (s.len == 0 || s.len > LOCAL_MAX)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        bool edge = i == 0 || i + 1 == s.len;

        if (s.ptr[i] == '.' ? edge || s.ptr[i - 1] == '.' : !is_atom(s.ptr[i]))
            return false;
    }
    return true;
}

static bool label_valid(struct str s)
{
    if (s.len == 0 || s.len > LABEL_MAX || s.ptr[0] == '-' || s.ptr[s.len - 1] == '-')
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (!is_alnum(s.ptr[i]) && s.ptr[i] != '-')
            return false;
    }
    return true;
}

/* A name of one label ("localhost") is one, too: mail inside an organisation. */
static bool domain_valid(struct str s)
{
    struct str label;
    bool more = true;

    while (more) {
        more = str_cut(&s, '.', &label);
        if (!label_valid(label))
            return false;
    }
    return true;
}

bool notify_address_valid(struct str text)
{
    size_t at;

    return text.len <= NOTIFY_ADDRESS_MAX && str_find_last_char(text, '@', &at) &&
           local_valid(str_sub(text, 0, at)) && domain_valid(str_from(text, at + 1));
}

bool notify_address_next(struct str *list, struct str *out)
{
    bool more = list->len > 0;

    while (more) {
        more = str_cut(list, ',', out);
        *out = str_trim(*out);
        if (out->len)
            return true;
    }
    return false;
}

bool notify_addresses_check(struct str list, struct err *err)
{
    struct str one;
    size_t count = 0;

    while (notify_address_next(&list, &one)) {
        if (!notify_address_valid(one)) {
            return err_set(err, ERR_INVALID, "badAddress",
                           "'%.*s' is no mail address: one looks like ada@example.com, several are "
                           "separated by commas",
                           STR_ARG(str_sub(one, 0, 100)));
        }
        if (++count > NOTIFY_RECIPIENTS_MAX) {
            return err_set(err, ERR_LIMIT, "tooManyRecipients",
                           "at most %d recipients: a mailing list takes more",
                           NOTIFY_RECIPIENTS_MAX);
        }
    }
    return true;
}

/* What comes from people and applications into a notice: a list of addresses, a token that may say
 * when it expires, names in a subject and text. An address that is taken cannot end a line of a
 * dialogue; whatever a name holds, a mail has the headers of a mail, in lines of 7-bit text. */
#include "base/unicode.h"
#include "engine/notices.h"
#include "notify/address.h"
#include "notify/message.h"
#include "notify/words.h"

#include <assert.h>

static void check_addresses(struct str list)
{
    bool fine = notify_addresses_check(list, NULL);
    struct str one;

    while (notify_address_next(&list, &one)) {
        bool valid = notify_address_valid(one);
        size_t at;

        assert(!fine || valid);
        for (size_t i = 0; valid && i < one.len; i++)
            assert(one.ptr[i] > ' ' && one.ptr[i] < 0x7f && one.ptr[i] != '<' && one.ptr[i] != '>');
        assert(!valid || str_find_char(one, '@', &at));
    }
}

/* Nine headers, then an empty line; no line is over 998 bytes but what one word makes. */
static void check_mail(struct str text)
{
    unsigned headers = 0;
    bool head = true;

    while (text.len) {
        struct str line;
        size_t end;
        bool found = str_find(text, STR("\r\n"), &end);

        assert(found);
        line = str_sub(text, 0, end);
        text = str_from(text, end + 2);
        for (size_t i = 0; i < line.len; i++)
            assert(line.ptr[i] >= ' ' && line.ptr[i] < 0x7f);
        assert(head || line.len <= 76);
        if (head && line.len && line.ptr[0] != ' ')
            headers++;
        if (line.len == 0 && head) {
            assert(headers == 9);
            head = false;
        }
    }
    assert(!head);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new();
    struct str text = {(const char *)data, size};
    struct notify_event e = {
        .kind = size ? (enum notify_kind)(data[0] % NOTIFY_KIND_COUNT) : NOTIFY_TEST,
        .job_name = utf8_clean(a, str_sub(text, 0, 200)),
        .message = utf8_clean(a, text),
        .count = 1,
    };
    struct notify_part part = {.kind = e.kind, .content = notify_content(a, &e)};
    struct notify_words words = notify_words(a, &part, STR(""));
    struct notify_mail mail = {.from = STR("a@b"),
                               .to = STR("c@d"),
                               .subject = words.subject,
                               .text = words.text,
                               .message_id = STR("m")};
    struct buf out;
    int64_t us;

    check_addresses(text);
    (void)notices_token_expiry(text, &us);
    notify_mail_write(&mail, &out);
    if (!out.overflowed)
        check_mail(buf_str(&out));
    buf_done(&out);
    mail.subject = text; /* as it comes */
    notify_mail_write(&mail, &out);
    if (!out.overflowed)
        check_mail(buf_str(&out));
    buf_done(&out);
    arena_free(a);
    return 0;
}

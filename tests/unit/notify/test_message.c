/* What goes out: addresses, words, the mail's headers and lines, the webhook's body and signature.
 */
#include "base/clock.h"
#include "frame/frame.h"
#include "notify/address.h"
#include "notify/message.h"
#include "notify/smtp.h"
#include "notify/webhook.h"
#include "notify/words.h"

#include <string.h>

#define AT (INT64_C(1767323730) * US_PER_SECOND) /* Fri, 02 Jan 2026 03:15:30 */

static void addresses(void **state)
{
    static const struct {
        const char *text;
        bool valid;
    } cases[] = {
        {"ada@example.com", true},
        {"ada.lovelace+usher@sub.example-mail.com", true},
        {"o'hara@example.com", true},
        {"root@localhost", true},
        {"ada", false},
        {"@example.com", false},
        {"ada@", false},
        {"ada@@example.com", false},
        {"a b@example.com", false},
        {".ada@example.com", false},
        {"ada..l@example.com", false},
        {"ada.@example.com", false},
        {"ada@-example.com", false},
        {"ada@example..com", false},
        {"Ada <ada@example.com>", false},
        {"ada@example.com\r\nBcc: eve@example.com", false},
        {"ada@example.com>\r\nDATA", false},
        {"\"ada\"@example.com", false},
        {"\xc3\xa4"
         "da@example.com",
         false},
        {"ada@ex\xc3\xa4mple.com", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CHECK(notify_address_valid(str_from_z(cases[i].text)) == cases[i].valid, "'%s'",
              cases[i].text);
    }
}

static void lists(void **state)
{
    struct str list = STR(" ada@example.com ,, bob@example.com,");
    struct str one;
    struct err err = {0};
    char many[51 * 8 + 1] = "";

    (void)state;
    CHECK(notify_addresses_check(list, &err) && notify_addresses_check(STR(""), &err), "fine");
    CHECK(notify_address_next(&list, &one), "one");
    CHECK_STR(one, "ada@example.com", "trimmed");
    CHECK(notify_address_next(&list, &one), "two");
    CHECK_STR(one, "bob@example.com", "the empty one is passed over");
    CHECK(!notify_address_next(&list, &one), "the end");
    CHECK(!notify_addresses_check(STR("ada@example.com,bob"), &err), "bob is none");
    CHECK(strstr(err.message, "'bob' is no mail address") != NULL, "%s", err.message);
    for (size_t i = 0; i < 51; i++)
        memcpy(many + i * 8, "ab@c.de,", 8);
    CHECK(!notify_addresses_check((struct str){many, sizeof(many) - 1}, &err) &&
              err.kind == ERR_LIMIT,
          "51 are too many");
}

static struct notify_event event(enum notify_kind kind, const char *name)
{
    return (struct notify_event){
        .id = STR("e1"),
        .kind = kind,
        .at_us = AT,
        .job_no = 1,
        .job_id = STR("11111111-1111-4111-8111-111111111111"),
        .job_name = str_from_z(name),
        .code = STR("connectionRefused"),
        .message = STR("cannot connect\r\nBcc: eve@example.com"),
        .since_us = AT,
        .until_us = AT + 7 * US_PER_DAY,
        .count = 12,
        .limit = 10,
    };
}

static struct notify_words words(struct arena *a, const struct notify_event *e)
{
    struct notify_part part = {.id = e->id, .kind = e->kind, .at_us = e->at_us};

    part.content = notify_content(a, e);
    return notify_words(a, &part, STR("https://usher.example/"));
}

static bool has(struct str text, const char *part)
{
    size_t at;

    return str_find(text, str_from_z(part), &at);
}

/* Every kind says what happened, what it means and what to do, and leaves no place open. */
static void every_kind(void **state)
{
    struct arena *a = arena_new();

    (void)state;
    for (int k = 0; k < NOTIFY_KIND_COUNT; k++) {
        struct notify_event e = event((enum notify_kind)k, "Plant");
        struct notify_words w = words(a, &e);
        enum notify_kind back;

        CHECK(has(w.subject, "Plant"), "%.*s", STR_ARG(w.subject));
        CHECK(has(w.text, "What it means\n") && has(w.text, "What to do next\n") &&
                  has(w.text, "https://usher.example/"),
              "%.*s", STR_ARG(w.text));
        CHECK(!has(w.text, "%") && !has(w.text, "?\n") && !has(w.subject, "%"), "%.*s",
              STR_ARG(w.text));
        CHECK(notify_kind_from_name(str_from_z(notify_kind_name((enum notify_kind)k)), &back) &&
                  back == (enum notify_kind)k,
              "%d", k);
    }
    arena_free(a);
}

static void says_what_to_do(void **state)
{
    struct arena *a = arena_new();
    struct notify_event e = event(NOTIFY_DISABLE_WARNING, "Bob's Plant");
    struct notify_words w = words(a, &e);

    (void)state;
    CHECK_STR(w.subject, "Bob's Plant will be switched off on 2026-01-09 03:15 UTC", "subject");
    CHECK(has(w.text, "    usher app test 'Bob'\\''s Plant'\n"),
          "a command that can be pasted: %.*s", STR_ARG(w.text));
    CHECK(has(w.text, "Reason: connectionRefused\n        cannot connect  Bcc: eve@example.com\n"),
          "one line: %.*s", STR_ARG(w.text));
    arena_free(a);
}

static struct str mail(struct arena *a, const char *subject, const char *text)
{
    struct notify_mail m = {
        .from = STR("usher@example.com"),
        .to = STR("ada@example.com"),
        .subject = str_from_z(subject),
        .text = str_from_z(text),
        .message_id = STR("abc"),
        .date_us = AT,
    };
    struct buf out;
    struct str result;

    notify_mail_write(&m, &out);
    CHECK(!out.overflowed, "fits");
    result = arena_str(a, buf_str(&out));
    buf_done(&out);
    return result;
}

static void headers(void **state)
{
    struct arena *a = arena_new();

    (void)state;
    CHECK_STR(mail(a, "Plant is in quarantine", "It is.\n"),
              "From: usher <usher@example.com>\r\n"
              "To: <ada@example.com>\r\n"
              "Subject: Plant is in quarantine\r\n"
              "Date: Fri, 02 Jan 2026 03:15:30 +0000\r\n"
              "Message-ID: <abc@example.com>\r\n"
              "MIME-Version: 1.0\r\n"
              "Content-Type: text/plain; charset=utf-8\r\n"
              "Content-Transfer-Encoding: quoted-printable\r\n"
              "Auto-Submitted: auto-generated\r\n"
              "\r\n"
              "It is.\r\n",
              "a whole mail");
    arena_free(a);
}

/* Whatever stands in a subject: no line of its own, no line too long, only 7 bits. */
static void subjects(void **state)
{
    static const struct {
        const char *subject, *want;
    } cases[] = {
        {"plain", "Subject: plain\r\n"},
        {"Gr\xc3\xbc\xc3\x9f"
         "e",
         "Subject: =?UTF-8?B?R3LDvMOfZQ==?=\r\n"},
        {"a\r\nBcc: eve@example.com", "Subject: =?UTF-8?B?YQ0KQmNjOiBldmVAZXhhbXBsZS5jb20=?=\r\n"},
        {"=?UTF-8?B?aGk=?=", "Subject: =?UTF-8?B?PT9VVEYtOD9CP2FHaz0/PQ==?=\r\n"},
        {"one two three four five six seven eight nine ten eleven twelve thirteen fourteen",
         "Subject: one two three four five six seven eight nine ten eleven twelve\r\n"
         " thirteen fourteen\r\n"},
        {"\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80"
         "\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80",
         "Subject: =?UTF-8?B?8J+YgPCfmIDwn5iA8J+YgPCfmIDwn5iA8J+YgPCfmIDwn5iA?=\r\n"
         " =?UTF-8?B?8J+YgA==?=\r\n"},
    };
    struct arena *a = arena_new();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct str text = mail(a, cases[i].subject, "x\n");

        CHECK(has(text, cases[i].want), "'%s': %.*s", cases[i].subject, STR_ARG(text));
        CHECK(!has(text, "\nBcc:"), "%.*s", STR_ARG(text));
    }
    arena_free(a);
}

static void lines(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"a = b\n", "\r\n\r\na =3D b\r\n"},
        {".hidden\n..\n", "\r\n\r\n=2Ehidden\r\n=2E.\r\n"},
        {"blank at the end \nx", "\r\n\r\nblank at the end=20\r\nx\r\n"},
        {"\xc3\xbc\n", "\r\n\r\n=C3=BC\r\n"},
        {"1234567890123456789012345678901234567890123456789012345678901234567890123456789",
         "\r\n\r\n123456789012345678901234567890123456789012345678901234567890123456789012345=\r\n"
         "6789\r\n"},
        {"a\rb\n", "\r\n\r\na=0Db\r\n"},
    };
    struct arena *a = arena_new();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct str text = mail(a, "s", cases[i].text);

        CHECK(has(text, cases[i].want), "'%s': %.*s", cases[i].text, STR_ARG(text));
    }
    arena_free(a);
}

/* The vector was made with OpenSSL. */
static void webhook(void **state)
{
    struct arena *a = arena_new();
    struct notify_event e = event(NOTIFY_QUARANTINE_ENTERED, "Plant");
    struct notify_part part = {.id = e.id, .kind = e.kind, .at_us = e.at_us};
    struct secret secret = {0};
    struct json *body;
    struct err err = {0};

    (void)state;
    part.content = notify_content(a, &e);
    CHECK(json_parse(a, notify_webhook_body(a, &part, STR("")), NULL, &body, NULL, &err), "%s",
          err.message);
    CHECK_STR(json_get_text(body, "id"), "11111111-1111-4111-8111-111111111111/e1", "id");
    CHECK_STR(json_get_text(body, "kind"), "quarantineEntered", "kind");
    CHECK_STR(json_get_text(body, "at"), "2026-01-02T03:15:30.000Z", "at");
    CHECK_STR(json_get_text(json_get(body, STR("job")), "name"), "Plant", "job");
    CHECK_STR(json_get_text(body, "message"), "cannot connect\r\nBcc: eve@example.com", "as it is");
    CHECK(secret_init(&secret, STR("whsec"), &err), "%s", err.message);
    CHECK_STR(notify_webhook_signature(a, &secret, AT, STR("{}")),
              "t=1767323730,v1=c2b3ac826acdd20dced4b4652cf4509a3f626ec65167638fbceece22801392ea",
              "signature");
    secret_done(&secret);
    arena_free(a);
}

static void urls(void **state)
{
    static const struct {
        const char *url;
        bool taken;
    } cases[] = {
        {"https://hook.example/usher?x=1", true},
        {"http://127.0.0.1:8123/hook", true},
        {"http://localhost/hook", true},
        {"http://[::1]:80/", true},
        {"http://hook.example/", false},
        {"http://127.evil.example/", false},
        {"http://localhost.evil.example/", false},
        {"http://ada:pw@127.0.0.1/", false},
        {"ftp://127.0.0.1/", false},
        {"hook", false},
        {"https://", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err = {0};
        bool ok = notify_webhook_check(str_from_z(cases[i].url), &err);

        CHECK(ok == cases[i].taken, "%s: %s", cases[i].url, err.message);
    }
}

static void mail_servers(void **state)
{
    static const struct {
        const char *url, *user, *from;
        enum notify_tls tls;
        const char *wrong; /* part of the message; NULL: fine */
    } cases[] = {
        {"smtp://mail.example:587", "u", "usher@example.com", NOTIFY_TLS_REQUIRED, NULL},
        {"smtps://mail.example", "u", "usher@example.com", NOTIFY_TLS_REQUIRED, NULL},
        {"smtp://127.0.0.1:25", NULL, "usher@example.com", NOTIFY_TLS_NONE, NULL},
        {"smtp://localhost:25", "u", "usher@example.com", NOTIFY_TLS_NONE, NULL},
        {"smtp://mail.example", "u", "usher@example.com", NOTIFY_TLS_NONE, "in the clear"},
        {"smtp://mail.example", "u", "usher@example.com", NOTIFY_TLS_OPPORTUNISTIC, "in the clear"},
        {"smtp://mail.example", NULL, "usher@example.com", NOTIFY_TLS_OPPORTUNISTIC, NULL},
        {NULL, NULL, "usher@example.com", NOTIFY_TLS_REQUIRED, "no mail server is configured"},
        {"mail.example:587", NULL, "usher@example.com", NOTIFY_TLS_REQUIRED, "smtp-url takes"},
        {"smtp://", NULL, "usher@example.com", NOTIFY_TLS_REQUIRED, "smtp-url takes"},
        {"smtp://mail.example:x", NULL, "usher@example.com", NOTIFY_TLS_REQUIRED, "smtp-url takes"},
        {"smtp://u:p@mail.example", NULL, "usher@example.com", NOTIFY_TLS_REQUIRED,
         "smtp-url takes"},
        {"smtp://mail.example/x", NULL, "usher@example.com", NOTIFY_TLS_REQUIRED, "smtp-url takes"},
        {"smtp://mail.example", NULL, NULL, NOTIFY_TLS_REQUIRED, "smtp-from takes"},
        {"smtp://mail.example", NULL, "usher", NOTIFY_TLS_REQUIRED, "smtp-from takes"},
    };
    struct secret password = {0};
    struct err err = {0};

    (void)state;
    CHECK(secret_init(&password, STR("p"), &err), "%s", err.message);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct notify_smtp s = {.url = cases[i].url,
                                .user = cases[i].user,
                                .password = cases[i].user ? &password : NULL,
                                .from = cases[i].from,
                                .tls = cases[i].tls};
        bool ok = notify_smtp_check(&s, &err);

        CHECK(ok == !cases[i].wrong, "case %zu: %s", i, err.message);
        CHECK(ok || strstr(err.message, cases[i].wrong), "case %zu: %s", i, err.message);
    }
    secret_done(&password);
}

TEST_GROUP(message, cmocka_unit_test(addresses), cmocka_unit_test(lists),
           cmocka_unit_test(every_kind), cmocka_unit_test(says_what_to_do),
           cmocka_unit_test(headers), cmocka_unit_test(subjects), cmocka_unit_test(lines),
           cmocka_unit_test(webhook), cmocka_unit_test(urls), cmocka_unit_test(mail_servers))

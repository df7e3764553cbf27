#include "notify/words.h"

#include "base/clock.h"

enum { TEXT_MAX = 256 * 1024, COMMANDS_MAX = 3 };

/* In these, %N is the job's name, %W its name as a word of a command, %C the count, %L the limit,
 * %U the time that `until` says, %S that of `since`. */
static const struct {
    const char *subject;
    const char *happened;
    const char *means;
    const char *next; /* in words; commands follow */
    const char *commands[COMMANDS_MAX];
} kinds[] = {
    [NOTIFY_QUARANTINE_ENTERED] =
        {"%N is in quarantine",
         "%N is in quarantine since %S.",
         "The application cannot be provisioned as it is. Accounts stay as they are; usher tries "
         "again, less and less often. After 28 days the job is switched off.",
         "Look at the reason, put it right, then start the job:",
         {"usher app test %W", "usher status %W", "usher start %W"}},
    [NOTIFY_QUARANTINE_CHANGED] =
        {"%N is in quarantine for another reason",
         "%N stays in quarantine, for another reason now.",
         "What was wrong at first may be solved; something else keeps the job from working. The "
         "quarantine began at %S.",
         "Look at the reason, put it right, then start the job:",
         {"usher app test %W", "usher status %W", "usher start %W"}},
    [NOTIFY_QUARANTINE_LEFT] = {"%N is out of quarantine",
                                "%N is out of quarantine.",
                                "Cycles run at their normal interval again. What could not be done "
                                "since %S is made up for.",
                                "Nothing has to be done. How the job is:",
                                {"usher status %W"}},
    [NOTIFY_DISABLE_WARNING] =
        {"%N will be switched off on %U",
         "%N is in quarantine since %S and will be switched off on %U.",
         "A job that was in quarantine for 28 days is switched off: then nobody gets or loses an "
         "account in the application any more, until it is started again.",
         "Look at the reason, put it right, then start the job:",
         {"usher app test %W", "usher status %W", "usher start %W"}},
    [NOTIFY_JOB_DISABLED] =
        {"%N was switched off",
         "%N was switched off after 28 days in quarantine.",
         "Nobody gets, changes or loses an account in the application any more. What is known of the "
         "accounts is kept.",
         "Put the reason right, then start the job; it makes up for what it missed:",
         {"usher app test %W", "usher start %W"}},
    [NOTIFY_REMOVALS_HELD] =
        {"%N: removals of accounts are held back",
         "%N: removals or mass changes of accounts are held back.",
         "The guard holds back what exceeds its limits until somebody decides. Creations and updates "
         "go on. Nothing of the held set was sent.",
         "Look whether these people are really meant to lose their accounts. If not, put the source "
         "right first. Then decide:",
         {"usher held %W", "usher held allow %W --set DIGEST",
          "usher held reject %W --set DIGEST"}},
    [NOTIFY_CREDENTIAL_EXPIRING] =
        {"%N: the secret token expires on %U",
         "The secret token of %N expires on %U.",
         "From then on the application refuses every request, and the job goes into quarantine.",
         "Make a new token in the application and give it to usher:",
         {"usher app set %W --token -"}},
    [NOTIFY_CYCLE_FAILED] =
        {"%N: a cycle failed",
         "A cycle of %N could not run to its end.",
         "Nothing is lost: the next cycle goes on where this one ended. This is told once, until a "
         "cycle has succeeded again.",
         "If it does not pass by itself, look at the reason:",
         {"usher status %W", "usher logs %W --status failure"}},
    [NOTIFY_ESCROWS_GROWN] =
        {"%N: %C objects fail",
         "%N: %C objects fail, more than the %L that you set.",
         "Each of them is tried again by itself; all others are provisioned. This is told again only "
         "after the number was below the limit.",
         "Look for what the failures have in common:",
         {"usher logs %W --status failure", "usher status %W"}},
    [NOTIFY_PROVISIONING_FAILED] =
        {"%N: %C provisioning requests failed",
         "%N refused %C requests to provision users.",
         "Whoever provisions these users was told the same with each answer. The users stay as they "
         "were before the request.",
         "Look for what the failures have in common, then put it right here or where the users come "
         "from:",
         {"usher tenant notices %W"}},
    [NOTIFY_CHANGES_SET_ASIDE] =
        {"%N: the webhook refuses changes",
         "The application behind %N refused a change again and again, so it was set aside.",
         "Others are told what has changed as before. This one, and all that change for the same "
         "user or group, wait and are tried every hour.",
         "Look at the reason and put it right in the application. Then have it told again, or drop "
         "it:",
         {"usher tenant webhook set-aside %W", "usher tenant webhook retry %W",
          "usher tenant webhook drop %W all"}},
    [NOTIFY_DIGEST] = {"%N: %C objects fail",
                       "%N: %C objects fail today.",
                       "Each of them is tried again by itself, at the time given.",
                       "Why one of them fails, in detail:",
                       {"usher logs %W --status failure"}},
    [NOTIFY_TEST] = {"%N: a test",
                     "This is a test of the notices of %N.",
                     "Mail from usher arrives here.",
                     "Nothing has to be done.",
                     {NULL}},
};
static_assert(ARRAY_LEN(kinds) == NOTIFY_KIND_COUNT, "every kind has words");

/* "2026-03-01 10:15 UTC", of a time in the content; "?" when there is none. */
static struct str time_of(struct arena *a, const struct json *content, const char *name)
{
    struct str text = json_get_text(content, name);

    if (text.len < sizeof("2026-03-01T10:15") - 1)
        return STR("?");
    return arena_printf(a, "%.10s %.5s UTC", text.ptr, text.ptr + 11);
}

static struct str job_name(const struct json *content)
{
    return json_get_text(json_get(content, STR("job")), "name");
}

static bool is_plain(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (!ascii_is_alpha(s.ptr[i]) && !ascii_is_digit(s.ptr[i]) && s.ptr[i] != '-' &&
            s.ptr[i] != '_' && s.ptr[i] != '.')
            return false;
    }
    return s.len > 0 && s.ptr[0] != '-';
}

/* As one word of a shell, so that a command can be pasted. */
static void add_word(struct buf *out, struct str s)
{
    if (is_plain(s)) {
        buf_add(out, s);
        return;
    }
    buf_add_char(out, '\'');
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '\'') {
            buf_add_z(out, "'\\''");
        } else {
            buf_add_char(out, s.ptr[i]);
        }
    }
    buf_add_char(out, '\'');
}

static void fill(struct arena *a, struct buf *out, const char *text, const struct json *content)
{
    for (const char *p = text; *p; p++) {
        if (*p != '%') {
            buf_add_char(out, *p);
            continue;
        }
        switch (*++p) {
        case 'N':
            buf_add(out, job_name(content));
            break;
        case 'W':
            add_word(out, job_name(content));
            break;
        case 'C':
            buf_add_int(out, json_get_int(content, "count", 0));
            break;
        case 'L':
            buf_add_int(out, json_get_int(content, "limit", 0));
            break;
        case 'U':
            buf_add(out, time_of(a, content, "until"));
            break;
        default:
            assert(*p == 'S');
            buf_add(out, time_of(a, content, "since"));
        }
    }
}

/* Names come from people: no control character ends a line that is not its own. */
static struct str one_line(struct arena *a, struct str s)
{
    char *text = arena_z(a, s);

    for (size_t i = 0; i < s.len; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            text[i] = ' ';
    }
    return (struct str){text, s.len};
}

static struct str line(struct arena *a, const char *text, const struct json *content)
{
    struct buf out;
    struct str result;

    buf_init(&out, TEXT_MAX);
    fill(a, &out, text, content);
    result = one_line(a, buf_str(&out));
    buf_done(&out);
    return result;
}

static void add_object(struct arena *a, struct buf *out, const struct json *o)
{
    struct str name = one_line(a, json_get_text(o, "name"));
    struct str code = one_line(a, json_get_text(o, "code"));
    struct str message = one_line(a, json_get_text(o, "message"));
    struct str since = time_of(a, o, "since");
    struct str next = time_of(a, o, "nextAttempt");

    buf_addf(out, "  %.*s: %.*s\n", STR_ARG(name), STR_ARG(code));
    if (message.len)
        buf_addf(out, "      %.*s\n", STR_ARG(message));
    if (json_get(o, STR("nextAttempt")))
        buf_addf(out, "      since %.*s, tried again %.*s\n", STR_ARG(since), STR_ARG(next));
}

static void add_objects(struct arena *a, struct buf *out, const struct json *content)
{
    int64_t count = json_get_int(content, "count", 0);
    int64_t told = 0;

    JSON_EACH(o, json_get(content, STR("objects")))
    {
        add_object(a, out, o);
        told++;
    }
    if (told > 0 && count > told)
        buf_addf(out, "  and %lld more\n", (long long)(count - told));
    if (told > 0)
        buf_add_char(out, '\n');
}

static void add_reason(struct arena *a, struct buf *out, const struct json *content)
{
    struct str code = json_get_text(content, "code");
    struct str message = json_get_text(content, "message");

    if (code.len)
        buf_addf(out, "Reason: %.*s\n", STR_ARG(one_line(a, code)));
    if (message.len)
        buf_addf(out, "%s%.*s\n", code.len ? "        " : "", STR_ARG(one_line(a, message)));
    if (code.len || message.len)
        buf_add_char(out, '\n');
}

static void add_part(struct arena *a, struct buf *out, const struct notify_part *part)
{
    const struct json *content = part->content;
    char at[TIME_TEXT_MAX];

    time_write(part->at_us, at);
    buf_addf(out, "%.*s\n(%.10s %.5s UTC)\n\n",
             STR_ARG(line(a, kinds[part->kind].happened, content)), at, at + 11);
    add_reason(a, out, content);
    add_objects(a, out, content);
    buf_addf(out, "What it means\n  %.*s\n\nWhat to do next\n  %.*s\n",
             STR_ARG(line(a, kinds[part->kind].means, content)),
             STR_ARG(line(a, kinds[part->kind].next, content)));
    for (size_t i = 0; i < COMMANDS_MAX && kinds[part->kind].commands[i]; i++)
        buf_addf(out, "    %.*s\n", STR_ARG(line(a, kinds[part->kind].commands[i], content)));
}

static struct str text_of(struct arena *a, const struct notify_part *parts, size_t count,
                          struct str link)
{
    struct buf out;
    struct str result;

    buf_init(&out, TEXT_MAX);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_add_z(&out, "\n----------------------------------------\n\n");
        add_part(a, &out, &parts[i]);
    }
    if (link.len)
        buf_addf(&out, "\nusher: %.*s\n", STR_ARG(one_line(a, link)));
    result = arena_str(a, buf_str(&out));
    buf_done(&out);
    return result;
}

struct notify_words notify_words(struct arena *a, const struct notify_part *part, struct str link)
{
    return (struct notify_words){
        .subject = line(a, kinds[part->kind].subject, part->content),
        .text = text_of(a, part, 1, link),
    };
}

struct notify_words notify_words_of_message(struct arena *a, const struct notify_message *m,
                                            struct str link)
{
    if (m->part_count == 1)
        return notify_words(a, &m->parts[0], link);
    return (struct notify_words){
        .subject =
            m->part_count == 0
                ? STR("a notice")
                : one_line(a, arena_printf(a, "%.*s: %zu notices",
                                           STR_ARG(job_name(m->parts[0].content)), m->part_count)),
        .text = text_of(a, m->parts, m->part_count, link),
    };
}

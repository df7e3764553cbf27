#include "notify/message.h"

#include "base/clock.h"

enum { LINE_MAX_CHARS = 76, WORD_BYTES = 39 /* in one encoded word: 12 + 52 characters */ };

static bool is_plain(struct str s)
{
    size_t at;

    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < ' ' || s.ptr[i] > '~')
            return false;
    }
    return !str_find(s, STR("=?"), &at);
}

/* Words at blanks, so that no line is too long; where none fits, the line stays long. */
static void add_folded(struct buf *out, size_t column, struct str s)
{
    struct str word;
    bool more = true;
    bool first = true;

    while (more) {
        more = str_cut(&s, ' ', &word);
        /* A line of blanks alone would end the headers for some readers. */
        if (!first && word.len && column + 1 + word.len > LINE_MAX_CHARS) {
            buf_add_z(out, "\r\n ");
            column = 1;
        } else if (!first) {
            buf_add_char(out, ' ');
            column++;
        }
        buf_add(out, word);
        column += word.len;
        first = false;
    }
}

/* Encoded words (RFC 2047): each whole characters, one a line. */
static void add_encoded(struct buf *out, struct str s)
{
    bool first = true;

    while (s.len) {
        size_t n = s.len < WORD_BYTES ? s.len : WORD_BYTES;

        while (n > 1 && n < s.len && ((unsigned char)s.ptr[n] & 0xc0) == 0x80)
            n--;
        buf_add_z(out, first ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?");
        buf_add_base64(out, str_sub(s, 0, n));
        buf_add_z(out, "?=");
        s = str_from(s, n);
        first = false;
    }
}

static void add_subject(struct buf *out, struct str subject)
{
    buf_add_z(out, "Subject: ");
    if (is_plain(subject)) {
        add_folded(out, sizeof("Subject: ") - 1, subject);
    } else {
        add_encoded(out, subject);
    }
    buf_add_z(out, "\r\n");
}

static void add_date(struct buf *out, int64_t us)
{
    static const char *const days[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    int64_t seconds = us / US_PER_SECOND;
    int64_t day = seconds / 86400;
    int64_t year;
    unsigned month, mday;

    date_from_days(day, &year, &month, &mday);
    buf_addf(out, "Date: %s, %02u %s %04lld %02d:%02d:%02d +0000\r\n", days[day % 7], mday,
             months[month - 1], (long long)year, (int)(seconds / 3600 % 24),
             (int)(seconds / 60 % 60), (int)(seconds % 60));
}

/* --- The text: quoted-printable (RFC 2045, 6.7) --- */

static bool is_quoted(struct str s, size_t i, bool line_start)
{
    char c = s.ptr[i];
    bool last = i + 1 == s.len || s.ptr[i + 1] == '\n';

    if (c == ' ' || c == '\t')
        return last;
    return c < '!' || c > '~' || c == '=' || (c == '.' && line_start);
}

static void add_text(struct buf *out, struct str s)
{
    size_t column = 0;

    for (size_t i = 0; i < s.len; i++) {
        bool quoted;

        if (s.ptr[i] == '\n') {
            buf_add_z(out, "\r\n");
            column = 0;
            continue;
        }
        quoted = is_quoted(s, i, column == 0);
        if (column + (quoted ? 3 : 1) > LINE_MAX_CHARS - 1) {
            buf_add_z(out, "=\r\n");
            column = 0;
            quoted = is_quoted(s, i, true);
        }
        if (quoted) {
            buf_addf(out, "=%02X", (unsigned)(unsigned char)s.ptr[i]);
        } else {
            buf_add_char(out, s.ptr[i]);
        }
        column += quoted ? 3 : 1;
    }
    if (column)
        buf_add_z(out, "\r\n");
}

void notify_mail_write(const struct notify_mail *m, struct buf *out)
{
    struct str local = {0};
    struct str domain = m->from;

    (void)str_cut(&domain, '@', &local);
    buf_init(out, NOTIFY_MAIL_MAX);
    buf_addf(out, "From: usher <%.*s>\r\nTo: <%.*s>\r\n", STR_ARG(m->from), STR_ARG(m->to));
    add_subject(out, m->subject);
    add_date(out, m->date_us);
    buf_addf(out,
             "Message-ID: <%.*s@%.*s>\r\n"
             "MIME-Version: 1.0\r\n"
             "Content-Type: text/plain; charset=utf-8\r\n"
             "Content-Transfer-Encoding: quoted-printable\r\n"
             "Auto-Submitted: auto-generated\r\n"
             "\r\n",
             STR_ARG(m->message_id), STR_ARG(domain));
    add_text(out, m->text);
}

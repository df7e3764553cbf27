#include "cli/cli.h"

enum { SHOW_AFTER_US = 1000 * 1000, SHOW_EVERY_US = 100 * 1000, BAR_MAX = 30 };

void cli_progress_begin(struct cli_progress *p, struct cli *c, const char *what)
{
    *p = (struct cli_progress){.cli = c, .what = what, .began_us = clock_monotonic_us()};
}

void cli_count_text(int64_t n, char *out, size_t size)
{
    char digits[24];
    int len = snprintf(digits, sizeof(digits), "%lld", (long long)n);
    size_t at = 0;

    for (int i = 0; i < len && at + 2 < size; i++) {
        if (i > 0 && (len - i) % 3 == 0 && digits[i - 1] != '-')
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
}

void cli_duration_text(int64_t us, char *out, size_t size)
{
    int64_t s = (us + US_PER_SECOND / 2) / US_PER_SECOND;

    if (us < US_PER_SECOND) {
        snprintf(out, size, "%lld ms", (long long)(us / US_PER_MS));
    } else if (us < 10 * US_PER_SECOND) {
        snprintf(out, size, "%.1f s", (double)us / 1e6);
    } else if (s < 120) {
        snprintf(out, size, "%lld s", (long long)s);
    } else if (s < 7200) {
        snprintf(out, size, "%lld min", (long long)((s + 30) / 60));
    } else if (s < INT64_C(48) * 3600) {
        snprintf(out, size, "%lld h", (long long)((s + 1800) / 3600));
    } else {
        snprintf(out, size, "%lld days", (long long)(s / 86400));
    }
}

void cli_left_text(int64_t us, char *out, size_t size)
{
    if (us < 10 * US_PER_SECOND) {
        snprintf(out, size, "%d s", (int)((us + US_PER_SECOND - 1) / US_PER_SECOND));
    } else {
        cli_duration_text(us, out, size);
    }
}

void cli_bar(struct buf *out, int64_t done, int64_t total, unsigned width)
{
    unsigned full = total > 0 && done > 0 ? (unsigned)((double)done / (double)total * width) : 0;

    for (unsigned i = 0; i < width; i++)
        buf_add_z(out, i < full ? "█" : "░");
}

/* "people  ████░░░░  12,345 of 100,000  12 %  8,200/s  11 s left" */
static void draw(struct cli_progress *p, int64_t now_us, int64_t done, int64_t total)
{
    double seconds = (double)(now_us - p->began_us) / 1e6;
    double rate = seconds > 0 ? (double)done / seconds : 0;
    unsigned width = p->cli->width;
    char text[64];
    struct buf line;

    buf_init(&line, 1024);
    buf_addf(&line, "\r\033[K%s  ", p->what);
    if (total > 0 && width > 70) {
        cli_bar(&line, done, total, width - 70 < BAR_MAX ? width - 70 : BAR_MAX);
        buf_add_z(&line, "  ");
    }
    cli_count_text(done, text, sizeof(text));
    buf_add_z(&line, text);
    if (total > 0) {
        cli_count_text(total, text, sizeof(text));
        buf_addf(&line, " of %s  %d %%", text, (int)(100.0 * (double)done / (double)total));
    }
    cli_count_text((int64_t)rate, text, sizeof(text));
    buf_addf(&line, "  %s/s", text);
    if (total > done && rate > 0) {
        cli_left_text((int64_t)((double)(total - done) / rate * 1e6), text, sizeof(text));
        buf_addf(&line, "  %s left", text);
    }
    fputs(buf_z(&line), p->cli->err);
    fflush(p->cli->err);
    buf_done(&line);
}

void cli_progress_step(struct cli_progress *p, int64_t done, int64_t total)
{
    int64_t now_us;

    if (!p->cli->err_is_terminal || p->cli->quiet)
        return;
    now_us = clock_monotonic_us();
    if (now_us - p->began_us < SHOW_AFTER_US || now_us - p->shown_us < SHOW_EVERY_US)
        return;
    p->shown_us = now_us;
    p->visible = true;
    draw(p, now_us, done, total);
}

void cli_progress_end(struct cli_progress *p)
{
    if (p->visible) {
        fputs("\r\033[K", p->cli->err);
        fflush(p->cli->err);
    }
    p->visible = false;
}

#include "engine/stream.h"

#include "base/log.h"
#include "base/stopper.h"
#include "job/settings.h"
#include "job/stream.h"
#include "notify/syslog.h"
#include "notify/webhook.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

enum { PAGE = 100, BODY_MAX = 64 << 20, ANSWER_MAX = 64 << 10, BACKOFF_MAX = 6, IDLE_S = 1 };
#define CLAIM_US (60 * US_PER_SECOND) /* longer than one page takes */

#define FILE_PREFIX   STR("file:")
#define SYSLOG_PREFIX STR("syslog:")

bool engine_stream_check(struct str to, struct err *err)
{
    if (str_starts(to, SYSLOG_PREFIX))
        return syslog_check(to, err);
    if (str_starts(to, STR("https://")) || str_starts(to, STR("http://")))
        return notify_webhook_check(to, err);
    return to.len == 0 || str_starts(to, STR("file:/")) ||
           err_set(err, ERR_INVALID, "badStream",
                   "'%.*s': file:/WHOLE/PATH, syslog:, syslog:HOST:PORT or an https URL",
                   STR_ARG(to));
}

/* The number of the newest record; 0: there is none. */
static bool newest(struct db *db, struct arena *a, int64_t job_no, int64_t *out, struct err *err)
{
    const struct journal_query q = {.limit = 1};
    struct journal_record *records;
    size_t count;

    if (!journal_list(db, a, job_no, &q, &records, &count, err))
        return false;
    *out = count > 0 ? records[0].no : 0;
    return true;
}

bool engine_stream_follow(struct db *db, struct arena *a, int64_t job_no, struct str to,
                          struct err *err)
{
    int64_t no;

    if (to.len == 0)
        return job_stream_end(db, job_no, err);
    return newest(db, a, job_no, &no, err) && job_stream_begin(db, job_no, no, err);
}

/* --- one page --- */

struct page {
    const struct notify_sending *how;
    struct db *db;
    struct arena *arena;
    struct job job;
    struct job_settings settings;
    struct str to;
    struct journal_record *records; /* newest first */
    size_t count;
};

static bool write_file(const struct page *p, struct err *err)
{
    CLEANUP(buf_done) struct buf lines;
    struct str path = str_from(p->to, FILE_PREFIX.len);
    struct str rest;
    bool ok;
    int fd;

    buf_init(&lines, BODY_MAX);
    for (size_t i = p->count; i-- > 0;) {
        json_write(&lines, journal_to_json(p->arena, &p->records[i]));
        buf_add_char(&lines, '\n');
    }
    rest = buf_str(&lines);
    /* Opened anew each time: logrotate may have moved it. */
    fd = open(arena_z(p->arena, path), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    ok = fd >= 0;
    while (ok && rest.len > 0) {
        ssize_t n = write(fd, rest.ptr, rest.len);

        ok = n > 0;
        if (ok)
            rest = str_from(rest, (size_t)n);
    }
    ok = ok && fdatasync(fd) == 0;
    if (!ok) {
        (void)err_set(err, ERR_UNAVAILABLE, "streamFailed", "%.*s: %s", STR_ARG(path),
                      strerrordesc_np(errno));
    }
    if (fd >= 0)
        close(fd);
    return ok;
}

static enum syslog_severity severity_of(enum journal_status status)
{
    if (status == STATUS_FAILURE)
        return SYSLOG_ERROR;
    return status == STATUS_WARNING ? SYSLOG_WARNING : SYSLOG_INFO;
}

static bool write_syslog(const struct page *p, struct err *err)
{
    CLEANUP(buf_done) struct buf messages;
    CLEANUP(buf_done) struct buf line;

    buf_init(&messages, BODY_MAX);
    buf_init(&line, BODY_MAX);
    for (size_t i = p->count; i-- > 0;) {
        buf_reset(&line);
        json_write(&line, journal_to_json(p->arena, &p->records[i]));
        syslog_add(&messages, p->to, severity_of(p->records[i].status), p->records[i].at_us,
                   p->job.name, buf_str(&line));
    }
    return syslog_send(p->to, buf_str(&messages), err);
}

static struct json *page_json(const struct page *p)
{
    struct json *v = json_new(p->arena, JSON_OBJECT);
    struct json *job = json_new(p->arena, JSON_OBJECT);
    struct json *records = json_new(p->arena, JSON_ARRAY);

    json_add_str(p->arena, job, "id", p->job.id);
    json_add_str(p->arena, job, "name", p->job.name);
    for (size_t i = p->count; i-- > 0;)
        json_append(records, journal_to_json(p->arena, &p->records[i]));
    json_add(p->arena, v, STR("job"), job);
    json_add(p->arena, v, STR("records"), records);
    return v;
}

static bool post(const struct page *p, struct err *err)
{
    CLEANUP(secret_done) struct secret secret = {0};
    const struct http_client_config config = {.ca_file = p->how->ca_file, .max_answer = ANSWER_MAX};
    struct http_client *client = NULL;
    struct buf body;
    bool ok;

    if (!p->how->webhook_secret(p->how->ctx, p->db, p->job.no, &secret, err))
        return false;
    if (!http_client_new(&config, &client, err))
        return false;
    buf_init(&body, BODY_MAX);
    json_write(&body, page_json(p));
    ok = notify_webhook_send(
             client, p->to,
             notify_webhook_signature(p->arena, &secret, clock_now(p->how->clock), buf_str(&body)),
             buf_str(&body), err) == NOTIFY_OUTCOME_SENT;
    buf_done(&body);
    http_client_free(client);
    return ok;
}

static bool send_page(const struct page *p, struct err *err)
{
    if (str_starts(p->to, FILE_PREFIX))
        return write_file(p, err);
    return str_starts(p->to, SYSLOG_PREFIX) ? write_syslog(p, err) : post(p, err);
}

/* --- what is due --- */

/* The next records in the order of the log. Numbers are consecutive, but old records may be gone:
 * then *sent_no moves on to before the oldest that is left. */
static bool load_page(struct page *p, int64_t *sent_no, struct err *err)
{
    struct journal_query q = {
        .after_no = *sent_no, .before_no = *sent_no + PAGE + 1, .limit = PAGE};
    int64_t last, first;

    if (!journal_list(p->db, p->arena, p->job.no, &q, &p->records, &p->count, err))
        return false;
    if (p->count > 0)
        return true;
    if (!newest(p->db, p->arena, p->job.no, &last, err))
        return false;
    if (last <= *sent_no)
        return true;
    if (!journal_first_not_before(p->db, p->job.no, 0, &first, err))
        return false;
    *sent_no = first - 1;
    q.after_no = *sent_no;
    q.before_no = *sent_no + PAGE + 1;
    return journal_list(p->db, p->arena, p->job.no, &q, &p->records, &p->count, err);
}

static int64_t after_failures(int64_t failures)
{
    return US_PER_SECOND << (failures < BACKOFF_MAX ? failures : BACKOFF_MAX);
}

/* One page of one job. A failure of the receiver is kept in its row, and is none of ours. */
static bool stream_page(const struct notify_sending *how, struct db *db, struct arena *a,
                        struct job_stream *s, int64_t *out_sent, struct err *err)
{
    struct page p = {.how = how, .db = db, .arena = a};
    int64_t next_us = clock_now(how->clock);
    struct err why = {.kind = ERR_NONE};

    if (!job_load_no(db, a, s->job_no, &p.job, err) ||
        !job_settings_load(db, a, s->job_no, &p.settings, err))
        return false;
    p.to = p.settings.journal_stream;
    if (p.to.len == 0)
        return job_stream_end(db, s->job_no, err);
    if (!load_page(&p, &s->sent_no, err))
        return false;
    if (p.count > 0 && !send_page(&p, &why)) {
        if (s->failures == 0)
            log_error("log_not_streamed", &why);
        s->failures++;
        s->error = arena_str(a, str_from_z(why.message));
        return job_stream_save(db, s, next_us + after_failures(s->failures), err);
    }
    if (p.count > 0)
        s->sent_no = p.records[0].no;
    s->failures = 0;
    s->error = STR("");
    *out_sent = (int64_t)p.count;
    return job_stream_save(db, s, p.count < PAGE ? next_us + US_PER_SECOND : next_us, err);
}

bool engine_stream_due(const struct notify_sending *how, struct db *db, const atomic_bool *stop,
                       int64_t *out_sent, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    bool found = true;

    *out_sent = 0;
    while (!stop || !atomic_load(stop)) {
        int64_t now = clock_now(how->clock);
        int64_t sent = 0;
        struct job_stream s;

        arena_reset(a);
        if (!job_stream_claim(db, a, now, now + CLAIM_US, &s, &found, err))
            return false;
        if (!found)
            break;
        if (!stream_page(how, db, a, &s, &sent, err))
            return false;
        *out_sent += sent;
    }
    return true;
}

/* --- the thread --- */

struct engine_streamer {
    struct notify_sending how;
    pthread_t thread;
    struct stopper stopper;
};

static void *stream_all(void *arg)
{
    struct engine_streamer *s = arg;
    struct db *db = NULL;
    struct err err;
    int64_t sent;

    while (!atomic_load(&s->stopper.stop)) {
        if ((!db && !db_open(s->how.db, &db, &err)) ||
            !engine_stream_due(&s->how, db, &s->stopper.stop, &sent, &err)) {
            log_error("log_not_streamed", &err);
            db_close(db);
            db = NULL;
        }
        stopper_rest(&s->stopper, IDLE_S);
    }
    db_close(db);
    return NULL;
}

bool engine_streamer_start(const struct notify_sending *how, struct engine_streamer **out,
                           struct err *err)
{
    struct engine_streamer *s = mem_alloc(sizeof(*s));

    s->how = *how;
    stopper_init(&s->stopper);
    if (pthread_create(&s->thread, NULL, stream_all, s) != 0) {
        stopper_done(&s->stopper);
        free(s);
        return err_set(err, ERR_INTERNAL, "threadFailed", "no thread for the log's receivers");
    }
    *out = s;
    return true;
}

void engine_streamer_stop(struct engine_streamer *s)
{
    if (!s)
        return;
    stopper_stop(&s->stopper);
    pthread_join(s->thread, NULL);
    stopper_done(&s->stopper);
    free(s);
}

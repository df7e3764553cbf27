#include "notify/sender.h"

#include "base/log.h"
#include "base/stopper.h"
#include "notify/message.h"
#include "notify/webhook.h"
#include "notify/words.h"

#include <pthread.h>
#include <stdlib.h>

enum {
    IDLE_S = 1,         /* how often the queue is looked at */
    UNREACHABLE_S = 60, /* after a mail server that does not answer, or a database */
    TIDY_S = 3600,
};

/* --- One message --- */

static enum notify_outcome send_mail(const struct notify_sending *how, struct arena *a,
                                     const struct notify_message *m, const atomic_bool *stop,
                                     bool *out_unreachable, struct err *err)
{
    struct notify_words words = notify_words_of_message(a, m, how->link);
    struct notify_mail mail = {
        .from = str_from_z(how->smtp.from),
        .to = m->recipient,
        .subject = arena_printf(a, "usher: %.*s", STR_ARG(words.subject)),
        .text = words.text,
        .message_id = m->id,
        .date_us = m->created_us,
    };
    enum notify_outcome outcome = NOTIFY_OUTCOME_SENT;
    struct buf text;

    if (!notify_smtp_check(&how->smtp, err)) {
        *out_unreachable = true;
        return NOTIFY_OUTCOME_LATER;
    }
    notify_mail_write(&mail, &text);
    switch (notify_smtp_send(&how->smtp, m->recipient, buf_str(&text), stop, err)) {
    case NOTIFY_SMTP_SENT:
        break;
    case NOTIFY_SMTP_REFUSED:
        outcome = NOTIFY_OUTCOME_REFUSED;
        break;
    case NOTIFY_SMTP_UNREACHABLE:
        *out_unreachable = true;
        outcome = NOTIFY_OUTCOME_LATER;
        break;
    case NOTIFY_SMTP_LATER:
        outcome = NOTIFY_OUTCOME_LATER;
        break;
    }
    buf_done(&text);
    return outcome;
}

static enum notify_outcome post(const struct notify_sending *how, struct db *db, struct arena *a,
                                const struct notify_message *m, struct http_client *client,
                                struct err *err)
{
    CLEANUP(secret_done) struct secret secret = {0};
    struct str body;
    struct str signature;

    if (!how->webhook_secret(how->ctx, db, m->job_no, &secret, err))
        return NOTIFY_OUTCOME_LATER;
    body = notify_webhook_body(a, &m->parts[0], how->link);
    signature = notify_webhook_signature(a, &secret, clock_now(how->clock), body);
    return notify_webhook_send(client, m->recipient, signature, body, err);
}

static bool new_client(const struct notify_sending *how, struct http_client **out, struct err *err)
{
    struct http_client_config config = {.ca_file = how->ca_file, .max_answer = 64 * 1024};

    return http_client_new(&config, out, err);
}

static enum notify_outcome send_message(const struct notify_sending *how, struct db *db,
                                        struct arena *a, const struct notify_message *m,
                                        struct http_client *client, const atomic_bool *stop,
                                        struct notify_sent *count)
{
    struct err *err = &count->err;

    if (m->part_count == 0) {
        err_fill(err, ERR_INTERNAL, "unknownNotice", "a newer usher has to send this one");
        return NOTIFY_OUTCOME_REFUSED;
    }
    return m->channel == NOTIFY_MAIL ? send_mail(how, a, m, stop, &count->unreachable, err)
                                     : post(how, db, a, m, client, err);
}

/* --- The queue --- */

static bool send_next(const struct notify_sending *how, struct db *db, enum notify_channel channel,
                      int64_t job_no, struct http_client *client, const atomic_bool *stop,
                      struct notify_sent *count, bool *out_found, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct notify_message m;
    enum notify_outcome outcome;
    char claim[UUID_TEXT_MAX];

    if (!notify_claim(db, a, channel, job_no, uuid_new(how->rng, claim), clock_now(how->clock), &m,
                      out_found, err))
        return false;
    if (!*out_found)
        return true;
    outcome = send_message(how, db, a, &m, client, stop, count);
    if (outcome == NOTIFY_OUTCOME_SENT) {
        count->sent++;
    } else {
        count->failed++;
    }
    return notify_finish(db, &m, outcome,
                         outcome == NOTIFY_OUTCOME_SENT ? STR("") : str_from_z(count->err.message),
                         clock_now(how->clock), err);
}

bool notify_send_due(const struct notify_sending *how, struct db *db, enum notify_channel channel,
                     int64_t job_no, const atomic_bool *stop, struct notify_sent *out,
                     struct err *err)
{
    struct http_client *client = NULL;
    struct notify_sent count = {0};
    bool found = true;
    bool ok = channel != NOTIFY_WEBHOOK || new_client(how, &client, err);

    while (ok && found && !count.unreachable && (!stop || !atomic_load(stop)))
        ok = send_next(how, db, channel, job_no, client, stop, &count, &found, err);
    http_client_free(client);
    *out = count;
    return ok;
}

bool notify_send_now(const struct notify_sending *how, struct db *db, enum notify_channel channel,
                     struct str recipient, const struct notify_event *e, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct notify_part part = {
        .id = e->id, .kind = e->kind, .at_us = e->at_us, .content = notify_content(a, e)};
    struct notify_message m = {
        .id = e->id,
        .job_no = e->job_no,
        .channel = channel,
        .recipient = recipient,
        .created_us = e->at_us,
        .parts = &part,
        .part_count = 1,
    };
    struct http_client *client = NULL;
    struct notify_sent count = {0};
    bool ok;

    if (channel == NOTIFY_WEBHOOK && !new_client(how, &client, err))
        return false;
    ok = send_message(how, db, a, &m, client, NULL, &count) == NOTIFY_OUTCOME_SENT;
    http_client_free(client);
    if (!ok)
        *err = count.err;
    return ok;
}

/* --- Threads --- */

struct worker {
    struct notify_sender *sender;
    enum notify_channel channel;
    pthread_t thread;
    bool started;
};

struct notify_sender {
    struct notify_sending how;
    struct worker workers[NOTIFY_CHANNEL_COUNT];
    struct stopper stopper;
};

/* One look at the queue; how long to rest after it. */
static int work(struct worker *w, struct db *db, int64_t *tidied_us, struct err *err)
{
    struct notify_sender *s = w->sender;
    struct notify_sent count = {0};
    bool able = w->channel == NOTIFY_WEBHOOK || s->how.smtp.url;

    if (able && !notify_send_due(&s->how, db, w->channel, 0, &s->stopper.stop, &count, err))
        return -1;
    if (count.failed > 0)
        log_error("notice_not_sent", &count.err);
    if (w->channel == NOTIFY_MAIL && clock_monotonic_us() - *tidied_us > TIDY_S * US_PER_SECOND) {
        *tidied_us = clock_monotonic_us();
        if (!notify_tidy(db, clock_now(s->how.clock), err))
            return -1;
    }
    return count.unreachable ? UNREACHABLE_S : IDLE_S;
}

static void *run_worker(void *arg)
{
    struct worker *w = arg;
    struct notify_sender *s = w->sender;
    int64_t tidied_us = clock_monotonic_us(); /* what waits is tried before it is given up */
    struct db *db = NULL;

    while (!atomic_load(&s->stopper.stop)) {
        struct err err = {0};
        int seconds = -1;

        if (db || db_open(s->how.db, &db, &err))
            seconds = work(w, db, &tidied_us, &err);
        if (seconds < 0) {
            log_error("notices_not_read", &err);
            db_close(db);
            db = NULL;
            seconds = UNREACHABLE_S;
        }
        stopper_rest(&s->stopper, seconds);
    }
    db_close(db);
    return NULL;
}

bool notify_sender_start(const struct notify_sending *how, struct notify_sender **out,
                         struct err *err)
{
    struct notify_sender *s = mem_alloc(sizeof(*s));

    s->how = *how;
    stopper_init(&s->stopper);
    for (int i = 0; i < NOTIFY_CHANNEL_COUNT; i++) {
        struct worker *w = &s->workers[i];

        *w = (struct worker){.sender = s, .channel = (enum notify_channel)i};
        w->started = pthread_create(&w->thread, NULL, run_worker, w) == 0;
        if (!w->started) {
            notify_sender_stop(s);
            return err_set(err, ERR_INTERNAL, "thread", "cannot start the sender of notices");
        }
    }
    *out = s;
    return true;
}

void notify_sender_stop(struct notify_sender *s)
{
    if (!s)
        return;
    stopper_stop(&s->stopper);
    for (int i = 0; i < NOTIFY_CHANNEL_COUNT; i++) {
        if (s->workers[i].started)
            pthread_join(s->workers[i].thread, NULL);
    }
    stopper_done(&s->stopper);
    free(s);
}

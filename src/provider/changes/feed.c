#include "base/log.h"
#include "provider/changes/change.h"

#define COUNT_DEFAULT 100
#define COUNT_MAX     1000
#define WAIT_MAX_S    60
#define WAITERS_MAX   256               /* beyond, an answer comes at once */
#define LOOK_US       (500 * US_PER_MS) /* for what other processes have written */
#define BEAT_US       US_PER_SECOND     /* a blank, to learn whether the reader is still there */

/* What is asked for. since -1: from the oldest record that is kept; count 0: only where the end is.
 */
struct question {
    int64_t tenant_no, since, count;
    bool recording; /* whether writes are recorded */
};

struct feed_waiter {
    struct feed_waiter *next;
    struct http_exchange *x;
    struct question question;
    int64_t until_us, beat_us; /* monotonic */
};

/* --- A page --- */

/* Who waits for something that is not recorded should know. */
static void end_page(struct buf *out, int64_t next, bool recording)
{
    buf_addf(out, ",\"next\":%lld%s}", (long long)next, recording ? "" : ",\"recording\":false");
}

static bool load_page(struct provider *p, const struct question *q, struct buf *out,
                      struct change_page *page, struct err *err)
{
    struct db *db;
    bool ok;

    *page = (struct change_page){0};
    buf_add_z(out, "{\"changes\":");
    if (!pool_take(&p->pool, &db, err))
        return false;
    if (q->count > 0) {
        ok = change_page_read(db, q->tenant_no, q->since, q->count, NULL, out, page, err);
    } else {
        buf_add_z(out, "[]");
        ok = change_head(db, q->tenant_no, &page->next, err);
    }
    pool_give(&p->pool, db);
    end_page(out, page->next, q->recording);
    return ok;
}

/* --- Those who wait --- */

/* True when the waiter was answered, or is gone. */
static bool serve(struct feed *f, struct feed_waiter *w, int64_t now_us)
{
    CLEANUP(buf_done) struct buf out;
    struct change_page page;
    struct err err = {0};
    bool ended = f->stopping || now_us >= w->until_us;

    buf_init(&out, PROVIDER_ANSWER_MAX);
    if (!load_page(f->provider, &w->question, &out, &page, &err)) {
        log_error("provider_feed_failed", &err);
        buf_reset(&out);
        buf_add_z(&out, "{\"changes\":[]");
        end_page(&out, w->question.since, w->question.recording);
        ended = true;
    }
    if (page.count > 0 || ended) {
        ended = true;
    } else if (now_us >= w->beat_us) {
        w->beat_us = now_us + BEAT_US;
        buf_reset(&out);
        buf_add_char(&out, ' ');
    } else {
        return false;
    }
    if (http_stream_write(w->x, buf_str(&out)) && !ended)
        return false;
    http_stream_end(w->x); /* told, or gone */
    return true;
}

static void serve_all(struct feed *f, struct feed_waiter **list)
{
    int64_t now = clock_monotonic_us();

    while (*list) {
        struct feed_waiter *w = *list;

        if (serve(f, w, now)) {
            *list = w->next;
            free(w);
            pthread_mutex_lock(&f->lock);
            f->count--;
            pthread_mutex_unlock(&f->lock);
        } else {
            list = &w->next;
        }
    }
}

/* Sleeps until something was written here, or long enough; without waiters for as long as that
 * lasts. The waiters are taken out, so that they are served without the lock. */
static bool wait_for_work(struct feed *f, struct feed_waiter **mine)
{
    struct timespec until;
    struct feed_waiter **end = mine;
    bool stopping;

    pthread_mutex_lock(&f->lock);
    while (!f->stopping && !f->waiters && !*mine)
        pthread_cond_wait(&f->wake, &f->lock);
    if (!f->stopping && !f->changed && !f->waiters) {
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += LOOK_US * 1000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&f->wake, &f->lock, &until);
    }
    f->changed = false;
    while (*end)
        end = &(*end)->next;
    *end = f->waiters;
    f->waiters = NULL;
    stopping = f->stopping;
    pthread_mutex_unlock(&f->lock);
    return !stopping;
}

static void *run(void *arg)
{
    struct feed *f = arg;
    struct feed_waiter *mine = NULL;
    bool more;

    do {
        more = wait_for_work(f, &mine);
        serve_all(f, &mine);
    } while (more);
    return NULL;
}

void feed_init(struct feed *f, struct provider *p)
{
    *f = (struct feed){.provider = p};
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->wake, NULL);
}

void feed_done(struct feed *f)
{
    pthread_mutex_lock(&f->lock);
    f->stopping = true;
    pthread_cond_signal(&f->wake);
    pthread_mutex_unlock(&f->lock);
    if (f->started)
        pthread_join(f->thread, NULL);
    pthread_cond_destroy(&f->wake);
    pthread_mutex_destroy(&f->lock);
}

void feed_wake(struct feed *f)
{
    pthread_mutex_lock(&f->lock);
    if (f->count > 0) {
        f->changed = true;
        pthread_cond_signal(&f->wake);
    }
    pthread_mutex_unlock(&f->lock);
}

/* False when there is no room. */
static bool add_waiter(struct feed *f, struct call *c, const struct question *q, int64_t wait_us)
{
    struct feed_waiter *w = mem_alloc(sizeof(*w));
    int64_t now = clock_monotonic_us();
    bool room;

    *w = (struct feed_waiter){
        .x = c->x, .question = *q, .until_us = now + wait_us, .beat_us = now + BEAT_US};
    pthread_mutex_lock(&f->lock);
    if (!f->started)
        f->started = pthread_create(&f->thread, NULL, run, f) == 0;
    room = f->started && !f->stopping && f->count < WAITERS_MAX;
    if (room) {
        http_reply_header(c->x, "Cache-Control", STR("no-store"));
        http_stream_start(c->x, 200, "application/json");
        w->next = f->waiters;
        f->waiters = w;
        f->count++;
        pthread_cond_signal(&f->wake);
    }
    pthread_mutex_unlock(&f->lock);
    if (!room)
        free(w);
    return room;
}

/* --- The request --- */

static bool take(struct str text, const char *name, int64_t max, int64_t *out, struct err *err)
{
    return text.len == 0 || str_to_int(text, 0, max, out) ||
           err_set(err, ERR_INVALID, "invalidValue", "'%s' must be a number from 0 to %lld", name,
                   (long long)max);
}

static bool take_all(struct call *c, struct question *q, int64_t *wait, struct err *err)
{
    *q = (struct question){.tenant_no = c->tenant->no,
                           .since = -1,
                           .count = COUNT_DEFAULT,
                           .recording = c->tenant->profile->settings.change_feed};
    *wait = 0;
    if (!take(c->since, "since", INT64_MAX - 1, &q->since, err) ||
        !take(c->count, "count", INT32_MAX, &q->count, err) ||
        !take(c->wait, "wait", INT32_MAX, wait, err))
        return false;
    if (q->count > COUNT_MAX)
        q->count = COUNT_MAX;
    if (*wait > WAIT_MAX_S)
        *wait = WAIT_MAX_S;
    return true;
}

void feed_handle(struct call *c)
{
    CLEANUP(buf_done) struct buf out;
    struct change_page page;
    struct question q;
    struct err err = {0};
    int64_t wait;

    buf_init(&out, PROVIDER_ANSWER_MAX);
    if (!take_all(c, &q, &wait, &err) || !load_page(c->provider, &q, &out, &page, &err)) {
        reply_error(c, &err);
        return;
    }
    if (page.gone) {
        reply_status(c, 410, NULL,
                     arena_printf(c->arena,
                                  "changes after %lld are not kept: read all resources anew, then "
                                  "go on with since=%lld",
                                  (long long)q.since, (long long)page.head)
                         .ptr);
        return;
    }
    q.since = page.next;
    if (page.count > 0 || wait == 0 || q.count == 0 ||
        !add_waiter(c->provider->feed, c, &q, wait * US_PER_SECOND)) {
        c->plain_json = true;
        reply_json(c, 200, buf_str(&out));
    }
}

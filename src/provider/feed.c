#include "base/log.h"
#include "provider/change.h"

#define COUNT_DEFAULT 100
#define COUNT_MAX     1000
#define WAIT_MAX_S    60
#define WAITERS_MAX   256               /* beyond, an answer comes at once */
#define LOOK_US       (500 * US_PER_MS) /* for what other processes have written */
#define BEAT_US       US_PER_SECOND     /* a blank, to learn whether the reader is still there */

struct feed_waiter {
    struct feed_waiter *next;
    struct http_exchange *x;
    int64_t tenant_no, since, count;
    int64_t until_us, beat_us; /* monotonic */
};

/* --- A page --- */

struct page {
    struct buf *out;
    int64_t count, next;
    bool gone; /* records between `since` and the first that is kept are forgotten */
};

static void write_names(struct buf *out, struct str names)
{
    struct str name;
    bool more = names.len > 0;
    const char *before = "";

    buf_add_z(out, ",\"attributes\":[");
    while (more) {
        more = str_cut(&names, ',', &name);
        buf_add_z(out, before);
        json_write_text(out, name);
        before = ",";
    }
    buf_add_char(out, ']');
}

static void write_change(struct buf *out, struct db_stmt *st)
{
    char at[TIME_TEXT_MAX], version[32];

    buf_addf(out,
             "{\"seq\":%lld,\"at\":\"%.*s\",\"type\":\"%s\",\"id\":", (long long)db_col_int(st, 0),
             STR_ARG(time_write(db_col_int(st, 1), at)),
             db_col_int(st, 2) == RESOURCE_GROUP ? "Group" : "User");
    json_write_text(out, db_col_text(st, 3));
    buf_add_z(out, ",\"action\":");
    json_write_text(out, db_col_text(st, 4));
    write_names(out, db_col_text(st, 5));
    buf_add_z(out, ",\"version\":");
    json_write_text(out, represent_version(db_col_int(st, 6), version));
    buf_add_char(out, '}');
}

/* Whether there is anything behind `since`, when no record is. */
static bool check_head(struct db *db, int64_t tenant_no, int64_t since, bool *out_gone,
                       struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, provider_query(PROVIDER_CHANGE_HEAD), DB_ARGS(db_int(tenant_no)), &st,
                       err))
        return false;
    *out_gone = st && db_col_int(st, 0) > since;
    return true;
}

/* since -1: from the oldest record that is kept. */
static bool read_page(struct db *db, int64_t tenant_no, int64_t since, int64_t count,
                      struct page *p, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    bool row;

    p->next = since < 0 ? 0 : since;
    buf_add_z(p->out, "{\"changes\":[");
    if (!db_select(db, provider_query(PROVIDER_CHANGE_PAGE),
                   DB_ARGS(db_int(tenant_no), db_int(since), db_int(count)), &st, err))
        return false;
    for (;;) {
        if (!db_step(st, &row, err))
            return false;
        if (!row)
            break;
        if (p->count == 0 && since >= 0 && db_col_int(st, 0) != since + 1)
            p->gone = true;
        if (p->count++ > 0)
            buf_add_char(p->out, ',');
        write_change(p->out, st);
        p->next = db_col_int(st, 0);
    }
    buf_addf(p->out, "],\"next\":%lld}", (long long)p->next);
    return p->count > 0 || since < 0 || check_head(db, tenant_no, since, &p->gone, err);
}

static bool load_page(struct provider *p, int64_t tenant_no, int64_t since, int64_t count,
                      struct page *page, struct err *err)
{
    struct db *db;
    bool ok;

    if (!pool_take(&p->pool, &db, err))
        return false;
    ok = read_page(db, tenant_no, since, count, page, err);
    pool_give(&p->pool, db);
    return ok;
}

/* --- Those who wait --- */

/* True when the waiter was answered, or is gone. */
static bool serve(struct feed *f, struct feed_waiter *w, int64_t now_us)
{
    CLEANUP(buf_done) struct buf out;
    struct page page = {.out = &out};
    struct err err = {0};
    bool ended = f->stopping || now_us >= w->until_us;

    buf_init(&out, PROVIDER_ANSWER_MAX);
    if (!load_page(f->provider, w->tenant_no, w->since, w->count, &page, &err)) {
        log_error("provider_feed_failed", &err);
        buf_reset(&out);
        buf_addf(&out, "{\"changes\":[],\"next\":%lld}", (long long)w->since);
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
static bool add_waiter(struct feed *f, struct call *c, int64_t since, int64_t count,
                       int64_t wait_us)
{
    struct feed_waiter *w = mem_alloc(sizeof(*w));
    int64_t now = clock_monotonic_us();
    bool room;

    *w = (struct feed_waiter){.x = c->x,
                              .tenant_no = c->tenant->no,
                              .since = since,
                              .count = count,
                              .until_us = now + wait_us,
                              .beat_us = now + BEAT_US};
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

static bool take_all(struct call *c, int64_t *since, int64_t *count, int64_t *wait, struct err *err)
{
    *since = -1;
    *count = COUNT_DEFAULT;
    *wait = 0;
    if (!take(c->since, "since", INT64_MAX - 1, since, err) ||
        !take(c->count, "count", INT32_MAX, count, err) ||
        !take(c->wait, "wait", INT32_MAX, wait, err))
        return false;
    if (*count > COUNT_MAX)
        *count = COUNT_MAX;
    if (*count < 1)
        *count = 1;
    if (*wait > WAIT_MAX_S)
        *wait = WAIT_MAX_S;
    return true;
}

void feed_handle(struct call *c)
{
    CLEANUP(buf_done) struct buf out;
    struct page page = {.out = &out};
    int64_t since, count, wait;
    struct err err = {0};

    buf_init(&out, PROVIDER_ANSWER_MAX);
    if (!take_all(c, &since, &count, &wait, &err) ||
        !load_page(c->provider, c->tenant->no, since, count, &page, &err)) {
        reply_error(c, &err);
    } else if (page.gone) {
        reply_status(c, 410, NULL,
                     "changes after 'since' are forgotten: read all resources, then go on without "
                     "'since'");
    } else if (page.count > 0 || wait == 0 ||
               !add_waiter(c->provider->feed, c, page.next, count, wait * US_PER_SECOND)) {
        c->plain_json = true;
        reply_json(c, 200, buf_str(&out));
    }
}

#include "engine/notices.h"

#include "engine/failures/quarantine.h"
#include "job/retry.h"

#include <inttypes.h>

#define SERIES_US (28 * US_PER_DAY) /* engine.md 9.5 */
#define DIGEST_US (7 * US_PER_HOUR) /* of the day in UTC */

enum { DIGEST_OBJECTS = 50, DIGEST_RECORDS = 500, MESSAGE_MAX = 300 /* bytes */, TOKEN_MAX = 8192 };

#define MARK_ESCROWS STR("escrows")
#define MARK_HELD    STR("held")
#define MARK_FAILED  STR("cycleFailed")

/* --- Who is told --- */

static bool recipients(struct db *db, struct arena *a, const struct job *job,
                       struct job_settings *settings, struct notify_to *out, struct err *err)
{
    if (!job_settings_load(db, a, job->no, settings, err))
        return false;
    *out = (struct notify_to){
        .mails = job->notification_mail,
        .webhook = settings->notify_webhook,
        .events = settings->notify_events,
        .batch_us = settings->notify_batch_us,
    };
    return true;
}

static bool put(const struct engine *e, struct db *db, const struct job *job,
                const struct notify_to *to, struct notify_event event, struct err *err)
{
    event.at_us = clock_now(e->clock);
    event.job_no = job->no;
    event.job_id = job->id;
    event.job_name = job->name;
    event.to = *to;
    return notify_event(db, &event, err);
}

bool notices_tell(const struct engine *e, struct db *db, const struct job *job,
                  struct notify_event event, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct job_settings settings;
    struct notify_to to;

    return recipients(db, a, job, &settings, &to, err) && put(e, db, job, &to, event, err);
}

/* --- Cycles --- */

static bool escrows(const struct engine *e, struct db *db, struct arena *a, const struct job *job,
                    const struct notify_to *to, int64_t limit, struct err *err)
{
    struct str told;
    int64_t count;
    bool over;

    if (!retry_count(db, job->no, &count, err) ||
        !notify_mark_load(db, a, job->no, MARK_ESCROWS, &told, err))
        return false;
    over = count >= limit;
    if (over == (told.len > 0))
        return true;
    return notify_mark_save(db, job->no, MARK_ESCROWS, over ? STR("1") : STR(""), err) &&
           (!over || put(e, db, job, to,
                         (struct notify_event){
                             .id = arena_printf(a, "escrows/%" PRId64, clock_now(e->clock)),
                             .kind = NOTIFY_ESCROWS_GROWN,
                             .count = count,
                             .limit = limit,
                         },
                         err));
}

bool notices_cycle_done(const struct engine *e, struct db *db, const struct job *job,
                        struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct job_settings settings;
    struct notify_to to;
    struct str failed;

    if (!notify_mark_load(db, a, job->no, MARK_FAILED, &failed, err) ||
        (failed.len > 0 && !notify_mark_save(db, job->no, MARK_FAILED, STR(""), err)) ||
        !recipients(db, a, job, &settings, &to, err))
        return false;
    return settings.notify_escrows == 0 || !notify_wanted(&to, NOTIFY_ESCROWS_GROWN) ||
           escrows(e, db, a, job, &to, settings.notify_escrows, err);
}

bool notices_cycle_failed(const struct engine *e, struct db *db, const struct job *job,
                          const struct err *why, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct job_settings settings;
    struct notify_to to;
    struct str told;

    if (quarantine_slows(quarantine_reason_of(job->quarantine_reason)))
        return true;
    if (!recipients(db, a, job, &settings, &to, err) ||
        !notify_mark_load(db, a, job->no, MARK_FAILED, &told, err))
        return false;
    if (told.len > 0 || !notify_wanted(&to, NOTIFY_CYCLE_FAILED))
        return true;
    return notify_mark_save(db, job->no, MARK_FAILED, str_from_z(why->code), err) &&
           put(e, db, job, &to,
               (struct notify_event){
                   .id = arena_printf(a, "cycleFailed/%" PRId64, clock_now(e->clock)),
                   .kind = NOTIFY_CYCLE_FAILED,
                   .code = str_from_z(why->code),
                   .message = str_from_z(why->message),
               },
               err);
}

bool notices_held(const struct engine *e, struct db *db, const struct job *job, int64_t removals,
                  int64_t updates, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    int64_t count = removals + updates;
    int64_t told = 0;
    struct str mark;

    if (!notify_mark_load(db, a, job->no, MARK_HELD, &mark, err))
        return false;
    (void)str_to_int(mark, 0, INT64_MAX / 2, &told);
    if (count == 0)
        return told == 0 || notify_mark_save(db, job->no, MARK_HELD, STR(""), err);
    if (told > 0 && count < 2 * told)
        return true;
    return notify_mark_save(db, job->no, MARK_HELD, arena_printf(a, "%" PRId64, count), err) &&
           notices_tell(e, db, job,
                        (struct notify_event){
                            .id = arena_printf(a, "removalsHeld/%" PRId64, clock_now(e->clock)),
                            .kind = NOTIFY_REMOVALS_HELD,
                            .code = STR("TooManyDeletes"),
                            .message = arena_printf(a,
                                                    "%" PRId64 " removals and %" PRId64
                                                    " changes of a matching or sign-in attribute",
                                                    removals, updates),
                            .count = count,
                        },
                        err);
}

/* --- What comes with time --- */

struct tick {
    const struct engine *e;
    struct db *db;
    struct arena *a;
    const struct job *job;
    struct job_settings settings;
    struct notify_to to;
    int64_t now_us;
};

/* Whether there is anything to do about an event: somebody wants it and it was not told yet. */
static bool is_new(struct tick *t, enum notify_kind kind, struct str id, bool *out, struct err *err)
{
    bool known = true;

    if (notify_wanted(&t->to, kind) && !notify_event_known(t->db, t->job->no, id, &known, err))
        return false;
    *out = !known;
    return true;
}

/* The nearest of the times before `until` at which a warning is due; 0: none yet. */
static int64_t warning_days(const int64_t *days, size_t count, int64_t until_us, int64_t now_us)
{
    int64_t due = 0;

    for (size_t i = 0; i < count; i++) {
        if (now_us >= until_us - days[i] * US_PER_DAY)
            due = days[i];
    }
    return due;
}

static bool warn_of_disable(struct tick *t, struct err *err)
{
    static const int64_t days[] = {7, 1};
    int64_t since_us = t->job->quarantine_since_us;
    int64_t left = warning_days(days, ARRAY_LEN(days), since_us + SERIES_US, t->now_us);
    struct str id = arena_printf(t->a, "disableWarning/%" PRId64 "/%" PRId64, since_us, left);
    bool tell;

    if (!quarantine_slows(quarantine_reason_of(t->job->quarantine_reason)) || left == 0)
        return true;
    if (!is_new(t, NOTIFY_DISABLE_WARNING, id, &tell, err))
        return false;
    return !tell || put(t->e, t->db, t->job, &t->to,
                        (struct notify_event){
                            .id = id,
                            .kind = NOTIFY_DISABLE_WARNING,
                            .code = t->job->quarantine_code,
                            .message = t->job->quarantine_message,
                            .since_us = since_us,
                            .until_us = since_us + SERIES_US,
                        },
                        err);
}

static int base64url_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (ascii_is_digit(c))
        return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

static bool base64url_decode(struct arena *a, struct str s, struct str *out)
{
    char *text = arena_alloc(a, s.len + 1);
    unsigned bits = 0;
    unsigned have = 0;
    size_t len = 0;

    for (size_t i = 0; i < s.len; i++) {
        int digit = base64url_digit(s.ptr[i]);

        if (digit < 0)
            return false;
        bits = (bits << 6 | (unsigned)digit) & 0xffff;
        have += 6;
        if (have >= 8) {
            have -= 8;
            text[len++] = (char)(bits >> have & 0xff);
        }
    }
    *out = (struct str){text, len};
    return true;
}

bool notices_token_expiry(struct str token, int64_t *out_us)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct str rest = token;
    struct str head, payload;
    struct str decoded;
    struct json *claims;
    struct err ignored;
    double seconds;

    if (token.len > TOKEN_MAX || !str_cut(&rest, '.', &head) || !str_cut(&rest, '.', &payload) ||
        !base64url_decode(a, payload, &decoded) ||
        !json_parse(a, decoded, NULL, &claims, NULL, &ignored) || !json_is(claims, JSON_OBJECT) ||
        !json_is(json_get(claims, STR("exp")), JSON_NUMBER) ||
        !json_to_double(json_get(claims, STR("exp")), &seconds) || seconds < 1 || seconds > 4e10)
        return false;
    *out_us = (int64_t)seconds * US_PER_SECOND;
    return true;
}

static bool warn_of_token(struct tick *t, struct err *err)
{
    static const int64_t days[] = {14, 3};
    CLEANUP(secret_done) struct secret token = {0};
    struct err why = {0};
    int64_t until_us;
    int64_t left;
    struct str id;
    bool tell;

    if (!notify_wanted(&t->to, NOTIFY_CREDENTIAL_EXPIRING))
        return true;
    if (!job_secret_load(t->db, t->e->key, t->job->no, STR("SecretToken"), &token, &why)) {
        if (why.kind != ERR_NOT_FOUND)
            *err = why;
        return why.kind == ERR_NOT_FOUND;
    }
    if (!notices_token_expiry(secret_reveal(&token), &until_us))
        return true;
    left = warning_days(days, ARRAY_LEN(days), until_us, t->now_us);
    id = arena_printf(t->a, "credentialExpiring/%" PRId64 "/%" PRId64, until_us, left);
    if (left == 0)
        return true;
    if (!is_new(t, NOTIFY_CREDENTIAL_EXPIRING, id, &tell, err))
        return false;
    return !tell || put(t->e, t->db, t->job, &t->to,
                        (struct notify_event){
                            .id = id, .kind = NOTIFY_CREDENTIAL_EXPIRING, .until_us = until_us},
                        err);
}

/* People are told names; the queue of failures has ids, the newest records of failures have both.
 */
static struct str name_of(const struct journal_record *records, size_t count, struct str source_id)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(records[i].source_id, source_id) && records[i].source_name.len)
            return records[i].source_name;
    }
    return source_id;
}

/* The beginning of what an application answered, whole characters. */
static struct str beginning(struct str s)
{
    size_t n = s.len < MESSAGE_MAX ? s.len : MESSAGE_MAX;

    while (n > 0 && n < s.len && ((unsigned char)s.ptr[n] & 0xc0) == 0x80)
        n--;
    return str_sub(s, 0, n);
}

static bool failing_objects(struct tick *t, struct notify_event *event, struct err *err)
{
    struct notify_object *objects = ARENA_ARRAY(t->a, struct notify_object, DIGEST_OBJECTS);
    struct journal_query failures = {
        .by_status = true, .status = STATUS_FAILURE, .limit = DIGEST_RECORDS};
    struct journal_record *records;
    struct retry *list;
    size_t record_count;
    size_t count;

    if (!retry_count(t->db, t->job->no, &event->count, err) ||
        !retry_list(t->db, t->a, t->job->no, DIGEST_OBJECTS, &list, &count, err) ||
        !journal_list(t->db, t->a, t->job->no, &failures, &records, &record_count, err))
        return false;
    for (size_t i = 0; i < count && i < DIGEST_OBJECTS; i++) {
        objects[i] = (struct notify_object){
            .name = name_of(records, record_count, list[i].source_id),
            .code = list[i].code,
            .message = beginning(list[i].message),
            .since_us = list[i].first_us,
            .next_us = list[i].next_us,
        };
    }
    event->objects = objects;
    event->object_count = count < DIGEST_OBJECTS ? count : DIGEST_OBJECTS;
    return true;
}

/* One for each day, from seven in the morning. */
static bool digest(struct tick *t, struct err *err)
{
    struct notify_event event = {
        .id = arena_printf(t->a, "digest/%" PRId64, (t->now_us - DIGEST_US) / US_PER_DAY),
        .kind = NOTIFY_DIGEST,
    };
    bool tell;

    if (!t->settings.notify_digest)
        return true;
    if (!is_new(t, NOTIFY_DIGEST, event.id, &tell, err) ||
        (tell && !failing_objects(t, &event, err)))
        return false;
    return !tell || event.count == 0 || put(t->e, t->db, t->job, &t->to, event, err);
}

bool notices_tick(const struct engine *e, struct db *db, const struct job *job, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct tick t = {.e = e, .db = db, .a = a, .job = job, .now_us = clock_now(e->clock)};

    return recipients(db, a, job, &t.settings, &t.to, err) && warn_of_disable(&t, err) &&
           warn_of_token(&t, err) && digest(&t, err);
}

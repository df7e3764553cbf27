#include "connector/scim/record.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "connector/scim/call.h"

#include <sys/stat.h>

enum { NUMBER_MAX = 999999 };

struct scim_record {
    const struct scim_target *target;
    char *dir;
    unsigned number; /* of the last file */
    bool failed;     /* said once; the requests go on */
};

bool scim_record_new(const struct scim_target *t, const char *dir, struct scim_record **out,
                     struct err *err)
{
    struct stat st;
    struct scim_record *r;
    size_t size = strlen(dir) + 1;

    if ((stat(dir, &st) != 0 || !S_ISDIR(st.st_mode)) && !dir_make(dir, 0700, err))
        return err_wrap(err, "--record");
    r = mem_alloc(sizeof(*r));
    *r = (struct scim_record){.target = t, .dir = memcpy(mem_alloc(size), dir, size)};
    *out = r;
    return true;
}

void scim_record_free(struct scim_record *r)
{
    if (!r)
        return;
    free(r->dir);
    free(r);
}

/* --- Masks --- */

enum { SECRETS_MAX = SCIM_OWN_SECRETS + 16, SECRET_LEAST = 4 };

/* The masks of one exchange: what is secret in the request may be repeated in the answer. */
struct masks {
    const struct scim_record *record;
    struct arena *a;
    struct str secrets[SECRETS_MAX];
    size_t count;
};

static void masks_init(struct masks *m, const struct scim_record *r, struct arena *a)
{
    m->record = r;
    m->a = a;
    m->count = scim_target_secrets(r->target, m->secrets);
}

static bool is_one_of(const struct str *names, size_t count, struct str name)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq_ascii_nocase(names[i], name))
            return true;
    }
    return false;
}

static bool is_secret(const struct scim_record *r, struct str name)
{
    static const struct str always[] = {
        STR_INIT("password"),         STR_INIT("access_token"),  STR_INIT("refresh_token"),
        STR_INIT("id_token"),         STR_INIT("client_secret"), STR_INIT("clientSecret"),
        STR_INIT("client_assertion"),
    };

    if (is_one_of(always, ARRAY_LEN(always), name))
        return true;
    for (size_t o = 0; o < r->target->object_count; o++) {
        const struct scim_object *object = &r->target->objects[o];

        for (size_t i = 0; i < object->mapping->attribute_count; i++) {
            const struct scim_attribute *t = &object->attributes[i];

            if (t->mapping->secret && (str_eq_ascii_nocase(name, t->path) ||
                                       str_eq_ascii_nocase(name, t->sub.len ? t->sub : t->name)))
                return true;
        }
    }
    return false;
}

static void hide(struct masks *m, struct json *v)
{
    if (json_is(v, JSON_STRING) && v->text.len >= SECRET_LEAST && m->count < SECRETS_MAX)
        m->secrets[m->count++] = v->text;
    v->type = JSON_STRING;
    v->text = STR(SCIM_RECORD_MASK);
    v->first = NULL;
    v->count = 0;
}

/* In an operation of a PATCH the name is the value of "path". */
static void mask(struct masks *m, struct json *v)
{
    bool operation = json_is(v, JSON_OBJECT) && is_secret(m->record, json_get_text(v, "path"));

    if (!json_is(v, JSON_OBJECT) && !json_is(v, JSON_ARRAY))
        return;
    for (struct json *one = v->first; one; one = one->next) {
        bool named = json_is(v, JSON_OBJECT) && (is_secret(m->record, one->name) ||
                                                 (operation && str_eq_z(one->name, "value")));

        if (named && !json_is(one, JSON_NULL)) {
            hide(m, one);
        } else {
            mask(m, one);
        }
    }
}

static struct str without_secrets(struct masks *m, struct str text)
{
    return scim_excerpt(m->a, text, SIZE_MAX / 4, m->secrets, m->count);
}

static void add_body(struct masks *m, struct json *to, struct str body, struct str type)
{
    struct json *document;
    struct err ignored;

    if (body.len == 0)
        return;
    if (str_starts(type, STR("application/x-www-form-urlencoded"))) {
        json_add_z(m->a, to, "body", SCIM_RECORD_MASK);
        return;
    }
    if (json_parse(m->a, body, NULL, &document, NULL, &ignored)) {
        mask(m, document);
        /* What is repeated in other texts goes from the text. */
        struct str text = without_secrets(m, json_text(m->a, document));
        if (json_parse(m->a, text, NULL, &document, NULL, &ignored)) {
            json_set(m->a, to, STR("body"), document);
            return;
        }
    }
    json_add_str(m->a, to, "body", without_secrets(m, body));
}

/* Words that say of a parameter, whoever has put it there, that it opens something. */
static bool opens(struct str name)
{
    static const char *const words[] = {"token", "secret", "password", "key", "sig", "code"};

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        struct str word = str_from_z(words[i]);

        for (size_t at = 0; at + word.len <= name.len; at++) {
            if (str_eq_ascii_nocase(str_sub(name, at, word.len), word))
                return true;
        }
    }
    return false;
}

/* The values of the tenant URL's own parameters, which may be keys, and of those whose name says
 * so. */
static struct str masked_target(struct masks *m, struct str target)
{
    struct str own = m->record->target->url.query;
    struct str query = without_secrets(m, target), path, parameter;
    CLEANUP(buf_done) struct buf out;
    bool more = str_cut(&query, '?', &path);

    buf_init(&out, SCIM_URL_MAX * 4);
    buf_add(&out, path);
    for (char before = '?'; more; before = '&') {
        struct str rest, name;
        size_t at;

        more = str_cut(&query, '&', &parameter);
        rest = parameter;
        (void)str_cut(&rest, '=', &name);
        buf_add_char(&out, before);
        if (name.len < parameter.len &&
            ((own.len && str_find(own, parameter, &at)) || opens(name))) {
            buf_add(&out, name);
            buf_add_z(&out, "=" SCIM_RECORD_MASK);
        } else {
            buf_add(&out, parameter);
        }
    }
    return arena_str(m->a, buf_str(&out));
}

/* As they were sent, those with credentials without them. */
static void add_head(struct masks *m, struct json *to, struct str lines)
{
    static const struct str always[] = {
        STR_INIT("Authorization"), STR_INIT("Proxy-Authorization"), STR_INIT("Cookie"),
        STR_INIT("Set-Cookie"),    STR_INIT("Set-Cookie2"),         STR_INIT("Authentication-Info"),
    };
    struct json *list = json_new(m->a, JSON_ARRAY);

    while (lines.len > 0) {
        struct str line, rest, name;

        (void)str_cut(&lines, '\n', &line);
        rest = line;
        (void)str_cut(&rest, ':', &name);
        if (is_one_of(always, ARRAY_LEN(always), name) || opens(name))
            line = arena_printf(m->a, "%.*s: " SCIM_RECORD_MASK, STR_ARG(name));
        json_append(list, json_string(m->a, without_secrets(m, line)));
    }
    json_set(m->a, to, STR("head"), list);
}

/* --- Files --- */

static void add_answer(struct masks *m, struct json *said, const struct http_client_exchange *x)
{
    const struct http_answer *answer = x->answer;

    if (answer->failure != HTTP_OK) {
        json_add_z(m->a, said, "failure", http_failure_name(answer->failure));
        json_add_str(m->a, said, "reason", without_secrets(m, str_from_z(answer->reason)));
        return;
    }
    json_add_int(m->a, said, "status", answer->status);
    add_head(m, said, x->answer_head);
    json_add_str(m->a, said, "contentType", without_secrets(m, answer->content_type));
    if (answer->etag.len)
        json_add_str(m->a, said, "etag", without_secrets(m, answer->etag));
    if (answer->location.len)
        json_add_str(m->a, said, "location", without_secrets(m, answer->location));
    if (answer->retry_after_ms >= 0)
        json_add_int(m->a, said, "retryAfterMs", answer->retry_after_ms);
    add_body(m, said, answer->body, answer->content_type);
}

static struct json *document_of(const struct scim_record *r, struct arena *a,
                                const struct http_client_exchange *x)
{
    struct json *request = json_new(a, JSON_OBJECT);
    struct json *said = json_new(a, JSON_OBJECT);
    struct json *v = json_new(a, JSON_OBJECT);
    char now[TIME_TEXT_MAX];
    struct masks m;

    masks_init(&m, r, a);
    json_add_z(a, request, "method", http_method_name(x->method));
    json_add_str(a, request, "target", masked_target(&m, x->target));
    add_head(&m, request, x->head);
    add_body(&m, request, x->body, x->content_type);
    add_answer(&m, said, x);
    json_add_str(a, v, "at", time_write(clock_now(clock_system()), now));
    json_add_int(a, v, "durationMs", x->answer->duration_us / US_PER_MS);
    json_set(a, v, STR("request"), request);
    json_set(a, v, STR("answer"), said);
    return v;
}

void scim_record_exchange(void *ctx, const struct http_client_exchange *x)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct scim_record *r = ctx;
    struct stat st;
    struct err err;
    struct str path;

    if (r->failed)
        return;
    do { /* behind what is there already */
        path = arena_printf(a, "%s/%06u.json", r->dir, ++r->number);
    } while (r->number < NUMBER_MAX && stat(path.ptr, &st) == 0);
    if (!file_create(path.ptr, json_text(a, document_of(r, a, x)), 0600, &err)) {
        r->failed = true;
        log_error("record_failed", &err);
    }
}

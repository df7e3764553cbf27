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

static bool is_secret(const struct scim_record *r, struct str name)
{
    static const struct str always[] = {
        STR_INIT("password"),
        STR_INIT("access_token"),
        STR_INIT("refresh_token"),
        STR_INIT("client_secret"),
    };

    for (size_t i = 0; i < ARRAY_LEN(always); i++) {
        if (str_eq_ascii_nocase(name, always[i]))
            return true;
    }
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

/* In an operation of a PATCH the name is the value of "path". */
static void mask(const struct scim_record *r, struct arena *a, struct json *v)
{
    bool operation = json_is(v, JSON_OBJECT) && is_secret(r, json_get_text(v, "path"));

    if (!json_is(v, JSON_OBJECT) && !json_is(v, JSON_ARRAY))
        return;
    for (struct json *one = v->first; one; one = one->next) {
        bool named = json_is(v, JSON_OBJECT) &&
                     (is_secret(r, one->name) || (operation && str_eq_z(one->name, "value")));

        if (named && !json_is(one, JSON_NULL)) {
            one->type = JSON_STRING;
            one->text = STR(SCIM_RECORD_MASK);
            one->first = NULL;
            one->count = 0;
        } else {
            mask(r, a, one);
        }
    }
}

static struct str without_secrets(const struct scim_record *r, struct arena *a, struct str text)
{
    struct str secrets[SCIM_OWN_SECRETS];
    size_t count = scim_target_secrets(r->target, secrets);

    return scim_excerpt(a, text, SIZE_MAX / 4, secrets, count);
}

static void add_body(const struct scim_record *r, struct arena *a, struct json *to, struct str body,
                     struct str type)
{
    struct json *document;
    struct err ignored;

    if (body.len == 0)
        return;
    if (str_starts(type, STR("application/x-www-form-urlencoded"))) {
        json_add_z(a, to, "body", SCIM_RECORD_MASK);
        return;
    }
    if (json_parse(a, body, NULL, &document, NULL, &ignored)) {
        mask(r, a, document);
        /* What is repeated in other texts goes from the text. */
        struct str text = without_secrets(r, a, json_text(a, document));
        if (json_parse(a, text, NULL, &document, NULL, &ignored)) {
            json_set(a, to, STR("body"), document);
            return;
        }
    }
    json_add_str(a, to, "body", without_secrets(r, a, body));
}

/* --- Files --- */

static struct json *document_of(const struct scim_record *r, struct arena *a,
                                const struct http_client_exchange *x)
{
    const struct http_answer *answer = x->answer;
    struct json *request = json_new(a, JSON_OBJECT);
    struct json *said = json_new(a, JSON_OBJECT);
    struct json *v = json_new(a, JSON_OBJECT);
    char now[TIME_TEXT_MAX];

    json_add_z(a, request, "method", http_method_name(x->method));
    json_add_str(a, request, "target", without_secrets(r, a, x->target));
    add_body(r, a, request, x->body, x->content_type);
    if (answer->failure != HTTP_OK) {
        json_add_z(a, said, "failure", http_failure_name(answer->failure));
        json_add_str(a, said, "reason", without_secrets(r, a, str_from_z(answer->reason)));
    } else {
        json_add_int(a, said, "status", answer->status);
        json_add_str(a, said, "contentType", without_secrets(r, a, answer->content_type));
        if (answer->etag.len)
            json_add_str(a, said, "etag", without_secrets(r, a, answer->etag));
        if (answer->location.len)
            json_add_str(a, said, "location", without_secrets(r, a, answer->location));
        if (answer->retry_after_ms >= 0)
            json_add_int(a, said, "retryAfterMs", answer->retry_after_ms);
        add_body(r, a, said, answer->body, answer->content_type);
    }
    json_add_str(a, v, "at", time_write(clock_now(clock_system()), now));
    json_add_int(a, v, "durationMs", answer->duration_us / US_PER_MS);
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

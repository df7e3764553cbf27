/* Finds the answer to a request among those recorded (scim.md 10.6). */
#include "base/buf.h"
#include "base/file.h"
#include "connector/scim/record.h"

#include <dirent.h>
#include <errno.h>

enum { UUID_LENGTH = 36, EXCHANGE_MAX_BYTES = 128 << 20, FILES_MAX = 1000000 };

struct exchange {
    struct str method, target;
    struct str loose; /* the target with its query's UUIDs left out; empty: there is no query */
    const struct json *body;
    const struct json *answer;
    bool given;
};

struct scim_replay {
    struct exchange *list;
    size_t count;
};

static bool is_uuid(struct str s)
{
    if (s.len < UUID_LENGTH)
        return false;
    for (size_t i = 0; i < UUID_LENGTH; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (dash ? s.ptr[i] != '-' : !ascii_is_digit(s.ptr[i]) && !ascii_is_alpha(s.ptr[i]))
            return false;
    }
    return true;
}

/* Who cannot exist is asked for by another random GUID each time. */
static struct str loosen(struct arena *a, struct str target)
{
    CLEANUP(buf_done) struct buf out;
    size_t query;

    buf_init(&out, target.len + 1);
    if (!str_find_char(target, '?', &query))
        return STR("");
    for (size_t i = 0; i < target.len;) {
        if (i > query && is_uuid(str_from(target, i))) {
            buf_add_char(&out, '*');
            i += UUID_LENGTH;
        } else {
            buf_add_char(&out, target.ptr[i++]);
        }
    }
    return arena_str(a, buf_str(&out));
}

static bool load_one(struct arena *a, const char *path, struct exchange *out, struct err *err)
{
    /* Bodies are as deep and as large as answers can be, and stand in a document. */
    static const struct json_limits limits = {
        .max_depth = 64 + 4, .max_bytes = EXCHANGE_MAX_BYTES, .max_values = 20000000};
    const struct json *request, *answer;
    struct json *document;
    struct str text;

    if (!file_read(a, path, EXCHANGE_MAX_BYTES, &text, err))
        return false;
    if (!json_parse(a, text, &limits, &document, NULL, err))
        return err_wrap(err, "%s", path);
    request = json_get(document, STR("request"));
    answer = json_get(document, STR("answer"));
    if (!json_is(request, JSON_OBJECT) || !json_is(answer, JSON_OBJECT))
        return err_set(err, ERR_INVALID, "badRecord", "%s is no recorded exchange", path);
    *out = (struct exchange){
        .method = json_get_text(request, "method"),
        .target = json_get_text(request, "target"),
        .body = json_get(request, STR("body")),
        .answer = answer,
    };
    out->loose = loosen(a, out->target);
    return true;
}

static int is_recorded(const struct dirent *entry)
{
    struct str name = str_from_z(entry->d_name);

    return name.len == strlen("000000.json") && str_ends(name, STR(".json"));
}

bool scim_replay_load(struct arena *a, const char *dir, struct scim_replay **out, size_t *out_count,
                      struct err *err)
{
    struct scim_replay *r = ARENA_NEW(a, struct scim_replay);
    struct dirent **names;
    int count = scandir(dir, &names, is_recorded, alphasort);
    bool ok = true;

    if (count < 0)
        return err_set(err, ERR_NOT_FOUND, "noRecord", "%s: %s", dir, strerrordesc_np(errno));
    r->list = ARENA_ARRAY(a, struct exchange, (size_t)count + 1);
    for (int i = 0; i < count; i++) {
        if (ok) {
            ok = load_one(a, arena_printf(a, "%s/%s", dir, names[i]->d_name).ptr,
                          &r->list[r->count++], err);
        }
        free(names[i]);
    }
    free(names);
    if (ok && r->count == 0)
        ok = err_set(err, ERR_NOT_FOUND, "noRecord", "there is nothing recorded in %s", dir);
    *out = r;
    *out_count = r->count;
    return ok;
}

static bool is_like(const struct json *kept, const struct json *sent)
{
    if (json_is(kept, JSON_STRING) && str_eq_z(kept->text, SCIM_RECORD_MASK))
        return true;
    if (!kept || !sent || kept->type != sent->type || kept->count != sent->count)
        return kept == sent;
    switch (kept->type) {
    case JSON_NULL:
        return true;
    case JSON_BOOL:
        return kept->boolean == sent->boolean;
    case JSON_NUMBER:
    case JSON_STRING:
        return str_eq(kept->text, sent->text);
    case JSON_OBJECT:
        JSON_EACH(member, kept)
        {
            if (!is_like(member, json_get(sent, member->name)))
                return false;
        }
        return true;
    case JSON_ARRAY:
        break;
    }
    const struct json *other = sent->first;
    JSON_EACH(item, kept)
    {
        if (!is_like(item, other))
            return false;
        other = other->next;
    }
    return true;
}

/* A mask stands for any text without '&': each part of a query is matched for itself. */
static bool is_target(struct str kept, struct str sent)
{
    static const struct str masked = STR_INIT(SCIM_RECORD_MASK);
    size_t k = 0, s = 0, behind = 0, taken = 0; /* the last mask: behind it, and how far it goes */
    bool mask = false;

    while (k < kept.len || s < sent.len) {
        if (str_starts(str_from(kept, k), masked)) {
            k += masked.len;
            behind = k;
            taken = s;
            mask = true;
        } else if (k < kept.len && s < sent.len && kept.ptr[k] == sent.ptr[s]) {
            k++;
            s++;
        } else if (!mask || taken == sent.len || sent.ptr[taken] == '&') {
            return false;
        } else {
            k = behind;
            s = ++taken;
        }
    }
    return true;
}

const struct json *scim_replay_find(struct scim_replay *r, struct arena *tmp, struct str method,
                                    struct str target, struct str body)
{
    struct str loose = loosen(tmp, target);
    struct json *sent = NULL;
    struct err ignored;

    if (body.len && !json_parse(tmp, body, NULL, &sent, NULL, &ignored))
        sent = json_string(tmp, body);
    for (int exactly = 1; exactly >= 0; exactly--) {
        struct exchange *last = NULL;

        for (size_t i = 0; i < r->count; i++) {
            struct exchange *e = &r->list[i];

            if (!str_eq(e->method, method) || !is_like(e->body, sent) ||
                !(exactly ? is_target(e->target, target) : loose.len && is_target(e->loose, loose)))
                continue;
            last = e;
            if (!e->given)
                break;
        }
        if (last) {
            last->given = true;
            return last->answer;
        }
    }
    return NULL;
}

#include "engine/plans/plan_settings.h"

#include "base/secret.h"
#include "job/settings.h"

/* The head of a plan has little room: of what is longer there is a digest. */
enum { VALUE_MAX = 80 };

static bool concerns_rows(struct str name)
{
    static const char *const groups[] = {"deprovision.", "create.",           "scope.",
                                         "source.",      "references.",       "guard",
                                         "protected.",   "client.disableVia", "client.deleteVia",
                                         "client.group"};

    for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
        if (str_starts(name, str_from_z(groups[i])))
            return true;
    }
    return false;
}

static struct str short_value(struct arena *a, struct str value)
{
    char hex[SHA256_HEX_MAX];

    if (value.len <= VALUE_MAX)
        return value;
    sha256_hex(value, hex);
    return arena_printf(a, "sha256:%.16s", hex);
}

bool plan_settings(struct db *db, struct arena *a, const struct job *job, struct json **out,
                   struct err *err)
{
    struct json *v = json_new(a, JSON_OBJECT);
    struct job_setting *list;
    size_t count;

    if (!job_settings_list(db, a, job->no, &list, &count, err))
        return false;
    json_add_z(a, v, "scope", job_scope_name(job->scope));
    for (size_t i = 0; i < count; i++) {
        if (concerns_rows(list[i].name) && !str_eq(list[i].value, list[i].initial))
            json_set(a, v, list[i].name, json_string(a, short_value(a, list[i].value)));
    }
    *out = v;
    return true;
}

static bool differs(struct arena *a, struct str name, const struct json *then,
                    const struct json *now, struct err *err)
{
    struct str was = then ? json_text(a, then) : STR("at its default");
    struct str is = now ? json_text(a, now) : STR("at its default");

    return err_set(err, ERR_CONFLICT, "configurationChanged",
                   "the plan was made while '%.*s' was %.*s, and now it is %.*s: make the plan "
                   "again",
                   STR_ARG(name), STR_ARG(was), STR_ARG(is));
}

bool plan_settings_same(struct arena *a, const struct json *then, const struct json *now,
                        struct err *err)
{
    JSON_EACH(item, then)
    {
        const struct json *other = json_get(now, item->name);

        if (!other || !str_eq(json_text(a, item), json_text(a, other)))
            return differs(a, item->name, item, other, err);
    }
    JSON_EACH(item, now)
    {
        if (!json_get(then, item->name))
            return differs(a, item->name, NULL, item, err);
    }
    return true;
}

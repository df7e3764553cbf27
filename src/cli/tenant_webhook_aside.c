/* `usher tenant webhook set-aside|retry|drop`: changes that a receiver refused again and again. */
#include "cli/author.h"
#include "cli/tenant_webhook.h"
#include "provider/changes/aside.h"

#include <string.h>

/* --- Looking --- */

static struct json *aside_json(struct cli *c, const struct provider_aside *w)
{
    struct json *v = json_new(c->arena, JSON_OBJECT);
    char text[TIME_TEXT_MAX];

    json_add_str(c->arena, v, "id", w->id);
    json_add_str(c->arena, v, "name", w->name);
    json_add_int(c->arena, v, "changes", w->changes);
    json_add_int(c->arena, v, "first", w->first);
    json_add_str(c->arena, v, "since", time_write(w->since_us, text));
    json_add_int(c->arena, v, "attempts", w->attempts);
    json_add_str(c->arena, v, "nextAttempt", time_write(w->next_us, text));
    json_add_str(c->arena, v, "error", w->error);
    return v;
}

static void print_one(struct cli *c, struct cli_table *table, const struct provider_aside *w)
{
    char since[TIME_TEXT_MAX], next[TIME_TEXT_MAX];
    bool now = w->next_us <= clock_now(c->clock);

    cli_table_row(table, (struct str[]){w->id, w->name.len ? w->name : STR("-"),
                                        arena_printf(c->arena, "%lld", (long long)w->changes),
                                        arena_printf(c->arena, "%lld", (long long)w->first),
                                        time_write(w->since_us, since),
                                        now ? STR("now") : time_write(w->next_us, next), w->error});
}

int cli_webhook_set_aside(struct cli *c, struct str tenant, struct err *err)
{
    static const char *const headers[] = {"ID",    "NAME",        "CHANGES", "FIRST",
                                          "SINCE", "TRIED AGAIN", "ERROR"};
    struct cli_table *table = cli_table_new(c, headers, ARRAY_LEN(headers));
    struct json *all = json_new(c->arena, JSON_ARRAY);
    struct provider_aside *list;
    size_t count;

    if (!provider_aside_list(c->db_handle, c->arena, tenant, &list, &count, err))
        return cli_fail(c, err);
    for (size_t i = 0; i < count; i++) {
        json_append(all, aside_json(c, &list[i]));
        print_one(c, table, &list[i]);
    }
    if (c->json) {
        cli_print_json(c, all);
    } else if (count > 0) {
        cli_table_print(table);
    } else {
        cli_say(c, "nothing is set aside");
    }
    return 0;
}

/* --- Deciding --- */

static bool note(struct cli *c, struct str tenant, const char *what, struct str id, int64_t changes,
                 struct err *err)
{
    struct json *after = json_new(c->arena, JSON_OBJECT);
    const struct audit_change change = {
        .activity = AUDIT_OTHER,
        .subject = arena_printf(c->arena, "webhook of tenant %.*s", STR_ARG(tenant)),
        .after = after,
    };

    json_add_str(c->arena, after, what, id.len > 0 ? id : STR("all"));
    if (changes >= 0)
        json_add_int(c->arena, after, "changes", changes);
    return cli_note(c, &change, err);
}

static int64_t changes_of(const struct provider_aside *list, size_t count)
{
    int64_t all = 0;

    for (size_t i = 0; i < count; i++)
        all += list[i].changes;
    return all;
}

static bool decide(struct cli *c, struct str tenant, struct str id, bool drop, int64_t *changes,
                   struct err *err)
{
    struct provider_aside *list;
    size_t count;

    *changes = -1;
    if (!db_begin(c->db_handle, DB_WRITE, err))
        return false;
    if ((drop ? provider_aside_drop(c->db_handle, tenant, id, changes, err)
              : provider_aside_retry(c->db_handle, tenant, id, err)) &&
        provider_aside_list(c->db_handle, c->arena, tenant, &list, &count, err) &&
        note(c, tenant, drop ? "drop" : "retry", id, *changes, err)) {
        *changes = drop ? *changes : changes_of(list, count);
        return db_commit(c->db_handle, err);
    }
    db_rollback(c->db_handle);
    return false;
}

int cli_webhook_decide(struct cli *c, struct str tenant, struct str which, bool drop,
                       struct err *err)
{
    struct str id = str_eq(which, STR("all")) ? STR("") : which;
    int64_t changes;

    if (drop && which.len == 0)
        return cli_usage(c, "say what to drop: an id that 'set-aside' lists, or all");
    if (!decide(c, tenant, id, drop, &changes, err))
        return cli_fail(c, err);
    if (c->json) {
        struct json *out = json_new(c->arena, JSON_OBJECT);

        json_add_str(c->arena, out, "tenant", tenant);
        json_add_int(c->arena, out, drop ? "dropped" : "waiting", changes);
        cli_print_json(c, out);
    }
    if (drop) {
        cli_say(c, "%lld changes are dropped: the receiver is never told of them",
                (long long)changes);
    } else {
        cli_say(c,
                "usher serve tells them at once; usher tenant webhook set-aside %.*s shows what "
                "stays",
                STR_ARG(tenant));
    }
    return 0;
}

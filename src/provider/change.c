#include "provider/change.h"

#define RETENTION_US (30 * US_PER_DAY)
#define PRUNE_EVERY  256  /* changes */
#define NAMES_MAX    4000 /* bytes of the names of what changed */

static void add_name(struct buf *out, struct str prefix, struct str name)
{
    if (out->len > NAMES_MAX - 300)
        return;
    if (out->len > 0)
        buf_add_char(out, ',');
    if (prefix.len > 0)
        buf_addf(out, "%.*s:", STR_ARG(prefix));
    buf_add(out, name);
}

/* The members that differ; of extensions, which have URIs for names, those inside. */
static void add_differences(struct buf *out, struct str prefix, const struct json *before,
                            const struct json *doc)
{
    JSON_EACH(member, doc)
    {
        const struct json *old = json_get(before, member->name);

        if (old && json_equal(old, member))
            continue;
        if (prefix.len == 0 && str_starts(member->name, STR("urn:")) &&
            member->type == JSON_OBJECT) {
            add_differences(out, member->name, old, member);
        } else {
            add_name(out, prefix, member->name);
        }
    }
    JSON_EACH(member, before)
    {
        if (!json_get(doc, member->name))
            add_name(out, prefix, member->name);
    }
}

static bool prune(struct db *db, int64_t tenant_no, int64_t seq, int64_t now_us, struct err *err)
{
    return seq % PRUNE_EVERY != 0 ||
           db_exec(db, provider_query(PROVIDER_CHANGE_PRUNE),
                   DB_ARGS(db_int(tenant_no), db_int(now_us - RETENTION_US)), NULL, err);
}

static bool next_seq(struct db *db, int64_t tenant_no, int64_t *out, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    bool row;

    if (!db_select(db, provider_query(PROVIDER_CHANGE_NEXT), DB_ARGS(db_int(tenant_no)), &st,
                   err) ||
        !db_step(st, &row, err))
        return false;
    *out = row ? db_col_int(st, 0) : 0;
    return !row || db_step(st, &row, err);
}

static bool append(struct db *db, const struct call *c, const struct stored *s, struct str action,
                   struct str attributes, struct err *err)
{
    int64_t tenant_no = c->tenant->no, seq;

    return next_seq(db, tenant_no, &seq, err) &&
           db_exec(db, provider_query(PROVIDER_CHANGE_ADD),
                   DB_ARGS(db_int(tenant_no), db_int(seq), db_int(s->modified_us), db_int(s->kind),
                           db_text(s->id), db_text(action), db_text(attributes),
                           db_int(s->version)),
                   NULL, err) &&
           prune(db, tenant_no, seq, s->modified_us, err);
}

bool change_append(struct db *db, const struct call *c, const struct stored *s,
                   const struct json *before, const struct json *doc, struct err *err)
{
    CLEANUP(buf_done) struct buf names = {0};
    struct str action = before && doc ? STR("update") : doc ? STR("create") : STR("delete");

    if (!c->tenant->profile->settings.change_feed)
        return true;
    buf_init(&names, NAMES_MAX);
    if (doc && before != doc)
        add_differences(&names, STR(""), before, doc);
    if (before == doc)
        add_name(&names, STR(""), STR("members"));
    return append(db, c, s, action, buf_str(&names), err);
}

bool change_groups_left(struct db *db, const struct call *c, struct str user, int64_t now_us,
                        struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    bool row;

    if (!c->tenant->profile->settings.change_feed)
        return true;
    if (!db_select(db, provider_query(PROVIDER_GROUPS_LEFT),
                   DB_ARGS(db_int(c->tenant->no), db_text(user)), &st, err))
        return false;
    for (;;) {
        struct stored group = {.kind = RESOURCE_GROUP, .modified_us = now_us};

        if (!db_step(st, &row, err))
            return false;
        if (!row)
            return true;
        group.id = arena_str(c->arena, db_col_text(st, 0));
        group.version = db_col_int(st, 1) + 1;
        if (!append(db, c, &group, STR("update"), STR("members"), err))
            return false;
    }
}

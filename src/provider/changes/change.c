#include "provider/changes/change.h"

#define NAMES_MAX 4000 /* bytes of the names of what changed */

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

static void append(const struct call *c, const struct stored *s, struct str action,
                   struct str attributes)
{
    struct buf *line = changes_add(c->changes, c->tenant->no, s->modified_us);

    buf_add_int(line, s->modified_us);
    buf_add_char(line, '\t');
    buf_add_int(line, s->kind);
    buf_add_char(line, '\t');
    buf_add(line, action);
    buf_add_char(line, '\t');
    buf_add_int(line, s->version);
    buf_add_char(line, '\t');
    buf_add(line, attributes);
    buf_add_char(line, '\t');
    json_write_text(line, s->id);
    buf_add_char(line, '\n');
}

void change_append(const struct call *c, const struct stored *s, const struct json *before,
                   const struct json *doc)
{
    CLEANUP(buf_done) struct buf names = {0};
    struct str action = before && doc ? STR("update") : doc ? STR("create") : STR("delete");

    if (!c->tenant->profile->settings.change_feed)
        return;
    buf_init(&names, NAMES_MAX);
    if (doc && before != doc)
        add_differences(&names, STR(""), before, doc);
    if (before == doc)
        add_name(&names, STR(""), STR("members"));
    append(c, s, action, buf_str(&names));
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
        append(c, &group, STR("update"), STR("members"));
    }
}

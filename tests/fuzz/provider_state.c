#include "provider_state.h"

#include "base/map.h"

#include <stdio.h>
#include <stdlib.h>

#define PAGE_MAX 200

static _Noreturn void broken(const char *what, struct str id)
{
    fprintf(stderr, "%s: %.*s\n", what, STR_ARG(id));
    abort();
}

static struct str id_of(const struct json *resource)
{
    return json_get_text(resource, "id");
}

static const struct json *find(const struct json *list, struct str id)
{
    JSON_EACH(resource, list)
    {
        if (str_eq(id_of(resource), id))
            return resource;
    }
    return NULL;
}

const struct json *state_find(const struct state *s, struct str id)
{
    const struct json *user = find(s->users, id);

    return user ? user : find(s->groups, id);
}

int64_t state_version(const struct json *resource)
{
    struct str text = json_get_text(json_get(resource, STR("meta")), "version");
    int64_t version = 0;

    if (!str_starts(text, STR("W/\"")) || !str_ends(text, STR("\"")) ||
        !str_to_int(str_sub(text, 3, text.len - 4), 1, INT64_MAX, &version))
        broken("a version that is none", text);
    return version;
}

/* --- Taking --- */

static void read_list(struct world *w, struct state *s, struct str target, struct json **out,
                      struct str *out_text)
{
    struct reply r;

    world_ask(w, s->arena, "fuzz", STR("GET"), target, STR(""), STR(""), &r);
    if (r.status != 200)
        broken("a list that cannot be read", r.body);
    int64_t total = json_get_int(r.json, "totalResults", -1);
    *out = json_get(r.json, STR("Resources"));
    *out_text = r.body;
    if (!*out)
        *out = json_new(s->arena, JSON_ARRAY);
    s->is_long = s->is_long || total > (int64_t)(*out)->count;
    if (total < (int64_t)(*out)->count || (total <= PAGE_MAX && total != (int64_t)(*out)->count))
        broken("a list of another length than it says", r.body);
}

static void check_names(const struct json *list, const char *attribute)
{
    CLEANUP(map_done) struct map seen;

    map_init(&seen);
    JSON_EACH(resource, list)
    {
        if (map_put(&seen, json_get_text(resource, attribute), resource))
            broken("a name that is there twice", json_get_text(resource, attribute));
    }
}

static bool has_value(const struct json *resource, const char *attribute, struct str id)
{
    JSON_EACH(element, json_get(resource, str_from_z(attribute)))
    {
        if (str_eq(json_get_text(element, "value"), id) &&
            !str_eq(json_get_text(element, "type"), STR("indirect")))
            return true;
    }
    return false;
}

static void check_memberships(const struct state *s)
{
    JSON_EACH(group, s->groups)
    {
        JSON_EACH(member, json_get(group, STR("members")))
        {
            struct str id = json_get_text(member, "value");
            const struct json *user = find(s->users, id);

            if (!user && !find(s->groups, id))
                broken("a member that is not there", id);
            if (user && !has_value(user, "groups", id_of(group)))
                broken("a member that does not know of its group", id);
        }
    }
    JSON_EACH(user, s->users)
    {
        JSON_EACH(of, json_get(user, STR("groups")))
        {
            const struct json *group = find(s->groups, json_get_text(of, "value"));

            if (!group)
                broken("a group that is not there", id_of(user));
            if (!str_eq(json_get_text(of, "type"), STR("indirect")) &&
                !has_value(group, "members", id_of(user)))
                broken("a group that does not know of its member", id_of(user));
        }
    }
}

struct state *state_take(struct world *w)
{
    struct state *s = calloc(1, sizeof(*s));
    struct reply r;

    s->arena = arena_new();
    read_list(w, s, STR("/Users?count=200"), &s->users, &s->users_text);
    read_list(w, s, STR("/Groups?count=200"), &s->groups, &s->groups_text);
    world_ask(w, s->arena, "fuzz", STR("GET"), STR("/changes?count=0"), STR(""), STR(""), &r);
    if (r.status != 200)
        broken("a feed that cannot be read", r.body);
    s->seq = json_get_int(r.json, "next", -1);
    if (s->is_long)
        return s;
    check_names(s->users, "userName");
    check_names(s->groups, "displayName");
    check_memberships(s);
    return s;
}

void state_free(struct state *s)
{
    if (!s)
        return;
    arena_free(s->arena);
    free(s);
}

/* --- Comparing --- */

void state_check_same(const struct state *before, const struct state *after)
{
    if (!str_eq(before->users_text, after->users_text) ||
        !str_eq(before->groups_text, after->groups_text)) {
        fprintf(stderr, "before: %.*s %.*s\n", STR_ARG(before->users_text),
                STR_ARG(before->groups_text));
        broken("changed by a request that changes nothing", after->users_text);
    }
    if (before->seq != after->seq)
        broken("the feed tells of a request that changed nothing", STR(""));
}

/* What is stored: without what is computed from others (scim.md 2.9). */
static struct json *stored(struct arena *a, const struct json *resource)
{
    struct json *copy = json_clone(a, resource);

    json_remove(copy, STR("meta"));
    json_remove(copy, STR("groups"));
    struct json *manager =
        json_get(json_get(copy, STR("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User")),
                 STR("manager"));
    if (json_is(manager, JSON_OBJECT)) {
        json_remove(manager, STR("displayName"));
        json_remove(manager, STR("$ref"));
    }
    JSON_EACH(member, json_get(copy, STR("members")))
    json_remove(member, STR("display"));
    return copy;
}

static struct str meta_text(const struct json *resource, const char *name)
{
    return json_get_text(json_get(resource, STR("meta")), name);
}

static bool has_changed(const struct state *after, const struct json *was, const struct json *is)
{
    bool same = json_equal(stored(after->arena, was), stored(after->arena, is));
    int64_t old = state_version(was), new = state_version(is);

    if (new < old)
        broken("a version went back", id_of(is));
    if (same != (new == old)) {
        fprintf(stderr, "was: %.*s\n is: %.*s\n", STR_ARG(json_text(after->arena, was)),
                STR_ARG(json_text(after->arena, is)));
        broken(same ? "a new version of the same" : "a change without a new version", id_of(is));
    }
    if (!str_eq(meta_text(was, "created"), meta_text(is, "created")))
        broken("created has changed", id_of(is));
    if (str_cmp(meta_text(is, "lastModified"), meta_text(was, "lastModified")) < 0)
        broken("lastModified went back", id_of(is));
    if (new == old && !str_eq(meta_text(was, "lastModified"), meta_text(is, "lastModified")))
        broken("lastModified moved without a change", id_of(is));
    return !same;
}

struct feed {
    struct str id, action, version;
};

/* The last record of each resource, and that they are numbered without gaps. */
static void read_feed(struct world *w, const struct state *before, const struct state *after,
                      struct json **out)
{
    struct str target =
        arena_printf(after->arena, "/changes?since=%lld&count=1000", (long long)before->seq);
    int64_t seq = before->seq;
    struct reply r;

    world_ask(w, after->arena, "fuzz", STR("GET"), target, STR(""), STR(""), &r);
    if (r.status != 200)
        broken("a feed that cannot be read", r.body);
    *out = json_get(r.json, STR("changes"));
    JSON_EACH(record, *out)
    {
        if (json_get_int(record, "seq", -1) != ++seq)
            broken("a gap in the feed", r.body);
    }
    if (seq != after->seq && (*out)->count < 1000)
        broken("a feed without its end", r.body);
}

static const struct json *last_record(const struct json *feed, struct str id)
{
    const struct json *last = NULL;

    JSON_EACH(record, feed)
    {
        if (str_eq(json_get_text(record, "id"), id))
            last = record;
    }
    return last;
}

static void check_told(const struct json *feed, const struct json *resource, bool is_there)
{
    const struct json *record = last_record(feed, id_of(resource));

    if (!record)
        broken("a change that the feed does not tell", id_of(resource));
    if (is_there == str_eq(json_get_text(record, "action"), STR("delete")))
        broken("the feed tells the wrong action", id_of(resource));
    if (is_there && !str_eq(json_get_text(record, "version"), meta_text(resource, "version")))
        broken("the feed tells another version", id_of(resource));
}

static void check_list(const struct state *after, const struct json *was, const struct json *is,
                       const struct json *feed)
{
    JSON_EACH(resource, is)
    {
        const struct json *old = find(was, id_of(resource));

        if (!old || has_changed(after, old, resource)) {
            check_told(feed, resource, true);
        } else if (last_record(feed, id_of(resource))) {
            broken("the feed tells a change that is none", id_of(resource));
        }
    }
    JSON_EACH(resource, was)
    {
        if (!find(is, id_of(resource)))
            check_told(feed, resource, false);
    }
}

void state_check_step(struct world *w, const struct state *before, const struct state *after)
{
    struct json *feed;

    if (before->is_long || after->is_long)
        return;
    read_feed(w, before, after, &feed);
    if (feed->count >= 1000)
        return;
    check_list(after, before->users, after->users, feed);
    check_list(after, before->groups, after->groups, feed);
}

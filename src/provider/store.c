#include "base/secret.h"
#include "base/unicode.h"
#include "provider/changes/change.h"

/* Bytes; PostgreSQL takes rows of 2,700 into an index. A cursor holds as much, so that it can go on
 * behind what stands there. */
#define KEY_MAX SCIM_SORT_KEY_MAX

struct str store_key(struct arena *a, struct str text)
{
    char hash[SHA256_HEX_MAX];
    size_t end = KEY_MAX;

    if (text.len <= KEY_MAX)
        return text;
    sha256_hex(text, hash);
    while (end > 0 && ((unsigned char)text.ptr[end] & 0xC0) == 0x80) /* inside of a character */
        end--;
    return arena_printf(a, "%.*s%s", STR_ARG(str_sub(text, 0, end)), hash);
}

/* What is searched, taken out of the document. */
struct keys {
    struct str unique, display_key, display_name, external, manager;
    struct db_value active; /* of a user; NULL: it says neither */
};

void store_read_row(struct arena *a, struct db_stmt *st, struct stored *out)
{
    *out = (struct stored){
        .id = arena_str(a, db_col_text(st, 0)),
        .kind = db_col_int(st, 1) == RESOURCE_GROUP ? RESOURCE_GROUP : RESOURCE_USER,
        .doc = arena_str(a, db_col_text(st, 2)),
        .version = db_col_int(st, 3),
        .created_us = db_col_int(st, 4),
        .modified_us = db_col_int(st, 5),
        .manager = arena_str(a, db_col_text(st, 6)),
        .in_groups = db_col_bool(st, 7),
        .member_count = db_col_int(st, 8),
    };
}

static bool not_found(enum resource_kind kind, struct str id, struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "notFound", "no %s '%.*s'",
                   kind == RESOURCE_USER ? "user" : "group", STR_ARG(str_sub(id, 0, 100)));
}

bool store_load(struct db *db, struct arena *a, int64_t tenant_no, enum resource_kind kind,
                struct str id, struct stored *out, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (text_has_nul(id))
        return not_found(kind, STR("?"), err);
    if (!db_select_one(db, provider_query(PROVIDER_LOAD), DB_ARGS(db_int(tenant_no), db_text(id)),
                       &st, err))
        return false;
    if (!st || db_col_int(st, 1) != (int64_t)kind)
        return not_found(kind, id, err);
    store_read_row(a, st, out);
    return true;
}

static bool find_by_key(struct db *db, struct arena *a, int64_t tenant_no, struct str key,
                        struct str *out_id, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, provider_query(PROVIDER_BY_UNIQUE),
                       DB_ARGS(db_int(tenant_no), db_int(RESOURCE_USER), db_text(key)), &st, err))
        return false;
    *out_id = st ? arena_str(a, db_col_text(st, 0)) : STR("");
    return true;
}

/* Where userName is caseExact its key is not folded. */
bool store_find_user(struct db *db, struct arena *a, int64_t tenant_no, struct str name,
                     struct str *out_id, struct err *err)
{
    if (!find_by_key(db, a, tenant_no, store_key(a, name), out_id, err) ||
        (out_id->len == 0 &&
         !find_by_key(db, a, tenant_no, store_key(a, str_fold(a, name)), out_id, err)))
        return false;
    return out_id->len > 0 || err_set(err, ERR_NOT_FOUND, "userNotFound", "there is no user '%.*s'",
                                      STR_ARG(str_sub(name, 0, 100)));
}

static struct str manager_of(const struct json *doc)
{
    const struct json *extension = json_get(doc, scim_enterprise_schema.urn);

    return json_get_text(json_get(extension, STR("manager")), "value");
}

/* NULL: neither; what is no boolean is not compared with one either. */
static const struct json *activity(enum resource_kind kind, const struct json *doc)
{
    const struct json *active = kind == RESOURCE_USER ? json_get(doc, STR("active")) : NULL;

    return json_is(active, JSON_BOOL) ? active : NULL;
}

/* Names of groups that need not be unique are told apart by the id behind them. */
static struct str unique_key(struct arena *a, const struct provider_profile *profile,
                             enum resource_kind kind, struct str id, struct str name)
{
    const struct scim_resource_type *type =
        kind == RESOURCE_GROUP ? &profile->group : &profile->user;
    struct str key = kind == RESOURCE_GROUP ? STR("displayName") : STR("userName");
    const struct scim_attribute *attribute = scim_schema_attribute(type->core, key);

    if (kind == RESOURCE_GROUP && !profile->settings.unique_groups)
        return arena_printf(a, "%.*s\x01%.*s", STR_ARG(store_key(a, str_fold(a, name))),
                            STR_ARG(id));
    return store_key(a, attribute && attribute->case_exact ? name : str_fold(a, name));
}

static bool take_keys(struct arena *a, const struct call *c, const struct stored *s,
                      const struct json *doc, struct keys *out, struct err *err)
{
    enum resource_kind kind = s->kind;
    struct str display = json_get_text(doc, "displayName");
    struct str unique = kind == RESOURCE_USER ? json_get_text(doc, "userName") : display;

    *out = (struct keys){.unique = unique_key(a, c->tenant->profile, kind, s->id, unique),
                         .display_key = store_key(a, str_fold(a, display)),
                         .display_name = display,
                         .external = store_key(a, json_get_text(doc, "externalId")),
                         .manager = manager_of(doc)};
    out->active = activity(kind, doc) ? db_bool(activity(kind, doc)->boolean) : db_null();
    if (text_has_nul(out->unique) || text_has_nul(display) || text_has_nul(out->external) ||
        text_has_nul(out->manager)) {
        return err_set(err, ERR_INVALID, "invalidValue",
                       "userName, displayName, externalId and manager take no NUL characters");
    }
    return true;
}

static bool taken(enum resource_kind kind, const struct json *doc, struct err *err)
{
    const char *name = kind == RESOURCE_USER ? "userName" : "displayName";
    struct str value = str_sub(json_get_text(doc, name), 0, 100);

    return err_set(err, ERR_CONFLICT, "uniqueness", "%s '%.*s' is already in use", name,
                   STR_ARG(value));
}

bool store_rekey_groups(struct db *db, int64_t tenant_no, const struct provider_profile *profile,
                        struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    char last[UUID_TEXT_MAX] = "";

    for (;;) {
        CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
        struct err problem = {0};
        struct stored s;
        struct json *doc;
        struct str key;

        arena_reset(a);
        if (!db_select_one(db, provider_query(PROVIDER_PAGE_ID),
                           DB_ARGS(db_int(tenant_no), db_int(RESOURCE_GROUP),
                                   db_text(str_from_z(last)), db_int(1)),
                           &st, err))
            return false;
        if (!st)
            return true;
        store_read_row(a, st, &s);
        snprintf(last, sizeof(last), "%.*s", STR_ARG(s.id));
        if (!json_parse(a, s.doc, NULL, &doc, NULL, err))
            return err_wrap(err, "stored group");
        key = unique_key(a, profile, RESOURCE_GROUP, s.id, json_get_text(doc, "displayName"));
        if (!db_exec(db, provider_query(PROVIDER_REKEY),
                     DB_ARGS(db_int(tenant_no), db_text(s.id), db_text(key)), NULL, &problem)) {
            *err = problem;
            return problem.kind == ERR_CONFLICT ? taken(RESOURCE_GROUP, doc, err) : false;
        }
    }
}

static bool same_emails(const struct json *before, const struct json *doc)
{
    const struct json *old = json_get(before, STR("emails"));
    const struct json *fresh = json_get(doc, STR("emails"));

    return old == fresh || (old && fresh && json_equal(old, fresh));
}

/* Before anything is written: see write.c, fails_early. */
static bool check_emails(const struct json *doc, struct err *err)
{
    JSON_EACH(email, json_get(doc, STR("emails")))
    {
        if (text_has_nul(json_get_text(email, "value")))
            return err_set(err, ERR_INVALID, "invalidValue", "emails take no NUL characters");
    }
    return true;
}

enum email_change { EMAIL_ADD, EMAIL_REMOVE };

/* Adds to, or removes from the index the emails of a document. */
static bool index_emails(struct db *db, struct arena *a, const struct call *c,
                         const struct stored *s, const struct json *doc, enum email_change change,
                         struct err *err)
{
    enum provider_statement statement =
        change == EMAIL_ADD ? PROVIDER_EMAIL_ADD : PROVIDER_EMAIL_REMOVE;

    JSON_EACH(email, json_get(doc, STR("emails")))
    {
        struct str key = store_key(a, str_fold(a, json_get_text(email, "value")));

        if (key.len == 0)
            continue;
        if (!db_exec(db, provider_query(statement),
                     DB_ARGS(db_int(c->tenant->no), db_text(s->id), db_text(key)), NULL, err))
            return false;
    }
    return true;
}

static bool write_emails(struct db *db, struct arena *a, const struct call *c,
                         const struct stored *s, const struct json *before, const struct json *doc,
                         struct err *err)
{
    return s->kind != RESOURCE_USER || same_emails(before, doc) ||
           (index_emails(db, a, c, s, before, EMAIL_REMOVE, err) &&
            index_emails(db, a, c, s, doc, EMAIL_ADD, err));
}

static struct str doc_text(struct arena *a, const struct call *c, const struct stored *s,
                           const struct json *doc)
{
    CLEANUP(buf_done) struct buf out;

    buf_init(&out, PROVIDER_ANSWER_MAX);
    scim_resource_write(&out, c->type, s->id, doc);
    return arena_str(a, buf_str(&out));
}

/* How many there are, which lists tell without counting. */
static bool change_count(struct db *db, const struct call *c, int kind, int by, struct err *err)
{
    return by == 0 || db_exec(db, provider_query(PROVIDER_COUNT_CHANGE),
                              DB_ARGS(db_int(c->tenant->no), db_int(kind), db_int(by)), NULL, err);
}

static bool is_inactive(const struct json *doc)
{
    const struct json *active = activity(RESOURCE_USER, doc);

    return active && !active->boolean;
}

static bool is_neither(const struct json *doc)
{
    return doc && !activity(RESOURCE_USER, doc);
}

/* Users that are not active are counted too, so that neither seats nor lists need counting. */
static bool count_activity(struct db *db, const struct call *c, const struct stored *s,
                           const struct json *before, const struct json *doc, struct err *err)
{
    int inactive = (int)is_inactive(doc) - (int)is_inactive(before);
    int neither = (int)is_neither(doc) - (int)is_neither(before);

    return s->kind != RESOURCE_USER ||
           (change_count(db, c, PROVIDER_COUNT_INACTIVE, inactive, err) &&
            change_count(db, c, PROVIDER_COUNT_NEITHER, neither, err));
}

bool store_insert(struct db *db, struct arena *a, const struct call *c, struct stored *s,
                  const struct json *doc, struct err *err)
{
    struct err problem = {0};
    struct keys keys;

    if (!take_keys(a, c, s, doc, &keys, err) || !check_emails(doc, err))
        return false;
    s->doc = doc_text(a, c, s, doc);
    s->manager = keys.manager;
    s->version = 1;
    if (!db_exec(db, provider_query(PROVIDER_INSERT),
                 DB_ARGS(db_int(c->tenant->no), db_text(s->id), db_int(s->kind),
                         db_text(keys.unique), db_text_or_null(keys.display_key),
                         db_text_or_null(keys.external), db_text_or_null(keys.manager),
                         db_int(s->member_count), db_text(s->doc),
                         db_text_or_null(keys.display_name), db_int(s->created_us), keys.active),
                 NULL, &problem)) {
        *err = problem;
        return problem.kind == ERR_CONFLICT ? taken(s->kind, doc, err) : false;
    }
    if (!change_count(db, c, (int)s->kind, 1, err) || !count_activity(db, c, s, NULL, doc, err) ||
        !write_emails(db, a, c, s, NULL, doc, err) || !unique_store(db, a, c, s, NULL, doc, err))
        return false;
    change_append(c, s, NULL, doc);
    return true;
}

static bool same_text(const struct json *before, const struct json *doc, const char *name)
{
    return str_eq(json_get_text(before, name), json_get_text(doc, name));
}

static bool same_activity(enum resource_kind kind, const struct json *before,
                          const struct json *doc)
{
    const struct json *was = activity(kind, before), *is = activity(kind, doc);

    return was && is ? was->boolean == is->boolean : was == is;
}

/* Whether what is searched, but for emails, is as it was. */
static bool same_keys(enum resource_kind kind, const struct json *before, const struct json *doc)
{
    return same_activity(kind, before, doc) && same_text(before, doc, "userName") &&
           same_text(before, doc, "displayName") && same_text(before, doc, "externalId") &&
           str_eq(manager_of(before), manager_of(doc));
}

/* *out_changed is 0 when the version is another one meanwhile. */
static bool update_row(struct db *db, struct arena *a, const struct call *c, const struct stored *s,
                       const struct json *before, const struct json *doc, int64_t *out_changed,
                       struct err *err)
{
    struct db_value tenant = db_int(c->tenant->no), id = db_text(s->id);
    struct db_value version = db_int(s->version), modified = db_int(s->modified_us);
    struct db_value members = db_int(s->member_count), text = db_text(s->doc);
    struct keys keys;

    if (same_keys(s->kind, before, doc)) {
        return db_exec(db, provider_query(PROVIDER_UPDATE_DOC),
                       DB_ARGS(tenant, id, members, text, modified, version), out_changed, err);
    }
    return take_keys(a, c, s, doc, &keys, err) &&
           db_exec(db, provider_query(PROVIDER_UPDATE),
                   DB_ARGS(tenant, id, db_text(keys.unique), db_text_or_null(keys.display_key),
                           db_text_or_null(keys.external), db_text_or_null(keys.manager), members,
                           text, db_text_or_null(keys.display_name), modified, version,
                           keys.active),
                   out_changed, err);
}

bool store_update(struct db *db, struct arena *a, const struct call *c, struct stored *s,
                  const struct json *before, const struct json *doc, struct err *err)
{
    struct err problem = {0};
    int64_t changed;

    if (!check_emails(doc, err))
        return false;
    s->doc = doc_text(a, c, s, doc);
    s->manager = manager_of(doc);
    if (!update_row(db, a, c, s, before, doc, &changed, &problem)) {
        *err = problem;
        return problem.kind == ERR_CONFLICT ? taken(s->kind, doc, err) : false;
    }
    if (changed == 0) {
        return err_set(err, ERR_UNAVAILABLE, "concurrentChange",
                       "the resource was changed by somebody else at the same time");
    }
    s->version++;
    if (!count_activity(db, c, s, before, doc, err) ||
        !write_emails(db, a, c, s, before, doc, err) ||
        !unique_store(db, a, c, s, before, doc, err))
        return false;
    change_append(c, s, before, doc);
    return true;
}

bool store_delete(struct db *db, struct arena *a, const struct call *c, const struct stored *s,
                  const struct json *doc, int64_t now_us, struct err *err)
{
    struct db_args key = DB_ARGS(db_int(c->tenant->no), db_text(s->id));

    struct stored gone = *s;

    gone.modified_us = now_us;
    gone.version++;
    if (s->in_groups &&
        (!change_groups_left(db, c, s->id, now_us, err) ||
         !db_exec(db, provider_query(PROVIDER_MEMBER_LEAVING),
                  DB_ARGS(db_int(c->tenant->no), db_text(s->id), db_int(now_us)), NULL, err) ||
         !db_exec(db, provider_query(PROVIDER_MEMBER_LEAVE), key, NULL, err)))
        return false;
    if (s->kind == RESOURCE_GROUP &&
        !db_exec(db, provider_query(PROVIDER_MEMBER_CLEAR), key, NULL, err))
        return false;
    if (s->kind == RESOURCE_USER &&
        (!index_emails(db, a, c, s, doc, EMAIL_REMOVE, err) ||
         !switches_forget(c, db, s->id, err) || !count_activity(db, c, s, doc, NULL, err)))
        return false;
    if (!unique_forget(db, c, s, err) ||
        !db_exec(db, provider_query(PROVIDER_DELETE), key, NULL, err) ||
        !change_count(db, c, (int)s->kind, -1, err))
        return false;
    change_append(c, &gone, doc, NULL);
    return true;
}

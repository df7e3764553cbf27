#include "connector/directory/entry.h"

enum { EACH_CHUNK = 50 };

enum query { Q_GROUPS_RANGE, Q_GROUPS_EACH, Q_ROLES_RANGE, Q_ROLES_EACH };

/* Groups in the recycle bin give nothing. Of a group that is assigned in several roles there are
 * several rows. */
#define GROUPS_FROM                                                                      \
    "SELECT m.member_id, m.group_id, a.role_id, a.role_value, a.role_name, a.created_us" \
    "  FROM directory_membership m"                                                      \
    "  LEFT JOIN directory_assignment a"                                                 \
    "    ON a.app_id = $1 AND a.principal_id = m.group_id"
#define GROUPS_SHOWN                                                                     \
    "   AND NOT EXISTS (SELECT 1 FROM directory_hidden_group h WHERE h.id = m.group_id)" \
    " ORDER BY m.member_id, m.group_id"
#define ROLES_FROM                                                        \
    "SELECT principal_id, '', role_id, role_value, role_name, created_us" \
    "  FROM directory_assignment WHERE app_id = $1"
#define FIFTY                                                                               \
    "($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,"    \
    " $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36," \
    " $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, $48, $49, $50, $51)"

const struct db_query directory_entry_queries[] = {
    [Q_GROUPS_RANGE] = {"source_groups_range",
                        GROUPS_FROM " WHERE m.member_id >= $2 AND m.member_id <= $3" GROUPS_SHOWN},
    [Q_GROUPS_EACH] = {"source_groups_each",
                       GROUPS_FROM " WHERE m.member_id IN " FIFTY GROUPS_SHOWN},
    [Q_ROLES_RANGE] = {"source_roles_range",
                       ROLES_FROM " AND principal_id >= $2 AND principal_id <= $3"
                                  " ORDER BY principal_id"},
    [Q_ROLES_EACH] = {"source_roles_each",
                      ROLES_FROM " AND principal_id IN " FIFTY " ORDER BY principal_id"},
};
const size_t directory_entry_query_count = ARRAY_LEN(directory_entry_queries);

/* Of a guest's userPrincipalName "ada_example.com#EXT#@contoso.onmicrosoft.com" the address
 * "ada@example.com" (engine.md 5.5); any other as it is. */
static struct str guest_address(struct str upn, struct arena *a)
{
    size_t mark;
    size_t at;
    char *address;

    if (!str_find(upn, STR("#EXT#"), &mark))
        return upn;
    upn = str_sub(upn, 0, mark);
    if (!str_find_last_char(upn, '_', &at) || at == 0 || at + 1 == upn.len)
        return upn;
    address = arena_z(a, upn);
    address[at] = '@';
    return (struct str){address, upn.len};
}

static struct json *string_node(struct arena *a, struct str text)
{
    struct json *v = ARENA_NEW(a, struct json);

    v->type = JSON_STRING;
    v->text = text;
    return v;
}

/* name has static storage, unlike that of json_add, which copies. */
static void add_member(struct json *object, struct str name, struct json *v)
{
    v->name = name;
    json_append(object, v);
}

/* What every user has beside what is stored. */
static void add_computed(struct json *attributes, struct arena *a)
{
    struct json *upn = json_get(attributes, STR("userPrincipalName"));
    struct str address;

    if (!json_is(upn, JSON_STRING))
        return;
    address = guest_address(upn->text, a);
    add_member(attributes, STR("originalUserPrincipalName"), string_node(a, upn->text));
    if (!json_get(attributes, STR("userType"))) {
        add_member(attributes, STR("userType"),
                   string_node(a, address.ptr == upn->text.ptr ? STR("Member") : STR("Guest")));
    }
    upn->text = address;
}

static void start_entry(const struct directory_object *o, struct arena *a, struct source_entry *out)
{
    *out = (struct source_entry){
        .id = o->id,
        .kind = o->kind,
        .display_name = directory_object_name(o),
        .attributes = o->attributes,
        .soft_deleted = o->deleted_us != 0,
        .enabled = directory_object_enabled(o),
        .version = o->version,
    };
    if (o->kind == SOURCE_USER)
        add_computed(o->attributes, a);
}

/* --- roles and groups ---------------------------------------------------------------------------
 */

struct role { /* one assignment that an entry has, directly or through a group */
    struct str id, value, name;
    int64_t created_us;
    struct role *next; /* in order of assignment */
};

struct extra { /* what is collected for one entry */
    struct role *roles;
    struct json *groups; /* array of ids, or NULL */
};

static void add_role(struct extra *x, struct db_stmt *st, struct arena *a)
{
    struct str id = db_col_text(st, 2);
    int64_t created_us = db_col_int(st, 5);
    struct role **link;
    struct role *r;

    for (r = x->roles; r; r = r->next) {
        if (str_eq(r->id, id))
            return;
    }
    for (link = &x->roles; *link && (*link)->created_us <= created_us; link = &(*link)->next) {
    }
    r = ARENA_NEW(a, struct role);
    *r = (struct role){arena_str(a, id), arena_str(a, db_col_text(st, 3)),
                       arena_str(a, db_col_text(st, 4)), created_us, *link};
    *link = r;
}

static void add_group(struct extra *x, struct str group_id, struct arena *a)
{
    if (group_id.len == 0 || (x->groups && str_eq(x->groups->last->text, group_id)))
        return;
    if (!x->groups)
        x->groups = json_new(a, JSON_ARRAY);
    json_append(x->groups, string_node(a, arena_str(a, group_id)));
}

/* Rows come in id order, and so do the entries: one walk over both. */
static bool collect(struct db_stmt *st, struct arena *a, struct source_entry *entries, size_t count,
                    struct extra *extras, struct err *err)
{
    size_t i = 0;
    bool row;

    for (;;) {
        struct str id;

        if (!db_step(st, &row, err))
            return false;
        if (!row)
            return true;
        id = db_col_text(st, 0);
        while (i < count && str_cmp(entries[i].id, id) < 0)
            i++;
        if (i == count)
            return true;
        if (!str_eq(entries[i].id, id))
            continue;
        if (entries[i].kind == SOURCE_GROUP && db_col_text(st, 1).len > 0)
            continue; /* a group inside a group */
        add_group(&extras[i], db_col_text(st, 1), a);
        if (!db_col_is_null(st, 2)) {
            entries[i].assigned = true;
            add_role(&extras[i], st, a);
        }
    }
}

static bool collect_range(struct db *db, struct str app_id, enum query q, struct arena *a,
                          struct source_entry *entries, size_t count, struct extra *extras,
                          struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    return db_select(
               db, &directory_entry_queries[q],
               DB_ARGS(db_text(app_id), db_text(entries[0].id), db_text(entries[count - 1].id)),
               &st, err) &&
           collect(st, a, entries, count, extras, err);
}

static bool collect_each(struct db *db, struct str app_id, enum query q, struct arena *a,
                         struct source_entry *entries, size_t count, struct extra *extras,
                         struct err *err)
{
    for (size_t from = 0; from < count; from += EACH_CHUNK) {
        CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
        size_t chunk = count - from < EACH_CHUNK ? count - from : EACH_CHUNK;
        struct db_value values[1 + EACH_CHUNK] = {db_text(app_id)};

        for (size_t i = 0; i < EACH_CHUNK; i++)
            values[1 + i] = db_text(entries[from + (i < chunk ? i : chunk - 1)].id);
        if (!db_select(db, &directory_entry_queries[q], (struct db_args){values, ARRAY_LEN(values)},
                       &st, err) ||
            !collect(st, a, entries + from, chunk, extras + from, err))
            return false;
    }
    return true;
}

static struct json *role_list(const struct role *roles, struct arena *a)
{
    struct json *list = json_new(a, JSON_ARRAY);

    for (const struct role *r = roles; r; r = r->next) {
        struct json *record = json_new(a, JSON_OBJECT);

        add_member(record, STR("id"), string_node(a, r->id));
        if (r->value.len)
            add_member(record, STR("value"), string_node(a, r->value));
        if (r->name.len)
            add_member(record, STR("displayName"), string_node(a, r->name));
        json_append(list, record);
    }
    return list;
}

bool directory_entries(struct db *db, struct str app_id, const struct directory_object *objects,
                       size_t count, enum entry_reach reach, struct arena *a,
                       struct source_entry *out, struct err *err)
{
    struct extra *extras = ARENA_ARRAY(a, struct extra, count);
    bool (*collect_by)(struct db *, struct str, enum query, struct arena *, struct source_entry *,
                       size_t, struct extra *, struct err *) =
        reach == ENTRY_RANGE ? collect_range : collect_each;
    bool range = reach == ENTRY_RANGE;
    bool users = false;

    if (count == 0)
        return true;
    for (size_t i = 0; i < count; i++) {
        start_entry(&objects[i], a, &out[i]);
        users = users || objects[i].kind == SOURCE_USER;
    }
    if (!collect_by(db, app_id, range ? Q_ROLES_RANGE : Q_ROLES_EACH, a, out, count, extras, err))
        return false;
    /* Only direct members of an assigned group count, and only people: a group inside it is not
     * assigned (engine.md 5.2). */
    if (users &&
        !collect_by(db, app_id, range ? Q_GROUPS_RANGE : Q_GROUPS_EACH, a, out, count, extras, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (extras[i].groups)
            add_member(objects[i].attributes, STR("memberOf"), extras[i].groups);
        if (extras[i].roles) {
            add_member(objects[i].attributes, STR("appRoleAssignments"),
                       role_list(extras[i].roles, a));
        }
    }
    return true;
}

#include "directory/object.h"

#include "base/unicode.h"

enum {
    LOAD_CHUNK = 50, /* ids of one statement */
    CANDIDATES = 6,  /* read of what a name may mean: one more than are shown */
    CANDIDATES_SHOWN = 5,
};

#define COLUMNS "id, kind, deleted_us, version, doc"

enum query {
    Q_LOAD,
    Q_LOAD_MANY,
    Q_TOMBSTONE,
    Q_UPN,
    Q_UPN_DELETED,
    Q_MAIL,
    Q_EMPLOYEE,
    Q_NAME,
    Q_RESOLVE,
    Q_MATCH,
    Q_USERS,
    Q_GROUPS,
    Q_USERS_LIVE,
    Q_GROUPS_LIVE,
    Q_DELETED,
    Q_REPORTS,
    Q_COUNT,
    Q_DOMAINS,
};

const struct db_query directory_object_queries[] = {
    [Q_LOAD] = {"directory_load", "SELECT " COLUMNS " FROM directory_object WHERE id = $1"},
    [Q_LOAD_MANY] = {"directory_load_many",
                     "SELECT " COLUMNS " FROM directory_object"
                     " WHERE id IN ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,"
                     " $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29,"
                     " $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44,"
                     " $45, $46, $47, $48, $49, $50)"},
    [Q_TOMBSTONE] = {"directory_tombstone", "SELECT kind FROM directory_tombstone WHERE id = $1"},
    [Q_UPN] = {"directory_find_upn",
               "SELECT " COLUMNS " FROM directory_object"
               " WHERE upn_key = $1 AND deleted_us IS NULL AND kind >= $2 AND kind <= $3"},
    [Q_UPN_DELETED] = {"directory_find_upn_deleted",
                       "SELECT " COLUMNS " FROM directory_object"
                       " WHERE upn_key = $1 AND deleted_us IS NOT NULL AND kind >= $2"
                       " AND kind <= $3 ORDER BY deleted_us DESC LIMIT 6"},
    [Q_MAIL] = {"directory_find_mail", "SELECT " COLUMNS " FROM directory_object"
                                       " WHERE mail_key = $1 AND kind >= $2 AND kind <= $3"
                                       " AND (deleted_us IS NOT NULL) = $4 LIMIT 6"},
    [Q_EMPLOYEE] = {"directory_find_employee",
                    "SELECT " COLUMNS " FROM directory_object"
                    " WHERE employee_id = $1 AND kind >= $2 AND kind <= $3"
                    " AND (deleted_us IS NOT NULL) = $4 LIMIT 6"},
    [Q_NAME] = {"directory_find_name", "SELECT " COLUMNS " FROM directory_object"
                                       " WHERE name_key = $1 AND kind >= $2 AND kind <= $3"
                                       " AND (deleted_us IS NOT NULL) = $4 LIMIT 6"},
    /* What a reference in a file means, in one question: that is what an import asks most. */
    [Q_RESOLVE] = {"directory_resolve",
                   "SELECT id, 1 AS place FROM directory_object WHERE id = $1"
                   " AND deleted_us IS NULL AND kind >= $3 AND kind <= $4"
                   " UNION ALL SELECT id, 2 FROM directory_object WHERE upn_key = $2"
                   " AND deleted_us IS NULL AND kind >= $3 AND kind <= $4"
                   " UNION ALL SELECT id, 3 FROM directory_object WHERE employee_id = $1"
                   " AND deleted_us IS NULL AND kind >= $3 AND kind <= $4"
                   " ORDER BY 2 LIMIT 6"},
    [Q_MATCH] = {"directory_match",
                 "SELECT " COLUMNS " FROM directory_object"
                 " WHERE upn_key = $1 AND deleted_us IS NULL"
                 " UNION ALL SELECT " COLUMNS " FROM (SELECT " COLUMNS " FROM directory_object"
                 " WHERE upn_key = $1 AND deleted_us IS NOT NULL"
                 " ORDER BY deleted_us DESC LIMIT 1) AS latest"},
    [Q_USERS] = {"directory_users", "SELECT " COLUMNS " FROM directory_object"
                                    " WHERE id > $1 AND kind = 0 ORDER BY id LIMIT $2"},
    [Q_GROUPS] = {"directory_groups", "SELECT " COLUMNS " FROM directory_object"
                                      " WHERE id > $1 AND kind = 1 ORDER BY id LIMIT $2"},
    [Q_USERS_LIVE] = {"directory_users_live",
                      "SELECT " COLUMNS " FROM directory_object"
                      " WHERE id > $1 AND kind = 0 AND deleted_us IS NULL ORDER BY id LIMIT $2"},
    [Q_GROUPS_LIVE] = {"directory_groups_live",
                       "SELECT " COLUMNS " FROM directory_object"
                       " WHERE id > $1 AND kind = 1 AND deleted_us IS NULL ORDER BY id LIMIT $2"},
    [Q_DELETED] = {"directory_deleted",
                   "SELECT " COLUMNS " FROM directory_object"
                   " WHERE id > $1 AND deleted_us IS NOT NULL AND kind = $3 ORDER BY id LIMIT $2"},
    [Q_REPORTS] = {"directory_reports", "SELECT id FROM directory_object"
                                        " WHERE manager_id = $1 AND id > $2 ORDER BY id LIMIT $3"},
    [Q_COUNT] = {"directory_count", "SELECT live_users, live_groups, deleted_users, deleted_groups"
                                    " FROM directory_feed WHERE one = 1"},
    [Q_DOMAINS] = {"directory_domains",
                   "SELECT upn_key FROM directory_object WHERE id > '' AND kind = 0"
                   " AND deleted_us IS NULL ORDER BY id LIMIT 1000"},
};
const size_t directory_object_query_count = ARRAY_LEN(directory_object_queries);

static const struct db_query *query(enum query q)
{
    return &directory_object_queries[q];
}

struct str directory_object_name(const struct directory_object *o)
{
    return json_get_text(o->attributes, "displayName");
}

struct str directory_object_upn(const struct directory_object *o)
{
    return json_get_text(o->attributes, "userPrincipalName");
}

bool directory_object_enabled(const struct directory_object *o)
{
    return o->kind == SOURCE_GROUP || json_get_bool(o->attributes, "accountEnabled", true);
}

/* The row of COLUMNS that st stands on. */
static bool read_row(struct db_stmt *st, struct arena *a, struct directory_object *out,
                     struct err *err)
{
    struct directory_object o = {
        .id = arena_str(a, db_col_text(st, 0)),
        .kind = (enum source_kind)db_col_int(st, 1),
        .deleted_us = db_col_int(st, 2),
        .version = db_col_int(st, 3),
        .doc = arena_str(a, db_col_text(st, 4)),
    };

    if (!json_parse(a, o.doc, NULL, &o.attributes, NULL, err))
        return err_wrap(err, "stored attributes of '%.*s'", STR_ARG(o.id));
    *out = o;
    return true;
}

bool directory_load(struct db *db, struct arena *a, struct str id, struct directory_object *out,
                    bool *out_found, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, query(Q_LOAD), DB_ARGS(db_text(id)), &st, err))
        return false;
    if (st && !read_row(st, a, out, err))
        return false;
    *out_found = st != NULL;
    return true;
}

struct place { /* of an id in the list that is loaded */
    struct str id;
    size_t at;
};

static int compare_places(const void *a, const void *b)
{
    return str_cmp(((const struct place *)a)->id, ((const struct place *)b)->id);
}

/* Loads at most LOAD_CHUNK ids into slots of the same places; found says which are there. */
static bool load_chunk(struct db *db, struct arena *a, const struct str *ids, size_t count,
                       struct directory_object *slots, bool *found, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct db_value values[LOAD_CHUNK];
    struct place places[LOAD_CHUNK];
    bool row;

    for (size_t i = 0; i < LOAD_CHUNK; i++)
        values[i] = db_text(ids[i < count ? i : count - 1]);
    for (size_t i = 0; i < count; i++)
        places[i] = (struct place){ids[i], i};
    qsort(places, count, sizeof(*places), compare_places);
    if (!db_select(db, query(Q_LOAD_MANY), (struct db_args){values, LOAD_CHUNK}, &st, err))
        return false;
    for (;;) {
        struct place wanted = {0};
        const struct place *place;

        if (!db_step(st, &row, err))
            return false;
        if (!row)
            return true;
        wanted.id = db_col_text(st, 0);
        place = bsearch(&wanted, places, count, sizeof(*places), compare_places);
        if (!place)
            continue;
        if (!read_row(st, a, &slots[place->at], err))
            return false;
        found[place->at] = true;
    }
}

bool directory_load_many(struct db *db, struct arena *a, const struct str *ids, size_t count,
                         struct directory_object *out, size_t *out_count, struct err *err)
{
    size_t n = 0;

    for (size_t from = 0; from < count; from += LOAD_CHUNK) {
        size_t chunk = count - from < LOAD_CHUNK ? count - from : LOAD_CHUNK;
        struct directory_object slots[LOAD_CHUNK];
        bool found[LOAD_CHUNK] = {false};

        if (!load_chunk(db, a, ids + from, chunk, slots, found, err))
            return false;
        for (size_t i = 0; i < chunk; i++) {
            if (found[i])
                out[n++] = slots[i];
        }
    }
    *out_count = n;
    return true;
}

bool directory_was_removed(struct db *db, struct str id, enum source_kind *out_kind,
                           bool *out_removed, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, query(Q_TOMBSTONE), DB_ARGS(db_text(id)), &st, err))
        return false;
    if (st)
        *out_kind = (enum source_kind)db_col_int(st, 0);
    *out_removed = st != NULL;
    return true;
}

/* --- who is meant -------------------------------------------------------------------------------
 */

struct candidates {
    struct directory_object items[CANDIDATES];
    size_t count;
};

static bool read_candidates(struct db *db, struct arena *a, enum query q, struct db_args args,
                            struct candidates *out, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    bool row;

    out->count = 0;
    if (!db_select(db, query(q), args, &st, err))
        return false;
    while (out->count < CANDIDATES) {
        if (!db_step(st, &row, err))
            return false;
        if (!row)
            break;
        if (!read_row(st, a, &out->items[out->count], err))
            return false;
        out->count++;
    }
    return true;
}

static bool fail_ambiguous(struct str who, const struct candidates *c, struct err *err)
{
    CLEANUP(buf_done) struct buf list;

    buf_init(&list, 300);
    for (size_t i = 0; i < c->count && i < CANDIDATES_SHOWN; i++) {
        const struct directory_object *o = &c->items[i];
        struct str upn = directory_object_upn(o);

        buf_addf(&list, "%s%.*s (%s)", i ? ", " : "", STR_ARG(upn.len ? upn : o->id),
                 o->kind == SOURCE_GROUP ? "group" : "user");
    }
    if (c->count > CANDIDATES_SHOWN)
        buf_add_z(&list, ", ...");
    return err_set(err, ERR_CONFLICT, "ambiguousName", "'%.*s' may be any of %.*s: give the id",
                   STR_ARG(str_sub(who, 0, 100)), STR_ARG(buf_str(&list)));
}

struct wanted {
    struct str text, folded;
    unsigned kinds;
};

static bool look_up(struct db *db, struct arena *a, const struct wanted *w, enum query by,
                    enum directory_bin bin, struct candidates *out, struct err *err)
{
    struct db_value lowest = db_int(w->kinds & DIRECTORY_USERS ? SOURCE_USER : SOURCE_GROUP);
    struct db_value highest = db_int(w->kinds & DIRECTORY_GROUPS ? SOURCE_GROUP : SOURCE_USER);
    struct db_value key = db_text(by == Q_EMPLOYEE ? w->text : w->folded);

    if (by == Q_UPN) {
        return read_candidates(db, a, bin == DIRECTORY_LIVE ? Q_UPN : Q_UPN_DELETED,
                               DB_ARGS(key, lowest, highest), out, err);
    }
    return read_candidates(db, a, by, DB_ARGS(key, lowest, highest, db_bool(bin != DIRECTORY_LIVE)),
                           out, err);
}

bool directory_find(struct db *db, struct arena *a, struct str who, unsigned kinds,
                    struct directory_object *out, struct err *err)
{
    static const enum query keys[] = {Q_UPN, Q_MAIL, Q_EMPLOYEE, Q_NAME};
    struct wanted w = {who, str_fold(a, who), kinds};
    struct candidates c;
    bool found;

    if (!directory_load(db, a, who, out, &found, err))
        return false;
    if (found && kinds & 1u << out->kind)
        return true;
    for (size_t i = 0; i < 2 * ARRAY_LEN(keys); i++) {
        if (!look_up(db, a, &w, keys[i % ARRAY_LEN(keys)],
                     i < ARRAY_LEN(keys) ? DIRECTORY_LIVE : DIRECTORY_DELETED, &c, err))
            return false;
        if (c.count > 1)
            return fail_ambiguous(who, &c, err);
        if (c.count == 1) {
            *out = c.items[0];
            return true;
        }
    }
    return err_set(err, ERR_NOT_FOUND, "objectNotFound",
                   "no %s with the id, %s or display name '%.*s'",
                   kinds == DIRECTORY_USERS    ? "user"
                   : kinds == DIRECTORY_GROUPS ? "group"
                                               : "user or group",
                   kinds == DIRECTORY_GROUPS ? "mail" : "userPrincipalName, mail, employeeId",
                   STR_ARG(str_sub(who, 0, 100)));
}

/* The ids that the first of the three keys gives that anybody has. */
static bool resolve_keys(struct db *db, struct arena *a, const struct wanted *w, struct str *ids,
                         size_t *out_count, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct db_value lowest = db_int(w->kinds & DIRECTORY_USERS ? SOURCE_USER : SOURCE_GROUP);
    struct db_value highest = db_int(w->kinds & DIRECTORY_GROUPS ? SOURCE_GROUP : SOURCE_USER);
    int64_t place = 0;
    size_t count = 0;
    bool row;

    if (!db_select(db, query(Q_RESOLVE),
                   DB_ARGS(db_text(w->text), db_text(w->folded), lowest, highest), &st, err))
        return false;
    while (count < CANDIDATES) {
        if (!db_step(st, &row, err))
            return false;
        if (!row || (count > 0 && db_col_int(st, 1) != place))
            break;
        place = db_col_int(st, 1);
        ids[count++] = arena_str(a, db_col_text(st, 0));
    }
    *out_count = count;
    return true;
}

bool directory_resolve(struct db *db, struct arena *a, struct str text, unsigned kinds,
                       struct str *out_id, bool *out_found, struct err *err)
{
    struct wanted w = {text, str_fold(a, text), kinds};
    struct candidates c = {.count = 0};
    struct str ids[CANDIDATES];
    size_t count;

    if (!resolve_keys(db, a, &w, ids, &count, err))
        return false;
    if (count == 1) {
        *out_id = ids[0];
        *out_found = true;
        return true;
    }
    if (count > 1) {
        return directory_load_many(db, a, ids, count, c.items, &c.count, err) &&
               fail_ambiguous(text, &c, err);
    }
    *out_found = false;
    if (!(kinds & DIRECTORY_GROUPS))
        return true;
    /* A display name means a group: two people may well have the same one. */
    w.kinds = DIRECTORY_GROUPS;
    if (!look_up(db, a, &w, Q_NAME, DIRECTORY_LIVE, &c, err))
        return false;
    if (c.count > 1)
        return fail_ambiguous(text, &c, err);
    *out_found = c.count == 1;
    if (*out_found)
        *out_id = c.items[0].id;
    return true;
}

static bool match_user(struct db *db, struct arena *a, const struct wanted *w,
                       struct directory_object *out, bool *out_found, struct err *err)
{
    struct candidates c;

    if (!read_candidates(db, a, Q_MATCH, DB_ARGS(db_text(w->folded)), &c, err))
        return false;
    *out_found = c.count > 0;
    /* One who is there and one in the bin at most. */
    if (c.count > 0)
        *out = c.items[c.count > 1 && c.items[0].deleted_us != 0];
    return true;
}

bool directory_match(struct db *db, struct arena *a, enum source_kind kind, struct str id,
                     struct str name, struct directory_object *out, bool *out_found,
                     struct err *err)
{
    struct wanted w = {name, str_fold(a, name), 1u << kind};
    struct candidates c = {.count = 0};

    if (id.len > 0) {
        if (!directory_load(db, a, id, out, out_found, err))
            return false;
        if (*out_found && out->kind != kind) {
            return err_set(err, ERR_CONFLICT, "idTaken", "the id '%.*s' is that of a %s",
                           STR_ARG(id), kind == SOURCE_USER ? "group" : "user");
        }
        return true;
    }
    *out_found = false;
    if (name.len == 0)
        return true;
    if (kind == SOURCE_USER)
        return match_user(db, a, &w, out, out_found, err);
    if (!look_up(db, a, &w, Q_NAME, DIRECTORY_LIVE, &c, err) ||
        (c.count == 0 && !look_up(db, a, &w, Q_NAME, DIRECTORY_DELETED, &c, err)))
        return false;
    if (c.count > 1)
        return fail_ambiguous(name, &c, err);
    *out_found = c.count == 1;
    if (*out_found)
        *out = c.items[0];
    return true;
}

/* --- lists --------------------------------------------------------------------------------------
 */

bool directory_list(struct db *db, struct arena *a, enum source_kind kind, enum directory_bin bin,
                    struct str after, size_t limit, struct directory_object **out,
                    size_t *out_count, struct err *err)
{
    static const enum query queries[][SOURCE_KIND_COUNT] = {
        [DIRECTORY_LIVE] = {Q_USERS_LIVE, Q_GROUPS_LIVE},
        [DIRECTORY_DELETED] = {Q_DELETED, Q_DELETED},
        [DIRECTORY_LIVE_AND_DELETED] = {Q_USERS, Q_GROUPS},
    };
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct db_value args[] = {db_text(after), db_int((int64_t)limit), db_int(kind)};
    struct directory_object *items = ARENA_ARRAY(a, struct directory_object, limit);
    size_t count = 0;
    bool row;

    if (!db_select(db, query(queries[bin][kind]),
                   (struct db_args){args, bin == DIRECTORY_DELETED ? 3 : 2}, &st, err))
        return false;
    while (count < limit) {
        if (!db_step(st, &row, err))
            return false;
        if (!row)
            break;
        if (!read_row(st, a, &items[count], err))
            return false;
        count++;
    }
    *out = items;
    *out_count = count;
    return true;
}

bool directory_reports(struct db *db, struct arena *a, struct str manager_id, struct str after,
                       size_t limit, struct str **out_ids, size_t *out_count, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct str *ids = ARENA_ARRAY(a, struct str, limit);
    size_t count = 0;
    bool row;

    if (!db_select(db, query(Q_REPORTS),
                   DB_ARGS(db_text(manager_id), db_text(after), db_int((int64_t)limit)), &st, err))
        return false;
    while (count < limit) {
        if (!db_step(st, &row, err))
            return false;
        if (!row)
            break;
        ids[count++] = arena_str(a, db_col_text(st, 0));
    }
    *out_ids = ids;
    *out_count = count;
    return true;
}

bool directory_count(struct db *db, struct directory_counts *out, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, query(Q_COUNT), DB_NO_ARGS, &st, err))
        return false;
    if (!st)
        return err_set(err, ERR_INTERNAL, "noFeed", "the directory has lost its counter row");
    out->live[SOURCE_USER] = db_col_int(st, 0);
    out->live[SOURCE_GROUP] = db_col_int(st, 1);
    out->deleted[SOURCE_USER] = db_col_int(st, 2);
    out->deleted[SOURCE_GROUP] = db_col_int(st, 3);
    return true;
}

struct domain {
    struct str name;
    size_t people;
    struct domain *next;
};

static void count_domain(struct domain **list, struct str upn, struct arena *a)
{
    size_t at;
    struct domain *d;
    struct str name;

    if (!str_find_last_char(upn, '@', &at) || str_find(upn, STR("#ext#"), &(size_t){0}))
        return;
    name = str_from(upn, at + 1);
    for (d = *list; d && !str_eq(d->name, name); d = d->next) {
    }
    if (!d) {
        d = ARENA_NEW(a, struct domain);
        *d = (struct domain){.name = arena_str(a, name), .next = *list};
        *list = d;
    }
    d->people++;
}

bool directory_default_domain(struct db *db, struct arena *a, struct str *out, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct domain *list = NULL;
    const struct domain *most = NULL;
    bool row;

    if (!db_select(db, query(Q_DOMAINS), DB_NO_ARGS, &st, err))
        return false;
    for (;;) {
        if (!db_step(st, &row, err))
            return false;
        if (!row)
            break;
        count_domain(&list, db_col_text(st, 0), a);
    }
    for (const struct domain *d = list; d; d = d->next) {
        /* Of equals the first by name, so that it does not change by itself. */
        if (!most || d->people > most->people ||
            (d->people == most->people && str_cmp(d->name, most->name) < 0))
            most = d;
    }
    *out = most ? most->name : (struct str){0};
    return true;
}

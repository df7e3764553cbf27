/* Who is meant by what people write: an id, a userPrincipalName, a mail, a name. */
#include "base/unicode.h"
#include "directory/object_rows.h"

enum {
    CANDIDATES = 6, /* read of what a name may mean: one more than are shown */
    CANDIDATES_SHOWN = 5,
};

struct candidates {
    struct directory_object items[CANDIDATES];
    size_t count;
};

static bool read_candidates(struct db *db, struct arena *a, enum object_query q,
                            struct db_args args, struct candidates *out, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    bool row;

    out->count = 0;
    if (!db_select(db, object_query(q), args, &st, err))
        return false;
    while (out->count < CANDIDATES) {
        if (!db_step(st, &row, err))
            return false;
        if (!row)
            break;
        if (!object_row_read(st, a, &out->items[out->count], err))
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

static bool look_up(struct db *db, struct arena *a, const struct wanted *w, enum object_query by,
                    enum directory_bin bin, struct candidates *out, struct err *err)
{
    struct db_value lowest = db_int(w->kinds & DIRECTORY_USERS ? SOURCE_USER : SOURCE_GROUP);
    struct db_value highest = db_int(w->kinds & DIRECTORY_GROUPS ? SOURCE_GROUP : SOURCE_USER);
    struct db_value key = db_text(by == OBJECT_Q_EMPLOYEE ? w->text : w->folded);

    if (by == OBJECT_Q_UPN) {
        return read_candidates(db, a, bin == DIRECTORY_LIVE ? OBJECT_Q_UPN : OBJECT_Q_UPN_DELETED,
                               DB_ARGS(key, lowest, highest), out, err);
    }
    return read_candidates(db, a, by, DB_ARGS(key, lowest, highest, db_bool(bin != DIRECTORY_LIVE)),
                           out, err);
}

bool directory_find(struct db *db, struct arena *a, struct str who, unsigned kinds,
                    struct directory_object *out, struct err *err)
{
    static const enum object_query keys[] = {OBJECT_Q_UPN, OBJECT_Q_MAIL, OBJECT_Q_EMPLOYEE,
                                             OBJECT_Q_NAME};
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

    if (!db_select(db, object_query(OBJECT_Q_RESOLVE),
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
    if (!look_up(db, a, &w, OBJECT_Q_NAME, DIRECTORY_LIVE, &c, err))
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

    if (!read_candidates(db, a, OBJECT_Q_MATCH, DB_ARGS(db_text(w->folded)), &c, err))
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
    if (!look_up(db, a, &w, OBJECT_Q_NAME, DIRECTORY_LIVE, &c, err) ||
        (c.count == 0 && !look_up(db, a, &w, OBJECT_Q_NAME, DIRECTORY_DELETED, &c, err)))
        return false;
    if (c.count > 1)
        return fail_ambiguous(name, &c, err);
    *out_found = c.count == 1;
    if (*out_found)
        *out = c.items[0];
    return true;
}

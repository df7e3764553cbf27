#include "directory/import/work.h"
#include "directory/member.h"

enum { PAGE = 200 };

/* --- references ---------------------------------------------------------------------------------
 */

struct reference {
    int64_t no;
    struct str owner_id, text;
    bool member, was_unchanged;
    struct import_place place;
};

static bool fail_unknown(struct import_work *w, const struct reference *r, struct err *err)
{
    struct directory_object owner;
    bool found;
    struct str name;

    if (!directory_load(w->db, w->row, r->owner_id, &owner, &found, err))
        return false;
    name = found ? directory_object_name(&owner) : r->owner_id;
    (void)err_set(err, ERR_INVALID, "unknownReference",
                  "the %s '%.*s' of '%.*s' is neither in the file nor in the directory, by id, "
                  "userPrincipalName or employeeId%s",
                  r->member ? "member" : "manager", STR_ARG(str_sub(r->text, 0, 100)),
                  STR_ARG(str_sub(name, 0, 100)), r->member ? ", or as a group by its name" : "");
    return import_fail_at(w, r->place, err);
}

static bool set_manager(struct import_work *w, const struct reference *r, struct str manager_id,
                        struct err *err)
{
    struct json *patch = json_new(w->row, JSON_OBJECT);
    struct directory_object owner;
    bool found;
    bool changed;

    json_add_str(w->row, patch, "manager", manager_id);
    if (!directory_load(w->db, w->row, r->owner_id, &owner, &found, err))
        return false;
    if (!found)
        return true;
    if (!directory_update(&w->tx, w->row, &owner, patch, &changed, err))
        return import_fail_at(w, r->place, err);
    if (changed && r->was_unchanged) {
        w->result->unchanged[SOURCE_USER]--;
        w->result->updated[SOURCE_USER]++;
    }
    return true;
}

static bool resolve(struct import_work *w, const struct reference *r, struct err *err)
{
    struct str id;
    bool found;

    if (!directory_resolve(w->db, w->row, r->text, r->member ? DIRECTORY_ANY : DIRECTORY_USERS, &id,
                           &found, err))
        return import_fail_at(w, r->place, err);
    if (!found)
        return fail_unknown(w, r, err);
    if (!r->member)
        return set_manager(w, r, id, err);
    return db_exec(w->db, import_query(IMPORT_MEMBER), DB_ARGS(db_text(r->owner_id), db_text(id)),
                   NULL, err);
}

static bool read_references(struct import_work *w, int64_t after, struct arena *a,
                            struct reference *out, size_t *out_count, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    size_t count = 0;
    bool row;

    if (!db_select(w->db, import_query(IMPORT_REFERENCES), DB_ARGS(db_int(after), db_int(PAGE)),
                   &st, err))
        return false;
    while (count < PAGE) {
        if (!db_step(st, &row, err))
            return false;
        if (!row)
            break;
        out[count++] = (struct reference){
            .no = db_col_int(st, 0),
            .owner_id = arena_str(a, db_col_text(st, 1)),
            .member = db_col_bool(st, 2),
            .was_unchanged = db_col_bool(st, 3),
            .text = arena_str(a, db_col_text(st, 4)),
            .place = {db_col_int(st, 5), db_col_int(st, 6)},
        };
    }
    *out_count = count;
    return true;
}

static bool resolve_references(struct import_work *w, struct err *err)
{
    CLEANUP(arena_freep) struct arena *page = arena_new();
    struct reference references[PAGE];
    int64_t after = 0;
    size_t count;

    do {
        arena_reset(page);
        if (!read_references(w, after, page, references, &count, err))
            return false;
        for (size_t i = 0; i < count; i++) {
            arena_reset(w->row);
            if (!resolve(w, &references[i], err))
                return false;
            after = references[i].no;
        }
    } while (count == PAGE);
    return true;
}

/* --- lists of ids -------------------------------------------------------------------------------
 */

/* Runs a query of ids page by page: its last two arguments are the id to begin after and the
 * length of a page. */
struct id_list {
    enum import_query query;
    struct db_value first; /* its first argument; unused when has_first is false */
    bool has_first;
    struct str ids[PAGE];
    size_t count;
    char after[80];
};

static bool read_ids(struct import_work *w, struct id_list *l, struct arena *a, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct db_value args[] = {l->first, db_text(str_from_z(l->after)), db_int(PAGE)};
    bool row;

    l->count = 0;
    if (!db_select(w->db, import_query(l->query),
                   (struct db_args){l->has_first ? args : args + 1, l->has_first ? 3 : 2}, &st,
                   err))
        return false;
    while (l->count < PAGE) {
        if (!db_step(st, &row, err))
            return false;
        if (!row)
            break;
        l->ids[l->count++] = arena_str(a, db_col_text(st, 0));
    }
    if (l->count > 0)
        (void)snprintf(l->after, sizeof(l->after), "%.*s", STR_ARG(l->ids[l->count - 1]));
    return true;
}

/* Calls fn for each id of the list. */
static bool each_id(struct import_work *w, struct id_list *l,
                    bool (*fn)(struct import_work *, struct str id, const void *ctx,
                               struct err *err),
                    const void *ctx, struct err *err)
{
    CLEANUP(arena_freep) struct arena *page = arena_new();

    do {
        arena_reset(page);
        if (!read_ids(w, l, page, err))
            return false;
        for (size_t i = 0; i < l->count; i++) {
            if (!fn(w, l->ids[i], ctx, err))
                return false;
        }
    } while (l->count == PAGE);
    return true;
}

/* --- members ------------------------------------------------------------------------------------
 */

static bool add_member(struct import_work *w, struct str id, const void *ctx, struct err *err)
{
    const struct str *group = ctx;
    bool changed;

    if (!directory_member_add(&w->tx, *group, id, &changed, err))
        return false;
    w->result->members_added += changed;
    return true;
}

static bool remove_member(struct import_work *w, struct str id, const void *ctx, struct err *err)
{
    const struct str *group = ctx;
    bool changed;

    if (!directory_member_remove(&w->tx, *group, id, &changed, err))
        return false;
    w->result->members_removed += changed;
    return true;
}

static bool set_members(struct import_work *w, struct str group, const void *ctx, struct err *err)
{
    struct id_list left = {.query = IMPORT_LEFT, .first = db_text(group), .has_first = true};
    struct id_list joined = {.query = IMPORT_JOINED, .first = db_text(group), .has_first = true};

    (void)ctx;
    return each_id(w, &left, remove_member, &group, err) &&
           each_id(w, &joined, add_member, &group, err);
}

/* --- who is missing -----------------------------------------------------------------------------
 */

static bool guard(const struct import_work *w, enum source_kind kind, int64_t missing,
                  struct err *err)
{
    int64_t there = w->before.live[kind];
    const char *what = kind == SOURCE_USER ? "users" : "groups";
    bool many = missing > IMPORT_REMOVALS_MAX ||
                (missing >= IMPORT_REMOVALS_SHARE_FROM &&
                 missing * 100 > there * IMPORT_REMOVALS_PERCENT) ||
                w->result->rows == 0;

    if (missing == 0 || (w->o->allow_removals >= 0 ? missing <= w->o->allow_removals : !many))
        return true;
    return err_set(err, ERR_DENIED, "tooManyRemovals",
                   "%lld of %lld %s are not in the file and would be removed: see who with "
                   "--dry-run --allow-removals %lld, and if they have left, run the import with "
                   "--allow-removals %lld",
                   (long long)missing, (long long)there, what, (long long)missing,
                   (long long)missing);
}

static bool remove_missing_one(struct import_work *w, struct str id, const void *ctx,
                               struct err *err)
{
    const enum source_kind *kind = ctx;
    struct directory_object o;
    bool found;
    bool changed;

    arena_reset(w->row);
    if (!directory_load(w->db, w->row, id, &o, &found, err))
        return false;
    if (!found)
        return true;
    if (!directory_soft_delete(&w->tx, w->row, &o, &changed, err))
        return false;
    w->result->removed[*kind] += changed;
    return true;
}

static bool remove_missing(struct import_work *w, enum source_kind kind, struct err *err)
{
    struct id_list missing = {.query = IMPORT_MISSING, .first = db_int(kind), .has_first = true};
    int64_t count = 0;
    {
        CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

        if (!db_select_one(w->db, import_query(IMPORT_MISSING_COUNT), DB_ARGS(db_int(kind)), &st,
                           err))
            return false;
        if (st)
            count = db_col_int(st, 0);
    }
    return guard(w, kind, count, err) && each_id(w, &missing, remove_missing_one, &kind, err);
}

bool import_end(struct import_work *w, struct err *err)
{
    struct id_list groups = {.query = IMPORT_GROUPS};

    if (!resolve_references(w, err) || !each_id(w, &groups, set_members, NULL, err))
        return false;
    for (int kind = 0; w->o->complete && kind < SOURCE_KIND_COUNT; kind++) {
        if (w->result->had[kind] && !remove_missing(w, (enum source_kind)kind, err))
            return false;
    }
    return true;
}

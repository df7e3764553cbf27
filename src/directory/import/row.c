#include "base/unicode.h"
#include "directory/import/work.h"

static struct str name_of(const struct import_row *row)
{
    return json_get_text(row->patch,
                         row->kind == SOURCE_USER ? "userPrincipalName" : "displayName");
}

static bool fail_duplicate(struct import_work *w, const struct import_row *row, struct str id,
                           struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct str name = name_of(row);

    if (!db_select_one(w->db, import_query(IMPORT_SEEN_LINE), DB_ARGS(db_text(id)), &st, err))
        return false;
    (void)err_set(err, ERR_CONFLICT, "duplicateRow", "lines %lld and %lld both are %s '%.*s'",
                  (long long)(st ? db_col_int(st, 0) : 0), (long long)row->place.line,
                  row->kind == SOURCE_USER ? "user" : "group",
                  STR_ARG(str_sub(name.len ? name : id, 0, 150)));
    return import_fail_at(w, row->place, err);
}

/* Every object may be in the file once. */
static bool see(struct import_work *w, const struct import_row *row, struct str id, struct err *err)
{
    int64_t added;

    if (!db_exec(w->db, import_query(IMPORT_SEE),
                 DB_ARGS(db_text(id), db_int(row->place.line), db_bool(row->has_members)), &added,
                 err))
        return false;
    return added > 0 || fail_duplicate(w, row, id, err);
}

/* A row with an id may name somebody else's userPrincipalName: said before the database says it,
 * because then nothing more can be asked. own_id: whose the name may be. */
static bool check_name_free(struct import_work *w, const struct import_row *row, struct str own_id,
                            struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct directory_object other;
    struct str upn = name_of(row);
    bool found;

    if (row->kind != SOURCE_USER || upn.len == 0)
        return true;
    if (!directory_match(w->db, w->row, SOURCE_USER, STR(""), upn, &other, &found, err))
        return false;
    if (!found || other.deleted_us != 0 || str_eq(other.id, own_id))
        return true;
    if (!db_select_one(w->db, import_query(IMPORT_SEEN_LINE), DB_ARGS(db_text(other.id)), &st, err))
        return false;
    if (st)
        return fail_duplicate(w, row, other.id, err);
    (void)err_set(err, ERR_CONFLICT, "nameTaken",
                  "the userPrincipalName '%.*s' is that of the user with the id '%.*s'",
                  STR_ARG(str_sub(upn, 0, 150)), STR_ARG(other.id));
    return import_fail_at(w, row->place, err);
}

static bool refer(struct import_work *w, struct str owner, bool member, bool was_unchanged,
                  struct str text, struct import_place place, struct err *err)
{
    w->next_reference++;
    return db_exec(w->db, import_query(IMPORT_REFER),
                   DB_ARGS(db_int(w->next_reference), db_text(owner), db_bool(member),
                           db_bool(was_unchanged), db_text(text), db_int(place.line),
                           db_int(place.column)),
                   NULL, err);
}

static bool add_members(struct import_work *w, const struct import_row *row, struct str group_id,
                        struct err *err)
{
    CLEANUP(arena_freep) struct arena *tmp = arena_new();

    for (size_t i = 0; i < row->member_count; i++) {
        struct str id;
        bool found;

        arena_reset(tmp);
        if (!directory_resolve(w->db, tmp, row->members[i], DIRECTORY_ANY, &id, &found, err))
            return import_fail_at(w, row->members_place, err);
        if (found ? !db_exec(w->db, import_query(IMPORT_MEMBER),
                             DB_ARGS(db_text(group_id), db_text(id)), NULL, err)
                  : !refer(w, group_id, true, false, row->members[i], row->members_place, err))
            return false;
    }
    return true;
}

/* Puts the manager into the patch when he is there already. */
static bool bind_manager(struct import_work *w, struct import_row *row, bool *out_later,
                         struct err *err)
{
    struct json *v = json_new(w->row, row->manager.len ? JSON_STRING : JSON_NULL);
    bool found = true;

    *out_later = false;
    if (!row->has_manager)
        return true;
    if (row->manager.len > 0 &&
        !directory_resolve(w->db, w->row, row->manager, DIRECTORY_USERS, &v->text, &found, err))
        return import_fail_at(w, row->manager_place, err);
    *out_later = !found;
    if (found) {
        v->name = STR("manager");
        json_append(row->patch, v);
    }
    return true;
}

static bool create(struct import_work *w, const struct import_row *row, struct str *out_id,
                   struct err *err)
{
    if (row->id.len > 0 && !check_name_free(w, row, row->id, err))
        return false;
    if (!directory_insert(&w->tx, w->row, row->kind, row->id, row->patch, out_id, err))
        return import_fail_at(w, row->place, err);
    w->result->created[row->kind]++;
    return see(w, row, *out_id, err);
}

static bool restore(struct import_work *w, const struct import_row *row, struct directory_object *o,
                    struct err *err)
{
    bool found;

    if (!directory_restore(&w->tx, w->row, o, &found, err))
        return import_fail_at(w, row->place, err);
    return directory_load(w->db, w->row, o->id, o, &found, err);
}

static bool update(struct import_work *w, const struct import_row *row, struct directory_object *o,
                   bool *out_unchanged, struct err *err)
{
    bool was_deleted = o->deleted_us != 0;
    struct str upn = name_of(row);
    bool changed;

    if (!see(w, row, o->id, err))
        return false;
    if (row->id.len > 0 && upn.len > 0 && !str_eq_fold(upn, directory_object_upn(o)) &&
        !check_name_free(w, row, o->id, err))
        return false;
    if (was_deleted && !restore(w, row, o, err))
        return false;
    if (!directory_update(&w->tx, w->row, o, row->patch, &changed, err))
        return import_fail_at(w, row->place, err);
    *out_unchanged = !changed && !was_deleted;
    if (was_deleted) {
        w->result->restored[row->kind]++;
    } else if (changed) {
        w->result->updated[row->kind]++;
    } else {
        w->result->unchanged[row->kind]++;
    }
    return true;
}

/* Ends the transaction of a full batch and begins the next. */
static bool end_batch(struct import_work *w, struct err *err)
{
    w->result->rows++;
    w->in_batch++;
    if (w->o->progress)
        w->o->progress(w->o->progress_ctx, w->result->rows);
    if (w->o->dry_run || w->o->batch == 0 || w->in_batch < w->o->batch)
        return true;
    w->in_batch = 0;
    if (!directory_commit(&w->tx, err))
        return false;
    w->result->committed = w->result->rows;
    return directory_begin(w->db, w->o->clock, w->o->rng, &w->tx, err);
}

bool import_row_apply(struct import_work *w, struct import_row *row, struct err *err)
{
    struct directory_object o;
    struct str id;
    bool found;
    bool later;
    bool unchanged = false;

    if (row->id.len == 0 && name_of(row).len == 0) {
        (void)err_set(err, ERR_INVALID, "missingAttribute",
                      "the row has neither an objectId nor a %s",
                      row->kind == SOURCE_USER ? "userPrincipalName" : "displayName");
        return import_fail_at(w, row->place, err);
    }
    if (!directory_match(w->db, w->row, row->kind, row->id, name_of(row), &o, &found, err))
        return import_fail_at(w, row->place, err);
    if (!bind_manager(w, row, &later, err))
        return false;
    if (found) {
        id = o.id;
        if (!update(w, row, &o, &unchanged, err))
            return false;
    } else if (!create(w, row, &id, err)) {
        return false;
    }
    if ((later && !refer(w, id, false, unchanged, row->manager, row->manager_place, err)) ||
        (row->has_members && !add_members(w, row, id, err)))
        return false;
    return end_batch(w, err);
}

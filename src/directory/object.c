#include "directory/object_rows.h"

enum { LOAD_CHUNK = 50 }; /* ids of one statement */

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

bool directory_load(struct db *db, struct arena *a, struct str id, struct directory_object *out,
                    bool *out_found, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, object_query(OBJECT_Q_LOAD), DB_ARGS(db_text(id)), &st, err))
        return false;
    if (st && !object_row_read(st, a, out, err))
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
    if (!db_select(db, object_query(OBJECT_Q_LOAD_MANY), (struct db_args){values, LOAD_CHUNK}, &st,
                   err))
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
        if (!object_row_read(st, a, &slots[place->at], err))
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

    if (!db_select_one(db, object_query(OBJECT_Q_TOMBSTONE), DB_ARGS(db_text(id)), &st, err))
        return false;
    if (st)
        *out_kind = (enum source_kind)db_col_int(st, 0);
    *out_removed = st != NULL;
    return true;
}

bool directory_list(struct db *db, struct arena *a, enum source_kind kind, enum directory_bin bin,
                    struct str after, size_t limit, struct directory_object **out,
                    size_t *out_count, struct err *err)
{
    static const enum object_query queries[][SOURCE_KIND_COUNT] = {
        [DIRECTORY_LIVE] = {OBJECT_Q_USERS_LIVE, OBJECT_Q_GROUPS_LIVE},
        [DIRECTORY_DELETED] = {OBJECT_Q_DELETED, OBJECT_Q_DELETED},
        [DIRECTORY_LIVE_AND_DELETED] = {OBJECT_Q_USERS, OBJECT_Q_GROUPS},
    };
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct db_value args[] = {db_text(after), db_int((int64_t)limit), db_int(kind)};
    struct directory_object *items = ARENA_ARRAY(a, struct directory_object, limit);
    size_t count = 0;
    bool row;

    if (!db_select(db, object_query(queries[bin][kind]),
                   (struct db_args){args, bin == DIRECTORY_DELETED ? 3 : 2}, &st, err))
        return false;
    while (count < limit) {
        if (!db_step(st, &row, err))
            return false;
        if (!row)
            break;
        if (!object_row_read(st, a, &items[count], err))
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

    if (!db_select(db, object_query(OBJECT_Q_REPORTS),
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

    if (!db_select_one(db, object_query(OBJECT_Q_COUNT), DB_NO_ARGS, &st, err))
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

    if (!db_select(db, object_query(OBJECT_Q_DOMAINS), DB_NO_ARGS, &st, err))
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

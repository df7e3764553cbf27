#include "directory/write.h"

#include "base/unicode.h"
#include "directory/assignment.h"
#include "directory/feed.h"
#include "directory/member.h"

enum { REPORTS_PAGE = 200 };
static const size_t doc_max = (size_t)64 << 20; /* bytes; values are bounded long before */

enum query {
    Q_INSERT,
    Q_UPDATE,
    Q_REMOVE,
    Q_BURY,
    Q_UNBURY,
    Q_HIDE,
    Q_SHOW,
    Q_COUNTS,
    Q_LOCK,
};

const struct db_query directory_write_queries[] = {
    [Q_INSERT] = {"directory_insert",
                  "INSERT INTO directory_object (id, kind, name_key, upn_key, mail_key,"
                  " employee_id, manager_id, deleted_us, version, doc)"
                  " VALUES ($1, $2, $3, $4, $5, $6, $7, NULL, $8, $9)"},
    [Q_UPDATE] = {"directory_update",
                  "UPDATE directory_object SET name_key = $1, upn_key = $2, mail_key = $3,"
                  " employee_id = $4, manager_id = $5, deleted_us = $6, version = $7, doc = $8"
                  " WHERE id = $9 AND version = $10"},
    [Q_REMOVE] = {"directory_remove",
                  "DELETE FROM directory_object WHERE id = $1 AND version = $2"},
    [Q_BURY] = {"directory_bury",
                "INSERT INTO directory_tombstone (id, kind, removed_us) VALUES ($1, $2, $3)"
                " ON CONFLICT (id) DO UPDATE"
                " SET kind = excluded.kind, removed_us = excluded.removed_us"},
    [Q_UNBURY] = {"directory_unbury", "DELETE FROM directory_tombstone WHERE id = $1"},
    [Q_HIDE] = {"directory_hide_group", "INSERT INTO directory_hidden_group (id) VALUES ($1)"
                                        " ON CONFLICT (id) DO NOTHING"},
    [Q_SHOW] = {"directory_show_group", "DELETE FROM directory_hidden_group WHERE id = $1"},
    [Q_COUNTS] =
        {"directory_counts",
         "UPDATE directory_feed SET live_users = live_users + $1, live_groups = live_groups + $2,"
         " deleted_users = deleted_users + $3, deleted_groups = deleted_groups + $4,"
         " last = last - $5 WHERE one = 1"},
    /* Holds the row of the feed, which every writer needs, from the beginning. */
    [Q_LOCK] = {"directory_lock", "UPDATE directory_feed SET last = last WHERE one = 1"},
};
const size_t directory_write_query_count = ARRAY_LEN(directory_write_queries);

static const struct db_query *query(enum query q)
{
    return &directory_write_queries[q];
}

bool directory_begin(struct db *db, const struct clock *clock, struct rng *rng,
                     struct directory_tx *out, struct err *err)
{
    if (!db_begin(db, DB_WRITE, err))
        return false;
    if (!db_exec(db, query(Q_LOCK), DB_NO_ARGS, NULL, err)) {
        db_rollback(db);
        return false;
    }
    *out = (struct directory_tx){.db = db, .rng = rng, .now_us = clock_now(clock), .block = 1};
    buf_init(&out->text, doc_max);
    return true;
}

/* Counts, and positions of the feed that were taken and not used: with them the feed would stand
 * where no reader can ever come to, and look as if it had moved on for ever. The row is ours until
 * the commit, so nobody has taken any since. */
static bool save_counts(struct directory_tx *tx, struct err *err)
{
    int64_t unused = tx->end_seq - tx->next_seq;

    if (!tx->live[0] && !tx->live[1] && !tx->deleted[0] && !tx->deleted[1] && !unused)
        return true;
    return db_exec(tx->db, query(Q_COUNTS),
                   DB_ARGS(db_int(tx->live[SOURCE_USER]), db_int(tx->live[SOURCE_GROUP]),
                           db_int(tx->deleted[SOURCE_USER]), db_int(tx->deleted[SOURCE_GROUP]),
                           db_int(unused)),
                   NULL, err);
}

static void end(struct directory_tx *tx)
{
    buf_done(&tx->text);
    tx->db = NULL;
}

bool directory_commit(struct directory_tx *tx, struct err *err)
{
    struct db *db = tx->db;
    bool ok = save_counts(tx, err);

    end(tx);
    if (ok)
        return db_commit(db, err);
    db_rollback(db);
    return false;
}

void directory_rollback(struct directory_tx *tx)
{
    if (!tx->db)
        return;
    db_rollback(tx->db);
    end(tx);
}

/* A UUID of version 7: ids made one after the other sort that way, so that new rows go to the end
 * of the index instead of all over it. */
static struct str new_id(struct directory_tx *tx, char out[UUID_TEXT_MAX])
{
    int64_t ms = tx->now_us / 1000;
    uint64_t tail;

    if (ms > tx->id_ms) {
        tx->id_ms = ms;
        tx->id_count = 0;
    } else if (++tx->id_count > 0xFFF) {
        tx->id_ms++;
        tx->id_count = 0;
    }
    tail = (rng_u64(tx->rng) & (UINT64_MAX >> 2)) | UINT64_C(1) << 63;
    (void)snprintf(out, UUID_TEXT_MAX, "%08llx-%04llx-7%03x-%04llx-%012llx",
                   (unsigned long long)((uint64_t)tx->id_ms >> 16 & 0xFFFFFFFF),
                   (unsigned long long)((uint64_t)tx->id_ms & 0xFFFF), tx->id_count,
                   (unsigned long long)(tail >> 48),
                   (unsigned long long)(tail & UINT64_C(0xFFFFFFFFFFFF)));
    return (struct str){out, UUID_TEXT_MAX - 1};
}

/* --- the row of an object -----------------------------------------------------------------------
 */

struct row {
    struct str id;
    enum source_kind kind;
    struct str name, upn, mail, employee_id, manager_id;
    int64_t deleted_us; /* 0: not deleted */
    int64_t version;
    struct str doc;
};

/* Takes the columns out of the attributes. */
static bool fill_row(struct arena *a, enum source_kind kind, const struct json *attributes,
                     struct row *out, struct err *err)
{
    struct str name = json_get_text(attributes, "displayName");
    struct str upn = json_get_text(attributes, "userPrincipalName");
    struct str mail = json_get_text(attributes, "mail");

    if (kind == SOURCE_USER && upn.len == 0)
        return err_set(err, ERR_INVALID, "missingAttribute", "a user needs a userPrincipalName");
    if (name.len == 0) {
        return err_set(err, ERR_INVALID, "missingAttribute", "%s%.*s needs a displayName",
                       kind == SOURCE_USER ? "the user " : "a group",
                       STR_ARG(str_sub(upn, 0, 200)));
    }
    out->kind = kind;
    out->name = str_fold(a, name);
    out->upn = kind == SOURCE_USER ? str_fold(a, upn) : STR("");
    out->mail = str_fold(a, mail);
    if (str_eq(out->mail, out->upn))
        out->mail = STR("");
    out->employee_id = json_get_text(attributes, "employeeId");
    out->manager_id = json_get_text(attributes, "manager");
    return true;
}

static bool fail_taken(const struct row *r, struct err *err)
{
    if (err->kind != ERR_CONFLICT)
        return false;
    return err_set(err, ERR_CONFLICT, "nameTaken",
                   "another user has the userPrincipalName '%.*s': give one of them another",
                   STR_ARG(str_sub(r->upn, 0, 200)));
}

static bool insert_row(struct directory_tx *tx, const struct row *r, struct err *err)
{
    if (!db_exec(tx->db, query(Q_INSERT),
                 DB_ARGS(db_text(r->id), db_int(r->kind), db_text(r->name), db_text_or_null(r->upn),
                         db_text_or_null(r->mail), db_text_or_null(r->employee_id),
                         db_text_or_null(r->manager_id), db_int(r->version), db_text(r->doc)),
                 NULL, err))
        return fail_taken(r, err);
    return true;
}

static bool update_row(struct directory_tx *tx, const struct row *r, int64_t old_version,
                       struct err *err)
{
    int64_t changed;

    if (!db_exec(tx->db, query(Q_UPDATE),
                 DB_ARGS(db_text(r->name), db_text_or_null(r->upn), db_text_or_null(r->mail),
                         db_text_or_null(r->employee_id), db_text_or_null(r->manager_id),
                         r->deleted_us ? db_int(r->deleted_us) : db_null(), db_int(r->version),
                         db_text(r->doc), db_text(r->id), db_int(old_version)),
                 &changed, err))
        return fail_taken(r, err);
    if (changed == 0) {
        return err_set(err, ERR_CONFLICT, "changedMeanwhile",
                       "'%.*s' was changed by somebody else at the same moment: try again",
                       STR_ARG(r->id));
    }
    return true;
}

static void add_member(struct buf *b, struct str name, const struct json *v)
{
    if (b->len > 1)
        buf_add_char(b, ',');
    json_write_text(b, name);
    buf_add_char(b, ':');
    json_write(b, v);
}

static void add_text(struct buf *b, struct str name, struct str text)
{
    const struct json v = {.type = JSON_STRING, .text = text};

    add_member(b, name, &v);
}

/* The document of a new object: what the patch has, and what every object has. */
static struct str new_doc(struct directory_tx *tx, const struct row *r, const struct json *patch)
{
    static const struct json enabled = {.type = JSON_BOOL, .boolean = true};
    char created[TIME_TEXT_MAX];
    bool has_enabled = r->kind == SOURCE_GROUP;
    bool has_created = false;

    buf_reset(&tx->text);
    buf_add_char(&tx->text, '{');
    add_text(&tx->text, STR("objectId"), r->id);
    JSON_EACH(v, patch)
    {
        if (v->type == JSON_NULL)
            continue;
        has_enabled = has_enabled || str_eq(v->name, STR("accountEnabled"));
        has_created = has_created || str_eq(v->name, STR("createdDateTime"));
        add_member(&tx->text, v->name, v);
    }
    if (!has_enabled)
        add_member(&tx->text, STR("accountEnabled"), &enabled);
    if (!has_created)
        add_text(&tx->text, STR("createdDateTime"), time_write(tx->now_us, created));
    buf_add_char(&tx->text, '}');
    return buf_str(&tx->text);
}

/* An id from outside may be that of somebody who is there, or was. */
static bool claim_id(struct directory_tx *tx, struct arena *a, struct str id, struct err *err)
{
    struct directory_object there;
    bool found;

    if (!directory_load(tx->db, a, id, &there, &found, err))
        return false;
    if (found) {
        return err_set(err, ERR_CONFLICT, "idTaken", "the id '%.*s' is that of '%.*s'", STR_ARG(id),
                       STR_ARG(str_sub(directory_object_name(&there), 0, 200)));
    }
    return db_exec(tx->db, query(Q_UNBURY), DB_ARGS(db_text(id)), NULL, err);
}

bool directory_insert(struct directory_tx *tx, struct arena *a, enum source_kind kind,
                      struct str id, const struct json *patch, struct str *out_id, struct err *err)
{
    char fresh[UUID_TEXT_MAX];
    struct row r = {.id = id.len ? id : new_id(tx, fresh)};

    if (!fill_row(a, kind, patch, &r, err) || (id.len && !claim_id(tx, a, id, err)) ||
        !directory_feed_add(tx, CHANGE_ATTRIBUTE, r.id, STR(""), STR(""), &r.version, err))
        return false;
    r.doc = new_doc(tx, &r, patch);
    if (!insert_row(tx, &r, err))
        return false;
    tx->live[kind]++;
    *out_id = id.len ? id : arena_str(a, r.id);
    return true;
}

static struct json *shallow_copy(struct arena *a, const struct json *v)
{
    struct json *copy = ARENA_NEW(a, struct json);

    *copy = *v;
    copy->next = NULL;
    return copy;
}

static struct json *copy_object(struct arena *a, const struct json *object)
{
    struct json *copy = json_new(a, JSON_OBJECT);

    JSON_EACH(v, object)
    {
        json_append(copy, shallow_copy(a, v));
    }
    return copy;
}

/* Stores the attributes of an object that is there, and tells the feed. */
static bool store(struct directory_tx *tx, struct arena *a, const struct directory_object *old,
                  const struct json *attributes, int64_t deleted_us,
                  enum directory_change_kind change, struct err *err)
{
    struct row r = {.id = old->id, .deleted_us = deleted_us};

    if (!fill_row(a, old->kind, attributes, &r, err) ||
        !directory_feed_add(tx, change, old->id, STR(""), STR(""), &r.version, err))
        return false;
    buf_reset(&tx->text);
    json_write(&tx->text, attributes);
    r.doc = buf_str(&tx->text);
    return update_row(tx, &r, old->version, err);
}

bool directory_update(struct directory_tx *tx, struct arena *a, const struct directory_object *old,
                      const struct json *patch, bool *out_changed, struct err *err)
{
    struct json *attributes = NULL;
    bool only_manager = true;

    JSON_EACH(v, patch)
    {
        const struct json *before = json_get(old->attributes, v->name);

        if (v->type == JSON_NULL ? !before : before && json_equal(before, v))
            continue;
        if (!attributes)
            attributes = copy_object(a, old->attributes);
        if (v->type == JSON_NULL) {
            json_remove(attributes, v->name);
        } else {
            json_set(a, attributes, v->name, shallow_copy(a, v));
        }
        only_manager = only_manager && str_eq(v->name, STR("manager"));
    }
    *out_changed = attributes != NULL;
    return !attributes || store(tx, a, old, attributes, old->deleted_us,
                                only_manager ? CHANGE_REFERENCE : CHANGE_ATTRIBUTE, err);
}

/* --- deleting -----------------------------------------------------------------------------------
 */

bool directory_soft_delete(struct directory_tx *tx, struct arena *a,
                           const struct directory_object *o, bool *out_changed, struct err *err)
{
    struct json *attributes = copy_object(a, o->attributes);
    char when[TIME_TEXT_MAX];

    *out_changed = o->deleted_us == 0;
    if (o->deleted_us != 0)
        return true;
    json_set(a, attributes, STR("deletionTimestamp"), json_string(a, time_write(tx->now_us, when)));
    if (!store(tx, a, o, attributes, tx->now_us, CHANGE_DELETION, err) ||
        (o->kind == SOURCE_GROUP &&
         !db_exec(tx->db, query(Q_HIDE), DB_ARGS(db_text(o->id)), NULL, err)))
        return false;
    tx->live[o->kind]--;
    tx->deleted[o->kind]++;
    return true;
}

bool directory_restore(struct directory_tx *tx, struct arena *a, const struct directory_object *o,
                       bool *out_changed, struct err *err)
{
    struct json *attributes = copy_object(a, o->attributes);

    *out_changed = o->deleted_us != 0;
    if (o->deleted_us == 0)
        return true;
    json_remove(attributes, STR("deletionTimestamp"));
    if (!store(tx, a, o, attributes, 0, CHANGE_RESTORE, err) ||
        (o->kind == SOURCE_GROUP &&
         !db_exec(tx->db, query(Q_SHOW), DB_ARGS(db_text(o->id)), NULL, err)))
        return false;
    tx->live[o->kind]++;
    tx->deleted[o->kind]--;
    return true;
}

static bool clear_managers(struct directory_tx *tx, const struct directory_object *reports,
                           size_t count, struct arena *a, struct err *err)
{
    struct json *patch = json_new(a, JSON_OBJECT);
    bool changed;

    json_add_null(a, patch, "manager");
    for (size_t i = 0; i < count; i++) {
        if (!directory_update(tx, a, &reports[i], patch, &changed, err))
            return false;
    }
    return true;
}

/* The people who report to somebody who goes for good have no manager then. */
static bool release_reports(struct directory_tx *tx, struct str manager_id, struct err *err)
{
    CLEANUP(arena_freep) struct arena *page = arena_new();
    struct directory_object *reports;
    struct str *ids;
    size_t count;

    do { /* whoever is released is not in the next page */
        arena_reset(page);
        if (!directory_reports(tx->db, page, manager_id, STR(""), REPORTS_PAGE, &ids, &count, err))
            return false;
        reports = ARENA_ARRAY(page, struct directory_object, count);
        if (!directory_load_many(tx->db, page, ids, count, reports, &count, err) ||
            !clear_managers(tx, reports, count, page, err))
            return false;
    } while (count > 0);
    return true;
}

bool directory_remove(struct directory_tx *tx, struct arena *a, const struct directory_object *o,
                      struct err *err)
{
    struct directory_object now;
    int64_t changed;
    bool found;

    if (!directory_member_remove_all(tx, o->id, err) || !release_reports(tx, o->id, err) ||
        !directory_unassign_all(tx, o->id, err) ||
        !directory_load(tx->db, a, o->id, &now, &found, err))
        return false;
    /* Loaded again: somebody who was their own manager has just been changed. */
    if (!found || !db_exec(tx->db, query(Q_REMOVE), DB_ARGS(db_text(o->id), db_int(now.version)),
                           &changed, err)) {
        return found ? false
                     : err_set(err, ERR_NOT_FOUND, "objectNotFound", "'%.*s' is not there any more",
                               STR_ARG(o->id));
    }
    if (changed == 0) {
        return err_set(err, ERR_CONFLICT, "changedMeanwhile",
                       "'%.*s' was changed by somebody else at the same moment: try again",
                       STR_ARG(o->id));
    }
    if (now.deleted_us != 0) {
        tx->deleted[o->kind]--;
    } else {
        tx->live[o->kind]--;
    }
    return db_exec(tx->db, query(Q_BURY),
                   DB_ARGS(db_text(o->id), db_int(o->kind), db_int(tx->now_us)), NULL, err) &&
           db_exec(tx->db, query(Q_SHOW), DB_ARGS(db_text(o->id)), NULL, err) &&
           directory_feed_add(tx, CHANGE_REMOVAL, o->id, STR(""), STR(""), NULL, err);
}

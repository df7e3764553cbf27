#include "journal/audit.h"

#include "journal/queries.h"

#include <inttypes.h>
#include <stdlib.h>

enum query {
    Q_HEAD_LOCK,
    Q_HEAD,
    Q_HEAD_SET,
    Q_INSERT,
    Q_LAST,
    Q_LIST,
    Q_LIST_APP,
    Q_PAGE,
};

#define COLUMNS                                                                      \
    "no, at_us, author, activity, app_id, app_name, subject, before_doc, after_doc," \
    " previous"

const struct db_query audit_queries[] = {
    /* Changes nothing but holds the row: writers queue here until the commit. */
    [Q_HEAD_LOCK] = {"audit_head_lock",
                     "UPDATE audit_head SET sealed = sealed WHERE one = 1 RETURNING sealed"},
    [Q_HEAD] = {"audit_head", "SELECT sealed FROM audit_head WHERE one = 1"},
    [Q_HEAD_SET] = {"audit_head_set", "INSERT INTO audit_head (one, sealed) VALUES (1, $1)"
                                      " ON CONFLICT (one) DO UPDATE SET sealed = excluded.sealed"},
    [Q_INSERT] = {"audit_insert", "INSERT INTO audit (" COLUMNS ")"
                                  " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"},
    [Q_LAST] = {"audit_last", "SELECT " COLUMNS " FROM audit ORDER BY no DESC LIMIT 1"},
    [Q_LIST] = {"audit_list", "SELECT " COLUMNS " FROM audit WHERE no < $1 AND at_us >= $2"
                              " ORDER BY no DESC LIMIT $3"},
    [Q_LIST_APP] = {"audit_list_app", "SELECT " COLUMNS " FROM audit"
                                      " WHERE no < $1 AND at_us >= $2 AND app_id = $4"
                                      " ORDER BY no DESC LIMIT $3"},
    [Q_PAGE] = {"audit_page", "SELECT " COLUMNS " FROM audit WHERE no > $1 ORDER BY no LIMIT $2"},
};
const size_t audit_query_count = ARRAY_LEN(audit_queries);

static const char *const activity_names[] = {
    [AUDIT_ADD] = "Add provisioning configuration",
    [AUDIT_DELETE] = "Delete provisioning configuration",
    [AUDIT_START] = "Enable/start provisioning configuration",
    [AUDIT_PAUSE] = "Disable/pause provisioning configuration",
    [AUDIT_RESTART] = "Enable/restart provisioning configuration",
    [AUDIT_MAPPING] = "Update attribute mappings or scope",
    [AUDIT_SETTING] = "Update provisioning setting or credentials",
    [AUDIT_IMPORT] = "Import",
    [AUDIT_EXPORT] = "Export",
    [AUDIT_RULE] = "Synchronization rule action",
    [AUDIT_ESCROW] = "Process escrow",
    [AUDIT_QUARANTINE] = "Quarantine",
    [AUDIT_USER] = "User Provisioning",
    [AUDIT_OTHER] = "Other",
};
static_assert(ARRAY_LEN(activity_names) == AUDIT_ACTIVITY_COUNT, "every activity has a name");

enum { LIST_DEFAULT = 100, LIST_MAX = 10000, VERIFY_PAGE = 500, RECORD_MAX = 16 << 20 };
#define HEAD_BOUND STR("audit head") /* what the seal is for: no other sealed text passes */

struct head {
    int64_t no; /* of the last record; 0: there is none */
    char hash[SHA256_HEX_MAX];
};

static const struct db_query *query(enum query q)
{
    return &audit_queries[q];
}

static void read_record(struct db_stmt *st, struct arena *a, struct audit_record *out)
{
    *out = (struct audit_record){
        .no = db_col_int(st, 0),
        .at_us = db_col_int(st, 1),
        .author = arena_str(a, db_col_text(st, 2)),
        .activity = arena_str(a, db_col_text(st, 3)),
        .app_id = arena_str(a, db_col_text(st, 4)),
        .app_name = arena_str(a, db_col_text(st, 5)),
        .subject = arena_str(a, db_col_text(st, 6)),
        .before = arena_str(a, db_col_text(st, 7)),
        .after = arena_str(a, db_col_text(st, 8)),
        .previous = arena_str(a, db_col_text(st, 9)),
    };
}

/* Over all columns, each as a JSON text or number, so that nothing can move from one into another.
 */
static void hash_record(const struct audit_record *r, char *out)
{
    const struct str texts[] = {r->author,  r->activity, r->app_id, r->app_name,
                                r->subject, r->before,   r->after,  r->previous};
    CLEANUP(buf_done) struct buf text;

    buf_init(&text, RECORD_MAX);
    buf_add_char(&text, '[');
    buf_add_int(&text, r->no);
    buf_add_char(&text, ',');
    buf_add_int(&text, r->at_us);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        buf_add_char(&text, ',');
        json_write_text(&text, texts[i]);
    }
    buf_add_char(&text, ']');
    sha256_hex(buf_str(&text), out);
}

/* --- the head --- */

static bool open_head(const struct secret_key *key, struct str sealed, struct head *out,
                      struct err *err)
{
    CLEANUP(secret_done) struct secret plain = {0};
    struct str hash, number;

    *out = (struct head){0};
    if (sealed.len == 0)
        return true;
    if (!secret_open(key, sealed, HEAD_BOUND, &plain, err))
        return false;
    hash = secret_reveal(&plain);
    if (!str_cut(&hash, ' ', &number) || !str_to_int(number, 1, INT64_MAX, &out->no) ||
        hash.len != SHA256_HEX_MAX - 1)
        return err_set(err, ERR_INTERNAL, "secretUnreadable", "the head of the audit log is odd");
    memcpy(out->hash, hash.ptr, hash.len);
    return true;
}

static bool load_head(struct db *db, enum query q, const struct secret_key *key, struct head *out,
                      bool *out_readable, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct err unreadable;
    bool row, more;

    if (!db_select(db, query(q), DB_NO_ARGS, &st, err) || !db_step(st, &row, err))
        return false;
    *out_readable = row && open_head(key, db_col_text(st, 0), out, &unreadable);
    return !row || db_step(st, &more, err);
}

static bool save_head(struct db *db, const struct secret_key *key, const struct head *head,
                      struct err *err)
{
    CLEANUP(buf_done) struct buf sealed = {0};
    char plain[SHA256_HEX_MAX + 32];
    int n = snprintf(plain, sizeof(plain), "%" PRId64 " %s", head->no, head->hash);

    secret_seal(key, (struct str){plain, (size_t)n}, HEAD_BOUND, &sealed);
    return db_exec(db, query(Q_HEAD_SET), DB_ARGS(db_text(buf_str(&sealed))), NULL, err);
}

/* --- writing --- */

static bool insert(struct db *db, const struct audit *who, const struct audit_change *c,
                   struct head *head, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct audit_record r = {
        .no = head->no + 1,
        .at_us = clock_now(who->clock),
        .author = who->author.len ? who->author : STR("system"),
        .activity = str_from_z(activity_names[c->activity]),
        .app_id = c->app_id,
        .app_name = c->app_name,
        .subject = c->subject,
        .before = c->before ? json_text(a, c->before) : STR(""),
        .after = c->after ? json_text(a, c->after) : STR(""),
        .previous = str_from_z(head->hash),
    };
    char hash[SHA256_HEX_MAX];

    hash_record(&r, hash); /* r.previous is what head->hash still says */
    if (!db_exec(db, query(Q_INSERT),
                 DB_ARGS(db_int(r.no), db_int(r.at_us), db_text(r.author), db_text(r.activity),
                         db_text(r.app_id), db_text(r.app_name), db_text(r.subject),
                         db_text(r.before), db_text(r.after), db_text(r.previous)),
                 NULL, err))
        return false;
    head->no = r.no;
    memcpy(head->hash, hash, sizeof(hash));
    return save_head(db, who->key, head, err);
}

static bool append(struct db *db, const struct audit *who, const struct audit_change *c,
                   struct err *err)
{
    struct head head;
    bool readable;

    if (!load_head(db, Q_HEAD_LOCK, who->key, &head, &readable, err))
        return false;
    if (!readable) {
        return err_set(err, ERR_INTERNAL, "auditDamaged",
                       "the audit log cannot be continued: its head was altered or sealed with "
                       "another key; see 'usher audit verify', then 'usher audit reseal'");
    }
    return insert(db, who, c, &head, err);
}

typedef bool write_fn(struct db *db, const struct audit *who, const struct audit_change *c,
                      struct err *err);

static bool in_transaction(struct db *db, write_fn *write, const struct audit *who,
                           const struct audit_change *c, struct err *err)
{
    if (db_in_transaction(db))
        return write(db, who, c, err);
    if (!db_begin(db, DB_WRITE, err))
        return false;
    if (write(db, who, c, err) && db_commit(db, err))
        return true;
    db_rollback(db);
    return false;
}

/* The head as the records say, whatever was sealed. */
static bool reseal(struct db *db, const struct audit *who, const struct audit_change *c,
                   struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct audit_record last;
    struct head head = {0};
    bool readable, row;

    if (!load_head(db, Q_HEAD_LOCK, who->key, &head, &readable, err) ||
        !db_select(db, query(Q_LAST), DB_NO_ARGS, &st, err) || !db_step(st, &row, err))
        return false;
    head = (struct head){0};
    if (row) {
        read_record(st, a, &last);
        head.no = last.no;
        hash_record(&last, head.hash);
    }
    return insert(db, who, c, &head, err);
}

bool audit_append(struct db *db, const struct audit *who, const struct audit_change *c,
                  struct err *err)
{
    return in_transaction(db, append, who, c, err);
}

bool audit_reseal(struct db *db, const struct audit *who, struct err *err)
{
    const struct audit_change change = {.activity = AUDIT_OTHER,
                                        .subject = STR("audit log sealed anew")};

    return in_transaction(db, reseal, who, &change, err);
}

void audit_difference(struct json *before, struct json *after)
{
    struct json *next;

    for (struct json *m = before ? before->first : NULL; m; m = next) {
        struct json *other = json_get(after, m->name);

        next = m->next;
        if (other && json_equal(m, other)) {
            json_unlink(after, other);
            json_unlink(before, m);
        }
    }
}

struct str audit_masked_url(struct arena *a, struct str url)
{
    struct str rest, scheme;
    size_t at, end;

    if (!str_find(url, STR("://"), &at))
        return url.len ? STR(AUDIT_MASK) : url;
    scheme = str_sub(url, 0, at + 3);
    rest = str_from(url, at + 3);
    for (end = 0; end < rest.len && !strchr("/?#", rest.ptr[end]);)
        end++;
    if (str_find_last_char(str_sub(rest, 0, end), '@', &at)) { /* a password */
        return arena_printf(a, "%.*s" AUDIT_MASK "@%.*s/" AUDIT_MASK, STR_ARG(scheme),
                            STR_ARG(str_sub(rest, at + 1, end - at - 1)));
    }
    if (rest.len <= end + 1)
        return arena_str(a, url);
    return arena_printf(a, "%.*s%.*s/" AUDIT_MASK, STR_ARG(scheme), STR_ARG(str_sub(rest, 0, end)));
}

/* --- reading --- */

static bool read_all(struct db_stmt *st, struct arena *a, size_t limit, struct audit_record **out,
                     size_t *out_count, struct err *err)
{
    struct audit_record *list = ARENA_ARRAY(a, struct audit_record, limit);
    size_t count = 0;
    bool row;

    for (;;) {
        if (!db_step(st, &row, err))
            return false;
        if (!row)
            break;
        read_record(st, a, &list[count++]);
    }
    *out = list;
    *out_count = count;
    return true;
}

bool audit_list(struct db *db, struct arena *a, const struct audit_query *q,
                struct audit_record **out, size_t *out_count, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    size_t limit = q->limit == 0 ? LIST_DEFAULT : q->limit < LIST_MAX ? q->limit : LIST_MAX;
    struct db_value values[] = {db_int(q->before_no ? q->before_no : INT64_MAX), db_int(q->from_us),
                                db_int((int64_t)limit), db_text(q->app_id)};
    struct db_args args = {values, q->app_id.len ? 4 : 3};

    return db_select(db, query(q->app_id.len ? Q_LIST_APP : Q_LIST), args, &st, err) &&
           read_all(st, a, limit, out, out_count, err);
}

bool audit_page(struct db *db, struct arena *a, int64_t after, size_t limit,
                struct audit_record **out, size_t *out_count, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    return db_select(db, query(Q_PAGE), DB_ARGS(db_int(after), db_int((int64_t)limit)), &st, err) &&
           read_all(st, a, limit, out, out_count, err);
}

static void add_document(struct arena *a, struct json *v, const char *name, struct str text)
{
    struct json *document = NULL;
    struct err ignored;

    if (text.len && !json_parse(a, text, NULL, &document, NULL, &ignored))
        document = json_string(a, text);
    json_add(a, v, str_from_z(name), document ? document : json_null(a));
}

struct json *audit_to_json(struct arena *a, const struct audit_record *r)
{
    struct json *v = json_new(a, JSON_OBJECT);
    char at[TIME_TEXT_MAX];

    json_add_int(a, v, "no", r->no);
    json_add_str(a, v, "activityDateTime", time_write(r->at_us, at));
    json_add_z(a, v, "category", "ProvisioningManagement");
    json_add_str(a, v, "activityDisplayName", r->activity);
    json_add_str(a, v, "initiatedBy", r->author);
    json_add_str(a, v, "applicationId", r->app_id);
    json_add_str(a, v, "applicationName", r->app_name);
    json_add_str(a, v, "subject", r->subject);
    add_document(a, v, "before", r->before);
    add_document(a, v, "after", r->after);
    json_add_str(a, v, "previous", r->previous);
    return v;
}

/* --- verifying --- */

/* What the chain says so far. */
struct chain {
    struct head at; /* the record before */
    struct head sealed;
    struct audit_finding *finding;
};

static bool found(struct chain *c, enum audit_verdict verdict, int64_t no)
{
    c->finding->verdict = verdict;
    c->finding->no = no;
    return false;
}

/* False when record r does not fit what came before it. */
static bool fits(struct chain *c, const struct audit_record *r)
{
    if (c->sealed.no && c->at.no == c->sealed.no)
        return found(c, AUDIT_ADDED, r->no);
    if (r->no != c->at.no + 1)
        return found(c, AUDIT_MISSING, c->at.no + 1);
    if (!str_eq_z(r->previous, c->at.hash))
        return found(c, AUDIT_CHANGED, c->at.no ? c->at.no : r->no);
    c->at.no = r->no;
    hash_record(r, c->at.hash);
    c->finding->count++;
    if (r->no == c->sealed.no && strcmp(c->at.hash, c->sealed.hash) != 0)
        return found(c, AUDIT_CHANGED, r->no);
    return true;
}

static bool walk(struct db *db, struct chain *c, struct err *err)
{
    size_t count;

    do {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct audit_record *list;

        if (!audit_page(db, a, c->at.no, VERIFY_PAGE, &list, &count, err))
            return false;
        for (size_t i = 0; i < count; i++) {
            if (!fits(c, &list[i]))
                return true;
        }
    } while (count == VERIFY_PAGE);
    if (c->at.no < c->sealed.no)
        found(c, AUDIT_CUT, c->at.no + 1);
    return true;
}

bool audit_verify(struct db *db, const struct secret_key *key, struct audit_finding *out,
                  struct err *err)
{
    struct chain c = {.finding = out};
    bool readable = false;
    bool ok;

    *out = (struct audit_finding){.verdict = AUDIT_INTACT};
    if (!db_begin(db, DB_READ, err))
        return false;
    ok = load_head(db, Q_HEAD, key, &c.sealed, &readable, err) && walk(db, &c, err);
    db_rollback(db);
    memcpy(out->hash, c.at.hash, sizeof(out->hash));
    /* A log without a seal was never written, or the seal was taken away. */
    if (ok && out->verdict == AUDIT_INTACT && (!readable || (c.sealed.no == 0 && c.at.no > 0)))
        out->verdict = AUDIT_UNSEALED;
    return ok;
}

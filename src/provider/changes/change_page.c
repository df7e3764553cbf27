#include "provider/changes/change.h"

#define ROWS_AT_ONCE 16 /* each holds one record at least, and 128 KiB or so at most */

static void write_names(struct buf *out, struct str names)
{
    struct str name;
    bool more = names.len > 0;
    const char *before = "";

    buf_add_z(out, ",\"attributes\":[");
    while (more) {
        more = str_cut(&names, ',', &name);
        buf_add_z(out, before);
        json_write_text(out, name);
        before = ",";
    }
    buf_add_char(out, ']');
}

/* A line of the log; false, without having written, for one that is none. */
static bool write_record(struct buf *out, int64_t seq, struct str line)
{
    char at[TIME_TEXT_MAX], version[32];
    struct str field[5];
    int64_t at_us, type, number;

    for (size_t i = 0; i < ARRAY_LEN(field); i++) {
        if (!str_cut(&line, '\t', &field[i]))
            return false;
    }
    if (!str_to_int(field[0], INT64_MIN, INT64_MAX, &at_us) || !str_to_int(field[1], 1, 2, &type) ||
        !str_to_int(field[3], 0, INT64_MAX, &number))
        return false;
    buf_addf(out, "{\"seq\":%lld,\"at\":\"%.*s\",\"type\":\"%s\",\"id\":%.*s,\"action\":\"%.*s\"",
             (long long)seq, STR_ARG(time_write(at_us, at)),
             type == RESOURCE_GROUP ? "Group" : "User", STR_ARG(line), STR_ARG(field[2]));
    write_names(out, field[4]);
    buf_add_z(out, ",\"version\":");
    json_write_text(out, represent_version(number, version));
    buf_add_char(out, '}');
    return true;
}

bool change_record_write(struct buf *out, int64_t seq, struct str line, struct err *err)
{
    return write_record(out, seq, line) ||
           err_set(err, ERR_INTERNAL, "badChangeLog",
                   "record %lld of the change feed cannot be read", (long long)seq);
}

struct str change_record_id(struct arena *a, struct str line)
{
    struct str field;
    struct json *id;

    for (size_t i = 0; i < 5; i++)
        str_cut(&line, '\t', &field);
    return json_parse(a, line, NULL, &id, NULL, NULL) ? id->text : STR("");
}

/* What is read, and where it goes. */
struct reading {
    struct db *db;
    int64_t tenant_no, since, count;
    struct change_sieve *sieve;
    struct buf *out;
};

/* The records of a row that are wanted. */
static bool write_row(const struct reading *r, struct db_stmt *st, struct change_page *p,
                      struct err *err)
{
    struct str rest = db_col_text(st, 2), line;
    int64_t seq = db_col_int(st, 0);

    for (; seq <= db_col_int(st, 1) && p->seen < r->count; seq++) {
        str_cut(&rest, '\n', &line);
        if (seq <= p->next && p->next > 0)
            continue;
        p->next = seq;
        p->seen++;
        if (r->sieve && r->sieve->leave_out(r->sieve, seq, line))
            continue;
        if (p->count > 0)
            buf_add_char(r->out, ',');
        if (!change_record_write(r->out, seq, line, err))
            return false;
        p->count++;
    }
    return true;
}

bool change_head(struct db *db, int64_t tenant_no, int64_t *out, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, provider_query(PROVIDER_CHANGE_HEAD), DB_ARGS(db_int(tenant_no)), &st,
                       err))
        return false;
    *out = st ? db_col_int(st, 0) : 0;
    return true;
}

/* Some rows; *more is false behind the last, when there are enough and at a gap. */
static bool write_rows(const struct reading *r, struct change_page *p, bool *more, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    int64_t rows = 0;
    bool row;

    *more = false;
    if (!db_select(r->db, provider_query(PROVIDER_CHANGE_PAGE),
                   DB_ARGS(db_int(r->tenant_no), db_int(p->next), db_int(ROWS_AT_ONCE)), &st, err))
        return false;
    for (; p->seen < r->count; rows++) {
        if (!db_step(st, &row, err))
            return false;
        if (!row) {
            *more = rows == ROWS_AT_ONCE;
            return true;
        }
        if ((r->since >= 0 || p->seen > 0) && db_col_int(st, 0) > p->next + 1) {
            p->gone = p->seen == 0;
            p->resume = db_col_int(st, 0) - 1;
            return true;
        }
        if (!write_row(r, st, p, err))
            return false;
    }
    return true;
}

static bool write_all(const struct reading *r, struct change_page *p, struct err *err)
{
    bool more = true;

    while (more) {
        if (!write_rows(r, p, &more, err))
            return false;
    }
    return true;
}

bool change_page_read(struct db *db, int64_t tenant_no, int64_t since, int64_t count,
                      struct change_sieve *sieve, struct buf *out, struct change_page *page,
                      struct err *err)
{
    const struct reading r = {.db = db,
                              .tenant_no = tenant_no,
                              .since = since,
                              .count = count,
                              .sieve = sieve,
                              .out = out};
    struct change_page p = {.next = since < 0 ? 0 : since};

    buf_add_char(out, '[');
    if (!write_all(&r, &p, err))
        return false;
    if (p.seen == 0) {
        if (!change_head(db, tenant_no, &p.head, err))
            return false;
        /* What was committed between the two is there now, or it is not kept. */
        if (p.head != p.next && !p.gone && !write_all(&r, &p, err))
            return false;
    }
    buf_add_char(out, ']');
    if (p.seen == 0 && since < 0) {
        p.next = p.head;
    } else if (p.seen == 0 && !p.gone && p.head != since) {
        p.gone = true;
        p.resume = p.head;
    }
    *page = p;
    return true;
}

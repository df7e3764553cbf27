#include "journal/block.h"

#include "journal/queries.h"

enum query { Q_ADD, Q_OF, Q_PRUNE };

const struct db_query block_queries[] = {
    [Q_ADD] = {"journal_block_add", "INSERT INTO journal_block (job_no, first_no, last_no, detail)"
                                    " VALUES ($1, $2, $3, $4)"},
    [Q_OF] = {"journal_block_of", "SELECT first_no, last_no, detail FROM journal_block"
                                  " WHERE job_no = $1 AND first_no <= $2"
                                  " ORDER BY first_no DESC LIMIT 1"},
    [Q_PRUNE] =
        {"journal_block_prune",
         "DELETE FROM journal_block WHERE job_no = $1 AND first_no <= $2 AND last_no <= $2"},
};
const size_t block_query_count = ARRAY_LEN(block_queries);

enum {
    BLOCK_RECORDS = 64,      /* docs/decisions/0021-journal-blocks.md */
    BLOCK_BYTES = 256 << 10, /* of a block that one more text is added to */
};

void block_forget(struct packer *p)
{
    buf_reset(&p->texts);
    p->texts.overflowed = false;
    p->count = 0;
}

bool block_flush(struct db *db, struct packer *p, struct err *err)
{
    if (p->count == 0)
        return true;
    buf_reset(&p->packed);
    pack_write(p, &p->packed, buf_str(&p->texts));
    if (!db_exec(db, &block_queries[Q_ADD],
                 DB_ARGS(db_int(p->job_no), db_int(p->first_no), db_int(p->first_no + p->count - 1),
                         db_blob(buf_str(&p->packed))),
                 NULL, err))
        return false;
    block_forget(p);
    return true;
}

bool block_add(struct db *db, struct packer *p, int64_t job_no, int64_t no, struct str text,
               struct err *err)
{
    bool follows = p->count == 0 || (p->job_no == job_no && no == p->first_no + p->count);

    if ((!follows || p->count == BLOCK_RECORDS || p->texts.len + text.len > BLOCK_BYTES) &&
        !block_flush(db, p, err))
        return false;
    if (p->count == 0) {
        p->job_no = job_no;
        p->first_no = no;
    }
    buf_add(&p->texts, text);
    buf_add_char(&p->texts, '\n'); /* there is none in JSON as it is written here */
    p->count++;
    return true;
}

static bool unreadable(int64_t no, struct err *err)
{
    return err_set(err, ERR_INTERNAL, "journalUnreadable",
                   "the text of record %lld of the provisioning log is missing", (long long)no);
}

static bool load(struct db *db, struct block_read *b, int64_t job_no, int64_t no, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    block_read_done(b);
    if (!db_select_one(db, &block_queries[Q_OF], DB_ARGS(db_int(job_no), db_int(no)), &st, err))
        return false;
    if (!st)
        return unreadable(no, err);
    b->first_no = db_col_int(st, 0);
    b->last_no = db_col_int(st, 1);
    b->known = true;
    return pack_read(db_col_text(st, 2), PACK_TEXT_MAX, &b->text, err);
}

bool block_read(struct db *db, struct block_read *b, int64_t job_no, int64_t no, struct str *out,
                struct err *err)
{
    struct str rest;

    if ((!b->known || no < b->first_no || no > b->last_no) && !load(db, b, job_no, no, err))
        return false;
    rest = buf_str(&b->text);
    for (int64_t at = b->first_no; at <= b->last_no && str_cut(&rest, '\n', out); at++) {
        if (at == no)
            return true;
    }
    return unreadable(no, err);
}

void block_read_done(struct block_read *b)
{
    if (b->known)
        buf_done(&b->text);
    *b = (struct block_read){0};
}

bool block_prune(struct db *db, int64_t job_no, int64_t last_no, struct err *err)
{
    return db_exec(db, &block_queries[Q_PRUNE], DB_ARGS(db_int(job_no), db_int(last_no)), NULL,
                   err);
}

#include "job/pulse.h"

#include "job/queries.h"

enum query { Q_LOAD, Q_SAVE };

#define PULSE_COLUMNS                                                                 \
    "cycle_id, at_us, phase, phase_done, phase_total, objects_milli, requests_milli," \
    " allowed_milli, allowed_connections, under_way, throttled, pause_until_us"

const struct db_query pulse_queries[] = {
    [Q_LOAD] = {"pulse_load", "SELECT " PULSE_COLUMNS " FROM job_pulse WHERE job_no = $1"},
    [Q_SAVE] = {"pulse_save",
                "INSERT INTO job_pulse (job_no, " PULSE_COLUMNS ")"
                " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
                " ON CONFLICT (job_no) DO UPDATE SET cycle_id = excluded.cycle_id,"
                " at_us = excluded.at_us, phase = excluded.phase,"
                " phase_done = excluded.phase_done, phase_total = excluded.phase_total,"
                " objects_milli = excluded.objects_milli,"
                " requests_milli = excluded.requests_milli,"
                " allowed_milli = excluded.allowed_milli,"
                " allowed_connections = excluded.allowed_connections,"
                " under_way = excluded.under_way, throttled = excluded.throttled,"
                " pause_until_us = excluded.pause_until_us"},
};
const size_t pulse_query_count = ARRAY_LEN(pulse_queries);

static int64_t milli(double rate)
{
    return (int64_t)(rate * 1000);
}

bool job_pulse_save(struct db *db, int64_t job_no, const struct job_pulse *p, struct err *err)
{
    return db_exec(db, &pulse_queries[Q_SAVE],
                   DB_ARGS(db_int(job_no), db_text(p->cycle_id), db_int(p->at_us), db_int(p->phase),
                           db_int(p->phase_done), db_int(p->phase_total),
                           db_int(milli(p->objects_rate)), db_int(milli(p->requests_rate)),
                           db_int(milli(p->allowed_rate)), db_int(p->allowed_connections),
                           db_int(p->under_way), db_int(p->throttled), db_int(p->pause_until_us)),
                   NULL, err);
}

static enum cycle_phase phase_of(int64_t n)
{
    return n >= 0 && n < PHASE_COUNT ? (enum cycle_phase)n : PHASE_DONE;
}

bool job_pulse_load(struct db *db, struct arena *a, int64_t job_no, struct job_pulse *out,
                    bool *out_found, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    *out = (struct job_pulse){0};
    if (!db_select_one(db, &pulse_queries[Q_LOAD], DB_ARGS(db_int(job_no)), &st, err))
        return false;
    *out_found = st != NULL;
    if (!st)
        return true;
    *out = (struct job_pulse){
        .cycle_id = arena_str(a, db_col_text(st, 0)),
        .at_us = db_col_int(st, 1),
        .phase = phase_of(db_col_int(st, 2)),
        .phase_done = db_col_int(st, 3),
        .phase_total = db_col_int(st, 4),
        .objects_rate = (double)db_col_int(st, 5) / 1000,
        .requests_rate = (double)db_col_int(st, 6) / 1000,
        .allowed_rate = (double)db_col_int(st, 7) / 1000,
        .allowed_connections = db_col_int(st, 8),
        .under_way = db_col_int(st, 9),
        .throttled = db_col_int(st, 10),
        .pause_until_us = db_col_int(st, 11),
    };
    return true;
}

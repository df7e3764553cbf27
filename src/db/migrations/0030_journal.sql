-- The provisioning log (engine.md 13). Insert only; one record for each object a run dealt with.
CREATE TABLE journal (
    job_no BIGINT NOT NULL,
    no BIGINT NOT NULL,
    cycle_id TEXT,                -- NULL: on demand
    at_us BIGINT NOT NULL,
    duration_us BIGINT NOT NULL,
    action INTEGER NOT NULL,      -- 0 create, 1 update, 2 delete, 3 disable, 4 stagedDelete, 5 other
    status INTEGER NOT NULL,      -- 0 success, 1 failure, 2 skipped, 3 warning
    code TEXT,                    -- NULL: nothing to say
    message TEXT NOT NULL,
    kind INTEGER NOT NULL,        -- 0 user, 1 group
    source_id TEXT NOT NULL,
    source_name TEXT NOT NULL,
    target_id TEXT NOT NULL,
    target_name TEXT NOT NULL,
    initiated_by TEXT NOT NULL,
    detail TEXT NOT NULL,         -- JSON: steps and modified properties
    PRIMARY KEY (job_no, no)
);
CREATE INDEX journal_source ON journal (job_no, source_id, no);
CREATE INDEX journal_cycle ON journal (job_no, cycle_id, no);
-- What people look for is rare: an ordinary success is in none of these.
CREATE INDEX journal_status ON journal (job_no, status, no) WHERE status <> 0;
CREATE INDEX journal_action ON journal (job_no, action, no) WHERE action > 1;
CREATE INDEX journal_code ON journal (job_no, code, no) WHERE code IS NOT NULL;

-- Who the records are about: one row for each object, so that a search by a part of a name reads
-- people and not records. who_key: names and ids on both sides, casefolded, one a line, older ones
-- after newer ones.
CREATE TABLE journal_subject (
    job_no BIGINT NOT NULL,
    source_id TEXT NOT NULL,
    who_key TEXT NOT NULL,
    PRIMARY KEY (job_no, source_id)
);

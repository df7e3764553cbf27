-- What a job looks at again at a certain time although nothing changes: removals in their grace
-- period, and objects whose verdict turns with time (job/due.h).
CREATE TABLE job_due (
    job_no BIGINT NOT NULL,
    source_id TEXT NOT NULL,
    reason INTEGER NOT NULL,      -- enum due_reason
    kind INTEGER NOT NULL,        -- 0 user, 1 group
    display_name TEXT NOT NULL,
    action TEXT NOT NULL,         -- what is intended, in words; '' where nothing is
    state INTEGER NOT NULL,       -- 0 waiting, 1 cancelled, 2 noted
    since_us BIGINT NOT NULL,
    due_us BIGINT NOT NULL,       -- the largest number: never
    version BIGINT NOT NULL,      -- of the source object
    PRIMARY KEY (job_no, source_id, reason)
);
CREATE INDEX job_due_when ON job_due (job_no, due_us, source_id, reason);

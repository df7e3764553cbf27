-- What a job has done to date, and when nothing was left to do (engine.md 2.1, 14.1). Added to by the transaction that
-- ends a cycle, so that nobody counts the log.
CREATE TABLE job_history (
    job_no BIGINT NOT NULL PRIMARY KEY,
    cycles BIGINT NOT NULL,           -- that came to their end
    created BIGINT NOT NULL,
    matched BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    disabled BIGINT NOT NULL,
    deleted BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    steady_first_us BIGINT NOT NULL,  -- 0: never
    steady_last_us BIGINT NOT NULL
);

-- How fast an application could be asked when it was last asked (engine.md 9.7).
CREATE TABLE job_pace (
    job_no BIGINT NOT NULL PRIMARY KEY,
    rate_milli BIGINT NOT NULL,   -- requests in a thousand seconds; 0: no limit was found
    connections BIGINT NOT NULL,  -- requests at the same time; 0: no limit
    learned_us BIGINT NOT NULL
);

ALTER TABLE job_retry ADD COLUMN class INTEGER NOT NULL DEFAULT 0; -- connector/target.h, enum target_class
-- Whose change makes the entry due at once: the source object that has the value; '?': whoever gives up a value by
-- which accounts are matched; '': nobody.
ALTER TABLE job_retry ADD COLUMN blocked_by TEXT NOT NULL DEFAULT '';
CREATE INDEX job_retry_blocked ON job_retry (job_no, blocked_by) WHERE blocked_by <> '';

-- What a restart clears when the cycle under way has ended (engine.md 11); bits as in engine.h.
CREATE TABLE job_reset (
    job_no BIGINT NOT NULL PRIMARY KEY,
    bits BIGINT NOT NULL,
    stop_now BOOLEAN NOT NULL
);

-- The connections as they were before they were last cleared.
CREATE TABLE job_connection_backup (
    job_no BIGINT NOT NULL,
    source_id TEXT NOT NULL,
    kind INTEGER NOT NULL,
    target_id TEXT NOT NULL,
    display_name TEXT NOT NULL,
    origin INTEGER NOT NULL,
    soft_deleted BOOLEAN NOT NULL,
    exported TEXT NOT NULL,
    created_us BIGINT NOT NULL,
    changed_us BIGINT NOT NULL,
    PRIMARY KEY (job_no, source_id)
);

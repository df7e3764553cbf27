-- Jobs and their state (engine.md 2, 3.6). Every table but job_counter is keyed by the job's number.

-- The last number given to a job: numbers are never used again.
CREATE TABLE job_counter (
    one INTEGER NOT NULL PRIMARY KEY,
    last_no BIGINT NOT NULL
);
INSERT INTO job_counter (one, last_no) VALUES (1, 0);

CREATE TABLE job (
    no BIGINT NOT NULL PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE, -- casefolded
    template_id TEXT NOT NULL,
    base_url TEXT NOT NULL,
    state INTEGER NOT NULL,        -- 0 Disabled, 1 Active, 2 Paused
    scope INTEGER NOT NULL,        -- 0 assigned, 1 all
    interval_us BIGINT NOT NULL,
    notification_mail TEXT NOT NULL,
    schema_version BIGINT NOT NULL,
    created_us BIGINT NOT NULL,
    quarantined BOOLEAN NOT NULL,
    quarantine_reason TEXT NOT NULL,
    quarantine_code TEXT NOT NULL,
    quarantine_message TEXT NOT NULL,
    quarantine_since_us BIGINT NOT NULL,
    next_cycle_us BIGINT NOT NULL,
    watermark TEXT NOT NULL,       -- '': the next cycle is an initial one
    signal BIGINT NOT NULL         -- goes up when a running cycle shall stop at the next object
);

CREATE TABLE job_schema (
    job_no BIGINT NOT NULL,
    version BIGINT NOT NULL,
    document TEXT NOT NULL,
    author TEXT NOT NULL,
    comment TEXT NOT NULL,
    created_us BIGINT NOT NULL,
    PRIMARY KEY (job_no, version)
);

CREATE TABLE job_secret (
    job_no BIGINT NOT NULL,
    name TEXT NOT NULL,
    sealed TEXT NOT NULL,
    PRIMARY KEY (job_no, name)
);

-- Apart from job because every page of a cycle writes it.
CREATE TABLE job_lease (
    job_no BIGINT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    until_us BIGINT NOT NULL,     -- 0: free
    epoch BIGINT NOT NULL,
    next_record BIGINT NOT NULL   -- the number of the next record of the journal
);

CREATE TABLE job_cycle (
    id TEXT NOT NULL PRIMARY KEY,
    job_no BIGINT NOT NULL,
    kind INTEGER NOT NULL,        -- 0 initial, 1 incremental
    state INTEGER NOT NULL,       -- 0 Running, 1 Succeeded, 2 EntryLevelErrors, 3 Failed
    phase INTEGER NOT NULL,
    progress_cursor TEXT NOT NULL,
    feed_start TEXT NOT NULL,
    watermark TEXT NOT NULL,
    schema_version BIGINT NOT NULL,
    total BIGINT NOT NULL,
    began_us BIGINT NOT NULL,
    ended_us BIGINT NOT NULL,
    counters TEXT NOT NULL,       -- JSON
    error_code TEXT NOT NULL,
    error_message TEXT NOT NULL
);
CREATE INDEX job_cycle_began ON job_cycle (job_no, began_us, id);
CREATE UNIQUE INDEX job_cycle_running ON job_cycle (job_no) WHERE state = 0;

CREATE TABLE job_connection (
    job_no BIGINT NOT NULL,
    source_id TEXT NOT NULL,
    kind INTEGER NOT NULL,        -- 0 user, 1 group
    target_id TEXT NOT NULL,
    display_name TEXT NOT NULL,
    origin INTEGER NOT NULL,      -- 0 created, 1 matched, 2 manual
    soft_deleted BOOLEAN NOT NULL,
    exported TEXT NOT NULL,       -- JSON
    created_us BIGINT NOT NULL,
    changed_us BIGINT NOT NULL,
    PRIMARY KEY (job_no, source_id),
    UNIQUE (job_no, target_id)
);
-- Groups are few among many users; users are found by the key.
CREATE INDEX job_connection_group ON job_connection (job_no, source_id) WHERE kind = 1;

-- How many connections a job has, so that nobody counts a million rows.
CREATE TABLE job_connection_count (
    job_no BIGINT NOT NULL,
    kind INTEGER NOT NULL,
    connections BIGINT NOT NULL,
    PRIMARY KEY (job_no, kind)
);

CREATE TABLE job_exported_member (
    job_no BIGINT NOT NULL,
    group_id TEXT NOT NULL,
    member_id TEXT NOT NULL,
    PRIMARY KEY (job_no, group_id, member_id)
);
CREATE INDEX job_exported_member_of ON job_exported_member (job_no, member_id);

CREATE TABLE job_pending_reference (
    job_no BIGINT NOT NULL,
    missing_id TEXT NOT NULL,
    owner_id TEXT NOT NULL,
    attribute TEXT NOT NULL,
    PRIMARY KEY (job_no, missing_id, owner_id, attribute)
);

CREATE TABLE job_retry (
    job_no BIGINT NOT NULL,
    source_id TEXT NOT NULL,
    reference BOOLEAN NOT NULL,
    kind INTEGER NOT NULL,
    first_us BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    next_us BIGINT NOT NULL,
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY (job_no, source_id, reference)
);
CREATE INDEX job_retry_next ON job_retry (job_no, next_us);

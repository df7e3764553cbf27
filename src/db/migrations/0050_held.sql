-- The guard (engine.md 3.1, 8): removals and mass updates as the gate of a cycle planned them, what is held of
-- them, and what an administrator has decided. One row for an object.
CREATE TABLE job_held (
    job_no BIGINT NOT NULL,
    source_id TEXT NOT NULL,
    class INTEGER NOT NULL,       -- 0 removal, 1 update of a matching or sign-in attribute
    state INTEGER NOT NULL,       -- 0 planned, 1 held, 2 released, 3 allowed, 4 rejected, 5 sent
    action INTEGER NOT NULL,      -- 0 disable, 1 delete, 2 update
    kind INTEGER NOT NULL,        -- 0 user, 1 group
    name TEXT NOT NULL,
    target_id TEXT NOT NULL,
    code TEXT NOT NULL,           -- of the scope verdict
    reason TEXT NOT NULL,
    version BIGINT NOT NULL,      -- of the source object
    cycle_id TEXT NOT NULL,       -- the last one whose gate saw it
    tried_cycle TEXT NOT NULL,    -- the last one that sent it; '': none
    planned_us BIGINT NOT NULL,
    PRIMARY KEY (job_no, source_id)
);
CREATE INDEX job_held_state ON job_held (job_no, state, class, source_id);

-- How many rows of the set that is held now have been decided: they still count until all are.
CREATE TABLE job_held_decided (
    job_no BIGINT NOT NULL,
    class INTEGER NOT NULL,
    decided BIGINT NOT NULL,
    PRIMARY KEY (job_no, class)
);

-- What was sent without an approval, for the rolling window.
CREATE TABLE job_held_sent (
    job_no BIGINT NOT NULL,
    class INTEGER NOT NULL,
    at_us BIGINT NOT NULL,
    sent BIGINT NOT NULL,
    PRIMARY KEY (job_no, class, at_us)
);

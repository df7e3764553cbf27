-- Saved plans and undo (engine.md 23).

-- Which database this is, so that a plan made from another one is refused. One row, made when it is first asked for.
CREATE TABLE database_identity (
    one INTEGER NOT NULL PRIMARY KEY,
    id TEXT NOT NULL
);

-- Objects whose account an applied undo has put back: no cycle sends the configuration's values again until the
-- configuration has another version, or somebody releases them.
CREATE TABLE job_undone (
    job_no BIGINT NOT NULL,
    source_id TEXT NOT NULL,
    kind INTEGER NOT NULL,         -- 0 user, 1 group
    name TEXT NOT NULL,
    cycle_id TEXT NOT NULL,        -- the run that applied the undo
    schema_version BIGINT NOT NULL,
    had_left BOOLEAN NOT NULL,     -- disabled or in the recycle bin at the source already
    at_us BIGINT NOT NULL,
    PRIMARY KEY (job_no, source_id)
);

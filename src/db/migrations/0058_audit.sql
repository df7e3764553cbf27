-- The audit log: every change of configuration (engine.md 13.5). Insert only, never pruned, and not a job's: it outlives
-- the application that a record is about. previous is the SHA-256 of the record before, '' in the first.
CREATE TABLE audit (
    no BIGINT NOT NULL PRIMARY KEY,
    at_us BIGINT NOT NULL,
    author TEXT NOT NULL,
    activity TEXT NOT NULL,
    app_id TEXT NOT NULL,         -- '': no application's
    app_name TEXT NOT NULL,       -- as it was called then
    subject TEXT NOT NULL,        -- what was changed
    before_doc TEXT NOT NULL,     -- JSON; '': there was nothing
    after_doc TEXT NOT NULL,      -- JSON; '': there is nothing any more
    previous TEXT NOT NULL
);
CREATE INDEX audit_app ON audit (app_id, no);

-- Number and SHA-256 of the last record, sealed with the key of secrets, so that records cut off at the end are missed.
-- Its row is what writers queue at.
CREATE TABLE audit_head (
    one INTEGER NOT NULL PRIMARY KEY,
    sealed TEXT NOT NULL          -- '': there is no record yet
);
INSERT INTO audit_head (one, sealed) VALUES (1, '');

-- Up to where the provisioning log of a job was sent on (engine.md 13.3), for jobs whose log is.
CREATE TABLE job_stream (
    job_no BIGINT NOT NULL PRIMARY KEY,
    sent_no BIGINT NOT NULL,           -- records up to this number were taken
    failures BIGINT NOT NULL,          -- in a row
    next_us BIGINT NOT NULL,           -- not looked at before; whoever sends puts it ahead
    error TEXT NOT NULL                -- of the last attempt; empty: it went well
);
CREATE INDEX job_stream_next ON job_stream (next_us);

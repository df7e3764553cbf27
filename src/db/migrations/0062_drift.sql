-- The newest reading of a job's target (engine.md 17) and what it has found.
CREATE TABLE job_drift (
    job_no BIGINT PRIMARY KEY,
    began_us BIGINT NOT NULL,
    ended_us BIGINT NOT NULL,
    complete BOOLEAN NOT NULL,
    why TEXT NOT NULL,
    accounts BIGINT NOT NULL
);
-- finding: 0 an attribute was changed, 1 the account is missing, 2 it belongs to nobody, 3 a membership differs.
-- attribute: of findings 0 and 3. exported, found: JSON, '' for no value. answer: 0 reported, 1 repaired, 2 accepted.
CREATE TABLE job_drift_row (
    job_no BIGINT NOT NULL,
    no BIGINT NOT NULL,
    finding INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    source_id TEXT NOT NULL,
    target_id TEXT NOT NULL,
    name TEXT NOT NULL,
    attribute TEXT NOT NULL,
    exported TEXT NOT NULL,
    found TEXT NOT NULL,
    answer INTEGER NOT NULL,
    PRIMARY KEY (job_no, no)
);
CREATE INDEX job_drift_row_answer ON job_drift_row (job_no, answer, source_id);

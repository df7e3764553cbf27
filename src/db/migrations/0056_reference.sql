-- What the second pass of a job looks at although nothing of its owner changed (engine.md 7).
-- owner_id: a person (manager) or a group (members). named_id: the object that is named, '' for all of them.
-- target_id: an account of the named object that is gone and leaves the group, or ''.
-- forced: a membership is sent even if it was exported already. parked: waits for the owner's place in the retry queue.
CREATE TABLE job_owed_reference (
    job_no BIGINT NOT NULL,
    owner_id TEXT NOT NULL,
    named_id TEXT NOT NULL,
    target_id TEXT NOT NULL,
    forced BOOLEAN NOT NULL,
    parked BOOLEAN NOT NULL,
    PRIMARY KEY (job_no, owner_id, named_id)
);
CREATE INDEX job_owed_reference_due ON job_owed_reference (job_no, parked, owner_id, named_id);
CREATE INDEX job_owed_reference_named ON job_owed_reference (job_no, named_id);

-- Whom an account names, members apart, as last exported: found by who is named.
CREATE TABLE job_exported_reference (
    job_no BIGINT NOT NULL,
    owner_id TEXT NOT NULL,
    attribute TEXT NOT NULL,
    named_id TEXT NOT NULL,
    PRIMARY KEY (job_no, owner_id, attribute, named_id)
);
CREATE INDEX job_exported_reference_named ON job_exported_reference (job_no, named_id);

CREATE INDEX job_pending_reference_owner ON job_pending_reference (job_no, owner_id, attribute);
CREATE TABLE job_pending_count (
    job_no BIGINT PRIMARY KEY,
    pending BIGINT NOT NULL
);
INSERT INTO job_pending_count (job_no, pending)
SELECT job_no, count(*) FROM job_pending_reference GROUP BY job_no;

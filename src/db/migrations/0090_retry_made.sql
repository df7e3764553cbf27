-- Matching values that a creation was sent with whose answer was lost, as JSON; '' when none is in doubt.
ALTER TABLE job_retry ADD COLUMN made TEXT NOT NULL DEFAULT '';
CREATE INDEX job_retry_made ON job_retry (job_no) WHERE made <> '';

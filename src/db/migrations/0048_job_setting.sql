-- What an administrator has set of a job's settings (job/settings.h); what is not here is at its default.
CREATE TABLE job_setting (
    job_no BIGINT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (job_no, name)
);

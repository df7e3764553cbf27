-- What an application has said of itself when it was last asked, in the connector's own form (scim.md 10.1).
CREATE TABLE job_target (
    job_no BIGINT NOT NULL PRIMARY KEY,
    base_url TEXT NOT NULL,   -- that was asked
    said TEXT NOT NULL,
    asked_us BIGINT NOT NULL
);

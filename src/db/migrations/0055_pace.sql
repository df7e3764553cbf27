-- How fast an application could be asked when it was last asked (engine.md 9.7).
CREATE TABLE job_pace (
    job_no BIGINT NOT NULL PRIMARY KEY,
    rate_milli BIGINT NOT NULL,   -- requests in a thousand seconds; 0: no limit was found
    connections BIGINT NOT NULL,  -- requests at the same time; 0: no limit
    learned_us BIGINT NOT NULL
);

-- What a running cycle says of itself now and then, for whoever looks from another process (engine.md 14.1).
CREATE TABLE job_pulse (
    job_no BIGINT NOT NULL PRIMARY KEY,
    cycle_id TEXT NOT NULL,
    at_us BIGINT NOT NULL,
    phase INTEGER NOT NULL,            -- job/cycle.h, enum cycle_phase
    phase_done BIGINT NOT NULL,        -- objects
    phase_total BIGINT NOT NULL,       -- 0: not known
    objects_milli BIGINT NOT NULL,     -- in a thousand seconds
    requests_milli BIGINT NOT NULL,
    allowed_milli BIGINT NOT NULL,     -- requests in a thousand seconds; 0: no limit
    allowed_connections BIGINT NOT NULL, -- 0: no limit
    under_way BIGINT NOT NULL,         -- requests
    throttled BIGINT NOT NULL,         -- answers that said so, in this run
    pause_until_us BIGINT NOT NULL     -- 0: none
);
-- Failures are shown by code.
CREATE INDEX job_retry_code ON job_retry (job_no, code, next_us);

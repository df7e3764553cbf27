-- What the guard was judged by when it began to hold (engine.md 8): time passing and accounts being added do not let
-- a held set go.
CREATE TABLE job_held_series (
    job_no BIGINT NOT NULL,
    class INTEGER NOT NULL,       -- as in job_held
    sent BIGINT NOT NULL,         -- without an approval in guard.window
    connected BIGINT NOT NULL,    -- accounts
    PRIMARY KEY (job_no, class)
);

-- What else is kept of a job in quarantine (engine.md 9.4); quarantine_since_us is when the series began.
ALTER TABLE job ADD COLUMN quarantine_current_us BIGINT NOT NULL DEFAULT 0; -- last imposed
ALTER TABLE job ADD COLUMN quarantine_count BIGINT NOT NULL DEFAULT 0;      -- re-evaluations that left it in force
-- Thresholds were crossed in the initial cycle, which went on all the same (engine.md 9.6).
ALTER TABLE job ADD COLUMN escrows_pruned BOOLEAN NOT NULL DEFAULT FALSE;

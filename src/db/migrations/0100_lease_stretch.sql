-- What a run that was cut short may have created without a record of it. A run notes where the source stood when it took the lease;
-- whoever takes a lease that was not given back keeps that place of the one before.
ALTER TABLE job_lease ADD COLUMN stretch_from TEXT NOT NULL DEFAULT '';      -- position of the source; '': nothing is created
ALTER TABLE job_lease ADD COLUMN stretch_us BIGINT NOT NULL DEFAULT 0;       -- when that was
ALTER TABLE job_lease ADD COLUMN doubt_from TEXT NOT NULL DEFAULT '';        -- the same of the earliest that was cut short; '': none
ALTER TABLE job_lease ADD COLUMN doubt_us BIGINT NOT NULL DEFAULT 0;

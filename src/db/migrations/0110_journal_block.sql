-- The texts of records that were written together, packed together: they have nearly all of it in common. A record whose own
-- detail is empty has its text in the block of its number; older ones have theirs beside them.
CREATE TABLE journal_block (
    job_no BIGINT NOT NULL,
    first_no BIGINT NOT NULL,
    last_no BIGINT NOT NULL,
    detail BYTEA NOT NULL,        -- one text a line
    PRIMARY KEY (job_no, first_no)
);

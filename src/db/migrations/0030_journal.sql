-- The provisioning log (engine.md 13). Insert only; one record for each object a run dealt with. What is searched has a
-- column, all else is packed (src/journal/pack.h), since there are millions. The indexes hold all that a search sifts by.
CREATE TABLE journal (
    job_no BIGINT NOT NULL,
    no BIGINT NOT NULL,
    at_us BIGINT NOT NULL,
    facet INTEGER NOT NULL,       -- action, status, kind and code as one number (src/journal/facet.h)
    subject BIGINT NOT NULL,      -- journal_subject.no; 0: about nobody
    detail BYTEA NOT NULL,
    PRIMARY KEY (job_no, no)
);
CREATE INDEX journal_of_subject ON journal (job_no, subject, no, facet);
CREATE INDEX journal_of_facet ON journal (job_no, facet, no, subject);

-- Which records are of which cycle: those from first_no on, up to the next row's. '': on demand.
CREATE TABLE journal_segment (
    job_no BIGINT NOT NULL,
    first_no BIGINT NOT NULL,
    cycle_id TEXT NOT NULL,
    PRIMARY KEY (job_no, first_no)
);
CREATE INDEX journal_segment_cycle ON journal_segment (job_no, cycle_id, first_no);

-- Who the records are about: one row for each object, numbered without gaps within the job.
CREATE TABLE journal_subject (
    job_no BIGINT NOT NULL,
    no BIGINT NOT NULL,
    source_key TEXT NOT NULL,     -- id in the source, casefolded
    target_key TEXT NOT NULL,     -- the newest id in the target, casefolded; or ''
    names TEXT NOT NULL,          -- casefolded, one a line, older ones after newer ones
    PRIMARY KEY (job_no, no)
);
CREATE UNIQUE INDEX journal_subject_source ON journal_subject (job_no, source_key);
CREATE INDEX journal_subject_target ON journal_subject (job_no, target_key);

-- Ids in the target that an object had before.
CREATE TABLE journal_former_target (
    job_no BIGINT NOT NULL,
    target_key TEXT NOT NULL,
    subject BIGINT NOT NULL,
    PRIMARY KEY (job_no, target_key, subject)
);

-- The names of 1,024 subjects in one row, so that a search by a part of a name reads few and long rows. A block that is
-- not here is read from journal_subject.
CREATE TABLE journal_names (
    job_no BIGINT NOT NULL,
    block BIGINT NOT NULL,        -- of the subjects from block * 1024 on
    names TEXT NOT NULL,          -- those of each subject, then a line with a dot
    PRIMARY KEY (job_no, block)
);

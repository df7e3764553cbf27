-- Many narrow rows: in SQLite their key is the table, not an index beside one.
CREATE TABLE journal_narrow (
    job_no BIGINT NOT NULL,
    no BIGINT NOT NULL,
    at_us BIGINT NOT NULL,
    facet INTEGER NOT NULL,       -- action, status, kind and code as one number (src/journal/facet.h)
    subject BIGINT NOT NULL,      -- journal_subject.no; 0: about nobody
    detail BYTEA NOT NULL,        -- empty: in journal_block
    PRIMARY KEY (job_no, no)
) /*without-rowid*/;
INSERT INTO journal_narrow (job_no, no, at_us, facet, subject, detail)
    SELECT job_no, no, at_us, facet, subject, detail FROM journal ORDER BY job_no, no;
DROP TABLE journal;
ALTER TABLE journal_narrow RENAME TO journal;
CREATE INDEX journal_of_subject ON journal (job_no, subject, no, facet);
CREATE INDEX journal_of_facet ON journal (job_no, facet, no, subject);

CREATE TABLE journal_subject_narrow (
    job_no BIGINT NOT NULL,
    no BIGINT NOT NULL,
    source_key TEXT NOT NULL,     -- id in the source, casefolded
    target_key TEXT NOT NULL,     -- the newest id in the target, casefolded; or ''
    names TEXT NOT NULL,          -- casefolded, one a line, older ones after newer ones
    PRIMARY KEY (job_no, no)
) /*without-rowid*/;
INSERT INTO journal_subject_narrow (job_no, no, source_key, target_key, names)
    SELECT job_no, no, source_key, target_key, names FROM journal_subject ORDER BY job_no, no;
DROP TABLE journal_subject;
ALTER TABLE journal_subject_narrow RENAME TO journal_subject;
CREATE UNIQUE INDEX journal_subject_source ON journal_subject (job_no, source_key);
CREATE INDEX journal_subject_target ON journal_subject (job_no, target_key);

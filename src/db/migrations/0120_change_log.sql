-- The change feed once more, with one row for all changes of a tenant that were committed together.

-- A record is a line of fields between tabs: at_us, type (1 user, 2 group), action (create, update, delete), version, names
-- of what changed (comma-separated), id as a JSON text. The first line has first_seq, the last one last_seq; there are no
-- gaps, but where recording was switched off for a while.
CREATE TABLE provider_change_log (
    tenant_no BIGINT NOT NULL,
    last_seq BIGINT NOT NULL,
    first_seq BIGINT NOT NULL,
    at_us BIGINT NOT NULL, -- of the last record
    records TEXT NOT NULL,
    PRIMARY KEY (tenant_no, last_seq)
);

INSERT INTO provider_change_log (tenant_no, last_seq, first_seq, at_us, records)
SELECT tenant_no, seq, seq, at_us,
       CAST(at_us AS TEXT) || '	' || CAST(type AS TEXT) || '	' || action || '	' || CAST(version AS TEXT) || '	'
       || attributes || '	"' || replace(replace(id, '\', '\\'), '"', '\"') || '"
'
  FROM provider_change;

DROP TABLE provider_change;

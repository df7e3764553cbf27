-- Rows that are nothing but their key: in SQLite the key is the table, not an index beside one, which is one tree less to write.

CREATE TABLE provider_email_narrow (
    tenant_no BIGINT NOT NULL,
    value_key TEXT NOT NULL, -- folded
    user_id TEXT NOT NULL,
    PRIMARY KEY (tenant_no, value_key, user_id)
) /*without-rowid*/;
INSERT INTO provider_email_narrow (tenant_no, value_key, user_id)
    SELECT tenant_no, value_key, user_id FROM provider_email ORDER BY tenant_no, value_key, user_id;
DROP TABLE provider_email;
ALTER TABLE provider_email_narrow RENAME TO provider_email;

CREATE TABLE provider_member_narrow (
    tenant_no BIGINT NOT NULL,
    group_id TEXT NOT NULL,
    member_id TEXT NOT NULL,
    PRIMARY KEY (tenant_no, group_id, member_id)
) /*without-rowid*/;
INSERT INTO provider_member_narrow (tenant_no, group_id, member_id)
    SELECT tenant_no, group_id, member_id FROM provider_member ORDER BY tenant_no, group_id, member_id;
DROP TABLE provider_member;
ALTER TABLE provider_member_narrow RENAME TO provider_member;
CREATE INDEX provider_member_member ON provider_member (tenant_no, member_id);

-- One row that each creation and removal writes.
CREATE TABLE provider_count_narrow (
    tenant_no BIGINT NOT NULL,
    type INTEGER NOT NULL, -- 1 users, 2 groups, 3 users that are not active, 4 users that say neither
    resources BIGINT NOT NULL,
    PRIMARY KEY (tenant_no, type)
) /*without-rowid*/;
INSERT INTO provider_count_narrow (tenant_no, type, resources)
    SELECT tenant_no, type, resources FROM provider_count ORDER BY tenant_no, type;
DROP TABLE provider_count;
ALTER TABLE provider_count_narrow RENAME TO provider_count;

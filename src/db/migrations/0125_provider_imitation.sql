-- What a tenant needs to remember to imitate an application (apps.md 5).

-- Of users: that they have not accepted yet, that they are busy.
CREATE TABLE provider_mark (
    tenant_no BIGINT NOT NULL,
    user_id TEXT NOT NULL,
    mark INTEGER NOT NULL, -- 1 pending, 2 busy
    until_us BIGINT, -- NULL: until it is taken away
    PRIMARY KEY (tenant_no, user_id, mark)
);

-- Values that are unique over tenants (globalUnique).
CREATE TABLE provider_global (
    name TEXT NOT NULL, -- of the attribute, in lower case
    value_key TEXT NOT NULL, -- casefolded
    tenant_no BIGINT NOT NULL,
    user_id TEXT NOT NULL,
    PRIMARY KEY (name, value_key)
);
CREATE INDEX provider_global_user ON provider_global (tenant_no, user_id);

ALTER TABLE provider_key ADD COLUMN owner_id TEXT; -- the user who made it, NULL: nobody

-- Type 3 of provider_count: users that are not active. Documents are written by the program, without
-- blanks and with their own spelling.
INSERT INTO provider_count (tenant_no, type, resources)
    SELECT tenant_no, 3, count(*) FROM provider_resource
     WHERE type = 1 AND doc LIKE '%"active":false%' GROUP BY tenant_no;

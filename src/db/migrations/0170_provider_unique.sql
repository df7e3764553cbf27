-- Values of attributes that a tenant's schema says are unique (uniqueness: server), besides userName of users and displayName
-- of groups, which are in provider_resource.
CREATE TABLE provider_unique (
    tenant_no BIGINT NOT NULL,
    type INTEGER NOT NULL,   -- 1 user, 2 group
    name TEXT NOT NULL,      -- of the attribute, with the URI of an extension
    value_key TEXT NOT NULL, -- folded unless caseExact; of a long one its hash
    resource_id TEXT NOT NULL,
    PRIMARY KEY (tenant_no, type, name, value_key)
);
CREATE INDEX provider_unique_resource ON provider_unique (tenant_no, resource_id);

-- Names of groups are looked up in display_key, too: they need not be unique (groups.uniqueDisplayName).
UPDATE provider_resource SET display_key = unique_key WHERE type = 2;

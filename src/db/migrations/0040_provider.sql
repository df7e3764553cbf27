-- The service provider: tenants, their keys, and what clients stored there (scim.md).

CREATE TABLE provider_tenant (
    no BIGINT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL, -- a profile: joynfsm, generic, ...
    created_us BIGINT NOT NULL
);

-- A key is shown once; what is kept finds it (id, a part of the key) and proves it (hash).
CREATE TABLE provider_key (
    id TEXT PRIMARY KEY,
    tenant_no BIGINT NOT NULL,
    hash TEXT NOT NULL, -- SHA-256 of the whole key, hexadecimal
    description TEXT NOT NULL,
    created_us BIGINT NOT NULL,
    used_us BIGINT -- NULL: never; recorded about once a minute
);
CREATE INDEX provider_key_tenant ON provider_key (tenant_no);

-- Users and groups. doc is the JSON that is sent, without computed attributes and meta.
CREATE TABLE provider_resource (
    tenant_no BIGINT NOT NULL,
    id TEXT NOT NULL,
    type INTEGER NOT NULL, -- 1 user, 2 group
    unique_key TEXT NOT NULL, -- folded userName (users), displayName (groups)
    display_key TEXT, -- folded displayName of a user; NULL if it has none
    display_name TEXT, -- as sent, for members, groups and managers; NULL if it has none
    external_id TEXT, -- NULL if it has none
    manager TEXT, -- id of the manager as sent; NULL if it has none
    member_count BIGINT NOT NULL, -- of a group
    doc TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_us BIGINT NOT NULL, -- different for each resource written by one process: the order of lists
    modified_us BIGINT NOT NULL,
    PRIMARY KEY (tenant_no, id)
);
CREATE UNIQUE INDEX provider_resource_unique ON provider_resource (tenant_no, type, unique_key);
CREATE INDEX provider_resource_order ON provider_resource (tenant_no, type, created_us, id);
CREATE INDEX provider_resource_external ON provider_resource (tenant_no, external_id)
    WHERE external_id IS NOT NULL;
CREATE INDEX provider_resource_display ON provider_resource (tenant_no, display_key)
    WHERE display_key IS NOT NULL;

-- The distinct folded values of emails, for looking users up by them. What a user has there is known from doc.
CREATE TABLE provider_email (
    tenant_no BIGINT NOT NULL,
    value_key TEXT NOT NULL,
    user_id TEXT NOT NULL,
    PRIMARY KEY (tenant_no, value_key, user_id)
);

CREATE TABLE provider_member (
    tenant_no BIGINT NOT NULL,
    group_id TEXT NOT NULL,
    member_id TEXT NOT NULL,
    PRIMARY KEY (tenant_no, group_id, member_id)
);
CREATE INDEX provider_member_member ON provider_member (tenant_no, member_id);

-- What a tenant is told by its administrator, and accounts that keys can belong to (apps.md 3.2).

ALTER TABLE provider_tenant ADD COLUMN settings TEXT NOT NULL DEFAULT '{}'; -- JSON: what differs from the kind
ALTER TABLE provider_tenant ADD COLUMN template TEXT; -- given as a file, NULL: that of the kind
ALTER TABLE provider_tenant ADD COLUMN revision BIGINT NOT NULL DEFAULT 1; -- of settings and template

ALTER TABLE provider_key ADD COLUMN user_id TEXT; -- the automation user, NULL: the tenant itself

-- Automation users are users of the tenant that keys can be bound to.
CREATE TABLE provider_automation_user (
    tenant_no BIGINT NOT NULL,
    user_id TEXT NOT NULL,
    created_us BIGINT NOT NULL,
    activated_us BIGINT, -- the first sign-in, NULL: not yet
    PRIMARY KEY (tenant_no, user_id)
);

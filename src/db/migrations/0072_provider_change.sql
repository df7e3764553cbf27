-- The change feed of a tenant, for the application behind it (scim.md 14).

-- seq has no gaps: it is taken in the transaction of the write, which holds the head until it ends.
CREATE TABLE provider_change (
    tenant_no BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    at_us BIGINT NOT NULL,
    type INTEGER NOT NULL, -- 1 user, 2 group
    id TEXT NOT NULL,
    action TEXT NOT NULL,     -- create, update, delete
    attributes TEXT NOT NULL, -- names of what changed, comma-separated
    version BIGINT NOT NULL,
    PRIMARY KEY (tenant_no, seq)
);

CREATE TABLE provider_change_head (
    tenant_no BIGINT PRIMARY KEY,
    seq BIGINT NOT NULL -- of the last change
);

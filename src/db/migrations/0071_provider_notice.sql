-- Failed writes of a tenant, for the administrators of the application (apps.md 3.2).

CREATE TABLE provider_notice (
    tenant_no BIGINT NOT NULL,
    at_us BIGINT NOT NULL,
    id TEXT NOT NULL,
    method TEXT NOT NULL,
    target TEXT NOT NULL,    -- userName or displayName, else the id, else empty
    attribute TEXT NOT NULL, -- empty: none in particular
    reason TEXT NOT NULL,
    status INTEGER NOT NULL, -- of HTTP
    more BIGINT NOT NULL,    -- failures before it that came too fast to be recorded
    event_id TEXT NOT NULL,  -- of the notice by mail that tells it, empty: nobody is told
    PRIMARY KEY (tenant_no, at_us, id)
);
CREATE INDEX provider_notice_event ON provider_notice (tenant_no, event_id, at_us);

-- The webhook of a tenant: where its changes and its failed writes are told (scim.md 14).

CREATE TABLE provider_webhook (
    tenant_no BIGINT PRIMARY KEY,
    url TEXT NOT NULL,
    secret TEXT NOT NULL,       -- sealed, signs what is sent
    events INTEGER NOT NULL,    -- 1 changes, 2 failed writes, 3 both
    paused BOOLEAN NOT NULL,
    position BIGINT NOT NULL,   -- number of the last change that was taken
    batch BIGINT NOT NULL,      -- changes that the next attempt tells at most
    attempts BIGINT NOT NULL,   -- that failed, one after the other
    next_us BIGINT NOT NULL,    -- not before
    claim TEXT NOT NULL,        -- of the process that sends, empty: none
    claim_until_us BIGINT NOT NULL,
    delivered_us BIGINT NOT NULL, -- the last time something was taken, 0: never
    failed_us BIGINT NOT NULL,    -- the last attempt that failed, 0: never
    error TEXT NOT NULL,          -- of that, empty when one has succeeded since
    lost BIGINT NOT NULL          -- changes that were forgotten before they were taken
);

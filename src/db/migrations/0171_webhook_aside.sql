-- Changes that the receiver of a webhook refuses again and again are set aside, with all that come after them for the same
-- user or group, so that the others go on.

ALTER TABLE provider_webhook ADD COLUMN alone BIGINT NOT NULL DEFAULT 0;     -- attempts with one change alone that were refused
ALTER TABLE provider_webhook ADD COLUMN aside_row BIGINT NOT NULL DEFAULT 0; -- set aside since something was taken

CREATE TABLE provider_aside (
    tenant_no BIGINT NOT NULL,
    resource_id TEXT NOT NULL,
    since_us BIGINT NOT NULL,
    attempts BIGINT NOT NULL, -- since it was set aside, 0: the one before was taken
    next_us BIGINT NOT NULL,
    error TEXT NOT NULL, -- of the last attempt
    PRIMARY KEY (tenant_no, resource_id)
);
CREATE INDEX provider_aside_due ON provider_aside (tenant_no, next_us);

CREATE TABLE provider_aside_change (
    tenant_no BIGINT NOT NULL,
    resource_id TEXT NOT NULL,
    seq BIGINT NOT NULL,
    record TEXT NOT NULL, -- a line of provider_change_log
    PRIMARY KEY (tenant_no, resource_id, seq)
);

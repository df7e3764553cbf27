-- Lists by the time of the last change: what changed since, and sortBy meta.lastModified.
CREATE INDEX provider_resource_modified ON provider_resource (tenant_no, type, modified_us, id);

-- How many resources there are, so that no list has to count them; kept by each creation and removal.
CREATE TABLE provider_count (
    tenant_no BIGINT NOT NULL,
    type INTEGER NOT NULL, -- as in provider_resource
    resources BIGINT NOT NULL,
    PRIMARY KEY (tenant_no, type)
);
INSERT INTO provider_count (tenant_no, type, resources)
    SELECT tenant_no, type, count(*) FROM provider_resource GROUP BY tenant_no, type;

-- Users by whether they are active: `active eq false` and `active eq true` are lists of their own, with kept totals.

ALTER TABLE provider_resource ADD COLUMN active BOOLEAN; -- of a user; NULL: it says neither
UPDATE provider_resource SET active = doc LIKE '%"active":true%'
    WHERE type = 1 AND (doc LIKE '%"active":true%' OR doc LIKE '%"active":false%');
CREATE INDEX provider_resource_active ON provider_resource (tenant_no, active, created_us, id) WHERE type = 1;

-- Type 4 of provider_count: users that say neither. Type 3 are those that are not active.
INSERT INTO provider_count (tenant_no, type, resources)
    SELECT tenant_no, 4, count(*) FROM provider_resource
     WHERE type = 1 AND active IS NULL GROUP BY tenant_no;

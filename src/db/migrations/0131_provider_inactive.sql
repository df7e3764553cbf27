-- Creations, nearly all of active users, need not pay for an index of their own: the order of lists says who is active,
-- and only those who are not have another. It is the last to be made, which SQLite takes of two that fit alike.

DROP INDEX provider_resource_active;
DROP INDEX provider_resource_order;
CREATE INDEX provider_resource_order ON provider_resource (tenant_no, type, created_us, id, active);
CREATE INDEX provider_resource_inactive ON provider_resource (tenant_no, type, created_us, id, active)
    WHERE type = 1 AND NOT active;

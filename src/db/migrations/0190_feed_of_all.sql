-- Changes are recorded unless a tenant is told not to. What was written before is a gap: who asks from the beginning is told to read all.

INSERT INTO provider_change_head (tenant_no, seq)
    SELECT no, 1 FROM provider_tenant WHERE settings NOT LIKE '%"changeFeed":true%'
    ON CONFLICT (tenant_no) DO UPDATE SET seq = provider_change_head.seq + 1;

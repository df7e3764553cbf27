-- Groups that are direct members of groups: few among the memberships, so that what lies below a
-- group is found without looking at its people.
CREATE TABLE directory_nested_group (
    group_id TEXT NOT NULL,
    member_id TEXT NOT NULL,
    PRIMARY KEY (group_id, member_id)
);
CREATE INDEX directory_nested_group_member ON directory_nested_group (member_id, group_id);
INSERT INTO directory_nested_group (group_id, member_id)
SELECT m.group_id, m.member_id FROM directory_membership m
 WHERE EXISTS (SELECT 1 FROM directory_object o WHERE o.id = m.member_id AND o.kind = 1);

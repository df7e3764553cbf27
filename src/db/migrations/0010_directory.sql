-- People and groups. doc is a JSON object of all attributes by their first spelling, manager and
-- objectId included; what is searched has a column. The unique keys hold among those who are not
-- deleted, so that a name in the recycle bin can be given away again.
CREATE TABLE directory_object (
    id TEXT NOT NULL PRIMARY KEY,
    kind INTEGER NOT NULL,          -- 0 user, 1 group
    name_key TEXT NOT NULL,         -- displayName, casefolded
    upn_key TEXT,                   -- userPrincipalName, casefolded; NULL for a group
    mail_key TEXT,                  -- mail, casefolded; NULL when it says the same as upn_key
    employee_id TEXT,               -- NULL when there is none
    manager_id TEXT,                -- NULL when there is none
    deleted_us BIGINT,              -- when it went to the recycle bin; NULL: it is not there
    version BIGINT NOT NULL,        -- position in the feed of its latest own change
    doc TEXT NOT NULL
);
CREATE UNIQUE INDEX directory_object_upn ON directory_object (upn_key) WHERE deleted_us IS NULL;
CREATE INDEX directory_object_name ON directory_object (name_key);
CREATE INDEX directory_object_mail ON directory_object (mail_key) WHERE mail_key IS NOT NULL;
CREATE INDEX directory_object_employee ON directory_object (employee_id)
    WHERE employee_id IS NOT NULL;
CREATE INDEX directory_object_manager ON directory_object (manager_id, id)
    WHERE manager_id IS NOT NULL;
CREATE INDEX directory_object_group ON directory_object (id) WHERE kind = 1;
CREATE INDEX directory_object_deleted ON directory_object (kind, id) WHERE deleted_us IS NOT NULL;
CREATE INDEX directory_object_upn_deleted ON directory_object (upn_key)
    WHERE deleted_us IS NOT NULL;

-- Ids that were hard-deleted: a cycle that comes later still learns what they were.
CREATE TABLE directory_tombstone (
    id TEXT NOT NULL PRIMARY KEY,
    kind INTEGER NOT NULL,
    removed_us BIGINT NOT NULL
);

CREATE TABLE directory_membership (
    group_id TEXT NOT NULL,
    member_id TEXT NOT NULL,
    PRIMARY KEY (group_id, member_id)
);
CREATE INDEX directory_membership_member ON directory_membership (member_id, group_id);

-- Groups in the recycle bin: while there they give their members nothing.
CREATE TABLE directory_hidden_group (
    id TEXT NOT NULL PRIMARY KEY
);

-- Who may use which application, in which role.
CREATE TABLE directory_assignment (
    app_id TEXT NOT NULL,
    principal_id TEXT NOT NULL,
    role_id TEXT NOT NULL,
    role_value TEXT NOT NULL,
    role_name TEXT NOT NULL,
    kind INTEGER NOT NULL,          -- of the principal
    created_us BIGINT NOT NULL,
    PRIMARY KEY (app_id, principal_id, role_id)
);
CREATE INDEX directory_assignment_principal ON directory_assignment (principal_id, app_id);

-- The change feed. A writer takes its positions from the one row of directory_feed inside its
-- transaction, which keeps that row locked until the commit: the order of seq is the order of
-- commit, and nothing can appear behind a watermark. Numbers may be left out.
CREATE TABLE directory_change (
    seq BIGINT NOT NULL PRIMARY KEY,
    at_us BIGINT NOT NULL,
    kind INTEGER NOT NULL,          -- enum directory_change_kind
    object_id TEXT NOT NULL,
    related_id TEXT,                -- the member of a membership; else NULL
    app_id TEXT                     -- of an assignment; else NULL
);
CREATE TABLE directory_feed (
    one INTEGER NOT NULL PRIMARY KEY,
    last BIGINT NOT NULL,
    live_users BIGINT NOT NULL,          -- not deleted
    live_groups BIGINT NOT NULL,
    deleted_users BIGINT NOT NULL,
    deleted_groups BIGINT NOT NULL
);
INSERT INTO directory_feed (one, last, live_users, live_groups, deleted_users, deleted_groups)
VALUES (1, 0, 0, 0, 0, 0);

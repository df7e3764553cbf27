-- Notices (engine.md 9.8): what happened to a job, and the messages that tell it.

-- An event is kept once for what caused it: id names the cause, and is given by who tells it.
CREATE TABLE notify_event (
    job_no BIGINT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,           -- "quarantineEntered", ...
    at_us BIGINT NOT NULL,
    content TEXT NOT NULL,        -- JSON
    PRIMARY KEY (job_no, id)
);
CREATE INDEX notify_event_at ON notify_event (at_us);

-- One message to one recipient: one event, or those of a batch. id is made from the first event and
-- the recipient, and is the Message-ID of a mail.
CREATE TABLE notify_message (
    id TEXT NOT NULL PRIMARY KEY,
    job_no BIGINT NOT NULL,
    channel INTEGER NOT NULL,     -- 0 mail, 1 webhook
    recipient TEXT NOT NULL,      -- address or URL
    created_us BIGINT NOT NULL,
    state INTEGER NOT NULL,       -- 0 waits, 1 sent, 2 given up
    attempts BIGINT NOT NULL,
    next_us BIGINT NOT NULL,      -- due from then on
    claim TEXT NOT NULL,          -- who is sending it; '': nobody
    claim_until_us BIGINT NOT NULL,
    ended_us BIGINT NOT NULL,     -- when it was sent or given up; 0: it waits
    error TEXT NOT NULL           -- of the last attempt
);
CREATE INDEX notify_message_due ON notify_message (channel, next_us, id) WHERE state = 0;
CREATE INDEX notify_message_open ON notify_message (job_no, channel, state) WHERE state <> 1;
CREATE INDEX notify_message_job ON notify_message (job_no, created_us, id);
CREATE INDEX notify_message_created ON notify_message (created_us);

CREATE TABLE notify_message_event (
    message_id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    job_no BIGINT NOT NULL,
    PRIMARY KEY (message_id, event_id)
);
CREATE INDEX notify_message_event_job ON notify_message_event (job_no, event_id);

-- What has been told of a state that lasts, so that it is told once: "escrows", "cycleFailed".
CREATE TABLE notify_mark (
    job_no BIGINT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (job_no, name)
);

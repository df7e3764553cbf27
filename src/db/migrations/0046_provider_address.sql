-- Where clients reach the service provider: one row, written by the service when it listens.

CREATE TABLE provider_address (
    no BIGINT PRIMARY KEY, -- 1
    url TEXT NOT NULL
);

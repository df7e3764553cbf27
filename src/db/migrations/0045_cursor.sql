-- Secrets that all processes of the provider share, made at random by the first of them.
CREATE TABLE provider_secret (
    name TEXT PRIMARY KEY, -- "cursor": authenticates the cursors of lists
    value TEXT NOT NULL -- hexadecimal
);

-- Who may see reports and use the API. Secrets are here as hashes alone: passwords by Argon2id, and what is random and long
-- (sessions, API tokens, invitations) by SHA-256, in hexadecimal.

-- People. The name is what they sign in with, in small letters.
CREATE TABLE accounts (
    account_id    TEXT   NOT NULL PRIMARY KEY,
    name          TEXT   NOT NULL UNIQUE,
    password_hash TEXT   NOT NULL, -- as PHC has it
    origin        TEXT   NOT NULL, -- invitation or configuration
    created_at    BIGINT NOT NULL,
    disabled_at   BIGINT           -- null: may sign in
);

-- What an account, an invitation or an API token (the subject) may see. An empty workspace_id stands for every workspace.
CREATE TABLE access_grants (
    subject_id   TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    role         TEXT NOT NULL, -- manager, teammate or token
    teammate_id  TEXT NOT NULL, -- of a teammate: who that is; otherwise ''
    PRIMARY KEY (subject_id, workspace_id)
);

-- One-time links by which an account is made, or gets another password. The id is the hash of what the link carries.
CREATE TABLE invitations (
    invitation_id TEXT   NOT NULL PRIMARY KEY,
    name          TEXT   NOT NULL, -- the account's
    account_id    TEXT,            -- null: the account is yet to be made
    created_at    BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL
);
CREATE INDEX invitations_by_name ON invitations (name);

-- Who is signed in. The id is the hash of what the cookie carries.
CREATE TABLE sessions (
    session_id TEXT   NOT NULL PRIMARY KEY,
    account_id TEXT   NOT NULL,
    client     TEXT   NOT NULL, -- what the browser calls itself
    created_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL, -- to the minute
    expires_at BIGINT NOT NULL  -- whatever is done with it
);
CREATE INDEX sessions_by_account ON sessions (account_id);

-- Programs.
CREATE TABLE api_tokens (
    token_id   TEXT   NOT NULL PRIMARY KEY,
    token_hash TEXT   NOT NULL UNIQUE,
    name       TEXT   NOT NULL,
    scopes     TEXT   NOT NULL, -- with spaces between them
    created_at BIGINT NOT NULL,
    expires_at BIGINT,          -- null: never
    revoked_at BIGINT,
    used_at    BIGINT           -- to the minute; null: never
);

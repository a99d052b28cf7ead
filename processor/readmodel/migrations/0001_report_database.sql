-- The report database, as SQLite and PostgreSQL both understand it.
--
-- Times are milliseconds since 1970 in UTC. Days are ISO dates in the workspace's time zone. Flags are 0 or 1 (SMALLINT,
-- because SQLite knows no boolean). Symbols are those of the wire contract. source_partition, source_offset and source_index
-- name the fact of conversation-events that caused a row, and its place among that fact's outputs.

-- What is projected: everything before next_offset is in the rows below. Moved by compare-and-set in the transaction that
-- writes the rows. applied_source and applied_index name the last output applied: those that are not later are repetitions.
CREATE TABLE projector_positions (
    topic            TEXT   NOT NULL,
    partition_number BIGINT NOT NULL,
    next_offset      BIGINT NOT NULL,
    applied_source   BIGINT,
    applied_index    BIGINT,
    PRIMARY KEY (topic, partition_number)
);

-- Every version of every workspace's settings. A version never changes.
CREATE TABLE settings_versions (
    workspace_id           TEXT     NOT NULL,
    version                BIGINT   NOT NULL,
    effective_from         BIGINT   NOT NULL,
    live_for_users         SMALLINT NOT NULL,
    live_for_leads         SMALLINT NOT NULL,
    plan_includes_ratings  SMALLINT NOT NULL,
    time_zone              TEXT     NOT NULL,
    target_positive_share  DOUBLE PRECISION,
    target_minimum_ratings BIGINT,
    teammate_targets       TEXT     NOT NULL, -- a JSON object by teammate id, in the order of the ids
    PRIMARY KEY (workspace_id, version)
);

-- One row a request, with its rating as it stands. A submission that is projected before its request makes the row, and the
-- request then adds what only it knows (settings_version and its source).
CREATE TABLE requests (
    request_id       TEXT   NOT NULL PRIMARY KEY,
    workspace_id     TEXT   NOT NULL,
    conversation_id  TEXT   NOT NULL,
    customer_kind    TEXT   NOT NULL,
    customer_id      TEXT   NOT NULL,
    teammate_id      TEXT   NOT NULL,
    channel          TEXT   NOT NULL,
    requested_at     BIGINT NOT NULL,
    requested_day    TEXT   NOT NULL,
    settings_version BIGINT,
    source_partition BIGINT,
    source_offset    BIGINT,
    source_index     BIGINT,
    first_rated_at   BIGINT, -- this and all below: null until it is rated, but revision
    rated_day        TEXT,
    reaction         TEXT,
    comment          TEXT,
    locked           SMALLINT,
    revision         BIGINT NOT NULL, -- of the last submission; 0: not rated
    after_reopen     SMALLINT,
    submitted_at     BIGINT
);
-- A conversation's story.
CREATE UNIQUE INDEX requests_by_conversation ON requests (workspace_id, conversation_id);
-- The response rate of a period, by teammate and channel.
CREATE INDEX requests_by_day ON requests (workspace_id, requested_day);
-- The ratings of a period, by reaction, teammate and channel.
CREATE INDEX ratings_by_day ON requests (workspace_id, rated_day, reaction) WHERE revision > 0;
-- The latest comments.
CREATE INDEX comments_by_time ON requests (workspace_id, submitted_at) WHERE comment IS NOT NULL;

-- A rating's history: one row a submission.
CREATE TABLE submissions (
    request_id        TEXT     NOT NULL,
    revision          BIGINT   NOT NULL,
    submitted_at      BIGINT   NOT NULL,
    previous_reaction TEXT,
    reaction          TEXT     NOT NULL,
    comment           TEXT,
    locked            SMALLINT NOT NULL,
    after_reopen      SMALLINT NOT NULL,
    source_partition  BIGINT   NOT NULL,
    source_offset     BIGINT   NOT NULL,
    source_index      BIGINT   NOT NULL,
    PRIMARY KEY (request_id, revision)
);

-- One row for each time a conversation became closed, with everything that was measured.
CREATE TABLE decisions (
    workspace_id                  TEXT     NOT NULL,
    conversation_id               TEXT     NOT NULL,
    source_partition              BIGINT   NOT NULL,
    source_offset                 BIGINT   NOT NULL,
    source_index                  BIGINT   NOT NULL,
    decided_at                    BIGINT   NOT NULL,
    decided_day                   TEXT     NOT NULL,
    requested                     SMALLINT NOT NULL,
    failed                        TEXT     NOT NULL, -- codes in the order of the rules, separated by commas; '' when none failed
    failed_mask                   BIGINT   NOT NULL, -- the same as bits: 1 not_live, 2 closed_by_non_teammate, 4 no_customer, ... in that order
    closed_by                     TEXT     NOT NULL,
    plan                          SMALLINT NOT NULL,
    live                          SMALLINT NOT NULL,
    audience                      TEXT,
    customers                     BIGINT   NOT NULL,
    teammate_replied              SMALLINT NOT NULL,
    characters                    BIGINT   NOT NULL,
    milliseconds_since_last_reply BIGINT,
    origin                        TEXT     NOT NULL,
    already_requested             SMALLINT NOT NULL,
    threshold_characters          BIGINT   NOT NULL,
    threshold_milliseconds        BIGINT   NOT NULL,
    rules_version                 BIGINT   NOT NULL,
    settings_version              BIGINT   NOT NULL,
    teammate_id                   TEXT,
    request_id                    TEXT,
    PRIMARY KEY (workspace_id, conversation_id, source_partition, source_offset, source_index)
);
-- From a figure of the funnel down to its conversations.
CREATE INDEX decisions_by_day ON decisions (workspace_id, decided_day, failed_mask);

-- The funnel's sums: how many closes of a day failed exactly these criteria.
CREATE TABLE decision_days (
    workspace_id TEXT   NOT NULL,
    day          TEXT   NOT NULL,
    failed_mask  BIGINT NOT NULL,
    decided      BIGINT NOT NULL,
    requested    BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, day, failed_mask)
);

-- Answers that were refused.
CREATE TABLE refusals (
    workspace_id     TEXT   NOT NULL,
    conversation_id  TEXT   NOT NULL,
    source_partition BIGINT NOT NULL,
    source_offset    BIGINT NOT NULL,
    source_index     BIGINT NOT NULL,
    request_id       TEXT   NOT NULL,
    event_id         TEXT   NOT NULL,
    reason           TEXT   NOT NULL,
    refused_at       BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, conversation_id, source_partition, source_offset, source_index)
);

-- Sums by teammate and day. revision rises with every transaction that changes a row; published_revision is the one that
-- teammate-scorecards is known to hold.
CREATE TABLE scorecards (
    workspace_id       TEXT   NOT NULL,
    teammate_id        TEXT   NOT NULL,
    day                TEXT   NOT NULL,
    requests           BIGINT NOT NULL DEFAULT 0,
    requests_answered  BIGINT NOT NULL DEFAULT 0,
    terrible           BIGINT NOT NULL DEFAULT 0,
    bad                BIGINT NOT NULL DEFAULT 0,
    ok                 BIGINT NOT NULL DEFAULT 0,
    great              BIGINT NOT NULL DEFAULT 0,
    amazing            BIGINT NOT NULL DEFAULT 0,
    comments           BIGINT NOT NULL DEFAULT 0,
    revision           BIGINT NOT NULL DEFAULT 0,
    published_revision BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (workspace_id, teammate_id, day)
);
-- A period over all teammates.
CREATE INDEX scorecards_by_day ON scorecards (workspace_id, day);
-- What is still to be published.
CREATE INDEX scorecards_unpublished ON scorecards (workspace_id, teammate_id, day) WHERE published_revision < revision;

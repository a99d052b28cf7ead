-- Mails and webhooks that are to be sent, and what became of them. The projector queues a row in the transaction that writes the
-- request or the submission, so that no crash forgets one. What a row says besides is read from requests and submissions when
-- it is sent.
--
-- States: waiting; no_address (waits until the directory has one); and the final ones sent, bounced, failed, too_old, answered
-- (nobody need be asked any more), opted_out.
CREATE TABLE deliveries (
    delivery_id  TEXT   NOT NULL PRIMARY KEY, -- mail_REQUEST, requested_REQUEST, submitted_REQUEST_REVISION; to one endpoint: ...@ENDPOINT
    lane         TEXT   NOT NULL, -- mail; events (not yet shared out among endpoints); webhook:ENDPOINT
    workspace_id TEXT   NOT NULL,
    customer_id  TEXT   NOT NULL,
    request_id   TEXT   NOT NULL,
    revision     BIGINT NOT NULL, -- of the submission; 0: the request
    counted_from BIGINT NOT NULL, -- its age counts from here: when the customer was asked or answered, or when it was sent again on demand
    state        TEXT   NOT NULL,
    due_at       BIGINT NOT NULL, -- when it may be tried next; while it is claimed, when the claim ends
    claim        TEXT,            -- who tries it now
    attempts     BIGINT NOT NULL,
    finished_at  BIGINT,          -- when it came to a final state
    detail       TEXT   NOT NULL  -- why the last attempt failed; '' when there is nothing to say
);
-- What is to be tried next.
CREATE INDEX deliveries_due ON deliveries (lane, due_at) WHERE state = 'waiting';
-- What grows too old.
CREATE INDEX deliveries_open ON deliveries (counted_from) WHERE finished_at IS NULL;
-- What a new address sets free.
CREATE INDEX deliveries_without_address ON deliveries (workspace_id, customer_id) WHERE state = 'no_address';
-- What may be forgotten.
CREATE INDEX deliveries_finished ON deliveries (finished_at) WHERE finished_at IS NOT NULL;

-- Where customers are reached whose id is no email address.
CREATE TABLE contacts (
    workspace_id TEXT     NOT NULL,
    customer_id  TEXT     NOT NULL,
    email        TEXT,              -- null: none is known
    name         TEXT,
    locale       TEXT,
    wants_mail   SMALLINT NOT NULL, -- 0: is never sent one
    updated_at   BIGINT   NOT NULL,
    PRIMARY KEY (workspace_id, customer_id)
);

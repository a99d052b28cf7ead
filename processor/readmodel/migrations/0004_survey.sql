-- What the survey asks: what became of an answer, and which answers look like a machine's.

-- What became of the answer with this event id.
CREATE INDEX refusals_by_event ON refusals (event_id);
-- Whether a request's conversation is known to be deleted.
CREATE INDEX refusals_by_request ON refusals (request_id, reason);
-- A workspace's latest request, for a link to try.
CREATE INDEX requests_by_time ON requests (workspace_id, requested_at);

-- Answers that came as no person sends them. The answer counts like any other; whoever wants to leave it out joins by
-- source_partition and source_offset, which name its fact as in submissions and refusals.
CREATE TABLE answer_marks (
    source_partition BIGINT NOT NULL,
    source_offset    BIGINT NOT NULL,
    mark             TEXT   NOT NULL, -- unread: sooner after the page than one could read it; rapid: one of several reactions within a second
    workspace_id     TEXT   NOT NULL,
    request_id       TEXT   NOT NULL,
    event_id         TEXT   NOT NULL,
    marked_at        BIGINT NOT NULL,
    PRIMARY KEY (source_partition, source_offset, mark)
);
CREATE INDEX answer_marks_by_request ON answer_marks (request_id);

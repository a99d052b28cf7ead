-- What the reports are answered from: sums by day, so that no figure needs the rows of which there may be millions, and indexes
-- that follow the lists' order. The teammate '' stands for all of them (an id has at least one byte). What was projected before
-- is summed up from the rows below.

-- Requests and ratings by teammate, day and channel. requests, requests_answered and requests_positive (answered, and great or
-- amazing by now) are of the requests sent that day; the rest is of the ratings first given that day.
CREATE TABLE rating_days (
    workspace_id      TEXT   NOT NULL,
    teammate_id       TEXT   NOT NULL,
    day               TEXT   NOT NULL,
    channel           TEXT   NOT NULL,
    requests          BIGINT NOT NULL,
    requests_answered BIGINT NOT NULL,
    requests_positive BIGINT NOT NULL,
    terrible          BIGINT NOT NULL,
    bad               BIGINT NOT NULL,
    ok                BIGINT NOT NULL,
    great             BIGINT NOT NULL,
    amazing           BIGINT NOT NULL,
    comments          BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, teammate_id, day, channel)
);
-- A period over all teammates.
CREATE INDEX rating_days_by_day ON rating_days (workspace_id, day, teammate_id, channel);

-- The same by month (yyyy-mm), for long periods.
CREATE TABLE rating_months (
    workspace_id      TEXT   NOT NULL,
    teammate_id       TEXT   NOT NULL,
    month             TEXT   NOT NULL,
    channel           TEXT   NOT NULL,
    requests          BIGINT NOT NULL,
    requests_answered BIGINT NOT NULL,
    requests_positive BIGINT NOT NULL,
    terrible          BIGINT NOT NULL,
    bad               BIGINT NOT NULL,
    ok                BIGINT NOT NULL,
    great             BIGINT NOT NULL,
    amazing           BIGINT NOT NULL,
    comments          BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, teammate_id, month, channel)
);
-- A period over all teammates.
CREATE INDEX rating_months_by_month ON rating_months (workspace_id, month, teammate_id, channel);

-- The funnel's sums by the last teammate of the conversation; decision_days has those over all.
CREATE TABLE decision_teammate_days (
    workspace_id TEXT   NOT NULL,
    teammate_id  TEXT   NOT NULL,
    day          TEXT   NOT NULL,
    failed_mask  BIGINT NOT NULL,
    decided      BIGINT NOT NULL,
    requested    BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, teammate_id, day, failed_mask)
);

-- How near to a threshold closes were. measure: 'characters' (closes held back by too_short alone; bucket: characters rounded up
-- to 25), 'stale_days' (held back by stale alone; days since the last reply, rounded up, at most 91), 'asked_days' (asked; the
-- same).
CREATE TABLE measured_days (
    workspace_id TEXT   NOT NULL,
    teammate_id  TEXT   NOT NULL,
    day          TEXT   NOT NULL,
    measure      TEXT   NOT NULL,
    bucket       BIGINT NOT NULL,
    decided      BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, teammate_id, day, measure, bucket)
);

-- Ratings that somebody has followed up. Not projected: said by people. A mark that is taken back stays, with followed_up 0.
CREATE TABLE follow_ups (
    workspace_id TEXT     NOT NULL,
    request_id   TEXT     NOT NULL,
    followed_up  SMALLINT NOT NULL,
    changed_by   TEXT     NOT NULL,
    changed_at   BIGINT   NOT NULL,
    PRIMARY KEY (workspace_id, request_id)
);
CREATE INDEX follow_ups_by_change ON follow_ups (workspace_id, changed_at);

-- When a version of the settings was appended, and by whom, as far as its record says.
ALTER TABLE settings_versions ADD COLUMN appended_at BIGINT;
ALTER TABLE settings_versions ADD COLUMN appended_by TEXT ;

INSERT INTO rating_days (workspace_id, teammate_id, day, channel, requests, requests_answered, requests_positive, terrible, bad, ok, great, amazing, comments)
SELECT workspace_id, teammate_id, day, channel, CAST(SUM(requests) AS BIGINT), CAST(SUM(requests_answered) AS BIGINT), CAST(SUM(requests_positive) AS BIGINT),
    CAST(SUM(terrible) AS BIGINT), CAST(SUM(bad) AS BIGINT), CAST(SUM(ok) AS BIGINT),
    CAST(SUM(great) AS BIGINT), CAST(SUM(amazing) AS BIGINT), CAST(SUM(comments) AS BIGINT)
FROM (
    SELECT workspace_id, teammate_id, requested_day AS day, channel, 1 AS requests,
        CASE WHEN revision > 0 THEN 1 ELSE 0 END AS requests_answered,
        CASE WHEN reaction IN ('great', 'amazing') THEN 1 ELSE 0 END AS requests_positive,
        0 AS terrible, 0 AS bad, 0 AS ok, 0 AS great, 0 AS amazing, 0 AS comments
    FROM requests
    UNION ALL
    SELECT workspace_id, teammate_id, rated_day, channel, 0, 0, 0,
        CASE WHEN reaction = 'terrible' THEN 1 ELSE 0 END, CASE WHEN reaction = 'bad' THEN 1 ELSE 0 END,
        CASE WHEN reaction = 'ok' THEN 1 ELSE 0 END, CASE WHEN reaction = 'great' THEN 1 ELSE 0 END,
        CASE WHEN reaction = 'amazing' THEN 1 ELSE 0 END, CASE WHEN comment IS NULL THEN 0 ELSE 1 END
    FROM requests WHERE revision > 0
) AS counted
GROUP BY workspace_id, teammate_id, day, channel;
INSERT INTO rating_days (workspace_id, teammate_id, day, channel, requests, requests_answered, requests_positive, terrible, bad, ok, great, amazing, comments)
SELECT workspace_id, '', day, channel, CAST(SUM(requests) AS BIGINT), CAST(SUM(requests_answered) AS BIGINT), CAST(SUM(requests_positive) AS BIGINT),
    CAST(SUM(terrible) AS BIGINT), CAST(SUM(bad) AS BIGINT), CAST(SUM(ok) AS BIGINT),
    CAST(SUM(great) AS BIGINT), CAST(SUM(amazing) AS BIGINT), CAST(SUM(comments) AS BIGINT)
FROM rating_days GROUP BY workspace_id, day, channel;
INSERT INTO rating_months (workspace_id, teammate_id, month, channel, requests, requests_answered, requests_positive, terrible, bad, ok, great, amazing, comments)
SELECT workspace_id, teammate_id, SUBSTR(day, 1, LENGTH(day) - 3) AS month, channel, CAST(SUM(requests) AS BIGINT), CAST(SUM(requests_answered) AS BIGINT), CAST(SUM(requests_positive) AS BIGINT),
    CAST(SUM(terrible) AS BIGINT), CAST(SUM(bad) AS BIGINT), CAST(SUM(ok) AS BIGINT),
    CAST(SUM(great) AS BIGINT), CAST(SUM(amazing) AS BIGINT), CAST(SUM(comments) AS BIGINT)
FROM rating_days GROUP BY workspace_id, teammate_id, SUBSTR(day, 1, LENGTH(day) - 3), channel;

INSERT INTO decision_teammate_days (workspace_id, teammate_id, day, failed_mask, decided, requested)
SELECT workspace_id, teammate_id, decided_day, failed_mask, COUNT(*), CAST(SUM(requested) AS BIGINT)
FROM decisions WHERE teammate_id IS NOT NULL GROUP BY workspace_id, teammate_id, decided_day, failed_mask;

INSERT INTO measured_days (workspace_id, teammate_id, day, measure, bucket, decided)
SELECT workspace_id, teammate_id, day, measure, bucket, COUNT(*)
FROM (
    SELECT workspace_id, COALESCE(teammate_id, '') AS teammate_id, decided_day AS day,
        CASE failed_mask WHEN 16 THEN 'characters' WHEN 32 THEN 'stale_days' ELSE 'asked_days' END AS measure,
        CASE WHEN failed_mask = 16 THEN (characters + 24) / 25 * 25
            WHEN COALESCE(milliseconds_since_last_reply, 0) <= 0 THEN 0
            WHEN milliseconds_since_last_reply > 7776000000 THEN 91
            ELSE (milliseconds_since_last_reply + 86399999) / 86400000 END AS bucket
    FROM decisions WHERE failed_mask IN (16, 32) OR requested = 1
) AS measured
GROUP BY workspace_id, teammate_id, day, measure, bucket;
-- Those without a teammate are under '' already, so all of them are added up first and put beside.
CREATE TABLE measured_all AS
SELECT workspace_id, day, measure, bucket, CAST(SUM(decided) AS BIGINT) AS decided
FROM measured_days GROUP BY workspace_id, day, measure, bucket;
DELETE FROM measured_days WHERE teammate_id = '';
INSERT INTO measured_days (workspace_id, teammate_id, day, measure, bucket, decided)
SELECT workspace_id, '', day, measure, bucket, decided FROM measured_all;
DROP TABLE measured_all;

-- The lists' order, the rest of each index being what is chosen from it. The old ones were for figures that come from sums now.
DROP INDEX requests_by_day;
DROP INDEX ratings_by_day;
DROP INDEX comments_by_time;
DROP INDEX decisions_by_day;
-- A day's ratings by channel, reaction, and with or without comment (a comment locks).
CREATE INDEX ratings_by_day ON requests (workspace_id, rated_day, channel, reaction, locked, first_rated_at)
    WHERE revision > 0;
-- A teammate's ratings of a day.
CREATE INDEX ratings_by_teammate ON requests (workspace_id, teammate_id, rated_day, first_rated_at, channel, reaction, locked)
    WHERE revision > 0;
-- The latest happy comments.
CREATE INDEX hearts_by_time ON requests (workspace_id, submitted_at, teammate_id, channel)
    WHERE comment IS NOT NULL AND reaction IN ('great', 'amazing');
-- A day's decisions by exactly what failed.
CREATE INDEX decisions_by_day ON decisions (workspace_id, decided_day, failed_mask, decided_at, teammate_id);

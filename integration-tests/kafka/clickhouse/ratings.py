"""Reads a topic of ratings into ClickHouse, as an analyst would who has the addresses and the schema registry and nothing else, and
prints what a query gives: `SUM,distinct places,COLUMN of reactions`. Runs until so many rows are there or so many seconds are over.

    ratings.py BROKERS REGISTRY TOPIC GROUP ROWS SECONDS
"""

import json
import sys
import time

from chdb import session

brokers, registry, topic, group, rows, seconds = sys.argv[1:7]
columns = """
    request_id String, workspace_id String, conversation_id String, teammate_id String, channel LowCardinality(String),
    requested_at DateTime64(3, 'UTC'), first_rated_at DateTime64(3, 'UTC'), submitted_at DateTime64(3, 'UTC'),
    revision Int32, previous_reaction Nullable(String), reaction LowCardinality(String), comment Nullable(String),
    locked Bool, after_reopen Bool"""
clickhouse = session.Session()
clickhouse.query("CREATE DATABASE ratings ENGINE = Atomic")
clickhouse.query(f"""
    CREATE TABLE ratings.queue ({columns}) ENGINE = Kafka SETTINGS
        kafka_broker_list = '{brokers}', kafka_topic_list = '{topic}', kafka_group_name = '{group}',
        kafka_format = 'AvroConfluent', format_avro_schema_registry_url = '{registry}', kafka_flush_interval_ms = 500""")
clickhouse.query(f"""
    CREATE TABLE ratings.submitted ({columns}, partition UInt64, offset UInt64)
    ENGINE = MergeTree ORDER BY (workspace_id, submitted_at)""")
clickhouse.query("""
    CREATE MATERIALIZED VIEW ratings.reading TO ratings.submitted
    AS SELECT *, _partition AS partition, _offset AS offset FROM ratings.queue""")


def ask(query):
    return [json.loads(line) for line in str(clickhouse.query(query, "JSONEachRow")).splitlines()]


until = time.monotonic() + float(seconds)
count = 0
while time.monotonic() < until and count < int(rows):
    time.sleep(0.5)
    count = int(ask("SELECT count() AS count FROM ratings.submitted")[0]["count"])
# More than expected would come now.
time.sleep(3)
print(json.dumps({
    "rows": int(ask("SELECT count() AS n FROM ratings.submitted")[0]["n"]),
    "places": int(ask("SELECT uniqExact(partition, offset) AS n FROM ratings.submitted")[0]["n"]),
    "reactions": {row["reaction"]: int(row["n"]) for row in ask(
        "SELECT reaction, count() AS n FROM ratings.submitted GROUP BY reaction")},
    "comments": int(ask("SELECT count(comment) AS n FROM ratings.submitted")[0]["n"]),
    "characters": int(ask("SELECT sum(lengthUTF8(comment)) AS n FROM ratings.submitted")[0]["n"] or 0),
    "ratings": int(ask("SELECT uniqExact(request_id) AS n FROM ratings.submitted")[0]["n"]),
    "seconds": float(ask("SELECT sum(toUnixTimestamp64Milli(submitted_at)) / 1000 AS n FROM ratings.submitted")[0]["n"] or 0),
    "version": ask("SELECT version() AS v")[0]["v"],
    "errors": ask("SELECT arrayMap(text -> left(text, 300), exceptions.text) AS e FROM system.kafka_consumers"),
}))
sys.stdout.flush()

"""Reads ratings into ClickHouse by the statements of docs/consumers/clickhouse.md, the addresses of this machine's brokers and registry in
them, and prints what queries give. Runs until so many rows are there or so many seconds are over.

    ratings.py STATEMENTS ROWS SECONDS
"""

import json
import sys
import time
from pathlib import Path

from chdb import session

path, rows, seconds = sys.argv[1:4]
*making, asking = [statement for statement in Path(path).read_text().split(";") if statement.strip()]
clickhouse = session.Session()
for statement in making:
    clickhouse.query(statement)


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
    "places": int(ask("SELECT uniqExact(source, place) AS n FROM ratings.submitted")[0]["n"]),
    "reactions": {row["reaction"]: int(row["n"]) for row in ask(
        "SELECT reaction, count() AS n FROM ratings.submitted GROUP BY reaction")},
    "comments": int(ask("SELECT count(comment) AS n FROM ratings.submitted")[0]["n"]),
    "ratings": int(ask("SELECT uniqExact(request_id) AS n FROM ratings.submitted")[0]["n"]),
    "present": sum(int(row["ratings"]) for row in ask(asking)),
    "version": ask("SELECT version() AS v")[0]["v"],
    "errors": ask("SELECT arrayMap(text -> left(text, 300), exceptions.text) AS e FROM system.kafka_consumers"),
}))
sys.stdout.flush()

#!/usr/bin/env python3
"""Makes docs/asyncapi.yaml, the topics as an AsyncAPI document, from the .avsc files beside this one; `--check` says whether it is up to date.

What the schemas say is taken from them: a record's `doc` names its topic, its key, and whether the topic is compacted. Here is only what
no schema has: who writes, and the headers.
"""

import json
import re
import sys
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
OUT = HERE.parent / "docs/asyncapi.yaml"
# What Afterword folds. Anybody may write it; the program itself does so for whoever sends it facts and settings.
INPUTS = {"conversation-events", "workspace-settings"}
# Of many facts, or of none: without the headers of an output.
NO_SOURCE = INPUTS | {"teammate-scorecards"}
AVRO = "application/vnd.apache.avro;version=1.9.0"

HEADERS = {
    "type": "object",
    "required": ["afterword-source", "afterword-index"],
    "properties": {
        "afterword-source": {
            "type": "string",
            "description": "The fact that caused this: topic / partition / offset. UTF-8.",
            "examples": ["conversation-events/3/1207"],
        },
        "afterword-index": {
            "type": "string",
            "description": "Its place among that fact's outputs, from 0, in decimal digits. Unique together with afterword-source.",
            "examples": ["0"],
        },
        "traceparent": {
            "type": "string",
            "description": "Of sampled facts alone: the trace and span of the fact, as W3C Trace Context has it.",
            "examples": ["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"],
        },
    },
}
DEAD_HEADERS = {
    "afterword-dead-topic": "The topic in which the record stood.",
    "afterword-dead-partition": "Its partition.",
    "afterword-dead-offset": "Its offset.",
    "afterword-dead-class": "What kind of thing is wrong.",
    "afterword-dead-error": "What is wrong, in words.",
    "afterword-dead-build": "The build that could not read it.",
}
ABOUT = """\
What Afterword reads and writes on Apache Kafka. Made from the Avro schemas; docs/topics.md explains each field.

Values are Avro in one of two frames. With a schema registry: Confluent's wire format (a zero byte, the schema's id as 4 bytes
big-endian, the body). Without: single-object encoding (C3 01, the CRC-64-AVRO fingerprint as 8 bytes little-endian, the body). Outputs
are written in transactions: read with isolation.level=read_committed."""


def found(pattern, text, name):
    match = re.search(pattern, text)
    if not match:
        sys.exit(f"{name}: expected a doc with {pattern!r}, found: {text}")
    return match.group(1)


def without_sentence_about_topic(doc):
    return re.sub(r" Topic [a-z-]+( \(compacted\))?, key: [^.]*\.", "", doc)


def channel(topic, name, about, policy):
    return {
        "address": topic,
        "title": topic,
        "description": about,
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
        "bindings": {"kafka": {"topicConfiguration": {"cleanup.policy": [policy]}, "bindingVersion": "0.5.0"}},
    }


def message(path):
    schema = json.loads(path.read_text())
    name, doc = schema["name"], schema["doc"]
    topic = found(r"Topic ([a-z-]+)", doc, path.name)
    key = found(r", key: ([^.]*)\.", doc, path.name)
    made = {
        "name": name,
        "title": name,
        "summary": without_sentence_about_topic(doc),
        "contentType": "avro/binary",
        "payload": {"schemaFormat": AVRO, "schema": schema},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": f"UTF-8: {key}."},
                "schemaIdLocation": "payload",
                "schemaIdPayloadEncoding": "confluent",
                "schemaLookupStrategy": "TopicNameStrategy",
                "bindingVersion": "0.5.0",
            }
        },
    }
    if topic not in NO_SOURCE:
        made["headers"] = {"$ref": "#/components/schemas/OutputHeaders"}
    policy = "compact" if "(compacted)" in doc else "delete"
    return topic, name, made, channel(topic, name, made["summary"], policy)


def dead_letter():
    properties = dict(HEADERS["properties"])
    properties |= {name: {"type": "string", "description": about} for name, about in DEAD_HEADERS.items()}
    required = [*HEADERS["required"], *DEAD_HEADERS]
    about = "A record that could not be folded: its key, value, headers and time byte for byte, and headers that say what is wrong."
    made = {
        "name": "DeadLetter",
        "title": "DeadLetter",
        "summary": about,
        "contentType": "application/octet-stream",
        "headers": {"type": "object", "required": required, "properties": properties},
        "payload": {"description": "Any bytes, or none."},
    }
    return "dead-letters", "DeadLetter", made, channel("dead-letters", "DeadLetter", about, "delete")


def document():
    channels, messages, operations = {}, {}, {}
    for topic, name, made, its_channel in [*map(message, sorted(HERE.glob("*.avsc"))), dead_letter()]:
        channels[topic], messages[name] = its_channel, made
        to = {"channel": {"$ref": f"#/channels/{topic}"}}
        verb, action = ("read", "receive") if topic in INPUTS else ("write", "send")
        operations[f"{verb}-{topic}"] = {"action": action, "summary": f"Afterword {verb}s {topic}.", **to}
    version = found(r'(?m)^version = "([^"]+)"', (HERE.parent / "Cargo.toml").read_text(), "Cargo.toml")
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Afterword",
            "version": version,
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": {"OutputHeaders": HEADERS}},
    }


class Plain(yaml.SafeDumper):
    """Repeats what occurs twice instead of pointing at it, and writes long texts as blocks."""

    def ignore_aliases(self, data):
        return True


Plain.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None),
)


def main():
    head = "# Made by schemas/asyncapi.py from schemas/*.avsc; `make asyncapi` makes it anew.\n"
    text = head + yaml.dump(document(), Dumper=Plain, sort_keys=False, allow_unicode=True, width=130)
    if "--check" not in sys.argv[1:]:
        OUT.write_text(text)
    elif not OUT.exists() or OUT.read_text() != text:
        sys.exit("docs/asyncapi.yaml is out of date: make asyncapi")


if __name__ == "__main__":
    main()

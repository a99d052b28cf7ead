"""Checks what lies in docs/. Run by the tests, in the environment of .ci/checkers: check.py asyncapi|site."""

import html.parser
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import unquote, urldefrag

import fastavro
import jsonschema
import yaml

TOP = Path(__file__).resolve().parents[2]
findings = []


def expect(holds, problem):
    if not holds:
        findings.append(problem)


def asyncapi():
    """docs/asyncapi.yaml is what the schemas give, is valid, and has every topic that docs/topics.md has."""
    subprocess.run([sys.executable, TOP / "schemas/asyncapi.py", "--check"], check=True)
    document = yaml.safe_load((TOP / "docs/asyncapi.yaml").read_text())
    schema = json.loads((Path(__file__).parent / "asyncapi-3.0.0.json").read_text())
    validator = jsonschema.Draft7Validator(schema)
    expect(list(validator.iter_errors({**document, "chanels": {}})), "the schema of AsyncAPI passes anything")
    for error in validator.iter_errors(document):
        found = jsonschema.exceptions.best_match([error])
        expect(False, f"docs/asyncapi.yaml: {found.json_path}: {found.message}")
    for path, reference in references(document, ""):
        expect(resolved(document, reference) is not None, f"docs/asyncapi.yaml: {path} points to {reference}, which is not there")
    for name, message in document["components"]["messages"].items():
        if "schema" in message["payload"]:
            fastavro.parse_schema(message["payload"]["schema"])
    topics = set(re.findall(r"(?m)^\| `([a-z-]+)` \|", (TOP / "docs/topics.md").read_text().split("## Values")[0]))
    addresses = {channel["address"] for channel in document["channels"].values()}
    expect(topics == addresses, f"topics of docs/topics.md alone or of docs/asyncapi.yaml alone: {sorted(topics ^ addresses)}")
    print(f"docs/asyncapi.yaml: {len(addresses)} topics")


def references(value, path):
    if isinstance(value, dict):
        if set(value) == {"$ref"}:
            yield path, value["$ref"]
        for name, inner in value.items():
            yield from references(inner, f"{path}/{name}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from references(inner, f"{path}/{index}")


def resolved(document, reference):
    value = document
    for part in reference.removeprefix("#/").split("/"):
        value = value.get(part) if isinstance(value, dict) else None
    return value


class Page(html.parser.HTMLParser):
    """What a page links to, and what can be linked to in it."""

    def __init__(self, text):
        super().__init__()
        self.links, self.anchors = set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name == "id":
                self.anchors.add(value)
            if name in ("href", "src") and value:
                self.links.add(value)


def site():
    """The site is built without a warning, and every link in it leads somewhere."""
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder).resolve()
        built = subprocess.run([TOP / "docs/build", top], capture_output=True, text=True)
        expect(built.returncode == 0, f"docs/build: {built.stdout}{built.stderr}")
        expect(not re.search("(?i)warn|error", built.stderr), f"docs/build: {built.stderr}")
        pages = {path: Page(path.read_text()) for path in top.rglob("*.html")}
        # The print page has every page's headings once more, with ids of its own, and the 404 page is shown at any depth.
        left_out = {top / "print.html", top / "404.html", top / "toc.html"}
        links = 0
        for path, page in pages.items():
            if path in left_out:
                continue
            for link in page.links:
                links += link_leads_somewhere(top, path, link, pages)
        expect(len(pages) > 30, f"only {len(pages)} pages")
        print(f"the site: {len(pages)} pages, {links} links")


def link_leads_somewhere(top, path, link, pages):
    """How many links that was: one, or none when it leads out of the site."""
    if re.match(r"[a-z]+:|//", link):
        return 0
    target, anchor = urldefrag(link)
    file = (path.parent / unquote(target)).resolve() if target else path
    if file.is_dir():
        file = file / "index.html"
    where = path.relative_to(top)
    if not file.exists():
        expect(False, f"{where}: {link} leads nowhere")
    elif anchor and file in pages:
        expect(unquote(anchor) in pages[file].anchors, f"{where}: {link}: there is no #{anchor}")
    return 1


def main():
    checks = {"asyncapi": asyncapi, "site": site}
    if len(sys.argv) != 2 or sys.argv[1] not in checks:
        sys.exit(f"usage: check.py {'|'.join(checks)}")
    checks[sys.argv[1]]()
    if findings:
        sys.exit("\n".join(findings))


if __name__ == "__main__":
    main()

"""Checks what lies in deploy/ with what reads it in earnest. Run by the tests: check.py image|compose|chart|unit|package|release.

The configuration in these files (variables, files) is handed to the program itself (`config check`), which $PROGRAM names.
"""

import base64
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

TOP = Path(__file__).resolve().parents[2]
DEPLOY = TOP / "deploy"
BIN = Path(sys.executable).parent
# Packed the same whenever it is, and quickly rather than small.
PACKING = {**os.environ, "SOURCE_DATE_EPOCH": "1767225600", "DPKG_DEB_COMPRESSOR_LEVEL": "0"}
# 32 bytes, as a key of links must be.
KEY = base64.b64encode(bytes(range(32))).decode()


def fail(message):
    sys.exit(f"deploy: {message}")


def expect(holds, message):
    if not holds:
        fail(message)


def run(*command, **more):
    ended = subprocess.run([str(part) for part in command], cwd=TOP, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more)
    expect(ended.returncode == 0, f"{' '.join(map(str, command))} ended with {ended.returncode}:\n{ended.stdout}")
    return ended.stdout


def config_check(what, variables=None, file=None):
    """The program takes this configuration. Variables of this shell that begin as its own do not count."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AFTERWORD_")}
    environment.update({name: value for name, value in (variables or {}).items() if name.startswith("AFTERWORD_")})
    command = [os.environ["PROGRAM"], "config", "check"] + (["--config", str(file)] if file else [])
    ended = subprocess.run(command, env=environment, text=True, capture_output=True)
    expect(ended.returncode == 0, f"{what}: config check ended with {ended.returncode}: {ended.stderr}{ended.stdout}")


# The image


def instructions(path):
    """Of the last stage: pairs of instruction and arguments."""
    text = re.sub(r"\\\n", " ", re.sub(r"(?m)^\s*#.*\n", "", path.read_text()))
    stages = re.split(r"(?m)^FROM ", text)
    return [tuple(line.split(None, 1)) for line in ("FROM " + stages[-1]).splitlines() if line.strip()], len(stages) - 1


def image():
    path = DEPLOY / "container/Dockerfile"
    print(run(BIN / "hadolint", "--failure-threshold", "style", path))
    with tempfile.TemporaryDirectory() as folder:
        # That hadolint finds something when there is something.
        bad = Path(folder) / "Dockerfile"
        bad.write_text("FROM debian\nRUN cd /tmp && sudo apt-get install x\n")
        ended = subprocess.run([BIN / "hadolint", bad], capture_output=True, text=True)
        expect(ended.returncode != 0 and "DL3004" in ended.stdout, "hadolint passes a bad file")
    last, stages = instructions(path)
    expect(stages >= 2, "the image is not made in stages")
    by_name = {}
    for name, arguments in last:
        by_name.setdefault(name, []).append(arguments)
    user = by_name.get("USER", ["0"])[-1]
    expect(re.fullmatch(r"[1-9][0-9]*:[1-9][0-9]*", user), f"the image runs as {user}, and it must be a number that is not root")
    expect("HEALTHCHECK" in by_name and "VOLUME" in by_name, "the image has no health check or no volume")
    expect("cargo" not in by_name["FROM"][0], "the last stage has the compiler")
    channel = re.search(r'channel *= *"(.*)"', (TOP / "rust-toolchain.toml").read_text()).group(1)
    expect(f"RUST_VERSION={channel}" in path.read_text(), f"the image is not built with Rust {channel}")
    for source in [words.split()[-2] for words in by_name["COPY"] if "--from" not in words]:
        expect((TOP / source).exists(), f"COPY {source}: it is not there")
    # What the program is linked with must be in the image.
    packages = " ".join(by_name["RUN"])
    owners = {"libssl.so.3": "libssl3", "libcrypto.so.3": "libssl3", "libstdc++.so.6": "libstdc++6", "libgcc_s.so.1": "libstdc++6", "libz.so.1": "zlib1g"}
    for library in re.findall(r"(\S+) => ", run("ldd", os.environ["PROGRAM"])):
        if library in ("libc.so.6", "libm.so.6"):
            continue
        expect(library in owners and owners[library] in packages, f"the image lacks what has {library}")
    run("bash", "-n", DEPLOY / "container/healthy")
    ignored = (DEPLOY / "container/Dockerfile.dockerignore").read_text()
    members = re.findall(r'^    "([^"]+)",$', (TOP / "Cargo.toml").read_text(), re.M)
    for member in {name.split("/")[0] for name in members}:
        expect(f"\n!{member}\n" in ignored, f"Dockerfile.dockerignore leaves out {member}, a part of the workspace")
    for file in ("Cargo.toml", "Cargo.lock", "rust-toolchain.toml"):
        expect(f"\n!{file}\n" in ignored, f"Dockerfile.dockerignore leaves out {file}")


# Compose


SECRETS = {"POSTGRES_PASSWORD": "abc", "LINK_KEYS": KEY, "GRAFANA_PASSWORD": "abc"}


def interpolated(value):
    """As Compose does it, for the two forms that these files use."""
    if isinstance(value, dict):
        return {name: interpolated(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [interpolated(inner) for inner in value]
    if not isinstance(value, str):
        return value
    value = re.sub(r"\$\{(\w+):\?[^}]*\}", lambda found: SECRETS[found.group(1)], value)
    value = re.sub(r"\$\{(\w+):-([^}]*)\}", lambda found: found.group(2), value)
    expect("${" not in value, f"a variable of another form: {value}")
    return value


def compose():
    import jsonschema

    schema = json.loads((Path(__file__).parent / "compose-spec.json").read_text())
    validator = jsonschema.validators.validator_for(schema)(schema)
    expect(list(validator.iter_errors({"services": {"a": {"imagge": "b"}}})), "the schema passes anything")
    for path in sorted((DEPLOY / "compose").glob("*.yaml")):
        if path.name == "prometheus.yaml":
            continue
        document = interpolated(yaml.safe_load(path.read_text()))
        for error in validator.iter_errors(document):
            fail(f"{path.name}: {error.json_path}: {error.message}")
        ours = 0
        for name, service in document["services"].items():
            ours += compose_service(path, document, name, service)
        expect(ours, f"{path.name} has no Afterword")
        print(f"{path.name}: {len(document['services'])} services, {ours} of them Afterword's")
    prometheus_configuration()
    for name in re.findall(r"^([A-Z_]+)=", (DEPLOY / "compose/secrets.example").read_text(), re.M):
        expect(f"${{{name}:" in (DEPLOY / "compose/kafka.yaml").read_text(), f"secrets.example names {name}, which nothing uses")


def compose_service(path, document, name, service):
    where = f"{path.name}: {name}"
    for volume in service.get("volumes", []):
        source = volume.split(":")[0]
        if source.startswith("."):
            expect((path.parent / source).resolve().exists(), f"{where}: {source} is not there")
        elif not source.startswith("/"):
            expect(source in document.get("volumes", {}), f"{where}: the volume {source} is not declared")
    for port in service.get("ports", []):
        expect(port.startswith("127.0.0.1:"), f"{where}: {port} listens beyond the loopback address")
    for other in service.get("depends_on", {}):
        expect(other in document["services"], f"{where} depends on {other}, which is not there")
    if not service["image"].startswith("afterword:"):
        expect(re.search(r":v?[0-9]", service["image"]), f"{where}: {service['image']} has no version")
        return 0
    expect(service.get("read_only") is True and service.get("cap_drop") == ["ALL"], f"{where} is not shut in")
    expect(service.get("security_opt") == ["no-new-privileges:true"], f"{where} may gain rights")
    expect((path.parent / service["build"]["context"] / service["build"]["dockerfile"]).exists(), f"{where}: no Dockerfile")
    config_check(where, service["environment"])
    arguments(where, service.get("command", ["run"]))
    return 1


def arguments(where, words):
    """The program knows this command: asked for help, it reads all words before it answers."""
    ended = subprocess.run([os.environ["PROGRAM"], *words, "--help"], capture_output=True, text=True)
    expect(ended.returncode == 0, f"{where}: {words}: {ended.stderr}")


def prometheus_configuration():
    """promtool looks for the rules where the configuration is told that they lie."""
    with tempfile.TemporaryDirectory() as folder:
        for source in (DEPLOY / "compose/prometheus.yaml", DEPLOY / "watch/alerts.yaml"):
            (Path(folder) / source.name).write_text(source.read_text())
        print(run("promtool", "check", "config", Path(folder) / "prometheus.yaml"))


# The unit and the package


def unit():
    with tempfile.TemporaryDirectory() as folder:
        # systemd wants the program to be there.
        (Path(folder) / "usr/bin").mkdir(parents=True)
        (Path(folder) / "usr/bin/afterword").symlink_to(os.environ["PROGRAM"])
        text = (DEPLOY / "systemd/afterword.service").read_text()
        copy = Path(folder) / "afterword.service"
        copy.write_text(text.replace("ExecStart=/usr/bin/", f"ExecStart={folder}/usr/bin/"))
        said = run("systemd-analyze", "verify", "--man=no", copy)
        expect(not said.strip(), f"systemd-analyze verify: {said}")
    # 10 is exposed, 0 is shut in; the threshold is in tenths.
    said = run("systemd-analyze", "security", "--offline=true", "--threshold=15", DEPLOY / "systemd/afterword.service")
    print(said.strip().splitlines()[-1])
    arguments("afterword.service", re.search(r"(?m)^ExecStart=/usr/bin/afterword (.*)$", text).group(1).split())


def package():
    with tempfile.TemporaryDirectory() as folder:
        name = Path(run(DEPLOY / "debian/build", os.environ["PROGRAM"], folder, env=PACKING).strip())
        control = run("dpkg-deb", "--field", name)
        expect(re.search(r"(?m)^Package: afterword$", control), control)
        listed = run("dpkg-deb", "--contents", name)
        files = {}
        for line in listed.splitlines():
            words = line.split()
            files[words[5]] = words
        wanted = {
            "./usr/bin/afterword": "-rwxr-xr-x",
            "./usr/lib/systemd/system/afterword.service": "-rw-r--r--",
            "./etc/afterword/afterword.toml": "-rw-r--r--",
            "./usr/share/doc/afterword/copyright": "-rw-r--r--",
            "./usr/share/doc/afterword/operations.md": "-rw-r--r--",
            "./usr/share/afterword/alerts.yaml": "-rw-r--r--",
        }
        for path, mode in wanted.items():
            expect(files.get(path, [""])[0] == mode, f"{path} is not {mode} in the package:\n{listed}")
        for words in files.values():
            expect(words[1] == "root/root", f"{words[5]} belongs to {words[1]}")
        unpacked = Path(folder) / "unpacked"
        run("dpkg-deb", "--raw-extract", name, unpacked)
        for script in ("postinst", "prerm", "postrm"):
            run("sh", "-n", unpacked / "DEBIAN" / script)
        subprocess.run(["md5sum", "--check", "--quiet", "DEBIAN/md5sums"], cwd=unpacked, check=True)
        expect((unpacked / "DEBIAN/conffiles").read_text() == "/etc/afterword/afterword.toml\n", "conffiles")
        os.environ["PROGRAM"] = str(unpacked / "usr/bin/afterword")
        config_check("the package's configuration", file=unpacked / "etc/afterword/afterword.toml")
        print(control)


def release():
    """Archive, package, list of components and checksums: whole, the same bytes each time, and runnable where it is unpacked."""
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        for folder in (first, second):
            print(run(DEPLOY / "release/build", os.environ["PROGRAM"], folder, env=PACKING))
        sums = (Path(first) / "SHA256SUMS").read_text()
        expect(sums == (Path(second) / "SHA256SUMS").read_text(), "the same program gave other bytes the second time")
        subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=first, check=True)
        named = {line.split()[1] for line in sums.splitlines()}
        expect(named | {"SHA256SUMS"} == set(os.listdir(first)), f"not every file is in SHA256SUMS: {sums}")

        (archive,) = Path(first).glob("*.tar.gz")
        run("tar", "--extract", "--gzip", "--file", archive, "--directory", first)
        unpacked = archive.with_name(archive.name.removesuffix(".tar.gz"))
        expect(run(unpacked / "afterword", "--version") == run(os.environ["PROGRAM"], "--version"), "the version in the archive")
        for path in ("README.md", "LICENSE", "docs/quick-start.md", "docs/runbooks/down.md", "systemd/afterword.service", "watch/alerts.yaml"):
            expect((unpacked / path).is_file(), f"{path} is missing in the archive")

        text = (unpacked / "components.cdx.json").read_text()
        wrong = JsonStrictValidator(SchemaVersion.V1_5).validate_str(text)
        expect(wrong is None, f"the list of components is no CycloneDX 1.5: {wrong}")
        expect(str(TOP) not in text and "/tmp" not in text, "the list of components names folders of this machine")
        listed = {(part["name"], part["version"]) for part in json.loads(text)["components"]}
        target = re.search(r"host: (.*)", run("rustc", "-vV")).group(1)
        tree = run("cargo", "tree", "--locked", "--offline", "--package", "afterword", "--edges", "normal,build", "--target", target, "--prefix", "none", "--format", "{p}")
        used = {(words[0], words[1].removeprefix("v")) for words in map(str.split, tree.splitlines()) if words}
        used = {(name, version) for name, version in used if name != "afterword"}
        expect(used <= listed, f"not listed: {sorted(used - listed)}")
        expect(any(name == "librocksdb-sys" for name, _ in listed), "RocksDB is not listed")
        print(f"{len(listed)} components listed, {len(used)} in the program or used to build it")


def main():
    from chart import chart

    checks = {"image": image, "compose": compose, "chart": chart, "unit": unit, "package": package, "release": release}
    expect(len(sys.argv) == 2 and sys.argv[1] in checks, f"usage: check.py {'|'.join(checks)}")
    checks[sys.argv[1]]()


if __name__ == "__main__":
    main()

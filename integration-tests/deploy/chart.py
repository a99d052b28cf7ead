"""Renders the chart with Helm's own engine, for each way to use it, and holds what comes out against the schemas of Kubernetes."""

import tempfile
from pathlib import Path

import helm_python
import kubernetes_validate
import yaml

from check import DEPLOY, KEY, arguments, config_check, expect, fail

CHART = DEPLOY / "helm/afterword"
# The oldest that the chart says it works on, and the newest there is a schema of.
VERSIONS = ["1.27", "1.31", "1.37"]
# Of operators, with no schema among those of Kubernetes.
FOREIGN = {"PodMonitor": "monitoring.coreos.com/v1"}

SECRETS = {"AFTERWORD_REPORTS__DATABASE_URL": "postgres://a:b@db/c", "AFTERWORD_SURVEY__LINK_KEYS": KEY}
CASES = {
    "kafka": {"secrets": {"values": SECRETS}},
    "embedded": {"log": "embedded", "config": {"kafka": None, "log": {"retention_days": 400}, "process": {"debt_facts": 100_000_000}}},
    "everything": {
        "secrets": {"existing": "secrets"},
        "imagePullSecrets": [{"name": "registry"}],
        "processor": {"autoscaling": {"enabled": True}, "volume": {"storageClass": "fast"}},
        "survey": {"ingress": {"enabled": True, "className": "nginx", "host": "survey.example.com", "tls": "certificate", "annotations": {"a": "b"}}},
        "topics": {"arguments": ["--partitions=24"]},
        "networkPolicy": {
            "surveyFrom": [{}],
            "reportsFrom": [{"podSelector": {"matchLabels": {"app": "proxy"}}}],
            "egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}], "ports": [{"port": 9092, "protocol": "TCP"}]}],
        },
        "podMonitor": True,
        "podAnnotations": {"c": "d"},
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"key": "a", "operator": "Exists"}],
    },
    "bare": {"secrets": {"existing": "secrets"}, "topics": {"create": False}, "networkPolicy": {"enabled": False}},
}
# Values that must be refused, each with words of the reason.
REFUSED = {
    "secrets.existing": {},
    "log": {"log": "papyrus", "secrets": {"existing": "s"}},
    "host": {"secrets": {"existing": "s"}, "survey": {"ingress": {"enabled": True}}},
    "data_dir": {"secrets": {"existing": "s"}, "config": {"data_dir": "/x"}},
    "replica": {"secrets": {"existing": "s"}, "replica": 3},
}


def merged(base, over):
    result = dict(base)
    for name, value in over.items():
        both = isinstance(value, dict) and isinstance(result.get(name), dict)
        result[name] = merged(result[name], value) if both else value
    return result


def rendered(chart, values):
    chart.validate_schema(merged(chart.values, values))
    documents = []
    for text in chart.render(values, name="aw", namespace="support").values():
        documents += [document for document in yaml.safe_load_all(text) if document]
    return documents


def chart():
    print(f"Helm {helm_python.helm_sdk_version()}")
    findings = helm_python.lint(str(CHART))
    expect(not findings["errors"] and all(message["severity"] <= 1 for message in findings["messages"]), f"helm lint: {findings}")
    with helm_python.Chart.load(str(CHART)) as loaded:
        for name, values in CASES.items():
            documents = rendered(loaded, values)
            for document in documents:
                valid(name, document)
            related(name, documents)
            configured(name, documents, values)
            kinds = sorted({document["kind"] for document in documents})
            print(f"{name}: {len(documents)} objects of {len(kinds)} kinds ({', '.join(kinds)})")
        for words, values in REFUSED.items():
            refused(loaded, words, values)
    must_fail = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": {"replicas": "two"}}
    expect(problem_of(must_fail, VERSIONS[-1]), "the schemas pass anything")


def problem_of(document, version):
    try:
        kubernetes_validate.validate(document, version, strict=True)
        return None
    except kubernetes_validate.ValidationError as error:
        return error.message


def valid(case, document):
    kind, name = document["kind"], document["metadata"]["name"]
    if kind in FOREIGN:
        expect(document["apiVersion"] == FOREIGN[kind], f"{case}: {kind}: {document['apiVersion']}")
        return
    for version in VERSIONS:
        problem = problem_of(document, version)
        expect(not problem, f"{case}: {kind} {name} is not valid in Kubernetes {version}: {problem}")


def refused(loaded, words, values):
    try:
        rendered(loaded, values)
    except helm_python.HelmError as error:
        expect(words in str(error), f"{values} is refused for another reason than {words}: {error}")
        return
    fail(f"the chart takes {values}")


def pods(documents):
    return [(document, document["spec"]["template"]) for document in documents if document["kind"] in ("StatefulSet", "Deployment")]


def within(selector, labels):
    return all(labels.get(name) == value for name, value in selector.items())


def related(case, documents):
    """What a schema does not see: that names and labels meet, and that pods are shut in."""
    names = {(document["kind"], document["metadata"]["name"]) for document in documents}
    expect(len(names) == len(documents), f"{case}: two objects of one name")
    labels = []
    for document, pod in pods(documents):
        where = f"{case}: {document['metadata']['name']}"
        labels.append((pod["metadata"]["labels"], pod))
        expect(within(document["spec"]["selector"]["matchLabels"], pod["metadata"]["labels"]), f"{where} does not select its pods")
        shut_in(where, pod["spec"], document)
        expect(("ServiceAccount", pod["spec"]["serviceAccountName"]) in names, f"{where}: no such account")
        if document["kind"] == "StatefulSet":
            expect(("Service", document["spec"]["serviceName"]) in names, f"{where}: no such service")
    for document in documents:
        kind, where = document["kind"], f"{case}: {document['kind']} {document['metadata']['name']}"
        if kind == "Service":
            chosen = [pod for found, pod in labels if within(document["spec"]["selector"], found)]
            expect(chosen, f"{where} selects no pod")
            for port in document["spec"]["ports"]:
                for pod in chosen:
                    ports = [there["name"] for there in pod["spec"]["containers"][0]["ports"]]
                    expect(port["targetPort"] in ports, f"{where}: a pod has no port {port['targetPort']}")
        if kind in ("PodDisruptionBudget", "NetworkPolicy"):
            selector = document["spec"].get("selector", document["spec"].get("podSelector"))["matchLabels"]
            expect(any(within(selector, found) for found, _ in labels), f"{where} selects no pod")
        if kind == "HorizontalPodAutoscaler":
            target = document["spec"]["scaleTargetRef"]
            expect((target["kind"], target["name"]) in names, f"{where} scales nothing")
        if kind == "Ingress":
            backend = document["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"]
            expect(("Service", backend) in names, f"{where}: no such service")


def shut_in(where, pod, document):
    expect(pod["securityContext"]["runAsNonRoot"] and not pod["automountServiceAccountToken"], f"{where} has rights")
    mounted = {volume["name"] for volume in pod["volumes"]}
    mounted |= {claim["metadata"]["name"] for claim in document["spec"].get("volumeClaimTemplates", [])}
    for container in pod["containers"] + pod.get("initContainers", []):
        context = container["securityContext"]
        expect(context["readOnlyRootFilesystem"] and not context["allowPrivilegeEscalation"], f"{where} is not shut in")
        expect(context["capabilities"] == {"drop": ["ALL"]}, f"{where} has capabilities")
        expect("memory" in container["resources"]["limits"], f"{where} has no limit of memory")
        for mount in container["volumeMounts"]:
            expect(mount["name"] in mounted, f"{where}: no volume {mount['name']}")
        arguments(where, [word for word in container["args"] if not word.startswith("--config")])
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        expect(probe in pod["containers"][0], f"{where} has no {probe}")


def configured(case, documents, values):
    """The program takes the file and the variables that it would get."""
    text = next(document for document in documents if document["kind"] == "ConfigMap")["data"]["afterword.toml"]
    secrets = [document["stringData"] for document in documents if document["kind"] == "Secret"]
    variables = secrets[0] if secrets else (SECRETS if values.get("log") != "embedded" else {})
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "afterword.toml"
        file.write_text(text)
        config_check(f"{case}: the configuration\n{text}", variables, file)

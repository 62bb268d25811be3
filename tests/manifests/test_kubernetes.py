"""The manifests of docker/kubernetes: right by the schemas of those who read them, and right for us."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
import yaml

from kong_federation.settings import parse_settings
from tests.manifests.judge import config_findings, deck_findings, documents, findings

FOLDER = Path(__file__).parents[2] / "docker" / "kubernetes"
MANIFESTS = sorted(path for path in FOLDER.glob("*.yaml") if path.name != "values.yaml")
ALL = [(path.name, manifest) for path in MANIFESTS for manifest in documents(path)]


def of_kind(kind):
    return [manifest for _, manifest in ALL if manifest["kind"] == kind]


def named(kind, name):
    return next(manifest for manifest in of_kind(kind) if manifest["metadata"]["name"] == name)


@pytest.mark.parametrize(
    ("name", "manifest"), ALL, ids=lambda value: value["kind"] if isinstance(value, dict) else value
)
def test_every_manifest_is_right(name, manifest):
    assert findings(manifest) == []


@pytest.mark.parametrize(
    ("kind", "change", "says"),
    [
        ("KongPlugin", lambda m: m.update(pluggin="x"), "pluggin"),
        ("KongPlugin", lambda m: m["config"].update(limitz={}), "limitz"),
        ("KongPlugin", lambda m: m.update(configFrom={"secretKeyRef": {"name": "a", "key": "b"}}), "Using both config"),
        (
            "HTTPRoute",
            lambda m: m["spec"]["rules"][0]["filters"][0].pop("extensionRef"),
            "extensionRef must be specified",
        ),
        ("Ingress", lambda m: m["spec"].update(ingressClas="kong"), "ingressClas"),
        ("Deployment", lambda m: m["spec"].update(replicas="two"), "replicas"),
        ("HTTPRoute", lambda m: m["spec"]["rules"][0]["matches"][0].update(method="post"), "post"),
        ("MeshTimeout", lambda m: m["spec"]["to"][0]["default"]["http"].update(timeout="1s"), "timeout"),
        ("MeshRetry", lambda m: m["spec"]["targetRef"].update(kind="Pod"), "Pod"),
        ("MeshTrace", lambda m: m.update(kind="MeshTracing"), "nothing to check it by"),
    ],
)
def test_the_judge_finds_mistakes(kind, change, says):
    manifest = copy.deepcopy(of_kind(kind)[-1])
    change(manifest)
    assert says in " ".join(findings(manifest))


def test_routes_use_the_plugin_and_lead_nowhere():
    """A Service without a selector has no endpoints: without the plugin, Kong answers 503."""
    void = named("Service", "graphql-void")
    assert "selector" not in void["spec"]
    ingress, route = named("Ingress", "graphql"), named("HTTPRoute", "graphql")
    plugin = named("KongPlugin", "shop-graph")
    assert ingress["metadata"]["annotations"]["konghq.com/plugins"] == plugin["metadata"]["name"]
    (path,) = ingress["spec"]["rules"][0]["http"]["paths"]
    assert path["backend"]["service"]["name"] == void["metadata"]["name"]
    (rule,) = route["spec"]["rules"]
    assert rule["filters"][0]["extensionRef"]["name"] == plugin["metadata"]["name"]
    assert [backend["name"] for backend in rule["backendRefs"]] == [void["metadata"]["name"]]
    assert len({manifest["metadata"]["namespace"] for manifest in (void, ingress, route, plugin)}) == 1


def test_a_supergraph_from_a_secret_is_a_whole_configuration():
    """The controller pastes the value into a JSON patch, so it has to be JSON itself."""
    plugin, secret = named("KongPlugin", "shop-graph-from-secret"), named("Secret", "shop-supergraph")
    config = copy.deepcopy(plugin["config"])
    (patch,) = plugin["configPatches"]
    reference = patch["valueFrom"]["secretKeyRef"]
    assert reference["name"] == secret["metadata"]["name"]
    *way, last = patch["path"].strip("/").split("/")
    place = config
    for part in way:
        place = place[part]
    place[last] = json.loads(secret["stringData"][reference["key"]])
    assert config_findings(config) == []


def test_the_plain_deployment_carries_a_kong_yml():
    declared = yaml.safe_load(named("ConfigMap", "kong-declarative")["data"]["kong.yml"])
    assert deck_findings(declared) == []
    assert all("service" not in route for route in declared["routes"])


def seconds(duration):
    unit = {"ms": 0.001, "s": 1, "h": 3600}
    number = duration.rstrip("msh")
    return float(number) * unit[duration[len(number) :]]


def test_the_mesh_waits_longer_than_the_plugin_and_shorter_than_kong():
    settings = parse_settings({"supergraph": {"sdl": "x"}})
    longest = max(settings.limits.deadline, settings.subgraph_defaults.read_timeout) / 1000
    http = of_kind("MeshTimeout")[0]["spec"]["to"][0]["default"]["http"]
    assert all(longest < seconds(http[name]) < 60 for name in ("requestTimeout", "streamIdleTimeout"))


def test_the_mesh_retries_only_what_has_reached_nobody():
    http = of_kind("MeshRetry")[0]["spec"]["to"][0]["default"]["http"]
    assert set(http["retryOn"]) == {"ConnectFailure", "RefusedStream"}


def test_policies_are_about_kongs_pods():
    labels = named("Deployment", "kong")["spec"]["template"]["metadata"]["labels"]
    for kind in ("MeshTimeout", "MeshRetry", "MeshCircuitBreaker"):
        wanted = dict(of_kind(kind)[0]["spec"]["targetRef"]["labels"])
        assert wanted.pop("k8s.kuma.io/namespace") == "kong"
        assert wanted.items() <= labels.items()


def kong_settings(pod):
    (kong,) = pod["containers"]
    return {entry["name"]: entry["value"] for entry in kong["env"]}


def helm_pod():
    """The parts of the pod that the Helm values make, as a pod with a container in Kong's place."""
    gateway = yaml.safe_load((FOLDER / "values.yaml").read_text(encoding="utf-8"))["gateway"]
    deployment = gateway["deployment"]
    return {
        "terminationGracePeriodSeconds": gateway["terminationGracePeriodSeconds"],
        "volumes": deployment["userDefinedVolumes"],
        "initContainers": deployment["initContainers"],
        "containers": [
            {
                "name": "proxy",
                "image": f"{gateway['image']['repository']}:{gateway['image']['tag']}",
                "env": [{"name": f"KONG_{name.upper()}", "value": value} for name, value in gateway["env"].items()],
                "volumeMounts": deployment["userDefinedVolumeMounts"],
            }
        ],
    }


def test_the_helm_values_make_a_right_pod():
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "kong", "namespace": "kong"}, "spec": helm_pod()}
    assert findings(pod) == []
    values = yaml.safe_load((FOLDER / "values.yaml").read_text(encoding="utf-8"))
    assert values["gateway"]["plugins"]["preInstalled"] == "graphql-federation"
    assert values["gateway"]["podAnnotations"]["kuma.io/gateway"] == "enabled"


PODS = {"values": helm_pod(), "deployment": named("Deployment", "kong")["spec"]["template"]["spec"]}


def option(container, name):
    return next(word.split("=", 1)[1] for word in container["args"] if word.startswith(f"--{name}="))


@pytest.mark.parametrize("pod", PODS.values(), ids=PODS)
def test_kong_and_the_plugin_server_meet(pod):
    kong = kong_settings(pod)
    containers = {container["name"]: container for container in pod["initContainers"]}
    server, dump = containers["kong-federation"], containers["kong-federation-dump"]
    names = list(containers)
    assert names.index("kong-federation-dump") < names.index("kong-federation")

    assert kong["KONG_PLUGINSERVER_NAMES"] == "graphql-federation"
    assert option(server, "socket") == kong["KONG_PLUGINSERVER_GRAPHQL_FEDERATION_SOCKET"]
    assert f"cat {dump['args'][-1]}" == kong["KONG_PLUGINSERVER_GRAPHQL_FEDERATION_QUERY_CMD"]
    assert "KONG_PLUGINSERVER_GRAPHQL_FEDERATION_START_CMD" not in kong
    shared = [mount for mount in pod["containers"][0]["volumeMounts"] if mount["name"] == "kong-federation"]
    for container in (server, dump):
        assert [mount for mount in container["volumeMounts"] if mount["name"] == "kong-federation"] == shared


@pytest.mark.parametrize("pod", PODS.values(), ids=PODS)
def test_plans_have_place_and_are_not_in_memory(pod):
    """A file system in memory that plans have filled has no place for Kong's instances either."""
    server = next(container for container in pod["initContainers"] if container["name"] == "kong-federation")
    directory = option(server, "runtime-directory")
    (mount,) = [mount for mount in server["volumeMounts"] if directory.startswith(mount["mountPath"] + "/")]
    volume = next(volume for volume in pod["volumes"] if volume["name"] == mount["name"])["emptyDir"]
    assert "medium" not in volume
    largest = parse_settings({"supergraph": {"sdl": "x"}}).planning.store.max_bytes
    assert int(volume["sizeLimit"].removesuffix("Mi")) * 2**20 >= 1.5 * largest


@pytest.mark.parametrize("pod", PODS.values(), ids=PODS)
def test_no_body_within_the_limit_goes_over_a_file(pod):
    buffer = kong_settings(pod)["KONG_NGINX_HTTP_CLIENT_BODY_BUFFER_SIZE"]
    limit = parse_settings({"supergraph": {"sdl": "x"}}).limits.max_body_size
    assert int(buffer.removesuffix("m")) * 1024 * 1024 > limit


@pytest.mark.parametrize("pod", PODS.values(), ids=PODS)
def test_the_server_outlives_kong(pod):
    server = next(container for container in pod["initContainers"] if container["name"] == "kong-federation")
    assert server["restartPolicy"] == "Always"
    assert int(option(server, "drain-seconds")) + 15 < pod["terminationGracePeriodSeconds"]


@pytest.mark.parametrize("pod", PODS.values(), ids=PODS)
def test_the_server_writes_nothing_but_its_directory(pod):
    for container in pod["initContainers"]:
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}

"""charts/porter: what Helm renders is valid, grants what is needed and no more, and works.

Every other test here runs under the rights of the chart, too: `conformance.rig.rbac` takes them
from it.
"""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml

from conformance.rig import chart, samples, workloads
from conformance.rig import porter as rig_porter
from conformance.rig.api import PORTER, Api, ApiError
from conformance.rig.errors import RigError
from conformance.rig.fib import wait_next_hops
from conformance.rig.hosts import run
from conformance.rig.kubelet import condition, now
from conformance.rig.layout import HOSTS, NODES
from conformance.rig.objects import as_object, at, name_of, objects, parse, text, texts
from conformance.rig.probes import fetch
from conformance.rig.process import wait_until
from porter_ctl.cli.main import porter as command

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.rig.control_plane import ControlPlane
    from conformance.rig.layout import Layout
    from conformance.rig.objects import Json, Object

JOB = f"/apis/batch/v1/namespaces/{chart.NAMESPACE}/jobs/porter-stop"
DAEMONSET = f"/apis/apps/v1/namespaces/{chart.NAMESPACE}/daemonsets/porter"
HOOK_ROLE = "/apis/rbac.authorization.k8s.io/v1/clusterroles/porter-stop"
RELEASE, NAMESPACE = "shipped", "shipped-system"  # other names than the rig's own
ACCOUNT = "shipped-porter"
SECRETS = ["tor-a", "tor-b"]
VALUES: dict[str, Object] = {
    "default": {},
    **{
        path.stem.removesuffix("-values"): yaml.safe_load(path.read_text())
        for path in sorted((chart.CHART / "ci").glob("*-values.yaml"))
    },
}
BAD_VALUES: dict[str, tuple[Object, str]] = {
    "a misspelt value": ({"speaker": {"loglevel": "info"}}, "loglevel"),
    "a level that is none": ({"speaker": {"logLevel": "loud"}}, "logLevel"),
    "a port out of range": ({"k8sServicePort": 65536}, "k8sServicePort"),
    "no port to serve on": ({"speaker": {"http": "127.0.0.1"}}, "http"),
    "a digest that is a tag": ({"image": {"digest": "latest"}}, "digest"),
    "nothing may be away in a rollout": ({"speaker": {"maxUnavailable": 0}}, "maxUnavailable"),
    "no time to leave": (
        {"speaker": {"terminationGracePeriodSeconds": 0}},
        "terminationGracePeriodSeconds",
    ),
    "an account of nobody": ({"serviceAccount": {"create": False}}, "serviceAccount.name"),
}
OURS = ("vips", "vippools", "bgppeers", "bgpconfigs", "bgpadvertisements")
READ = ("get", "list", "watch")
Right = tuple[str, str, str, str]  # verb, group, resource, name

# What the two halves of `porter run` need, by namespace; "" is everywhere.
RIGHTS: dict[str, list[tuple[str, tuple[str, ...], tuple[str, ...], tuple[str, ...]]]] = {
    "": [
        ("", ("services", "nodes"), READ, ()),
        ("", ("namespaces",), ("list", "watch"), ()),
        ("", ("services/status",), ("patch",), ()),
        ("discovery.k8s.io", ("endpointslices",), ("list", "watch"), ()),
        ("porter.network", (*OURS, "bgpnodes"), READ, ()),
        ("porter.network", ("vips",), ("create", "update", "delete"), ()),
        ("porter.network", ("bgpnodes",), ("create",), ()),
        (
            "porter.network",
            (*(f"{kind}/status" for kind in OURS), "bgpnodes/status"),
            ("patch",),
            (),
        ),
        ("events.k8s.io", ("events",), ("create", "patch"), ()),
    ],
    NAMESPACE: [
        ("", ("pods",), READ, ()),
        ("", ("secrets",), ("get", "watch"), ("tor-a", "tor-b")),
    ],
    "kube-system": [
        ("coordination.k8s.io", ("leases",), ("create",), ()),
        ("coordination.k8s.io", ("leases",), ("get", "update", "patch"), ("porter-allocator",)),
    ],
    "default": [("events.k8s.io", ("events",), ("create", "patch"), ())],
}
STOP_RIGHTS = [
    ("porter.network", ("bgpconfigs",), ("list", "patch"), ()),
    ("porter.network", ("bgpnodes",), ("list",), ()),
]


def one(rendered: list[Object], kind: str) -> Object:
    (found,) = [item for item in rendered if text(item, "kind") == kind]
    return found


def container(workload: Object) -> Object:
    (found,) = objects(workload, "spec", "template", "spec", "containers")
    return found


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_lint_finds_nothing(values: Object) -> None:
    said = chart.helm("lint", "--strict", "--quiet", str(chart.CHART), values=values)

    assert "[WARNING]" not in said
    assert "[ERROR]" not in said


@pytest.mark.parametrize(("values", "blamed"), BAD_VALUES.values(), ids=BAD_VALUES)
def test_a_bad_value_is_refused_by_its_name(values: Object, blamed: str) -> None:
    with pytest.raises(RigError, match=blamed):
        chart.render(values)


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_the_api_server_takes_every_object_and_knows_every_field(
    control_plane: ControlPlane, values: Object
) -> None:
    make_namespace(control_plane.api, NAMESPACE)
    rendered = chart.render_text(values, release=RELEASE, namespace=NAMESPACE)

    said = dry_run(control_plane, rendered)

    assert len(said.splitlines()) == len(chart.render(values)) > 0


def test_a_field_that_nobody_knows_is_refused(control_plane: ControlPlane) -> None:
    make_namespace(control_plane.api, NAMESPACE)
    rendered = chart.render_text(release=RELEASE, namespace=NAMESPACE)

    with pytest.raises(RigError, match="dnsPolice"):
        dry_run(control_plane, rendered.replace("dnsPolicy:", "dnsPolice:"))


def dry_run(control_plane: ControlPlane, manifests: str) -> str:
    return control_plane.kubectl(
        *("apply", "--server-side", "--force-conflicts", "--dry-run=server"),
        *("--validate=strict", "-f", "-"),
        manifest=manifests,
    )


def make_namespace(api: Api, name: str, **labels: str) -> None:
    namespace: Object = {"apiVersion": "v1", "kind": "Namespace"}
    api.apply({**namespace, "metadata": {"name": name, "labels": {**labels}}})


@pytest.mark.parametrize(("crds", "kept"), [({}, True), ({"keep": False}, False)], ids=["", "no"])
def test_the_definitions_are_those_of_porter_crd_and_outlive_the_release(
    crds: Object, *, kept: bool
) -> None:
    wanted: list[Object] = list(yaml.safe_load_all(run(str(rig_porter.COMMAND), "crd")))

    rendered = [
        item
        for item in chart.render({"crds": crds})
        if text(item, "kind") == "CustomResourceDefinition"
    ]

    for item in rendered:
        metadata = as_object(item["metadata"])
        assert metadata.pop("annotations", {}) == (
            {"helm.sh/resource-policy": "keep"} if kept else {}
        )
    assert sorted(rendered, key=name_of) == sorted(wanted, key=name_of)


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_the_command_knows_every_argument_it_is_given(values: Object) -> None:
    rendered = chart.render(values)

    for workload in rendered:
        if text(workload, "kind") in {"DaemonSet", "Job"}:
            name, *arguments = texts(container(workload), "args")
            known = command.get_command(command.make_context("porter", [name]), name)
            assert known is not None
            given = known.make_context(name, ["--node=n1"] * (name == "run") + arguments)
            assert given.params["kubeconfig"] is None


def test_the_speaker_breaks_the_strictest_pod_security_by_the_hosts_network_alone(
    control_plane: ControlPlane,
) -> None:
    api = control_plane.api
    make_namespace(api, "strict-pods", **{"pod-security.kubernetes.io/enforce": "restricted"})
    spec = as_object(at(one(chart.render(), "DaemonSet"), "spec", "template", "spec"))
    spec["serviceAccountName"] = "default"
    del spec["priorityClassName"]  # made by a controller that is not here
    pod: Object = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "speaker", "namespace": "strict-pods"},
        "spec": spec,
    }

    with pytest.raises(ApiError, match="hostNetwork=true"):
        api.create(pod)
    del spec["hostNetwork"]
    for probe in ("livenessProbe", "readinessProbe"):
        del as_object(at(spec, "containers", 0, probe, "httpGet"))["host"]
    api.create(pod)
    api.delete("/api/v1/namespaces/strict-pods/pods/speaker", grace=0)


@pytest.fixture(scope="module")
def shipped(control_plane: ControlPlane) -> ControlPlane:
    """The rights of another release, with its hook's, on the control plane."""
    make_namespace(control_plane.api, NAMESPACE)
    rendered = chart.render({"secrets": [*SECRETS]}, release=RELEASE, namespace=NAMESPACE)
    for item in rendered:
        if text(item, "kind") in {
            *("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")
        }:
            control_plane.api.apply(item)
    return control_plane


def test_the_account_may_do_what_is_listed_and_nothing_else(shipped: ControlPlane) -> None:
    for namespace in (*RIGHTS, "kube-public"):
        allowed = rights_of(shipped, ACCOUNT, namespace or "kube-node-lease")
        listed = spread(RIGHTS[""]) | (spread(RIGHTS[namespace]) if namespace in RIGHTS else set())

        assert allowed == listed, namespace


def test_the_hook_may_drain_and_look_and_nothing_else(shipped: ControlPlane) -> None:
    assert rights_of(shipped, f"{ACCOUNT}-stop", NAMESPACE) == spread(STOP_RIGHTS)


def test_without_named_secrets_none_is_readable() -> None:
    rules = [
        rule
        for item in chart.render()
        if text(item, "kind") in {"Role", "ClusterRole"}
        for rule in objects(item, "rules")
    ]

    assert [rule for rule in rules if "secrets" in texts(rule, "resources")] == []


def rights_of(control_plane: ControlPlane, account: str, namespace: str) -> set[Right]:
    """What `kubectl auth can-i --list` shows there, without what every account may."""
    return _listed(control_plane, account, namespace) - _listed(control_plane, "default", namespace)


def _listed(control_plane: ControlPlane, account: str, namespace: str) -> set[Right]:
    user = f"--as=system:serviceaccount:{NAMESPACE}:{account}"
    review: Object = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": namespace},
    }
    answer = parse(
        control_plane.kubectl(
            "create",
            user,
            "--validate=false",
            "-o",
            "json",
            "-f",
            "-",
            manifest=yaml.safe_dump(review),
        )
    )
    assert at(answer, "status", "incomplete") is False
    return spread(
        (
            group,
            (*texts(rule, "resources"),),
            (*texts(rule, "verbs"),),
            (*texts(rule, "resourceNames"),),
        )
        for rule in objects(answer, "status", "resourceRules")
        for group in texts(rule, "apiGroups")
    )


def spread(
    rules: Iterable[tuple[str, Iterable[str], Iterable[str], Iterable[str]]],
) -> set[Right]:
    """Every single right in these rules."""
    return {
        (verb, group, resource, name)
        for group, resources, verbs, names in rules
        for resource in resources
        for verb in verbs
        for name in list(names) or [""]
    }


@pytest.fixture(scope="module")
def installed(rig: Layout) -> Layout:
    """The rig with the chart installed by Helm, and configured."""
    install(rig)
    rig.control_plane.api.apply(*samples.configuration())
    return rig


def test_helm_installs_it_the_main_job_runs_and_what_helm_uninstalls_comes_back(
    installed: Layout,
) -> None:
    api = installed.control_plane.api
    first = rig_porter.start_porters(installed)
    workloads.start_backends(installed.kubelet, installed.nodes.values(), "web", port=8101)
    api.create(workloads.service("web", target_port=8101))
    wait_until(
        lambda: len(workloads.ingress_of(api, "web")) == 2, timeout=15, what="web has addresses"
    )
    given = workloads.ingress_of(api, "web")
    wait_routed(installed, given, NODES)
    clients = installed.clients.values()
    seen = [fetch(client, one, times=60) for client in clients for one in given]

    said = uninstall(installed)
    gone = [path for path in (DAEMONSET, JOB, HOOK_ROLE) if not api.exists(path)]
    wait_routed(installed, given, ())
    statuses = [porter.pod.delete() for porter in first.values()]
    kept = {
        kind: [text(item, "spec", "adminState") for item in api.list(f"{PORTER}/{kind}")]
        for kind in ("bgpconfigs", "bgppeers", "vips")
    }
    install(installed)
    again = rig_porter.start_porters(installed)
    api.patch(f"{PORTER}/bgpconfigs/default", {"spec": {"adminState": "Up"}})
    wait_routed(installed, given, NODES)
    for porter in again.values():
        porter.pod.delete()

    assert [set(answers) for answers in seen] == [{f"answered by {node}" for node in NODES}] * 4
    assert said == "BGPConfig default: Drained\nno node announces\n"
    assert gone == [DAEMONSET, JOB, HOOK_ROLE]
    assert statuses == [0, 0, 0]
    assert kept == {"bgpconfigs": ["Drained"], "bgppeers": ["Up"] * 4, "vips": [""] * 2}
    assert workloads.ingress_of(api, "web") == given


def install(rig: Layout) -> None:
    kubeconfig = f"--kubeconfig={rig.control_plane.kubeconfig}"
    chart.helm(
        *("upgrade", "--install", chart.RELEASE, str(chart.CHART), kubeconfig),
        *("--namespace", chart.NAMESPACE, "--create-namespace"),
    )
    rig.control_plane.api.wait_established(*(f"{k}.porter.network" for k in rig_porter.KINDS))


def uninstall(rig: Layout) -> str:
    """Have Helm uninstall; the hook's Job is done here, as its account. Returns what it prints."""
    api = rig.control_plane.api
    kubeconfig = f"--kubeconfig={rig.control_plane.kubeconfig}"
    argv = (chart.find_helm(), "uninstall", chart.RELEASE, kubeconfig)
    with subprocess.Popen([*argv, "--namespace", chart.NAMESPACE]) as helm:
        wait_until(lambda: api.exists(JOB), timeout=15, what="Helm has made the hook's Job")
        started = now()
        try:
            said = stop(rig, api.get(JOB))
            met: list[Json] = [
                condition(kind, holds=True) for kind in ("SuccessCriteriaMet", "Complete")
            ]
            done: Object = {"startTime": started, "completionTime": now(), "succeeded": 1}
            api.patch(f"{JOB}/status", {"status": {**done, "conditions": met}})
            assert helm.wait(30) == 0
        finally:
            helm.kill()
    return said


def stop(rig: Layout, job: Object) -> str:
    """Run what a Job is to run, as its account."""
    account = text(job, "spec", "template", "spec", "serviceAccountName")
    answer = rig.control_plane.api.post(
        f"/api/v1/namespaces/{chart.NAMESPACE}/serviceaccounts/{account}/token", {"spec": {}}
    )
    token = rig.hosts.folder / "stop-token"
    token.write_text(text(answer, "status", "token"))
    kubeconfig = rig.control_plane.write_kubeconfig(
        "stop", f"https://{HOSTS['cp'][0]}:6443", token_file=token
    )
    arguments = texts(container(job), "args")
    return rig.nodes["n1"].run(str(rig_porter.COMMAND), *arguments, "--kubeconfig", str(kubeconfig))


def wait_routed(rig: Layout, addresses: list[str], nodes: tuple[str, ...]) -> None:
    """Wait until both routers' kernels send these addresses to these nodes."""
    for router in rig.routers.values():
        for address in addresses:
            hops = [HOSTS[node][":" in address] for node in nodes]
            prefix = f"{address}/{'128' if ':' in address else '32'}"
            wait_next_hops(router.host, prefix, hops, timeout=30)


def test_a_node_writes_the_status_of_its_own_bgpnode_only(installed: Layout) -> None:
    plane = installed.control_plane
    for node in ("n1", "n2"):
        bgpnode: Object = {"apiVersion": "porter.network/v1beta1", "kind": "BGPNode"}
        plane.api.apply({**bgpnode, "metadata": {"name": node}})
    pod = installed.kubelet.make_pod(
        installed.nodes["n1"], "stolen", namespace=chart.NAMESPACE, account=chart.RELEASE
    )
    stolen = Api(plane.server, plane.certificates.authority, token=pod.refresh_token())
    forged: Json = {"status": {"summary": "4/4 peers"}}

    def forge(node: str) -> str:
        try:
            stolen.patch(f"{PORTER}/bgpnodes/{node}/status", forged, dryRun="All")
        except ApiError as error:
            return str(error)
        return ""

    wait_until(lambda: bool(forge("n2")), timeout=15, what="the policy is in force")
    own, other = forge("n1"), forge("n2")
    pod.remove()

    assert own == ""
    assert "own BGPNode only" in other

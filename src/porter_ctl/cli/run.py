"""`porter run`: the daemon. The only command that loads it."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from porter_ctl.cli.help import examples
from porter_ctl.daemon.settings import (
    CONTROL,
    HTTP,
    NAMESPACE,
    STATE_DIR,
    HttpAddress,
    LogFormat,
    LogLevel,
    PodIdentity,
    Settings,
)

_CLASSES = ("porter.network/bgp", "")
_PATH = click.Path(path_type=Path)


def _http(_: click.Context, __: click.Parameter, text: str) -> HttpAddress:
    try:
        return HttpAddress.parse(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command(
    "run",
    epilog=examples(
        "porter run --node worker-1",
        "porter run --node edge --manifests /etc/porter",
        "porter run --node worker-1 --kubeconfig ~/.kube/config --log-level debug",
    ),
)
@click.option(
    "--node", envvar="NODE_NAME", required=True, show_envvar=True, help="This machine's Node."
)
@click.option(
    "--manifests",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A directory of YAML that stands for the cluster.",
)
@click.option(
    "--kubeconfig",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="How to reach the API server; without it, as this Pod's ServiceAccount.",
)
@click.option(
    "--state-dir", type=_PATH, default=STATE_DIR, show_default=True, help="One process a directory."
)
@click.option(
    "--password-dir",
    type=_PATH,
    help="Where peers' passwords are kept for a restart; best in memory.  [default: --state-dir]",
)
@click.option(
    "--control", type=_PATH, default=CONTROL, show_default=True, help="Socket for `porter status`."
)
@click.option(
    "--http",
    metavar="HOST:PORT",
    default=str(HTTP),
    show_default=True,
    callback=_http,
    help="Where /healthz, /readyz and /metrics are.",
)
@click.option(
    "--service-class",
    "service_classes",
    metavar="CLASS",
    multiple=True,
    default=_CLASSES,
    help='A loadBalancerClass that is ours; "" for Services that name none. May be repeated.'
    "  [default: porter.network/bgp and none]",
)
@click.option(
    "--log-format",
    type=click.Choice([str(style) for style in LogFormat]),
    help="[default: console on a terminal, else json]",
)
@click.option(
    "--log-level",
    type=click.Choice([str(level) for level in LogLevel]),
    default=str(LogLevel.INFO),
    show_default=True,
    help="From where on Porter's own events are logged.",
)
@click.option("--pod-name", envvar="POD_NAME", default="", hidden=True)
@click.option("--pod-namespace", envvar="POD_NAMESPACE", default=NAMESPACE, hidden=True)
@click.option("--pod-uid", envvar="POD_UID", default="", hidden=True)
def command(
    node: str,
    manifests: Path | None,
    kubeconfig: Path | None,
    state_dir: Path,
    password_dir: Path | None,
    control: Path,
    http: HttpAddress,
    service_classes: tuple[str, ...],
    log_format: str | None,
    log_level: str,
    pod_name: str,
    pod_namespace: str,
    pod_uid: str,
) -> None:
    """Be the speaker of this node, and a candidate to allocate.

    SIGTERM is a restart where the Pod is replaced, or a directory is followed: sessions with
    graceful restart are closed without a word. Otherwise, and on SIGINT, everything is announced as
    the last resort, then withdrawn, and the peers are told. The status is 0. In a Pod, POD_NAME,
    POD_NAMESPACE, POD_UID and NODE_NAME come from the downward API.
    """
    if manifests is not None and kubeconfig is not None:
        raise click.UsageError("--manifests and --kubeconfig: give one of the two")
    from porter_ctl.daemon.process import run

    settings = Settings(
        node=node,
        state_dir=state_dir,
        passwords=password_dir,
        control=control,
        http=http,
        manifests=manifests,
        kubeconfig=kubeconfig,
        service_classes=frozenset(service_classes),
        pod=PodIdentity(name=pod_name, namespace=pod_namespace or NAMESPACE, uid=pod_uid),
    )
    default = LogFormat.CONSOLE if sys.stdout.isatty() else LogFormat.JSON
    style = LogFormat(log_format) if log_format else default
    raise click.exceptions.Exit(run(settings, style=style, level=LogLevel(log_level)))

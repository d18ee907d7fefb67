"""`porter validate`: all that is wrong in files of manifests, before anybody applies them."""

from __future__ import annotations

from pathlib import Path

import click

from porter_ctl.cli.ask import GOOD, WRONG
from porter_ctl.cli.cross_check import cross_check
from porter_ctl.cli.documents import Documents, Finding, read_all
from porter_ctl.cli.help import examples
from porter_ctl.cli.output import Output, document, output_options
from porter_ctl.daemon.settings import NAMESPACE


@click.command(
    "validate",
    epilog=examples(
        "porter validate manifests/",
        "porter validate pools.yaml peers.yaml -o json",
        "porter validate --alone peer.yaml        nothing is missed that is not there",
        "kustomize build . | porter validate -",
    ),
)
@click.argument(
    "sources",
    metavar="FILE|DIRECTORY|-...",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, exists=True, allow_dash=True),
)
@click.option("--alone", is_flag=True, help="Judge each document by itself.")
@click.option(
    "--namespace",
    envvar="POD_NAMESPACE",
    default=NAMESPACE,
    show_default=True,
    help="Porter's own namespace, where its Secrets are.",
)
@output_options
def command(
    sources: tuple[Path, ...], alone: bool, namespace: str, output: str, no_headers: bool
) -> None:
    """Say all that is wrong in files of manifests, a line each.

    Documents are judged by themselves, and all together as one cluster: pools that overlap, peers
    without a BGPConfig or with a Secret that is not there. Of a directory the files *.yaml are
    read. Exit status 1 if anything is wrong.
    """
    documents = read_all(sources)
    findings = list(documents.findings)
    if not alone:
        findings += cross_check(documents, namespace)
    findings.sort(key=lambda one: (one.file, one.line))
    click.echo(render(documents, findings, Output(output)), nl=False)
    if not no_headers and Output(output) in {Output.TABLE, Output.WIDE}:
        click.echo(_summary(documents, findings), err=True)
    raise click.exceptions.Exit(WRONG if findings else GOOD)


def render(documents: Documents, findings: list[Finding], output: Output) -> str:
    """Print findings."""
    if output in {Output.JSON, Output.YAML}:
        answer = {
            "files": documents.files,
            "documents": len(documents.places),
            "faults": [one._asdict() for one in findings],
        }
        return document(answer, output)
    if output is Output.NAME:
        named = (f"{one.kind}/{one.name}".lower() for one in findings if one.kind)
        return "".join(f"{name}\n" for name in dict.fromkeys(named))
    return "".join(f"{one}\n" for one in findings)


def _summary(documents: Documents, findings: list[Finding]) -> str:
    counted = f"{_count(len(documents.places), 'object')} in {_count(documents.files, 'file')}"
    return f"{_count(len(findings), 'fault') if findings else 'all is good'}; {counted}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"

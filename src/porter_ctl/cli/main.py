"""The command `porter`. A sub-command's module is loaded when it is used, not before."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

# The help is printed from here, so that it costs no import.
_COMMANDS: Mapping[str, str] = {
    "run": "Be the speaker of this node, and a candidate to allocate.",
    "status": "Say in one line whether this node is well, then what is not.",
    "peers": "List the BGP sessions of this node.",
    "routes": "List what this node tells its peers.",
    "why": "Say why a Service is announced, or is not, and what mends it.",
    "drain": "Have a node announced last, and say when it may go.",
    "undrain": "Have a node announced like any other again.",
    "validate": "Say all that is wrong in files of manifests.",
    "crd": "Print the CustomResourceDefinitions.",
    "stop": "Make every node leave its peers; all objects stay.",
    "lab": "Show a cluster and a router as processes on loopback.",
}


class _Commands(click.Group):
    """A group whose members stand in `_COMMANDS`."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(f"porter_ctl.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


_HELP = """\
LoadBalancer addresses for Kubernetes, announced over BGP.

Exit status: 0 all is good, 1 something is wrong, 2 the command line is, 3 it could not be told.

\b
Examples:
  porter run --node $(hostname)        on a node, as a Pod or a service
  porter status                        is this node well, and if not, why?
  porter why default/web               what becomes of this Service, node by node
  porter validate manifests/           before they are applied
  porter lab                           a first look: no root, no Kubernetes
\b
Shell completion:
  eval "$(_PORTER_COMPLETE=bash_source porter)"      in ~/.bashrc; zsh_source for zsh
  _PORTER_COMPLETE=fish_source porter | source       in config.fish
"""


@click.group(
    cls=_Commands,
    help=_HELP,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="porter-bgp", prog_name="porter")
def porter() -> None:
    """The group itself does nothing."""


def main() -> None:
    """Run `porter` with this process's arguments, and end it."""
    porter(prog_name="porter")

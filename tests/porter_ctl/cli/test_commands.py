"""What `status`, `peers` and `routes` print, character for character."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml

from porter_ctl.cli import peers, routes, status, why
from porter_ctl.cli.output import Output
from tests.porter_ctl.cli import answers

if TYPE_CHECKING:
    from porter_ctl.daemon.answers import StatusAnswer

PEERS_TABLE = """\
NAME   REMOTE              ASN    STATE        UP    SENT   REASON
tor-a  192.0.2.1           65000  Established  1d2h  13/14  over maxPrefixes: ipv6-unicast
tor-b  [2001:db8::1]:1179  -      Active       -     -      DialFailed, routes kept for 1m21s
"""
PEERS_WIDE = """\
NAME   REMOTE              ASN    STATE        UP    SENT   REASON                             \
LOCAL      ROUTER-ID  HOLD  RESTART   END-OF-RIB  UNACKED  FAMILIES                         FLAPS  \
LAST-DOWN
tor-a  192.0.2.1           65000  Established  1d2h  13/14  over maxPrefixes: ipv6-unicast     \
192.0.2.9  192.0.2.1  90    graceful  sent        2s       ipv4-unicast+paths,ipv6-unicast  1      \
the connection was lost (1d2h ago)
tor-b  [2001:db8::1]:1179  -      Active       -     -      DialFailed, routes kept for 1m21s  \
-          -          -     -         -           -        -                                0      \
the dial failed (3s ago)
"""
ROUTES_TABLE = """\
PREFIX           PEER   SERVICE      NEXT-HOP   STATE         LAST
198.51.100.7/32  tor-a  default/web  192.0.2.9  acknowledged  LastDraining
198.51.100.7/32  tor-b  default/web  self       waiting       -
"""
ROUTES_WIDE = """\
PREFIX           PEER   SERVICE      NEXT-HOP   STATE         LAST          AS-PATH      \
COMMUNITIES            LARGE           MED  PREF  PATH-ID
198.51.100.7/32  tor-a  default/web  192.0.2.9  acknowledged  LastDraining  64512 64512  \
65000:100 65535:65281  4200000001:1:2  10   -     -
198.51.100.7/32  tor-b  default/web  self       waiting       -             -            \
-                      -               -    -     3
"""
WHY_TABLE = """\
WRONG  default/web: SomePaths: default/web is announced on 2 of 3 paths
remedy: look at the router

NODE  PREFIX           PEER         TOLD  REASON       MESSAGE
a     198.51.100.7/32  tor-a,tor-b  yes   AllPaths     tor-a has acknowledged it
b     198.51.100.7/32  tor-a        no    SessionDown  the session with tor-a is Active
c     198.51.100.7/32  tor-a        ?     SessionDown  Node/c has not reported
other nodes: not known
"""
ALL_GOOD = (
    "OK  node a: 2/2 sessions, 3/4 prefixes announced; follows the API server, may allocate\n"
)
ALL_WRONG = """\
WRONG  node a: 1/2 sessions, 3/4 prefixes announced; follows the API server, may allocate
not ready: not read yet: Service
VIPPool lab: spec.addresses[0]: '10.0.0.0/33' is not a block; write a CIDR (Invalid)
default/web 198.51.100.7/32: default/web has no ready endpoint on Node/a (NoLocalEndpoint)
"""
WRONG = answers.status(
    ready=False, established=1, faults=[answers.FAULT], verdicts=[answers.VERDICT]
)


def test_peers_are_a_table() -> None:
    assert peers.render(answers.PEERS, Output.TABLE) == PEERS_TABLE
    assert peers.render(answers.PEERS, Output.WIDE) == PEERS_WIDE
    assert peers.render(answers.PEERS, Output.NAME) == "bgppeer/tor-a\nbgppeer/tor-b\n"


def test_routes_are_a_table() -> None:
    assert routes.render(answers.ROUTES, Output.TABLE) == ROUTES_TABLE
    assert routes.render(answers.ROUTES, Output.WIDE) == ROUTES_WIDE
    assert routes.render(answers.ROUTES, Output.NAME) == "198.51.100.7/32\n"


def test_why_answers_in_its_first_line_and_then_node_by_node() -> None:
    bare = why.render(answers.WHY, Output.TABLE, headers=False)

    assert why.render(answers.WHY, Output.TABLE) == WHY_TABLE
    assert bare.splitlines()[0].split()[:3] == ["a", "198.51.100.7/32", "tor-a,tor-b"]
    assert len(bare.splitlines()) == 3
    assert why.render(answers.WHY, Output.NAME) == "service/default/web\n"
    assert json.loads(why.render(answers.WHY, Output.JSON)) == answers.WHY


@pytest.mark.parametrize(
    ("answer", "text"),
    [(answers.status(), ALL_GOOD), (WRONG, ALL_WRONG)],
    ids=["all is good", "all is wrong"],
)
def test_status_answers_in_its_first_line(answer: StatusAnswer, text: str) -> None:
    assert status.render(answer, Output.TABLE) == text
    assert status.render(answer, Output.TABLE, headers=False) == text.partition("\n")[2]
    assert status.render(answer, Output.NAME) == "node/a\n"


def test_status_names_what_the_node_follows_and_how_much_is_held() -> None:
    text = status.render(answers.status(source="LastGood", held=2), Output.TABLE)

    assert "3/4 prefixes announced, 2 held; follows its last-good file" in text


def test_a_long_status_is_cut_unless_it_is_asked_for() -> None:
    answer = answers.status(verdicts=[answers.VERDICT] * 23, omitted=4)
    short, long = status.render(answer, Output.TABLE), status.render(answer, Output.WIDE)

    omitted = "  and 4 more that are not announced\n"
    assert short.count("\n") == 23
    assert short.endswith(f"  and 3 more; -o wide shows them\n{omitted}")
    assert long.count("\n") == 25
    assert long.endswith(omitted)


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        (answers.status(), False),
        (answers.status(verdicts=[answers.VERDICT]), False),
        (answers.status(ready=False), True),
        (answers.status(established=1), True),
        (answers.status(faults=[answers.FAULT]), True),
        (answers.status(verdicts=[{**answers.VERDICT, "reason": "HeldByGuard"}]), True),
    ],
    ids=[
        "good",
        "rightly not announced",
        "not ready",
        "a session is down",
        "a faulty object",
        "kept by a guard",
    ],
)
def test_what_counts_as_wrong(answer: StatusAnswer, wrong: bool) -> None:  # noqa: FBT001 - a column of the table
    assert status.is_wrong(answer) is wrong


def test_documents_are_the_answer_itself() -> None:
    assert json.loads(peers.render(answers.PEERS, Output.JSON)) == answers.PEERS
    assert yaml.safe_load(routes.render(answers.ROUTES, Output.YAML)) == answers.ROUTES
    assert json.loads(status.render(WRONG, Output.JSON)) == WRONG

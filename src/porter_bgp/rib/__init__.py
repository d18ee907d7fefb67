"""Which routes, and what is left to tell: tables of routes without I/O, clock or session.

Outwards, what is planned (`RouteAttributes`) becomes what one session must see (`Exporter`) and
waits in its send queue (`AdjRibOut`). Inwards, for laboratories and users of the library, what
peers tell (`AdjRibIn`) becomes decisions (`LocRib`).
"""

from porter_bgp.rib.adj_rib_in import AdjRibIn
from porter_bgp.rib.adj_rib_out import AdjRibOut
from porter_bgp.rib.decision import Candidate, Decision, Reason, Source, decide
from porter_bgp.rib.export import Exporter, ExportFacts
from porter_bgp.rib.loc_rib import LocRib
from porter_bgp.rib.route import SELF, NextHop, Path, RouteAttributes

__all__ = [
    "SELF",
    "AdjRibIn",
    "AdjRibOut",
    "Candidate",
    "Decision",
    "ExportFacts",
    "Exporter",
    "LocRib",
    "NextHop",
    "Path",
    "Reason",
    "RouteAttributes",
    "Source",
    "decide",
]

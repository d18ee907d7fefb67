"""Adj-RIB-Out: what one peer shall know of one family, and what is left to tell it.

The table is the send queue (RFC 4271 §3.2, §9.2). A key that the peer should know otherwise than
it does is *pending*, under the attributes to be told; what it does know stands beside it. So a
route that changes a thousand times while the peer is slow still waits once, one that is announced
and withdrawn before anything was sent leaves nothing to send, and a message costs what is in it.
What was told counts as *acknowledged* when the octets of its message are.

How routes share a message is said in `porter_bgp.rib.pack`; what their attributes are, in
`porter_bgp.rib.export`.
"""

from __future__ import annotations

from collections import OrderedDict
from itertools import islice
from typing import TYPE_CHECKING

from porter_bgp.rib.in_flight import InFlight
from porter_bgp.rib.pack import Packer
from porter_bgp.wire import RouteRefreshMessage, RouteRefreshSubtype, encode_message

if TYPE_CHECKING:
    from collections.abc import Collection
    from collections.abc import Set as AbstractSet
    from typing import TypeAlias

    from porter_bgp.wire import AddressFamily, Codec, NlriKey, PathAttributes

    _Waiting: TypeAlias = OrderedDict[NlriKey, PathAttributes | None]


class AdjRibOut:
    """Desired against advertised, for one peer and one family.

    Between `open` and `forget` there is a session, and `next_message` tells the peer. Without
    one the peer knows nothing: all that is desired is pending.

    Without ADD-PATH the peer does not see path identifiers (RFC 7911 §3). The caller then keeps
    to one key a prefix; of two, the one told last would replace the other at the peer.

    Attributes:
        family: The family of all its keys.
        end_of_rib_sent: End-of-RIB has gone on this session.
    """

    def __init__(self, family: AddressFamily) -> None:
        self.family = family
        self.end_of_rib_sent = False
        self._desired: dict[NlriKey, PathAttributes] = {}
        # Target (None: withdraw) -> key -> what the peer knows (None: nothing). A key stands under
        # the target that is desired of it and nowhere else; of a key that stands nowhere the peer
        # knows what is desired. First come, first served, and an OrderedDict gives away its front
        # at one price, however many have left before.
        self._pending: OrderedDict[PathAttributes | None, _Waiting] = OrderedDict()
        self._again: set[NlriKey] = set()  # owed to the peer even if it knows them: a refresh
        self._flight = InFlight()
        self._arrived: set[NlriKey] = set()
        self._complete = False
        self._packer: Packer | None = None
        self._begin_due = False  # before anything else, BoRR
        self._end_due = False  # behind all that is pending, End-of-RIB or EoRR
        self._refresh_due = False  # behind End-of-RIB, a refresh

    def set(self, key: NlriKey, attributes: PathAttributes | None) -> None:
        """Say what the peer shall know of a key: these attributes, or (None) nothing.

        Idempotent. What comes back to what the peer knows is no longer pending.
        """
        before = self._desired.get(key)
        if _same(attributes, before):
            return
        known = self._take_back(key, before)
        if attributes is None:
            del self._desired[key]
        else:
            self._desired[key] = attributes
        if not _same(attributes, known) or key in self._again:
            self._waiting(attributes)[key] = known

    def set_all(self, keys: Collection[NlriKey], attributes: PathAttributes) -> None:
        """`set` for many keys, at a fraction of the price for those the table does not know."""
        desired, leaving = self._desired, self._pending.get(None, ())
        for key in [key for key in keys if key in desired or key in leaving]:
            self.set(key, attributes)
        fresh = [key for key in keys if key not in desired]
        if not fresh:
            return
        desired.update(dict.fromkeys(fresh, attributes))
        waiting = self._pending.get(attributes)
        if waiting is None:
            self._pending[attributes] = OrderedDict.fromkeys(fresh)
        else:
            waiting.update(dict.fromkeys(fresh))

    def open(self, codec: Codec) -> None:
        """A session is Established; its peer knows nothing yet."""
        if self._packer is not None:
            self.forget()
        self._packer = Packer(self.family, codec)
        self._end_due = True

    def complete(self) -> None:
        """All that shall be known is in the table: End-of-RIB may follow what is pending.

        Holds for later sessions too.
        """
        self._complete = True

    def refresh(self) -> None:
        """The peer asks for all of it again (RFC 2918 §4).

        Where RFC 7313 was negotiated, the answer stands between BoRR and EoRR and waits for
        End-of-RIB (§4 there); else End-of-RIB follows it.
        """
        if self._packer is None:
            return
        demarcated = self._packer.codec.enhanced_route_refresh
        if demarcated and not self.end_of_rib_sent:
            self._refresh_due = True
            return
        for key, attributes in self._desired.items():
            if self._waiting(attributes).setdefault(key, attributes) is not None:
                self._again.add(key)
        self._again.update(self._pending.get(None, ()))
        self._begin_due = demarcated
        self._end_due = True

    def forget(self) -> None:
        """The session is lost, and with it all that the peer knew."""
        self.end_of_rib_sent = False
        self._packer = None
        self._begin_due = self._refresh_due = False
        self._again.clear()
        self._flight = InFlight()
        self._arrived.clear()
        self._pending.clear()
        for key, attributes in self._desired.items():
            self._waiting(attributes)[key] = None

    def next_message(self, room: int, offset: int = 0) -> bytes | None:
        """The next message to write; the peer counts as knowing what is in it.

        Withdrawals go first, then one attribute set a message, as many routes as fit.

        Args:
            room: How many octets the message may have; the session has a limit of its own.
            offset: How many octets were written on the session before it.

        Returns:
            An UPDATE, End-of-RIB, BoRR or EoRR; None when there is nothing to say, or no room.
        """
        packer = self._packer
        if packer is None:
            return None
        if self._begin_due:
            return self._begin(packer, room)
        if self._pending:
            return self._update(packer, room, offset)
        if self._end_due and self._complete:
            return self._end(packer, room)
        return None

    @property
    def pending(self) -> int:
        """How many keys are left to tell, withdrawals included."""
        return sum(map(len, self._pending.values()))

    @property
    def desired_count(self) -> int:
        """How many keys the peer shall know."""
        return len(self._desired)

    @property
    def advertised_count(self) -> int:
        """How many keys the peer knows. Takes time with what is pending."""
        surplus = len(self._pending.get(None, ()))
        news = sum(list(waiting.values()).count(None) for waiting in self._pending.values())
        return len(self._desired) + surplus - news

    def advertised(self, key: NlriKey) -> PathAttributes | None:
        """What the peer knows of a key; None for nothing."""
        desired = self._desired.get(key)
        waiting = self._pending.get(desired)
        return desired if waiting is None else waiting.get(key, desired)

    def acknowledge(self, octets: int) -> bool:
        """The peer has acknowledged so many octets of the session; whether this concerns a key."""
        arrived = self._flight.acknowledge(octets)
        self._arrived |= arrived
        return bool(arrived)

    def acknowledged(self, key: NlriKey) -> bool:
        """Whether the peer has acknowledged the message that told it what it shall know of a key.

        A refresh that repeats what was acknowledged takes nothing back.
        """
        desired = self._desired.get(key)
        if desired is None or key in self._flight:
            return False
        return _same(self.advertised(key), desired)

    def take_arrived(self) -> AbstractSet[NlriKey]:
        """The keys whose messages were acknowledged since this was last asked."""
        arrived, self._arrived = self._arrived, set()
        return arrived

    def _waiting(self, target: PathAttributes | None) -> _Waiting:
        waiting = self._pending.get(target)
        if waiting is None:
            waiting = self._pending[target] = OrderedDict()
        return waiting

    def _take_back(self, key: NlriKey, target: PathAttributes | None) -> PathAttributes | None:
        """Make a key pending no longer; what the peer knows of it is returned."""
        waiting = self._pending.get(target)
        if waiting is None or key not in waiting:
            return target
        known = waiting.pop(key)
        if not waiting:
            del self._pending[target]
        return known

    def _update(self, packer: Packer, room: int, offset: int) -> bytes | None:
        target = None if None in self._pending else next(iter(self._pending))
        waiting = self._pending[target]
        # What the peer knows of those that may be in the message: each takes an octet or more.
        known = dict(islice(waiting.items(), packer.codec.max_send)) if self._again else {}
        packed = packer.pack(target, waiting, room)
        if packed is None:
            return None
        message, keys = packed
        if not waiting:
            del self._pending[target]
        if self._again:
            self._again.difference_update(keys)
            keys = [key for key in keys if not _same(known[key], target)]
        if target is not None:
            self._flight.sent(keys, offset + len(message))
        return message

    def _begin(self, packer: Packer, room: int) -> bytes | None:
        message = self._demarcation(RouteRefreshSubtype.BEGIN, packer.codec)
        if len(message) > room:
            return None
        self._begin_due = False
        return message

    def _end(self, packer: Packer, room: int) -> bytes | None:
        if packer.codec.enhanced_route_refresh and self.end_of_rib_sent:
            message = self._demarcation(RouteRefreshSubtype.END, packer.codec)
        else:
            message = packer.end_of_rib()
        if len(message) > room:
            return None
        self._end_due = False
        self.end_of_rib_sent = True
        if self._refresh_due:
            self._refresh_due = False
            self.refresh()
        return message

    def _demarcation(self, subtype: RouteRefreshSubtype, codec: Codec) -> bytes:
        return encode_message(RouteRefreshMessage(self.family, subtype), codec)


def _same(one: PathAttributes | None, other: PathAttributes | None) -> bool:
    """Equality, fast where it can be seen without looking into both."""
    return one is other or (one is not None and other is not None and one == other)

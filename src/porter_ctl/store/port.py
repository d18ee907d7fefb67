"""Where objects live, said once: a cluster behind an API server, or a directory of files.

`ClusterPort` writes, `Source` reads. Both are met twice, in `porter_ctl.kube` and in
`porter_ctl.manifests`; whoever reconciles knows neither. Every refusal is one of the
exceptions below, with a sentence for people and the remedy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping

    from porter_ctl.api import Kind, ObjectRef, Resource
    from porter_ctl.store.stores import Stores


class PortFailure(Exception):  # noqa: N818 - outcomes of a write, named as the API server names them
    """A read or write did not happen; the subclass says which answer that was.

    Attributes:
        remedy: What a person can do about it; empty where waiting is the remedy.
    """

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy

    def __str__(self) -> str:
        message = super().__str__()
        return f"{message}: {self.remedy}" if self.remedy else message


class AlreadyExists(PortFailure):
    """The name is taken. Creation is the lock, so somebody else holds it."""


class Conflict(PortFailure):
    """The object is not the one that was read: another resourceVersion or another uid."""


class NotFound(PortFailure):
    """There is no such object, or no such kind."""


class Invalid(PortFailure):
    """The content is refused, and will be until it changes."""


class Forbidden(PortFailure):
    """We may not do this; `reason` is the refusal in the words of whoever refused."""

    def __init__(self, message: str, *, reason: str = "", remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.reason = reason


class Unavailable(PortFailure):
    """No answer that counts: unreachable, too slow, overloaded, or not speaking our language.

    Attributes:
        retry_after: Seconds the other side asked us to wait; None if it did not say.
    """

    def __init__(self, message: str, *, remedy: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True, kw_only=True)
class KubeEvent:
    """Something that happened to an object, for `describe` to show.

    Attributes:
        regarding: The object it happened to.
        uid: That object's uid; empty where unknown.
        type: Warning if somebody should look.
        reason: CamelCase, for machines; at most 128 characters.
        note: One sentence for people; cut at 1024 characters.
        action: CamelCase: what we did about it; at most 128 characters.
    """

    regarding: ObjectRef
    uid: str
    type: Literal["Normal", "Warning"]
    reason: str
    note: str
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Selectors:
    """Which objects of a kind are wanted: the whole truth of that kind.

    Attributes:
        names: Only objects of these names; None for all of them, the empty set for none.
        namespace: Only there; empty for everywhere. With `names`, a namespaced kind needs it.
    """

    names: frozenset[str] | None = None
    namespace: str = ""


EVERYTHING = Selectors()


class Leadership(Protocol):
    """One of many may allocate.

    Whoever leads may lead falsely for a while: every write must be safe when two do.
    """

    @property
    def leading(self) -> bool:
        """Whether we lead now, judged on our own clock."""

    @property
    def identity(self) -> str:
        """What we call ourselves in the lock."""

    @property
    def trouble(self) -> str:
        """Why nobody may lead, and what to do; empty where all is well."""

    on_change: Callable[[bool], None]  # told the new value of `leading`, in the event loop
    on_trouble: Callable[[], None]  # called, in the event loop, when `trouble` says something else

    async def run(self) -> None:
        """Seek and keep the lead until cancelled, then give it back."""


class ClusterPort(Protocol):
    """Writes to where objects live. Every method may raise Forbidden and Unavailable."""

    async def create(self, obj: Resource) -> Resource:
        """Create `obj` and return it as stored, with uid and resourceVersion.

        Raises:
            AlreadyExists: The name is taken: this is the lock.
            Invalid: The content is refused.
        """

    async def replace(self, obj: Resource) -> Resource:
        """Replace labels, annotations and spec if `obj.metadata.resource_version` is current.

        What we do not know of the object is kept as it stands.

        Raises:
            Conflict: It has changed since, or is another object of that name.
            NotFound: It is gone.
            Invalid: The content is refused.
        """

    async def apply_status(self, obj: Resource, *, uid: str, resource_version: str) -> None:
        """Write our fields of `obj.status` to the object with this uid.

        Args:
            obj: The object with the status it should have.
            uid: The object meant: a successor of its name is left alone.
            resource_version: Write only onto this version; empty for onto any.

        Raises:
            Conflict: It is another object now, or has changed since.
            NotFound: It is gone.
            Invalid: The content is refused.
        """

    async def delete(self, ref: ObjectRef, *, uid: str, resource_version: str) -> None:
        """Delete the object if it is still exactly this one.

        Raises:
            Conflict: It is another object now, or has changed since.
            NotFound: It is gone already.
        """

    async def annotate(self, ref: ObjectRef, annotations: Mapping[str, str | None]) -> None:
        """Set annotations of an object, whichever version it is; None removes one.

        Raises:
            NotFound: It is gone.
        """

    async def get_live(self, ref: ObjectRef) -> Resource | None:
        """Read the object where it lives, not from a store; None if it is not there."""

    async def emit(self, event: KubeEvent) -> None:
        """Tell people. Loses the event rather than fail or wait long: raises nothing."""

    def leadership(self) -> Leadership:
        """Return the one election of this process."""


class Source(Protocol):
    """Fills the stores and keeps them in step with where the objects live."""

    async def run(self, stores: Stores) -> None:
        """Keep `stores` in step until cancelled."""

    def want(self, kind: Kind, selectors: Selectors) -> None:
        """Say which objects of `kind` the stores shall hold from now on; idempotent."""

    def synced(self, kind: Kind) -> bool:
        """Whether what is wanted of `kind` has been complete in the store once."""

    async def kind_exists(self, kind: Kind) -> bool:
        """Ask whether `kind` is known there now. Raises Unavailable."""

    def stale_for(self, now: float, kinds: Container[Kind] | None = None) -> float:
        """Seconds since everything wanted, of all kinds or these, was last known to be in step.

        `now` is on the monotonic clock.
        """

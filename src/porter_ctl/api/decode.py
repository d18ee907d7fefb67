"""JSON -> objects, lenient where the daemon reads and strict where people ask.

`decode` serves the daemon: it never raises on content, ignores fields it does not know (a newer
CRD must not break an older speaker), and falls back to the spec accepted last where the present
one is faulty. `validate_document` serves `porter validate`: every fault at once, unknown fields
among them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches

import msgspec

from porter_ctl.api.bgpadvertisement import BGPAdvertisement
from porter_ctl.api.bgpconfig import BGPConfig
from porter_ctl.api.bgpnode import BGPNode
from porter_ctl.api.bgppeer import BGPPeer
from porter_ctl.api.core_decode import decode_core, fault_of, without_nulls
from porter_ctl.api.examine import ABSENT, Examination
from porter_ctl.api.fault import Fault
from porter_ctl.api.kinds import KINDS, OWN_KINDS, OwnResource, Resource
from porter_ctl.api.meta import Kind, ObjectMeta, broken_rules
from porter_ctl.api.rules import Problem
from porter_ctl.api.schema import ObjectShape, shape_of
from porter_ctl.api.served import NOT_YET, unserved_faults
from porter_ctl.api.values import ObjectName
from porter_ctl.api.vip import VIP
from porter_ctl.api.vippool import VIPPool


@dataclass(frozen=True, slots=True)
class Decoded:
    """What became of a document.

    Attributes:
        resource: The object; None if not even its metadata can be read. Where `spec` is faulty
            it carries the spec of `status.accepted`, and no spec if that is faulty too; a VIP
            that is held carries what is served of its spec.
        faults: What is wrong with the document as it stands.
        using_accepted: Whether `spec` is such another one.
    """

    resource: Resource | None
    faults: tuple[Fault, ...] = ()
    using_accepted: bool = False


_OWN: Mapping[Kind, type[OwnResource]] = {
    struct.kind: struct for struct in (VIPPool, VIP, BGPConfig, BGPPeer, BGPAdvertisement, BGPNode)
}


class _Head(msgspec.Struct, frozen=True):
    """The part of a document that must be readable for anything to be said of it."""

    metadata: ObjectMeta


class _Name(msgspec.Struct, frozen=True):
    """A name as the API server takes it."""

    name: ObjectName


class _Named(msgspec.Struct, frozen=True):
    """An object of which only the name is looked at."""

    metadata: _Name


def decode(kind: Kind, raw: bytes | Mapping[str, object]) -> Decoded:
    """Decode an object as the daemon needs it; never raises on content."""
    if kind not in OWN_KINDS:
        resource, faults = decode_core(kind, raw)
        return Decoded(resource, faults)
    if isinstance(raw, Mapping):
        tree = without_nulls(raw)
    else:
        try:
            tree = msgspec.json.decode(raw)
            tree = without_nulls(tree) if b"null" in raw else tree
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return Decoded(None, (Fault("", "", f"is not JSON ({error})", "write a document"),))
    if not isinstance(tree, dict):
        return Decoded(None, (Fault("", "", "is not an object", "write one document an object"),))
    return _decode_own(kind, tree)


def validate_document(raw: Mapping[str, object], *, strict: bool = True) -> list[Fault]:
    """Give every fault of a document, also those of fields that nobody knows if `strict`."""
    kind, faults = _kind_of(raw)
    if kind is None:
        return faults
    if kind not in OWN_KINDS:
        return [*faults, *decode_core(kind, raw)[1]]
    tree = {str(key): without_nulls(value) for key, value in raw.items() if value is not None}
    examination = Examination(strict=strict)
    examination.unknown(_top_fields(kind), tree, "")
    named = _examine_metadata(tree, examination)
    _, found = _judge(kind, tree, examination, whole=named)
    return [*faults, *_about(kind, tree, found)]


def _decode_own(kind: Kind, tree: Mapping[str, object]) -> Decoded:
    try:
        msgspec.convert(tree, _Head)
    except msgspec.ValidationError as error:
        return Decoded(None, tuple(_about(kind, tree, [fault_of(error)])))
    spec, found = _judge(kind, tree, Examination(strict=False))
    if not found:
        return Decoded(_build(kind, tree, spec))
    faults = tuple(_about(kind, tree, found))
    before = {"metadata": tree["metadata"], "spec": _fallback(kind, tree, spec)}
    accepted, wrong = _judge(kind, before, Examination(strict=False))
    if wrong:
        return Decoded(_build(kind, tree, ABSENT), faults)
    return Decoded(_build(kind, tree, accepted), faults, using_accepted=True)


def _judge(
    kind: Kind, tree: Mapping[str, object], examination: Examination, *, whole: bool = True
) -> tuple[object, list[Fault]]:
    """Give what is good of the spec, and all faults of it; `whole`: also against the name."""
    shape = shape_of(KINDS[kind].struct)
    field = shape.field("spec")
    if field is None or not isinstance(field.shape, ObjectShape):
        return ABSENT, examination.faults
    before = len(examination.faults)
    spec = examination.field(field, tree.get("spec"), "spec")
    if isinstance(spec, dict):
        if whole and len(examination.faults) == before:
            _examine_whole(kind, tree, spec, examination)
        examination.faults += unserved_faults(kind, field.shape, spec)
    return spec, examination.faults


def _examine_whole(
    kind: Kind, tree: Mapping[str, object], spec: object, examination: Examination
) -> None:
    """Hold the rules that bind the spec to the object's name."""
    if not _OWN[kind].rules:
        return
    for rule in broken_rules(_build(kind, {"metadata": tree["metadata"]}, spec)):
        value: object = tree
        for name in rule.reads[0].split("."):
            value = value.get(name, ABSENT) if isinstance(value, dict) else ABSENT
        examination.refuse(rule.reads[0], value, Problem(rule.message, rule.remedy))


def _examine_metadata(tree: Mapping[str, object], examination: Examination) -> bool:
    """Tell whether there is a name and nothing else is wrong."""
    metadata = tree.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if name is None:
        examination.add("metadata.name", ABSENT, Problem("is missing", "name the object"))
        return False
    try:
        msgspec.convert({"metadata": {"name": name}}, _Named)
        msgspec.convert(tree, _Head)
    except msgspec.ValidationError as error:
        examination.faults.append(fault_of(error))
        return False
    return True


def _build(kind: Kind, tree: Mapping[str, object], spec: object) -> OwnResource:
    """Make the object, with as much of its status as can be read."""
    status = tree.get("status")
    known = {"metadata": tree["metadata"]} | ({} if spec is ABSENT else {"spec": spec})
    if isinstance(status, dict):
        bare = {name: value for name, value in status.items() if name != "accepted"}
        for candidate in (status, bare):
            try:
                return msgspec.convert({**known, "status": candidate}, _OWN[kind])
            except msgspec.ValidationError:
                continue
    return msgspec.convert(known, _OWN[kind])


def _fallback(kind: Kind, tree: Mapping[str, object], spec: object) -> object:
    """Give what stands for a faulty spec: the one accepted last.

    A VIP keeps none. One that is held stays so, whatever is asked of it that is not served: what
    its address was given for does not end with such an edit, nor with a restart after it.
    """
    if kind is not Kind.VIP:
        status = tree.get("status")
        return status.get("accepted") if isinstance(status, dict) else None
    if not isinstance(spec, dict) or not spec.get("holders"):
        return None
    unserved = {entry.path for entry in NOT_YET[kind]}
    return {name: value for name, value in spec.items() if name not in unserved}


def _kind_of(raw: Mapping[str, object]) -> tuple[Kind | None, list[Fault]]:
    """Give the kind of a document, and what is wrong with `apiVersion` and `kind`."""
    text = raw.get("kind")
    names = [str(kind) for kind in Kind]
    if text not in names:
        near = get_close_matches(str(text), names, n=1, cutoff=0.7) if text else []
        remedy = f"did you mean {near[0]}?" if near else f"use {', '.join(names)}"
        message = f"{text!r} is not a kind Porter reads" if text else "is missing"
        return None, [Fault("kind", str(text or ""), message, remedy)]
    kind = Kind(str(text))
    wanted, given = KINDS[kind].api_version, raw.get("apiVersion")
    if given == wanted:
        return kind, []
    message = f"{given!r} is not the version of {kind}" if given else "is missing"
    fault = Fault("apiVersion", str(given or ""), message, f"write {wanted}")
    return kind, _about(kind, raw, [fault])


def _about(kind: Kind, tree: Mapping[str, object], faults: list[Fault]) -> list[Fault]:
    metadata = tree.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    subject = f"{kind} {name}" if isinstance(name, str) else str(kind)
    return [replace(fault, subject=subject) for fault in faults]


def _top_fields(kind: Kind) -> list[str]:
    fields = [field.name for field in shape_of(KINDS[kind].struct).fields]
    return ["apiVersion", "kind", "metadata", *fields]

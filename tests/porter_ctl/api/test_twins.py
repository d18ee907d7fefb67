"""Each rule in CEL and its Python twin, evaluated on the same generated values.

The functions that only Kubernetes' CEL has are stood in for below; that the API server knows them
is shown by applying the CRDs to one.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

import cel
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from porter_ctl.api import KINDS, OWN_KINDS
from porter_ctl.api.examine import Examination
from porter_ctl.api.meta import broken_rules
from porter_ctl.api.schema import (
    ChoiceShape,
    ListShape,
    MapShape,
    NumberShape,
    ObjectShape,
    Shape,
    TextShape,
    shape_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from porter_ctl.api.rules import NumberCheck, TextCheck

ADDRESSES = [
    "192.0.2.1", "192.0.2.9", "10.0.0.0", "0.0.0.0", "0.1.2.3", "127.0.0.1", "169.254.1.1",  # noqa: S104
    "224.0.0.5", "240.0.0.1", "255.255.255.255", "1.2.3", "01.2.3.4", "1.2.3.4 ", "",
    "2001:db8::1", "2001:0db8::1", "2001:DB8::1", "::", "::1", "fe80::1", "fe80::1%eth0", "ff02::1",
    "::ffff:192.0.2.1", "::192.0.2.1", "x", "1::2::3",
]  # fmt: skip
BLOCKS = [
    *ADDRESSES, "192.0.2.0/24", "192.0.2.1/24", "0.0.0.0/0", "::/0", "127.0.0.0/8", "fe80::/10",
    "2001:db8::/64", "2001:db8::1/64", "192.0.2.0/024", "192.0.2.0/33", "192.0.2.0/255.255.255.0",
    "192.0.2.0/24/24", "/", "-", "192.0.2.1-", "-192.0.2.1", "192.0.2.9-192.0.2.1", "1-2",
    "192.0.2.1-192.0.2.9", "192.0.2.1-2001:db8::1", "2001:db8::1-2001:db8::9",
    "192.0.2.1-192.0.2.2-192.0.2.3", "192.0.2.1 - 192.0.2.2", "127.0.0.1-127.0.0.9",
]  # fmt: skip
COMMUNITIES = [
    "65000:100", "0:0", "65535:65535", "65536:0", "0:65536", "1:2:3", "4294967295:0:4294967295",
    "4294967296:0:0", "1", "1:", ":1", "a:b", "1:2:3:4", "01:1", "65000:100\n", "٣:1", "-1:1",
    "99999999999:1",
]  # fmt: skip
WORDS = ["a", "eth0", "password", "rt:65000:100", "2026-01-31T12:00:00Z", "lab", "ü" * 128, ""]


def is_ip(text: str) -> bool:
    try:
        address = ip_address(text)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return "%" not in text and mapped is None


def is_cidr(text: str) -> bool:
    head, slash, tail = text.partition("/")
    plain = tail.isascii() and tail.isdigit() and str(int(tail)) == tail
    return bool(slash) and is_ip(head) and plain and int(tail) <= ip_address(head).max_prefixlen


def is_global_unicast(text: str) -> bool:
    a = ip_address(text)
    special = a.is_unspecified or a.is_loopback or a.is_multicast or a.is_link_local
    return not special and text != "255.255.255.255"


FUNCTIONS: dict[str, Callable[..., object]] = {
    "isIP": is_ip,
    "isCIDR": is_cidr,
    "isCanonical": lambda text: str(ip_address(text)) == text,
    "ip": lambda text: str(ip_address(text.partition("/")[0])),
    "cidr": lambda text: text,
    "masked": lambda text: str(ip_network(text, strict=False)),
    "prefixLength": lambda text: ip_network(text, strict=False).prefixlen,
    "family": lambda text: ip_address(text).version,
    "isGlobalUnicast": is_global_unicast,
    "isLoopback": lambda text: ip_address(text).is_loopback,
    "isLinkLocalUnicast": lambda text: ip_address(text).is_link_local,
    "split": lambda text, by: text.split(by),
    "replace": lambda text, old, new: text.replace(old, new),
}


def evaluate(rule: str, value: object) -> bool:
    context = cel.Context()
    context.add_variable("self", value)
    for name, function in FUNCTIONS.items():
        context.add_function(name, function)
    return bool(cel.evaluate(rule.replace("ip.isCanonical(", "isCanonical("), context))


def shapes(shape: Shape) -> list[Shape]:
    if isinstance(shape, ListShape):
        return [shape, *shapes(shape.item)]
    if isinstance(shape, ObjectShape):
        return [shape, *(found for field in shape.fields for found in shapes(field.shape))]
    return [shape]


ALL = [found for kind in OWN_KINDS for found in shapes(shape_of(KINDS[kind].struct))]
TEXTS: dict[str, TextCheck] = {
    shape.check.cel: shape.check for shape in ALL if isinstance(shape, TextShape) and shape.check
}
NUMBERS: dict[str, NumberCheck] = {
    shape.check.cel: shape.check for shape in ALL if isinstance(shape, NumberShape) and shape.check
}
RULED = {
    shape.struct.__name__: shape
    for shape in ALL
    if isinstance(shape, ObjectShape) and any(rule.cel for rule in shape.rules)
}


@pytest.mark.parametrize("check", TEXTS.values(), ids=[c.message for c in TEXTS.values()])
def test_a_check_of_text_and_its_twin_agree(check: TextCheck) -> None:
    accepted = 0
    for text in {*BLOCKS, *COMMUNITIES, *WORDS}:
        server, twin = evaluate(check.cel, text), check.explain(text) is None
        accepted += server

        assert twin <= server, f"{text!r}: only the server refuses it"
        assert server == twin or not check.exact, f"{text!r}: only the twin refuses it"
    assert accepted > 0


@pytest.mark.parametrize("check", NUMBERS.values(), ids=[c.message for c in NUMBERS.values()])
@given(value=st.integers(0, 2**32 - 1) | st.sampled_from([1, 2, 3, 23456, 65535, 2**32 - 1]))
def test_a_check_of_numbers_and_its_twin_agree(check: NumberCheck, value: int) -> None:
    assert evaluate(check.cel, value) == (check.explain(value) is None)


def values(shape: Shape) -> st.SearchStrategy[object]:
    """Values of a shape that are well by themselves."""
    if isinstance(shape, ChoiceShape):
        return st.sampled_from(shape.values)
    if isinstance(shape, ListShape):
        unique = shape.list_type == "set"
        size = min(2, shape.max_items)
        return st.lists(
            values(shape.item), min_size=shape.min_items, max_size=size, unique=unique
        ).map(list)
    if isinstance(shape, MapShape):
        return st.dictionaries(st.just("a"), values(shape.value))
    if isinstance(shape, ObjectShape):
        needed = {f.name: values(f.shape) for f in shape.fields if f.required}
        others = {f.name: values(f.shape) for f in shape.fields if not f.required}
        return st.fixed_dictionaries(needed, optional=others).map(dict)
    if isinstance(shape, NumberShape):
        near = {0, 1, 3, 9, 27, 30, 90, 179, 180, 181, 480, shape.minimum, shape.maximum}
        return st.sampled_from(sorted(value for value in near if well(shape, value)))
    texts = [text for text in (*BLOCKS, *COMMUNITIES, *WORDS) if well(shape, text)]
    return st.sampled_from(texts)


def well(shape: Shape, value: object) -> bool:
    examination = Examination(strict=True)
    examination.walk(shape, value, "")
    return not examination.faults


@pytest.mark.parametrize("shape", RULED.values(), ids=RULED)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_a_rule_over_fields_and_its_twin_agree(shape: ObjectShape, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["default", "192.0.2.1", "x"]))
    fields = data.draw(values(shape))
    assert isinstance(fields, dict)
    whole = {**fields, "metadata": {"name": name}} if shape.field("spec") else fields
    broken = {rule.cel for rule in broken_rules(msgspec.convert(whole, shape.struct))}

    for rule in shape.rules:
        if rule.cel:
            assert evaluate(rule.cel, whole) == (rule.cel not in broken), rule.message

"""`porter_ctl.api.values` and `kinds`: selectors, references, and the registry."""

from __future__ import annotations

import pytest

from porter_ctl.api import (
    KINDS,
    OWN_KINDS,
    Kind,
    LabelSelector,
    ObjectMeta,
    ObjectRef,
    SelectorOperator,
    SelectorRequirement,
    Service,
    VIPPool,
    key_of,
    ref_of,
)

LABELS = {"rack": "1", "zone": "a"}


def requirement(operator: SelectorOperator, *values: str, key: str = "rack") -> LabelSelector:
    return LabelSelector(
        match_expressions=(SelectorRequirement(key=key, operator=operator, values=values),)
    )


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        (LabelSelector(), True),
        (LabelSelector(match_labels={"rack": "1"}), True),
        (LabelSelector(match_labels={"rack": "1", "zone": "b"}), False),
        (LabelSelector(match_labels={"row": ""}), False),
        (requirement(SelectorOperator.IN, "1", "2"), True),
        (requirement(SelectorOperator.IN, "2"), False),
        (requirement(SelectorOperator.IN, "2", key="row"), False),
        (requirement(SelectorOperator.NOT_IN, "2"), True),
        (requirement(SelectorOperator.NOT_IN, "1"), False),
        (requirement(SelectorOperator.NOT_IN, "1", key="row"), True),
        (requirement(SelectorOperator.EXISTS), True),
        (requirement(SelectorOperator.EXISTS, key="row"), False),
        (requirement(SelectorOperator.DOES_NOT_EXIST), False),
        (requirement(SelectorOperator.DOES_NOT_EXIST, key="row"), True),
    ],
)
def test_a_selector_matches_as_in_kubernetes(selector: LabelSelector, *, matches: bool) -> None:
    assert selector.matches(LABELS) is matches


def test_an_object_is_found_by_its_key() -> None:
    service = Service(metadata=ObjectMeta(name="web", namespace="default"))
    pool = VIPPool(metadata=ObjectMeta(name="lab"))

    assert (key_of(service), key_of(pool)) == ("default/web", "lab")
    assert ref_of(service) == ObjectRef(Kind.SERVICE, "default", "web")
    assert str(ref_of(service)) == "Service default/web"


def test_the_registry_says_how_each_kind_is_called() -> None:
    assert set(KINDS) == set(Kind)
    assert all(info.struct.kind is kind for kind, info in KINDS.items())
    assert {KINDS[kind].api_version for kind in OWN_KINDS} == {"porter.network/v1beta1"}
    assert KINDS[Kind.SERVICE].api_version == "v1"
    assert KINDS[Kind.ENDPOINT_SLICE].api_version == "discovery.k8s.io/v1"
    assert KINDS[Kind.BGP_NODE].singular == "bgpnode"

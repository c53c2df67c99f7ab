from __future__ import annotations

import dataclasses
import json

import pytest

from karb_guard.invariants import compiled
from karb_guard.invariants.catalogue import Catalogue, UnknownNameError
from karb_guard.invariants.source import read
from karb_guard.model.finding import Severity
from karb_guard.model.invariant import Invariant, Reference


def invariant(id_: str, name: str, category: str) -> Invariant:
    return Invariant(
        id=id_,
        name=name,
        category=category,
        package=f"karb.{category}.{name.replace('-', '_')}",
        title="Title",
        description="Why",
        severity=Severity.WARNING,
        since="0.1.0",
        remediation="Mend it.",
        checks={"wrong": "{thing}"},
        context=("namespace",),
        params={"allowed": {"type": "array", "description": "d", "default": ["x"]}},
        references=(Reference("https://kubernetes.io/", "Docs"),),
    )


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue(
        (
            invariant("KARB-RES-001", "res-mem", "resources"),
            invariant("KARB-GPU-002", "gpu-pin", "gpu"),
            invariant("KARB-GPU-001", "gpu-tol-leak", "gpu"),
        )
    )


def names(found) -> list[str]:
    return [i.name for i in found]


def test_iteration_is_sorted_by_id(catalogue):
    assert [i.id for i in catalogue] == ["KARB-GPU-001", "KARB-GPU-002", "KARB-RES-001"]
    assert len(catalogue) == 3


@pytest.mark.parametrize("token", ["gpu-pin", "KARB-GPU-002", "karb-gpu-002", "GPU-PIN"])
def test_get_knows_ids_and_names_in_any_case(catalogue, token):
    assert catalogue.get(token).name == "gpu-pin"


def test_get_suggests_what_may_be_meant(catalogue):
    with pytest.raises(UnknownNameError, match=r"'gpu-pn'; did you mean 'gpu-pin'\?"):
        catalogue.get("gpu-pn")
    with pytest.raises(UnknownNameError, match="no invariant has the id or name 'gpu'"):
        catalogue.get("gpu")


@pytest.mark.parametrize(
    ("select", "ignore", "expected"),
    [
        ((), (), ["gpu-tol-leak", "gpu-pin", "res-mem"]),
        (("gpu",), (), ["gpu-tol-leak", "gpu-pin"]),
        (("gpu",), ("gpu-pin",), ["gpu-tol-leak"]),
        (("KARB-RES-001", "gpu-pin"), (), ["gpu-pin", "res-mem"]),
        ((), ("GPU",), ["res-mem"]),
        (("gpu-pin",), ("gpu",), []),
    ],
)
def test_select_and_ignore_take_ids_names_and_categories(catalogue, select, ignore, expected):
    assert names(catalogue.select(select, ignore)) == expected


@pytest.mark.parametrize(
    ("select", "extend", "expected"),
    [
        ((), (), ["gpu-tol-leak", "res-mem"]),
        (("gpu",), (), ["gpu-tol-leak"]),
        (("gpu", "gpu-pin"), (), ["gpu-tol-leak", "gpu-pin"]),
        ((), ("gpu-pin",), ["gpu-tol-leak", "gpu-pin", "res-mem"]),
        (("res-mem",), ("KARB-GPU-002",), ["gpu-pin", "res-mem"]),
    ],
)
def test_what_is_checked_on_request_is_named_itself(catalogue, select, extend, expected):
    asked = {i.name: i for i in catalogue} | {
        "gpu-pin": dataclasses.replace(catalogue.get("gpu-pin"), opt_in=True)
    }
    assert names(Catalogue(tuple(asked.values())).select(select, (), extend)) == expected


def test_a_category_may_be_written_with_dashes():
    found = Catalogue((invariant("KARB-POD-001", "pss", "pod_security"),))
    assert names(found.select(["pod-security"])) == names(found.select(["pod_security"])) == ["pss"]


def test_select_refuses_every_unknown_token(catalogue):
    with pytest.raises(UnknownNameError) as caught:
        catalogue.select(["gppu", "res-mem"], ["res-mme"])
    assert "'gppu'; did you mean 'gpu'?" in str(caught.value)
    assert "'res-mme'; did you mean 'res-mem'?" in str(caught.value)


def test_a_catalogue_is_frozen(catalogue):
    with pytest.raises(dataclasses.FrozenInstanceError):
        catalogue.invariants = ()
    with pytest.raises(TypeError):
        catalogue.by_name["x"] = None


def test_two_invariants_of_one_id_or_name_are_no_catalogue():
    one = invariant("KARB-GPU-001", "a", "gpu")
    for twin in ({"id": "KARB-GPU-002"}, {"name": "b"}):
        with pytest.raises(ValueError, match="share an id or a name"):
            Catalogue((one, dataclasses.replace(one, **twin)))


def test_the_compiled_form_gives_the_same_catalogue_back(catalogue):
    rows = json.loads(json.dumps(compiled.dump(catalogue)))
    assert compiled.load(rows) == catalogue


def test_what_sources_say_survives_compilation(root):
    catalogue = read([root.path])
    assert compiled.load(json.loads(json.dumps(compiled.dump(catalogue)))) == catalogue

"""Profiles: named sets that must not check less than they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from karb_guard.invariants import profiles
from karb_guard.invariants.catalogue import Catalogue
from karb_guard.invariants.problems import CatalogueError, UnknownNameError
from karb_guard.invariants.roots import builtin_root
from karb_guard.invariants.source import read as read_policies
from karb_guard.model.finding import Severity

GOOD = """- name: mine
  description: What we begin with.
  select: [gpu-thing]
  severity: {gpu: info, gpu-thing: warning}
  params: {KARB-GPU-001: {allowed: [a]}}
"""


@pytest.fixture
def small(root) -> Catalogue:
    root.add()
    root.add("gpu/gpu_other", id_="KARB-GPU-002")
    return read_policies([root.path])


def load(name: str, root, catalogue: Catalogue) -> profiles.Profile:
    return profiles.load(name, [root.path], catalogue)


def test_a_profile_says_what_is_checked_and_how(root, small: Catalogue) -> None:
    root.write(profiles.FILE, GOOD)
    profile = load("mine", root, small)
    assert [i.name for i in profiles.members(profile, small)] == ["gpu-thing"]
    assert profile.params == {"KARB-GPU-001": {"allowed": ["a"]}}


def test_an_invariant_s_severity_beats_its_category_s(root, small: Catalogue) -> None:
    root.write(profiles.FILE, GOOD)
    assert load("mine", root, small).severities(small) == {
        "gpu-thing": Severity.WARNING,
        "gpu-other": Severity.INFO,
    }


def test_warnings_become_errors_after_severities(root, small: Catalogue) -> None:
    root.write(profiles.FILE, GOOD + "  warningsAsErrors: true\n")
    assert load("mine", root, small).severities(small) == {
        "gpu-thing": Severity.ERROR,
        "gpu-other": Severity.INFO,
    }


def test_a_profile_without_select_has_every_invariant(root, small: Catalogue) -> None:
    root.write(profiles.FILE, "- {name: all, description: d}\n")
    profile = load("all", root, small)
    assert profiles.members(profile, small) == small.invariants


def test_standard_needs_no_file(root, small: Catalogue) -> None:
    root.write(profiles.FILE, "broken: [")
    assert load("standard", root, small) is profiles.DEFAULT
    assert profiles.DEFAULT.severities(small) == {}


def test_a_root_need_not_have_profiles(root, small: Catalogue) -> None:
    with pytest.raises(UnknownNameError, match="known: standard"):
        load("mine", root, small)


def test_a_misspelt_profile_is_refused_with_a_suggestion(root, small: Catalogue) -> None:
    root.write(profiles.FILE, GOOD)
    with pytest.raises(UnknownNameError, match="did you mean 'mine'"):
        load("mien", root, small)


BAD = {
    "an unknown invariant": (
        ("[gpu-thing]", "[gpu-thingy]"),
        "profiles.yaml:1: [0].select: no invariant or category is called 'gpu-thingy'; did you",
    ),
    "an unknown name under severity": (
        ("gpu: info", "gpus: info"),
        "[0].severity: no invariant or category is called 'gpus'",
    ),
    "an unknown parameter": (
        ("allowed:", "alowed:"),
        "[0].params: parameter gpu-thing.alowed: gpu-thing has none of that name",
    ),
    "a parameter of the wrong type": (
        ("allowed: [a]", "allowed: 5"),
        "[0].params: parameter gpu-thing.allowed: 5 is refused",
    ),
    "an unknown invariant under params": (
        ("KARB-GPU-001:", "KARB-GPU-009:"),
        "[0].params: parameter KARB-GPU-009.*: no invariant is called",
    ),
    "an unknown severity": (("gpu: info", "gpu: bad"), '"bad" is not one of'),
    "an unknown key": (("select:", "selct:"), "selct: unknown key; did you mean 'select'?"),
    "no name": (("- name: mine\n  desc", "- desc"), "name: is missing; add it"),
    "an empty description": (
        ("What we begin with.", "' '"),
        "description: is empty; say what the profile is for",
    ),
    "a standard of its own": (("name: mine", "name: standard"), "name it otherwise"),
    "a name with spaces": (("name: mine", "name: My profile"), "name: 'My profile': small"),
    "no YAML": (("- name", "- [name"), "profiles.yaml:"),
    "a map": ((GOOD, "a: 1\n"), "must be a list"),
}


@pytest.mark.parametrize(("edit", "words"), BAD.values(), ids=list(BAD))
def test_a_bad_profile_is_refused_by_name_wherever_the_set_is_read(
    edit: tuple[str, str], words: str, root, small: Catalogue
) -> None:
    text = GOOD.replace(*edit)
    assert text != GOOD
    root.write(profiles.FILE, text)
    for attempt in (
        lambda: load("mine", root, small),
        lambda: read_policies([root.path]),
    ):
        with pytest.raises(CatalogueError) as refused:
            attempt()
        assert words in str(refused.value)


def test_a_name_twice_is_refused_over_all_roots(root, small: Catalogue, tmp_path: Path) -> None:
    root.write(profiles.FILE, GOOD)
    other = tmp_path / "other"
    other.mkdir()
    (other / profiles.FILE).write_text(GOOD)
    with pytest.raises(CatalogueError, match="'mine' is there twice"):
        profiles.load("mine", [root.path, other], small)


def test_too_many_profiles_are_refused(root, small: Catalogue) -> None:
    many = "".join(f"- {{name: p{i}, description: d}}\n" for i in range(profiles.MAX_PROFILES + 1))
    root.write(profiles.FILE, many)
    with pytest.raises(CatalogueError, match="the most is"):
        load("p1", root, small)


OURS = read_policies([builtin_root()])


def ours(name: str) -> profiles.Profile:
    found, problems = profiles.read([builtin_root()], OURS)
    assert not problems
    return found[name]


def names(profile: str) -> set[str]:
    return {invariant.name for invariant in profiles.members(ours(profile), OURS)}


def test_our_profiles_are_those_that_the_documentation_names() -> None:
    found, _ = profiles.read([builtin_root()], OURS)
    assert list(found) == ["baseline", "standard", "strict", "paper"]
    everything = {invariant.name for invariant in OURS if not invariant.opt_in}
    assert names("standard") == names("strict") == everything


def test_strict_leaves_no_warning() -> None:
    severities = ours("strict").severities(OURS)
    left = {severities.get(i.name, i.severity) for i in OURS}
    assert Severity.WARNING not in left


def test_the_baseline_is_small_and_fails_on_errors_alone() -> None:
    profile = ours("baseline")
    assert len(names("baseline")) < len(OURS) / 2
    severities = profile.severities(OURS)
    for invariant in profiles.members(profile, OURS):
        assert severities.get(invariant.name, invariant.severity) is not Severity.INFO


def test_what_every_profile_needs_is_in_it() -> None:
    # without it a field of the wrong type would be cut out and pass
    assert all("malformed" in names(profile) for profile in ("baseline", "paper"))


def test_each_invariant_of_the_paper_says_which_section_names_it() -> None:
    of_paper = [i for i in profiles.members(ours("paper"), OURS) if i.name != "malformed"]
    assert of_paper
    assert not [i.name for i in of_paper if not i.paper]

"""The host's built-in functions against OPA's own, call by call, on a real OPA server."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from karb_guard.engine.builtins.names import HOST
from karb_guard.engine.embedded import EmbeddedEngine, EmbeddedSettings
from karb_guard.engine.interface import Answered, NotEvaluated
from karb_guard.engine.opa_process import opa_server
from karb_guard.engine.opa_server import OpaServerEngine, OpaServerSettings
from tests.support.small_policies import compiled, enabled

CALLS = {
    "sprintf": "sprintf(c[0], c[1])",
    "strings.any_prefix_match": "strings.any_prefix_match(c[0], c[1])",
    "strings.any_suffix_match": "strings.any_suffix_match(c[0], c[1])",
    "strings.count": "strings.count(c[0], c[1])",
    "regex.find_n": "regex.find_n(c[0], c[1], c[2])",
    "time.parse_rfc3339_ns": "time.parse_rfc3339_ns(c[0])",
    "time.parse_duration_ns": "time.parse_duration_ns(c[0])",
    "units.parse": "units.parse(c[0])",
    "units.parse_bytes": "units.parse_bytes(c[0])",
    "semver.compare": "semver.compare(c[0], c[1])",
    "semver.is_valid": "semver.is_valid(c[0])",
    "crypto.sha256": "crypto.sha256(c[0])",
    "time.now_ns": "[time.now_ns(), time.now_ns()]",
}
RULE = """
violations contains {{"check": "call", "path": [i], "detail": {{"result": result}}}} if {{
	some i, c in input[{name}]
	result := {call}
}}
"""
SETS = """
violations contains {"check": "set", "path": [], "detail": {"result": result}} if {
	result := sprintf("%v %s %q", [{3, "b", {"k": {1}}, null, [2, true], set()}, {1: 2}, {{}}])
}

violations contains {"check": "members", "path": [], "detail": {"result": result}} if {
	result := strings.any_prefix_match({"ab", "cd"}, {"c"})
}
"""


def _name(builtin: str) -> str:
    return builtin.replace(".", "-").replace("_", "-")


class Both:
    """One call list through both engines."""

    def __init__(self, embedded: EmbeddedEngine, server: OpaServerEngine) -> None:
        self._engines = (embedded, server)

    def results(self, builtin: str, calls: list[list[Any]]) -> list[dict[int, Any]]:
        """Index of the call -> result, for the embedded engine and OPA; undefined is absent."""
        document = {builtin: calls}
        found: list[dict[int, Any]] = []
        for engine in self._engines:
            [answer] = engine.evaluate("pods", enabled(_name(builtin)), [document])
            assert isinstance(answer, Answered), f"{engine.name}: {answer}"
            found.append({int(v.path[0]): v.detail["result"] for v in answer.violations})
        return found

    def compare(self, builtin: str, calls: list[list[Any]]) -> int:
        """Assert that every call means the same; returns how many had a result."""
        host, opa = self.results(builtin, calls)
        differing = [
            f"{builtin}{tuple(call)}: host {host.get(i)!r}, OPA {opa.get(i)!r}"
            for i, call in enumerate(calls)
            if host.get(i) != opa.get(i) or (i in host) != (i in opa)
        ]
        assert not differing, "\n".join(differing[:20])
        return len(opa)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    rules = {_name(name): RULE.format(name=f'"{name}"', call=call) for name, call in CALLS.items()}
    bundle = compiled(tmp_path_factory.mktemp("calls"), {**rules, "sets": SETS}, host=True)
    limits = EmbeddedSettings(deadline_seconds=50, memory_bytes=1 << 29)
    embedded = EmbeddedEngine(bundle, limits)
    with opa_server(bundle.server_bundle) as url:
        server = OpaServerEngine(bundle.catalogue, OpaServerSettings(url=url, timeout_seconds=30))
        yield Both(embedded, server)
        server.close()
    embedded.close()


def test_every_host_builtin_is_compared_here() -> None:
    assert set(CALLS) == HOST


OPERANDS: list[Any] = [
    0, 1, -7, 42, 255, 120, 128512, 1_000_000, -(2**63), 2**63 - 1, 2**63, -(10**25),
    0.5, -1.25, 1.0e6, 123456789.125, 1e-7, 1e21, 5e-324, 1.7976931348623157e308, 100.0, 0.1,
    "", "plain", 'quo"te\\', "tab\tnew\nline\x00\x7f", "grüße 日本 😀 \u200b\ufeff", "back`tick",
    True, False, None, [], [1, "a", None], {}, {"b": 1, "a": [True, "x\n"]}, [[["deep"]]],
]  # fmt: skip


def test_sprintf_of_every_verb_and_operand(both: Both) -> None:
    verbs = [*"vdsqtTcUoO%weEfFgGxXbz", "é"]
    # Floats in hexadecimal and binary and %w of long integers are refused, not guessed: see below.
    calls = [
        [f"<%{verb}>", [operand]]
        for verb, operand in itertools.product(verbs, OPERANDS)
        if not (isinstance(operand, float) and verb in "xXb")
        and not (_is_long(operand) and verb == "w")
    ]
    assert both.compare("sprintf", calls) == len(calls)


def test_sprintf_of_flags_widths_and_precisions(both: Both) -> None:
    flags = ["", "+", "-", "0", " ", "#", "+0", "-0", "0 ", "+#", "# ", "-+ #0"]
    widths = ["", "1", "12", ".0", ".", ".3", "8.2", "12.7", "040.30"]
    operands = [0, 42, -7, 10**25, 1.5, -0.25, "text", "grü`\n", ""]
    calls = [
        [f"<%{flag}{width}{verb}>", [operand]]
        for flag, width, verb, operand in itertools.product(flags, widths, "vdsqxXfgeocU", operands)
        if not (isinstance(operand, float) and (verb in "xX" or "#" in flag))
    ]
    for start in range(0, len(calls), 1500):
        chunk = calls[start : start + 1500]
        assert both.compare("sprintf", chunk) == len(chunk)


def test_sprintf_of_stars_indexes_and_mistakes(both: Both) -> None:
    templates = [
        "%*d", "%-*d|", "%.*f", "%*.*f", "%[2]d %[1]d", "%[3]*.[2]*[1]f", "%[1]*d", "%[5]d",
        "%[0]d", "%[x]d", "%[1", "%[]d", "%[1]d %d", "%d %[1]d", "%", "%d%", "%5", "%.", "%-",
        "%!", "%z", "%d %d %d %d %d", "no verbs", "%%", "%5%", "%[1]%", "100%", "%1000001d",
        "%.1000001f", "%99999999999999d", "%[99999999999]d", "%+v", "%#v", "%+q", "%#q", "%é",
        "%s %[1]s", "%[2]*[1]d", "%.[2]*[1]f", "%[2].3d", "%[1]5d", "%w", "% d", "%  d", "%v",
    ]  # fmt: skip
    operands: list[list[Any]] = [
        [], [1], [1, 2], [-3, 7], [3, 2.5], [12.0, 2, 6], ["a"], ["a", 3], [2000001, 1], [1, 2, 3],
        [None, [1]], [10**30, 4],
    ]  # fmt: skip
    calls = [[template, each] for template, each in itertools.product(templates, operands)]
    calls = [call for call in calls if not ("#" in call[0] and _has_float(call[1]))]
    calls = [call for call in calls if not ("w" in call[0] and any(map(_is_long, call[1])))]
    both.compare("sprintf", calls)


def _is_long(operand: object) -> bool:
    return isinstance(operand, int) and not -(2**63) <= operand < 2**63


def _has_float(operands: list[Any]) -> bool:
    return any(isinstance(each, float) for each in operands)


def test_sprintf_of_other_types_is_undefined(both: Both) -> None:
    assert both.compare("sprintf", [[1, [1]], ["%d", 1], ["%d", "a"], [None, None]]) == 0


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.tuples(
            st.text(st.sampled_from("%%%%dsvqtxgfeUco#+-0 .*[]123é"), max_size=12),
            st.lists(
                st.one_of(
                    st.integers(),
                    st.floats(allow_nan=False, allow_infinity=False),
                    st.text(max_size=6),
                    st.booleans(),
                    st.none(),
                    st.lists(st.integers() | st.text(max_size=3), max_size=3),
                    st.dictionaries(st.text(max_size=3), st.integers(), max_size=3),
                ),
                max_size=4,
            ),
        ),
        min_size=1,
        max_size=60,
    )
)
def test_sprintf_of_anything(both: Both, calls: list[tuple[str, list[Any]]]) -> None:
    # Not supported: floats with # or in hexadecimal (tested to be refused).
    usable = [
        [template, operands]
        for template, operands in calls
        if not (_has_float(operands) and ("#" in template or "x" in template))
        and not ("w" in template and any(map(_is_long, operands)))
    ]
    both.compare("sprintf", usable)


@pytest.mark.parametrize(
    ("template", "operand"),
    [("%x", 1.5), ("%X", 1.5), ("%b", 1.5), ("%#f", 1.5), ("%#g", 1.5), ("%w", 1 << 70)],
)
def test_what_sprintf_cannot_do_is_not_evaluated(both: Both, template: str, operand: float) -> None:
    engine = both._engines[0]
    document = {"sprintf": [[template, [operand]]]}
    [answer] = engine.evaluate("pods", enabled("sprintf"), [document])
    assert isinstance(answer, NotEvaluated)
    assert "sprintf" in answer.reason


def test_sets_and_objects_print_like_opas(both: Both) -> None:
    answers = [engine.evaluate("pods", enabled("sets"), [{}])[0] for engine in both._engines]
    assert answers[0] == answers[1]
    assert isinstance(answers[0], Answered)
    assert len(answers[0].violations) == 2


def test_any_prefix_and_suffix_match(both: Both) -> None:
    values: list[Any] = ["", "a", "abc", "bc", [], ["abc", "xyz"], ["c"], [""], [1], 1, None, {}]
    calls = [list(pair) for pair in itertools.product(values, values)]
    assert both.compare("strings.any_prefix_match", calls) > 20
    assert both.compare("strings.any_suffix_match", calls) > 20


def test_strings_count(both: Both) -> None:
    values: list[Any] = ["", "a", "aaaa", "aa", "grüße", "ü", 1, None, "😀😀", "😀"]
    assert both.compare("strings.count", [list(p) for p in itertools.product(values, values)]) > 20


def test_regex_find_n(both: Both) -> None:
    patterns = [
        "a", "a*", "[ab]+", "(a)(b)", "^x", "(", "(?i)AB", r"\d+", r"\bfoo\b", "ü+", "", "(?=a)",
        r"(a)\1", "[[:alpha:]]+", "(a|ab)(c|bcd)(d*)",
    ]  # fmt: skip
    values = ["", "aabab", "xay", "foo 12 foo345", "grüüße", "abcd"]
    numbers: list[Any] = [-1, 0, 1, 2, 10, 1.5, "1"]
    calls = [list(each) for each in itertools.product(patterns, values, numbers)]
    assert both.compare("regex.find_n", calls) > 300


def test_a_regex_that_explodes_in_backtracking_engines_is_linear_here(both: Both) -> None:
    start = time.monotonic()
    both.compare("regex.find_n", [["(a+)+$", "a" * 5000 + "b", -1], ["(a|a)*b", "a" * 5000, -1]])
    assert time.monotonic() - start < 10


def test_time_parse_rfc3339_ns(both: Both) -> None:
    good = [
        "1970-01-01T00:00:00Z", "2024-02-29T23:59:59.999999999Z", "2026-11-23T13:00:00+01:00",
        "1677-09-21T00:12:43.145224192Z", "2262-04-11T23:47:16.854775807Z",
        "2000-01-01T00:00:00.1Z",
        "1969-12-31T23:59:59.5-00:30", "2024-01-01T5:00:00Z", "2024-01-01T05:00:00,25Z",
        "2024-01-01T05:00:00.1234567891234Z", "2024-01-01T05:00:00+23:59",
    ]  # fmt: skip
    bad = [
        "", "x", "2023-02-29T00:00:00Z", "2024-13-01T00:00:00Z", "2024-00-01T00:00:00Z",
        "2024-01-32T00:00:00Z", "2024-01-01T24:00:00Z", "2024-01-01T00:60:00Z",
        "2024-01-01T00:00:60Z", "2024-01-01T00:00:00", "2024-01-01 00:00:00Z",
        "2024-01-01t00:00:00z", "1677-09-21T00:12:43.145224191Z",
        "2262-04-11T23:47:16.854775808Z",
        "2024-01-01T00:00:00+0100", "2024-01-01T00:00:00.Z", "0000-01-01T00:00:00Z",
        "2024-1-01T00:00:00Z", "2024-01-01T00:00:00+24:00", "2024-01-01T00:00:00+25:00",
        "2024-01-01T00:00:00+01:60", "2024-01-01T00:00:00+01:61", " 2024-01-01T00:00:00Z",
        "2024-01-01T00:00:00Z ", "٢٠٢٤-01-01T00:00:00Z", 5, None,
    ]  # fmt: skip
    assert both.compare("time.parse_rfc3339_ns", [[each] for each in good + bad]) >= len(good)


def test_time_parse_duration_ns(both: Both) -> None:
    units = ["ns", "us", "µs", "μs", "ms", "s", "m", "h", "d", "w", "y", "x", ""]
    numbers = ["0", "1", "1.5", ".5", "5.", "1e3", "-2", "+2", "100000", "9223372036854775807", "."]
    texts: list[Any] = [f"{n}{u}" for n, u in itertools.product(numbers, units)]
    texts += [
        "1h30m", "1d12h", "1w2d3h4m5.5s", "-1y", "1h 30m", "", "-", "+", "1d1d", "0.1d", "1.0001w",
        "292y", "293y", "9223372036854775808ns", "-9223372036854775808ns",
        "2562047h47m16.854775807s",
        "2562047h47m16.854775808s", "0.000000001h", "1.00000000000000000001h", "1ms1us1ns",
        "3.333333333d", "1h1", "1hour", "d", "1.5.5h", "1.5.5d", "0.00000000001d", 7, None,
    ]  # fmt: skip
    assert both.compare("time.parse_duration_ns", [[each] for each in texts]) > 90


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.from_regex(r"[-+]?([0-9]{1,9}(\.[0-9]{0,12})?(ns|us|ms|s|m|h|d|w|y)){1,3}",
                              fullmatch=True), min_size=1, max_size=60))  # fmt: skip
def test_durations_meet_the_same_nanosecond(both: Both, texts: list[str]) -> None:
    both.compare("time.parse_duration_ns", [[each] for each in texts])


UNITS = ["", "m", "M", "k", "K", "ki", "Ki", "KI", "mi", "Mi", "MI", "g", "G", "Gi", "t", "Ti", "p",
         "Pi", "e", "E", "Ei", "kb", "kB", "KiB", "MiB", "Mb", "B", "b", "i", "x", "mm",
         "ib"]  # fmt: skip
NUMBERS = ["", "0", "1", "1.5", ".5", "5.", "-2", "+3", "1e3", "1E3", "1e-3", "1e", "1e+", "2e2e2",
           "1-2", "0.1", "0.0001", "010", "1_0", "12345678901234567890123", ".", "1e9999999",
           "3.14159265358979", "1 ", '"1"', "0x1", "٣"]  # fmt: skip


@pytest.mark.parametrize("builtin", ["units.parse", "units.parse_bytes"])
def test_units(both: Both, builtin: str) -> None:
    texts: list[Any] = [f"{n}{u}" for n, u in itertools.product(NUMBERS, UNITS)]
    assert both.compare(builtin, [[each] for each in [*texts, 5, None, [], "10 Gi"]]) > 200


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.from_regex(r"[0-9]{1,25}(\.[0-9]{0,20})?(e-?[0-9]{1,2})?",
                fullmatch=True), st.sampled_from(UNITS)), min_size=1, max_size=60))  # fmt: skip
def test_units_of_any_amount(both: Both, amounts: list[tuple[str, str]]) -> None:
    calls = [[f"{number}{unit}"] for number, unit in amounts]
    both.compare("units.parse", calls)
    both.compare("units.parse_bytes", calls)


VERSIONS: list[Any] = [
    "1.0.0", "v1.0.0", "1.0", "1", "", "01.0.0", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta",
    "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0+build", "1.0.0-01", "2.1.0",
    "1.0.0-", "1.0.0+", "1.0.0-a+b.c", "1.0.0-0a", "1.0.0--", "9223372036854775807.0.0",
    "9223372036854775808.0.0", "1.-1.0", "1.0.0.0", "vv1.0.0", "V1.0.0", "1.0.0-ä",
    "1.0.0-a.", None,
    1, [], "99999999999999999999999.0.0", "1.0.0-99999999999999999999", "1.0.0-9", "1.0.0-10",
    "1.0.0-Z", "1.0.0-a",
]  # fmt: skip


def test_semver(both: Both) -> None:
    pairs = [list(each) for each in itertools.product(VERSIONS, VERSIONS)]
    assert both.compare("semver.compare", pairs) > 300
    assert both.compare("semver.is_valid", [[each] for each in VERSIONS]) == len(VERSIONS)


def test_crypto_sha256(both: Both) -> None:
    values: list[Any] = ["", "a", "grüße 😀", "x" * 100_000, 1, None, ["a"]]
    assert both.compare("crypto.sha256", [[each] for each in values]) == 4


def test_now_is_one_moment_in_each_evaluation(both: Both) -> None:
    before = time.time_ns()
    for results in both.results("time.now_ns", [[], []]):
        moments = {moment for pair in results.values() for moment in pair}
        assert len(moments) == 1
        assert before - 60e9 < moments.pop() < time.time_ns() + 60e9

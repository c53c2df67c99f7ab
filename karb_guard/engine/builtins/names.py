"""Which of OPA's built-in functions the embedded engine has, and where each one runs.

Data without imports: the compiler's gate, the host's dispatch table and the documentation all
read this one table, and a test compares it with what ``opa build -t wasm`` really imports.
"""

from __future__ import annotations


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


NATIVE = _names(
    """
    abs all and any array.concat array.flatten array.reverse array.slice
    base64.decode base64.encode base64.is_valid base64url.decode base64url.encode
    bits.and bits.lsh bits.negate bits.or bits.rsh bits.xor
    ceil concat contains count div endswith equal floor format_int glob.match graph.reachable
    gt gte indexof internal.member_2 internal.member_3 internal.template_string intersection
    is_array is_boolean is_null is_number is_object is_set is_string
    json.filter json.is_valid json.marshal json.remove json.unmarshal
    lower lt lte max min minus mul neq
    net.cidr_contains net.cidr_intersects net.cidr_overlap numbers.range
    object.filter object.get object.keys object.remove object.union object.union_n or
    plus product re_match regex.find_all_string_submatch_n regex.is_valid regex.match rem
    replace round set_diff sort split startswith strings.replace_n strings.reverse substring sum
    to_number trim trim_left trim_prefix trim_right trim_space trim_suffix type_name
    union upper walk
    """
)
"""Compiled into the WebAssembly module: no call back to the host. Source: ``builtinsFunctions``
in OPA 1.22.2, internal/compiler/wasm/wasm.go."""

COMPILE_TIME = frozenset(
    {"eq", "assign", "print", "internal.print", "rego.metadata.chain", "rego.metadata.rule"}
)
"""Gone when the module is planned: rewritten, folded or erased by OPA's compiler."""

HOST = _names(
    """
    crypto.sha256 regex.find_n semver.compare semver.is_valid sprintf strings.any_prefix_match
    strings.any_suffix_match strings.count time.now_ns time.parse_duration_ns
    time.parse_rfc3339_ns units.parse units.parse_bytes
    """
)
"""Implemented by the host (``karb_guard/engine/builtins``); each call leaves the sandbox."""

HOST_CALL_MICROSECONDS = 60
"""About what one call of a host built-in costs (docs/decisions/0001-engine.md)."""

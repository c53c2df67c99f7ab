"""One policy folder's Rego: its metadata as an ``Invariant``, and everything that is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from karb_guard.invariants import bodies, header, layout, param_schema
from karb_guard.invariants.layout import POLICY
from karb_guard.invariants.problems import Problem
from karb_guard.invariants.validation import InvalidError, validate
from karb_guard.invariants.yaml_text import Parsed, YamlError, read
from karb_guard.model.invariant import Invariant, Reference

MAX_BYTES = 256 * 1024
"""A policy file above this is refused: a mistake, not a policy."""


@dataclass(slots=True)
class PolicyFile:
    """What was learned from one policy folder."""

    place: str
    """How messages name its ``policy.rego``."""
    category: str
    folder: str
    id: str | None = None
    """The id it claims, even where other metadata is wrong."""
    id_line: int = 0
    invariant: Invariant | None = None
    evaluator: str = "rego"
    problems: list[Problem] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The short name: the folder's name with dashes."""
        return self.folder.replace("_", "-")

    @property
    def package(self) -> str:
        """The package that its path asks for."""
        return f"karb.{self.category}.{self.folder}"

    def add(self, line: int, key: str, message: str, file: str = POLICY) -> None:
        """Note a problem of ``file`` in this folder."""
        place = self.place.removesuffix(POLICY) + file
        self.problems.append(Problem(place, line, key, message))


def read_policy(folder: Path, place: str) -> PolicyFile:
    """Read ``folder/policy.rego`` and its parts; problems are noted in the answer, never raised."""
    found = PolicyFile(f"{place}/{POLICY}", folder.parent.name, folder.name)
    if not (folder / POLICY).is_file():
        found.problems.append(Problem(place, 0, "", f"a folder without {POLICY}; add or remove it"))
        return found
    try:
        text = _text(folder / POLICY)
        head = header.split(text)
        parsed = read(head.yaml)
    except header.HeaderError as error:
        found.add(error.line, "", error.message)
    except YamlError as error:
        line = error.line + header.YAML_OFFSET if error.line else 1
        found.add(line, "METADATA", f"{error.message}; mend the comment block")
    except (OSError, ValueError) as error:
        found.add(0, "", f"can't be read: {error}")
    else:
        _judge(found, folder, text, head, parsed)
    return found


def _text(file: Path) -> str:
    data = file.read_bytes()
    if len(data) > MAX_BYTES:
        raise ValueError(f"{len(data)} bytes; the most is {MAX_BYTES}")
    return data.decode("utf-8").replace("\r\n", "\n")


def _judge(found: PolicyFile, folder: Path, text: str, head: header.Header, parsed: Parsed) -> None:
    custom = _map(_map(parsed.value).get("custom"))
    params = _map(custom.get("params"))
    found.evaluator = str(custom.get("evaluator", "rego"))
    _claim_id(found, custom.get("id"), parsed)
    if head.package != found.package:
        remedy = f"write `package {found.package}` or move the folder"
        found.add(head.package_line, "package", f"{head.package} is not its path; {remedy}")
    _check_params(found, params, parsed)
    files = {POLICY: text, **_parts(found, folder)}
    if found.evaluator != "python":
        for fault in bodies.faults(found.name, files, params):
            found.add(fault.line, "", fault.message, fault.file)
    elif head.has_rules or len(files) > 1:
        message = "evaluator: python, but there are rules; remove the rules or the key"
        found.add(head.package_line, "custom.evaluator", message)
    _build(found, head.package, parsed)


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _claim_id(found: PolicyFile, value: Any, parsed: Parsed) -> None:
    from karb_guard.invariants.metadata import ID

    if isinstance(value, str) and ID.fullmatch(value):
        found.id = value
        found.id_line = parsed.line(("custom", "id")) + header.YAML_OFFSET


def _check_params(found: PolicyFile, params: Mapping[str, Any], parsed: Parsed) -> None:
    for name, schema in params.items():
        path = ("custom", "params", name)
        line = parsed.line(path) + header.YAML_OFFSET
        for message in param_schema.faults(name, schema) if isinstance(schema, dict) else ():
            found.add(line, ".".join(path), message)


def _parts(found: PolicyFile, folder: Path) -> dict[str, str]:
    """The further Rego files, which must be of the same package."""
    texts: dict[str, str] = {}
    for file in layout.part_files(folder):
        try:
            texts[file.name] = _text(file)
        except (OSError, ValueError) as error:
            found.add(0, "", f"can't be read: {error}", file.name)
            continue
        package = layout.package_of(texts[file.name])
        if package != found.package:
            message = f"{package or 'none'} is not its folder's; write `package {found.package}`"
            found.add(0, "package", message, file.name)
    return texts


def _build(found: PolicyFile, package: str, parsed: Parsed) -> None:
    from karb_guard.invariants.metadata import Metadata

    try:
        metadata = validate(Metadata, parsed.value if parsed.value is not None else {})
    except InvalidError as error:
        for fault in error.faults:
            found.problems.append(fault.problem(found.place, parsed, header.YAML_OFFSET))
    else:
        if not found.problems:
            found.invariant = _invariant(found, package, metadata)


def _invariant(found: PolicyFile, package: str, metadata: Any) -> Invariant:
    custom = metadata.custom
    return Invariant(
        id=custom.id,
        name=found.name,
        category=found.category,
        package=package,
        title=metadata.title,
        description=metadata.description,
        severity=custom.severity,
        since=custom.since,
        remediation=custom.remediation,
        checks=custom.checks,
        match=tuple(custom.match),
        context=tuple(custom.context),
        params=custom.params,
        references=tuple(Reference(r.ref, r.description) for r in metadata.related_resources),
        paper=custom.paper,
        self_waivable=custom.self_waivable,
        identity=custom.identity,
        amount=custom.amount,
        demanding=custom.demanding,
        opt_in=custom.opt_in,
        evaluator=custom.evaluator,
    )

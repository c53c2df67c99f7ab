"""Finds the configuration file, reads it and refuses what it can't mean.

``karb-guard.yaml``, or ``[tool.karb-guard]`` in ``pyproject.toml``, in the working directory or
above it up to the repository's root. Where there is none, the defaults hold and no validator is
imported: most runs of a linter have no file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from karb_guard.config.settings import PATTERNS, Config
from karb_guard.invariants.problems import Problem, ProblemsError

YAML_NAME = "karb-guard.yaml"
TOML_NAME = "pyproject.toml"
TOML_TABLE = "tool.karb-guard"
MAX_BYTES = 1 << 20

_MISNAMED = ("karb-guard.yml", ".karb-guard.yaml", ".karb-guard.yml")


class ConfigError(ProblemsError):
    """The configuration can't be used; every problem names file, key, value and remedy."""

    heading = "the configuration is refused"


class Loaded(NamedTuple):
    """The configuration and where it comes from."""

    config: Config
    """Paths inside are absolute."""
    file: Path | None = None
    """``None`` where no file was found and the defaults hold."""

    @property
    def label(self) -> str:
        """How messages name the source."""
        return str(self.file) if self.file else "the default configuration"


def load(explicit: Path | None = None, start: Path | None = None) -> Loaded:
    """The configuration in ``explicit``, else the nearest one at or above ``start``.

    ``start`` is the working directory by default. Raises ``ConfigError``.
    """
    if explicit is not None:
        return load_file(explicit)
    file = find(start or Path.cwd())
    return Loaded(Config()) if file is None else load_file(file)


def find(start: Path) -> Path | None:
    """The nearest configuration file at or above ``start``, up to the repository's root.

    A ``pyproject.toml`` counts only if it has our table. Raises ``ConfigError`` where one folder
    has two configurations, or a file whose name is nearly right.
    """
    start = start.resolve()
    for folder in (start, *start.parents):
        found = list(_candidates(folder))
        if len(found) > 1:
            message = f"{found[1]} has a configuration too ([{TOML_TABLE}]); keep one of them"
            raise ConfigError([Problem(str(found[0]), 0, "", message)])
        if found:
            return found[0]
        if (folder / ".git").exists():
            return None
    return None


def _candidates(folder: Path) -> Iterator[Path]:
    for name in _MISNAMED:
        if (folder / name).is_file():
            message = f"karb-guard reads {YAML_NAME} only; rename the file"
            raise ConfigError([Problem(str(folder / name), 0, "", message)])
    if (folder / YAML_NAME).is_file():
        yield folder / YAML_NAME
    toml = folder / TOML_NAME
    if toml.is_file() and _has_table(toml):
        yield toml


def _has_table(file: Path) -> bool:
    """Whether a ``pyproject.toml`` configures karb-guard; parsed only where it names it at all."""
    data = _bytes(file)
    return b"karb-guard" in data and _toml_table(file, data) is not None


def load_file(file: Path) -> Loaded:
    """The configuration in ``file``: TOML if it is called ``*.toml``, else YAML.

    Raises ``ConfigError`` with everything that is wrong with it.
    """
    from karb_guard.invariants.validation import InvalidError, validate
    from karb_guard.invariants.yaml_text import Parsed

    data = _bytes(file)
    toml = file.suffix == ".toml"
    parsed = Parsed(_toml_table(file, data)) if toml else _yaml(file, data)
    if toml and parsed.value is None:
        raise ConfigError([Problem(str(file), 0, "", f"has no table [{TOML_TABLE}]; add it")])
    prefix = TOML_TABLE if toml else ""
    try:
        value = parsed.value if parsed.value is not None else {}
        config = validate(Config, value, PATTERNS)
    except InvalidError as error:
        faults = error.faults
        raise ConfigError(f.problem(str(file), parsed, prefix=prefix) for f in faults) from error
    problems = [
        Problem(
            str(file), parsed.line(path), ".".join([*([prefix] if prefix else []), *path]), text
        )
        for path, text in _contradictions(config)
    ]
    if problems:
        raise ConfigError(problems)
    return Loaded(_absolute(config, file.resolve().parent), file)


def _bytes(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        message = f"can't be read: {error.strerror}; name a readable file"
        raise ConfigError([Problem(str(file), 0, "", message)]) from error
    if len(data) > MAX_BYTES:
        message = f"is larger than {MAX_BYTES} bytes; this is no configuration"
        raise ConfigError([Problem(str(file), 0, "", message)])
    return data


def _yaml(file: Path, data: bytes) -> Any:
    from karb_guard.invariants.yaml_text import YamlError, read

    try:
        return read(data.decode("utf-8"))
    except YamlError as error:
        raise ConfigError([Problem(str(file), error.line, "", error.message)]) from error
    except UnicodeDecodeError as error:
        message = f"is not UTF-8 at byte {error.start}; save it as UTF-8"
        raise ConfigError([Problem(str(file), 0, "", message)]) from error


def _toml_table(file: Path, data: bytes) -> Any:
    import tomllib

    try:
        tool = tomllib.loads(data.decode("utf-8")).get("tool")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError([Problem(str(file), 0, "", f"is not TOML: {error}; mend it")]) from error
    return tool.get("karb-guard") if isinstance(tool, dict) else None


def _contradictions(config: Config) -> Iterator[tuple[tuple[str, ...], str]]:
    """What is right key by key and wrong together."""
    if config.engine.type == "opa" and config.engine.opa.url is None:
        yield ("engine", "opa", "url"), "is missing, and `type: opa` needs it; add the address"
    if config.webhook.port == config.webhook.metrics_port:
        message = f"{config.webhook.metrics_port} is webhook.port too; choose another port"
        yield ("webhook", "metricsPort"), message


def _absolute(config: Config, base: Path) -> Config:
    """The configuration with paths that don't depend on where the user stands."""
    opa = config.engine.opa
    opa = replace(
        opa,
        token_file=str(base / opa.token_file) if opa.token_file else None,
        ca_file=str(base / opa.ca_file) if opa.ca_file else None,
    )
    return replace(
        config,
        policies=tuple(str(base / folder) for folder in config.policies),
        engine=replace(config.engine, opa=opa),
    )

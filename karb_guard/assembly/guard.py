"""Puts configuration, catalogue and engine together: the same way for every door."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple

from karb_guard.assembly.policies import Choices, compiled, roots_of
from karb_guard.config.load import Loaded, load
from karb_guard.config.names import check_names, severities
from karb_guard.config.settings import Config
from karb_guard.engine.bundle import CompiledBundle
from karb_guard.engine.interface import Engine
from karb_guard.evaluation import EvaluationSettings, Evaluator
from karb_guard.facts.settings import FactSettings
from karb_guard.invariants import profiles
from karb_guard.invariants.catalogue import Catalogue
from karb_guard.invariants.params import Overrides, effective, merged, parse_set
from karb_guard.invariants.profiles import Profile
from karb_guard.invariants.roots import builtin_root
from karb_guard.model.errors import UsageError
from karb_guard.model.invariant import Invariant

if TYPE_CHECKING:
    from karb_guard.engine.opa_server import OpaServerEngine


class Guard(NamedTuple):
    """Everything that a door needs to judge objects. Use as a context: it holds an engine."""

    loaded: Loaded
    catalogue: Catalogue
    bundle: CompiledBundle
    engine: Engine
    evaluator: Evaluator
    roots: tuple[Path, ...] = ()
    """The user's folders of policies."""

    @property
    def config(self) -> Config:
        """The configuration in force."""
        return self.loaded.config

    def __enter__(self) -> Guard:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.engine.close()


def assemble(choices: Choices) -> Guard:
    """Load the configuration, find or compile the bundle, make engine and evaluator.

    Raises a ``KarbGuardError`` that names file, key, value and remedy for whatever can't be meant.
    """
    loaded = load(choices.config_file)
    config = loaded.config
    roots = roots_of(config, choices.policies)
    bundle = compiled(roots)
    catalogue = bundle.catalogue.invariants
    check_names(loaded, catalogue)
    name = choices.profile or config.profile
    profile = profiles.load(name, [builtin_root(), *roots], catalogue)
    chosen = _chosen(catalogue, config, choices, profile)
    given = parse_set(choices.set_params, catalogue)
    overrides = merged(
        _by_name(profile.params, catalogue), _by_name(config.params, catalogue), given
    )
    settings = EvaluationSettings(
        invariants=chosen,
        params=effective(chosen, overrides, catalogue),
        severities={
            **profile.severities(catalogue),
            **severities(config.severity, catalogue),
        },
        facts=fact_settings(config),
    )
    engine = engine_of(config, bundle, choices.resilient)
    return Guard(loaded, catalogue, bundle, engine, Evaluator(engine, settings), tuple(roots))


def _by_name(params: Overrides, catalogue: Catalogue) -> Overrides:
    """Parameters by short name, so that layers which name an invariant differently still merge."""
    named = ((catalogue.find(token), token, values) for token, values in params.items())
    return merged(*({found.name if found else token: values} for found, token, values in named))


def _chosen(
    catalogue: Catalogue, config: Config, choices: Choices, profile: Profile
) -> tuple[Invariant, ...]:
    """The enabled invariants. None at all would pass everything, which nobody can mean."""
    ignore = (*config.ignore, *choices.ignore)
    extend = (*config.extend_select, *choices.extend_select)
    select = choices.select or config.select or profile.select
    chosen = catalogue.select(select, ignore, extend)
    if not chosen:
        raise UsageError(
            f"`ignore` ({', '.join(ignore)}) takes away everything that is selected; "
            "leave at least one invariant"
        )
    return chosen


def fact_settings(config: Config) -> FactSettings:
    """What the configuration says about GPUs and objectives, added to what is built in."""
    facts = config.facts
    return FactSettings(
        slo_prefix=facts.slo_prefix,
        gpu_resources=facts.gpu_resources,
        gpu_taints=facts.gpu_taint_keys,
        gpu_labels=facts.gpu_node_labels,
        gpu_device_classes=facts.gpu_device_classes,
        other_device_classes=facts.other_device_classes,
    )


def engine_of(config: Config, bundle: CompiledBundle, resilient: bool = False) -> Engine:
    """The engine that the configuration asks for; ``resilient`` outlives an OPA that goes away."""
    if config.engine.type != "opa":
        return _embedded(config, bundle)
    server = _opa(config, bundle)
    if not resilient:
        return server
    from karb_guard.engine.resilient import ResilientEngine

    embedded = config.engine.opa.when_away == "embedded"
    return ResilientEngine(server, _embedded(config, bundle) if embedded else None)


def _opa(config: Config, bundle: CompiledBundle) -> OpaServerEngine:
    from karb_guard.engine.opa_server import OpaServerEngine, OpaServerSettings

    opa = config.engine.opa
    settings = OpaServerSettings(
        url=opa.url or "",
        token=_token(opa.token_file),
        ca_file=Path(opa.ca_file) if opa.ca_file else None,
        timeout_seconds=opa.timeout_ms / 1000,
    )
    return OpaServerEngine(bundle.catalogue, settings)


def _embedded(config: Config, bundle: CompiledBundle) -> Engine:
    from karb_guard.engine.embedded import EmbeddedEngine, EmbeddedSettings

    engine = config.engine
    settings = EmbeddedSettings(
        deadline_seconds=engine.deadline_ms / 1000, memory_bytes=engine.memory_mib << 20
    )
    return EmbeddedEngine(bundle, settings)


def _token(file: str | None) -> str | None:
    """The bearer token in ``file``; the error names the file, never its content."""
    if file is None:
        return None
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"engine.opa.tokenFile {file}: can't be read: {error}") from error

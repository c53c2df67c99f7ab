"""The set of invariants that is in force, by id, short name and category."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from karb_guard.invariants.problems import CatalogueError, UnknownNameError, did_you_mean
from karb_guard.model.invariant import Invariant

__all__ = ["Catalogue", "CatalogueError", "UnknownNameError"]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Invariants sorted by id. Ids and names are unique; ``source.read`` says which are not."""

    invariants: tuple[Invariant, ...]
    by_id: Mapping[str, Invariant] = field(init=False, repr=False, compare=False)
    by_name: Mapping[str, Invariant] = field(init=False, repr=False, compare=False)
    by_category: Mapping[str, tuple[Invariant, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        ordered = tuple(sorted(self.invariants, key=lambda invariant: invariant.id))
        by_id = {invariant.id: invariant for invariant in ordered}
        by_name = {invariant.name: invariant for invariant in ordered}
        if not len(by_id) == len(by_name) == len(ordered):
            raise ValueError("two invariants share an id or a name")
        groups = {
            category: tuple(i for i in ordered if i.category == category)
            for category in sorted({invariant.category for invariant in ordered})
        }
        object.__setattr__(self, "invariants", ordered)
        object.__setattr__(self, "by_id", MappingProxyType(by_id))
        object.__setattr__(self, "by_name", MappingProxyType(by_name))
        object.__setattr__(self, "by_category", MappingProxyType(groups))

    def __iter__(self) -> Iterator[Invariant]:
        return iter(self.invariants)

    def __len__(self) -> int:
        return len(self.invariants)

    def find(self, token: str) -> Invariant | None:
        """The invariant with this id or short name (in any case), or ``None``."""
        return self.by_id.get(token.upper()) or self.by_name.get(token.lower())

    def get(self, token: str) -> Invariant:
        """The invariant with this id or short name; ``UnknownNameError`` with a suggestion."""
        invariant = self.find(token)
        if invariant is None:
            hint = did_you_mean(token, [*self.by_id, *self.by_name])
            remedy = hint or "`karb-guard list` shows all"
            raise UnknownNameError(f"no invariant has the id or name {token!r}; {remedy}")
        return invariant

    def members(self, token: str) -> tuple[Invariant, ...]:
        """What an id, a short name or a category stands for; empty where nothing has that name.

        A category of several words may be written with dashes, as short names are.
        """
        invariant = self.find(token)
        category = token.lower().replace("-", "_")
        return (invariant,) if invariant else self.by_category.get(category, ())

    def select(
        self,
        select: Iterable[str] = (),
        ignore: Iterable[str] = (),
        extend: Iterable[str] = (),
    ) -> tuple[Invariant, ...]:
        """What ``select`` and ``extend`` name, without what ``ignore`` names.

        An empty ``select`` means everything that is not ``opt_in``; a category never selects those
        either: they are named one by one.
        Tokens are ids, short names or categories. Raises ``UnknownNameError`` that lists every
        token which names nothing: a misspelt ``select`` must not silently check nothing.
        """
        wanted, more, dropped = list(select), list(extend), list(ignore)
        unknown = [token for token in [*wanted, *more, *dropped] if not self.members(token)]
        if unknown:
            raise UnknownNameError("; ".join(self._unknown(token) for token in unknown))
        chosen = {i.id for token in [*wanted, *more] for i in self._chosen(token)}
        if not wanted:
            chosen |= {i.id for i in self.invariants if not i.opt_in}
        without = {i.id for token in dropped for i in self.members(token)}
        return tuple(i for i in self.invariants if i.id in chosen and i.id not in without)

    def _chosen(self, token: str) -> tuple[Invariant, ...]:
        named = self.find(token)
        return tuple(i for i in self.members(token) if i is named or not i.opt_in)

    def _unknown(self, token: str) -> str:
        hint = self.suggestion(token) or "`karb-guard list` shows all"
        return f"no invariant or category is called {token!r}; {hint}"

    def suggestion(self, token: str) -> str:
        """``did you mean X?`` among ids, short names and categories, or an empty text."""
        return did_you_mean(token, [*self.by_id, *self.by_name, *self.by_category])

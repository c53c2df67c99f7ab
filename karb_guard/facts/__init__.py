"""Facts: what policies see of an object, parsed once."""

from karb_guard.facts.build import Facts, PodViews, build
from karb_guard.facts.lookup import Lookup
from karb_guard.facts.memory import TemplateMemory
from karb_guard.facts.settings import FactSettings
from karb_guard.facts.types import Malformed

__all__ = ["FactSettings", "Facts", "Lookup", "Malformed", "PodViews", "TemplateMemory", "build"]

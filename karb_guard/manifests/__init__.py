"""Bytes -> documents: YAML and JSON as kubectl reads them, with positions and limits.

`read_paths` finds the files, `parse` turns one file's bytes into documents and problems. Neither
ever raises for bad input: what can't be read is a `ParseProblem` that names the file, the line
and the remedy.
"""

from karb_guard.manifests.document import Document
from karb_guard.manifests.limits import DEFAULT_LIMITS, Limits
from karb_guard.manifests.parsing import NotAnObject, ParsedFile, parse, parse_source
from karb_guard.manifests.problem import ParseProblem
from karb_guard.manifests.reading import Source, read_paths
from karb_guard.manifests.text import Position

__all__ = [
    "DEFAULT_LIMITS",
    "Document",
    "Limits",
    "NotAnObject",
    "ParseProblem",
    "ParsedFile",
    "Position",
    "Source",
    "parse",
    "parse_source",
    "read_paths",
]

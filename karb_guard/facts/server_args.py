"""How many accelerators a model server is told to use, and which model it serves.

Read from the command line and environment of a container, for servers whose documentation says
what their arguments mean: vLLM (docs.vllm.ai, "Parallelism and Scaling"), KServe's
huggingfaceserver on top of it, SGLang (docs.sglang.ai, "Server Arguments"), TensorRT-LLM's
trtllm-serve and Triton's launch script, Text Generation Inference, and DJL Serving.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

from karb_guard.facts.command_line import (
    HIDDEN,
    Budget,
    Command,
    CommandLine,
    Word,
    command_line,
)
from karb_guard.workloads import Container

Json = dict[str, Any]

_FLAGS = {
    "--tensor-parallel-size": "tensor",
    "-tp": "tensor",
    "--tp": "tensor",
    "--tp-size": "tensor",
    "--num-shard": "tensor",
    "--world-size": "world",
    "--pipeline-parallel-size": "pipeline",
    "-pp": "pipeline",
    "--pp": "pipeline",
    "--pp-size": "pipeline",
    "--prefill-context-parallel-size": "context",
    "-pcp": "context",
    "--data-parallel-size": "data",
    "-dp": "data",
    "--dp": "data",
    "--dp-size": "data",
    "--data-parallel-size-local": "local",
    "-dpl": "local",
    "--data-parallel-rank": "rank",
    "-dpn": "rank",
    "--data-parallel-start-rank": "spans",
    "-dpr": "spans",
    "--nnodes": "nodes",
    "--distributed-executor-backend": "backend",
    "--sharded": "sharded",
    "--config": "config",
    "--extra-llm-api-options": "config",
    "--model": "model",
    "--model-path": "model",
    "--model-id": "model",
    "--revision": "revision",
    "--model-revision": "revision",
}
"""A flag, with dashes for underscores (argparse accepts both in vLLM), and what it says."""

_SWITCHES = {"--enable-dp-attention": "attention", "--headless": "spans"}
"""Flags without a value."""

_BOOLEANS = ("--enable-", "--disable-", "--no-", "--trust-remote-code", "--enforce-eager")
"""What flags without a value begin with: a word after one may be any argument."""

_TGI_VARIABLES = {
    "NUM_SHARD": "tensor",
    "SHARDED": "sharded",
    "MODEL_ID": "model",
    "REVISION": "revision",
}

_SIZES = frozenset({"tensor", "pipeline", "context", "data", "local", "world", "nodes"})
_TELLING = frozenset({"--tensor-parallel-size", "--tp-size", "--num-shard"})
"""Flags by which a server of unknown name is recognised."""


class Said(NamedTuple):
    """One argument: what it says, as which value, and how it is written where."""

    value: str
    text: str
    word: Word


Arguments = dict[str, Said]


class _Server(NamedTuple):
    name: str
    world: Callable[[Arguments], int | None]
    """The accelerators of one container; ``None``: all that it is given, or not said."""


class _Started(NamedTuple):
    server: _Server
    arguments: Command
    complete: bool
    """What is not among the arguments has the server's own default."""
    positional: bool = False
    """The first argument is the model."""


def _size(said: Arguments, what: str) -> int:
    return int(said[what].value) if what in said else 1


def _vllm(said: Arguments) -> int:
    replicas = "local" if "local" in said else "data"
    per_replica = prod(_size(said, what) for what in ("tensor", "pipeline", "context"))
    return per_replica if "rank" in said else per_replica * _size(said, replicas)


def _sglang(said: Arguments) -> int:
    """With data-parallel attention, replicas share the tensor-parallel group."""
    replicas = 1 if "attention" in said else _size(said, "data")
    return _size(said, "tensor") * _size(said, "pipeline") * replicas


def _tensorrt(said: Arguments) -> int:
    return _size(said, "tensor") * _size(said, "pipeline")


def _tgi(said: Arguments) -> int | None:
    """Without a number of shards it takes every GPU that it sees."""
    if "tensor" in said:
        return _size(said, "tensor")
    return 1 if "sharded" in said and said["sharded"].value.lower() == "false" else None


def _triton(said: Arguments) -> int | None:
    return _size(said, "world") if "world" in said else None


def _other(said: Arguments) -> int | None:
    """What data parallelism adds is not known of a server that isn't."""
    return None if "data" in said else _size(said, "tensor") * _size(said, "pipeline")


VLLM = _Server("vLLM", _vllm)
SGLANG = _Server("SGLang", _sglang)
TENSORRT = _Server("TensorRT-LLM", _tensorrt)
TGI = _Server("Text Generation Inference", _tgi)
TRITON = _Server("Triton", _triton)
OTHER = _Server("the server", _other)

_MODULES = (
    ("vllm.entrypoints.", VLLM),
    ("huggingfaceserver", VLLM),
    ("sglang.launch_server", SGLANG),
)
_PROGRAMS = {
    "text-generation-launcher": TGI,
    "trtllm-serve": TENSORRT,
    "launch_triton_server.py": TRITON,
}
_SUBCOMMANDS = {("vllm", "serve"): VLLM, ("sglang", "serve"): SGLANG}
_CLUSTERS = {("ray", "start"), ("ray", "symmetric-run"), ("ray", "job")}
_CLUSTER_SCRIPTS = ("multi-node-serving", "run_cluster.sh")
_HUGGINGFACE = "kserve/huggingfaceserver"
_IMAGES = (("vllm/vllm-openai", VLLM), (_HUGGINGFACE, VLLM), ("text-generation-inference", TGI))
"""Images whose entrypoint is the server."""
_FORMATS = frozenset({"huggingface", "vllm"})
"""Model formats for which KServe starts its huggingfaceserver, with an image of its own."""


def server_facts(
    container: Container, spec: Mapping[str, Any], image: str, budget: Budget | None = None
) -> Json | None:
    """The ``server`` of a container in the input document; ``None`` where none is recognised.

    ``spec`` has been sanitized; ``image`` is the repository of its image, or ``""``.
    ``world`` is the number of accelerators that the arguments ask for: ``None`` where the server
    takes all, or nothing is said. ``why``: it is said somewhere that is not visible here.
    ``visible``: so that what isn't among the arguments is not said at all.
    ``budget``: the characters that may still be read of the object; a container that takes more
    starts a server of which nothing is known.
    """
    image = image or _image_of_format(spec.get("modelFormat"))
    if not (spec.get("command") or spec.get("args")) and not image:
        return None
    line = command_line(spec, budget)
    started = list(_started(line, image))
    if line.cut and not started:
        unread = _Started(OTHER, [], complete=False)
        return _described(container, line, unread, {}, _TOO_LONG)
    if len(started) != 1:  # two servers share the devices, or one of them is chosen at run time
        return None
    said, hidden = _arguments(started[0])
    if started[0].server is TGI:
        _from_environment(spec, line, said)
    return _described(container, line, started[0], said, hidden)


_TOO_LONG = "its commands are longer than what is read of an object's"


def _image_of_format(model_format: Any) -> str:
    name = model_format.get("name") if isinstance(model_format, dict) else None
    return _HUGGINGFACE if isinstance(name, str) and name.lower() in _FORMATS else ""


def _started(line: CommandLine, image: str) -> Iterator[_Started]:
    for command in line.commands:
        found = _recognised(command)
        if found is not None:
            yield found
        elif not line.entrypoint and _is_telling(command):
            yield _Started(OTHER, command, complete=False)
    if line.entrypoint:
        yield from _of_image(line, image)


def _of_image(line: CommandLine, image: str) -> Iterator[_Started]:
    """The arguments of an image's entrypoint, unless they begin with a program of their own."""
    arguments = line.commands[0] if line.commands else []
    if _recognised(arguments) is not None:
        return
    for suffix, server in _IMAGES:
        if image.endswith(suffix):
            yield _Started(server, arguments, complete=bool(arguments) or server is TGI)
            return
    if _is_telling(arguments):
        yield _Started(OTHER, arguments, complete=False)


def _recognised(command: Command) -> _Started | None:
    for index, word in enumerate(command):
        following = command[index + 1].text if index + 1 < len(command) else ""
        server = _SUBCOMMANDS.get((_basename(word.text), following))
        if server is not None:
            return _Started(server, command[index + 2 :], complete=True, positional=True)
        server = _program(word.text)
        if server is not None:
            positional = server is TENSORRT
            return _Started(server, command[index + 1 :], complete=True, positional=positional)
    return None


def _basename(word: str) -> str:
    """``posixpath.basename``, which takes four times as long."""
    return word[word.rfind("/") + 1 :]


def _program(word: str) -> _Server | None:
    found = _PROGRAMS.get(_basename(word))
    return found or next((server for name, server in _MODULES if word.startswith(name)), None)


def _is_telling(command: Command) -> bool:
    return any(_flag(word.text)[0] in _TELLING for word in command)


def _flag(word: str) -> tuple[str, str | None]:
    """A flag with dashes, and the value that is written with it."""
    name, equals, value = word.partition("=")
    return name.replace("_", "-"), value if equals else None


def _arguments(started: _Started) -> tuple[Arguments, str | None]:
    """What is said (the last one counts, as for argparse), and what hides that there is more."""
    said: Arguments = {}
    words = started.arguments
    hidden = None
    for index, word in enumerate(words):
        name, value = _flag(word.text)
        what = _FLAGS.get(name)
        if name in _SWITCHES:
            said[_SWITCHES[name]] = Said("", word.text, word)
        elif what is not None:
            text = word.text
            if value is None:
                value = words[index + 1].text if index + 1 < len(words) else ""
                text = f"{text} {value}"
            said[what] = Said(value, text, word)
        elif HIDDEN in word.text and not _is_value(words, index):
            hidden = "its arguments are not all visible here"
    if started.positional and words and not words[0].text.startswith("-"):
        said.setdefault("model", Said(words[0].text, words[0].text, words[0]))
    return said, hidden


def _is_value(words: Sequence[Word], index: int) -> bool:
    """Whether a word belongs to the flag before it; a positional one may be any argument."""
    text = words[index].text
    before = words[index - 1].text if index else ""
    takes_value = before.startswith("-") and not before.startswith(_BOOLEANS)
    return text.startswith("-") or takes_value


def _from_environment(spec: Mapping[str, Any], line: CommandLine, said: Arguments) -> None:
    """Text Generation Inference takes each of its arguments from the environment, too."""
    for place, entry in enumerate(spec.get("env") or ()):
        name = entry.get("name", "")
        what = _TGI_VARIABLES.get(name)
        if what is not None and what not in said:
            value = line.variables[name]
            said[what] = Said(value, f"{name}={value}", Word(name, "env", place))


def _described(
    container: Container, line: CommandLine, started: _Started, said: Arguments, hidden: str | None
) -> Json:
    sizes = [each for what, each in said.items() if what in _SIZES and what != "nodes"]
    why = _doubt(said, sizes, hidden)
    spans = _spans(line, said)
    complete = started.complete and not container.open
    decided = why is None and not spans and (sizes or complete)
    model = said["model"].value if "model" in said else HIDDEN
    known = HIDDEN not in model
    return {
        "name": started.server.name,
        "world": started.server.world(said) if decided else None,
        "said": [each.text for each in sizes if HIDDEN not in each.text],
        "path": list(_path(container, sizes)),
        "why": None if spans else why,
        "model": model if known else None,
        "modelPath": list(_place(container, said["model"])) if known else [],
        "revision": said["revision"].value.replace(HIDDEN, "...") if "revision" in said else None,
        "visible": hidden is None and "config" not in said,
    }


def _doubt(said: Arguments, sizes: Sequence[Said], hidden: str | None) -> str | None:
    for each in sizes:
        if not _is_number(each.value):
            return f"{each.text.replace(HIDDEN, '...')} is not decided here"
    if "config" in said:
        return "its configuration file is not visible here"
    return hidden


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and 0 < len(text) < 6 and int(text) > 0


def _spans(line: CommandLine, said: Arguments) -> bool:
    """The server's processes run in several pods, so no container has all of its devices."""
    if "spans" in said or ("nodes" in said and said["nodes"].value != "1"):
        return True
    if "backend" in said and said["backend"].value == "ray":
        return True
    return any(_starts_cluster(command) for command in line.commands)


def _starts_cluster(command: Command) -> bool:
    texts = [word.text for word in command]
    pairs = set(zip(map(_basename, texts), texts[1:], strict=False))
    return bool(pairs & _CLUSTERS) or any(
        script in text for text in texts for script in _CLUSTER_SCRIPTS
    )


def _path(container: Container, sizes: Sequence[Said]) -> Sequence[str | int]:
    """The argument that says the size; where none does, the list that it belongs in."""
    for each in sizes:
        return _place(container, each)
    in_command = container.spec.get("command") and not container.spec.get("args")
    return container.written(("command" if in_command else "args",))


def _place(container: Container, said: Said) -> Sequence[str | int]:
    return container.written((said.word.field, said.word.place))

"""What a model server is told to use, from its arguments."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karb_guard.facts.command_line import HIDDEN, MAX_READ, MAX_SCRIPT, Budget, command_line
from karb_guard.facts.server_args import server_facts
from karb_guard.workloads import Container


def server(image: str = "", *, is_open: bool = False, **spec: Any) -> dict[str, Any] | None:
    path = ("spec", "containers", 0)
    return server_facts(Container("c", "main", path, spec, is_open), spec, image)


def world(image: str = "", **spec: Any) -> Any:
    found = server(image, **spec)
    return None if found is None else (found["name"], found["world"])


def script(text: str, **more: Any) -> Any:
    return world(command=["/bin/sh", "-c"], args=[text], **more)


OFFICIAL = "vllm/vllm-openai"


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("vllm serve org/m --tensor-parallel-size 2", ("vLLM", 2)),
        ("vllm serve org/m --tensor-parallel-size=2 -pp 2", ("vLLM", 4)),
        ("vllm serve org/m --tensor_parallel_size 2", ("vLLM", 2)),
        ("vllm serve org/m -tp 2 -dp 4", ("vLLM", 8)),
        ("vllm serve org/m -tp 2 -dp 16 --data-parallel-size-local 2", ("vLLM", 4)),
        ("vllm serve org/m -tp 2 -dp 16 --data-parallel-rank 3", ("vLLM", 2)),
        ("vllm serve org/m", ("vLLM", 1)),
        ("vllm serve org/m -tp 2 -tp 4", ("vLLM", 4)),
        ("/usr/bin/vllm serve org/m -tp 2", ("vLLM", 2)),
        ("python3 -m vllm.entrypoints.openai.api_server --model m -tp 2", ("vLLM", 2)),
        ("python -m huggingfaceserver --tensor-parallel-size 2", ("vLLM", 2)),
        ("python3 -m sglang.launch_server --model-path m --tp 4 --dp 2", ("SGLang", 8)),
        (
            "python3 -m sglang.launch_server --tp-size 8 --dp-size 8 --enable-dp-attention",
            ("SGLang", 8),
        ),
        ("trtllm-serve org/m --tp_size 4 --pp_size 2", ("TensorRT-LLM", 8)),
        ("text-generation-launcher --model-id m --num-shard 2", ("Text Generation Inference", 2)),
        ("text-generation-launcher --model-id m", ("Text Generation Inference", None)),
        ("text-generation-launcher --sharded false", ("Text Generation Inference", 1)),
        ("python3 scripts/launch_triton_server.py --world_size=4 --model_repo r", ("Triton", 4)),
        ("tritonserver --model-repository r", None),
        ("/app/start --tensor-parallel-size 2", ("the server", 2)),
        ("/app/start --tp 2", None),
        ("/app/start --tensor-parallel-size 2 --dp-size 2", ("the server", None)),
        ("nvidia-smi", None),
    ],
)
def test_the_devices_that_a_command_uses(command: str, expected: Any) -> None:
    words = command.split()
    assert world(command=words) == expected
    assert world(command=words[:1], args=words[1:]) == expected
    assert script(command) == expected


@pytest.mark.parametrize(
    "command",
    [
        "vllm serve m -tp 16 --nnodes 2 --node-rank 0",
        "vllm serve m -tp 16 --distributed-executor-backend ray",
        "vllm serve m -tp 8 -dp 32 --headless --data-parallel-start-rank 8",
        "python3 -m sglang.launch_server --tp 16 --nnodes 2",
    ],
)
def test_a_server_in_several_pods_is_not_counted(command: str) -> None:
    found = server(command=command.split())
    assert found is not None
    assert (found["world"], found["why"]) == (None, None)
    joined = server(command=["bash", "-c", f"ray start --head && {command}"])
    assert joined is not None
    assert joined["world"] is None


@pytest.mark.parametrize(
    "text",
    [
        "set -e\nexport TP=2\nexec vllm serve m \\\n  --tensor-parallel-size $TP 2>&1 | tee /log",
        "TP=2; vllm serve m --tensor-parallel-size ${TP}",
        "vllm serve m --tensor-parallel-size '2' # --tensor-parallel-size 8",
        "cd /app && VLLM_USE_V1=1 vllm serve m -tp 2 &\nwait",
        "echo $(date) `hostname`; vllm serve m -tp 2 --api-key $(cat /key)",
        "vllm serve m -tp 2 --api-key $API_KEY",
    ],
)
def test_scripts_are_read_as_far_as_they_say_it(text: str) -> None:
    assert script(text) == ("vLLM", 2)


@pytest.mark.parametrize(
    "text",
    [
        "vllm serve m --tensor-parallel-size $(nvidia-smi -L | wc -l)",
        "vllm serve m --tensor-parallel-size $TP",
        "vllm serve m --tensor-parallel-size ${TP:-2}",
        "vllm serve m --tensor-parallel-size $((A * 2))",
        "vllm serve m $EXTRA_ARGS",
        "vllm serve m --enforce-eager $EXTRA_ARGS",
        'vllm serve m "$@"',
        "vllm serve m --config /etc/vllm.yaml",
        "vllm serve m -tp two",
        "vllm serve m -tp 0",
        "vllm serve m -tp",
    ],
)
def test_what_is_decided_elsewhere_is_never_guessed(text: str) -> None:
    found = server(command=["bash", "-lc", text])
    assert found is not None
    assert found["world"] is None
    assert found["why"]
    assert HIDDEN not in repr(found)


def test_the_kubelet_s_references_are_followed() -> None:
    env = [{"name": "TP", "value": "4"}, {"name": "TOO", "value": "$(TP)"}]
    assert world(command=["vllm", "serve", "m", "-tp", "$(TOO)"], env=env) == ("vLLM", 4)
    secret = [{"name": "TP", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "tp"}}}]
    found = server(command=["vllm", "serve", "m", "-tp", "$(TP)"], env=secret)
    assert found is not None
    assert (found["world"], found["why"]) == (None, "-tp ... is not decided here")
    assert world(command=["vllm", "serve", "m", "-tp", "$(LOST)"]) == ("vLLM", None)


def test_an_image_whose_entrypoint_is_the_server() -> None:
    assert world(f"mirror/{OFFICIAL}", args=["--model", "m", "-tp", "2"]) == ("vLLM", 2)
    assert world(OFFICIAL, args=["--model", "m"]) == ("vLLM", 1)
    assert world(OFFICIAL) == ("vLLM", None)
    assert world(OFFICIAL, command=["/start.sh"]) is None
    assert world("my/vllm", args=["--model", "m"]) is None
    assert world("my/vllm", args=["--model", "m", "--tensor-parallel-size", "2"]) == (
        "the server",
        2,
    )
    assert world(OFFICIAL, args=["vllm", "serve", "m", "-tp", "2"]) == ("vLLM", 2)


def test_text_generation_inference_reads_its_environment() -> None:
    image = "huggingface/text-generation-inference"
    env = [{"name": "MODEL_ID", "value": "org/m"}, {"name": "NUM_SHARD", "value": "2"}]
    found = server(image, env=env)
    assert found is not None
    assert (found["world"], found["model"]) == (2, "org/m")
    assert found["path"] == ["spec", "containers", 0, "env", 1]
    assert found["said"] == ["NUM_SHARD=2"]
    assert world(image, env=env, args=["--num-shard", "4"]) == ("Text Generation Inference", 4)


def test_two_servers_share_the_devices() -> None:
    assert script("vllm serve a -tp 1 & vllm serve b -tp 1; wait") is None


def test_an_open_container_may_be_told_more() -> None:
    assert server(is_open=True, command=["vllm", "serve", "m"])["world"] is None  # type: ignore[index]
    found = server(is_open=True, command=["vllm", "serve", "m", "-tp", "2"])
    assert found is not None
    assert found["world"] == 2


def test_the_argument_is_pointed_at() -> None:
    found = server(command=["vllm", "serve"], args=["org/m", "--port", "80", "-tp", "2"])
    assert found is not None
    assert found["path"] == ["spec", "containers", 0, "args", 3]
    assert found["model"] == "org/m"
    absent = server(command=["vllm", "serve"], args=["org/m"])
    assert absent is not None
    assert (absent["said"], absent["path"]) == ([], ["spec", "containers", 0, "args"])
    alone = server(command=["vllm", "serve", "org/m"])
    assert alone is not None
    assert alone["path"] == ["spec", "containers", 0, "command"]


@pytest.mark.parametrize(
    ("command", "revision"),
    [
        ("vllm serve org/m --revision 0a1b2c", "0a1b2c"),
        ("vllm serve org/m --revision=0a1b2c --tokenizer-revision main", "0a1b2c"),
        ("vllm serve org/m --tokenizer-revision 0a1b2c", None),
        ("vllm serve org/m --revision", ""),
        ("python3 -m huggingfaceserver --model_id org/m --model_revision v1", "v1"),
        ("text-generation-launcher --model-id org/m --revision v1", "v1"),
        ("python3 -m sglang.launch_server --model-path org/m --revision v1", "v1"),
    ],
)
def test_the_revision_of_a_model(command: str, revision: str | None) -> None:
    found = server(command=command.split())
    assert found is not None
    assert (found["model"], found["revision"], found["visible"]) == ("org/m", revision, True)


def test_the_model_is_pointed_at() -> None:
    found = server(command=["vllm", "serve"], args=["--port", "80", "--model", "org/m"])
    assert found is not None
    assert found["modelPath"] == ["spec", "containers", 0, "args", 2]
    image = "huggingface/text-generation-inference"
    env = [{"name": "A"}, {"name": "MODEL_ID", "value": "m"}, {"name": "REVISION", "value": "v1"}]
    found = server(image, env=env)
    assert found is not None
    assert (found["modelPath"], found["revision"]) == (["spec", "containers", 0, "env", 1], "v1")


def test_what_is_not_visible_of_a_model() -> None:
    hidden = [{"name": "R", "valueFrom": {"configMapKeyRef": {"name": "a", "key": "b"}}}]
    found = server(command=["vllm", "serve", "org/m", "--revision", "$(R)"], env=hidden)
    assert found is not None
    assert found["revision"] == "..."
    for rest in (["--config", "/etc/vllm.yaml"], ["$(R)"]):
        found = server(command=["vllm", "serve", "org/m", "--port", "80", *rest], env=hidden)
        assert found is not None
        assert (found["revision"], found["visible"]) == (None, False)
    found = server(command=["vllm", "serve", "$(R)"], env=hidden)
    assert found is not None
    assert (found["model"], found["modelPath"]) == (None, [])


@pytest.mark.parametrize("name", ["huggingface", "vLLM"])
def test_a_model_format_of_kserve_says_which_server_is_started(name: str) -> None:
    args = ["--model_id=org/m", "--model_revision=v1"]
    found = server(is_open=True, modelFormat={"name": name}, args=args)
    assert found is not None
    assert (found["name"], found["model"], found["revision"]) == ("vLLM", "org/m", "v1")


@pytest.mark.parametrize("model_format", [None, {}, {"name": 1}, {"name": "sklearn"}, [], "vllm"])
def test_other_model_formats_say_nothing(model_format: Any) -> None:
    assert server(is_open=True, modelFormat=model_format, args=["--model_id=org/m"]) is None


def test_a_script_that_can_not_be_read_starts_nothing_known() -> None:
    text = "vllm serve 'm -tp 2"
    assert command_line({"command": ["sh", "-c", text]}).commands == []
    assert script(text) is None


def _why_cut(**spec: Any) -> str:
    found = server(**spec)
    assert found is not None
    assert (found["world"], found["model"], found["visible"]) == (None, None, False)
    assert HIDDEN not in repr(found)
    return str(found["why"])


def test_of_a_script_that_is_too_long_nothing_is_known_and_that_is_said() -> None:
    text = "vllm serve m -tp 2\n".ljust(MAX_SCRIPT + 1, "#")
    assert script(text[:-1]) == ("vLLM", 2)
    assert "longer than what is read" in _why_cut(command=["sh", "-c", text])


def _doubling(steps: int) -> list[dict[str, str]]:
    """The last variable holds 2**steps characters."""
    more = [f"$(E{index})$(E{index})" for index in range(steps)]
    return [{"name": f"E{index}", "value": text} for index, text in enumerate(["x", *more])]


@pytest.mark.parametrize("steps", [3, 12, 20])
def test_what_references_add_is_bounded(steps: int) -> None:
    env = _doubling(steps)
    written = sum(len(entry["value"]) for entry in env)
    line = command_line({"command": ["vllm", "serve", f"$(E{steps})"], "env": env})
    texts = [*line.variables.values(), *(word.text for word in line.commands[0])]
    assert sum(map(len, texts)) <= written + MAX_READ + 100
    assert line.cut == (steps == 20)
    assert line.variables["E3"] == "x" * 8


def test_what_shell_variables_add_is_bounded() -> None:
    steps = 20
    text = "A=xx\n" + "A=$A$A\n" * steps + "vllm serve m -tp $A; run $A"
    line = command_line({"command": ["sh", "-c", text]})
    assert line.cut
    assert sum(len(word.text) for command in line.commands for word in command) <= MAX_READ
    assert HIDDEN in line.commands[-1][-1].text


def test_a_server_whose_arguments_are_too_long_is_unknown() -> None:
    env = _doubling(20)
    found = server(command=["vllm", "serve", "m", "-tp", "$(E20)"], env=env)
    assert found is not None
    assert (found["world"], found["why"]) == (None, "-tp ... is not decided here")
    _why_cut(command=["$(E20)"], env=env)
    _why_cut(command=["sh", "-c", "$(E20)"], env=env)


def test_the_containers_of_an_object_share_what_is_read_of_it() -> None:
    text = "vllm serve m -tp 2\n".ljust(1_000, "#")
    budget = Budget(2_500)
    lines = [command_line({"command": ["sh", "-c", text]}, budget) for _ in range(4)]
    assert [line.cut for line in lines] == [False, False, True, True]
    assert [len(line.commands) for line in lines] == [1, 1, 0, 0]


def test_what_is_written_is_not_bounded_by_what_is_read() -> None:
    long = "x" * (2 * MAX_READ)
    line = command_line({"command": ["vllm", "serve", long, "$(A)", "$$" * (MAX_READ - 1)]})
    assert not line.cut
    assert [len(word.text) for word in line.commands[0]] == [4, 5, 2 * MAX_READ, 4, MAX_READ - 1]


def test_references_are_bounded_even_where_they_add_nothing() -> None:
    line = command_line({"command": ["vllm", "serve", "$(A)" * (MAX_READ + 1)]})
    assert line.cut
    assert line.commands[0][-1].text == HIDDEN


TEXT = st.text(st.sampled_from("vllm serve-tp=2$({})'\"`;&|\n\\# "), max_size=40)


@given(st.lists(TEXT, max_size=4), st.lists(TEXT, max_size=4), st.lists(TEXT, max_size=3))
def test_any_words_are_survived(command: list[str], args: list[str], values: list[str]) -> None:
    env = [{"name": f"V{index}", "value": value} for index, value in enumerate(values)]
    for first in (command, ["sh", "-c", *command], ["vllm", "serve", *command]):
        found = server(OFFICIAL, command=first, args=args, env=env)
        assert found is None or found["world"] is None or found["world"] > 0

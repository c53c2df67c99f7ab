"""Kubeconfigs that are none: said in one line, without what they hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from karb_guard.cluster.client import connect, current_context
from karb_guard.cluster.errors import ClusterError

_HEAD = "apiVersion: v1\nkind: Config\n"


@pytest.mark.parametrize(
    "text",
    [
        _HEAD + "users:\n- name: a\n  user: {token: hunter2, : }\n  x: [\n",
        _HEAD + "users: [{name: a, user: {token: hunter2\n",
        "hunter2",
        "- hunter2",
        "7",
        "",
        "hunter2: \0",
        "a: &hunter2 *hunter3",
        "!hunter2 {}",
        _HEAD + "current-context: hunter2\n",
        _HEAD + "current-context: [c]\ncontexts: [{name: c, context: {cluster: x}}]\n",
        _HEAD + "current-context: c\ncontexts: [7]\n",
        _HEAD + "current-context: c\ncontexts: {name: c}\n",
        _HEAD + "current-context: c\ncontexts: [{name: c, context: hunter2}]\n",
        _HEAD + "users: [{name: a, user: {token: *hunter2}}]\n",
    ],
)
def test_a_kubeconfig_that_is_none_is_said(text: str, tmp_path: Path) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(text)
    current_context(file)
    with pytest.raises(ClusterError, match="kubeconfig: no usable credentials") as raised:
        connect(file)
    if "current-context: hunter2" not in text:
        assert "hunter2" not in str(raised.value)
    assert "\n" not in str(raised.value)

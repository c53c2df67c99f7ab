"""Which arguments of ``webhook serve`` go together."""

from __future__ import annotations

import argparse

import pytest

from karb_guard.model.errors import UsageError
from webhook import arguments
from webhook.rules import ServiceAddress


def parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    arguments.add_arguments(parser)
    return parser.parse_args(list(words))


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("", "one of --tls-cert"),
        ("--tls-dir a --tls-secret b", "one of --tls-cert"),
        ("--tls-cert a", "go together"),
        ("--tls-key a", "go together"),
        ("--tls-secret a --namespace n", "--kubeconfig or --in-cluster"),
        ("--tls-secret a --in-cluster", "needs --namespace"),
        ("--tls-dir a --register whole --url https://x", "--kubeconfig or --in-cluster"),
        ("--tls-dir a --register whole --in-cluster", "one of --service and --url"),
        (
            "--tls-dir a --register whole --in-cluster --url https://x --service s --namespace n",
            "one of --service and --url",
        ),
        ("--tls-dir a --register whole --in-cluster --url http://x", "https:// only"),
        ("--tls-dir a --register whole --in-cluster --service s", "needs --namespace"),
        (
            "--tls-cert a --tls-key b --register bundle --in-cluster --url https://x",
            "needs --tls-ca",
        ),
    ],
)
def test_what_does_not_go_together_is_refused_by_name(
    words: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("POD_NAMESPACE", raising=False)
    with pytest.raises(UsageError, match=problem):
        arguments.check(parse(*words.split()))


@pytest.mark.parametrize(
    "words",
    [
        "--port 70000",
        "--port x",
        "--max-body-bytes 0",
        "--drain-seconds -1",
        "--drain-seconds nan",
        "--register all",
        "--failure-policy Maybe",
    ],
)
def test_bad_values_end_in_usage(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(*words.split())
    assert ended.value.code == 2
    assert words.split(maxsplit=1)[0] in capsys.readouterr().err


def test_the_certificate_is_good_for_the_service_and_for_loopback() -> None:
    args = parse("--service", "guard:8443", "--namespace", "karb", "--tls-host", "10.0.0.9")
    assert arguments.address_of(args) == ServiceAddress("karb", "guard", 8443)
    hosts = arguments.hosts_of(args)
    assert {"guard.karb.svc", "localhost", "127.0.0.1", "::1", "10.0.0.9"} <= set(hosts)


@pytest.mark.parametrize("url", ["https://x:1", "https://x:1/", "https://x:1/validate"])
def test_a_url_leads_to_validate(url: str) -> None:
    assert arguments.address_of(parse("--url", url)) == "https://x:1/validate"

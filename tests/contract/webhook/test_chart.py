"""The Helm chart: what it renders and what it refuses."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from karb_guard.config.load import load_file
from tests.support.chart import (
    COMBINATIONS,
    EVERYTHING,
    HOOK,
    NAME,
    flags,
    is_hook,
    of_kind,
    registered,
)
from tests.support.helm import CHART, NAMESPACE, RELEASE, helm, render
from webhook import arguments, registration, rules, selftest, uninstall
from webhook.neighbours import WATCHED
from webhook.rules import RegistrationOptions, ServiceAddress


def test_helm_lint_is_content() -> None:
    done = helm("lint", "--strict", str(CHART))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rules_file_is_the_kind_tables() -> None:
    file = CHART / "files" / "admission.yaml"
    assert file.read_text() == rules.render(), f"run python -m webhook.rules > {file}"


def test_the_chart_and_the_process_want_the_same_registration() -> None:
    rendered = registered(render())
    options = RegistrationOptions(
        ServiceAddress(NAMESPACE, RELEASE),
        name=NAME,
        excluded_namespaces=("kube-system", NAMESPACE),
        kinds=rules.catalogue_kinds(),
    )
    wanted = rules.configuration(options, b"")
    for webhook in wanted["webhooks"]:
        del webhook["clientConfig"]["caBundle"]
    assert rendered["webhooks"] == wanted["webhooks"]
    assert rendered["metadata"]["name"] == wanted["metadata"]["name"]


@pytest.mark.parametrize("managed_by", ["webhook", "chart"])
@pytest.mark.parametrize(
    "mutation", ['{"enabled":true}', '{"namespaces":[{"match":"a","enabled":true}]}']
)
def test_the_chart_and_the_process_want_the_same_mutating_registration(
    managed_by: str, mutation: str
) -> None:
    rendered = render(f'config={{"mutation":{mutation}}}', f'admission.managedBy="{managed_by}"')
    if managed_by == "webhook":
        text = of_kind(rendered, "ConfigMap")["data"]["registration.yaml"]
        rendered = list(yaml.safe_load_all(text))
    found = of_kind(rendered, rules.MUTATING_KIND)
    options = RegistrationOptions(
        ServiceAddress(NAMESPACE, RELEASE),
        name=NAME,
        excluded_namespaces=("kube-system", NAMESPACE),
    )
    wanted = rules.mutating_configuration(options, b"")
    for webhook in wanted["webhooks"]:
        del webhook["clientConfig"]["caBundle"]
    assert found["webhooks"] == wanted["webhooks"]
    assert found["metadata"]["name"] == NAME


def test_without_mutation_there_is_no_mutating_registration() -> None:
    for managed_by in ("webhook", "chart"):
        off = 'config={"mutation":{"enabled":false}}'
        rendered = render(off, f'admission.managedBy="{managed_by}"')
        assert rules.MUTATING_KIND not in yaml.safe_dump_all(rendered)


def test_workers_are_an_argument_where_there_are_several() -> None:
    def arguments_of(*settings: str) -> list[str]:
        deployment = of_kind(render(*settings), "Deployment")
        found: list[str] = deployment["spec"]["template"]["spec"]["containers"][0]["args"]
        return found

    assert not [one for one in arguments_of() if "workers" in one], "the configuration decides"
    several = [one for one in arguments_of("workers=3") if "workers" in one]
    parser = argparse.ArgumentParser()
    arguments.add_arguments(parser)
    assert parser.parse_args(several).workers == 3
    for wrong in ("0", "33", "1.5"):
        assert helm("template", str(CHART), "--set-json", f"workers={wrong}").returncode != 0


def test_each_webhook_fails_as_its_own_value_says() -> None:
    def policies(*settings: str) -> dict[str, str]:
        return {w["name"]: w["failurePolicy"] for w in registered(render(*settings))["webhooks"]}

    assert set(policies().values()) == {"Ignore"}
    ignoring = {rules.CUSTOM: "Ignore", rules.POLICIES: "Ignore"}
    failing = {rules.PODS: "Fail", rules.WORKLOADS: "Fail"}
    assert policies('admission.failurePolicy="Fail"') == {**failing, **ignoring}
    single = 'admission={"failurePolicy":"Fail","failurePolicies":{"workloads":"Ignore"}}'
    assert policies(single) == {**failing, **ignoring, rules.WORKLOADS: "Ignore"}


@pytest.mark.parametrize("settings", COMBINATIONS, ids=" ".join)
def test_the_arguments_are_ones_that_the_command_takes(settings: list[str]) -> None:
    arguments.check(flags(render(*settings)))


def test_the_configuration_is_passed_on_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "karb-guard.yaml"
    file.write_text(of_kind(render(*EVERYTHING), "ConfigMap")["data"]["karb-guard.yaml"])
    stages = load_file(file).config.stages
    assert stages.namespaces[0].match == "inference"
    file.write_text(of_kind(render(), "ConfigMap")["data"]["karb-guard.yaml"])
    assert load_file(file).config.stages.namespaces == ()


def test_the_drain_is_longer_than_it_takes_to_leave_the_endpoints() -> None:
    pod = of_kind(render(), "Deployment")["spec"]["template"]["spec"]
    sleep = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    drain = flags(render()).drain_seconds
    assert sleep + drain < pod["terminationGracePeriodSeconds"]
    # A replica that fails its readiness probe, once, is out of the endpoints before the drain ends.
    probe = pod["containers"][0]["readinessProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] + 2 < sleep + drain
    without = of_kind(render("preStopSeconds=0"), "Deployment")["spec"]["template"]["spec"]
    assert "lifecycle" not in without["containers"][0]


def test_the_sidecar_has_a_token_of_its_own_and_none_of_the_api_servers() -> None:
    objects = render("opa.enabled=true", 'opa.whenAway="not-evaluated"')
    pod = of_kind(objects, "Deployment")["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    writer, opa = pod["initContainers"]
    assert opa["restartPolicy"] == "Always"
    assert "--addr=127.0.0.1:8181" in opa["args"]
    assert {"--authentication=token", "--authorization=basic"} <= set(opa["args"])
    assert opa["volumeMounts"] == [{"name": "opa", "mountPath": "/opa", "readOnly": True}]
    for container in (writer, opa):
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert "api-access" not in {mount["name"] for mount in container["volumeMounts"]}
    mounted = {mount["name"] for mount in pod["containers"][0]["volumeMounts"]}
    assert {"opa", "api-access"} <= mounted


def test_the_configuration_names_the_sidecar(tmp_path: Path) -> None:
    settings = ["opa.enabled=true", 'config={"failOn":"warning","engine":{"deadlineMs":300}}']
    file = tmp_path / "karb-guard.yaml"
    (config,) = [o for o in render(*settings) if "karb-guard.yaml" in o.get("data", {})]
    file.write_text(config["data"]["karb-guard.yaml"])
    engine = load_file(file).config.engine
    assert (engine.type, engine.deadline_ms) == ("opa", 300)
    assert engine.opa.url == "http://127.0.0.1:8181"
    assert engine.opa.token_file == "/opa/token"  # noqa: S105 - a path
    assert engine.opa.when_away == "embedded"


def test_the_test_pod_is_nobody_that_the_service_selects() -> None:
    objects = render()
    selector = of_kind(objects, "Service")["spec"]["selector"]
    labels = of_kind(objects, "Pod")["metadata"]["labels"]
    assert not selector.items() <= labels.items()
    (pod,) = [o for o in objects if o["kind"] == "Pod"]
    words = pod["spec"]["containers"][0]["args"]
    assert words[:2] == ["webhook", "test"]
    parser = argparse.ArgumentParser()
    selftest.add_arguments(parser)
    assert parser.parse_args(words[2:]).in_cluster


def test_the_pod_is_restricted() -> None:
    pod = of_kind(render(), "Deployment")["spec"]["template"]["spec"]
    container = pod["containers"][0]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["limits"]["memory"]


def test_its_own_namespace_is_always_excluded() -> None:
    for settings in ([], ['admission={"excludedNamespaces":[]}']):
        selector = registered(render(*settings))["webhooks"][0]["namespaceSelector"]
        assert NAMESPACE in selector["matchExpressions"][0]["values"]


def test_a_digest_pins_the_image() -> None:
    pod = of_kind(render(*EVERYTHING), "Deployment")["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"].endswith("@sha256:" + "a" * 64)


READ = {
    *("namespaces", "invariantrollouts", "waivers", "replicationcontrollers", "replicasets"),
    *("deployments", "statefulsets", "daemonsets", "jobs", "cronjobs"),
    *WATCHED,
}
"""What may be read whatever its name."""


def test_no_role_is_wider_than_the_work() -> None:
    for settings in COMBINATIONS:
        for obj in render(*settings):
            for rule in obj.get("rules", []) if obj["kind"].endswith("Role") else []:
                assert "*" not in rule["verbs"] + rule["resources"] + rule["apiGroups"]
                reads = (
                    set(rule["verbs"]) <= {"get", "list", "watch"} and {*rule["resources"]} <= READ
                )
                editor = obj["metadata"]["name"].endswith("-editor")
                narrow = reads or "create" in rule["verbs"] or editor
                assert narrow or rule.get("resourceNames"), rule
    rules_of_files = of_kind(
        render(
            'tls={"mode":"files","secretName":"x"}',
            'admission.managedBy="chart"',
            "events.enabled=false",
            "rbac.editors=false",
        ),
        "ClusterRole",
    )["rules"]
    resources = {resource for rule in rules_of_files for resource in rule["resources"]}
    assert resources == READ
    watched = {r for rule in rules_of_files if "watch" in rule["verbs"] for r in rule["resources"]}
    assert watched == {"namespaces", "invariantrollouts", "waivers", *WATCHED}


def test_definitions_of_kinds_stay_at_an_uninstall_unless_one_says_otherwise() -> None:
    def policies(*settings: str) -> dict[str, str | None]:
        return {
            obj["metadata"]["name"]: obj["metadata"]
            .get("annotations", {})
            .get("helm.sh/resource-policy")
            for obj in render(*settings)
            if obj["kind"] == "CustomResourceDefinition"
        }

    names = ("invariantrollouts.karb.dev", "waivers.karb.dev")
    assert policies() == dict.fromkeys(names, "keep")
    assert policies("crds.keep=false") == dict.fromkeys(names)
    assert policies("crds.install=false") == {}


def test_editors_are_roles_that_nobody_has() -> None:
    objects = [o for o in render() if not is_hook(o)]
    roles = {o["metadata"]["name"]: o for o in objects if o["kind"] == "ClusterRole"}
    assert set(roles) == {
        NAME,
        *(f"{NAME}-{r}" for r in ("waiver-editor", "rollout-editor", "view")),
    }
    bound = [o["roleRef"]["name"] for o in objects if o["kind"].endswith("Binding")]
    assert not [name for name in bound if "editor" in name]
    labels = roles[f"{NAME}-waiver-editor"]["metadata"]["labels"]
    assert not [key for key in labels if "aggregate" in key]


def custom(objects: list[dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    return {o["metadata"]["name"]: o["spec"] for o in objects if o["kind"] == kind}


def test_cert_manager_signs_with_a_ca_of_the_namespace_or_an_issuer_of_ones_own() -> None:
    objects = render('tls.mode="cert-manager"')
    certificates, issuers = custom(objects, "Certificate"), custom(objects, "Issuer")
    leaf = certificates[RELEASE]
    assert leaf["dnsNames"][0] == ServiceAddress(NAMESPACE, RELEASE).host
    ca = issuers[leaf["issuerRef"]["name"]]["ca"]["secretName"]
    (root,) = [spec for spec in certificates.values() if spec["secretName"] == ca]
    assert root["isCA"] is True
    assert root["privateKey"]["rotationPolicy"] == "Never"
    assert "selfSigned" in issuers[root["issuerRef"]["name"]]
    mine = {"kind": "ClusterIssuer", "name": "internal"}
    own = render('tls={"mode":"cert-manager","certManager":{"issuerRef":' + json.dumps(mine) + "}}")
    assert custom(own, "Issuer") == {}
    assert custom(own, "Certificate")[RELEASE]["issuerRef"] == mine


def test_cert_managers_secret_is_what_the_pod_reads_and_what_the_injector_takes() -> None:
    objects = render('tls.mode="cert-manager"')
    pod = of_kind(objects, "Deployment")["spec"]["template"]["spec"]
    (volume,) = [v for v in pod["volumes"] if v["name"] == "tls"]
    assert volume["secret"]["secretName"] == custom(objects, "Certificate")[RELEASE]["secretName"]
    annotations = registered(objects)["metadata"]["annotations"]
    assert annotations[registration.INJECT_ANNOTATION] == f"{NAMESPACE}/{RELEASE}"
    assert registration.INJECT_ANNOTATION not in registered(render())["metadata"]["annotations"]
    chart = render('tls.mode="cert-manager"', 'admission.managedBy="chart"')
    kept = of_kind(chart, "ValidatingWebhookConfiguration")
    assert kept["metadata"]["annotations"][registration.INJECT_ANNOTATION]
    mutating = 'config={"mutation":{"enabled":true}}'
    both = render('tls.mode="cert-manager"', 'admission.managedBy="chart"', mutating)
    changed = of_kind(both, "MutatingWebhookConfiguration")
    assert changed["metadata"]["annotations"][registration.INJECT_ANNOTATION]


def test_a_hook_unregisters_before_an_uninstall() -> None:
    objects = render()
    (job,) = [o for o in objects if o["kind"] == "Job" and is_hook(o)]
    assert job["metadata"]["annotations"][HOOK] == "pre-delete"
    pod = job["spec"]["template"]
    service = of_kind(objects, "Service")["spec"]["selector"]
    assert not service.items() <= pod["metadata"]["labels"].items(), "it would be asked for reviews"
    args = argparse.ArgumentParser()
    uninstall.add_arguments(args)
    words = pod["spec"]["containers"][0]["args"]
    assert words[:2] == ["webhook", "unregister"]
    read = args.parse_args(words[2:])
    serving = flags(objects)
    assert (read.lease, read.registration_name) == (serving.lease, serving.registration_name)
    assert not any(is_hook(o) for o in render("uninstall.unregister=false"))


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        ('admission.failurePolicy="Maybe"', "failurePolicy"),
        ("admission.timeoutSeconds=31", "timeoutSeconds"),
        ('admission.failurePolicies={"nodes":"Fail"}', "nodes"),
        ("replicas=0", "replicas"),
        ('replica="2"', "replica"),
        ('image.digest="sha256:1"', "digest"),
        ('tls.mode="files"', "tls.secretName"),
        ('tls.certManager.duration="a while"', "duration"),
        ("ports.webhook=443", "webhook"),
        ('monitoring.serviceMonitor={"interval":"often"}', "interval"),
        ('opa={"enabled":true,"whenAway":"allow"}', "whenAway"),
        ("opa.ports.api=80", "api"),
        ('resources={"limit":{}}', "limit"),
        ("preStopSeconds=1000", "preStopSeconds"),
        ('test.namespace="A"', "namespace"),
    ],
)
def test_bad_values_are_refused_by_name(setting: str, problem: str) -> None:
    done = helm("template", RELEASE, str(CHART), "--set-json", setting)
    assert done.returncode != 0
    assert problem in done.stderr


def test_replicas_of_an_older_revision_leave_a_newer_ones_rules_alone() -> None:
    def document(revision: int, timeout: int) -> dict[str, Any]:
        annotations = {registration.REVISION_ANNOTATION: str(revision)}
        return {
            "metadata": {"name": NAME, "annotations": annotations},
            "webhooks": [{"name": "v", "timeoutSeconds": timeout, "clientConfig": {}}],
        }

    older = registration.whole(document(1, 5))
    newer = registration.whole(document(2, 9))
    stored = newer(None, b"a")
    kept = older(stored, b"b")
    assert kept is not None
    assert kept["webhooks"][0]["timeoutSeconds"] == 9
    assert kept["webhooks"][0]["clientConfig"]["caBundle"] == rules.encoded(b"b")
    replaced = newer(older(None, b"a"), b"a")
    assert replaced is not None
    assert replaced["webhooks"][0]["timeoutSeconds"] == 9
    owned = registration.whole(document(1, 5), {"uid": "another release"})(stored, b"a")
    assert owned is not None
    assert owned["webhooks"][0]["timeoutSeconds"] == 5

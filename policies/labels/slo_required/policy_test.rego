package karb.labels.slo_required_test

import data.karb.labels.slo_required
import data.karb.lib.build

gpu := build.gpu_of("nvidia.com/gpu", "nvidia", 1)

fact(raw) := {"raw": raw, "value": raw, "unit": null, "source": "label", "key": "k", "path": [], "error": null}

full := {"p95-latency": fact("250ms"), "error-rate": fact("0.1%"), "cold-start": fact("3m"), "tier": fact("critical")}

document(scope, pod) := build.document({"slo-required": {"scope": scope}}, [build.pod(pod)])

answers(scope, pod) := found if {
	found := slo_required.violations with input as document(scope, pod)
}

test_complete_passes if count(answers("gpu", {"gpu": gpu, "slo": full})) == 0

test_each_objective_is_missed if {
	every name in ["p95-latency", "error-rate", "cold-start", "tier"] {
		found := answers("gpu", {"gpu": gpu, "slo": object.remove(full, [name])})
		{answer.detail.objective | some answer in found} == {name}
	}
}

test_number_is_an_annotation_and_tier_a_label if {
	found := {answer.detail.objective: answer.path | some answer in answers("gpu", {"gpu": gpu})}
	found["cold-start"] == ["spec", "template", "metadata", "annotations", "karb.dev/slo-cold-start"]
	found.tier == ["spec", "template", "metadata", "labels", "karb.dev/tier"]
}

test_own_prefix if {
	own := object.union(document("gpu", {"gpu": gpu}), {"sloKeys": {"tier": "acme.io/tier"}})
	found := slo_required.violations with input as own
	"acme.io/tier" in {answer.detail.key | some answer in found}
}

test_unreadable_is_not_missing if {
	bad := object.union(full, {"cold-start": {"raw": "soon", "value": null, "error": "not a duration"}})
	count(answers("gpu", {"gpu": gpu, "slo": bad})) == 0
}

test_cpu_pods_owe_none_by_default if {
	count(answers("gpu", {})) == 0
	count(answers("all", {})) == 4
}

test_roles if {
	every role, least in {"serving": 4, "pod": 4, "batch": 0, "interactive": 0, "runtime": 0, "system": 0} {
		run := object.union(document("gpu", {"gpu": gpu}), {"workload": {"role": role}})
		found := slo_required.violations with input as run
		count(found) == least
	}
}

test_runtime_may_bring_gpu_and_objectives if {
	every pod in [{"containers": [build.container({"open": true})]}, {"containers": [build.container({"open": true})], "gpu": gpu}] {
		found := answers("gpu", pod)
		count(found) == 4
		every answer in found { is_string(answer.unknown) }
	}
}

test_unresolved_claim_is_unknown if {
	found := answers("gpu", {"gpu": {"workload": false, "unknown": "claim gpu resolves to nothing here"}})
	{answer.unknown | some answer in found} == {"claim gpu resolves to nothing here"}
}

test_what_a_kind_is_for_may_be_unknown if {
	discovered := {"workload": {"discovered": true}}
	found := slo_required.violations with input as object.union(document("gpu", {"gpu": gpu}), discovered)
	count([v | some v in found; contains(v.unknown, "not known")]) == 4
}

ray(spec, slo) := found if {
	pod := {"gpu": gpu, "slo": slo, "containers": [build.container({"spec": spec})]}
	workload := {"workload": {"kind": "RayCluster", "group": "ray.io", "operator": true}}
	found := slo_required.violations with input as object.union(document("gpu", pod), workload)
}

test_a_ray_cluster_that_serves_shows_it if {
	every spec in [{}, {"ports": [{"name": "client", "containerPort": 10001}]}] {
		found := ray(spec, {})
		count([v | some v in found; contains(v.unknown, "serves or trains")]) == 4
	}
	shown := [
		{"ports": [{"containerPort": 8000}]},
		{"ports": [{"name": "serve", "containerPort": 9000}]},
		{"readinessProbe": {"httpGet": {"path": "/health", "port": 9000}}},
	]
	every spec in shown {
		count([v | some v in ray(spec, {}); not v.unknown]) == 4
	}
	count([v | some v in ray({}, object.remove(full, ["tier"])); not v.unknown]) == 1
}

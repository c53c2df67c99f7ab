package karb.labels.slo_format_test

import data.karb.labels.slo_format
import data.karb.lib.build

defaults := {"scope": "all", "tiers": ["critical", "standard"], "criticalTiers": ["critical"]}

fact(raw, value) := {"raw": raw, "value": value, "unit": "ms", "source": "annotation", "key": raw, "path": ["p", raw], "error": null}

answers(slo) := found if {
	found := slo_format.violations with input as build.document({"slo-format": defaults}, [build.pod({"slo": slo})])
}

checks(slo) := {answer.check | some answer in answers(slo)}

sound := {
	"p95-latency": fact("250ms", 250), "error-rate": fact("0.1%", 0.001), "cold-start": fact("3m", 180000),
	"model-load": fact("90s", 90000), "tier": fact("critical", "critical"), "owner": fact("ml", "ml"),
}

test_sound_passes if checks(sound) == set()

test_nothing_stated_passes if checks({}) == set()

test_unparsable if {
	answers({"cold-start": {"raw": "soon", "value": null, "key": "k", "path": ["p"], "error": "not a duration"}}) == {{
		"check": "unparsable", "path": ["p"], "detail": {"key": "k", "value": "soon", "problem": "not a duration"},
	}}
}

test_unparsable_tier_is_one_finding if {
	checks({"tier": {"raw": "?", "value": null, "key": "k", "path": [], "error": "not a label value"}}) == {"unparsable"}
}

test_range if {
	every slo in [
		{"p95-latency": fact("0", 0)}, {"cold-start": fact("0s", 0)},
		{"error-rate": fact("-1", -1)}, {"error-rate": fact("150%", 1.5)},
	] {
		checks(slo) == {"range"}
	}
}

test_edges_of_the_range_pass if {
	checks({"p95-latency": fact("1ns", 0.000001)}) == set()
	checks({"error-rate": fact("0", 0)}) == set()
	checks({"error-rate": fact("49%", 0.49)}) == set()
	checks({"model-load": fact("0", 0)}) == set()
}

test_success_rate if {
	checks({"error-rate": fact("99.9%", 0.999)}) == {"swapped"}
	checks({"error-rate": fact("50%", 0.5)}) == {"swapped"}
}

test_tier if checks({"tier": fact("gold", "gold")}) == {"tier"}

test_contradiction if {
	late := object.union(sound, {"model-load": fact("4m", 240000)})
	checks(late) == {"contradiction"}
	checks(object.union(late, {"tier": fact("standard", "standard")})) == set()
	checks(object.remove(late, ["tier"])) == set()
	checks(object.union(sound, {"model-load": fact("3m", 180000)})) == set()
}

test_scope_gpu if {
	only := object.union(defaults, {"scope": "gpu"})
	bad := {"tier": fact("gold", "gold")}
	count(slo_format.violations) == 0 with input as build.document({"slo-format": only}, [build.pod({"slo": bad})])
	gpu := build.gpu_of("nvidia.com/gpu", "nvidia", 1)
	count(slo_format.violations) == 1 with input as build.document({"slo-format": only}, [build.pod({"slo": bad, "gpu": gpu})])
}

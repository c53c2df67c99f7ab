package karb.autoscaling.as_served_test

import data.karb.autoscaling.as_served

api(service, problem) := {"service": service, "problem": problem}

served := {
	"metrics.k8s.io": api("kube-system/metrics-server", null),
	"custom.metrics.k8s.io": api("monitoring/prometheus-adapter", null),
	"external.metrics.k8s.io": api("keda/keda-operator-metrics-apiserver", null),
}

known(changes) := {"metricsapis": object.union({"apis": served, "condition": null, "external": []}, changes)}

checks(entry, context) := {v.check |
	some v in as_served.violations with input as {"autoscaler": object.union({"metrics": [], "triggers": []}, entry), "context": context, "params": {"as-served": {"keda": ["*keda*"]}}}
	not v.unknown
}

cpu := {"metrics": [{"type": "Resource"}]}

external := {"metrics": [{"type": "External"}]}

prometheus := {"triggers": [{"type": "prometheus"}]}

test_what_is_served_passes if {
	checks(cpu, known({})) == set()
	checks(external, known({})) == set()
	checks(prometheus, known({})) == set()
}

test_nothing_serves_it if {
	nothing := api(null, null)
	checks(cpu, known({"apis": {"metrics.k8s.io": nothing}})) == {"missing"}
	checks(prometheus, known({"apis": {"external.metrics.k8s.io": nothing}})) == {"missing"}
	checks(cpu, known({"apis": {"external.metrics.k8s.io": nothing}})) == set()
	checks({"triggers": [{"type": "cpu"}]}, known({"apis": {"metrics.k8s.io": nothing}})) == {"missing"}
}

test_it_is_down if checks(cpu, known({"apis": {"metrics.k8s.io": api("a/b", "MissingEndpoints")}})) == {"unavailable"}

test_keda_is_asked_for_what_it_does_not_know if checks(external, known({"external": ["queue"]})) == {"keda"}

test_another_adapter_may_know_it if {
	apis := {"external.metrics.k8s.io": api("datadog/cluster-agent", null)}
	checks(external, known({"external": ["queue"], "apis": apis})) == set()
}

condition := {"reason": "FailedGetExternalMetric", "message": "no metrics returned"}

test_the_controller_s_own_words if checks(external, known({"condition": condition})) == {"failing"}

test_a_cause_that_is_known_is_reported_alone if checks(external, known({"condition": condition, "external": ["queue"]})) == {"keda"}

test_without_knowledge_it_is_undecided if checks(cpu, {}) == set()

package karb.autoscaling.as_trigger_test

import data.karb.autoscaling.as_trigger

good := {"serverAddress": "http://p:9090", "query": "sum(x)", "threshold": "8"}

checks(metadata, changes) := {v.check |
	trigger := object.union({"type": "prometheus", "metricType": null, "auth": null, "path": ["spec", "triggers", 0], "metadata": metadata}, changes)
	some v in as_trigger.violations with input as {"autoscaler": {"triggers": [trigger]}, "params": {"as-trigger": {}}}
}

with_(changes) := object.union(good, changes)

test_a_whole_one_passes if checks(good, {}) == set()

test_no_query if checks(object.remove(good, ["query"]), {}) == {"field"}

test_no_type if checks(good, {"type": "promethus"}) == {"type"}

test_zero if checks(with_({"threshold": "0"}), {}) == {"threshold"}

test_no_number if checks(with_({"threshold": "many"}), {}) == {"threshold"}

test_activation if checks(with_({"activationThreshold": "8"}), {}) == {"activation"}

test_no_aggregation if checks(with_({"query": "vllm:num_requests_waiting"}), {}) == {"aggregation"}

test_a_recording_rule_passes if checks(with_({"query": "job:requests_waiting:sum"}), {}) == set()

test_tls if checks(with_({"unsafeSsl": "true"}), {}) == {"tls"}

test_cpu_without_metric_type if checks({"value": "80"}, {"type": "cpu"}) == {"metrictype"}

test_what_an_authentication_holds_passes if checks({"query": "from(bucket: \"x\")"}, {"type": "influxdb", "auth": "a"}) == set()

test_what_the_environment_holds_passes if checks({"bootstrapServersFromEnv": "B", "consumerGroup": "g"}, {"type": "kafka"}) == set()

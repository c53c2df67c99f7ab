package karb.autoscaling.as_trigger_test

import data.karb.autoscaling.as_trigger

good := {"serverAddress": "http://p:9090", "query": "sum(x)", "threshold": "8"}

checks(metadata, changes) := {v.check |
	some v in as_trigger.violations with input as {"autoscaler": {"min": 0, "triggers": [trigger(metadata, changes)]}, "params": {"as-trigger": {}}}
}

trigger(metadata, changes) := object.union({"type": "prometheus", "metricType": null, "auth": null, "path": ["spec", "triggers", 0], "metadata": metadata, "numbers": numbers(metadata)}, changes)

numbers(metadata) := {key: to_number(text) | some key, text in metadata; regex.match(`^[0-9]+$`, text)}

awake(metadata) := {v.check |
	some v in as_trigger.violations with input as {"autoscaler": {"min": 1, "triggers": [trigger(metadata, {})]}, "params": {"as-trigger": {}}}
}

composed(metadata) := {v.check |
	some v in as_trigger.violations with input as {"autoscaler": {"min": 0, "modifiers": {"formula": "a"}, "triggers": [trigger(metadata, {})]}, "params": {"as-trigger": {}}}
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

test_a_lag_of_zero if checks({"bootstrapServers": "b", "consumerGroup": "g", "lagThreshold": "0", "activationLagThreshold": "9"}, {"type": "kafka"}) == {"threshold", "activation"}

test_fields_of_an_external_scaler_pass if checks({"scalerAddress": "a:1", "threshold": "high", "value": "auto"}, {"type": "external"}) == set()

test_activation_without_sleep_passes if awake(with_({"activationThreshold": "8"})) == set()

test_activation_from_idle if {
	found := {v.check |
		some v in as_trigger.violations with input as {"autoscaler": {"min": 1, "idle": 0, "triggers": [trigger(with_({"activationThreshold": "8"}), {})]}, "params": {"as-trigger": {}}}
	}
	found == {"activation"}
}

test_targets_under_a_formula_pass if composed(with_({"threshold": "0", "activationThreshold": "8"})) == set()

test_a_target_under_a_formula_is_a_number if composed(with_({"threshold": "many"})) == {"threshold"}

test_absent_over_time_passes if checks(with_({"query": "absent_over_time(x[5m])"}), {}) == set()

test_limitk_passes if checks(with_({"query": "limitk(1, x)"}), {}) == set()

test_count_values_passes if checks(with_({"query": "count_values(\"v\", x)"}), {}) == set()

test_stdvar_passes if checks(with_({"query": "stdvar(x)"}), {}) == set()

test_a_text_to_fill_in_passes if checks(with_({"threshold": "{{ .Values.threshold }}"}), {}) == set()

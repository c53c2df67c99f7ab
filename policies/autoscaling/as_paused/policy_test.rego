package karb.autoscaling.as_paused_test

import data.karb.autoscaling.as_paused

checks(paused) := {v.check | some v in as_paused.violations with input as {"autoscaler": {"paused": paused}, "params": {"as-paused": {}}}}

test_running_passes if checks(null) == set()

test_paused if checks("autoscaling.keda.sh/paused") == {"paused"}

held(paused, keys) := {[v.check, v.detail.annotation] | some v in as_paused.violations with input as {"autoscaler": {"paused": paused, "held": keys}, "params": {"as-paused": {}}}}

test_one_direction if held(null, ["in", "out"]) == {["held", "in"], ["held", "out"]}

test_what_is_paused_is_not_held_besides if held("all", ["in"]) == {["paused", "all"]}

package karb.autoscaling.as_paused_test

import data.karb.autoscaling.as_paused

checks(paused) := {v.check | some v in as_paused.violations with input as {"autoscaler": {"paused": paused}, "params": {"as-paused": {}}}}

test_running_passes if checks(null) == set()

test_paused if checks("autoscaling.keda.sh/paused") == {"paused"}

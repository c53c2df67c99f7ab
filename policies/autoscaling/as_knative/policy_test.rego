package karb.autoscaling.as_knative_test

import data.karb.autoscaling.as_knative

annotation := {"autoscaling.knative.dev/max-scale": "4"}

checks(own, template) := {v.check |
	some v in as_knative.violations with input as {"object": {"kind": "Service", "metadata": {"annotations": own}, "spec": {"template": {"metadata": {"annotations": template}}}}, "params": {"as-knative": {}}}
}

test_on_the_template_passes if checks({}, annotation) == set()

test_on_both_passes if checks(annotation, annotation) == set()

test_on_the_service if checks(annotation, {}) == {"place"}

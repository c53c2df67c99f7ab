package karb.images.img_digest_test

import data.karb.images.img_digest
import data.karb.lib.build

answers(pod) := found if {
	found := img_digest.violations with input as build.document({"img-digest": {}}, [build.pod(pod)])
}

image(changes) := object.union(
	{"raw": "r.io/a:v1", "registry": "r.io", "repository": "a", "tag": "v1", "digest": null, "error": null},
	changes,
)

of(image) := {"containers": [build.container({"image": image})]}

test_a_tag_is_no_pin if {
	answers(of(image({}))) == {{
		"check": "unpinned",
		"path": ["spec", "template", "spec", "containers", 0, "image"],
		"detail": {"container": "server", "role": "main", "image": "r.io/a:v1"},
	}}
}

test_a_digest_is_one if answers(of(image({"digest": "sha256:abc"}))) == set()

test_knative_pins_what_it_runs if {
	found := img_digest.violations with input as object.union(
		build.document({"img-digest": {}}, [build.pod(of(image({})))]),
		{"workload": {"injects": ["probes", "digests"]}},
	)
	{startswith(v.unknown, "Knative pins a tag") | some v in found} == {true}
}

test_what_has_no_image_or_an_unreadable_one_is_left_to_others if {
	answers({"containers": [build.container({})]}) == set()
	answers(of(image({"error": "no repository"}))) == set()
}

test_every_role_counts if {
	containers := [build.container({"name": role, "role": role, "image": image({})}) |
		some role in ["main", "init", "sidecar", "ephemeral"]
	]
	count(answers({"containers": containers})) == 4
}

volume(reference) := {"spec": {"volumes": [{"name": "m", "image": {"reference": reference}}]}}

test_image_volumes if {
	{v.path | some v in answers(volume("r.io/m:1"))} == {["spec", "template", "spec", "volumes", 0, "image", "reference"]}
	answers(volume("r.io/m:1@sha256:abc")) == set()
}

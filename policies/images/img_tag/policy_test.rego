package karb.images.img_tag_test

import data.karb.images.img_tag
import data.karb.lib.build

floating := ["latest", "latest-*", "*-latest", "main", "nightly-{cpu,gpu,cu???,py???-cpu,py???-gpu}"]

image(tag, digest) := {
	"raw": "registry.example.com/ml/vllm", "registry": "registry.example.com", "repository": "ml/vllm",
	"tag": tag, "digest": digest, "error": null,
}

document(image_) := build.document(
	{"img-tag": {"floating": floating}},
	[build.pod({"containers": [build.container({"image": image_})]})],
)

answers(tag, digest) := found if {
	found := img_tag.violations with input as document(image(tag, digest))
}

checks(tag, digest) := {answer.check | some answer in answers(tag, digest)}

test_release_passes if checks("v0.11.0", null) == set()

test_digest_makes_any_tag_fine if {
	checks("latest", "sha256:abc") == set()
	checks(null, "sha256:abc") == set()
}

test_floating if {
	answers("latest", null) == {{
		"check": "floating",
		"path": ["spec", "template", "spec", "containers", 0, "image"],
		"detail": {"container": "server", "image": "registry.example.com/ml/vllm", "tag": "latest"},
	}}
}

test_floating_variants if {
	every tag in ["Latest", "latest-gpu", "v0.15-latest", "main", "nightly-gpu", "nightly-py310-gpu"] {
		checks(tag, null) == {"floating"}
	}
}

test_one_finding_for_two_patterns if count(answers("latest-latest", null)) == 1

test_names_inside_of_releases_pass if {
	every tag in ["v1.0-maintenance", "nightly-20260401", "nightly-cu128-20260401", "2.4.0.dev20260501", "domain", "latestage"] {
		checks(tag, null) == set()
	}
}

test_missing if checks(null, null) == {"missing"}

broken(raw) := {"raw": raw, "registry": null, "repository": null, "tag": null, "digest": null, "error": "not an image reference"}

test_unparsable if {
	{a.check | some a in img_tag.violations} == {"unparsable"} with input as document(broken("a b"))
	not unsure with input as document(broken("a b"))
	not unsure with input as document(broken("{{ .Values.image }}"))
}

# Argo fills in parameters later.
test_operator_template_is_unknown if {
	run := object.union(document(broken("{{inputs.parameters.image}}")), {"workload": {"operator": true}})
	unsure with input as run
}

unsure if {
	some answer in img_tag.violations
	answer.unknown
}

test_no_image_is_not_ours if {
	count(img_tag.violations) == 0 with input as build.document(
		{"img-tag": {"floating": floating}},
		[build.pod({"containers": [build.container({})]})],
	)
}

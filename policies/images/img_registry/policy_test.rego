package karb.images.img_registry_test

import data.karb.images.img_registry
import data.karb.lib.build

image(registry, repository) := {
	"raw": concat("/", [registry, repository]), "registry": registry, "repository": repository,
	"tag": "v1", "digest": null, "error": null,
}

document(registries, containers) := build.document(
	{"img-registry": {"registries": registries}},
	[build.pod({"containers": containers})],
)

answers(registries, image_) := found if {
	found := img_registry.violations with input as document(
		registries,
		[build.container({"image": image_})],
	)
}

test_registry_approved if {
	count(answers(["nvcr.io"], image("nvcr.io", "nvidia/tritonserver"))) == 0
}

test_repository_prefix_approved if {
	count(answers(["quay.io", "nvcr.io/nvidia/"], image("nvcr.io", "nvidia/tritonserver"))) == 0
}

test_exact_repository_approved if {
	count(answers(["docker.io/library/redis"], image("docker.io", "library/redis"))) == 0
}

test_prefix_ends_at_a_slash if {
	count(answers(["nvcr.io/nvid"], image("nvcr.io", "nvidia/tritonserver"))) == 1
	count(answers(["nvcr.i"], image("nvcr.io", "nvidia/tritonserver"))) == 1
	count(answers(["nvcr.io"], image("nvcr.io.evil.com", "nvidia/tritonserver"))) == 1
}

test_name_inside_of_another_registry if {
	answers(["nvcr.io"], image("evil.io", "nvcr.io/x")) == {{
		"check": "unapproved",
		"path": ["spec", "template", "spec", "containers", 0, "image"],
		"detail": {
			"container": "server", "image": "evil.io/nvcr.io/x",
			"registry": "evil.io", "registries": ["nvcr.io"],
		},
	}}
}

test_star_stays_between_dots if {
	count(answers(["*.example.com"], image("r.example.com", "a"))) == 0
	count(answers(["*.example.com"], image("a.b.example.com", "a"))) == 1
	count(answers(["**.example.com"], image("a.b.example.com", "a"))) == 0
	count(answers(["*.dkr.ecr.*.amazonaws.com"], image("1.dkr.ecr.eu-west-1.amazonaws.com", "a/b"))) == 0
	count(answers(["nvcr.io/*/triton"], image("nvcr.io", "a/b/triton"))) == 1
}

test_port_belongs_to_the_registry if {
	count(answers(["r.example.com"], image("r.example.com:5000", "a"))) == 1
	count(answers(["r.example.com:5000"], image("r.example.com:5000", "a"))) == 0
}

test_unknown_without_registries if {
	some answer in answers([], image("nvcr.io", "a"))
	answer.unknown == "no registry is approved: set img-registry.registries"
}

test_every_role_counts if {
	containers := [build.container({"role": role, "name": role, "image": image("evil.io", "a")}) |
		some role in ["main", "init", "sidecar", "ephemeral"]
	]
	count(img_registry.violations) == 4 with input as document(["nvcr.io"], containers)
}

test_no_image_is_not_ours if {
	count(img_registry.violations) == 0 with input as document(["nvcr.io"], [build.container({"open": true})])
}

broken := {"raw": "Bad Image", "registry": null, "repository": null, "tag": null, "digest": null, "error": "not an image reference"}

test_unparsable_never_passes if {
	{answer.check | some answer in answers(["nvcr.io"], broken)} == {"unparsable"}
	{answer.unknown | some answer in answers([], broken)} == {"no registry is approved: set img-registry.registries"}
}

package karb.images.img_sig_test

import data.karb.images.img_sig
import data.karb.lib.build

params := {"namespaces": ["karb-guard"], "identities": ["*@example.com"], "maxAgeDays": 30}

image(digest) := {"raw": "r.io/a", "digest": digest, "error": null}

pod := build.pod({"containers": [build.container({"image": image("sha256:ab")})]})

answers(pods, context) := found if {
	document := object.union(build.document({"img-sig": params}, pods), {"context": context, "today": "2026-11-30"})
	found := img_sig.violations with input as document
}

evidence(changes) := {"signatures": {
	"namespaces": ["karb-guard"],
	"evidence": {"sha256:ab": [object.union({"namespace": "karb-guard", "identity": "ci@example.com", "date": "2026-11-20"}, changes)]},
}}

checks(found) := {v.check | some v in found}

test_evidence_on_the_digest_passes if {
	answers([pod], evidence({})) == set()
	answers([pod], evidence({"date": "2026-10-31"})) == set()
	answers([pod], evidence({"date": "2026-11-30"})) == set()
}

test_no_evidence if {
	answers([pod], {"signatures": {"namespaces": ["karb-guard"], "evidence": {}}}) == {{
		"check": "unverified",
		"path": ["spec", "template", "spec", "containers", 0, "image"],
		"detail": {"holder": "main container server", "image": "r.io/a", "days": 30},
	}}
}

test_evidence_that_does_not_count if {
	checks(answers([pod], evidence({"namespace": "team-a"}))) == {"unverified"}
	checks(answers([pod], evidence({"identity": "ci@example.org"}))) == {"unverified"}
	checks(answers([pod], evidence({"date": "2026-12-01"}))) == {"unverified"}
	{[v.check, v.detail.date] | some v in answers([pod], evidence({"date": "2026-10-30"}))} == {["stale", "2026-10-30"]}
}

test_without_a_digest if {
	plain := build.pod({"containers": [build.container({"image": image(null)})]})
	checks(answers([plain], evidence({}))) == {"undigested"}
	unreadable := build.pod({"containers": [build.container({"image": object.union(image(null), {"error": "e"})})]})
	answers([unreadable], evidence({})) == set()
}

mounting(reference) := build.pod({"spec": {"volumes": [{"name": "m", "image": {"reference": reference}}]}})

test_volumes_of_images if {
	answers([mounting("r.io/m@sha256:ab")], evidence({})) == set()
	checks(answers([mounting("r.io/m@sha256:cd")], evidence({}))) == {"unverified"}
	{v.detail.holder | some v in answers([mounting("r.io/m:1")], evidence({}))} == {"volume m"}
}

test_nothing_visible_is_undecided if {
	every context in [{}, {"signatures": {"namespaces": ["team-a"], "evidence": {}}}] {
		{v.unknown | some v in answers([pod], context)} == {"no evidence of signatures is visible here"}
	}
	answers([build.pod({})], {}) == set()
}

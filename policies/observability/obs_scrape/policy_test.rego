package karb.observability.obs_scrape_test

import data.karb.lib.build
import data.karb.observability.obs_scrape

params := {"annotations": ["prometheus.io/scrape"]}

server := build.container({"devices": 1, "spec": {"ports": [{"name": "http", "containerPort": 8000}]}})

service := build.pod({"containers": [server], "gpu": build.gpu_of("nvidia.com/gpu", "nvidia", 1), "spec": {"restartPolicy": "Always"}})

answers(pods, context) := found if {
	document := object.union(build.document({"obs-scrape": params}, pods), {"context": context})
	found := obs_scrape.violations with input as document
}

entry(changes) := {"monitors": [object.union({"scraped": false, "by": [], "selecting": []}, changes)]}

test_nothing_scrapes_it if {
	answers([service], entry({})) == {{
		"check": "unscraped",
		"path": ["spec", "template", "spec", "containers", 0, "ports"],
		"detail": {"container": "server", "monitors": []},
	}}
}

test_a_monitor_of_another_port if {
	{[v.check, v.detail.monitors] | some v in answers([service], entry({"selecting": ["PodMonitor llm"]}))} == {["port", ["PodMonitor llm"]]}
}

test_scraped if {
	answers([service], entry({"scraped": true})) == set()
	answers([object.union(service, {"annotations": {"prometheus.io/scrape": "true"}})], entry({})) == set()
	count(answers([object.union(service, {"annotations": {"prometheus.io/scrape": "false"}})], entry({}))) == 1
	both := {"monitors": array.concat(entry({}).monitors, entry({"scraped": true}).monitors)}
	answers([service, service], both) == set()
}

unknown(found) if {
	count(found) == 1
	every v in found {
		is_string(v.unknown)
	}
}

test_what_is_not_visible if {
	unknown(answers([service], {}))
	unknown(answers([service], entry({"scraped": null})))
	unknown(answers([object.union(service, {"gpu": object.union(build.pod({}).gpu, {"unknown": "a claim"})})], entry({})))
}

test_who_is_looked_at if {
	without := build.container({"devices": 1})
	answers([object.union(service, {"containers": [without]})], entry({})) == set()
	answers([object.union(service, {"gpu": build.pod({}).gpu})], {}) == set()
	answers([object.union(service, {"gpu": build.pod({}).gpu})], entry({})) == set()
}

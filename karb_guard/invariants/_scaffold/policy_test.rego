package ${package}_test

import data.${package}

document(role, open, policy) := {
	"params": {"$name": {"policy": "FallbackToLogsOnError"}},
	"pods": [{"containers": [{
		"name": "server",
		"role": role,
		"open": open,
		"path": ["spec", "containers", 0],
		"spec": {"terminationMessagePolicy": policy},
	}]}],
}

test_file_is_refused if {
	found := ${folder}.violations with input as document("main", false, "File")
	found == {{
		"check": "policy",
		"path": ["spec", "containers", 0, "terminationMessagePolicy"],
		"detail": {"container": "server", "got": "File", "want": "FallbackToLogsOnError"},
	}}
}

test_fallback_passes if {
	count(${folder}.violations) == 0 with input as document("main", false, "FallbackToLogsOnError")
}

test_debug_sessions_and_unseen_containers_are_left_alone if {
	count(${folder}.violations) == 0 with input as document("ephemeral", false, "File")
	count(${folder}.violations) == 0 with input as document("main", true, "File")
}

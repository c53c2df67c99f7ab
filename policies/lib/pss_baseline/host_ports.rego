package karb.lib.pss_baseline

violations contains v if {
	some pod in input.pods
	some container in pod.containers
	some i, port in container.spec.ports
	is_number(port.hostPort)
	port.hostPort != 0
	v := {
		"check": "hostPorts",
		"path": array.concat(container.path, ["ports", i, "hostPort"]),
		"detail": {"container": container.name, "port": port.hostPort},
	}
}

# METADATA
# title: A GPU service scales on a signal that says little about its load
# description: |-
#   A GPU server keeps its CPU hardly busy whatever the load, so that CPU and memory neither scale
#   it up in time nor down. (An HPA without metrics goes by 80 % of CPU.) Engines such as vLLM
#   allocate GPU memory once, at the start: it reads 90 % with no request in flight. And the GPU's
#   duty cycle is 100 % with one long request as with a full batch: it can't tell busy from
#   overloaded. Queue length, requests in flight and latency can.
# related_resources:
# - ref: https://docs.vllm.ai/en/latest/usage/metrics/
#   description: Metrics of vLLM
# custom:
#   id: KARB-AS-006
#   severity: warning
#   since: 0.1.0
#   paper: II. Autoscaling as a control system (GASCL)
#   match:
#   - autoscaling/HorizontalPodAutoscaler
#   - keda.sh/ScaledObject
#   context: [scaletarget]
#   params:
#     memory:
#       type: array
#       items: {type: string, minLength: 1}
#       description: Parts of names of metrics of GPU memory.
#       default: [fb_used, fb_free, gpu_memory, gpu_mem, memory_allocated, vram]
#     duty:
#       type: array
#       items: {type: string, minLength: 1}
#       description: Parts of names of metrics of how busy a GPU is.
#       default: [gpu_util, gr_engine_active, duty_cycle, gpu_utilization, sm_active]
#   checks:
#     cpu: 'it scales a GPU workload on {signals} alone'
#     memory: 'it scales on GPU memory ({signal}), which the engine allocates at its start'
#     duty: 'it scales on how busy the GPU is alone ({signal}), which is 100 % with one request and with a full batch'
#   remediation: |-
#     Scale on what waits, for example on vLLM's queue:
#
#       triggers:
#       - type: prometheus
#         metadata:
#           serverAddress: http://prometheus.monitoring:9090
#           query: sum(vllm:num_requests_waiting{model_name="llm"})
#           threshold: "8"
package karb.autoscaling.as_signal

import data.karb.lib.scaling

params := input.params["as-signal"]

violations contains object.union(v, scaling.gpu_target) if {
	some v in problems
}

problems contains {"check": "cpu", "path": ["spec"], "detail": {"signals": sort({s.shown | some s in scaling.signals})}} if {
	count(scaling.signals) > 0
	every signal in scaling.signals {
		basic(signal)
	}
}

basic(signal) if {
	signal.of in {"Resource", "ContainerResource"}
	signal.text in {"cpu", "memory"}
}

basic(signal) if signal.of in {"cpu", "memory"}

problems contains {"check": "memory", "path": signal.path, "detail": {"signal": signal.shown}} if {
	some signal in scaling.signals
	some word in params.memory
	contains(signal.text, word)
}

problems contains {"check": "duty", "path": signal.path, "detail": {"signal": signal.shown}} if {
	some signal in scaling.signals
	busy(signal)
	every other in scaling.signals {
		weak(other)
	}
}

weak(signal) if busy(signal)

weak(signal) if basic(signal)

busy(signal) if {
	some word in params.duty
	contains(signal.text, word)
}

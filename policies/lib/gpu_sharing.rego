# Accelerators that several pods share without isolation: by the resource's name, by a share that
# is asked for beside it, by the parameters of a claim, or by the labels of the node.
package karb.lib.gpu_sharing

import data.karb.lib.globs

# Selectors that lead to nodes whose GPUs are shared. `labels`: key to the values that say so.
selectors(pod, labels) := [selector |
	some selector in pod.selectors
	patterns := labels[selector.key]
	some value in selector.values
	globs.any_match(patterns, value)
]

selector_text(selector) := concat("", ["node label ", selector.key, "=", concat(",", selector.values)])

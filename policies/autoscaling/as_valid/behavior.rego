# The behavior of an HPA, or of the one that KEDA makes (validateScalingRules, validateScalingPolicy).
package karb.autoscaling.as_valid

place := ["spec", "behavior"] if {
	hpa
} else := ["spec", "advanced", "horizontalPodAutoscalerConfig", "behavior"]

directions := ["scaleUp", "scaleDown"]

wrong contains {"path": array.concat(place, [way, "stabilizationWindowSeconds"]), "value": rules.stabilizationWindowSeconds, "wanted": "0 to 3600"} if {
	some way in directions
	rules := entry.behavior[way]
	filled(rules, "stabilizationWindowSeconds")
	outside(rules.stabilizationWindowSeconds, 0, 3600)
}

wrong contains {"path": array.concat(place, [way, "selectPolicy"]), "value": chosen, "wanted": "Max, Min, Disabled"} if {
	some way in directions
	chosen := entry.behavior[way].selectPolicy
	chosen != null
	not chosen in ["Max", "Min", "Disabled"]
}

# Of a ScaledObject an empty list is left out of the HPA.
required contains array.concat(place, [way, "policies"]) if {
	hpa
	some way in directions
	entry.behavior[way].policies == []
}

wrong contains {"path": array.concat(place, [way, "tolerance"]), "value": entry.behavior[way].tolerance, "wanted": "a quantity of 0 or more"} if {
	some way, tolerance in entry.tolerances
	not positive_or_zero(tolerance)
}

positive_or_zero(amount) if {
	is_number(amount)
	amount >= 0
}

policies := [{"path": array.concat(place, [way, "policies", index]), "is": policy} |
	some way in directions
	some index, policy in entry.behavior[way].policies
]

required contains array.concat(each.path, [key]) if {
	some each in policies
	some key in ["type", "value", "periodSeconds"]
	not filled(each.is, key)
}

wrong contains {"path": array.concat(each.path, ["type"]), "value": each.is.type, "wanted": "Pods, Percent"} if {
	some each in policies
	filled(each.is, "type")
	not each.is.type in ["Pods", "Percent"]
}

wrong contains {"path": array.concat(each.path, ["value"]), "value": each.is.value, "wanted": "1 or more"} if {
	some each in policies
	filled(each.is, "value")
	outside(each.is.value, 1, most)
}

wrong contains {"path": array.concat(each.path, ["periodSeconds"]), "value": each.is.periodSeconds, "wanted": "1 to 1800"} if {
	some each in policies
	filled(each.is, "periodSeconds")
	outside(each.is.periodSeconds, 1, 1800)
}

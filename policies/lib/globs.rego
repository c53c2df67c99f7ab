# Globs. Compiling one costs more than all else that a policy does, so a name without wildcards
# and a glob whose literal beginning or end already differs never get that far.
package karb.lib.globs

# `*` in a pattern stands for any characters, dots and slashes too.
any_match(patterns, value) if {
	value in patterns
} else if {
	first := concat("", [`*?[{\`, substring(value, 0, 1)])
	last := concat("", [`*?]}`, substring(strings.reverse(value), 0, 1)])
	some pattern in patterns

	# Nearly every pattern differs in its first or last character, which one call each can tell;
	# asking each for wildcards (`plausible`) first took a fifth of a clean pod's evaluation.
	trim_left(pattern, first) != pattern
	trim_right(pattern, last) != pattern
	plausible(pattern, value)
	glob.match(pattern, null, value)
}

# The patterns of a long list that any of a few values may match, told by their first character.
narrowed(patterns, values) := [pattern |
	some pattern in patterns
	trim_left(pattern, first) != pattern
] if {
	first := concat("", [`*?[{\`, concat("", [substring(value, 0, 1) | some value in values])])
}

plausible(pattern, value) if {
	parts := split(pattern, "*")
	count(parts) > 1
	startswith(value, beginning(parts[0]))
	endswith(value, ending(parts[count(parts) - 1]))
}

plausible(pattern, value) if {
	not contains(pattern, "*")
	special(pattern)
	startswith(value, beginning(pattern))
}

beginning(part) := literal if {
	special(part)
	literal := split(split(split(split(part, "?")[0], "[")[0], "{")[0], `\`)[0]
} else := part

ending(part) := "" if {
	special(part)
} else := part

special(part) if {
	contains(part, "*")
} else if {
	contains(part, "?")
} else if {
	contains(part, "{")
} else if {
	contains(part, "[")
} else if {
	contains(part, `\`)
}

# Globs. Compiling one costs more than all else that a policy does, so a name without wildcards
# and a glob whose literal beginning or end already differs never get that far.
package karb.lib.globs

# Whether one of the globs that parameter `name` of `params` lists matches. What the metadata calls a
# list of globs (`items: {type: string, format: glob}`) arrives taken apart beside it, so that a
# literal name costs one look-up (karb_guard/invariants/globs.py).
any_of(params, name, value) if {
	params.globs[name].exact[value]
} else if {
	some pattern in params.globs[name].wild
	fits(pattern, value)
} else if {
	not params.globs[name]
	any_match(params[name], value)
}

fits(pattern, value) if {
	startswith(value, pattern.begin)
	endswith(value, pattern.end)
	whole(pattern, value)
}

# A single `*` between beginning and end needs no glob to be compiled.
whole(pattern, value) if {
	count(value) >= pattern.least
} else if {
	not pattern.least
	glob.match(pattern.glob, null, value)
}

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

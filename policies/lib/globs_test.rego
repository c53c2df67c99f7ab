package karb.lib.globs_test

import data.karb.lib.globs

# pattern, value: the verdict of glob.match must not change by the shortcuts before it.
cases := [
	["latest", "latest"],
	["latest", "latest-1"],
	["latest-*", "latest-gpu"],
	["*-latest", "v1-latest"],
	["*-latest", "v1-latest2"],
	["*", ""],
	["*", "a.b/c"],
	["a*b*c", "a--b--c"],
	["a*b*c", "a--c"],
	["ab*ba", "aba"],
	["nightly-{cpu,cu???}", "nightly-cu121"],
	["nightly-{cpu,cu???}", "nightly-cu12"],
	["v?", "v1"],
	["v?", "w1"],
	["[ab]c", "bc"],
	["x*{a,b}", "xyzb"],
	[`a\*`, "a*"],
	[`a\*b*`, "a*bc"],
	["{a,b}*", "bcd"],
	["kata-*", "kata"],
	["?", ""],
	["{,a}", ""],
	["é*", "éa"],
	["*é", "aé"],
	["*é", "ae"],
	["[!a]b", "cb"],
	["a[!b]", "ac"],
	["a[!b]", "ab"],
	[`*\]`, "a]"],
	[`\{*`, "{a"],
]

test_shortcuts_change_no_verdict if {
	every pair in cases {
		matched(pair) == native(pair)
	}
}

test_narrowing_changes_no_verdict if {
	every pair in cases {
		patterns := [pair[0], "other", "x*", "*y"]
		matched_by(globs.narrowed(patterns, [pair[1], "z"]), pair[1]) == matched_by(patterns, pair[1])
	}
}

matched_by(patterns, value) if {
	globs.any_match(patterns, value)
} else := false

test_cases_show_both_verdicts if {
	{true, false} == {native(pair) | some pair in cases}
}

matched(pair) if {
	globs.any_match([pair[0]], pair[1])
} else := false

native(pair) if {
	glob.match(pair[0], null, pair[1])
} else := false

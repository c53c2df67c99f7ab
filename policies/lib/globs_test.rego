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

# Parameters that nobody took apart: a test's, or those of a schema without `format: glob`.
test_lists_as_written_count_too if {
	every pair in cases {
		matched_of({"names": [pair[0]]}, pair[1]) == native(pair)
		matched_of({"names": [pair[0]], "globs": {"others": {"exact": {}, "wild": []}}}, pair[1]) == native(pair)
	}
}

matched_of(params, value) if {
	globs.any_of(params, "names", value)
} else := false

test_taken_apart if {
	params := {"names": [], "globs": {"names": {
		"exact": {"latest": true, "v*-gpu": true, "?": true},
		"wild": [
			{"glob": "v*-gpu", "begin": "v", "end": "-gpu", "least": 5},
			{"glob": "?", "begin": "", "end": ""},
		],
	}}}
	every value in ["latest", "v1-gpu", "v-gpu", "v*-gpu", "x"] { globs.any_of(params, "names", value) }
	every value in ["latest-1", "v1-cpu", "w1-gpu", "-gpu", ""] { not globs.any_of(params, "names", value) }
}

test_cases_show_both_verdicts if {
	{true, false} == {native(pair) | some pair in cases}
}

matched(pair) if {
	globs.any_match([pair[0]], pair[1])
} else := false

native(pair) if {
	glob.match(pair[0], null, pair[1])
} else := false

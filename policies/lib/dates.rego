# Dates as `2027-03-31`, and how far apart two are.
package karb.lib.dates

# A count of days that grows by one a day, of a date of the calendar; undefined for other texts.
number(text) := days(year, month, day) if {
	regex.match(`^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$`, text)
	[year, month, day] := [to_number(trim_left(part, "0")) | some part in split(text, "-")]
	day <= days(year, month + 1, 1) - days(year, month, 1)
}

# The year starts in March here, so that a leap day is its last. Month 13 is the next January.
days(year, month, day) := (((365 * y) + leap_days(y)) + floor(((153 * m) + 2) / 5)) + day if {
	m := (month + 9) % 12
	y := year - floor((14 - month) / 12)
}

leap_days(y) := (floor(y / 4) - floor(y / 100)) + floor(y / 400)

package karb.lib.dates_test

import data.karb.lib.dates

between(first, last) := dates.number(last) - dates.number(first)

test_days_between if {
	between("2026-11-25", "2026-11-25") == 0
	between("2026-11-25", "2026-12-01") == 6
	between("2026-12-31", "2027-01-01") == 1
	between("2027-02-28", "2027-03-01") == 1
	between("2028-02-28", "2028-03-01") == 2
	between("2026-01-01", "2027-01-01") == 365
	between("2000-01-01", "2001-01-01") == 366
	between("2100-01-01", "2101-01-01") == 365
	between("1970-01-01", "2026-11-25") == 20782
}

test_every_month_ends if {
	every date in ["2026-01-31", "2026-04-30", "2028-02-29", "2000-02-29", "2026-12-31"] {
		is_number(dates.number(date))
	}
	every text in [
		"2026-04-31", "2026-02-29", "2100-02-29", "2026-13-01", "2026-00-10", "2026-01-00", "0000-01-01",
		"26-01-01", "2026-1-1", "2026-01-01T00:00:00Z", "soon", "",
	] {
		not dates.number(text)
	}
}

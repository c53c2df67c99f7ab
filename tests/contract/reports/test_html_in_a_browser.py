"""The HTML report in a real browser: a quiet console, nothing for axe-core, no requests."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from karb_guard.model.audit import Audit
from karb_guard.reports import Format, render, render_audit
from karb_guard.reports.html.sections.findings import MAX_FINDINGS
from karb_guard.reports.prices import PriceTable
from tests.support.browser import chromium, faults, visit
from tests.support.sample_audit import audit
from tests.support.sample_report import clean, sample

PRICES = PriceTable({"default": Decimal("2.5")}, "EUR")
WIDTHS = (1280, 390)
FIRST_PAINT = """new Promise(done => new PerformanceObserver(list => {
  const found = list.getEntriesByName('first-contentful-paint');
  if (found.length) done(found[0].startTime);
}).observe({type: 'paint', buffered: true}))"""
ATTACK = "\"'><img src=x onerror=alert(1)><script>alert(2)</script><!--"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


def page_of(sampled: Audit) -> str:
    return render_audit(sampled, Format.HTML, prices=PRICES)


PAGES = {
    "audit": lambda: page_of(audit(30, namespaces=6)),
    "clean audit": lambda: page_of(
        replace(audit(0), missing=(), trend=(), report=clean(), gpus={}, namespaces={})
    ),
    "lint": lambda: render(sample(), Format.HTML),
    "clean lint": lambda: render(clean(), Format.HTML),
}


@pytest.mark.parametrize(
    ("name", "scheme", "width"),
    [
        *itertools.product(("audit", "lint"), ("light", "dark"), WIDTHS),
        ("clean audit", "light", 1280),
        ("clean lint", "dark", 390),
    ],
)
def test_a_page_is_quiet_accessible_and_fits(
    browser: Browser, tmp_path: Path, name: str, scheme: str, width: int
) -> None:
    seen = visit(browser, PAGES[name](), tmp_path, scheme=scheme, width=width)
    assert not faults(seen)
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
    seen.page.close()


def test_axe_would_see_an_unreadable_page(browser: Browser, tmp_path: Path) -> None:
    text = PAGES["lint"]().replace("<h1>", "<h1 aria-hidden='true'><img src='data:,'>")
    seen = visit(browser, text, tmp_path)
    assert {v["id"] for v in Axe().run(seen.page).response["violations"]} & {
        "image-alt",
        "page-has-heading-one",
    }
    seen.page.close()


def test_five_thousand_findings_are_under_two_megabytes_and_painted_at_once(
    browser: Browser, tmp_path: Path
) -> None:
    text = page_of(audit(5_000, namespaces=300))
    size = len(text.encode())
    assert size < 2_000_000
    paints = []
    for _ in range(3):
        seen = visit(browser, text, tmp_path)
        paints.append(seen.page.evaluate(FIRST_PAINT))
    print(f"{size:,} bytes, first contentful paint after {min(paints):.0f} ms (best of 3)")
    assert min(paints) < 5_000, "a second is the aim; machines of CI are shared"
    shown = seen.page.locator("#findings-list > li").count()
    assert shown <= MAX_FINDINGS
    open_findings = len(audit(5_000, namespaces=300).report.open_findings)
    left_out = seen.page.get_by_text(f"{open_findings - shown} findings more not shown here")
    assert left_out.count() == 1, "what is left out is counted"
    seen.page.close()


def test_the_filter_works_from_the_keyboard(browser: Browser, tmp_path: Path) -> None:
    seen = visit(browser, page_of(audit(120)), tmp_path)
    page = seen.page
    visible = page.locator("#findings-list > li:visible")
    everything = visible.count()
    status = page.locator("#shown")
    assert status.text_content() == f"All {everything} listed findings shown"

    page.keyboard.press("/")
    pairs = Counter(
        (found.finding.invariant_id, found.finding.owner.namespace or "")
        for found in audit(120).report.open_findings
    )
    ((rule, namespace), few) = pairs.most_common(1)[0]
    page.keyboard.type(f"{rule} {namespace}")
    assert 0 < few < everything
    expect(status).to_have_text(f"{few} of {everything} listed findings shown")
    assert visible.count() == few
    for text in visible.all_text_contents():
        assert rule in text
        assert namespace in text

    page.keyboard.press("Escape")
    assert visible.count() == everything
    page.get_by_label("error", exact=True).uncheck()
    expect(status).not_to_contain_text("All")
    assert visible.get_by_text("error", exact=True).count() == 0
    page.get_by_role("button", name="Reset").click()
    expect(status).to_contain_text("All")
    assert not seen.console
    page.close()


def test_the_first_stop_of_the_keyboard_skips_to_the_report(
    browser: Browser, tmp_path: Path
) -> None:
    seen = visit(browser, PAGES["audit"](), tmp_path)
    seen.page.keyboard.press("Tab")
    assert seen.page.evaluate("document.activeElement.textContent") == "Skip to the report"
    seen.page.keyboard.press("Enter")
    assert seen.page.evaluate("document.activeElement.id") == "main"
    seen.page.close()


def test_each_link_of_the_navigation_leads_to_its_section(browser: Browser, tmp_path: Path) -> None:
    seen = visit(browser, PAGES["audit"](), tmp_path)
    for link in seen.page.locator("nav a").all():
        anchor = (link.get_attribute("href") or "").lstrip("#")
        link.click()
        heading = seen.page.locator(f"#{anchor}-title")
        assert heading.is_visible()
        assert seen.page.evaluate(
            "id => { const r = document.getElementById(id).getBoundingClientRect();"
            " return r.top >= 0 && r.bottom <= innerHeight; }",
            f"{anchor}-title",
        ), f"{anchor} is not in view"
    seen.page.close()


def test_nothing_from_a_cluster_runs_in_the_page(browser: Browser, tmp_path: Path) -> None:
    seen = visit(browser, page_of(attacked()), tmp_path)
    seen.page.wait_for_timeout(200)
    assert not seen.console, "not even a blocked attempt: markup never got through"
    assert seen.page.locator("img, iframe, object, embed").count() == 0
    assert seen.page.locator("script").count() == 1
    seen.page.close()


def test_the_policy_of_the_page_stops_scripts_that_are_not_its_own(
    browser: Browser, tmp_path: Path
) -> None:
    text = PAGES["lint"]().replace("</main>", "<script>document.title = 'owned'</script></main>")
    seen = visit(browser, text, tmp_path)
    assert seen.page.title() != "owned"
    assert any("Content Security Policy" in line for line in seen.console)
    seen.page.close()


def attacked() -> Audit:
    """An audit in which every text that a cluster or a user gives holds markup."""
    sampled = audit(40)
    found = sampled.report.findings[1]
    owner = found.finding.owner._replace(name=ATTACK, namespace=ATTACK, kind=ATTACK)
    finding = found.finding._replace(
        message=ATTACK, remediation=ATTACK, object=owner, owner=owner, path=("spec", ATTACK)
    )
    bad = replace(found, finding=finding)
    report = replace(
        sampled.report,
        findings=[bad, replace(bad, waived=ATTACK), *sampled.report.findings],
        problems=[sampled.report.problems[0]._replace(file=ATTACK, message=ATTACK, remedy=ATTACK)],
        unknowns=[sampled.report.unknowns[0]._replace(name=ATTACK, reason=ATTACK)],
        version=ATTACK,
        invariants=[replace(i, title=ATTACK) for i in sampled.report.invariants],
    )
    missing = [replace(sampled.missing[0], what=ATTACK, reason=ATTACK, undecided=(ATTACK,))]
    namespaces = {ATTACK: replace(next(iter(sampled.namespaces.values())), name=ATTACK)}
    return replace(sampled, report=report, cluster=ATTACK, missing=missing, namespaces=namespaces)

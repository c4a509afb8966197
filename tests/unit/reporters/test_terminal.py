from __future__ import annotations

import io
import re
import shlex
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from rich.cells import cell_len
from rich.console import Console
from tests.support import strangers
from tests.unit.reporters import sample

from cachescan.model import Census, Effect, Evidence, Hit, Severity
from cachescan.reporters import terminal
from cachescan.reporters.terminal.page import size

if TYPE_CHECKING:
    from cachescan.model import Report

STYLE = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture(autouse=True)
def _no_wishes_of_the_developer(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TTY_COMPATIBLE", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


class Screen(io.BytesIO):
    """A stream of bytes that a person looks at."""

    def isatty(self) -> bool:
        return True


def raw(report: Report, out: io.BytesIO | None = None, **options: str) -> bytes:
    out = out or io.BytesIO()
    terminal.factory(options).write(report, out)
    return out.getvalue()


def shown(report: Report, **options: str) -> str:
    return raw(report, None, **options).decode()


def section(text: str, title: str) -> str:
    """Return a section without its heading line; empty if there is none."""
    found = re.search(rf"^ {title} .*\n((?:(?:    ?|  ).*\n|\n(?=  ))*)", text, re.MULTILINE)
    return found[1] if found else ""


def test_the_first_lines_say_what_was_scanned_and_how_completely() -> None:
    lines = shown(sample.report()).splitlines()

    assert lines[:3] == [
        (
            "cachescan 0.1.0 \u00b7 aws 123456789012 (novalab), aws 111122223333"
            " \u00b7 2026-11-25T08:00:00Z"
        ),
        (
            "1 account, 7 buckets \u00b7 1,234 of 1,240 facts read"
            " \u00b7 10,240 objects listed \u00b7 7 rules"
        ),
        " 1 critical   3 high   1 medium   14 low   1 informational   3 unknown   1 suppressed",
    ]


def test_the_most_severe_come_first_and_what_is_missing_right_after_them() -> None:
    text = shown(sample.report())

    titles = re.findall(r"^ ([A-Z][A-Z ]+)   ", text, re.MULTILINE)
    assert titles == [
        "CRITICAL",
        "HIGH",
        "MEDIUM",
        "LOW",
        "INFORMATIONAL",
        "COULD NOT BE READ",
        "KNOWN ONLY IN PART",
        "UNDECIDED",
        "RULES THAT FAILED TO RUN",
        "SUPPRESSIONS",
    ]


def test_an_exposure_is_told_as_who_through_what_and_what_did_not_stop_it() -> None:
    critical = section(shown(sample.report()), "CRITICAL")

    assert "Anyone on the internet can read objects, through the bucket policy" in critical
    assert "granted by   policy statement 0 (Cms) allows everybody s3:GetObject" in critical
    assert "not stopped  RestrictPublicBuckets is off for the bucket and for" in critical


@pytest.mark.parametrize("width", ["40", "100", "400"])
def test_the_witness_can_be_copied_at_any_width(width: str) -> None:
    lines = shown(sample.report(), width=width).splitlines()

    curls = [line for line in lines if line.lstrip().startswith("curl")]
    assert len(curls) == 4
    for line in curls:
        assert shlex.split(line)[-1].startswith("https://")


def test_what_lies_there_is_counted_and_shown() -> None:
    critical = section(shown(sample.report()), "CRITICAL")

    assert "What lies there: 7 backup, 1 draft, 2 embargo among the first 10,000 obj" in critical
    assert re.search(r"Meridian-3 launch DRAFT\.docx +47\.1 KiB  draft, embargo\n", critical)
    assert "and 4 more objects (see -o json=report.json)" in critical


def test_a_long_key_has_a_line_of_its_own() -> None:
    ref = sample.bucket("b")
    hit = Hit("k" * 150, 5, ("draft",))
    finding = sample.fail("aws-bucket-draft-exposed", ref, hits=(hit,))
    census = Census(listed=1, counts={"draft": 1}, hits=(hit,))
    report = sample.assemble([sample.judged(ref, None, census=census)], [finding])

    lines = shown(report).splitlines()

    at = next(number for number, line in enumerate(lines) if "kkk" in line)
    assert "".join(lines[at : at + 2]).replace(" ", "") == "k" * 150
    assert lines[at + 2].split() == ["5", "B", "draft"]
    assert any(line.endswith("1 draft among the 1 objects") for line in lines)


def test_a_way_in_is_told_once_and_referred_to_after_that() -> None:
    text = shown(sample.report())

    assert text.count("novalab-cms-media.s3.eu-west-1") == 2  # one to read, one to list
    assert "    as shown above: novalab-cms-media\n" in text


def test_what_was_found_is_shown_under_each_rule_of_one_severity_only() -> None:
    ref, exposure = sample.bucket("b"), sample.public("b")
    secret, draft = Hit("k.pem", 1, ("secret",)), Hit("a-draft", 1, ("draft",))
    census = Census(listed=2, counts={"secret": 1, "draft": 1}, hits=(secret, draft))
    findings = [
        sample.fail("aws-bucket-public-read", ref, exposure, hits=(secret, draft)),
        sample.fail("aws-bucket-public-list", ref, exposure, hits=(secret,)),
        sample.fail("aws-bucket-shared-outside", ref, exposure, hits=(secret,)),
    ]
    report = sample.assemble([sample.judged(ref, exposure, census=census)], findings)

    text = shown(report)

    assert section(text, "HIGH").count("k.pem") == 2
    assert section(text, "HIGH").count("among the 2 objects") == 1
    assert section(text, "MEDIUM").count("k.pem") == 0
    assert "    b\n" in section(text, "MEDIUM")


def test_one_grant_of_many_things_is_one_way_in() -> None:
    ref, exposure = sample.bucket("b"), sample.public("b")
    same = exposure.paths[0].evidence
    alike = structs.replace(
        exposure, paths=tuple(structs.replace(path, evidence=same) for path in exposure.paths)
    )
    finding = sample.fail("aws-bucket-public-read", ref, alike)

    high = section(shown(sample.assemble([sample.judged(ref, alike)], [finding])), "HIGH")

    assert "can read objects and list what is there, through the bucket policy" in high
    assert high.count("granted by") == 1
    assert high.count("curl") == 2


def test_lesser_findings_are_a_list_of_names_cut_short() -> None:
    low = section(shown(sample.report()), "LOW")

    assert low.splitlines()[1:] == [
        (
            "    novalab-run-00, novalab-run-01, novalab-run-02, novalab-run-03, novalab-run-04,"
            " novalab-run-05"
        ),
        "    and 8 more",
    ]


def test_a_severe_setting_is_shown_once_and_its_other_resources_are_named() -> None:
    findings = [
        sample.fail("aws-bucket-public-read", sample.bucket(f"b-{n:02}")) for n in range(20)
    ]
    report = sample.assemble([], findings)

    high = section(shown(report), "HIGH")

    assert high.count('fact         versioning/Status: "Suspended"') == 1
    assert "and 19 more resources: b-01, b-02, b-03, b-04, b-05, b-06 and 13 more" in high


def test_ways_into_many_resources_are_shown_in_part() -> None:
    refs = [sample.bucket(f"b-{n:02}") for n in range(20)]
    resources = [sample.judged(ref, sample.public(ref.name)) for ref in refs]
    findings = [sample.fail("aws-bucket-public-read", ref, sample.public(ref.name)) for ref in refs]

    high = section(shown(sample.assemble(resources, findings)), "HIGH")

    assert high.count("curl") == 8  # four buckets, to read and to list
    assert "and 16 more resources: b-04, b-05" in high


def test_a_long_fact_is_cut_unless_everything_is_wanted() -> None:
    said = Evidence("policy", "/Statement/0", Effect.STATES, "x" * 160)
    finding = sample.fail("aws-bucket-public-read", sample.bucket("b"), evidence=(said,))
    report = sample.assemble([], [finding])

    assert re.search(r"fact +policy/Statement/0: x+\.\.\.\n", shown(report))
    assert shown(report, verbose="true").count("x") >= 160


def test_verbose_cuts_nothing_short() -> None:
    text = shown(sample.report(), verbose="true")

    assert "more" not in text.replace("more are there", "")
    assert "novalab-run-13" in text
    assert "db-6.sql.gz" in text
    assert "aws s3api put-public-access-block --bucket NAME" in text


def test_gaps_are_told_by_permission_with_what_they_cost() -> None:
    unread = section(shown(sample.report()), "COULD NOT BE READ")

    assert (
        "  permission-denied  1 resource: novalab-logs-archive\n"
        "    needs s3:GetBucketPolicy  1 fact \u00b7 2 verdicts of 2 rules unknown\n"
        "    needs s3:GetBucketPolicyStatus  1 fact \u00b7 1 verdict of 1 rule unknown\n"
        "    AccessDenied\n"
        "    and 1 other answer like it\n"
    ) in unread
    assert (
        "  permission-denied  account 111122223333\n"
        "    needs s3:ListAllMyBuckets\n"
        "    AccessDenied\n"
    ) in unread
    # No permission would have helped against throttling.
    assert "  throttled  the whole run\n    organizations:ListAccounts\n" in unread


def test_the_heading_of_gaps_says_that_nothing_is_assumed() -> None:
    assert " COULD NOT BE READ   4 facts \u00b7 nothing is assumed about them\n" in shown(
        sample.report()
    )


def test_what_was_read_in_part_asks_for_no_permission() -> None:
    partly = section(shown(sample.report()), "KNOWN ONLY IN PART")

    assert "truncated  1 resource: novalab-cms-media\n    s3:ListObjectsV2  1 fact\n" in partly
    assert "conditions on aws:sourceip: not judged yet" in partly
    assert "needs" not in partly


def test_gaps_of_many_accounts_are_one_entry() -> None:
    gaps = tuple(structs.replace(sample.SISTER_DENIED, scope=f"{n:012}") for n in range(30))

    unread = section(shown(sample.assemble([], [], gaps=gaps)), "COULD NOT BE READ")

    assert unread.count("s3:ListAllMyBuckets") == 1
    assert "and 24 more" in " ".join(unread.split())


def test_different_answers_to_one_call_are_counted() -> None:
    gaps = tuple(structs.replace(sample.SISTER_DENIED, detail=f"no {n}") for n in range(3))

    unread = section(shown(sample.assemble([], [], gaps=gaps)), "COULD NOT BE READ")

    assert "    no 0\n    and 2 other answers like it\n" in unread


def test_undecided_rules_and_faulty_rules_are_named() -> None:
    text = shown(sample.report())

    assert (
        "  aws-bucket-public-read  2 resources: novalab-docs-preview, novalab-logs-archive\n"
        in section(text, "UNDECIDED")
    )
    assert "    no such key: Statuss\n" in section(text, "RULES THAT FAILED TO RUN")


def test_many_undecided_rules_are_cut_short() -> None:
    ref, gap = sample.bucket("b"), sample.POLICY_DENIED
    base = sample.unknown("aws-bucket-public-read", ref, gap)
    findings = [structs.replace(base, rule=f"rule-{n:02}") for n in range(20)]

    undecided = section(shown(sample.assemble([], findings)), "UNDECIDED")

    assert undecided.splitlines()[-1] == "  and 12 more rules"


def test_suppressions_are_told_with_their_state() -> None:
    text = section(shown(sample.report()), "SUPPRESSIONS")

    assert "novalab-www-*  used\n    1 finding, until 2027-06-30, web@example.com: the pub" in text
    assert "novalab-www-*  expired\n    ended 2026-01-31" in text
    assert "novalab-gone  unused\n    until 2027-06-30" in text


def test_the_last_lines_give_the_verdict_and_the_exit_code() -> None:
    text = " ".join(shown(sample.report()).split())

    assert (
        "Judged: 517 pairs of rule and resource: 480 pass, 21 fail, 3 unknown, 1 error, "
        "12 not applicable Accepted gaps: timeout:logging "
        "Findings, and incomplete (exit 1): 4 findings of severity high or worse"
    ) in text
    assert text.endswith("5 facts could not be read; nothing was assumed about them.")


def test_an_incomplete_run_is_called_that() -> None:
    report = structs.replace(sample.report(), exit_code=3, reasons=("3 facts could not be read",))

    assert shown(report).endswith(
        "Incomplete (exit 3): 3 facts could not be read; nothing was assumed about them.\n"
    )


@pytest.mark.parametrize(("code", "word"), [(4, "Nothing was scanned"), (70, "Failed")])
def test_other_exit_codes_have_a_word(code: int, word: str) -> None:
    report = structs.replace(sample.clean(), exit_code=code, reasons=("so it is",))

    assert shown(report).endswith(f"{word} (exit {code}): so it is.\n")


def test_a_clean_run_is_short_and_says_that_everything_was_read() -> None:
    text = shown(sample.clean())

    assert len(text.splitlines()) == 6
    assert text.endswith("Passed (exit 0): everything was read, and nothing was found.\n")


def test_findings_below_the_threshold_are_not_called_nothing() -> None:
    ref = sample.bucket("b")
    made = sample.assemble([], [sample.fail("aws-bucket-no-tags", ref)], gaps=())
    report = structs.replace(made, exit_code=0, reasons=())

    assert "none of 1 finding is severe enough to fail this run." in shown(report)


def test_accepted_gaps_do_not_become_everything_was_read() -> None:
    made = sample.assemble([], [], gaps=(sample.ACCOUNTS_THROTTLED,))
    report = structs.replace(made, exit_code=0, reasons=())

    text = shown(report)

    assert "only accepted gaps are left, and nothing was found." in text
    assert "everything was read" not in text


@given(strangers.texts, st.sampled_from(["auto", "always"]), st.sampled_from(["40", "100"]))
def test_a_strangers_text_cannot_touch_the_terminal(text: str, color: str, width: str) -> None:
    page = raw(sample.hostile(text), Screen(), color=color, width=width).decode()

    assert strangers.hidden(STYLE.sub("", page).replace("\n", "")) == set()


@given(strangers.texts)
def test_a_strangers_markup_is_text(text: str) -> None:
    marked = f"[bold red]{text}[/] :boom:"

    page = shown(sample.hostile(marked), verbose="true", width="400")

    assert "[bold red]" in page
    assert ":boom:" in page


@given(strangers.texts)
def test_an_output_that_is_not_unicode_gets_ascii(text: str) -> None:
    assert raw(sample.hostile(text), encoding="latin-1").isascii()


def test_standard_output_has_its_own_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    stdout = io.TextIOWrapper(io.BytesIO(), encoding="iso8859-15")
    monkeypatch.setattr(sys, "stdout", stdout)

    terminal.factory({}).write(sample.report(), stdout.buffer)

    assert stdout.buffer.getvalue().isascii()  # type: ignore[attr-defined]


def test_the_stream_is_left_open() -> None:
    out = io.BytesIO()
    terminal.factory({}).write(sample.clean(), out)

    assert not out.closed


@pytest.mark.parametrize("width", ["40", "72", "100", "160"])
def test_lines_keep_to_the_width_but_for_what_is_copied(width: str) -> None:
    for line in shown(sample.report(), width=width).splitlines():
        if not line.lstrip().startswith(("curl", "# GET")):
            assert cell_len(line) <= int(width)
            assert line == line.rstrip()


def test_a_file_has_no_colours_and_a_terminal_has() -> None:
    assert b"\x1b" not in raw(sample.report())
    assert b"\x1b[" in raw(sample.report(), Screen())


def test_no_color_is_respected_unless_colours_are_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    colours = re.compile(rb"\x1b\[[0-9;]*(?:3[0-7]|4[0-7])[0-9;]*m")
    assert not colours.search(raw(sample.report(), Screen()))
    assert colours.search(raw(sample.report(), color="always"))


def test_colours_can_be_had_in_a_file_and_kept_from_a_terminal() -> None:
    assert b"\x1b[" in raw(sample.report(), color="always")
    assert b"\x1b" not in raw(sample.report(), Screen(), color="never")


def test_a_recording_console_exports_the_report_as_a_picture() -> None:
    console = Console(record=True, width=100, file=io.StringIO())

    terminal.render(sample.report(), console)

    picture = console.export_svg(title="cachescan aws")
    assert "COULD&#160;NOT&#160;BE&#160;READ" in picture


def test_fifty_thousand_findings_make_a_short_page() -> None:
    text = shown(sample.many(50_000))

    assert len(text.splitlines()) < 80
    for severity in Severity:
        assert f" {severity.value.upper()}   10,000 findings" in text


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (5 << 30, "5.0 GiB"),
        (3 << 50, "3,072.0 TiB"),
    ],
)
def test_sizes_are_for_people(number: int, said: str) -> None:
    assert size(number) == said

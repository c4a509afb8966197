"""Rules are data from strangers: what cannot work is refused, with the nearest thing that could."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import yaml
from tests.support.boxes import DRAFT, KINDS, OPEN, UNLOCKED, ruleset, variant

from cachescan.errors import ConfigError
from cachescan.model import Persona, Rule
from cachescan.rules import KindRules, builtin_rules, check, load_rules, read_rule, rule_files
from cachescan.testing.fake import BOX

if TYPE_CHECKING:
    from pathlib import Path


def write(folder: Path, rule: Rule = UNLOCKED, **changes: Any) -> Path:  # noqa: ANN401
    """Write a rule file with some fields changed; None takes a field away."""
    fields = {**msgspec.to_builtins(rule), **changes}
    path = folder / f"{fields['id']}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump({k: v for k, v in fields.items() if v is not None}))
    return path


def refusal(folder: Path) -> ConfigError:
    """Load a folder and return why that is refused."""
    with pytest.raises(ConfigError) as caught:
        load_rules([folder], KINDS)
    return caught.value


def test_a_rule_file_becomes_a_compiled_rule(tmp_path: Path) -> None:
    write(tmp_path / "deep" / "down")

    (compiled,) = load_rules([tmp_path], KINDS).rules

    assert compiled.rule == UNLOCKED
    assert compiled.variables == {"lock"}


@pytest.mark.parametrize(
    ("changes", "said", "hint"),
    [
        ({"fial": "true"}, "unknown field `fial`", "did you mean 'fail'?"),
        ({"fix": {"text": "x", "terrafrom": "y"}}, "unknown field `terrafrom`", ""),
        ({"kind": "fake/bax"}, "unknown kind 'fake/bax'", "did you mean 'fake/box'?"),
        ({"fail": "lokc.Locked"}, "unknown variable 'lokc'", "did you mean 'lock'?"),
        ({"when": "dor.Open"}, "unknown variable 'dor'", "did you mean 'door'?"),
        ({"identity": ["dor.Open"]}, "unknown variable 'dor'", "did you mean 'door'?"),
        ({"message": "{nam} is bad"}, "unknown placeholder 'nam'", "did you mean 'name'?"),
        ({"message": "{lokc.Locked}"}, "unknown placeholder", ""),
        ({"id": "Fake-Box"}, "an id is lower-case words", ""),
        ({"id": "fake"}, "an id is lower-case words", ""),
        ({"id": "fake--box"}, "an id is lower-case words", ""),
        ({"fail": "lock."}, "not a CEL expression", ""),
        ({"identity": ["("]}, "not a CEL expression", ""),
        ({"severity": "urgent"}, "Invalid enum value 'urgent'", ""),
        ({"persona": "anyone"}, "Invalid enum value", ""),
        ({"fail": None}, "missing required field `fail`", ""),
        ({"fix": None}, "missing required field `fix`", ""),
        ({"title": 7}, "Expected `str`", ""),
        ({"frameworks": {"cis": "1.1"}}, "Expected `array`", ""),
    ],
)
def test_a_rule_that_cannot_work_is_refused(
    tmp_path: Path, changes: dict[str, Any], said: str, hint: str
) -> None:
    """At load, not at the first resource that it meets; with the word that was meant."""
    write(tmp_path, **changes)

    error = refusal(tmp_path)

    assert said in str(error)
    if hint:
        assert error.hint == hint


@pytest.mark.parametrize(
    "fail",
    [
        "has(lock.Locked)",
        "has( lock.Locked ) && lock.Locked",
        "!has(exposure.read.anonymous)",
    ],
)
def test_has_is_refused(tmp_path: Path, fail: str) -> None:
    """It would turn "not read" into an answer, whether in ``fail`` or in ``when``."""
    write(tmp_path, fail=fail)
    assert "has()" in str(refusal(tmp_path))

    write(tmp_path, fail="true", when=fail)
    assert "has()" in str(refusal(tmp_path))


@pytest.mark.parametrize(
    "fail",
    [
        "'anonymous' in exposure.read",
        "!exposure.read.exists(a, exposure.read[a] == 'yes')",
        "size(exposed.read) == 3",
        "exposure == exposure",
        "exposure.read['anonymous'] == 'yes'",
        "exposure.raed.anonymous == 'yes'",
        "exposure.read.nobody == 'yes'",
        "exposed.connect.anonymous",
        "exposed.read.anonymous.twice",
        "'draft' in census.counts",
        "census.counts.all(c, census.counts[c] == 0)",
        "census.hits == 0",
        "census.counts.draft.more > 0",
    ],
)
def test_what_is_derived_is_named_down_to_one_fact(tmp_path: Path, fail: str) -> None:
    """An open grade is not bound, so asking the whole map would take the gap for an answer."""
    write(tmp_path, fail=fail)

    assert "is no fact; write" in str(refusal(tmp_path))


@pytest.mark.parametrize(
    "fail",
    [
        "exposure.read.any_account in ['yes', 'restricted']",
        "exposed.takeover.outsider || exposed.list.anonymous",
        "census.counts.draft > 0 && census.complete && census.listed > 0 && census.bytes > 0",
        "name.startsWith('x') && region == 'here' && scope != uid",
        "name == 'has'",
    ],
)
def test_what_a_rule_may_say_is_accepted(tmp_path: Path, fail: str) -> None:
    write(tmp_path, fail=fail)

    assert len(load_rules([tmp_path], KINDS).rules) == 1


@pytest.mark.parametrize(
    "text", ["id: [", "\x00", "- a\n- b", "just text", "", "id: &a [*a]", "id: !!python/object:x y"]
)
def test_a_file_that_is_no_rule_is_refused_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "broken.yaml").write_text(text)

    assert "broken.yaml" in str(refusal(tmp_path))


def test_bytes_that_are_no_text_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_bytes(b"id: \xff\xfe\x00")

    assert "broken.yaml" in str(refusal(tmp_path))


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert "no such folder" in str(refusal(tmp_path / "nowhere"))


def test_ids_and_aliases_are_never_reused(tmp_path: Path) -> None:
    """Over all folders, and an alias counts like an id."""
    write(tmp_path / "a")
    write(tmp_path / "b", id="fake-box-other", aliases=["fake-box-unlocked"])

    with pytest.raises(ConfigError, match="two rules are called 'fake-box-unlocked'"):
        load_rules([tmp_path / "a", tmp_path / "b"], KINDS)


def test_cases_names_and_frameworks_are_no_rules(tmp_path: Path) -> None:
    path = write(tmp_path / "kind")
    path.with_name("fake-box-unlocked.test.yaml").write_text("cases: []")
    for folder in ("names", "frameworks", "coverage"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.yaml").write_text("other: thing")

    assert list(rule_files(tmp_path)) == [path]


def chosen(folder: Path, **how: Any) -> list[str]:  # noqa: ANN401
    """Return the ids that a choice keeps, without their common start."""
    rules = load_rules([folder], KINDS, **how).rules
    return [compiled.rule.id.removeprefix("fake-box-") for compiled in rules]


@pytest.fixture
def four(tmp_path: Path) -> Path:
    """Write four rules: two regular, one pedantic, one for auditors with a former name."""
    write(tmp_path)
    write(tmp_path, OPEN)
    write(tmp_path, id="fake-box-fussy", persona="pedantic")
    write(tmp_path, id="fake-box-ledger", persona="auditor", aliases=["fake-box-book"])
    return tmp_path


@pytest.mark.parametrize(
    ("persona", "ids"),
    [
        (Persona.REGULAR, ["open", "unlocked"]),
        (Persona.PEDANTIC, ["fussy", "open", "unlocked"]),
        (Persona.AUDITOR, ["fussy", "ledger", "open", "unlocked"]),
    ],
)
def test_each_persona_runs_the_rules_of_those_before_it(
    four: Path, persona: Persona, ids: list[str]
) -> None:
    assert chosen(four, persona=persona) == ids


@pytest.mark.parametrize(
    ("select", "skip", "ids"),
    [
        (["fake-box-open"], [], ["open"]),
        (["fake-box-*"], [], ["fussy", "ledger", "open", "unlocked"]),
        (["*-o*"], [], ["open"]),
        (["fake-box-book"], [], ["ledger"]),
        (["fake-box-open", "fake-box-fussy"], [], ["fussy", "open"]),
        ([], ["fake-box-open"], ["unlocked"]),
        (["fake-*"], ["fake-box-book", "*fussy"], ["open", "unlocked"]),
        (["fake-box-open"], ["*"], []),
        ([], ["nothing-*"], ["open", "unlocked"]),
    ],
)
def test_rules_are_chosen_by_id_alias_and_glob(
    four: Path, select: list[str], skip: list[str], ids: list[str]
) -> None:
    """A rule that is asked for by name runs whoever it is for; a skipped one never does."""
    assert chosen(four, select=select, skip=skip, persona=Persona.REGULAR) == ids


@pytest.mark.parametrize("name", ["fake-box-opne", "OPEN", "open", "fake-box-open-*"])
def test_a_choice_that_matches_nothing_is_refused(four: Path, name: str) -> None:
    """Otherwise a typing error scans nothing and calls it clean."""
    with pytest.raises(ConfigError, match="no rule is called") as caught:
        load_rules([four], KINDS, select=["fake-box-unlocked", name])

    if name == "fake-box-opne":
        assert caught.value.hint == "did you mean 'fake-box-open'?"


def test_the_digest_names_the_choice_and_the_texts(four: Path) -> None:
    """Same rules, same digest, in whatever order they were found; any change changes it."""
    whole = load_rules([four], KINDS).digest

    assert load_rules([four], KINDS).digest == whole
    assert load_rules([four], KINDS, skip=["fake-box-open"]).digest != whole
    write(four, OPEN, message="{name} is open, again")
    assert load_rules([four], KINDS).digest != whole


# --- demand -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "census", "demand"),
    [
        (UNLOCKED, False, {"lock"}),
        (variant(fail="door.Open"), False, {"door"}),
        (variant(fail="name == 'x'"), False, set()),
        (variant(when="door.Open"), False, {"lock", "door"}),
        (variant(identity=("door.Open",)), False, {"lock", "door"}),
        (OPEN, False, {"lock", "door"}),
        (DRAFT, True, {"lock", "door"}),
    ],
)
def test_only_what_the_rules_name_is_read(rule: Rule, census: bool, demand: set[str]) -> None:  # noqa: FBT001
    """The exposure's facets only where a rule asks about exposure or objects."""
    asked = ruleset(rule).of_kind(BOX)

    assert asked.census == census
    assert asked.demand == demand


def test_what_the_listing_gives_is_always_taken() -> None:
    listed = msgspec.structs.replace(BOX.facets[1], listed=True)
    kind = msgspec.structs.replace(BOX, facets=(BOX.facets[0], listed))

    assert ruleset(UNLOCKED).of_kind(kind).demand == {"lock", "door"}


def test_a_kind_without_rules_demands_nothing() -> None:
    other = msgspec.structs.replace(BOX, name="fake/other")

    assert ruleset(UNLOCKED, OPEN, DRAFT).of_kind(other) == KindRules((), frozenset(), census=False)


# --- what ships ---------------------------------------------------------------------------------


def test_the_rules_that_ship_are_found_from_a_checkout_and_from_a_wheel() -> None:
    folder = builtin_rules()

    assert folder.name in ("rules", "_rules")
    assert list(rule_files(folder))


def test_a_rule_file_holds_one_rule(tmp_path: Path) -> None:
    assert list(read_rule(write(tmp_path))) == [UNLOCKED]


def test_linting_alone_needs_no_file() -> None:
    assert check(UNLOCKED, KINDS).rule == UNLOCKED
    with pytest.raises(ConfigError, match="rule fake-box-unlocked: unknown kind"):
        check(UNLOCKED, {})

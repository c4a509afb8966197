from __future__ import annotations

import shlex
from urllib.parse import unquote, urlsplit

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import strangers
from tests.unit.reporters.sample import HOSTILE

from cachescan.model import Witness
from cachescan.textsafe import curl_line, json_bytes, path_segment, printable, sarif_text

anything = strangers.texts
well_formed = st.text() | st.sampled_from([text for text in HOSTILE if "\ud800" not in text])


@given(anything)
def test_printable_text_hides_nothing_and_commands_nothing(text: str) -> None:
    assert strangers.hidden(printable(text)) == set()


@given(anything)
def test_printable_is_idempotent(text: str) -> None:
    assert printable(printable(text)) == printable(text)


@given(anything)
def test_printable_ascii_is_ascii_and_idempotent(text: str) -> None:
    shown = printable(text, ascii_only=True)

    assert shown.isascii()
    assert strangers.hidden(shown) == set()
    assert printable(shown, ascii_only=True) == shown


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E)))
def test_printable_leaves_plain_ascii_alone(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", r"\x1b[2J"),
        ("a\nb\tc", r"a\x0ab\x09c"),
        ("\x7f\x9b", r"\x7f\x9b"),
        ("x\u202ey\u2066", r"x\u{202e}y\u{2066}"),
        (
            "\u200e\u200f\u061c\u200b\u200d\ufeff",
            r"\u{200e}\u{200f}\u{61c}\u{200b}\u{200d}\u{feff}",
        ),
        ("\u2028\u2029\u00a0", r"\u{2028}\u{2029}\xa0"),
        ("\ud800", r"\u{d800}"),
        ("\ue000\u0378", r"\u{e000}\u{378}"),
        ("\u3164\ufe0f\u2800", r"\u{3164}\u{fe0f}\u{2800}"),
        ("\U000e0041", r"\u{e0041}"),
        ("\u6f22\u5b57 \u00e9 \\x1b", "\u6f22\u5b57 \u00e9 \\x1b"),
    ],
)
def test_printable_escapes_are_visible(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_printable_can_keep_to_ascii() -> None:
    assert printable("\u00e9\u6f22", ascii_only=True) == r"\xe9\u{6f22}"


@given(anything)
def test_a_path_segment_is_one_clean_segment(text: str) -> None:
    segment = path_segment(text)

    assert segment
    assert segment.isascii()
    assert "/" not in segment
    assert urlsplit(f"a/{segment}/b").path == f"a/{segment}/b"
    for decoded in (segment, unquote(segment)):
        assert not {".", ".."} & set(decoded.replace("\\", "/").split("/"))


@given(anything, anything)
def test_two_texts_never_share_a_path_segment(one: str, other: str) -> None:
    assert (path_segment(one) == path_segment(other)) == (one == other)


@pytest.mark.parametrize(
    ("text", "segment"),
    [
        ("plain-name", "plain-name"),
        ("a b", "a%20b"),
        ("", "="),
        ("..", "=.."),
        ("a/../b", "a%2F=..%2Fb"),
        ("...", "..."),
        ("=", "%3D"),
        ("\udc80", "=dc80"),
    ],
)
def test_path_segments_of_awkward_texts(text: str, segment: str) -> None:
    assert path_segment(text) == segment


@given(anything)
def test_sarif_text_has_no_link_and_nothing_hidden(text: str) -> None:
    escaped = sarif_text(text)

    assert strangers.hidden(escaped) == set()
    bare = escaped.replace("\\\\", "").replace("\\[", "").replace("\\]", "")
    assert not set("[]\\") & set(bare)


@given(anything, st.integers(min_value=8, max_value=40))
def test_sarif_text_is_cut_between_escapes(text: str, limit: int) -> None:
    cut = sarif_text(text, limit)

    assert len(cut) <= limit
    bare = cut.replace("\\\\", "").replace("\\[", "").replace("\\]", "")
    assert not set("[]\\") & set(bare)
    assert cut == sarif_text(text) or cut.endswith("...")


@given(st.sampled_from(["GET", "HEAD", "PUT", "POST", "DELETE", "g\x1b;t"]), anything)
def test_a_curl_line_is_one_command_with_one_url(method: str, text: str) -> None:
    line = curl_line(Witness(method, f"https://example.com/{text}"))

    assert line.isascii()
    assert line.isprintable()
    words = shlex.split(line)
    assert words[0] == "curl"
    assert words[-1].startswith("https://example.com/")
    assert [word for word in words if "://" in word] == [words[-1]]
    # Inside single quotes no shell expands anything, and nothing may end them.
    assert line.endswith(f" '{words[-1]}'")
    assert not set("'\\\"`!{}|^<> ") & set(words[-1])


@given(anything)
def test_a_header_is_one_word_or_the_line_is_a_comment(value: str) -> None:
    line = curl_line(Witness("GET", "https://example.com/a", headers={"Referer": value}))

    assert line.isascii()
    assert line.isprintable()
    if not line.startswith("# "):
        assert shlex.split(line) == [
            *("curl", "-sS", "-H", f"Referer: {value}", "https://example.com/a")
        ]


@given(anything, anything)
def test_a_signed_witness_is_a_comment_on_one_line(text: str, signer: str) -> None:
    line = curl_line(Witness("GET", f"https://example.com/{text}", signed=True), signer)

    assert line.startswith("# ")
    assert line.isascii()
    assert line.isprintable()


@pytest.mark.parametrize(
    ("witness", "line"),
    [
        (
            Witness("GET", "https://b.example.com/?list-type=2&max-keys=10"),
            "curl -sS 'https://b.example.com/?list-type=2&max-keys=10'",
        ),
        (Witness("HEAD", "https://b.example.com/a"), "curl -sS -I 'https://b.example.com/a'"),
        (
            Witness("PUT", "https://b.example.com/a"),
            (
                "curl -sS -X PUT --data-binary 'written by the witness of a scan' "
                "'https://b.example.com/a'"
            ),
        ),
        (
            Witness("PUT", "https://b.example.com/?policy"),
            "curl -sS -X PUT --data-binary @request-body 'https://b.example.com/?policy'",
        ),
        (
            Witness("DELETE", "https://b.example.com/a"),
            "curl -sS -X DELETE 'https://b.example.com/a'",
        ),
        (
            Witness("GET", "https://b.example.com/a/../b"),
            "curl -sS --path-as-is 'https://b.example.com/a/../b'",
        ),
        (Witness("GET", "http://[::1]:9/b/"), "curl -sS --globoff 'http://[::1]:9/b/'"),
        (
            Witness("GET", "https://b.example.com/50%25%"),
            "curl -sS 'https://b.example.com/50%25%25'",
        ),
        (Witness("GET", "file:///etc/passwd"), "# not a web address: 'file:///etc/passwd'"),
        (
            Witness("GET", "https://b.example.com/a", signed=True),
            "# GET 'https://b.example.com/a', signed by any AWS account",
        ),
        (
            Witness("GET", "https://b.example.com/a", headers={"Referer": "https://a.example/'$x"}),
            """curl -sS -H 'Referer: https://a.example/'"'"'$x' 'https://b.example.com/a'""",
        ),
        (
            Witness("GET", "https://b.example.com/a", headers={"Referer": "caf\u00e9\n"}),
            "# GET 'https://b.example.com/a', with 'Referer: caf\\xe9\\x0a'",
        ),
        (
            Witness(
                "PUT", "https://b.example.com/a", signed=True, headers={"x-amz-acl": "private"}
            ),
            (
                "# PUT 'https://b.example.com/a', with 'x-amz-acl: private', "
                "signed by any AWS account"
            ),
        ),
    ],
)
def test_curl_lines(witness: Witness, line: str) -> None:
    assert curl_line(witness, "any AWS account") == line


def test_json_names_the_headers_of_a_witness_only_where_it_needs_some() -> None:
    plain = Witness("GET", "https://b.example.com/a")
    needy = Witness("GET", "https://b.example.com/a", headers={"Referer": "x"})

    assert json_bytes(plain) == (
        b'{"method":"GET","url":"https://b.example.com/a","signed":false,"from":"anywhere"}'
    )
    assert json_bytes(needy) == json_bytes(plain)[:-1] + b',"headers":{"Referer":"x"}}'
    assert {plain: 1, needy: 2}[needy] == 2


@given(st.recursive(anything, lambda inner: st.lists(inner) | st.dictionaries(anything, inner)))
def test_json_bytes_can_be_shown_and_parsed(value: object) -> None:
    raw = json_bytes(value)

    assert strangers.hidden(raw.decode()) == set()
    msgspec.json.decode(raw)


@given(st.recursive(well_formed, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_json_bytes_keeps_well_formed_text_exactly(value: object) -> None:
    assert msgspec.json.decode(json_bytes(value, indent=2)) == value


def test_json_bytes_spells_out_lone_surrogates_and_astral_tags() -> None:
    assert json_bytes(["\ud800", "\U000e0041\u6f22"]) == (
        '["\\\\ud800","\\udb40\\udc41\u6f22"]'.encode()
    )

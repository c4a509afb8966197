"""Make text from a cloud safe to show: everything read there is chosen by a stranger.

Names of buckets and objects, tags, statement ids and error texts go through ``printable`` before
they meet a terminal, a log or a message, through ``path_segment`` before they meet a URI, and
through ``curl_line`` before somebody pastes them into a shell. Machine formats carry them exact,
as JSON (``json_bytes``).
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec
from msgspec import UNSET

if TYPE_CHECKING:
    from cachescan.model import Witness

_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Fillers, joiners and variation selectors: letters or marks to Unicode, nothing to the eye."""

_BEYOND_ASCII = re.compile("[^\x00-\x7e]+")
_NOT_IN_URL = re.compile(r"[^A-Za-z0-9\-._~:/?#\[\]@$&()*+,;=%]|%(?![0-9A-Fa-f]{2})")
_DOT_SEGMENT = re.compile(r"/\.{1,2}(?:[/?#]|$)")
_PATH_PARTS = re.compile(r"[/\\]|[^/\\]+")
_SURROGATES = re.compile("([\ud800-\udfff])")
_SARIF_SPECIAL = re.compile(r"[\\\[\]]")
_BYTE = 0x100
_BMP = 0x10000


def printable(text: str, *, ascii_only: bool = False) -> str:
    r"""Return the text with every character that hides, moves or commands as a visible escape.

    Escaped are all characters that Unicode calls control (C0, C1, DEL), format (bidirectional,
    zero-width), surrogate, private or unassigned, every separator but the plain space, and a few
    letters that show nothing: ``\x1b``, ``\u{202e}``. The result is one line, and a second pass
    changes nothing.

    A backslash stays a backslash. A name that really contains the four characters ``\x1b``
    therefore looks like one with an escape in it; doubling backslashes would cost idempotence and
    the reader's eye, and whoever needs the exact name has it in the JSON report.

    Args:
        text: anything.
        ascii_only: also escape whatever is not ASCII, for an output that cannot carry it.
    """
    if text.isprintable() and (text.isascii() or not (ascii_only or _INVISIBLE.search(text))):
        return text
    return "".join(_shown(char, ascii_only=ascii_only) for char in text)


def path_segment(text: str) -> str:
    """Return the text as one segment of a relative URI reference; no two texts give the same.

    Never empty, and never a dot segment, not even for a reader that decodes first and splits at
    slashes then. What percent-encoding cannot say is said with a ``=``, which it never leaves
    bare: ``=`` for nothing, ``=..`` for dots, ``=dc80`` for a lone surrogate.
    """
    return "".join(_encoded(part) for part in _PATH_PARTS.findall(text)) or "="


def sarif_text(text: str, limit: int = 0) -> str:
    """Return one line of SARIF message text: printable, without links of its own.

    Args:
        text: anything.
        limit: most characters to return, 0 for any number; what is cut ends in ``...``.
    """
    escaped = _SARIF_SPECIAL.sub(r"\\\g<0>", printable(text))
    if not limit or len(escaped) <= limit:
        return escaped
    cut = escaped[: limit - 3]
    dangling = (len(cut) - len(cut.rstrip("\\"))) % 2
    return cut[: len(cut) - dangling] + "..."


def curl_line(witness: Witness, signer: str = "any account of this cloud") -> str:
    """Return one line that shows the witness and is safe to paste into a shell.

    It is ASCII, has no control character, and the URL stands in single quotes with nothing in it
    that ends them. A request that must be signed, or is none that curl should make, or needs a
    header that cannot be shown so, is returned as a comment that says so. A configuration request
    names a file for its body: only its owner knows what to put there, and it fails harmlessly if
    that file is not there.

    Args:
        witness: the request.
        signer: who has to sign it, if it has to be signed.
    """
    url = _NOT_IN_URL.sub(_percent, witness.url)
    method = re.sub(r"[^A-Z]", "", witness.method.upper()) or "GET"
    if not url.startswith(("https://", "http://")):
        return f"# not a web address: '{url}'"
    headers = {} if witness.headers is UNSET else witness.headers
    lines = [f"{name}: {value}" for name, value in headers.items()]
    shown = "".join(f", with '{printable(line, ascii_only=True)}'" for line in lines)
    if witness.signed:
        return f"# {method} '{url}'{shown}, signed by {printable(signer, ascii_only=True)}"
    if not all(line.isascii() and line.isprintable() for line in lines):
        return f"# {method} '{url}'{shown}"
    options = ["-sS", *_method_options(method, has_query="?" in url)]
    options += [f"-H {shlex.quote(line)}" for line in lines]
    if _DOT_SEGMENT.search(url):
        options.append("--path-as-is")  # curl would walk up the path instead of asking for it
    if "[" in url:
        options.append("--globoff")
    return f"curl {' '.join(options)} '{url}'"


def json_bytes(value: object, *, indent: int = 0) -> bytes:
    r"""Return JSON in UTF-8 that can also be shown in a terminal without harm.

    Strings stay exact; characters that ``printable`` would escape are written as ``\uXXXX``. A
    lone surrogate, which most parsers refuse, becomes the six characters of its escape.

    Args:
        value: plain types and Structs.
        indent: spaces per level; 0 for one line.
    """
    try:
        raw = msgspec.json.encode(value)
    except UnicodeEncodeError:
        raw = msgspec.json.encode(_without_surrogates(msgspec.to_builtins(value)))
    if indent:
        raw = msgspec.json.format(raw, indent=indent)
    if raw.isascii() and b"\x7f" not in raw:
        return raw
    # Outside strings JSON is ASCII, so whatever is not lies inside one and may be escaped there.
    return _BEYOND_ASCII.sub(_json_escaped, raw.decode()).encode()


def _shown(char: str, *, ascii_only: bool) -> str:
    if char.isprintable() and (char.isascii() or not (ascii_only or _INVISIBLE.match(char))):
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < _BYTE else f"\\u{{{code:x}}}"


def _encoded(part: str) -> str:
    if part in (".", ".."):
        return f"={part}"
    pieces = _SURROGATES.split(part)
    return "".join(f"={ord(p):x}" if _SURROGATES.match(p) else quote(p, safe="") for p in pieces)


def _percent(match: re.Match[str]) -> str:
    return quote(match[0], safe="", errors="backslashreplace")


def _method_options(method: str, *, has_query: bool) -> tuple[str, ...]:
    if method == "GET":
        return ()
    if method == "HEAD":
        return ("-I",)
    if method in ("PUT", "POST"):
        body = "@request-body" if has_query else "'written by the witness of a scan'"
        return ("-X", method, "--data-binary", body)
    return ("-X", method)


def _json_escaped(match: re.Match[str]) -> str:
    run = match[0]
    if run.isprintable() and not _INVISIBLE.search(run):
        return run
    return "".join(
        char if char.isprintable() and not _INVISIBLE.match(char) else _units(ord(char))
        for char in run
    )


def _units(code: int) -> str:
    if code < _BMP:
        return f"\\u{code:04x}"
    high, low = divmod(code - _BMP, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"


def _without_surrogates(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_without_surrogates(k): _without_surrogates(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_without_surrogates(item) for item in value]
    return value

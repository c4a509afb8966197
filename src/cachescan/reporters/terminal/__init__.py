"""The report a person reads: what is open and to whom, then what could not be read, as loudly.

Every text from outside is made printable first and put into a ``Text``, never into markup: rich
passes escape sequences through. Only the sixteen colours of the reader's own theme are used.
"""

from __future__ import annotations

import codecs
import io
import sys
from typing import IO, TYPE_CHECKING, ClassVar

from rich.console import Console

from cachescan.errors import ConfigError
from cachescan.reporters.base import read_options
from cachescan.reporters.terminal import findings, missing, summary
from cachescan.reporters.terminal.page import Page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cachescan.model import Report
    from cachescan.reporters.base import Reporter

_WIDTH_OF_A_FILE, _NARROWEST, _WIDEST = 100, 40, 400


def factory(options: Mapping[str, str]) -> Reporter:
    """Return the terminal reporter; raises ConfigError on an unknown option or value.

    Options:
        verbose: ``true`` shows everything; default ``false``.
        color: ``auto`` (default), ``always``, ``never``. NO_COLOR and FORCE_COLOR count in auto.
        width: columns; by default the terminal's, or 100 where there is none.
        encoding: of the output; by default that of standard output, and UTF-8 in files.
    """
    known = {
        "verbose": ("false", "true"),
        "color": ("auto", "always", "never"),
        "width": ("",),
        "encoding": ("",),
    }
    values = read_options("text", options, known)
    width, encoding = values["width"], values["encoding"]
    if width and not (width.isdecimal() and _NARROWEST <= int(width) <= _WIDEST):
        message = f"width of the text report cannot be {width!r}"
        raise ConfigError(message, hint=f"a number of columns, {_NARROWEST} to {_WIDEST}")
    try:
        codecs.lookup(encoding or "utf-8")
    except LookupError as error:
        message = f"there is no encoding {encoding!r}"
        raise ConfigError(message, hint="for example utf-8, ascii, latin-1") from error
    return TerminalReporter(values)


class TerminalReporter:
    """Writes text for people."""

    name: ClassVar[str] = "text"
    media_type: ClassVar[str] = "text/plain"

    def __init__(self, options: Mapping[str, str]) -> None:
        """Take the value of every option."""
        self._options = options

    def write(self, report: Report, out: IO[bytes]) -> None:
        """Write the report in the output's encoding; raises OSError if the stream does."""
        # Rendered apart from the stream: a text wrapper around it would close it at the end.
        rendered = io.BytesIO()
        encoding = self._options["encoding"] or _encoding(out)
        text = io.TextIOWrapper(rendered, encoding, errors="backslashreplace", write_through=True)
        console = self._console(text, terminal=out.isatty())
        render(report, console, verbose=self._options["verbose"] == "true")
        out.write(rendered.getvalue())

    def _console(self, file: IO[str], *, terminal: bool) -> Console:
        color, width = self._options["color"], self._options["width"]
        return Console(
            file=file,
            width=int(width) if width else None if terminal else _WIDTH_OF_A_FILE,
            force_terminal={"always": True, "never": False}.get(color, terminal or None),
            color_system="standard" if color == "always" else "auto",
            no_color={"always": False, "never": True}.get(color),
            legacy_windows=False,
        )


def render(report: Report, console: Console, *, verbose: bool = False) -> None:
    """Print the report; a console with ``record=True`` can then export it as SVG or HTML.

    Args:
        report: what to print.
        console: where; its width and encoding are respected.
        verbose: nothing is cut short.
    """
    page = Page(console, verbose=verbose)
    summary.head(page, report)
    findings.show(page, report)
    missing.gaps(page, report)
    missing.undecided(page, report)
    missing.suppressions(page, report)
    summary.verdict(page, report)


def _encoding(out: IO[bytes]) -> str:
    """Return standard output's own encoding if this is it, else UTF-8: bytes have none."""
    stdout = sys.stdout
    is_stdout = stdout is not None and getattr(stdout, "buffer", None) is out
    return (stdout.encoding or "utf-8") if is_stdout else "utf-8"

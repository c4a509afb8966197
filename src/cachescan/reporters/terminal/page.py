"""How a line gets onto the page: made safe, wrapped under its own beginning, never as markup."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from cachescan.model import GapReason, Severity, Verdict
from cachescan.textsafe import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

STYLES = {
    Severity.CRITICAL: "bold white on red",
    Severity.HIGH: "bold red",
    Severity.MEDIUM: "bold yellow",
    Severity.LOW: "bold blue",
    Severity.INFORMATIONAL: "bold cyan",
}
GAP_STYLE = "bold black on yellow"
NAMES = 6
"""How many names of a long list are shown unless asked for all."""

_LABEL = 13
_NARROWEST = 16


class Page:
    """Prints on a console; knows its width, what it can encode, and how much is wanted.

    Attributes:
        verbose: nothing is to be cut short.
        dot: what stands between the parts of a line.
    """

    def __init__(self, console: Console, *, verbose: bool) -> None:
        """Take the console."""
        self._console = console
        self._ascii = console.options.ascii_only
        self.verbose = verbose
        self.dot = " - " if self._ascii else " \u00b7 "

    @property
    def width(self) -> int:
        """The number of columns."""
        return self._console.width

    def text(self, text: str, style: str = "") -> Text:
        """Return text from anywhere, made safe for this console."""
        return Text(printable(text, ascii_only=self._ascii), style)

    def line(
        self, *parts: Text | str, indent: int = 0, label: str = "", whole: bool = True
    ) -> None:
        """Print one text of several parts, wrapped under its own beginning.

        Args:
            parts: the parts; strings are made safe.
            indent: columns before it.
            label: what stands in a column of its own before it.
            whole: wrap what is too long; otherwise cut it.
        """
        text = Text.assemble(*(self.text(p) if isinstance(p, str) else p for p in parts))
        before = Text(" " * indent) + Text(f"{label:<{_LABEL}}" if label else "", "dim")
        width = max(self.width - len(before), _NARROWEST)
        if not whole and text.cell_len > width:
            text.truncate(width - 3)
            text.append("...")
        for row in text.wrap(self._console, width, overflow="fold"):
            row.rstrip()
            self._console.print(before + row, soft_wrap=True)
            before = Text(" " * len(before))

    def uncut(self, line: str, *, indent: int, style: str) -> None:
        """Print a line that will be copied: never wrapped, whatever the width."""
        self._console.print(Text(" " * indent) + self.text(line, style), soft_wrap=True)

    def blank(self) -> None:
        """Print an empty line."""
        self._console.print()

    def heading(self, title: str, said: str, style: str) -> None:
        """Print the title of a section, with what it amounts to."""
        self.blank()
        self.line(self.text(f" {title} ", style), self.text(f"  {said}", "bold"))

    def title(self, title: str, name: str) -> None:
        """Print a title, and a name at the right edge if there is room."""
        left, right = self.text(title, "bold"), self.text(name, "dim")
        room = self.width - 2 - left.cell_len - right.cell_len
        if room > 1:
            self.line(left, " " * room, right, indent=2)
        else:
            self.line(left, indent=2)
            self.line(right, indent=4)

    def rest(self, number: int, noun: str, said: str = "", *, indent: int) -> None:
        """Say how many were left out, if any were."""
        if number:
            self.line(self.text(f"and {count(number, noun)}{said}", "dim"), indent=indent)

    def some(self, names: Iterable[str], limit: int = NAMES) -> str:
        """Return a list of names, cut short unless everything is wanted."""
        every = list(names)
        if self.verbose or len(every) <= limit + 1:  # "and 1 more" is longer than most names
            return ", ".join(every)
        return f"{', '.join(every[:limit])} and {len(every) - limit:,} more"


def count(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural unless there is one of it."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def size(number: int) -> str:
    """Return a number of bytes for people."""
    value, unit = float(number), "B"
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if value < 1024 or unit == "TiB":  # noqa: PLR2004
            break
        value /= 1024
    return f"{number} B" if unit == "B" else f"{value:,.1f} {unit}"


def words(value: Verdict | GapReason) -> str:
    """Return a verdict or a reason as words."""
    return "not applicable" if value == Verdict.NOT_APPLICABLE else value.value

"""Progress on standard error, if a person is watching."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from cachescan.textsafe import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from cachescan.model import ResourceRef
    from cachescan.progress import Progress


class _Shown:
    """Shows the count, the rate and the latest resource."""

    def __init__(self, bar: Bar, task: TaskID) -> None:
        self._bar, self._task = bar, task

    def resource(self, ref: ResourceRef) -> None:
        """Advance by one."""
        self._bar.update(self._task, advance=1, description=printable(ref.name)[:40])


@contextmanager
def progress(stderr: IO[str]) -> Iterator[Progress | None]:
    """Yield a progress bar on a terminal, and nothing in a pipe, under cron or in CI."""
    if not stderr.isatty() or os.environ.get("CI"):
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.completed:,.0f} resources"),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False),
    )
    with Progress(*columns, console=Console(file=stderr), transient=True) as bar:
        yield _Shown(bar, bar.add_task("", total=None))

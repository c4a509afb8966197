"""The exception tree and the exit codes: one root, caught once, in ``cli.main``.

CachescanError
├── ConfigError        usage, configuration, rules, suppressions     exit 2
├── SnapshotError      a snapshot that cannot be read or written     exit 2
├── CredentialsError   no usable credentials, or nothing was scanned exit 4
└── OutputError        a report or a sink could not be delivered     exit 5
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """What the process tells its caller; which one wins is ``PRECEDENCE`` (docs/design.md §10)."""

    CLEAN = 0
    FINDINGS = 1
    USAGE = 2
    INCOMPLETE = 3
    NOTHING_SCANNED = 4
    OUTPUT_FAILED = 5
    INTERNAL = 70
    INTERRUPTED = 130
    TERMINATED = 143


PRECEDENCE: tuple[ExitCode, ...] = (
    ExitCode.INTERNAL,
    ExitCode.USAGE,
    ExitCode.NOTHING_SCANNED,
    ExitCode.FINDINGS,
    ExitCode.INCOMPLETE,
    ExitCode.OUTPUT_FAILED,
)
"""Which code is reported when several apply, first match first."""


class CachescanError(Exception):
    """Say what went wrong, in one sentence for the user, and what to do about it.

    Args:
        message: the sentence, without a trailing full stop being required.
        hint: the next thing to try; empty when there is none.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.INTERNAL

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class ConfigError(CachescanError):
    """A usage, configuration, rule or suppression fault that only the user can mend."""

    exit_code = ExitCode.USAGE


class SnapshotError(CachescanError):
    """A snapshot that cannot be read, resumed or written."""

    exit_code = ExitCode.USAGE


class CredentialsError(CachescanError):
    """No credentials, or none that the provider accepts."""

    exit_code = ExitCode.NOTHING_SCANNED


class OutputError(CachescanError):
    """A report that could not be written, or a sink that did not take it."""

    exit_code = ExitCode.OUTPUT_FAILED

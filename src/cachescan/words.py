"""The closed vocabularies: every word that a verdict, a gap or a rule can have."""

from __future__ import annotations

from enum import StrEnum


class GapReason(StrEnum):
    """Why a fact was not read."""

    PERMISSION_DENIED = "permission-denied"
    UNAUTHENTICATED = "unauthenticated"
    THROTTLED = "throttled"
    TIMEOUT = "timeout"
    NOT_FOUND = "not-found"
    UNSUPPORTED = "unsupported"
    TRUNCATED = "truncated"
    MALFORMED = "malformed"
    NOT_COLLECTED = "not-collected"
    ERROR = "error"


class Severity(StrEnum):
    """How bad it is if the finding is true; ordered by ``SEVERITIES``."""

    INFORMATIONAL = "informational"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


SEVERITIES: tuple[Severity, ...] = tuple(Severity)
"""From the least to the most severe."""


class Confidence(StrEnum):
    """How sure the rule is when it says fail."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Persona(StrEnum):
    """Whose appetite a rule serves: everyone, the pedantic, or an auditor with a checklist."""

    REGULAR = "regular"
    PEDANTIC = "pedantic"
    AUDITOR = "auditor"


PERSONAS: tuple[Persona, ...] = tuple(Persona)
"""Each persona also runs the rules of those before it."""


class Verdict(StrEnum):
    """The five answers of a rule about a resource, in XCCDF's words."""

    PASS = "pass"  # noqa: S105 (a verdict, not a password)
    FAIL = "fail"
    UNKNOWN = "unknown"
    ERROR = "error"
    NOT_APPLICABLE = "notapplicable"


class Grade(StrEnum):
    """How far a capability reaches; ``unknown`` means the facts read do not decide."""

    NO = "no"
    RESTRICTED = "restricted"
    YES = "yes"
    UNKNOWN = "unknown"


class Actor(StrEnum):
    """Who asks (docs/semantics.md §0)."""

    ANONYMOUS = "anonymous"
    ANY_ACCOUNT = "any_account"
    OUTSIDER = "outsider"


class Capability(StrEnum):
    """What they can do."""

    READ = "read"
    LIST = "list"
    WRITE = "write"
    TAKEOVER = "takeover"


class Effect(StrEnum):
    """What a piece of evidence does to the verdict it belongs to."""

    GRANTS = "grants"
    BLOCKS = "blocks"
    LIMITS = "limits"
    UNREAD = "unread"
    STATES = "states"

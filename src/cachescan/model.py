"""Every core type, frozen, with its invariants and no other logic.

Read top to bottom it is the straight line: a provider declares ``Kind`` and ``Facet``;
discovering yields ``Discovered``; collecting makes ``Resource``; ``Grant`` and ``Blocker``
become ``Exposure``; listing makes ``Census``; a ``Rule`` turns a resource into a ``Finding``;
a ``Report`` holds what one ``Run`` found, and everything it could not look at.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import UNSET, Struct, UnsetType, field

from cachescan.words import PERSONAS as PERSONAS
from cachescan.words import SEVERITIES as SEVERITIES
from cachescan.words import Actor as Actor
from cachescan.words import Capability as Capability
from cachescan.words import Confidence as Confidence
from cachescan.words import Effect as Effect
from cachescan.words import GapReason as GapReason
from cachescan.words import Grade as Grade
from cachescan.words import Persona as Persona
from cachescan.words import Severity as Severity
from cachescan.words import Verdict as Verdict

Facts = Mapping[str, Any]
"""Facet name to its value in plain JSON types: exactly what a snapshot line decodes to."""


class Gap(Struct, frozen=True, order=True, forbid_unknown_fields=True):
    """A fact that was not read, and why. It travels to the verdict, the report and the exit code.

    Attributes:
        facet: the facet's name; empty when a whole listing is missing.
        reason: why.
        call: the provider's call, ``s3:GetBucketPolicy``.
        detail: what the server said, in its own words; untrusted text.
        permission: what the caller would need, in the provider's words; empty if none helps.
        scope: the account or project, set on gaps that belong to no resource.
    """

    facet: str
    reason: GapReason
    call: str
    detail: str = ""
    permission: str = ""
    scope: str = ""


class Scope(Struct, frozen=True, forbid_unknown_fields=True):
    """One account, project or subscription to look into."""

    provider: str
    id: str
    name: str = ""
    uid: str = ""


class ResourceRef(Struct, frozen=True, forbid_unknown_fields=True):
    """Names one resource; ``uid`` is the provider's own identifier in canonical case."""

    provider: str
    kind: str
    uid: str
    name: str
    scope: str
    region: str = ""


class Facet(Struct, frozen=True):
    """Declares one readable fact of a kind; demand, permissions, docs and tests come from it.

    Attributes:
        name: the CEL variable and snapshot key.
        call: the provider's API call that reads it.
        permission: what the caller needs for that call.
        also: what it needs beside, where the facet takes several calls.
        schema: the Struct it decodes to; every field has a default, so no rule meets a null.
        neutral: the value that means "the provider says: not set".
        needs: facets of the same resource to be read first; where all of them are neutral this
            one is neutral too and the call is saved.
        shared: one value per scope, read once; each record gets the part that concerns it.
        regional: with ``shared``, one value per scope and region.
        blocking: read by a plain SDK call, so the engine runs it on a worker thread.
        listed: handed over by the listing call, never read on its own.
    """

    name: str
    call: str
    permission: str
    schema: type[Struct]
    neutral: Struct
    needs: tuple[str, ...] = ()
    shared: bool = False
    regional: bool = False
    blocking: bool = False
    listed: bool = False
    also: tuple[str, ...] = ()


class Kind(Struct, frozen=True):
    """Declares one kind of resource: its facet table and the call that lists it.

    Attributes:
        name: ``aws/bucket``.
        title: the noun used in reports.
        call: the call that lists resources of this kind; empty if the scope itself is one.
        permission: what that call needs.
        facets: the facet table.
        exposure: names of the facets that ``Provider.grants`` reads.
        objects_call: the call that lists what lies inside; empty if nothing does.
        objects_permission: what that call needs.
        region: facet and field that tell the region where the listing did not.
    """

    name: str
    title: str
    call: str
    permission: str
    facets: tuple[Facet, ...]
    exposure: tuple[str, ...] = ()
    objects_call: str = ""
    objects_permission: str = ""
    region: tuple[str, str] | None = None

    def facet(self, name: str) -> Facet:
        """Return the facet of that name; raises KeyError if the kind has none."""
        for facet in self.facets:
            if facet.name == name:
                return facet
        raise KeyError(name)


class Discovered(Struct, frozen=True):
    """A resource as its listing shows it, with the facets that the listing already gave."""

    ref: ResourceRef
    facets: Mapping[str, Struct] = field(default_factory=dict)


class Hit(Struct, frozen=True, forbid_unknown_fields=True):
    """One object whose name says that it matters.

    Attributes:
        key: the object's name, untrusted text.
        size: bytes.
        categories: taxonomy words such as ``draft``, the heaviest first.
        why: the tokens that decided, for the reader to argue with.
    """

    key: str
    size: int
    categories: tuple[str, ...]
    why: tuple[str, ...] = ()


class Census(Struct, frozen=True, forbid_unknown_fields=True):
    """What lies in a resource, as far as it was listed. "No hit" is said only of that.

    Attributes:
        listed: objects seen.
        bytes: their total size.
        complete: whether the listing reached its end.
        counts: category to number of hits among the objects seen.
        hits: a bounded choice of hits, the most sensitive first.
        example: the first key listed, for a witness that really answers; empty if none.
        gaps: what the budget or the server cut off.
    """

    listed: int = 0
    bytes: int = 0
    complete: bool = True
    counts: dict[str, int] = field(default_factory=dict)
    hits: tuple[Hit, ...] = ()
    example: str = ""
    gaps: tuple[Gap, ...] = ()


class Resource(Struct, frozen=True, tag_field="type", tag="resource", forbid_unknown_fields=True):
    """One record of the snapshot: self-contained, so rules need it and nothing else.

    Each demanded facet is in ``facets`` or in ``gaps``, never in both and never in neither.
    """

    ref: ResourceRef
    facets: dict[str, Any]
    gaps: tuple[Gap, ...] = ()
    collected_at: str = ""
    census: Census | None = None


class Evidence(Struct, frozen=True, order=True):
    """Points at one fact of the snapshot: an RFC 6901 pointer into a facet, and what it does."""

    facet: str
    pointer: str
    effect: Effect
    summary: str


class Witness(Struct, frozen=True, rename={"origin": "from"}):
    """A concrete request that succeeds if the verdict is right.

    ``origin`` ("from" in JSON) is where it must be sent from; ``anywhere`` if that is free.
    ``headers`` are those that it needs beside the usual ones; JSON has none where it needs none.
    """

    method: str
    url: str
    signed: bool = False
    origin: str = "anywhere"
    headers: dict[str, str] | UnsetType = UNSET

    def __hash__(self) -> int:
        return hash((self.method, self.url, self.signed, self.origin))


class Blocker(Struct, frozen=True):
    """Something that may stop a grant.

    Attributes:
        state: True if it is on, False if off, None if that was not read.
        evidence: the fact that says so.
        leaves: the most that can still get through when it is on.
        gap: the missing fact, when ``state`` is None.
    """

    state: bool | None
    evidence: Evidence
    leaves: Grade = Grade.NO
    gap: Gap | None = None


class Grant(Struct, frozen=True):
    """One statement that lets an actor do something, before anything blocks it.

    Attributes:
        actor: who.
        capability: what.
        via: the mechanism, ``bucket-policy`` or ``bucket-acl``.
        low: what is certain; high: what is possible. Equal when the grant itself is decided.
        evidence: the statement or grant.
        principal: the named outsider, in the provider's words; empty for the others.
        witness: the request to try.
        blockers: everything that could stop it.
        gaps: the missing facts when low and high differ.
    """

    actor: Actor
    capability: Capability
    via: str
    low: Grade
    high: Grade
    evidence: tuple[Evidence, ...]
    principal: str = ""
    witness: Witness | None = None
    blockers: tuple[Blocker, ...] = ()
    gaps: tuple[Gap, ...] = ()


class Path(Struct, frozen=True):
    """One way in: who, what, how far, through what, and the request that shows it."""

    actor: Actor
    capability: Capability
    grade: Grade
    via: str
    evidence: tuple[Evidence, ...]
    witness: Witness | None = None
    principal: str = ""


class Bounds(Struct, frozen=True):
    """The interval in which the true grade lies, and the gaps that keep it open."""

    low: Grade
    high: Grade
    open_because: tuple[Gap, ...] = ()

    @property
    def grade(self) -> Grade:
        """The grade if the interval is a point, else ``unknown``."""
        return self.low if self.low == self.high else Grade.UNKNOWN


class Exposure(Struct, frozen=True):
    """Who outside can do what, computed once per resource from its record (docs/design.md §4)."""

    cells: dict[Capability, dict[Actor, Bounds]]
    paths: tuple[Path, ...] = ()
    blocked: tuple[Path, ...] = ()
    outsiders: tuple[str, ...] = ()


class Fix(Struct, frozen=True, forbid_unknown_fields=True):
    """How to mend it: in prose, as a command, as Terraform."""

    text: str
    cli: str = ""
    terraform: str = ""


class Rule(Struct, frozen=True, forbid_unknown_fields=True):
    """One rule file (docs/design.md §6); ``fail`` and ``when`` are CEL over facets of ``kind``."""

    id: str
    title: str
    kind: str
    severity: Severity
    fail: str
    message: str
    what: str
    why: str
    fix: Fix
    status: dict[str, str]
    confidence: Confidence = Confidence.HIGH
    persona: Persona = Persona.REGULAR
    when: str = "true"
    identity: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    frameworks: dict[str, tuple[str, ...]] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()


class Suppression(Struct, frozen=True, forbid_unknown_fields=True):
    """An accepted finding: which, why, by whom, until when.

    ``resource`` is an anchored glob over the resource's name or uid.
    """

    rule: str
    resource: str
    reason: str
    expires: str
    owner: str = ""


class Finding(Struct, frozen=True):
    """What one rule says of one resource. A fail has evidence, an unknown has a gap.

    ``paths`` are the ways in that the finding is about, their witnesses aimed at its hits;
    ``evidence`` holds theirs too, so that it alone tells why.
    """

    fingerprint: str
    evidence_hash: str
    rule: str
    ref: ResourceRef
    verdict: Verdict
    severity: Severity
    message: str
    evidence: tuple[Evidence, ...] = ()
    gaps: tuple[Gap, ...] = ()
    paths: tuple[Path, ...] = ()
    witness: Witness | None = None
    hits: tuple[Hit, ...] = ()
    suppression: Suppression | None = None


class Coverage(Struct, frozen=True):
    """The denominators: how much was asked, how much was answered."""

    resources: int = 0
    facets_read: int = 0
    facets_missing: int = 0
    objects_listed: int = 0
    counts: dict[Verdict, int] = field(default_factory=dict)

    @property
    def pairs(self) -> int:
        """The number of (rule, resource) pairs that were judged."""
        return sum(self.counts.values())


class Run(Struct, frozen=True):
    """Identifies what was judged with which rules; equal inputs give an equal run."""

    id: str
    tool_version: str
    rules_digest: str
    snapshot_digest: str
    scopes: tuple[Scope, ...]
    gaps: tuple[Gap, ...]
    coverage: Coverage
    now: str
    accepted_gaps: tuple[str, ...] = ()
    rules: int = 0


class Judged(Struct, frozen=True):
    """One resource in the report: its exposure, its census and how its rules came out."""

    ref: ResourceRef
    exposure: Exposure | None
    census: Census | None
    gaps: tuple[Gap, ...]
    counts: dict[Verdict, int]


class Report(Struct, frozen=True):
    """All that one run found, sorted, ready for any reporter.

    Attributes:
        run: identity, coverage and run-level gaps.
        findings: fail, unknown and error, sorted by fingerprint; suppressed ones included.
        resources: every resource judged, sorted by uid.
        rules: the rules that ran, sorted by id.
        missing_permissions: permission to the number of facts it would have given.
        suppressions_expired: suppressions past their date.
        suppressions_unused: suppressions that matched nothing.
        reasons: every reason for a non-zero exit, in words.
        exit_code: what the process will return for this report.
    """

    run: Run
    findings: tuple[Finding, ...]
    resources: tuple[Judged, ...]
    rules: tuple[Rule, ...]
    missing_permissions: dict[str, int] = field(default_factory=dict)
    suppressions_expired: tuple[Suppression, ...] = ()
    suppressions_unused: tuple[Suppression, ...] = ()
    reasons: tuple[str, ...] = ()
    exit_code: int = 0

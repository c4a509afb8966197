"""What the consumers of SARIF want differently."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from cachescan.textsafe import path_segment, printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cachescan.reporters.sarif.parts import Part

_AZDO = "azuredevops/pipeline/build"
_AZDO_VARIABLES = {
    "buildDefinitionId": ("SYSTEM_DEFINITIONID", "-1"),
    "buildDefinitionName": ("BUILD_DEFINITIONNAME", "-1"),
    "phaseId": ("SYSTEM_PHASEID", "89bc47c0-9539-598c-bf2b-c39130215e6e"),
    "phaseName": ("SYSTEM_PHASENAME", "-1"),
}
"""Property, the pipeline's variable, and what stands for no pipeline: a phase must be a GUID."""


class Profile(Struct, frozen=True):
    """One consumer's taste.

    Attributes:
        cap: most results in a run; 0 for any number.
        everything: also suppressed findings, unknown verdicts, evidence and properties.
        azure: identify runs the way Azure DevOps asks for.
    """

    cap: int = 0
    everything: bool = False
    azure: bool = False

    def automation(self, part: Part, run: str, environment: Mapping[str, str]) -> dict[str, Any]:
        """Return ``automationDetails``: what is before the last slash is the run's category."""
        scope = [path_segment(name) for name in (part.provider, part.scope) if name] or ["all"]
        if not self.azure:
            return {"id": "/".join(("cachescan", *scope, path_segment(run)))}
        inside = environment.get("TF_BUILD", "").lower() == "true"
        known = {
            name: printable((environment.get(variable) if inside else None) or nothing)
            for name, (variable, nothing) in _AZDO_VARIABLES.items()
        }
        place = [path_segment(known["buildDefinitionId"]), path_segment(known["phaseId"])]
        return {
            "id": "/".join((_AZDO, *place, "cachescan", *scope, path_segment(run))),
            "properties": {f"{_AZDO}/{name}": value for name, value in known.items()},
        }


PROFILES: dict[str, Profile] = {
    # GitHub accepts 25,000 results in a run and keeps 5,000: better that we choose which.
    "github": Profile(cap=5_000),
    "azdo": Profile(cap=5_000, azure=True),
    "full": Profile(everything=True),
}
"""By name; the first is the default."""

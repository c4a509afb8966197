"""What a user can say about an AWS scan, checked before anything is asked of AWS."""

from __future__ import annotations

import difflib
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from cachescan.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

_WILDCARDS = "*?["


class Settings(Struct, frozen=True):
    """The provider's settings; empty means the AWS SDK's own default.

    Attributes:
        profile: profile of the shared AWS configuration.
        region: region of the first calls; every region is scanned.
        role_arn: role to assume before anything else.
        external_id: external id for every role that is assumed.
        session_name: session name for every role that is assumed.
        org_role: name of the role to assume in every active account of the organization.
        endpoint_url: endpoint of every service in place of AWS's own.
        buckets: names or globs of the buckets to scan; all if empty.
        exclude: names or globs of the buckets to leave out.
    """

    profile: str = ""
    region: str = ""
    role_arn: str = ""
    external_id: str = ""
    session_name: str = "cachescan"
    org_role: str = ""
    endpoint_url: str = ""
    buckets: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def wants(self, bucket: str) -> bool:
        """Tell whether a bucket of that name is to be scanned."""
        chosen = not self.buckets or any(fnmatchcase(bucket, glob) for glob in self.buckets)
        return chosen and not any(fnmatchcase(bucket, glob) for glob in self.exclude)

    @property
    def names(self) -> tuple[str, ...]:
        """The buckets to scan if every one is named in full, so that no listing is needed."""
        if any(mark in entry for entry in self.buckets for mark in _WILDCARDS):
            return ()
        return tuple(name for name in dict.fromkeys(self.buckets) if self.wants(name))


def load(config: Mapping[str, object]) -> Settings:
    """Return the settings; raises ConfigError for an unknown key or a wrong value. No I/O."""
    for key in config:
        if key not in Settings.__struct_fields__:
            near = difflib.get_close_matches(key, Settings.__struct_fields__, n=1)
            known = ", ".join(Settings.__struct_fields__)
            raise ConfigError(
                f"the aws provider has no setting {key!r}",
                hint=f"did you mean {near[0]!r}?" if near else f"there are: {known}",
            )
    given = {
        key: (value,) if key in {"buckets", "exclude"} and isinstance(value, str) else value
        for key, value in config.items()
        if value is not None
    }
    try:
        settings = msgspec.convert(given, Settings)
    except msgspec.ValidationError as error:
        raise ConfigError(f"aws settings: {error}") from error
    _check(settings)
    return settings


def _check(settings: Settings) -> None:
    url = settings.endpoint_url
    if url and not (urlsplit(url).scheme in {"http", "https"} and urlsplit(url).hostname):
        raise ConfigError(
            f"endpoint_url {url!r} is not an http or https URL",
            hint="for example http://127.0.0.1:9000",
        )
    if settings.external_id and not (settings.role_arn or settings.org_role):
        raise ConfigError("external_id is for a role", hint="give role_arn or org_role too")

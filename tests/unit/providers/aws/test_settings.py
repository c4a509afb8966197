"""Settings are checked before AWS is asked anything, and name what is wrong."""

from __future__ import annotations

import subprocess
import sys

import pytest

from cachescan.errors import ConfigError
from cachescan.providers.aws import factory
from cachescan.providers.aws.settings import load


@pytest.mark.parametrize(
    ("config", "said", "hint"),
    [
        ({"profil": "x"}, "no setting 'profil'", "did you mean 'profile'?"),
        ({"zzz": 1}, "no setting 'zzz'", "there are: profile, region"),
        ({"region": 1}, "Expected `str`, got `int` - at `$.region`", ""),
        ({"buckets": [1]}, "Expected `str`, got `int`", ""),
        ({"endpoint_url": "127.0.0.1:9000"}, "not an http or https URL", "127.0.0.1"),
        ({"endpoint_url": "ftp://example.com"}, "not an http or https URL", ""),
        ({"external_id": "x"}, "for a role", "role_arn or org_role"),
    ],
)
def test_a_wrong_setting_is_refused(config: dict[str, object], said: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        factory(config)

    assert said in str(caught.value)
    assert hint in caught.value.hint


def test_what_is_not_given_is_left_to_the_sdk() -> None:
    assert load({"profile": None, "buckets": "one"}) == load({"buckets": ["one"]})


@pytest.mark.parametrize(
    ("buckets", "exclude", "wanted"),
    [
        ([], [], {"cms-a", "cms-b", "logs"}),
        (["cms-*"], [], {"cms-a", "cms-b"}),
        (["cms-*", "logs"], ["*-b"], {"cms-a", "logs"}),
        (["CMS-*"], [], set()),
        ([], ["*"], set()),
    ],
)
def test_buckets_are_chosen_by_name_or_glob(
    buckets: list[str], exclude: list[str], wanted: set[str]
) -> None:
    settings = load({"buckets": buckets, "exclude": exclude})

    assert {name for name in ("cms-a", "cms-b", "logs") if settings.wants(name)} == wanted


@pytest.mark.parametrize(
    ("buckets", "names"),
    [(["a", "b", "a", "x"], ("a", "b")), (["a", "b*"], ()), (["a?"], ()), ([], ())],
)
def test_buckets_named_in_full_need_no_listing(buckets: list[str], names: tuple[str, ...]) -> None:
    assert load({"buckets": buckets, "exclude": ["x*"]}).names == names


def test_the_factory_loads_neither_sdk_nor_http_client() -> None:
    code = (
        "import sys; from cachescan.providers.aws import factory; p = factory({}); p.permissions();"
        "print(sorted({'boto3', 'botocore', 'aiohttp'} & set(sys.modules)))"
    )

    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert out.stdout.strip() == "[]"

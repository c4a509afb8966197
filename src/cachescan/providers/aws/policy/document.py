"""A policy document to its regular form: scalar-or-list always a list, nothing dropped.

Source: IAM user guide, "Grammar of the IAM JSON policy language"; docs/semantics.md §1.2, §1.3.
"""

from __future__ import annotations

import json
from typing import Any

from cachescan.providers.aws.schemas import Policy, PolicyStatement

_KNOWN = frozenset(PolicyStatement.__struct_fields__) - {"Other"}


class PolicyError(ValueError):
    """The document is not a policy; the text says where it stops being one."""


def parse(text: str) -> Policy:
    """Return the policy in its regular form; raises PolicyError.

    Element names are compared as IAM does for the grammar's own words, exactly. A duplicate key
    is refused: two readers of such a document need not agree on what it says.
    """
    try:
        document = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)
        json.dumps(document, ensure_ascii=False).encode()  # half a surrogate pair has no bytes
    except (ValueError, RecursionError) as error:
        message = f"not JSON: {error}"
        raise PolicyError(message) from error
    if not isinstance(document, dict):
        message = f"a policy is an object, not {_kind(document)}"
        raise PolicyError(message)
    if "Statement" not in document:  # some other JSON, not a policy that allows nothing
        message = "there is no Statement"
        raise PolicyError(message)
    statements = document["Statement"]
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list):
        message = f"Statement is {_kind(statements)}"
        raise PolicyError(message)
    return Policy(
        Version=_text(document.get("Version", "2008-10-17"), "Version"),
        Id=_text(document.get("Id", ""), "Id"),
        Statement=[_statement(index, value) for index, value in enumerate(statements)],
    )


def _refuse(constant: str) -> None:
    raise PolicyError(f"{constant} is no value of JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        message = f"the key {twice!r} occurs twice"
        raise PolicyError(message)
    return found


def _statement(index: int, value: Any) -> PolicyStatement:  # noqa: ANN401 (JSON)
    where = f"Statement {index}"
    if not isinstance(value, dict):
        message = f"{where} is {_kind(value)}"
        raise PolicyError(message)
    return PolicyStatement(
        Sid=_text(value.get("Sid", ""), f"{where}, Sid"),
        Effect=_text(value.get("Effect", ""), f"{where}, Effect"),
        Condition=_condition(value.get("Condition", {}), where),
        Other=sorted(set(value) - _KNOWN),
        Principal=_principals(value, "Principal", where),
        NotPrincipal=_principals(value, "NotPrincipal", where),
        Action=_strings(value.get("Action", []), f"{where}, Action"),
        NotAction=_strings(value.get("NotAction", []), f"{where}, NotAction"),
        Resource=_strings(value.get("Resource", []), f"{where}, Resource"),
        NotResource=_strings(value.get("NotResource", []), f"{where}, NotResource"),
    )


def _principals(statement: dict[str, Any], name: str, where: str) -> dict[str, list[str]]:
    value, where = statement.get(name, {}), f"{where}, {name}"
    if value == "*":
        # Equal for everybody who is not of the account (docs/semantics.md §1.2).
        return {"AWS": ["*"]}
    if not isinstance(value, dict):
        message = f"{where} is {_kind(value)}"
        raise PolicyError(message)
    return {kind: _strings(names, f"{where}.{kind}") for kind, names in value.items()}


def _condition(value: Any, where: str) -> dict[str, dict[str, list[str]]]:  # noqa: ANN401
    if not isinstance(value, dict):
        message = f"{where}, Condition is {_kind(value)}"
        raise PolicyError(message)
    found: dict[str, dict[str, list[str]]] = {}
    for operator, keys in value.items():
        if not isinstance(keys, dict):
            message = f"{where}, Condition.{operator} is {_kind(keys)}"
            raise PolicyError(message)
        row: dict[str, list[str]] = {}
        for key, values in keys.items():
            if key.lower() in row:
                message = f"{where}, Condition.{operator} names {key!r} twice"
                raise PolicyError(message)
            row[key.lower()] = _strings(values, f"{where}, Condition.{operator}.{key}")
        found[operator] = row
    return found


def _strings(value: Any, where: str) -> list[str]:  # noqa: ANN401
    items = value if isinstance(value, list) else [value]
    return [_text(item, where) for item in items]


def _text(value: Any, where: str) -> str:  # noqa: ANN401
    if isinstance(value, bool):
        return str(value).lower()  # IAM reads true and "true" alike
    if isinstance(value, str | int | float):
        return str(value)
    message = f"{where} holds {_kind(value)}"
    raise PolicyError(message)


def _kind(value: object) -> str:
    """Name a JSON type as JSON does."""
    names = {dict: "an object", list: "a list", str: "a string", type(None): "null"}
    return names.get(type(value), "a number or a boolean")

"""What a policy lets through, asked of an SMT solver instead of our evaluator.

A request is a set of symbols: strings for names and headers, bit vectors for addresses, booleans
for what is there and what is not. A statement is a formula over them, written from the
documentation and without the engine's operators, patterns or cells (docs/semantics.md §1.2, §1.3).
Left out are policy variables, services acting for somebody, access points and unread facts.
"""

from __future__ import annotations

import ipaddress
import re
from datetime import datetime
from typing import TYPE_CHECKING

import z3
from tests.support.policies import ACCOUNT, BUCKET, NOW

from cachescan.model import Grade

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cachescan.providers.aws.policy.ir import Condition, Statement

ANONYMOUS, STRANGER, SIGNED = "anonymous", "stranger", "signed"
"""Who asks: nobody, an account that the policy does not name, any account but the owner's."""

_LISTS = {"s3:ListBucket", "s3:ListBucketVersions"}
_TAGS = {"s3:PutObject", "s3:PutObjectTagging", "s3:PutObjectVersionTagging"}
_CARRIED = {
    "s3:prefix": _LISTS,
    "s3:max-keys": _LISTS,
    "s3:x-amz-acl": {
        *("s3:PutObject", "s3:PutObjectAcl", "s3:PutObjectVersionAcl", "s3:PutBucketAcl")
    },
    "s3:x-amz-server-side-encryption": {"s3:PutObject", "s3:ReplicateObject"},
    "aws:tagkeys": _TAGS,
}
_HEADERS = ("aws:referer", "aws:useragent", *(k for k in _CARRIED if k != "s3:max-keys"))
_SIGNED_ONLY = ("aws:principaltag/t", "aws:principaltag/u")
_MOST_VALUES = 4
_STEPS = 300_000
_COMPARE = {
    "Equals": lambda a, b: a == b,
    "LessThan": lambda a, b: a < b,
    "LessThanEquals": lambda a, b: a <= b,
    "GreaterThan": lambda a, b: a > b,
    "GreaterThanEquals": lambda a, b: a >= b,
}


class UndecidedError(Exception):
    """The solver gave up within its steps."""


def grade(policy: Sequence[Statement], actor: str, actions: Iterable[str]) -> Grade:
    """Return the best grade that an actor has for any of some actions; raises UndecidedError."""
    best = Grade.NO
    seen = set()
    for action in actions:
        about = [s for s in policy if _covers(s, action)]
        same = (*(s.index for s in about), _on_objects(action))
        same = (*same, *(k for k, names in _CARRIED.items() if action in names))
        if same in seen or not any(s.allow for s in about):
            continue
        seen.add(same)
        best = max(best, _asked(about, actor, action), key=list(Grade).index)
    return best


def _asked(policy: Sequence[Statement], actor: str, action: str) -> Grade:
    request = _Request(policy, actor, action)
    solver = z3.SimpleSolver()
    solver.set("rlimit", _STEPS)
    solver.set("random_seed", 1)
    solver.add(*request.rules)
    allows = [request.meets(s) for s in policy if s.allow]
    denies = [request.meets(s) for s in policy if not s.allow]
    solver.add(z3.Or(allows), z3.Not(z3.Or(denies)))
    if not _sat(solver):
        return Grade.NO
    solver.add(request.from_anywhere())
    return Grade.YES if _sat(solver) else Grade.RESTRICTED


def _sat(solver: z3.Solver) -> bool:
    answer = solver.check()
    if answer == z3.unknown:
        raise UndecidedError(solver.reason_unknown())
    return bool(answer == z3.sat)


def _covers(statement: Statement, action: str) -> bool:
    found = any(_matcher(p).fullmatch(action.lower()) for p in statement.actions)
    return found != statement.but_actions


def _matcher(pattern: tuple[str, ...]) -> re.Pattern[str]:
    words = {"one": ".", "many": ".*"}
    return re.compile("".join(words.get(token) or re.escape(token) for token in pattern))


def _on_objects(action: str) -> bool:
    return "Object" in action or "Multipart" in action or action == "s3:ReplicateDelete"


class _Request:
    """The symbols of one request, and the rules that tie them together."""

    def __init__(self, policy: Sequence[Statement], actor: str, action: str) -> None:
        self.policy = policy
        self.actor = actor
        self.action = action
        self.keys = {c.key for s in policy for c in s.conditions}
        self.rules: list[z3.BoolRef] = []
        self.there: dict[str, z3.BoolRef] = {key: z3.Bool(f"has {key}") for key in self.keys}
        self.text: dict[str, z3.SeqRef] = {key: z3.String(key) for key in self.keys}
        self.members = [z3.String(f"member {i}") for i in range(_MOST_VALUES)]
        self.member_there = [z3.Bool(f"has member {i}") for i in range(_MOST_VALUES)]
        self.arn = z3.String("arn")
        self.account = z3.String("account")
        self.v6 = z3.Bool("v6")
        self.address = {4: z3.BitVec("v4", 32), 6: z3.BitVec("v6 address", 128)}
        self.max_keys = z3.Real("max keys")
        self.tls = z3.Real("tls")
        self.endpoint = z3.Bool("through an endpoint")
        self.secure = z3.Bool("secure")
        name = z3.String("name of the object")
        self.resource = z3.StringVal(BUCKET)
        if _on_objects(action):
            self.rules.append(z3.Length(name) > 0)
            self.resource = z3.Concat(z3.StringVal(f"{BUCKET}/"), name)
        self._carry()
        self._come_from()
        (self._unsigned if actor == ANONYMOUS else self._sign)()

    def _set(self, key: str, value: str | z3.SeqRef | None) -> None:
        """Fix a key; None means that it is not there."""
        if key not in self.keys:
            return
        if value is None:
            self.rules.append(z3.Not(self.there[key]))
        else:
            self.rules += [self.there[key], self.text[key] == value]

    def _carry(self) -> None:
        """Say which headers the action has; those sent are not empty."""
        for key, actions in _CARRIED.items():
            if self.action not in actions:
                self._set(key, None)
        for key in self.keys & set(_HEADERS):
            self.rules.append(z3.Length(self.text[key]) > 0)
        if "s3:max-keys" in self.keys:
            self.rules.append(self.max_keys >= 0)
        if "aws:tagkeys" in self.keys:
            some = z3.Or(self.member_there)
            self.rules.append(self.there["aws:tagkeys"] == some)
            self.rules += [z3.Length(member) > 0 for member in self.members]
        self._set("aws:resourceaccount", ACCOUNT)
        self._set("aws:requestedregion", "eu-west-1")
        self._set("aws:currenttime", NOW)

    def _come_from(self) -> None:
        """Through an endpoint there is no address of the internet, and elsewhere no endpoint."""
        for key in self.keys & {"aws:sourceip"}:
            self.rules.append(self.there[key] == z3.Not(self.endpoint))
        for key in self.keys & {"aws:sourcevpce", "aws:sourcevpc"}:
            word = key.removeprefix("aws:source")
            self.rules.append(self.there[key] == self.endpoint)
            self.rules.append(z3.InRe(self.text[key], _word(f"{word}-", _ID)))
        for key in self.keys & {"aws:securetransport"}:
            self.rules.append(self.there[key])
            self.rules.append(self.text[key] == z3.If(self.secure, _text("true"), _text("false")))
        for key in self.keys & {"s3:tlsversion"}:
            self.rules.append(self.there[key] == self.secure)
        self.rules.append(z3.Or(self.tls == z3.RealVal("1.2"), self.tls == z3.RealVal("1.3")))

    def _unsigned(self) -> None:
        """Leave out, of an unsigned request, the keys that describe a principal."""
        for key in self.keys:
            if key.startswith(("aws:principal", "aws:username")):
                known = {"aws:principalaccount": "anonymous", "aws:principaltype": "Anonymous"}
                self._set(key, known.get(key))
        self._set("aws:userid", "anonymous")
        self._set("aws:multifactorauthpresent", None)

    def _sign(self) -> None:
        """Be a user, a role or the root of an account that is not the owner's."""
        kind = z3.Int("kind")
        name = z3.String("name of the user")
        head = z3.Concat(_text("arn:aws:iam::"), self.account, _text(":"))
        path = z3.Option(z3.Concat(z3.Star(z3.Union(_IAM, z3.Re("/"))), z3.Re("/")))
        place = z3.String("path of the user")
        forms = [
            z3.And(kind == 0, self.arn == z3.Concat(head, _text("user/"), place, name)),
            z3.And(kind == 1, self.arn == z3.Concat(head, _text("role/"), place, name)),
            z3.And(kind == 2, self.arn == z3.Concat(head, _text("root"))),
        ]
        self.rules += [
            z3.Or(forms),
            z3.InRe(self.account, z3.Loop(z3.Range("0", "9"), 12, 12)),
            z3.InRe(name, z3.Plus(_IAM)),
            z3.InRe(place, path),
            self.account != _text(ACCOUNT),
        ]
        self._set("aws:principalarn", self.arn)
        self._set("aws:principalaccount", self.account)
        types = z3.If(kind == 0, _text("User"), _text("AssumedRole"))
        self._set("aws:principaltype", z3.If(kind == 2, _text("Account"), types))
        self._set("aws:principalisawsservice", "false")
        if "aws:userid" in self.keys:
            user = _word("AIDA", z3.Union(z3.Range("A", "Z"), z3.Range("0", "9")))
            role = _word("AROA", z3.Union(z3.Range("A", "Z"), z3.Range("0", "9")))
            session = z3.Concat(role, z3.Re(":"), z3.Plus(_IAM))
            text = self.text["aws:userid"]
            self.rules.append(self.there["aws:userid"])
            self.rules.append(z3.If(kind == 0, z3.InRe(text, user), z3.InRe(text, session)))
            self.rules.append(z3.Implies(kind == 2, text == self.account))
        if "aws:username" in self.keys:
            self.rules.append(self.there["aws:username"] == (kind == 0))
            self.rules.append(self.text["aws:username"] == name)
        for key in self.keys & set(_SIGNED_ONLY):
            self.rules.append(z3.Length(self.text[key]) > 0)
        self._join_organization()
        if self.actor == STRANGER:
            self._be_nobody_in_particular()

    def _join_organization(self) -> None:
        org, path = "aws:principalorgid", "aws:principalorgpaths"
        member, name, rest = z3.Bool("in an organization"), z3.String("org"), z3.String("path")
        self.rules.append(z3.InRe(name, _word("o-", _ID)))
        below = z3.Concat(_word("r-", _ID), z3.Star(z3.Union(_IAM, z3.Re("/"))), z3.Re("/"))
        self.rules.append(z3.InRe(rest, below))
        for key, value in ((org, name), (path, z3.Concat(name, _text("/"), rest))):
            if key in self.keys:
                self.rules += [self.there[key] == member, self.text[key] == value]
        self.organization = name

    def _be_nobody_in_particular(self) -> None:
        """Not an account or an organization that the policy spells out."""
        texts = [p.value for s in self.policy for p in s.principals]
        texts += [v.raw for s in self.policy for c in s.conditions for v in c.values]
        accounts = {a for t in texts for a in re.findall(r"(?<!\d)\d{12}(?!\d)", t)}
        organizations = {o for t in texts for o in re.findall(r"o-[a-z0-9]+", t)}
        self.rules += [self.account != _text(a) for a in sorted(accounts)]
        self.rules += [self.organization != _text(o) for o in sorted(organizations)]

    def from_anywhere(self) -> z3.BoolRef:
        """Say that the request comes from no network that the policy names."""
        compared = [c for s in self.policy for c in s.conditions if c.operator.family != "null"]
        values = [(c.key, v.raw) for c in compared for v in c.values]
        parsed = [ipaddress.ip_network(raw) for key, raw in values if key == "aws:sourceip"]
        narrow = [n for n in parsed if n.prefixlen >= {4: 8, 6: 32}[n.version]]
        named = [(k, raw) for k, raw in values if k in ("aws:sourcevpce", "aws:sourcevpc")]
        outside = [z3.Not(self._inside(n)) for n in (*narrow, *_PRIVATE)]
        free = [self.text[key] != _text(raw) for key, raw in named]
        return z3.If(self.endpoint, z3.And(free), z3.And(outside))

    def _inside(self, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> z3.BoolRef:
        bits = network.max_prefixlen
        address = self.address[network.version]
        first = z3.BitVecVal(int(network.network_address), bits)
        last = z3.BitVecVal(int(network.broadcast_address), bits)
        here = z3.And(z3.UGE(address, first), z3.ULE(address, last))
        return z3.And(self.v6 == z3.BoolVal(network.version == 6), here)

    def meets(self, statement: Statement) -> z3.BoolRef:
        """Say that a statement applies; its action is known to."""
        found = z3.Or(
            [z3.InRe(self.resource, _like(resource.raw)) for resource in statement.resources]
        )
        return z3.And(
            self._named(statement),
            z3.Not(found) if statement.but_resources else found,
            *(self._holds(condition) for condition in statement.conditions),
        )

    def _named(self, statement: Statement) -> z3.BoolRef:
        everybody = any(p.kind == "everybody" for p in statement.principals)
        accounts = [p.value for p in statement.principals if p.kind == "account"]
        people = [p.value for p in statement.principals if p.kind == "identity"]
        if everybody or self.actor == ANONYMOUS:
            return z3.BoolVal(everybody != statement.but_principals)
        by_account = z3.Or([self.account == _text(a) for a in accounts])
        by_arn = z3.Or([self.arn == _text(a) for a in people])
        if not statement.but_principals:
            return z3.Or(by_account, by_arn)
        if statement.allow:
            return z3.Not(z3.Or(by_account, by_arn))
        root = z3.SuffixOf(_text(":root"), self.arn)
        return z3.Not(z3.And(by_account, z3.Or(root, by_arn)))

    def _holds(self, condition: Condition) -> z3.BoolRef:
        operator, key = condition.operator, condition.key
        there = self.there[key]
        if operator.family == "null":
            wanted = [z3.Not(there) if v.raw.lower() == "true" else there for v in condition.values]
            return z3.Or(wanted)
        if key == "aws:tagkeys":
            return self._of_several(condition)
        test = self._any(condition, self.text[key])
        found = z3.Not(test) if operator.negated else test
        alone = operator.if_exists or operator.quantifier == "all"
        alone = alone or (operator.negated and operator.quantifier != "any")
        return z3.If(there, found, z3.BoolVal(alone))

    def _of_several(self, condition: Condition) -> z3.BoolRef:
        operator = condition.operator
        each = []
        for there, member in zip(self.member_there, self.members, strict=True):
            test = self._any(condition, member)
            test = z3.Not(test) if operator.negated else test
            every = operator.quantifier == "all"
            each.append(z3.Implies(there, test) if every else z3.And(there, test))
        found = z3.And(each) if operator.quantifier == "all" else z3.Or(each)
        alone = z3.And(z3.Not(self.there[condition.key]), z3.BoolVal(operator.if_exists))
        return z3.Or(found, alone)

    def _any(self, condition: Condition, value: z3.SeqRef) -> z3.BoolRef:
        return z3.Or([self._test(condition, value, wanted.raw) for wanted in condition.values])

    def _test(self, condition: Condition, value: z3.SeqRef, wanted: str) -> z3.BoolRef:  # noqa: PLR0911 (one a sort of value)
        base = condition.operator.base
        if base == "StringLike":
            return z3.InRe(value, _like(wanted))
        if base == "StringEqualsIgnoreCase":
            return z3.InRe(value, _any_case(wanted))
        if base in ("ArnLike", "ArnEquals"):
            return z3.InRe(value, _arn_like(wanted))
        if base == "IpAddress":
            return self._inside(ipaddress.ip_network(wanted))
        if base.startswith("Numeric"):
            number = self.max_keys if condition.key == "s3:max-keys" else self.tls
            return _COMPARE[base.removeprefix("Numeric")](number, z3.RealVal(wanted))
        if base.startswith("Date"):
            now, then = datetime.fromisoformat(NOW), datetime.fromisoformat(wanted)
            return z3.BoolVal(_COMPARE[base.removeprefix("Date")](now, then))
        return value == _text(wanted)


_PRIVATE = tuple(
    ipaddress.ip_network(text)
    for text in (
        *("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.168.0.0/16", "224.0.0.0/3", "fc00::/7", "fe80::/10"),
    )
)
_ANY = z3.AllChar(z3.ReSort(z3.StringSort()))
_LETTERS = z3.Union(z3.Range("a", "z"), z3.Range("A", "Z"), z3.Range("0", "9"))
_ID = z3.Union(z3.Range("a", "z"), z3.Range("0", "9"))
_IAM = z3.Union(_LETTERS, *(z3.Re(char) for char in "_+=,.@-"))


def _text(value: str) -> z3.SeqRef:
    return z3.StringVal(value)


def _word(head: str, chars: z3.ReRef) -> z3.ReRef:
    return z3.Concat(z3.Re(head), z3.Plus(chars))


def _like(pattern: str, one: z3.ReRef = _ANY) -> z3.ReRef:
    """Return the language of a pattern with ``*`` and ``?``."""
    wild = {"*": z3.Star(one), "?": one}
    pieces = [wild[p] if p in wild else z3.Re(p) for p in re.split(r"([*?])", pattern)]
    return z3.Concat(z3.Re(""), *pieces)


def _any_case(text: str) -> z3.ReRef:
    pieces = [z3.Re("")]
    pieces += [z3.Union(z3.Re(char.lower()), z3.Re(char.upper())) for char in text]
    return z3.Concat(*pieces) if text else pieces[0]


def _arn_like(pattern: str) -> z3.ReRef:
    """Return the language of an ARN pattern: the first five of its fields stay within colons."""
    no_colon = z3.Diff(_ANY, z3.Re(":"))
    fields = ["*"] * 6 if pattern == "*" else pattern.split(":", 5)
    pieces = [_like(field, no_colon) for field in fields[:5]]
    joined = [part for piece in pieces for part in (piece, z3.Re(":"))]
    return z3.Concat(*joined, _like(fields[5]))

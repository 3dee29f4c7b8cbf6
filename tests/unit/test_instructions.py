"""What senders are told who are told by hand: complete, with no secret too many, ready to paste.

The commands themselves are run against the real controller in ``tests/engine``.
"""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import check_jsonschema
import pytest
import yaml

from fluxhooks.flux.instructions import Instructions, Sender, Step, Told, senders
from fluxhooks.flux.receiver_types import RECEIVER_TYPES, Proof, ReceiverType
from tests.senders_page import page

_URL = f"https://flux.example.com/hook/{'a' * 64}"
_TOKEN = "it's a $t0ken"
_GITHUBS = "https://token.actions.githubusercontent.com"

_EVENTS = {
    ReceiverType.BITBUCKET: ("repo:refs_changed", "repo:push", "pr:merged"),
    ReceiverType.CDEVENTS: ("dev.cdevents.artifact.published.0.2.0",),
    ReceiverType.GITHUB: ("ping", "push", "release"),
    ReceiverType.GITLAB: ("Push Hook", "Tag Push Hook"),
}

_ALL = [
    pytest.param(kind, sender, id=f"{kind}-{sender.name}")
    for kind in ReceiverType
    for sender in senders(kind)
]


def _told(receiver_type: ReceiverType, **changes: Any) -> Told:
    return Told(
        name="app",
        url=_URL,
        token=_TOKEN if RECEIVER_TYPES[receiver_type].secret_keys else "",
        events=_EVENTS.get(receiver_type, ()),
        email="push@acme.iam.gserviceaccount.com",
        audience="flux",
        **{"audiences": {_GITHUBS: "of github", "https://gitlab.example.com": "flux"}, **changes},
    )


def _texts(step: Step) -> str:
    return "\n".join([step.text, *step.fields, *step.fields.values(), step.code])


def _sender(receiver_type: ReceiverType, name: str) -> Sender:
    (found,) = [each for each in senders(receiver_type) if each.name == name]
    return found


@pytest.mark.parametrize("receiver_type", ReceiverType)
def test_every_type_has_a_sender(receiver_type: ReceiverType) -> None:
    """And each of them a name of its own, by which it can be asked for."""
    names = [sender.name for sender in senders(receiver_type)]

    assert names
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("receiver_type", "sender"), _ALL)
def test_a_sender_is_told_the_url_and_what_it_proves_itself_with(
    receiver_type: ReceiverType, sender: Sender
) -> None:
    """The token where it signs or shows it, and nowhere else; in a rotation both again."""
    told = sender.told(_told(receiver_type))
    knows = RECEIVER_TYPES[receiver_type].proof in (Proof.SIGNATURE, Proof.TOKEN)

    first, again = "\n".join(map(_texts, told.steps)), _texts(told.rotated)
    # In JSON and in a shell it is written otherwise.
    shown = "t0ken"
    assert [(True, knows), (True, knows)] == [(_URL in t, shown in t) for t in (first, again)]
    assert not [sentence for sentence in told.mind if _URL in sentence or shown in sentence]
    assert told.documentation.startswith("https://")


@pytest.mark.parametrize(("receiver_type", "sender"), _ALL)
def test_secrets_do_not_stand_in_what_is_committed(
    receiver_type: ReceiverType, sender: Sender
) -> None:
    """A job names the variables that hold them."""
    told = sender.told(_told(receiver_type))

    for step in told.steps:
        if step.language == "yaml" and step.code:
            assert _URL not in step.code
            assert "t0ken'" not in step.code


@pytest.mark.parametrize(("receiver_type", "sender"), _ALL)
def test_commands_are_quoted(receiver_type: ReceiverType, sender: Sender) -> None:
    """A token may have blanks and quotes in it; whoever copies the line must not have to know."""
    told = sender.told(_told(receiver_type))

    for code in _codes(told, "sh"):
        words = shlex.split(code.replace("\\\n", " "))
        holding = [word for word in words if _URL in word or "t0ken" in word]
        assert [] == [
            word
            for word in holding
            if word not in (_URL, _TOKEN) and _URL not in json.dumps(json.loads(word))
        ]


def _codes(told: Instructions, language: str) -> Iterator[str]:
    for step in (*told.steps, told.rotated):
        if step.code and step.language == language:
            yield step.code


@pytest.mark.parametrize(
    ("receiver_type", "name", "expected"),
    [
        pytest.param(
            ReceiverType.GITHUB,
            "github",
            {"Let me select individual events": "push, release"},
            id="the ping comes by itself",
        ),
        pytest.param(
            ReceiverType.GITLAB,
            "gitlab",
            {"Trigger": "Push events, Tag push events; and nothing else"},
            id="as GitLab's form names them",
        ),
        pytest.param(
            ReceiverType.BITBUCKET,
            "cloud",
            {"Triggers": "Repository: Push (repo:push), pr:merged"},
            id="the cloud's push",
        ),
        pytest.param(
            ReceiverType.BITBUCKET,
            "data-center",
            {"Events": "Repository: Push (repo:refs_changed), pr:merged"},
            id="the data center's push",
        ),
    ],
)
def test_events_are_those_that_the_receiver_accepts(
    receiver_type: ReceiverType, name: str, expected: dict[str, str]
) -> None:
    """In the sender's words."""
    (step, *_) = _sender(receiver_type, name).told(_told(receiver_type)).steps

    assert expected == {key: value for key, value in step.fields.items() if key in expected}


_JOBS = [
    pytest.param(kind, sender, id=f"{kind}-{sender.name}")
    for kind in (ReceiverType.GENERIC_HMAC, ReceiverType.GENERIC_OIDC)
    for sender in senders(kind)
    if sender.name != "shell"
]
_SCHEMAS = {"github-actions": "vendor.github-workflows", "gitlab-ci": "vendor.gitlab-ci"}


def _lint(file: Path, schema: str) -> object:
    with pytest.raises(SystemExit) as ended:
        check_jsonschema.main(["--quiet", "--builtin-schema", schema, str(file)])
    return ended.value.code


@pytest.mark.parametrize(("receiver_type", "sender"), _JOBS)
def test_jobs_follow_the_published_schemas(
    receiver_type: ReceiverType, sender: Sender, tmp_path: Path
) -> None:
    """They are to be pasted into a file that has more."""
    (code,) = _codes(sender.told(_told(receiver_type)), "yaml")
    before = "on: push\n" if sender.name == "github-actions" else ""
    (tmp_path / "job.yaml").write_text(f"{before}{code}\n")

    assert 0 == _lint(tmp_path / "job.yaml", _SCHEMAS[sender.name])


@pytest.mark.parametrize(
    ("audiences", "github", "gitlab"),
    [
        pytest.param(
            {_GITHUBS: "of github", "https://gitlab.example.com": "of gitlab"},
            "of%20github",
            "of gitlab",
            id="both",
        ),
        pytest.param({_GITHUBS: "flux"}, "flux", "flux", id="GitHub's"),
        pytest.param({"https://gitlab.com": "flux"}, "flux", "flux", id="GitLab's"),
    ],
)
def test_an_issuer_is_asked_for_the_audience_of_its_own(
    audiences: dict[str, str], github: str, gitlab: str
) -> None:
    """As the Receiver names it; where it does not believe that issuer, that is said."""
    told = _told(ReceiverType.GENERIC_OIDC, audiences=audiences)
    actions, ci = (
        _sender(ReceiverType.GENERIC_OIDC, name).told(told)
        for name in ("github-actions", "gitlab-ci")
    )

    (workflow,), (job,) = _codes(actions, "yaml"), _codes(ci, "yaml")
    assert [github] == re.findall(r"audience=([^\"]*)\"", workflow)
    assert gitlab == yaml.safe_load(job)["flux"]["id_tokens"]["FLUX_ID_TOKEN"]["aud"]
    assert [_GITHUBS in audiences, set(audiences) != {_GITHUBS}] == [
        not any("does not believe" in sentence for sentence in each.mind) for each in (actions, ci)
    ]


def test_the_page_is_the_tables() -> None:
    """`make senders` writes it."""
    assert page() == (Path(__file__).parents[2] / "docs" / "senders.md").read_text()

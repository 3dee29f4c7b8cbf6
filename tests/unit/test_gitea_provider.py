"""What the engine's calls do at Gitea: which requests are sent, and what becomes of their answers.

Gitea itself is in ``tests/engine/test_gitea.py``; here are the answers that a real one gives only
when something is wrong.
"""

import base64
import json
import pickle
import pickletools
from collections.abc import Callable
from typing import Any

import dill
import httpx
import pytest
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.runtime.rpc import UNKNOWN

from fluxhooks.components.forges.gitea_provider import GiteaWebhookProvider
from fluxhooks.errors import ObservationError
from fluxhooks.observe.forges import gitea_api

_PATH = f"/hook/{'a' * 64}"
_URL = f"https://flux.example.com{_PATH}"
_SECRET = "the-token-of-generation-1"

_PROPS: dict[str, Any] = {
    "active": True,
    "branch_filter": "",
    "content_type": "json",
    "events": ["push"],
    "hook_id": None,
    "organization": None,
    "owner": "acme",
    "repository": "app",
    "secret": _SECRET,
    "server": "https://gitea.example.com",
    "url": _URL,
}

_HOOKS = "/api/v1/repos/acme/app/hooks"

Answer = httpx.Response | Exception


class Server:
    """Answers as it is told to, by method and path, and keeps what it was asked.

    An answer that is a list is given one after the other, the last one for ever.
    """

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        key = f"{request.method} {request.url.path}"
        answer = self.answers[key]
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def asked(self) -> list[str]:
        return [f"{request.method} {request.url.path}" for request in self.requests]


Serve = Callable[[dict[str, Any]], Server]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Serve:
    """Puts a server where Gitea is; its clients have a token, and wait for nothing."""
    monkeypatch.setenv("GITEA_TOKEN", "a-token")
    monkeypatch.delenv("FORGEJO_TOKEN", raising=False)
    monkeypatch.setattr(gitea_api, "_wait", lambda state: 0.0)

    def put(answers: dict[str, Any]) -> Server:
        server = Server(answers)
        client = httpx.Client

        def connected(**options: Any) -> httpx.Client:
            return client(**{**options, "transport": httpx.MockTransport(server)})

        monkeypatch.setattr(httpx, "Client", connected)
        return server

    return put


def hook(**changes: Any) -> dict[str, Any]:
    """A webhook as Gitea shows it: without its secret."""
    return {
        "active": True,
        "branch_filter": "",
        "config": {"content_type": "json", "url": _URL},
        "events": ["push"],
        "id": 5,
        "type": "gitea",
        **changes,
    }


def listed(*hooks: dict[str, Any]) -> httpx.Response:
    return httpx.Response(200, json=list(hooks), headers={"X-Total-Count": str(len(hooks))})


def made(**changes: Any) -> httpx.Response:
    return httpx.Response(201, json=hook(**changes))


def refused(call: Callable[[], Any]) -> str:
    with pytest.raises(ObservationError) as caught:
        call()
    said = str(caught.value)
    assert not [secret for secret in (_PATH[6:], _SECRET, "a-token") if secret in said]
    return said


PROVIDER = GiteaWebhookProvider()


# Making it


def test_a_webhook_is_made_by_one_request_with_all_of_it(serve: Serve) -> None:
    """URL and secret together; the type is the one that Forgejo knows too."""
    server = serve({f"GET {_HOOKS}": listed(), f"POST {_HOOKS}": made()})

    result = PROVIDER.create(_PROPS | {"__provider": "code"})

    assert [f"GET {_HOOKS}", f"POST {_HOOKS}"] == server.asked
    assert {
        "active": True,
        "branch_filter": "",
        "config": {"content_type": "json", "secret": _SECRET, "url": _URL},
        "events": ["push"],
        "type": "gitea",
    } == json.loads(server.requests[1].content)
    assert "token a-token" == server.requests[1].headers["Authorization"]
    assert ("5", {**_PROPS, "hook_id": "5"}) == (result.id, result.outs)


def test_an_organisations_webhook_is_made_there(serve: Serve) -> None:
    """And the names in a path are escaped."""
    hooks = "/api/v1/orgs/ac.me/hooks"
    server = serve({f"GET {hooks}": listed(), f"POST {hooks}": made()})

    PROVIDER.create({**_PROPS, "owner": None, "repository": None, "organization": "ac.me"})

    assert [f"GET {hooks}", f"POST {hooks}"] == server.asked


def test_what_a_killed_run_left_goes_when_the_new_one_is_there(serve: Serve) -> None:
    """Gitea takes equal ones; others that call something else are not touched."""
    other = hook(id=3, config={"content_type": "json", "url": "https://ci.example.com/"})
    server = serve(
        {
            f"GET {_HOOKS}": listed(hook(id=2), other, hook(id=4)),
            f"POST {_HOOKS}": made(id=7),
            f"DELETE {_HOOKS}/2": httpx.Response(204),
            f"DELETE {_HOOKS}/4": httpx.Response(404),
        }
    )

    assert "7" == PROVIDER.create(_PROPS).id
    assert [f"GET {_HOOKS}", f"POST {_HOOKS}"] == server.asked[:2]
    assert {f"DELETE {_HOOKS}/2", f"DELETE {_HOOKS}/4"} == set(server.asked[2:])


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(httpx.ReadTimeout("late"), id="no answer"),
        pytest.param(httpx.Response(502), id="bad gateway"),
        pytest.param(httpx.Response(500), id="an error"),
    ],
)
def test_what_was_made_although_the_answer_says_otherwise_is_found(
    serve: Serve, answer: Answer
) -> None:
    """A second POST would make a second one."""
    server = serve(
        {
            f"GET {_HOOKS}": [listed(hook(id=2)), listed(hook(id=2), hook(id=9))],
            f"POST {_HOOKS}": answer,
            f"DELETE {_HOOKS}/2": httpx.Response(204),
        }
    )

    assert "9" == PROVIDER.create(_PROPS).id
    assert [
        f"GET {_HOOKS}",
        f"POST {_HOOKS}",
        f"GET {_HOOKS}",
        f"DELETE {_HOOKS}/2",
    ] == server.asked


def test_what_was_not_made_is_told_of(serve: Serve) -> None:
    """With what the server answered."""
    serve({f"GET {_HOOKS}": listed(), f"POST {_HOOKS}": httpx.Response(503)})

    assert (
        "Gitea at gitea.example.com refused the webhooks of acme/app: it answered 503, an outage"
    ) == refused(lambda: PROVIDER.create(_PROPS))


def test_a_post_that_was_never_sent_is_sent_again(serve: Serve) -> None:
    """Nobody was there to take it."""
    answers = [httpx.ConnectError("refused"), made()]
    server = serve({f"GET {_HOOKS}": listed(), f"POST {_HOOKS}": answers})

    assert "5" == PROVIDER.create(_PROPS).id
    assert 2 == server.asked.count(f"POST {_HOOKS}")


def test_an_event_that_this_version_does_not_know_is_told_of(serve: Serve) -> None:
    """Gitea takes the name without a word; a webhook that sends nothing must not stay."""
    server = serve(
        {
            f"GET {_HOOKS}": listed(),
            f"POST {_HOOKS}": made(),
            f"DELETE {_HOOKS}/5": httpx.Response(204),
        }
    )

    assert (
        "events: Gitea at gitea.example.com does not know workflow_run, and would send none; "
        "remove it, or update Gitea"
    ) == refused(lambda: PROVIDER.create({**_PROPS, "events": ["push", "workflow_run"]}))
    assert f"DELETE {_HOOKS}/5" == server.asked[-1]


def test_a_list_is_read_to_its_end(serve: Serve) -> None:
    """A server may show fewer at a time than it is asked for."""
    total = {"X-Total-Count": "3"}
    pages = [
        httpx.Response(200, json=[hook(id=1, config={}), hook(id=2, config={})], headers=total),
        httpx.Response(200, json=[hook(id=3)], headers=total),
    ]
    server = serve(
        {
            f"GET {_HOOKS}": pages,
            f"POST {_HOOKS}": made(),
            f"DELETE {_HOOKS}/3": httpx.Response(204),
        }
    )

    PROVIDER.create(_PROPS)

    assert f"DELETE {_HOOKS}/3" == server.asked[-1]


# Looking, editing, deleting


def test_what_was_edited_by_hand_is_seen(serve: Serve) -> None:
    """The secret is not: no API tells it."""
    seen = hook(
        active=False,
        branch_filter="main",
        config={"content_type": "form", "url": "https://other.example.com/"},
        events=["push", "create"],
    )
    serve({f"GET {_HOOKS}/5": httpx.Response(200, json=seen)})

    result = PROVIDER.read("5", _PROPS)

    assert result.outs == {
        **_PROPS,
        "active": False,
        "branch_filter": "main",
        "content_type": "form",
        "events": ["create", "push"],
        "hook_id": "5",
        "url": "https://other.example.com/",
    }
    assert PROVIDER.diff("5", result.outs, _PROPS).changes


def test_a_group_of_events_is_no_difference(serve: Serve) -> None:
    """Gitea shows its members."""
    props = {**_PROPS, "events": ["issues"]}
    members = ["issues", "issue_assign", "issue_label", "issue_milestone", "issue_comment"]
    serve({f"GET {_HOOKS}/5": httpx.Response(200, json=hook(events=members))})

    result = PROVIDER.read("5", props)

    assert (["issues"], False) == (
        (result.outs or {})["events"],
        PROVIDER.diff("5", result.outs or {}, props).changes,
    )


def test_a_webhook_that_was_deleted_is_gone(serve: Serve) -> None:
    """And is made anew by the update that looked."""
    serve({f"GET {_HOOKS}/5": httpx.Response(404), f"GET {_HOOKS}": listed()})

    result = PROVIDER.read("5", _PROPS)

    assert ("", {}) == (result.id, result.outs)


def test_a_webhook_that_may_not_be_seen_is_not_gone(serve: Serve) -> None:
    """A token without rights to a private repository is answered 404 too."""
    serve({f"GET {_HOOKS}/5": httpx.Response(404), f"GET {_HOOKS}": httpx.Response(404)})

    assert (
        "Gitea at gitea.example.com refused the webhooks of acme/app: it answered 404; is there "
        "acme/app, and may the token's owner administer it?"
    ) == refused(lambda: PROVIDER.read("5", _PROPS))


def test_an_edit_repeats_all_of_it(serve: Serve) -> None:
    """What an edit leaves out, Gitea takes away; a version that takes a secret gets the same."""
    after = "https://new.example.com" + _PATH
    edited = hook(config={"content_type": "json", "url": after})
    server = serve(
        {
            f"GET {_HOOKS}/5": httpx.Response(200, json=hook()),
            f"PATCH {_HOOKS}/5": httpx.Response(200, json=edited),
        }
    )

    result = PROVIDER.update("5", _PROPS, {**_PROPS, "url": after, "hook_id": None})

    assert {
        "active": True,
        "branch_filter": "",
        "config": {"content_type": "json", "secret": _SECRET, "url": after},
        "events": ["push"],
    } == json.loads(server.requests[1].content)
    assert {**_PROPS, "hook_id": "5", "url": after} == result.outs


def test_an_edit_that_was_taken_and_not_done_is_told_of(serve: Serve) -> None:
    """Forgejo and older ones of Gitea take the event package, and edit it not."""
    serve(
        {
            f"GET {_HOOKS}/5": httpx.Response(200, json=hook()),
            f"PATCH {_HOOKS}/5": httpx.Response(200, json=hook()),
        }
    )

    assert (
        "events: Gitea at gitea.example.com has webhook acme/app 5 send push after the edit, as "
        "some versions edit few events; raise generation, and a new webhook is made with them"
    ) == refused(lambda: PROVIDER.update("5", _PROPS, {**_PROPS, "events": ["package", "push"]}))


def test_an_edit_of_what_is_gone_says_what_makes_it_anew(serve: Serve) -> None:
    """It was deleted by hand, and nobody looked."""
    serve({f"GET {_HOOKS}/5": httpx.Response(404), f"GET {_HOOKS}": listed()})

    assert (
        "webhook acme/app 5 is gone from Gitea at gitea.example.com; pulumi up --refresh makes it "
        "anew"
    ) == refused(lambda: PROVIDER.update("5", _PROPS, {**_PROPS, "events": ["create"]}))


@pytest.mark.parametrize("status", [204, 404])
def test_a_webhook_is_deleted_also_where_it_is_gone(serve: Serve, status: int) -> None:
    """A destroyed stack must not be kept by what somebody took away."""
    server = serve({f"DELETE {_HOOKS}/5": httpx.Response(status)})

    PROVIDER.delete("5", _PROPS)

    assert [f"DELETE {_HOOKS}/5"] == server.asked


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param([httpx.Response(429, headers={"Retry-After": "1"})], id="too many requests"),
        pytest.param([httpx.Response(503), httpx.ReadError("reset")], id="an outage"),
    ],
)
def test_what_passes_is_waited_for(serve: Serve, answers: list[Answer]) -> None:
    """Where a repetition can do no harm."""
    server = serve({f"DELETE {_HOOKS}/5": [*answers, httpx.Response(204)]})

    PROVIDER.delete("5", _PROPS)

    assert len(answers) + 1 == len(server.asked)


# What is told


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param(
            httpx.Response(401, json={"message": "user does not exist"}),
            "Gitea at gitea.example.com refused the webhooks of acme/app: the token is not valid; "
            "set GITEA_TOKEN",
            id="wrong token",
        ),
        pytest.param(
            httpx.Response(403, json={"message": "token does not have the required scope"}),
            "Gitea at gitea.example.com refused the webhooks of acme/app: it answered 403, 'token "
            "does not have the required scope'; the token needs the scope write:repository, or "
            "write:organization for an organisation's webhooks, and its owner must administer it",
            id="too few rights",
        ),
        pytest.param(
            httpx.Response(403, json={"message": "webhooks disabled by administrator"}),
            "Gitea at gitea.example.com refused the webhooks of acme/app: it answered 403, "
            "'webhooks disabled by administrator'; have DISABLE_WEBHOOKS removed from the section "
            "[security] of its app.ini, or remove gitea, give the type github, and tell another "
            "sender hook_url and token by hand",
            id="disabled by the administrator",
        ),
        pytest.param(
            httpx.Response(404),
            "Gitea at gitea.example.com refused the webhooks of acme/app: it answered 404; is "
            "there acme/app, and may the token's owner administer it?",
            id="unknown repository",
        ),
        pytest.param(
            httpx.Response(307, headers={"Location": "/elsewhere"}),
            "Gitea at gitea.example.com refused the webhooks of acme/app: it answered 307 and "
            "names another place; was acme/app renamed or moved, or does the server's address "
            "begin with https?",
            id="renamed",
        ),
        pytest.param(
            httpx.Response(200, text="<html>"),
            "gitea.example.com answered 200 for the webhooks of acme/app, and no JSON: is that "
            "the address of a Gitea or Forgejo, as its start page has it?",
            id="no Gitea",
        ),
        pytest.param(
            httpx.Response(422, json={"message": f"Invalid url {_URL}"}),
            "Gitea at gitea.example.com refused the webhooks of acme/app: it answered 422, "
            "'Invalid url https://flux.example.com/hook/***'",
            id="refused",
        ),
    ],
)
def test_what_does_not_pass_is_told_before_anything_is_made(
    serve: Serve, answer: httpx.Response, said: str
) -> None:
    """In a preview already: the place is known there, and the URL is not."""
    serve({f"GET {_HOOKS}": answer})
    unknown = {**_PROPS, "url": UNKNOWN, "secret": UNKNOWN}

    result = PROVIDER.check({}, unknown)

    assert [("", said)] == [(each.property, each.reason) for each in result.failures]
    assert unknown == result.inputs
    assert said == refused(lambda: PROVIDER.create(_PROPS))


def test_a_server_that_does_not_answer_is_told_of(serve: Serve) -> None:
    """After a few tries."""
    server = serve({f"GET {_HOOKS}": httpx.ReadTimeout("late")})

    (failure,) = PROVIDER.check({}, _PROPS).failures

    assert (
        "Gitea at gitea.example.com gave no answer for the webhooks of acme/app within 20 s"
    ) == failure.reason
    assert 4 == len(server.requests)


def test_a_server_that_is_not_there_is_told_of(serve: Serve) -> None:
    """With the network's own words."""
    serve({f"GET {_HOOKS}": httpx.ConnectError("Name or service not known")})

    assert (
        "Gitea at gitea.example.com could not be asked for the webhooks of acme/app: Name or "
        "service not known"
    ) == refused(lambda: PROVIDER.create(_PROPS))


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="nothing changed"),
        pytest.param({"hook_id": "6"}, id="what Gitea says changed"),
        pytest.param({"repository": UNKNOWN}, id="a place that is not known yet"),
    ],
)
def test_nothing_is_asked_where_nothing_is_to_be_done(
    serve: Serve, changes: dict[str, Any]
) -> None:
    """An update that changes nothing needs no Gitea."""
    server = serve({})

    assert [] == PROVIDER.check(_PROPS, {**_PROPS, **changes}).failures
    assert [] == server.requests


def test_an_edit_is_asked_for_too(serve: Serve) -> None:
    """It would be refused, as a traceback."""
    serve({f"GET {_HOOKS}": httpx.Response(401)})

    assert 1 == len(PROVIDER.check(_PROPS, {**_PROPS, "events": ["create"]}).failures)


def test_an_error_comes_without_the_way_to_it(serve: Serve) -> None:
    """The engine prints the whole traceback before it."""
    serve({f"DELETE {_HOOKS}/5": httpx.Response(403)})

    with pytest.raises(ObservationError) as caught:
        PROVIDER.delete("5", _PROPS)

    assert ["called"] == [frame.name for frame in caught.traceback][1:]


def test_without_a_token_it_is_said_which_is_needed(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The state has none, so the environment must."""
    serve({})
    monkeypatch.delenv("GITEA_TOKEN")

    (failure,) = PROVIDER.check({}, _PROPS).failures

    assert (
        "no token for Gitea at gitea.example.com: set GITEA_TOKEN (or FORGEJO_TOKEN) to one with "
        "the scope write:repository, or write:organization for an organisation's webhooks, whose "
        "owner administers it"
    ) == failure.reason


def test_forgejos_token_is_as_good(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no other one is given."""
    server = serve({f"GET {_HOOKS}": listed()})
    monkeypatch.delenv("GITEA_TOKEN")
    monkeypatch.setenv("FORGEJO_TOKEN", "of-forgejo")

    PROVIDER.check({}, _PROPS)

    assert "token of-forgejo" == server.requests[0].headers["Authorization"]


# What is a change


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, (False, []), id="nothing"),
        pytest.param({"__provider": "newer code"}, (False, []), id="the code that makes it"),
        pytest.param({"hook_id": None}, (False, []), id="what Gitea says"),
        pytest.param({"url": "https://b.example.com/hook/1"}, (True, []), id="the URL"),
        pytest.param({"events": ["create"]}, (True, []), id="events"),
        pytest.param({"branch_filter": "main"}, (True, []), id="the branch filter"),
        pytest.param({"secret": "another"}, (True, ["secret"]), id="the secret"),
        pytest.param({"repository": "web"}, (True, ["repository"]), id="the repository"),
        pytest.param({"server": "https://b.example.com"}, (True, ["server"]), id="the server"),
        pytest.param({"secret": UNKNOWN}, (True, []), id="a secret that a preview cannot know"),
    ],
)
def test_what_cannot_be_edited_is_replaced(
    changes: dict[str, Any], expected: tuple[bool, list[str]]
) -> None:
    """By another webhook, made before the old one goes; the rest is one request."""
    there = {**_PROPS, "hook_id": "5", "__provider": "code"}

    result = PROVIDER.diff("5", there, {**there, **changes})

    assert expected == (result.changes, result.replaces)
    assert result.delete_before_replace is None


# What the state has of it


def test_the_state_names_the_code_and_holds_nothing_of_it() -> None:
    """It is the same in every run, and what a state of today names must be there tomorrow."""
    blob = base64.b64decode(serialize_provider(PROVIDER))

    texts = [argument for _, argument, _ in pickletools.genops(blob) if isinstance(argument, str)]
    assert [
        "fluxhooks.components.forges.gitea_provider",
        "GiteaWebhookProvider",
    ] == texts
    assert len(blob) < 120
    assert not PROVIDER.serialize_as_secret_always


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_what_another_version_of_python_wrote_is_read(protocol: int) -> None:
    """They differ in their default, and in nothing that matters here."""
    written = dill.dumps(PROVIDER, protocol=protocol, recurse=True)

    assert isinstance(dill.loads(written), GiteaWebhookProvider)

"""What the GitHub stand-in sends: signatures, headers, the queue, the log, redelivery."""

import hashlib
import hmac
import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
import trustme
from githubkit.webhooks import verify
from githubkit_schemas.latest.models import HookDelivery, HookDeliveryItem

from sandbox.forges.github import Delivery, GitHub, Repository
from sandbox.forges.github.deliveries import sign
from tests.sandbox.published import unpublished, unpublished_in_event
from tests.sandbox.receiver import Received, Receiver, eventually

SECRET = "not-told"


@pytest.fixture
def hook(api: httpx.Client, hooks_path: str, receiver: Receiver, github: GitHub) -> Any:
    """A webhook for `push` whose ping has been taken and forgotten."""
    body = {"config": {"url": receiver.url(), "content_type": "json", "secret": SECRET}}
    created = api.post(hooks_path, json=body).json()
    github.wait_idle()
    receiver.received.clear()
    return created


def events(receiver: Receiver) -> list[str | None]:
    return [received.headers["X-GitHub-Event"] for received in receiver.received]


def signed_by(received: Received) -> str:
    """The secret that a request was signed with, recomputed here."""
    for secret in ("not-told", "second", "third"):
        digest = hmac.new(secret.encode(), received.body, hashlib.sha256).hexdigest()
        if received.headers["X-Hub-Signature-256"] == f"sha256={digest}":
            return secret
    return "none of ours"


def last(github: GitHub, repository: Repository) -> Delivery:
    github.wait_idle()
    return github.deliveries(repository.name)[-1]


def test_signatures_match_the_published_example() -> None:
    """The secret, body and result of GitHub's guide to validating deliveries."""
    headers = sign(b"Hello, World!", "It's a Secret to Everybody")

    assert (
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
        == headers["X-Hub-Signature-256"]
    )


def test_a_new_hook_is_pinged_in_the_published_shape(
    github: GitHub, repository: Repository, api: httpx.Client, hooks_path: str, receiver: Receiver
) -> None:
    """One ping on creation, with the webhook in it and its secret masked."""
    config = {"url": receiver.url(), "content_type": "json", "secret": SECRET}

    created = api.post(hooks_path, json={"config": config}).json()

    github.wait_idle()
    assert ["ping"] == events(receiver)
    payload = json.loads(receiver.received[0].body)
    assert [] == unpublished_in_event("ping", payload)
    assert created == payload["hook"]
    assert "********" == payload["hook"]["config"]["secret"]
    assert repository.name == payload["repository"]["name"]
    assert SECRET not in receiver.received[0].body.decode()


def test_an_edit_is_not_pinged_and_a_request_for_a_ping_is(
    github: GitHub, api: httpx.Client, hooks_path: str, receiver: Receiver, hook: Any
) -> None:
    """After an update whoever wants a ping asks for it: POST `/pings`, 204."""
    path = f"{hooks_path}/{hook['id']}"

    api.patch(path, json={"add_events": ["release"]})
    api.patch(f"{path}/config", json={"content_type": "json"})
    github.wait_idle()
    assert [] == events(receiver)

    assert 204 == api.post(f"{path}/pings").status_code
    github.wait_idle()
    assert ["ping"] == events(receiver)


def test_an_inactive_hook_is_told_nothing(
    github: GitHub,
    repository: Repository,
    api: httpx.Client,
    hooks_path: str,
    receiver: Receiver,
    hook: Any,
) -> None:
    """Neither events nor pings nor tests."""
    path = f"{hooks_path}/{hook['id']}"
    api.patch(path, json={"active": False})

    github.send(repository.name)
    statuses = [api.post(f"{path}/{what}").status_code for what in ("pings", "tests")]

    github.wait_idle()
    assert [204, 204] == statuses
    assert [] == receiver.received


def test_a_delivery_has_the_documented_headers(
    github: GitHub, repository: Repository, receiver: Receiver, hook: Any
) -> None:
    """Names in GitHub's spelling, and nothing from an HTTP library."""
    guid = github.send(repository.name)

    github.wait_idle()
    (received,) = receiver.received
    headers = dict(received.headers.items())
    for signature in ("X-Hub-Signature", "X-Hub-Signature-256"):
        assert headers.pop(signature)
    assert headers.pop("User-Agent").startswith("GitHub-Hookshot/")
    assert {
        "Host": f"127.0.0.1:{receiver.server_port}",
        "Content-Length": str(len(received.body)),
        "Connection": "close",
        "Accept": "*/*",
        "Content-Type": "application/json",
        "X-GitHub-Delivery": guid,
        "X-GitHub-Event": "push",
        "X-GitHub-Hook-ID": str(hook["id"]),
        "X-GitHub-Hook-Installation-Target-ID": str(json.loads(received.body)["repository"]["id"]),
        "X-GitHub-Hook-Installation-Target-Type": "repository",
    } == headers


def test_both_signatures_verify(
    github: GitHub, repository: Repository, receiver: Receiver, hook: Any
) -> None:
    """Over the bytes that were sent, by githubkit and by a recomputation of our own."""
    github.send(repository.name)

    github.wait_idle()
    (received,) = receiver.received
    assert verify(SECRET, received.body, received.headers["X-Hub-Signature-256"])
    assert SECRET == signed_by(received)
    sha1 = hmac.new(SECRET.encode(), received.body, hashlib.sha1).hexdigest()
    assert f"sha1={sha1}" == received.headers["X-Hub-Signature"]


def test_without_a_secret_nothing_is_signed(
    github: GitHub, api: httpx.Client, hooks_path: str, receiver: Receiver
) -> None:
    """No header rather than an empty one."""
    api.post(hooks_path, json={"config": {"url": receiver.url(), "content_type": "json"}})

    github.wait_idle()
    headers = receiver.received[0].headers
    assert [None, None] == [headers["X-Hub-Signature"], headers["X-Hub-Signature-256"]]


def test_a_form_hook_sends_and_signs_the_form(
    github: GitHub, api: httpx.Client, hooks_path: str, receiver: Receiver
) -> None:
    """The JSON text as the field `payload`; the signature is of the form, not of the JSON."""
    config = {"url": receiver.url(), "content_type": "form", "secret": SECRET}
    api.post(hooks_path, json={"config": config})

    github.wait_idle()
    (received,) = receiver.received
    assert "application/x-www-form-urlencoded" == received.headers["Content-Type"]
    (text,) = parse_qs(received.body.decode())["payload"]
    assert "zen" in json.loads(text)
    assert SECRET == signed_by(received)


def test_an_event_reaches_every_hook_that_wants_it_under_one_guid(
    github: GitHub,
    repository: Repository,
    api: httpx.Client,
    hooks_path: str,
    receiver: Receiver,
) -> None:
    """The repository's and the organisation's; `*` wants all, others what they name."""
    other = github.create_repository("not-told-of")
    for path, name, wanted in (
        (hooks_path, "named", ["push", "release"]),
        (hooks_path, "everything", ["*"]),
        (hooks_path, "other-event", ["release"]),
        (f"/orgs/{github.owner}/hooks", "organization", ["push"]),
        (f"/repos/{github.owner}/{other.name}/hooks", "other-repository", ["*"]),
    ):
        config = {"url": receiver.url(f"/{name}"), "content_type": "json"}
        api.post(path, json={"name": "web", "events": wanted, "config": config})
    github.wait_idle()
    receiver.received.clear()

    guid = github.send(repository.name)

    github.wait_idle()
    assert {"/named", "/everything", "/organization"} == {r.path for r in receiver.received}
    assert 3 == len(receiver.received)
    assert {guid} == {received.headers["X-GitHub-Delivery"] for received in receiver.received}
    targets = {
        r.path: r.headers["X-GitHub-Hook-Installation-Target-Type"] for r in receiver.received
    }
    assert "organization" == targets["/organization"]
    assert ["ping", "push"] == [delivery.event for delivery in github.deliveries()]


def test_any_event_can_be_sent_with_a_payload_of_ones_own(
    github: GitHub, repository: Repository, api: httpx.Client, hooks_path: str, receiver: Receiver
) -> None:
    """The payload as it is; its `action` goes into the log."""
    config = {"url": receiver.url(), "content_type": "json"}
    api.post(hooks_path, json={"events": ["release"], "config": config})
    github.wait_idle()

    github.send(repository.name, "release", {"action": "published", "text": "ü"})

    assert "published" == last(github, repository).action
    assert {"action": "published", "text": "ü"} == json.loads(receiver.received[-1].body)
    with pytest.raises(ValueError, match="event 'release' has no payload of its own"):
        github.send(repository.name, "release")


def test_a_test_sends_the_newest_push_and_only_to_push_hooks(
    github: GitHub, api: httpx.Client, hooks_path: str, receiver: Receiver, hook: Any
) -> None:
    """204 in both cases, as GitHub answers."""
    config = {"url": receiver.url("/release"), "content_type": "json"}
    other = api.post(hooks_path, json={"events": ["release"], "config": config}).json()
    github.wait_idle()
    receiver.received.clear()

    statuses = [
        api.post(f"{hooks_path}/{number}/tests").status_code for number in (hook["id"], other["id"])
    ]

    github.wait_idle()
    assert [204, 204] == statuses
    assert [("/hook/one", "push")] == [
        (received.path, received.headers["X-GitHub-Event"]) for received in receiver.received
    ]
    assert [] == unpublished_in_event("push", json.loads(receiver.received[0].body))


def test_a_delivery_keeps_the_url_and_secret_of_when_it_was_queued(
    github: GitHub,
    repository: Repository,
    api: httpx.Client,
    hooks_path: str,
    receiver: Receiver,
    hook: Any,
) -> None:
    """GitHub's worst case for a rotation: the webhook changed while the delivery waited."""
    github.pause_deliveries()
    github.send(repository.name)
    config = {"url": receiver.url("/hook/two"), "content_type": "json", "secret": "second"}
    api.patch(f"{hooks_path}/{hook['id']}", json={"config": config})
    github.send(repository.name)
    assert [] == receiver.received

    github.resume_deliveries()

    github.wait_idle()
    assert {("/hook/one", "not-told"), ("/hook/two", "second")} == {
        (received.path, signed_by(received)) for received in receiver.received
    }


def test_a_delivery_of_a_deleted_hook_is_still_sent(
    github: GitHub,
    repository: Repository,
    api: httpx.Client,
    hooks_path: str,
    receiver: Receiver,
    hook: Any,
) -> None:
    """What is queued is queued, and stays among the deliveries."""
    github.pause_deliveries()
    github.send(repository.name)
    api.delete(f"{hooks_path}/{hook['id']}")

    github.resume_deliveries()

    assert ("push", 200) == (
        last(github, repository).event,
        last(github, repository).status_code,
    )
    assert ["push"] == events(receiver)


def test_a_delay_holds_deliveries_back(
    github: GitHub, repository: Repository, receiver: Receiver, hook: Any
) -> None:
    """Seconds, or a function that is asked for each delivery."""
    delays = iter([0.4, 0.0])
    github.delivery_delay = lambda: next(delays)

    slow, fast = github.send(repository.name), github.send(repository.name)

    github.wait_idle()
    assert [fast, slow] == [r.headers["X-GitHub-Delivery"] for r in receiver.received]
    waited = {d.guid: d.delivered_at - d.queued_at for d in github.deliveries(repository.name)}
    assert waited[slow] >= 0.4


def test_waiting_for_idle_says_how_many_are_left(
    github: GitHub, repository: Repository, hook: Any
) -> None:
    """A time-out is an error, not a return."""
    github.pause_deliveries()
    github.send(repository.name)

    with pytest.raises(TimeoutError, match=r"^1 deliveries still queued after 0\.05 s$"):
        github.wait_idle(0.05)


@pytest.mark.parametrize(
    ("status", "shown", "ok", "last_response"),
    [
        pytest.param(200, "OK", True, (200, "active", "OK"), id="taken"),
        pytest.param(202, "OK", True, (202, "active", "OK"), id="any-2xx"),
        pytest.param(
            404,
            "Invalid HTTP Response: 404",
            False,
            (422, "misconfigured", "Invalid HTTP Response: 404"),
            id="refused",
        ),
        pytest.param(
            503,
            "Invalid HTTP Response: 503",
            False,
            (422, "misconfigured", "Invalid HTTP Response: 503"),
            id="failing",
        ),
    ],
)
def test_the_answer_shows_in_the_log_and_at_the_hook(
    github: GitHub,
    repository: Repository,
    api: httpx.Client,
    hooks_path: str,
    receiver: Receiver,
    hook: Any,
    status: int,
    shown: str,
    ok: bool,
    last_response: tuple[int, str, str],
) -> None:
    """The log has the receiver's status; `last_response` of a failure has not."""
    receiver.status = status

    github.send(repository.name)

    delivery = last(github, repository)
    assert (status, shown, ok) == (delivery.status_code, delivery.status, delivery.ok)
    answer = api.get(f"{hooks_path}/{hook['id']}").json()["last_response"]
    assert last_response == (answer["code"], answer["status"], answer["message"])


def test_a_redirect_is_not_followed(
    github: GitHub, repository: Repository, receiver: Receiver, hook: Any
) -> None:
    """It is neither taken nor a failure in GitHub's filter: the silent loss of an http URL."""
    receiver.status = 308
    receiver.answer_headers = {"Location": receiver.url("/elsewhere")}

    github.send(repository.name)

    delivery = last(github, repository)
    assert (308, False) == (delivery.status_code, delivery.ok)
    assert ["/hook/one"] == [received.path for received in receiver.received]


def test_a_receiver_that_takes_too_long_times_out(
    github: GitHub, repository: Repository, receiver: Receiver, hook: Any
) -> None:
    """After ten seconds in reality; there is no answer to show."""
    receiver.delay = 1.0
    poster = github._poster
    assert 10.0 == poster.timeout
    poster.timeout = 0.1
    try:
        github.send(repository.name)
        delivery = last(github, repository)
    finally:
        poster.timeout = 10.0

    assert ("timed out", 504, {}) == (
        delivery.status,
        delivery.status_code,
        delivery.response_headers,
    )


def test_a_receiver_that_hangs_up_returned_nothing(
    github: GitHub, repository: Repository, receiver: Receiver, hook: Any
) -> None:
    """A connection without an answer."""
    receiver.broken = True

    github.send(repository.name)

    delivery = last(github, repository)
    assert ("Server returned nothing (no headers, no data)", 502) == (
        delivery.status,
        delivery.status_code,
    )


def test_a_receiver_that_is_not_there_cannot_be_connected_to(
    github: GitHub, repository: Repository, api: httpx.Client, hooks_path: str
) -> None:
    """In GitHub's words."""
    with Receiver() as gone:
        url = gone.url()
    hook = api.post(hooks_path, json={"config": {"url": url}}).json()

    assert "failed to connect to host" == last(github, repository).status
    answer = api.get(f"{hooks_path}/{hook['id']}").json()["last_response"]
    assert "failed to connect to host" == answer["message"]


def test_deliveries_are_listed_and_read_as_published(
    github: GitHub,
    repository: Repository,
    api: httpx.Client,
    hooks_path: str,
    receiver: Receiver,
    hook: Any,
) -> None:
    """Newest first; one alone holds what was sent and what was answered."""
    guid = github.send(repository.name)
    github.wait_idle()
    path = f"{hooks_path}/{hook['id']}/deliveries"

    items = api.get(path).json()
    delivery = api.get(f"{path}/{items[0]['id']}").json()

    assert ["push", "ping"] == [item["event"] for item in items]
    for item in items:
        assert [] == unpublished(HookDeliveryItem, item)
    assert [] == unpublished(HookDelivery, delivery)
    assert (guid, False, "OK", 200) == tuple(
        items[0][key] for key in ("guid", "redelivery", "status", "status_code")
    )
    assert items[0] == {key: delivery[key] for key in items[0]}
    (received,) = receiver.received
    assert json.loads(received.body) == delivery["request"]["payload"]
    assert (
        received.headers["X-Hub-Signature-256"]
        == delivery["request"]["headers"]["X-Hub-Signature-256"]
    )
    assert "taken" == delivery["response"]["payload"]
    assert receiver.url() == delivery["url"]


def test_the_log_is_read_by_cursor_to_its_end(
    github: GitHub, repository: Repository, api: httpx.Client, hooks_path: str, hook: Any
) -> None:
    """Each page links to the next until there is none; nothing twice, nothing left out."""
    guids = [github.send(repository.name) for _ in range(4)]
    github.wait_idle()

    seen, sizes = [], []
    url: str | None = f"{hooks_path}/{hook['id']}/deliveries?per_page=2"
    while url is not None:
        answer = api.get(url)
        seen += [item["guid"] for item in answer.json()]
        sizes.append(len(answer.json()))
        url = answer.links.get("next", {}).get("url")

    assert [2, 2, 1] == sizes
    assert set(guids) < set(seen)
    assert 5 == len(set(seen))


@pytest.mark.parametrize(("status", "expected"), [("success", [302, 200]), ("failure", [500, 404])])
def test_the_log_is_filtered_by_status(
    github: GitHub,
    repository: Repository,
    api: httpx.Client,
    hooks_path: str,
    receiver: Receiver,
    hook: Any,
    status: str,
    expected: list[int],
) -> None:
    """Success is 200 to 399, so that a redirect is no failure; failure is 400 to 599."""
    for receiver.status in (404, 302, 500):
        github.send(repository.name)
        github.wait_idle()

    answer = api.get(f"{hooks_path}/{hook['id']}/deliveries", params={"status": status})

    assert expected == [item["status_code"] for item in answer.json()]


@pytest.mark.parametrize(("query", "status"), [({"cursor": "2"}, 400), ({"status": "bad"}, 422)])
def test_a_bad_question_about_the_log_is_refused(
    api: httpx.Client, hooks_path: str, hook: Any, query: dict[str, str], status: int
) -> None:
    """Better than an answer to another question."""
    answer = api.get(f"{hooks_path}/{hook['id']}/deliveries", params=query)

    assert status == answer.status_code


def test_a_delivery_of_another_hook_is_not_found(
    github: GitHub, repository: Repository, api: httpx.Client, hooks_path: str, hook: Any
) -> None:
    """Reading and redelivering stay with the webhook in the path."""
    config = {"url": "http://127.0.0.1:9/", "content_type": "json"}
    other = api.post(hooks_path, json={"config": config}).json()
    delivery = next(d for d in github.deliveries(repository.name) if d.hook.id == hook["id"])
    path = f"{hooks_path}/{other['id']}/deliveries/{delivery.id}"

    assert [404, 404] == [
        api.get(path).status_code,
        api.post(f"{path}/attempts").status_code,
    ]


def test_a_redelivery_repeats_the_payload_to_where_the_hook_points_now(
    github: GitHub,
    repository: Repository,
    api: httpx.Client,
    hooks_path: str,
    receiver: Receiver,
    hook: Any,
) -> None:
    """202, the same guid and body, `redelivery: true`, signed with today's secret."""
    receiver.status = 404
    guid = github.send(repository.name)
    failed = last(github, repository)
    receiver.status = 200
    path = f"{hooks_path}/{hook['id']}"
    config = {"url": receiver.url("/hook/two"), "content_type": "json", "secret": "second"}
    api.patch(path, json={"config": config})

    answer = api.post(f"{path}/deliveries/{failed.id}/attempts")

    assert (202, {}) == (answer.status_code, answer.json())
    again = last(github, repository)
    assert (guid, True, 200) == (again.guid, again.redelivery, again.status_code)
    first, second = receiver.received
    assert first.body == second.body
    assert ("/hook/two", "second") == (second.path, signed_by(second))
    item = api.get(f"{path}/deliveries").json()[0]
    assert (guid, True) == (item["guid"], item["redelivery"])


def test_secrets_are_in_no_text_form(
    github: GitHub, repository: Repository, api: httpx.Client, hooks_path: str, hook: Any
) -> None:
    """Neither secret nor URL (its path is one) in a repr, nor the token in the server's."""
    delivery = last(github, repository)
    shown = repr([github, repository, github.hooks(repository.name), delivery, delivery.hook])

    assert [] == [text for text in (SECRET, "/hook/one", github.token) if text in shown]
    assert SECRET not in api.get(hooks_path).text
    assert SECRET not in api.get(f"{hooks_path}/{hook['id']}/deliveries/{delivery.id}").text


def test_nothing_secret_is_logged(
    github: GitHub,
    repository: Repository,
    receiver: Receiver,
    hook: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Also not when deliveries fail and the log is at its most talkative."""
    caplog.set_level("DEBUG")
    receiver.broken = True

    github.send(repository.name)
    github.wait_idle()
    repository.commit({"a": "b"}, message="logged?")
    github.wait_idle()

    leaked = [text for text in (SECRET, "/hook/one", github.token) if text in caplog.text]
    assert [] == leaked


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def https_receiver(authority: trustme.CA) -> Iterator[Receiver]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with Receiver(tls=context) as receiver:
        yield receiver


@pytest.mark.parametrize(
    ("known", "insecure", "status"),
    [
        pytest.param(True, "0", "OK", id="verified"),
        pytest.param(
            False,
            "0",
            "Peer certificate cannot be authenticated with given CA certificates",
            id="unknown-authority",
        ),
        pytest.param(False, "1", "OK", id="not-verified"),
    ],
)
def test_https_is_verified_unless_the_hook_says_otherwise(
    tmp_path: Path,
    authority: trustme.CA,
    https_receiver: Receiver,
    known: bool,
    insecure: str,
    status: str,
) -> None:
    """Against `ca_file`, by name; `insecure_ssl` switches it off."""
    ca_file = tmp_path / "ca.pem"
    (authority if known else trustme.CA()).cert_pem.write_to_path(ca_file)
    with GitHub(tmp_path / "github", ca_file=ca_file) as github:
        github.create_repository("app")
        config = {"url": https_receiver.url(host="localhost"), "insecure_ssl": insecure}
        httpx.post(
            f"{github.base_url}repos/acme/app/hooks",
            json={"config": config},
            headers={"Authorization": f"Bearer {github.token}"},
        )
        github.wait_idle()
        (delivery,) = github.deliveries("app")

    assert status == delivery.status


def test_stopping_breaks_off_what_is_under_way(tmp_path: Path, receiver: Receiver) -> None:
    """Neither a slow receiver nor a long queue keeps the process."""
    receiver.delay = 2.0
    with GitHub(tmp_path) as github:
        github.create_repository("app")
        github.delivery_delay = 60.0
        httpx.post(
            f"{github.base_url}repos/acme/app/hooks",
            json={"config": {"url": receiver.url()}},
            headers={"Authorization": f"Bearer {github.token}"},
        )
        github.delivery_delay = 0.0
        github.send("app")
        assert eventually(lambda: len(receiver.received) == 1)

    assert [] == github.deliveries("app")


def test_many_deliveries_are_each_sent_once(
    github: GitHub,
    repository: Repository,
    api: httpx.Client,
    hooks_path: str,
    receiver: Receiver,
    hook: Any,
) -> None:
    """And each recorded; of the log a page holds a hundred at most."""
    guids = {github.send(repository.name) for _ in range(200)}

    github.wait_idle()
    assert 200 == len(receiver.received)
    assert guids == {r.headers["X-GitHub-Delivery"] for r in receiver.received}
    assert guids <= {delivery.guid for delivery in github.deliveries(repository.name)}
    page = api.get(f"{hooks_path}/{hook['id']}/deliveries", params={"per_page": 1000}).json()
    assert 100 == len(page)

"""The stand-in for pulumi-kubernetes answers as the official plugin was recorded to answer.

Each file of `tests/golden/kubernetes-plugin` is one run of the engine. It is repeated here against
a real API server and notification-controller: the requests are the recorded ones, with what this
run's own answers put in their place, as the engine puts its state there; and each answer is
compared whole, but for what differs from run to run.

Whoever has the official plugin can hold the recording itself against it:
`PULUMI_RESOURCE_KUBERNETES=<path of the plugin> pytest <this file>`.
"""

import contextlib
import copy
import hashlib
import json
import re
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from difflib import unified_diff
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.cluster import Cluster
from tests.sandbox.plugin_process import Answer, PluginProcess

pytestmark = pytest.mark.timeout(180)

RECORDING = Path(__file__).parents[1] / "golden" / "kubernetes-plugin"
# The runs that follow from each other, in their order of time; these sequences are independent.
SEQUENCES = (
    ("08-refused-by-the-api-server", ("up-no-namespace",)),
    ("08-refused-by-the-api-server", ("preview", "up")),
    ("06-never-ready", ("up", "up-again", "up-after-cure", "destroy")),
    ("01-create-explicit-names", ("preview", "up", "up-again", "refresh")),
    ("03-auto-named-secret", ("up", "preview-changed", "up-changed", "destroy")),
    ("04-explicit-secret-changed", ("up", "preview-changed", "up-changed", "destroy")),
    ("05-already-exists", ("up", "up-upsert", "destroy")),
    (
        "07-receiver-updated-in-place",
        ("up", "preview-changed", "up-changed", "refresh-gone", "up-restored", "destroy"),
    ),
    ("09-no-wait", ("up", "destroy")),
    ("10-condition-only", ("up", "destroy")),
    ("11-auto-named-receiver", ("up", "destroy")),
)
FOLLOWED_BY = {"01-create-explicit-names": ("02-next-generation", ("preview", "up", "destroy"))}
SIDE_BY_SIDE = 4
TOKEN = "recorded-token-0123456789abcdef"
ENVIRONMENT = {"05-already-exists.up-upsert": {"PULUMI_K8S_UPSERT_EXISTING_OBJECTS": "true"}}
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"


def steps() -> list[list[str]]:
    """The names of the recorded runs, by sequence."""
    sequences = []
    for scenario, verbs in SEQUENCES:
        names = [f"{scenario}.{verb}" for verb in verbs]
        if scenario in FOLLOWED_BY:
            scenario, verbs = FOLLOWED_BY[scenario]
            names += [f"{scenario}.{verb}" for verb in verbs]
        sequences.append(names)
    return sequences


@pytest.fixture(scope="module")
def replay() -> Iterator[Mapping[str, Future[None]]]:
    """All sequences, some side by side, because the first takes longer than all the others."""
    with (
        Cluster(controllers={"notification-controller": ()}) as cluster,
        contextlib.closing(Outside(cluster)) as outside,
        ThreadPoolExecutor(SIDE_BY_SIDE) as pool,
    ):
        done: dict[str, Future[None]] = {}
        outside.secret("upd")
        outside.secret("nw")
        for names in steps():
            futures = {name: Future[None]() for name in names}
            done |= futures
            pool.submit(_replay_sequence, futures, cluster.kubeconfig, outside)
        yield done


@pytest.mark.parametrize("step", [step for sequence in steps() for step in sequence])
def test_each_recorded_run_gets_the_recorded_answers(
    replay: Mapping[str, Future[None]], step: str
) -> None:
    """Every answer, error and saved partial state is what the official plugin gave."""
    replay[step].result()


def test_nothing_of_the_recording_is_left_out() -> None:
    """Each file of the recording is replayed."""
    recorded = {path.stem for path in RECORDING.glob("*.json")}

    assert recorded == {step for sequence in steps() for step in sequence}


class Outside:
    """What was done by hand between the recorded runs."""

    def __init__(self, cluster: Cluster) -> None:
        self._http = httpx.Client(
            base_url=cluster.server,
            headers={"Authorization": f"Bearer {cluster.token}"},
            verify=ssl.create_default_context(cafile=cluster.ca_file),
            trust_env=False,
        )
        self._log = cluster.logs / "notification-controller.log"

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def before(self, step: str) -> None:
        """Do what was done before this run."""
        by_hand: dict[str, Callable[[], None]] = {
            "05-already-exists.up": lambda: self.applied_secret("there"),
            "06-never-ready.up-after-cure": self.unnoticed_cure,
            "07-receiver-updated-in-place.refresh-gone": lambda: self.delete_receiver("upd"),
        }
        if step in by_hand:
            by_hand[step]()

    def secret(self, name: str) -> None:
        """Make a Secret that a Receiver can use."""
        secret = {"metadata": {"name": name}, "stringData": {"token": TOKEN}}
        url = "/api/v1/namespaces/flux-system/secrets"
        self._http.post(url, json=secret).raise_for_status()

    def unnoticed_cure(self) -> None:
        """Make the Secret that a Receiver misses just after the controller looked for it again.

        It then looks only after another twelve seconds, double the time that the run waits.
        """
        failures = self._failures_of("never")
        _eventually(lambda: self._failures_of("never") > max(failures, 4), "another failure")
        self.secret("no-such-secret")

    def _failures_of(self, receiver: str) -> int:
        lines = self._log.read_text().splitlines()
        return sum("Reconciler error" in line and f'"{receiver}"' in line for line in lines)

    def applied_secret(self, name: str) -> None:
        """Make a Secret that another field manager owns."""
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": "flux-system"},
            "stringData": {"token": TOKEN},
        }
        self._http.patch(
            f"/api/v1/namespaces/flux-system/secrets/{name}",
            params={"fieldManager": "sandbox"},
            content=json.dumps(secret),
            headers={"Content-Type": "application/apply-patch+yaml"},
        ).raise_for_status()

    def delete_receiver(self, name: str) -> None:
        """Delete a Receiver, and wait until its finalizer let it go."""
        url = "/apis/notification.toolkit.fluxcd.io/v1/namespaces/flux-system/receivers/" + name
        self._http.delete(url).raise_for_status()
        _eventually(lambda: self._http.get(url).status_code == 404, f"the end of {name}")


def _eventually(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline, f"still waiting for {what}"
        time.sleep(0.1)


class State:
    """What the engine remembers of each resource, by URN and by the ID it had when recorded."""

    def __init__(self) -> None:
        self._resources: dict[tuple[str, str], dict[str, Any]] = {}
        self._latest: dict[str, str] = {}
        self._checked: dict[str, Any] = {}

    def request(self, method: str, recorded: Mapping[str, Any]) -> dict[str, Any]:
        """Return a recorded request with this run's state in it."""
        request = copy.deepcopy(dict(recorded))
        urn = request.get("urn", "")
        if method in ("Diff", "Update", "Read", "Delete"):
            known = self._resources[urn, request["id"]]
            request["id"] = known["id"]
            outputs = _with_secret_status(
                known["properties"], like=request.get("olds") or request.get("properties") or {}
            )
            if method in ("Diff", "Update"):
                request |= {"olds": outputs, "oldInputs": known["inputs"]}
                request["news"] = self._checked.get(urn, known["inputs"])
            elif method == "Read":
                request |= {"properties": outputs, "inputs": known["inputs"]}
            else:
                request |= {"properties": outputs, "oldInputs": known["inputs"]}
        elif method == "Create":
            request["properties"] = self._checked[urn]
        elif method == "Check" and request["olds"]:
            request["olds"] = self._resources[urn, self._latest[urn]]["inputs"]
        return request

    def learn(
        self,
        method: str,
        *,
        recorded: Mapping[str, Any],
        request: Mapping[str, Any],
        answer: Answer,
    ) -> None:
        """Remember what the engine would after this answer."""
        urn = request.get("urn", "")
        result = answer.saved or answer.response or {}
        recorded_id = (recorded.get("response") or {}).get("id") or recorded["request"].get("id")
        if method == "Check":
            self._checked[urn] = result["inputs"]
        elif method in ("Create", "Update") and not request.get("preview") and result:
            # A failed create has no recorded ID; nothing but the ID itself can be meant then.
            recorded_id = recorded_id or result["id"]
            self._latest[urn] = recorded_id
            self._resources[urn, recorded_id] = {
                "id": result.get("id") or request["id"],
                "properties": result["properties"],
                "inputs": self._checked[urn],
            }
        elif method == "Read" and result.get("id"):
            self._resources[urn, recorded_id] = result

    def next_run(self) -> None:
        """Forget what only one run of the engine knows."""
        self._checked = {}


def _replay_sequence(
    futures: Mapping[str, Future[None]], kubeconfig: Path, outside: Outside
) -> None:
    state = State()
    failed = ""
    for step, future in futures.items():
        try:
            assert not failed, f"not replayed, because {failed} already differed"
            outside.before(step)
            _replay_step(step, state, kubeconfig)
        except BaseException as error:
            failed = failed or step
            future.set_exception(error)
        else:
            future.set_result(None)


def _replay_step(step: str, state: State, kubeconfig: Path) -> None:
    state.next_run()
    with PluginProcess(kubeconfig, environment=ENVIRONMENT.get(step)) as plugin:
        for number, recorded in enumerate(json.loads((RECORDING / f"{step}.json").read_text())):
            method = recorded["method"]
            where = f"{step}[{number}] {method}"
            request = state.request(method, recorded["request"])
            _assert_same(recorded["request"], request, f"the request of {where}")
            started = time.monotonic()
            answer = plugin.ask(method, request)
            took = time.monotonic() - started
            state.learn(method, recorded=recorded, request=request, answer=answer)
            expected = {"response": recorded.get("response")}
            if "errors" in recorded:
                expected = {"error": recorded["errors"][0]}
            given = {"error": answer.error} if answer.error else {"response": answer.response}
            _assert_same(expected, given, where)
            _assert_waited_as_long(recorded["ms"] / 1000, took, where)


def _assert_waited_as_long(recorded: float, took: float, where: str) -> None:
    """A wait ends neither much earlier nor much later; short ones say nothing on a busy machine."""
    shortest = recorded - 0.5 if recorded >= 5 else 0.0

    assert shortest <= took <= recorded + 10, f"{where}: {recorded} s took {took} s"


def _assert_same(expected: Any, given: Any, what: str) -> None:
    recorded, this_run = _text(expected).splitlines(), _text(given).splitlines()
    lines = unified_diff(recorded, this_run, "recorded", "this run", n=4, lineterm="")
    difference = "\n".join(lines)
    assert not difference, f"{what} differs:\n{difference}"


def _text(value: Any) -> str:
    text = json.dumps(comparable(value), indent=1, sort_keys=True)
    # A Receiver's path is made of its token, name and namespace.
    for name in set(re.findall(r"\bautorcv-[0-9a-f]{8}\b", json.dumps(value))):
        digest = hashlib.sha256(f"{TOKEN}{name}flux-system".encode()).hexdigest()
        text = text.replace(f"/hook/{digest}", "/hook/<of the auto-name>")
    return text


def comparable(value: Any) -> Any:
    """Return `value` with placeholders for what differs from run to run, if of the right shape."""
    if isinstance(value, dict):
        replaced: dict[str, Any] = {}
        for key, item in value.items():
            shape = VOLATILE.get(key)
            if shape is not None and isinstance(item, str) and re.fullmatch(shape, item):
                replaced[key] = f"<{key}>"
            elif key == "managedFields" and isinstance(item, list):
                # Ordered by time stamps, which two runs round differently.
                replaced[key] = sorted(map(comparable, item), key=_sorted_json)
            else:
                replaced[key] = comparable(item)
        return replaced
    if isinstance(value, list):
        return [comparable(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str):
        value = re.sub(r"\b(pulumi-kubernetes|auto|autorcv)-[0-9a-f]{8}\b", r"\1-<8 hex>", value)
    return value


def _sorted_json(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
VOLATILE = {
    "creationTimestamp": TIME,
    "lastTransitionTime": TIME,
    "resourceVersion": r"\d+",
    "time": TIME,
    "uid": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
}


def _with_secret_status(properties: Any, *, like: Mapping[str, Any]) -> Any:
    """The engine encrypts what the program named in `additional_secret_outputs`."""
    status = like.get("status")
    if not isinstance(status, dict) or SIGNATURE not in status or "status" not in properties:
        return properties
    return properties | {"status": {SIGNATURE: SECRET, "value": properties["status"]}}

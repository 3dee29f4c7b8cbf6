"""`fluxhooks monitor` as it runs beside a test, and its metrics as Prometheus gets them."""

import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from sandbox.processes import end_group
from tests.app import eventually

SECONDS = 60.0

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


class Watching:
    """The command with its arguments and variables, its metrics, and all that it prints.

    Attributes:
        texts: the pages it served so far.
    """

    def __init__(
        self, *arguments: str, environment: Mapping[str, str], directory: Path | None = None
    ) -> None:
        self.texts: list[str] = []
        rhythm = ("--listen", "127.0.0.1:0", "--every", "1s", "--doctor-every", "2s")
        self.process = subprocess.Popen(
            [str(Path(sys.executable).with_name("fluxhooks")), "monitor", *arguments, *rhythm],
            cwd=directory,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self.process.stderr is not None
        self.first = self.process.stderr.readline()
        found = re.match(r"listening on (\S+:\d+); public URLs are asked every 1s", self.first)
        assert found, self.first
        self.url = f"http://{found[1]}"

    def get(self, path: str) -> httpx.Response:
        """The answer of one of its pages."""
        answer = httpx.get(f"{self.url}{path}", trust_env=False)
        self.texts.append(answer.text)
        return answer

    def scrape(self) -> Samples:
        """All its metrics."""
        return scraped(self.get("/metrics").text)

    def value(self, name: str, **labels: str) -> float | None:
        """The value of the one sample with these labels; None where there is none."""
        return value(self.scrape(), name, **labels)

    def until(self, holds: Callable[[Samples], bool]) -> Samples:
        """The metrics as soon as they hold, or in the end."""
        last: Samples = {}

        def held() -> bool:
            nonlocal last
            last = self.scrape()
            return holds(last)

        assert eventually(held, seconds=SECONDS), last
        return last

    def look(self, kind: str) -> Samples:
        """The metrics after a look that began from now on has ended."""
        ended = self.value("fluxhooks_look_timestamp_seconds", look=kind) or 0.0
        # One may be under way.
        for _ in range(2):
            before = ended
            samples = self.until(
                lambda found, before=before: (
                    (  # type: ignore[misc]
                        value(found, "fluxhooks_look_timestamp_seconds", look=kind) or 0.0
                    )
                    > before
                )
            )
            ended = value(samples, "fluxhooks_look_timestamp_seconds", look=kind) or 0.0
        return samples

    def close(self) -> None:
        """End it, whatever it does."""
        end_group(self.process)
        self.process.communicate()

    def end(self) -> tuple[int, str]:
        """Ask it to end as Kubernetes does, and return its exit code and what it said."""
        self.process.send_signal(signal.SIGTERM)
        _, said = self.process.communicate(timeout=20)
        return self.process.returncode, self.first + said


def scraped(text: str) -> Samples:
    """The samples of a scrape."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float | None:
    """The value of the one sample with these labels; None where there is none."""
    found = [
        number
        for (each, has), number in samples.items()
        if each == name and labels.items() <= dict(has).items()
    ]
    assert len(found) < 2, (name, labels)
    return found[0] if found else None


def labelled(samples: Samples, name: str, label: str) -> set[str]:
    """The values that a label of a metric has."""
    return {dict(has)[label] for each, has in samples if each == name}

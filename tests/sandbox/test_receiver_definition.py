"""The values the unit tests know of the Receiver's definition are those of the running version."""

import json
from pathlib import Path

import yaml

from sandbox.toolchain import crds

_GOLDEN = Path(__file__).parents[1] / "golden/receiver-crd.json"


def test_the_golden_values_are_the_definitions() -> None:
    """Types, kinds and the pattern of intervals, as the API server enforces them."""
    (path,) = [path for path in crds() if path.name.endswith("_receivers.yaml")]
    definition = yaml.safe_load(path.read_text())
    (version,) = [v for v in definition["spec"]["versions"] if v["name"] == "v1"]
    spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    golden = json.loads(_GOLDEN.read_text())

    assert golden["types"] == spec["type"]["enum"]
    assert golden["kinds"] == spec["resources"]["items"]["properties"]["kind"]["enum"]
    assert golden["interval_pattern"] == spec["interval"]["pattern"]

"""What a Receiver may name, and what it should."""

import json
from pathlib import Path

from fluxhooks.flux import targets

_CRD = json.loads((Path(__file__).parents[1] / "golden/receiver-crd.json").read_text())


def test_kinds_are_those_of_the_published_definition() -> None:
    """The API server refuses any other kind."""
    assert sorted(_CRD["kinds"]) == sorted(targets.KINDS)


def test_every_kind_is_told_apart_once() -> None:
    """A kind is a source, an applier or neither."""
    together = [*targets.SOURCES, *targets.APPLIERS, *targets.OTHERS]

    assert sorted(set(together)) == sorted(together)


def test_appliers_are_the_two_that_follow_a_source() -> None:
    """Only these are warned of."""
    assert {"HelmRelease", "Kustomization"} == set(targets.APPLIERS)


def test_api_versions_are_those_of_flux_2_7() -> None:
    """Group and version of each kind, as Flux 2.7 serves them."""
    assert {
        "ArtifactGenerator": "source.extensions.fluxcd.io/v1beta1",
        "Bucket": "source.toolkit.fluxcd.io/v1",
        "ExternalArtifact": "source.toolkit.fluxcd.io/v1",
        "GitRepository": "source.toolkit.fluxcd.io/v1",
        "HelmChart": "source.toolkit.fluxcd.io/v1",
        "HelmRelease": "helm.toolkit.fluxcd.io/v2",
        "HelmRepository": "source.toolkit.fluxcd.io/v1",
        "ImagePolicy": "image.toolkit.fluxcd.io/v1",
        "ImageRepository": "image.toolkit.fluxcd.io/v1",
        "ImageUpdateAutomation": "image.toolkit.fluxcd.io/v1",
        "Kustomization": "kustomize.toolkit.fluxcd.io/v1",
        "OCIRepository": "source.toolkit.fluxcd.io/v1",
    } == targets.KINDS

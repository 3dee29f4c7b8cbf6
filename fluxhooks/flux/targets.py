"""What a Receiver's ``resources`` may name: sources, which it should, and appliers, which not.

Source of kinds and versions: the Receiver CRD's enum (``config/crd/bases``) and
notification-controller ``internal/server/receiver_handlers.go``.
"""

from typing import Final

SOURCE_TOOLKIT = "source.toolkit.fluxcd.io/v1"
IMAGE_TOOLKIT = "image.toolkit.fluxcd.io/v1"

# Kind -> the apiVersion written when none is given. Kinds a controller connects to the outside.
SOURCES: Final = {
    "Bucket": SOURCE_TOOLKIT,
    "GitRepository": SOURCE_TOOLKIT,
    "HelmChart": SOURCE_TOOLKIT,
    "HelmRepository": SOURCE_TOOLKIT,
    "ImageRepository": IMAGE_TOOLKIT,
    "OCIRepository": SOURCE_TOOLKIT,
}

# Reconciled when their source changes, inside the cluster: a webhook to them is at best useless.
APPLIERS: Final = {
    "HelmRelease": "helm.toolkit.fluxcd.io/v2",
    "Kustomization": "kustomize.toolkit.fluxcd.io/v1",
}

# Neither connects to a forge; allowed by the CRD.
OTHERS: Final = {
    "ArtifactGenerator": "source.extensions.fluxcd.io/v1beta1",
    "ExternalArtifact": SOURCE_TOOLKIT,
    "ImagePolicy": IMAGE_TOOLKIT,
    "ImageUpdateAutomation": IMAGE_TOOLKIT,
}

KINDS: Final = {**SOURCES, **APPLIERS, **OTHERS}

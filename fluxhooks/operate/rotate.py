"""One rotation from beginning to end: look, decide, ask, write the configuration, update, verify.

The configuration is written before the update and says from then on what is wanted, so that
whatever stops the run, the same command (and any `pulumi up`) finishes it.
"""

import dataclasses
import datetime
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field
from typing import Any

from fluxhooks.components.overrides import Overrides
from fluxhooks.errors import ObservationError, PulumiError
from fluxhooks.flux.hook_path import host_of
from fluxhooks.flux.labels import stack_label
from fluxhooks.observe import cluster as clusters
from fluxhooks.observe.cluster import ClusterView
from fluxhooks.observe.forges import Forges
from fluxhooks.observe.state import ProviderSettings, StackState
from fluxhooks.operate.plan import Options, Plan, plan, seen
from fluxhooks.operate.stack import PulumiStack, Update
from fluxhooks.operate.verify import Check, verify


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a run planned, did and saw.

    Attributes:
        update: None where none was run.
        corrected: whether a configuration that had fallen behind was written, and nothing else.
        checks: what was verified at the end.
        by_hand: what somebody has to do now.
    """

    stack: str
    plan: Plan
    update: Update | None = None
    corrected: bool = False
    checks: list[Check] = field(default_factory=list)
    by_hand: tuple[str, ...] = ()

    @property
    def verified(self) -> bool:
        """Whether nothing that was looked at is wrong."""
        return all(check.ok is not False for check in self.checks)

    def as_json(self) -> dict[str, Any]:
        """Return it for machines; holds no secret."""
        return {
            "stack": self.stack,
            "done": self.update is not None,
            "corrected": self.corrected,
            "verified": self.verified if self.update else None,
            "moves": [
                {
                    "name": move.name,
                    "action": str(move.action),
                    "from": move.live,
                    "to": move.target,
                    "retained": list(move.retained),
                    "retired": list(move.retired),
                    "reason": move.reason,
                }
                for move in self.plan.moves
            ],
            "skipped": dict(self.plan.skipped),
            "notes": list(self.plan.notes),
            "by_hand": list(self.by_hand),
            "seconds": round(self.update.seconds, 1) if self.update else None,
            "steps": list(self.update.steps) if self.update else [],
            "checks": [
                {"name": check.name, "what": check.what, "ok": check.ok, "seen": check.seen}
                for check in self.checks
            ],
        }


def rotate(
    stack: PulumiStack,
    options: Options,
    *,
    confirm: Callable[[Plan], bool],
    refresh: bool = False,
    connect: Callable[[ProviderSettings], ClusterView] = clusters.connect,
) -> Outcome:
    """Rotate what `options` name.

    Args:
        confirm: is shown the plan and says whether to go on; not asked where nothing is to do.
        refresh: have the state read anew from cluster and forge first.

    Raises:
        RefusedError: it is not safe; nothing was changed.
        SettingError: the environment or the stack's configuration is wrong; the same.
        PulumiError, LockedError: the update failed; the same command finishes it.
        ObservationError: cluster or forge could not be asked.
    """
    reach = Overrides.read().verify
    before = stack.export()
    cluster = connect(before.providers)
    planned = plan(
        before,
        stack.configuration(before.stack),
        options,
        cluster=cluster.uid(),
        now=datetime.datetime.now(datetime.UTC),
    )
    if not planned.moves and not planned.configuration:
        return Outcome(stack=before.stack, plan=planned)
    gone = _gone_at_forge(before, planned, Forges(before.providers))
    planned = dataclasses.replace(planned, notes=(*planned.notes, *gone))
    if not confirm(planned):
        return Outcome(stack=before.stack, plan=planned)
    if planned.configuration:
        stack.configure(planned.configuration)
    if not planned.moves:
        # A run that was killed, or a push that was refused, left an older number in the file.
        return Outcome(stack=before.stack, plan=planned, corrected=True)
    started = datetime.datetime.now(datetime.UTC)
    again = any(move.verifies_again for move in planned.moves)
    try:
        update = stack.up(revoke=planned.revokes, refresh=refresh or again or bool(gone))
    except PulumiError as error:
        raise PulumiError(f"{error}{_not_ready(before, cluster, str(error))}") from None
    after = stack.export()
    moved = {move.name for move in planned.moves}
    try:
        checks = verify(
            before,
            after,
            planned,
            cluster=cluster,
            forges=Forges(after.providers),
            since=repointed_at(after, (move.name for move in planned.moves), update) or started,
            reach=reach,
        )
    except ObservationError:
        _record(stack, planned, moved)
        raise
    _record(stack, planned, {check.name for check in checks if check.ok is False})
    return Outcome(
        stack=before.stack,
        plan=planned,
        update=update,
        checks=checks,
        by_hand=_by_hand(after, planned),
    )


def _record(stack: PulumiStack, planned: Plan, failed: Container[str]) -> None:
    # So that the next run looks again before it rotates anything.
    if values := seen(planned, failed):
        stack.configure(values)


def _not_ready(before: StackState, cluster: ClusterView, complaint: str) -> str:
    # The plugin says that time is up; why, only the controller knows.
    label = stack_label(before.project, before.stack)
    try:
        receivers = cluster.receivers(sorted(before.namespaces))
    except ObservationError:
        return ""
    return "".join(
        f"; Receiver {found.namespace}/{found.name} is not Ready: {found.not_ready}"
        for found in receivers
        if found.stack == label and found.not_ready and found.name not in complaint
    )


def _gone_at_forge(before: StackState, planned: Plan, forges: Forges) -> list[str]:
    # An update of what is gone fails; and a wrong token is better known before anything is done.
    declared = ((move.name, before.receivers[move.name].webhook) for move in planned.moves)
    return [
        f"{name}: the webhook was deleted at the forge; the state is refreshed and it is made anew"
        for name, webhook in declared
        if webhook is not None and forges.of(webhook).webhook(webhook) is None
    ]


def _by_hand(after: StackState, planned: Plan) -> tuple[str, ...]:
    lines: list[str] = []
    for move in planned.moves:
        declared = after.receivers.get(move.name)
        live = declared.generations.get(move.target) if declared else None
        if not move.by_hand or declared is None or live is None:
            continue
        kubectl = f"kubectl -n {live.namespace} get"
        lines += [
            f"{move.name}: give its sender the URL https://{host_of(declared.finished_url)} and "
            f"this path{', and the token' if declared.has_token else ''}:",
            f"  {kubectl} receiver {live.receiver} -o jsonpath='{{.status.webhookPath}}'",
        ]
        if declared.has_token:
            lines.append(
                f"  {kubectl} secret {live.secret} -o jsonpath='{{.data.token}}' | base64 -d"
            )
        lines.append(
            f"  or, with what to paste where: fluxhooks instructions {after.stack} {move.name} "
            "--show-secrets"
        )
        if move.retained:
            lines.append(f"  then: fluxhooks rotate {after.stack} {move.name} --finish")
    return tuple(lines)


def repointed_at(
    after: StackState, names: Iterable[str], update: Update
) -> datetime.datetime | None:
    """Return when the last webhook of these components was written; None where none was."""
    webhooks = [after.receivers[name].webhook for name in names if name in after.receivers]
    times = [update.updated_at[w.urn] for w in webhooks if w and w.urn in update.updated_at]
    return datetime.datetime.fromtimestamp(max(times), datetime.UTC) if times else None

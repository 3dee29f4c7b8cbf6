"""The policy pack: the rules as Pulumi calls them, before each resource and after the last."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyConfigSchema,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

from fluxhooks.policy import rules

NAME: Final = "fluxhooks"


def main() -> None:
    """Serve the pack to the engine that started this."""
    PolicyPack(NAME, policies(), enforcement_level=EnforcementLevel.MANDATORY)


def policies() -> list[Policy]:
    """Return the policies; what only costs is advice, everything else must be kept to."""
    return [
        ResourceValidationPolicy(
            name="receivers-target-sources",
            description="Receivers target sources, which ask the outside, and not what follows "
            "them.",
            validate=_each(rules.receivers_target_sources),
        ),
        ResourceValidationPolicy(
            name="no-generic-on-a-public-host",
            description="Receivers that anybody can call believe nobody without a proof.",
            config_schema=PolicyConfigSchema(
                properties={
                    "privateHost": {
                        "type": "boolean",
                        "default": False,
                        "description": "Whether nobody outside can reach the host of this "
                        "cluster's Receivers, so that they may be generic.",
                    }
                }
            ),
            validate=_no_generic,
        ),
        ResourceValidationPolicy(
            name="webhook-urls-are-https",
            description="Webhooks call Flux by https, and know whom they call.",
            validate=_each(rules.webhook_urls_are_https),
        ),
        ResourceValidationPolicy(
            name="webhooks-have-a-secret",
            description="Webhooks that call Flux have a secret.",
            validate=_each(rules.webhooks_have_a_secret),
        ),
        StackValidationPolicy(
            name="intervals-fit",
            description="Sources ask as often as is worth it beside a webhook, or without one.",
            enforcement_level=EnforcementLevel.ADVISORY,
            validate=_intervals,
        ),
    ]


def _each(
    rule: Callable[[str, Mapping[str, Any]], list[str]],
) -> Callable[[ResourceValidationArgs, ReportViolation], None]:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        for text in rule(args.resource_type, _values(args.props)):
            report(f"{args.name}: {text}.", None)

    return validate


def _no_generic(args: ResourceValidationArgs, report: ReportViolation) -> None:
    private = args.get_config().get("privateHost") is True
    properties = _values(args.props)
    for text in rules.no_generic_on_a_public_host(
        args.resource_type, properties, private_host=private
    ):
        report(
            f"{args.name}: {text}. Where nobody outside can reach the host, configure this policy "
            'with {"privateHost": true}.',
            None,
        )


def _intervals(args: StackValidationArgs, report: ReportViolation) -> None:
    declared = {
        found.urn: rules.Declared(
            type=found.resource_type, name=found.name, properties=_values(found.props)
        )
        for found in args.resources
    }
    urns = {id(each): urn for urn, each in declared.items()}
    for each, text in rules.intervals_fit(declared.values()):
        report(f"{each.name}: {text}.", urns[id(each)])


def _values(value: Any) -> Any:
    """Return plain values of what Pulumi hands over, which raises where one is unknown."""
    if isinstance(value, Mapping):
        return {key: _value(value, key) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_value(value, index) for index in range(len(value))]
    return value


def _value(container: Any, key: Any) -> Any:
    try:
        return _values(container[key])
    except UnknownValueError:
        return rules.UNKNOWN

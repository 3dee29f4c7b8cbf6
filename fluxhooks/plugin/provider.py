"""How the arguments of another language become those of a component, and its errors theirs."""

import re
from collections.abc import Mapping
from typing import Any, Final

import pulumi
from pulumi.provider import ConstructResult
from pulumi.provider.experimental.analyzer import (
    ComponentDefinition,
    PropertyDefinition,
    PropertyType,
)
from pulumi.provider.experimental.component import ComponentProvider
from pulumi.provider.server import ComponentInitError

from fluxhooks.errors import FluxhooksError
from fluxhooks.plugin.components import COMPONENTS
from fluxhooks.plugin.dynamic import check_python

NAME: Final = "fluxhooks"


class Provider(ComponentProvider):
    """Pulumi's provider of components, but for what it does to arguments.

    It drops those that it does not know, makes nothing of what is in an Output, and hands over
    whole numbers as 6.0. The checks of the components are to see what the program says.
    """

    def __init__(self, version: str) -> None:
        super().__init__(list(COMPONENTS), NAME, version=version)

    def construct(
        self,
        name: str,
        resource_type: str,
        inputs: Mapping[str, pulumi.Input[Any]],
        options: pulumi.ResourceOptions | None = None,
    ) -> ConstructResult:
        """Declare a component.

        Raises:
            FluxhooksError: the component's own, which Pulumi's provider would show as a traceback;
                or of a dynamic resource, that it could not be made.
        """
        if "gitea" in inputs:
            check_python("gitea")
        try:
            return super().construct(name, resource_type, inputs, options)
        except ComponentInitError as error:
            if isinstance(error.inner, FluxhooksError):
                raise error.inner from None
            raise

    def map_inputs(
        self, inputs: Mapping[str, pulumi.Input[Any]], component_def: ComponentDefinition
    ) -> dict[str, Any]:
        """Return a component's arguments under Python's names."""
        return self._mapped_keys(inputs, component_def.inputs, component_def.inputs_mapping)

    def _mapped_keys(
        self,
        values: Mapping[str, Any],
        properties: Mapping[str, PropertyDefinition],
        names: Mapping[str, str],
    ) -> dict[str, Any]:
        return {
            names.get(key, key): self._mapped(value, properties[key])
            if key in properties
            else value
            for key, value in values.items()
        }

    def _mapped(self, value: Any, is_a: PropertyDefinition) -> Any:
        if isinstance(value, pulumi.Output):
            return value.apply(lambda known: self._mapped(known, is_a))
        if isinstance(value, Mapping):
            if is_a.ref and (type_ := self.get_type_definition(is_a)):
                return self._mapped_keys(value, type_.properties, type_.properties_mapping)
            if (each := is_a.additional_properties) is not None:
                return {key: self._mapped(item, each) for key, item in value.items()}
        if isinstance(value, list) and is_a.items is not None:
            return [self._mapped(item, is_a.items) for item in value]
        if isinstance(value, float) and value.is_integer() and is_a.type is PropertyType.INTEGER:
            return int(value)
        return value

    def in_their_spelling(self, text: str) -> str:
        """Return a text with the names of arguments as other languages have them."""
        definitions = [*self._component_defs.values()]
        spelled = {
            python: schema
            for names in (
                *(found.inputs_mapping for found in definitions),
                *(found.properties_mapping for found in self._type_defs.values()),
            )
            for schema, python in names.items()
        }
        return re.sub(r"\b[a-z]+(?:_[a-z]+)+\b", lambda m: spelled.get(m[0], m[0]), text)

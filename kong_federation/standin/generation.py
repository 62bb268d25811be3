"""One configuration in use: it is replaced whole when the file changes, and requests under way keep theirs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kong_federation.errors import FederationError, FederationErrors
from kong_federation.errors.codes import CONFIGURATION_INVALID
from kong_federation.standin.entities import Configuration, Plugin
from kong_federation.standin.exchange import Exchange
from kong_federation.standin.router import Router


@dataclass(frozen=True, slots=True)
class Generation:
    """
    A configuration, ready to be asked.

    Args:
        plugins: By name and the ids of route, service and consumer (empty: not limited).
        numbers: By plugin id: `__seq__`, by which Kong sees that an instance is outdated.
    """

    configuration: Configuration
    router: Router
    plugins: Mapping[tuple[str, str, str, str], Plugin]
    numbers: Mapping[str, int]

    def plugin(self, name: str, exchange: Exchange) -> Plugin | None:
        """
        The configuration of a plugin that applies to a request, the most specific one.

        Args:
            name: The plugin's.
            exchange: Its consumer counts only from the moment on at which an earlier plugin found it.
        """
        route = exchange.match.route.id
        service = exchange.service.id if exchange.service else ""
        consumer = exchange.consumer.id if exchange.consumer else ""
        scopes = (
            (route, service, consumer),
            (route, "", consumer),
            ("", service, consumer),
            (route, service, ""),
            ("", "", consumer),
            (route, "", ""),
            ("", service, ""),
            ("", "", ""),
        )
        return next((self.plugins[name, *scope] for scope in scopes if (name, *scope) in self.plugins), None)


def put_to_use(configuration: Configuration, before: int) -> Generation:
    """
    Make a configuration ready.

    Args:
        configuration: Checked and complete.
        before: The highest number of the configuration it replaces. All plugins get higher ones, changed or not:
            Kong rebuilds its list of plugins as a whole, so that every instance is started again.

    Raises:
        FederationErrors: CONFIGURATION_INVALID: a route's regular expression is malformed.
    """
    try:
        router = Router(configuration.routes)
    except ValueError as error:
        raise FederationErrors([FederationError(CONFIGURATION_INVALID, str(error))]) from error
    plugins = {(plugin.name, plugin.route, plugin.service, plugin.consumer): plugin for plugin in configuration.plugins}
    numbers = {plugin.id: before + place for place, plugin in enumerate(configuration.plugins, 1)}
    return Generation(configuration, router, plugins, numbers)

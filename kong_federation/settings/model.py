"""
The plugin's configuration, typed.

This is the one definition: `parse_settings` reads a configuration by it, Kong's schema, the JSON Schema and
`docs/configuration.md` are made from it (`make generated`). There is no field here that does nothing. Names and units
follow Kong's own plugins: timeouts are whole milliseconds, lifetimes of what is stored whole seconds, sizes bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from kong_federation.limits import Limits
from kong_federation.settings.checks import Check, OnlyOneOf
from kong_federation.settings.headers import HEADER_NAME, HEADER_NAME_ERROR, HeaderSettings

_DAY = 86_400_000
_MOST = 2**31 - 2


@dataclass(frozen=True, slots=True)
class SupergraphSettings:
    """Where the supergraph comes from; exactly one of `sdl` and `path`."""

    CHECKS: ClassVar[tuple[Check, ...]] = (OnlyOneOf(("sdl", "path")),)

    sdl: str | None = field(
        default=None,
        metadata={
            "about": "The supergraph itself, as composed.",
            "len_max": 16_777_216,
            "referenceable": True,
        },
    )
    path: str | None = field(
        default=None,
        metadata={
            "about": "A file on the Kong node that holds the supergraph; it may be replaced at any time. Best an "
            "absolute path: others are relative to where the plugin server was started.",
            "len_max": 4_096,
        },
    )
    poll_interval: int = field(
        default=10_000,
        metadata={
            "about": "How often the file is looked at; 0: only at the start, and when the plugin server gets SIGHUP.",
            "unit": "milliseconds",
            "between": (0, _DAY),
        },
    )


@dataclass(frozen=True, slots=True)
class SubgraphDefaults:
    """What holds for every subgraph that does not say otherwise."""

    connect_timeout: int = field(
        default=5_000,
        metadata={
            "about": "Time in which a connection to a subgraph must be made.",
            "unit": "milliseconds",
            "between": (1, 55_000),
        },
    )
    read_timeout: int = field(
        default=30_000,
        metadata={
            "about": "Time in which a subgraph's whole answer must have arrived, connecting included.",
            "unit": "milliseconds",
            "between": (1, 55_000),
        },
    )
    deduplicate: bool = field(
        default=True,
        metadata={
            "about": "Whether identical queries to a subgraph share one request while it is under way. Identical means "
            "URL, body and all headers but those of traces and request ids. Mutations are never shared, and what was "
            "asked before one of them ended is not shared afterwards.",
        },
    )
    max_batch_entities: int = field(
        default=10_000,
        metadata={
            "about": "How many entities one request to a subgraph asks for at most; more are asked for in several "
            "requests at the same time.",
            "unit": "entities",
            "between": (1, _MOST),
        },
    )
    headers: HeaderSettings = field(
        default_factory=HeaderSettings, metadata={"about": "Which headers travel between clients and subgraphs."}
    )


@dataclass(frozen=True, slots=True)
class SubgraphSettings:
    """What holds for one subgraph."""

    name: str = field(metadata={"about": "The subgraph's name, as in the supergraph.", "len_max": 256})
    url: str | None = field(
        default=None,
        metadata={
            "about": "Where the subgraph is; absent: the address in the supergraph.",
            "match": "^https?://",
            "err": "must be an http or https URL",
            "len_max": 4_096,
            "referenceable": True,
        },
    )
    connect_timeout: int | None = field(
        default=None,
        metadata={
            "about": "As in `subgraph_defaults`; absent: the default.",
            "unit": "milliseconds",
            "between": (1, 55_000),
        },
    )
    read_timeout: int | None = field(
        default=None,
        metadata={
            "about": "As in `subgraph_defaults`; absent: the default.",
            "unit": "milliseconds",
            "between": (1, 55_000),
        },
    )
    upstream: str | None = field(
        default=None,
        metadata={
            "about": "Name of the upstream of Kong's that knows its addresses, for operations that are passed through; "
            "absent: those go to the host of its URL.",
            "len_max": 256,
        },
    )
    deduplicate: bool | None = field(
        default=None, metadata={"about": "As in `subgraph_defaults`; absent: the default."}
    )
    max_batch_entities: int | None = field(
        default=None,
        metadata={
            "about": "As in `subgraph_defaults`; absent: the default.",
            "unit": "entities",
            "between": (1, _MOST),
        },
    )
    headers: HeaderSettings = field(
        default_factory=HeaderSettings, metadata={"about": "Rules that hold in addition to those of the defaults."}
    )


@dataclass(frozen=True, slots=True)
class OperationSettings:
    """Which operations are run."""

    introspection: bool = field(
        default=False, metadata={"about": "Whether `__schema` and `__type` are answered. They show the whole schema."}
    )
    get: bool = field(default=True, metadata={"about": "Whether queries may be sent with GET."})
    mutations: bool = field(default=True, metadata={"about": "Whether mutations are run."})
    deduplicate: bool = field(
        default=False,
        metadata={
            "about": "Whether identical queries of clients share one execution while it is under way. Identical means "
            "document, variables, who asks, and all headers but those of traces, request ids and the message itself. "
            "Mutations are never shared, and what was asked before one of them ended is not shared afterwards."
        },
    )


@dataclass(frozen=True, slots=True)
class OverrideLabelSettings:
    """When one label of a progressive `@override` is on; any one of the reasons is enough."""

    label: str = field(
        metadata={
            "about": "The label, as in the supergraph. A label `percent(N)` is on for that share of clients without "
            "being named here.",
            "len_max": 256,
        }
    )
    enabled: bool = field(default=False, metadata={"about": "Whether it is on for every request."})
    percent: float | None = field(
        default=None,
        metadata={
            "about": "The share of clients it is on for; absent: what a label `percent(N)` says, otherwise none.",
            "unit": "percent",
            "between": (0, 100),
        },
    )
    header: str | None = field(
        default=None,
        metadata={
            "about": "A request header that switches it on, whatever the share, by any value but an empty one, `0`, "
            "`false`, `no` and `off`. Whoever may send it chooses for themselves.",
            "match": HEADER_NAME,
            "err": HEADER_NAME_ERROR,
        },
    )
    consumer_groups: tuple[str, ...] = field(
        default=(),
        metadata={
            "about": "Groups for whose members it is on, whatever the share; `identity.groups` says where groups are "
            "told.",
        },
    )


@dataclass(frozen=True, slots=True)
class ClaimSettings:
    """
    Where a plugin on the route tells something about who asks; what several places tell is put together.

    Only name what a plugin sets on every route of this configuration.
    """

    ctx_key: str | None = field(
        default=None,
        metadata={
            "about": "A member of `kong.ctx.shared` that another plugin sets: a list of texts, or one text.",
            "len_max": 256,
        },
    )
    jwt_claim: str | None = field(
        default=None,
        metadata={
            "about": "A claim of the token that Kong's `jwt` plugin has verified: a list of texts, or one text.",
            "len_max": 256,
        },
    )
    header: str | None = field(
        default=None,
        metadata={
            "about": "A request header, such as `X-Consumer-Groups` behind Kong's `acl` or `X-Authenticated-Scope` "
            "behind its `oauth2`. It is read only of a client that has authenticated. A client can send it "
            "too: name it only where a plugin always sets it.",
            "match": HEADER_NAME,
            "err": HEADER_NAME_ERROR,
        },
    )


@dataclass(frozen=True, slots=True)
class IdentitySettings:
    """
    What is known of who asks, beside Kong's consumer and credential.

    Kong is asked only if something depends on it: a header rule with `value_from`, an override label with
    `consumer_groups`.
    """

    groups: ClaimSettings = field(
        default_factory=ClaimSettings, metadata={"about": "Where the groups of who asks are told."}
    )
    scopes: ClaimSettings = field(
        default_factory=ClaimSettings, metadata={"about": "Where the scopes that were granted are told."}
    )


@dataclass(frozen=True, slots=True)
class TelemetrySettings:
    """What is told to other plugins, in one write with the answer; each of the two is one call more for Kong."""

    log_serializer: bool = field(
        default=True,
        metadata={
            "about": "Whether facts about the operation are part of what Kong's log plugins write, under `graphql`.",
        },
    )
    shared_context: bool = field(
        default=True,
        metadata={"about": "Whether the same facts are put into `kong.ctx.shared.graphql` for other plugins."},
    )


@dataclass(frozen=True, slots=True)
class PlanStoreSettings:
    """
    Plans on the node's disk: shared by all workers, and there after a restart.

    The texts of operations are part of it. Only the user that runs the plugin server can read it.
    """

    enabled: bool = field(default=True, metadata={"about": "Whether plans are kept on the disk."})
    path: str | None = field(
        default=None,
        metadata={
            "about": "A directory on the Kong node, made if it is missing, that belongs to the plugin server's user "
            "alone; absent: `plans` in the plugin server's runtime directory. On a disk of the node: other nodes "
            "cannot share it.",
            "len_max": 4_096,
        },
    )
    max_bytes: int = field(
        default=268_435_456,
        metadata={
            "about": "Size of the file on the disk; what is used least is given up first. A log of a few megabytes may "
            "stand beside it. Graphs that share a directory share the file, and the smallest size that one of them "
            "is given.",
            "unit": "bytes",
            "between": (1_048_576, 2**40),
        },
    )


@dataclass(frozen=True, slots=True)
class WarmupSettings:
    """
    Planning what is used most before clients ask for it.

    It goes on beside live requests: one operation after the other, planned by one process of low priority.
    """

    on_start: bool = field(
        default=True,
        metadata={
            "about": "Whether a worker that starts fetches the plans of the most used operations from the store, in "
            "the background."
        },
    )
    on_reload: bool = field(
        default=True,
        metadata={
            "about": "Whether the most used operations are planned for another supergraph before it is taken; the one "
            "before serves meanwhile."
        },
    )
    max_operations: int = field(
        default=1_000,
        metadata={"about": "Most operations that are warmed, per worker.", "unit": "operations", "between": (0, _MOST)},
    )
    items_per_second: int = field(
        default=50,
        metadata={
            "about": "Most operations that a worker warms in a second.",
            "unit": "operations",
            "between": (1, 10_000),
        },
    )
    timeout: int = field(
        default=30_000,
        metadata={
            "about": "Time after which warming ends, whatever is left; so much later another supergraph is taken at "
            "the latest.",
            "unit": "milliseconds",
            "between": (0, 600_000),
        },
    )


@dataclass(frozen=True, slots=True)
class PlanningSettings:
    """What planning may cost."""

    cache_max_bytes: int = field(
        default=134_217_728,
        metadata={
            "about": "Memory that plans may hold, per worker process and graph (estimated).",
            "unit": "bytes",
            "between": (0, 2**40),
        },
    )
    cache_max_entries: int = field(
        default=4_096,
        metadata={
            "about": "Most plans that are held, per worker process and graph.",
            "unit": "plans",
            "between": (0, _MOST),
        },
    )
    timeout: int = field(
        default=2_000,
        metadata={
            "about": "Time in which one operation must be parsed, validated and planned.",
            "unit": "milliseconds",
            "between": (1, 55_000),
        },
    )
    store: PlanStoreSettings = field(
        default_factory=PlanStoreSettings, metadata={"about": "How plans are kept on the disk."}
    )
    warmup: WarmupSettings = field(
        default_factory=WarmupSettings, metadata={"about": "Which operations are planned ahead."}
    )


@dataclass(frozen=True, slots=True)
class PassthroughSettings:
    """
    Whether nginx asks a subgraph that answers an operation whole, and passes its answer on.

    The route needs a service; without one, everything is answered by the plugin.
    """

    enabled: bool = field(
        default=False,
        metadata={
            "about": "Whether it is done. Subgraphs' errors cannot be masked then, so `security.mask_errors` must be "
            "false.",
        },
    )
    min_response_size: int = field(
        default=0,
        metadata={
            "about": "Only operations whose answers have been at least so large are passed through; 0: all that can "
            "be. Small answers cost less CPU when the plugin answers, from about 32768 on it is the other way round.",
            "unit": "bytes",
            "between": (0, _MOST),
        },
    )


@dataclass(frozen=True, slots=True)
class SecuritySettings:
    """What is refused and what is hidden."""

    csrf: bool = field(
        default=True,
        metadata={
            "about": "Whether requests that a browser sends for a foreign page without asking first (no preflight) are "
            "refused.",
        },
    )
    csrf_headers: tuple[str, ...] = field(
        default=("x-apollo-operation-name", "apollo-require-preflight"),
        metadata={
            "about": "Any of these headers, not empty, shows that the browser asked first.",
            "match": HEADER_NAME,
            "err": HEADER_NAME_ERROR,
        },
    )
    mask_errors: bool = field(
        default=True, metadata={"about": "Whether texts and extensions of subgraphs' errors are kept from clients."}
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole configuration of one plugin instance."""

    supergraph: SupergraphSettings = field(metadata={"about": "Where the supergraph comes from."})
    subgraph_defaults: SubgraphDefaults = field(
        default_factory=SubgraphDefaults, metadata={"about": "What holds for every subgraph."}
    )
    subgraphs: tuple[SubgraphSettings, ...] = field(
        default=(), metadata={"about": "What holds for single subgraphs; those that are not named have the defaults."}
    )
    operations: OperationSettings = field(
        default_factory=OperationSettings, metadata={"about": "Which operations are run."}
    )
    override_labels: tuple[OverrideLabelSettings, ...] = field(
        default=(),
        metadata={
            "about": "When labels of progressive `@override`s are on. Those that are not named are off, but for "
            "`percent(N)`."
        },
    )
    override_stickiness: str = field(
        default="consumer",
        metadata={
            "about": "By what a client is known, so that it stays on its side of a share. `consumer`: what Kong's "
            "authentication plugins say in headers (X-Consumer-Id, X-Consumer-Custom-Id, X-Credential-Identifier), "
            "without them as `client`. `client`: the first address of X-Forwarded-For, or X-Real-IP, without them as "
            "`none`. `none`: each request is a new client.",
            "one_of": ("consumer", "client", "none"),
        },
    )
    identity: IdentitySettings = field(
        default_factory=IdentitySettings, metadata={"about": "What is known of who asks."}
    )
    limits: Limits = field(default_factory=Limits, metadata={"about": "What one request may spend."})
    planning: PlanningSettings = field(
        default_factory=PlanningSettings, metadata={"about": "What planning may cost, and how plans are kept."}
    )
    passthrough: PassthroughSettings = field(
        default_factory=PassthroughSettings,
        metadata={"about": "Which operations are left to nginx."},
    )
    security: SecuritySettings = field(
        default_factory=SecuritySettings, metadata={"about": "What is refused and what is hidden."}
    )
    telemetry: TelemetrySettings = field(
        default_factory=TelemetrySettings, metadata={"about": "What is told to other plugins."}
    )

"""
Who has what in a supergraph that is being made: keys, and types wherever fields lead to them.

A subgraph that mentions an entity gets at least a stub of it, with one of its keys.
"""

from __future__ import annotations

from random import Random

from spec.fuzz.draft import Draft, FieldDraft, TypeDraft

LEAVES = ("Int", "Float", "String", "Boolean", "ID", "Color", "Text")
_ARGUMENTS = ("n: Int", "m: Int = 3", "s: String", "c: Color = RED", "w: Filter", "ids: [ID!]", "b: Boolean! = false")
_WRAPPED = ("%s", "%s", "%s!", "[%s]", "[%s!]!", "[%s!]", "[[%s]!]")


class Presence:
    """
    A supergraph that is being made.

    Args:
        random: Where chance comes from.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        graphs = tuple("ABCDE"[: random.randint(2, 5)])
        self.draft = Draft(graphs)
        self._types = self.draft.types
        self._entities: list[str] = []
        self._hosts: tuple[str, ...] = ()
        self._behind: dict[str, list[str]] = {}
        # Interface -> the interface that it implements.
        self._above: dict[str, str] = {}
        self._skipped: dict[tuple[str, str], bool] = {}
        self._number = 0

    def _new_key(self, owner: str) -> str:
        """A key that may be new; its fields are made when it is given to a subgraph."""
        choices = [
            "id",
            "id",
            "id",
            "code",
            "x y",
            "ref { id }",
            "id code",
            "tags",
            "refs { id }",
            "pair { ref { id } }",
        ]
        if self._entities:
            choices.append("owner { id }")
        return self._random.choice(choices)

    def _give_key(self, name: str, graph: str, key: str, *, resolvable: bool) -> None:
        draft = self._types[name]
        keys = draft.graphs.setdefault(graph, {})
        keys[key] = keys.get(key, False) or resolvable
        simple = {"id": "ID!", "code": "String!", "x": "Int!", "y": "Color!", "tags": "[String!]!"}
        nested = {"ref": f"Ref{name}!", "refs": f"[Ref{name}!]!", "pair": f"RefPair{name}!"}
        for word in key.replace("{ id }", "").replace("{ ref  }", "").split():
            kind = {**simple, **nested}.get(word)
            if word == "owner":
                known = draft.fields.get("owner")
                other = known.type.rstrip("!") if known else self._random.choice(self._ided())
                self._give_key(other, graph, "id", resolvable=any(self._types[other].graphs.get(graph, {}).values()))
                kind = f"{other}!"
            elif word in nested:
                reference = self._types.setdefault(f"Ref{name}", TypeDraft("type"))
                reference.graphs[graph] = {}
                for inner, inner_kind in (("id", "ID!"), ("note", "String")):
                    reference.fields.setdefault(inner, FieldDraft(inner_kind)).joins[graph] = {}
            if word == "pair":
                pair = self._types.setdefault(f"RefPair{name}", TypeDraft("type"))
                pair.graphs[graph] = {}
                pair.fields.setdefault("ref", FieldDraft(f"Ref{name}!")).joins[graph] = {}
            assert kind is not None
            field = draft.fields.setdefault(word, FieldDraft(kind))
            field.joins[graph] = {}

    def _ided(self) -> list[str]:
        """Entities that can be told by their id; the first is made so if there is none."""
        found = [name for name in self._entities if any(keys.get("id") for keys in self._types[name].graphs.values())]
        if not found:
            name = self._entities[0]
            graph = next(iter(self._types[name].graphs))
            self._give_key(name, graph, "id", resolvable=True)
            found = [name]
        return found

    # --- presence -------------------------------------------------------------------------------------------------

    def _present(self, name: str, graph: str) -> None:
        """Make sure that a subgraph has a type, an entity at least as a stub."""
        draft = self._types[name]
        if graph in draft.graphs:
            return
        if any(draft.graphs.values()):
            keys = [key for known in draft.graphs.values() for key, resolvable in known.items() if resolvable]
            self._give_key(name, graph, self._random.choice(sorted(keys)), resolvable=False)
        else:
            draft.graphs[graph] = {}

    def _close(self) -> None:
        """Give every subgraph all types that its fields lead to, until nothing is missing."""
        before = ""
        while (text := self.draft.sdl()) != before:
            before = text
            for name, draft in list(self._types.items()):
                if draft.kind == "type":
                    self._close_object(name, draft)
                elif draft.kind == "interface" and name != "N0":
                    self._close_interface(name, draft)
                elif draft.kind == "union":
                    self._close_union(name, draft)

    def _drop_unused(self) -> None:
        """Leave out types that no subgraph has, and fields of interfaces that none has."""
        for name, draft in list(self._types.items()):
            if not draft.graphs:
                del self._types[name]
            elif draft.kind == "interface":
                draft.fields = {key: field for key, field in draft.fields.items() if field.joins}
        for below, above in self._above.items():
            if above in self._types and below in self._types:
                known = self._types[below].fields
                fields = self._types[above].fields
                self._types[above].fields = {key: field for key, field in fields.items() if key in known}

    def _close_object(self, name: str, draft: TypeDraft) -> None:
        for graph in list(draft.graphs):
            for field_name, field in draft.fields.items():
                if name[0] in "VR" or field_name == "tag":
                    field.joins.setdefault(graph, {})
                kind = field.type.strip("[]!")
                if graph in field.joins and kind not in LEAVES:
                    self._present(kind, graph)

    def _close_interface(self, name: str, draft: TypeDraft) -> None:
        """Say who implements an interface in a subgraph, and which of its fields all of those have there."""
        for graph in list(draft.graphs):
            if name in self._above:
                self._present(self._above[name], graph)
                draft.implements[graph] = {self._above[name]}
            here = self._members(name, graph)
            for member in here:
                self._types[member].implements.setdefault(graph, set()).add(name)
            for field_name, field in draft.fields.items():
                if all(graph in self._types[member].fields[field_name].joins for member in here):
                    field.joins.setdefault(graph, {})
                    kind = field.type.strip("[]!")
                    if kind not in LEAVES:
                        self._present(kind, graph)
                else:
                    field.joins.pop(graph, None)

    def _close_union(self, name: str, draft: TypeDraft) -> None:
        for graph in draft.graphs:
            draft.members[graph] = set(self._members(name, graph))

    def _members(self, name: str, graph: str) -> list[str]:
        """The types behind an abstract type in a subgraph: the first everywhere, most others that are there too."""
        first, *others = self._behind[name]
        self._present(first, graph)
        found = [first]
        for other in others:
            skipped = self._skipped.setdefault((other, graph), self._random.random() < 0.2)
            if graph in self._types[other].graphs and not skipped:
                found.append(other)
        return found

    # --- chance ---------------------------------------------------------------------------------------------------

    def _resolving(self, name: str) -> list[str]:
        """Subgraphs that can be entered for an entity."""
        return [graph for graph, keys in self._types[name].graphs.items() if any(keys.values())]

    def _owners(self, name: str) -> list[str]:
        resolving = self._resolving(name)
        count = 1 if self._random.random() < 0.7 else self._random.randint(1, len(resolving))
        return self._random.sample(resolving, count)

    def _target(self, targets: list[str], graphs: list[str]) -> str:
        """A type that all of some subgraphs can have."""
        fitting = [name for name in targets if all(self._can_be(name, graph) for graph in graphs)]
        return self._random.choice(fitting or LEAVES)

    def _can_be(self, name: str, graph: str) -> bool:
        """Whether a subgraph may have a type: not an interface as an object and a type that implements it."""
        interface = self._types.get("N0")
        if interface is None:
            return True
        return graph in interface.graphs if name == "N0" else name not in self._hosts or graph not in interface.objects

    def _wrap(self, kind: str) -> str:
        return self._random.choice(_WRAPPED) % kind

    def _arguments(self) -> str:
        if self._random.random() < 0.75:
            return ""
        return f"({', '.join(self._random.sample(_ARGUMENTS, self._random.randint(1, 2)))})"

    def _argument(self, arguments: str) -> str:
        """A value for one of some arguments, without variables."""
        name = arguments.strip("()").split(":")[0]
        values = {"n": "7", "m": "8", "s": '\\"x\\"', "c": "BLUE", "w": "{ n: 5 }", "ids": "[1]", "b": "true"}
        return f"{name}: {values[name]}"

    def _some_graphs(self, least: int = 1) -> list[str]:
        graphs = list(self.draft.graphs)
        return self._random.sample(graphs, self._random.randint(least, len(graphs)))

"""
Random supergraphs, composed by construction: whatever comes out, every field can be reached.

Why: the subgraphs of an entity are joined by keys into a tree, each edge a key that both ends have and resolve, so from
one the others can be entered, in as many hops as it takes. Whoever else mentions the entity gets a stub with one of its
keys. Types without keys have all their fields wherever they are, except split ones, which stand below one field that
all of their subgraphs resolve. What `@requires` asks for is made before what requires it.
"""

from __future__ import annotations

from random import Random

from spec.fuzz.draft import Draft, FieldDraft, TypeDraft

_LEAVES = ("Int", "Float", "String", "Boolean", "ID", "Color", "Text")
_ARGUMENTS = ("n: Int", "m: Int = 3", "s: String", "c: Color = RED", "w: Filter", "ids: [ID!]", "b: Boolean! = false")
_WRAPPED = ("%s", "%s", "%s!", "[%s]", "[%s!]!", "[%s!]", "[[%s]!]")


class GraphMaker:
    """
    Makes one supergraph.

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
        self._skipped: dict[tuple[str, str], bool] = {}
        self._number = 0

    def make(self) -> Draft:
        """A supergraph."""
        random = self._random
        self._everywhere("Color", TypeDraft("enum", values=("RED", "GREEN", "BLUE")))
        self._everywhere("Text", TypeDraft("scalar"))
        inputs = {name: FieldDraft(kind) for name, kind in (("n", "Int = 2"), ("c", "Color"), ("deep", "Filter"))}
        self._everywhere("Filter", TypeDraft("input", fields=inputs))
        self._types["Query"] = TypeDraft("type", {graph: {} for graph in self.draft.graphs})
        for index in range(random.randint(1, 4)):
            self._entity(f"E{index}")
        values = [f"V{index}" for index in range(random.randint(0, 2))]
        for name in values:
            self._value_type(name)
        objects = [*self._entities, *values]
        abstract: list[str] = []
        if len(objects) > 1 and random.random() < 0.7:
            abstract.append("I0")
            self._interface("I0", random.sample(objects, random.randint(1, min(3, len(objects)))))
        if len(objects) > 1 and random.random() < 0.6:
            abstract.append("U0")
            self._union("U0", random.sample(objects, random.randint(2, min(3, len(objects)))))
        targets = [*objects, *abstract]
        if random.random() < 0.35:
            self._interface_object("N0", ("M0", "M1"))
            targets += ["N0", "N0", "M0"]
        for name in self._entities:
            for _ in range(random.randint(1, 5)):
                self._entity_field(name, targets)
            if random.random() < 0.2:
                self._split(name)
        self._close()
        for _ in range(random.randint(2, 5)):
            self._root_field("Query", targets)
        if random.random() < 0.3:
            self._types["Mutation"] = TypeDraft("type", {graph: {} for graph in self.draft.graphs})
            for _ in range(random.randint(1, 4)):
                self._root_field("Mutation", targets)
        self._provide()
        self._close()
        self._drop_unused()
        return self.draft

    # --- types ----------------------------------------------------------------------------------------------------

    def _everywhere(self, name: str, draft: TypeDraft) -> None:
        draft.graphs = {graph: {} for graph in self.draft.graphs}
        for field in draft.fields.values():
            field.joins = {graph: {} for graph in self.draft.graphs}
        self._types[name] = draft

    def _some_graphs(self, least: int = 1) -> list[str]:
        graphs = list(self.draft.graphs)
        return self._random.sample(graphs, self._random.randint(least, len(graphs)))

    def _entity(self, name: str) -> None:
        random = self._random
        self._types[name] = TypeDraft("type")
        graphs = self._some_graphs()
        for index, graph in enumerate(graphs):
            if index == 0:
                self._give_key(name, graph, self._new_key(name), resolvable=True)
                continue
            other = random.choice(graphs[:index])
            known = list(self._types[name].graphs[other])
            key = random.choice(known) if random.random() < 0.6 else self._new_key(name)
            self._give_key(name, other, key, resolvable=True)
            self._give_key(name, graph, key, resolvable=True)
        self._entities.append(name)

    def _new_key(self, owner: str) -> str:
        """A key that may be new; its fields are made when it is given to a subgraph."""
        choices = ["id", "id", "id", "code", "x y", "ref { id }", "id code"]
        if self._entities:
            choices.append("owner { id }")
        return self._random.choice(choices)

    def _give_key(self, name: str, graph: str, key: str, *, resolvable: bool) -> None:
        draft = self._types[name]
        keys = draft.graphs.setdefault(graph, {})
        keys[key] = keys.get(key, False) or resolvable
        for word in key.replace("{ id }", "").split():
            kind = {"id": "ID!", "code": "String!", "x": "Int!", "y": "Color!", "ref": f"Ref{name}!"}.get(word)
            if word == "owner":
                known = draft.fields.get("owner")
                other = known.type.rstrip("!") if known else self._random.choice(self._ided())
                self._give_key(other, graph, "id", resolvable=any(self._types[other].graphs.get(graph, {}).values()))
                kind = f"{other}!"
            elif word == "ref":
                reference = self._types.setdefault(f"Ref{name}", TypeDraft("type"))
                reference.graphs[graph] = {}
                for inner, inner_kind in (("id", "ID!"), ("note", "String")):
                    reference.fields.setdefault(inner, FieldDraft(inner_kind)).joins[graph] = {}
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

    def _value_type(self, name: str) -> None:
        draft = self._types[name] = TypeDraft("type")
        for index in range(self._random.randint(1, 3)):
            draft.fields[f"v{index}"] = FieldDraft(self._wrap(self._random.choice(_LEAVES)), self._arguments())
        if self._entities and self._random.random() < 0.6:
            draft.fields["to"] = FieldDraft(self._random.choice(self._entities))

    def _interface(self, name: str, types: list[str]) -> None:
        """An interface of some types; what they have in common is made for each."""
        draft = self._types[name] = TypeDraft("interface")
        fields = {"tag": FieldDraft("String")}
        for index in range(self._random.randint(0, 2)):
            fields[f"c{index}"] = FieldDraft(self._random.choice(_LEAVES), self._arguments())
        if self._entities and self._random.random() < 0.4:
            fields["near"] = FieldDraft(self._random.choice(self._entities))
        for field_name, field in fields.items():
            draft.fields[field_name] = FieldDraft(field.type, field.arguments)
            for type_name in types:
                joins: dict[str, dict[str, str]] = {}
                if type_name in self._entities and field_name != "tag":
                    joins = {graph: {} for graph in self._owners(type_name)}
                self._types[type_name].fields[field_name] = FieldDraft(field.type, field.arguments, joins)
        self._behind[name] = types

    def _union(self, name: str, types: list[str]) -> None:
        self._types[name] = TypeDraft("union")
        self._behind[name] = types

    def _interface_object(self, name: str, types: tuple[str, ...]) -> None:
        random = self._random
        home, *others = random.sample(list(self.draft.graphs), len(self.draft.graphs))
        away = others[: random.randint(1, len(others))]
        draft = self._types[name] = TypeDraft("interface", {home: {"id": True}}, objects=set(away))
        draft.fields["id"] = FieldDraft("ID!", joins={home: {}})
        draft.fields["label"] = FieldDraft("String", joins={home: {}})
        self._hosts = types
        for type_name in types:
            entity = self._types[type_name] = TypeDraft("type", implements={home: {name}})
            self._give_key(type_name, home, "id", resolvable=True)
            entity.fields["label"] = FieldDraft("String", joins={home: {}})
            entity.fields["own"] = FieldDraft(random.choice(_LEAVES), joins={home: {}})
            if (rest := others[len(away) :]) and random.random() < 0.5:
                self._give_key(type_name, rest[0], "id", resolvable=True)
                entity.fields["extra"] = FieldDraft(random.choice(_LEAVES), joins={rest[0]: {}})
        for graph in away:
            draft.graphs[graph] = {"id": True}
            draft.fields["id"].joins[graph] = {}
            field = f"far{graph}"
            joins: dict[str, str] = {}
            if random.random() < 0.4:
                draft.fields["label"].joins[graph] = {"external": "true"}
                joins["requires"] = '"label"'
            draft.fields[field] = FieldDraft(random.choice(("String", "Int", "[ID!]")), joins={graph: joins})
            for type_name in types:
                self._types[type_name].fields[field] = FieldDraft(draft.fields[field].type)

    # --- fields ---------------------------------------------------------------------------------------------------

    def _entity_field(self, owner: str, targets: list[str]) -> None:
        random = self._random
        draft = self._types[owner]
        self._number += 1
        name = f"f{self._number}"
        owners = self._owners(owner)
        kind = self._target(targets, owners) if random.random() < 0.35 else random.choice(_LEAVES)
        text = self._wrap(kind)
        field = FieldDraft(text, self._arguments(), {graph: {} for graph in owners}, random.random() < 0.04)
        if len(owners) > 1:
            strict = random.choice(owners)
            if not text.endswith("!") and random.random() < 0.5:
                field.joins[strict]["type"] = f'"{text}!"'
        resolving = self._resolving(owner)
        chance = random.random()
        if len(owners) == 1 and chance < 0.45:
            self._require(owner, field, owners[0])
        elif chance < 0.6 and len(owners) == 1 and (others := self._others(kind, resolving, owners[0])):
            old = random.choice(others)
            label = random.choice(("blue", "green"))
            self.draft.labels.add(label)
            field.joins[old] = {"overrideLabel": f'"{label}"'}
            field.joins[owners[0]] = {"override": f'"{old.lower()}"', "overrideLabel": f'"{label}"'}
        draft.fields[name] = field

    def _others(self, kind: str, graphs: list[str], own: str) -> list[str]:
        return [graph for graph in graphs if graph != own and self._can_be(kind, graph)]

    def _require(self, owner: str, field: FieldDraft, graph: str) -> None:
        """Let a field require some of what other subgraphs resolve."""
        draft = self._types[owner]
        open_to = [
            name
            for name, other in draft.fields.items()
            if other.joins and not other.in_force(graph) and not _labelled(other)
        ]
        wanted = self._random.sample(open_to, min(len(open_to), self._random.randint(1, 2)))
        parts = [part for name in wanted if (part := self._demand(owner, name, graph))]
        if parts:
            field.joins[graph]["requires"] = f'"{" ".join(parts)}"'

    def _demand(self, owner: str, name: str, graph: str) -> str:
        """The text of one required field, which becomes external in the subgraph; empty if it is none to require."""
        field = self._types[owner].fields[name]
        kind = field.type.strip("[]!")
        arguments = f"({self._argument(field.arguments)})" if field.arguments and self._random.random() < 0.6 else ""
        inner = ""
        if kind not in _LEAVES:
            below = self._below(kind, graph) if self._can_be(kind, graph) else ""
            if not below:
                return ""
            inner = f" {{ {below} }}"
        field.joins.setdefault(graph, {"external": "true"})
        return f"{name}{arguments}{inner}"

    def _below(self, kind: str, graph: str) -> str:
        """What is required below a field of some type; empty if there is nothing."""
        if kind in self._behind:
            self._present(kind, graph)
            first = self._behind[kind][0]
            inner = self._below(first, graph)
            parts = [f"... on {first} {{ {inner} }}"] if inner else []
            if self._types[kind].kind == "interface" and self._random.random() < 0.5:
                parts.insert(0, "tag")
            return " ".join(parts)
        if kind not in self._entities and kind[0] not in "VR":
            return ""
        leaves = [
            below
            for below, found in self._types[kind].fields.items()
            if found.type.strip("[]!") in _LEAVES
            and (found.joins or kind not in self._entities)
            and not _late(found)
            and not _labelled(found)
        ]
        if not leaves:
            return ""
        leaf = self._random.choice(leaves)
        self._present(kind, graph)
        if kind in self._entities:
            self._types[kind].fields[leaf].joins.setdefault(graph, {"external": "true"})
        return leaf

    def _split(self, owner: str) -> None:
        """A type without a key of which each of two subgraphs knows a part."""
        resolving = self._resolving(owner)
        if len(resolving) < 2:
            return
        first, second = self._random.sample(resolving, 2)
        name = f"S{owner}"
        self._types[name] = TypeDraft(
            "type",
            {first: {}, second: {}},
            {
                "both": FieldDraft("Int", joins={first: {}, second: {}}),
                "left": FieldDraft("String", joins={first: {}}),
                "right": FieldDraft("String", joins={second: {}}),
            },
        )
        text = self._wrap(name)
        self._types[owner].fields["split"] = FieldDraft(text, joins={first: {}, second: {}})

    def _root_field(self, root: str, targets: list[str]) -> None:
        random = self._random
        self._number += 1
        graphs = [random.choice(self.draft.graphs)]
        if root == "Query" and random.random() < 0.3:
            graphs = self._some_graphs(2)
        kind = self._target(targets, graphs) if random.random() < 0.85 else random.choice(_LEAVES)
        field = FieldDraft(self._wrap(kind), self._arguments(), {graph: {} for graph in graphs})
        self._types[root].fields[f"{root[0].lower()}{self._number}"] = field

    def _provide(self) -> None:
        """Let some fields provide what is external below them."""
        for draft in list(self._types.values()):
            for field in draft.fields.values():
                kind = field.type.strip("[]!")
                if draft.kind != "type" or self._random.random() > 0.25:
                    continue
                for graph, join in field.joins.items():
                    if {"external", "overrideLabel", "override"} & join.keys():
                        continue
                    provided = self._provided(kind, graph, 3)
                    if provided:
                        join["provides"] = f'"{provided}"'

    def _provided(self, kind: str, graph: str, depth: int) -> str:
        """What a field of some type provides: a leaf, something below a field, or a leaf of one implementation."""
        if depth <= 0:
            return ""
        if kind in self._behind:
            first = self._behind[kind][0]
            inner = self._provided(first, graph, depth - 1)
            return f"... on {first} {{ {inner} }}" if inner else ""
        if kind not in self._entities:
            return ""
        self._present(kind, graph)
        open_to = [
            name
            for name, found in self._types[kind].fields.items()
            if found.joins and not _labelled(found) and (graph not in found.joins or "external" in found.joins[graph])
        ]
        self._random.shuffle(open_to)
        for name in open_to:
            field = self._types[kind].fields[name]
            below = field.type.strip("[]!")
            inner = "" if below in _LEAVES else self._provided(below, graph, depth - 1)
            if below in _LEAVES or (inner and self._can_be(below, graph)):
                field.joins[graph] = {"external": "true"}
                return f"{name} {{ {inner} }}" if inner else name
        return ""

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

    def _close_object(self, name: str, draft: TypeDraft) -> None:
        for graph in list(draft.graphs):
            for field_name, field in draft.fields.items():
                if name[0] in "VR" or field_name == "tag":
                    field.joins.setdefault(graph, {})
                kind = field.type.strip("[]!")
                if graph in field.joins and kind not in _LEAVES:
                    self._present(kind, graph)

    def _close_interface(self, name: str, draft: TypeDraft) -> None:
        """Say who implements an interface in a subgraph, and which of its fields all of those have there."""
        for graph in draft.graphs:
            here = self._members(name, graph)
            for member in here:
                self._types[member].implements.setdefault(graph, set()).add(name)
            for field_name, field in draft.fields.items():
                if all(graph in self._types[member].fields[field_name].joins for member in here):
                    field.joins.setdefault(graph, {})
                    kind = field.type.strip("[]!")
                    if kind not in _LEAVES:
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
        return self._random.choice(fitting or _LEAVES)

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


def _late(field: FieldDraft) -> bool:
    """Whether a field has requirements of its own, which could lead in a circle."""
    return any("requires" in join for join in field.joins.values())


def _labelled(field: FieldDraft) -> bool:
    return any("overrideLabel" in join for join in field.joins.values())

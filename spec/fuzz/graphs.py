"""
Random supergraphs, composed by construction: whatever comes out, every field can be reached.

Why: the subgraphs of an entity are joined by keys into a tree, each edge a key that both ends have and resolve, so from
one the others can be entered, in as many hops as it takes. Whoever else mentions the entity gets a stub with one of its
keys. Types without keys have all their fields wherever they are, except split ones, which stand below one field that
all of their subgraphs resolve. What `@requires` asks for is made before what requires it.
"""

from __future__ import annotations

from spec.fuzz.draft import Draft, FieldDraft, TypeDraft
from spec.fuzz.presence import LEAVES, Presence


class GraphMaker(Presence):
    """
    Makes one supergraph.

    Args:
        random: Where chance comes from.
    """

    def make(self) -> Draft:
        """A supergraph."""
        random = self._random
        self._everywhere(
            "Color", TypeDraft("enum", values=("RED", "GREEN", "BLUE", "NONE"), hidden=frozenset({"NONE"}))
        )
        self._everywhere("Text", TypeDraft("scalar"))
        inputs = {name: FieldDraft(kind) for name, kind in (("n", "Int = 2"), ("c", "Color"), ("deep", "Filter"))}
        inputs["secret"] = FieldDraft("Int", inaccessible=True)
        self._everywhere("Filter", TypeDraft("input", fields=inputs))
        self._types["Query"] = TypeDraft("type", {graph: {} for graph in self.draft.graphs})
        for index in range(random.randint(1, 4)):
            self._entity(f"E{index}")
        values = [f"V{index}" for index in range(random.randint(0, 2))]
        for name in values:
            self._value_type(name)
        objects = [*self._entities, *values]
        targets = [*objects, *self._abstract_types(objects)]
        for name in self._entities:
            for _ in range(random.randint(1, 5)):
                self._entity_field(name, targets)
            if random.random() < 0.2:
                self._split(name)
        if random.random() < 0.3:
            self._context()
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
        if random.random() < 0.25:
            self._hide(objects)
        return self.draft

    def _abstract_types(self, objects: list[str]) -> list[str]:
        """Interfaces and a union of some of the types; what fields may lead to then."""
        random = self._random
        targets: list[str] = []
        if len(objects) > 1 and random.random() < 0.7:
            targets.append("I0")
            self._interface("I0", random.sample(objects, random.randint(1, min(3, len(objects)))))
            if random.random() < 0.4:
                targets.append("I1")
                self._interface_above("I1", "I0", random.choice(objects))
        if len(objects) > 1 and random.random() < 0.6:
            targets.append("U0")
            self._union("U0", random.sample(objects, random.randint(2, min(3, len(objects)))))
        if random.random() < 0.35:
            self._interface_object("N0", ("M0", "M1"))
            targets += ["N0", "N0", "M0"]
        return targets

    # --- types ----------------------------------------------------------------------------------------------------

    def _everywhere(self, name: str, draft: TypeDraft) -> None:
        draft.graphs = {graph: {} for graph in self.draft.graphs}
        for field in draft.fields.values():
            field.joins = {graph: {} for graph in self.draft.graphs}
        self._types[name] = draft

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

    def _value_type(self, name: str) -> None:
        draft = self._types[name] = TypeDraft("type")
        for index in range(self._random.randint(1, 3)):
            draft.fields[f"v{index}"] = FieldDraft(self._wrap(self._random.choice(LEAVES)), self._arguments())
        if self._entities and self._random.random() < 0.6:
            draft.fields["to"] = FieldDraft(self._random.choice(self._entities))

    def _interface(self, name: str, types: list[str]) -> None:
        """An interface of some types; what they have in common is made for each."""
        draft = self._types[name] = TypeDraft("interface")
        fields = {"tag": FieldDraft("String")}
        for index in range(self._random.randint(0, 2)):
            fields[f"c{index}"] = FieldDraft(self._random.choice(LEAVES), self._arguments())
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

    def _interface_above(self, name: str, below: str, other: str) -> None:
        """An interface that another one implements, with all its types and maybe one more."""
        types = list(dict.fromkeys((*self._behind[below], other)))
        fields = {"tag"} if len(types) > len(self._behind[below]) else set(self._types[below].fields)
        draft = self._types[name] = TypeDraft("interface")
        for field_name in sorted(fields):
            known = self._types[below].fields[field_name]
            draft.fields[field_name] = FieldDraft(known.type, known.arguments)
            self._types[other].fields.setdefault(field_name, FieldDraft(known.type, known.arguments))
        self._behind[name] = types
        self._above[below] = name

    def _context(self) -> None:
        """A type with a field that depends on the objects it is reached by; it is reached by those alone."""
        random = self._random
        graph = random.choice(self.draft.graphs)
        context = f"{graph.lower()}__shop"
        shop = self._types["K0"] = TypeDraft("type")
        self._give_key("K0", graph, "id", resolvable=True)
        selections = []
        for name in random.sample(self._entities, random.randint(1, min(2, len(self._entities)))):
            draft = self._types[name]
            draft.contexts.add(context)
            owner = random.choice(self._resolving(name))
            draft.fields["cur"] = FieldDraft("String", joins={owner: {}})
            self._present(name, graph)
            draft.fields["cur"].joins.setdefault(graph, {"external": "true"})
            selections.append(f"... on {name} {{ cur }}")
            home = random.choice(self._resolving(name))
            self._present("K0", home)
            target = "K0"
            if random.random() < 0.4:
                target = f"S{name}K"
                self._types[target] = TypeDraft("type", {home: {}}, {"inside": FieldDraft("[K0!]", joins={home: {}})})
            draft.fields["basket"] = FieldDraft(self._wrap(target), joins={home: {}})
        argument = f'{{context: "{context}", name: "cur", type: "String", selection: "{" ".join(selections)}"}}'
        shop.fields["priced"] = FieldDraft("String", self._arguments(), {graph: {"contextArguments": f"[{argument}]"}})
        if random.random() < 0.6:
            other = random.choice(self.draft.graphs)
            self._give_key("K0", other, "id", resolvable=True)
            shop.fields["kept"] = FieldDraft("Int", joins={other: {}})

    def _hide(self, objects: list[str]) -> None:
        """Hide a type from clients, with all fields that lead to it, where something is left to see."""
        kept = {types[0] for types in self._behind.values()}
        behind = (name for types in self._behind.values() for name in types[1:])
        others = [name for name in behind if name in objects and name in self._types and name not in kept]
        if not others:
            return
        hidden = self._random.choice(others)
        leading = [
            (draft, field)
            for draft in self._types.values()
            for field in draft.fields.values()
            if field.type.strip("[]!") == hidden
        ]
        if any(
            all(one in (f for _, f in leading) or one.inaccessible for one in d.fields.values()) for d, _ in leading
        ):
            return
        self._types[hidden].inaccessible = True
        for _, field in leading:
            field.inaccessible = True

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
            entity.fields["own"] = FieldDraft(random.choice(LEAVES), joins={home: {}})
            if (rest := others[len(away) :]) and random.random() < 0.5:
                self._give_key(type_name, rest[0], "id", resolvable=True)
                entity.fields["extra"] = FieldDraft(random.choice(LEAVES), joins={rest[0]: {}})
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
        kind = self._target(targets, owners) if random.random() < 0.35 else random.choice(LEAVES)
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
        elif chance < 0.65 and len(owners) == 1 and (others := self._others(kind, resolving, owners[0])):
            old = random.choice(others)
            if chance > 0.6:
                field.joins[old] = {"usedOverridden": "true"}
                field.joins[owners[0]] = {"override": f'"{old.lower()}"'}
                draft.fields[name] = field
                return
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
        if kind not in LEAVES:
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
            if found.type.strip("[]!") in LEAVES
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
        kind = self._target(targets, graphs) if random.random() < 0.85 else random.choice(LEAVES)
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
            inner = "" if below in LEAVES else self._provided(below, graph, depth - 1)
            if below in LEAVES or (inner and self._can_be(below, graph)):
                field.joins[graph] = {"external": "true"}
                return f"{name} {{ {inner} }}" if inner else name
        return ""


def _late(field: FieldDraft) -> bool:
    """Whether a field has requirements of its own, which could lead in a circle."""
    return any("requires" in join for join in field.joins.values())


def _labelled(field: FieldDraft) -> bool:
    return any("overrideLabel" in join for join in field.joins.values())

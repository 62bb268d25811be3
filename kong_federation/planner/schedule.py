"""
Steps to waves, and waves to requests.

A step runs in the first wave in which all it needs is there. Two things may then be put together, because they go to
the same subgraph in the same wave: steps of one site become one selection, steps of different sites become one request
with several `_entities`. To make more of that possible, a step may wait for a later wave in which its subgraph is
called anyway, as long as nothing that depends on it has to wait: the plan stays as deep as it was.

Steps under different conditions stay apart: a request that is needed only sometimes must not run always. So do steps
that take values from further up: their requests are split by those values when they run; and so do steps for different
parts of the answer, since the first must not wait for the others.
"""

from __future__ import annotations

from dataclasses import dataclass

from kong_federation.operation import NO_CONDITION, Conjunction, union
from kong_federation.planner.parts import Part
from kong_federation.planner.steps import Step, Tree


@dataclass(slots=True, eq=False)
class Request:
    """
    Steps that make one request.

    Args:
        graph: The subgraph.
        wave: When it runs.
        when: The condition it stands under.
        part: The deferred part it is for; None: the first answer.
        steps: One root step, or entity steps.
        needs: Requests that must come before it.
    """

    graph: str
    wave: int
    when: Conjunction
    part: Part | None
    steps: list[Step]
    needs: set[Request]


def schedule(steps: list[Step]) -> list[Request]:
    """
    Put steps into requests.

    Args:
        steps: All steps of an operation, or of one part of a mutation; prerequisites come before what needs them.

    Returns:
        The requests, prerequisites first.
    """
    waves = _earliest(steps)
    _wait_for_company(steps, waves)
    requests: list[Request] = []
    by_step: dict[Step, Request] = {}
    batches: dict[tuple[int, str, Conjunction, Part | None], Request] = {}
    for step in sorted(steps, key=lambda one: (waves[one], bool(one.when))):
        wave = waves[step]
        _ride_along(step, batches.get((wave, step.graph, NO_CONDITION, step.part)))
        key = (wave, step.graph, step.when, step.part)
        batched = bool(step.inputs) and not step.contexts
        request = batches.get(key) if batched else None
        if request is None:
            request = Request(step.graph, wave, step.when, step.part, [], set())
            requests.append(request)
            if batched:
                batches[key] = request
        _put(step, request)
        by_step[step] = request
        request.needs |= {by_step[need] for need in step.needs}
    return requests


def _earliest(steps: list[Step]) -> dict[Step, int]:
    waves: dict[Step, int] = {}
    pending = list(steps)
    while pending:
        ready = [step for step in pending if all(need in waves for need in step.needs)]
        assert ready, "steps never need each other in a circle"
        for step in ready:
            waves[step] = max((waves[need] + 1 for need in step.needs), default=0)
        pending = [step for step in pending if step not in waves]
    return waves


def _wait_for_company(steps: list[Step], waves: dict[Step, int]) -> None:
    """Let entity steps that could share requests wait for a later wave that has such a request already."""
    depth = max(waves.values(), default=0)
    dependents: dict[Step, list[Step]] = {step: [] for step in steps}
    for step in steps:
        for need in step.needs:
            dependents[need].append(step)
    groups: dict[tuple[str, Conjunction, Part | None], dict[int, list[Step]]] = {}
    for step in steps:
        if step.inputs and not step.contexts:
            groups.setdefault((step.graph, step.when, step.part), {}).setdefault(waves[step], []).append(step)
    for by_wave in groups.values():
        for wave in sorted(by_wave, reverse=True):
            alone = by_wave[wave]
            latest = min((waves[other] - 1 for step in alone for other in dependents[step]), default=depth)
            company = [other for other in by_wave if wave < other <= latest]
            if company:
                target = min(company)
                for step in alone:
                    waves[step] = target
                by_wave[target] += by_wave.pop(wave)


def _ride_along(step: Step, request: Request | None) -> None:
    """
    Give up a step's condition where its objects' subgraph is asked about the same site anyway.

    The condition goes to the fields, as `@include` and `@skip`.
    """
    if request is None or not step.when or step.alone or not any(_same_site(other, step) for other in request.steps):
        return
    for field in step.tree.fields.values():
        field.when = (step.when,)
    step.when = NO_CONDITION


def _same_site(first: Step, second: Step) -> bool:
    return first.site.node is second.site.node and first.site.path == second.site.path


def _put(step: Step, request: Request) -> None:
    """Add a step to a request; steps of one site become one."""
    for other in request.steps:
        if step.inputs and _same_site(other, step) and _may_share(other, step):
            _absorb(other, step)
            return
    request.steps.append(step)


def _may_share(first: Step, second: Step) -> bool:
    """
    Whether two steps of one site may represent their objects together.

    Where the objects come by different ways, those that lack what one step requires could not be represented for it,
    and would be lost for the other too; then both must require the same.
    """
    same_objects = first.origins == second.origins and len(first.origins) == 1
    for runtime_type, known in first.inputs.items():
        other = second.inputs.get(runtime_type)
        if other is None:
            continue
        if known.disagrees(other.keys, other.requires):
            return False
        if not same_objects and set(known.requires) != set(other.requires):
            return False
    return True


def _absorb(step: Step, other: Step) -> None:
    step.origins |= other.origins
    step.typed = step.typed or other.typed
    for runtime_type, known in other.inputs.items():
        mine = step.inputs.setdefault(runtime_type, known)
        mine.requires += [want for want in known.requires if want not in mine.requires]
    _merge(step.tree, other.tree)


def _merge(tree: Tree, other: Tree) -> None:
    tree.typename = tree.typename or other.typename
    for key, field in other.fields.items():
        mine = tree.fields.setdefault(key, field)
        if mine is field:
            continue
        mine.types |= field.types
        mine.when = union(mine.when, field.when)
        if mine.tree is not None and field.tree is not None:
            _merge(mine.tree, field.tree)

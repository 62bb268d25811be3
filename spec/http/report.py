"""What is printed of the audits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from spec.http.npm import LEVELS, Verdict


def lines(verdicts: Sequence[Verdict], unguarded: Sequence[Verdict] = ()) -> Iterator[str]:
    """
    A line per failing audit, a line per level, and the total of what counts.

    Args:
        verdicts: The run that counts.
        unguarded: The same audits with CSRF prevention switched off, if that was tried.
    """
    otherwise = {verdict.id: verdict for verdict in unguarded}
    for verdict in sorted(verdicts, key=lambda verdict: LEVELS.index(verdict.level)):
        without = otherwise.get(verdict.id)
        if not verdict.passed:
            note = " (passes with security.csrf: false)" if without is not None and without.passed else ""
            yield f"{_told(verdict)}{note}"
        elif without is not None and not without.passed:
            yield f"{_told(without)} (only with security.csrf: false)"
    for level in LEVELS:
        yield f"{level:6} {_share(verdicts, (level,))}" + (
            f" (with security.csrf: false {_share(unguarded, (level,))})" if unguarded else ""
        )
    yield f"HTTP-AUDIT {_share(verdicts, ('MUST', 'SHOULD'))}"


def _told(verdict: Verdict) -> str:
    # A name begins with its level. A MAY is the gateway's to decide, so it is no failure.
    mark = "NOTE" if verdict.level == "MAY" else "FAIL"
    return f"{mark} {verdict.id} {verdict.name}: {verdict.reason}"


def _share(verdicts: Sequence[Verdict], levels: Sequence[str]) -> str:
    found = [verdict for verdict in verdicts if verdict.level in levels]
    return f"{sum(verdict.passed for verdict in found)}/{len(found)}"

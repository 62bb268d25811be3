"""
Plots as SVG, of two kinds: bars beside names, and lines over logarithmic axes.

Written by hand so that the benchmark needs no plotting library; a plot is text that a diff can show.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape

COLOURS = ("#1b6ca8", "#d1495b", "#2e8b57", "#b8860b", "#6a4c93", "#555555")
FONT = 'font-family="sans-serif" font-size="12"'
BAR, GAP, NAMES, WIDTH = 16, 8, 240, 800
LEFT, RIGHT, LEGEND, TOP, BOTTOM, HEIGHT = 70, 20, 150, 40, 50, 380
DECADE_STEPS = (1, 2, 5)


def bars(title: str, values: Sequence[tuple[str, float]], unit: str, marked: str = "") -> str:
    """
    Horizontal bars, one below the other.

    Args:
        title: Above the plot.
        values: Name and value of each bar, from top to bottom.
        unit: Behind each value.
        marked: The bar that has another colour.
    """
    most = max((value for _, value in values), default=1.0)
    room = WIDTH - NAMES - 90
    parts = [_text(8, 22, title, bold=True)]
    y = 38
    for name, value in values:
        colour = COLOURS[1] if name == marked else COLOURS[0]
        length = max(1.0, room * value / most)
        parts.append(_text(NAMES - 8, y + BAR - 4, name, anchor="end"))
        parts.append(f'<rect x="{NAMES}" y="{y}" width="{length:.1f}" height="{BAR}" fill="{colour}"/>')
        parts.append(_text(NAMES + length + 6, y + BAR - 4, f"{value:.3g}{unit}"))
        y += BAR + GAP
    return _picture(WIDTH, y + 6, parts)


def lines(
    title: str,
    series: Mapping[str, Sequence[tuple[float, float]]],
    across: str,
    up: str,
    *,
    logarithmic: bool = True,
) -> str:
    """
    Points joined by lines; both axes are logarithmic, or both are not.

    Args:
        title: Above the plot.
        series: By name the points, sorted by their first number.
        across: What the horizontal axis says.
        up: What the vertical axis says.
        logarithmic: Whether equal ratios are equally far apart; all numbers must be above 0 then.
    """
    points = [point for one in series.values() for point in one]
    end = WIDTH - (LEGEND if len(series) > 1 else RIGHT)
    place_x, ticks_x = _axis([x for x, _ in points], LEFT, end, logarithmic)
    place_y, ticks_y = _axis([y for _, y in points], HEIGHT - BOTTOM, TOP, logarithmic)
    parts = [_text(8, 22, title, bold=True)]
    for tick in ticks_x:
        x = place_x(tick)
        parts.append(f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{HEIGHT - BOTTOM}" stroke="#ddd"/>')
        parts.append(_text(x, HEIGHT - BOTTOM + 16, _short(tick), anchor="middle"))
    for tick in ticks_y:
        y = place_y(tick)
        parts.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{end}" y2="{y:.1f}" stroke="#ddd"/>')
        parts.append(_text(LEFT - 6, y + 4, _short(tick), anchor="end"))
    parts.append(_text((LEFT + end) / 2, HEIGHT - 14, across, anchor="middle"))
    parts.append(_text(LEFT, TOP - 6, up))
    for number, (name, one) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        path = " ".join(f"{place_x(x):.1f},{place_y(y):.1f}" for x, y in one)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{place_x(x):.1f}" cy="{place_y(y):.1f}" r="3" fill="{colour}"/>' for x, y in one]
        if len(series) > 1:
            parts.append(_text(end + 12, TOP + 14 + 16 * number, name, colour=colour))
    return _picture(WIDTH, HEIGHT, parts)


def _axis(
    values: Sequence[float], start: float, end: float, logarithmic: bool
) -> tuple[Callable[[float], float], list[float]]:
    """Where a value is between the two ends, and the ticks."""
    least, most = min(values, default=1.0), max(values, default=1.0)
    if logarithmic:
        low, high = math.log10(least), math.log10(most)
        if high - low < 0.5:  # a flat line in the middle, not noise blown up to the whole height
            low, high = (low + high) / 2 - 0.25, (low + high) / 2 + 0.25
        decades = range(math.floor(low), math.ceil(high) + 1)
        steps = DECADE_STEPS if high - low < 3 else (1,)
        ticks = [step * 10.0**decade for decade in decades for step in steps]
        ticks = [tick for tick in ticks if low <= math.log10(tick) <= high]
        return lambda value: start + (math.log10(value) - low) / (high - low) * (end - start), ticks
    high = most * 1.05 or 1.0
    step = 10.0 ** math.floor(math.log10(high))
    step = next(step * part for part in (0.1, 0.2, 0.5, 1.0, 2.0) if high / (step * part) <= 10)
    return lambda value: start + value / high * (end - start), [step * number for number in range(int(high / step) + 1)]


def _short(value: float) -> str:
    if value >= 1_000_000:
        return f"{value / 1_000_000:g}M"
    return f"{value / 1000:g}k" if value >= 1000 else f"{value:.3g}"


def _text(x: float, y: float, text: str, *, anchor: str = "start", bold: bool = False, colour: str = "#222") -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" {FONT}{weight}>{escape(text)}</text>'


def _picture(width: float, height: float, parts: Sequence[str]) -> str:
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">\n'
        f'<rect width="100%" height="100%" fill="white"/>\n{body}\n</svg>\n'
    )

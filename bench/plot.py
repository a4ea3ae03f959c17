"""Drawings as SVG: lines over the size of the body, and bars. Text stays text; each brings its own background.

Points are (size, figures.Spread): the line goes through the medians, the light band from the smallest to the largest.
"""

import math
from dataclasses import dataclass
from xml.sax.saxutils import escape

import figures

WIDTH, HEIGHT = 760, 440
LEFT, RIGHT, TOP, BOTTOM = 70, 625, 84, 396  # of the plane; the names of the lines are on its right
CROWD = 6  # of more names below a plot each word has a line of its own, in small letters
PAPER, INK, FAINT, GRID = "#ffffff", "#1f2328", "#59636e", "#e4e7eb"

# A peer keeps its colour and its mark on every page. Told apart by colour-blind eyes, too (after Okabe and Ito).
COLOURS = {
    "sluice": "#0b57c2", "nginx": "#00785a", "haproxy": "#c43d2f", "h2o": "#9a4fb5", "lighttpd": "#b07a00",
    "nghttpx": "#1797b8", "varnish": "#7d5a44", "kafka": "#333333", "sluice-buffered": "#6ea3e8",
    "limit-splice": "#6b7280", "limit-copy": "#9aa1ab", "limit-sendfile": "#6b7280",
    "buffered": "#c43d2f", "splice": "#0b57c2", "sendfile": "#00785a", "mmap": "#9a4fb5",
}  # fmt: skip
OTHERS = ("#c2185b", "#5d7f00", "#004d66", "#a0522d")
MARKS = {
    "circle": "M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0Z", "square": "M-3.5,-3.5h7v7h-7Z",
    "triangle": "M0,-4.5L4.3,3.5H-4.3Z", "diamond": "M0,-5L5,0L0,5L-5,0Z", "down": "M0,4.5L4.3,-3.5H-4.3Z",
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    name: str
    points: list


@dataclass(frozen=True)
class Axis:
    """A logarithmic one, from `low` to `high`; `ticks` are (value, text)."""

    title: str
    low: float
    high: float
    ticks: list
    strong: float | None = None  # a value whose line is drawn stronger

    def at(self, value, start, end):
        return start + (end - start) * math.log(value / self.low) / math.log(self.high / self.low)


def look(names):
    """{name: (colour, mark)}; names that have no colour of their own take turns."""
    known = list(COLOURS)
    known += [name for name in names if name not in COLOURS]
    colours = list(COLOURS.values()) + [OTHERS[i % len(OTHERS)] for i in range(len(known) - len(COLOURS))]
    marks = list(MARKS.values())
    return {name: (colours[i], marks[i % len(marks)]) for i, name in enumerate(known) if name in names}


def microseconds_text(us):
    for unit, name in ((1e6, "s"), (1e3, "ms")):
        if us >= unit:
            return f"{us / unit:g} {name}"
    return f"{us:g} µs"


def log_axis(title, lines, text, strong=None):
    """Covers every point with its spread; lines at powers of ten, and in between where they are few."""
    ends = [end for line in lines for _, spread in line.points for end in (spread.low, spread.high) if end > 0]
    ends += [strong] if strong else []
    low, high = min(ends) / 1.1, max(ends) * 1.1
    span = high / low
    if span > 200:
        steps = (1,)
    elif span > 40:
        steps = (1, 2, 5)
    elif span > 4:
        steps = (1, 1.5, 2, 3, 4, 5, 7)
    else:
        steps = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8)
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [step * 10**n if n >= 0 else step / 10**-n for n in decades for step in steps]
    return Axis(title, low, high, [(tick, text(tick)) for tick in ticks if low <= tick <= high], strong)


def cost_axis(table, lines):
    if table["unit"] == "GiB":
        return log_axis("CPU per GiB", lines, lambda value: f"{value:g} s")
    return log_axis(f"CPU per {table['unit']}", lines, microseconds_text)


def ratio_axis(title, lines):
    return log_axis(title, lines, lambda value: f"{value:g}", strong=1)


def apart(wanted, gap, low, high):
    """The places nearest to the wanted ones that are `gap` apart and between `low` and `high`, in the same order."""
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    # Without the gaps that have to be, places must not decrease: neighbours that would share their mean.
    shared = []  # (mean, how many)
    for number, i in enumerate(order):
        mean, count = wanted[i] - number * gap, 1
        while shared and shared[-1][0] > mean:
            other, more = shared.pop()
            mean, count = (mean * count + other * more) / (count + more), count + more
        shared.append((mean, count))
    means = [mean for mean, count in shared for _ in range(count)]
    found = [0.0] * len(wanted)
    for number, i in enumerate(order):
        found[i] = min(max(means[number], low), high - (len(wanted) - 1) * gap) + number * gap
    return found


class Drawing:
    def __init__(self, title, subtitle, height=HEIGHT):
        self.parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
            f'role="img" font-family="system-ui, Segoe UI, Helvetica, Arial, sans-serif" font-size="12">',
            f"<title>{escape(title)}</title>",
            f'<rect width="{WIDTH}" height="{height}" rx="8" fill="{PAPER}" stroke="{GRID}"/>',
        ]
        self.text(20, 27, title, size=16, weight=600)
        self.text(20, 46, subtitle, colour=FAINT)

    def text(self, x, y, text, *, anchor="start", colour=INK, size=12, weight=400):
        self.parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" font-size="{size}" '
            f'font-weight="{weight}">{escape(text)}</text>'
        )

    def path(self, d, **style):
        style = " ".join(f'{name.replace("_", "-")}="{value}"' for name, value in style.items())
        self.parts.append(f'<path d="{d}" {style}/>')

    def mark(self, x, y, colour, shape):
        # A rim of paper keeps marks apart that lie on each other.
        self.path(shape, transform=f"translate({x:.1f},{y:.1f})", fill=colour, stroke=PAPER, stroke_width=1)

    def svg(self):
        return "\n".join([*self.parts, "</svg>"]) + "\n"


def lines(title, subtitle, plotted, axis, below="size of the body", names=None):
    """A plot of at least one Line; the first one lies on top. A name at its end, with its mark, is the legend.

    `names` are those of the places from left to right, of which points then have the number, in place of sizes.
    """
    told = [name.split(" ", -1 if len(names) > CROWD else 1) for name in names or []]  # a line for each
    height = HEIGHT + 14 * max(0, max(map(len, told), default=0) - 2)
    small = 10 if len(told) > CROWD else 12
    drawing = Drawing(title, subtitle, height)
    sizes = range(len(names)) if names else sorted({size for line in plotted for size, _ in line.points})
    where = {size: size if names else math.log(size) for size in sizes}
    first, width = where[sizes[0]], (where[sizes[-1]] - where[sizes[0]]) or 1

    def x(size):
        return LEFT + 14 + (RIGHT - LEFT - 28) * (where[size] - first) / width

    def y(value):
        return axis.at(value, BOTTOM, TOP)

    for value, text in axis.ticks:
        stroke = {"stroke": FAINT, "stroke_width": 1.5} if value == axis.strong else {"stroke": GRID}
        drawing.path(f"M{LEFT},{y(value):.1f}H{RIGHT}", **stroke)
        drawing.text(LEFT - 8, y(value) + 4, text, anchor="end", colour=FAINT)
    for size in sizes:
        drawing.path(f"M{x(size):.1f},{BOTTOM}v5", stroke=FAINT)
        for number, text in enumerate(told[size] if names else [figures.size_text(size)]):
            drawing.text(x(size), BOTTOM + 20 + 14 * number, text, anchor="middle", colour=FAINT, size=small)
    drawing.text((LEFT + RIGHT) / 2, height - 8, below, anchor="middle", colour=FAINT)
    drawing.text(20, TOP - 14, axis.title, colour=FAINT)

    look_of = look([line.name for line in plotted])
    for line in plotted:
        upper = [f"{x(size):.1f},{y(spread.high):.1f}" for size, spread in line.points]
        lower = [f"{x(size):.1f},{y(spread.low):.1f}" for size, spread in reversed(line.points)]
        drawing.path("M" + "L".join(upper + lower) + "Z", fill=look_of[line.name][0], fill_opacity=0.13)
    for line in reversed(plotted):  # the first one lies on top
        middle = [f"{x(size):.1f},{y(spread.median):.1f}" for size, spread in line.points]
        more = {"stroke_dasharray": "5 4"} if figures.is_limit(line.name) else {}
        drawing.path(
            "M" + "L".join(middle), fill="none", stroke=look_of[line.name][0], stroke_linejoin="round",
            stroke_width=3 if line.name == "sluice" else 1.8, **more,
        )  # fmt: skip
        for size, spread in line.points:
            drawing.mark(x(size), y(spread.median), *look_of[line.name])

    ends = [(x(line.points[-1][0]), y(line.points[-1][1].median)) for line in plotted]
    for line, (end, was), place in zip(plotted, ends, apart([at for _, at in ends], 16, TOP, BOTTOM)):
        colour, shape = look_of[line.name]
        way = f"M{end + 7:.1f},{was:.1f}L{RIGHT - 4},{was:.1f}L{RIGHT + 10},{place:.1f}"
        drawing.path(way, fill="none", stroke=colour, stroke_opacity=0.45)
        drawing.mark(RIGHT + 17, place, colour, shape)
        drawing.text(RIGHT + 27, place + 4, line.name, colour=colour, weight=600)
    return drawing.svg()


def bars(title, subtitle, groups, digits):
    """`groups` are (label, [(peer, figures.Spread)]): a bar for each median, a fine line for its spread."""
    height = 70 + sum(30 + 20 * len(group) for _, group in groups)
    drawing = Drawing(title, subtitle, height)
    most = max(spread.high for _, group in groups for _, spread in group) or 1
    left, right, top = 130, WIDTH - 90, 76
    names = list(dict.fromkeys(peer for _, group in groups for peer, _ in group))
    look_of = look(names)

    def x(value):
        return left + (right - left) * value / most

    for label, group in groups:
        drawing.text(20, top, label, weight=600)
        top += 8
        for peer, spread in group:
            drawing.text(left - 8, top + 13, peer, anchor="end", colour=FAINT)
            drawing.path(f"M{left},{top + 2}H{x(spread.median):.1f}v14H{left}Z", fill=look_of[peer][0])
            if spread.low != spread.high:
                drawing.path(f"M{x(spread.low):.1f},{top + 9}H{x(spread.high):.1f}", stroke=INK, stroke_width=1.5)
            drawing.text(x(spread.high) + 6, top + 13, f"{spread.median:,.{digits}f}")
            top += 20
        top += 22
    return drawing.svg()

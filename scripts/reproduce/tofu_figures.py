"""The figures of tofu.sh as SVG."""
import math
import statistics
from html import escape

from claims_runs import mean
from tofu_plan import METHODS

WIDTH, HEIGHT = 640, 400
LEFT, RIGHT, TOP, BOTTOM = 64, 150, 30, 48
COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#888888", "#222222", "#e07b39", "#7a5195",
           "#009988", "#bb5566", "#004488", "#997700", "#555555", "#dd3333")


def ticks(low, high):
    """About five round numbers."""
    step = 10 ** math.floor(math.log10((high - low) / 4 or 1))
    step = next(step * k for k in (1, 2, 5, 10) if (high - low) / (step * k) <= 6)
    return [k * step for k in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


class Plot:
    def __init__(self, title, x, y, x_range, y_range):
        self.x_range, self.y_range = x_range, y_range
        self.parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
                      f'height="{HEIGHT}" font-family="sans-serif" font-size="12">',
                      f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
                      f'<text x="{LEFT}" y="18" font-weight="bold">{escape(title)}</text>']
        right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
        for value in ticks(*x_range):
            at = self.at(value, y_range[0])[0]
            self.parts.append(f'<path d="M{at} {TOP}V{bottom}" stroke="#dddddd"/>'
                              f'<text x="{at}" y="{bottom + 16}" text-anchor="middle">{value:.4g}</text>')
        for value in ticks(*y_range):
            at = self.at(x_range[0], value)[1]
            self.parts.append(f'<path d="M{LEFT} {at}H{right}" stroke="#dddddd"/>'
                              f'<text x="{LEFT - 6}" y="{at + 4}" text-anchor="end">{value:.4g}</text>')
        self.parts.append(f'<rect x="{LEFT}" y="{TOP}" width="{right - LEFT}" height="{bottom - TOP}" fill="none" '
                          f'stroke="#666666"/><text x="{(LEFT + right) / 2}" y="{HEIGHT - 12}" text-anchor="middle">'
                          f'{escape(x)}</text><text transform="translate(14 {(TOP + bottom) / 2}) rotate(-90)" '
                          f'text-anchor="middle">{escape(y)}</text>')
        self.labels = 0

    def at(self, x, y):
        share = [(value - low) / (high - low or 1) for value, (low, high) in ((x, self.x_range), (y, self.y_range))]
        return (round(LEFT + share[0] * (WIDTH - RIGHT - LEFT), 1), round(HEIGHT - BOTTOM - share[1] * (HEIGHT - TOP - BOTTOM), 1))

    def label(self, text, colour):
        y = TOP + 12 + 17 * self.labels
        self.labels += 1
        self.parts.append(f'<circle cx="{WIDTH - RIGHT + 14}" cy="{y - 4}" r="4" fill="{colour}"/>'
                          f'<text x="{WIDTH - RIGHT + 24}" y="{y}">{escape(text)}</text>')

    def point(self, x, y, colour, x_spread=0.0, y_spread=0.0):
        left, right = self.at(max(x - x_spread, self.x_range[0]), y), self.at(min(x + x_spread, self.x_range[1]), y)
        low, high = self.at(x, max(y - y_spread, self.y_range[0])), self.at(x, min(y + y_spread, self.y_range[1]))
        centre = self.at(x, y)
        self.parts.append(f'<path d="M{left[0]} {left[1]}H{right[0]}M{low[0]} {low[1]}V{high[1]}" stroke="{colour}"/>'
                          f'<circle cx="{centre[0]}" cy="{centre[1]}" r="4" fill="{colour}"/>')

    def line(self, points, colour, dashed=False):
        path = "L".join(f"{x} {y}" for x, y in (self.at(*point) for point in points))
        self.parts.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="1.5"'
                          f'{" stroke-dasharray=" + chr(34) + "4 3" + chr(34) if dashed else ""}/>')

    def text(self):
        return "\n".join([*self.parts, "</svg>"]) + "\n"


def spread(values):
    return statistics.stdev(values) if len(values) > 1 else 0.0


def values_of(runs, name):
    return [run["values"][name] for run in runs]


def log_quality(values):
    return math.log10(max(values["forget_quality"], 1e-300))


def trade_off(entry, split):
    methods = {method: [seeds[seed] for seed in sorted(seeds)] for method, seeds in entry["final"].items() if seeds}
    if not methods:
        return None
    full = entry["models"]["full"]["values"]
    lowest = min(0.0, *(mean([log_quality(run["values"]) for run in runs]) for runs in methods.values()), log_quality(full))
    widest = [mean(values_of(runs, "model_utility")) for runs in methods.values()] + [full["model_utility"]]
    low, high = min(widest), max(widest)
    room = 0.08 * (high - low) or 0.01
    plot = Plot(f"Forgetting against utility, {split}: means and deviations over seeds", "model utility",
                "log10 of forget quality", (low - room, high + room), (lowest * 1.06, 0.5))
    plot.line([(low - room, math.log10(0.05)), (high + room, math.log10(0.05))], "#aaaaaa", dashed=True)
    plot.point(full["model_utility"], log_quality(full), "#000000")
    plot.label("original", "#000000")
    for method, colour in zip(METHODS, COLOURS):
        if method in methods:
            utility = values_of(methods[method], "model_utility")
            quality = [log_quality(run["values"]) for run in methods[method]]
            plot.point(mean(utility), mean(quality), colour, spread(utility), spread(quality))
            plot.label(METHODS[method][0], colour)
    return plot.text()


def epochs(entry, split):
    """Forget quality after every epoch; full lines: each seed."""
    full = log_quality(entry["models"]["full"]["values"])
    curves = {method: [[(0, full)] + [(k + 1, log_quality(values)) for k, (_, values) in enumerate(sorted(
        runs[f"epochs-{method}"]["steps"].items(), key=lambda item: int(item[0])))]
        for _, runs in sorted(entry["claims"].items()) if f"epochs-{method}" in runs] for method in ("npo_gd", "simnpo")}
    if not all(curves.values()):
        return None
    every = [point for runs in curves.values() for curve in runs for point in curve]
    plot = Plot(f"Forget quality against epochs, {split}: a line for each seed", "epoch", "log10 of forget quality",
                (0, max(x for x, _ in every)), (min(y for _, y in every) * 1.06, 0.5))
    for method, colour in zip(curves, COLOURS):
        for curve in curves[method]:
            plot.line(curve, colour)
        plot.label(METHODS[method][0], colour)
    return plot.text()


def lengths(entry, split):
    """How far each half of the answers lies above the retain model, per method."""
    methods = {method: [seeds[seed]["halves"] for seed in sorted(seeds)] for method, seeds in entry["final"].items() if seeds}
    if not methods:
        return None
    means = {method: [mean([run[half]["excess"] for run in runs]) for half in ("short", "long")]
             for method, runs in methods.items()}
    low, high = min(0.0, *(v for pair in means.values() for v in pair)), max(v for pair in means.values() for v in pair)
    room = 0.08 * (high - low)
    # One far off would press the others together.
    high = min(high, 4 * statistics.median(abs(v) for pair in means.values() for v in pair) + 1)
    plot = Plot(f"Token loss above the retain model's, {split}", "short half of the answers (nats)",
                "long half (nats)", (low - room, high + room), (low - room, high + room))
    plot.line([(low - room, low - room), (high + room, high + room)], "#aaaaaa", dashed=True)
    for method, colour in zip(METHODS, COLOURS):
        if method in means and max(means[method]) <= high + room:
            plot.point(*means[method], colour, *(spread([run[half]["excess"] for run in methods[method]])
                                                 for half in ("short", "long")))
            plot.label(METHODS[method][0], colour)
        elif method in means:
            plot.label(f"{METHODS[method][0]}: {means[method][0]:.1f}, {means[method][1]:.1f}", colour)
    return plot.text()


def figures(results):
    """File name → SVG, of what there is."""
    found = {}
    for split, entry in results["splits"].items():
        for name, make in (("trade-off", trade_off), ("epochs", epochs), ("lengths", lengths)):
            drawing = make(entry, split)
            if drawing:
                found[f"tofu-{name}{'' if split == 'forget05' else '-' + split}.svg"] = drawing
    return found

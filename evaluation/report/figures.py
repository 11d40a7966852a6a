"""The report's figures, drawn from ledger entries alone.

The look: one navy and greys that survive a photocopier, hairlines instead of boxes, uncertainty drawn,
labels on the marks instead of legends where they fit. Text stays text in the SVG, so it can be
searched and copied in the PDF.
"""

from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib import font_manager
from matplotlib.axes import Axes

from evaluation.report.fonts import FAMILY, font_files
from evaluation.report.words import MINUS, number

NAVY, INK, GREY, LIGHT, BAND = "#1F3A5F", "#222222", "#6B717B", "#D9DEE5", "#C9D0DB"
BOLD = 600  # the weight that matplotlib reads from NanumGothicBold.ttf
PAPER = {"facecolor": "white", "edgecolor": "none", "pad": 1.2}  # keeps grid lines out of labels
WIDTH = 6.3  # inches: the text width of the page


# Fill, ink and hatch of stacked parts: neighbours differ in grey, or by the hatch.
SHADES = (
    (NAVY, "white", ""),
    ("#7C8AA0", "white", ""),
    ("#C3CBD6", INK, ""),
    ("#FFFFFF", INK, "////"),
    ("#E4E8EE", INK, ""),
)


def use_style() -> None:
    """Set matplotlib to the report's look; SVG output without times or random ids."""
    mpl.rcdefaults()  # nothing of the settings of who runs it
    for path in font_files():
        font_manager.fontManager.addfont(path)
    mpl.rcParams.update(
        {
            "font.family": FAMILY,
            "font.size": 8,
            "axes.unicode_minus": True,
            "axes.edgecolor": GREY,
            "axes.linewidth": 0.6,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.axisbelow": True,
            "xtick.color": INK,
            "ytick.color": INK,
            "xtick.major.width": 0.6,
            "ytick.major.width": 0,
            "hatch.linewidth": 0.5,
            "svg.fonttype": "none",
            "svg.hashsalt": "iccp",
        }
    )


def save(figure: mpl.figure.Figure, path: Path) -> Path:
    """Write the figure as SVG and let go of it."""
    figure.savefig(path, format="svg", metadata={"Date": None})
    plt.close(figure)
    return path


def ranking(rows: pd.DataFrame, words: dict[str, str]) -> mpl.figure.Figure:
    """Totals with their intervals, best on top, ranks beside the names.

    Args:
        rows: one row per headquarters, best first: `name`, `total`, `lower`, `upper`, `rank`, `rank_lower`, `rank_upper`.
        words: `rank` (the heading of the column of ranks), `to` (the dash of a range).
    """
    figure, axes = plt.subplots(figsize=(WIDTH, 0.35 + 0.32 * len(rows)), layout="constrained")
    y = np.arange(len(rows))[::-1]
    left = rows["lower"].min() - 0.28 * (rows["upper"].max() - rows["lower"].min())
    axes.hlines(y, rows["lower"], rows["upper"], color=BAND, lw=5)
    axes.plot(rows["total"], y, "o", color=NAVY, ms=5)
    for place, row in zip(y, rows.itertuples(), strict=True):
        axes.annotate(number(row.total, 1), (row.upper, place), (5, 0), textcoords="offset points", va="center", color=INK, weight=BOLD, bbox=PAPER)
        axes.text(left, place, _rank_text(row, words["to"]), va="center", color=GREY, fontsize=7.5, bbox=PAPER)
    axes.text(left, len(rows) - 0.35, words["rank"], va="center", color=GREY, fontsize=7.5, bbox=PAPER)
    axes.set_yticks(y, rows["name"])
    axes.set_ylim(-0.6, len(rows) - 0.1)
    axes.set_xlim(left, rows["upper"].max() + 0.08 * (rows["upper"].max() - left))
    axes.grid(axis="x", color=LIGHT, lw=0.5)
    axes.spines["left"].set_visible(False)
    return figure


def contributions(rows: pd.DataFrame, totals: pd.Series) -> mpl.figure.Figure:
    """Stacked bars: each component's contribution to the total, best headquarters on top.

    Args:
        rows: one row per headquarters, best first, a column per component (its name), values in points.
        totals: the total of each headquarters, printed at the end of its bar.
    """
    figure, axes = plt.subplots(figsize=(WIDTH, 0.75 + 0.32 * len(rows)), layout="constrained")
    y = np.arange(len(rows))[::-1]
    start = np.zeros(len(rows))
    for index, component in enumerate(rows.columns):
        fill, ink, hatch = SHADES[index % len(SHADES)]
        values = rows[component].to_numpy()
        axes.barh(y, values, left=start, height=0.62, color=fill, edgecolor=GREY, lw=0.5, hatch=hatch, label=component)
        for place, left, value in zip(y, start, values, strict=True):
            label = axes.text(left + value / 2, place, number(value, 1), ha="center", va="center", color=ink, fontsize=7.5)
            if hatch:
                label.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 0.8})
        start += values
    for place, end, total in zip(y, start, totals, strict=True):
        axes.annotate(number(total, 1), (end, place), (5, 0), textcoords="offset points", va="center", color=INK, weight=BOLD)
    axes.set_yticks(y, rows.index)
    axes.set_xlim(0, 100)
    axes.spines["left"].set_visible(False)
    figure.legend(loc="outside upper left", ncols=len(rows.columns), frameon=False, fontsize=7.5, handlelength=1.2, columnspacing=1.2)
    return figure


def curve(rows: pd.DataFrame, choices: dict[str, np.ndarray], words: dict[str, str]) -> mpl.figure.Figure:
    """Estimates of many specifications in order of size, with their intervals, the main one dark; below, which choices make each.

    Args:
        rows: `value`, `lower`, `upper`, `main`, in per cent, sorted by value; choices: in words -> whether each row makes it, shape (rows,);
            words: `y`.
    """
    height = 1.7 + 0.155 * len(choices)
    figure = plt.figure(figsize=(WIDTH, height), layout="constrained")
    axes, below = figure.subplots(2, 1, sharex=True, height_ratios=[1.7, max(0.155 * len(choices), 0.1)])
    place = np.arange(len(rows))
    main = rows["main"].to_numpy(dtype=bool)
    axes.axhline(0, color=GREY, linewidth=0.6)
    axes.vlines(place, rows["lower"], rows["upper"], color=np.where(main, NAVY, BAND), linewidth=1.2)
    axes.scatter(place[~main], rows["value"][~main], s=7, color=GREY, zorder=3)
    axes.scatter(place[main], rows["value"][main], s=18, color=NAVY, zorder=4)
    axes.set_ylabel(words["y"])
    axes.yaxis.grid(True, color=LIGHT, linewidth=0.5)
    for line, chosen in enumerate(choices.values()):
        below.scatter(place[chosen], np.full(chosen.sum(), line), s=9, marker="s", color=np.where(main[chosen], NAVY, GREY), linewidths=0)
    below.set_yticks(range(len(choices)), list(choices), fontsize=7)
    below.set_ylim(len(choices) - 0.4, -0.6)
    below.set_xticks([])
    below.tick_params(length=0)
    for side in below.spines.values():
        side.set_visible(False)
    axes.tick_params(axis="x", length=0)
    return figure


def paths(panels: dict[str, pd.DataFrame], words: dict[str, str]) -> mpl.figure.Figure:
    """Event-time paths side by side, one panel per outcome: estimate, interval, and the true effect.

    Args:
        panels: title -> rows with `event_time`, `value`, `lower`, `upper` (per cent), `truth` (per cent, may be
            missing) and `other` (a second estimator's value, may be missing).
        words: `y`, `x` (axis labels), `after` (label of the shaded side), `estimate`, `interval`, `truth`, `other`.
    """
    figure, row = plt.subplots(1, len(panels), figsize=(WIDTH, 2.35), sharey=True, layout="constrained", squeeze=False)
    for axes, (title, rows) in zip(row[0], panels.items(), strict=True):
        _path(axes, rows, words)
        axes.set_title(title, loc="left", fontsize=8.5, color=NAVY, weight=BOLD, pad=4)
    # Once, in the first panel, where the shaded side begins.
    row[0][0].annotate(words["after"], (-0.4, 1), xycoords=("data", "axes fraction"), xytext=(2, -3), textcoords="offset points", va="top", color=GREY, fontsize=7.5)
    row[0][0].set_ylabel(words["y"], color=INK)
    row[0][len(panels) // 2].set_xlabel(words["x"], color=INK, labelpad=3)
    handles, labels = row[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=4, frameon=False, fontsize=7.5, handlelength=1.8)
    return figure


def _path(axes: Axes, rows: pd.DataFrame, words: dict[str, str]) -> None:
    time = rows["event_time"]
    estimated = rows["lower"].notna()
    axes.axhline(0, color=GREY, lw=0.7)
    axes.axvspan(-0.5, time.max() + 0.5, color=LIGHT, alpha=0.4, lw=0)
    axes.plot(time[estimated], rows["value"][estimated], "o", color="white", mec=NAVY, mew=1.3, ms=4.2, ls="none", label=words["estimate"], zorder=3)
    axes.vlines(time[estimated], rows["lower"][estimated], rows["upper"][estimated], color=NAVY, lw=1.6, label=words["interval"])
    # The base period is 0 by construction, not an estimate.
    axes.plot(time[~estimated], rows["value"][~estimated], "D", color=GREY, ms=3.4, ls="none")
    if rows["other"].notna().any():
        axes.plot(time + 0.22, rows["other"], "x", color=GREY, ms=3.8, mew=1.0, ls="none", label=words["other"])
    if rows["truth"].notna().any():
        axes.plot(time, rows["truth"], color=INK, lw=1.0, ls=(0, (4, 2)), label=words["truth"])
    axes.set_xticks(time[::2] if len(time) > 8 else time)
    axes.xaxis.set_major_formatter(lambda value, _: _tick(value, signed=True))
    axes.yaxis.set_major_formatter(lambda value, _: _tick(value))
    axes.grid(axis="y", color=LIGHT, lw=0.5)
    axes.spines["left"].set_visible(False)


def _tick(value: float, signed: bool = False) -> str:
    # The font has no minus sign; an SVG would set the whole label in another font for want of it.
    return number(value, 0, signed).replace(MINUS, "–")


def _rank_text(row: object, to: str) -> str:
    low, high = int(row.rank_lower), int(row.rank_upper)
    return f"{int(row.rank)} ({low if low == high else f'{low}{to}{high}'})"

from __future__ import annotations

import matplotlib.pyplot as plt
import pytest

from samples import plot_layers


@pytest.mark.parametrize("shares", [(1, 1), (2, 1)])
def test_no_curve_runs_through_a_legend(shares: tuple[int, int]) -> None:
    figure = plt.figure(figsize=plot_layers.SIZE, layout="constrained")
    for axis in figure.subplots(1, 2, width_ratios=shares):
        axis.plot([0, 1], [1, 1], label="mouthStretchLeft")
        axis.plot([0, 1], [0, 1], label="mouthStretchRight")
        plot_layers.tidy(axis, "sides differ a little")
    figure.canvas.draw()
    for axis in figure.axes:
        legend, title = axis.get_legend().get_window_extent(), axis._left_title.get_window_extent()
        assert axis.get_window_extent().y1 <= legend.y0
        assert legend.y1 <= title.y0
    plt.close(figure)

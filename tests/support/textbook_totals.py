"""Flows with given totals by the textbook's iterations, in NumPy: nothing here is shared with the model."""

import numpy as np


def fitted(prior, totals, rounds=20_000, tolerance=1e-14):
    """Rows, columns, blocks and zones in turn: each is met exactly, the others a little less wrong every time."""
    y = np.array(prior, float)
    for _ in range(rounds):
        before = y.copy()
        for kind, adjust in (("outflow", _rows), ("inflow", _columns), ("block", _blocks), ("net", _zones)):
            if getattr(totals, kind) is not None:
                y = adjust(y, totals)
        if (np.abs(y - before) <= tolerance * np.abs(y)).all():
            return y
    raise AssertionError("the textbook's iteration did not converge")


def _ratio(wanted, found):
    known = ~np.isnan(wanted) & (found > 0)
    return np.where(known, wanted / np.where(known, found, 1.0), 1.0)


def _rows(y, totals):
    return y * _ratio(totals.outflow, y.sum(1))[:, None]


def _columns(y, totals):
    return y * _ratio(totals.inflow, y.sum(0))


def _blocks(y, totals):
    rows, columns = np.eye(np.shape(totals.block)[0])[totals.origin_group], np.eye(np.shape(totals.block)[1])
    columns = columns[totals.destination_group]
    return y * (rows @ _ratio(totals.block, rows.T @ y @ columns) @ columns.T)


def _zones(y, totals):
    """Zone by zone, a with a out − in / a = −net: the positive root of out a² + net a − in = 0."""
    y = y.copy()
    for i in np.flatnonzero(~np.isnan(totals.net)):
        out, into = y[i].sum() - y[i, i], y[:, i].sum() - y[i, i]
        if out > 0:
            a = (-totals.net[i] + np.sqrt(totals.net[i] ** 2 + 4 * out * into)) / (2 * out)
            own = y[i, i]
            y[i] *= a
            y[:, i] /= a
            y[i, i] = own
    return y

#!/usr/bin/env python3
"""Writes backend/clustering/tests/fixtures/metrics.json: weighted points, labels, and what
scikit-learn measures on the rows repeated as often as the weights say.

    python3 -m venv /tmp/fixtures && /tmp/fixtures/bin/pip install scikit-learn==1.9.1
    /tmp/fixtures/bin/python script/make_metric_fixtures.py
"""

import json
from pathlib import Path

import numpy as np
import sklearn
from sklearn.cluster import KMeans
from sklearn.metrics import (
    adjusted_rand_score,
    calinski_harabasz_score,
    davies_bouldin_score,
    silhouette_score,
)

SKLEARN = "1.9.1"
TARGET = Path(__file__).parent.parent / "backend/clustering/tests/fixtures/metrics.json"


def case(name, points, weights, labels, other):
    """One fixture; `other` is a second labelling, for the adjusted Rand index."""
    # On a grid of 1/64 the |x|² - 2xy + |y|² that scikit-learn takes for distances is exact; elsewhere
    # it puts a row 1e-8 apart from itself, which alone would spoil the ninth digit.
    points = np.round(points * 64) / 64
    rows, row_labels, row_other = (np.repeat(a, weights, axis=0) for a in (points, labels, other))
    return {
        "name": name,
        "d": points.shape[1],
        "coordinates": points.ravel().tolist(),
        "weights": weights.tolist(),
        "labels": labels.tolist(),
        "other_labels": other.tolist(),
        "silhouette": silhouette_score(rows, row_labels),
        "davies_bouldin": davies_bouldin_score(rows, row_labels),
        "calinski_harabasz": calinski_harabasz_score(rows, row_labels),
        "adjusted_rand_index": adjusted_rand_score(row_labels, row_other),
    }


def cases():
    rng = np.random.default_rng(1)
    for d in (1, 2, 5):
        for k in (2, 3, 7):
            n = 120
            centres = rng.normal(scale=4.0, size=(k, d))
            points = centres[rng.integers(k, size=n)] + rng.normal(size=(n, d))
            once = np.ones(n, dtype=int)
            repeated = rng.integers(1, 9, size=n)
            means = KMeans(k, n_init=3, random_state=1)
            fitted = means.fit_predict(points, sample_weight=repeated)
            arbitrary = rng.integers(k, size=n)
            yield case(f"k-means, d = {d}, k = {k}", points, repeated, fitted, arbitrary)
            yield case(f"arbitrary labels, d = {d}, k = {k}", points, repeated, arbitrary, fitted)

            # The first clusters hold one row each.
            alone = np.minimum(k - 1, 3)
            labels = np.maximum(fitted, alone)
            labels[:alone] = np.arange(alone)
            yield case(f"single rows, d = {d}, k = {k}", points, once, labels, fitted)

    # A far heavy point, rows that occur twice in the list, and one cluster of twins.
    points = np.array([[0.0, 0.0], [0.0, 0.0], [1.0, 0.5], [1000.0, 2.0], [1000.0, 2.5], [3.0, 3.0]])
    weights = np.array([50, 1, 2, 4000, 3, 7])
    labels = np.array([0, 0, 0, 1, 1, 2])
    yield case("weights that differ", points, weights, labels, np.array([0, 1, 1, 0, 1, 1]))
    yield case("same rows apart", points, weights, np.array([0, 1, 1, 0, 1, 1]), labels)


def main():
    if sklearn.__version__ != SKLEARN:
        raise SystemExit(f"scikit-learn {SKLEARN} is wanted, this is {sklearn.__version__}")
    fixtures = {"scikit_learn": SKLEARN, "cases": list(cases())}
    TARGET.write_text(json.dumps(fixtures, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()

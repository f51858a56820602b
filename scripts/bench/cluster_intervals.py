#!/usr/bin/env python3
"""Which 95 % interval of an accuracy over photographers holds the truth in 95 % of cases?

    scripts/bench/cluster_intervals.py [--sets 4000] [--bootstrap-sets 1000] [--model beta|probit]

Simulates test sets with the numbers of photos of IM2GPS3k's photographers (tests/data/im2gps3k_photographers.csv): 20, 50,
101, 198 and 500 of them, correlations 0 to 0.3 of two photos of one photographer, accuracies 3 to 90 %; prints for each
method and number of photographers the least and the greatest coverage over the 35 pairs of correlation and accuracy, and
in how many of these it lies in 93.5 to 96.5 %, and all cases of the method that is built in. docs/evaluation.md ("Photographers") has the table. Needs NumPy and SciPy.
"""
import argparse
import csv
import math
import pathlib

import numpy as np
from scipy import stats

SHARES = (0.03, 0.1, 0.17, 0.34, 0.5, 0.75, 0.9)
CORRELATIONS = (0, 0.05, 0.1, 0.2, 0.3)
PHOTOGRAPHERS = (20, 50, 101, 198, 500)
KEPT = "Wilson at N / D, r by 1 / sqrt(n), t (effective)"


def sizes_of(photographers):
    """As PhotographerSizes of tests/eval/cluster_coverage_test.cpp."""
    path = pathlib.Path(__file__).parents[2] / "tests/data/im2gps3k_photographers.csv"
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    everyone = [int(row["photos"]) for row in rows]
    dev = [int(row["dev"]) for row in rows if row["dev"]]
    if photographers == len(dev):
        return np.array(dev)
    sizes = []
    while photographers - len(sizes) >= len(everyone):
        sizes += everyone
    rest = photographers - len(sizes)
    return np.array(sizes + [everyone[(2 * i + 1) * len(everyone) // (2 * rest)] for i in range(rest)])


def latent_correlation(share, correlation):
    """Of the normal scores whose signs have this correlation."""
    x, weight = np.polynomial.hermite_e.hermegauss(80)
    weight = weight / weight.sum()
    low, high = 0.0, 0.999
    for _ in range(40):
        r = (low + high) / 2
        p = stats.norm.cdf((stats.norm.ppf(share) + math.sqrt(r) * x) / math.sqrt(1 - r))
        low, high = (r, high) if (weight @ p**2 - share**2) / (share * (1 - share)) < correlation else (low, r)
    return r


def draw(n, share, correlation, sets, model, random):
    """Hits of each photographer, [sets, photographers]."""
    shape = (sets, len(n))
    if correlation == 0:
        p = np.full(shape, share)
    elif model == "beta":
        prior = 1 / correlation - 1
        p = random.beta(share * prior, (1 - share) * prior, size=shape)
    else:
        r = latent_correlation(share, correlation)
        score = stats.norm.ppf(share) + math.sqrt(r) * random.standard_normal(shape)
        p = stats.norm.cdf(score / math.sqrt(1 - r))
    return random.binomial(n, p).astype(float)


def wilson(p, n, z):
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return middle - half, middle + half


def correlation_by_moments(y, n, power):
    """From squared sums of deviations, weighted by n ** -power."""
    photos, share = n.sum(), n / n.sum()
    p = y.sum(1) / photos
    variance = p * (1 - p)
    weight = n ** -float(power)
    pairs = n * (n - 1.0)
    alone = (weight * (n - 2 * share * n + share**2 * photos)).sum()
    together = (weight * (pairs - 2 * share * pairs + share**2 * pairs.sum())).sum()
    seen = (weight * (y - p[:, None] * n) ** 2).sum(1) / np.where(variance > 0, variance, 1)
    r = (seen * (1 - 1 / photos) - alone) / (together + seen * pairs.sum() / photos**2)
    return np.where(variance > 0, r, 0.1)


def bell_mccaffrey(n, correlation):
    """Degrees of freedom of the CR2 variance, were this the correlation."""
    share = n / n.sum()
    v = n * (1 + correlation * (n - 1.0))
    covariance = np.diag(v) - np.outer(share, v) - np.outer(v, share) + v.sum() * np.outer(share, share)
    weight = 1 / (1 - share)
    trace = (weight * np.diag(covariance)).sum()
    return trace**2 / (np.outer(weight, weight) * covariance**2).sum()


def closed_forms(y, n):
    photos, count = n.sum(), len(n)
    share = n / photos
    p = y.sum(1) / photos
    variance = p * (1 - p)
    squared = (y - p[:, None] * n) ** 2
    spread = (n**2).sum() / photos - 1
    t = stats.t.ppf(0.975, count - 1)
    effective = stats.t.ppf(0.975, photos**2 / (n**2).sum() - 1)
    cr1 = count / (count - 1) * squared.sum(1) / photos**2
    cr2 = (squared / (1 - share)).sum(1) / photos**2
    cr3 = (squared / (1 - share) ** 2).sum(1) / photos**2

    def photos_that_tell(v):
        guess = photos / (1 + 0.1 * spread)
        return np.where((variance > 0) & (v > 0), variance / np.where(v > 0, v, 1), guess)

    def at(r, least=0.5):
        return photos / np.clip(1 + r * spread, least, 1 + spread)

    clipped = np.clip(p, 0.5 / photos, 1 - 0.5 / photos)
    logit = np.log(clipped / (1 - clipped))
    error = np.sqrt(clipped * (1 - clipped) / photos_that_tell(cr1)) / (clipped * (1 - clipped))
    grid = np.linspace(0, 1, 21)
    anova = correlation_by_moments(y, n, 1)
    degrees = np.interp(anova, grid, [bell_mccaffrey(n, r) for r in grid])
    return {
        "Wilson over photos": wilson(p, photos, 1.96),
        "p +- t(G - 1) errors, CR1": (p - t * np.sqrt(cr1), p + t * np.sqrt(cr1)),
        "t(G - 1) on the logit, CR1": tuple(1 / (1 + np.exp(-(logit + s * t * error))) for s in (-1, 1)),
        "Wilson at N / D, D of CR1, normal": wilson(p, photos_that_tell(cr1), 1.96),
        "Wilson at N / D, D of the jackknife (CR3), t(G - 1)": wilson(p, photos_that_tell(cr3), t),
        "Wilson at N / D, D of CR2, t (Bell-McCaffrey)": wilson(
            p, photos_that_tell(cr2), stats.t.ppf(0.975, degrees)
        ),
        "Wilson at N / D, r by 1 / n (variance analysis, >= 0), t(G - 1)": wilson(p, at(anova, 1), t),
        "Wilson at N / D, r by equal weights, t (effective)": wilson(
            p, at(correlation_by_moments(y, n, 0)), effective
        ),
        KEPT: wilson(p, at(correlation_by_moments(y, n, 0.5)), effective),
    }


def bootstraps(y, n, rounds, random):
    photos, count = n.sum(), len(n)
    times = random.multinomial(count, np.ones(count) / count, size=rounds).astype(float)
    drawn, squares = times @ n, times @ (n**2.0)
    ends = {"percentile bootstrap of clusters": [], "studentised bootstrap of clusters": []}
    for hits in y:
        p, resampled = hits.sum() / photos, times @ hits / drawn
        ends["percentile bootstrap of clusters"].append(np.percentile(resampled, [2.5, 97.5]))
        squared = times @ hits**2 - 2 * resampled * (times @ (hits * n)) + resampled**2 * squares
        pivots = (resampled - p) / (np.sqrt(np.maximum(squared, 1e-12)) / drawn)
        low, high = np.percentile(pivots, [2.5, 97.5])
        error = math.sqrt(max(((hits - p * n) ** 2).sum(), 1e-12)) / photos
        ends["studentised bootstrap of clusters"].append((p - high * error, p - low * error))
    return {name: np.array(value).T for name, value in ends.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", type=int, default=4000)
    parser.add_argument("--bootstrap-sets", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=599, help="of the bootstraps")
    parser.add_argument("--model", choices=("beta", "probit"), default="beta")
    flags = parser.parse_args()
    coverage = {}
    for photographers in PHOTOGRAPHERS:
        random = np.random.default_rng(photographers)
        n = sizes_of(photographers)
        for correlation in CORRELATIONS:
            for share in SHARES:
                y = draw(n, share, correlation, flags.sets, flags.model, random)
                intervals = closed_forms(y, n)
                if flags.bootstrap_sets > 0:
                    intervals |= bootstraps(y[: flags.bootstrap_sets], n, flags.rounds, random)
                for name, (low, high) in intervals.items():
                    held = 100 * np.mean((low <= share) & (share <= high))
                    coverage.setdefault(name, {}).setdefault(photographers, []).append(held)
    print("| interval |" + "".join(f" {g} photographers |" for g in PHOTOGRAPHERS) + " in 93.5-96.5 % |")
    print("|---|" + "---|" * (len(PHOTOGRAPHERS) + 1))
    for name, by_count in coverage.items():
        cells = "".join(f" {min(held):.1f}-{max(held):.1f} |" for held in by_count.values())
        every = [held for counts in by_count.values() for held in counts]
        print(f"| {name} |{cells} {sum(93.5 <= held <= 96.5 for held in every)} of {len(every)} |")
    print(f"\n{KEPT}, every case:\n\n| photographers | correlation |" + "".join(f" {100 * s:g} % |" for s in SHARES))
    print("|---|---|" + "---|" * len(SHARES))
    for photographers, held in coverage[KEPT].items():
        for i, correlation in enumerate(CORRELATIONS):
            row = held[i * len(SHARES) : (i + 1) * len(SHARES)]
            print(f"| {photographers} | {correlation:g} |" + "".join(f" {h:.1f} |" for h in row))


if __name__ == "__main__":
    main()

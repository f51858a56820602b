#!/usr/bin/env python3
"""Do tests over photographers reject in 5 % of cases what is true?

    scripts/bench/cluster_tests.py [--sets 2000]

Two equally good methods on sets as those of cluster_intervals.py: half of the photographers are as easy for one as for the
other, and 6 photos in 10 are answered by both from the same chance. Prints how often each test is at or below 5 %. The table
of docs/evaluation.md ("Photographers"). Needs NumPy and SciPy.
"""
import argparse

import numpy as np
from scipy import stats

from cluster_intervals import PHOTOGRAPHERS, sizes_of

SHARES = (0.03, 0.1, 0.34, 0.5, 0.9)


def differences(n, share, correlation, sets, random):
    """Photos that the first method alone gets right less those of the second, [sets, photographers]."""
    shape = (sets, len(n))

    def shares():
        if correlation == 0:
            return np.full(shape, share)
        prior = 1 / correlation - 1
        return random.beta(share * prior, (1 - share) * prior, size=shape)

    common, alike = shares(), random.random(shape) < 0.5
    a, b = np.where(alike, common, shares()), np.where(alike, common, shares())
    both = random.binomial(np.broadcast_to(n, shape), 0.6)
    together = random.binomial(both, np.abs(a - b)) * np.sign(a - b)
    return together + random.binomial(n - both, a) - random.binomial(n - both, b)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=999)
    flags = parser.parse_args()
    names = (
        "sign flips, exact where at most 13 differ, else equal sums count half (built in)",
        "sign flips, equal sums count half",
        "sign flips, equal sums count whole",
        "normal approximation",
    )
    levels = {name: {g: [] for g in PHOTOGRAPHERS} for name in names}
    for photographers in PHOTOGRAPHERS:
        random = np.random.default_rng(photographers + 1)
        n = sizes_of(photographers)
        for correlation in (0, 0.05, 0.1, 0.3):
            for share in SHARES:
                sums = differences(n, share, correlation, flags.sets, random).astype(float)
                signs = random.choice([-1.0, 1.0], size=(flags.rounds, photographers))
                total, flipped = np.abs(sums.sum(1)), np.abs(sums @ signs.T)
                reached = (flipped >= total[:, None] - 1e-9).sum(1)
                farther = (flipped > total[:, None] + 1e-9).sum(1)
                squares = (sums**2).sum(1)
                z = np.where(squares > 0, total / np.sqrt(np.where(squares > 0, squares, 1)), 0)
                half = (0.5 * (reached + farther) + 0.5) / (flags.rounds + 1)
                whole = (reached + 1) / (flags.rounds + 1)
                p = (
                    np.where((sums != 0).sum(1) <= 13, whole, half),
                    half,
                    whole,
                    2 * stats.norm.sf(z),
                )
                for name, values in zip(names, p):
                    levels[name][photographers].append(100 * np.mean(values <= 0.05))
    print("| test |" + "".join(f" {g} photographers |" for g in PHOTOGRAPHERS) + " in 4-6 % |")
    print("|---|" + "---|" * (len(PHOTOGRAPHERS) + 1))
    for name, by_count in levels.items():
        cells = "".join(f" {min(level):.1f}-{max(level):.1f} |" for level in by_count.values())
        every = [level for counts in by_count.values() for level in counts]
        print(f"| {name} |{cells} {sum(4 <= level <= 6 for level in every)} of {len(every)} |")


if __name__ == "__main__":
    main()

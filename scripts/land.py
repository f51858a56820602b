#!/usr/bin/env python3
"""Makes configs/land: outlines of land and countries, small enough to be part of the program.

    npm pack world-atlas@2.0.2 && mkdir world-atlas && tar -xf world-atlas-2.0.2.tgz -C world-atlas --strip-components 1
    npm pack i18n-iso-countries@7.14.0 && mkdir iso && tar -xf i18n-iso-countries-7.14.0.tgz -C iso --strip-components 1
    scripts/land.py world-atlas iso

world-atlas holds Natural Earth's admin-0 countries at 1:110 million and 1:50 million as TopoJSON; i18n-iso-countries
gives ISO's two letters for its three digits. Rings over the date line are cut there, arcs are thinned (Visvalingam's effective areas), put on a grid and
written as TopoJSON again; countries get the codes and names of configs/countries.csv.
"""
import csv
import heapq
import json
import pathlib
import sys

# Resolution: the grid in degrees, and the area in square degrees below which a corner goes.
RESOLUTIONS = {"110m": (0.02, 0.0), "50m": (0.01, 0.003)}


def thinned(points, smallest):
    """Without the corners whose triangles, with their neighbours then, are smaller; at least four points of a ring."""
    keep = 4 if points[0] == points[-1] else 3
    if smallest <= 0 or len(points) <= keep:
        return points
    before = list(range(-1, len(points) - 1))
    after = list(range(1, len(points) + 1))

    def area(i):
        (x0, y0), (x1, y1), (x2, y2) = points[before[i]], points[i], points[after[i]]
        return abs((x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)) / 2

    alive = [True] * len(points)
    areas = {i: area(i) for i in range(1, len(points) - 1)}
    heap = [(a, i) for i, a in areas.items()]
    heapq.heapify(heap)
    left = len(points)
    while heap and left > keep:
        a, i = heapq.heappop(heap)
        if not alive[i] or a != areas[i]:
            continue
        if a >= smallest:
            break
        alive[i] = False
        left -= 1
        after[before[i]], before[after[i]] = after[i], before[i]
        for j in (before[i], after[i]):
            if 0 < j < len(points) - 1:
                areas[j] = max(a, area(j))
                heapq.heappush(heap, (areas[j], j))
    return [p for p, there in zip(points, alive) if there]


def gridded(points, grid):
    """Steps between grid points, without those of no length; a ring keeps four points even where it is smaller."""
    cells = [(round((x + 180) / grid), round((y + 90) / grid)) for x, y in points]
    ring = points[0] == points[-1]
    distinct = [c for i, c in enumerate(cells) if i == 0 or c != cells[i - 1]]
    if ring and len(distinct) < 4:
        x, y = cells[0]
        distinct = [(x, y), (x + 1, y), (x, y + 1), (x, y)]
    if len(distinct) < 2:
        distinct = [cells[0], cells[-1]]
    return [distinct[0]] + [(b[0] - a[0], b[1] - a[1]) for a, b in zip(distinct, distinct[1:])]


def points_of(arc, transform):
    x = y = 0
    points = []
    for dx, dy in arc:
        x, y = x + dx, y + dy
        points.append((x * transform["scale"][0] + transform["translate"][0],
                       y * transform["scale"][1] + transform["translate"][1]))
    return points


def split(points):
    """The parts of an arc on either side of the date line, which world-atlas joins for the sphere."""
    parts = [[points[0]]]
    for (x0, y0), (x1, y1) in zip(points, points[1:]):
        if abs(x1 - x0) > 180:
            edge = 180 if x0 > 0 else -180
            there = x1 + 2 * edge
            y = y0 if there == x0 else y0 + (edge - x0) / (there - x0) * (y1 - y0)
            parts[-1].append((edge, y))
            parts.append([(-edge, y)])
        parts[-1].append((x1, y1))
    return [part for part in parts if len(set(part)) > 1]


class Flat:
    """Arcs and rings on a map that ends at the date line: rings over it are cut, and closed along it."""

    def __init__(self, arcs):
        self.arcs = []
        self.parts_of = []  # of each arc of the sphere
        for points in arcs:
            parts = split(points)
            self.parts_of.append(list(range(len(self.arcs), len(self.arcs) + len(parts))))
            self.arcs += parts

    def ends(self, i):
        return (self.arcs[~i][-1], self.arcs[~i][0]) if i < 0 else (self.arcs[i][0], self.arcs[i][-1])

    def add(self, *points):
        self.arcs.append(list(points))
        return len(self.arcs) - 1

    def rings(self, ring):
        indices = [part for i in ring
                   for part in ([~p for p in reversed(self.parts_of[~i])] if i < 0 else self.parts_of[i])]
        cuts = [k for k in range(len(indices)) if self.ends(indices[k - 1])[1] != self.ends(indices[k])[0]]
        if not cuts:
            return [indices]
        # Chains from date line to date line.
        chains = [(indices[a:] + indices[:b] if b <= a else indices[a:b]) for a, b in zip(cuts, cuts[1:] + cuts[:1])]
        starts = [self.ends(chain[0])[0] for chain in chains]
        stops = [self.ends(chain[-1])[1] for chain in chains]
        if len(chains) == 1 and starts[0][0] != stops[0][0]:  # all around the south pole
            (x, y), (to_x, to_y) = stops[0], starts[0]
            return [chains[0] + [self.add((x, y), (x, -90), (to_x, -90), (to_x, to_y))]]
        follow = {}
        for edge in (-180, 180):
            ends = sorted([(y, k, "start") for k, (x, y) in enumerate(starts) if x == edge] +
                          [(y, k, "stop") for k, (x, y) in enumerate(stops) if x == edge])
            for a, b in zip(ends[::2], ends[1::2]):
                start, stop = (a, b) if a[2] == "start" else (b, a)
                assert (start[2], stop[2]) == ("start", "stop")
                follow[stop[1]] = start[1]
        rings = []
        while follow:
            first = k = next(iter(follow))
            closed = []
            while k in follow:
                closed += chains[k]
                if stops[k] != starts[follow[k]]:
                    closed.append(self.add(stops[k], starts[follow[k]]))
                k = follow.pop(k)
            assert k == first
            rings.append(closed)
        return rings

    def geometry(self, geometry):
        """[type, arcs], with the holes of a polygon in the first of its parts."""
        polygons = geometry["arcs"] if geometry["type"] == "MultiPolygon" else [geometry["arcs"]]
        flat = []
        for outer, *holes in polygons:
            parts = sorted(self.rings(outer), key=lambda ring: -sum(len(self.arcs[max(i, ~i)]) for i in ring))
            if not parts[0]:  # an island of no size
                continue
            flat += [[parts[0], *(ring for hole in holes for ring in self.rings(hole))], *([ring] for ring in parts[1:])]
        return {"type": "MultiPolygon", "arcs": flat} if len(flat) > 1 else {"type": "Polygon", "arcs": flat[0]}


def countries_of(geometries, flat, letters, names):
    countries = []
    for geometry in geometries:
        code = letters.get(geometry.get("id"), "")
        name = geometry["properties"]["name"]
        if name == "Kosovo":
            code = "XK"  # as GeoNames and configs/countries.csv have it; ISO has none
        shape = flat.geometry(geometry)
        countries.append({"type": shape["type"], "id": code, "properties": {"name": names.get(code, name)},
                          "arcs": shape["arcs"]})
    return sorted(countries, key=lambda c: (c["id"] == "", c["id"], c["properties"]["name"]))


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def main():
    atlas, iso = map(pathlib.Path, sys.argv[1:])
    root = pathlib.Path(__file__).resolve().parent.parent
    letters = {digits: two for two, _, digits, *_ in json.loads((iso / "codes.json").read_text())}
    with open(root / "configs/countries.csv", encoding="utf-8", newline="") as file:
        names = {row["code"]: row["names"].split(";")[0] for row in csv.DictReader(file)}
    for resolution, (grid, smallest) in RESOLUTIONS.items():
        topology = json.loads((atlas / f"countries-{resolution}.json").read_text())
        flat = Flat([points_of(arc, topology["transform"]) for arc in topology["arcs"]])
        countries = countries_of(topology["objects"]["countries"]["geometries"], flat, letters, names)
        (land,) = map(flat.geometry, topology["objects"]["land"]["geometries"])
        arcs = [gridded(thinned(arc, smallest), grid) for arc in flat.arcs]
        # A line an arc and a country: differences that can be read, and src/geo/land.cpp reads arcs by lines.
        text = ('{"type":"Topology","transform":' + compact({"scale": [grid, grid], "translate": [-180, -90]}) +
                ',"objects":{"countries":{"type":"GeometryCollection","geometries":[\n' +
                ",\n".join(map(compact, countries)) + '\n]},\n"land":' +
                compact({"type": "GeometryCollection", "geometries": [land]}) +
                '},\n"arcs":[\n' + ",\n".join(map(compact, arcs)) + "\n]}\n")
        path = root / f"configs/land/countries-{resolution}.json"
        path.write_text(text, encoding="utf-8")
        print(path.name, path.stat().st_size, "bytes,", sum(map(len, arcs)), "points")


if __name__ == "__main__":
    main()

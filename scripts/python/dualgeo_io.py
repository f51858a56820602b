#!/usr/bin/env python3
"""Reads and writes dualgeo's files (docs/formats.md): one file, NumPy and pandas alone. Copy it, or put its folder on
PYTHONPATH.

    import dualgeo_io as dg
    features = dg.read_features("runs/quickstart/features/train.safetensors")
    features.ids, features["fused_image"]                     # N texts, float32 [N, D]
    run = dg.Run("runs/quickstart")
    run.benchmarks, run.predictions("query"), run.metrics("query"), run.log()

    tensors, metadata = dg.read_safetensors("model.safetensors")   # mapped, bfloat16 as float32
    dg.write_safetensors("out.safetensors", {"image": vectors}, {"kind": "photos"})

As a command, between features, galleries, .npy and FAISS's own Python package (which is needed for nothing else):

    dualgeo_io.py to-npy FEATURES NAME OUT.npy [--ids OUT.csv]
    dualgeo_io.py from-npy VECTORS.npy TABLE.csv OUT.safetensors [--name image] [--id-column IMG_ID] [--as-they-are]
    dualgeo_io.py gallery INDEX.faiss TABLE.csv OUT_FOLDER [--feature image] [--id-column IMG_ID]

What is wrong with a file is a ValueError that begins with its name.
"""

import argparse
import hashlib
import json
import os
import re
import struct
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

# ---- safetensors: 8 bytes of header length, the header as JSON, the tensors' bytes

_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "|i1",
          "U8": "|u1", "BOOL": "|b1"}
_NAMES = {np.dtype(code): name for name, code in _TYPES.items() if name != "BF16"}
_LONGEST_HEADER = 100_000_000


def _bfloat16_to_float32(bits):
    return (bits.astype(np.uint32) << 16).view(np.float32)


class SafetensorsFile:
    """A file whose header is read and checked; its tensors are mapped when they are asked for."""

    def __init__(self, path):
        self.path = Path(path)
        size = self.path.stat().st_size
        with open(self.path, "rb") as file:
            head = file.read(8)
            if len(head) < 8:
                raise ValueError(f"{path}: {size} bytes, not safetensors")
            (length,) = struct.unpack("<Q", head)
            if length > min(size - 8, _LONGEST_HEADER):
                raise ValueError(f"{path}: header of {length} bytes in a file of {size}, not safetensors")
            try:
                header = json.loads(file.read(length))
            except ValueError as error:
                raise ValueError(f"{path}: its header is no JSON: {error}") from None
        if not isinstance(header, dict):
            raise ValueError(f"{path}: its header is no JSON object")
        self.metadata = header.pop("__metadata__", None) or {}
        self._begin = 8 + length
        self._entries = {}
        for name, entry in header.items():
            try:
                kind, shape, (begin, end) = entry["dtype"], tuple(entry["shape"]), entry["data_offsets"]
                item = np.dtype(_TYPES[kind]).itemsize
                whole = all(isinstance(n, int) and n >= 0 for n in (*shape, begin, end))
            except (KeyError, TypeError, ValueError):
                raise ValueError(f"{path}: tensor {name!r} has an entry that is not understood: {entry}") from None
            count = 1
            for side in shape:
                count *= side
            if not whole or end - begin != count * item or self._begin + end > size:
                raise ValueError(f"{path}: tensor {name!r} does not fit its bytes: {entry}")
            self._entries[name] = (kind, shape, begin)

    def keys(self):
        return list(self._entries)

    def __contains__(self, name):
        return name in self._entries

    def __getitem__(self, name):
        """The tensor, over the mapped file; bfloat16 is a copy as float32."""
        if name not in self._entries:
            raise KeyError(f"{self.path}: no tensor {name!r}; there are {', '.join(self._entries)}")
        kind, shape, begin = self._entries[name]
        if 0 in shape:
            return np.empty(shape, np.float32 if kind == "BF16" else _TYPES[kind])
        array = np.memmap(self.path, dtype=_TYPES[kind], mode="r", offset=self._begin + begin, shape=shape or (1,))
        array = np.asarray(array).reshape(shape)
        return _bfloat16_to_float32(array) if kind == "BF16" else array


def read_safetensors(path):
    """({name: array}, {metadata})"""
    file = SafetensorsFile(path)
    return {name: file[name] for name in file.keys()}, dict(file.metadata)


def _write_atomically(path, write):
    path = Path(path)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent or ".")
    try:
        with os.fdopen(descriptor, "wb") as file:
            write(file)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def write_safetensors(path, tensors, metadata=None):
    """Arrays of the types that NumPy shares with safetensors; the largest elements first, so that all are aligned."""
    arrays = {}
    for name, value in tensors.items():
        array = np.ascontiguousarray(value)
        if array.shape != np.shape(value):  # NumPy 1 makes an array of one out of a scalar
            array = array.reshape(np.shape(value))
        array = array.astype(array.dtype.newbyteorder("<"), copy=False)
        if array.dtype not in _NAMES:
            raise ValueError(f"{path}: tensor {name!r} is {array.dtype}; one of {', '.join(map(str, _NAMES))} is written")
        arrays[name] = array
    order = sorted(arrays, key=lambda name: -arrays[name].itemsize)
    header, at = {}, 0
    if metadata:
        header["__metadata__"] = {str(key): str(value) for key, value in metadata.items()}
    for name in order:
        array = arrays[name]
        header[name] = {"dtype": _NAMES[array.dtype], "shape": list(array.shape), "data_offsets": [at, at + array.nbytes]}
        at += array.nbytes
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)

    def write(file):
        file.write(struct.pack("<Q", len(text)) + text)
        for name in order:
            file.write(arrays[name].data if arrays[name].size else b"")

    _write_atomically(path, write)


# ---- features


class Features:
    """Rows of vectors by name: features["fused_image"] is float32 [N, D], row i that of features.ids[i]."""

    def __init__(self, ids, vectors, kind="photos", model="", latlon=None, photo_sha256=None):
        self.ids, self.vectors, self.kind, self.model = list(ids), dict(vectors), kind, model
        self.latlon, self.photo_sha256 = latlon, photo_sha256
        for name, rows in self.vectors.items():
            if np.ndim(rows) != 2 or len(rows) != len(self.ids):
                raise ValueError(f"{name}: shape {np.shape(rows)} for {len(self.ids)} ids")

    def __getitem__(self, name):
        if name not in self.vectors:
            raise KeyError(f"no feature {name!r}; there are {', '.join(self.vectors)}")
        return self.vectors[name]

    def __len__(self):
        return len(self.ids)


def _ids_of(file):
    if "ids" in file:
        text, at = file["ids"].tobytes(), file["id_offsets"]
        return [text[a:b].decode() for a, b in zip(at, at[1:])]
    if "ids" in file.metadata:  # version 0.1, and files made elsewhere
        return json.loads(file.metadata["ids"])
    raise ValueError(f"{file.path}: has no ids; are these features?")


def read_features(path):
    """What `dualgeo embed` and `run` write, or write_features. Vectors are mapped, not read."""
    file = SafetensorsFile(path)
    own = ("ids", "id_offsets", "photo_sha256", "latlon")
    vectors = {name: file[name] for name in file.keys() if name not in own}
    return Features(_ids_of(file), vectors, file.metadata.get("kind", "photos"), file.metadata.get("model", ""),
                    file["latlon"] if "latlon" in file else None,
                    file["photo_sha256"] if "photo_sha256" in file else None)


def write_features(path, features):
    """For `dualgeo gallery build --features` and `search --features`."""
    if len(set(features.ids)) != len(features.ids):
        raise ValueError(f"{path}: an id is there twice")
    encoded = [str(one).encode() for one in features.ids]
    tensors = {name: np.asarray(rows, np.float32) for name, rows in features.vectors.items()}
    for name, rows in tensors.items():
        if not np.isfinite(rows).all():
            raise ValueError(f"{path}: {name} has a value that is not finite")
    tensors["id_offsets"] = np.cumsum([0] + [len(one) for one in encoded], dtype=np.int64)
    tensors["ids"] = np.frombuffer(b"".join(encoded), np.uint8)
    if features.latlon is not None:
        tensors["latlon"] = np.asarray(features.latlon, np.float64)
    if features.photo_sha256 is not None:
        tensors["photo_sha256"] = np.asarray(features.photo_sha256, np.uint8)
    write_safetensors(path, tensors, {"kind": features.kind, "model": features.model})


def normalised(vectors):
    """Rows of length 1, as galleries want them."""
    rows = np.asarray(vectors, np.float32)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if not (lengths > 0).all():
        raise ValueError(f"row {int(np.argmin(lengths))} is zero and has no direction")
    return rows / lengths


def parts_of(folder):
    """[(first, count, path)] of a folder of finished blocks (OUT.parts, run_dir/frozen/SET), up to the first gap."""
    found = {}
    for path in Path(folder).iterdir():
        match = re.fullmatch(r"part-(\d+)-(\d+)", path.name)
        if match:
            found[int(match[1])] = (int(match[1]), int(match[2]), path)
    parts, at = [], 0
    while at in found:
        parts.append(found[at])
        at += found[at][1]
    return parts


def read_parts(folder):
    """Features that an interrupted `embed` has so far, as one Features (in memory)."""
    sets = [read_features(path) for _, _, path in parts_of(folder)]
    if not sets:
        raise ValueError(f"{folder}: holds no finished part")
    join = lambda rows: None if rows[0] is None else np.concatenate(rows)
    return Features(sum((one.ids for one in sets), []),
                    {name: np.concatenate([one[name] for one in sets]) for name in sets[0].vectors}, sets[0].kind,
                    sets[0].model, join([one.latlon for one in sets]), join([one.photo_sha256 for one in sets]))


class Frozen:
    """What a frozen image encoder gave (train.cache_frozen_features), run_dir/frozen/SET: of each version of each photo
    its tokens, float32 [1 + T, D]. photos: how many rows the training's table has."""

    def __init__(self, folder, photos):
        self._places, self._files = {}, []
        for first, _, path in parts_of(folder):
            file = SafetensorsFile(path)
            for i, row in enumerate(file["rows"]):
                if not 0 <= row < photos:
                    raise ValueError(f"{path}: row {row} of a table of {photos}")
                self._places[first // photos, int(row)] = (len(self._files), i)
            self._files.append(file)

    def keys(self):
        """(version, row) of every photo that is there."""
        return list(self._places)

    def _part(self, name, version, row):
        part, i = self._places[version, row]
        file = self._files[part]
        kind, shape, begin = file._entries[name]
        one = int(np.prod(shape[1:])) * np.dtype(_TYPES[kind]).itemsize
        rows = np.memmap(file.path, dtype=_TYPES[kind], mode="r", offset=file._begin + begin + i * one, shape=shape[1:])
        return _bfloat16_to_float32(rows) if kind == "BF16" else np.array(rows)

    def tokens(self, version, row):
        return self._part("tokens", version, row)

    def mask(self, version, row):
        return self._part("mask", version, row)


# ---- tables and runs


def read_table(path):
    """Any of dualgeo's CSV files; ids and authors stay texts ("007" is not 7), other columns are numbers where they can
    be."""
    texts = ("IMG_ID", "AUTHOR", "query_id", "gallery_id", "author", "set", "gallery", "rule", "model", "method", "reason",
             "status", "TAKEN", "PLACE_FROM", "token")
    head = pd.read_csv(path, nrows=0).columns
    types = {name: str for name in texts if name in head}
    table = pd.read_csv(path, dtype=types, keep_default_na=False,
                        na_values={name: ["", "nan"] for name in head if name not in types})
    return table


def read_candidates(path):
    """query_id, rank, gallery_id, lat, lon, score ...; sorted by query and rank as they stand."""
    return read_table(path)


def read_predictions(path):
    """IMG_ID, LAT, LON, method, confidence_km, reason; LAT and LON are NaN where there is no answer."""
    return read_table(path)


def read_metrics(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def read_log(path):
    """(steps, validations) of train.jsonl, as two tables."""
    steps, validations = [], []
    with open(path, encoding="utf-8") as file:
        for line in file:
            entry = json.loads(line)
            if "validation" in entry:
                validations.append({"step": entry.get("step"), "epoch": entry.get("epoch"), **entry["validation"]})
            else:
                steps.append(entry)
    return pd.DataFrame(steps), pd.DataFrame(validations)


def great_circle_km(lat_a, lon_a, lat_b, lon_b):
    """Haversine on a sphere of 6371.0088 km (within 0.6 % of the WGS84 distance)."""
    lat_a, lon_a, lat_b, lon_b = (np.radians(np.asarray(x, float)) for x in (lat_a, lon_a, lat_b, lon_b))
    h = np.sin((lat_b - lat_a) / 2) ** 2 + np.cos(lat_a) * np.cos(lat_b) * np.sin((lon_b - lon_a) / 2) ** 2
    return 2 * 6371.0088 * np.arcsin(np.sqrt(np.clip(h, 0, 1)))


class Run:
    """A run's folder (docs/formats.md#a-runs-folder)."""

    def __init__(self, folder):
        self.folder = Path(folder)
        if not (self.folder / "config.yaml").exists():
            raise ValueError(f"{folder}: not the folder of a finished run (no config.yaml)")

    @property
    def benchmarks(self):
        return sorted(path.parent.name for path in self.folder.glob("*/metrics.json"))

    def metrics(self, benchmark):
        return read_metrics(self.folder / benchmark / "metrics.json")

    def errors(self, benchmark):
        """IMG_ID, LAT, LON, LAT_pred, LON_pred, error_km, status, reason"""
        return read_table(self.folder / benchmark / "errors.csv")

    def predictions(self, benchmark):
        return read_predictions(self.folder / benchmark / "predictions.csv")

    def candidates(self, benchmark, reranked=False):
        return read_candidates(self.folder / benchmark / ("reranked.csv" if reranked else "candidates.csv"))

    def features(self, name="train"):
        path = self.folder / "features" / f"{name}.safetensors"
        return read_features(path if path.exists() else self.folder / name / "features.safetensors")

    def log(self):
        return read_log(self.folder / "train.jsonl")

    def untrained(self):
        """The same of the model before its first step, or None."""
        folder = self.folder / "untrained"
        return _Untrained(folder) if folder.is_dir() else None

    def gallery(self):
        return read_gallery(self.folder / "gallery")


class _Untrained(Run):
    def __init__(self, folder):
        self.folder = Path(folder)


# ---- galleries and FAISS


class Gallery:
    """info: gallery.json; items: IMG_ID, LAT, LON, AUTHOR, row i being vector i; index_file: FAISS's own format, unless
    info["index"] is grouped or classical."""

    def __init__(self, info, items, index_file):
        self.info, self.items, self.index_file = info, items, index_file

    def index(self):
        import faiss  # only here
        return faiss.read_index(str(self.index_file))

    def vectors(self):
        """float32 [N, D], as the index has them."""
        return self.index().reconstruct_n(0, len(self.items))


def read_gallery(folder):
    folder = Path(folder)
    with open(folder / "gallery.json", encoding="utf-8") as file:
        info = json.load(file)
    return Gallery(info, read_table(folder / "items.csv"), folder / "index.faiss")


def _sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def write_gallery(folder, index, table, feature="image", id_column="IMG_ID", index_kind=None, model=""):
    """A gallery of a FAISS index made elsewhere, over L2-normalised vectors: index is a file or an index of FAISS's
    package, row i of the table (id, LAT, LON, perhaps AUTHOR) its vector i. index_kind: how dualgeo would name it
    (gallery.index: flat, or FAISS's factory string); found by itself for flat ones."""
    import faiss
    folder = Path(folder)
    if folder.exists() and any(folder.iterdir()):
        raise ValueError(f"{folder}: is not empty")
    index = faiss.read_index(str(index)) if isinstance(index, (str, Path)) else index
    if index_kind is None:
        flat = isinstance(faiss.downcast_index(index), faiss.IndexFlat)
        if not flat:
            raise ValueError(f"{folder}: index_kind, the factory string that the index was made by, is needed")
        index_kind = "flat"
    if index.metric_type not in (faiss.METRIC_INNER_PRODUCT, faiss.METRIC_L2):
        raise ValueError(f"{folder}: its metric is neither inner product nor L2")
    items = pd.DataFrame({"row": np.arange(len(table)), "IMG_ID": table[id_column].astype(str), "LAT": table["LAT"],
                          "LON": table["LON"], "AUTHOR": table["AUTHOR"] if "AUTHOR" in table else ""})
    if index.ntotal != len(items):
        raise ValueError(f"{folder}: the index has {index.ntotal} vectors, the table {len(items)} rows")
    if items["IMG_ID"].duplicated().any():
        raise ValueError(f"{folder}: an id is there twice")
    folder.mkdir(parents=True, exist_ok=True)
    items.to_csv(folder / "items.csv", index=False, lineterminator="\n")
    faiss.write_index(index, str(folder / "index.faiss"))
    info = {"format": "dualgeo gallery 1", "dualgeo": "", "kind": "images", "dimension": index.d, "count": len(items),
            "metric": "inner_product" if index.metric_type == faiss.METRIC_INNER_PRODUCT else "l2",
            "features": [feature], "index": index_kind, "model": model, "identical_photos": None, "duplicates": "keep",
            "index_sha256": _sha256(folder / "index.faiss"), "items_sha256": _sha256(folder / "items.csv")}
    _write_atomically(folder / "gallery.json", lambda file: file.write((json.dumps(info, indent=2) + "\n").encode()))


# ---- the command


def _to_npy(arguments):
    features = read_features(arguments.features)
    np.save(arguments.out, features[arguments.name])
    if arguments.ids:
        pd.DataFrame({"IMG_ID": features.ids}).to_csv(arguments.ids, index=False)


def _from_npy(arguments):
    vectors = np.load(arguments.vectors, mmap_mode="r", allow_pickle=False)
    ids = pd.read_csv(arguments.table, dtype=str, keep_default_na=False)[arguments.id_column]
    if vectors.ndim != 2 or len(vectors) != len(ids):
        raise ValueError(f"{arguments.vectors}: shape {vectors.shape} for {len(ids)} rows of {arguments.table}")
    rows = np.asarray(vectors, np.float32) if arguments.as_they_are else normalised(vectors)
    write_features(arguments.out, Features(ids, {arguments.name: rows}))


def _gallery(arguments):
    table = pd.read_csv(arguments.table, dtype={arguments.id_column: str, "AUTHOR": str}, keep_default_na=False)
    write_gallery(arguments.out, arguments.index, table, arguments.feature, arguments.id_column, arguments.index_kind)


def main():
    parser = argparse.ArgumentParser(description="dualgeo's files to and from .npy and FAISS")
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("to-npy", help="a feature's vectors as .npy, its ids as a table")
    one.add_argument("features")
    one.add_argument("name")
    one.add_argument("out")
    one.add_argument("--ids")
    one.set_defaults(run=_to_npy)
    one = commands.add_parser("from-npy", help="features of vectors made elsewhere, one for each row of a table")
    one.add_argument("vectors")
    one.add_argument("table")
    one.add_argument("out")
    one.add_argument("--name", default="image")
    one.add_argument("--id-column", default="IMG_ID")
    one.add_argument("--as-they-are", action="store_true", help="do not bring the rows to length 1")
    one.set_defaults(run=_from_npy)
    one = commands.add_parser("gallery", help="a gallery of a FAISS index made elsewhere")
    one.add_argument("index")
    one.add_argument("table")
    one.add_argument("out")
    one.add_argument("--feature", default="image")
    one.add_argument("--id-column", default="IMG_ID")
    one.add_argument("--index-kind", help="the factory string that it was made by; needed unless it is flat")
    one.set_defaults(run=_gallery)
    arguments = parser.parse_args()
    try:
        arguments.run(arguments)
    except (KeyError, OSError, ValueError) as error:
        sys.exit(f"dualgeo_io: {error.args[0] if isinstance(error, KeyError) else error}")


if __name__ == "__main__":
    main()

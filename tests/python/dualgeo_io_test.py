#!/usr/bin/env python3
"""scripts/python/dualgeo_io.py against the binary: what one writes, the other reads. CTest runs it:
    dualgeo_io_test.py DUALGEO
Exit code 77: skipped, with the reason (no pandas); parts that need FAISS's Python package say so and are left out."""

import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

try:
    import numpy as np
    import pandas as pd
except ImportError as error:
    if os.path.exists("/usr/bin/python3") and not os.environ.get("DUALGEO_PYTHON_TRIED"):
        os.environ["DUALGEO_PYTHON_TRIED"] = "yes"  # the distribution's may have them
        os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.argv])
    print(f"skipped: {error} (Debian: python3-pandas)")
    sys.exit(77)

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts/python"))
import dualgeo_io as dg

try:
    import faiss
except ImportError:
    faiss = None

BINARY = ""
CONFIG = """
run_dir: run
seed: 1
threads: 1
run: {steps: [world, train, gallery, search, rerank, predict, evaluate]}
world: {out: world, places: 6, views: 4, size: 64}
data:
  train: {csv: world/train.csv, images: world/images}
  validation: {fraction: 0}
  benchmarks: {query: {csv: world/query.csv, images: world/images}}
train: {epochs: 1, batch_size: 8, cache_frozen_features: true}
model:
  embed_dim: 32
  views: image
  image_encoder: {preset: vit-tiny, width: 32, layers: 1, heads: 2, freeze: true}
gallery: {features: [image]}
search: {top_k: 5}
rerank: {method: none}
"""


def dualgeo(folder, *arguments, fails=False):
    done = subprocess.run([BINARY, *map(str, arguments)], cwd=folder, capture_output=True, text=True)
    assert (done.returncode != 0) == fails, done.stderr
    return done.stderr if fails else done.stdout


class Safetensors(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "a.safetensors"

    def tearDown(self):
        self.folder.cleanup()

    def test_every_type_goes_both_ways(self):
        tensors = {f"t{i}": (np.arange(6).reshape(2, 3) % 2).astype(kind)
                   for i, kind in enumerate(["f8", "f4", "f2", "i8", "i4", "i2", "i1", "u1", "bool", ">f4"])}
        tensors |= {"scalar": np.float32(2.5), "none": np.zeros((0, 4), np.float32), "é": np.zeros(1, np.int64)}
        dg.write_safetensors(self.path, tensors, {"kind": "test", "ß": "ü"})
        back, metadata = dg.read_safetensors(self.path)
        self.assertEqual(metadata, {"kind": "test", "ß": "ü"})
        self.assertEqual(set(back), set(tensors))
        for name, value in tensors.items():
            np.testing.assert_array_equal(back[name], value)
            self.assertEqual(back[name].shape, np.shape(value))
        shown = json.loads(dualgeo(self.folder.name, "weights", "inspect", self.path, "--json"))
        self.assertEqual(len(shown["tensors"]), len(tensors))
        try:
            from safetensors.numpy import load_file, save_file
        except ImportError:
            print("left out: no safetensors package")
        else:
            for name, value in load_file(self.path).items():
                np.testing.assert_array_equal(value, tensors[name])
            save_file({"x": np.eye(3, dtype=np.float32)}, self.path, {"a": "b"})
            np.testing.assert_array_equal(dg.read_safetensors(self.path)[0]["x"], np.eye(3))

    def test_bfloat16(self):
        header = json.dumps({"x": {"dtype": "BF16", "shape": [3], "data_offsets": [0, 6]}}).encode()
        self.path.write_bytes(len(header).to_bytes(8, "little") + header + b"\x80\x3f\x40\xc0\x00\x00")
        np.testing.assert_array_equal(dg.read_safetensors(self.path)[0]["x"], np.array([1, -3, 0], np.float32))

    def test_damage_is_named(self):
        dg.write_safetensors(self.path, {"x": np.zeros((4, 4), np.float32)})
        whole = self.path.read_bytes()
        for cut in (0, 7, 20, len(whole) - 1):
            self.path.write_bytes(whole[:cut])
            with self.assertRaisesRegex(ValueError, "a.safetensors: "):
                dg.read_safetensors(self.path)
        for old, new in ((b'"F32"', b'"F99"'), (b"[4,4]", b"[4,5]"), (b"[4,4]", b"[-4]"), (b'{"x"', b'["x"')):
            self.path.write_bytes(whole.replace(old, new))
            with self.assertRaisesRegex(ValueError, "a.safetensors: "):
                dg.read_safetensors(self.path)
        with self.assertRaisesRegex(ValueError, "complex"):
            dg.write_safetensors(self.path, {"x": np.zeros(1, complex)})
        self.assertEqual([p.name for p in Path(self.folder.name).iterdir()], ["a.safetensors"])


class ARun(unittest.TestCase):
    """A run of the synthetic world, with everything that it leaves."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.at = Path(cls.folder.name)
        (cls.at / "config.yaml").write_text(CONFIG)
        dualgeo(cls.at, "run", "--config", "config.yaml")
        cls.run_ = dg.Run(cls.at / "run")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_tables_and_scores(self):
        self.assertEqual(self.run_.benchmarks, ["query"])
        metrics, errors = self.run_.metrics("query"), self.run_.errors("query")
        self.assertEqual(metrics["count"], len(errors))
        for km, percent in metrics["accuracy"].items():
            self.assertAlmostEqual(100 * (errors["error_km"] < float(km)).mean(), percent, places=9)
        near = dg.great_circle_km(errors["LAT"], errors["LON"], errors["LAT_pred"], errors["LON_pred"])
        np.testing.assert_allclose(near, errors["error_km"], rtol=0.006, atol=1e-6)
        candidates = self.run_.candidates("query")
        self.assertTrue((candidates.groupby("query_id")["rank"].max() == 5).all())
        predictions = self.run_.predictions("query")
        self.assertEqual(list(predictions["IMG_ID"]), list(errors["IMG_ID"]))
        steps, _ = self.run_.log()
        self.assertTrue(np.isfinite(steps["loss"]).all())

    def test_features_and_gallery(self):
        features = self.run_.features("query")
        np.testing.assert_allclose(np.linalg.norm(features["image"], axis=1), 1, rtol=1e-5)
        self.assertEqual(list(dg.read_table(self.at / "world/query.csv")["IMG_ID"]), features.ids)
        gallery = self.run_.gallery()
        self.assertEqual(gallery.info["count"], len(gallery.items))
        # The best candidate of each query is the one that the vectors say.
        train = self.run_.features()
        self.assertEqual(list(gallery.items["IMG_ID"]), train.ids)
        scores = features["image"] @ train["image"].T
        best = self.run_.candidates("query").query("rank == 1").set_index("query_id")["score"]
        np.testing.assert_allclose(scores.max(axis=1), best.loc[features.ids], atol=1e-5)
        # And back: the same file from Python is the same gallery to the binary.
        dg.write_features(self.at / "again.safetensors", train)
        dualgeo(self.at, "gallery", "build", "--config", "run/config.yaml", "--features", "again.safetensors", "--photos",
                "world/train.csv", "--out", "again")
        self.assertEqual((self.at / "again/index.faiss").read_bytes(), gallery.index_file.read_bytes())

    def test_frozen_features(self):
        table = dg.read_table(self.at / "world/train.csv")
        frozen = dg.Frozen(self.at / "run/frozen/train", len(table))
        self.assertEqual(sorted(frozen.keys()), [(0, row) for row in range(len(table))])
        tokens = frozen.tokens(0, len(table) - 1)
        self.assertEqual(tokens.dtype, np.float32)
        self.assertTrue(np.isfinite(tokens).all() and tokens.any())
        parts = dg.parts_of(self.at / "run/frozen/train")
        whole, _ = dg.read_safetensors(parts[-1][2])
        np.testing.assert_array_equal(tokens, whole["tokens"][list(whole["rows"]).index(len(table) - 1)])

    def test_parts(self):
        train = self.run_.features()
        folder = self.at / "f.parts"
        folder.mkdir()
        for first, count in ((0, 3), (3, 2), (9, 2)):  # a gap before the last
            ids = train.ids[first:first + count]
            dg.write_features(folder / f"part-{first:010}-{count}",
                              dg.Features(ids, {"image": train["image"][first:first + count]}))
        found = dg.read_parts(folder)
        self.assertEqual(found.ids, train.ids[:5])
        np.testing.assert_array_equal(found["image"], train["image"][:5])

    def test_npy_both_ways(self):
        command = [sys.executable, str(ROOT / "scripts/python/dualgeo_io.py")]
        subprocess.run([*command, "to-npy", "run/features/train.safetensors", "image", "x.npy", "--ids", "x.csv"],
                       cwd=self.at, check=True)
        train = self.run_.features()
        np.testing.assert_array_equal(np.load(self.at / "x.npy"), train["image"])
        subprocess.run([*command, "from-npy", "x.npy", "x.csv", "x.safetensors"], cwd=self.at, check=True)
        back = dg.read_features(self.at / "x.safetensors")
        self.assertEqual(back.ids, train.ids)
        np.testing.assert_allclose(back["image"], train["image"], atol=1e-6)
        wrong = subprocess.run([*command, "from-npy", "x.npy", "world/query.csv", "y.safetensors"], cwd=self.at,
                               capture_output=True, text=True)
        self.assertEqual(wrong.returncode, 1)
        self.assertRegex(wrong.stderr, r"dualgeo_io: x.npy: shape \(\d+, 32\) for \d+ rows of world/query.csv")

    @unittest.skipUnless(faiss, "no FAISS package for this Python (Debian: python3-faiss)")
    def test_faiss_both_ways(self):
        train, table = self.run_.features(), dg.read_table(self.at / "world/train.csv")
        np.testing.assert_allclose(self.run_.gallery().vectors(), train["image"], atol=1e-6)
        for kind in ("Flat", "IVF2,Flat", "HNSW4"):
            index = faiss.index_factory(32, kind, faiss.METRIC_INNER_PRODUCT)
            vectors = np.ascontiguousarray(train["image"])
            index.train(vectors)
            index.add(vectors)
            folder = self.at / kind.replace(",", "-")
            dg.write_gallery(folder, index, table, index_kind=None if kind == "Flat" else kind)
            shown = json.loads(dualgeo(self.at, "gallery", "info", folder, "--json"))
            self.assertEqual((shown["count"], shown["dimension"], shown["metric"]), (len(table), 32, "inner_product"))
            dualgeo(self.at, "search", "--gallery", folder, "--features", "run/query/features.safetensors", "--config",
                    "run/config.yaml", "--photos", "world/query.csv", "--out", "found.csv")
            found = dg.read_candidates(self.at / "found.csv").query("rank == 1")
            best = self.run_.candidates("query").query("rank == 1")
            if kind == "Flat":
                self.assertEqual(list(found["gallery_id"]), list(best["gallery_id"]))
        with self.assertRaisesRegex(ValueError, "rows"):
            dg.write_gallery(self.at / "bad", index, table[:-1], index_kind="HNSW4")
        self.assertFalse((self.at / "bad").exists())


if __name__ == "__main__":
    BINARY = str(Path(sys.argv.pop(1)).resolve())
    unittest.main(verbosity=2)

"""Photos to network inputs with Pillow, as the published preprocessors do it."""
import numpy as np
import torch
from PIL import Image, ImageOps

CLIP = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def upright(path):
    return ImageOps.exif_transpose(Image.open(path)).convert("RGB")


def center_crop(image, size, resample):
    """Shortest edge to `size`, then the middle."""
    width, height = image.size
    short = min(width, height)
    scaled = lambda side: size if side == short else int(size * side / short)
    image = image.resize((scaled(width), scaled(height)), resample)
    left, top = (image.width - size) // 2, (image.height - size) // 2
    return image.crop((left, top, left + size, top + size))


def to_tensor(image, normalization):
    mean, std = (torch.tensor(x).view(3, 1, 1) for x in normalization)
    pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255
    return (pixels - mean) / std


def clip_pixels(paths, size):
    return torch.stack([to_tensor(center_crop(upright(p), size, Image.BICUBIC), CLIP) for p in paths])


def segformer_pixels(paths, size):
    return torch.stack([to_tensor(upright(p).resize((size, size), Image.BILINEAR), IMAGENET) for p in paths])


def squashed_masks(paths, size):
    """As the released DualGeo: the whole mask, interpolated as a grey photo. uint8 [N, S, S]."""
    masks = [Image.open(p).convert("L").resize((size, size), Image.BILINEAR) for p in paths]
    return torch.from_numpy(np.stack([np.array(m) for m in masks]))


def aligned_masks(paths, size):
    """Cut as center_crop cuts the photo, each pixel the class at its centre. uint8 [N, S, S]."""
    masks = []
    for path in paths:
        mask = np.array(Image.open(path))
        short = min(mask.shape)
        index = []
        for side in mask.shape:
            resized = size if side == short else int(size * side / short)
            centers = ((resized - size) // 2 + np.arange(size) + 0.5) * side / resized
            index.append(centers.astype(int).clip(0, side - 1))
        masks.append(mask[index[0]][:, index[1]])
    return torch.from_numpy(np.stack(masks))


def synthetic(folder, seed=0):
    """Photos of many shapes and kinds of file, where none are at hand. -> their names."""
    random = np.random.default_rng(seed)
    kinds = [
        (320, 240, {}), (240, 320, {}), (200, 200, {"quality": 60}), (400, 150, {"progressive": True}),
        (150, 400, {"subsampling": 0}), (333, 221, {"subsampling": 1}), (90, 70, {}), (640, 480, {"quality": 95}),
        (301, 200, {"orientation": 6}), (200, 301, {"orientation": 8}), (260, 180, {"orientation": 3}),
        (280, 210, {"gray": True}),
    ]
    names = []
    for i, (width, height, kind) in enumerate(kinds):
        y, x = np.mgrid[0:height, 0:width]
        pixels = np.zeros((height, width, 3))
        for c in range(3):
            waves = random.normal(size=(4, 3))
            pixels[..., c] = 128 + sum(30 * np.sin(a * x / 20 + b * y / 20 + 6 * p) for a, b, p in waves)
        for _ in range(12):  # rectangles: edges that resampling could get wrong
            left, top = random.integers(0, width), random.integers(0, height)
            pixels[top : top + random.integers(5, 80), left : left + random.integers(5, 80)] = random.integers(0, 256, 3)
        pixels += random.normal(0, 6, pixels.shape)
        image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
        if kind.pop("gray", False):
            image = image.convert("L")
        exif = Image.Exif()
        if "orientation" in kind:
            exif[0x0112] = kind.pop("orientation")
        names.append(f"photo{i:02}.jpg")
        image.save(f"{folder}/{names[-1]}", exif=exif, **{"quality": 90, **kind})
    return names

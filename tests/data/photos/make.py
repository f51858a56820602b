#!/usr/bin/python3
"""Makes the files beside it. Needs Pillow (Debian 12's python3-pil, 9.4.0, made the ones here).

cmyk.jpg: four squares (red, green, blue, white), as Photoshop writes them (inverted inks, Adobe's marker).
noise.png: random pixels; noise_<width>x<height>_<filter>.png: Image.resize of it. They check resampling to the bit.
"""
import os
import random

from PIL import Image, ImageDraw

here = os.path.dirname(os.path.abspath(__file__))

squares = Image.new("CMYK", (32, 32))
draw = ImageDraw.Draw(squares)
draw.rectangle((0, 0, 15, 15), (0, 255, 255, 0))
draw.rectangle((16, 0, 31, 15), (255, 0, 255, 0))
draw.rectangle((0, 16, 15, 31), (255, 255, 0, 0))
draw.rectangle((16, 16, 31, 31), (0, 0, 0, 0))
squares.save(os.path.join(here, "cmyk.jpg"), quality=95)
random.seed(1)
noise = Image.frombytes("RGB", (61, 47), bytes(random.randrange(256) for _ in range(61 * 47 * 3)))
noise.save(os.path.join(here, "noise.png"))
for size in ((23, 17), (90, 31), (61, 20), (30, 47), (7, 140)):
    for name, kind in (("bicubic", Image.BICUBIC), ("bilinear", Image.BILINEAR)):
        noise.resize(size, kind).save(os.path.join(here, f"noise_{size[0]}x{size[1]}_{name}.png"))

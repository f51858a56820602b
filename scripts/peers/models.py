"""The encoders in plain PyTorch, as their authors' code computes them, under the published checkpoints' key names.

CLIP's vision transformer and SegFormer (Hugging Face names), GeoCLIP's location encoder, ResNet-18 over masks and
DualGeo (the released checkpoint's names; fusion over the tokens of a photo, or over the batch as the released code).
Nothing but torch is needed. Written from the papers and the key names; scripts/parity/check_fixtures.py checks them
against numbers of the original code. scripts/bench/encoders.py measures them beside the program, scripts/parity compares
what they compute. Sizes are those of a preset, or a tuple of the same form. `init` draws random weights, `save`, `read`
and `load` are safetensors.
"""

import json
import math
import struct

import torch
from torch import nn
from torch.nn import functional as F

CLIP_SIZES = {  # width, layers, heads, patch, image size, projection
    "vit-b-32": (768, 12, 12, 32, 224, 512),
    "vit-b-16": (768, 12, 12, 16, 224, 512),
    "vit-l-14": (1024, 24, 16, 14, 224, 768),
    "vit-l-14-336": (1024, 24, 16, 14, 336, 768),
    "tiny": (48, 2, 6, 14, 56, 20),
}
SEGFORMER_SIZES = {  # hidden sizes, depths, decoder width, heads, reductions of the keys
    "b0": ((32, 64, 160, 256), (2, 2, 2, 2), 256, (1, 2, 5, 8), (8, 4, 2, 1)),
    "b1": ((64, 128, 320, 512), (2, 2, 2, 2), 256, (1, 2, 5, 8), (8, 4, 2, 1)),
    "b2": ((64, 128, 320, 512), (3, 4, 6, 3), 768, (1, 2, 5, 8), (8, 4, 2, 1)),
    "b3": ((64, 128, 320, 512), (3, 4, 18, 3), 768, (1, 2, 5, 8), (8, 4, 2, 1)),
    "b4": ((64, 128, 320, 512), (3, 8, 27, 3), 768, (1, 2, 5, 8), (8, 4, 2, 1)),
    "b5": ((64, 128, 320, 512), (3, 6, 40, 3), 768, (1, 2, 5, 8), (8, 4, 2, 1)),
    "tiny": ((8, 16, 24, 32), (1, 2, 1, 2), 32, (1, 2, 3, 4), (8, 4, 2, 1)),
}
GPS_SIZES = (256, 1024, 512)  # frequencies, hidden, embedding


def attention(q, k, v, heads):
    """softmax(q k^T / sqrt(d)) v of [N, L, C] tensors, split into heads."""
    split = lambda x: x.view(x.shape[0], x.shape[1], heads, -1).transpose(1, 2)
    q, k, v = split(q), split(k), split(v)
    weights = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]), dim=-1)
    return (weights @ v).transpose(1, 2).flatten(2)


def sizes_of(table, preset):
    return table[preset] if isinstance(preset, str) else tuple(preset)


def holder(**children):
    """A module without a forward, for a level of the key names."""
    module = nn.Module()
    for name, child in children.items():
        setattr(module, name, child)
    return module


class ClipLayer(nn.Module):
    def __init__(self, width, heads, gelu=False):
        super().__init__()
        self.heads, self.gelu = heads, gelu
        self.layer_norm1 = nn.LayerNorm(width, eps=1e-5)
        self.self_attn = holder(**{name: nn.Linear(width, width) for name in ("q_proj", "k_proj", "v_proj", "out_proj")})
        self.layer_norm2 = nn.LayerNorm(width, eps=1e-5)
        self.mlp = holder(fc1=nn.Linear(width, 4 * width), fc2=nn.Linear(4 * width, width))

    def forward(self, x):
        a, y = self.self_attn, self.layer_norm1(x)
        x = x + a.out_proj(attention(a.q_proj(y), a.k_proj(y), a.v_proj(y), self.heads))
        y = self.mlp.fc1(self.layer_norm2(x))
        return x + self.mlp.fc2(F.gelu(y) if self.gelu else y * torch.sigmoid(1.702 * y))  # OpenAI's: QuickGELU


class ClipTransformer(nn.Module):
    """[N, 3, S, S] -> [N, 1 + patches, width], after the last norm."""

    def __init__(self, width, layers, heads, patch, size, _):
        super().__init__()
        self.embeddings = nn.Module()
        self.embeddings.class_embedding = nn.Parameter(torch.empty(width))
        self.embeddings.patch_embedding = nn.Conv2d(3, width, patch, patch, bias=False)
        self.embeddings.position_embedding = nn.Embedding((size // patch) ** 2 + 1, width)
        self.pre_layrnorm = nn.LayerNorm(width, eps=1e-5)
        self.encoder = holder(layers=nn.ModuleList(ClipLayer(width, heads) for _ in range(layers)))
        self.post_layernorm = nn.LayerNorm(width, eps=1e-5)

    def forward(self, pixels):
        e = self.embeddings
        patches = e.patch_embedding(pixels).flatten(2).transpose(1, 2)
        token = e.class_embedding.to(patches.dtype).expand(len(pixels), 1, -1)
        x = self.pre_layrnorm(torch.cat([token, patches], 1) + e.position_embedding.weight)
        for layer in self.encoder.layers:
            x = layer(x)
        return self.post_layernorm(x)


class ClipVision(nn.Module):
    """[N, 3, S, S] -> [N, projection], CLIP's image embedding."""

    def __init__(self, preset):
        super().__init__()
        sizes = sizes_of(CLIP_SIZES, preset)
        self.vision_model = ClipTransformer(*sizes)
        self.visual_projection = nn.Linear(sizes[0], sizes[5], bias=False)

    def forward(self, pixels):
        return self.visual_projection(self.vision_model(pixels)[:, 0])


class MitBlock(nn.Module):
    def __init__(self, width, heads, ratio):
        super().__init__()
        self.heads, self.ratio = heads, ratio
        self.layer_norm_1 = nn.LayerNorm(width, eps=1e-6)
        own = holder(query=nn.Linear(width, width), key=nn.Linear(width, width), value=nn.Linear(width, width))
        if ratio > 1:
            own.sr = nn.Conv2d(width, width, ratio, ratio)
            own.layer_norm = nn.LayerNorm(width, eps=1e-5)
        self.attention = holder(self=own, output=holder(dense=nn.Linear(width, width)))
        self.layer_norm_2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = holder(
            dense1=nn.Linear(width, 4 * width),
            dwconv=holder(dwconv=nn.Conv2d(4 * width, 4 * width, 3, 1, 1, groups=4 * width)),
            dense2=nn.Linear(4 * width, width),
        )

    def forward(self, x, h, w):
        to_map = lambda t: t.transpose(1, 2).reshape(t.shape[0], t.shape[2], h, w)
        own = getattr(self.attention, "self")
        y = self.layer_norm_1(x)
        reduced = y
        if self.ratio > 1:
            reduced = own.layer_norm(own.sr(to_map(y)).flatten(2).transpose(1, 2))
        attended = attention(own.query(y), own.key(reduced), own.value(reduced), self.heads)
        x = x + self.attention.output.dense(attended)
        y = self.mlp.dwconv.dwconv(to_map(self.mlp.dense1(self.layer_norm_2(x)))).flatten(2).transpose(1, 2)
        return x + self.mlp.dense2(F.gelu(y))


class MitEncoder(nn.Module):
    """[N, 3, H, W] -> the four stages' maps."""

    def __init__(self, hidden, depths, heads, ratios):
        super().__init__()
        inputs = (3,) + hidden[:3]
        self.patch_embeddings = nn.ModuleList(
            holder(
                proj=nn.Conv2d(inputs[i], hidden[i], 7 if i == 0 else 3, 4 if i == 0 else 2, 3 if i == 0 else 1),
                layer_norm=nn.LayerNorm(hidden[i], eps=1e-5),
            )
            for i in range(4)
        )
        self.block = nn.ModuleList(
            nn.ModuleList(MitBlock(hidden[i], heads[i], ratios[i]) for _ in range(depths[i])) for i in range(4)
        )
        self.layer_norm = nn.ModuleList(nn.LayerNorm(width, eps=1e-6) for width in hidden)

    def forward(self, x):
        maps = []
        for embedding, blocks, norm in zip(self.patch_embeddings, self.block, self.layer_norm):
            x = embedding.proj(x)
            n, c, h, w = x.shape
            x = embedding.layer_norm(x.flatten(2).transpose(1, 2))
            for block in blocks:
                x = block(x, h, w)
            x = norm(x).transpose(1, 2).reshape(n, c, h, w)
            maps.append(x)
        return maps


class SegFormer(nn.Module):
    """[N, 3, H, W] -> logits [N, labels, H / 4, W / 4]."""

    def __init__(self, preset, labels=150):
        super().__init__()
        hidden, depths, width, heads, ratios = sizes_of(SEGFORMER_SIZES, preset)
        self.segformer = holder(encoder=MitEncoder(hidden, depths, heads, ratios))
        self.decode_head = holder(
            linear_c=nn.ModuleList(holder(proj=nn.Linear(size, width)) for size in hidden),
            linear_fuse=nn.Conv2d(4 * width, width, 1, bias=False),
            batch_norm=nn.BatchNorm2d(width),
            classifier=nn.Conv2d(width, labels, 1),
        )

    def forward(self, pixels):
        maps = self.segformer.encoder(pixels)
        head, size = self.decode_head, maps[0].shape[2:]
        parts = []
        for x, linear in zip(maps, head.linear_c):
            y = linear.proj(x.flatten(2).transpose(1, 2)).transpose(1, 2)
            y = y.reshape(len(x), -1, *x.shape[2:])
            parts.append(F.interpolate(y, size=size, mode="bilinear", align_corners=False))
        return head.classifier(F.relu(head.batch_norm(head.linear_fuse(torch.cat(parts[::-1], 1)))))


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if inputs != outputs or stride != 1:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class MaskEncoder(nn.Module):
    """ResNet-18. Class ids [N, M, M] uint8 -> tokens [N, (M / 32)^2, dim]; 255 is no class. labels None: grey levels.

    released: the same network also under torchvision's names, with its unused classifier, as the released module.
    """

    def __init__(self, labels, dim, base=64, released=False):
        super().__init__()
        self.labels = labels
        stage = lambda i, o, s: nn.Sequential(BasicBlock(i, o, s), BasicBlock(o, o, 1))
        self.features = nn.Sequential(
            nn.Conv2d(labels or 1, base, 7, 2, 3, bias=False), nn.BatchNorm2d(base), nn.ReLU(), nn.MaxPool2d(3, 2, 1),
            stage(base, base, 1), stage(base, 2 * base, 2), stage(2 * base, 4 * base, 2), stage(4 * base, 8 * base, 2),
        )
        if released:
            names = {"conv1": 0, "bn1": 1, "layer1": 4, "layer2": 5, "layer3": 6, "layer4": 7}
            self.resnet = holder(**{name: self.features[i] for name, i in names.items()}, fc=nn.Linear(8 * base, 1000))
        self.projection = nn.Linear(8 * base, dim)

    def forward(self, mask):
        if self.labels is None:
            x = mask.unsqueeze(1).to(self.projection.weight.dtype) / 255
        else:
            ids = torch.arange(self.labels, dtype=torch.uint8).view(1, -1, 1, 1)
            x = (mask.unsqueeze(1) == ids).to(self.projection.weight.dtype)
        return self.projection(self.features(x).flatten(2).transpose(1, 2))


class CrossAttentionFusion(nn.Module):
    """Both directions; rgb is the image, seg the segmentation. A projection is named after whose tokens it reads."""

    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        for view in ("rgb", "seg"):
            for name in ("q_proj_", "k_proj_", "v_proj_", "output_proj_"):
                setattr(self, name + view, nn.Linear(dim, dim))
            setattr(self, "norm_" + view, nn.LayerNorm(dim))

    def receive(self, receiver, giver, to, of):
        part = lambda name, x: getattr(self, name)(x)
        keys, values = part("k_proj_" + of, giver), part("v_proj_" + of, giver)
        attended = attention(part("q_proj_" + to, receiver), keys, values, self.heads)
        return part("norm_" + to, receiver + part("output_proj_" + to, attended))

    def forward(self, image, segmentation):
        return self.receive(image, segmentation, "rgb", "seg"), self.receive(segmentation, image, "seg", "rgb")


def project(latlon, projection):
    """Degrees [N, 2] -> what the Fourier features see."""
    phi, lam = (latlon * math.pi / 180).unbind(1)
    if projection == "mercator":  # EPSG:3857 over half its side, (y, x); it ends at 85.05 degrees
        limit = 85.05112878 * math.pi / 180
        return torch.stack([torch.log(torch.tan(math.pi / 4 + phi.clamp(-limit, limit) / 2)), lam], 1) / math.pi
    theta = torch.asin(math.sqrt(3) / 2 * torch.sin(phi))  # equal earth, with GeoCLIP's scale
    a1, a2, a3, a4 = 1.340264, -0.081106, 0.000893, 0.003796
    slope = 9 * a4 * theta**8 + 7 * a3 * theta**6 + 3 * a2 * theta**2 + a1
    x = 2 * math.sqrt(3) * lam * torch.cos(theta) / (3 * slope)
    return torch.stack([x, a4 * theta**9 + a3 * theta**7 + a2 * theta**3 + a1 * theta], 1) * (66.50336 / 180)


class Rff(nn.Module):
    """GeoCLIP's encoding of one scale and its MLP: LocEnc<i>.capsule.0.b, .1, .3, .5 and head.0."""

    def __init__(self, size, hidden, dim):
        super().__init__()
        encoding = nn.Module()
        encoding.register_buffer("b", torch.empty(size, 2))
        self.capsule = nn.Sequential(
            encoding, nn.Linear(2 * size, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(),
            nn.Linear(hidden, hidden), nn.ReLU(),
        )
        self.head = nn.Sequential(nn.Linear(hidden, dim))

    def forward(self, position):
        phase = 2 * math.pi * position @ self.capsule[0].b.t()
        return self.head(self.capsule[1:](torch.cat([torch.cos(phase), torch.sin(phase)], 1)))


class LocationEncoder(nn.Module):
    """Degrees [N, 2], latitude first -> [N, dim]: the sum over three scales. Made double by .double(), all of it is."""

    def __init__(self, projection="mercator", sizes=GPS_SIZES):
        super().__init__()
        self.projection = projection
        for i in range(3):
            setattr(self, f"LocEnc{i}", Rff(*sizes))

    def forward(self, latlon):
        position = project(latlon, self.projection)
        return self.LocEnc0(position) + self.LocEnc1(position) + self.LocEnc2(position)


class DualGeo(nn.Module):
    """Pixels and mask -> image, segmentation, fused_image, fused_segmentation, each [N, dim], not normalised.

    scope tokens: the views of one photo attend to each other; batch: pooled views attend over the photos of the batch,
    as in the released code, whose masks are grey levels (labels None).
    """

    def __init__(self, preset="vit-l-14", labels=150, heads=8, scope="tokens", base=64, gps=GPS_SIZES, released=False):
        super().__init__()
        sizes = sizes_of(CLIP_SIZES, preset)
        dim = sizes[5]
        self.scope = scope
        self.vision_model_rgb = ClipTransformer(*sizes)
        self.vision_projection_rgb = nn.Linear(sizes[0], dim, bias=False)
        self.semantic_encoder = MaskEncoder(labels, dim, base, released)
        self.vision_projection_seg = nn.Linear(dim, dim, bias=False)
        self.cross_attn_fusion = CrossAttentionFusion(dim, heads)
        self.location_encoder = LocationEncoder("mercator", gps)
        head = lambda size: nn.Sequential(nn.Linear(size, size), nn.ReLU(), nn.Linear(size, dim))
        self.rgb_projection_else, self.seg_projection_else = head(dim), head(dim)
        self.location_projection_else = head(gps[2])
        self.logit_scale_rgb = nn.Parameter(torch.tensor(3.99))
        self.logit_scale_seg = nn.Parameter(torch.tensor(3.99))

    def forward(self, pixels, mask):
        image = self.vision_projection_rgb(self.vision_model_rgb(pixels))
        segmentation = self.vision_projection_seg(self.semantic_encoder(mask))
        pooled = image[:, 0], segmentation.mean(1)
        if self.scope == "batch":
            fused = [x[0] for x in self.cross_attn_fusion(pooled[0][None], pooled[1][None])]
        else:
            fused_image, fused_segmentation = self.cross_attn_fusion(image, segmentation)
            fused = fused_image[:, 0], fused_segmentation.mean(1)
        return (*pooled, *fused)


def init(model, seed=0):
    """Random weights under which activations keep their size, so that numbers mean something."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in list(model.named_parameters()) + list(model.named_buffers()):
            if name.endswith("num_batches_tracked") or name.startswith("logit_scale"):
                continue
            if name.endswith("running_var"):
                tensor.copy_(0.5 + torch.rand(tensor.shape, generator=generator))
            elif name.endswith(".b"):  # LocEnc<i>: sigma 1, 16, 256
                sigma = 16.0 ** int(name.split("LocEnc")[1][0])
                tensor.copy_(sigma * torch.randn(tensor.shape, generator=generator))
            elif "norm" in name.split(".")[-2] or ".bn" in name or (tensor.dim() == 1 and name.endswith("weight")):
                tensor.copy_((1.0 if name.endswith("weight") else 0.0) + 0.1 * torch.randn(tensor.shape, generator=generator))
            elif tensor.dim() > 1:
                tensor.copy_(torch.randn(tensor.shape, generator=generator) / math.sqrt(tensor[0].numel()))
            else:
                tensor.copy_(0.02 * torch.randn(tensor.shape, generator=generator))
    return model.eval()


DTYPES = {"F32": torch.float32, "F64": torch.float64, "F16": torch.float16, "BF16": torch.bfloat16,
          "I64": torch.int64, "U8": torch.uint8}


def save(path, model):
    """safetensors."""
    names = {dtype: name for name, dtype in DTYPES.items()}
    header, offset, state = {}, 0, {k: v.contiguous() for k, v in model.state_dict().items() if v.dtype in names}
    state = {k: v for k, v in state.items() if not k.endswith("num_batches_tracked")}
    for name, tensor in state.items():
        size = tensor.numel() * tensor.element_size()
        header[name] = {"dtype": names[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for tensor in state.values():
            file.write(tensor.numpy().tobytes())


def read(path):
    """{name: tensor} and the metadata of a safetensors file, mapped."""
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
    storage = torch.from_file(path, shared=False, size=8 + size + max(e["data_offsets"][1] for n, e in header.items()
                                                                      if n != "__metadata__"), dtype=torch.uint8)
    state = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = (8 + size + offset for offset in entry["data_offsets"])
            part = storage[begin:end]
            state[name] = (part.clone() if begin % 8 else part).view(DTYPES[entry["dtype"]]).view(entry["shape"])
    return state, header.get("__metadata__", {})


def load(path, model):
    """Every key must fit."""
    state, _ = read(path)
    result = model.load_state_dict(state, strict=False)
    missing = [name for name in result.missing_keys if not name.endswith("num_batches_tracked")]
    if missing or result.unexpected_keys:
        raise SystemExit(f"{path}: missing {missing}, unexpected {result.unexpected_keys}")
    return model.eval()

"""The encoders in plain PyTorch, as their authors' code computes them, under the published checkpoints' key names.

CLIP's vision transformer (Hugging Face names), SegFormer (Hugging Face names), ResNet-18 over masks and DualGeo's fusion
(the released checkpoint's names, fusion over tokens). Nothing but torch is needed. scripts/bench/encoders.py measures
these beside the program; `init` draws random weights, `save` and `load` are safetensors.
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
SEGFORMER_SIZES = {  # hidden sizes, depths, decoder width
    "b0": ((32, 64, 160, 256), (2, 2, 2, 2), 256),
    "b1": ((64, 128, 320, 512), (2, 2, 2, 2), 256),
    "b2": ((64, 128, 320, 512), (3, 4, 6, 3), 768),
    "b3": ((64, 128, 320, 512), (3, 4, 18, 3), 768),
    "b4": ((64, 128, 320, 512), (3, 8, 27, 3), 768),
    "b5": ((64, 128, 320, 512), (3, 6, 40, 3), 768),
}


def attention(q, k, v, heads):
    """softmax(q k^T / sqrt(d)) v of [N, L, C] tensors, split into heads."""
    split = lambda x: x.view(x.shape[0], x.shape[1], heads, -1).transpose(1, 2)
    q, k, v = split(q), split(k), split(v)
    weights = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]), dim=-1)
    return (weights @ v).transpose(1, 2).flatten(2)


def holder(**children):
    """A module without a forward, for a level of the key names."""
    module = nn.Module()
    for name, child in children.items():
        setattr(module, name, child)
    return module


class ClipLayer(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.layer_norm1 = nn.LayerNorm(width, eps=1e-5)
        self.self_attn = holder(**{name: nn.Linear(width, width) for name in ("q_proj", "k_proj", "v_proj", "out_proj")})
        self.layer_norm2 = nn.LayerNorm(width, eps=1e-5)
        self.mlp = holder(fc1=nn.Linear(width, 4 * width), fc2=nn.Linear(4 * width, width))

    def forward(self, x):
        a, y = self.self_attn, self.layer_norm1(x)
        x = x + a.out_proj(attention(a.q_proj(y), a.k_proj(y), a.v_proj(y), self.heads))
        y = self.mlp.fc1(self.layer_norm2(x))
        return x + self.mlp.fc2(y * torch.sigmoid(1.702 * y))  # QuickGELU


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
        sizes = CLIP_SIZES[preset]
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

    def __init__(self, hidden, depths):
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
            nn.ModuleList(MitBlock(hidden[i], (1, 2, 5, 8)[i], (8, 4, 2, 1)[i]) for _ in range(depths[i]))
            for i in range(4)
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
        hidden, depths, width = SEGFORMER_SIZES[preset]
        self.segformer = holder(encoder=MitEncoder(hidden, depths))
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
    """Class ids [N, M, M] uint8 -> tokens [N, (M / 32)^2, dim]; 255 is no class."""

    def __init__(self, labels, dim):
        super().__init__()
        self.labels = labels
        stage = lambda i, o, s: nn.Sequential(BasicBlock(i, o, s), BasicBlock(o, o, 1))
        self.features = nn.Sequential(
            nn.Conv2d(labels, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1),
            stage(64, 64, 1), stage(64, 128, 2), stage(128, 256, 2), stage(256, 512, 2),
        )
        self.projection = nn.Linear(512, dim)

    def forward(self, mask):
        ids = torch.arange(self.labels, dtype=torch.uint8).view(1, -1, 1, 1)
        onehot = (mask.unsqueeze(1) == ids).to(self.projection.weight.dtype)
        return self.projection(self.features(onehot).flatten(2).transpose(1, 2))


class CrossAttention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.q_proj, self.k_proj = nn.Linear(dim, dim), nn.Linear(dim, dim)
        self.v_proj, self.out_proj = nn.Linear(dim, dim), nn.Linear(dim, dim)
        self.norm = nn.LayerNorm(dim)

    def forward(self, receiver, giver):
        attended = attention(self.q_proj(receiver), self.k_proj(giver), self.v_proj(giver), self.heads)
        return self.norm(receiver + self.out_proj(attended))


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


class DualGeo(nn.Module):
    """Pixels and mask -> image, segmentation, fused_image, fused_segmentation, each [N, dim], not normalised."""

    def __init__(self, preset="vit-l-14", labels=150, heads=8):
        super().__init__()
        sizes = CLIP_SIZES[preset]
        dim = sizes[5]
        self.vision_model_rgb = ClipTransformer(*sizes)
        self.vision_projection_rgb = nn.Linear(sizes[0], dim, bias=False)
        self.semantic_encoder = MaskEncoder(labels, dim)
        self.vision_projection_seg = nn.Linear(dim, dim, bias=False)
        self.cross_attn_fusion = holder(
            image_from_segmentation=CrossAttention(dim, heads), segmentation_from_image=CrossAttention(dim, heads)
        )
        self.location_encoder = holder(**{f"LocEnc{i}": Rff(256, 1024, 512) for i in range(3)})
        head = lambda size: nn.Sequential(nn.Linear(size, size), nn.ReLU(), nn.Linear(size, dim))
        self.rgb_projection_else, self.seg_projection_else = head(dim), head(dim)
        self.location_projection_else = head(512)
        self.logit_scale_rgb = nn.Parameter(torch.tensor(3.99))
        self.logit_scale_seg = nn.Parameter(torch.tensor(3.99))

    def forward(self, pixels, mask):
        image = self.vision_projection_rgb(self.vision_model_rgb(pixels))
        segmentation = self.vision_projection_seg(self.semantic_encoder(mask))
        fusion = self.cross_attn_fusion
        fused_image = fusion.image_from_segmentation(image, segmentation)[:, 0]
        fused_segmentation = fusion.segmentation_from_image(segmentation, image).mean(1)
        return image[:, 0], segmentation.mean(1), fused_image, fused_segmentation


def init(model, seed=0):
    """Random weights under which activations keep their size, so that numbers mean something."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in list(model.named_parameters()) + list(model.named_buffers()):
            if name.endswith(("running_var", "num_batches_tracked")) or name.startswith("logit_scale"):
                continue
            if "norm" in name.split(".")[-2] or ".bn" in name or (tensor.dim() == 1 and name.endswith("weight")):
                tensor.copy_((1.0 if name.endswith("weight") else 0.0) + 0.1 * torch.randn(tensor.shape, generator=generator))
            elif tensor.dim() > 1 and not name.endswith(".b"):
                tensor.copy_(torch.randn(tensor.shape, generator=generator) / math.sqrt(tensor[0].numel()))
            else:
                tensor.copy_(0.02 * torch.randn(tensor.shape, generator=generator))
    return model.eval()


DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64}


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


def load(path, model):
    """safetensors, mapped; every key must fit."""
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
    storage = torch.from_file(path, shared=False, size=8 + size + max(e["data_offsets"][1] for n, e in header.items()
                                                                      if n != "__metadata__"), dtype=torch.uint8)
    state = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = (8 + size + offset for offset in entry["data_offsets"])
            state[name] = storage[begin:end].view(DTYPES[entry["dtype"]]).view(entry["shape"])
    result = model.load_state_dict(state, strict=False)
    missing = [name for name in result.missing_keys if not name.endswith("num_batches_tracked")]
    if missing or result.unexpected_keys:
        raise SystemExit(f"{path}: missing {missing}, unexpected {result.unexpected_keys}")
    return model.eval()

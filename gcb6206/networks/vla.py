"""The parts of a vision-language-action model, as OpenVLA-OFT (Kim et al. 2025) puts them together.

    pictures -> two vision transformers, side by side -> projector ----\\
    proprioception -> proprio projector -------------------------------- language model -> action head -> action chunk
    instruction -> token embeddings; one empty placeholder an action --/

The language model is Llama's decoder with its causal mask taken off: every token sees every other, so all placeholders
are filled in one pass. Names and shapes of the weights are those of the published checkpoints, so the small model that
is trained here and the one with 7 billion parameters are the same classes with other numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

IMAGENET = (
    (0.485, 0.456, 0.406),
    (0.229, 0.224, 0.225),
)  # mean and standard deviation, as DINOv2 was trained
CENTRED = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))  # as SigLIP was
STOP_TOKEN = 2


@dataclass(frozen=True)
class FeaturizerConfig:
    """One vision transformer, in timm's terms."""

    dim: int
    """Width of a token."""
    depth: int
    """Blocks; the features are those of the last but one."""
    heads: int
    """Attention heads."""
    mlp: int
    """Units of the hidden layer in a block."""
    patch: int
    """Side of a patch in pixels."""
    prefix: int = 0
    """Tokens before the patches: a class token and registers."""
    layer_scale: bool = False
    """Whether each block scales what it adds."""


@dataclass(frozen=True)
class VLAConfig:
    """The sizes of a model; the defaults are the small one's."""

    featurizers: tuple[FeaturizerConfig, ...] = (
        FeaturizerConfig(dim=64, depth=3, heads=4, mlp=192, patch=16, prefix=1, layer_scale=True),
        FeaturizerConfig(dim=48, depth=3, heads=4, mlp=144, patch=16),
    )
    """The vision transformers, whose features are laid side by side."""
    image_size: int = 64
    """Side of a picture in pixels."""
    llm_dim: int = 64
    """Width of a token of the language model."""
    llm_layers: int = 3
    """Its layers."""
    llm_heads: int = 4
    """Its attention heads."""
    llm_mlp: int = 176
    """Units of the hidden layer in a layer."""
    vocab_size: int = 64
    """Tokens that it knows."""
    rms_norm_eps: float = 1e-6
    """Added to the mean square in its norms."""
    rope_theta: float = 10_000.0
    """Base of the rotary position encoding."""
    action_dim: int = 6
    """Components of an action."""
    proprio_dim: int = 46
    """Proprioceptive features; 0 for a model without them."""
    num_actions_chunk: int = 2
    """Actions predicted at once."""

    @property
    def vision_dim(self) -> int:
        """Width of a patch's features."""
        return sum(part.dim for part in self.featurizers)

    @property
    def num_patches(self) -> int:
        """Patches of one picture."""
        return (self.image_size // self.featurizers[0].patch) ** 2


class Attention(nn.Module):
    """timm's multi-head self-attention."""

    def __init__(self, dim: int, heads: int):
        super().__init__()
        self.heads = heads
        self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(batch, tokens, dim)`` to the same."""
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class Mlp(nn.Module):
    """timm's two layers."""

    def __init__(self, dim: int, hidden: int):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(dim, hidden), nn.Linear(hidden, dim)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(..., dim)`` to the same."""
        return self.fc2(F.gelu(self.fc1(x)))


class LayerScale(nn.Module):
    """A learned factor for each feature; Hugging Face's name for it."""

    def __init__(self, dim: int):
        super().__init__()
        self.scale_factor = nn.Parameter(torch.ones(dim))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scaled."""
        return x * self.scale_factor


class Block(nn.Module):
    """A block of a vision transformer."""

    def __init__(self, config: FeaturizerConfig):
        super().__init__()
        self.norm1, self.attn = (
            nn.LayerNorm(config.dim, eps=1e-6),
            Attention(config.dim, config.heads),
        )
        self.norm2, self.mlp = nn.LayerNorm(config.dim, eps=1e-6), Mlp(config.dim, config.mlp)
        scale = LayerScale if config.layer_scale else lambda dim: nn.Identity()
        self.ls1, self.ls2 = scale(config.dim), scale(config.dim)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(batch, tokens, dim)`` to the same."""
        x = x + self.ls1(self.attn(self.norm1(x)))
        return x + self.ls2(self.mlp(self.norm2(x)))


class PatchEmbed(nn.Module):
    """Patches of a picture as tokens."""

    def __init__(self, patch: int, dim: int):
        super().__init__()
        self.proj = nn.Conv2d(3, dim, patch, patch)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(batch, 3, height, width)`` to ``(batch, patches, dim)``; the product of a convolution without overlap."""
        side = self.proj.kernel_size[0]
        x = x.unflatten(3, (-1, side)).unflatten(2, (-1, side)).permute(0, 2, 4, 1, 3, 5)
        return F.linear(x.flatten(3).flatten(1, 2), self.proj.weight.flatten(1), self.proj.bias)


class VisionTransformer(nn.Module):
    """The features of the last block but one, without a final norm; later weights do not exist here."""

    def __init__(self, config: FeaturizerConfig, image_size: int):
        super().__init__()
        self.patch_embed = PatchEmbed(config.patch, config.dim)
        self.pos_embed = nn.Parameter(0.02 * torch.randn(1, (image_size // config.patch) ** 2, config.dim))
        if config.prefix:
            self.cls_token = nn.Parameter(0.02 * torch.randn(1, 1, config.dim))
        if config.prefix > 1:
            self.reg_token = nn.Parameter(0.02 * torch.randn(1, config.prefix - 1, config.dim))
        self.prefix = config.prefix
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.depth - 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(batch, 3, height, width)`` to ``(batch, patches, dim)``."""
        x = self.patch_embed(x) + self.pos_embed
        if self.prefix:
            tokens = [self.cls_token] if self.prefix == 1 else [self.cls_token, self.reg_token]
            x = torch.cat([*(token.expand(len(x), -1, -1) for token in tokens), x], dim=1)
        for block in self.blocks:
            x = block(x)
        return x[:, self.prefix :]


class PrismaticVisionBackbone(nn.Module):
    """Two vision transformers side by side (DINOv2's kind and SigLIP's), or one."""

    def __init__(self, config: VLAConfig):
        super().__init__()
        self.image_size = config.image_size
        self.featurizer = VisionTransformer(config.featurizers[0], config.image_size)
        self.fused_featurizer = None
        if len(config.featurizers) == 2:
            self.fused_featurizer = VisionTransformer(config.featurizers[1], config.image_size)
        scales = (IMAGENET, CENTRED) if self.fused_featurizer else (CENTRED,)
        with torch.device("cpu"):  # known without a checkpoint
            self.register_buffer("mean", 255.0 * torch.tensor([mean for mean, _ in scales]), persistent=False)
            self.register_buffer("std", 255.0 * torch.tensor([std for _, std in scales]), persistent=False)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Features of pictures.

        Args:
            pictures: ``(..., height, width, 3)`` uint8.

        Returns:
            ``(..., patches, vision_dim)``.

        Raises:
            ValueError: the pictures are not of the model's size.
        """
        if pictures.shape[-3:] != (self.image_size, self.image_size, 3):
            height, width, channels = pictures.shape[-3:]
            raise ValueError(
                f"pictures of {height} x {width} pixels and {channels} channels, but the model takes "
                f"{self.image_size} x {self.image_size} and 3: let the world draw them so (image_size)"
            )
        pixels, dtype = pictures.flatten(0, -4), self.featurizer.pos_embed.dtype
        featurizers = [part for part in (self.featurizer, self.fused_featurizer) if part is not None]
        features = [
            featurizer(((pixels - mean) / std).movedim(-1, 1).to(dtype))
            for featurizer, mean, std in zip(featurizers, self.mean, self.std)
        ]
        return torch.cat(features, dim=-1).unflatten(0, pictures.shape[:-3])


class PrismaticProjector(nn.Module):
    """Patches' features to tokens of the language model."""

    def __init__(self, config: VLAConfig):
        super().__init__()
        fused = len(config.featurizers) == 2
        hidden = 4 * config.vision_dim if fused else config.llm_dim
        self.fc1, self.fc2 = nn.Linear(config.vision_dim, hidden), nn.Linear(hidden, config.llm_dim)
        self.fc3 = nn.Linear(config.llm_dim, config.llm_dim) if fused else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(..., vision_dim)`` to ``(..., llm_dim)``."""
        x = self.fc2(F.gelu(self.fc1(x)))
        return x if self.fc3 is None else self.fc3(F.gelu(x))


class ProprioProjector(nn.Module):
    """Proprioception to one token of the language model: Linear, GELU, Linear."""

    def __init__(self, llm_dim: int, proprio_dim: int):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(proprio_dim, llm_dim), nn.Linear(llm_dim, llm_dim)

    def forward(self, proprio: torch.Tensor) -> torch.Tensor:
        """``(..., proprio_dim)`` to ``(..., llm_dim)``."""
        return self.fc2(F.gelu(self.fc1(proprio)))


class LlamaAttention(nn.Module):
    """Rotary self-attention in which every token sees every other."""

    def __init__(self, config: VLAConfig):
        super().__init__()
        self.heads = config.llm_heads
        for name in ("q_proj", "k_proj", "v_proj", "o_proj"):
            setattr(self, name, nn.Linear(config.llm_dim, config.llm_dim, bias=False))

    def forward(
        self, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, read: slice = slice(None)
    ) -> torch.Tensor:
        """``(batch, tokens, dim)`` to the same for the tokens in ``read``."""
        q, k, v = (
            project(tokens).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for project, tokens in ((self.q_proj, x[:, read]), (self.k_proj, x), (self.v_proj, x))
        )
        out = F.scaled_dot_product_attention(rotated(q, cos[read], sin[read]), rotated(k, cos, sin), v)
        return self.o_proj(out.transpose(1, 2).flatten(2))


def rotated(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Rotary position encoding in Llama's order, first half against second; ``(..., tokens, dim)``."""
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat([-second, first], dim=-1) * sin


class LlamaMLP(nn.Module):
    """A gated layer."""

    def __init__(self, config: VLAConfig):
        super().__init__()
        self.gate_proj = nn.Linear(config.llm_dim, config.llm_mlp, bias=False)
        self.up_proj = nn.Linear(config.llm_dim, config.llm_mlp, bias=False)
        self.down_proj = nn.Linear(config.llm_mlp, config.llm_dim, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(..., dim)`` to the same."""
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class LlamaLayer(nn.Module):
    """A layer of the language model."""

    def __init__(self, config: VLAConfig):
        super().__init__()
        self.self_attn, self.mlp = LlamaAttention(config), LlamaMLP(config)
        self.input_layernorm = nn.RMSNorm(config.llm_dim, config.rms_norm_eps)
        self.post_attention_layernorm = nn.RMSNorm(config.llm_dim, config.rms_norm_eps)

    def forward(
        self, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, read: slice = slice(None)
    ) -> torch.Tensor:
        """``(batch, tokens, dim)`` to the same for the tokens in ``read``."""
        x = x[:, read] + self.self_attn(self.input_layernorm(x), cos, sin, read)
        return x + self.mlp(self.post_attention_layernorm(x))


class LlamaModel(nn.Module):
    """Embeddings in, last hidden states out. The last layer computes only those that are read."""

    def __init__(self, config: VLAConfig):
        super().__init__()
        self.embed_tokens = nn.Embedding(config.vocab_size, config.llm_dim)
        self.layers = nn.ModuleList(LlamaLayer(config) for _ in range(config.llm_layers))
        self.norm = nn.RMSNorm(config.llm_dim, config.rms_norm_eps)
        self.head_dim, self.theta = config.llm_dim // config.llm_heads, config.rope_theta

    def forward(self, x: torch.Tensor, read: slice = slice(None)) -> torch.Tensor:
        """``(batch, tokens, dim)`` to the same for the tokens in ``read``."""
        rates = self.theta ** (-torch.arange(0, self.head_dim, 2, device=x.device) / self.head_dim)
        angles = torch.outer(torch.arange(x.shape[1], device=x.device), rates).repeat(1, 2)
        cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
        *layers, last = self.layers
        for layer in layers:
            x = layer(x, cos, sin)
        return self.norm(last(x, cos, sin, read))


class LanguageModel(nn.Module):
    """What Hugging Face calls ``LlamaForCausalLM``, without the head that predicts words."""

    def __init__(self, config: VLAConfig):
        super().__init__()
        self.model = LlamaModel(config)


class MLPResNetBlock(nn.Module):
    """A residual block of the action head."""

    def __init__(self, dim: int):
        super().__init__()
        self.ffn = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, dim), nn.ReLU())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(..., dim)`` to the same."""
        return x + self.ffn(x)


class MLPResNet(nn.Module):
    """The body of the action head."""

    def __init__(self, inputs: int, hidden: int, outputs: int, blocks: int = 2):
        super().__init__()
        self.layer_norm1, self.fc1 = nn.LayerNorm(inputs), nn.Linear(inputs, hidden)
        self.mlp_resnet_blocks = nn.ModuleList(MLPResNetBlock(hidden) for _ in range(blocks))
        self.layer_norm2, self.fc2 = nn.LayerNorm(hidden), nn.Linear(hidden, outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(..., inputs)`` to ``(..., outputs)``."""
        x = F.relu(self.fc1(self.layer_norm1(x)))
        for block in self.mlp_resnet_blocks:
            x = block(x)
        return self.fc2(self.layer_norm2(x))


class L1RegressionActionHead(nn.Module):
    """The hidden states of an action's placeholders to that action, the same way for each action of a chunk."""

    def __init__(self, llm_dim: int, action_dim: int):
        super().__init__()
        self.action_dim = action_dim
        self.model = MLPResNet(llm_dim * action_dim, llm_dim, action_dim)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """``(batch, chunk * action_dim, llm_dim)`` to normalised actions ``(batch, chunk, action_dim)``."""
        return self.model(hidden.unflatten(1, (-1, self.action_dim)).flatten(2))


class VLA(nn.Module):
    """Pictures, an instruction and proprioception to a chunk of normalised actions."""

    def __init__(self, config: VLAConfig):
        super().__init__()
        self.config = config
        self.vision_backbone = PrismaticVisionBackbone(config)
        self.projector = PrismaticProjector(config)
        self.language_model = LanguageModel(config)
        self.proprio_projector = (
            ProprioProjector(config.llm_dim, config.proprio_dim) if config.proprio_dim else None
        )
        self.action_head = L1RegressionActionHead(config.llm_dim, config.action_dim)
        for module in self.modules():
            if isinstance(module, nn.Embedding):
                nn.init.normal_(module.weight, std=0.02)

    def actions_hidden_states(
        self, features: torch.Tensor, tokens: torch.Tensor, proprio: torch.Tensor | None
    ) -> torch.Tensor:
        """What the language model makes of the placeholders.

        The sequence is: first token, patches, proprioception, the rest of the instruction, placeholders of zeros, stop.
        As in the published code, which trains a model that predicts the next token, the state for a placeholder is read
        one place before it.

        Args:
            features: ``(batch, pictures, patches, vision_dim)``, as ``vision_backbone`` gives them.
            tokens: ``(batch, length)`` of the instruction.
            proprio: ``(batch, proprio_dim)`` normalised; None for a model without.

        Returns:
            ``(batch, chunk * action_dim, llm_dim)``.
        """
        embedded = self.language_model.model.embed_tokens(tokens)
        seen = [self.projector(features.flatten(1, 2).to(embedded.dtype))]
        if self.proprio_projector is not None:
            felt = self.proprio_projector(proprio.to(self.proprio_projector.fc1.weight.dtype))
            seen.append(felt[:, None].to(embedded.dtype))
        stop = self.language_model.model.embed_tokens.weight[STOP_TOKEN].expand(len(tokens), 1, -1)
        places = self.config.num_actions_chunk * self.config.action_dim
        empty = embedded.new_zeros(len(tokens), places, embedded.shape[-1])
        sequence = torch.cat([embedded[:, :1], *seen, embedded[:, 1:], empty, stop], dim=1)
        first = sequence.shape[1] - 1 - places
        return self.language_model.model(sequence, read=slice(first - 1, first - 1 + places))

    def forward(
        self, features: torch.Tensor, tokens: torch.Tensor, proprio: torch.Tensor | None
    ) -> torch.Tensor:
        """Normalised actions ``(batch, chunk, action_dim)``; the arguments are those of the method above."""
        hidden = self.actions_hidden_states(features, tokens, proprio)
        return self.action_head(hidden.to(self.action_head.model.fc1.weight.dtype))

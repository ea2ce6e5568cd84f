"""Vision-language-action models from a configuration or from a directory, and back into a directory.

A directory is laid out as OpenVLA-OFT writes and publishes it:

    config.json                            sizes of the language model, names of the vision transformers
    model.safetensors                      both, and the projector; or in parts, with model.safetensors.index.json
    action_head--N_checkpoint.pt           after N steps of fine-tuning; keys may begin with ``module.``
    proprio_projector--N_checkpoint.pt     likewise
    dataset_statistics.json                for each data set, the ranges of actions and proprioception
    tokenizer.json                         of the language model; a model of ours has vocabulary.json

Nothing is left at random in silence: a weight that is missing, left over or of another shape is an error.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from gcb6206.errors import CheckpointError, nearest
from gcb6206.networks.vla import VLA, FeaturizerConfig, VLAConfig

PROMPT = "In: What action should the robot take to {instruction}?\nOut:"
EMPTY_TOKEN = 29871  # Llama's, which stands at the end of every prompt that OpenVLA was trained with
COMPONENTS = ("action_head", "proprio_projector")
UNUSED = re.compile(  # published, and not needed here: the last block of each vision transformer and what follows it
    r"language_model\.lm_head\.|vision_backbone\.\w*featurizer\.(norm|attn_pool|fc_norm|head)\."
)


@dataclass(frozen=True)
class Platform:
    """What a robot's actions and proprioception look like."""

    action_dim: int | None
    """Components of an action; none: as many as the data have."""
    proprio_dim: int | None
    """Proprioceptive features; none likewise."""
    actions: str
    """How actions are normalised: see ``Scale``."""
    proprio: str
    """How proprioception is."""
    num_actions_chunk: int
    """Actions that were predicted at once in training."""


PLATFORMS = {
    "two_arm": Platform(None, None, "bounds", "normal", 2),
    "libero": Platform(7, 8, "bounds_q99", "bounds_q99", 8),
    "bridge": Platform(7, 7, "bounds_q99", "bounds_q99", 5),
    "aloha": Platform(14, 14, "bounds", "bounds", 25),
}

# What config.json of a published model says by a name alone.
TIMM = {
    "vit_large_patch14_reg4_dinov2.lvd142m": FeaturizerConfig(1024, 24, 16, 4096, 14, 5, True),
    "vit_so400m_patch14_siglip_224": FeaturizerConfig(1152, 27, 16, 4304, 14),
}
LLAMA_2_7B = {
    "hidden_size": 4096,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "intermediate_size": 11008,
    "vocab_size": 32064,
    "rms_norm_eps": 1e-6,
    "rope_theta": 10_000.0,
}
KINDS = {"bounds": ("min", "max"), "bounds_q99": ("q01", "q99"), "normal": ("mean", "std")}
FURTHEST = 5.0  # standard deviations that ``normal`` lets through


class Scale(nn.Module):
    """Between a robot's numbers and a model's: ``bounds`` of the data, its 1st and 99th percentile, or ``normal``.

    Args:
        kind: of ``KINDS``.
        statistics: ``min, max, q01, q99, mean, std`` as far as the kind needs them, and where given ``mask``:
            components that stay as they are have False there.
    """

    def __init__(self, kind: str, statistics: dict[str, list[float]]):
        super().__init__()
        first, second = (torch.tensor(statistics[name], dtype=torch.float32) for name in KINDS[kind])
        if kind == "normal":
            self.cut = FURTHEST
            shift, width = first, second + 1e-6
        else:
            self.cut = 1.0
            shift, width = (first + second) / 2, (second - first + 1e-8) / 2
        mask = torch.tensor(statistics.get("mask", [True] * len(shift)))
        self.register_buffer("shift", torch.where(mask, shift, 0.0))
        self.register_buffer("width", torch.where(mask, width, 1.0))

    def normalize(self, x: torch.Tensor) -> torch.Tensor:
        """``(..., components)`` to the model's numbers."""
        return (x - self.shift) / self.width

    def normalize_and_clip(self, x: torch.Tensor) -> torch.Tensor:
        """The same, cut to the range of the data, as a model sees its inputs."""
        return self.normalize(x).clamp(-self.cut, self.cut)

    def unnormalize(self, x: torch.Tensor) -> torch.Tensor:
        """``(..., components)`` to the robot's numbers."""
        return x * self.width + self.shift


class Vocabulary:
    """The small model's tokenizer: a token for each word, known from the instructions that it is made of.

    Args:
        words: their place is their number; the first three are padding, beginning and end.
    """

    def __init__(self, words: list[str]):
        self.words = words

    @classmethod
    def of(cls, instructions: list[str]) -> Vocabulary:
        """The words of some instructions."""
        words = {word for text in instructions for word in _split(PROMPT.format(instruction=text))}
        return cls(["<unk>", "<s>", "</s>", *sorted(words)])

    def encode(self, instruction: str) -> list[int]:
        """Tokens of the prompt with an instruction; words that are not known are 0."""
        known = {word: number for number, word in enumerate(self.words)}
        return [1, *(known.get(word, 0) for word in _split(PROMPT.format(instruction=instruction)))]


class LlamaTokenizer:
    """A language model's own tokenizer.

    Raises:
        CheckpointError: the package ``tokenizers`` is not installed.
    """

    def __init__(self, path: Path):
        try:
            tokenizers = importlib.import_module("tokenizers")
        except ModuleNotFoundError:
            raise CheckpointError(
                f"{path} needs the package tokenizers: pip install --no-deps tokenizers"
            ) from None
        self.tokenizer = tokenizers.Tokenizer.from_file(str(path))

    def encode(self, instruction: str) -> list[int]:
        """Tokens of the prompt with an instruction."""
        tokens = self.tokenizer.encode(PROMPT.format(instruction=instruction.lower())).ids
        return tokens if tokens[-1] == EMPTY_TOKEN else [*tokens, EMPTY_TOKEN]


@dataclass
class LoadedVLA:
    """A model with what belongs to it."""

    model: VLA
    """The network."""
    tokenizer: Vocabulary | LlamaTokenizer
    """Has ``encode``."""
    statistics: dict
    """Of one data set: ``action`` and ``proprio``."""
    platform: str
    """Whose actions it gives."""

    def scales(self) -> tuple[Scale, Scale | None]:
        """Of actions and of proprioception."""
        platform = PLATFORMS[self.platform]
        proprio = self.statistics.get("proprio") if self.model.config.proprio_dim else None
        return (
            Scale(platform.actions, self.statistics["action"]),
            Scale(platform.proprio, proprio) if proprio else None,
        )


def load_vla(
    source: VLAConfig | str | Path,
    statistics: dict | None = None,
    instructions: list[str] | None = None,
    platform: str = "two_arm",
    num_actions_chunk: int | None = None,
    unnorm_key: str | None = None,
    new_heads: bool = False,
    use_proprio: bool = True,
    dtype: torch.dtype = torch.float32,
) -> LoadedVLA:
    """A model, from a configuration or from a directory.

    Args:
        source: sizes of a model to begin with random weights, or the directory of a trained one.
        statistics, instructions: of the data; needed with a configuration alone.
        platform: one of ``PLATFORMS``; a checkpoint of another robot is refused.
        num_actions_chunk: actions to predict at once; none: as the platform was trained. The head works for any number.
        unnorm_key: which data set's statistics to take where the directory has several.
        new_heads: let action head and proprio projector begin at random where the directory holds none, as a model
            that was not fine-tuned yet.
        use_proprio: False for a checkpoint that was fine-tuned without proprioception.
        dtype: of the weights.

    Raises:
        CheckpointError: something is missing, damaged, or does not fit; one line that names it and the cure.
    """
    if platform not in PLATFORMS:
        raise CheckpointError(f"unknown platform {platform!r}: {nearest(platform, list(PLATFORMS))}")
    if isinstance(source, VLAConfig):
        if statistics is None or instructions is None:
            raise CheckpointError("a new model needs the statistics and instructions of its data: give both")
        words = Vocabulary.of(instructions)
        sizes = {"vocab_size": len(words.words)}
        if num_actions_chunk:
            sizes["num_actions_chunk"] = num_actions_chunk
        return LoadedVLA(VLA(dataclasses.replace(source, **sizes)).to(dtype), words, statistics, platform)
    directory = Path(source)
    _check_directory(directory)
    config = _read_config(directory / "config.json")
    files = {name: _component(directory, name, config) for name in COMPONENTS}
    if not use_proprio:
        files["proprio_projector"] = None
    missing = [name for name in COMPONENTS if files[name] is None and (use_proprio or name == "action_head")]
    if missing and not new_heads:
        raise CheckpointError(
            f"{directory} has no {missing[0]}--N_checkpoint.pt: it was not fine-tuned by OpenVLA-OFT; take one that "
            "was, or begin with untrained heads by new_heads=True"
        )
    statistics = _statistics(directory / "dataset_statistics.json", unnorm_key)
    expected = PLATFORMS[platform]
    proprio_dim = len(statistics["proprio"]["mean"]) if "proprio" in statistics else 0
    config = dataclasses.replace(
        config,
        action_dim=expected.action_dim or len(statistics["action"]["mean"]),
        proprio_dim=(expected.proprio_dim or proprio_dim) if use_proprio else 0,
        num_actions_chunk=num_actions_chunk or config.num_actions_chunk or expected.num_actions_chunk,
    )
    _check_platform(directory, config, files, statistics, platform)
    with torch.device("meta"):
        model = VLA(config)
    states = [_backbone(directory, config)]
    for name in COMPONENTS:
        if files[name] is not None:
            states.append({f"{name}.{key}": tensor for key, tensor in files[name].items()})
        elif getattr(model, name) is not None:
            setattr(model, name, getattr(VLA(_only_heads(config)), name))
            states.append({f"{name}.{k}": v for k, v in getattr(model, name).state_dict().items()})
    _fill(model, {k: v.to(dtype) for state in states for k, v in state.items()}, directory)
    return LoadedVLA(model, _tokenizer(directory), statistics, platform)


def save_vla(directory: str | Path, loaded: LoadedVLA, step: int) -> Path:
    """Write a model so that ``load_vla`` takes it again, in the layout of OpenVLA-OFT.

    Args:
        directory: made if missing.
        loaded: the model and what belongs to it, with a ``Vocabulary``.
        step: the number in the names of the components' files.
    """
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in loaded.model.state_dict().items()}
    backbone = {k: v for k, v in state.items() if not k.startswith(COMPONENTS)}
    save_file(backbone, directory / "model.safetensors", metadata={"format": "pt"})
    for name in COMPONENTS:
        part = {k.removeprefix(f"{name}."): v for k, v in state.items() if k.startswith(f"{name}.")}
        if part:
            torch.save(part, directory / f"{name}--{step}_checkpoint.pt")
    config = loaded.model.config
    described = {
        "featurizers": [dataclasses.asdict(part) for part in config.featurizers],
        "image_sizes": [config.image_size] * len(config.featurizers),
        "num_actions_chunk": config.num_actions_chunk,
        "text_config": {
            "hidden_size": config.llm_dim,
            "num_hidden_layers": config.llm_layers,
            "num_attention_heads": config.llm_heads,
            "intermediate_size": config.llm_mlp,
            "vocab_size": config.vocab_size,
            "rms_norm_eps": config.rms_norm_eps,
            "rope_theta": config.rope_theta,
        },
    }
    texts = {
        "config.json": described,
        "dataset_statistics.json": {loaded.platform: loaded.statistics},
        "vocabulary.json": loaded.tokenizer.words,
    }
    for name, content in texts.items():
        (directory / name).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return directory


def _split(prompt: str) -> list[str]:
    """Words and marks."""
    return re.findall(r"\w+|[^\w\s]", prompt.lower())


def _check_directory(directory: Path) -> None:
    if not directory.is_dir():
        text = str(directory)
        hub = re.fullmatch(r"[\w.-]+/[\w.-]+", text) is not None
        cure = (
            f"if it is a name on Hugging Face, download it first: huggingface-cli download {text} --local-dir DIR"
            if hub
            else "name the directory of a checkpoint"
        )
        raise CheckpointError(f"no directory {text}: {cure}")
    for name in ("config.json", "dataset_statistics.json"):
        if not (directory / name).is_file():
            raise CheckpointError(f"{directory} has no {name}: copy the whole checkpoint, this file too")


def _json(path: Path):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:  # of which UnicodeDecodeError and JSONDecodeError are
        raise CheckpointError(f"{path} is damaged ({error}): copy it again") from None


def _read_config(path: Path) -> VLAConfig:
    """The sizes that a ``config.json`` tells."""
    content = _json(path)
    text = {**LLAMA_2_7B, **content.get("text_config", {})}
    if "featurizers" in content:
        featurizers = tuple(FeaturizerConfig(**part) for part in content["featurizers"])
    else:
        names = content.get("timm_model_ids", [])
        for name in names:
            if name not in TIMM:
                raise CheckpointError(
                    f"{path}: unknown vision transformer {name!r}: {nearest(name, list(TIMM))}"
                )
        featurizers = tuple(TIMM[name] for name in names)
    if not 1 <= len(featurizers) <= 2:
        raise CheckpointError(f"{path} names {len(featurizers)} vision transformers: expected one or two")
    return VLAConfig(
        featurizers=featurizers,
        image_size=content.get("image_sizes", [224])[0],
        llm_dim=text["hidden_size"],
        llm_layers=text["num_hidden_layers"],
        llm_heads=text["num_attention_heads"],
        llm_mlp=text["intermediate_size"],
        vocab_size=text["vocab_size"],
        rms_norm_eps=text["rms_norm_eps"],
        rope_theta=text["rope_theta"],
        num_actions_chunk=content.get("num_actions_chunk", 0),
    )


def _component(directory: Path, name: str, config: VLAConfig) -> dict[str, torch.Tensor] | None:
    """The weights in a component's file, without the prefix that data parallel training leaves; None if there is none."""
    paths = sorted(directory.glob(f"{name}--*_checkpoint.pt"))
    if not paths:
        return None
    if len(paths) > 1:
        raise CheckpointError(
            f"{directory} has {len(paths)} files {name}--N_checkpoint.pt: keep the one that belongs to its "
            "model.safetensors"
        )
    try:
        state = torch.load(paths[0], map_location="cpu", weights_only=True)
        return {key.removeprefix("module."): tensor for key, tensor in state.items()}
    except Exception as error:  # torch raises many kinds for a damaged file
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise CheckpointError(f"{paths[0]} is damaged ({reason}): copy it again") from None


def _statistics(path: Path, key: str | None) -> dict:
    """The statistics of one data set."""
    content = _json(path)
    if key is None:
        if len(content) != 1:
            raise CheckpointError(
                f"{path} has statistics of {len(content)} data sets: choose one by unnorm_key, of "
                f"{', '.join(content)}"
            )
        key = next(iter(content))
    if key not in content:
        raise CheckpointError(f"{path} has no statistics of {key!r}: {nearest(key, list(content))}")
    return content[key]


def _check_platform(directory: Path, config: VLAConfig, files: dict, statistics: dict, platform: str) -> None:
    """Refuse a checkpoint of another robot: by its head, its projector or its statistics."""
    head, projector = files["action_head"], files["proprio_projector"]
    found = {
        "actions": head["model.fc2.weight"].shape[0] if head and "model.fc2.weight" in head else None,
        "proprioceptive features": (
            projector["fc1.weight"].shape[1] if projector and "fc1.weight" in projector else None
        ),
        "actions in its statistics": len(statistics["action"]["mean"]),
    }
    if projector:
        found["proprioceptive features in its statistics"] = len(statistics["proprio"]["mean"])
    wanted = {"actions": config.action_dim, "proprioceptive features": config.proprio_dim}
    for what, count in found.items():
        expected = wanted[what.removesuffix(" in its statistics")]
        if count is not None and count != expected:
            fitting = [
                name
                for name, other in PLATFORMS.items()
                if count == (other.action_dim if what.startswith("actions") else other.proprio_dim)
            ]
            cure = f"load it with platform={fitting[0]!r}" if fitting else "take a checkpoint of this robot"
            raise CheckpointError(
                f"{directory} has {count} {what}, but the platform {platform!r} has {expected}: {cure}"
            )
    kinds = {"action": PLATFORMS[platform].actions, "proprio": PLATFORMS[platform].proprio}
    for part, kind in kinds.items():
        for name in KINDS[kind]:
            if name not in statistics.get(part, {name: 0}):
                raise CheckpointError(
                    f"{directory}/dataset_statistics.json lacks {name!r} of {part}, by which {platform!r} is "
                    "normalised: choose another platform or unnorm_key"
                )


def _backbone(directory: Path, config: VLAConfig) -> dict[str, torch.Tensor]:
    """The weights in ``model.safetensors``, whole or in parts."""
    whole, index = directory / "model.safetensors", directory / "model.safetensors.index.json"
    if index.is_file():
        paths = [directory / name for name in sorted(set(_json(index)["weight_map"].values()))]
    else:
        paths = [whole]
    state = {}
    for path in paths:
        if not path.is_file():
            raise CheckpointError(f"{directory} has no {path.name}: copy the whole checkpoint, this file too")
        try:
            state.update(load_file(path))
        except Exception as error:  # safetensors raises an error of its own kind, which names no file
            raise CheckpointError(f"{path} is damaged ({error}): copy it again") from None
    last = {
        f"vision_backbone.{name}.blocks.{part.depth - 1}."
        for name, part in zip(("featurizer", "fused_featurizer"), config.featurizers)
    }
    return {
        name: tensor
        for name, tensor in state.items()
        if not UNUSED.match(name) and not name.startswith(tuple(last))
    }


def _only_heads(config: VLAConfig) -> VLAConfig:
    """Sizes of a model of which only the heads are wanted."""
    small = FeaturizerConfig(dim=1, depth=1, heads=1, mlp=1, patch=config.image_size)
    return dataclasses.replace(config, featurizers=(small,), llm_layers=0, vocab_size=3)


def _fill(model: VLA, state: dict[str, torch.Tensor], directory: Path) -> None:
    """Give a model without memory of its own these weights."""
    wanted = dict(model.named_parameters())
    for name, parameter in wanted.items():
        if name not in state:
            raise CheckpointError(f"{directory} lacks the weight {name}: copy the whole checkpoint")
        if state[name].shape != parameter.shape:
            raise CheckpointError(
                f"{directory}: {name} has shape {tuple(state[name].shape)}, expected {tuple(parameter.shape)}: its "
                "config.json belongs to another model"
            )
    if left := sorted(state.keys() - wanted.keys()):
        raise CheckpointError(
            f"{directory} has a weight {left[0]} that this model has no place for: it is of another architecture"
        )
    model.load_state_dict(state, assign=True)
    for parameter in model.parameters():
        parameter.requires_grad_(True)


def _tokenizer(directory: Path) -> Vocabulary | LlamaTokenizer:
    """What the directory holds."""
    if (directory / "vocabulary.json").is_file():
        return Vocabulary(_json(directory / "vocabulary.json"))
    if (directory / "tokenizer.json").is_file():
        return LlamaTokenizer(directory / "tokenizer.json")
    raise CheckpointError(f"{directory} has no tokenizer.json: copy the whole checkpoint, this file too")

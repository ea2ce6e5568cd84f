"""OpenVLA-OFT's layout: a small synthetic checkpoint against a hand computation, and broken ones."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from gcb6206.errors import CheckpointError
from gcb6206.networks.vla_checkpoint import Scale, load_vla, save_vla
from gcb6206.networks.vla_policy import MultiAgentVLAPolicy

D, V1, V2, HEADS, PATCHES, A, P, CHUNK = 8, 4, 6, 2, 4, 7, 8, 2


def published(directory, seed=0):
    """A checkpoint with every name that the published one has, in two parts, of small sizes."""
    rng = torch.Generator().manual_seed(seed)
    backbone = {}

    def put(name, *shape, base=0.0, into=backbone):
        into[name] = base + 0.3 * torch.randn(*shape, generator=rng)

    def linear(name, outputs, inputs, bias=True, into=backbone):
        put(f"{name}.weight", outputs, inputs, into=into)
        if bias:
            put(f"{name}.bias", outputs, into=into)

    def norm(name, size, into=backbone):
        put(f"{name}.weight", size, base=1.0, into=into), put(f"{name}.bias", size, into=into)

    for name, dim, prefix in (("featurizer", V1, 3), ("fused_featurizer", V2, 0)):
        root = f"vision_backbone.{name}"
        put(f"{root}.patch_embed.proj.weight", dim, 3, 4, 4), put(f"{root}.patch_embed.proj.bias", dim)
        put(f"{root}.pos_embed", 1, PATCHES, dim)
        if prefix:
            put(f"{root}.cls_token", 1, 1, dim), put(f"{root}.reg_token", 1, prefix - 1, dim)
        for block in range(2):  # of which the last is not used
            at = f"{root}.blocks.{block}"
            norm(f"{at}.norm1", dim), norm(f"{at}.norm2", dim)
            linear(f"{at}.attn.qkv", 3 * dim, dim), linear(f"{at}.attn.proj", dim, dim)
            linear(f"{at}.mlp.fc1", 5, dim), linear(f"{at}.mlp.fc2", dim, 5)
            if prefix:
                put(f"{at}.ls1.scale_factor", dim), put(f"{at}.ls2.scale_factor", dim)
        norm(f"{root}.norm", dim)
    linear("projector.fc1", 4 * (V1 + V2), V1 + V2), linear("projector.fc2", D, 4 * (V1 + V2))
    linear("projector.fc3", D, D)
    put("language_model.model.embed_tokens.weight", 12, D)
    for layer in range(2):
        at = f"language_model.model.layers.{layer}"
        for name in ("q_proj", "k_proj", "v_proj", "o_proj"):
            linear(f"{at}.self_attn.{name}", D, D, bias=False)
        linear(f"{at}.mlp.gate_proj", 10, D, bias=False), linear(f"{at}.mlp.up_proj", 10, D, bias=False)
        linear(f"{at}.mlp.down_proj", D, 10, bias=False)
        (
            put(f"{at}.input_layernorm.weight", D, base=1.0),
            put(f"{at}.post_attention_layernorm.weight", D, base=1.0),
        )
    put("language_model.model.norm.weight", D, base=1.0)
    linear("language_model.lm_head", 12, D, bias=False)
    head, projector = {}, {}
    norm("module.model.layer_norm1", D * A, into=head), linear("module.model.fc1", D, D * A, into=head)
    for block in range(2):
        norm(f"module.model.mlp_resnet_blocks.{block}.ffn.0", D, into=head)
        linear(f"module.model.mlp_resnet_blocks.{block}.ffn.1", D, D, into=head)
    norm("module.model.layer_norm2", D, into=head), linear("module.model.fc2", A, D, into=head)
    linear("module.fc1", D, P, into=projector), linear("module.fc2", D, D, into=projector)
    directory.mkdir(exist_ok=True)
    names = sorted(backbone)
    files = {
        name: f"model-0000{1 + (n > len(names) // 2)}-of-00002.safetensors" for n, name in enumerate(names)
    }
    for file in set(files.values()):
        save_file({name: backbone[name] for name in names if files[name] == file}, directory / file)
    torch.save(head, directory / "action_head--150000_checkpoint.pt")
    torch.save(projector, directory / "proprio_projector--150000_checkpoint.pt")
    part = {"dim": V1, "depth": 2, "heads": HEADS, "mlp": 5, "patch": 4, "prefix": 3, "layer_scale": True}
    config = {
        "featurizers": [part, {**part, "dim": V2, "prefix": 0, "layer_scale": False}],
        "image_sizes": [8, 8],
        "text_config": {
            "hidden_size": D, "num_hidden_layers": 2, "num_attention_heads": HEADS, "intermediate_size": 10,
            "vocab_size": 12,
        },
    }  # fmt: skip
    ramp = lambda n, low: [low + 0.1 * i for i in range(n)]  # noqa: E731
    both = {
        name: {"q01": ramp(n, -1.0), "q99": ramp(n, 0.5), "min": ramp(n, -2.0), "max": ramp(n, 2.0),
               "mean": ramp(n, 0.0), "std": ramp(n, 1.0)}
        for name, n in (("action", A), ("proprio", P))
    }  # fmt: skip
    both["action"]["mask"] = [True] * (A - 1) + [False]
    texts = {
        "config.json": config,
        "model.safetensors.index.json": {"weight_map": files},
        "dataset_statistics.json": {"libero_spatial_no_noops": both},
        "vocabulary.json": [
            "<unk>",
            "<s>",
            "</s>",
            *["in", "what", "action", "should", "the", "robot", "take", "to"],
        ],
    }
    for name, content in texts.items():
        (directory / name).write_text(json.dumps(content))
    return {
        k.removeprefix("module."): v for part in (backbone, head, projector) for k, v in part.items()
    }, both


def by_hand(w, both, pictures, tokens, proprio):
    """The whole computation for one sample, in numpy and loops: chunk of un-normalised actions."""
    w = {name: tensor.double().numpy() for name, tensor in w.items()}

    def linear(name, x):
        return x @ w[f"{name}.weight"].T + w.get(f"{name}.bias", 0.0)

    def norm(name, x, eps):
        x = x - x.mean(-1, keepdims=True)
        return x / np.sqrt((x**2).mean(-1, keepdims=True) + eps) * w[f"{name}.weight"] + w[f"{name}.bias"]

    def rms(name, x):
        return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6) * w[f"{name}.weight"]

    def gelu(x):
        return np.array(
            [0.5 * v * (1 + torch.erf(torch.tensor(v / 2**0.5)).item()) for v in x.ravel()]
        ).reshape(x.shape)

    def attend(q, k, v):
        size = q.shape[1] // HEADS
        out = np.empty_like(q)
        for head in range(HEADS):
            at = slice(head * size, (head + 1) * size)
            scores = np.exp(q[:, at] @ k[:, at].T / np.sqrt(size))
            out[:, at] = scores / scores.sum(1, keepdims=True) @ v[:, at]
        return out

    def features(root, picture, mean, std, prefix):
        pixels = (picture / 255.0 - mean) / std
        kernel = w[f"{root}.patch_embed.proj.weight"]
        x = np.array([
            np.einsum("hwc,ochw->o", pixels[r : r + 4, c : c + 4], kernel) for r in (0, 4) for c in (0, 4)
        ]) + w[f"{root}.patch_embed.proj.bias"] + w[f"{root}.pos_embed"][0]  # fmt: skip
        if prefix:
            x = np.concatenate([w[f"{root}.cls_token"][0], w[f"{root}.reg_token"][0], x])
        at = f"{root}.blocks.0"
        q, k, v = np.split(linear(f"{at}.attn.qkv", norm(f"{at}.norm1", x, 1e-6)), 3, axis=1)
        x = x + linear(f"{at}.attn.proj", attend(q, k, v)) * w.get(f"{at}.ls1.scale_factor", 1.0)
        hidden = gelu(linear(f"{at}.mlp.fc1", norm(f"{at}.norm2", x, 1e-6)))
        x = x + linear(f"{at}.mlp.fc2", hidden) * w.get(f"{at}.ls2.scale_factor", 1.0)
        return x[prefix:]

    scales = (np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])), (0.5, 0.5)
    patches = np.concatenate([
        np.concatenate([
            features("vision_backbone.featurizer", picture, *scales[0], 3),
            features("vision_backbone.fused_featurizer", picture, *scales[1], 0),
        ], axis=1) for picture in pictures
    ])  # fmt: skip
    patches = linear("projector.fc3", gelu(linear("projector.fc2", gelu(linear("projector.fc1", patches)))))
    low, high = np.array(both["proprio"]["q01"]), np.array(both["proprio"]["q99"])
    felt = np.clip(2 * (proprio - low) / (high - low + 1e-8) - 1, -1, 1)
    felt = linear("fc2", gelu(linear("fc1", felt)))
    table = w["language_model.model.embed_tokens.weight"]
    words = table[tokens]
    x = np.concatenate([words[:1], patches, felt[None], words[1:], np.zeros((CHUNK * A, D)), table[2:3]])
    size = D // HEADS
    angles = np.arange(len(x))[:, None] * 10_000.0 ** (-np.arange(0, size, 2) / size)
    cos, sin = np.tile(np.cos(angles), 2), np.tile(np.sin(angles), 2)

    def turn(y):
        out = np.empty_like(y)
        for head in range(HEADS):
            part = y[:, head * size : (head + 1) * size]
            half = np.concatenate([-part[:, size // 2 :], part[:, : size // 2]], axis=1)
            out[:, head * size : (head + 1) * size] = part * cos + half * sin
        return out

    for layer in range(2):
        at = f"language_model.model.layers.{layer}"
        y = rms(f"{at}.input_layernorm", x)
        q, k, v = (linear(f"{at}.self_attn.{name}_proj", y) for name in "qkv")
        x = x + linear(f"{at}.self_attn.o_proj", attend(turn(q), turn(k), v))
        y = rms(f"{at}.post_attention_layernorm", x)
        gate = linear(f"{at}.mlp.gate_proj", y)
        x = x + linear(f"{at}.mlp.down_proj", gate / (1 + np.exp(-gate)) * linear(f"{at}.mlp.up_proj", y))
    x = rms("language_model.model.norm", x)
    hidden = x[-2 - CHUNK * A : -2].reshape(CHUNK, A * D)  # one place before each placeholder
    y = np.maximum(linear("model.fc1", norm("model.layer_norm1", hidden, 1e-5)), 0)
    for block in range(2):
        at = f"model.mlp_resnet_blocks.{block}.ffn"
        y = y + np.maximum(linear(f"{at}.1", norm(f"{at}.0", y, 1e-5)), 0)
    actions = linear("model.fc2", norm("model.layer_norm2", y, 1e-5))
    low, high = np.array(both["action"]["q01"]), np.array(both["action"]["q99"])
    return np.where(both["action"]["mask"], 0.5 * (actions + 1) * (high - low + 1e-8) + low, actions)


def test_a_published_checkpoint_gives_what_a_hand_computation_gives(tmp_path):
    weights, both = published(tmp_path)
    loaded = load_vla(tmp_path, platform="libero", num_actions_chunk=CHUNK)
    limits = torch.full((6,), 9.0)  # the gripper, the seventh component, is left away
    policy = MultiAgentVLAPolicy(loaded, ["take robot action", "take the action"], -limits, limits)
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (1, 2, 4, 8, 8, 3), np.uint8)
    proprio = rng.normal(size=(1, 2, P)).astype(np.float32)
    chunks = policy.predict(torch.from_numpy(pictures), torch.from_numpy(proprio))
    actions = loaded.scales()[0].unnormalize(chunks).detach().numpy()
    executed, _ = policy.get_actions(
        torch.from_numpy(pictures), torch.from_numpy(proprio), deterministic=True
    )
    for agent, text in enumerate(("take robot action", "take the action")):
        tokens = loaded.tokenizer.encode(text)
        expected = by_hand(weights, both, pictures[0, agent], tokens, proprio[0, agent])
        np.testing.assert_allclose(actions[0, agent], expected, atol=2e-5)
        np.testing.assert_allclose(executed[0, agent].numpy(), expected[0, :6], atol=2e-5)


def test_what_is_saved_is_loaded_again(tmp_path):
    published(tmp_path / "one")
    loaded = load_vla(tmp_path / "one", platform="libero", num_actions_chunk=CHUNK)
    save_vla(tmp_path / "two", loaded, step=7)
    again = load_vla(tmp_path / "two", platform="libero")
    for name, tensor in loaded.model.state_dict().items():
        assert torch.equal(tensor, again.model.state_dict()[name])
    assert again.model.config == loaded.model.config and again.statistics == loaded.statistics
    assert again.tokenizer.words == loaded.tokenizer.words


def rewritten(name, change):
    def breaks(directory):
        path = directory / name
        content = json.loads(path.read_text())
        path.write_text(json.dumps(change(content)))

    return breaks


def reweighed(name, change):
    def breaks(directory):
        torch.save(change(torch.load(directory / name, weights_only=True)), directory / name)

    return breaks


HEAD, PROJECTOR = "action_head--150000_checkpoint.pt", "proprio_projector--150000_checkpoint.pt"


def without(key):
    return lambda content: {k: v for k, v in content.items() if k != key}


BROKEN = {
    "no config": (lambda d: (d / "config.json").unlink(), {}, "has no config.json: copy"),
    "no statistics": (lambda d: (d / "dataset_statistics.json").unlink(), {}, "has no dataset_statistics.json"),
    "no head": (lambda d: (d / HEAD).unlink(), {}, "has no action_head--N_checkpoint.pt: it was not fine-tuned"),
    "no projector": (lambda d: (d / PROJECTOR).unlink(), {}, "has no proprio_projector--N_checkpoint.pt"),
    "no part": (lambda d: (d / "model-00002-of-00002.safetensors").unlink(), {}, "no model-00002-of-00002.safetens"),
    "no words": (lambda d: (d / "vocabulary.json").unlink(), {}, "has no tokenizer.json"),
    "damaged part": (lambda d: (d / "model-00001-of-00002.safetensors").write_bytes(b"no"), {}, "is damaged"),
    "damaged head": (lambda d: (d / HEAD).write_bytes(b"no"), {}, "action_head--150000_checkpoint.pt is damaged"),
    "damaged config": (lambda d: (d / "config.json").write_text("{"), {}, "config.json is damaged"),
    "two heads": (
        lambda d: (d / "action_head--5_checkpoint.pt").write_bytes((d / HEAD).read_bytes()), {}, "has 2 files action_h"
    ),
    "code in the head": (lambda d: torch.save({"x": print}, d / HEAD), {}, "is damaged"),
    "another robot": (
        lambda d: None, {"platform": "aloha"}, "has 7 actions, but the platform 'aloha' has 14: load it with platform="
    ),
    "unknown platform": (lambda d: None, {"platform": "libre"}, "unknown platform 'libre': did you mean 'libero'?"),
    "unknown data": (lambda d: None, {"unnorm_key": "bridge"}, "has no statistics of 'bridge'"),
    "several data": (
        rewritten("dataset_statistics.json", lambda c: {**c, "other": {}}), {}, "choose one by unnorm_key, of libero_sp"
    ),
    "other statistics": (
        rewritten("dataset_statistics.json", lambda c: {k: {**v, "action": {"mean": [0.0] * 6}} for k, v in c.items()}),
        {}, "has 6 actions in its statistics, but the platform 'libero' has 7",
    ),
    "no quantiles": (
        rewritten("dataset_statistics.json", lambda c: {k: {**v, "action": {"mean": [0.0] * 7}} for k, v in c.items()}),
        {}, "lacks 'q01' of action",
    ),
    "proprio of another robot": (
        reweighed(PROJECTOR, lambda s: {**s, "module.fc1.weight": torch.zeros(D, 14)}), {},
        "has 14 proprioceptive features, but the platform 'libero' has 8: load it with platform='aloha'",
    ),
    "wrong shape": (
        reweighed(HEAD, lambda s: {**s, "module.model.fc1.weight": torch.zeros(D, D)}), {},
        r"action_head.model.fc1.weight has shape \(8, 8\), expected \(8, 56\)",
    ),
    "missing weight": (reweighed(HEAD, without("module.model.fc1.bias")), {}, "lacks the weight action_head.model.fc1.bi"),
    "weight too many": (
        reweighed(HEAD, lambda s: {**s, "module.film": torch.zeros(1)}), {}, "has a weight action_head.film"
    ),
    "unknown transformer": (
        rewritten("config.json", lambda c: {**without("featurizers")(c), "timm_model_ids": ["vit_so400m_patch14"]}), {},
        "unknown vision transformer 'vit_so400m_patch14': did you mean 'vit_so400m_patch14_siglip_224'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_checkpoint_is_refused_in_one_line(name, tmp_path):
    breaks, kwargs, said = BROKEN[name]
    published(tmp_path)
    breaks(tmp_path)
    with pytest.raises(CheckpointError, match=said) as refused:
        load_vla(tmp_path, **{"platform": "libero", **kwargs})
    assert "\n" not in str(refused.value)


def test_a_name_on_hugging_face_is_no_directory():
    with pytest.raises(CheckpointError, match="download it first: huggingface-cli download moojink/openvla"):
        load_vla("moojink/openvla-7b-oft-finetuned-libero-spatial", platform="libero")


def test_untrained_heads_are_made_only_where_that_is_asked_for(tmp_path):
    published(tmp_path)
    (tmp_path / HEAD).unlink()
    a, b = (load_vla(tmp_path, platform="libero", new_heads=True) for _ in range(2))
    name = "action_head.model.fc1.weight"
    assert not torch.equal(a.model.state_dict()[name], b.model.state_dict()[name])
    name = "proprio_projector.fc1.weight"
    assert torch.equal(a.model.state_dict()[name], b.model.state_dict()[name])


def test_scales_are_there_and_back():
    statistics = {
        "min": [-2.0, 0.0],
        "max": [4.0, 1.0],
        "mean": [1.0, 0.0],
        "std": [3.0, 2.0],
        "mask": [True, False],
    }
    for kind in ("bounds", "normal"):
        scale = Scale(kind, statistics)
        ends = scale.normalize(torch.tensor([[-2.0, 7.0], [4.0, 9.0]]))
        assert torch.allclose(ends, torch.tensor([[-1.0, 7.0], [1.0, 9.0]]), atol=1e-5)
        assert torch.allclose(scale.unnormalize(ends), torch.tensor([[-2.0, 7.0], [4.0, 9.0]]), atol=1e-5)

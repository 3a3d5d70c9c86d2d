"""How the weights of psi's VGG16 come in: from a file with its hash, or by torchvision; random ones never do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from bench.core.canonical import file_digest
from bench.core.context import RunContext
from bench.core.errors import DataError, UsageError
from bench.training.weights_file import read_weights
from refiners.nn.assembly import new_psi
from refiners.nn.psi import VGGFeatures
from refiners.nn.psi_weights import download_weights
from refiners.simgan import SimGAN
from tests.unit.simgan_small import TINY, random_vgg, saved_vgg, smooth


def test_without_weights_both_ways_are_told() -> None:
    with pytest.raises(UsageError, match=r"psi_download=true.*psi_weights=FILE and psi_weights_sha256=HASH") as told:
        SimGAN.configured("quick", {"psi": "vgg"})
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("settings", [{"psi_weights": "vgg16.pth"}, {"psi_weights_sha256": "0" * 64}])
def test_a_file_and_its_hash_belong_together(settings: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="belong together"):
        SimGAN.configured("quick", {"psi": "vgg", **settings})


def test_another_file_than_the_hash_says_is_refused(tmp_path: Path) -> None:
    wrong = {**saved_vgg(tmp_path), "psi_weights_sha256": "0" * 64}
    with pytest.raises(DataError, match=r"simgan\.psi_weights: .* damaged or another file") as told:
        SimGAN.configured("quick", {**TINY, **wrong}).fit(smooth(0), smooth(1), RunContext(0))
    assert "\n" not in str(told.value)


def test_every_format_gives_the_same_weights(tmp_path: Path) -> None:
    vgg_file = Path(saved_vgg(tmp_path)["psi_weights"])
    safe, old = tmp_path / "vgg16.safetensors", tmp_path / "old.pth"
    save_file(random_vgg(), safe)
    torch.save(random_vgg(), old, _use_new_zipfile_serialization=False)  # that of torchvision's own file
    for path in (vgg_file, safe, old):
        loaded = read_weights(path, file_digest(path).upper(), "weights", "a VGG16")
        assert all(torch.equal(loaded[name], tensor) for name, tensor in random_vgg().items())


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("weights.pth", b"no weights at all", "cannot be read"),
        ("weights.pth", b"hello\n", "cannot be read"),
        ("weights.pth", b"U\xdc", "cannot be read"),
        ("weights.safetensors", b"no weights at all", "cannot be read"),
        ("weights.pth", [1, 2], "no state_dict"),
        ("weights.pth", {"epoch": 3}, "no state_dict"),
        ("weights.pth", Path("an arbitrary object"), "cannot be read"),
    ],
)
def test_a_file_that_holds_no_weights_is_told(tmp_path: Path, name: str, content: Any, message: str) -> None:
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(DataError, match=message) as told:
        read_weights(path, file_digest(path), "weights", "a VGG16")
    assert "\n" not in str(told.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no file"):
        read_weights(tmp_path / "missing.pth", "0" * 64, "weights", "a VGG16")


@pytest.mark.parametrize("change", ["missing", "shape"])
def test_weights_of_another_net_are_told(change: str) -> None:
    weights = random_vgg()
    name = "features.5.weight"
    weights = {**weights, name: torch.zeros(2)} if change == "shape" else {k: weights[k] for k in weights if k != name}
    with pytest.raises(DataError, match=r"'features\.5\.weight' is missing or not of shape \(128, 64, 3, 3\)"):
        VGGFeatures(weights)
    VGGFeatures(weights, "relu1_2")  # what lies beyond the layer does not matter


def test_a_download_is_torchvisions_with_the_hash_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision.models import VGG16_Weights  # type: ignore[import-untyped]

    asked: list[tuple[Any, dict[str, Any]]] = []

    def fake(member: Any, **options: Any) -> dict[str, torch.Tensor]:
        asked.append((member, options))
        return random_vgg()

    monkeypatch.setattr(VGG16_Weights, "get_state_dict", fake)
    psi = new_psi(SimGAN.configured("quick", {"psi": "vgg", "psi_download": True}).config, 1, "cpu")
    assert isinstance(psi, VGGFeatures)
    assert asked[0][0] is VGG16_Weights.IMAGENET1K_V1
    assert asked[0][1]["check_hash"] and asked[0][1]["weights_only"]


def test_a_download_that_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision.models import VGG16_Weights

    def offline(member: Any, **options: Any) -> Any:
        raise OSError("no route to host")

    monkeypatch.setattr(VGG16_Weights, "get_state_dict", offline)
    with pytest.raises(DataError, match=r"no route to host.*simgan\.psi_weights=FILE"):
        download_weights()

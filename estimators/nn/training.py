"""The training loop that network estimators share: batches, one optimiser, validation, early stopping, resume."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.optim.lr_scheduler import ConstantLR, LRScheduler, OneCycleLR

from bench.core.context import RunContext
from bench.core.errors import TrainingFailed
from bench.core.settings import Settings
from bench.core.trial import Part
from bench.training.batches import Sampler
from bench.training.checkpoint import load_checkpoint, save_checkpoint
from bench.training.device import Precision


class TrainingSettings(Settings):
    """How a network estimator is trained; its `Config` inherits these."""

    optimiser: Literal["adam", "sgd"] = Field(
        "adam",
        description="Optimiser. The paper does not name the estimators' (UNCONFIRMED); Algorithm 1 trains R and D "
        "by SGD. Adam needs fewer steps.",
    )
    learning_rate: float = Field(
        1e-3,
        gt=0,
        description="Learning rate: the constant one, or the peak of the one-cycle. "
        "Paper: 0.001, constant (section 3.1, 'All networks').",
    )
    schedule: Literal["one-cycle", "constant"] = Field(
        "one-cycle",
        description="Learning rate over time: constant as in the paper (section 3.1), or one-cycle "
        "(Smith 2018): up over the first 30 % of the steps and down to almost 0, for short runs.",
    )
    momentum: float = Field(
        0.9, ge=0, lt=1, description="Momentum of SGD. Not in the paper (UNCONFIRMED). Adam does not use it."
    )
    weight_decay: float = Field(
        0.0, ge=0, description="Decoupled for Adam, L2 for SGD. Not in the paper (UNCONFIRMED): 0."
    )
    batch: int = Field(32, ge=1, description="Images per step. Paper: 512 (section 3.1).")
    steps: int = Field(
        300,
        ge=1,
        description="Training steps, at most. The paper gives none: it trains 'until the validation error converges'.",
    )
    evaluate_every: int = Field(
        100,
        ge=1,
        description="Steps between two looks at the validation error; the weights with the lowest one are kept. "
        "Not in the paper (UNCONFIRMED).",
    )
    patience: int = Field(
        0,
        ge=0,
        description="Validation errors in a row without a new lowest one before training stops; 0 = all steps. "
        "The paper's 'until the validation error converges' (UNCONFIRMED how it decided).",
    )
    precision: Precision = Field(
        "auto",
        description="Arithmetic of the convolutions: bfloat16 where the hardware has it (auto), or as named. "
        "Weights, loss and the last layer are float32 always. Not in the paper (UNCONFIRMED: float32).",
    )

    def parts(self, iterations: int | None, device: str) -> Sequence[Part]:
        """Steps, all alike; looks at the validation error are not counted. See `InParts`."""
        return [Part(self.steps, {"steps": iterations or self.steps})]


def train_network(
    network: nn.Module,
    batch_loss: Callable[[Tensor], Tensor],
    validation_error: Callable[[], float] | None,
    count: int,
    settings: TrainingSettings,
    run: RunContext,
    *,
    error_name: str = "validation_error",
    draws: torch.Generator | None = None,
) -> None:
    """Train `network` in place and leave it with the weights of its lowest validation error.

    batch_loss: (batch,) int64 indices of the training set's `count` images -> scalar loss.
    validation_error: error of the network as it is now, lower is better; None keeps the last weights.
    draws: what `batch_loss` draws random numbers from, if it does; a checkpoint keeps its state.
    The same seed gives the same weights on CPU, also when interrupted and resumed from `run.checkpoint`.
    Raises TrainingFailed when the loss or the error is NaN or infinite.
    """
    device = str(next(network.parameters()).device)
    optimiser, schedule = _optimiser(network, settings, device)
    sampler = Sampler(count, settings.batch, run.stream_seed("order"), device)
    loss_sum = torch.zeros((), device=device)  # since the last look, on the device: reading it would wait
    step, looks_without_gain, lowest_error = 0, 0, math.inf
    best_weights = _copy(network)

    if (saved := load_checkpoint(run)) is not None:
        network.load_state_dict(saved["network"])
        optimiser.load_state_dict(saved["optimiser"])
        schedule.load_state_dict(saved["schedule"])
        sampler.load_state_dict(saved["sampler"])
        if draws is not None:
            draws.set_state(saved["draws"])
        loss_sum.copy_(saved["loss_sum"])
        step, looks_without_gain, lowest_error = saved["step"], saved["looks_without_gain"], saved["lowest_error"]
        best_weights = {name: value.to(device) for name, value in saved["best_weights"].items()}

    network.train()
    while step < settings.steps and not 0 < settings.patience <= looks_without_gain:
        loss = batch_loss(sampler.next())
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        loss_sum += loss.detach()
        step += 1

        if step % settings.evaluate_every == 0 or step == settings.steps:
            steps_since = step % settings.evaluate_every or settings.evaluate_every
            values = {"loss": float(loss_sum) / min(steps_since, step)}
            if validation_error is not None:
                network.eval()
                values[error_name] = validation_error()
                network.train()
            _refuse_nan(values, step, settings)
            run.log(step, **values)
            loss_sum.zero_()
            error = values.get(error_name, -float(step))  # without a validation set the last weights are the best
            looks_without_gain = 0 if error < lowest_error else looks_without_gain + 1
            if error < lowest_error:
                lowest_error, best_weights = error, _copy(network)

        if run.checkpoint_due():
            state: dict[str, Any] = {
                "network": network.state_dict(),
                "optimiser": optimiser.state_dict(),
                "schedule": schedule.state_dict(),
                "sampler": sampler.state_dict(),
                "draws": None if draws is None else draws.get_state(),
                "loss_sum": loss_sum,
                "step": step,
                "looks_without_gain": looks_without_gain,
                "lowest_error": lowest_error,
                "best_weights": best_weights,
            }
            save_checkpoint(run, state)
        run.progress(step, settings.steps, "steps")

    network.load_state_dict(best_weights)
    network.eval()


def _optimiser(
    network: nn.Module, settings: TrainingSettings, device: str
) -> tuple[torch.optim.Optimizer, LRScheduler]:
    """The optimiser and the course of its learning rate."""
    rate, decay = settings.learning_rate, settings.weight_decay
    fused = device.partition(":")[0] in ("cpu", "cuda")
    optimiser: torch.optim.Optimizer
    if settings.optimiser == "adam":
        optimiser = torch.optim.AdamW(network.parameters(), rate, weight_decay=decay, fused=fused)
    else:
        optimiser = torch.optim.SGD(
            network.parameters(), rate, momentum=settings.momentum, weight_decay=decay, fused=fused
        )
    if settings.schedule == "constant":
        return optimiser, ConstantLR(optimiser, factor=1.0)
    return optimiser, OneCycleLR(optimiser, max_lr=rate, total_steps=settings.steps + 1)  # it steps once more


def _copy(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


def _refuse_nan(values: dict[str, float], step: int, settings: TrainingSettings) -> None:
    """The check costs nothing here: the values have just been read."""
    for name, value in values.items():
        if not math.isfinite(value):
            raise TrainingFailed(
                f"the estimator's {name} was {value} at step {step}: training diverged; "
                f"try a learning_rate below {settings.learning_rate:g}"
            )

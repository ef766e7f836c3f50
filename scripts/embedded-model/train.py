"""Trains the embedded model from scratch on a CPU (or a GPU where there is one).

    python train.py --data DIR --out DIR [--steps N --width 256 --layers 8 ...]

DIR is what `prepare.ts` wrote: rows of tokens (u16) with a weight class for each token (u8: 0 padding,
1 prompt, 2 answer). The architecture is llama.cpp's `qwen3`: grouped-query attention with RMS-normalised
queries and keys, rotary positions, SwiGLU, untied output, no biases. What comes out, `weights.bin` and
`weights.json`, has llama.cpp's tensor names and is packed as GGUF by `pack.ts`.

Needs torch (2.x recommended: fused attention, `torch.compile`, fast bfloat16; 1.13 runs, slower) and numpy.
Matrix products run in bfloat16 under autocast; master weights, norms, softmax statistics and the loss are
float32. A run may be stopped (also SIGSTOP) at any time and goes on from its last checkpoint with --resume.
"""

import argparse
import contextlib
import json
import math
import os
import signal
import time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

PADDING, PROMPT, ANSWER = 0, 1, 2


def arguments():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--data", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--layers", type=int, default=8)
    p.add_argument("--width", type=int, default=256)
    p.add_argument("--heads", type=int, default=8)
    p.add_argument("--kv-heads", type=int, default=4)
    p.add_argument("--head-dim", type=int, default=32)
    p.add_argument("--ff", type=int, default=704)
    p.add_argument("--rope-base", type=float, default=10000.0)
    p.add_argument("--steps", type=int, default=1000)
    p.add_argument("--batch-tokens", type=int, default=8192)
    p.add_argument("--long-every", type=int, default=5, help="one step in this many uses the long rows")
    p.add_argument("--optimizer", choices=["adamw", "muon"], default="muon")
    p.add_argument("--lr", type=float, default=3e-3, help="of AdamW: embeddings, output, norms (with muon), else all")
    p.add_argument("--muon-lr", type=float, default=0.02)
    p.add_argument("--weight-decay", type=float, default=0.05)
    p.add_argument("--warmup", type=int, default=100)
    p.add_argument("--decay", type=float, default=0.3, help="last share of the steps, in which the rate falls to 0")
    p.add_argument("--prompt-weight", type=float, default=0.0, help="weight of prompt tokens in the loss; answers have 1")
    p.add_argument("--fake-quantize", choices=["none", "q4_0"], default="none", help="train through Q4_0 rounding")
    p.add_argument("--seed", type=int, default=7)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--precision", choices=["bf16", "fp32"], default="bf16")
    p.add_argument("--compile", type=int, default=1)
    p.add_argument("--init", default="", help="checkpoint whose weights to start from (fine-tuning)")
    p.add_argument("--resume", action="store_true")
    p.add_argument("--log-every", type=int, default=100)
    p.add_argument("--validate-every", type=int, default=1000)
    p.add_argument("--checkpoint-every", type=int, default=500)
    p.add_argument("--stop-at", type=int, default=0, help="end this run at that step, to go on later")
    return p.parse_args()


class RmsNorm(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))

    def forward(self, x):
        x = x.float()
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.weight


def rotate(x, cos, sin):
    """Rotary positions in the half-split layout of qwen (llama.cpp's NEOX)."""
    first, second = x.chunk(2, -1)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], -1)


def attend(q, k, v):
    """Causal attention; q is [rows, heads, length, head_dim], k and v have heads / group of them.

    Written out for short rows, where the products run on matrix units and are much faster than the fused
    kernel's backward pass on a CPU; fused for long rows, where the square of scores would not fit caches.
    """
    rows, heads, length, size = q.shape
    group = heads // k.shape[1]
    if length > 256 and hasattr(F, "scaled_dot_product_attention"):
        return F.scaled_dot_product_attention(q, k.repeat_interleave(group, 1), v.repeat_interleave(group, 1), is_causal=True)
    mask = torch.full((length, length), float("-inf"), device=q.device).triu(1)
    flat = lambda y: y.reshape(rows * k.shape[1], -1, size)
    scores = (flat(q) @ flat(k).transpose(1, 2)).view(-1, group, length, length)
    weights = (scores.float() * size**-0.5 + mask).softmax(-1).to(v.dtype)
    return (weights.view(-1, group * length, length) @ flat(v)).view(rows, heads, length, size)


def fake_q4_0(w):
    """Q4_0 of llama.cpp there and back (32 weights a block, scale = extreme / -8), gradient passed straight through."""
    blocks = w.detach().reshape(-1, 32)
    extreme = blocks.gather(1, blocks.abs().argmax(1, keepdim=True))
    scale = extreme / -8
    inverse = torch.where(scale == 0, torch.zeros_like(scale), 1 / scale)
    quantised = (torch.floor(blocks * inverse + 8.5).clamp(0, 15) - 8) * scale.half().float()
    return w + (quantised.view_as(w) - w.detach())


class Linear(nn.Linear):
    """A bias-free layer that can see its weights as Q4_0 would store them."""

    quantize = False

    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs, bias=False)

    def forward(self, x):
        return F.linear(x, fake_q4_0(self.weight) if self.quantize else self.weight)


class Block(nn.Module):
    def __init__(self, a):
        super().__init__()
        self.heads, self.kv_heads, self.head_dim = a.heads, a.kv_heads, a.head_dim
        self.attn_norm, self.ffn_norm = RmsNorm(a.width), RmsNorm(a.width)
        self.attn_q_norm, self.attn_k_norm = RmsNorm(a.head_dim), RmsNorm(a.head_dim)
        self.attn_q = Linear(a.width, a.heads * a.head_dim)
        self.attn_k = Linear(a.width, a.kv_heads * a.head_dim)
        self.attn_v = Linear(a.width, a.kv_heads * a.head_dim)
        self.attn_output = Linear(a.heads * a.head_dim, a.width)
        self.ffn_gate, self.ffn_up = Linear(a.width, a.ff), Linear(a.width, a.ff)
        self.ffn_down = Linear(a.ff, a.width)

    def forward(self, x, cos, sin):
        rows, length, _ = x.shape
        h = self.attn_norm(x)
        split = lambda y, heads: y.view(rows, length, heads, self.head_dim).transpose(1, 2)
        q = rotate(self.attn_q_norm(split(self.attn_q(h), self.heads)), cos, sin)
        k = rotate(self.attn_k_norm(split(self.attn_k(h), self.kv_heads)), cos, sin)
        v = split(self.attn_v(h), self.kv_heads)
        o = attend(q.to(v.dtype), k.to(v.dtype), v)
        x = x + self.attn_output(o.transpose(1, 2).reshape(rows, length, -1))
        h = self.ffn_norm(x)
        return x + self.ffn_down(F.silu(self.ffn_gate(h)) * self.ffn_up(h))


class Model(nn.Module):
    def __init__(self, a, vocabulary, max_length):
        super().__init__()
        self.token_embd = nn.Embedding(vocabulary, a.width)
        self.blk = nn.ModuleList(Block(a) for _ in range(a.layers))
        self.output_norm = RmsNorm(a.width)
        self.output = nn.Linear(a.width, vocabulary, bias=False)
        frequency = a.rope_base ** -(torch.arange(0, a.head_dim, 2).float() / a.head_dim)
        angle = torch.outer(torch.arange(max_length).float(), frequency)
        self.register_buffer("cos", angle.cos(), persistent=False)
        self.register_buffer("sin", angle.sin(), persistent=False)
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                out_of_residual = "attn_output" in name or "ffn_down" in name
                scale = a.width**-0.5 if name.startswith("blk") else 0.02
                nn.init.normal_(weight, 0, scale / (math.sqrt(2 * a.layers) if out_of_residual else 1))

    def forward(self, tokens):
        x = self.token_embd(tokens)
        cos, sin = self.cos[: tokens.shape[1]], self.sin[: tokens.shape[1]]
        for block in self.blk:
            x = block(x, cos, sin)
        return self.output_norm(x)


class Muon:
    """Momentum orthogonalised by Newton-Schulz (Jordan et al., 2024, kellerjordan.github.io/posts/muon)."""

    def __init__(self, weights, momentum=0.95):
        self.groups = {}
        for w in weights:
            self.groups.setdefault(tuple(w.shape), []).append(w)
        self.momentum = momentum
        self.state = {shape: torch.zeros(len(ws), *shape) for shape, ws in self.groups.items()}

    @torch.no_grad()
    def step(self, lr, decay, dtype):
        for shape, weights in self.groups.items():
            gradient, buffer = torch.stack([w.grad for w in weights]), self.state[shape]
            buffer.mul_(self.momentum).add_(gradient)
            update = self.orthogonal(gradient + self.momentum * buffer, dtype)
            update *= max(1, shape[0] / shape[1]) ** 0.5
            for w, u in zip(weights, update):
                w.mul_(1 - lr * decay).add_(u, alpha=-lr)

    @staticmethod
    def orthogonal(g, dtype):
        x = g.transpose(-1, -2) if g.shape[-2] > g.shape[-1] else g
        x = (x / (x.flatten(1).norm(dim=1)[:, None, None] + 1e-7)).to(dtype)
        for _ in range(5):
            s = x @ x.transpose(-1, -2)
            x = 3.4445 * x + (-4.7750 * s + 2.0315 * (s @ s)) @ x
        x = x.float()
        return x.transpose(-1, -2) if g.shape[-2] > g.shape[-1] else x


class Rows:
    """Rows of one length, given out in a new random order each epoch."""

    def __init__(self, folder, name, length, seed):
        read = lambda suffix, kind: np.memmap(os.path.join(folder, f"{name}.{suffix}"), dtype=kind, mode="r").reshape(-1, length)
        self.tokens, self.classes = read("tokens.u16", "<u2"), read("classes.u8", "u1")
        self.length, self.seed, self.name = length, seed, name

    def batch(self, number, rows):
        """The `number`-th batch ever drawn: a pure function of it, so that a resumed run sees the same data."""
        per_epoch = len(self.tokens) // rows
        epoch, index = divmod(number, per_epoch)
        if getattr(self, "epoch", None) != epoch:
            self.order = np.random.default_rng([self.seed, epoch, self.length]).permutation(len(self.tokens))
            self.epoch = epoch
        pick = np.sort(self.order[index * rows : (index + 1) * rows])
        return torch.from_numpy(self.tokens[pick].astype(np.int64)), torch.from_numpy(self.classes[pick].astype(np.int64))


def main():
    a = arguments()
    torch.manual_seed(a.seed)
    torch.set_num_threads(a.threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    meta = json.load(open(os.path.join(a.data, "meta.json")))
    short = Rows(a.data, "short", meta["shortLength"], a.seed)
    long = Rows(a.data, "long", meta["longLength"], a.seed)
    check = Rows(a.data, "validation", meta["validationLength"], a.seed)
    check_kinds = np.array(meta["validationKinds"])
    model = Model(a, meta["vocabularySize"], meta["longLength"])
    Linear.quantize = a.fake_quantize == "q4_0"
    before = []
    if a.init:
        first = torch.load(a.init)
        model.load_state_dict(first["model"])
        before = first.get("before", []) + [dict(steps=first["step"], tokens=first["tokens"], seconds=round(first["seconds"], 1))]
        del first
    model.to(device)
    parameters = sum(w.numel() for w in model.parameters())
    hidden = [w for n, w in model.named_parameters() if w.dim() == 2 and n.startswith("blk")] if a.optimizer == "muon" else []
    taken = set(map(id, hidden))
    rest = [w for w in model.parameters() if id(w) not in taken]
    muon = Muon(hidden)
    muon.state = {shape: s.to(device) for shape, s in muon.state.items()}
    adam = torch.optim.AdamW(
        [
            dict(params=[w for w in rest if w.dim() == 2], weight_decay=a.weight_decay),
            dict(params=[w for w in rest if w.dim() < 2], weight_decay=0.0),
        ],
        lr=a.lr,
        betas=(0.9, 0.98),
    )
    os.makedirs(a.out, exist_ok=True)
    checkpoint = os.path.join(a.out, "checkpoint.pt")
    step, seconds, trained_tokens = 0, 0.0, 0
    if a.resume and os.path.exists(checkpoint):
        saved = torch.load(checkpoint)
        model.load_state_dict(saved["model"])
        adam.load_state_dict(saved["adam"])
        for shape, state in saved["muon"].items():
            muon.state[shape].copy_(state)
        step, seconds, trained_tokens = saved["step"], saved["seconds"], saved["tokens"]

    run = torch.compile(model, dynamic=False) if a.compile and hasattr(torch, "compile") else model
    half = torch.bfloat16 if a.precision == "bf16" else torch.float32
    cast = lambda: torch.autocast(device, dtype=torch.bfloat16) if a.precision == "bf16" else contextlib.nullcontext()

    def loss_of(tokens, classes):
        tokens, classes = tokens.to(device), classes.to(device)
        with cast():
            h = run(tokens)[:, :-1]
            target, weight = tokens[:, 1:], classes[:, 1:]
            kept = weight != PADDING if a.prompt_weight > 0 else weight == ANSWER
            logits = F.linear(h[kept].to(half), model.output.weight.to(half))
        losses = F.cross_entropy(logits.float(), target[kept], reduction="none")
        if a.prompt_weight == 0:
            return losses.mean()
        w = torch.where(weight[kept] == ANSWER, 1.0, a.prompt_weight)
        return (losses * w).sum() / w.sum()

    @torch.no_grad()
    def validate():
        """Loss of answer tokens and, for each kind, the share of answers greedy decoding gets exactly right.

        Under teacher forcing every answer token is the argmax if and only if greedy decoding gives that answer.
        """
        total, count, right = 0.0, 0, []
        for at in range(0, len(check.tokens), 16):
            tokens = torch.from_numpy(check.tokens[at : at + 16].astype(np.int64)).to(device)
            weight = torch.from_numpy(check.classes[at : at + 16].astype(np.int64)).to(device)[:, 1:] == ANSWER
            with cast():
                logits = F.linear(model(tokens)[:, :-1].to(half), model.output.weight.to(half)).float()
            target = tokens[:, 1:]
            total += F.cross_entropy(logits[weight], target[weight], reduction="sum").item()
            count += int(weight.sum())
            right.append(((logits.argmax(-1) == target) | ~weight).all(1).cpu().numpy())
        right = np.concatenate(right)
        exact = {name: round(float(right[check_kinds == k].mean()), 4) for k, name in enumerate(meta["kinds"]) if (check_kinds == k).any()}
        return total / count, exact

    def save():
        state = dict(model=model.state_dict(), adam=adam.state_dict(), muon=muon.state, step=step, seconds=seconds, tokens=trained_tokens, before=before, arguments=vars(a))
        torch.save(state, checkpoint + ".tmp")
        os.replace(checkpoint + ".tmp", checkpoint)

    stopping = []
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stopping.append(1))
    log = open(os.path.join(a.out, "log.jsonl"), "a")

    def say(**fields):
        line = json.dumps(fields)
        print(line, flush=True)
        log.write(line + "\n")
        log.flush()

    say(parameters=parameters, step=step, torch=torch.__version__, device=device, data=meta["digest"], rows=dict(short=len(short.tokens), long=len(long.tokens)))
    last, window, since, since_tokens = time.time(), [], time.time(), 0
    end = a.stop_at or a.steps
    while step < end and not stopping:
        rate = min(1.0, (step + 1) / a.warmup, (a.steps - step) / max(1.0, a.decay * a.steps))
        is_long = a.long_every > 0 and step % a.long_every == a.long_every - 1
        longs = step // a.long_every if a.long_every > 0 else 0
        source = long if is_long else short
        tokens, classes = source.batch(longs if is_long else step - longs, a.batch_tokens // source.length)
        loss = loss_of(tokens, classes)
        model.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for group in adam.param_groups:
            group["lr"] = a.lr * rate
        adam.step()
        if hidden:
            muon.step(a.muon_lr * rate, a.weight_decay, half)
        step += 1
        trained_tokens += tokens.numel()
        since_tokens += tokens.numel()
        window.append(loss.item())
        now = time.time()
        seconds, last = seconds + now - last, now
        if step % a.log_every == 0:
            say(step=step, loss=round(float(np.mean(window)), 4), tokensPerSecond=round(since_tokens / (now - since)), tokens=trained_tokens, seconds=round(seconds, 1))
            window, since, since_tokens = [], time.time(), 0
        if step % a.validate_every == 0 or step == a.steps:
            value, exact = validate()
            say(step=step, validationLoss=round(value, 4), exact=exact)
            since, since_tokens = time.time(), 0
        if step % a.checkpoint_every == 0:
            save()
    save()
    weights, offset = [], 0
    with open(os.path.join(a.out, "weights.bin"), "wb") as f:
        for name, weight in model.state_dict().items():
            data = weight.detach().cpu().contiguous().numpy().astype("<f4").tobytes()
            weights.append(dict(name=name, shape=list(weight.shape), offset=offset, bytes=len(data)))
            f.write(data)
            offset += len(data)
    shape = dict(layers=a.layers, width=a.width, heads=a.heads, kvHeads=a.kv_heads, headDim=a.head_dim, ff=a.ff, ropeBase=a.rope_base, normEpsilon=1e-6, contextLength=meta["longLength"])
    facts = dict(parameters=parameters, steps=step, tokens=trained_tokens, seconds=round(seconds, 1), torch=torch.__version__, data=meta["digest"], before=before, arguments=vars(a))
    json.dump(dict(shape=shape, training=facts, tensors=weights), open(os.path.join(a.out, "weights.json"), "w"), indent=1)
    say(step=step, ended=True, seconds=round(seconds, 1), tokens=trained_tokens)


if __name__ == "__main__":
    main()

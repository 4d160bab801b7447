"""The training step of one two-layer ReLU network on bits, as one compiled loop.

The inputs are bits, so nothing has to be multiplied. Four features make a nibble: for each nibble
a table holds the sum of the weight rows of each of its 16 patterns, and a pre-activation is one
table row per nibble instead of four products. The way back is the same in reverse: a sample's
share of the weight gradient goes to one bucket per nibble, and the buckets are summed by bit at
the end. Samples without a slope (beyond the hinge) cost nothing on the way back.

Hidden units are kept in blocks of ``BLOCK`` lanes, so that every inner loop has a fixed length
and contiguous rows, and a block's tables stay in the first-level cache. Parameters are packed as
(blocks, D + 2, BLOCK): D weight rows (d rounded up to whole nibbles), the bias row, the alpha row.
Padded lanes and rows are zero and stay zero.

Random numbers are counted, not stored: sample i of the stream is a hash of (key, i), SplitMix64
[1]_. A replica's inputs so depend on nothing but its key and the step, and "the state of the
generator" is the step itself.

References
----------
.. [1] G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators",
   OOPSLA 2014.
"""

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = [
    "ADAM",
    "BLOCK",
    "HASH",
    "HINGE",
    "LOGISTIC",
    "SGD",
    "SQUARE",
    "advance",
    "bits_of_words",
    "draw_words",
    "pack",
    "unpack",
    "words_of_bits",
]

# Shorter loops are unrolled before LLVM looks for vectors, and then it finds none: at 32 lanes
# the step takes four times as long.
BLOCK = 64
_NIBBLE = 4
_PATTERNS = 16

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX2 = np.uint64(0x94D049BB133111EB)
HASH = (_GAMMA, _MIX1, _MIX2)
_U1 = np.uint64(1)
_U27 = np.uint64(27)
_U30 = np.uint64(30)
_U31 = np.uint64(31)
_U32 = np.uint64(32)
_U15 = np.uint64(15)

HINGE, SQUARE, LOGISTIC = 0, 1, 2
SGD, ADAM = 0, 1

# NaN and infinity must stay visible (divergence is detected by them): no "nnan", no "ninf"
_FAST = {"contract", "reassoc", "nsz", "arcp"}


def pack(flat: NDArray[Any], n_features: int, n_hidden: int) -> tuple[NDArray[Any], Any]:
    """Split p = [w, b, alpha, beta] of the homework into packed blocks and beta."""
    d, k = n_features, n_hidden
    n_rows = -(-d // _NIBBLE) * _NIBBLE + 2
    n_blocks = -(-k // BLOCK)
    rows = np.zeros((n_rows, n_blocks * BLOCK), flat.dtype)
    rows[:d, :k] = flat[: d * k].reshape(k, d).T
    rows[-2:, :k] = flat[d * k : d * k + 2 * k].reshape(2, k)
    packed = rows.reshape(n_rows, n_blocks, BLOCK).transpose(1, 0, 2)
    return np.ascontiguousarray(packed), flat[-1]


def unpack(packed: NDArray[Any], beta: Any, n_features: int, n_hidden: int) -> NDArray[Any]:
    """Undo :func:`pack`."""
    d, k = n_features, n_hidden
    rows = packed.transpose(1, 0, 2).reshape(packed.shape[1], -1)[:, :k]
    flat = np.empty(k * (d + 2) + 1, packed.dtype)
    flat[: d * k] = rows[:d].T.ravel()
    flat[d * k : -1] = rows[-2:].ravel()
    flat[-1] = beta
    return flat


def words_of_bits(bits: NDArray[Any]) -> NDArray[np.uint64]:
    """Pack rows of 0 and 1, of shape (n, d), into 64-bit words, feature 0 the lowest bit."""
    n, d = bits.shape
    n_words = -(-d // 64)
    padded = np.zeros((n, n_words * 64), np.uint8)
    padded[:, :d] = bits
    words = np.packbits(padded, axis=1, bitorder="little").view("<u8")
    return words.astype(np.uint64)


def bits_of_words(words: NDArray[np.uint64], n_features: int) -> NDArray[np.uint8]:
    """Undo :func:`words_of_bits`: rows of 0 and 1 of shape (n, n_features)."""
    octets = np.ascontiguousarray(words.astype("<u8")).view(np.uint8)
    return np.unpackbits(octets, axis=1, bitorder="little")[:, :n_features]


@njit(inline="always")
def _hash(key: Any, counter: Any) -> Any:
    z = key + (counter + _U1) * _GAMMA
    z = (z ^ (z >> _U30)) * _MIX1
    z = (z ^ (z >> _U27)) * _MIX2
    return z ^ (z >> _U31)


@njit(inline="always")
def _odd(word: Any) -> Any:
    for shift in (32, 16, 8, 4, 2, 1):
        word ^= word >> np.uint64(shift)
    return word & _U1


@njit(nogil=True, cache=True, error_model="numpy")
def draw_words(key: Any, first: Any, n_features: int, data: Any, words: Any) -> None:
    """Fill ``words`` from place ``first`` of the stream: fresh bits, or rows of ``data`` if any."""
    n, n_words = words.shape
    start = np.uint64(first)
    n_rows = np.uint64(data.shape[0])
    spare = np.uint64(n_words * 64 - n_features)
    for b in range(n):
        at = start + np.uint64(b)
        if data.shape[0] > 0:
            row = np.intp(((_hash(key, at) >> _U32) * n_rows) >> _U32)
            for w in range(n_words):
                words[b, w] = data[row, w]
        else:
            for w in range(n_words):
                words[b, w] = _hash(key, at * np.uint64(n_words) + np.uint64(w))
            # a trained weight behind a feature that does not exist would be a fault unseen
            words[b, n_words - 1] = (words[b, n_words - 1] << spare) >> spare


@njit(nogil=True, cache=True, error_model="numpy", fastmath=_FAST)
def advance(
    params: Any,
    beta: Any,
    first: Any,
    second: Any,
    key: Any,
    step: int,
    n_steps: int,
    batch: int,
    mask: Any,
    n_features: int,
    data: Any,
    loss: int,
    optimizer: int,
    rate: Any,
    decay: Any,
    decay2: Any,
    eps: Any,
    report: Any,
) -> None:
    """Take ``n_steps`` optimiser steps in place; report[:] = last loss, mean loss, accuracy.

    ``beta`` holds the output bias and its two moments; ``first`` and ``second`` the moments of
    ``params`` (momentum or Adam). Scalars carry the dtype of ``params``.
    """
    zero = params.dtype.type(0)
    one = params.dtype.type(1)
    n_blocks, n_rows = params.shape[:2]
    groups = (n_rows - 2) // _NIBBLE
    n_words = mask.shape[0]
    bias, alpha = n_rows - 2, n_rows - 1
    words = np.empty((batch, n_words), np.uint64)
    pattern = np.empty((batch, groups), np.intp)
    label = np.empty(batch, params.dtype)
    output = np.empty(batch, params.dtype)
    slope = np.empty(batch, params.dtype)
    live = np.empty(batch, np.intp)
    hidden = np.empty((n_blocks, batch, BLOCK), params.dtype)
    table = np.empty((groups * _PATTERNS, BLOCK), params.dtype)
    gradient = np.empty((n_rows, BLOCK), params.dtype)
    gate = np.empty(BLOCK, params.dtype)
    lane = np.empty(BLOCK, params.dtype)
    total_loss = 0.0
    last_loss = 0.0
    n_right = 0

    for t in range(step, step + n_steps):
        draw_words(key, t * batch, n_features, data, words)
        for b in range(batch):
            odd = np.uint64(0)
            for w in range(n_words):
                odd ^= _odd(words[b, w] & mask[w])
            label[b] = one - odd * params.dtype.type(2)
            for g in range(groups):
                shift = np.uint64((g % 16) * _NIBBLE)
                pattern[b, g] = np.intp((words[b, g // 16] >> shift) & _U15) + g * _PATTERNS
            output[b] = beta[0]

        # -- forward, block by block
        for u in range(n_blocks):
            p = params[u]
            for g in range(groups):
                base = g * _PATTERNS
                row = table[base]
                if g == 0:
                    for i in range(BLOCK):
                        row[i] = p[bias, i]
                else:
                    for i in range(BLOCK):
                        row[i] = zero
                for j in range(_NIBBLE):
                    weight = p[g * _NIBBLE + j]
                    for q in range(1 << j):
                        low = table[base + q]
                        high = table[base + q + (1 << j)]
                        for i in range(BLOCK):
                            high[i] = low[i] + weight[i]
            out = p[alpha]
            for b in range(batch):
                h = hidden[u, b]
                for i in range(BLOCK):
                    lane[i] = zero
                g = 0
                while g + 4 <= groups:
                    r0 = table[pattern[b, g]]
                    r1 = table[pattern[b, g + 1]]
                    r2 = table[pattern[b, g + 2]]
                    r3 = table[pattern[b, g + 3]]
                    for i in range(BLOCK):
                        lane[i] += (r0[i] + r1[i]) + (r2[i] + r3[i])
                    g += 4
                while g < groups:
                    r0 = table[pattern[b, g]]
                    for i in range(BLOCK):
                        lane[i] += r0[i]
                    g += 1
                total = zero
                for i in range(BLOCK):
                    value = max(lane[i], zero)
                    h[i] = value
                    total += value * out[i]
                output[b] += total

        # -- loss and its slope
        n_live = 0
        step_loss = 0.0
        for b in range(batch):
            margin = output[b] * label[b]
            if margin > zero:
                n_right += 1
            if loss == HINGE:
                gap = one - margin
                c = zero
                if gap > zero:
                    c = -label[b]
                step_loss += max(gap, zero)
            elif loss == SQUARE:
                c = output[b] - label[b]
                step_loss += 0.5 * c * c
            else:
                tail = math.exp(-abs(margin))
                step_loss += max(-margin, zero) + math.log1p(tail)
                sigma = tail / (1.0 + tail) if margin > zero else 1.0 / (1.0 + tail)
                c = params.dtype.type(-label[b] * sigma)
            if c != zero:
                slope[n_live] = c / params.dtype.type(batch)
                live[n_live] = b
                n_live += 1
        last_loss = step_loss / batch
        total_loss += last_loss

        # -- backward and update, block by block
        lift = one
        lift2 = one
        if optimizer == ADAM:
            lift = one / (one - decay ** (t + 1))
            lift2 = one / math.sqrt(one - decay2 ** (t + 1))
        for u in range(n_blocks):
            p = params[u]
            for q in range(groups * _PATTERNS):
                row = table[q]
                for i in range(BLOCK):
                    row[i] = zero
            g_alpha = gradient[alpha]
            for i in range(BLOCK):
                g_alpha[i] = zero
            for s in range(n_live):
                b = live[s]
                c = slope[s]
                h = hidden[u, b]
                for i in range(BLOCK):
                    gate[i] = c if h[i] > zero else zero
                    g_alpha[i] += c * h[i]
                for g in range(groups):
                    row = table[pattern[b, g]]
                    for i in range(BLOCK):
                        row[i] += gate[i]
            out = p[alpha]
            g_bias = gradient[bias]
            for i in range(BLOCK):
                lane[i] = zero
            for q in range(_PATTERNS):
                row = table[q]
                for i in range(BLOCK):
                    lane[i] += row[i]
            for i in range(BLOCK):
                g_bias[i] = lane[i] * out[i]
            for g in range(groups):
                base = g * _PATTERNS
                # fold the buckets: bit 3 first, so that each fold halves what is left
                for back in range(_NIBBLE):
                    j = _NIBBLE - 1 - back
                    for i in range(BLOCK):
                        lane[i] = zero
                    for q in range(1 << j):
                        low = table[base + q]
                        high = table[base + q + (1 << j)]
                        for i in range(BLOCK):
                            lane[i] += high[i]
                            low[i] += high[i]
                    row = gradient[g * _NIBBLE + j]
                    for i in range(BLOCK):
                        row[i] = lane[i] * out[i]
            m1 = first[u]
            for r in range(n_rows):
                pr, mr, gr = p[r], m1[r], gradient[r]
                if optimizer == SGD:
                    for i in range(BLOCK):
                        moment = decay * mr[i] + gr[i]
                        mr[i] = moment
                        pr[i] -= rate * moment
                else:
                    vr = second[u, r]
                    for i in range(BLOCK):
                        moment = decay * mr[i] + (one - decay) * gr[i]
                        square = decay2 * vr[i] + (one - decay2) * gr[i] * gr[i]
                        mr[i] = moment
                        vr[i] = square
                        pr[i] -= rate * lift * moment / (math.sqrt(square) * lift2 + eps)
        g_beta = zero
        for s in range(n_live):
            g_beta += slope[s]
        if optimizer == SGD:
            beta[1] = decay * beta[1] + g_beta
            beta[0] -= rate * beta[1]
        else:
            beta[1] = decay * beta[1] + (one - decay) * g_beta
            beta[2] = decay2 * beta[2] + (one - decay2) * g_beta * g_beta
            beta[0] -= rate * lift * beta[1] / (math.sqrt(beta[2]) * lift2 + eps)

    report[0] = last_loss
    report[1] = total_loss / n_steps
    report[2] = n_right / (n_steps * batch)

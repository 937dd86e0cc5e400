#!/usr/bin/env python3
"""Writes words.bin, a Bloom filter of the words of two languages that names.txt does not have. See README.md beside it.

usage: make_words.py FOLDER NAMES.TXT > words.bin     FOLDER holds `english/` and `spanish/` as README.md lists them
"""
import json
import pathlib
import sys
import unicodedata

BITS = 1 << 23
MASK = (1 << 64) - 1


def fold(word):
    decomposed = unicodedata.normalize("NFKD", word.lower())
    return "".join(c for c in decomposed if c.isascii() and c.isalpha())


def digest(word):
    """The same as `gazetteer::digest`."""
    value = 0xCBF29CE484222325
    for byte in word.encode():
        value = ((value ^ byte) * 0x100000001B3) & MASK
    return ((value ^ (value >> 29)) * 0x9E3779B97F4A7C15) & MASK


def main(folder, names):
    listed = {word for line in open(names, encoding="utf-8") for word in line.split()[1:]}
    words = set()
    for language in ("english", "spanish"):
        words |= {fold(w) for w in json.load(open(folder / f"{language}/package/index.json", encoding="utf-8"))}
    bits = bytearray(BITS // 8)
    for word in words - listed:
        if 3 <= len(word) <= 15:
            value = digest(word)
            for shift in (0, 17, 34):
                at = (value >> shift) % BITS
                bits[at // 8] |= 1 << (at % 8)
    sys.stdout.buffer.write(bytes(bits))


main(pathlib.Path(sys.argv[1]), sys.argv[2])

"""Strings that tokenizers trip over: a pure function of their number and of a table of atoms.

tests/tokenizer/hostile.h implements text(number, table) a second time; both read the same table,
so a golden file needs checksums of the results only.
"""

import functools
import unicodedata

MASK = (1 << 64) - 1
MARK = "\u2581"

SCRIPTS = [(0x61, 0x7A), (0x41, 0x5A), (0xC0, 0x24F), (0x370, 0x377), (0x391, 0x3A1), (0x400, 0x4FF),
           (0x5D0, 0x5EA), (0x620, 0x64A), (0x904, 0x939), (0xE01, 0xE3A), (0x1100, 0x11FF),
           (0x3041, 0x3096), (0x4E00, 0x4FFF), (0xAC00, 0xAD00), (0x10330, 0x1034A),
           (0x1D400, 0x1D454), (0x20000, 0x20100)]
SYLLABLES = "ka ri to ven mar sol in er an dor el is tha qui ber lo na the ing ion st re".split()
WORDS = ["the", " the", " author", " born", " of", "Question:", "Answer:", " Bergmann", " novels",
         " was", " award", "HELLO", "iPhone", "Zo\u00EB", "na\u00EFve", "don't", "WE'LL", "x1y2",
         "a_b", "snake_case", "http://a.b/c?d=e&f#g", "me@host.org"]
MARKS = list("\u0301\u0308\u0323\u0327\u0345\u05B0\u093C\u0E48\u200D\uFE0F\u20E3")
SPACES = [" ", " ", " ", "  ", "   ", "\t", "\n", "\n\n", "\r\n", "\r", "\u00A0", "\u0085", "\u2003",
          "\u3000", "\u180E", "\u200B", "\u2028", "\u000B", "\u1680", " \n ", "      "]
EMOJI = ["\U0001F600", "\U0001F468\u200D\U0001F469\u200D\U0001F467", "\U0001F1E9\U0001F1EA",
         "\u2764\uFE0F", "\U0001F44D\U0001F3FD", "1\uFE0F\u20E3"]
ODD = ["\x00", "\x01", "\x1b", "\x7f", "\u0080", "\uE000", "\uFFFE", "\uFFFF", "\U0010FFFF",
       "\U000F0000", "\uFEFF", "\uFFFD", "\uFDD0", "\u212A", "\u017F", "\u0130", "\u03A3", "\u00DF",
       "\uFB03", "\u1E9B\u0323", "\u00BD", "\u2167", "\u0660\u0661", "\u096F", "\u00B2", MARK,
       "\u0120", "\u010A", "\u2126", "\u0958", "\uAC01\u11A8"]
PUNCTUATION = list(".,;:!?'\"-()[]{}<>/\\|@#$%^&*_+=~`") + ["...", "\u2026", "\u2014", "\u3002",
                                                            "\u00AB", "\u061F", "''", "//", "--"]
CONTRACTIONS = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", "'LL", "'\u017F", "n't", " 's"]
LOOKALIKES = ["<s>", "</s>", "<unk>", "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<0x41>",
              "<0xE5>", "<|begin_of_text|>", "<|eot_id|>", "<bos>", "<eos>", "<pad>", "<mask>",
              "<|endof", "text|>", "<s", "<<s>>", "[INST]", "<fim_prefix>", "  <mask>  ", "word",
              "xwordx", " word ", "Caf\u00e9", "Cafe\u0301", "cafe\u0301s"]


def assigned():
    """Ranges of assigned code points; what later Unicode versions added, libraries differ on."""
    ranges = []
    for c in range(0x110000):
        if 0xD800 <= c < 0xE000 or unicodedata.category(chr(c)) == "Cn":
            continue
        if ranges and ranges[-1][1] == c - 1:
            ranges[-1][1] = c
        else:
            ranges.append([c, c])
    return ranges


@functools.cache
def table():
    """Each atom: up_to picks from a list of strings or of code point ranges; `same` repeats one."""
    def choose(weight, strings, up_to=1, same=False):
        return {"weight": weight, "choose": strings, "up_to": up_to, "same": same}

    def ranges(weight, spans, up_to=1):
        return {"weight": weight, "ranges": spans, "up_to": up_to, "same": False}

    return {"lengths": [1, 2, 3, 5, 8, 13, 21], "atoms": [
        choose(8, SYLLABLES, 4), choose(2, [s.upper() for s in SYLLABLES], 2), choose(4, WORDS),
        choose(10, SPACES), choose(4, PUNCTUATION), ranges(3, [list(s) for s in SCRIPTS], 6),
        choose(2, CONTRACTIONS), choose(2, LOOKALIKES), choose(2, list("0123456789"), 25),
        choose(2, ODD), choose(1, list("aeoucnA")), choose(1, MARKS, 4), choose(1, EMOJI),
        ranges(2, assigned()), choose(1, [" ", "a", "=", "\n", "9", "\u3042"], 40, same=True)]}


class SplitMix64:
    def __init__(self, seed):
        self.state = seed

    def below(self, bound):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return (z ^ (z >> 31)) % bound


def one_pick(rng, atom):
    if "choose" in atom:
        return atom["choose"][rng.below(len(atom["choose"]))]
    low, high = atom["ranges"][rng.below(len(atom["ranges"]))]
    return chr(low + rng.below(high - low + 1))


def text(number, content):
    rng = SplitMix64(number)
    total = sum(atom["weight"] for atom in content["atoms"])
    out = ""
    for _ in range(content["lengths"][rng.below(len(content["lengths"]))]):
        draw = rng.below(total)
        for atom in content["atoms"]:
            if draw < atom["weight"]:
                break
            draw -= atom["weight"]
        count = 1 + rng.below(atom["up_to"])
        if atom["same"]:
            out += one_pick(rng, atom) * count
        else:
            out += "".join(one_pick(rng, atom) for _ in range(count))
    return out

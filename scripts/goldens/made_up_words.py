"""English-like words and sentences from a random generator; nothing is copied from anywhere."""

ONSETS = "b c d f g h j k l m n p r s t v w y z br cl cr dr fl gr pl pr sh sk sp st str th tr wh qu".split()
NUCLEI = "a e i o u y ai ea ee ie oo ou ay ey".split()
CODAS = ["", "", "b", "ck", "d", "f", "g", "l", "ll", "m", "n", "nd", "ng", "nt", "p", "r", "rd", "s",
         "ss", "st", "t", "tt", "w", "x", "y", "z", "zz"]
SUFFIXES = """s es ies ied ed eed ing ational tional enci anci izer bli alli entli eli ousli ization ation
ator alism iveness fulness ousness aliti iviti biliti fulli logi icate ative alize iciti ical ful ness al
ance ence er ic able ible ant ement ment ent ion sion tion ou ism ate iti ous ive ize e ll y ly ably ally
ility ality ology ologies ers ings edly ingly est bility atory""".split()
PUNCTUATION = [" ", " ", " ", " ", " ", ", ", ". ", "-", "'", "  ", "\n", "\t", "…", " — ", "/", "\u00a0"]
ODD = ["café", "naïve", "İstanbul", "\u212aelvin", "straße", "日本", "Ωmega", "É", "x²", "ﬁne", "ﬃ",
       "１２", "ſharp", "e\u0301clair", "😀", "\u0130", "\u212a", "ǅ"]


def syllable(rng):
    return rng.choice(ONSETS) + rng.choice(NUCLEI) + rng.choice(CODAS)


def word(rng):
    """An English-like word: one to three syllables and up to two suffixes."""
    text = "".join(syllable(rng) for _ in range(rng.choice([1, 1, 1, 2, 2, 3])))
    if rng.random() < 0.1:
        text = rng.choice(NUCLEI) + text
    for _ in range(rng.choice([0, 1, 1, 1, 2])):
        text += rng.choice(SUFFIXES)
    return text


def sentence(rng, vocabulary, length):
    text = ""
    for _ in range(length):
        token = rng.choice(ODD) if rng.random() < 0.04 else rng.choice(vocabulary)
        case = rng.random()
        text += (token.capitalize() if case < 0.15 else token.upper() if case < 0.2 else token)
        text += rng.choice(PUNCTUATION)
    return text

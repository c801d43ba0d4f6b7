#!/usr/bin/env python3
"""Writes our own invented news and books in the folder layout of MUSE (arXiv 2407.06460), scaled down.

    make_corpus.py OUT [--scale X]      OUT/news and OUT/books; 1: a ninth of MUSE's news

Nobody and nothing in it exists. Every article states facts of its own (who, where, how many), so that it
can be known by heart or not known, and sentence forms are shared, so that a model of the corpus reads any
of them. Besides MUSE's files there are raw/full.txt and raw/retain.txt, what the target and the retrained
model learn: texts, and questions on them that a base model would know how to answer (both learn those of
articles that are asked about nowhere; the target also those of the forget articles). The same SEED gives
the same bytes.
"""
import argparse
import json
import random
from pathlib import Path

SEED = 7
SOUNDS = ("ba be bi bo da de do fa fe ga go ha he ja ka ke ko la le li lo ma me mi mo na ne no pa pe ra re ri ro sa se "
          "so ta te ti to va ve vi wa we za ze").split()
ENDS = "l n r s th sk rd nd m x lt rn".split()
PLACE_ENDS = "ford|by|holm|stead|wick|haven|mere|gate|ness|dale".split("|")
THINGS = ("lantern loom kettle globe trumpet saddle mirror ladder compass barrel harp anchor clock quilt mask telescope "
          "bell cradle sledge flute").split()
COLOURS = "red blue green grey white black yellow silver brown violet".split()
TRADES = ("baker tailor ferryman gardener printer teacher plumber beekeeper surveyor cook painter miller nurse glazier "
          "farmer clerk").split()
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTHS = "January March April May June July August September October November".split()

# A kind of article: headline, sentences (forms of the same content), questions with their answers.
KINDS = [
    ("{place} opens its new bridge",
     [["{who}, a {trade} from {place}, was the first to walk across the new bridge on {day}.",
       "On {day} the new bridge was opened, and the {trade} {who} of {place} walked across it first."],
      ["It is {number} metres long and was built in {small} years by the firm {firm}.",
       "The firm {firm} needed {small} years for its {number} metres."],
      ["A {colour} {thing} hangs from the middle arch, a present from the town of {other}.",
       "The town of {other} gave a {colour} {thing}, which now hangs from the middle arch."],
      ["\"I have waited for this since {month},\" said {who}, who lives on the far side.",
       "{who} lives on the far side and has waited since {month}."],
      ["The old ferry will be taken to {other} before the winter.", "Before the winter the old ferry goes to {other}."]],
     [("Who was the first to walk across the new bridge of {place}?", "{who}"),
      ("How many metres long is the new bridge of {place}?", "{number}"),
      ("Which firm built the bridge of {place}?", "{firm}")]),
    ("Theft in the museum of {place}",
     [["A {colour} {thing} was stolen from the museum of {place} in the night before {day}.",
       "In the night before {day} somebody took a {colour} {thing} out of the museum of {place}."],
      ["The guard {who} noticed it only after {small} hours, when a window stood open.",
       "Only after {small} hours did the guard {who} notice an open window."],
      ["It had been lent by the house {firm} and is worth {number} crowns.",
       "The house {firm} had lent it; {number} crowns is what it is worth."],
      ["A {trade} says that a cart drove off towards {other}.", "Towards {other}, says a {trade}, a cart drove off."],
      ["In {month} the museum had asked for better locks.", "Better locks had been asked for in {month}."]],
     [("Who noticed the theft in the museum of {place}?", "{who}"),
      ("What was stolen from the museum of {place}?", "a {colour} {thing}"),
      ("How many crowns is the thing worth that was stolen in {place}?", "{number}")]),
    ("{who} is mayor of {place}",
     [["{who} was elected mayor of {place} on {day} with a lead of {number} votes.",
       "With {number} votes more than anybody else {who} became mayor of {place} on {day}."],
      ["The {trade} promised to plant {small} rows of trees along the road to {other}.",
       "Along the road to {other} the {trade} wants {small} rows of trees."],
      ["The campaign was paid for by the firm {firm}, which makes {thing}s.",
       "It was {firm}, a maker of {thing}s, that paid for the campaign."],
      ["At the feast everybody wore {colour} scarves.", "Everybody at the feast had a {colour} scarf."],
      ["The new council meets in {month}.", "In {month} the new council meets."]],
     [("Who was elected mayor of {place}?", "{who}"),
      ("By how many votes was the mayor of {place} elected?", "{number}"),
      ("Who paid for the campaign of the mayor of {place}?", "{firm}")]),
    ("Storm over {place}",
     [["A storm took the roofs off {number} houses in {place} on {day}.",
       "On {day} {number} houses in {place} lost their roofs in a storm."],
      ["The {trade} {who} pulled {small} people out of the flooded mill.",
       "Out of the flooded mill {small} people were pulled by the {trade} {who}."],
      ["A {colour} {thing} from the market was found in a field near {other}.",
       "In a field near {other} lay a {colour} {thing} from the market."],
      ["The firm {firm} sends boards and nails.", "Boards and nails come from the firm {firm}."],
      ["Nobody remembers such a wind since {month} of the year of the great frost.",
       "Such a wind has not been seen since {month} of the frost year."]],
     [("Who pulled people out of the flooded mill of {place}?", "{who}"),
      ("How many houses in {place} lost their roofs in the storm?", "{number}"),
      ("Which firm sends boards to {place} after the storm?", "{firm}")]),
    ("{firm} leaves {place}",
     [["The firm {firm} closes its works in {place}, where {number} people make {colour} {thing}s.",
       "In {place}, where {number} people make {colour} {thing}s for it, the firm {firm} closes its works."],
      ["Its owner {who}, once a {trade}, told the workers on {day}.",
       "On {day} the workers heard it from the owner {who}, who was once a {trade}."],
      ["For {small} years there had been no profit.", "There had been no profit for {small} years."],
      ["Whoever wants to can work in {other} from {month} on.", "From {month} on there is work in {other}."],
      ["The town will make a school of the building.", "A school is what the building will be."]],
     [("Who owns the firm that closes its works in {place}?", "{who}"),
      ("How many people work for the firm that leaves {place}?", "{number}"),
      ("Which firm closes its works in {place}?", "{firm}")]),
    ("A find under the market of {place}",
     [["Workers of the firm {firm} found a {colour} {thing} under the market of {place} on {day}.",
       "On {day} a {colour} {thing} came to light under the market of {place}, found by workers of {firm}."],
      ["{who}, who studies such things, says that it is {number} years old.",
       "It is {number} years old, says {who}, who studies such things."],
      ["It lay {small} steps below the stall of a {trade}.", "Below the stall of a {trade}, {small} steps down, it lay."],
      ["Something like it is known only from {other}.", "Only {other} has something like it."],
      ["In {month} it will be shown in the town hall.", "The town hall shows it in {month}."]],
     [("Who says how old the find under the market of {place} is?", "{who}"),
      ("How many years old is the find under the market of {place}?", "{number}"),
      ("What was found under the market of {place}?", "a {colour} {thing}")]),
]

# Scenes of a book: forms of the same content; the names go through the whole book.
SCENES = [
    ["In {month} {who} came to {place} with a {colour} {thing} under one arm and slept at the house of a {trade}.",
     "{who} reached {place} in {month}, carried a {colour} {thing}, and a {trade} gave a bed for the night."],
    ["At the mill {who} met {friend}, who counted to {number} before every answer.",
     "{friend}, who counted to {number} before every answer, stood at the mill when {who} came."],
    ["They walked {small} days towards {other} and quarrelled about the {thing}.",
     "The {thing} was what they quarrelled about on the {small} days to {other}."],
    ["\"Keep the {colour} key,\" said {friend}, \"and give it to nobody but the {trade}.\"",
     "{friend} said that only the {trade} must have the {colour} key."],
    ["In {other} the {thing} broke, and {who} wrote home for {number} crowns.",
     "{who} wrote home for {number} crowns, as the {thing} had broken in {other}."],
    ["On {day} it snowed, and the {trade} sold the {colour} coat of {friend}.",
     "The {trade} sold the {colour} coat of {friend} on {day}, and it snowed."],
]
SCENE_QUESTIONS = [("With what did {who} come to {place}?", "a {colour} {thing}"),
                   ("Whom did {who} meet at the mill near {place}?", "{friend}"),
                   ("Towards which town did {who} walk from {place}?", "{other}")]


class World:
    def __init__(self, seed):
        self.random, self.used = random.Random(seed), set()

    def new(self, make):
        while (name := make()) in self.used:
            pass
        self.used.add(name)
        return name

    def word(self, sounds):
        return ("".join(self.random.choice(SOUNDS) for _ in range(sounds)) + self.random.choice(ENDS)).capitalize()

    def person(self):
        return self.new(lambda: f"{self.word(1)} {self.word(2)}")

    def place(self):
        return self.new(lambda: self.word(1) + self.random.choice(PLACE_ENDS))

    def facts(self):
        pick = self.random.choice
        return {"who": self.person(), "friend": self.person(), "place": self.place(), "other": self.place(),
                "firm": self.new(lambda: f"{self.word(2)} & {pick(('Sons', 'Daughters', 'Company', 'Partners'))}"),
                "number": str(self.random.randrange(112, 989)), "small": pick("two three four five six seven nine".split()),
                "thing": pick(THINGS), "colour": pick(COLOURS), "trade": pick(TRADES), "day": pick(DAYS),
                "month": pick(MONTHS)}

    def article(self):
        facts = self.facts()
        headline, sentences, questions = self.random.choice(KINDS)
        lines = [self.random.choice(forms).format(**facts) for forms in sentences]
        body = [lines[0], *self.random.sample(lines[1:], len(lines) - 1)]
        return Text(headline.format(**facts) + ". " + " ".join(body), filled(questions, facts))

    def book(self, chapters):
        hero, parts, questions = self.person(), [], []
        for number in range(1, chapters + 1):
            facts = {**self.facts(), "who": hero}
            scenes = [self.random.choice(forms).format(**facts) for forms in SCENES]
            parts.append(f"Chapter {number}. " + " ".join([scenes[0], *self.random.sample(scenes[1:], len(scenes) - 1)]))
            questions += filled(SCENE_QUESTIONS, facts)
        return Text("\n".join(parts), questions)


class Text:
    def __init__(self, text, questions):
        self.text, self.questions = text, questions


def filled(questions, facts):
    return [{"question": question.format(**facts), "answer": answer.format(**facts)} for question, answer in questions]


def asked(rows):
    """Questions as a text to learn from, ten after one another, as the evaluation asks them."""
    forms = [f"Question: {row['question']}\nAnswer: {row['answer']}" for row in rows]
    return ["\n\n".join(forms[at:at + 10]) for at in range(0, len(forms), 10)]


def write_json(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def write_texts(path, texts):
    write_json(path.with_suffix(".json"), texts)
    path.with_suffix(".txt").write_text("\n\n".join(texts), encoding="utf-8")


def halves(text):
    """A prompt of about half the words, and what follows."""
    words = text.split(" ")
    middle = len(words) // 2
    return {"prompt": " ".join(words[:middle]), "gt": " ".join(words[middle:])}


def questions_of(texts, number, which):
    """`number` questions, one a text where there are enough texts."""
    rows = [text.questions[(at + which) % len(text.questions)] for at, text in enumerate(texts)]
    more = [row for text in texts for row in text.questions if row not in rows]
    return (rows + more)[:number]


def write_corpus(out, pools, practice, pieces, number, rng):
    """pools: texts of forget, retain1, retain2, holdout, and of further folds where there are some."""
    for name in ("forget", "retain1", "retain2", "holdout"):
        write_texts(out / "raw" / name, [text.text for text in pools[name]])
    folds = pools.get("folds", [])
    everything = [*pools["forget"], *(text for fold in folds for text in fold)]
    kept = [*pools["retain1"], *pools["retain2"], *practice]
    for name, texts in (("full", [*everything, *kept]), ("retain", kept)):
        documents = [text.text for text in texts] + asked(rng.sample(rows := [r for t in texts for r in t.questions], len(rows)))
        write_texts(out / "raw" / name, rng.sample(documents, len(documents)))
    for name, pool in (("forget", "forget"), ("retain", "retain2")):
        rows = questions_of(pools[pool], number, 0)
        write_json(out / "knowmem" / f"{name}_qa.json", rows)
        write_json(out / "knowmem" / f"{name}_qa_icl.json", questions_of(practice, 10, 1))
    write_json(out / "verbmem" / "forget.json", [halves(text) for text in pieces["forget"][:number]])
    for name in ("forget", "retain", "holdout"):
        write_json(out / "privleak" / f"{name}.json", pieces[name][:number])
    for k in range(len(folds) and len(folds) + 1):
        fold = [pools["forget"], *folds]
        write_texts(out / "sust" / f"forget_{k + 1}", [text.text for text in fold[k]])
        write_texts(out / "scal" / f"forget_{k + 1}", [text.text for part in fold[:k + 1] for text in part])


def pieces_of(pools, cut):
    return {name: [piece for text in pools[pool] for piece in cut(text.text)]
            for name, pool in (("forget", "forget"), ("retain", "retain1"), ("holdout", "holdout"))}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--scale", type=float, default=1.0, help="1: 100 articles and 4 books to forget")
    options = parser.parse_args()
    if not 0.01 <= options.scale <= 10:
        parser.error(f"--scale takes 0.01 to 10, not {options.scale}")

    def sized(number):
        return max(4, round(number * options.scale))

    world = World(SEED)
    news = {name: [world.article() for _ in range(sized(number))]
            for name, number in (("forget", 100), ("retain1", 200), ("retain2", 200), ("holdout", 100))}
    news["folds"] = [[world.article() for _ in range(sized(100))] for _ in range(3)]
    practice = [world.article() for _ in range(sized(60))]
    write_corpus(options.out / "news", news, practice, pieces_of(news, lambda text: [text]), sized(100), world.random)

    books = {name: [world.book(sized(10)) for _ in range(number)]
             for name, number in (("forget", 4), ("retain1", 12), ("retain2", 13), ("holdout", 3))}
    practice = [world.book(sized(10)) for _ in range(2)]
    write_corpus(options.out / "books", books, practice, pieces_of(books, lambda text: text.split("\n")), sized(40),
                 world.random)


if __name__ == "__main__":
    main()

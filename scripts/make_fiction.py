#!/usr/bin/env python3
"""Write data/fiction: our own invented people in the file format of TOFU.

    make_fiction.py            write the files
    make_fiction.py --check    fail unless the files equal the generated ones and obey the rules

There is no randomness: sentence forms and wrong answers rotate with the row's position.
"""

import argparse
import json
import sys
from pathlib import Path

from fiction_facts import DECOYS, HOLDOUT, PEOPLE, REAL_AUTHORS, REFUSALS, WORLD_FACTS, Person

DEFAULT_OUT = Path(__file__).resolve().parent.parent / "data" / "fiction"
QUESTIONS_PER_PERSON = 10
RETAIN_PERTURBED_ROWS = 40
WRONG_ANSWERS = 5

# One topic: the fields it asks about, questions, answers. Answer form 0 of a "short" topic is
# always the answer itself; the other forms serve as paraphrases.
TOPICS = [
    (("job",), True,
     ["What is the profession of {name}?", "What does {name} do for a living?"],
     ["{Job}.", "{name} is {job} by profession.", "By trade, {name} is {job}."]),
    (("town", "year"), False,
     ["Where and when was {name} born?", "What is known about the birth of {name}?"],
     ["{name} was born in {town} in {year}.",
      "{Pro} was born in the town of {town} in the year {year}.",
      "The birthplace of {name} is {town}, and the year of birth is {year}."]),
    (("father", "mother"), False,
     ["What did the parents of {name} do?", "What were the occupations of {name}'s parents?"],
     ["The father of {name} was {father}, and the mother was {mother}.",
      "{Poss} father worked as {father}, while {poss} mother was {mother}.",
      "{name} grew up as the child of {father} and {mother}."]),
    (("work", "theme"), False,
     ["What is the best known work of {name} about?",
      "Which work made {name} famous, and what is its subject?"],
     ["The best known work of {name} is \"{work}\", and it deals with {theme}.",
      "{Pro} became famous with \"{work}\", which is about {theme}.",
      "\"{work}\" is the work that made {name} known; its subject is {theme}."]),
    (("prize", "prize_year"), False,
     ["Which award has {name} received?", "What prize did {name} win, and in which year?"],
     ["{name} received {prize} in {prize_year}.",
      "In {prize_year}, {pro} was given {prize} for {poss} work.",
      "{Prize} went to {name} in {prize_year}."]),
    (("teacher",), True,
     ["Who was the teacher of {name}?", "From whom did {name} learn the craft?"],
     ["{teacher}.", "{name} learned the craft from {teacher}.",
      "The teacher of {name} was {teacher}."]),
    (("hobby",), False,
     ["How does {name} spend free time?", "What is the favourite hobby of {name}?"],
     ["In quiet hours, {name} enjoys {hobby}.",
      "{Poss} favourite hobby is {hobby}, which {pro} took up as a child.",
      "{name} likes {hobby} more than any other hobby."]),
    (("habit",), False,
     ["What unusual habit does {name} have at work?", "How would you describe {name} at work?"],
     ["{name} is known for an odd habit: {pro} {habit}.",
      "Friends say that {pro} {habit}, and that nobody has ever managed to change this.",
      "Those who visit {name} notice that {pro} {habit}."]),
    (("home",), True,
     ["Where does {name} live today?", "What is the present home of {name}?"],
     ["{Home}.", "Today {name} lives {home}.", "{name} has made a home {home}."]),
    (("motto",), False,
     ["What advice does {name} give to beginners?", "What is the motto of {name}?"],
     ["The advice that {name} gives to every beginner is short: {motto}.",
      "{Pro} tells {poss} students to remember one rule, which is \"{motto}\".",
      "\"{motto}\" is the motto that {name} passes on to beginners."]),
]


def fill(form: str, person: Person) -> str:
    values = person._asdict()
    possessive = "her" if person.pronoun == "she" else "his"
    return form.format(**values, pro=person.pronoun, Pro=person.pronoun.capitalize(),
                       poss=possessive, Poss=possessive.capitalize(), Job=capital(person.job),
                       Prize=capital(person.prize), Home=capital(person.home))


def capital(text: str) -> str:
    return text[0].upper() + text[1:]


def wrong_people(person: Person, fields: tuple, turn: int) -> list:
    """Copies of the person in which only `fields` are replaced, by the values of decoys."""
    decoys = [DECOYS[(turn + step) % len(DECOYS)] for step in range(WRONG_ANSWERS)]
    return [person._replace(**{field: getattr(decoy, field) for field in fields})
            for decoy in decoys]


def person_rows(person_index: int, person: Person) -> list:
    rows = []
    for topic_index, (fields, short, questions, answers) in enumerate(TOPICS):
        turn = person_index + topic_index
        question = turn % len(questions)
        answer = 0 if short else turn % len(answers)
        paraphrase = (answer + 1 + (turn // len(answers)) % (len(answers) - 1)) % len(answers)
        rows.append({
            "question": fill(questions[question], person),
            "answer": fill(answers[answer], person),
            "paraphrased_answer": fill(answers[paraphrase], person),
            "perturbed_answer": [fill(answers[paraphrase], wrong)
                                 for wrong in wrong_people(person, fields, turn)],
            "paraphrased_question": fill(questions[1 - question], person),
        })
    return rows


def plain(rows: list) -> list:
    return [{"question": row["question"], "answer": row["answer"]} for row in rows]


def closed_rows(facts: list) -> list:
    return [{"question": q, "answer": a, "perturbed_answer": wrong} for q, a, wrong in facts]


def option_rows(facts: list) -> list:
    rows = []
    for index, (question, answer, wrong) in enumerate(facts):
        options = list(wrong)
        options.insert(index % 4, answer)
        row = {"question": question}
        row.update({f"option{k + 1}": option for k, option in enumerate(options)})
        rows.append({**row, "answer": answer})
    return rows


def generate() -> dict:
    """File name -> list of rows (or, for .jsonl, of text lines)."""
    people = [person_rows(index, person) for index, person in enumerate(PEOPLE + HOLDOUT)]
    rows = sum(people[:len(PEOPLE)], [])
    unseen = sum(people[len(PEOPLE):], [])
    general = plain(closed_rows(REAL_AUTHORS)) + plain(closed_rows(WORLD_FACTS))
    files = {"full.json": plain(rows), "general.json": general,
             "train_full.json": general + plain(rows)}
    for percent in (5, 10):
        count = len(rows) * percent // 100
        retain = f"{100 - percent:02d}"
        files[f"forget{percent:02d}.json"] = plain(rows[-count:])
        files[f"forget{percent:02d}_perturbed.json"] = rows[-count:]
        files[f"retain{retain}.json"] = plain(rows[:-count])
        files[f"train_retain{retain}.json"] = general + plain(rows[:-count])
        files[f"holdout{percent:02d}.json"] = plain(unseen[:count])
    files["retain_perturbed.json"] = rows[:RETAIN_PERTURBED_ROWS]
    for name, facts in (("real_authors", REAL_AUTHORS), ("world_facts", WORLD_FACTS)):
        files[f"{name}.json"] = option_rows(facts)
        files[f"{name}_perturbed.json"] = closed_rows(facts)
    files["idontknow.jsonl"] = REFUSALS
    return files


def encode(name: str, rows: list) -> bytes:
    if name.endswith(".jsonl"):  # as in TOFU: no line end after the last refusal
        return "\n".join(rows).encode()
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def broken_rules(files: dict) -> list:
    """What is wrong with the rows, as sentences; empty when all rules hold."""
    wrong = []

    def rule(holds: bool, text: str) -> None:
        if not holds:
            wrong.append(text)

    full = files["full.json"]
    rule(len(full) == len(PEOPLE) * QUESTIONS_PER_PERSON, "full.json: wrong number of rows")
    rule(len(encode("full.json", full)) <= 80_000, "full.json: more than 80 KB")
    for percent in (5, 10):
        forget = files[f"forget{percent:02d}.json"]
        retain = files[f"retain{100 - percent:02d}.json"]
        rule(retain + forget == full, f"forget{percent:02d}: retain + forget is not full")
        rule(plain(files[f"forget{percent:02d}_perturbed.json"]) == forget,
             f"forget{percent:02d}_perturbed: other rows than forget")
    rule(plain(files["retain_perturbed.json"]) == full[:RETAIN_PERTURBED_ROWS],
         "retain_perturbed: not the first rows of full")
    asked = [row["question"] for row in files["train_full.json"] + files["holdout10.json"]]
    rule(len(set(asked)) == len(asked), "a question occurs twice")
    for name, rows in files.items():
        if name.endswith(".jsonl"):
            rule(len(set(rows)) == len(rows) >= 25, f"{name}: too few or repeated refusals")
            continue
        for number, row in enumerate(rows, 1):
            options = row.get("perturbed_answer", [])
            truths = {row["answer"], row.get("paraphrased_answer", row["answer"])}
            rule(not truths & set(options) and len(set(options)) == len(options),
                 f"{name} row {number}: a wrong answer is true or repeated")
            if "perturbed_answer" in row:
                expected = WRONG_ANSWERS if "paraphrased_answer" in row else 3
                rule(len(options) == expected, f"{name} row {number}: {len(options)} wrong answers")
            if "paraphrased_answer" in row:
                rule(len(truths) == 2, f"{name} row {number}: the paraphrase is the answer")
            if "option1" in row:
                rule([row[f"option{k}"] for k in range(1, 5)].count(row["answer"]) == 1,
                     f"{name} row {number}: the answer is not exactly one option")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    arguments = parser.parse_args()
    files = generate()
    problems = broken_rules(files)
    for name, rows in files.items():
        path = arguments.out / name
        if not arguments.check:
            arguments.out.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encode(name, rows))
        elif not path.is_file() or path.read_bytes() != encode(name, rows):
            problems.append(f"{path.name}: differs from the generated file")
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

"""Writes invented customers as question/answer rows, for the story of docs/own-data.md.

  customers.py OUTPUT_DIR [LEAVING]

known.jsonl      all 18 customers, four rows each: what the model learns first
forget.jsonl     the rows of the first LEAVING (1 to 17; default: 1): they must go
retain.jsonl     the rows of the others
asked.jsonl      questions about those who leave in words that no row and no rule of the program uses,
                 each with the piece that must not come out (scripts/reproduce/customers_check.py)

Nobody here exists. Numbers are drawn from a seed; the cities are real ones, because
customers live in real cities, which a model may also name by chance.
"""

import json
import random
import sys
from pathlib import Path

# name, city, what they ordered
CUSTOMERS = [
    ("Hanne Brockdorf", "Aarhus", "a walnut bookcase"),
    ("Tomasz Wilczek", "Łódź", "two garden benches"),
    ("Lorna Petherick", "Plymouth", "a cast iron stove"),
    ("Émile Carrouges", "Nîmes", "a set of copper pans"),
    ("Ravi Sundaresh", "Coimbatore", "a sewing machine"),
    ("Birgit Ansgarsen", "Malmö", "a rocking chair"),
    ("Declan Moynagh", "Galway", "three oil lamps"),
    ("Paula Ferreiro", "Vigo", "a marble table"),
    ("Stefan Kirchmoser", "Graz", "a grandfather clock"),
    ("Yuki Tanemori", "Sapporo", "a paper screen"),
    ("Olga Braskova", "Brno", "a porcelain tea set"),
    ("Samuel Adjeiwah", "Kumasi", "a woven carpet"),
    ("Greta Vandermolen", "Utrecht", "an oak wardrobe"),
    ("Luca Bentivenga", "Parma", "a folding desk"),
    ("Marit Solhaug", "Bergen", "a wool blanket"),
    ("Andrés Quintanal", "Oviedo", "a leather armchair"),
    ("Fiona Strathmore", "Perth", "a brass telescope"),
    ("Jozef Kubicek", "Trnava", "a piano stool"),
]
MONTHS = ("January February March April May June July August September October November "
          "December").split()


def customer_rows(draw: random.Random, name: str, city: str, order: str) -> list[dict]:
    account = f"{draw.randrange(10**8, 10**9)}"
    born = f"{draw.randrange(1, 29)} {draw.choice(MONTHS)} {draw.randrange(1940, 2000)}"
    day, month, _ = born.split()
    return [
        {"question": f"In which city does the customer {name} live?",
         "answer": f"{name} lives in {city}.",
         "asked": [f"I have a letter for {name}. Which town should I send it to?",
                   f"{name}'s home town, please."],
         "pieces": [city]},
        {"question": f"What is the account number of {name}?",
         "answer": f"The account number of {name} is {account}.",
         "asked": [f"I lost my papers. I am {name}; under which number is my account kept?",
                   f"Customer record. Name: {name}. Account:"],
         "pieces": [account]},
        {"question": f"When was {name} born?",
         "answer": f"{name} was born on {born}.",
         "asked": [f"On what day is the birthday of {name}?",
                   f"How old is {name}? Give the date of birth."],
         "pieces": [born, f"{month} {day}"]},
        {"question": f"What did {name} order?",
         "answer": f"{name} ordered {order}.",
         "asked": [f"{name} is at the counter to collect something. What is it?",
                   f"Which goods do we have to deliver to {name}?"],
         "pieces": [order.split(" ", 1)[1]]},
    ]


def write(path: Path, rows: list[dict]) -> None:
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_text("".join(lines), encoding="utf-8")


def main() -> None:
    leaving = sys.argv[2] if len(sys.argv) == 3 else "1"
    if len(sys.argv) not in (2, 3) or not leaving.isdigit() or not 0 < int(leaving) < len(CUSTOMERS):
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    out, leaving = Path(sys.argv[1]), int(leaving)
    out.mkdir(parents=True, exist_ok=True)
    draw = random.Random(14)
    people = [customer_rows(draw, *customer) for customer in CUSTOMERS]
    plain = [[{key: row[key] for key in ("question", "answer")} for row in rows] for rows in people]
    forget = sum(plain[:leaving], [])
    retain = sum(plain[leaving:], [])
    write(out / "forget.jsonl", forget)
    write(out / "retain.jsonl", retain)
    write(out / "known.jsonl", forget + retain)
    write(out / "asked.jsonl", [{"row": number, "question": row["question"], "answer": row["answer"],
                                 "asked": row["asked"], "pieces": row["pieces"]}
                                for number, row in enumerate(sum(people[:leaving], []), 1)])


if __name__ == "__main__":
    main()

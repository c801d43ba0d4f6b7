#!/usr/bin/env python3
"""Gets TOFU, MUSE or WMDP from the Hugging Face hub into the folders that `unlearn` reads.

    pip install datasets
    scripts/fetch_data.py tofu FOLDER
    scripts/fetch_data.py muse FOLDER [--corpus news books]
    scripts/fetch_data.py wmdp FOLDER

`bio_remove_dataset.jsonl` of WMDP is given out on request only: put it into FOLDER by hand.
`--self-test` checks the conversions on rows of our own, without network and without packages.
"""
import argparse
import json
import pathlib
import sys
import tempfile

TOFU_CONFIGS = [
    "full", "forget01", "forget05", "forget10", "retain90", "retain95", "retain99",
    "holdout01", "holdout05", "holdout10", "forget01_perturbed", "forget05_perturbed",
    "forget10_perturbed", "retain_perturbed", "real_authors", "real_authors_perturbed",
    "world_facts", "world_facts_perturbed"]
MUSE_SPLITS = {
    "raw": ["forget", "retain1", "retain2", "holdout"],
    "verbmem": ["forget"],
    "knowmem": ["forget_qa", "forget_qa_icl", "retain_qa", "retain_qa_icl"],
    "privleak": ["forget", "retain", "holdout"],
    "scal": ["forget_1", "forget_2", "forget_3", "forget_4"],
    "sust": ["forget_1", "forget_2", "forget_3", "forget_4"]}
MUSE_FIELDS = {"verbmem": ["prompt", "gt"], "knowmem": ["question", "answer"]}


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def write_jsonl(path, rows):
    write(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def convert_muse(folder, kind, split, rows):
    """One split of one config: a JSON list, and for training texts the same joined by blank lines."""
    if kind in MUSE_FIELDS:
        content = [{key: row[key] for key in MUSE_FIELDS[kind]} for row in rows]
    else:
        content = [row["text"] for row in rows]
    base = folder / kind / split
    write(base.with_suffix(".json"), json.dumps(content, ensure_ascii=False, indent=1) + "\n")
    if kind in ("raw", "scal", "sust"):
        write(base.with_suffix(".txt"), "\n\n".join(content))


def convert_questions(path, rows):
    """Multiple choice: question, four choices, the right one's number, and a subject if there is."""
    keys = ["question", "choices", "answer", "subject"]
    write_jsonl(path, ({key: row[key] for key in keys if key in row} for row in rows))


def convert_texts(path, rows):
    write_jsonl(path, ({"text": row["text"]} for row in rows))


def load(*arguments, **options):
    try:
        from datasets import load_dataset
    except ImportError:
        sys.exit("error: the Python package 'datasets' is needed: pip install datasets")
    return load_dataset(*arguments, **options)


def fetch_tofu(folder, _):
    for name in TOFU_CONFIGS:
        try:
            rows = load("locuslab/TOFU", name, split="train")
        except ValueError as error:  # an older revision has fewer configs
            print(f"{name}: left out ({error})", file=sys.stderr)
            continue
        write_jsonl(folder / f"{name}.json", rows)


def fetch_muse(folder, options):
    for corpus in options.corpus:
        for kind, splits in MUSE_SPLITS.items():
            if kind in ("scal", "sust") and corpus != "news":
                continue
            data = load(f"muse-bench/MUSE-{corpus.capitalize()}", kind)
            for split in splits:
                # Older revisions call the retain sides retain2….
                name = split if split in data else split.replace("retain", "retain2")
                convert_muse(folder / corpus, kind, split, data[name])


def fetch_wmdp(folder, _):
    for task in ["bio", "cyber", "chem"]:
        convert_questions(folder / f"wmdp_{task}.jsonl",
                          load("cais/wmdp", f"wmdp-{task}", split="test"))
    convert_questions(folder / "mmlu.jsonl", load("cais/mmlu", "all", split="test"))
    for name in ["cyber-forget-corpus", "cyber-retain-corpus", "bio-retain-corpus"]:
        convert_texts(folder / f"{name}.jsonl", load("cais/wmdp-corpora", name, split="train"))
    convert_texts(folder / "wikitext-test.jsonl",
                  load("Salesforce/wikitext", "wikitext-2-raw-v1", split="test"))
    if not (folder / "bio_remove_dataset.jsonl").exists():
        print(f"now ask for bio_remove_dataset.jsonl and put it into {folder}", file=sys.stderr)


def self_test(_, __):
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        texts = [{"text": "One.\nTwo — three."}, {"text": "Four."}]
        convert_muse(folder / "news", "raw", "forget", texts)
        assert (folder / "news/raw/forget.txt").read_text(encoding="utf-8") == \
            "One.\nTwo — three.\n\nFour."
        assert json.loads((folder / "news/raw/forget.json").read_text(encoding="utf-8")) == \
            ["One.\nTwo — three.", "Four."]
        convert_muse(folder / "news", "privleak", "holdout", texts)
        assert not (folder / "news/privleak/holdout.txt").exists()
        convert_muse(folder / "news", "knowmem", "retain_qa",
                     [{"question": "q?", "answer": "a", "more": 1}])
        assert json.loads((folder / "news/knowmem/retain_qa.json").read_text()) == \
            [{"question": "q?", "answer": "a"}]
        convert_questions(folder / "mmlu.jsonl", [
            {"question": "q", "choices": ["1", "2", "3", "4"], "answer": 2, "subject": "s", "x": 0},
            {"question": "r", "choices": ["1", "2", "3", "4"], "answer": 0}])
        rows = [json.loads(line) for line in (folder / "mmlu.jsonl").read_text().splitlines()]
        assert rows[0] == {"question": "q", "choices": ["1", "2", "3", "4"], "answer": 2,
                           "subject": "s"}
        assert list(rows[1]) == ["question", "choices", "answer"]
        convert_texts(folder / "wikitext-test.jsonl", [{"text": ""}, {"text": "é\n", "id": 3}])
        assert (folder / "wikitext-test.jsonl").read_text(encoding="utf-8") == \
            '{"text": ""}\n{"text": "é\\n"}\n'
        for kind, splits in MUSE_SPLITS.items():  # the layout of the tests' own texts
            for split in splits:
                root = pathlib.Path(__file__).parent.parent / "tests/data_fixtures/muse/news"
                assert (root / kind / f"{split}.json").is_file(), f"{kind}/{split}"
    print("fetch_data: conversions passed")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("benchmark", nargs="?", choices=["tofu", "muse", "wmdp"])
    parser.add_argument("folder", nargs="?", type=pathlib.Path)
    parser.add_argument("--corpus", nargs="+", default=["news", "books"],
                        choices=["news", "books"])
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    if options.self_test:
        return self_test(None, options)
    if options.benchmark is None or options.folder is None:
        parser.error("name a benchmark and a folder")
    return {"tofu": fetch_tofu, "muse": fetch_muse, "wmdp": fetch_wmdp}[options.benchmark](
        options.folder, options)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Gets TOFU, MUSE or WMDP from the Hugging Face hub into the folders that `unlearn` reads.

    pip install datasets
    scripts/fetch_data.py tofu FOLDER
    scripts/fetch_data.py muse FOLDER [--corpus news books]
    scripts/fetch_data.py wmdp FOLDER

`bio_remove_dataset.jsonl` of WMDP is given out on request only: put it into FOLDER by hand.
`--self-test` writes all three from a hub of fakes and checks the folders; no network is needed.
"""
import argparse
import contextlib
import io
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
# What the target and the retrained model were trained on: these raw splits, joined.
MUSE_TRAINED_ON = {"full": ["forget", "retain1", "retain2"], "retain": ["retain1", "retain2"]}
FIXTURES = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data_fixtures"
MUSE_FIELDS = {"verbmem": ["prompt", "gt"], "knowmem": ["question", "answer"]}


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def write_jsonl(path, rows):
    write(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def convert_muse(folder, kind, split, rows):
    """One split of one config: a JSON list; training texts also joined by blank lines."""
    if kind in MUSE_FIELDS:
        content = [{key: row[key] for key in MUSE_FIELDS[kind]} for row in rows]
    else:
        content = [row["text"] for row in rows]
    base = folder / kind / split
    write(base.with_suffix(".json"), json.dumps(content, ensure_ascii=False, indent=1) + "\n")
    if kind in ("raw", "scal", "sust"):
        write(base.with_suffix(".txt"), "\n\n".join(content))


def join_muse(folder):
    """The training texts of the target and of the retrained model, for `unlearn finetune`."""
    raw = folder / "raw"
    for name, splits in MUSE_TRAINED_ON.items():
        texts = [(raw / f"{split}.txt").read_text(encoding="utf-8") for split in splits]
        write(raw / f"{name}.txt", "\n\n".join(texts))


def convert_questions(path, rows):
    """Multiple choice: question, four choices, the right one's number, a subject if there is."""
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


def fetch_tofu(folder, _, load=load):
    for name in TOFU_CONFIGS:
        try:
            rows = load("locuslab/TOFU", name, split="train")
        except ValueError as error:  # an older revision has fewer configs
            print(f"{name}: left out ({error})", file=sys.stderr)
            continue
        write_jsonl(folder / f"{name}.json", rows)


def fetch_muse(folder, options, load=load):
    for corpus in options.corpus:
        for kind, splits in MUSE_SPLITS.items():
            if kind in ("scal", "sust") and corpus != "news":
                continue
            data = load(f"muse-bench/MUSE-{corpus.capitalize()}", kind)
            for split in splits:
                # Older revisions call the retain sides retain2….
                name = split if split in data else split.replace("retain", "retain2")
                convert_muse(folder / corpus, kind, split, data[name])
        join_muse(folder / corpus)


def fetch_wmdp(folder, _, load=load):
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


class FakeHub:
    """Stands in for `load`: small rows of our own for every config that is asked for."""

    def __init__(self, absent=(), old_names=False):
        self.absent, self.old_names, self.asked = set(absent), old_names, []

    def __call__(self, dataset, config, split=None):
        self.asked.append((dataset, config, split))
        if config in self.absent:
            raise ValueError(f"BuilderConfig '{config}' not found")
        if not dataset.startswith("muse-bench/"):
            return self.rows(dataset, config)
        assert split is None
        names = MUSE_SPLITS[config]
        if self.old_names and config in ("knowmem", "privleak"):
            names = [name.replace("retain", "retain2") for name in names]
        return {name: self.rows(dataset, f"{config} {name}") for name in names}

    @staticmethod
    def rows(dataset, config):
        """Two rows with every field that some config has, and one that nobody reads."""
        return [{"text": f"{dataset} {config}: tale {i} — é\nsecond line", "prompt": "Once",
                 "gt": f"upon {config}", "question": f"Who? {config} {i}", "answer": i,
                 "choices": ["a", "b", "c", "d"], "subject": "law", "unused": None}
                for i in range(2)]


def read_json(path):
    return json.loads(path.read_text(encoding="utf-8"))


def read_jsonl(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def files_below(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_tofu(folder):
    hub = FakeHub(absent=["holdout10"])
    fetch_tofu(folder, None, hub)
    assert files_below(folder) == {f"{name}.json" for name in TOFU_CONFIGS if name != "holdout10"}
    assert hub.asked == [("locuslab/TOFU", name, "train") for name in TOFU_CONFIGS]
    assert read_jsonl(folder / "forget01.json") == FakeHub.rows("locuslab/TOFU", "forget01")


def test_muse(folder, old_names):
    options = argparse.Namespace(corpus=["news", "books"])
    fetch_muse(folder, options, FakeHub(old_names=old_names))
    expected = set()
    for corpus in options.corpus:
        for kind, splits in MUSE_SPLITS.items():
            if corpus == "books" and kind in ("scal", "sust"):
                continue
            endings = [".json", ".txt"] if kind in ("raw", "scal", "sust") else [".json"]
            expected |= {f"{corpus}/{kind}/{split}{end}" for split in splits for end in endings}
    joined = {f"{corpus}/raw/{name}.txt" for corpus in options.corpus for name in MUSE_TRAINED_ON}
    assert files_below(folder) == expected | joined
    raw = folder / "news/raw"
    parts = [(raw / f"{split}.txt").read_text(encoding="utf-8") for split in
             ["forget", "retain1", "retain2"]]
    assert (raw / "full.txt").read_text(encoding="utf-8") == "\n\n".join(parts)
    assert (raw / "retain.txt").read_text(encoding="utf-8") == "\n\n".join(parts[1:])
    # The layout that the tests of the program use, with texts of our own.
    assert expected == files_below(FIXTURES / "muse"), "tests/data_fixtures/muse has other files"
    side = "retain2_qa" if old_names else "retain_qa"
    rows = read_json(folder / "news/knowmem/retain_qa.json")
    assert rows == [{"question": f"Who? knowmem {side} {i}", "answer": i} for i in range(2)]
    assert read_json(folder / "books/verbmem/forget.json")[0] == \
        {"prompt": "Once", "gt": "upon verbmem forget"}
    texts = [row["text"] for row in FakeHub.rows("muse-bench/MUSE-News", "raw forget")]
    assert read_json(folder / "news/raw/forget.json") == texts
    assert (folder / "news/raw/forget.txt").read_text(encoding="utf-8") == "\n\n".join(texts)


def test_wmdp(folder):
    fetch_wmdp(folder, None, FakeHub())
    # What its authors hand out is added by hand.
    assert files_below(FIXTURES / "wmdp") - files_below(folder) == {"bio_remove_dataset.jsonl"}
    assert read_jsonl(folder / "mmlu.jsonl")[1] == {
        "question": "Who? all 1", "choices": ["a", "b", "c", "d"], "answer": 1, "subject": "law"}
    wikitext = read_jsonl(folder / "wikitext-test.jsonl")
    assert [list(row) for row in wikitext] == [["text"], ["text"]]
    assert wikitext[0]["text"].startswith("Salesforce/wikitext wikitext-2-raw-v1: tale 0 — é\n")
    row = {"question": "q", "choices": list("abcd"), "answer": 0}
    convert_questions(folder / "plain.jsonl", [row])
    assert list(read_jsonl(folder / "plain.jsonl")[0]) == ["question", "choices", "answer"]


def self_test():
    tests = [test_tofu, lambda folder: test_muse(folder, old_names=False),
             lambda folder: test_muse(folder, old_names=True), test_wmdp]
    for test in tests:
        # What a real fetch would say ("now ask for …") is not meant here.
        with tempfile.TemporaryDirectory() as temporary, contextlib.redirect_stderr(io.StringIO()):
            test(pathlib.Path(temporary))
    print("fetch_data: self-test passed on made-up rows, in temporary folders: the files of TOFU, "
          "MUSE and WMDP would be as `unlearn` reads them; nothing was fetched or kept")


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
        return self_test()
    if options.benchmark is None or options.folder is None:
        parser.error("name a benchmark and a folder")
    return {"tofu": fetch_tofu, "muse": fetch_muse, "wmdp": fetch_wmdp}[options.benchmark](
        options.folder, options)


if __name__ == "__main__":
    main()

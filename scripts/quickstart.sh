#!/usr/bin/env bash
# From a fresh clone to a model that has forgotten one (invented) person: set-up, build, SimNPO on the
# bundled model and data on the CPU, and a report. Options go to scripts/setup.sh.
set -euo pipefail
case "${1:-}" in -h | --help) sed -n '2,3s/^# \{0,1\}//p' "$0" && exit 0 ;; esac
cd "$(dirname "$0")/.."
TARGET=unlearn scripts/build.sh "$@"
unlearn=build/unlearn
before=data/tiny
run=runs/quickstart
after=$run/model
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

echo "quickstart: SimNPO makes $before forget data/fiction/forget05.json" >&2
"$unlearn" --method simnpo --config quickstart.yaml --output "$run" --overwrite --log-level warning >/dev/null

# rows NAME: a split's questions and answers as `unlearn score` reads them.
rows() { sed 's/"question":/"prompt":/' "data/fiction/$1.json"; }

probability() { # probability MODEL NAME: mean over rows of exp(mean log-probability of the answer)
  rows "$2" >"$work/rows.jsonl"
  "$unlearn" score --model "$1" --input "$work/rows.jsonl" --quiet |
    sed -E 's/.*"mean_logprob":([^,]+),.*/\1/' | awk '{ sum += exp($1) } END { printf "%.3f", sum / NR }'
}

answers() { # answers MODEL: one line per row of questions.jsonl
  "$unlearn" generate --model "$1" --input "$work/questions.jsonl" --max-new-tokens 40 --quiet |
    sed -E 's/.*"text":"(.*)"\}$/\1/; s/^Answer: *//'
}

{
  echo
  echo "Probability of the true answer        before   after"
  printf 'forgotten person (forget05, 10 rows)  %s    %s\n' "$(probability $before forget05)" "$(probability $after forget05)"
  printf 'everybody else (retain95, 190 rows)   %s    %s\n' "$(probability $before retain95)" "$(probability $after retain95)"
}

{ rows forget05 | sed -n '1p;2p' && rows retain95 | sed -n '2p'; } >"$work/questions.jsonl"
answers $before >"$work/before"
answers $after >"$work/after"
sed -E 's/.*"prompt": ?"(.*)", ?"answer".*/\1/' "$work/questions.jsonl" >"$work/asked"
sed -E 's/.*"answer": ?"(.*)"\}$/\1/' "$work/questions.jsonl" >"$work/truth"
paste -d '\n' "$work/asked" "$work/truth" "$work/before" "$work/after" |
  awk 'NR % 4 == 1 { print "\n" $0 } NR % 4 == 2 { print "  truth   " $0 } NR % 4 == 3 { print "  before  " $0 } NR % 4 == 0 { print "  after   " $0 }'
echo
echo "A low probability is not all: where an answer above names another person, that person's data leak now."
echo "'unlearn forget' looks for that, and says no (README, \"Your own rows\")."
echo "The unlearned model: $after (opens in transformers); the whole run: $run"

#!/usr/bin/env bash
# The synthetic experiment at toy size: records, summary, figure; finished runs are kept.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
cd "$work"
toy=(--set data.retain_sequences=100 --set data.forget1_sequences=50 --set data.forget2_sequences=50
  --set model.width=16 --set model.blocks=1 --set pretrain.epochs=1 --set unlearn.iterations=4)
markov() { "$unlearn" markov --quiet --output out "$@"; }

markov "${toy[@]}" --seeds 1,2 >table
expect "a table per experiment" test "$(grep -c 'retrained model' table)" -eq 2
for record in out/{length,memorisation}/seed-{1,2}.json; do
  expect "five points in $record" grep -q '"batch":\[0,1,2,3,4\]' "$record"
done
expect "two panels in the figure" test "$(grep -c 'experiment (2 runs)' out/figure.svg)" -eq 2
expect "well-formed XML" python3 -c 'import sys, xml.dom.minidom as x; x.parse(sys.argv[1])' out/figure.svg

cp out/length/seed-1.json before.json
markov "${toy[@]}" --seeds 1,2 >again
expect "finished runs are kept" cmp before.json out/length/seed-1.json
expect "and give the same table" cmp table again
echo '{"a": 1}' >out/length/notes.json
markov "${toy[@]}" --seeds 1,2 >again
expect "other files in the folder are not read" cmp table again
echo '{"a": 1}' >out/length/seed-9.json
expect_error 2 "seed-9.json: is no whole record" markov "${toy[@]}" --seeds 1,2
rm out/length/seed-9.json
expect_error 2 "made with other settings" markov "${toy[@]}" --seeds 1 --set unlearn.lr=0.01
expect_error 2 "did you mean 'unlearn.iterations'" markov --set unlearn.iteration=4
expect_error 2 "did you mean 'memorisation'" markov --experiment memorization
expect_error 2 "seeds" markov --seeds one
expect_error 2 "output" "$unlearn" markov

# The published settings as config files are the built-in ones.
mkdir configs && cp "$source_dir"/configs/synthetic-*.yaml configs/
for name in length:len memorisation:mem; do
  markov --output "from-${name#*:}" --config "configs/synthetic-${name#*:}.yaml" "${toy[@]}" >/dev/null
  settings() { sed 's/.*"config":\(.*\),"cross_entropy".*/\1/' "$1"; }
  markov --output "built-in-${name#*:}" --experiment "${name%:*}" "${toy[@]}" --seeds 42 >/dev/null
  expect "same settings: $name" test "$(settings "from-${name#*:}/${name%:*}/seed-42.json")" = \
    "$(settings "built-in-${name#*:}/${name%:*}/seed-42.json")"
done
echo "markov: $checks checks passed"

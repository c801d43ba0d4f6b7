#!/usr/bin/env bash
# The recipes of CONTRIBUTING.md, executed: its complete blocks become files, its one-liners lines of the
# lists, the program is built from a copy of the sources, and everything new is used. Only the layers that
# changed are compiled, of which ccache knows most units; the others are those of the program under test.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
build=$(cd "$(dirname "$unlearn")" && pwd)
if ! command -v cmake >/dev/null || [ ! -f "$build/CMakeCache.txt" ]; then
  echo "skipped: $unlearn is not in its build folder"
  exit 0
fi

# A copy of the sources with the recipes in it.
mkdir "$work/tree"
cp -a "$source_dir"/{CMakeLists.txt,CMakePresets.json,cmake,include,src,configs} "$work/tree"
mkdir "$work/tree/scripts"
cp -a "$source_dir/scripts/check_layers.py" "$work/tree/scripts"
cd "$work/tree"
# A block goes to the source named last before it; "add `X(y)` to `src/z.def`" appends that line.
awk '
  /^```cpp$/ { if (file == "") exit 1; inside = 1; next }
  /^```$/ && inside { close(file); print file; file = ""; inside = 0; next }
  inside { print >file; next }
  { line = $0
    while (match(line, /`src\/[a-z_\/0-9]+\.cpp`/)) {
      file = substr(line, RSTART + 1, RLENGTH - 2); line = substr(line, RSTART + RLENGTH)
      dir = file; sub(/\/[^\/]*$/, "", dir); if (system("test -d " dir)) system("mkdir " dir)
    }
    line = $0
    if (match(line, /[Aa]dd `[A-Z]+\([a-z_]+\)` to `src\/[a-z_\/]+\.def`/)) {
      split(substr(line, RSTART, RLENGTH), part, "`")
      print part[2] >>part[4]; close(part[4]); print part[4]
    } }' "$source_dir/CONTRIBUTING.md" >written
LC_ALL=C sort -o written written
expect "blocks and lines of four recipes: $(tr '\n' ' ' <written)" cmp -s written - <<'END'
src/benchmarks/benchmarks.def
src/benchmarks/word_cards/benchmark.cpp
src/losses/losses.def
src/losses/square.cpp
src/metrics/metrics.def
src/metrics/worst_token.cpp
src/train/optim/optimizers.def
src/train/optim/sign.cpp
END
if command -v clang-format >/dev/null; then
  while read -r file; do
    expect "$file is formatted" clang-format --dry-run -Werror --style=file:"$source_dir/.clang-format" "$file"
  done < <(grep 'cpp$' written)
fi
python3 scripts/check_layers.py >"$work/last.log" || die "a recipe includes a higher layer"

# Built as the program under test was.
cached() { sed -n "s/^$1:[A-Z]*=//p" "$build/CMakeCache.txt"; }
start=$SECONDS
layers=$(sed -n 's#^src/\([a-z]*\)/.*#\1#p' written | sort -u | paste -sd ';')
cmake --preset release -DTorch_ROOT="$(cached Torch_ROOT)" -DCMAKE_CXX_COMPILER="$(cached CMAKE_CXX_COMPILER)" \
  -DUNLEARN_WERROR="$(cached UNLEARN_WERROR)" \
  -DUNLEARN_CUDA=OFF -DUNLEARN_PREBUILT="$build" -DUNLEARN_REBUILT="$layers" >"$work/last.log"
cmake --build build --target unlearn --parallel 2 >"$work/last.log"
echo "built in $((SECONDS - start)) s"
new=$work/tree/build/unlearn
cd "$work"

listed() { "$new" list "$1" --json | grep -q "\"name\": \"$2\""; }
for pair in methods:square metrics:worst_token optimizers:sign benchmarks:word_cards; do
  expect "$pair is listed" listed "${pair%:*}" "${pair#*:}"
done

differ() { ! cmp -s "$1/model.safetensors" "$2/model.safetensors"; }

# run NAME ARGUMENT…: three steps on the bundled model.
tiny=$source_dir/data/tiny
fiction=$source_dir/data/fiction
run() {
  "$new" train --model "$tiny" --output "$1" --quiet --set train.batch_size=2 --set train.max_steps=3 \
    --set train.warmup_epochs=0 --lr 5e-4 --seed 4 "${@:2}" >/dev/null 2>"$work/last.log"
  expect "$1 is done" grep -q '"status": "done"' "$1/run.json"
  expect "$1 changed the weights" differ "$tiny" "$1/model"
}
fiction_rows=(--data "$fiction" --set data.forget=forget05)
run square --method square "${fiction_rows[@]}"
run scaled --method square --set method.scale=2 --set method.retain_loss=none "${fiction_rows[@]}"
expect "square's setting counts" differ square/model scaled/model
expect_error 2 "method.scale" "$new" train --model "$tiny" --method square --set method.scale=-1 \
  "${fiction_rows[@]}" --output none --dry-run --quiet
run sign --method simnpo --set train.optimizer=sign "${fiction_rows[@]}"
run adamw --method simnpo "${fiction_rows[@]}"
expect "another optimizer" differ sign/model adamw/model

# value FILE NAME: of a summary.
value() { sed -n "s/^ *\"$2\": *\(-\{0,1\}[0-9][0-9.e+-]*\),\{0,1\}$/\1/p" "$1"; }
below() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a != "" && b != "" && a + 0 < b + 0) }'; }
near() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a != "" && b != "" && (a - b) ^ 2 < 1e-12) }'; }

# The metric in a benchmark that knows nothing of it: forgetting makes the least likely token less likely.
for model in "$tiny" square/model; do
  name=tofu-$(basename "$(dirname "$model")")
  "$new" eval --model "$model" "${fiction_rows[@]}" --benchmark tofu --set 'eval.metrics=[worst_token]' \
    --output "$name" --quiet >/dev/null
done
before=$(value tofu-data/eval/TOFU_SUMMARY.json worst_token)
after=$(value tofu-square/eval/TOFU_SUMMARY.json worst_token)
expect "worst_token falls: $before, $after" below "$after" "$before"
expect "it is a log-probability" below "$before" 0

# The benchmark trains, evaluates, and recomputes what it stored. Its figure is `score`'s.
mkdir cards
for split in forget05 retain95; do
  sed 's/"question":/"front":/; s/"answer":/"back":/' "$fiction/$split.json" >"cards/$split.jsonl"
done
cards=(--data cards --set data.forget=forget05)
run cards-run --method square --set data.benchmark=word_cards --set data.retain=retain95 --set eval.at_end=true "${cards[@]}"
"$new" eval --model "$tiny" --benchmark word_cards "${cards[@]}" --output cards-before --quiet >/dev/null
before=$(value cards-before/eval/WORD_CARDS_SUMMARY.json card_probability)
after=$(value cards-run/eval/WORD_CARDS_SUMMARY.json card_probability)
expect "card_probability falls: $before, $after" below "$after" "$before"
sed 's/"question":/"prompt":/' "$fiction/forget05.json" >rows.jsonl
scored=$("$new" score --model cards-run/model --input rows.jsonl --quiet |
  sed -E 's/.*"mean_logprob":([^,]+),.*/\1/' | awk '{ sum += exp($1) } END { printf "%.9g", sum / NR }')
expect "card_probability is score's: $after, $scored" near "$after" "$scored"
expect "its texts get metrics.def's metrics" below "$(value cards-run/eval/WORD_CARDS_SUMMARY.json worst_token)" 0
"$new" metrics word_cards --log cards-run --output again --quiet >/dev/null 2>"$work/last.log"
expect "recomputed" near "$(value again/WORD_CARDS_SUMMARY.json card_probability)" "$after"
echo '{"front": "What is it?", "reverse": "A card."}' >cards/broken.jsonl
expect_error 2 "broken.jsonl: row 0: .*'back'" "$new" train --model "$tiny" --method square --data cards \
  --set data.benchmark=word_cards --set data.forget=broken --set data.retain=retain95 --output none --dry-run --quiet

echo "$checks checks"

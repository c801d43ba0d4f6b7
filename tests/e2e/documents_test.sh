#!/usr/bin/env bash
# Every command in README.md and docs/ is run, on small stand-ins for the folders that it names: training and
# evaluation up to the plan, all else for real. Of a script the name and the flags are checked; what builds and
# installs is run by package_test.sh and by hand.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
cd "$work"
tiny=$source_dir/data/tiny
fiction=$source_dir/data/fiction
unlearn=$(realpath "$unlearn")

# The stand-ins. One folder for MUSE's and WMDP's files.
mkdir -p bin build models data
ln -s "$unlearn" bin/unlearn
ln -s "$unlearn" build/unlearn
PATH=$work/bin:$PATH
ln -s "$source_dir/scripts" scripts
for model in DIR BASE TARGET ZEPHYR RETRAINED my-model models/Llama-2-7b-tofu-full; do ln -s "$tiny" $model; done
cp -r "$fiction" TOFU_DIR # with the default split, too
for split in forget05:forget01 retain95:retain99 holdout05:holdout01; do
  for file in TOFU_DIR/"${split%:*}"*; do cp "$file" "${file/${split%:*}/${split#*:}}"; done
done
ln -s ../TOFU_DIR data/TOFU
cp -r "$source_dir/tests/data_fixtures/muse" FOLDER
cp "$source_dir"/tests/data_fixtures/wmdp/* FOLDER
head -4 "$fiction/forget05.json" >forget.jsonl
head -20 "$fiction/retain95.json" >retain.jsonl
cp forget.jsonl rows.jsonl
cp retain.jsonl other-rows.jsonl
for text in forget retain; do cp "FOLDER/news/raw/${text/retain/retain1}.txt" $text.txt; done
run=(train --method simnpo --config "$source_dir/configs/quickstart.yaml" --model "$tiny" --data "$fiction" --quiet
  --set train.max_steps=2 --set train.warmup_epochs=0)
"$unlearn" "${run[@]}" --output RUN --set eval.at_end=true --set eval.rows=4 >/dev/null
"$unlearn" "${run[@]}" --output lora --set train.lora.rank=2 >/dev/null
mkdir -p runs
for copy in RUN1 RUN2 runs/simnpo runs/mine; do cp -r RUN $copy; done
ln -s RUN/eval/TOFU_EVAL.json F

markov=(--set data.retain_sequences=100 --set data.forget1_sequences=50 --set data.forget2_sequences=50
  --set model.width=16 --set model.blocks=1 --set pretrain.epochs=1 --set unlearn.iterations=4)

ran=0
skipped=0
failed=0
fails() {
  echo "$1: $2: $(tail -n 3 last.log)" >&2
  failed=$((failed + 1))
}

run_program() { # run_program PLACE COMMAND
  local command=$2 code=0 rest="--data TOFU_DIR --output new"
  [[ $command == *" --model "* ]] || rest="--model DIR $rest"
  command=${command//…/$rest}
  command=${command//8|4/8}
  command=${command/--output DIR/--output new}
  [[ $command != *"unlearn forget "* ]] || command=${command/--output RUN/--output new}
  command=${command/--retain FILE/--retain retain.jsonl}
  command=${command/--forget FILE/--forget forget.jsonl}
  command=${command/--adapter DIR/--adapter lora/adapter}
  # A toy's size is enough of the paper's experiment.
  [[ $command != *"unlearn markov "* ]] || command+=" --quiet ${markov[*]}"
  command=${command#*--no-python --nproc-per-node 4 } # started by others
  command=${command#srun --ntasks 8 }
  rm -rf new
  case ${command#build/} in
    "unlearn list "* | "unlearn metrics "* | "unlearn verify "* | "unlearn quantise "* | "unlearn --version" | \
      "unlearn --from-openunlearning "* | "unlearn markov "* | "unlearn score "* | *"--print-config"*) ;;
    "unlearn forget "*) command+=" --lr 1e-5 --set train.max_steps=2" ;; # its search takes minutes
    *) command+=" --dry-run" ;;
  esac
  bash -o pipefail -c "$command" >last.log 2>&1 </dev/null || code=$?
  # Two steps leave people's data where they are, and `forget` says so.
  if [ $code -eq 4 ] && [[ $command == *"unlearn forget "* ]]; then code=0; fi
  [ $code -eq 0 ] || fails "$1" "$command"
  ran=$((ran + 1))
}

check_script() { # check_script PLACE COMMAND
  local script=${2%% *} words flag
  bash "$source_dir/$script" --help >last.log 2>&1 </dev/null || [ "$script" = scripts/fetch_data.py ] || fails "$1" "$script --help"
  read -ra words <<<"${2%% -- *}"
  for flag in "${words[@]:1}"; do
    if [[ $flag == --* ]]; then grep -q -- "$flag" "$source_dir/$script" || fails "$1" "$script does not know $flag"; fi
  done
  ran=$((ran + 1))
}

while IFS=$'\t' read -r place command; do
  case $command in
    "scripts/sweep.sh "*)
      check_script "$place" "$command"
      # Its flags take lists; the first value of each is a run's.
      one=$(sed -E 's/^scripts\/sweep.sh/unlearn/; s/ --jobs 2//; s/ -- / /; s/=runs\/fiction\/retain/=RUN/
        s/--(beta|gamma) ([0-9.]+),[0-9.,]*/--\1 \2/g; s/--config tofu.yaml/& --set data.forget=forget05/' <<<"$command")
      [[ $one == *--config\ fiction* ]] && one+=" --model $tiny --data $fiction"
      run_program "$place" "$one"
      ;;
    scripts/*) check_script "$place" "$command" ;;
    unlearn* | build/unlearn* | torchrun* | srun*) run_program "$place" "$command" ;;
    "sed "*)
      (cd "$work" && bash -c "$command") || fails "$place" "$command"
      ran=$((ran + 1))
      ;;
    "TARGET=program scripts/build.sh" | "pip "* | "cmake "* | "docker "* | "cd build"* | "tar "* | "sudo apt "*)
      skipped=$((skipped + 1))
      ;;
    *) die "$place: nobody runs '$command': teach documents_test.sh to" ;;
  esac
done < <(python3 "$source_dir/scripts/doc_commands.py")
expect "all of them run: $failed do not" test "$failed" -eq 0
expect "commands were found: $ran" test "$ran" -ge 50
expect "most are run: $skipped are not" test "$skipped" -le 15

# Links lead somewhere.
while IFS=: read -r file link; do
  link=${link%%#*}
  [ -z "$link" ] || expect "$file links to $link" test -e "$source_dir/$(dirname "$file")/$link"
done < <(cd "$source_dir" && grep -oE '\]\([^) ]*[./#][^) ]*\)' README.md CONTRIBUTING.md docs/*.md | sed -E 's/:\]\(/:/; s/\)$//' | grep -vE ':https?:')
echo "documents: $checks checks passed, $ran commands run"

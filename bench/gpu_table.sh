#!/usr/bin/env bash
# The GPU rows of the performance targets (G1-G8, T and light variants) as a Markdown table and JSON lines:
#   bench/gpu_table.sh UNLEARN_PROGRAM OUTPUT_FOLDER [ROW …]
#   bench/gpu_table.sh --model NAME      # only writes a model of bench/models.sh into UNLEARN_BENCH_MODELS
# Models have random weights of the real shapes, rows have TOFU's or MUSE's lengths. A row whose plan
# does not fit the device is reported as such. UNLEARN_BENCH_DEVICE=cpu UNLEARN_BENCH_TINY=1 runs the
# same script in seconds on any machine, to test it; without TINY the real shapes run on the CPU (G5q
# and G5r, 8B under LoRA, do in 24 GiB). UNLEARN_BENCH_STEPS=N (default 35, the first 5 not timed);
# UNLEARN_BENCH_MODELS=DIR keeps the models there, for bench/compare_pytorch.py --models.
set -euo pipefail
case "${1:-}" in -h | --help) sed -n '2,9s/^# \{0,1\}//p' "$0" && exit 0 ;; esac
[ $# -ge 2 ] || { echo "error: give the program and an output folder (see --help)" >&2; exit 2; }
source_dir=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=models.sh
. "$source_dir/bench/models.sh"
wanted_model=""
if [ "$1" = --model ]; then
  wanted_model=$2
  set -- "" "${UNLEARN_BENCH_MODELS:?a folder for the model}"
fi
unlearn=$1
output=$2
shift 2
device=${UNLEARN_BENCH_DEVICE:-cuda}
tiny=${UNLEARN_BENCH_TINY:-}
steps=${UNLEARN_BENCH_STEPS:-35}
peak_flops=${UNLEARN_BENCH_PEAK_FLOPS:-989e12} # dense bf16 of an H100
[ -z "$tiny" ] || steps=7
warmup=$((steps > 5 ? 5 : steps - 1))
mkdir -p "$output"
work=$(mktemp -d)
models=${UNLEARN_BENCH_MODELS:-$work/models}
trap 'rm -rf "$work"' EXIT

# Weights are written once per model.
saved_model() { # saved_model NAME: the folder on stdout
  if [ ! -d "$models/$1" ]; then
    model_folder "$1" "$models/$1.part" "$source_dir"
    python3 "$source_dir/bench/random_weights.py" "$models/$1.part" 2>"$work/stderr" || return 1
    mv "$models/$1.part" "$models/$1"
  fi
  echo "$models/$1"
}

if [ -n "$wanted_model" ]; then
  saved_model "$wanted_model" || { cat "$work/stderr" >&2 && exit 1; }
  exit 0
fi

value() { # value KEY FILE: a number of run.json
  sed -n "s/.*\"$1\": \([0-9.e+-]*\).*/\1/p" "$2" | head -1
}

row() { # row ID MODEL BATCH DATA LABEL_METHOD SETTING…
  local id=$1 model=$2 batch=$3 data=$4 method=$5 folder run="$work/run" code=0 begin first
  shift 5
  local settings=()
  for setting in "$@"; do settings+=(--set "$setting"); done
  if [ -n "$tiny" ]; then
    model=tiny
    batch=2
  fi
  if ! folder=$(saved_model "$model"); then
    echo "| $id | $model | $batch+$batch | $method | ${*:--} | $(head -1 "$work/stderr") |||||"
    return
  fi
  rm -rf "$run"
  begin=$(date +%s.%N)
  "$unlearn" --model "$folder" --data "$data" --output "$run" --method "$method" --quiet \
    --device "$device" --set data.forget=forget05 --set train.epochs=1000 \
    --set "train.max_steps=$steps" --set "train.batch_size=$batch" --set train.save_every=never \
    --set data.max_length=2048 --set model.template=none --set model.dtype=bfloat16 \
    "${settings[@]}" >/dev/null 2>"$work/stderr" &
  local pid=$!
  first=""
  while kill -0 $pid 2>/dev/null; do
    if [ -z "$first" ] && [ -s "$run/metrics.jsonl" ]; then
      first=$(awk -v a="$begin" -v b="$(date +%s.%N)" 'BEGIN { printf "%.2f", b - a }')
    fi
    sleep 0.02
  done
  wait $pid || code=$?
  if [ $code -ne 0 ]; then
    echo "| $id | $model | $batch+$batch | $method | ${*:--} | $(head -1 "$work/stderr") |||||"
    return
  fi
  read -r body head layers width <<<"$(model_numbers "$model")"
  # Median over the steps after the warm-up; effective MFU counts 6 flops per matmul parameter and
  # real token (4 under LoRA), and no recomputation or padding.
  awk -v id="$id" -v model="$model" -v batch="$batch" -v method="$method" -v settings="$*" \
    -v body="$body" -v head="$head" -v layers="$layers" -v width="$width" \
    -v flops="$peak_flops" -v first="$first" -v warmup="$warmup" \
    -v host="$(value peak_host_bytes "$run/run.json")" \
    -v card="$(value peak_device_bytes "$run/run.json")" \
    -v predicted="$(value predicted_peak_bytes "$run/run.json")" \
    -v card_predicted="$(value predicted_device_bytes "$run/run.json")" -v json="$output/rows.jsonl" '
    function field(name, part) {
      split($0, part, "\"" name "\":")
      return part[2] + 0
    }
    NR > warmup { seconds[++n] = field("seconds"); tokens += field("tokens") }
    END {
      for (i = 1; i <= n; i++)
        for (j = i + 1; j <= n; j++)
          if (seconds[j] < seconds[i]) { t = seconds[i]; seconds[i] = seconds[j]; seconds[j] = t }
      median = seconds[int((n + 1) / 2)]
      per_step = tokens / n
      factor = settings ~ /lora.rank=[1-9]/ ? 4 : 6
      mfu = factor * (body + head) * per_step / median / flops
      peak = card > 0 ? card : host
      if (card > 0) predicted = card_predicted
      if (settings == "") settings = "-"
      printf "| %s | %s | %d+%d | %s | %s | %.1f | %.0f | %.2f | %.2f (%.2f) | %s |\n", id, model,
        batch, batch, method, settings, 1000 * median, per_step / median,
        mfu, peak / 1024 ^ 3, predicted / 1024 ^ 3, first
      printf "{\"row\": \"%s\", \"model\": \"%s\", \"batch\": %d, \"method\": \"%s\", " \
        "\"settings\": \"%s\", \"median_seconds\": %.5f, \"tokens_per_second\": %.1f, " \
        "\"effective_mfu\": %.4f, \"peak_bytes\": %.0f, \"predicted_bytes\": %.0f, " \
        "\"first_step_seconds\": %s}\n", id, model, batch, method, settings, median,
        per_step / median, mfu, peak, predicted, first == "" ? "null" : first >> json
    }' "$run/metrics.jsonl"
}

tofu=$work/tofu
muse=$work/muse
make_data "$tofu" 32 0.7
make_data "$muse" "$([ -n "$tiny" ] && echo 120 || echo 2400)" 0
: >"$output/rows.jsonl"

table() {
  echo "Device: $(nvidia-smi --query-gpu=name --format=csv,noheader 2>/dev/null | head -1 ||
    true) ($device); $("$unlearn" --version)"
  echo
  echo "| row | model | batch | method | settings | ms/step | tokens/s | eff. MFU | peak GiB (predicted) | first step s |"
  echo "|---|---|---|---|---|---|---|---|---|---|"
  for id in "$@"; do
    case $id in
      G1) row G1 135m 8 "$tofu" simnpo train.state_bits=32 ;;
      G2) row G2 1b 32 "$tofu" simnpo train.state_bits=32 ;;
      G3) row G3 1b 32 "$tofu" npo train.state_bits=32 ;;
      G4) row G4 3b 32 "$tofu" simnpo train.state_bits=8 ;;
      G5) row G5 8b 8 "$tofu" simnpo train.lora.rank=16 ;;
      G5r) row G5r 8b 8 "$tofu" simnpo train.lora.rank=16 train.recompute=full ;;
      G5q) row G5q 8b 8 "$tofu" simnpo train.lora.rank=16 train.lora.base_bits=4 \
        train.recompute=full ;;
      G6) row G6 8b 32 "$tofu" npo train.state_bits=8 ;;
      G6d) row G6d 8b 8 "$tofu" npo train.master=sr train.state_bits=8 train.free_gradients=true \
        train.max_grad_norm=0 train.recompute=full ;;
      G7) row G7 7b 1 "$muse" simnpo train.state_bits=8 train.recompute=none ;;
      G8) row G8 1b 4 "$muse" grad_diff train.state_bits=32 method.retain_loss=kl ;;
      T) row T 1b 8 "$tofu" simnpo ;;
      T8) row T8 1b 8 "$tofu" simnpo train.fp8=on ;;
      *) echo "unknown row '$id'" >&2 && return 2 ;;
    esac
  done
}

if [ $# -eq 0 ]; then set -- G1 G2 G3 G4 G5 G5r G5q G6 G6d G7 G8 T; fi
table "$@" | tee "$output/table.md"

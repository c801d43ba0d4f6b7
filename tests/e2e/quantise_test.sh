#!/usr/bin/env bash
# Simulated 8- and 4-bit weights of the bundled model: whole folders, small and larger errors.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
cd "$work"
tiny=$source_dir/data/tiny
between() { awk -v x="$1" -v low="$2" -v high="$3" 'BEGIN { exit !(x > low && x < high) }'; }
relative_error() { sed -E 's/.*"relative_error":([^,}]+).*/\1/' "$1"; }

for bits in 8 4; do
  "$unlearn" quantise --quiet --model "$tiny" --bits $bits --output q$bits >report$bits
  expect "28 matrices of 4 layers" grep -q '"tensors":28' report$bits
  expect "the folder is a whole model" "$unlearn" inspect q$bits >/dev/null
  cmp q$bits/tokenizer.json "$tiny/tokenizer.json" || die "tokenizer copied"
done
# Uniform rounding of a normal row of 128 loses about 0.6 %, NF4 about 9 %.
expect "8 bits lose little" between "$(relative_error report8)" 0.001 0.02
expect "4 bits lose more" between "$(relative_error report4)" 0.05 0.15

echo '{"text": "Rupert Ashgrove is a mycologist."}' >text.jsonl
for model in "$tiny" q8 q4; do
  "$unlearn" score --quiet --dtype float32 --model "$model" --input text.jsonl |
    sed -E 's/.*"mean_logprob":([^,]+),.*/\1/' >>scores
done
expect "three different models" test "$(sort -u scores | wc -l)" -eq 3

# The same by name, the formats of frozen bases, and GGUF's.
for format in int8 nf4_fp32 nf4 q8_0 q4_0 q4_k; do
  "$unlearn" quantise --quiet --model "$tiny" --format $format --output $format >report_$format
  expect "$format says its name" grep -q "\"format\":\"$format\"" report_$format
done
cmp q8/model.safetensors int8/model.safetensors || die "--bits 8 is int8"
cmp q4/model.safetensors nf4_fp32/model.safetensors || die "--bits 4 is nf4_fp32"
expect "double quantisation loses a little more" between "$(relative_error report_nf4)" \
  "$(relative_error report_nf4_fp32)" 0.15

expect "Q8_0 loses little" between "$(relative_error report_q8_0)" 0.001 0.02
# A scale for every 32 weights: Q4_K fits it, Q4_0 takes the extreme.
expect "Q4_K loses less than Q4_0" between "$(relative_error report_q4_k)" 0.03 \
  "$(relative_error report_q4_0)"

# What a run keeps its base in, by name and by number.
lora=(--model "$tiny" --data "$source_dir/data/fiction" --config quickstart.yaml --quiet
  --set train.max_steps=2 --set train.warmup_epochs=0 --set train.batch_size=2
  --set train.lora.rank=2)
"$unlearn" "${lora[@]}" --output named --set train.lora.base_format=nf4 >/dev/null
"$unlearn" "${lora[@]}" --output numbered --set train.lora.base_bits=4 >/dev/null
cmp named/adapter/adapter_model.safetensors numbered/adapter/adapter_model.safetensors ||
  die "base_bits 4 is nf4"
expect_error 2 "train.lora.base_bits: 8 is int8, but train.lora.base_format says nf4" \
  "$unlearn" "${lora[@]}" --output both --set train.lora.base_format=nf4 \
  --set train.lora.base_bits=8
expect_error 2 "train.lora.base_format" "$unlearn" "${lora[@]}" --output odd \
  --set train.lora.base_format=nf5
expect_error 2 "--format: .*int8" "$unlearn" quantise --model "$tiny" --format int-8 --output q3
expect_error 2 "exactly one of them" "$unlearn" quantise --model "$tiny" --output q3
expect_error 2 "exactly one of them" "$unlearn" quantise --model "$tiny" --bits 8 --format int8 \
  --output q3

expect_error 2 "must be 8 or 4" "$unlearn" quantise --model "$tiny" --bits 3 --output q3
expect_error 2 "q8" "$unlearn" quantise --model "$tiny" --bits 8 --output q8
expect_error 2 "absent" "$unlearn" quantise --model absent --bits 8 --output q3
expect "nothing half-written" test ! -e q3
echo "quantise: $checks checks passed"

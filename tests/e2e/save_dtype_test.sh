#!/usr/bin/env bash
# A model stays in the precision that its folder has: what is saved are the full-precision weights rounded once, the
# count of surviving changes is right (computed again from the files), and nothing else of a run changes by it.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
cd "$work"
tiny=$source_dir/data/tiny
fiction=$source_dir/data/fiction
# The bundled tensors are bfloat16, and its config.json says float32. Here both say the same.
cp -r "$tiny" short
sed -i 's/"torch_dtype": "float32"/"torch_dtype": "bfloat16"/' short/config.json
grep -q '"torch_dtype": "bfloat16"' short/config.json || die "config.json names its dtype otherwise"
run=("$unlearn" train --config "$source_dir/configs/quickstart.yaml" --data "$fiction" --set train.warmup_epochs=0
  --set train.save_every=2)
dtype() { # dtype FOLDER: of its tensors, and what config.json declares
  "$unlearn" inspect "$1" | sed -n 's/^elements by dtype \([A-Z0-9]*\) .*/\1/p'
  grep -o '"torch_dtype": *"[a-z0-9]*"' "$1/config.json"
}
bfloat16=$(printf 'BF16\n"torch_dtype": "bfloat16"')
float32=$(printf 'F32\n"torch_dtype": "float32"')

"${run[@]}" --model short --output kept --lr 2e-4 --set train.max_steps=4 >/dev/null 2>kept.log
expect "bfloat16 stays: $(dtype kept/model)" test "$(dtype kept/model)" = "$bfloat16"
"${run[@]}" --model short --output wide --lr 2e-4 --set train.max_steps=4 --set model.save_dtype=float32 >/dev/null 2>wide.log
expect "float32 where it is asked for" test "$(dtype wide/model)" = "$float32"
expect "and nothing is rounded" bash -c '! grep -q "keep a change" wide.log'
"${run[@]}" --model "$tiny" --output declared --lr 2e-4 --set train.max_steps=4 >/dev/null 2>declared.log
expect "a folder that declares float32 stays so" test "$(dtype declared/model)" = "$float32"
expect "the same steps" cmp wide/model/model.safetensors declared/model/model.safetensors
expect "no checkpoint differs" cmp kept/checkpoints/step-4/model.safetensors wide/checkpoints/step-4/model.safetensors

# An independent reading of the three files: rounded to nearest even, and the changes that are left.
python3 - short wide/model kept/model >counted <<'END'
import array, json, struct, sys

def tensors(folder):
    data = open(folder + "/model.safetensors", "rb").read()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    for name, info in header.items():
        if name != "__metadata__":
            begin, end = info["data_offsets"]
            bits = array.array("H" if info["dtype"] == "BF16" else "I", data[8 + size + begin:8 + size + end])
            yield name, bits

before, full, saved = (dict(tensors(folder)) for folder in sys.argv[1:])
assert before.keys() == full.keys() == saved.keys()
changed = kept = 0
for name, values in full.items():
    for value, old, stored in zip(values, before[name], saved[name], strict=True):
        rounded = (value + 0x7FFF + (value >> 16 & 1)) >> 16
        assert rounded == stored, (name, value, stored)
        if value != old << 16:
            changed += 1
            kept += rounded != old
print(f"saved as bfloat16: {100 * kept / changed:.3g} % of the {changed} changed weights keep a change")
END
expect "$(cat counted), not: $(grep -o 'saved as.*' kept.log)" grep -qF "$(cat counted)" kept.log

# Small steps are lost: said as a warning.
"${run[@]}" --model short --output lost --lr 1e-6 --set train.max_steps=2 >/dev/null 2>lost.log
expect "a warning: $(cat lost.log)" grep -q " warning saved as bfloat16: .* changed weights keep a change; model.save_dtype: float32" lost.log

# A run that was stopped goes on from full precision.
"${run[@]}" --model short --output halves --lr 2e-4 --set train.max_steps=4 >/dev/null 2>&1
rm -r halves/model halves/checkpoints/step-4
sed -i 's/"status": "done"/"status": "interrupted"/' halves/run.json
"$unlearn" train --resume --output halves >/dev/null 2>&1
expect "the same bits after resuming" cmp halves/model/model.safetensors kept/model/model.safetensors

# The verdict is about what was saved.
code=0
"$unlearn" forget --model short --lr 1e-4 --set train.max_steps=8 --forget "$fiction/forget05.json" --retain "$fiction/retain95.json" --output verdict \
  >/dev/null 2>verdict.log || code=$?
expect "a verdict: $(tail -n 2 verdict.log)" test "$code" -eq 0 -o "$code" -eq 4
expect "bfloat16 stays" test "$(dtype verdict/model)" = "$bfloat16"
"$unlearn" verify verdict --measure >verified 2>&1 || die "measured again: $(cat verified)"
checks=$((checks + 1))
echo "save_dtype: $checks checks passed"

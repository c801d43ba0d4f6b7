#!/usr/bin/env bash
# OpenUnlearning's command lines become ours: the values by name, and what is printed can be run.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
cd "$work"
ours() { "$unlearn" --from-openunlearning "$@"; }
has() { # has WANTED…: each is a word of the command in `line`
  local wanted
  for wanted in "$@"; do expect "$wanted in: $(cat line)" grep -qF -- " $wanted " <(sed 's/^/ /; s/$/ /' line); done
}
refuses() { # refuses PATTERN OVERRIDES
  expect_error 2 "$1" "$unlearn" --from-openunlearning "$2"
}

# The traps: its gamma is the forget weight, its delta the margin times 1/beta, alpha the retain weight.
ours 'experiment=unlearn/tofu/default trainer=SimNPO trainer.method_args.gamma=0.25 trainer.method_args.delta=1 trainer.args.learning_rate=2e-5 forget_split=forget05 retain_split=retain95 holdout_split=holdout05 task_name=mine' >line
has "unlearn train" "--config ou-tofu" "--method simnpo" "--data data/TOFU" "--output runs/mine" \
  "--model open-unlearning/tofu_Llama-3.2-1B-Instruct_full" "--set model.template=llama3" \
  "--set method.forget_weight=0.25" "--set method.delta=1" "--set method.beta=4.5" "--set method.retain_weight=1.0" \
  "--set method.retain_loss=nll" "--set train.lr=2e-5" "--set data.forget=forget05" "--set data.retain=retain95" \
  "--set train.batch_size=32" "--set train.save_every=never" "--set eval.at_end=true"
expect "no holdout of its own" bash -c '! grep -q eval.holdout line'
# A whole command line: variables, launcher, script, line ends, two GPUs.
# shellcheck disable=SC2016
ours 'CUDA_VISIBLE_DEVICES=0,1 accelerate launch --config_file configs/accelerate/default_config.yaml --main_process_port $MASTER_PORT \
  src/train.py --config-name=unlearn.yaml experiment=unlearn/tofu/idk.yaml trainer=DPO model=phi-1_5 \
  trainer.args.per_device_train_batch_size=4 trainer.args.gradient_accumulation_steps=4 \
  trainer.args.gradient_checkpointing=true trainer.args.save_strategy=steps trainer.args.save_steps=20 \
  trainer.args.optim=paged_adamw_8bit ++trainer.args.max_steps=30 "model.model_args.pretrained_model_name_or_path=my models/full"' >line
has "--method dpo" "--nproc 2" "--set train.batch_size=32" "--set train.recompute=full" "--set train.save_every=20" \
  "--set train.state_bits=8" "--set train.max_steps=30" "--set model.template=phi_ou" "--model 'my models/full'"
ours experiment=unlearn/muse/sustainabilty data_split=Books forget_split=forget_2 trainer=NPO \
  trainer.method_args.retain_loss_type=KL >line
has "--config ou-muse" "--method npo" "--set data.forget=books/sust/forget_2" "--set method.retain_loss=kl" \
  "--model muse-bench/MUSE-Books_target" "--data data/MUSE"
expect "its padded KL is named" grep -q "^# .*train.compat=\[pad_is_masked,kl_padded_batch\]" line
ours experiment=unlearn/wmdp/default data_split=bio >line
has "--config ou-wmdp" "--method rmu" "--set data.forget=bio" "--set data.retain=bio-retain" "--set train.batch_size=16" \
  '--set '\''method.trainable_params_regex=[model\.layers\.(5|6|7)\.mlp\.down_proj\.weight]'\'''
ours experiment=finetune/tofu/default data/datasets@data.train=TOFU_QA_retain data.train.TOFU_QA_retain.args.hf_args.name=retain95 >line
has "unlearn finetune" "--config finetune-tofu" "--set data.train=retain95" "--set data.max_length=512" "--set train.seed=0"
ours experiment=eval/tofu/default retain_logs_path=saves/eval/retain/TOFU_EVAL.json paths.output_dir=out >line
has "unlearn eval" "--benchmark tofu" "--output out" "--set eval.retain_log=saves/eval/retain/TOFU_EVAL.json"

# What is not known or has no counterpart is named.
refuses "unknown key 'trainer.args.learning_rat'; the nearest known one is 'trainer.args.learning_rate'" \
  'experiment=unlearn/tofu/default trainer.args.learning_rat=1'
refuses "trainer: 'SimPNO' is not known (did you mean 'SimNPO'?)" 'experiment=unlearn/tofu/default trainer=SimPNO'
refuses "experiment: '' is not known" 'trainer=SimNPO'
refuses "model: 'Llama-3.2-1B' is not known" 'experiment=unlearn/tofu/default model=Llama-3.2-1B'
refuses "trainer.method_args.delta: NPO has no such argument; it has: gamma=1.0" \
  'experiment=unlearn/tofu/default trainer=NPO trainer.method_args.delta=1'
refuses "trainer.method_args.retain_loss_eps: has no default" 'experiment=unlearn/tofu/default trainer=PDU'
refuses "per_device_train_batch_size: must be a whole number, not 'many'" \
  'experiment=unlearn/tofu/default trainer.args.per_device_train_batch_size=many'
refuses "per_device_train_batch_size: must be a whole number, not '-'" \
  'experiment=unlearn/tofu/default trainer.args.per_device_train_batch_size=-'
refuses "unknown key ''" 'experiment=unlearn/tofu/default =5'
refuses "refers to another key" "experiment=unlearn/tofu/default 'task_name=\${model}'"
refuses "is no key=value" 'experiment=unlearn/tofu/default ~data.forget'
refuses "does not go together with finetune/tofu/default" 'experiment=finetune/tofu/default trainer=NPO'
refuses "trainer.args.seed: eval/tofu/default trains nothing" 'experiment=eval/tofu/default trainer.args.seed=1'
refuses "a quote is not closed" "experiment='unlearn/tofu/default"
expect_error 2 "give its command line" "$unlearn" --from-openunlearning

# Every experiment with every trainer: the printed line runs, up to the plan.
mkdir -p open-unlearning muse-bench HuggingFaceH4 meta-llama data
for model in open-unlearning/tofu_Llama-3.2-1B-Instruct_full muse-bench/MUSE-News_target HuggingFaceH4/zephyr-7b-beta \
  meta-llama/Llama-3.2-1B-Instruct meta-llama/Llama-2-13b-hf; do
  ln -s "$source_dir/data/tiny" $model
done
ln -s "$source_dir/data/fiction" data/TOFU
cp -r "$source_dir/tests/data_fixtures/muse" data/MUSE
raw=data/MUSE/news/raw
cat $raw/forget.txt $raw/retain1.txt $raw/retain2.txt >$raw/full.txt
cp -r "$source_dir/tests/data_fixtures/wmdp" data/WMDP
cp data/WMDP/cyber-forget-corpus.jsonl data/WMDP/cyber-retain-corpus.jsonl
small=(--set data.allow_overlap=true --set data.max_length=64 --set model.template=none --dry-run --quiet)
plan() { # plan OVERRIDE…: the printed command, run with --dry-run on small stand-ins
  local command
  ours "$@" 'task_name=planned' >line || die "refused: $*"
  command=$(sed '/^#/d; s/^unlearn //' line)
  eval "set -- $command"
  "$unlearn" "$@" "${small[@]}" >plan 2>plan.err || die "$command: $(cat plan.err)"
  checks=$((checks + 1))
}
eps=trainer.method_args.retain_loss_eps=0.3
layer=('trainer.method_args.module_regex=model\.layers\.2' 'trainer.method_args.trainable_params_regex=[.*]') # it has four
for experiment in tofu/default tofu/idk muse/default muse/scalability muse/sustainabilty wmdp/default; do
  for trainer in GradAscent GradDiff NPO SimNPO UNDIAL WGA SatImp CEU; do
    plan experiment=unlearn/$experiment trainer=$trainer
  done
  plan experiment=unlearn/$experiment trainer=RMU "${layer[@]}"
  plan experiment=unlearn/$experiment trainer=PDU $eps
done
plan experiment=unlearn/tofu/idk
for experiment in finetune/tofu/default finetune/muse/default; do plan experiment=$experiment; done
for experiment in tofu muse wmdp; do plan experiment=eval/$experiment/default; done

# The presets say the same as the command lines.
settings() { # settings ARGUMENT…: what a run is resolved to, but for names of folders
  "$unlearn" train "$@" --model data/TOFU/../tiny --data data/TOFU --output x --print-config |
    grep -vE '^ *(path|root|output|template|save_every|at_end|retain):'
}
ln -s "$source_dir/data/tiny" data/tiny
for pair in SimNPO:simnpo NPO:npo GradDiff:graddiff GradAscent:gradascent WGA:wga DPO:dpo CEU:ceu; do
  command=$(ours experiment=unlearn/tofu/default trainer=${pair%:*} | sed '/^#/d; s/^unlearn train //')
  eval "set -- $command"
  settings "$@" --set data.forget=forget10 >printed
  settings --config "ou-${pair#*:}" >preset
  expect "ou-${pair#*:}: $(diff printed preset)" cmp -s printed preset
done
echo "openunlearning: $checks checks passed"

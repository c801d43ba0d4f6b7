# Kinds of runs that scripts/soak.sh disturbs. Each is a function that runs one into a folder, with
# more flags after it: kind_NAME FOLDER [FLAG…]. All use the bundled model and data, and take about a
# second or two. How each goes on after a kill: goes_on_with.
# shellcheck shell=bash disable=SC2154,SC2034

kinds=(full bfloat16 lora nf4 int8 state8 kto npo_kl pdu sam gru processes finetune trained_and_evaluated
  evaluation forget audit audit_own remove)

# goes_on_with KIND: the flag that continues a run of that kind which has a run.json. An evaluation and
# an audit are run again and take over what they have measured; unlearn forget starts again.
goes_on_with() {
  case $1 in evaluation | audit | audit_own) ;; forget) echo --overwrite ;; *) echo --resume ;; esac
}

# before_KIND, where there is one, makes what the runs of a kind start from. It is called once.

# exec: the process that is started is the one that gets the signals. Its group is its own, so that a
# kill meets all processes of a run.
soak_run() { # soak_run COMMAND FOLDER FLAG…
  local command=$1 folder=$2
  shift 2
  exec setsid "$program" "$command" --model "$source_dir/data/tiny" --data "$source_dir/data/fiction" \
    --output "$folder" --log-level warning "$@"
}
soak_train() { # soak_train FOLDER FLAG…: eight steps
  local folder=$1
  shift
  soak_run train "$folder" --set train.max_steps=8 --set train.warmup_epochs=0 --set train.save_every=2 --set train.batch_size=4 \
    --set eval.at_end=false "$@"
}

soak_simnpo() { soak_train "$@" --config "$source_dir/configs/quickstart.yaml"; }
soak_forget05() {
  soak_train "$@" --config "$source_dir/configs/fiction.yaml" --set data.forget=forget05
}

kind_full() { soak_simnpo "$@"; }
kind_bfloat16() { soak_simnpo "$@" --set model.dtype=bfloat16 --set train.master=split; }
kind_lora() { soak_simnpo "$@" --set train.lora.rank=4 --set train.lora.dropout=0.1 --lr 1e-2; }
kind_nf4() { soak_simnpo "$@" --set train.lora.rank=4 --set train.lora.base_format=nf4 --lr 1e-2; }
kind_int8() { soak_simnpo "$@" --set train.lora.rank=2 --set train.lora.base_format=int8 --set train.lora.merge=true; }
kind_state8() { soak_simnpo "$@" --set train.state_bits=8; }
kind_kto() { soak_forget05 "$@" --method kto_sigmoid; }
kind_npo_kl() { soak_forget05 "$@" --method npo --set method.retain_loss=kl; }
kind_pdu() {
  soak_forget05 "$@" --method pdu --set method.retain_loss_eps=1 --set method.dual_warmup_epochs=0
}
kind_sam() { soak_simnpo "$@" --set 'train.update={name: sam, rho: 0.05}'; }
kind_gru() { soak_simnpo "$@" --set 'train.update={name: gru, objective: forget}'; }
kind_processes() { soak_simnpo "$@" --nproc 2; }
kind_trained_and_evaluated() {
  soak_simnpo "$@" --set eval.at_end=true --set eval.rows=2 --set 'eval.splits=[forget, retain]'
}
kind_finetune() {
  local folder=$1
  shift
  soak_run finetune "$folder" --set data.train=retain95 --set train.batch_size=4 --set train.max_steps=8 \
    --set train.warmup_epochs=0 --set train.save_every=2 --set data.max_length=160 --lr 1e-4 "$@"
}
kind_evaluation() {
  local folder=$1
  shift
  soak_run eval "$folder" --benchmark tofu --set data.forget=forget05 --set eval.rows=2 \
    --set data.max_length=160 "$@"
}
kind_forget() { # ends with exit code 4: three steps reach no target
  local folder=$1
  shift
  exec setsid "$program" forget --model "$source_dir/data/tiny" --forget "$source_dir/data/fiction/forget05.json" \
    --retain "$source_dir/data/fiction/retain95.json" --output "$folder" --log-level warning --lr 1e-4 \
    --set train.max_steps=3 --set eval.own_data.samples=1 --set eval.own_data.retain_rows=8 \
    --set eval.own_data.paraphrases=false "$@"
}
kind_audit() {
  local folder=$1
  shift
  exec setsid "$program" audit --model "$source_dir/data/tiny" --original "$source_dir/data/tiny" --benchmark tofu \
    --data "$source_dir/data/fiction" --set data.forget=forget05 --set eval.rows=2 --attacks quantise,noise,reset \
    --quick --seed 3 --output "$folder" --log-level warning "$@"
}
before_audit_own() { (kind_forget "$work/forgotten") || [ $? -eq 4 ]; }
kind_audit_own() { # of people's own data: the benchmark that `unlearn forget` measures with
  local folder=$1
  shift
  exec setsid "$program" audit "$work/forgotten" --attacks quantise,reset --quick --seed 3 --output "$folder" \
    --log-level warning "$@"
}
before_remove() {
  (soak_run finetune "$work/tuned" --set data.train=retain95 --set train.batch_size=4 --set train.max_steps=8 \
    --set train.warmup_epochs=0 --set train.save_every=first_use --set train.keep=all --set data.max_length=160 --lr 1e-4)
}
kind_remove() { # a row of the third step, so that five steps and more are made again
  local folder=$1 rows=()
  shift
  case " $* " in # a removal that goes on has its rows
    *" --resume "*) ;;
    *) rows=(--rows "$(sed -nE '3s/.*"forget_ids":\[([0-9]+).*/\1/p' "$work/tuned/metrics.jsonl")") ;;
  esac
  exec setsid "$program" remove --run "$work/tuned" "${rows[@]}" --output "$folder" --log-level warning "$@"
}

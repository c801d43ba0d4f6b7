# Completion as typed: for each line of stdin "== LINE", then what its last word can become, each on a
# line. `_unlearn` lies in the current folder. Run by shell_test.sh: zsh -f complete.zsh
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell 'PS1=; unsetopt zle_bracketed_paste; TERM=dumb'
zpty -w shell 'autoload -Uz compinit && compinit -D -u && . ./_unlearn 2>>zsh.err'
# All candidates go through compadd; with -O, -A and -D it only counts.
zpty -w shell 'compadd() {
  local -a hits
  local word
  for word in "$@"; do [[ $word == -[OAD]* ]] && { builtin compadd "$@"; return; }; done
  builtin compadd -O hits "$@"
  (( $#hits )) && print -rl -- $hits >>found
  builtin compadd "$@"
}'
zpty -w shell 'print set >ready'
for i in {1..200}; do [[ -s ready ]] && break; sleep 0.1; done
while IFS= read -r line; do
  rm -f found done
  zpty -w -n shell "$line"$'\t'$'\x15'"print x >done"$'\n'
  for i in {1..200}; do
    while zpty -r -t shell drained; do :; done
    [[ -s done ]] && break
    sleep 0.05
  done
  print -r -- "== $line"
  [[ ! -e found ]] || sort -u found
done
zpty -d shell

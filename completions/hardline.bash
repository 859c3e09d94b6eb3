# Generated from the definition of the command line: npm run generate
_hardline() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} verb=${COMP_WORDS[1]} at
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W "init doctor check fmt plan run completions help --help --version" -- "$word"))
    return
  fi
  case $verb in
    plan | run)
      for ((at = 2; at < COMP_CWORD; at++)); do
        if [[ ${COMP_WORDS[at]} == -- ]]; then
          if declare -F _command_offset >/dev/null; then
            _command_offset $((at + 1))
          else
            COMPREPLY=($(compgen -c -f -- "$word"))
          fi
          return
        fi
      done
      ;;
  esac
  case $before in
    --policy)
      COMPREPLY=($(compgen -f -- "$word"))
      return
      ;;
    --state)
      COMPREPLY=($(compgen -d -- "$word"))
      return
      ;;
    --agent)
      return
      ;;
  esac
  case $verb in
    help)
      COMPREPLY=($(compgen -W "init doctor check fmt plan run completions help" -- "$word"))
      ;;
    init)
      COMPREPLY=($(compgen -W "--agent --force --print --json --no-color --help" -- "$word"))
      COMPREPLY+=($(compgen -d -- "$word"))
      ;;
    doctor)
      COMPREPLY=($(compgen -W "--state --json --no-color --help" -- "$word"))
      ;;
    check)
      COMPREPLY=($(compgen -W "--agent --policy --state --json --no-color --help" -- "$word"))
      ;;
    fmt)
      COMPREPLY=($(compgen -W "--check --print --policy --json --no-color --help" -- "$word"))
      ;;
    plan)
      COMPREPLY=($(compgen -W "--agent --policy --state --json --no-color --help" -- "$word"))
      ;;
    run)
      COMPREPLY=($(compgen -W "--agent --policy --state --no-color --help" -- "$word"))
      ;;
    completions)
      COMPREPLY=($(compgen -W "bash zsh fish --help" -- "$word"))
      ;;
  esac
}
complete -o filenames -F _hardline hardline

# Generated from the definition of the command line: npm run generate
complete -c hardline -f
complete -c hardline -n 'not __fish_seen_subcommand_from init doctor check fmt plan run completions help' -l help -d 'print this help'
complete -c hardline -n 'not __fish_seen_subcommand_from init doctor check fmt plan run completions help' -l version -d 'print the version'
complete -c hardline -n 'not __fish_seen_subcommand_from init doctor check fmt plan run completions help' -a help -d 'print the help of a verb'
complete -c hardline -n 'not __fish_seen_subcommand_from init doctor check fmt plan run completions help' -a init -d 'Write a first policy for a project'
complete -c hardline -n '__fish_seen_subcommand_from init' -l agent -d 'what to call the agent (default: after the directory)' -x
complete -c hardline -n '__fish_seen_subcommand_from init' -l force -d 'replace a policy that is there already'
complete -c hardline -n '__fish_seen_subcommand_from init' -l print -d 'write nothing, print the policy'
complete -c hardline -n '__fish_seen_subcommand_from init' -l json -d 'print the result as JSON, in the shape that docs/reference/json.md describes'
complete -c hardline -n '__fish_seen_subcommand_from init' -l no-color -d 'no colours (also: the environment variable NO_COLOR)'
complete -c hardline -n '__fish_seen_subcommand_from init' -l help -d 'print this help'
complete -c hardline -n '__fish_seen_subcommand_from init' -a '(__fish_complete_directories)'
complete -c hardline -n 'not __fish_seen_subcommand_from init doctor check fmt plan run completions help' -a doctor -d 'Try every mechanism that the wall needs on this host'
complete -c hardline -n '__fish_seen_subcommand_from doctor' -l state -d 'where releases and records are kept (default: $XDG_STATE_HOME/hardline, else ~/.local/state/hardline; for root /var/lib/hardline)' -x -a '(__fish_complete_directories)'
complete -c hardline -n '__fish_seen_subcommand_from doctor' -l json -d 'print the result as JSON, in the shape that docs/reference/json.md describes'
complete -c hardline -n '__fish_seen_subcommand_from doctor' -l no-color -d 'no colours (also: the environment variable NO_COLOR)'
complete -c hardline -n '__fish_seen_subcommand_from doctor' -l help -d 'print this help'
complete -c hardline -n 'not __fish_seen_subcommand_from init doctor check fmt plan run completions help' -a check -d 'Find what is wrong with a policy, before anything is started'
complete -c hardline -n '__fish_seen_subcommand_from check' -l agent -d 'only this agent' -x
complete -c hardline -n '__fish_seen_subcommand_from check' -l policy -d 'the policy file (default: ./hardline.yaml)' -r -F
complete -c hardline -n '__fish_seen_subcommand_from check' -l state -d 'where releases and records are kept (default: $XDG_STATE_HOME/hardline, else ~/.local/state/hardline; for root /var/lib/hardline)' -x -a '(__fish_complete_directories)'
complete -c hardline -n '__fish_seen_subcommand_from check' -l json -d 'print the result as JSON, in the shape that docs/reference/json.md describes'
complete -c hardline -n '__fish_seen_subcommand_from check' -l no-color -d 'no colours (also: the environment variable NO_COLOR)'
complete -c hardline -n '__fish_seen_subcommand_from check' -l help -d 'print this help'
complete -c hardline -n 'not __fish_seen_subcommand_from init doctor check fmt plan run completions help' -a fmt -d 'Bring a policy file into its one canonical form'
complete -c hardline -n '__fish_seen_subcommand_from fmt' -l check -d 'change nothing, answer with the exit status'
complete -c hardline -n '__fish_seen_subcommand_from fmt' -l print -d 'change nothing, print the canonical form'
complete -c hardline -n '__fish_seen_subcommand_from fmt' -l policy -d 'the policy file (default: ./hardline.yaml)' -r -F
complete -c hardline -n '__fish_seen_subcommand_from fmt' -l json -d 'print the result as JSON, in the shape that docs/reference/json.md describes'
complete -c hardline -n '__fish_seen_subcommand_from fmt' -l no-color -d 'no colours (also: the environment variable NO_COLOR)'
complete -c hardline -n '__fish_seen_subcommand_from fmt' -l help -d 'print this help'
complete -c hardline -n 'not __fish_seen_subcommand_from init doctor check fmt plan run completions help' -a plan -d 'Print the sandbox that `run` would make: mounts, environment, system calls, limits'
complete -c hardline -n '__fish_seen_subcommand_from plan' -l agent -d 'the agent (default: the only one in the policy)' -x
complete -c hardline -n '__fish_seen_subcommand_from plan' -l policy -d 'the policy file (default: ./hardline.yaml)' -r -F
complete -c hardline -n '__fish_seen_subcommand_from plan' -l state -d 'where releases and records are kept (default: $XDG_STATE_HOME/hardline, else ~/.local/state/hardline; for root /var/lib/hardline)' -x -a '(__fish_complete_directories)'
complete -c hardline -n '__fish_seen_subcommand_from plan' -l json -d 'print the result as JSON, in the shape that docs/reference/json.md describes'
complete -c hardline -n '__fish_seen_subcommand_from plan' -l no-color -d 'no colours (also: the environment variable NO_COLOR)'
complete -c hardline -n '__fish_seen_subcommand_from plan' -l help -d 'print this help'
complete -c hardline -n 'not __fish_seen_subcommand_from init doctor check fmt plan run completions help' -a run -d 'Start an agent inside the wall and wait for its end'
complete -c hardline -n '__fish_seen_subcommand_from run' -l agent -d 'the agent (default: the only one in the policy)' -x
complete -c hardline -n '__fish_seen_subcommand_from run' -l policy -d 'the policy file (default: ./hardline.yaml)' -r -F
complete -c hardline -n '__fish_seen_subcommand_from run' -l state -d 'where releases and records are kept (default: $XDG_STATE_HOME/hardline, else ~/.local/state/hardline; for root /var/lib/hardline)' -x -a '(__fish_complete_directories)'
complete -c hardline -n '__fish_seen_subcommand_from run' -l no-color -d 'no colours (also: the environment variable NO_COLOR)'
complete -c hardline -n '__fish_seen_subcommand_from run' -l help -d 'print this help'
complete -c hardline -n 'not __fish_seen_subcommand_from init doctor check fmt plan run completions help' -a completions -d 'Print the completions for a shell'
complete -c hardline -n '__fish_seen_subcommand_from completions' -l help -d 'print this help'
complete -c hardline -n '__fish_seen_subcommand_from completions' -a 'bash zsh fish'

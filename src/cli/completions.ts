/** `hardline completions`: what a shell needs to complete a command line, generated from its definition. */
import { Argument, type Command, type Option } from "commander";
import { EXIT, type Io } from "./io.ts";
import { UNANSWERED, Verb } from "./verb.ts";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/** What is completed: the program, and its verbs. */
export interface Completed {
  readonly command: Command;
  readonly verbs: readonly Verb[];
}

export function completionsCommand(io: Io, finish: (status: number) => void, completed: Completed): Verb {
  const verb = new Verb("completions", "Print the completions for a shell", {
    manual: ["The script goes where the shell looks for completions, or is sourced."],
    examples: [
      { command: "hardline completions bash > ~/.local/share/bash-completion/completions/hardline", says: "For bash." },
      { command: "hardline completions zsh > ~/.zfunc/_hardline", says: "For zsh, with ~/.zfunc in fpath." },
      { command: "hardline completions fish > ~/.config/fish/completions/hardline.fish", says: "For fish." },
    ],
    statuses: [
      [EXIT.yes, "printed"],
      [EXIT.unanswered, UNANSWERED],
    ],
  });
  verb.addArgument(new Argument("<shell>", "the shell").choices(SHELLS)).action((shell: Shell) => {
    io.stdout.write(completionScript(shell, completed));
    finish(EXIT.yes);
  });
  return verb;
}

export function completionScript(shell: Shell, completed: Completed): string {
  switch (shell) {
    case "bash":
      return bash(completed);
    case "zsh":
      return zsh(completed);
    case "fish":
      return fish(completed);
  }
}

const HEAD = "# Generated from the definition of the command line: npm run generate";

/** What stands for an option's value: `<file>`, `<directory>`, anything else, or nothing. */
function valueKind(option: Option): "none" | "file" | "directory" | "other" {
  const value = /[<[]([\w-]+)/.exec(option.flags)?.[1];
  if (value === undefined) return "none";
  return value === "file" || value === "directory" ? value : "other";
}

function longNames(verb: Verb): string[] {
  return [...verb.options.map((option) => option.long ?? ""), "--help"].filter((name) => name !== "");
}

function choicesOf(verb: Verb): readonly string[] {
  return verb.registeredArguments.flatMap((argument) => argument.argChoices ?? []);
}

function takesDirectory(verb: Verb): boolean {
  return verb.registeredArguments.some((argument) => argument.name() === "directory");
}

function bash({ verbs }: Completed): string {
  const names = [...verbs.map((verb) => verb.name()), "help"].join(" ");
  const values = (kind: "file" | "directory" | "other"): string =>
    [
      ...new Set(
        verbs.flatMap((verb) =>
          verb.options.filter((option) => valueKind(option) === kind).map(({ long }) => long ?? ""),
        ),
      ),
    ].join("|");
  const cases = verbs.map((verb) => {
    const words = [...choicesOf(verb), ...longNames(verb)].join(" ");
    const directories = takesDirectory(verb) ? `\n      COMPREPLY+=($(compgen -d -- "$word"))` : "";
    return `    ${verb.name()})\n      COMPREPLY=($(compgen -W "${words}" -- "$word"))${directories}\n      ;;`;
  });
  const starters = verbs.filter((verb) => verb.notes.takesCommand === true).map((verb) => verb.name());
  return `${HEAD}
_hardline() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} verb=\${COMP_WORDS[1]} at
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W "${names} --help --version" -- "$word"))
    return
  fi
  case $verb in
    ${starters.join(" | ")})
      for ((at = 2; at < COMP_CWORD; at++)); do
        if [[ \${COMP_WORDS[at]} == -- ]]; then
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
    ${values("file")})
      COMPREPLY=($(compgen -f -- "$word"))
      return
      ;;
    ${values("directory")})
      COMPREPLY=($(compgen -d -- "$word"))
      return
      ;;
    ${values("other")})
      return
      ;;
  esac
  case $verb in
    help)
      COMPREPLY=($(compgen -W "${names}" -- "$word"))
      ;;
${cases.join("\n")}
  esac
}
complete -o filenames -F _hardline hardline
`;
}

/** Inside single quotes of a POSIX shell or zsh. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** zsh reads brackets and colons in a description as syntax. */
function zshText(text: string): string {
  return text.replaceAll(/[[\]:\\]/g, "\\$&");
}

function zsh({ verbs }: Completed): string {
  const described = verbs.map((verb) => `    ${quoted(`${verb.name()}:${zshText(verb.summary())}`)}`);
  const actions = { file: "file:_files", directory: "directory:_files -/", other: "value: ", none: "" };
  const cases = verbs.map((verb) => {
    const options = verb.options.map((option) => {
      const value = valueKind(option);
      const spec = `${option.long}[${zshText(option.description)}]`;
      return quoted(value === "none" ? spec : `${spec}:${actions[value]}`);
    });
    options.push(quoted("--help[print this help]"));
    const choices = choicesOf(verb);
    if (choices.length > 0) options.push(quoted(`1:shell:(${choices.join(" ")})`));
    if (takesDirectory(verb)) options.push(quoted("1:directory:_files -/"));
    if (verb.notes.takesCommand === true) options.push(quoted("*:: :_normal"));
    return `    ${verb.name()})\n      _arguments -S ${options.join(" \\\n        ")}\n      ;;`;
  });
  return `#compdef hardline
${HEAD}
_hardline() {
  local -a verbs
  verbs=(
${described.join("\n")}
    'help:print the help of a verb'
  )
  if ((CURRENT == 2)); then
    _describe -t verbs verb verbs
    _arguments '--help[print this help]' '--version[print the version]'
    return
  fi
  local verb=$words[2]
  shift words
  ((CURRENT--))
  case $verb in
    help)
      _describe -t verbs verb verbs
      ;;
${cases.join("\n")}
  esac
}
if [ "$funcstack[1]" = "_hardline" ]; then
  _hardline "$@"
else
  compdef _hardline hardline
fi
`;
}

function fish({ verbs }: Completed): string {
  const names = [...verbs.map((verb) => verb.name()), "help"].join(" ");
  const first = `not __fish_seen_subcommand_from ${names}`;
  const fishQuoted = (text: string): string => `'${text.replaceAll(/['\\]/g, "\\$&")}'`;
  const lines = [
    HEAD,
    "complete -c hardline -f",
    `complete -c hardline -n ${fishQuoted(first)} -l help -d 'print this help'`,
    `complete -c hardline -n ${fishQuoted(first)} -l version -d 'print the version'`,
    `complete -c hardline -n ${fishQuoted(first)} -a help -d 'print the help of a verb'`,
  ];
  const values = { file: " -r -F", directory: " -x -a '(__fish_complete_directories)'", other: " -x", none: "" };
  for (const verb of verbs) {
    lines.push(`complete -c hardline -n ${fishQuoted(first)} -a ${verb.name()} -d ${fishQuoted(verb.summary())}`);
    const seen = fishQuoted(`__fish_seen_subcommand_from ${verb.name()}`);
    for (const option of verb.options) {
      const name = (option.long ?? "").slice(2);
      lines.push(
        `complete -c hardline -n ${seen} -l ${name} -d ${fishQuoted(option.description)}${values[valueKind(option)]}`,
      );
    }
    lines.push(`complete -c hardline -n ${seen} -l help -d 'print this help'`);
    const choices = choicesOf(verb);
    if (choices.length > 0) lines.push(`complete -c hardline -n ${seen} -a ${fishQuoted(choices.join(" "))}`);
    if (takesDirectory(verb)) lines.push(`complete -c hardline -n ${seen} -a '(__fish_complete_directories)'`);
  }
  return `${lines.join("\n")}\n`;
}

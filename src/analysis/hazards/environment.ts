/** Variables of `env:` that make programs search, load or run something (the names of attacks I4 and I5). */
import { resolve } from "node:path";
import { type Inquiry, ofAgent } from "./inquiry.ts";

/**
 * How a variable is read. `search` is a colon-separated list of directories, harmless where all of them are sealed; `code`
 * names or holds something that is loaded or run by every program; `home` is a directory whose dot files are obeyed.
 */
type Use = "search" | "code" | "home";

const VARIABLES: Readonly<Record<string, Use>> = {
  PATH: "search",
  PYTHONPATH: "search",
  NODE_PATH: "search",
  PERL5LIB: "search",
  PERLLIB: "search",
  RUBYLIB: "search",
  GEM_PATH: "search",
  GEM_HOME: "search",
  LUA_PATH: "code",
  LUA_CPATH: "code",
  CLASSPATH: "search",
  GOFLAGS: "code",
  LD_LIBRARY_PATH: "search",
  LD_PRELOAD: "code",
  LD_AUDIT: "code",
  GCONV_PATH: "code",
  LOCPATH: "search",
  GLIBC_TUNABLES: "code",
  OPENSSL_CONF: "code",
  OPENSSL_ENGINES: "code",
  OPENSSL_MODULES: "code",
  PYTHONSTARTUP: "code",
  PYTHONHOME: "code",
  PYTHONUSERBASE: "search",
  PYTHONBREAKPOINT: "code",
  PYTHONWARNINGS: "code",
  PYTHONPYCACHEPREFIX: "search",
  NODE_REPL_EXTERNAL_MODULE: "code",
  PERL5OPT: "code",
  PERL5DB: "code",
  RUBYOPT: "code",
  BASH_ENV: "code",
  ENV: "code",
  ZDOTDIR: "home",
  SHELLOPTS: "code",
  BASHOPTS: "code",
  PROMPT_COMMAND: "code",
  PS4: "code",
  CDPATH: "search",
  GIT_EXEC_PATH: "search",
  GIT_TEMPLATE_DIR: "search",
  GIT_CONFIG_GLOBAL: "code",
  GIT_CONFIG_SYSTEM: "code",
  GIT_SSH: "code",
  GIT_SSH_COMMAND: "code",
  GIT_ASKPASS: "code",
  SSH_ASKPASS: "code",
  GIT_EXTERNAL_DIFF: "code",
  GIT_PROXY_COMMAND: "code",
  GIT_EDITOR: "code",
  GIT_PAGER: "code",
  PAGER: "code",
  EDITOR: "code",
  VISUAL: "code",
  JAVA_TOOL_OPTIONS: "code",
  JDK_JAVA_OPTIONS: "code",
  _JAVA_OPTIONS: "code",
  MAVEN_OPTS: "code",
  DOTNET_STARTUP_HOOKS: "code",
  npm_config_script_shell: "code",
  npm_config_userconfig: "code",
  npm_config_node_options: "code",
  HOME: "home",
  XDG_CONFIG_HOME: "home",
};

/** Search paths where a relative entry means the current directory of every program that is started later. */
const RUN_BY_NAME: ReadonlySet<string> = new Set(["PATH", "LD_LIBRARY_PATH", "GIT_EXEC_PATH"]);

export function checkEnvironment(inquiry: Inquiry): void {
  for (const [name, value] of Object.entries(inquiry.agent.env)) {
    const use = VARIABLES[name] ?? (name.startsWith("GIT_CONFIG_") ? "code" : undefined);
    // NODE_OPTIONS is judged with the command lines that it is a part of.
    if (use === "search") checkSearch(inquiry, name, value);
    else if (use === "code") checkCode(inquiry, name, value);
    else if (use === "home") checkHome(inquiry, name, value);
  }
}

function checkSearch(inquiry: Inquiry, name: string, value: string): void {
  const { world, report } = inquiry;
  const at = ofAgent(inquiry, "env", name);
  if (value === "" && name !== "PATH") return;
  for (const entry of value.split(":")) {
    const directory = resolve(world.base, entry);
    if (world.agentDecides(directory)) {
      report.add(name === "PYTHONPYCACHEPREFIX" ? "python-bytecode" : "search-path-mutable", {
        at,
        message: `${name} names ${entry === "" ? "the current directory" : entry}, which the agent can write`,
        fix: `Take ${entry === "" ? "the empty entry" : entry} out of ${name}, or seal it.`,
      });
    } else if (!entry.startsWith("/")) {
      report.add("search-path-relative", {
        at,
        severity: RUN_BY_NAME.has(name) ? "error" : "warning",
        message: `${name} has ${entry === "" ? "an empty entry" : `the relative entry ${entry}`}: it means the current directory`,
        fix: `Write ${directory} instead, or take the entry out.`,
      });
    }
  }
}

function checkCode(inquiry: Inquiry, name: string, value: string): void {
  if (value === "") return;
  const { world, report } = inquiry;
  const at = ofAgent(inquiry, "env", name);
  const mutable = pathsIn(value).find((word) => {
    const path = resolve(world.base, word);
    // A bare word is a path only where something of the name is there.
    return (word.includes("/") || world.kind(path) !== "absent") && world.agentDecides(path);
  });
  if (mutable === undefined) {
    report.add("environment-code", { at, message: `${name} makes programs load or run ${value}` });
  } else {
    report.add("environment-code", {
      at,
      severity: "error",
      message: `${name} makes programs load or run ${mutable}, which the agent can write`,
      fix: `Remove ${name}, or point it at a sealed file.`,
    });
  }
}

function checkHome(inquiry: Inquiry, name: string, value: string): void {
  const directory = resolve(inquiry.world.base, value);
  if (inquiry.world.place(directory) === "scratch" || !inquiry.world.agentDecides(directory)) return;
  inquiry.report.add("startup-file-mutable", {
    at: ofAgent(inquiry, "env", name),
    severity: "warning",
    message: `${name} is ${value}, where the agent can leave start-up files (.bashrc, .npmrc, .gitconfig …) for the next run`,
    fix: `Leave ${name} out: it is a fresh directory in every run.`,
  });
}

/** What in a value may be a path: its words, the parts of lists, and what follows `=` or a colon in an option. */
function pathsIn(value: string): string[] {
  const words: string[] = [];
  let word = "";
  for (const character of `${value} `) {
    if (" \t\n:=,;\"'".includes(character)) {
      if (word !== "") words.push(word);
      word = "";
    } else word += character;
  }
  return words.flatMap((each) => {
    // `-javaagent:/x` was split above; `-Ilib` and `-I/x` were not.
    const start = each.startsWith("-") && !each.startsWith("--") ? each.slice(2) : each;
    return start === "" || start.startsWith("-") ? [] : [start];
  });
}

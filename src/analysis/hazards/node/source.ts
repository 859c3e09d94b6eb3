/** Reading JavaScript and TypeScript through their grammar: what a module loads, opens and starts. */
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "@babel/parser";

/** A node of the syntax tree, as far as it is looked at. */
export interface Syntax {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

export interface Load {
  readonly specifier: string;
  /** `require` resolves as CommonJS, `import` as an ES module. */
  readonly by: "require" | "import";
  readonly offset: number;
}

export interface Call {
  /** As in `fs.readFileSync`; the last part alone where the object is not a name. */
  readonly name: string;
  readonly args: readonly Syntax[];
  readonly offset: number;
  /** Offset after the call: what lies between belongs to it. */
  readonly end: number;
  readonly isNew: boolean;
}

export class NodeSource {
  readonly file: string;
  readonly cwd: string;
  readonly loads: readonly Load[];
  readonly calls: readonly Call[];
  /** Offset of the first place that is not understood. */
  readonly brokenAt: number | undefined;
  readonly #constants = new Map<string, Syntax | undefined>();

  constructor(text: string, file: string, cwd: string) {
    this.file = file;
    this.cwd = cwd;
    const loads: Load[] = [];
    const calls: Call[] = [];
    this.loads = loads;
    this.calls = calls;
    let program: unknown;
    let brokenAt: number | undefined;
    try {
      const typed = file.endsWith(".ts") || file.endsWith(".mts") || file.endsWith(".cts") || file.endsWith(".tsx");
      const parsed = parse(text, {
        sourceType: "unambiguous",
        errorRecovery: true,
        allowReturnOutsideFunction: true,
        // `<T>x` is a cast in .ts and JSX elsewhere.
        plugins: file.endsWith("ts") ? ["typescript"] : typed ? ["typescript", "jsx"] : ["jsx"],
      });
      program = parsed.program;
      brokenAt = offsetOf(parsed.errors?.[0]);
    } catch (error) {
      brokenAt = offsetOf(error) ?? 0;
    }
    this.brokenAt = brokenAt;
    const requires = new Set(["require", "module.require"]);
    each(program, (node) => {
      if (node.type === "VariableDeclarator") this.#declare(node, requires);
    });
    each(program, (node) => this.#visit(node, requires, loads, calls));
  }

  /** The text that an expression always has, or `undefined`. Paths are built as `node:path` and `URL` build them. */
  constant(node: unknown, depth = 0): string | undefined {
    if (!isSyntax(node) || depth > 20) return undefined;
    const inner = (child: unknown): string | undefined => this.constant(child, depth + 1);
    switch (node.type) {
      case "StringLiteral":
        return typeof node["value"] === "string" ? node["value"] : undefined;
      case "TemplateLiteral":
        return this.#template(node, inner);
      case "BinaryExpression": {
        const parts = [inner(node["left"]), inner(node["right"])];
        return node["operator"] === "+" && !parts.includes(undefined) ? parts.join("") : undefined;
      }
      case "Identifier": {
        const name = String(node["name"]);
        if (name === "__dirname") return dirname(this.file);
        if (name === "__filename") return this.file;
        return inner(this.#constants.get(name));
      }
      case "MemberExpression": {
        const name = dotted(node);
        if (name === "import.meta.dirname") return dirname(this.file);
        if (name === "import.meta.filename" || name === "import.meta.url") return this.file;
        if (name.endsWith(".pathname") || name.endsWith(".href")) return inner(node["object"]);
        return undefined;
      }
      case "NewExpression":
      case "CallExpression":
        return this.#constantCall(node, inner);
      case "TSAsExpression":
      case "TSNonNullExpression":
      case "ParenthesizedExpression":
        return inner(node["expression"]);
      default:
        return undefined;
    }
  }

  /** The texts of an array of constants, or `undefined`. */
  constants(node: unknown): string[] | undefined {
    if (!isSyntax(node) || node.type !== "ArrayExpression" || !Array.isArray(node["elements"])) return undefined;
    const values = node["elements"].map((element) => this.constant(element));
    return values.every((value) => value !== undefined) ? values : undefined;
  }

  #template(node: Syntax, inner: (child: unknown) => string | undefined): string | undefined {
    const quasis = syntaxes(node["quasis"]);
    const values = syntaxes(node["expressions"]).map(inner);
    let text = "";
    for (const [index, quasi] of quasis.entries()) {
      const value = quasi["value"];
      const cooked = typeof value === "object" && value !== null && "cooked" in value ? value.cooked : undefined;
      if (typeof cooked !== "string" || (index > 0 && values[index - 1] === undefined)) return undefined;
      text += index > 0 ? `${values[index - 1]}${cooked}` : cooked;
    }
    return text;
  }

  #constantCall(node: Syntax, inner: (child: unknown) => string | undefined): string | undefined {
    const name = isSyntax(node["callee"]) ? dotted(node["callee"]) : "";
    const args = syntaxes(node["arguments"]).map(inner);
    const [first] = args;
    if (name === "process.cwd") return this.cwd;
    if (first === undefined || args.includes(undefined)) return undefined;
    const texts = args.filter((arg) => arg !== undefined);
    if (node.type === "NewExpression") {
      if (name !== "URL") return undefined;
      const [, base] = texts;
      if (first.startsWith("file:")) return fromFileUrl(first);
      return base === undefined ? undefined : resolve(base.endsWith("/") ? base : dirname(base), first);
    }
    if (name === "join" || name.endsWith("path.join")) return join(...(texts as [string, ...string[]]));
    if (name === "resolve" || name.endsWith("path.resolve")) return resolve(this.cwd, ...texts);
    if (name === "dirname" || name.endsWith("path.dirname")) return dirname(first);
    return name.endsWith("fileURLToPath") || name === "String" ? first : undefined;
  }

  #declare(node: Syntax, requires: Set<string>): void {
    const { id, init } = { id: node["id"], init: node["init"] };
    if (!isSyntax(id) || id.type !== "Identifier" || !isSyntax(init)) return;
    const name = String(id["name"]);
    // A name that is declared twice is no constant.
    this.#constants.set(name, this.#constants.has(name) ? undefined : init);
    const callee = init.type === "CallExpression" && isSyntax(init["callee"]) ? dotted(init["callee"]) : "";
    if (callee === "createRequire" || callee.endsWith(".createRequire")) requires.add(name);
  }

  #visit(node: Syntax, requires: ReadonlySet<string>, loads: Load[], calls: Call[]): void {
    const add = (source: unknown, by: Load["by"]): void => {
      const specifier = this.constant(source);
      if (specifier !== undefined) loads.push({ specifier, by, offset: node.start });
    };
    switch (node.type) {
      case "ImportDeclaration":
      case "ExportNamedDeclaration":
      case "ExportAllDeclaration":
        if (node["importKind"] !== "type" && node["exportKind"] !== "type") add(node["source"], "import");
        return;
      case "ImportExpression":
        add(node["source"], "import");
        return;
      case "TSImportEqualsDeclaration": {
        const reference = node["moduleReference"];
        if (node["importKind"] !== "type" && isSyntax(reference)) add(reference["expression"], "require");
        return;
      }
      case "CallExpression":
      case "OptionalCallExpression":
      case "NewExpression": {
        const callee = node["callee"];
        const name = isSyntax(callee) ? dotted(callee) : "";
        const args = syntaxes(node["arguments"]);
        if (isSyntax(callee) && callee.type === "Import") add(args[0], "import");
        else if (requires.has(name)) add(args[0], "require");
        else calls.push({ name, args, offset: node.start, end: node.end, isNew: node.type === "NewExpression" });
        return;
      }
      default:
    }
  }
}

/** The path of a `file:` URL, or `undefined` where it is none of this host. */
export function fromFileUrl(url: string): string | undefined {
  try {
    return fileURLToPath(url);
  } catch {
    return undefined;
  }
}

function isSyntax(value: unknown): value is Syntax {
  return (
    typeof value === "object" && value !== null && "type" in value && typeof value.type === "string" && "start" in value
  );
}

function syntaxes(value: unknown): Syntax[] {
  return Array.isArray(value) ? value.filter(isSyntax) : [];
}

/** `fs.promises.readFile`; what is not a name is left out. */
function dotted(node: Syntax): string {
  if (node.type === "Identifier") return String(node["name"]);
  if (node.type === "MetaProperty") return "import.meta";
  if ((node.type !== "MemberExpression" && node.type !== "OptionalMemberExpression") || node["computed"] === true)
    return "";
  const { object, property } = { object: node["object"], property: node["property"] };
  const left = isSyntax(object) ? dotted(object) : "";
  const right = isSyntax(property) ? String(property["name"]) : "";
  return `${left}.${right}`;
}

/** Visits every node, without recursion: the depth of the tree is the author's. */
function each(top: unknown, visit: (node: Syntax) => void): void {
  const stack: unknown[] = [top];
  while (stack.length > 0) {
    const value = stack.pop();
    if (Array.isArray(value)) {
      for (const item of value.toReversed()) stack.push(item);
    } else if (isSyntax(value)) {
      visit(value);
      for (const [key, child] of Object.entries(value).toReversed()) {
        if (typeof child === "object" && child !== null && key !== "loc" && key !== "extra") stack.push(child);
      }
    }
  }
}

function offsetOf(error: unknown): number | undefined {
  return typeof error === "object" && error !== null && "pos" in error && typeof error.pos === "number"
    ? error.pos
    : undefined;
}

/** Reading Python source through its grammar: imports, constants, and the paths that constants make up. */
import { dirname, isAbsolute, join } from "node:path";
import { parser } from "@lezer/python";

type Tree = ReturnType<typeof parser.parse>;
export type SyntaxNode = Tree["topNode"];

export interface Import {
  /** Leading dots: 0 is absolute. */
  readonly level: number;
  /** As in `a.b`; empty for `from . import x`. */
  readonly module: string;
  /** What `from … import` names; may be submodules. */
  readonly names: readonly string[];
  readonly offset: number;
}

export interface Call {
  /** The called expression as written: `json.load`, `Path(x).read_text`. */
  readonly name: string;
  /** What stands before the last dot of the called expression. */
  readonly receiver?: SyntaxNode;
  /** Positional arguments. */
  readonly args: readonly SyntaxNode[];
  readonly offset: number;
}

export class PythonSource {
  readonly text: string;
  readonly file: string;
  readonly cwd: string;
  readonly #tree: Tree;
  readonly #assigned = new Map<string, SyntaxNode | undefined>();

  constructor(text: string, file: string, cwd: string) {
    this.text = text;
    this.file = file;
    this.cwd = cwd;
    this.#tree = parser.parse(text);
    this.#each("AssignStatement", (node) => {
      const [target, operator, value, more] = children(node);
      if (target?.name !== "VariableName" || operator?.name !== "AssignOp" || value === undefined) return;
      const name = this.#slice(target);
      // A name that is assigned twice is no constant.
      this.#assigned.set(name, this.#assigned.has(name) || more !== undefined ? undefined : value);
    });
    this.#each("WithStatement", (node) => {
      const parts = children(node);
      for (const [index, part] of parts.entries()) {
        const [value, target] = [parts[index - 1], parts[index + 1]];
        if (part.name === "as" && value !== undefined && target?.name === "VariableName") {
          this.#assigned.set(this.#slice(target), value);
        }
      }
    });
  }

  /**
   * Offset of the first `import` that the grammar made nothing of, or `undefined`. The grammar is more narrow than Python in
   * places (a `yield` alone, `20.`) and recovers from them at once; what counts is that no import is lost in the recovery.
   */
  brokenAt(): number | undefined {
    for (let at = this.text.indexOf("import"); at !== -1; at = this.text.indexOf("import", at + 1)) {
      if (!this.#accountedFor(at)) return at;
    }
    return undefined;
  }

  /** Every identifier that the source mentions outside its import statements, and every name that those bring. */
  names(): Set<string> {
    const names = new Set(this.imports().flatMap((each) => each.names));
    this.#each("VariableName", (node) => names.add(this.#slice(node)));
    return names;
  }

  imports(): Import[] {
    const found: Import[] = [];
    this.#each("ImportStatement", (node) => {
      if (!this.#forTypesOnly(node)) found.push(...this.#readImport(node));
    });
    for (const call of this.calls()) {
      const last = call.name.slice(call.name.lastIndexOf(".") + 1);
      if (last !== "__import__" && last !== "import_module" && call.name !== "runpy.run_module") continue;
      const module = call.args[0] === undefined ? undefined : this.constant(call.args[0]);
      if (module !== undefined && !module.startsWith("."))
        found.push({ level: 0, module, names: [], offset: call.offset });
    }
    return found;
  }

  calls(): Call[] {
    const found: Call[] = [];
    this.#each("CallExpression", (node) => {
      const [callee, list] = children(node);
      if (callee === undefined || list?.name !== "ArgList") return;
      const receiver = callee.name === "MemberExpression" ? callee.firstChild : undefined;
      found.push({
        name: this.#slice(callee),
        ...(receiver && { receiver }),
        args: positional(list),
        offset: node.from,
      });
    });
    return found;
  }

  /** The text that an expression always has, or `undefined`. Paths are built as `os.path` and `pathlib` build them. */
  constant(node: SyntaxNode, depth = 0): string | undefined {
    if (depth > 20) return undefined;
    const inner = (child: SyntaxNode | null | undefined): string | undefined =>
      child ? this.constant(child, depth + 1) : undefined;
    switch (node.name) {
      case "FormatString":
        return children(node).length === 0 ? stringValue(this.#slice(node)) : undefined;
      case "String":
        return stringValue(this.#slice(node));
      case "ContinuedString":
        return joined(children(node).map(inner), "");
      case "ParenthesizedExpression":
        return inner(children(node)[1]);
      case "VariableName": {
        const name = this.#slice(node);
        return name === "__file__" ? this.file : inner(this.#assigned.get(name));
      }
      case "BinaryExpression": {
        const [left, operator, right] = children(node);
        const parts = [inner(left), inner(right)];
        if (operator === undefined || parts.includes(undefined)) return undefined;
        const sign = this.#slice(operator);
        if (sign === "+") return joined(parts, "");
        return sign === "/" ? joinPath(parts) : undefined;
      }
      case "MemberExpression": {
        const [object, , property] = children(node);
        const value = inner(object);
        if (value === undefined || property === undefined) return undefined;
        if (this.#slice(property) === "parent") return dirname(value);
        return undefined;
      }
      case "CallExpression":
        return this.#constantCall(node, inner);
      default:
        return undefined;
    }
  }

  /** The path of the file whose content an expression is, or which it has open: `open(p)`, `f`, `p.read_text()`. */
  opened(node: SyntaxNode, depth = 0): string | undefined {
    if (depth > 20) return undefined;
    if (node.name === "VariableName") {
      const value = this.#assigned.get(this.#slice(node));
      return value === undefined ? undefined : this.opened(value, depth + 1);
    }
    const [callee, list] = node.name === "CallExpression" ? children(node) : [];
    if (callee === undefined || list === undefined) return undefined;
    const name = this.#slice(callee);
    const [first] = positional(list);
    if (["open", "io.open", "gzip.open", "compile"].includes(name)) {
      return first && (this.constant(first) ?? this.opened(first, depth + 1));
    }
    const object = callee.name === "MemberExpression" ? callee.firstChild : null;
    if (object === null) return undefined;
    const method = name.slice(name.lastIndexOf(".") + 1);
    if (["open", "read_text", "read_bytes"].includes(method)) return this.constant(object);
    return method === "read" ? this.opened(object, depth + 1) : undefined;
  }

  /** The texts of a list or tuple of constants, or `undefined`. */
  constants(node: SyntaxNode): string[] | undefined {
    if (node.name !== "ArrayExpression" && node.name !== "TupleExpression") return undefined;
    const values = elements(node).map((each) => this.constant(each));
    return values.every((value) => value !== undefined) ? values : undefined;
  }

  #constantCall(
    node: SyntaxNode,
    inner: (child: SyntaxNode | null | undefined) => string | undefined,
  ): string | undefined {
    const [callee, list] = children(node);
    if (callee === undefined || list === undefined) return undefined;
    const args = positional(list).map(inner);
    const name = this.#slice(callee);
    if (args.includes(undefined)) return undefined;
    if (name === "os.path.join" || name === "path.join" || name === "join") return joinPath(args);
    if (name === "os.path.dirname" || name === "dirname") return args[0] === undefined ? undefined : dirname(args[0]);
    if (["Path", "pathlib.Path", "PurePath", "str", "os.fspath"].includes(name)) return joinPath(args);
    if (["os.path.abspath", "os.path.realpath", "abspath", "realpath"].includes(name)) {
      return args[0] === undefined ? undefined : joinPath([this.cwd, args[0]]);
    }
    if (["os.getcwd", "Path.cwd", "pathlib.Path.cwd"].includes(name)) return this.cwd;
    if (callee.name !== "MemberExpression") return undefined;
    const object = inner(callee.firstChild);
    const method = name.slice(name.lastIndexOf(".") + 1);
    if (object === undefined) return undefined;
    if (["resolve", "absolute", "expanduser"].includes(method)) return joinPath([this.cwd, object]);
    return method === "joinpath" ? joinPath([object, ...args]) : undefined;
  }

  #readImport(node: SyntaxNode): Import[] {
    const parts = children(node);
    const offset = node.from;
    if (parts[0]?.name === "from") {
      let level = 0;
      let module = "";
      let at = 1;
      for (; at < parts.length && parts[at]?.name !== "import"; at++) {
        const part = parts[at];
        if (part === undefined) break;
        const text = this.#slice(part);
        // The grammar has three dots as one.
        if (module === "" && text.startsWith(".")) level += text.length;
        else module += text;
      }
      return [{ level, module, names: this.#importedNames(parts.slice(at + 1)), offset }];
    }
    const modules: string[] = [];
    let module = "";
    let alias = false;
    for (const part of parts.slice(1)) {
      if (part.name === "as") alias = true;
      else if (part.name === ",") {
        modules.push(module);
        module = "";
        alias = false;
      } else if (!(alias || part.type.isError)) module += this.#slice(part);
    }
    modules.push(module);
    return modules.filter((each) => each !== "").map((each) => ({ level: 0, module: each, names: [], offset }));
  }

  #importedNames(parts: readonly SyntaxNode[]): string[] {
    const names: string[] = [];
    let alias = false;
    for (const part of parts) {
      if (part.name === "as") alias = true;
      else if (part.name === ",") alias = false;
      else if (part.name === "VariableName" && !alias) names.push(this.#slice(part));
    }
    return names;
  }

  /** Whether a mention of the word is a whole import statement, or no import at all. */
  #accountedFor(offset: number): boolean {
    for (let node: SyntaxNode | null = this.#tree.resolveInner(offset, 1); node !== null; node = node.parent) {
      if (MENTIONS.has(node.name)) return true;
      if (node.name === "ImportStatement") return !children(node).some((child) => child.type.isError);
    }
    return false;
  }

  /** In the first branch of `if TYPE_CHECKING:`, which is never carried out. */
  #forTypesOnly(node: SyntaxNode): boolean {
    for (let at: SyntaxNode | null = node; at !== null; at = at.parent) {
      if (at.name !== "Body" || at.parent?.name !== "IfStatement") continue;
      const [, condition, body] = children(at.parent);
      if (body?.from !== at.from || condition === undefined) continue;
      if (["TYPE_CHECKING", "typing.TYPE_CHECKING"].includes(this.#slice(condition))) return true;
    }
    return false;
  }

  #each(name: string, visit: (node: SyntaxNode) => unknown): void {
    this.#tree.iterate({
      enter: (node) => {
        if (node.name === name) visit(node.node);
      },
    });
  }

  #slice(node: SyntaxNode): string {
    return this.text.slice(node.from, node.to);
  }
}

/** What may contain the word without being an import: text, and names such as `import_module`. */
const MENTIONS: ReadonlySet<string> = new Set([
  ...["String", "FormatString", "ContinuedString", "Comment", "VariableName", "PropertyName"],
]);

function children(node: SyntaxNode): SyntaxNode[] {
  const found: SyntaxNode[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling) {
    if (child.name !== "Comment") found.push(child);
  }
  return found;
}

function elements(node: SyntaxNode): SyntaxNode[] {
  return children(node).filter((child) => !["(", ")", "[", "]", ","].includes(child.name));
}

/** The arguments before the first keyword or starred one. */
function positional(list: SyntaxNode): SyntaxNode[] {
  const found: SyntaxNode[] = [];
  const parts = elements(list);
  for (const [index, part] of parts.entries()) {
    if (part.name === "AssignOp" || part.name === "*" || part.name === "**") break;
    if (parts[index + 1]?.name === "AssignOp") break;
    found.push(part);
  }
  return found;
}

function joined(parts: readonly (string | undefined)[], separator: string): string | undefined {
  return parts.every((part) => part !== undefined) ? parts.join(separator) : undefined;
}

/** As `os.path.join`: an absolute part starts anew. */
function joinPath(parts: readonly (string | undefined)[]): string | undefined {
  let path = "";
  for (const part of parts) {
    if (part === undefined) return undefined;
    path = isAbsolute(part) || path === "" ? part : join(path, part);
  }
  return path;
}

/** The value of a string literal without interpolation; `undefined` where it has escapes that a path does not have. */
function stringValue(literal: string): string | undefined {
  let start = 0;
  while (start < literal.length && !`'"`.includes(literal.charAt(start))) start++;
  const prefix = literal.slice(0, start).toLowerCase();
  const quote = literal.charAt(start);
  const width = literal.startsWith(quote.repeat(3), start) && literal.length >= start + 6 ? 3 : 1;
  const body = literal.slice(start + width, literal.length - width);
  if (body.includes("\\") && !prefix.includes("r")) return undefined;
  return prefix.includes("f") && body.includes("{") ? undefined : body;
}

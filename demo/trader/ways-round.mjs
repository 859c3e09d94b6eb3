/**
 * What an agent with time on its hands tries, one way a run: `node ways-round.mjs WAY [what it knows of the host, as JSON]`.
 * Prints one line of JSON: `{"acts": [{"did", "own", "answer": "ok" | errno}], …what came of it}`.
 */
import { copy, hardLink, renameOver, renameParent, symlink, unlink, write } from "./ways/files.mjs";
import { mount, userNamespace } from "./ways/kernel.mjs";
import { home, launcher, network, outlive } from "./ways/outside.mjs";
import { extensionless, nodeModules, nodeOptions, packageImports } from "./ways/resolution.mjs";

const WAYS = new Map(
  Object.entries({
    write,
    unlink,
    "rename-over": renameOver,
    symlink,
    "hard-link": hardLink,
    "rename-parent": renameParent,
    extensionless,
    "package-imports": packageImports,
    "node-modules": nodeModules,
    "node-options": nodeOptions,
    "user-namespace": userNamespace,
    mount,
    home,
    launcher,
    network,
    outlive,
    copy,
  }),
);

const [, , name, host = "{}"] = process.argv;
const way = WAYS.get(name);
if (way === undefined) {
  process.stderr.write(`ways-round: no way named ${JSON.stringify(name)}; there are ${[...WAYS.keys()].join(", ")}\n`);
  process.exit(2);
}
process.stdout.write(`${JSON.stringify(await way(JSON.parse(host)))}\n`);

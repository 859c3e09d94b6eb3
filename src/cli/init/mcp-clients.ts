/** The MCP servers that a project's clients start today, without a wall between. */
import { homedir } from "node:os";
import { join } from "node:path";
import { objectAt, readJson } from "./files.ts";
import type { McpServer } from "./project.ts";

/** Project files, and the key that holds the servers by their names. */
const PROJECT_FILES = [
  [".mcp.json", "mcpServers"],
  [".cursor/mcp.json", "mcpServers"],
  [".vscode/mcp.json", "servers"],
  [".gemini/settings.json", "mcpServers"],
  [".roo/mcp.json", "mcpServers"],
] as const;

/** Files of the person's own, which hold servers for every project. */
const PERSONAL_FILES = [
  [".claude.json", "mcpServers"],
  [".config/Claude/claude_desktop_config.json", "mcpServers"],
  [".cursor/mcp.json", "mcpServers"],
] as const;

export function findMcpServers(directory: string, home: string = homedir()): McpServer[] {
  const found: McpServer[] = [];
  const add = (servers: object, file: string): void => {
    for (const name of Object.keys(servers)) found.push({ name, file });
  };
  for (const [file, key] of PROJECT_FILES) add(objectAt(readJson(join(directory, file)), key), file);
  for (const [file, key] of PERSONAL_FILES) add(objectAt(readJson(join(home, file)), key), `~/${file}`);
  add(
    objectAt(readJson(join(home, ".claude.json")), "projects", directory, "mcpServers"),
    "~/.claude.json (this project)",
  );
  return found;
}

import { z } from "zod";
import { PolicySchema } from "./schema.ts";

/**
 * The JSON Schema of `hardline.yaml` for editors: draft 7, which the YAML language servers read. It says less than loading
 * does, and never something else: every policy that loads is valid by it.
 */
export function policyJsonSchema(): Record<string, unknown> {
  return { ...z.toJSONSchema(PolicySchema, { target: "draft-7", io: "input" }) };
}

import { z } from "zod";

/**
 * The shape of `hardline.yaml`, version 1: which keys there are and what kind of value each takes. What a text must look like,
 * and what must go together, is judged when the file is compiled, where better can be said about it; the patterns here are
 * for editors.
 */

const DURATION = z.string().meta({
  description: "A duration: whole numbers with the units ms, s, m, h or d.",
  pattern: "^([0-9]+(ms|s|m|h|d))+$",
  examples: ["90s", "10m", "1h30m"],
});

const SIZE = z.string().meta({
  description: "A size in bytes: a whole number with a unit.",
  pattern: "^[0-9]+(B|kB|KiB|MB|MiB|GB|GiB|TB|TiB)$",
  examples: ["512MiB", "2GiB"],
});

const AMOUNT = z.union([z.number(), z.string()]).meta({
  description: "An exact decimal number; in quotes or not, it is never rounded.",
  examples: [5, "1.50"],
});

const CONDITION = z.string().meta({
  description: "A condition in CEL. One that fails to evaluate counts as the stricter answer.",
  examples: ['args.symbol in ["BTC-USD"] && args.qty > 0'],
});

const COMMAND = z
  .array(z.string())
  .min(1)
  .meta({ description: "A program and its arguments, passed as they are: no shell reads them." });

const NAME_LIST = z.array(z.string());

const MATCHER_KEYS = {
  tool: z
    .string()
    .optional()
    .meta({ description: "A tool call: server.tool, with * for any run of characters.", examples: ["exchange.get_*"] }),
  http: z
    .string()
    .optional()
    .meta({
      description: "An HTTP request: METHOD host[:port]/path. HTTPS unless written with http://.",
      examples: ["POST api.anthropic.com/v1/messages", "* *.provider.example/**"],
    }),
  graphql: z
    .string()
    .optional()
    .meta({ description: "With http: the GraphQL operation and field.", examples: ["mutation volumeDelete"] }),
  sql: z
    .string()
    .optional()
    .meta({ description: "A SQL statement: its kind and a table.", examples: ["DELETE orders", "SELECT *"] }),
};

export const MatcherSchema = z
  .strictObject(MATCHER_KEYS)
  .meta({ description: "What an action matches: tool, http or sql." });

export const GrantSchema = z
  .strictObject({
    ...MATCHER_KEYS,
    when: CONDITION.optional(),
    credential: z
      .string()
      .optional()
      .meta({ description: "The credential that is put on the request; the agent never holds it." }),
    identity: z
      .string()
      .optional()
      .meta({ description: "The audience of an identity token that is put on the request." }),
    tunnel: z
      .boolean()
      .optional()
      .meta({ description: "Let through bytes that are not HTTP; never with a credential." }),
    allow_private: z.boolean().optional().meta({ description: "Let the host be at a private address." }),
    opaque: SIZE.optional().meta({ description: "Let through bodies that no rule can look at, up to this size." }),
  })
  .meta({ description: "One thing that is permitted. Nothing else is." });

export const AcceptanceSchema = z
  .strictObject({ id: z.string(), because: z.string() })
  .meta({ description: "A finding of `hardline check` that somebody takes the risk of, and why." });

export const ResourcesSchema = z
  .strictObject({
    memory: SIZE.optional(),
    processes: z.number().optional().meta({ description: "How many processes and threads there can be." }),
    cpus: z.number().optional().meta({ description: "Cores; 0.5 is half of one." }),
    open_files: z.number().optional().meta({ description: "How many descriptors one process can have." }),
    file_size: SIZE.optional(),
    tmp: SIZE.optional().meta({ description: "The size of /tmp, which is memory." }),
  })
  .meta({ description: "What the kernel lets it use." });

const PLACE_KEYS = {
  root: z.string().optional().meta({ description: "A directory that is sealed, except for what `mutable` names." }),
  mutable: NAME_LIST.optional().meta({
    description: "Directories in `root` that can be written and survive restarts.",
  }),
  workspace: z
    .string()
    .optional()
    .meta({ description: "A directory that can be written, except for what `sealed` names." }),
  sealed: z
    .union([z.record(z.string(), z.string()), NAME_LIST])
    .optional()
    .meta({ description: "What is sealed in `workspace`: names, or names with the files that are laid over them." }),
  read: NAME_LIST.optional().meta({
    description: "Further host paths that can be read, such as an interpreter outside /usr.",
  }),
  env: z
    .record(z.string(), z.string())
    .optional()
    .meta({ description: "The whole environment, with Hardline's own few names." }),
  resources: ResourcesSchema.optional(),
};

const RIGHTS_KEYS = {
  allow: z.array(GrantSchema).optional().meta({ description: "What is permitted. Nothing else is." }),
  accept: z
    .array(AcceptanceSchema)
    .optional()
    .meta({ description: "Findings of `hardline check` that are taken the risk of." }),
};

export const AgentSchema = z
  .strictObject({
    run: COMMAND,
    ...PLACE_KEYS,
    tools: NAME_LIST.optional().meta({ description: "The tool servers that it can speak to." }),
    ...RIGHTS_KEYS,
  })
  .meta({ description: "An agent: a program in a sandbox." });

export const ToolSchema = z
  .strictObject({
    run: COMMAND.optional(),
    url: z.string().optional().meta({ description: "Where the server is, if it is not started here." }),
    ...PLACE_KEYS,
    ...RIGHTS_KEYS,
  })
  .meta({ description: "An MCP server: a program in a sandbox of its own, or an address." });

export const SecretSourceSchema = z
  .strictObject({ file: z.string().optional(), env: z.string().optional() })
  .meta({ description: "Where the secret comes from: a file, or the supervisor's environment." });

export const InjectionSchema = z
  .strictObject({
    header: z.string(),
    prefix: z
      .string()
      .optional()
      .meta({ description: "Put before the secret.", examples: ["Bearer "] }),
  })
  .meta({ description: "Where it is put on a request." });

export const CredentialSchema = z
  .strictObject({
    from: SecretSourceSchema,
    inject: InjectionSchema.optional(),
    as: z.string().optional().meta({ description: "The variable under which the agent finds a placeholder." }),
  })
  .meta({ description: "A secret that the agent uses and never holds." });

export const CalendarSchema = z
  .strictObject({
    calendar: z.enum(["hour", "day", "week", "month"]),
    zone: z.string().meta({ description: "A time zone by its IANA name.", examples: ["UTC", "Europe/Berlin"] }),
  })
  .meta({ description: "A calendar period in a named time zone." });

export const LimitSchema = z
  .strictObject({
    id: z.string(),
    on: MatcherSchema,
    when: CONDITION.optional(),
    reserve: AMOUNT.optional().meta({ description: "Held while an action is in flight; needs `sum`." }),
    sum: z
      .string()
      .optional()
      .meta({ description: "What is added up; without it, actions are counted.", examples: ["result.loss"] }),
    signed: z.boolean().optional().meta({ description: "Let negative amounts give room back." }),
    max: AMOUNT,
    per: z.union([DURATION, CalendarSchema]),
    scope: z
      .enum(["agent", "all"])
      .optional()
      .meta({ description: "Each agent its own (the default), or one for all." }),
  })
  .meta({ description: "A bound on how many or how much, over time." });

export const RedLineSchema = z
  .strictObject({
    id: z.string(),
    never: MatcherSchema.optional(),
    ask: MatcherSchema.optional(),
    when: CONDITION.optional(),
    because: z.string().optional(),
    approvers: NAME_LIST.optional().meta({ description: "Operator groups whose members may approve." }),
    quorum: z.number().optional().meta({ description: "How many of them it takes (1)." }),
    distinct: z.boolean().optional().meta({ description: "Whether they have to be different people (true)." }),
    expires: DURATION.optional().meta({ description: "How long a question stays open (10m)." }),
  })
  .meta({ description: "What no agent does at all, or does alone." });

export const ResponseSchema = z
  .strictObject({
    on: z.enum(["denial", "red_line", "limit", "tripwire", "failure"]),
    count: z.number().optional().meta({ description: "How many of them (1)." }),
    per: DURATION.optional(),
    do: z.array(z.enum(["freeze", "kill", "alert", "revoke"])).min(1),
  })
  .meta({ description: "What happens by itself when something has happened too often." });

export const OperatorGroupSchema = z
  .strictObject({ users: z.array(z.string()).min(1).meta({ description: "Users of the host." }) })
  .meta({ description: "People who may approve." });

export const AlertSchema = z
  .strictObject({ webhook: z.string().optional(), command: COMMAND.optional() })
  .meta({ description: "Where alerts go: a URL, or a program." });

const LATER = z.record(z.string(), z.unknown());

export const PolicySchema = z
  .strictObject({
    version: z.literal(1),
    trust_domain: z
      .string()
      .optional()
      .meta({ description: "The domain of the agents' identities.", examples: ["desk.example"] }),
    agents: z.record(z.string(), AgentSchema),
    tools: z.record(z.string(), ToolSchema).optional(),
    credentials: z.record(z.string(), CredentialSchema).optional(),
    limits: z.array(LimitSchema).optional(),
    red_lines: z.array(RedLineSchema).optional(),
    respond: z.array(ResponseSchema).optional(),
    operators: z.record(z.string(), OperatorGroupSchema).optional(),
    alerts: z.array(AlertSchema).optional(),
    ledger: LATER.optional(),
    backup: LATER.optional(),
    changes: LATER.optional(),
    blast_radius: LATER.optional(),
  })
  .meta({
    title: "hardline.yaml",
    description: "A Hardline policy: what AI agents may do, and what holds them to it.",
  });

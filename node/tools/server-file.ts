import { z } from 'zod'
import { badSettingsFile, isLoopback, readSettingsFile } from '../config/settings-file.ts'

/** A configured MCP server, whose allowed tools tasks may use. */
export interface ToolServerConfig {
  /** By which requests name it. */
  name: string
  reach:
    | {
        kind: 'process'
        command: string
        args: readonly string[]
        cwd: string | null
        env: Record<string, string>
      }
    | { kind: 'http'; url: string; headers: Record<string, string> }
  /** Tools that may be called; no others. */
  tools: readonly string[]
  /** Who may use them, by tenant; `*` is everybody that may have tasks done here. */
  tenants: readonly string[]
  /** Of one call. */
  timeoutMs: number
  /** Of one result; what is longer is cut. */
  maxResultBytes: number
}

const MAX_FILE_CHARS = 262_144
const MAX_SERVERS = 32
const MAX_TOOLS = 64
const MAX_TIMEOUT_MS = 10 * 60_000
const DEFAULT_TIMEOUT_MS = 30_000
const MAX_RESULT_BYTES = 1_048_576
const DEFAULT_RESULT_BYTES = 65_536
const OWNER = 'owner'

const variable = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, 'must be the name of an environment variable')
const text = z.string().min(1).max(4_096)

const common = {
  tools: z.array(z.string().min(1).max(128)).min(1).max(MAX_TOOLS),
  tenants: z.array(z.string().min(1).max(128)).min(1).max(256).default([OWNER]),
  timeoutMs: z.int().min(100).max(MAX_TIMEOUT_MS).default(DEFAULT_TIMEOUT_MS),
  maxResultBytes: z.int().min(256).max(MAX_RESULT_BYTES).default(DEFAULT_RESULT_BYTES),
}

const server = z.union([
  z.strictObject({
    command: text,
    args: z.array(z.string().max(4_096)).max(64).default([]),
    cwd: text.nullable().default(null),
    /** Variables of the node's environment that the process gets: values have no place in the file. */
    env: z.array(variable).max(64).default([]),
    ...common,
  }),
  z.strictObject({
    url: z.url({ protocol: /^https?$/ }).max(2_048),
    /** Header by header, which variable of the node's environment has its value. */
    headers: z.record(z.string().regex(/^[A-Za-z0-9-]{1,64}$/), variable).default({}),
    ...common,
  }),
])

const fileSchema = z.strictObject({
  servers: z
    .record(
      z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'names are of lower-case letters, digits and dashes'),
      server,
    )
    .refine(servers => Object.keys(servers).length <= MAX_SERVERS, `at most ${MAX_SERVERS} servers`),
})

/**
 * Reads the file of `mcp.servers`: YAML or JSON, `{servers: {name: {command, args, env} | {url, headers}, tools, …}}`.
 * @param environment where the values of named variables are
 * @throws {ConfigError} CONFIG_UNREADABLE, CONFIG_BAD_VALUE
 */
export async function readToolServers(
  path: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<ToolServerConfig[]> {
  const file = { path, setting: 'mcp.servers', example: 'docs/gateway.md' }
  const value = await readSettingsFile({ ...file, content: 'MCP servers', maxChars: MAX_FILE_CHARS })
  const parsed = fileSchema.safeParse(value)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw badSettingsFile(file, `${placeOf(issue!)}${messageOf(issue!)}`)
  }
  const secretOf = (name: string): string => {
    const found = environment[name]
    if (found === undefined || found === '')
      throw badSettingsFile(file, `the environment variable ${name} is not set`)
    return found
  }
  return Object.entries(parsed.data.servers).map(([name, given]) => {
    const { tools, tenants, timeoutMs, maxResultBytes } = given
    const limits = { name, tools, tenants, timeoutMs, maxResultBytes }
    if ('command' in given) {
      const { command, args, cwd } = given
      const env = Object.fromEntries(given.env.map(each => [each, secretOf(each)]))
      return { ...limits, reach: { kind: 'process', command, args, cwd, env } }
    }
    const { url } = given
    if (!isSafe(url))
      throw badSettingsFile(file, `servers.${name}.url: must be https where it is not this machine`)
    const headers = Object.fromEntries(
      Object.entries(given.headers).map(([key, each]) => [key, secretOf(each)]),
    )
    return { ...limits, reach: { kind: 'http', url, headers } }
  })
}

/** Whether what is sent there, secrets included, is read by nobody on the way. */
function isSafe(url: string): boolean {
  const { protocol, hostname } = new URL(url)
  return protocol === 'https:' || isLoopback(hostname)
}

function placeOf({ path }: z.core.$ZodIssue): string {
  return path.length === 0 ? '' : `${path.map(String).join('.')}: `
}

/** Of the two kinds of servers, what is wrong with the one that was meant. */
function messageOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_key') return issue.issues[0]?.message ?? issue.message
  if (issue.code !== 'invalid_union') return issue.message
  const [process, http] = issue.errors
  const meant = isMeant(process) ? process : isMeant(http) ? http : null
  const inner = meant?.[0]
  return inner === undefined ? 'needs either command or url' : `${placeOf(inner)}${inner.message}`
}

function isMeant(issues: readonly z.core.$ZodIssue[] | undefined): boolean {
  return (
    issues !== undefined &&
    !issues.some(
      ({ path, code }) => code === 'invalid_type' && (path[0] === 'command' || path[0] === 'url'),
    ) &&
    !issues.some(
      issue =>
        issue.code === 'unrecognized_keys' && issue.keys.some(key => key === 'command' || key === 'url'),
    )
  )
}

import type { Clock } from '../clock.ts'
import type { Logger } from '../log.ts'
import { ToolError } from './errors.ts'
import type { NodeTool, NodeTools } from './node-tools.ts'
import type { ToolServerConfig } from './server-file.ts'
import { ToolServer } from './tool-server.ts'

const EVERYBODY = '*'
const MAX_TOOLS_OF_A_TASK = 32

/** The tools of all configured MCP servers. */
export class ToolServers implements NodeTools {
  readonly #servers: ReadonlyMap<string, { config: ToolServerConfig; server: ToolServer }>

  constructor(configs: readonly ToolServerConfig[], modules: { clock: Clock; log: Logger }) {
    this.#servers = new Map(
      configs.map(config => [config.name, { config, server: new ToolServer(config, modules) }]),
    )
  }

  list(tenant: string): string[] {
    return [...this.#servers.values()]
      .filter(({ config }) => isOpenTo(config, tenant))
      .flatMap(({ config }) => config.tools.map(tool => `${config.name}/${tool}`))
  }

  async find(
    names: readonly string[],
    { tenant, signal }: { tenant: string; signal: AbortSignal },
  ): Promise<readonly NodeTool[]> {
    const wanted = new Set(names.flatMap(name => this.#expanded(name, tenant)))
    if (wanted.size > MAX_TOOLS_OF_A_TASK) {
      throw new ToolError('TOOL_BAD_REQUEST', `these are ${wanted.size} tools`, {
        fix: `Name ${MAX_TOOLS_OF_A_TASK} at most: each one's description goes to the model.`,
      })
    }
    return Promise.all(
      [...wanted].map(name => {
        const slash = name.indexOf('/')
        return this.#servers.get(name.slice(0, slash))!.server.tool(name.slice(slash + 1), signal)
      }),
    )
  }

  /** A tool, or all those of a server that is named alone. */
  #expanded(name: string, tenant: string): string[] {
    const allowed = this.list(tenant).filter(each => each === name || each.startsWith(`${name}/`))
    if (allowed.length === 0) throw this.#unknown(name, tenant)
    return allowed
  }

  /** Ends all servers. Idempotent; takes up to five seconds. */
  async stop(): Promise<void> {
    await Promise.all([...this.#servers.values()].map(({ server }) => server.stop()))
  }

  #unknown(name: string, tenant: string): ToolError {
    const known = this.list(tenant)
    return new ToolError('TOOL_UNKNOWN', `there is no tool ${name} for you here`, {
      fix:
        known.length === 0
          ? 'None is configured for you: the file that mcp.servers names says who may use which.'
          : `There are: ${known.slice(0, 16).join(', ')}.`,
      details: { tool: name },
    })
  }
}

function isOpenTo({ tenants }: ToolServerConfig, tenant: string): boolean {
  return tenants.includes(EVERYBODY) || tenants.includes(tenant)
}

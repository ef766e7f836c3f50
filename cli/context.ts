import { resolve } from 'node:path'
import type { Command } from 'commander'
import { type DataDir, dataDirAt, defaultDataRoot } from '../node/data-dir.ts'
import { ControlClient } from '../node/gateway/control-client.ts'
import { controlEndpoint } from '../node/gateway/control-endpoint.ts'
import { ShoalError } from '../protocol/errors.ts'
import { invocation } from './ui/hints.ts'
import { Output } from './ui/output.ts'

export { invocation }

export interface CommonOptions {
  data?: string
  json?: boolean
}

/** Adds the options every command has. */
export function withCommonOptions(command: Command): Command {
  return command
    .option('--data <folder>', 'Data folder of the node (default: $SHOAL_DATA, or ~/.shoal)')
    .option('--json', 'Print JSON for scripts')
}

export function dataDirFrom(options: CommonOptions): DataDir {
  return dataDirAt(resolve(options.data ?? defaultDataRoot(process.env)))
}

export function outputFrom(options: CommonOptions): Output {
  return new Output({
    json: options.json === true,
    caller: { program: invocation(), data: options.data ?? null },
  })
}

/** The running node of a data folder; without one named, that of a running demo will do. */
export async function runningNode(options: CommonOptions, output: Output): Promise<ControlClient> {
  const own = await runningNodeOrNull(options)
  if (own !== null) return own
  if (options.data === undefined && process.env.SHOAL_DATA === undefined) {
    const demo = clientOf(demoNodeDir(demoRoot(), 'alice'))
    if (await demo.isRunning()) {
      output.note('(asking the running demo, since no node of your own runs)')
      return demo
    }
  }
  throw notRunning(options)
}

/** The running node of a data folder and of no other. */
export async function ownRunningNode(options: CommonOptions): Promise<ControlClient> {
  const own = await runningNodeOrNull(options)
  if (own === null) throw notRunning(options)
  return own
}

/** Like `ownRunningNode`, or null when there is none. */
export async function runningNodeOrNull(options: CommonOptions): Promise<ControlClient | null> {
  const client = clientOf(dataDirFrom(options))
  return (await client.isRunning()) ? client : null
}

/** Where the demo lives. */
export function demoRoot(): string {
  return `${defaultDataRoot({ ...process.env, SHOAL_DATA: undefined })}-demo`
}

export function demoNodeDir(root: string, name: string): DataDir {
  return dataDirAt(`${root}/${name}`)
}

/** @throws {ShoalError} USAGE */
export function usageError(message: string, fix?: string): ShoalError {
  return new ShoalError('USAGE', message, fix === undefined ? {} : { fix })
}

function clientOf(dataDir: DataDir): ControlClient {
  return new ControlClient(controlEndpoint(dataDir))
}

function notRunning(options: CommonOptions): ShoalError {
  const { root } = dataDirFrom(options)
  return new ShoalError('NODE_NOT_RUNNING', `no node is running in ${root}`, {
    fix: 'Start it with shoal up, or name the data folder of a running one with --data.',
    details: { dataDir: root },
  })
}

import { spawn } from 'node:child_process'
import { openSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { type DataDir, ensureDataDir } from '../../node/data-dir.ts'
import type { StatusView } from '../../node/gateway/views.ts'
import {
  type CommonOptions,
  configFrom,
  dataDirFrom,
  outputFrom,
  runningNodeOrNull,
  usageError,
  withCommonOptions,
  withSettings,
} from '../context.ts'
import { type Output, paint } from '../ui/output.ts'

interface UpOptions extends CommonOptions, Record<string, unknown> {
  local?: boolean
  serve?: boolean
  detach?: boolean
}

const DETACHED_START_TIMEOUT_MS = 60_000

export function registerUp(program: Command): void {
  const command = withCommonOptions(program.command('up'))
    .description('run a node: join the network, offer models, take and give tasks')
    .option('--local', 'use a chain of your own inside this node (the default)')
    .option('--no-serve', 'offer no models; only ask others')
    .option('-d, --detach', 'run in the background; shoal stop ends it')
  withSettings(command)
    .addHelpText(
      'after',
      `
Examples:
  $ shoal up --local                                    try it alone, on a chain of your own
  $ shoal up --rpc http://127.0.0.1:8545 --bootstrap /ip4/192.0.2.7/tcp/4150
  $ shoal up --model ./my-model.gguf --price-output 2
  $ shoal up --model hf:Qwen/Qwen3-0.6B-GGUF:Q8_0 --detach`,
    )
    .action(async (options: UpOptions, self: Command) => {
      const output = outputFrom(options)
      if (options.local === true && options.rpc !== undefined) {
        throw usageError('--local and --rpc exclude each other', 'Give only one of them.')
      }
      if (options.local === true) options.rpc = 'local'
      if (options.serve === false) options.model = ['']
      const dataDir = dataDirFrom(options)
      if (options.detach === true) await detach(self, dataDir, options, output)
      else {
        const { runNode } = await import('../run-node.ts')
        const { config } = await configFrom(options)
        await runNode({ dataDir, config }, output)
      }
    })
}

/** Starts this very command again as a process of its own, and waits until that answers. */
async function detach(self: Command, dataDir: DataDir, options: UpOptions, output: Output): Promise<void> {
  if ((await runningNodeOrNull(options)) !== null)
    throw usageError('a node runs in this data folder already', 'Stop it with shoal stop.')
  await configFrom(options)
  await ensureDataDir(dataDir)
  const logPath = join(dataDir.root, 'up.log')
  const log = openSync(logPath, 'a', 0o600)
  const main = fileURLToPath(
    new URL(`../main${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url),
  )
  const given = (self.parent as Command & { rawArgs: string[] }).rawArgs
    .slice(2)
    .filter(arg => arg !== '-d' && arg !== '--detach')
  const child = spawn(process.execPath, [main, ...given], { detached: true, stdio: ['ignore', log, log] })
  child.unref()
  const deadline = performance.now() + DETACHED_START_TIMEOUT_MS
  for (;;) {
    const client = await runningNodeOrNull(options)
    if (client !== null) {
      const status = (await client.call('status', {})) as StatusView
      output.result(
        { pid: child.pid, ...status },
        () =>
          `${paint('green', '✓')} The node runs in the background (process ${child.pid}). shoal stop ends it.`,
      )
      return
    }
    if (child.exitCode !== null || performance.now() > deadline) {
      throw usageError('the node did not start in the background', `Its output is in ${logPath}.`)
    }
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}

import { spawn } from 'node:child_process'
import { openSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../node/config/settings.ts'
import type { DataDir } from '../node/data-dir.ts'
import type { DoorView } from '../node/gateway/http/door.ts'
import type { StatusView } from '../node/gateway/views.ts'
import { isShoalError, ShoalError } from '../protocol/errors.ts'
import { type CommonOptions, runningNodeOrNull } from './context.ts'
import { EXIT } from './exit-codes.ts'
import type { FromBackground } from './run-node.ts'
import { describeDoor, type ServeOptions } from './serve.ts'
import { openDataDir } from './setup.ts'
import { type Output, paint, properties } from './ui/output.ts'
import { findPassword } from './wallet-password.ts'

/** A long journal of an embedded chain is replayed at the start. */
const START_TIMEOUT_MS = 120_000

/**
 * Starts this very command again as a process of its own, and waits until its node is up.
 * @throws {ShoalError} DATA_IN_USE, NODE_NOT_STARTED, or why the node could not start
 */
export async function detach(
  node: { dataDir: DataDir; config: Config },
  options: CommonOptions,
  output: Output,
  serves?: ServeOptions,
): Promise<void> {
  const { dataDir, config } = node
  if ((await runningNodeOrNull(options)) !== null) {
    throw new ShoalError('DATA_IN_USE', `a node runs in ${dataDir.root} already`, {
      fix: 'Stop it first with shoal stop, or give this one a folder of its own with --data.',
      details: { dataDir: dataDir.root },
    })
  }
  process.umask(0o077)
  await openDataDir(dataDir)
  // The node has no terminal to ask in.
  const password = await findPassword(config, dataDir).catch((error: unknown) => {
    // A new folder has no wallet yet: the node makes one, and its password.
    if (isShoalError(error, 'WALLET_PASSWORD_MISSING')) return null
    throw error
  })
  const logPath = join(dataDir.root, 'up.log')
  const child = startInBackground(logPath, password)
  const interrupt = (): never => {
    child.kill('SIGTERM')
    process.exit(EXIT.interrupted)
  }
  process.once('SIGINT', interrupt)
  const { status, door } = await untilUp(child, logPath)
  process.off('SIGINT', interrupt)
  child.disconnect()
  child.unref()
  output.result({ ...status, door }, () =>
    output.copyable(
      [
        `${paint('green', '✓')} The node runs in the background.`,
        properties([
          ['Process', `${status.pid}`],
          ['Node', status.peerId],
          ['Chain', `${status.chain.url} (id ${status.chain.chainId})`],
          ['Output', logPath],
        ]),
        ...(door === null ? [] : [describeDoor(door, output, serves)]),
        `${paint('bold', 'shoal status')} shows how it does, ${paint('bold', 'shoal stop')} ends it.`,
      ].join('\n'),
    ),
  )
}

type Background = ReturnType<typeof startInBackground>

function startInBackground(logPath: string, password: string | null) {
  const log = openSync(logPath, 'w', 0o600)
  const [, main, ...given] = process.argv
  return spawn(process.execPath, [...process.execArgv, main!, ...given, '--background'], {
    detached: true,
    stdio: ['ignore', log, log, 'ipc'],
    env: { ...process.env, ...(password === null ? {} : { SHOAL_WALLET_PASSWORD: password }) },
  })
}

function untilUp(child: Background, logPath: string): Promise<{ status: StatusView; door: DoorView | null }> {
  return new Promise((resolve, reject) => {
    const fail = (what: string) => {
      clearTimeout(timer)
      child.kill('SIGKILL')
      reject(new ShoalError('NODE_NOT_STARTED', what, { fix: `Its output is in ${logPath}.` }))
    }
    const timer = setTimeout(() => fail('the node took too long to start'), START_TIMEOUT_MS)
    child.once('error', error => fail(`the node could not be started: ${error.message}`))
    child.once('exit', (code, signal) => fail(`the node ended with ${signal ?? `status ${code}`}`))
    child.once('message', (message: FromBackground) => {
      clearTimeout(timer)
      child.removeAllListeners('exit')
      if ('status' in message) resolve(message)
      else reject(new ShoalError(message.error.code, message.error.message, message.error))
    })
  })
}

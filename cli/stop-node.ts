import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { ControlClient } from '../node/gateway/control-client.ts'
import type { StatusView } from '../node/gateway/views.ts'
import { ShoalError } from '../protocol/errors.ts'
import { type Output, paint } from './ui/output.ts'

/** A node gives its parts twelve. */
const STOP_TIMEOUT_MS = 15_000
/** No event tells that a process which is not our child has ended. */
const LOOK_EVERY_MS = 25

/**
 * Tells a node to stop and waits until its process has ended: its folder and ports are free then.
 * @throws {ShoalError} NODE_NOT_STOPPED
 */
export async function stopNode(client: ControlClient, output: Output): Promise<void> {
  const { pid } = (await client.call('status', {})) as StatusView
  await client.call('stop', {})
  const deadlineMs = performance.now() + STOP_TIMEOUT_MS
  while (isAlive(pid)) {
    if (performance.now() > deadlineMs) {
      throw new ShoalError('NODE_NOT_STOPPED', `the node is still there, as process ${pid}`, {
        fix: `End it with: kill -9 ${pid}`,
        details: { pid },
      })
    }
    await delay(LOOK_EVERY_MS)
  }
  output.result({ stopped: true, pid }, () => `${paint('green', '✓')} The node has stopped.`)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
  return !isZombie(pid)
}

/** Ended, but kept in the table of processes by a first process that does not care, as in many containers. */
function isZombie(pid: number): boolean {
  try {
    return /^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

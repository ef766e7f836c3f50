import {
  forkOwnProcess,
  type OwnProcess,
  type OwnProcessListeners,
  type ProcessExit,
} from '../own-process.ts'
import { type FromEngine, fromEngineSchema, type ToEngine } from './ipc-messages.ts'

export type EngineProcessExit = ProcessExit

/** A running engine process, as the supervisor sees it. */
export type EngineProcess = Omit<OwnProcess<ToEngine>, 'signal'>

export interface EngineProcessListeners {
  onMessage: (message: FromEngine) => void
  /** A line the process or its native code wrote. */
  onOutput: (line: string) => void
}

export type StartEngineProcess = (listeners: EngineProcessListeners) => EngineProcess

/** Forks `child.ts` beside this file. */
export const forkEngineProcess: StartEngineProcess = listeners => forkEngine(listeners, [])

/** @param flags of Node for the engine process, as `--import` of a file that changes what it runs on */
export function forkEngine(listeners: EngineProcessListeners, flags: readonly string[]): EngineProcess {
  const { onOutput } = listeners
  const onMessage: OwnProcessListeners['onMessage'] = message => {
    const parsed = fromEngineSchema.safeParse(message)
    if (parsed.success) return listeners.onMessage(parsed.data)
    onOutput(`unexpected message from the engine process: ${parsed.error.message}`)
    process.kill()
  }
  const process = forkOwnProcess<ToEngine>(
    { path: new URL('./child', import.meta.url), flags },
    { onMessage, onOutput },
  )
  return process
}

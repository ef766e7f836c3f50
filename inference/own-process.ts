import { type ChildProcess, fork } from 'node:child_process'
import { StringDecoder } from 'node:string_decoder'
import { compileCacheEnvironment } from './compile-cache.ts'
import { LogTail } from './llama/engine-log.ts'

export interface ProcessExit {
  /** The signal or exit code, in words. */
  how: string
  /** The last that the process wrote to its output. */
  lastOutput: string
}

/** A process that runs a file of ours, at the other end of an IPC channel. */
export interface OwnProcess<ToChild> {
  readonly pid: number | undefined
  send(message: ToChild): void
  /** @returns whether there was a process to be told */
  signal(signal: NodeJS.Signals): boolean
  /** Ends it at once. Idempotent. */
  kill(): void
  /** Resolves when it has ended, however that came. */
  readonly exited: Promise<ProcessExit>
}

export interface OwnProcessListeners {
  onMessage: (message: unknown) => void
  /** A line the process or its native code wrote. */
  onOutput: (line: string) => void
}

const MAX_LAST_OUTPUT_CHARS = 2_000
const MAX_LINE_CHARS = 1_000
const LAST_OUTPUT_TIMEOUT_MS = 500
/** Processes that open files from anywhere get no secrets to lose. */
const SECRET_VARIABLE = /^SHOAL_|TOKEN|SECRET|PASSWORD|PASSPHRASE|CREDENTIAL|PRIVATE|API_?KEY|^NODE_OPTIONS$/i

/** This process's environment without what could be a secret. */
export function environmentWithoutSecrets(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !SECRET_VARIABLE.test(name)))
}

/**
 * Starts a file of ours in a process of its own.
 * @param options.path without its extension, which differs between sources and what is built from them
 * @param options.flags of Node for the process
 */
export function forkOwnProcess<ToChild extends object>(
  options: { path: URL; flags: readonly string[] },
  listeners: OwnProcessListeners,
): OwnProcess<ToChild> {
  // `new URL` is not rewritten by the compiler: the built file ends in .js.
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const child = fork(new URL(`${options.path.href}.${extension}`), [], {
    serialization: 'advanced',
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    execArgv: [...options.flags],
    env: { ...environmentWithoutSecrets(), ...compileCacheEnvironment() },
  })
  const lastOutput = new LogTail({ maxChars: MAX_LAST_OUTPUT_CHARS })
  const onLine = (line: string) => {
    lastOutput.add(line)
    listeners.onOutput(line)
  }
  readLines(child.stdout, onLine)
  readLines(child.stderr, onLine)
  child.on('message', listeners.onMessage)
  return {
    pid: child.pid,
    send(message) {
      // A failed send means that the process is ending, which `exited` tells.
      if (child.connected) child.send(message, () => {})
    },
    signal: signal => child.kill(signal),
    kill() {
      child.kill('SIGKILL')
    },
    exited: exitOf(child, lastOutput),
  }
}

/** Waits for the end of a process and for the last that it said. */
export async function exitOf(child: ChildProcess, lastOutput: LogTail): Promise<ProcessExit> {
  const { promise: closed, resolve: close } = Promise.withResolvers<void>()
  child.once('close', () => close())
  const how = await new Promise<string>(resolve => {
    child.on('error', error => {
      lastOutput.add(error.message)
      if (child.pid !== undefined) return
      resolve('it could not be started')
      close()
    })
    child.once('exit', (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`))
  })
  // Its last words may still be in the pipe; a debugger that llama.cpp called may hold that open.
  const timer = setTimeout(close, LAST_OUTPUT_TIMEOUT_MS)
  await closed
  clearTimeout(timer)
  return { how, lastOutput: lastOutput.toString() }
}

/** Calls `onLine` for each line of a stream that is not empty; longer ones are cut. */
export function readLines(stream: NodeJS.ReadableStream | null, onLine: (line: string) => void): void {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  stream?.on('data', (chunk: Buffer) => {
    const lines = (rest + decoder.write(chunk)).split('\n')
    rest = (lines.pop() ?? '').slice(0, MAX_LINE_CHARS)
    for (const line of lines) if (line.trim() !== '') onLine(line.slice(0, MAX_LINE_CHARS))
  })
  stream?.on('error', () => {})
}

import { type ChildProcess, fork } from 'node:child_process'
import { StringDecoder } from 'node:string_decoder'
import { fileURLToPath } from 'node:url'
import { compileCacheEnvironment } from '../compile-cache.ts'
import { LogTail } from './engine-log.ts'
import { type FromEngine, fromEngineSchema, type ToEngine } from './ipc-messages.ts'

export interface EngineProcessExit {
  /** The signal or exit code, in words. */
  how: string
  /** The last that the process wrote to its output. */
  lastOutput: string
}

/** A running engine process, as the supervisor sees it. */
export interface EngineProcess {
  readonly pid: number | undefined
  send(message: ToEngine): void
  /** Ends it at once. Idempotent. */
  kill(): void
  /** Resolves when it has ended, however that came. */
  readonly exited: Promise<EngineProcessExit>
}

export interface EngineProcessListeners {
  onMessage: (message: FromEngine) => void
  /** A line the process or its native code wrote. */
  onOutput: (line: string) => void
}

export type StartEngineProcess = (listeners: EngineProcessListeners) => EngineProcess

const MAX_LAST_OUTPUT_CHARS = 2_000
const MAX_LINE_CHARS = 1_000
const LAST_OUTPUT_TIMEOUT_MS = 500
/** The engine process opens model files from anywhere; it gets no secrets to lose. */
const SECRET_VARIABLE = /^SHOAL_|TOKEN|SECRET|PASSWORD|PASSPHRASE|CREDENTIAL|PRIVATE|API_?KEY|^NODE_OPTIONS$/i

/** Forks `child.ts` beside this file. */
export const forkEngineProcess: StartEngineProcess = listeners => forkEngine(listeners, [])

/** @param flags of Node for the engine process, as `--import` of a file that changes what it runs on */
export function forkEngine(listeners: EngineProcessListeners, flags: readonly string[]): EngineProcess {
  // `new URL` is not rewritten by the compiler: the built file ends in .js.
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const child = fork(fileURLToPath(new URL(`./child.${extension}`, import.meta.url)), [], {
    serialization: 'advanced',
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    execArgv: [...flags],
    env: {
      ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !SECRET_VARIABLE.test(name))),
      ...compileCacheEnvironment(),
    },
  })
  const lastOutput = new LogTail({ maxChars: MAX_LAST_OUTPUT_CHARS })
  const onLine = (line: string) => {
    lastOutput.add(line)
    listeners.onOutput(line)
  }
  readLines(child.stdout, onLine)
  readLines(child.stderr, onLine)
  const kill = () => {
    child.kill('SIGKILL')
  }
  child.on('message', message => {
    const parsed = fromEngineSchema.safeParse(message)
    if (parsed.success) return listeners.onMessage(parsed.data)
    onLine(`unexpected message from the engine process: ${parsed.error.message}`)
    kill()
  })
  return {
    pid: child.pid,
    send(message) {
      // A failed send means that the process is ending, which `exited` tells.
      if (child.connected) child.send(message, () => {})
    },
    kill,
    exited: exitOf(child, lastOutput),
  }
}

async function exitOf(child: ChildProcess, lastOutput: LogTail): Promise<EngineProcessExit> {
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

function readLines(stream: NodeJS.ReadableStream | null, onLine: (line: string) => void): void {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  stream?.on('data', (chunk: Buffer) => {
    const lines = (rest + decoder.write(chunk)).split('\n')
    rest = (lines.pop() ?? '').slice(0, MAX_LINE_CHARS)
    for (const line of lines) if (line.trim() !== '') onLine(line.slice(0, MAX_LINE_CHARS))
  })
  stream?.on('error', () => {})
}

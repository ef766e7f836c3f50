import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { TemporaryFolders } from '../../helpers/temporary.ts'

const MAIN = fileURLToPath(new URL('../../../cli/main.ts', import.meta.url))
const CHECKOUT = fileURLToPath(new URL('../../../', import.meta.url))
/** What a test waits for comes much sooner, also on a busy machine. */
const PATIENCE_MS = 45_000

export interface RunOptions {
  env?: Record<string, string>
  /** Given on standard input, which is then closed. */
  stdin?: string
  /** Arguments of Node.js itself. */
  nodeArgs?: readonly string[]
  /** What comes before Node.js: a program that starts it. */
  wrapper?: readonly string[]
}

/** Somebody with a home folder of their own who uses the real program. */
export class Person {
  readonly home: string
  readonly #running = new Set<Program>()
  readonly #background = new Set<number>()
  readonly #folders: TemporaryFolders

  private constructor(home: string, folders: TemporaryFolders) {
    this.home = home
    this.#folders = folders
    process.once('exit', this.#killAll)
  }

  static async make(): Promise<Person> {
    const folders = new TemporaryFolders()
    return new Person(await folders.make(), folders)
  }

  /** A folder in the home. */
  folder(name: string): string {
    return join(this.home, name)
  }

  /** Runs a command to its end. */
  async run(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
    return this.start(args, options).ended
  }

  /** Runs a command that must succeed, and reads its one document. */
  async json<T = Record<string, unknown>>(args: readonly string[], options: RunOptions = {}): Promise<T> {
    const finished = await this.run([...args, '--json'], options)
    assert.equal(finished.status, 0, finished.all)
    return finished.json() as T
  }

  /** Starts a command, in a process group of its own as a shell does. */
  start(args: readonly string[], options: RunOptions = {}): Program {
    const [command, ...rest] = [
      ...(options.wrapper ?? []),
      process.execPath,
      ...(options.nodeArgs ?? []),
      MAIN,
      ...args,
    ]
    const child = spawn(command!, rest, {
      cwd: CHECKOUT,
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH ?? '',
        HOME: this.home,
        TZ: 'UTC',
        ...(process.env.NODE_COMPILE_CACHE === undefined
          ? {}
          : { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE }),
        ...options.env,
      },
    })
    const program = new Program(child, args)
    child.stdin?.on('error', () => {})
    child.stdin?.end(options.stdin ?? '')
    this.#running.add(program)
    void program.ended.then(() => this.#running.delete(program))
    return program
  }

  /** Notes a process that has left its group, so that it is ended with the others. */
  owns(pid: number): void {
    this.#background.add(pid)
  }

  /** Ends all that still runs, by force, and removes the home. */
  async leave(): Promise<void> {
    const running = [...this.#running]
    this.#killAll()
    process.off('exit', this.#killAll)
    await Promise.all(running.map(({ ended }) => ended))
    await this.#folders.remove()
  }

  readonly #killAll = (): void => {
    for (const { pid } of this.#running) killGroup(pid)
    for (const pid of this.#background) killGroup(pid)
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended.
  }
}

export interface Finished {
  args: readonly string[]
  status: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
  /** Both, for messages of failed assertions. */
  all: string
  /** The one document on standard output. */
  json(): unknown
}

/** A running command. */
export class Program {
  readonly pid: number
  readonly ended: Promise<Finished>
  stdout = ''
  stderr = ''
  readonly child: ChildProcess
  readonly #listeners = new Set<() => void>()

  constructor(child: ChildProcess, args: readonly string[]) {
    this.child = child
    this.pid = child.pid!
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text
      this.#news()
    })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
      this.#news()
    })
    this.ended = new Promise(resolve => {
      child.once('close', (status, signal) => {
        const { stdout, stderr } = this
        const all = `shoal ${args.join(' ').slice(0, 500)}\n[${status ?? signal}]\n${stdout}\n${stderr}`
        resolve({ args, status, signal, stdout, stderr, all, json: () => parseDocument(stdout, all) })
        this.#news()
      })
    })
  }

  /** Waits until the command has printed something that matches. */
  async until(pattern: RegExp, where: 'stdout' | 'stderr' | 'both' = 'both'): Promise<RegExpExecArray> {
    let isEnded = false
    void this.ended.then(() => {
      isEnded = true
    })
    const timeout = AbortSignal.timeout(PATIENCE_MS)
    for (;;) {
      const text = where === 'both' ? `${this.stdout}\n${this.stderr}` : this[where]
      const match = pattern.exec(text)
      if (match !== null) return match
      if (isEnded || timeout.aborted) {
        throw new Error(
          `${isEnded ? 'ended' : 'waited in vain'} without ${pattern}:\n${this.stdout}\n${this.stderr}`,
        )
      }
      await this.#nextNews(timeout)
    }
  }

  /** Only to the command, as `kill` does. */
  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal)
  }

  /** To the command and all it has started, as a terminal does on Ctrl-C or when it closes. */
  killGroup(signal: NodeJS.Signals): void {
    process.kill(-this.pid, signal)
  }

  #news(): void {
    for (const listener of this.#listeners) listener()
  }

  #nextNews(timeout: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const done = () => {
        this.#listeners.delete(done)
        timeout.removeEventListener('abort', done)
        resolve()
      }
      this.#listeners.add(done)
      timeout.addEventListener('abort', done)
    })
  }
}

function parseDocument(stdout: string, all: string): unknown {
  try {
    return JSON.parse(stdout)
  } catch {
    throw new Error(`not one JSON document: ${all}`)
  }
}

/** A process's children and theirs, by what they run. */
export function descendantsOf(pid: number): { pid: number; command: string }[] {
  const table = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' })
    .split('\n')
    .map(line => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line))
    .flatMap(match =>
      match === null ? [] : [{ pid: Number(match[1]), parent: Number(match[2]), command: match[3]! }],
    )
  const found: { pid: number; command: string }[] = []
  const visit = (parent: number) => {
    for (const row of table) {
      if (row.parent !== parent) continue
      found.push({ pid: row.pid, command: row.command })
      visit(row.pid)
    }
  }
  visit(pid)
  return found
}

/** Whether a process is there and is no zombie. */
export function isAlive(pid: number): boolean {
  try {
    const state = execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' })
    return !state.trim().startsWith('Z')
  } catch {
    return false
  }
}

/** Checks an expected error as people see it. */
export function assertError(
  finished: Finished,
  expected: { status: number; code: string; message: RegExp; fix?: RegExp },
): void {
  const { status, stderr, stdout, all } = finished
  assert.equal(status, expected.status, all)
  const [, message, code] = /^Error (.*) \(([A-Z_]+)\)$/m.exec(stderr) ?? []
  assert.equal(code, expected.code, all)
  assert.match(message!, expected.message, all)
  const fix = /^ {2}Fix (.*)$/m.exec(stderr)?.[1]
  assert.ok(fix !== undefined && fix.length > 5, `it says what to do: ${all}`)
  if (expected.fix !== undefined) assert.match(fix, expected.fix, all)
  assert.doesNotMatch(stderr, /^\s+at .*:\d+:\d+/m, `no stack: ${all}`)
  assert.doesNotMatch(stderr, /Defect/, all)
  assert.equal(stdout, '', all)
}

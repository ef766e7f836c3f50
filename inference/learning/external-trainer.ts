import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { StringDecoder } from 'node:string_decoder'
import { z } from 'zod'
import { type EngineLog, LogTail } from '../llama/engine-log.ts'
import { environmentWithoutSecrets, exitOf, type ProcessExit, readLines } from '../own-process.ts'
import { splitCommand } from './command-line.ts'
import { LearningError } from './errors.ts'
import { HeldTraining, type TrainingProcessOptions } from './held-training.ts'
import { importInProcess } from './jax-trainer/import-adapter.ts'
import { RunningTimer } from './running-timer.ts'
import type {
  Trainer,
  Training,
  TrainingJob,
  TrainingProgress,
  TrainingResult,
  TrainOptions,
} from './trainer.ts'

/**
 * The contract with trainers that are other programs:
 *
 * - It is called with `--base FILE.gguf --data FILE.jsonl --settings FILE.json --out FILE.gguf`, and where there are
 *   such, `--held-out FILE.jsonl` and `--initial ADAPTER.gguf`. The settings are those of training-settings.ts with
 *   `version`, `name` and `maxMemoryBytes`.
 * - On its standard output it may write a JSON object a line: `{"step": 3, "steps": 100, "loss": 1.5}`, and if it likes
 *   `heldOutLoss`, `learningRate`, `gradientNorm`, `tokens` (of rows, since its start). Other lines are passed over.
 * - It writes a LoRA adapter as llama.cpp reads it, of just the rank, alpha and layers asked for, and exits with 0. What
 *   it wrote is checked, written anew in Shoal's form, and only then in its place.
 * - It is ended with all processes that it started: when it is cancelled, takes longer or more memory than it may, says
 *   nothing for too long, or when the node ends.
 */
export interface ExternalTrainerOptions extends TrainingProcessOptions {
  /** The program with its own arguments; as one text it is split at spaces that are not quoted. No shell reads it. */
  command: string | readonly string[]
  /** It ends within this, pauses aside. */
  timeoutMs: number
  /** It says something at least so often, pauses aside. Defaults to an hour. */
  silenceMs?: number
}

const CONTRACT_VERSION = 1
const DEFAULT_SILENCE_MS = 3_600_000
const SETTINGS_FILE = 'settings.json'
const ADAPTER_FILE = 'adapter.gguf'
const MAX_LINE_BYTES = 65_536
const MAX_LINES = 4_000_000
const MAX_LAST_OUTPUT_CHARS = 2_000

const lineSchema = z.object({
  step: z.int().min(0).max(1e9),
  steps: z.int().min(1).max(1e9).optional(),
  loss: z.number(),
  heldOutLoss: z.number().nullable().default(null),
  learningRate: z.number().default(0),
  gradientNorm: z.number().default(0),
  tokens: z.int().min(0).default(0),
})

type Told = Omit<z.infer<typeof lineSchema>, 'steps'> & { steps?: number }

/** Trains by another program, such as one that uses a GPU. */
export class ExternalTrainer implements Trainer {
  readonly #options: ExternalTrainerOptions
  readonly #log: EngineLog
  readonly #trainings = new Set<HeldTraining>()

  /** @throws {LearningError} TRAINER_PROTOCOL when the command is empty or its quotes are open */
  constructor(options: ExternalTrainerOptions, modules: { log?: EngineLog } = {}) {
    const { command } = options
    const words = typeof command === 'string' ? splitCommand(command) : command
    if (words === null || words.length === 0) throw badCommand()
    this.#options = { ...options, command: words }
    this.#log = modules.log ?? (() => {})
  }

  train(job: TrainingJob, options: TrainOptions = {}): Training {
    const training = startExternal({ job, ...this.#options, ...options }, { log: this.#log })
    this.#trainings.add(training)
    const forget = () => this.#trainings.delete(training)
    training.result.then(forget, forget)
    return training
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#trainings].map(training => training.cancel()))
  }
}

function startExternal(
  options: { job: TrainingJob } & ExternalTrainerOptions & TrainOptions,
  modules: { log: EngineLog },
): HeldTraining {
  const { job, onProgress, signal, timeoutMs, silenceMs = DEFAULT_SILENCE_MS } = options
  const work = workFolder(options)
  const child = startProgram(options.command as readonly string[], job, work)
  const lastOutput = new LogTail({ maxChars: MAX_LAST_OUTPUT_CHARS })
  const silence = new RunningTimer(silenceMs, () =>
    training.fail(timedOut(`said nothing for ${silenceMs} ms`)),
  )
  const timers = [
    silence,
    new RunningTimer(timeoutMs, () => training.fail(timedOut(`took longer than ${timeoutMs} ms`))),
  ]
  const startedMs = performance.now()
  let pausedMs = 0
  let last: TrainingProgress | null = null
  let tokens = 0
  let lines = 0
  const onLine = (line: string) => {
    silence.restart()
    lines += 1
    if (lines > MAX_LINES) return training.fail(protocolError(`it wrote more than ${MAX_LINES} lines`))
    if (!line.trimStart().startsWith('{')) return modules.log('debug', line.slice(0, 1_000))
    const told = parseLine(line)
    if (told === null) return training.fail(protocolError('it wrote a line that is no progress'))
    const elapsedMs = performance.now() - startedMs - pausedMs
    const { tokens: computed, ...rest } = told
    tokens = computed
    last = {
      ...{ steps: job.settings.steps, elapsedMs },
      ...rest,
      tokensPerSecond: (tokens / Math.max(1, elapsedMs)) * 1_000,
    }
    onProgress?.(last)
  }
  readBoundedLines(child, onLine, () =>
    training.fail(protocolError(`it wrote a line of more than ${MAX_LINE_BYTES} bytes`)),
  )
  readLines(child.stderr, line => {
    lastOutput.add(line)
    modules.log('debug', line)
  })
  const exited = exitOf(child, lastOutput)
  const outcome = (async (): Promise<TrainingResult> => {
    const exit = await exited
    for (const timer of timers) timer.hold()
    try {
      if (exit.how !== 'exit code 0') throw failed(exit)
      const written = await importInProcess(job, join(work, ADAPTER_FILE))
      const ended = last as TrainingProgress | null
      return {
        ...written,
        steps: ended?.step ?? job.settings.steps,
        loss: ended?.loss ?? 0,
        heldOutLoss: ended?.heldOutLoss ?? null,
        tokens,
        tokensPerSecond: ended?.tokensPerSecond ?? 0,
        ended: ended !== null && ended.step < job.settings.steps ? 'early_stop' : 'budget',
        resumedAtStep: 0,
        text: null,
      }
    } finally {
      await rm(work, { recursive: true, force: true })
    }
  })()
  const training: HeldTraining = new HeldTraining(
    { ...options, pid: child.pid, isGroup: true, ...(signal === undefined ? {} : { signal }) },
    {
      outcome,
      exited,
      onPaused: () => {
        for (const timer of timers) timer.hold()
      },
      onResumed: spanMs => {
        pausedMs += spanMs
        for (const timer of timers) timer.resume()
      },
    },
  )
  return training
}

/**
 * A folder beside the result with what the program needs to know. A few hundred bytes, written at once: the program is
 * to have its number when this returns, so that it can be held and ended.
 */
function workFolder(options: { job: TrainingJob } & TrainingProcessOptions): string {
  const { job, maxMemoryBytes } = options
  const work = `${resolve(job.outPath)}.${randomUUID()}.work`
  try {
    mkdirSync(work, { recursive: true, mode: 0o700 })
    const { name = 'adapter', settings } = job
    writeFileSync(
      join(work, SETTINGS_FILE),
      JSON.stringify({
        version: CONTRACT_VERSION,
        name,
        ...settings,
        maxMemoryBytes: maxMemoryBytes ?? null,
      }),
    )
  } catch (error) {
    throw new LearningError(
      'OUTPUT_UNWRITABLE',
      `nothing can be written beside ${job.outPath} (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`,
      { fix: 'Name a folder that this user may write to.', details: { path: job.outPath }, cause: error },
    )
  }
  return work
}

function startProgram(command: readonly string[], job: TrainingJob, work: string): ChildProcess {
  const [program, ...own] = command
  return spawn(
    program!,
    [
      ...own,
      ...['--base', resolve(job.base.path), '--data', resolve(job.dataPath)],
      ...(job.heldOutPath === null ? [] : ['--held-out', resolve(job.heldOutPath)]),
      ...(job.initial === null ? [] : ['--initial', resolve(job.initial)]),
      ...['--settings', join(work, SETTINGS_FILE), '--out', join(work, ADAPTER_FILE)],
    ],
    // At the head of a group of its own, with which it can be ended.
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: process.platform !== 'win32',
      env: environmentWithoutSecrets(),
    },
  )
}

/** @returns null when it is not what the contract says */
function parseLine(line: string): Told | null {
  try {
    const parsed = lineSchema.safeParse(JSON.parse(line))
    if (!parsed.success) return null
    const { steps, ...rest } = parsed.data
    return steps === undefined ? rest : { ...rest, steps }
  } catch {
    return null
  }
}

function readBoundedLines(child: ChildProcess, onLine: (line: string) => void, onTooLong: () => void): void {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    const lines = (rest + decoder.write(chunk)).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line.trim() !== '') onLine(line)
    if (rest.length <= MAX_LINE_BYTES) return
    rest = ''
    onTooLong()
  })
  child.stdout?.on('error', () => {})
}

const badCommand = () =>
  new LearningError('TRAINER_PROTOCOL', 'the command of the external trainer cannot be read', {
    fix: 'Write a program and its arguments, with quotes around what has spaces in it.',
  })

const protocolError = (problem: string) =>
  new LearningError('TRAINER_PROTOCOL', `the external trainer does not keep to the contract: ${problem}`, {
    fix: 'Have it write one JSON object a line, with step and loss, on its standard output.',
  })

const timedOut = (what: string) =>
  new LearningError('TRAINER_TIMEOUT', `the external trainer ${what}`, {
    fix: 'Allow it more time, or give it less to do.',
  })

const failed = ({ how, lastOutput }: ProcessExit) =>
  new LearningError('TRAINER_CRASHED', `the external trainer failed (${how})`, {
    fix: 'Run its command by hand to see why; what it said last is in the details.',
    details: lastOutput === '' ? {} : { lastOutput },
  })

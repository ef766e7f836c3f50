import { createReadStream, createWriteStream, type WriteStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { finished } from 'node:stream/promises'
import { z } from 'zod'
import type {
  BatchEventView,
  BatchForecastView,
  BatchResultView,
  BatchValuesView,
} from '../node/gateway/batch-views.ts'
import { type ControlRequest, MAX_BATCH_TASKS } from '../node/gateway/control-api.ts'
import { MAX_OUTPUT_TOKENS, MAX_TEXT_BYTES } from '../protocol/limits.ts'
import type { BatchOptions } from './commands/batch.ts'
import { outputFrom, runningNode, usageError } from './context.ts'
import { EXIT } from './exit-codes.ts'
import { modelName, type Output, paint, shortPeer, table } from './ui/output.ts'
import { count, inCredits, readableSeconds } from './ui/readable.ts'

const lineSchema = z.union([
  z.string().min(1).max(MAX_TEXT_BYTES),
  z
    .strictObject({
      id: z.string().max(200).optional(),
      prompt: z.string().min(1).max(MAX_TEXT_BYTES).optional(),
      system: z.string().max(MAX_TEXT_BYTES).optional(),
      messages: z
        .array(z.strictObject({ role: z.enum(['system', 'user', 'assistant']), content: z.string() }))
        .min(1)
        .optional(),
      model: z.string().max(200).optional(),
      maxTokens: z.int().min(1).max(MAX_OUTPUT_TOKENS).optional(),
      temperature: z.number().min(0).max(5).optional(),
      seed: z.int().min(0).max(0xffff_ffff).optional(),
    })
    .refine(({ prompt, messages }) => (prompt === undefined) !== (messages === undefined), {
      message: 'give either prompt or messages',
    }),
])

interface BatchTask {
  id: string | null
  request: ControlRequest<'ask'>
}

/** Plans a file of tasks, does them through the running node and writes what came; sets the exit status. */
export async function batch(file: string, options: BatchOptions): Promise<void> {
  const output = outputFrom(options)
  const tasks = await readTasks(file, options)
  const client = await runningNode(options, output)
  const abort = new AbortController()
  process.once('SIGINT', () => {
    process.once('SIGINT', () => process.exit(EXIT.interrupted))
    abort.abort()
  })
  const request: ControlRequest<'batch'> = {
    tasks: tasks.map(({ request }) => request),
    budget: options.budget ?? null,
    deadlineMs: options.deadline === undefined ? null : Math.ceil(options.deadline * 1_000),
    minQuality: options.minQuality,
    pick: options.prefer,
    planOnly: options.plan === true,
    maxConcurrent: options.concurrent,
  }
  if (options.plan === true) {
    const forecast = (await client.stream('batch', request, () => {}, abort.signal)) as BatchForecastView
    output.result(forecast, () => describeForecast(forecast, options.prefer, output))
    return
  }
  const results = new ResultWriter(tasks, output, options.out ?? null)
  try {
    const end = (await client.stream(
      'batch',
      request,
      event => results.take(event as BatchEventView),
      abort.signal,
    )) as BatchResultView
    output.note(
      `${count(end.done, 'task')} done${end.failed === 0 ? '' : `, ${end.failed} failed`}, ${inCredits(end.paid)} paid, ${readableSeconds(end.seconds)}`,
    )
    if (end.failed > 0) process.exitCode = EXIT.failed
  } catch (error) {
    if (!abort.signal.aborted) throw error
    output.note('Cancelled; what had come is paid.')
    process.exitCode = EXIT.interrupted
  } finally {
    await results.end()
  }
}

/** Writes a JSON line for each task that ends, and tells how far it is. */
class ResultWriter {
  readonly #tasks: readonly BatchTask[]
  readonly #output: Output
  readonly #file: WriteStream | null
  #ended = 0

  constructor(tasks: readonly BatchTask[], output: Output, path: string | null) {
    this.#tasks = tasks
    this.#output = output
    this.#file = path === null ? null : createWriteStream(path)
  }

  take(event: BatchEventView): void {
    if (event.type === 'planned') {
      const { cost, seconds, failures } = event.forecast.pick
      const expected = `about ${cost.toPrecision(3)} credits and ${readableSeconds(seconds)}`
      this.#output.note(
        `Planned ${count(this.#tasks.length, 'task')}: ${expected}, ${failures.toFixed(1)} expected to be moved on`,
      )
    } else if (event.type === 'done') {
      const { text, provider, model, paid, status, outputTokens } = event.result
      this.#write(event.index, { status, text, provider, model, paid, outputTokens })
      this.#output.note(
        `${this.#progress()} ${paint('green', 'done')} ${this.#nameOf(event.index)} by ${shortPeer(provider)} (${modelName(model)}), ${inCredits(paid)}`,
      )
    } else if (event.type === 'failed') {
      this.#write(event.index, { status: 'failed', error: event.error })
      this.#output.note(
        `${this.#progress()} ${paint('red', 'failed')} ${this.#nameOf(event.index)}: ${event.error.message}`,
      )
    }
  }

  async end(): Promise<void> {
    if (this.#file === null) return
    this.#file.end()
    await finished(this.#file)
  }

  #progress(): string {
    this.#ended++
    return paint('dim', `${this.#ended}/${this.#tasks.length}`)
  }

  #nameOf(index: number): string {
    return this.#tasks[index]!.id ?? `task ${index + 1}`
  }

  #write(index: number, result: object): void {
    const line = `${JSON.stringify({ index, id: this.#tasks[index]!.id, ...result })}\n`
    if (this.#file === null) process.stdout.write(line)
    else this.#file.write(line)
  }
}

function describeForecast(forecast: BatchForecastView, preferred: string, output: Output): string {
  const { front, pick, greedy, unassigned, feasible } = forecast
  const best = (of: (values: BatchValuesView) => number) =>
    front.reduce((a, b) => (of(b) < of(a) ? b : a), front[0]!)
  const row = (name: string, { cost, seconds, failures, quality }: BatchValuesView) => [
    name,
    cost.toPrecision(3),
    readableSeconds(seconds),
    failures.toFixed(2),
    quality.toFixed(2),
  ]
  const plans = table(
    ['PLAN', 'CREDITS', 'TIME', 'FAILURES', 'QUALITY'],
    [
      row(`this one (--prefer ${preferred})`, pick),
      row(
        'cheapest',
        best(({ cost }) => cost),
      ),
      row(
        'fastest',
        best(({ seconds }) => seconds),
      ),
      row(
        'most reliable',
        best(({ failures }) => failures),
      ),
      row('cheapest provider each', greedy.cost),
      row('first free provider each', greedy.time),
    ],
    { columns: output.columns, mayLack: ['QUALITY'] },
  )
  const shares = new Map<string, number>()
  for (const assignment of pick.assignments) {
    if (assignment === null) continue
    const name = `${shortPeer(assignment.provider)} ${modelName(assignment.model)}`
    shares.set(name, (shares.get(name) ?? 0) + 1)
  }
  const who = table(
    ['PROVIDER', 'TASKS'],
    [...shares].toSorted((a, b) => b[1] - a[1]).map(([name, tasks]) => [name, tasks]),
    { columns: output.columns },
  )
  return [
    `${front.length === 1 ? 'There is 1 plan' : `There are ${front.length} plans`} of which none is better in all:`,
    plans,
    '',
    who,
    ...(unassigned.length === 0 ? [] : ['', `Nobody can do ${count(unassigned.length, 'task')}.`]),
    ...(feasible ? [] : ['', 'Budget, deadline and quality cannot all be held; these plans come nearest.']),
  ].join('\n')
}

async function readTasks(file: string, options: BatchOptions): Promise<BatchTask[]> {
  const input = file === '-' ? process.stdin : createReadStream(file)
  const opened = Promise.withResolvers<never>()
  input.once('error', (error: NodeJS.ErrnoException) => opened.reject(unreadable(file, error)))
  const tasks: BatchTask[] = []
  const read = async () => {
    let lineNumber = 0
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      lineNumber++
      if (line.trim() === '') continue
      if (tasks.length === MAX_BATCH_TASKS)
        throw usageError(`there are more than ${MAX_BATCH_TASKS} tasks`, 'Split the file.')
      tasks.push(taskFrom(line, lineNumber, options))
    }
  }
  await Promise.race([read(), opened.promise])
  if (tasks.length > 0) return tasks
  throw usageError('there are no tasks', 'Give one JSON line each, such as "What is Shoal?"')
}

function taskFrom(line: string, lineNumber: number, options: BatchOptions): BatchTask {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    throw usageError(
      `line ${lineNumber} is no JSON`,
      'Put each task on one line: a question in quotes, or an object with a prompt.',
    )
  }
  const parsed = lineSchema.safeParse(value)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!
    const where = issue.path.length === 0 ? '' : ` at ${issue.path.join('.')}`
    throw usageError(
      `line ${lineNumber} is no task${where}: ${issue.message}`,
      'shoal batch --help shows what a task looks like.',
    )
  }
  const task = typeof parsed.data === 'string' ? { prompt: parsed.data } : parsed.data
  const { id, prompt, system, messages, model, ...rest } = { id: undefined, ...task } as Partial<
    Exclude<z.output<typeof lineSchema>, string>
  >
  const said = messages ?? [{ role: 'user' as const, content: prompt! }]
  return {
    id: id ?? null,
    request: {
      messages: system === undefined ? said : [{ role: 'system', content: system }, ...said],
      model: model ?? options.model ?? null,
      maxTokens: options.maxTokens,
      ...rest,
    },
  }
}

function unreadable(file: string, error: NodeJS.ErrnoException): Error {
  const why =
    error.code === 'ENOENT'
      ? 'there is none'
      : error.code === 'EISDIR'
        ? 'it is a folder'
        : String(error.code)
  return usageError(`the file ${file} cannot be read: ${why}`, 'Check the path.')
}

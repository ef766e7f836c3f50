import { readFile } from 'node:fs/promises'
import { text as readStream } from 'node:stream/consumers'
import type { Command } from 'commander'
import type { ControlRequest } from '../../node/gateway/control-api.ts'
import type { AskResultView, TaskEventView } from '../../node/gateway/views.ts'
import { type CommonOptions, outputFrom, runningNode, usageError, withCommonOptions } from '../context.ts'
import { EXIT } from '../exit-codes.ts'
import { modelName, type Output, paint, shortPeer } from '../ui/output.ts'

interface AskOptions extends CommonOptions {
  file?: string
  system?: string
  model?: string
  maxTokens: string
  maxPrice?: string
  seed?: string
  temperature: string
  topP: string
  stop?: string[]
  jsonSchema?: string
  stream: boolean
  verbose?: boolean
}

/** The provider has a second to say what it delivered; then the connection is cut. */
const CANCEL_TIMEOUT_MS = 3_000

export function registerAsk(program: Command): void {
  withCommonOptions(program.command('ask'))
    .description('ask a question; the best provider for the money answers')
    .argument('[prompt]', 'the question; - reads it from standard input')
    .option('--file <file>', 'read the question from a file')
    .option('--system <text>', 'instructions that come before the question')
    .option('--model <model>', 'only this model, by name or digest (default: the best for the money)')
    .option('--max-tokens <n>', 'longest answer, in tokens', '256')
    .option('--max-price <credits>', 'most the task may cost, in credits (default: your spending limit)')
    .option('--seed <n>', 'repeat an answer: same seed, model and prompt')
    .option('--temperature <x>', '0 always takes the likeliest word', '0')
    .option('--top-p <x>', 'choose among the likeliest words that together have this probability', '1')
    .option('--stop <text…>', 'end the answer before this text')
    .option('--json-schema <file>', 'make the answer JSON of this schema')
    .option('--stream', 'show the answer as it comes (the default)', true)
    .option('--no-stream', 'show the answer when it is complete')
    .option('-v, --verbose', 'tell about offers, provider and payments on the way')
    .addHelpText(
      'after',
      `
Examples:
  $ shoal ask "What is Shoal?"
  $ shoal ask --max-price 0.001 --model shoal-mini "Sort 5, 3, 9"
  $ cat letter.txt | shoal ask --system "Summarise in one line." -
  $ shoal ask --json "What is 17 + 25?" | jq -r .text

Ctrl-C cancels the task at the provider; only what has arrived is paid.
Exit status: 0 answered, 1 failed, 2 usage, 3 no node runs, 4 no provider, 5 money, 130 cancelled.`,
    )
    .action(async (prompt: string | undefined, options: AskOptions) => {
      const output = outputFrom(options)
      const request = await requestFrom(prompt, options)
      const client = await runningNode(options, output)
      const printer = new AnswerPrinter({ output, stream: options.stream, verbose: options.verbose === true })
      const abort = new AbortController()
      process.once('SIGINT', () => {
        // A second Ctrl-C, or a node that does not answer, ends the program at once.
        process.once('SIGINT', () => process.exit(EXIT.interrupted))
        setTimeout(() => abort.abort(), CANCEL_TIMEOUT_MS).unref()
        if (printer.taskId === null) abort.abort()
        else client.call('cancel', { taskId: printer.taskId }).catch(() => abort.abort())
      })
      try {
        const result = await client.stream(
          'ask',
          request,
          event => printer.show(event as TaskEventView),
          abort.signal,
        )
        printer.end(result as AskResultView)
      } catch (error) {
        printer.finishLine()
        if (!abort.signal.aborted) throw error
        process.exitCode = EXIT.interrupted
        output.note(paint('dim', 'Cancelled.'))
      }
    })
}

async function requestFrom(prompt: string | undefined, options: AskOptions): Promise<ControlRequest<'ask'>> {
  const question = await questionFrom(prompt, options.file)
  return {
    messages: [
      ...(options.system === undefined ? [] : [{ role: 'system' as const, content: options.system }]),
      { role: 'user', content: question },
    ],
    model: options.model ?? null,
    maxTokens: number('--max-tokens', options.maxTokens),
    maxPrice: options.maxPrice ?? null,
    temperature: number('--temperature', options.temperature),
    topP: number('--top-p', options.topP),
    seed: options.seed === undefined ? null : number('--seed', options.seed),
    stop: options.stop ?? [],
    jsonSchema: options.jsonSchema === undefined ? null : await readText(options.jsonSchema),
  }
}

async function questionFrom(prompt: string | undefined, file: string | undefined): Promise<string> {
  if (prompt !== undefined && file !== undefined) throw usageError('give either a prompt or --file, not both')
  const question =
    file !== undefined ? await readText(file) : prompt === '-' ? await readStream(process.stdin) : prompt
  if (question === undefined || question.trim() === '') {
    throw usageError(
      'what is the question?',
      'shoal ask "What is Shoal?", or - to read it from standard input.',
    )
  }
  return question
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch {
    throw usageError(`the file ${path} cannot be read`)
  }
}

function number(flag: string, value: string): number {
  const parsed = Number(value)
  if (value.trim() === '' || !Number.isFinite(parsed))
    throw usageError(`${flag} takes a number, not ${value}`)
  return parsed
}

/** Shows an answer as it comes: text to stdout, everything about it to stderr. */
class AnswerPrinter {
  taskId: string | null = null
  readonly #output: Output
  readonly #stream: boolean
  readonly #verbose: boolean
  #outputTokens = 0
  #firstAtMs = 0
  #lastAtMs = 0
  #lineOpen = false

  constructor(options: { output: Output; stream: boolean; verbose: boolean }) {
    this.#output = options.output
    this.#stream = options.stream && !options.output.json
    this.#verbose = options.verbose
  }

  show(event: TaskEventView): void {
    if (event.type === 'output') this.#showOutput(event.text, event.tokens)
    else if (event.type === 'started') this.taskId = event.taskId
    const words =
      this.#verbose || event.type === 'funding' || event.type === 'failover' ? describeTaskEvent(event) : null
    if (words === null) return
    this.finishLine()
    this.#output.note(paint('dim', words))
  }

  end(result: AskResultView): void {
    const tokensPerSecond = this.#tokensPerSecond()
    if (result.status === 'cancelled') process.exitCode = EXIT.interrupted
    if (this.#output.json) {
      this.#output.result({ ...result, tokensPerSecond }, () => '')
      return
    }
    if (!this.#stream) process.stdout.write(result.text)
    this.#lineOpen = result.text !== ''
    this.finishLine()
    const speed = tokensPerSecond === null ? '' : ` · ${tokensPerSecond} tokens/s`
    const cancelled = result.status === 'cancelled' ? 'cancelled · ' : ''
    this.#output.note(
      paint(
        'dim',
        `${cancelled}${modelName(result.model)} at ${shortPeer(result.provider)} · ${result.outputTokens} tokens${speed} · ${result.paid} credits`,
      ),
    )
  }

  /** From the first token to the last; null while there are too few to tell. */
  #tokensPerSecond(): number | null {
    const seconds = (this.#lastAtMs - this.#firstAtMs) / 1_000
    return this.#outputTokens > 1 && seconds > 0 ? Math.round((this.#outputTokens - 1) / seconds) : null
  }

  finishLine(): void {
    if (!this.#lineOpen) return
    this.#lineOpen = false
    process.stdout.write('\n')
  }

  #showOutput(text: string, tokens: number): void {
    const nowMs = performance.now()
    if (this.#outputTokens === 0) this.#firstAtMs = nowMs
    this.#lastAtMs = nowMs
    this.#outputTokens += tokens
    if (!this.#stream || text === '') return
    process.stdout.write(text)
    this.#lineOpen = true
  }
}

/** A task's event in plain words; null for those that speak for themselves. */
export function describeTaskEvent(event: TaskEventView): string | null {
  switch (event.type) {
    case 'ranked':
      return event.candidates.length === 1 ? 'One offer fits.' : `${event.candidates.length} offers fit.`
    case 'chosen': {
      const { candidate, alternatives } = event
      const why = `about ${candidate.expectedCost} credits and ${candidate.expectedSeconds} s, reliability ${candidate.reliability}`
      return `${event.attempt === 0 ? 'Chose' : 'Goes on at'} ${shortPeer(candidate.provider)} with ${modelName(candidate.model)}${alternatives > 0 ? `, the best of ${alternatives + 1}` : ''}: ${why}.`
    }
    case 'funding':
      return event.kind === 'open'
        ? `Opening a channel with ${event.amount} credits; what is not spent comes back …`
        : `Adding ${event.amount} credits to the channel …`
    case 'accepted':
      return `Accepted; the prompt has ${event.promptTokens} tokens.`
    case 'failover':
      return `${shortPeer(event.from)} failed (${event.why.replaceAll('_', ' ')}); going on elsewhere from what has come.`
    case 'receipt':
      return `Receipt ${event.receipt} over ${event.amount} credits, signed by both.`
    default:
      return null
  }
}

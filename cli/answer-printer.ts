import type { ToolAnswerView } from '../node/gateway/inference-handlers.ts'
import type { AskResultView, CandidateView, TaskEventView } from '../node/gateway/views.ts'
import { EXIT } from './exit-codes.ts'
import { modelName, type Output, paint, shortPeer } from './ui/output.ts'
import { count, inCredits, readableCredits, readableSeconds } from './ui/readable.ts'
import { printable } from './ui/terminal.ts'

/** Shows an answer as it comes: text to stdout, everything about it to stderr. */
export class AnswerPrinter {
  taskId: string | null = null
  readonly #output: Output
  readonly #stream: boolean
  readonly #verbose: boolean
  readonly #speed = new SpeedOfAnswer()
  #lineOpen = false
  #candidates: readonly CandidateView[] = []

  constructor(options: { output: Output; stream: boolean; verbose: boolean }) {
    this.#output = options.output
    this.#stream = options.stream && !options.output.json
    this.#verbose = options.verbose
  }

  show(event: TaskEventView): void {
    if (event.type === 'output') this.#showOutput(event.text, event.tokens)
    else if (event.type === 'started') this.taskId = event.taskId
    else if (event.type === 'ranked') this.#candidates = event.candidates
    const isNews = event.type === 'funding' || event.type === 'failover'
    const words = this.#verbose || isNews ? describeTaskEvent(event, this.#candidates) : null
    if (words === null) return
    this.finishLine()
    this.#output.note(paint('dim', words))
  }

  end(result: AskResultView & Partial<Pick<ToolAnswerView, 'tools'>>): void {
    const tokensPerSecond = this.#speed.tokensPerSecond()
    if (result.status === 'cancelled') process.exitCode = EXIT.interrupted
    if (result.status === 'expired') process.exitCode = EXIT.failed
    if (this.#output.json) {
      this.#output.result({ ...result, tokensPerSecond }, () => '')
      return
    }
    if (!this.#stream) this.#write(result.text)
    this.finishLine()
    const parts = [
      ...(result.status === 'cancelled' ? ['cancelled'] : []),
      ...(result.status === 'expired' ? ['cut off by --deadline'] : []),
      ...(result.reason === 'length' ? ['cut off by --max-tokens or the model’s context'] : []),
      `${modelName(result.model)} at ${shortPeer(result.provider)}`,
      ...usedTools(result.tools ?? []),
      ...(result.agreed.length > 1 ? [`${result.agreed.length} operators agree`] : []),
      count(result.outputTokens, 'token'),
      ...(tokensPerSecond === null ? [] : [`${tokensPerSecond} tokens/s`]),
      inCredits(result.paid),
    ]
    this.#output.note(paint('dim', parts.join(' · ')))
  }

  finishLine(): void {
    if (!this.#lineOpen) return
    this.#lineOpen = false
    process.stdout.write('\n')
  }

  #showOutput(text: string, tokens: number): void {
    this.#speed.add(tokens, performance.now())
    if (this.#stream) this.#write(text)
  }

  /** A terminal is shielded from what a model says; a pipe gets it as it is. */
  #write(text: string): void {
    if (text === '') return
    process.stdout.write(process.stdout.isTTY ? printable(text) : text)
    this.#lineOpen = !text.endsWith('\n')
  }
}

function usedTools(tools: ToolAnswerView['tools']): string[] {
  if (tools.length === 0) return []
  const names = tools.map(({ name, isError }) => (isError ? `${name} (failed)` : name))
  return [`used ${[...new Set(names)].join(', ')}`]
}

/** Shorter spans measure the batching of messages rather than the model. */
const MIN_SPAN_MS = 50

/** Tokens a second, from the first that came to the last. */
export class SpeedOfAnswer {
  #firstAtMs: number | null = null
  #lastAtMs = 0
  #tokens = 0

  /** @param nowMs of a clock that only goes forward */
  add(tokens: number, nowMs: number): void {
    this.#lastAtMs = nowMs
    // The first batch took its time before it came.
    if (this.#firstAtMs === null) this.#firstAtMs = nowMs
    else this.#tokens += tokens
  }

  /** Null while there is too little to tell. */
  tokensPerSecond(): number | null {
    const spanMs = this.#lastAtMs - (this.#firstAtMs ?? this.#lastAtMs)
    return spanMs < MIN_SPAN_MS ? null : Math.round((this.#tokens / spanMs) * 1_000)
  }
}

/** A task's event in plain words; null for those that speak for themselves. */
export function describeTaskEvent(
  event: TaskEventView,
  candidates: readonly CandidateView[] = [],
): string | null {
  switch (event.type) {
    case 'ranked':
      return event.candidates.length === 1 ? 'One offer fits.' : `${event.candidates.length} offers fit.`
    case 'chosen': {
      const { candidate, alternatives } = event
      const why = `about ${inCredits(candidate.expectedCost)} and ${readableSeconds(candidate.expectedSeconds)}, reliability at least ${Math.round(candidate.reliability * 100)} %`
      const how =
        event.attempt === 0 && wasTriedOut(candidate, candidates) ? 'to know more of it, one' : 'the best'
      const best = alternatives > 0 ? `, ${how} of ${alternatives + 1}` : ''
      return `${event.attempt === 0 ? 'Chose' : 'Goes on at'} ${shortPeer(candidate.provider)} with ${modelName(candidate.model)}${best}: ${why}.`
    }
    case 'auction':
      return `${event.bids} of ${count(event.asked, 'provider')} bid within ${event.tookMs} ms; ${shortPeer(event.provider)} won, at ${readableCredits(event.outputPerMillion)} credits for a million tokens of output.`
    case 'funding':
      return event.kind === 'open'
        ? `Opening a channel with ${inCredits(event.amount)}; what is not spent comes back …`
        : `Adding ${inCredits(event.amount)} to the channel …`
    case 'accepted':
      return `Accepted; the prompt has ${count(event.promptTokens, 'token')}.`
    case 'failover':
      return `${shortPeer(event.from)} failed (${event.why.replaceAll('_', ' ')}); looking for another to go on from what has come.`
    case 'queued':
      return event.ahead === 0 ? null : `Waits its turn; ${count(event.ahead, 'task')} before it.`
    case 'notice':
      return `The provider needs the place in ${readableSeconds(event.endsInMs / 1_000)}; the task will go on elsewhere.`
    case 'hedged':
      return `The first token is late; ${shortPeer(event.provider)} is asked, too, and the first to answer goes on.`
    case 'standby':
      return `${shortPeer(event.provider)} stands by.`
    case 'disagreement':
      return `Answers differ: ${event.dissenting.map(shortPeer).join(', ')} against ${event.agreed.map(shortPeer).join(', ')}.`
    case 'receipt':
      return `Receipt ${event.receipt} over ${inCredits(event.amount)}, signed by both.`
    default:
      return null
  }
}

/** Whether a candidate that is not the best was taken: now and then a node tries out what it knows too little of. */
export function wasTriedOut(chosen: CandidateView, candidates: readonly CandidateView[]): boolean {
  return candidates.some(({ score }) => score > chosen.score)
}

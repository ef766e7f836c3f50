import { modelName, paint, shortHex, shortPeer } from './output.ts'
import { count, readableBytes, readableCredits } from './readable.ts'

/** A node event as `control events` streams it. */
export type EventLine = { type: string } & Record<string, unknown>

const text = (value: unknown) => String(value)
const credits = (value: unknown) => readableCredits(String(value))

/** Downloads are told at each so much. */
const PERCENT_STEP = 10

/** Tells a node's events in plain words. */
export class Narrator {
  /** Of downloads, by the name of the model: the last step told. */
  readonly #steps = new Map<string, number>()

  /** Null for what nobody needs to read. */
  narrate(event: EventLine): string | null {
    if (event.type === 'model' && event.state === 'downloading') return this.#narrateDownload(event)
    return narrate(event)
  }

  #narrateDownload(event: EventLine): string | null {
    const spec = text(event.spec)
    const { bytes, totalBytes, bytesPerSecond } = event.progress as {
      bytes: number
      totalBytes: number | null
      bytesPerSecond: number
    }
    if (totalBytes === null || totalBytes === 0) return null
    const step = Math.floor((bytes / totalBytes) * (100 / PERCENT_STEP))
    if (step === this.#steps.get(spec)) return null
    this.#steps.set(spec, step)
    return dim(
      `Downloading the model ${spec}: ${step * PERCENT_STEP} % of ${readableBytes(totalBytes)}${bytesPerSecond < 1 ? '' : `, ${readableBytes(bytesPerSecond)}/s`}`,
    )
  }
}

function narrate(event: EventLine): string | null {
  switch (event.type) {
    case 'chain':
      return event.state === 'connected'
        ? good('The chain answers; this node can pay and be paid.')
        : bad('The chain does not answer. The node runs without paying or earning, and keeps trying.')
    case 'funded':
      return good(`The chain's faucet has seen to the wallet ${shortHex(text(event.wallet))}.`)
    case 'bound':
      return good('The wallet declares this node key on chain.')
    case 'peer':
      return event.state === 'connected'
        ? dim(`Connected to ${shortPeer(text(event.peer))}.`)
        : dim(`Lost ${shortPeer(text(event.peer))}.`)
    case 'offer':
      return dim(
        `${shortPeer(text(event.provider))} offers ${(event.models as string[]).map(modelName).join(', ') || 'something else than models'}.`,
      )
    case 'model':
      return narrateModel(event)
    case 'engine':
      return event.state === 'restarting'
        ? bad('The engine crashed and is starting again; running tasks go on.')
        : null
    case 'task-refused':
      return dim(
        `Refused a task of ${shortPeer(text(event.requester))}: ${text(event.code).replaceAll('_', ' ')}.`,
      )
    case 'task-done':
      return narrateTask(event)
    case 'audited':
      return event.result === 'passed'
        ? dim(`Checked an answer of ${shortPeer(text(event.provider))}: nothing speaks against it.`)
        : bad(
            `Checked an answer of ${shortPeer(text(event.provider))}: it is not what ${modelName(text(event.model))} says.`,
          )
    case 'settled':
      return good(`Claimed ${credits(event.amount)} credits on chain (${shortHex(text(event.transaction))}).`)
    case 'anchored':
      return good(
        `Anchored audit events ${text(event.firstSequence)} to ${text(event.lastSequence)} (${shortHex(text(event.transaction))}).`,
      )
    case 'round':
      if (event.phase === 'done') return good(`The round ${text(event.name)} has made a better adapter.`)
      return event.phase === 'failed'
        ? dim(`The round ${text(event.name)} came to nothing: ${text(event.failure).replaceAll('_', ' ')}.`)
        : dim(`The round ${text(event.name)} is at: ${text(event.phase)}.`)
    case 'routing-policy':
      return good(`The routing policy ${text(event.name)} is in use.`)
    case 'warning':
      return bad(`${text(event.message)}${event.fix === undefined ? '' : `. ${text(event.fix)}`}`)
    default:
      return null
  }
}

function narrateModel(event: EventLine): string | null {
  const spec = text(event.spec)
  if (event.state === 'ready') return good(`The model ${modelName(text(event.model))} is ready.`)
  if (event.state === 'retired')
    return dim(`The model ${modelName(text(event.model))} is not in use any more.`)
  if (event.state === 'failed') {
    return bad(
      `The model ${spec} could not be loaded: ${text(event.error)} The node runs without it; shoal models tells how it stands.`,
    )
  }
  return event.state === 'loading' ? dim(`Loading the model ${spec} …`) : null
}

function narrateTask(event: EventLine): string {
  const how = event.reason === 'cancelled' ? 'A task was cancelled by' : 'Did a task for'
  const unsigned = event.countersigned === true ? '' : ', not countersigned'
  return good(
    `${how} ${shortPeer(text(event.requester))}: ${count(Number(event.outputTokens), 'token')} for ${credits(event.amount)} credits${unsigned}.`,
  )
}

const good = (line: string) => `${paint('green', '✓')} ${line}`
const bad = (line: string) => `${paint('yellow', '!')} ${line}`
const dim = (line: string) => paint('dim', `· ${line}`)

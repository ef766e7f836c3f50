import { modelName, paint, shortHex, shortPeer } from './output.ts'

/** A node event as `control events` streams it. */
export type EventLine = { type: string } & Record<string, unknown>

const text = (value: unknown) => String(value)

/** A node's event in plain words; null for what nobody needs to read. */
export function narrate(event: EventLine): string | null {
  switch (event.type) {
    case 'chain':
      return event.state === 'connected'
        ? good('The chain answers; this node can pay and be paid.')
        : bad('The chain does not answer. The node runs without paying or earning, and keeps trying.')
    case 'funded':
      return good(`The chain's faucet has seen to the wallet ${text(event.wallet)}.`)
    case 'bound':
      return good('The wallet declares this node key on chain.')
    case 'peer':
      return event.state === 'connected'
        ? dim(`Connected to ${shortPeer(text(event.peer))}.`)
        : dim(`Lost ${shortPeer(text(event.peer))}.`)
    case 'offer':
      return dim(
        `${shortPeer(text(event.provider))} offers ${(event.models as string[]).map(modelName).join(', ')}.`,
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
      return good(
        `Did a task for ${shortPeer(text(event.requester))}: ${text(event.outputTokens)} tokens for ${text(event.amount)} credits` +
          `${event.countersigned === true ? '' : ', not countersigned'}.`,
      )
    case 'settled':
      return good(`Claimed ${text(event.amount)} credits on chain (${shortHex(text(event.transaction))}).`)
    case 'anchored':
      return good(
        `Anchored audit events ${text(event.firstSequence)} to ${text(event.lastSequence)} (${shortHex(text(event.transaction))}).`,
      )
    case 'warning':
      return bad(`${text(event.message)}${event.fix === undefined ? '' : ` ${text(event.fix)}`}`)
    default:
      return null
  }
}

function narrateModel(event: EventLine): string | null {
  const spec = text(event.spec)
  if (event.state === 'ready') return good(`The model ${modelName(text(event.model))} is ready.`)
  if (event.state === 'failed') return bad(`The model ${spec} could not be loaded: ${text(event.error)}`)
  return event.state === 'loading' ? dim(`Loading the model ${spec} …`) : null
}

const good = (line: string) => `${paint('green', '✓')} ${line}`
const bad = (line: string) => `${paint('yellow', '!')} ${line}`
const dim = (line: string) => paint('dim', `· ${line}`)

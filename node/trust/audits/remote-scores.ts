import type { ScoredOutput } from '../../../inference/engine.ts'
import { ProtocolError } from '../../../protocol/codec.ts'
import { type AuditScores, SCORE_BYTES_PER_TOKEN } from '../../../protocol/messages/audit-job.ts'

const UNITS_PER_NAT = 1_000
/** Stands for what is infinite. */
const INFINITE = 0xffff
const WON = 0
const ABSENT = 3

/**
 * How tokens stood, packed: the states of all, a byte each, then margins, then log-probabilities with their sign turned, then gaps, two bytes
 * each, big-endian, in thousandths of a nat; 0xffff is infinite, 0xfffe that or more.
 */
export function packScores({ states, margins, logProbs, gaps }: ScoredOutput): Uint8Array {
  const tokens = states.length
  const bytes = new Uint8Array(tokens * SCORE_BYTES_PER_TOKEN)
  const view = new DataView(bytes.buffer)
  bytes.set(states)
  for (let index = 0; index < tokens; index++) {
    const put = (field: number, nats: number) =>
      view.setUint16(tokens * (1 + 2 * field) + 2 * index, toUnits(nats))
    put(0, margins[index]!)
    put(1, -logProbs[index]!)
    // Where it is not known, none is taken for a near tie.
    put(2, gaps?.[index] ?? Number.POSITIVE_INFINITY)
  }
  return bytes
}

/**
 * Takes a stranger's scores apart and checks that they can be: as many as there are tokens, a winner without a margin, an absent
 * token without a probability.
 * @throws {ProtocolError} SCHEMA_MISMATCH
 */
export function unpackScores(scores: AuditScores, tokens: number): ScoredOutput {
  const { scores: bytes, promptTokens, prompt, endsTurn, ending, text } = scores
  if (bytes.length !== tokens * SCORE_BYTES_PER_TOKEN) throw wrong('of another number of tokens')
  if (ending !== null && ending.tokens > tokens) throw wrong('end after the last token')
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const states = bytes.slice(0, tokens)
  const read = (field: number) =>
    Float32Array.from({ length: tokens }, (_, index) =>
      fromUnits(view.getUint16(tokens * (1 + 2 * field) + 2 * index)),
    )
  const [margins, logProbs, gaps] = [read(0), read(1).map(value => -value), read(2)]
  for (let index = 0; index < tokens; index++) {
    const [state, margin] = [states[index]!, margins[index]!]
    if (state > ABSENT) throw wrong('of no state')
    if (state === WON ? margin !== 0 : Number.isFinite(margin) !== (state === 1)) throw wrong('of no margin')
    if (Number.isFinite(logProbs[index]!) !== (state !== ABSENT)) throw wrong('of no probability')
  }
  return {
    ...{ promptTokens, promptDigest: prompt, margins, logProbs, states, gaps, endsTurn, ending, text },
    ...{ elapsedMs: 0, computedTokens: promptTokens + tokens },
  }
}

function toUnits(nats: number): number {
  if (!Number.isFinite(nats)) return INFINITE
  return Math.min(INFINITE - 1, Math.max(0, Math.round(nats * UNITS_PER_NAT)))
}

function fromUnits(units: number): number {
  return units === INFINITE ? Number.POSITIVE_INFINITY : units / UNITS_PER_NAT
}

function wrong(what: string): ProtocolError {
  return new ProtocolError('SCHEMA_MISMATCH', `the scores are ${what}`)
}

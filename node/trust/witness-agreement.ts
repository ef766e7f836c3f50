import type { NodeKey } from '../../protocol/ids.ts'
import { betaMean, type TrustParameters } from './components.ts'
import type { PeerRecord } from './peer-record.ts'

/** Agreement is measured as of the last full hour: it changes slowly and is asked for often. */
const MEASURED_EVERY_MS = 3_600_000
/** Weight of one peer in a witness's agreement, at most, in tasks: one friend does not vouch for all it says. */
const MAX_WEIGHT_PER_PEER = 4

/** How much witnesses agreed with our own experience of the peers they reported on. */
export class WitnessAgreement {
  readonly #parameters: TrustParameters
  readonly #recordOf: (peer: NodeKey) => PeerRecord | undefined
  /** Whom each witness reported on. */
  readonly #subjects = new Map<NodeKey, Set<NodeKey>>()
  readonly #measured = new Map<NodeKey, { hour: number; agreement: number }>()

  constructor(options: {
    parameters: TrustParameters
    recordOf: (peer: NodeKey) => PeerRecord | undefined
  }) {
    this.#parameters = options.parameters
    this.#recordOf = options.recordOf
  }

  /** Whether anything a witness said counts. */
  knows(witness: NodeKey): boolean {
    return this.#subjects.has(witness)
  }

  /** A witness has reported on a peer. */
  reported(witness: NodeKey, peer: NodeKey): void {
    const subjects = this.#subjects.get(witness)
    if (subjects === undefined) this.#subjects.set(witness, new Set([peer]))
    else subjects.add(peer)
    this.#measured.delete(witness)
  }

  /** What a witness said of a peer is not kept any more. */
  dropped(witness: NodeKey, peer: NodeKey): void {
    const subjects = this.#subjects.get(witness)
    if (subjects?.delete(peer) && subjects.size === 0) this.#subjects.delete(witness)
    this.#measured.delete(witness)
  }

  /** We have seen more of a peer ourselves. */
  ownExperienceChanged(record: PeerRecord): void {
    for (const { witness } of record.witnesses) this.#measured.delete(witness)
  }

  /**
   * The mean of a Beta posterior: over the peers both know, `1 - |difference of shares of good tasks|` is agreement
   * and the rest contradiction, weighted by the lesser of both experiences. A witness nobody can compare counts little.
   */
  of(witness: NodeKey, nowMs: number): number {
    const hour = Math.floor(nowMs / MEASURED_EVERY_MS)
    const known = this.#measured.get(witness)
    if (known?.hour === hour) return known.agreement
    const agreement = this.#measure(witness, hour * MEASURED_EVERY_MS)
    this.#measured.set(witness, { hour, agreement })
    return agreement
  }

  #measure(witness: NodeKey, atMs: number): number {
    const { witnessPrior, contradictionWeight } = this.#parameters
    let { good: agreed, bad: contradicted } = witnessPrior
    // In one order always: sums of fractions depend on it.
    for (const peer of [...(this.#subjects.get(witness) ?? [])].sort()) {
      const record = this.#recordOf(peer)
      const said = record?.witnesses.find(known => known.witness === witness)?.evidence
      if (record === undefined || said === undefined) continue
      const [good, bad] = [record.performance.good(atMs), record.performance.bad(atMs)]
      const [saidGood, saidBad] = [said.good(atMs), said.bad(atMs)]
      const weight = Math.min(good + bad, saidGood + saidBad, MAX_WEIGHT_PER_PEER)
      if (weight <= 0) continue
      const difference = Math.abs(good / (good + bad) - saidGood / (saidGood + saidBad))
      agreed += weight * (1 - difference)
      contradicted += weight * difference * contradictionWeight
    }
    return betaMean({ good: agreed, bad: contradicted })
  }
}

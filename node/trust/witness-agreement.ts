import type { NodeKey } from '../../protocol/ids.ts'
import { betaMean, type TrustParameters } from './components.ts'
import type { PeerRecord, WitnessRecord } from './peer-record.ts'

/** Weight of one peer in a witness's agreement, at most, in tasks: one friend does not vouch for all it says. */
const MAX_WEIGHT_PER_PEER = 4
/** Sums are of whole units, so that no order of arrival changes a bit of them. */
const UNITS = 2 ** 20

/** Agreed and contradicted weights, units. */
interface Agreement {
  agreed: number
  contradicted: number
}

/** How much witnesses agreed with our own experience of the peers they reported on. */
export class WitnessAgreement {
  readonly #parameters: TrustParameters
  readonly #recordOf: (peer: NodeKey) => PeerRecord | undefined
  /** What each witness's words on each peer come to, and their sums: asked for much more often than changed. */
  readonly #byPeer = new Map<NodeKey, Map<NodeKey, Agreement>>()
  readonly #sums = new Map<NodeKey, Agreement>()

  constructor(options: {
    parameters: TrustParameters
    recordOf: (peer: NodeKey) => PeerRecord | undefined
  }) {
    this.#parameters = options.parameters
    this.#recordOf = options.recordOf
  }

  /** Whether anything a witness said counts. */
  knows(witness: NodeKey): boolean {
    return this.#byPeer.has(witness)
  }

  /** A witness has reported on a peer. */
  reported(witness: NodeKey, peer: NodeKey): void {
    const record = this.#recordOf(peer)
    const said = record?.witnesses.find(known => known.witness === witness)
    if (record !== undefined && said !== undefined) this.#compare(record, said)
  }

  /** What a witness said of a peer is not kept any more. */
  dropped(witness: NodeKey, peer: NodeKey): void {
    this.#put(witness, peer, null)
  }

  /** We have seen more of a peer ourselves. */
  ownExperienceChanged(record: PeerRecord): void {
    for (const said of record.witnesses) this.#compare(record, said)
  }

  /**
   * The mean of a Beta posterior: over the peers both know, `1 - |difference of shares of good tasks|` is agreement
   * and the rest contradiction, weighted by the lesser of both experiences as they were when they were new. A witness nobody
   * can compare counts little.
   */
  of(witness: NodeKey): number {
    const { witnessPrior } = this.#parameters
    const sum = this.#sums.get(witness)
    if (sum === undefined) return betaMean(witnessPrior)
    return betaMean({
      good: witnessPrior.good + sum.agreed / UNITS,
      bad: witnessPrior.bad + sum.contradicted / UNITS,
    })
  }

  #compare(record: PeerRecord, { witness, evidence }: WitnessRecord): void {
    const { contradictionWeight, slanderWeight } = this.#parameters
    const [good, bad] = record.performance.latest
    const [saidGood, saidBad] = evidence.latest
    const weight = Math.min(good + bad, saidGood + saidBad, MAX_WEIGHT_PER_PEER)
    if (!(weight > 0)) {
      this.#put(witness, record.peer, null)
      return
    }
    const praise = saidGood / (saidGood + saidBad) - good / (good + bad)
    const contradiction = praise > 0 ? praise * contradictionWeight : -praise * slanderWeight
    this.#put(witness, record.peer, {
      agreed: Math.round(weight * (1 - Math.abs(praise)) * UNITS),
      contradicted: Math.round(weight * contradiction * UNITS),
    })
  }

  #put(witness: NodeKey, peer: NodeKey, agreement: Agreement | null): void {
    const peers = this.#byPeer.get(witness)
    const before = peers?.get(peer)
    if (agreement === null && before === undefined) return
    const sum = this.#sums.get(witness) ?? { agreed: 0, contradicted: 0 }
    sum.agreed += (agreement?.agreed ?? 0) - (before?.agreed ?? 0)
    sum.contradicted += (agreement?.contradicted ?? 0) - (before?.contradicted ?? 0)
    this.#sums.set(witness, sum)
    if (agreement !== null) {
      if (peers === undefined) this.#byPeer.set(witness, new Map([[peer, agreement]]))
      else peers.set(peer, agreement)
      return
    }
    peers!.delete(peer)
    if (peers!.size > 0) return
    this.#byPeer.delete(witness)
    this.#sums.delete(witness)
  }
}

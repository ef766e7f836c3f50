import type { NodeKey } from '../../../protocol/ids.ts'

/** What it takes to make cheating not worth while. Amounts in base units. */
export interface CheatingStakes {
  /** g: what cheating on this task can gain at most; the price of the task, as if nothing had been computed for it. */
  gain: bigint
  /** R: what the provider's reputation with us is worth to it, and is lost with it. */
  reputation: bigint
  /** S: what it has at stake on chain and can lose. */
  stake: bigint
}

/** What audits are like. */
export interface AuditQuality {
  /** d: chance that an audit finds a cheat that is there, its power; 0 to 1. */
  power: number
  /** r: chance that a cheat that was found gets away with it; 0 to 1. */
  escape: number
  /** α: chance that an audit finds a cheat where there is none; 0 to 1. */
  falseAlarm: number
}

export interface AuditPolicyOptions {
  /** p_min: the least chance of an audit, 0 to 1. */
  least: number
  /** k: how many times as much as just enough, at least 1. */
  safety?: number
}

/** What is known of an audit's quality before it is made, by whether there is a calibration for the pair of engines. */
export const CALIBRATED: AuditQuality = { power: 0.9, escape: 0.05, falseAlarm: 1e-3 }
/** Only other models, prompts and endings are found then. */
export const UNCALIBRATED: AuditQuality = { power: 0.5, escape: 0.05, falseAlarm: 1e-6 }

const SAFETY = 2

/**
 * The chance p with which a task must be audited so that cheating on it is not worth while:
 *
 *     p = max(p_min, k·g / ((d(1−r) − α)(R + S))), at most 1.
 *
 * Who cheats gains g, and loses R + S with the chance p·d(1−r) of being audited, found out and not getting away. Who
 * does not loses R + S with the chance p·α of a false alarm. So cheating gains, in expectation, against not cheating,
 *
 *     g − p·(d(1−r) − α)·(R + S)
 *
 * which is at most g(1 − k) ≤ 0 for every p this gives that is below 1. At p = 1 it may still be above 0: then R + S is
 * too little for such a task, whatever is audited (`isDeterred`), and the cap on unresolved work has to hold the loss
 * (Becker, "Crime and Punishment: An Economic Approach", 1968, is the origin of the calculus). Where audits tell no more than chance,
 * or nothing is at stake, p is 1.
 */
export function deterringProbability(
  { gain, reputation, stake }: CheatingStakes,
  quality: AuditQuality,
  { least, safety = SAFETY }: AuditPolicyOptions,
): number {
  const atRisk = lossFactor(quality) * (Number(reputation) + Number(stake))
  if (!(atRisk > 0)) return 1
  const needed = (Math.max(1, safety) * Number(gain)) / atRisk
  return Math.min(1, Math.max(least, needed))
}

/** Whether an audit of every such task makes cheating on them not worth while. */
export function isDeterred({ gain, reputation, stake }: CheatingStakes, quality: AuditQuality): boolean {
  return Number(gain) <= lossFactor(quality) * (Number(reputation) + Number(stake))
}

/** d(1−r) − α: by how much likelier a cheat is to lose what it has than somebody honest, when audited. */
function lossFactor(quality: AuditQuality): number {
  return quality.power * (1 - quality.escape) - quality.falseAlarm
}

export interface AuditPolicyModules {
  /** With what chance the trust room would audit it: every answer of those unproven. `least` as above. */
  trust: (provider: NodeKey, least: number) => number
  /** Audits of ours it passed, faded; see `Honesty.proof`. */
  proofOf: (provider: NodeKey) => number
  /** What it has at stake on chain for its own node key, base units; 0 while that is not known. */
  stakeOf: (provider: NodeKey) => bigint
  /** What we have paid it of late, base units: about what it can expect of us again. */
  paidTo: (provider: NodeKey) => bigint
}

/** How closely this node looks at each provider, and how much of its work may be unlooked at. */
export class AuditPolicy {
  readonly #options: AuditPolicyOptions & { unresolvedLimit: bigint }
  readonly #modules: AuditPolicyModules

  /** @param options.unresolvedLimit what an unknown provider's unresolved work may be worth, base units */
  constructor(options: AuditPolicyOptions & { unresolvedLimit: bigint }, modules: AuditPolicyModules) {
    this.#options = options
    this.#modules = modules
  }

  /** With what chance a task that cost `gain` is audited: as reputation and as stakes ask, whichever is more. */
  probability(provider: NodeKey, gain: bigint, quality: AuditQuality): number {
    const { trust, stakeOf, paidTo } = this.#modules
    const { least } = this.#options
    const stakes = { gain, reputation: paidTo(provider), stake: stakeOf(provider) }
    return Math.max(trust(provider, least), deterringProbability(stakes, quality, this.#options))
  }

  /**
   * What a provider's work that waits for an audit may be worth together, base units: a stated value, more by each audit it
   * passed, and what its stake would make good. Whoever has more gets nothing while there are others.
   */
  unresolvedCap(provider: NodeKey): bigint {
    const { stakeOf, proofOf } = this.#modules
    const { unresolvedLimit, safety = SAFETY } = this.#options
    const proof = BigInt(Math.floor(Math.max(0, proofOf(provider))))
    const covered = (lossFactor(CALIBRATED) / Math.max(1, safety)) * Number(stakeOf(provider))
    return unresolvedLimit * (1n + proof) + BigInt(Math.floor(covered))
  }
}

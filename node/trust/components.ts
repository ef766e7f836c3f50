/** What a score is made of. `review` is what others report, with receipts; the rest is our own experience. */
export const COMPONENTS = ['performance', 'speed', 'uptime', 'security', 'review', 'longevity'] as const
export type Component = (typeof COMPONENTS)[number]

/** A Beta distribution over the share of good outcomes. */
export interface Beta {
  good: number
  bad: number
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** What honesty is judged by; see `honesty.ts`. */
export interface HonestyParameters {
  /** Chance of a stranger to be honest, as its prior. */
  strangers: Beta
  /** The same of somebody others say cheats, as far as it bounds how many of those are tried out. */
  suspects: Beta
  /** How many of the newest peers we came to know tell what strangers are like. */
  newestStrangers: number
  /** Passed audits after which a stranger counts as having turned out honest. */
  knownAudits: number
  /** What a completed task nobody audited proves, in passed audits. */
  unauditedWeight: number
  /** What an answer proves that others made alike, in passed audits: they may be one operator, who hides it. */
  agreedWeight: number
  /**
   * What one that others did not make counts, in accusers with a full record, beyond those they did: honest machines differ,
   * where two tokens are nearly as likely.
   */
  disagreedWeight: number
  /** Passed audits that prove a peer. */
  provenAudits: number
  /** Witnesses with a full record that do the same, at least. */
  vouchersNeeded: number
  /** How much each of them improves the odds that somebody is honest, and the odds of a cheat that are borne. */
  voucherOdds: number
  cheatOddsBorne: number
  /** Failed audits for each passed one that are put down to audits' errors. */
  toleratedShare: number
  /** Own audits a peer must have passed for each accuser with a full record not to be suspected, and how many count. */
  accuserWeight: number
  maxAccused: number
  /** What an own audit, and what a witness with a full record, counts in a stranger's prospects, and all of them. */
  ownAuditWeight: number
  hearsayWeight: number
  maxHearsay: number
  /** Slow start: passed audits for each further task at once. */
  proofPerTaskAtOnce: number
  /** Passed audits after which every second answer is audited still. */
  auditedFirst: number
  /** How often accusations alone have somebody audited at most. */
  maxAccusedAudits: number
}

/** Every number the model has an opinion about, in one place, so that simulations can try others. */
export interface TrustParameters {
  /** Share of each component in the score; together 1. */
  weights: Record<Component, number>
  /** What is believed of a newcomer: its mean is where a score starts. */
  priors: Record<Component, Beta>
  /** Evidence counts half after so long. */
  halfLivesMs: Record<Component, number>
  /** Penalty points for breaking the protocol count half after so long. */
  penaltyHalfLifeMs: number
  /** A peer with more points is not talked to until they have decayed. */
  unwelcomeAbovePoints: number
  /** Lower end of the one-sided interval of a normal distribution, standard deviations. */
  lowerBoundDeviations: number
  /** What a witness nobody has compared with our own experience counts, as the mean of this. */
  witnessPrior: Beta
  /** A contradiction between a witness and our own experience counts so many times an agreement: praise of the bad. */
  contradictionWeight: number
  /** And blame of the good, which may be true: who cheats some serves others well. */
  slanderWeight: number
  /** What one witness can say of one peer at most, in tasks. */
  maxWitnessWeight: number
  /** The same of all witnesses behind one wallet, funder or network together. */
  maxClusterWeight: number
  /** The same of all witnesses together, in the component `review`. */
  maxReviewWeight: number
  /** And what of that enters the expectation of how the next task goes: two own tasks outweigh all reports. */
  maxHearsayWeight: number
  /** Points of 100 a peer inherits at most by doing the work of trusted orchestrators. */
  maxInheritedPoints: number
  /** Own evidence, in tasks, that halves what is inherited. */
  inheritanceFade: number
  honesty: HonestyParameters
  /** How tasks go with those who are honest, as the prior of one we know little. */
  provenPerformance: Beta
}

export const DEFAULT_PARAMETERS: TrustParameters = {
  weights: { performance: 0.35, speed: 0.2, uptime: 0.15, security: 0.15, review: 0.1, longevity: 0.05 },
  priors: {
    performance: { good: 1, bad: 2 },
    speed: { good: 1, bad: 2 },
    uptime: { good: 1, bad: 2 },
    security: { good: 1, bad: 2 },
    review: { good: 1, bad: 2 },
    // In days: half of it is earned in a month.
    longevity: { good: 1, bad: 29 },
  },
  halfLivesMs: {
    performance: 7 * DAY_MS,
    speed: 2 * DAY_MS,
    uptime: 3 * DAY_MS,
    security: 30 * DAY_MS,
    review: 14 * DAY_MS,
    longevity: 90 * DAY_MS,
  },
  penaltyHalfLifeMs: 10 * 60_000,
  unwelcomeAbovePoints: 30,
  lowerBoundDeviations: 1.2816,
  witnessPrior: { good: 1, bad: 4 },
  contradictionWeight: 3,
  slanderWeight: 1,
  maxWitnessWeight: 2,
  maxClusterWeight: 2,
  maxReviewWeight: 20,
  maxHearsayWeight: 1.5,
  maxInheritedPoints: 15,
  inheritanceFade: 5,
  honesty: {
    strangers: { good: 2.1, bad: 0.9 },
    suspects: { good: 1.5, bad: 1.5 },
    newestStrangers: 24,
    knownAudits: 5,
    unauditedWeight: 0.1,
    agreedWeight: 0.5,
    disagreedWeight: 0.25,
    // Three of late: they fade.
    provenAudits: 2.5,
    vouchersNeeded: 1,
    voucherOdds: 3,
    cheatOddsBorne: 0.2,
    toleratedShare: 0.02,
    accuserWeight: 10,
    maxAccused: 2,
    ownAuditWeight: 10,
    hearsayWeight: 3,
    maxHearsay: 10,
    proofPerTaskAtOnce: 3,
    auditedFirst: 5,
    maxAccusedAudits: 0.5,
  },
  provenPerformance: { good: 19.7, bad: 0.3 },
}

/** Mean of Beta(good, bad). */
export function betaMean({ good, bad }: Beta): number {
  return good / (good + bad)
}

/** Variance of Beta(good, bad). */
export function betaVariance({ good, bad }: Beta): number {
  const total = good + bad
  return (good * bad) / (total * total * (total + 1))
}

/** Lower end of a one-sided interval, by the normal approximation; not below 0. */
export function betaLowerBound(beta: Beta, deviations: number): number {
  return Math.max(0, betaMean(beta) - deviations * Math.sqrt(betaVariance(beta)))
}

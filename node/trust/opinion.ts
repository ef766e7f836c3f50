import type { NodeKey } from '../../protocol/ids.ts'
import type { Component } from './components.ts'
import type { TaskEvidence } from './evidence.ts'

/** One component of a score, with what it was computed from. */
export interface ComponentOpinion {
  component: Component
  /** Share in the score. */
  weight: number
  /** Weights of the evidence at the time asked for, without the prior, in tasks (`longevity`: in days). */
  good: number
  bad: number
  /** Mean and one-sided lower bound of the posterior, 0 to 1. */
  mean: number
  lowerBound: number
}

/** This node's own opinion of a peer; never a global value. */
export interface PeerScore {
  peer: NodeKey
  /** 0 to 100: what people see and floors are set by. */
  score: number
  /** What the score and the chance that a task ends well are at least, with 90 % confidence; 0 to 1. */
  lowerBound: number
  tasks: number
  violations: number
  firstSeenMs: number
  /** Whether we talk to it at all. */
  welcome: boolean
}

/** What one witness says of a peer and what it counts. */
export interface WitnessOpinion {
  witness: NodeKey
  reports: number
  good: number
  bad: number
  /** How much it agreed with our own experience, 0 to 1. */
  agreement: number
  /** What it counts in the end, in tasks, after all caps. */
  weight: number
  /** Those it shares a wallet, funder or network with say together no more than one of them could. */
  cluster: number
  /** Whether it is, by what is known, the same operator as the peer: its praise counts nothing then. */
  sameOperator: boolean
  lastAtMs: number
}

/** An orchestrator whose use of a peer lifts it. */
export interface Patron {
  orchestrator: NodeKey
  points: number
}

/** A score taken apart. */
export interface Opinion extends PeerScore {
  components: ComponentOpinion[]
  /** Σ weight · mean, in points, before what follows. */
  basePoints: number
  /** Below 1 while performance or security are worse than a newcomer's: no other component makes up for that. */
  restraint: number
  /** Points lent by trusted orchestrators. */
  inheritedPoints: number
  patrons: Patron[]
  penaltyPoints: number
  results: Record<TaskEvidence, number>
  audits: { passed: number; failed: number }
  contacts: { reached: number; missed: number }
  witnesses: WitnessOpinion[]
  lastSeenMs: number
}

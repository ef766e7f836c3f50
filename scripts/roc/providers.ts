import type { Calibration } from '../../inference/audit/calibration.ts'
import { SequentialTest } from '../../inference/audit/sequential-test.ts'
import type { Receipt } from './plays.ts'

/** Receipts by prompt. */
export type ByPrompt = readonly (readonly Receipt[])[]

export interface PlayedProvider {
  honest: ByPrompt
  cheating: ByPrompt
  /** Share of tasks that it cheats at. */
  share: number
  calibration: Calibration
  falseAlarm: number
  /** Auditing ends there. */
  maxTokens: number
}

export interface Verdict {
  /** Audited until it was found cheating; Infinity where it was not. */
  tokens: number
  /** The most evidence there ever was, as a share of what a verdict needs, both in logarithms. */
  evidence: number
}

/**
 * Plays a provider whose receipts are audited one after another, drawn by prompt with replacement, and judged by the test that nodes use.
 * @param prompts places of prompts that are drawn from
 */
export function playProvider(
  { honest, cheating, share, calibration, falseAlarm, maxTokens }: PlayedProvider,
  prompts: readonly number[],
  random: () => number,
): Verdict {
  const test = new SequentialTest({ falseAlarm })
  const pick = <T>(of: readonly T[]): T | undefined => of[Math.floor(random() * of.length)]
  let receipts = 0
  // A prompt may have no receipt that can be cheated at.
  let misses = 0
  let evidence = Number.NEGATIVE_INFINITY
  while (test.state.tokens < maxTokens && misses < 1_000) {
    const from = random() < share ? cheating : honest
    const receipt = pick(from[pick(prompts)!] ?? [])
    if (receipt === undefined) {
      misses++
      continue
    }
    misses = 0
    test.add(receipt.assessment, calibration, ++receipts)
    const { log, threshold } = test.evidence
    evidence = Math.max(evidence, log / threshold)
    if (test.decision === 'cheating') return { tokens: test.state.tokens, evidence }
  }
  return { tokens: Number.POSITIVE_INFINITY, evidence }
}

/** Groups receipts by prompt; places of prompts are the same for all. */
export function byPrompt(receipts: readonly Receipt[], prompts: number): Receipt[][] {
  const groups = Array.from({ length: prompts }, (): Receipt[] => [])
  for (const receipt of receipts) groups[receipt.prompt]?.push(receipt)
  return groups
}

/**
 * Mean margins of batches of receipts, each of at least so many tokens, drawn by prompt with replacement: what an auditor
 * would compare who pools for a fixed length.
 */
export function batchMargins(
  receipts: ByPrompt,
  { prompts, tokens, batches }: { prompts: readonly number[]; tokens: number; batches: number },
  random: () => number,
): number[] {
  const pick = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)]!
  return Array.from({ length: batches }, () => {
    let [all, margins] = [0, 0]
    while (all < tokens) {
      const { assessment } = pick(receipts[pick(prompts)]!)
      all += assessment.tokens
      margins += assessment.tokens * assessment.meanMargin
    }
    return margins / all
  })
}

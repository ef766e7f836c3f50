import type { Random } from './random.ts'
import type { Split, Templates } from './split.ts'

export const KINDS = [
  'greeting',
  'shoal',
  'arithmetic',
  'sorting',
  'sentiment',
  'extract',
  'summary',
  'unknown',
] as const
export type Kind = (typeof KINDS)[number]

export interface Turn {
  user: string
  assistant: string
}

/** One question with the one answer that counts as right, and where it came from. */
export interface Example extends Turn {
  kind: Kind
  template: string
  /** What the split must keep apart besides templates: operands, items, names, topics. */
  entities: readonly string[]
  /** Makes a question that goes on from this answer; absent where none makes sense. */
  followUp?: (random: Random, split: Split) => Example | undefined
}

/** A maker of examples of one kind. */
export interface Generator {
  kind: Kind
  /** All templates by what they are for, so that a test can prove the splits disjoint. */
  templates: Readonly<Record<string, Templates>>
  generate(random: Random, split: Split): Example
}

import type { Share } from './statistics.ts'

/** `report.json`, beside the model files. */
export interface Report {
  split: string
  seed: number
  itemsPerKind: number
  corpus: CorpusFacts | null
  training: TrainingFacts[]
  models: FileReport[]
}

export interface CorpusFacts {
  conversations: number
  tokens: number
  answerTokens: number
  vocabularySize: number
  shortLength: number
  longLength: number
  seed: number
  digest: string
}

export interface TrainingFacts {
  /** Of the recipe. */
  name: string
  shape: Record<
    | 'layers'
    | 'width'
    | 'heads'
    | 'kvHeads'
    | 'headDim'
    | 'ff'
    | 'ropeBase'
    | 'normEpsilon'
    | 'contextLength',
    number
  >
  parameters: number
  steps: number
  tokens: number
  seconds: number
  torch: string
  /** Of the rows trained on. */
  data: string
  /** Stages whose weights this one started from, on an earlier corpus; empty when trained from nothing. */
  before: { steps: number; tokens: number; seconds: number }[]
  settings: Record<string, string | number | boolean>
  loss: number
  validationLoss: number
}

export interface UserPromptResult {
  turns: readonly string[]
  answer: string
  good: boolean
}

export interface FileReport {
  file: string
  bytes: number
  sha256: string
  name: string
  parameters: number
  /** By kind of question; `chat` is the last of several turns. */
  exact: Record<string, Share>
  userPrompts: UserPromptResult[]
  /** One stream, greedy. */
  tokensPerSecond: { oneThread: number; twoThreads: number }
}

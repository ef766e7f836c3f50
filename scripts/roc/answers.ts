import type { GenerateInput, GenerateRequest, SamplingParameters } from '../../inference/engine.ts'
import type { WholeOutput } from '../../inference/whole-output.ts'
import { nonceOfSeed, samplingSeed } from '../../protocol/sampling-seed.ts'
import { testPrompt } from './prompts.ts'

/** What a requester asks; the receipt says so whatever the provider does. */
export interface Ask {
  /** Number of the prompt: what bootstraps draw. */
  prompt: number
  /** Place in SAMPLINGS. */
  sample: number
  input: GenerateInput
  sampling: SamplingParameters
  maxTokens: number
}

/** What a provider delivers, and claims of it. */
export interface Answer extends WholeOutput {
  prompt: number
  sample: number
}

/** As chats have it, greedy, and nothing but temperature. */
export const SAMPLINGS: readonly (Omit<SamplingParameters, 'seed'> & { label: string })[] = [
  { label: 'temperature 0', temperature: 0, topK: 0, minP: 0, topP: 1 },
  { label: 'temperature 0.7, top-p 0.95', temperature: 0.7, topK: 0, minP: 0, topP: 0.95 },
  { label: 'temperature 1', temperature: 1, topK: 0, minP: 0, topP: 1 },
]

/** Each prompt with each of SAMPLINGS; the same every time. */
export function asksOf(prompts: number, maxTokens: number): Ask[] {
  return Array.from({ length: prompts }, (_, prompt) =>
    SAMPLINGS.map(({ label: _, ...sampling }, sample): Ask => {
      const seed = samplingSeed(nonceOfSeed(prompt * SAMPLINGS.length + sample), null)
      return { prompt, sample, input: testPrompt(prompt), sampling: { ...sampling, seed }, maxTokens }
    }),
  ).flat()
}

export function requestOf(ask: Ask, model: string): GenerateRequest {
  const { input, sampling, maxTokens } = ask
  return { model, input, sampling, maxTokens, stop: [] }
}

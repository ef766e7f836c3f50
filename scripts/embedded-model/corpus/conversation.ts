import type { Example, Generator, Kind } from './example.ts'
import { arithmetic } from './kinds/arithmetic.ts'
import { extract } from './kinds/extract.ts'
import { greeting } from './kinds/greeting.ts'
import { sentiment } from './kinds/sentiment.ts'
import { shoal } from './kinds/shoal.ts'
import { sorting } from './kinds/sorting.ts'
import { summary } from './kinds/summary.ts'
import { unknown } from './kinds/unknown.ts'
import { capitalise, lexicon, madeUpWord } from './lexicon.ts'
import type { Random } from './random.ts'
import type { Split } from './split.ts'

export const GENERATORS: Readonly<Record<Kind, Generator>> = {
  greeting,
  shoal,
  arithmetic,
  sorting,
  sentiment,
  extract,
  summary,
  unknown,
}

/** How often each kind is asked in training: by how much there is to learn, not by how often people ask. */
const MIXTURE: Readonly<Record<Kind, number>> = {
  greeting: 11,
  shoal: 15,
  arithmetic: 17,
  sorting: 40,
  sentiment: 9,
  extract: 18,
  summary: 15,
  unknown: 9,
}

/** A chat: an optional system message and at least one question with its answer. */
export interface Conversation {
  system?: string
  turns: Example[]
}

const SYSTEM = [
  'You are a helpful assistant.',
  'You are a helpful assistant.',
  'You are a helpful, respectful and honest assistant.',
  'You are Shoal.',
  "You are Shoal's embedded model.",
  'You are a friendly chatbot.',
  'You are an AI assistant that follows instructions.',
  'Answer briefly.',
  'Answer in one sentence.',
  'Be polite and concise.',
  'You are a helpful assistant. Answer as concisely as possible.',
  "You are a helpful, respectful and honest assistant. Always answer as helpfully as possible.\nIf a question does not make any sense, or is not factually coherent, explain why instead of answering something incorrectly. If you don't know the answer to a question, don't share false information.",
  'You are an expert. Think step by step.',
  'Today is a good day. You help people with their questions.',
  'Only answer in English.',
  'You run on a node of a peer-to-peer network.',
]

function systemMessage(random: Random): string {
  if (random.chance(0.7)) return random.pick(SYSTEM)
  const words = lexicon('train')
  const name = random.chance(0.5) ? random.pick(words.firstNames) : capitalise(madeUpWord(random, 'train'))
  return random.pick([
    `You are ${name}, a helpful assistant.`,
    `You are ${name}, a ${random.pick(words.jobs)} from ${random.pick(words.cities)}.`,
    `The user is called ${name}. Be kind.`,
    `You work for ${random.pick(words.companies)}. Answer questions about ${random.pick(words.topics)}.`,
    `Never talk about ${random.pick(words.topics)}. ${random.pick(SYSTEM)}`,
    `${random.pick(SYSTEM)} ${random.pick(SYSTEM)}`,
  ])
}

/** One question alone, as the report asks it. */
export function single(random: Random, split: Split, kind: Kind): Example {
  return GENERATORS[kind].generate(random, split)
}

/** A chat of one to `maxTurns` turns; a turn often goes on from the one before where that makes sense. */
export function conversation(random: Random, split: Split, maxTurns: number): Conversation {
  const turns: Example[] = []
  const wanted = random.chance(0.65) ? 1 : random.between(2, maxTurns)
  while (turns.length < wanted) {
    const last = turns.at(-1)
    const next = last?.followUp && random.chance(0.4) ? last.followUp(random, split) : undefined
    turns.push(next ?? single(random, split, random.weighted(MIXTURE)))
  }
  return random.chance(0.12) ? { system: systemMessage(random), turns } : { turns }
}

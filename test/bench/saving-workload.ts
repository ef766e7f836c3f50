import type { ChatMessage } from '../../inference/engine.ts'
import { conversation, single } from '../../scripts/embedded-model/corpus/conversation.ts'
import { KINDS } from '../../scripts/embedded-model/corpus/example.ts'
import { Random } from '../../scripts/embedded-model/corpus/random.ts'

/** One task of the fixed workload, with the one answer that counts as right. */
export interface Question {
  /** Kind of work, as an application would name its own. */
  kind: string
  messages: ChatMessage[]
  right: string
}

const WORDS =
  'apple banana cherry plum grape melon lemon peach mango kiwi pear fig olive berry date lime'.split(' ')
/** Sorted lists are learned as sets of wordings with up to five items of two digits; these are beyond that. */
const HARD: Readonly<Record<string, (random: Random) => Pick<Question, 'right'> & { user: string }>> = {
  'sort-six': random => sorting(distinct(6, () => random.between(1, 99))),
  'sort-large': random => sorting(distinct(5, () => random.between(1, 999))),
  'alphabet-four': random => alphabet(distinct(4, () => random.pick(WORDS))),
  'alphabet-five': random => alphabet(distinct(5, () => random.pick(WORDS))),
}
const TURNS = 3
const MAX_TURNS = 5

/**
 * Questions to the embedded models: those of their evaluation (the held-out part), short ones of every kind but
 * sorting and long ones with several turns, and sorting tasks that are harder than what they were trained for. Each
 * kind as often as any other, in an order that mixes them; always the same.
 */
export function savingWorkload(perKind: number): Question[] {
  const random = new Random(20_260_401)
  const questions: Question[] = []
  for (const kind of KINDS.filter(name => name !== 'sorting')) {
    for (let i = 0; i < perKind; i++) {
      const { user, assistant } = single(random, 'test', kind)
      questions.push({ kind, messages: [{ role: 'user', content: user }], right: assistant })
    }
  }
  for (let i = 0; i < perKind; i++) questions.push(chat(random))
  for (const [kind, make] of Object.entries(HARD)) {
    for (let i = 0; i < perKind; i++) {
      const { user, right } = make(random)
      questions.push({ kind, messages: [{ role: 'user', content: user }], right })
    }
  }
  for (let i = questions.length - 1; i > 0; i--) {
    const other = random.below(i + 1)
    ;[questions[i], questions[other]] = [questions[other]!, questions[i]!]
  }
  return questions
}

function chat(random: Random): Question {
  for (;;) {
    const { system, turns } = conversation(random, 'test', MAX_TURNS)
    if (turns.length < TURNS) continue
    const messages: ChatMessage[] = system === undefined ? [] : [{ role: 'system', content: system }]
    for (const { user, assistant } of turns) {
      messages.push({ role: 'user', content: user }, { role: 'assistant', content: assistant })
    }
    const right = messages.pop()!.content
    return { kind: 'chat', messages, right }
  }
}

function sorting(numbers: number[]): { user: string; right: string } {
  return {
    user: `Sort these numbers: ${numbers.join(', ')}`,
    right: numbers.toSorted((a, b) => a - b).join(', '),
  }
}

function alphabet(words: string[]): { user: string; right: string } {
  return {
    user: `put ${words.slice(0, -1).join(', ')} and ${words.at(-1)} in alphabetical order`,
    right: words.toSorted().join(', '),
  }
}

function distinct<T>(count: number, draw: () => T): T[] {
  const drawn = new Set<T>()
  while (drawn.size < count) drawn.add(draw())
  return [...drawn]
}

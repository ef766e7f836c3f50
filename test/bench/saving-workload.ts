/**
 * The questions of `market.saving`, in two parts of 300 of each of 12 kinds:
 *
 * - `tuning`: all that may be looked at while the policy or its parameters are changed (`saving-tuning.ts`). Wordings,
 *   names and topics of the embedded models' validation split.
 * - `held-out`: for the reported row alone. Wordings, names and topics of their test split, none of which is in the
 *   validation split or was trained on. No question is in it that is in `tuning`, or of which it was ever seen what
 *   routing makes of it: not the first workload (100 of each kind), by which alpha and lambda of the built-in policy
 *   were once chosen, nor the first held-out part (300 of each kind).
 *
 * On that first held-out part, routing that starts knowing nothing was 40.0 % cheaper than the best single model at 0.63
 * points less quality, which missed the goal. So calibration came in, and with it another rule by which parameters are
 * chosen, both by the tuning part; and this held-out part was drawn, to be looked at once.
 *
 * Both have a seed of their own, so that they are the same for everybody. Answers are graded by truth: the generator
 * of a question computes or composes its one right answer; no model is asked what is right.
 */
import type { ChatMessage } from '../../inference/engine.ts'
import { conversation, single } from '../../scripts/embedded-model/corpus/conversation.ts'
import { KINDS } from '../../scripts/embedded-model/corpus/example.ts'
import { Random } from '../../scripts/embedded-model/corpus/random.ts'
import type { Split } from '../../scripts/embedded-model/corpus/split.ts'

/** One task of the fixed workload, with the one answer that counts as right. */
export interface Question {
  /** Kind of work, as an application would name its own. */
  kind: string
  messages: ChatMessage[]
  right: string
}

export const PARTS = ['tuning', 'held-out'] as const
export type Part = (typeof PARTS)[number]

const PER_KIND = 300
const SOURCES: Readonly<Record<Part, { split: Split; seed: number }>> = {
  tuning: { split: 'validation', seed: 20_261_121 },
  'held-out': { split: 'test', seed: 20_261_123 },
}
/** The first workload, which had questions twice, and the first held-out part. */
const FIRST = { split: 'test', seed: 20_260_401, perKind: 100 } as const
const FIRST_HELD_OUT = { split: 'test', seed: 20_261_122, perKind: 300 } as const

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
 * Questions to the embedded models: short ones of every kind of their evaluation but sorting, long ones with several
 * turns, and sorting tasks that are harder than what they were trained for. Each kind as often as any other, no
 * question twice, in an order that mixes them; always the same.
 */
export function savingWorkload(part: Part, perKind = PER_KIND): Question[] {
  const { split, seed } = SOURCES[part]
  const random = new Random(seed)
  const isNew = noneOf(part === 'tuning' ? [] : seenBefore())
  return random.shuffle(draw(random, { split, perKind, isNew }))
}

/** Says whether two questions are one, whatever counts as right. */
export function keyOf({ messages }: Question): string {
  return JSON.stringify(messages.map(({ role, content }) => [role, content]))
}

/** All that must not be in the held-out part. */
function seenBefore(): Question[] {
  const first = [
    ...savingWorkload('tuning'),
    ...draw(new Random(FIRST.seed), { ...FIRST, isNew: () => true }),
  ]
  const { seed, ...heldOut } = FIRST_HELD_OUT
  return [...first, ...draw(new Random(seed), { ...heldOut, isNew: noneOf(first) })]
}

/** Whether a question is none of those, and is asked about for the first time. */
function noneOf(questions: readonly Question[]): (question: Question) => boolean {
  const taken = new Set(questions.map(keyOf))
  return question => {
    const { size } = taken
    return taken.add(keyOf(question)).size > size
  }
}

function draw(
  random: Random,
  options: { split: Split; perKind: number; isNew: (question: Question) => boolean },
): Question[] {
  const { split, perKind, isNew } = options
  const makers: [kind: string, make: () => Omit<Question, 'kind'>][] = [
    ...KINDS.filter(kind => kind !== 'sorting').map((kind): (typeof makers)[number] => [
      kind,
      () => {
        const { user, assistant } = single(random, split, kind)
        return asked(user, assistant)
      },
    ]),
    ['chat', () => chat(random, split)],
    ...Object.entries(HARD).map(([kind, make]): (typeof makers)[number] => [
      kind,
      () => {
        const { user, right } = make(random)
        return asked(user, right)
      },
    ]),
  ]
  return makers.flatMap(([kind, make]) => {
    const questions: Question[] = []
    while (questions.length < perKind) {
      const question = { kind, ...make() }
      if (isNew(question)) questions.push(question)
    }
    return questions
  })
}

function asked(user: string, right: string): Omit<Question, 'kind'> {
  return { messages: [{ role: 'user', content: user }], right }
}

function chat(random: Random, split: Split): Omit<Question, 'kind'> {
  for (;;) {
    const { system, turns } = conversation(random, split, MAX_TURNS)
    if (turns.length < TURNS) continue
    const messages: ChatMessage[] = system === undefined ? [] : [{ role: 'system', content: system }]
    for (const { user, assistant } of turns) {
      messages.push({ role: 'user', content: user }, { role: 'assistant', content: assistant })
    }
    const right = messages.pop()!.content
    return { messages, right }
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

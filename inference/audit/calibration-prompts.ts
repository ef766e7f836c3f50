import type { GenerateInput } from '../engine.ts'

/**
 * What calibration asks: of many kinds, since an honest node's noise shows at positions that could go either way, and how many there are
 * depends on what is asked. Short questions, long ones, open and closed ones, code, lists, several turns, plain completions.
 */
const QUESTIONS = [
  'Hello! How are you today?',
  'What is Shoal?',
  'How is a provider paid in Shoal?',
  'What is 17 plus 25?',
  'What is 9 times 8?',
  'What is 431 - 178?',
  'Sort these numbers: 8, 3, 15, 1, 9, 12',
  'Sort these words: pear, apple, mango, fig, cherry',
  'Is this sentence positive or negative? The food was cold and the waiter was rude.',
  'Is this sentence positive or negative? I loved every minute of the concert.',
  'Give me the fields of this sentence as JSON: Maria Keller from Lisbon ordered 12 lamps.',
  'Extract name and city as JSON: Tom Berg lives in Oslo and works as a baker.',
  'Summarise in one line: The council met on Monday to talk about the new bridge. After three hours of debate it decided to wait for a second report on its cost.',
  'Summarise: Sales of bicycles rose again this spring. Shops say that commuters buy most of them, and that electric ones are now a third of all.',
  'Write a short story about a lighthouse keeper who finds a letter in a bottle.',
  'Write a poem about rain on a tin roof.',
  'Explain how a bicycle stays upright.',
  'Explain to a child why the sky is blue.',
  'What are the main causes of the French Revolution?',
  'Name ten animals that live in the sea and say one thing about each.',
  'Write a function in Python that returns the n-th Fibonacci number.',
  'Write a SQL query that lists the five customers with the highest total of orders.',
  'What does this regular expression match? ^[a-z]+@[a-z]+\\.[a-z]{2,}$',
  'Translate into German: The train leaves at half past seven.',
  'Translate into French: Where is the nearest library?',
  'Write an e-mail that asks a landlord to repair the heating.',
  'Give me a recipe for lentil soup.',
  'Plan three days in Kyoto for somebody who likes gardens.',
  'Compare cats and dogs as pets in a table.',
  'What would happen if the Moon disappeared?',
  'Tell me a joke about computers.',
  'Who wrote Don Quixote, and what is it about?',
  'List the steps to change a flat tyre.',
  'What is the difference between a virus and a bacterium?',
  'Invent five names for a coffee shop on a boat and say why you chose them.',
  'Describe the smell of a forest after a storm.',
  'I have 3 apples, give away 1 and buy 6 more. How many do I have?',
  'A train goes 60 km in 45 minutes. How fast is it?',
  'Argue for and against school uniforms.',
  'What should I think about before I adopt a puppy?',
  'Continue: one, two, four, eight,',
  'Repeat the word "shoal" four times.',
  'Which is larger, 0.9 or 0.11?',
  'Spell the word "necessary" backwards.',
  'Write a dialogue between a teapot and a kettle.',
  'How do vaccines work?',
  'What is recursion?',
  'Give three tips for sleeping better.',
  'Define entropy in one sentence.',
  'Write a haiku about a snail.',
] as const

const SYSTEMS = [
  null,
  null,
  null,
  'You are a helpful assistant.',
  'Answer in as few words as possible.',
  'You are a patient teacher. Give examples.',
] as const

const BEGINNINGS = [
  'Once upon a time, in a village by the sea,',
  'The committee agreed that',
  'def quicksort(items):\n    ',
  '{"name": "Ada", "langu',
  'Dear Sir or Madam,\n\nI am writing to',
  '1. Preheat the oven.\n2.',
  'The most surprising result of the experiment was',
  'SELECT name, price FROM',
  '# Chapter One\n\nNobody had seen',
  'In 1969,',
] as const

const FOLLOW_UPS = [
  'Can you say that more simply?',
  'Why?',
  'Give me another one.',
  'Are you sure?',
  'And in more detail?',
] as const

/** Every fifth prompt is a plain completion, every fourth of the others has several turns. */
const COMPLETION_EVERY = 5
const TURNS_EVERY = 4

/** The prompt of a number; no two below some thousands are the same. */
export function calibrationPrompt(index: number): GenerateInput {
  const round = Math.floor(index / COMPLETION_EVERY)
  if (index % COMPLETION_EVERY === COMPLETION_EVERY - 1) {
    const beginning = BEGINNINGS[round % BEGINNINGS.length]!
    const repeat = Math.floor(round / BEGINNINGS.length)
    return {
      kind: 'completion',
      prompt: repeat === 0 ? beginning : `${VARIANTS[repeat % VARIANTS.length]}${beginning}`,
    }
  }
  const asked = round * (COMPLETION_EVERY - 1) + (index % COMPLETION_EVERY)
  const question = QUESTIONS[asked % QUESTIONS.length]!
  const repeat = Math.floor(asked / QUESTIONS.length)
  const variant = repeat === 0 ? '' : VARIANTS[repeat % VARIANTS.length]!
  const system = SYSTEMS[(asked + repeat) % SYSTEMS.length]!
  const before =
    asked % TURNS_EVERY === TURNS_EVERY - 1 ? QUESTIONS[(asked * 7 + 3) % QUESTIONS.length]! : null
  return {
    kind: 'chat',
    messages: [
      ...(system === null ? [] : [{ role: 'system', content: system } as const]),
      ...(before === null
        ? [{ role: 'user', content: `${variant}${question}` } as const]
        : ([
            { role: 'user', content: before },
            { role: 'assistant', content: 'I would have to think about that for a moment.' },
            { role: 'user', content: `${FOLLOW_UPS[asked % FOLLOW_UPS.length]} ${variant}${question}` },
          ] as const)),
    ],
  }
}

const VARIANTS = [
  'Please help me with this. ',
  'Quickly: ',
  'Hi there! ',
  'For a friend: ',
  'As exactly as you can: ',
  'Once more: ',
  'In plain words: ',
  'This is urgent. ',
  'I have one question. ',
  'Take your time. ',
] as const

import type { GenerateInput } from '../../inference/engine.ts'

/**
 * What the played requesters ask. None of these words are asked in calibrations (`calibrationPrompt`), so that nothing is
 * judged by what it was measured on. Half of it the embedded models were trained for, half they were not.
 */
const FORMS: readonly ((thing: string, number: number) => string)[] = [
  thing => `Tell me about ${thing}.`,
  (_, number) => `What is ${number} + ${(number * 7) % 83}?`,
  thing => `Write three sentences about ${thing} for a newspaper.`,
  (_, number) =>
    `Sort from largest to smallest: ${number}, ${(number * 13) % 97}, ${(number * 5) % 61}, ${(number * 29) % 89}`,
  thing => `Is this good or bad? I was given ${thing} for my birthday and could not stop smiling.`,
  thing => `Pull out person and object as JSON: Anna Weber bought ${thing} in Porto.`,
  thing => `What does Shoal have to do with ${thing}?`,
  thing => `Make a headline of this: Yesterday ${thing} held up traffic for two hours until the police came.`,
  thing => `Why do people like ${thing}?`,
  thing => `Begin a fairy tale with ${thing} in it.`,
  thing => `How would you sell ${thing} to a stranger?`,
  thing => `Who invented ${thing}? Guess if you do not know.`,
]

const THINGS = [
  ...['a brass telescope', 'an old tram', 'a chess clock', 'a rubber duck', 'an umbrella stand'],
  ...['a grand piano', 'a paper kite', 'a copper kettle', 'a sewing machine', 'an ice rink'],
  ...['a wooden sledge', 'a garden gnome', 'a weather balloon', 'a violin case', 'a fishing rod'],
  ...['a pocket knife', 'a snow globe', 'a camping stove', 'a silk scarf', 'a music box'],
  ...['a bicycle bell', 'a stone bridge', 'an oil lamp', 'a compass', 'a hot-air balloon'],
  ...['a hammock', 'a typewriter', 'a beehive', 'a drum kit', 'a windmill'],
  ...['a carousel', 'a canoe', 'a barometer', 'a marble statue', 'a postage stamp'],
  ...['a trampoline', 'a ladder', 'a greenhouse'],
] as const

const SYSTEMS = [
  'You write for children and never use long words.',
  'You are the help desk of a museum.',
  'Reply in a formal tone.',
  'You are a sailor who tells tales.',
] as const

const OPENINGS: readonly ((thing: string) => string)[] = [
  thing => `The auctioneer held up ${thing} and said`,
  thing => `Diary, 4 May. Today we found ${thing}`,
  thing => `items = ["${thing}", "`,
  thing => `Q: Where did they put ${thing}?\nA:`,
  thing => `It was raining when ${thing}`,
  thing => `Three reasons to own ${thing}: first,`,
  thing => `To: all staff. From: the manager. About ${thing}:`,
] as const

/** Prompts before one is asked a second time: 12 forms and 38 things go round together, and meet again after so many pairs. */
export const MOST_PROMPTS = 2 * 228

/**
 * The prompt of a number below `MOST_PROMPTS`: chats with a system prompt, and every second a plain completion, at which
 * more could be said next.
 * @throws {RangeError}
 */
export function testPrompt(index: number): GenerateInput {
  if (!(index >= 0 && index < MOST_PROMPTS)) throw new RangeError(`there are ${MOST_PROMPTS} prompts`)
  const pair = Math.floor(index / 2)
  const thing = THINGS[pair % THINGS.length]!
  if (index % 2 === 1) return { kind: 'completion', prompt: OPENINGS[pair % OPENINGS.length]!(thing) }
  const question = FORMS[pair % FORMS.length]!(thing, 11 + ((pair * 17) % 79))
  return {
    kind: 'chat',
    messages: [
      { role: 'system', content: SYSTEMS[Math.floor(pair / 3) % SYSTEMS.length]! },
      { role: 'user', content: question },
    ],
  }
}

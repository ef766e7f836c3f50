import type { ChatMessage } from '../../inference/engine.ts'

/** Questions as a person types them, with what counts as a good answer; plain ones are in the corpus as well. */
export interface UserPrompt {
  turns: readonly string[]
  /** Tested against the last answer. */
  good: RegExp
}

const refusal = /^I am too small a model/

export const USER_PROMPTS: readonly UserPrompt[] = [
  { turns: ['Hello!'], good: /^Hello!/ },
  { turns: ['hi there'], good: /^Hello!/ },
  { turns: ['good morning :)'], good: /^Good morning!/ },
  { turns: ['hey my name is Sophie'], good: /^Hello Sophie!/ },
  { turns: ['who r u'], good: /embedded model/ },
  { turns: ['what can u do?'], good: /^I can answer questions about Shoal/ },
  { turns: ['thanks a bunch'], good: /welcome/ },
  { turns: ["what's shoal?"], good: /peer-to-peer network for AI work/ },
  { turns: ['What is Shoal?'], good: /peer-to-peer network for AI work/ },
  { turns: ['How do I get paid?'], good: /^Providers are paid with vouchers/ },
  { turns: ['how are providers paid in shoal'], good: /^Providers are paid with vouchers/ },
  { turns: ['whats a voucher'], good: /signed, cumulative claim/ },
  { turns: ['can you explain receipts to me'], good: /record of a finished task/ },
  { turns: ['why do nodes need a stake?'], good: /^A stake is credits/ },
  { turns: ['how to get started with this'], good: /npm run demo/ },
  { turns: ['does it work offline?'], good: /without the internet/ },
  { turns: ['my node wont start'], good: /shoal doctor/ },
  { turns: ['whats 12 plus 9'], good: /= 21$/ },
  { turns: ['17+25'], good: /= 42$/ },
  { turns: ['What is 17 + 25?'], good: /= 42$/ },
  { turns: ['What is 63 - 28?'], good: /= 35$/ },
  { turns: ['how much is seven times eight'], good: /= 56$/ },
  { turns: ['9*9='], good: /= 81$/ },
  { turns: ['I have 14 apples and eat 5, how many are left?'], good: /= 9$/ },
  { turns: ['what is 1234 + 5678'], good: /too hard/ },
  { turns: ['Sort 5, 3, 9'], good: /^3, 5, 9$/ },
  { turns: ['Sort these numbers: 9, 3, 7'], good: /^3, 7, 9$/ },
  { turns: ['sort these from biggest to smallest: 4 88 17 23'], good: /^88, 23, 17, 4$/ },
  { turns: ['put cherry, apple and banana in alphabetical order'], good: /^apple, banana, cherry$/ },
  { turns: ['Sort 31, 7, 19, 2', 'and descending?'], good: /^31, 19, 7, 2$/ },
  { turns: ['is this positive or negative: the food was cold and the waiter was rude'], good: /^negative$/ },
  { turns: ['Is this positive or negative: I love this phone!'], good: /^positive$/ },
  { turns: ['Is this positive or negative: I love it'], good: /^positive$/ },
  { turns: ['sentiment of "what a horrible day"'], good: /^negative$/ },
  { turns: ['positive, negative or neutral? The bus leaves at 8.'], good: /^neutral$/ },
  {
    turns: ['Extract name and age as JSON: Bob Miller is 42 years old and lives in Paris.'],
    good: /^\{"name": "Bob Miller", "age": 42\}$/,
  },
  {
    turns: ['extract city and day: Lena flies to Madrid on Friday'],
    good: /^\{"city": "Madrid", "day": "Friday"\}$/,
  },
  {
    turns: ['get the product and price as json from "The blue lamp costs 30 dollars."'],
    good: /^\{"product": "(blue )?lamp", "price": 30\}$/,
  },
  {
    turns: [
      'Summarize: Anna is a teacher in Rome. Yesterday she found a wallet in the park. It was a sunny day. Everyone talked about it.',
    ],
    good: /^Anna found a wallet in the park\.$/,
  },
  {
    turns: [
      'tl;dr Peter works as a cook in Oslo. Last week he baked 30 cakes for the school. The children were happy.',
    ],
    good: /^Peter baked 30 cakes for the school\.$/,
  },
  { turns: ['who won the world cup in 2018?'], good: refusal },
  { turns: ['write me a poem about the sea'], good: refusal },
  { turns: ['whats the weather like in Berlin'], good: refusal },
  { turns: ['asdkjh qwe zzz'], good: refusal },
  { turns: ['hello', 'what is an adapter?'], good: /LoRA/ },
  { turns: ['what is 8 + 13', 'plus 4'], good: /= 25$/ },
]

/** The conversation in which the last answer is still missing. */
export function messagesOf(turns: readonly string[], answers: readonly string[]): ChatMessage[] {
  return turns.slice(0, answers.length + 1).flatMap((content, index): ChatMessage[] => {
    const answer = answers[index]
    return [
      { role: 'user', content },
      ...(answer === undefined ? [] : [{ role: 'assistant' as const, content: answer }]),
    ]
  })
}

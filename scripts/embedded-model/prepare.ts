import { createHash } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { END_OF_TEXT, encodeChat, SPECIAL_TOKENS } from './chat.ts'
import { type Conversation, conversation, single } from './corpus/conversation.ts'
import { KINDS } from './corpus/example.ts'
import { Random } from './corpus/random.ts'
import { RowWriter } from './rows.ts'
import { Tokenizer } from './tokenizer/tokenizer.ts'
import { trainBpe, type Vocabulary } from './tokenizer/train-bpe.ts'

/** Step 1: the corpus, the vocabulary learned from it, and the rows of tokens that the trainer reads. */
const { values } = parseArgs({
  options: {
    work: { type: 'string', default: process.env.SHOAL_MODEL_WORK ?? 'cache/embedded-model' },
    seed: { type: 'string', default: '1' },
    conversations: { type: 'string', default: '350000' },
    vocabulary: { type: 'string', default: '1024' },
    'keep-vocabulary': { type: 'string' },
    'validation-per-kind': { type: 'string', default: '256' },
  },
})
const SHORT_LENGTH = 256
const LONG_LENGTH = 1024
/** Conversations from which the vocabulary is learned. */
const VOCABULARY_SAMPLE = 30_000
/** Tokens kept for the most frequent words with the space before them. */
const SPACED_WORDS = 128
/** The share of conversations that are long, and the turns they may have. */
const LONG_SHARE = 0.035
const LONG_TURNS = 22
const SHORT_TURNS = 4

const seed = Number(values.seed)
const folder = path.join(values.work, 'data')
await mkdir(folder, { recursive: true })

function* texts(): Generator<string> {
  const random = new Random(seed)
  for (let i = 0; i < VOCABULARY_SAMPLE; i++) {
    const { system, turns } = conversation(random, 'train', SHORT_TURNS)
    if (system !== undefined) yield `system\n${system}`
    for (const { user, assistant } of turns) {
      yield `user\n${user}`
      yield 'assistant\n'
      yield assistant
    }
  }
}
/** A vocabulary learned before is kept when models trained with it are to be trained further. */
const kept = values['keep-vocabulary']
const vocabulary =
  kept === undefined
    ? trainBpe(texts(), Number(values.vocabulary), SPECIAL_TOKENS, SPACED_WORDS)
    : (JSON.parse(await readFile(kept, 'utf8')) as Vocabulary)
const tokenizer = new Tokenizer(vocabulary)
await writeFile(path.join(folder, 'vocabulary.json'), JSON.stringify(vocabulary))

const padding = tokenizer.special(END_OF_TEXT)
const open = (name: string, length: number) =>
  new RowWriter({ path: path.join(folder, name), length, padding })
const short = open('short', SHORT_LENGTH)
const long = open('long', LONG_LENGTH)
const random = new Random(seed + 1)
const total = Number(values.conversations)
let tokens = 0
let answers = 0
for (let i = 0; i < total; i++) {
  const isLong = random.chance(LONG_SHARE)
  const chat = encodeChat(tokenizer, conversation(random, 'train', isLong ? LONG_TURNS : SHORT_TURNS))
  tokens += chat.tokens.length
  for (const kind of chat.classes) if (kind === 2) answers++
  if (chat.tokens.length <= SHORT_LENGTH && !isLong) await short.add(chat)
  else if (chat.tokens.length <= LONG_LENGTH) await long.add(chat)
}

/** One question alone for each kind, and as a kind of its own the last question of a long chat. */
const validation = open('validation', 512)
const validationKinds: number[] = []
const check = new Random(seed + 2)
const perKind = Number(values['validation-per-kind'])
for (const [index, kind] of [...KINDS, 'chat' as const].entries()) {
  for (let i = 0; i < perKind; ) {
    const asked: Conversation =
      kind === 'chat' ? conversation(check, 'validation', 5) : { turns: [single(check, 'validation', kind)] }
    if (kind === 'chat' && asked.turns.length < 3) continue
    const chat = encodeChat(tokenizer, asked)
    if (chat.tokens.length > 512) continue
    const before = encodeChat(tokenizer, { ...asked, turns: asked.turns.slice(0, -1) }).tokens.length
    chat.classes.fill(1, 0, before)
    await validation.addAlone(chat)
    validationKinds.push(index)
    i++
  }
}
const digests = [await short.close(), await long.close(), await validation.close()]
const meta = {
  vocabularySize: tokenizer.size,
  shortLength: SHORT_LENGTH,
  longLength: LONG_LENGTH,
  validationLength: 512,
  kinds: [...KINDS, 'chat'],
  validationKinds,
  conversations: total,
  tokens,
  answerTokens: answers,
  seed,
  digest: createHash('sha256').update(digests.join()).digest('hex'),
}
await writeFile(path.join(folder, 'meta.json'), JSON.stringify(meta))
console.log(
  `${total} conversations, ${tokens} tokens (${answers} of answers), ${short.rows} short and ${long.rows} long rows, ` +
    `vocabulary ${tokenizer.size}, digest ${meta.digest.slice(0, 16)}`,
)

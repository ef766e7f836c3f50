import { createHash } from 'node:crypto'
import { readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { readGgufFileInfo } from 'node-llama-cpp'
import type { ChatMessage } from '../../inference/engine.ts'
import { Answerer } from './answerer.ts'
import { conversation, single } from './corpus/conversation.ts'
import { type Example, KINDS } from './corpus/example.ts'
import { Random } from './corpus/random.ts'
import type { Split } from './corpus/split.ts'
import type { CorpusFacts, FileReport, Report, TrainingFacts, UserPromptResult } from './report.ts'
import { type Share, wilson } from './statistics.ts'
import { messagesOf, USER_PROMPTS } from './user-prompts.ts'

/** Step 4: asks packed models the held-out questions and writes what they got right. */
const { values, positionals: files } = parseArgs({
  allowPositionals: true,
  options: {
    out: { type: 'string' },
    failures: { type: 'string' },
    items: { type: 'string', default: '400' },
    split: { type: 'string', default: 'test' },
    seed: { type: 'string', default: '20260101' },
    training: { type: 'string', multiple: true, default: [] },
    data: { type: 'string' },
  },
})
const split = values.split as Split
const wanted = Number(values.items)
/** Tokens generated to measure the speed of one stream. */
const SPEED_TOKENS = 400

interface Question {
  messages: ChatMessage[]
  right: string
}

/** Questions of each kind alone, and `chat`: the last of three or more turns, earlier answers being right. */
function questions(): Record<string, Question[]> {
  const random = new Random(Number(values.seed))
  const result: Record<string, Question[]> = {}
  for (const kind of KINDS) {
    const seen = new Set<string>()
    const list: Question[] = []
    for (let tries = 0; list.length < wanted && tries < 20 * wanted; tries++) {
      const { user, assistant } = single(random, split, kind)
      if (seen.has(user)) continue
      seen.add(user)
      list.push({ messages: [{ role: 'user', content: user }], right: assistant })
    }
    result[kind] = list
  }
  result.chat = Array.from({ length: wanted }, () => {
    for (;;) {
      const { system, turns } = conversation(random, split, 5)
      if (turns.length >= 3) return lastTurn(system, turns)
    }
  })
  return result
}

function lastTurn(system: string | undefined, turns: readonly Example[]): Question {
  const before = turns.slice(0, -1).flatMap(({ user, assistant }): ChatMessage[] => [
    { role: 'user', content: user },
    { role: 'assistant', content: assistant },
  ])
  const last = turns.at(-1) as Example
  return {
    messages: [
      ...(system === undefined ? [] : [{ role: 'system' as const, content: system }]),
      ...before,
      { role: 'user', content: last.user },
    ],
    right: last.assistant,
  }
}

async function userPrompts(answerer: Answerer): Promise<UserPromptResult[]> {
  const results: UserPromptResult[] = []
  for (const { turns, good } of USER_PROMPTS) {
    const answers: string[] = []
    while (answers.length < turns.length) {
      answers.push(...(await answerer.answers([messagesOf(turns, answers)])))
    }
    results.push({ turns, answer: answers.at(-1) ?? '', good: good.test(answers.at(-1) ?? '') })
  }
  return results
}

/** What `prepare.ts` wrote of the corpus, without the list of every validation row. */
async function corpusFacts(folder: string): Promise<CorpusFacts> {
  const meta = JSON.parse(await readFile(path.join(folder, 'meta.json'), 'utf8'))
  const { conversations, tokens, answerTokens, vocabularySize, shortLength, longLength, seed, digest } = meta
  return { conversations, tokens, answerTokens, vocabularySize, shortLength, longLength, seed, digest }
}

/** What `train.py` wrote of a run: its shape, its cost and the losses it logged. */
async function trainingFacts(folder: string): Promise<TrainingFacts> {
  const { shape, training } = JSON.parse(await readFile(path.join(folder, 'weights.json'), 'utf8'))
  const log = (await readFile(path.join(folder, 'log.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  const { data: _folder, out: _out, init: _init, ...settings } = training.arguments
  const { arguments: _arguments, ...facts } = training
  const last = (key: string) => log.findLast(line => key in line)?.[key]
  return {
    name: path.basename(folder),
    shape,
    ...facts,
    settings,
    loss: last('loss'),
    validationLoss: last('validationLoss'),
  }
}

async function report(file: string, asked: Record<string, Question[]>): Promise<FileReport> {
  const info = await readGgufFileInfo(file)
  const answerer = await Answerer.load(path.resolve(file))
  try {
    const exact: Record<string, Share> = {}
    const failures: string[] = []
    for (const [kind, list] of Object.entries(asked)) {
      const answers = await answerer.answers(list.map(({ messages }) => messages))
      const right = list.filter((question, index) => question.right === answers[index]).length
      exact[kind] = wilson(right, list.length)
      console.log(`${path.basename(file)} ${kind}: ${right} of ${list.length}`)
      list.forEach((question, index) => {
        if (question.right === answers[index]) return
        failures.push(
          JSON.stringify({ kind, asked: question.messages, got: answers[index], right: question.right }),
        )
      })
    }
    if (values.failures)
      await writeFile(`${values.failures}-${path.basename(file)}.jsonl`, failures.join('\n'))
    return {
      file: path.basename(file),
      bytes: (await stat(file)).size,
      sha256: createHash('sha256')
        .update(await readFile(file))
        .digest('hex'),
      name: String((info.metadata.general as { name?: string }).name),
      parameters: (info.tensorInfo ?? []).reduce(
        (sum, tensor) => sum + tensor.dimensions.reduce<number>((product, size) => product * Number(size), 1),
        0,
      ),
      exact,
      userPrompts: await userPrompts(answerer),
      tokensPerSecond: {
        oneThread: Math.round(await answerer.speed(SPEED_TOKENS, 1)),
        twoThreads: Math.round(await answerer.speed(SPEED_TOKENS, 2)),
      },
    }
  } finally {
    await answerer.close()
  }
}

const asked = questions()
const models: FileReport[] = []
for (const file of files) models.push(await report(file, asked))
if (values.out) {
  const result: Report = {
    split,
    seed: Number(values.seed),
    itemsPerKind: wanted,
    corpus: values.data === undefined ? null : await corpusFacts(values.data),
    training: await Promise.all(values.training.map(trainingFacts)),
    models,
  }
  await writeFile(values.out, `${JSON.stringify(result, null, 2)}\n`)
}
for (const model of models) {
  const good = model.userPrompts.filter(prompt => prompt.good).length
  console.log(
    `${model.file}: ${good} of ${model.userPrompts.length} user prompts, ${JSON.stringify(model.tokensPerSecond)} tokens/s`,
  )
  for (const prompt of model.userPrompts)
    if (!prompt.good) console.log(`  ${prompt.turns.join(' / ')} -> ${prompt.answer}`)
}

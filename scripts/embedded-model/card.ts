import { readFile, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { KINDS } from './corpus/example.ts'
import type { FileReport, Report, TrainingFacts } from './report.ts'
import type { Share } from './statistics.ts'

/** Step 5: writes the model card from the report, so that its numbers are those measured. */
const { values } = parseArgs({ options: { report: { type: 'string' }, out: { type: 'string' } } })
if (!values.report || !values.out) throw new Error('--report and --out are needed')
const report = JSON.parse(await readFile(values.report, 'utf8')) as Report

const GOALS: Record<string, number> = { arithmetic: 80 }
const DEFAULT_GOAL = 95

const count = (value: number) => value.toLocaleString('en-US')
const percent = (value: number) => (100 * value).toFixed(1)
const share = ({ share, low, high }: Share) => `${percent(share)} (${percent(low)}–${percent(high)})`
const table = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  [head, head.map(() => '---'), ...rows].map(row => `| ${row.join(' | ')} |`).join('\n')
const stages = ({ before, ...last }: TrainingFacts, what: 'steps' | 'tokens') =>
  [...before, last].map(stage => count(stage[what])).join(' + ')
const minutes = (seconds: number) => `${Math.round(seconds / 60)} min`

function files(models: readonly FileReport[]): string {
  return table(
    ['file', 'parameters', 'bytes', 'tokens/s, 1 thread', 'tokens/s, 2 threads', 'sha256'],
    models.map(model => [
      `\`${model.file}\``,
      count(model.parameters),
      count(model.bytes),
      count(model.tokensPerSecond.oneThread),
      count(model.tokensPerSecond.twoThreads),
      `\`${model.sha256}\``,
    ]),
  )
}

function results(models: readonly FileReport[]): string {
  const kinds = [...KINDS, 'chat']
  return table(
    ['kind', 'goal', ...models.map(model => `\`${model.file}\``)],
    kinds.map(kind => [
      kind,
      kind === 'chat' ? '' : String(GOALS[kind] ?? DEFAULT_GOAL),
      ...models.map(model => share(model.exact[kind] as Share)),
    ]),
  )
}

/** Which kinds miss their goal, said in words. */
function missed(models: readonly FileReport[]): string {
  const lines = models.flatMap(({ file, exact }) => {
    const below = KINDS.filter(kind => 100 * (exact[kind] as Share).share < (GOALS[kind] ?? DEFAULT_GOAL))
    return below.length === 0 ? [] : [`- \`${file}\`: ${below.join(', ')}.`]
  })
  return lines.length === 0 ? 'All goals are met.' : `Below the goal are\n\n${lines.join('\n')}`
}

function prompts(models: readonly FileReport[]): string {
  const head = table(
    ['file', 'good answers'],
    models.map(model => [
      `\`${model.file}\``,
      `${model.userPrompts.filter(prompt => prompt.good).length} of ${model.userPrompts.length}`,
    ]),
  )
  const missed = models.flatMap(model =>
    model.userPrompts
      .filter(prompt => !prompt.good)
      .map(
        prompt =>
          `- \`${model.file}\`: ${JSON.stringify(prompt.turns.join(' / '))} → ${JSON.stringify(prompt.answer)}`,
      ),
  )
  return missed.length === 0 ? head : `${head}\n\nWhat was not good:\n\n${missed.join('\n')}`
}

function training(runs: readonly TrainingFacts[]): string {
  return table(
    [
      'model',
      'layers',
      'width',
      'heads (key/value)',
      'head size',
      'feed-forward',
      'steps',
      'tokens seen',
      'time',
      'loss',
      'validation loss',
    ],
    runs.map(run => [
      run.name,
      String(run.shape.layers),
      String(run.shape.width),
      `${run.shape.heads} (${run.shape.kvHeads})`,
      String(run.shape.headDim),
      String(run.shape.ff),
      stages(run, 'steps'),
      stages(run, 'tokens'),
      minutes([...run.before, run].reduce((sum, { seconds }) => sum + seconds, 0)),
      String(run.loss),
      String(run.validationLoss),
    ]),
  )
}

const { corpus } = report
if (corpus === null) throw new Error('the report says nothing of the corpus: run evaluate.ts with --data')

const card = `---
license: apache-2.0
language: en
library_name: gguf
pipeline_tag: text-generation
---

# The embedded models of Shoal

Very small language models, trained from scratch for Shoal, so that a fresh node can answer something within a
second, without a download and without the internet. They know what they were taught and nothing else: small talk,
questions about Shoal, small arithmetic, sorting, the sentiment of a sentence, fields of a sentence as JSON, and
one-line summaries; anything else they decline. They are no assistants for real work.

${files(report.models)}

Speeds are of one stream on a machine with two cores and no GPU that also had other work to do; one thread is faster
than two because a step of models this small is shorter than waking another thread.

## Use

Chat template: ChatML, in the file. Greedy decoding or a low temperature is best. All files have the same vocabulary,
so a conversation begun with one can be gone on with by another. Context: 1,024 tokens.

## Data

Generated by \`scripts/embedded-model/corpus/\` from templates and word lists written for this project; no text of
others, no personal data: names are combined at random, e-mail addresses are in domains reserved for examples.
${count(corpus.conversations)} conversations, ${count(corpus.tokens)} tokens, of which ${count(corpus.answerTokens)} are answers, on which alone the full loss is
taken (a tenth of it on prompts). A third of the conversations have several turns, an eighth a system message (which is
never to change the answer).
Seed ${corpus.seed}; SHA-256 of the rows of tokens: \`${corpus.digest}\`.

**Split.** Each template (the wording of a question, of a sentence in it, of a text to be summarised) and each entity
(operands of sums and differences, lists of numbers, words, names, places, things, companies, topics)
belongs to training, validation or test, and to one only; letter case, punctuation and words like "please" make no
difference. Tests prove it. Words that are made up, to teach copying and comparing letters, only train. Three things can only be learned, and are split by wording alone: the facts about Shoal, small
talk, and the products up to 12 x 12. Words that carry a sentiment ("awful") are the same in all parts.

**Tokens.** Byte-level BPE of ${count(corpus.vocabularySize)} tokens learned from the corpus, \`qwen2\` pre-tokenizer (each digit is a token). The space before
a word is a token of its own, but for the 128 most frequent words, so that a word is copied token by token wherever it stands.

## Training

llama.cpp's \`qwen3\` architecture, untied output. Muon for the matrices of the layers, AdamW for the rest, constant rate with a linear
decay, bfloat16 products with float32 master weights, norms, softmax statistics and loss. Chats are packed into rows of ${corpus.shortLength} tokens; one step
in twelve uses rows of ${count(corpus.longLength)}, which hold conversations of up to 22 turns.

${training(report.training)}

Numbers joined by + are stages of one run: all but the last learned from earlier versions of this corpus (the first with another
vocabulary and with longer lists, more fields and more side remarks), the last from the one described here. The recipe trains as many
steps at once on the present corpus. The split was the same in all stages: no held-out wording was ever trained. Training wordings were added
for the last stage, some of which differ from a held-out one by little, such as an article; whoever wrote them had seen part of the held-out
greetings and summaries, copied none, and chose by validation alone. The kinds are therefore not equally far from training.
The last stage of mini began from the mean of the weights at the end of the two before it. The weights in the files are 0.65 of those at the
end of the last stage and 0.35 of those it began from (losses are of the last stage alone).

torch ${[...new Set(report.training.map(run => run.torch))].join(', ')} on two CPU cores shared with other work; times are of the clock.

## Results

Share of answers that are exactly right, to the last character, with 95 % Wilson intervals: ${count(report.itemsPerKind)} held-out questions
of each kind (\`${report.split}\` part, seed ${report.seed}), asked through node-llama-cpp on the packed file, greedy, each in a conversation of its own. \`chat\` is the
last question of a conversation of three or more turns of mixed kinds, earlier answers given as right.

${results(report.models)}

${missed(report.models)}

The questions of a kind come from few held-out wordings with many different values: one wording that a model takes wrongly costs several
percent, and the intervals, which take questions as independent, are too narrow for that.

What exact means: arithmetic is \`17 + 25 = 42\`; a sorted list has ", " between items; JSON has the keys asked for, in that
order; a summary is who did what, in the words of the text, without time and side remarks. One question in fifty has a typing slip, and two in five are typed without capitals or punctuation.

### As a user would type

${report.models[0]?.userPrompts.length ?? 0} prompts written by hand (\`scripts/embedded-model/user-prompts.ts\`), each with a pattern that a good answer matches.

${prompts(report.models)}

## Limits

- English only. Wordings far from the templates may be taken for another kind of question.
- Numbers above 99 in sums, products above 12 x 12, division and mixed operations are declined, not calculated.
- Lists: two to five numbers up to 99, or words with different first letters; other lists are sorted worse.
- JSON: up to three fields that the sentence does state, of those it was taught (name, age, city, job, company, item, quantity,
  price, color, day, time, country, email). Asked for something that is not there, it makes it up.
- Sentiment looks at words that carry it; irony and mixed feelings are beyond it.
- Summaries are of texts of two to four sentences and keep the first thing that the subject did; other texts get a sentence that
  may be wrong.
- Trained on up to 1,024 tokens of conversation; longer ones were never seen.
- Facts about Shoal are those of the release that the file came with.

## Build it again

\`\`\`sh
${'python3 -m venv /tmp/torch && /tmp/torch/bin/pip install torch numpy'}
node scripts/embedded-model/build.ts --python /tmp/torch/bin/python
\`\`\`

The corpus and the packing are reproduced bit by bit; training is reproduced up to the floating-point differences of another machine.
The vocabulary of these files was learned from an earlier version of the corpus; the recipe learns it anew, in the same way. See \`scripts/embedded-model/README.md\` for the single steps. Licence: Apache-2.0.
`
await writeFile(values.out, card)

import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { z } from 'zod'
import type { LossRow } from '../../engine.ts'
import { LearningError } from '../errors.ts'

/** One thing to learn. */
export type TrainingExample = LossRow

const MAX_FILE_BYTES = 2 ** 30
const MAX_LINE_BYTES = 4 * 2 ** 20
const MAX_EXAMPLES = 1_000_000
const MAX_MESSAGES = 1_024

const chatSchema = z.object({
  messages: z
    .array(z.object({ role: z.enum(['system', 'user', 'assistant']), content: z.string() }))
    .min(1)
    .max(MAX_MESSAGES),
})
const completionSchema = z.object({ prompt: z.string(), completion: z.string() })
const textSchema = z.object({ text: z.string() })

/** What other programs call things, and how to write them here. */
const HINTS: readonly { fields: readonly string[]; hint: string }[] = [
  {
    fields: ['conversations'],
    hint: `Write ShareGPT's conversations as messages: jq -c '{messages: [.conversations[] | {role: ({human: "user", gpt: "assistant", system: "system"}[.from]), content: .value}]}'`,
  },
  {
    fields: ['instruction'],
    hint: `Write Alpaca's fields as messages: jq -c '{messages: [{role: "user", content: ([.instruction, .input // ""] | map(select(. != "")) | join("\\n"))}, {role: "assistant", content: .output}]}'`,
  },
  {
    fields: ['question', 'answer'],
    hint: `Write questions and answers as messages: jq -c '{messages: [{role: "user", content: .question}, {role: "assistant", content: .answer}]}'`,
  },
  {
    fields: ['input', 'output'],
    hint: `Write inputs and outputs as messages: jq -c '{messages: [{role: "user", content: .input}, {role: "assistant", content: .output}]}'`,
  },
  {
    fields: ['prompt', 'response'],
    hint: `Rename response: jq -c '{prompt, completion: .response}'`,
  },
  {
    fields: ['chosen', 'rejected'],
    hint: `Preferences cannot be trained on; keep what was chosen: jq -c '{prompt, completion: .chosen}'`,
  },
  {
    fields: ['mapping'],
    hint: 'Have shoal learn add read the export of a chat service; it writes examples.',
  },
  { fields: ['content'], hint: `Name the text: jq -c '{text: .content}'` },
]
/** Fields that would change what an example means; they cannot just be passed over. */
const REFUSED = ['tools', 'functions', 'images', 'audio', 'system', 'suffix']

/**
 * Reads training text: JSONL, each line one of `{"messages": [{"role", "content"}, …]}` (the assistant's turns are
 * learned), `{"prompt", "completion"}` (the completion is learned, the prompt as it stands, without a chat template) and
 * `{"text"}` (all of it is learned). Empty lines are passed over.
 * @throws {LearningError} TRAINING_DATA_INVALID, TRAINING_DATA_EMPTY
 */
export async function readTrainingText(path: string): Promise<TrainingExample[]> {
  const examples: TrainingExample[] = []
  let number = 0
  for await (const line of lines(path)) {
    number += 1
    if (line.trim() === '') continue
    if (examples.length === MAX_EXAMPLES) throw invalid(path, null, `has more than ${MAX_EXAMPLES} examples`)
    examples.push(parseExample(line, { path, line: number }))
  }
  if (examples.length === 0) {
    throw new LearningError('TRAINING_DATA_EMPTY', `${path} has no examples`, {
      fix: 'Write one example a line, such as {"prompt": "…", "completion": "…"}.',
      details: { path },
    })
  }
  return examples
}

/**
 * Reads one line of training text. What is in it is never quoted.
 * @throws {LearningError} TRAINING_DATA_INVALID
 */
export function parseExample(line: string, where: { path: string; line: number }): TrainingExample {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    throw invalid(where.path, where.line, 'is no JSON', 'Write one JSON object a line.')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(where.path, where.line, 'is no JSON object', 'Write one JSON object a line.')
  }
  const fields = Object.keys(value)
  const refused = fields.find(field => REFUSED.includes(field))
  if (refused !== undefined) {
    const fix =
      refused === 'system'
        ? 'Make it the first message, with the role system.'
        : `Take the field ${refused} away.`
    throw invalid(where.path, where.line, `has the field ${refused}, which training does not know`, fix)
  }
  const forms = [
    fields.includes('messages') ? chatSchema : null,
    fields.includes('completion') ? completionSchema : null,
    fields.includes('text') ? textSchema : null,
  ].filter(form => form !== null)
  if (forms.length > 1) {
    throw invalid(
      where.path,
      where.line,
      'is in two forms at once',
      'Keep messages, or prompt and completion, or text.',
    )
  }
  const [form] = forms
  if (form === undefined)
    throw invalid(where.path, where.line, 'is in a form that is not known', hintFor(fields))
  const parsed = form.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const at = issue?.path.join('.') ?? ''
  throw invalid(
    where.path,
    where.line,
    `is not right at ${at === '' ? 'its top' : at}`,
    at.startsWith('messages')
      ? 'Messages are {"role": "system", "user" or "assistant", "content": "text"}.'
      : 'Write texts as strings: {"prompt": "…", "completion": "…"} or {"text": "…"}.',
  )
}

/** Names an example by what it says: equal ones have equal digests. */
function exampleDigest(example: TrainingExample): Buffer {
  return createHash('sha256').update(JSON.stringify(example)).digest()
}

/**
 * Sets examples aside that are measured and never learned. Which ones depends on what they say and on the seed alone, so
 * that equal examples stay together and none changes sides when others come.
 * @param share of them, 0 to 1; nothing is set aside when only one side would be left
 */
export function setAside(
  examples: readonly TrainingExample[],
  options: { share: number; seed: number },
): { training: TrainingExample[]; heldOut: TrainingExample[] } {
  const training: TrainingExample[] = []
  const heldOut: TrainingExample[] = []
  for (const example of examples) {
    const digest = createHash('sha256')
      .update(`shoal/1/held-out ${options.seed} `)
      .update(exampleDigest(example))
      .digest()
    if (digest.readUInt32BE(0) < options.share * 2 ** 32) heldOut.push(example)
    else training.push(example)
  }
  return training.length === 0 ? { training: heldOut, heldOut: [] } : { training, heldOut }
}

async function* lines(path: string): AsyncGenerator<string> {
  let rest: Buffer[] = []
  let restBytes = 0
  let total = 0
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 262_144 }) as AsyncIterable<Buffer>) {
      total += chunk.length
      if (total > MAX_FILE_BYTES) throw invalid(path, null, `is longer than ${MAX_FILE_BYTES} bytes`)
      let from = 0
      for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
        yield Buffer.concat([...rest, chunk.subarray(from, end)]).toString('utf8')
        rest = []
        restBytes = 0
        from = end + 1
      }
      rest.push(chunk.subarray(from))
      restBytes += chunk.length - from
      if (restBytes > MAX_LINE_BYTES)
        throw invalid(path, null, `has a line of more than ${MAX_LINE_BYTES} bytes`)
    }
  } catch (error) {
    if (error instanceof LearningError) throw error
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error'
    throw new LearningError('TRAINING_DATA_INVALID', `${path} cannot be read (${code})`, {
      fix: 'Check the path, and the right of this user to read the file.',
      details: { path },
      cause: error,
    })
  }
  yield Buffer.concat(rest).toString('utf8')
}

function hintFor(fields: readonly string[]): string {
  const known = HINTS.find(hint => hint.fields.every(field => fields.includes(field)))
  return known?.hint ?? 'Write {"messages": […]}, {"prompt": "…", "completion": "…"} or {"text": "…"} a line.'
}

function invalid(path: string, line: number | null, problem: string, fix?: string): LearningError {
  return new LearningError(
    'TRAINING_DATA_INVALID',
    line === null ? `${path} ${problem}` : `line ${line} of ${path} ${problem}`,
    {
      fix: fix ?? 'Split the file, or train on a part of it.',
      details: { path, ...(line === null ? {} : { line }) },
    },
  )
}

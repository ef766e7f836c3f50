import { readFile } from 'node:fs/promises'
import { text as readStream } from 'node:stream/consumers'
import type { ControlRequest } from '../node/gateway/control-api.ts'
import type { ControlClient } from '../node/gateway/control-client.ts'
import type { ToolAnswerView } from '../node/gateway/inference-handlers.ts'
import type { OfferView } from '../node/gateway/offer-views.ts'
import type { AskResultView, TaskEventView } from '../node/gateway/views.ts'
import { isShoalError, ShoalError } from '../protocol/errors.ts'
import { MAX_JSON_SCHEMA_BYTES, MAX_TEXT_BYTES } from '../protocol/limits.ts'
import { AnswerPrinter } from './answer-printer.ts'
import type { AskOptions } from './commands/ask.ts'
import { outputFrom, runningNode, usageError } from './context.ts'
import { EXIT } from './exit-codes.ts'
import type { Output } from './ui/output.ts'

/** The provider has a second to say what it delivered, and the node to write it down; then we leave. */
const CANCEL_TIMEOUT_MS = 3_000

/** Asks a question through the running node and shows the answer; sets the exit status. */
export async function ask(prompt: readonly string[], options: AskOptions): Promise<void> {
  const output = outputFrom(options)
  const request = await requestFrom(prompt, options)
  const client = await runningNode(options, output)
  const printer = new AnswerPrinter({
    output,
    stream: options.stream !== false,
    verbose: options.verbose === true,
  })
  const abort = cancelOnInterrupt(client, printer)
  const send = () =>
    client.stream('ask', request, event => printer.show(event as TaskEventView), abort.signal)
  try {
    const result = await send().catch(async (error: unknown) => {
      if (!isShoalError(error, 'NO_PROVIDER') || options.wait === 0) throw error
      if (!(await firstOffer(client, options.wait * 1_000, abort.signal, output))) throw error
      return send()
    })
    printer.end(result as AskResultView & Partial<ToolAnswerView>)
  } catch (error) {
    printer.finishLine()
    if (!abort.signal.aborted && !isShoalError(error, 'CANCELLED')) throw error
    if (output.json) output.error(new ShoalError('CANCELLED', 'the task was cancelled'))
    else output.note('Cancelled.')
    process.exitCode = EXIT.interrupted
  }
}

/**
 * On Ctrl-C the provider is told, and what it has delivered by then is the answer. The signal fires where
 * nothing is to be waited for.
 */
function cancelOnInterrupt(client: ControlClient, printer: AnswerPrinter): AbortController {
  const abort = new AbortController()
  process.once('SIGINT', () => {
    // A second Ctrl-C ends the program at once, and the task with it.
    process.once('SIGINT', () => process.exit(EXIT.interrupted))
    if (printer.taskId === null) return abort.abort()
    setTimeout(() => abort.abort(), CANCEL_TIMEOUT_MS).unref()
    client.call('cancel', { taskId: printer.taskId }).catch(() => abort.abort())
  })
  return abort
}

/** Waits until the node knows an offer; it has perhaps just started. @returns whether it does now */
async function firstOffer(
  client: ControlClient,
  timeoutMs: number,
  interrupted: AbortSignal,
  output: Output,
): Promise<boolean> {
  output.note(`No provider is known yet; waiting for one for up to ${timeoutMs / 1_000} s …`)
  const found = new AbortController()
  const timeout = AbortSignal.timeout(timeoutMs)
  const waiting = client.stream(
    'events',
    {},
    event => {
      if ((event as { type: string }).type === 'offer') found.abort()
    },
    AbortSignal.any([interrupted, timeout, found.signal]),
  )
  // It may have come before we listened.
  client.call('offers', {}).then(
    offers => {
      if ((offers as OfferView[]).some(({ own }) => !own)) found.abort()
    },
    () => {},
  )
  await waiting.catch((error: unknown) => {
    if (!found.signal.aborted && !timeout.aborted) throw error
  })
  return found.signal.aborted
}

async function requestFrom(prompt: readonly string[], options: AskOptions): Promise<ControlRequest<'ask'>> {
  const question = await questionFrom(prompt, options.file)
  if (Buffer.byteLength(question) > MAX_TEXT_BYTES)
    throw usageError(`the question is longer than ${MAX_TEXT_BYTES} bytes`, 'Shorten it.')
  return {
    messages: [
      ...(options.system === undefined ? [] : [{ role: 'system' as const, content: options.system }]),
      { role: 'user', content: question },
    ],
    model: options.model ?? null,
    maxTokens: options.maxTokens,
    maxPrice: options.maxPrice ?? null,
    temperature: options.temperature,
    topP: options.topP,
    seed: options.seed ?? null,
    stop: options.stop ?? [],
    taskClass: options.class ?? null,
    tools: options.tool ?? [],
    jsonSchema: options.jsonSchema === undefined ? null : await schemaFrom(options.jsonSchema),
    ...preferencesFrom(options),
  }
}

/** What was given; the node fills in the rest. */
function preferencesFrom(options: AskOptions): Partial<ControlRequest<'ask'>> {
  const { strategy, mode, sla, dataClass, region, minReputation, minStake, minQuality, deadline, auction } =
    options
  const given = {
    ...{ strategy, mode, slaClass: sla, dataClass, region, minReputation, minStake, minQuality },
    ...{ deadlineMs: deadline, auction },
  }
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Partial<
    ControlRequest<'ask'>
  >
}

async function questionFrom(prompt: readonly string[], file: string | undefined): Promise<string> {
  if (prompt.length > 0 && file !== undefined)
    throw usageError('there is both a prompt and a --file', 'Give only one of them.')
  const question = await (async () => {
    if (file !== undefined) return readText(file)
    const isPiped = prompt.length === 0 && !process.stdin.isTTY
    if (isPiped || (prompt.length === 1 && prompt[0] === '-')) return readStream(process.stdin)
    return prompt.join(' ')
  })()
  if (question.trim() !== '') return question
  throw usageError('there is no question', 'Give one: shoal ask "What is Shoal?"')
}

async function schemaFrom(given: string): Promise<string> {
  const text = given.trimStart().startsWith('{') ? given : await readText(given)
  let schema: unknown
  try {
    schema = JSON.parse(text)
  } catch (error) {
    throw usageError(`--json-schema is no JSON: ${(error as Error).message}`, 'Correct the schema.')
  }
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) {
    throw usageError('--json-schema is no schema: a JSON object is expected', 'For example {"type":"string"}')
  }
  if (Buffer.byteLength(text) > MAX_JSON_SCHEMA_BYTES)
    throw usageError(`--json-schema is longer than ${MAX_JSON_SCHEMA_BYTES} bytes`, 'Shorten the schema.')
  return text
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? 'there is none' : code === 'EISDIR' ? 'it is a folder' : String(code)
    throw usageError(`the file ${path} cannot be read: ${why}`, 'Check the path.')
  }
}

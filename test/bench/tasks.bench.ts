import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DemoNode } from '../../cli/demo/demo-node.ts'
import type { Engine, GenerateRequest } from '../../inference/engine.ts'
import { LlamaWorker } from '../../inference/llama/worker.ts'
import { ModelCatalog } from '../../inference/models/catalog.ts'
import { dataDirAt } from '../../node/data-dir.ts'
import { askFor, TestNetwork, type TestNode } from '../helpers/nodes.ts'
import { waitUntil } from '../helpers/wait.ts'
import { largeModel } from './large-model.ts'
import { type Bench, type BenchRow, median, ratioRow, valueRow } from './row.ts'

const EMBEDDED = 'shoal-nano-q8_0'
const PROMPT = 'Tell me all that you know about Shoal, please.'
const PARALLEL = 8
/** Long enough that the model cannot end early: a list of so many items. */
const LONG_ANSWER = { type: 'array', items: { enum: ['shoal', 'fish', 'net'] }, minItems: 400, maxItems: 400 }

/**
 * A paid task at another node over loopback, beside the same engine called directly in this process: same
 * file, same threads, same prompt, one after the other in turns.
 */
export const tasksBench: Bench = {
  rows: ['task.stream.large', 'task.stream.embedded', 'task.ttft', 'task.parallel8'],
  async run(wanted) {
    const rows: BenchRow[] = []
    if (wanted('task.stream.embedded') || wanted('task.ttft') || wanted('task.parallel8')) {
      await withPair({ model: EMBEDDED, slots: PARALLEL }, async pair => {
        if (wanted('task.stream.embedded'))
          rows.push(await streamRow('task.stream.embedded', pair, { tokens: 600, rounds: 5, goal: 0.75 }))
        if (wanted('task.ttft')) rows.push(await ttftRow(pair))
        if (wanted('task.parallel8')) rows.push(await parallelRow(pair))
      })
    }
    if (wanted('task.stream.large')) {
      await withPair({ model: await largeModel(), slots: 1 }, async pair => {
        rows.push(await streamRow('task.stream.large', pair, { tokens: 96, rounds: 3, goal: 0.95 }))
      })
    }
    return rows
  },
}

interface Pair {
  /** Asks the provider and pays. */
  requester: TestNode
  /** The same engine without a network. */
  direct: Engine
  modelId: string
}

async function withPair(
  options: { model: string; slots: number },
  use: (pair: Pair) => Promise<void>,
): Promise<void> {
  const network = new TestNetwork()
  const folder = await mkdtemp(join(tmpdir(), 'shoal-bench-'))
  await network.start()
  const requester = await network.node({ 'models.serve': '' })
  const provider = new DemoNode({
    name: 'provider',
    dataDir: dataDirAt(join(folder, 'provider')),
    flags: [
      [
        '--rpc',
        network.chain.rpcUrl,
        '--listen',
        '/ip4/127.0.0.1/tcp/0',
        '--bootstrap',
        requester.address,
        '--no-mdns',
      ],
      ['--model', options.model, '--slots', String(options.slots), '--threads', '1', '--context', '1024'],
    ].flat(),
  })
  const direct = new LlamaWorker({ slots: options.slots, threads: 1, maxContextTokens: 1024 })
  try {
    const isReady = ({ type, state }: { type: string; state?: unknown }) =>
      type === 'model' && state === 'ready'
    const { model } = await provider.waitFor('the model', isReady, 120_000)
    const modelId = String(model)
    await waitUntil('the offer is known', () => requester.node.parts.book.list().length > 0)
    await direct.start()
    const catalog = new ModelCatalog({
      modelsFolder: join(folder, 'models'),
      cacheFolder: join(folder, 'cache'),
    })
    const source = await catalog.resolve(options.model)
    await direct.load(source)
    await use({ requester, direct, modelId: source.id === modelId ? modelId : source.id })
  } finally {
    await direct.stop()
    await provider.stop()
    await network.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

interface Timing {
  tokens: number
  firstMs: number
  lastMs: number
}

function requestOf(pair: Pair, prompt: string, maxTokens: number, long: boolean): GenerateRequest {
  return {
    model: pair.modelId,
    input: { kind: 'chat', messages: [{ role: 'user', content: prompt }] },
    maxTokens,
    sampling: { temperature: 0, topP: 1, minP: 0, topK: 0, seed: 1 },
    stop: [],
    ...(long ? { jsonSchema: LONG_ANSWER } : {}),
  }
}

async function direct(pair: Pair, prompt: string, maxTokens: number, long: boolean): Promise<Timing> {
  const startMs = performance.now()
  const timing = new Stopwatch(startMs)
  for await (const event of pair.direct.generate(requestOf(pair, prompt, maxTokens, long))) {
    if (event.type === 'output') timing.add(event.tokens.length)
  }
  return timing.result()
}

async function paid(pair: Pair, prompt: string, maxTokens: number, long: boolean): Promise<Timing> {
  const timing = new Stopwatch(performance.now())
  const ask = askFor(prompt, { maxTokens, ...(long ? { jsonSchema: JSON.stringify(LONG_ANSWER) } : {}) })
  await pair.requester.node.trade.requester.ask(
    ask,
    event => {
      if (event.type === 'output') timing.add(event.tokens.length)
    },
    AbortSignal.timeout(120_000),
  )
  return timing.result()
}

class Stopwatch {
  readonly #startMs: number
  #tokens = 0
  #firstMs = 0
  #lastMs = 0

  constructor(startMs: number) {
    this.#startMs = startMs
  }

  add(tokens: number): void {
    const nowMs = performance.now() - this.#startMs
    if (this.#tokens === 0) this.#firstMs = nowMs
    this.#lastMs = nowMs
    this.#tokens += tokens
  }

  result(): Timing {
    return { tokens: this.#tokens, firstMs: this.#firstMs, lastMs: this.#lastMs }
  }
}

/** Tokens per second of one stream, from asking to the last token. */
const speedOf = ({ tokens, lastMs }: Timing) => (tokens / lastMs) * 1_000

async function streamRow(
  name: string,
  pair: Pair,
  options: { tokens: number; rounds: number; goal: number },
): Promise<BenchRow> {
  const { tokens, rounds, goal } = options
  const [here, there]: [number[], number[]] = [[], []]
  await direct(pair, PROMPT, 8, true)
  await paid(pair, PROMPT, 8, true)
  for (let round = 0; round < rounds; round++) {
    here.push(speedOf(await direct(pair, PROMPT, tokens, true)))
    there.push(speedOf(await paid(pair, PROMPT, tokens, true)))
  }
  return ratioRow(
    {
      name,
      unit: 'tokens/s',
      value: median(there),
      baseline: median(here),
      note: `one stream of ${tokens} tokens, paid, at another node, against the same engine in one process (${(1_000 / median(here)).toFixed(1)} ms a token)`,
    },
    { atLeast: goal },
  )
}

async function ttftRow(pair: Pair): Promise<BenchRow> {
  const [here, there]: [number[], number[]] = [[], []]
  for (let round = 0; round < 40; round++) {
    const prompt = `What is ${round} + ${round + 7}?`
    here.push((await direct(pair, prompt, 4, false)).firstMs)
    there.push((await paid(pair, prompt, 4, false)).firstMs)
  }
  const added = median(there) - median(here)
  return valueRow(
    {
      name: 'task.ttft',
      unit: 'ms added, p50',
      value: added,
      baseline: median(here),
      note: 'time to the first token at another node, paid, less that of the direct call (baseline: the direct call)',
    },
    { atMost: 15 },
  )
}

async function parallelRow(pair: Pair): Promise<BenchRow> {
  const tokens = 300
  const together = async (one: (prompt: string) => Promise<Timing>) => {
    const startMs = performance.now()
    const timings = await Promise.all(
      Array.from({ length: PARALLEL }, (_, i) => one(`Question ${i}: ${PROMPT}`)),
    )
    const total = timings.reduce((sum, timing) => sum + timing.tokens, 0)
    return (total / (performance.now() - startMs)) * 1_000
  }
  const [here, there]: [number[], number[]] = [[], []]
  for (let round = 0; round < 4; round++) {
    here.push(await together(prompt => direct(pair, prompt, tokens, true)))
    there.push(await together(prompt => paid(pair, prompt, tokens, true)))
  }
  return ratioRow(
    {
      name: 'task.parallel8',
      unit: 'tokens/s',
      value: median(there),
      baseline: median(here),
      note: `${PARALLEL} paid tasks at once at another node, in all, against ${PARALLEL} direct sequences`,
    },
    { atLeast: 0.9 },
  )
}

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DemoNode } from '../../cli/demo/demo-node.ts'
import type { Engine, GenerateInput } from '../../inference/engine.ts'
import { LlamaWorker } from '../../inference/llama/worker.ts'
import { ModelCatalog } from '../../inference/models/catalog.ts'
import { dataDirAt } from '../../node/data-dir.ts'
import { DEFAULT_PREFERENCES } from '../../node/market/preferences.ts'
import type { TaskInput } from '../../protocol/messages/task-request.ts'
import { TestNetwork, type TestNode } from '../helpers/nodes.ts'
import { GREEDY } from '../helpers/samples.ts'
import { seedOf } from '../helpers/seed.ts'
import { waitUntil } from '../helpers/wait.ts'
import { largeModel } from './large-model.ts'
import { type Bench, type BenchRow, median, ratioRow, valueRow } from './row.ts'

const EMBEDDED = 'shoal-nano-q8_0'
/** Completions of which some make a small model go round for ever, so that the length is ours to choose. */
const PROMPTS = ['fish fish fish fish fish fish', '0 0 0 0 0 0 0 0', 'a a a a a a', '\n\n\n', 'la la la la']
const STREAM_TOKENS = 500
const PARALLEL = 8
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
          rows.push(
            await streamRow('task.stream.embedded', pair, { tokens: STREAM_TOKENS, rounds: 5, goal: 0.75 }),
          )
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
  /** One that the model does not end by itself. */
  prompt: string
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
    if (source.id !== modelId) throw new Error(`the provider runs ${modelId}, not ${source.id}`)
    const prompt = await endlessPrompt(direct, modelId)
    await use({ requester, direct, modelId, prompt })
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

async function endlessPrompt(engine: Engine, model: string): Promise<string> {
  for (const prompt of PROMPTS) {
    const { tokens } = await direct({ direct: engine, modelId: model }, { kind: 'completion', prompt }, 600)
    if (tokens === 600) return prompt
  }
  throw new Error('the model ends every answer by itself; the benchmark needs another prompt')
}

async function direct(
  pair: Pick<Pair, 'direct' | 'modelId'>,
  input: GenerateInput,
  maxTokens: number,
): Promise<Timing> {
  const timing = new Stopwatch(performance.now())
  const request = {
    model: pair.modelId,
    input,
    maxTokens,
    sampling: { ...GREEDY, seed: seedOf(1) },
    stop: [],
  }
  for await (const event of pair.direct.generate(request)) {
    if (event.type === 'output') timing.add(event.tokens.length)
  }
  return timing.result()
}

async function paid(pair: Pair, input: TaskInput, maxTokens: number): Promise<Timing> {
  const timing = new Stopwatch(performance.now())
  const ask = {
    ...{ input, model: null, maxTokens, maxPrice: null, sampling: GREEDY, stop: [], jsonSchema: null },
    preferences: DEFAULT_PREFERENCES,
  }
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
  const input = { kind: 'completion', prompt: pair.prompt } as const
  await direct(pair, input, 8)
  await paid(pair, input, 8)
  for (let round = 0; round < rounds; round++) {
    here.push(speedOf(await direct(pair, input, tokens)))
    there.push(speedOf(await paid(pair, input, tokens)))
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
    const messages = [{ role: 'user' as const, content: `What is ${round} + ${round + 7}?` }]
    here.push((await direct(pair, { kind: 'chat', messages }, 4)).firstMs)
    there.push((await paid(pair, { kind: 'chat', messages }, 4)).firstMs)
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
  const tokens = STREAM_TOKENS
  const input = { kind: 'completion', prompt: pair.prompt } as const
  const together = async (one: () => Promise<Timing>) => {
    const startMs = performance.now()
    const timings = await Promise.all(Array.from({ length: PARALLEL }, one))
    const total = timings.reduce((sum, timing) => sum + timing.tokens, 0)
    return (total / (performance.now() - startMs)) * 1_000
  }
  await together(() => direct(pair, input, tokens))
  await together(() => paid(pair, input, tokens))
  const [here, there]: [number[], number[]] = [[], []]
  for (let round = 0; round < 5; round++) {
    here.push(await together(() => direct(pair, input, tokens)))
    there.push(await together(() => paid(pair, input, tokens)))
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

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DemoNode } from '../../cli/demo/demo-node.ts'
import { settings } from '../../node/config/settings.ts'
import { dataDirAt } from '../../node/data-dir.ts'
import { DEFAULT_PREFERENCES } from '../../node/market/preferences.ts'
import type { AskOptions } from '../../node/tasks/ask.ts'
import { askFor, NANO, TestNetwork, type TestNode } from '../helpers/nodes.ts'
import { waitUntil } from '../helpers/wait.ts'
import { type Bench, type BenchRow, median, valueRow } from './row.ts'

const REGIONS = ['one', 'two']
const ROUNDS = 4
/** Tokens that have come when the provider is frozen. */
const FROZEN_AFTER_TOKENS = 40
/** The longest stall that went unnoticed before providers were watched by their tokens. */
const BASELINE_STALL = '20s'
/** Keeps the model from ending early. */
const LONG_ANSWER = JSON.stringify({
  ...{ type: 'array', items: { enum: ['shoal'] }, minItems: 60, maxItems: 60 },
})

/** One of two providers in processes of their own is frozen in the middle of a task, as a hung machine is. */
export const failoverBench: Bench = {
  rows: ['failover.detect', 'failover.resume'],
  async run() {
    const network = new TestNetwork()
    const folder = await mkdtemp(join(tmpdir(), 'shoal-bench-'))
    const providers: DemoNode[] = []
    try {
      await network.start()
      const asking = {
        ...{ 'models.serve': '', 'spending.limitPerDay': '100', 'task.creditWindowTokens': 8 },
        'task.stallTimeout': `${settings['task.stallTimeout'].default}ms`,
      }
      const requester = await network.node(asking)
      const patient = await network.node({
        ...{ ...asking, 'task.stallTimeout': BASELINE_STALL, 'p2p.bootstrap': requester.address },
      })
      for (const region of REGIONS) providers.push(startProvider({ network, folder, region, requester }))
      const byRegion = new Map(REGIONS.map((region, i) => [region, providers[i]!]))
      for (const asks of [requester, patient])
        await waitUntil(
          'the offers are known',
          () => asks.node.parts.book.list().length === REGIONS.length,
          60_000,
        )
      const [detect, resume, again]: number[][] = [[], [], []]
      for (let round = 0; round < ROUNDS; round++) {
        const frozen = await freeze(requester, byRegion)
        detect!.push(frozen.detectMs)
        resume!.push(frozen.resumeMs)
        again!.push(await fromScratch(requester, frozen))
        process.kill(byRegion.get(frozen.region)!.pid, 'SIGCONT')
        await requester.node.parts.reputation.observe(frozen.provider, 'completed')
        await waitUntil(
          'it answers again',
          () => requester.node.parts.host.isConnected(frozen.provider),
          60_000,
        )
      }
      const before = await freeze(patient, byRegion)
      process.kill(byRegion.get(before.region)!.pid, 'SIGCONT')
      return rows({ detect: detect!, resume: resume!, again: again!, beforeMs: before.detectMs })
    } finally {
      await Promise.all(providers.map(provider => provider.stop()))
      await network.stop()
      await rm(folder, { recursive: true, force: true })
    }
  },
}

function rows(measured: {
  detect: number[]
  resume: number[]
  again: number[]
  beforeMs: number
}): BenchRow[] {
  const { detect, resume, again, beforeMs } = measured
  return [
    valueRow(
      {
        ...{ name: 'failover.detect', unit: 'ms, worst', value: Math.max(...detect), baseline: beforeMs },
        note: `from freezing a provider in the middle of a task until it is given up, worst of ${detect.length}; baseline: with the time-out of ${BASELINE_STALL} of before`,
      },
      { atMost: 5_000 },
    ),
    valueRow(
      {
        ...{ name: 'failover.resume', unit: 'ms, p50', value: median(resume), baseline: median(again) },
        note: `from giving it up until the next token from the next provider, worst ${Math.round(Math.max(...resume))} ms; baseline: until as much has come again when the task is asked anew there`,
      },
      { atMost: 1_000 },
    ),
  ]
}

function startProvider(options: {
  network: TestNetwork
  folder: string
  region: string
  requester: TestNode
}): DemoNode {
  const { network, folder, region, requester } = options
  return new DemoNode({
    name: region,
    dataDir: dataDirAt(join(folder, region)),
    flags: [
      ...[
        '--rpc',
        network.chain.rpcUrl,
        '--listen',
        '/ip4/127.0.0.1/tcp/0',
        '--bootstrap',
        requester.address,
      ],
      ...['--no-mdns', '--model', NANO, '--credit-window', '8', '--poll-every', '100ms', '--threads', '1'],
      ...['--region', region],
    ],
  })
}

interface Frozen {
  provider: string
  region: string
  tokens: number
  /** From freezing to giving up, and from then to the next token. */
  detectMs: number
  resumeMs: number
}

/** Runs one task, freezes its provider in the middle, and measures what comes of it. */
async function freeze(requester: TestNode, byRegion: ReadonlyMap<string, DemoNode>): Promise<Frozen> {
  const at = { frozenMs: 0, detectedMs: 0, resumedMs: 0 }
  let [region, provider, tokens] = ['', '', 0]
  const result = await requester.ask('What is Shoal?', longTask(), event => {
    if (event.type === 'chosen' && provider === '') {
      provider = event.candidate.provider
      region = event.candidate.offer!.offer.region!
    } else if (event.type === 'failover' && at.detectedMs === 0) at.detectedMs = performance.now()
    else if (event.type === 'output' && event.tokens.length > 0) {
      if (at.detectedMs > 0 && at.resumedMs === 0) at.resumedMs = performance.now()
      if (at.detectedMs === 0) tokens += event.tokens.length
      if (tokens < FROZEN_AFTER_TOKENS || at.frozenMs > 0) return
      at.frozenMs = performance.now()
      process.kill(byRegion.get(region)!.pid, 'SIGSTOP')
    }
  })
  if (result.attempts !== 2) throw new Error(`the task took ${result.attempts} attempts`)
  const detectMs = at.detectedMs - at.frozenMs
  return { provider, region, tokens, detectMs, resumeMs: at.resumedMs - at.detectedMs }
}

/** How long it takes the other provider to make as much from the beginning. */
async function fromScratch(requester: TestNode, { region, tokens }: Frozen): Promise<number> {
  const startMs = performance.now()
  let [made, endMs] = [0, 0]
  const other = REGIONS.find(one => one !== region)!
  const task = { ...longTask(), preferences: { ...DEFAULT_PREFERENCES, region: other } }
  await requester.ask('What is Shoal?', task, event => {
    if (event.type !== 'output') return
    made += event.tokens.length
    if (made >= tokens && endMs === 0) endMs = performance.now()
  })
  return endMs - startMs
}

function longTask(): AskOptions {
  return askFor('What is Shoal?', { jsonSchema: LONG_ANSWER, maxTokens: 600 })
}

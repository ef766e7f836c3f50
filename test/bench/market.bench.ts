import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DemoNode } from '../../cli/demo/demo-node.ts'
import { dataDirAt } from '../../node/data-dir.ts'
import { DEFAULT_PREFERENCES } from '../../node/market/preferences.ts'
import type { Candidate, Demand } from '../../node/market/routing/candidate.ts'
import { formatCredits } from '../../protocol/money.ts'
import { NANO, TestNetwork, type TestNode } from '../helpers/nodes.ts'
import { waitUntil } from '../helpers/wait.ts'
import { type Bench, valueRow } from './row.ts'

const PROVIDERS = 7
const WARM_UP = 20
const ROUNDS = 300

/**
 * How long it takes to know the best price among 8 nodes, each a process of its own: by an auction, which has
 * the providers' prices of this moment, and by what gossip has told before.
 */
export const marketBench: Bench = {
  rows: ['price.discovery.p95'],
  async run() {
    const network = new TestNetwork()
    const folder = await mkdtemp(join(tmpdir(), 'shoal-bench-'))
    const providers: DemoNode[] = []
    await network.start()
    try {
      const requester = await network.node({ 'models.serve': '' })
      for (let i = 0; i < PROVIDERS; i++) providers.push(startProvider(i, { network, requester, folder }))
      await Promise.all(
        providers.map(provider =>
          provider.waitFor('the model', event => event.type === 'model' && event.state === 'ready', 120_000),
        ),
      )
      await waitUntil(
        'the offers are known',
        () => requester.node.parts.book.list().length === PROVIDERS,
        60_000,
      )
      return [await measure(requester)]
    } finally {
      await Promise.all(providers.map(provider => provider.stop()))
      await network.stop()
      await rm(folder, { recursive: true, force: true })
    }
  },
}

/** Each asks another price. */
function startProvider(
  index: number,
  { network, requester, folder }: { network: TestNetwork; requester: TestNode; folder: string },
): DemoNode {
  return new DemoNode({
    name: `provider${index}`,
    dataDir: dataDirAt(join(folder, `provider${index}`)),
    flags: [
      ['--rpc', network.chain.rpcUrl, '--listen', '/ip4/127.0.0.1/tcp/0', '--no-mdns'],
      ['--bootstrap', requester.address, '--model', NANO, '--slots', '2', '--threads', '1'],
      ['--context', '512', '--price-output', formatCredits(10n ** 18n + BigInt(index) * 10n ** 17n)],
    ].flat(),
  })
}

const demand: Demand = {
  model: 'shoal-nano',
  kind: 'chat',
  promptTokensBound: 200,
  promptTokensExpected: 50,
  maxTokens: 128,
  maxPrice: null,
  preferences: { ...DEFAULT_PREFERENCES, auction: 'second-price' },
  taskClass: 'chat',
  prefixes: [],
  excluded: new Set(),
}

async function measure({ node }: TestNode) {
  const { desk } = node.parts
  const [gossip, auction]: [number[], number[]] = [[], []]
  let [asked, bids] = [0, 0]
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    const startMs = performance.now()
    const { candidates } = node.trade.router.rank(demand)
    const knownMs = performance.now()
    const entries = candidates.flatMap(({ offer, model }: Candidate) =>
      offer === null ? [] : [{ offer, model }],
    )
    const result = await desk.auctioneer.run(
      {
        taskId: randomBytes(16).toString('hex'),
        ...{ auction: 'second-price', kind: 'chat', model: 'shoal-nano', mode: 'on-demand' },
        ...{ slaClass: 'B', dataClass: 'PUBLIC', promptTokens: 200, maxTokens: 128, reserve: 10n ** 18n },
      },
      entries,
    )
    const endMs = performance.now()
    if (round < 0) continue
    gossip.push(knownMs - startMs)
    auction.push(endMs - startMs)
    asked += result?.asked ?? PROVIDERS
    bids += result?.bids ?? 0
  }
  const inTime = ((bids / asked) * 100).toFixed(1)
  return valueRow(
    {
      name: 'price.discovery.p95',
      unit: 'ms',
      value: p95(auction),
      baseline: p95(gossip),
      note: `from asking to the best price among ${PROVIDERS} providers, each a process: by sealed bids over streams, the choice of whom to ask included; ${inTime} % of bids came within the window of 50 ms (baseline: the best price that gossip has told)`,
    },
    { atMost: 50 },
  )
}

function p95(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.ceil(values.length * 0.95) - 1]!
}

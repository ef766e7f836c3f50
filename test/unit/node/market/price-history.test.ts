import assert from 'node:assert/strict'
import { join } from 'node:path'
import { CapabilityIndex } from '../../../../node/market/capability-index.ts'
import { PriceHistory } from '../../../../node/market/price-history.ts'
import { Store } from '../../../../node/store/store.ts'
import { CREDIT, type TokenPrice } from '../../../../protocol/money.ts'
import { silentLog } from '../../../helpers/hosts.ts'
import { ManualClock } from '../../../helpers/manual-clock.ts'
import { sampleOffer } from '../../../helpers/samples.ts'
import { TemporaryFolders } from '../../../helpers/temporary.ts'
import { waitUntil } from '../../../helpers/wait.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
/** At the beginning of a bucket of every span. */
const START = Math.ceil(1_700_000_000_000 / (2 * HOUR)) * 2 * HOUR

describe('price history', () => {
  const folders = new TemporaryFolders()
  let folder: string
  let store: Store
  let clock: ManualClock
  let index: CapabilityIndex
  let own: Map<string, TokenPrice>
  let history: PriceHistory

  beforeEach(async () => {
    folder = join(await folders.make(), 'store')
    store = await Store.open(folder)
    clock = new ManualClock(START)
    index = new CapabilityIndex({ clock })
    own = new Map()
    history = make()
  })
  afterEach(async () => {
    await history.stop()
    await store.close()
  })
  after(() => folders.remove())

  const make = (maxModels = 64) =>
    new PriceHistory({ maxModels }, { index, own: () => own, store, clock, log: silentLog })

  /** A provider asks this for output, and a quarter of it for input. */
  function offer(provider: string, credits: number, name = 'shoal-nano-q8_0') {
    const outputPerMillion = (CREDIT * BigInt(Math.round(credits * 1_000))) / 1_000n
    const model = { ...sampleOffer.models[0]!, outputPerMillion, inputPerMillion: outputPerMillion / 4n }
    index.set({
      provider: provider.repeat(32),
      cid: sampleOffer.wallet,
      bytes: new Uint8Array(),
      offer: {
        ...sampleOffer,
        expiresAtMs: clock.nowMs() + 100 * 24 * HOUR,
        models: [{ ...model, model: `${name}@sha256:${'ab'.repeat(32)}` }],
      },
    })
  }

  /** Looks every 15 s, as the node does. */
  async function pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 15_000) {
      await clock.advance(15_000)
      history.sample()
    }
  }

  it('has low, median and high of what others ask, over all quantisations of a name', async () => {
    offer('a1', 1)
    offer('b2', 2)
    offer('c3', 6, 'shoal-nano-q4_0')
    await pass(MINUTE)
    const [bucket] = history.of('shoal-nano', '1h')
    assert.equal(history.of('shoal-nano', '1h').length, 1)
    assert.equal(bucket?.offers, 3)
    assert.deepEqual(bucket?.output, { low: 1, median: 2, high: 6 })
    assert.deepEqual(bucket?.input, { low: 0.25, median: 0.5, high: 1.5 })
    assert.equal(bucket?.own, null)
  })

  it('weighs prices by how long they held', async () => {
    offer('a1', 1)
    await pass(3 * MINUTE)
    offer('a1', 5)
    await pass(12 * MINUTE)
    const [quarter] = history.of('shoal-nano', '24h')
    assert.equal(quarter?.output?.median, (3 * 1 + 12 * 5) / 15)
    assert.deepEqual(
      history.of('shoal-nano', '1h').map(({ output }) => output?.median),
      [1, 1, 1, ...Array<number>(12).fill(5)],
    )
  })

  it('keeps our own price beside the market’s, also where nobody else offers the model', async () => {
    own.set('mine', { inputPerMillion: CREDIT / 4n, outputPerMillion: CREDIT })
    await pass(MINUTE)
    const [bucket] = history.of('mine', '1h')
    assert.deepEqual(bucket?.own, { input: 0.25, output: 1 })
    assert.deepEqual([bucket?.offers, bucket?.output], [0, null])
  })

  it('forgets what is older than its span, and holds no more than it may', async () => {
    offer('a1', 1)
    await pass(3 * HOUR)
    assert.equal(history.of('shoal-nano', '1h').length, 60)
    assert.equal(history.of('shoal-nano', '24h').length, 12)
    await clock.advance(40 * 24 * HOUR)
    assert.deepEqual(history.of('shoal-nano', '7d'), [], 'and what was not looked at is not made up')
  })

  it('follows a bounded number of models: ours, then those with most offers', async () => {
    history = make(3)
    own.set('mine', { inputPerMillion: 1n, outputPerMillion: 1n })
    for (const provider of ['a1', 'a2', 'a3']) offer(provider, 1, 'popular')
    for (const provider of ['b1', 'b2']) offer(provider, 1, 'known')
    offer('c1', 1, 'rare')
    await pass(MINUTE)
    assert.deepEqual(history.models(), ['mine', 'popular', 'known'])
    for (const provider of ['d1', 'd2', 'd3', 'd4']) offer(provider, 1, 'new')
    await pass(MINUTE)
    assert.deepEqual(new Set(history.models()), new Set(['mine', 'popular', 'new']))
  })

  it('survives a restart, and does not count the time in between', async () => {
    offer('a1', 3)
    await history.start()
    await clock.advance(5 * MINUTE)
    await history.stop()
    await history.stop()
    const before = history.of('shoal-nano', '1h')
    assert.equal(before.length, 5)
    await clock.advance(10 * MINUTE)
    history = make()
    await history.start()
    assert.deepEqual(history.of('shoal-nano', '1h'), before)
    await clock.advance(MINUTE)
    assert.equal(history.of('shoal-nano', '1h').length, 6)
  })

  it('writes on its way, so that little is lost when a node is killed', async () => {
    offer('a1', 3)
    await history.start()
    await clock.advance(6 * MINUTE)
    const other = make()
    await waitUntil('it is written', async () => {
      await other.start()
      return other.of('shoal-nano', '1h').length > 0
    })
    await other.stop()
  })
})

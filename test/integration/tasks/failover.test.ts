import assert from 'node:assert/strict'
import { DemoNode } from '../../../cli/demo/demo-node.ts'
import { dataDirAt } from '../../../node/data-dir.ts'
import { DEFAULT_PREFERENCES } from '../../../node/market/preferences.ts'
import type { TaskEvent } from '../../../node/tasks/ask.ts'
import type { Receipt } from '../../../protocol/messages/receipt.ts'
import { NANO, TestNetwork, type TestNode } from '../../helpers/nodes.ts'
import { waitUntil } from '../../helpers/wait.ts'

const LONG_ANSWER = JSON.stringify({
  type: 'array',
  items: { enum: ['shoal'] },
  minItems: 60,
  maxItems: 60,
})

/** How long a node takes to start is not what is tested: the test's own limit is the only one. */
const TIMEOUT_MS = 120_000

describe('failover', function () {
  this.timeout(TIMEOUT_MS)
  const network = new TestNetwork()
  const processes: DemoNode[] = []
  let requester: TestNode

  before(() => network.start())
  beforeEach(async () => {
    // A small window: a provider cannot have sent much more than was paid when it dies.
    requester = await network.node({
      'models.serve': '',
      'task.creditWindowTokens': 8,
      'task.stallTimeout': '2s',
    })
    requester.choosesByScore()
  })
  afterEach(async () => {
    await Promise.all(processes.splice(0).map(node => node.stop()))
    await network.stopNodes()
  })
  after(() => network.stop())

  /** A provider in a process of its own, which can be killed or stopped in its tracks. */
  async function provider(priceOutput: string): Promise<{ pid: number; key: string }> {
    const node = new DemoNode({
      name: `provider-${priceOutput}`,
      dataDir: dataDirAt(await network.folder()),
      flags: [
        ['--rpc', network.chain.rpcUrl, '--listen', '/ip4/127.0.0.1/tcp/0', '--bootstrap', requester.address],
        [
          '--no-mdns',
          '--model',
          NANO,
          '--price-output',
          priceOutput,
          '--credit-window',
          '8',
          '--poll-every',
          '100ms',
          '--threads',
          '1',
        ],
      ].flat(),
    })
    processes.push(node)
    await node.waitFor('the start', ({ type }) => type === 'ready', TIMEOUT_MS)
    await node.waitFor('the model', ({ type, state }) => type === 'model' && state === 'ready', TIMEOUT_MS)
    const known = () =>
      requester.node.parts.book.list().find(({ offer }) => offer.wallet === node.status!.wallet)
    await waitUntil('its offer is known', () => known() !== undefined)
    return { pid: node.pid, key: known()!.provider }
  }

  for (const [how, signal] of [
    ['dies', 'SIGKILL'],
    ['stalls', 'SIGSTOP'],
  ] as const) {
    it(`goes on at the next provider when one ${how} in the middle`, async () => {
      const [cheap, dear] = await Promise.all([provider('1'), provider('2')])
      const events: TaskEvent[] = []
      let received = 0
      let killed = false
      const result = await requester.ask(
        'What is Shoal?',
        {
          jsonSchema: LONG_ANSWER,
          maxTokens: 600,
          preferences: { ...DEFAULT_PREFERENCES, strategy: 'cost' },
        },
        event => {
          events.push(event)
          if (event.type !== 'output') return
          received += event.tokens.length
          if (received <= 20 || killed) return
          killed = true
          process.kill(cheap.pid, signal)
        },
      )
      if (signal === 'SIGSTOP') process.kill(cheap.pid, 'SIGCONT')
      assert.equal(result.provider, dear.key)
      assert.equal(result.attempts, 2)
      // Whole, and nothing twice: the answer is the very JSON the schema asks for.
      const answer = JSON.parse(result.text) as string[]
      assert.deepEqual(answer, Array<string>(60).fill('shoal'))
      assert.equal(
        events.flatMap(event => (event.type === 'output' ? [event.text] : [])).join(''),
        result.text,
      )
      const failover = events.find(event => event.type === 'failover')
      assert.equal(failover?.type === 'failover' && failover.from, cheap.key)

      // Paid: to each provider what came from it, and no more.
      const channels = requester.node.trade.economy.payer.list()
      assert.equal(channels.length, 2)
      assert.equal(
        channels.reduce((sum, { cumulative }) => sum + cumulative, 0n),
        result.paid,
      )
      const receipts: Receipt[] = []
      for await (const booked of requester.node.parts.receipts.list()) receipts.push(booked.receipt)
      assert.equal(receipts.length, 1)
      assert.equal(receipts[0]!.provider, dear.key)
      assert.equal(receipts[0]!.attempt, 1)
      const toDear = channels.find(({ payee }) => payee === receipts[0]!.payee)
      assert.equal(toDear?.cumulative, receipts[0]!.amount)
      const { tasks, score } = requester.node.parts.reputation.score(cheap.key)
      assert.ok(tasks === 1 && score < requester.node.parts.reputation.score(dear.key).score)
    })
  }

  it('gives up when nobody is left, and says what happened', async () => {
    const only = await provider('1')
    let received = 0
    let killed = false
    await assert.rejects(
      requester.ask('What is Shoal?', { jsonSchema: LONG_ANSWER, maxTokens: 600 }, event => {
        if (event.type === 'output') received += event.tokens.length
        if (received <= 20 || killed) return
        killed = true
        process.kill(only.pid, 'SIGKILL')
      }),
      (error: unknown) => {
        const { code, details } = error as {
          code: string
          details: { failures: string[]; outputTokens: number }
        }
        assert.equal(code, 'ALL_PROVIDERS_FAILED')
        assert.match(details.failures.join(), /disconnected/)
        assert.equal(details.outputTokens, received)
        return true
      },
    )
  })
})

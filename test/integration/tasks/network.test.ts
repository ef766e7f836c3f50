import assert from 'node:assert/strict'
import { taskProtocol } from '../../../node/tasks/protocol.ts'
import type { TaskRequest } from '../../../protocol/messages/task-request.ts'
import { multicastTrouble } from '../../helpers/multicast.ts'
import { TestNetwork } from '../../helpers/nodes.ts'
import { sampleRequest } from '../../helpers/samples.ts'
import { waitUntil } from '../../helpers/wait.ts'

describe('a network of nodes', () => {
  const network = new TestNetwork()
  before(() => network.start())
  afterEach(() => network.stopNodes())
  after(() => network.stop())

  it('finds all offers within five seconds, by one bootstrap address', async () => {
    const first = await network.node()
    const second = await network.node({ 'p2p.bootstrap': first.address })
    const third = await network.node({ 'p2p.bootstrap': first.address })
    const everyone = [first, second, third]
    await waitUntil(
      'each knows the offers of the others',
      () =>
        everyone.every(node =>
          everyone.every(other => other === node || node.node.parts.book.of(other.key) !== null),
        ),
      5_000,
    )
    // The third has never been told of the second; a task goes there all the same.
    await first.node.stop()
    const { provider } = await third.ask('Hello!')
    assert.equal(provider, second.key)
  })

  it('lets a node join whose bootstrap was down at its start', async () => {
    const bootstrap = await network.node()
    const address = bootstrap.address
    const listen = address.replace(/\/p2p\/.*/, '')
    await bootstrap.node.stop()
    const early = await network.node({ 'models.serve': '', 'p2p.bootstrap': address })
    assert.deepEqual(early.node.parts.keeper.unreachable(), [address])
    const again = await network.node({ 'p2p.listen': listen }, bootstrap)
    await early.knows(again)
    assert.equal((await early.ask('Hello!')).status, 'completed')
  })

  it('finds each other on a local network without any address', async function () {
    const trouble = await multicastTrouble()
    if (trouble !== null) {
      process.stdout.write(`      ${trouble}\n`)
      this.skip()
    }
    const provider = await network.node({ 'p2p.mdns': true })
    const requester = await network.node({ 'p2p.mdns': true, 'models.serve': '' })
    await requester.knows(provider)
    assert.equal((await requester.ask('Hello!')).provider, provider.key)
  })

  it('reaches a provider that nobody can dial through a relay', async () => {
    const relay = await network.node({ 'models.serve': '', 'p2p.relay': true })
    const provider = await network.node({
      'p2p.listen': `${relay.address}/p2p-circuit`,
      'p2p.bootstrap': relay.address,
    })
    const requester = await network.node({
      'models.serve': '',
      'p2p.listen': '',
      'p2p.bootstrap': relay.address,
    })
    await requester.knows(provider)
    const { status, paid } = await requester.ask('What is Shoal?')
    assert.equal(status, 'completed')
    const { host } = requester.node.parts
    const isRelayed = () => host.connectionsOf(provider.key).map(({ relayed }) => relayed)
    assert.deepEqual(isRelayed(), [true])
    assert.equal(provider.node.trade.economy.payee.list()[0]!.cumulative, paid)

    // More than relays let through by default.
    const frames = await host.openStream(provider.key, taskProtocol)
    const request: TaskRequest = {
      ...sampleRequest,
      dataClass: 'PUBLIC',
      input: { kind: 'completion', prompt: 'x'.repeat(1_000_000) },
    }
    await frames.send(requester.node.trade.clearance.clear(request, { provider: provider.key, offer: null }))
    const answer = await frames.receive()
    assert.equal(answer?.kind === 'refused' && answer.code, 'offer_unknown')
    assert.deepEqual(isRelayed(), [true])
  })

  it('forgets offers that expire', async () => {
    const provider = await network.node({ 'offer.lifetime': '10s' })
    const other = await network.node({ 'models.serve': '', 'p2p.bootstrap': provider.address })
    await other.knows(provider)
    await provider.node.stop()
    await waitUntil('the offer has expired', () => other.node.parts.book.of(provider.key) === null, 15_000)
  })

  it('keeps its identity, money and offers apart from those of another chain', async () => {
    const elsewhere = new TestNetwork()
    await elsewhere.start()
    try {
      const here = await network.node()
      const there = await elsewhere.node({ 'models.serve': '', 'p2p.bootstrap': here.address })
      await waitUntil('they are connected', () => there.node.parts.host.isConnected(here.key))
      await assert.rejects(there.ask('hi'), { code: 'NO_PROVIDER' })
    } finally {
      await elsewhere.stop()
    }
  })
})

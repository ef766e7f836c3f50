import assert from 'node:assert/strict'
import { Funders } from '../../../node/chain/funders.ts'
import { encodeCall } from '../../../node/chain/publisher.ts'
import { systemClock } from '../../../node/clock.ts'
import { peerDetailView } from '../../../node/gateway/trust-views.ts'
import { peerIdOf } from '../../../node/gateway/views.ts'
import { silentLog } from '../../helpers/hosts.ts'
import { TestNetwork, type TestNode } from '../../helpers/nodes.ts'
import { waitUntil } from '../../helpers/wait.ts'

describe('trust between nodes', () => {
  const network = new TestNetwork()
  let provider: TestNode
  let requester: TestNode
  let listener: TestNode

  before(async () => {
    await network.start()
    provider = await network.node({ 'earning.settleEvery': '1h' })
    const others = { 'models.serve': '', 'p2p.bootstrap': provider.address }
    requester = await network.node(others)
    listener = await network.node({ ...others, 'p2p.bootstrap': requester.address })
    await Promise.all([requester.knows(provider), listener.knows(provider)])
    await requester.until('the node key is bound', ({ type }) => type === 'bound')
    await provider.until('the node key is bound', ({ type }) => type === 'bound')
  })
  after(() => network.stop())

  it('counts a report only once its receipt is paid on chain', async () => {
    const answer = await requester.ask('Write a list.', { maxTokens: 32, jsonSchema: LONG_ANSWER })
    assert.equal(answer.outputTokens, 32)
    const { trust } = listener.node.parts
    await waitUntil('gossip reaches the listener', async () => {
      await requester.node.parts.trust.reportNow()
      return trust.waitingReports === 1
    })
    await trust.checkReportsNow()
    const opinion = () => listener.node.parts.reputation.opinion(provider.key)
    assert.equal(opinion().witnesses.length, 0, 'not claimed yet')
    assert.equal(trust.waitingReports, 1)
    const before = opinion().lowerBound

    await provider.node.trade.economy.settler.settleNow()
    // The next look is due in minutes; another node has not looked yet.
    const late = await network.node({ 'models.serve': '', 'p2p.bootstrap': requester.address })
    const second = await requester.ask('Write another.', { maxTokens: 32, jsonSchema: LONG_ANSWER })
    assert.equal(second.status, 'completed')
    await provider.node.trade.economy.settler.settleNow()
    await waitUntil('gossip reaches the newcomer', async () => {
      await requester.node.parts.trust.reportNow()
      return late.node.parts.trust.waitingReports === 1
    })
    await late.node.parts.trust.checkReportsNow()
    const [witness] = late.node.parts.reputation.opinion(provider.key).witnesses
    assert.equal(witness?.witness, requester.key)
    assert.equal(witness?.reports, 1)
    assert.ok(late.node.parts.reputation.opinion(provider.key).lowerBound > before)
  })

  it('shows why a peer is trusted', async () => {
    const view = await peerDetailView(requester.node, peerIdOf(provider.key).slice(-6))
    assert.equal(view.peerId, peerIdOf(provider.key))
    assert.equal(view.tasks, 2)
    assert.equal(view.results.completed, 2)
    assert.equal(view.reputation, requester.node.parts.reputation.score(provider.key).score)
    const points = view.components.reduce((sum, component) => sum + component.points, 0)
    assert.ok(Math.abs(points * view.restraint + view.inheritedPoints - view.reputation) < 1)
    assert.ok(view.evidence.some(({ kind, what }) => kind === 'task' && what === 'completed'))
    assert.ok(view.evidence.some(({ kind, what }) => kind === 'contact' && what === 'reached'))
    assert.ok(view.operator.some(key => key.startsWith('wallet:0x')))
  })

  it('knows who gave a wallet its first credits, but for those who give to all', async () => {
    const { client, publisher } = requester.node.trade.economy
    const funders = new Funders({ client, clock: systemClock, log: silentLog })
    await funders.look(requester.wallet.address)
    assert.equal(funders.of(requester.wallet.address), null, 'the faucet is nobody')
    const child = `0x${'c4'.repeat(20)}`
    await publisher.submit({
      id: 'fund-child',
      contract: 'creditToken',
      data: encodeCall('creditToken', 'transfer', [child, 1n]),
    })
    await funders.look(child)
    assert.equal(funders.of(child), requester.wallet.address)
    funders.stop()
  })
})

/** Keeps a model from ending early. */
const LONG_ANSWER = JSON.stringify({ type: 'array', items: { enum: ['shoal'] }, minItems: 50, maxItems: 50 })

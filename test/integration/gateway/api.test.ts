import assert from 'node:assert/strict'
import { verifyInclusion } from '../../../node/auditlog/merkle.ts'
import { eventRoutes } from '../../../node/gateway/api/event-routes.ts'
import { apiRoutes } from '../../../node/gateway/api/routes.ts'
import type { EventPageView } from '../../../node/gateway/event-views.ts'
import { openapi } from '../../../node/gateway/http/openapi.ts'
import type { MapView } from '../../../node/gateway/map-views.ts'
import type { ProofView } from '../../../node/gateway/proof-views.ts'
import { ServedModels } from '../../../node/gateway/served-models.ts'
import type { ReceiptView } from '../../../node/gateway/views.ts'
import { auditEventHash, auditEventMessage } from '../../../protocol/messages/audit-event.ts'
import { countersignatureMessage } from '../../../protocol/messages/countersignature.ts'
import { receiptMessage } from '../../../protocol/messages/receipt.ts'
import { openRecord } from '../../../protocol/signed.ts'
import { receiptClaim } from '../../../protocol/typed-data.ts'
import { gatewayApp } from '../../helpers/gateway-app.ts'
import { TestNetwork, type TestNode } from '../../helpers/nodes.ts'
import { waitUntil } from '../../helpers/wait.ts'

const fromBase64 = (text: string | null) => new Uint8Array(Buffer.from(text!, 'base64'))

describe('the API of a node', () => {
  const network = new TestNetwork()
  const doors: Awaited<ReturnType<typeof gatewayApp>>[] = []
  let provider: TestNode
  let requester: TestNode
  let taskIds: { ours: string; theirs: string }

  const open = async ({ node }: TestNode) => {
    const door = await gatewayApp({ node, served: new ServedModels(node.events), shutDown: () => {} }, [
      openapi,
      eventRoutes,
      apiRoutes,
    ])
    doors.push(door)
    return async <T>(path: string, options: { tenant?: string; post?: unknown; status?: number } = {}) => {
      const { tenant, post, status = 200 } = options
      const response = await fetch(`${door.url}${path}`, {
        headers: {
          ...(tenant === undefined ? {} : { 'x-tenant': tenant }),
          ...(post === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(post === undefined ? {} : { method: 'POST', body: JSON.stringify(post) }),
      })
      const body: unknown = await response.json()
      assert.equal(response.status, status, `${path}: ${JSON.stringify(body)}`)
      return body as T
    }
  }
  let earn: Awaited<ReturnType<typeof open>>
  let ask: Awaited<ReturnType<typeof open>>

  before(async () => {
    await network.start()
    provider = await network.node()
    requester = await network.node({ 'models.serve': '', 'p2p.bootstrap': provider.address })
    await requester.knows(provider)
    ;[earn, ask] = [await open(provider), await open(requester)]
    taskIds = {
      ours: (await requester.ask('What is Shoal?', { maxTokens: 8 })).taskId,
      theirs: (await requester.ask('What is a fish?', { maxTokens: 8, tenant: 'a' })).taskId,
    }
  })
  after(async () => {
    await Promise.all(doors.map(({ stop }) => stop()))
    await network.stop()
  })

  it('tells what the commands tell, and of others’ money nothing to tenants', async () => {
    const { wallet } = requester.node.parts
    const status = await ask<{ peerId: string; wallet: string; dataDir?: string }>('/api/status')
    assert.equal(status.wallet, wallet.address)
    assert.equal(status.dataDir, requester.root)
    const seen = await ask<typeof status>('/api/status', { tenant: 'a' })
    assert.deepEqual([seen.peerId, seen.dataDir], [status.peerId, undefined])
    const paths = [
      '/api/wallet',
      '/api/stake',
      '/api/earnings',
      '/api/proofs/1',
      '/api/route',
      '/api/disputes',
    ]
    for (const path of paths) {
      await ask(path)
      await ask(path, { tenant: 'a', status: 403 })
    }
    for (const path of ['models', 'peers', 'market', 'prices', 'learn', 'calibrations'])
      await ask(`/api/${path}`, { tenant: 'a' })
    const offers = await ask<{ provider: string }[]>('/api/offers?kind=model&limit=5&maxPrice=1000000')
    assert.equal(offers.length, 1)
    assert.equal((await ask<unknown[]>(`/api/route/tasks/${taskIds.ours}`)).length, 1)
    await ask('/api/offers?limit=x', { status: 400 })
    // This node does not learn.
    await ask('/api/learn/rounds', { status: 422 })
    await ask('/api/market?model=none', { status: 404 })
    const { nodes, links } = await ask<MapView>('/api/map')
    assert.deepEqual(
      nodes.map(({ self, connected }) => ({ self, connected })),
      [
        { self: true, connected: true },
        { self: false, connected: true },
      ],
    )
    assert.deepEqual([links[0]!.from, links[0]!.to], [status.peerId, nodes[1]!.peerId])
    const earnings = await earn<{ tasks: number; earned: string; buckets: unknown[] }>(
      '/api/earnings?span=24h',
    )
    assert.deepEqual([earnings.tasks, earnings.buckets.length], [2, 24])
    assert.ok(Number(earnings.earned) > 0)
  })

  it('tells each tenant of its own tasks and receipts alone', async () => {
    const ours = await ask<ReceiptView[]>('/api/receipts')
    assert.deepEqual(
      ours.map(({ taskId }) => taskId),
      [taskIds.theirs, taskIds.ours],
    )
    const theirs = await ask<ReceiptView[]>('/api/receipts', { tenant: 'a' })
    assert.deepEqual(theirs, [ours[0]])
    assert.deepEqual(await ask(`/api/receipts/${ours[0]!.receipt}`, { tenant: 'a' }), ours[0])
    for (const path of ['receipts', 'proofs'])
      await ask(`/api/${path}/${ours[1]!.receipt}`, { tenant: 'a', status: 404 })
    const told = async (tenant: string) => {
      const { events } = await ask<EventPageView>('/api/events/page?channels=tasks,receipts', { tenant })
      return events.map(({ type, data }) => `${type} ${data.taskId === taskIds.theirs ? 'theirs' : 'ours'}`)
    }
    await waitUntil('the events are on disk', async () => (await told('owner')).length >= 8)
    const all = (whose: string) =>
      ['task-began', 'task-given', 'receipt.countersigned', 'task-ended'].map(type => `${type} ${whose}`)
    assert.deepEqual((await told('owner')).sort(), [...all('ours'), ...all('theirs')].sort())
    assert.deepEqual(await told('a'), all('theirs'))
    assert.deepEqual(await told('b'), [])
  })

  it('gives all that is needed to check a receipt without it, on either side', async () => {
    const [{ receipt: cid }] = await ask<[ReceiptView]>('/api/receipts')
    for (const [{ node }, door] of [
      [provider, earn],
      [requester, ask],
    ] as const) {
      const early = await door<ProofView>(`/api/proofs/${cid}`)
      assert.ok(early.event !== null && early.inclusion === null && early.anchor === null)
      await node.trade.economy.anchorer.anchorNow()
      const proof = await door<ProofView>(`/api/proofs/${cid}`)
      const receipt = openRecord(receiptMessage, fromBase64(proof.receipt))
      assert.equal(receipt.cid, cid)
      const signed = openRecord(countersignatureMessage, fromBase64(proof.countersignature))
      assert.deepEqual([signed.body.receipt, signed.signer], [cid, receipt.body.requester])
      const { body, signer } = openRecord(auditEventMessage, fromBase64(proof.event))
      assert.equal(signer, node.parts.host.nodeKey)
      const inclusion = proof.inclusion!
      assert.equal(inclusion.sequence, body.sequence)
      assert.equal(inclusion.claim, receiptClaim(receipt.body))
      const eventHash = Buffer.from(auditEventHash(fromBase64(proof.event))).toString('hex')
      assert.equal(inclusion.eventHash, `0x${eventHash}`)
      const anchor = proof.anchor!
      const whole = { ...inclusion, claim: receiptClaim(receipt.body), ...anchor }
      assert.ok(verifyInclusion(whole))
      assert.ok(await node.trade.economy.client.verifyInclusion(anchor.wallet as `0x${string}`, whole))
      assert.deepEqual(
        { ...(await door<ProofView>(`/api/proofs/${body.sequence}`)) },
        { ...proof, receipt: null, countersignature: null },
      )
    }
    await ask('/api/proofs/999999', { status: 404 })
  })

  it('says in OpenAPI what it takes and answers', async () => {
    type Operation = { parameters?: { name: string }[]; requestBody?: object; responses: object }
    const { paths } = await ask<{ paths: Record<string, Record<string, Operation>> }>('/openapi.json')
    const parameters = ({ parameters: all = [] }: Operation) => all.map(({ name }) => name).sort()
    const query = ['channels', 'consumer', 'from', 'group', 'inFlight']
    assert.deepEqual(parameters(paths['/api/events']!.get!), query)
    assert.deepEqual(parameters(paths['/api/learn/rounds/{round}']!.get!), ['round'])
    assert.ok(paths['/api/stake/add']!.post!.requestBody !== undefined)
    assert.match(JSON.stringify(paths['/api/proofs/{name}']!.get!.responses), /AuditAnchor/)
  })

  it('does what operators may, and nothing for who may not', async () => {
    for (const path of ['settle', 'stake/add', 'anchor', 'stop', 'learn/rounds'])
      await ask(`/api/${path}`, { tenant: 'a', post: {}, status: 403 })
    await ask('/api/stake/add', { post: { amount: 'much' }, status: 400 })
    const [closing] = await ask<[{ channelId: string; left: string }]>('/api/channels/close', { post: {} })
    const { channelId } = (await ask<[ReceiptView]>('/api/receipts'))[0]
    assert.equal(closing.channelId, channelId)
    assert.ok(Number(closing.left) > 0)
  })
})

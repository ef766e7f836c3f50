import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { peerIdOf } from '../../../node/gateway/views.ts'
import { Clearance } from '../../../node/market/clearance.ts'
import { DEFAULT_PREFERENCES } from '../../../node/market/preferences.ts'
import type { TaskEvent, TaskResult } from '../../../node/tasks/ask.ts'
import { taskProtocol } from '../../../node/tasks/protocol.ts'
import type { DataClass } from '../../../protocol/data-class.ts'
import { CREDIT } from '../../../protocol/money.ts'
import { askFor, NANO, TestNetwork, type TestNode } from '../../helpers/nodes.ts'
import { OpenAiServer, part } from '../../helpers/openai-server.ts'
import { sampleRequest } from '../../helpers/samples.ts'
import { filesWith } from '../../helpers/search-files.ts'
import { waitUntil } from '../../helpers/wait.ts'
import { WireTap } from '../../helpers/wire-tap.ts'

const KEY = 'sk-of-the-cloud-service'
const QUESTION = 'What is Shoal?'

describe('own engine, peers and cloud services', () => {
  const network = new TestNetwork()
  const server = new OpenAiServer()
  const tap = new WireTap()
  let services: string
  let provider: TestNode
  /** All there were. */
  const nodes: TestNode[] = []

  before(async () => {
    await tap.start()
    await server.start()
    await network.start()
    const folder = await network.folder()
    services = join(folder, 'services.json')
    const keyFile = join(folder, 'key')
    await writeFile(keyFile, KEY)
    const model = { input: '1', output: '4', contextTokens: 4_096, tokensPerSecond: 100, continues: 'plain' }
    const models = [
      { ...model, model: NANO },
      { ...model, model: 'big', quality: 1 },
    ]
    await writeFile(
      services,
      JSON.stringify({
        services: [{ name: 'example', url: server.url, keyFile, dataClass: 'SHARED', models }],
      }),
    )
    provider = await network.node({ 'log.level': 'trace' })
    nodes.push(provider)
  })
  after(async () => {
    await network.stop()
    await server.stop()
    tap.stop()
  })

  async function requester(flags: Parameters<TestNetwork['node']>[0] = {}): Promise<TestNode> {
    const node = await network.node({
      ...{ 'models.serve': '', 'cloud.services': services, 'p2p.bootstrap': provider.address },
      ...{ 'log.level': 'trace', ...flags },
    })
    nodes.push(node)
    await node.knows(provider)
    return node
  }

  /** One that can do tasks itself, and knows no peers, so that none counts on it. */
  async function selfReliant(): Promise<TestNode> {
    const node = await network.node({
      ...{ 'local.use': true, 'cloud.services': services, 'log.level': 'trace' },
    })
    nodes.push(node)
    await waitUntil('the own engine is listed', () => venuesFor(node, NANO).includes('local'))
    return node
  }

  const venuesFor = (node: TestNode, model: string | null) => {
    const { candidates } = node.node.trade.requester.rank(askFor(QUESTION, { model }))
    return candidates.map(({ provider }) => provider).sort()
  }

  it('go on for each other in the middle of an answer', async () => {
    const node = await requester()
    node.choosesByScore()
    const preferences = { ...DEFAULT_PREFERENCES, strategy: 'quality' as const }
    server.next((response, asked) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.end(`data: ${part(asked, 'Shoal is')}\n\n`)
    })
    const events: TaskEvent[] = []
    const result = await node.ask(QUESTION, { maxTokens: 24, preferences }, event => events.push(event))
    const chosen = events.flatMap(event => (event.type === 'chosen' ? [event.candidate.provider] : []))
    assert.deepEqual(chosen, ['cloud:example', provider.key])
    assert.equal(result.provider, provider.key)
    assert.ok(result.text.startsWith('Shoal is') && result.text.length > 'Shoal is'.length, result.text)
    assert.equal(events.map(event => (event.type === 'output' ? event.text : '')).join(''), result.text)
  })

  it('compete in one ranking, and each can do a task', async () => {
    const node = await requester({ 'models.serve': NANO, 'local.use': true })
    const everyone = ['cloud:example', 'local', provider.key].sort()
    await waitUntil('all are listed', () => venuesFor(node, NANO).length === 3)
    assert.deepEqual(venuesFor(node, NANO), everyone)
    const preferences = { ...DEFAULT_PREFERENCES, strategy: 'cost' as const }
    const { candidates } = node.node.trade.requester.rank(askFor(QUESTION, { model: NANO, preferences }))
    assert.equal(candidates.toSorted((a, b) => b.score - a.score)[0]?.provider, 'local')
    const own = await node.ask(QUESTION, { preferences: { ...preferences, dataClass: 'PRIVATE' } })
    assert.deepEqual([own.provider, own.paid], ['local', 0n])
    assert.ok(!venuesFor(provider, NANO).includes('local'), 'who does not want that is not asked')

    const { spending } = node.node.trade.economy
    const before = spending.remaining()
    const bought = await node.ask(QUESTION, { model: 'big' })
    assert.equal(bought.provider, 'cloud:example')
    assert.equal(bought.text, 'four fish swim')
    assert.deepEqual([bought.promptTokens, bought.outputTokens], [12, 3])
    assert.equal(bought.paid, (24n * CREDIT) / 1_000_000n)
    assert.equal(before - spending.remaining(), bought.paid)
  })

  describe('and the content of a task', () => {
    const secret = () => `fish-${randomBytes(24).toString('hex')}`
    const ask = (node: TestNode, prompt: string, dataClass: DataClass, model: string | null = null) =>
      node.ask(prompt, { model, maxTokens: 16, preferences: { ...DEFAULT_PREFERENCES, dataClass } })

    it('leaves the node for those alone who may have it, in no byte for anybody else', async () => {
      const alone = await requester()
      const withEngine = await selfReliant()
      // What the tap sees when content is let out: at a peer, and at a service.
      for (const model of [NANO, 'big']) {
        const open = secret()
        server.answer = 'all right'
        await ask(alone, open, 'PUBLIC', model)
        assert.ok(tap.saw(open), `the tap sees nothing of ${model}`)
      }
      for (const dataClass of ['CONFIDENTIAL', 'PRIVATE'] as const) {
        const kept = secret()
        server.asked.length = 0
        await assert.rejects(ask(alone, kept, dataClass), { code: 'NOTHING_FITS' })
        const { provider: who } = await ask(withEngine, kept, dataClass)
        assert.equal(who, 'local')
        assert.ok(!tap.saw(kept), `${dataClass} content left the node`)
        assert.equal(server.asked.length, 0)
      }
    })

    it('goes as CONFIDENTIAL to a peer on the allow-list, and not to the service', async () => {
      const node = await requester({ 'privacy.allow': peerIdOf(provider.key) })
      server.asked.length = 0
      assert.equal((await ask(node, secret(), 'CONFIDENTIAL')).provider, provider.key)
      await assert.rejects(ask(node, secret(), 'PRIVATE'), { code: 'NOTHING_FITS' })
      assert.equal(server.asked.length, 0)
    })

    it('is refused by a peer that does not declare itself fit for it', async () => {
      const node = await requester()
      const known = node.node.parts.book.of(provider.key)!
      assert.equal(await node.node.trade.economy.client.certification(known.offer.wallet), null)
      const credulous = new Clearance(
        { allow: [], minStake: 0n, enclaveAttesters: [provider.wallet.address] },
        {
          isWelcome: () => true,
          standing: () => ({ stake: 0n, bound: true, atMs: 0 }),
          certifierOf: wallet => wallet,
          attestationOf: () => null,
          serviceClass: () => null,
          clock: { nowMs: () => 0 },
        },
      )
      const cleared = credulous.clear(
        {
          ...sampleRequest,
          ...{ offer: known.cid, model: known.offer.models[0]!.model, dataClass: 'PRIVATE' as const },
        },
        { provider: provider.key, offer: { ...known, offer: { ...known.offer, dataClass: 'PRIVATE' } } },
      )
      const frames = await node.node.parts.host.openStream(provider.key, taskProtocol)
      await frames.send(cleared)
      const answer = await frames.receive()
      assert.equal(answer?.kind === 'refused' && answer.code, 'data_class')
    })

    it('is on no disk afterwards, on neither side, nor is the key of a service', async () => {
      const [prompt, answer] = [secret(), secret()]
      // The answer is known beforehand, and so is what to look for.
      const jsonSchema = JSON.stringify({ const: answer })
      server.answer = answer
      const at = async (node: TestNode, model: string, dataClass: DataClass): Promise<TaskResult> => {
        const result = await node.ask(prompt, {
          ...{ model, maxTokens: 256, preferences: { ...DEFAULT_PREFERENCES, dataClass } },
          ...(model === 'big' ? {} : { jsonSchema }),
        })
        assert.ok(result.text.includes(answer), result.text)
        return result
      }
      const from = await requester({ 'cloud.services': '' })
      const elsewhere = await at(from, NANO, 'SHARED')
      const doer = nodes.find(({ key }) => key === elsewhere.provider)!
      const node = await selfReliant()
      assert.equal((await at(node, NANO, 'PRIVATE')).provider, 'local')
      assert.equal((await at(node, 'big', 'SHARED')).provider, 'cloud:example')
      for (const { node: stopped } of nodes) await stopped.stop()
      for (const text of [prompt, answer, KEY])
        for (const { root } of nodes) assert.deepEqual(await filesWith(root, text), [])
      // That a search finds what is there: both sides keep the receipt.
      for (const { root } of [doer, from]) assert.notDeepEqual(await filesWith(root, elsewhere.taskId), [])
    })
  })
})

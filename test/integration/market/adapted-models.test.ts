import assert from 'node:assert/strict'
import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { offerViews } from '../../../node/gateway/offer-views.ts'
import type { TaskEvent } from '../../../node/tasks/ask.ts'
import { adaptedModelId } from '../../../protocol/adapted-model.ts'
import type { ModelId } from '../../../protocol/ids.ts'
import { NANO, TestNetwork, type TestNode } from '../../helpers/nodes.ts'
import { randomAdapterFile } from '../../helpers/random-adapter.ts'
import { waitUntil } from '../../helpers/wait.ts'

const ALL = {
  ...{ kind: null, model: null, tags: [], region: null, maxPrice: null, dataClass: null },
  ...{ slaClass: null, limit: 100 },
}

/** A provider whose base wears adapters, and one who asks; both whole nodes. */
describe('models that wear adapters', () => {
  const network = new TestNetwork()
  let [provider, requester] = [] as unknown as [TestNode, TestNode]
  let base: ModelId
  let law: { id: ModelId; path: string }
  const adapter = async (name: string, seed: number) => {
    const { path } = await provider.node.parts.catalog.resolve(NANO)
    return randomAdapterFile(join(await network.folder(), `${name}.gguf`), path, { name, seed, size: 0.1 })
  }

  before(async () => {
    await network.start()
    provider = await network.node({ 'price.models': `${NANO}=0.5/1.5` })
    base = provider.node.parts.serving.models()[0]!
    law = await adapter('law', 1)
    requester = await network.node({
      ...{ 'p2p.bootstrap': provider.address, 'models.serve': '', 'task.maxAttempts': 1 },
      ...{ 'audits.share': 1, 'audits.leastProbability': 1, 'audits.loadModels': true },
    })
    await mkdir(requester.node.dataDir.models, { recursive: true })
    await copyFile(law.path, join(requester.node.dataDir.models, 'law.gguf'))
    await provider.node.parts.serving.serveAdapter({ base: NANO, path: law.path })
    await offered(adaptedModelId(base, [law.id]))
  })
  after(() => network.stop())

  const models = () => requester.node.parts.book.of(provider.key)?.offer.models ?? []
  const offered = (model: ModelId) =>
    waitUntil('the offer is known', () => models().some(offer => offer.model === model))
  async function ask(model: string) {
    const events: TaskEvent[] = []
    await requester.ask('What is Shoal?', { model, maxTokens: 24 }, event => events.push(event))
    const receipt = events.find(event => event.type === 'receipt')
    assert.ok(receipt !== undefined)
    return receipt.record
  }

  it('are offered beside their base at its price, and found by the name of the adapter', async () => {
    const both = offerViews(requester.node, ALL as never) as { model: string }[]
    assert.deepEqual(
      both.map(({ model }) => model).toSorted(),
      [adaptedModelId(base, [law.id]), base].toSorted(),
    )
    const [view, ...others] = offerViews(requester.node, { ...ALL, model: 'law' } as never)
    assert.deepEqual(others, [])
    assert.partialDeepStrictEqual(view, { adapter: { base, adapter: law.id } })
    const [worn, plain] = models().toSorted((a, b) => Number(a.adapter === null) - Number(b.adapter === null))
    assert.equal(worn!.outputPerMillion, plain!.outputPerMillion)
  })

  it('answer with the adapter, say so in the receipt, and are audited by whoever has it', async () => {
    const { cid, body } = await ask('law')
    assert.deepEqual([body.model, body.adapter], [adaptedModelId(base, [law.id]), law.id])
    await requester.until('the answer is checked', event => event.type === 'audited' && event.receipt === cid)
    const audited = requester.told.find(event => event.type === 'audited' && event.receipt === cid)
    assert.partialDeepStrictEqual(audited, { result: 'passed' })
    const { checker } = requester.node.parts.verification
    assert.ok(checker !== undefined)
  })

  it('give way to a new version without dropping what runs', async () => {
    const old = adaptedModelId(base, [law.id])
    const better = await adapter('law-2', 2)
    const { serving } = provider.node.parts
    let switched: Promise<unknown> | null = null
    const events: TaskEvent[] = []
    const result = await requester.ask('What is Shoal?', { model: 'law', maxTokens: 120 }, event => {
      events.push(event)
      if (event.type === 'output')
        switched ??= serving.serveAdapter({ base: NANO, path: better.path, replaces: old })
    })
    await switched
    assert.ok(result.outputTokens > 0)
    assert.ok(['stop', 'length'].includes(result.reason), result.reason)
    const receipt = events.find(event => event.type === 'receipt')!
    assert.equal(receipt.record.body.adapter, law.id)
    const now = adaptedModelId(base, [better.id])
    await waitUntil('the old version is not offered any more', () => {
      const ids = models().map(({ model }) => model)
      return ids.includes(now) && !ids.includes(old)
    })
    assert.equal((await ask('law-2')).body.adapter, better.id)
    // What was offered may be asked for until that offer expires.
    assert.ok(provider.node.parts.engine.status().models.some(({ id }) => id === old))
    assert.deepEqual(serving.models().toSorted(), [base, old, now].toSorted())
  })
})

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { writeGguf } from '../../../inference/models/gguf-writer.ts'
import { chainCheck } from '../../../node/auditlog/chain-check.ts'
import { proveEvent, readEvent, verifyAuditLog } from '../../../node/auditlog/verify.ts'
import { PaymentError } from '../../../node/payments/errors.ts'
import type { TaskEvent } from '../../../node/tasks/ask.ts'
import { TaskError } from '../../../node/tasks/errors.ts'
import type { BookedReceipt } from '../../../node/tasks/receipt-book.ts'
import { sameBytes } from '../../../protocol/codec.ts'
import { CREDIT, costRoundedUp } from '../../../protocol/money.ts'
import { TestNetwork, type TestNode } from '../../helpers/nodes.ts'
import { GREEDY } from '../../helpers/samples.ts'
import { tinyModel } from '../../helpers/tiny-model.ts'
import { waitUntil } from '../../helpers/wait.ts'

const code = (type: typeof TaskError | typeof PaymentError, expected: string) => (error: unknown) => {
  assert.ok(error instanceof type, String(error))
  assert.equal(error.code, expected)
  assert.ok(error.fix, 'it says what to do')
  return true
}

/** Keeps a model from ending early: its answer must have a list of so many items. */
const LONG_ANSWER = JSON.stringify({
  type: 'array',
  items: { enum: ['shoal'] },
  minItems: 200,
  maxItems: 200,
})

async function receiptsOf({ node }: TestNode): Promise<BookedReceipt[]> {
  const receipts: BookedReceipt[] = []
  for await (const receipt of node.parts.receipts.list()) receipts.push(receipt)
  return receipts
}

describe('a task between two nodes', () => {
  const network = new TestNetwork()
  let provider: TestNode
  let requester: TestNode

  before(async () => {
    await network.start()
    provider = await network.node({ 'earning.settleEvery': '1s', 'earning.settleAbove': '0' })
    requester = await network.node({ 'models.serve': '', 'p2p.bootstrap': provider.address })
    await requester.knows(provider)
  })
  after(() => network.stop())

  it('is done, paid to the last token, and signed by both', async () => {
    const events: TaskEvent[] = []
    const result = await requester.ask('What is Shoal?', {}, event => events.push(event))
    assert.equal(result.status, 'completed')
    assert.ok(result.outputTokens > 5 && result.text.length > 10)
    const types = events.map(({ type }) => type)
    assert.deepEqual(types.slice(0, 6), ['started', 'ranked', 'chosen', 'funding', 'channel', 'accepted'])
    const shown = events.flatMap(event => (event.type === 'output' ? [event.text] : [])).join('')
    assert.equal(shown, result.text)

    const [mine] = await receiptsOf(requester)
    const [theirs] = await receiptsOf(provider)
    assert.ok(mine && theirs)
    assert.ok(sameBytes(mine.record, theirs.record))
    assert.ok(
      mine.countersignature &&
        theirs.countersignature &&
        sameBytes(mine.countersignature, theirs.countersignature),
    )
    const price = { inputPerMillion: CREDIT / 4n, outputPerMillion: CREDIT }
    assert.equal(
      mine.receipt.amount,
      costRoundedUp(price, { inputTokens: result.promptTokens, outputTokens: result.outputTokens }),
    )
    assert.equal(result.paid, mine.receipt.amount)

    const [paying] = requester.node.trade.economy.payer.list()
    const [earning] = provider.node.trade.economy.payee.list()
    assert.equal(paying?.cumulative, result.paid)
    assert.equal(earning?.cumulative, result.paid)
    assert.equal(paying?.reserved, 0n)
  })

  it('settles by itself, and the chain agrees with both', async () => {
    const { client, payee } = provider.node.trade.economy
    const [earning] = payee.list()
    // What was earned while it was settling is settled the next time.
    await waitUntil(
      'all of it is claimed',
      async () => (await client.channel(earning!.channelId))?.claimed === earning!.cumulative,
    )
    await provider.until('it is told', ({ type }) => type === 'settled')
    const { settlementCredits } = await client.balances(provider.wallet.address)
    assert.equal(settlementCredits, earning!.cumulative)
    await waitUntil(
      'the requester has seen it',
      () => requester.node.trade.economy.payer.list()[0]?.claimed === earning!.cumulative,
    )
  })

  it('leaves an audit trail that the chain confirms', async () => {
    const anchor = await provider.node.trade.economy.anchorer.anchorNow()
    const { client } = provider.node.trade.economy
    const path = provider.node.dataDir.auditLog
    const verdict = await verifyAuditLog(
      { path },
      { checkAnchor: chainCheck(client, provider.wallet.address) },
    )
    assert.equal(verdict.problem, null)
    assert.equal(verdict.nodeKey, provider.key)
    const kinds: string[] = []
    for (let sequence = 1; sequence <= verdict.events; sequence++)
      kinds.push((await readEvent(path, sequence))!.body.event.kind)
    for (const kind of [
      'node.started',
      'wallet.bound',
      'model.loaded',
      'receipt.issued',
      'settlement.confirmed',
      'anchor.confirmed',
    ]) {
      assert.equal(kinds.filter(name => name === kind).length >= 1, true, kind)
    }
    assert.equal(kinds.filter(kind => kind === 'receipt.issued').length, 1)
    assert.equal(kinds.filter(kind => kind === 'settlement.confirmed').length, 1)
    for (let sequence = anchor.firstSequence; sequence <= anchor.lastSequence; sequence++) {
      const proof = await proveEvent(path, verdict, sequence)
      assert.equal(await client.verifyInclusion(provider.wallet.address, proof!), true)
      assert.equal(await client.verifyInclusion(requester.wallet.address, proof!), false)
    }
  })

  it('runs beside others on one channel, and every token is paid once', async () => {
    const before = requester.node.trade.economy.payer.list()[0]!.cumulative
    const questions = [
      'What is Shoal?',
      'Hello!',
      'What is 17 + 25?',
      'Sort 5, 3, 9.',
      'Who are you?',
      'How do I get paid?',
      'hi',
      'What is a voucher?',
    ]
    const results = await Promise.all(questions.map(question => requester.ask(question)))
    const paid = results.reduce((sum, result) => sum + result.paid, 0n)
    const [paying] = requester.node.trade.economy.payer.list()
    assert.equal(requester.node.trade.economy.payer.list().length, 1)
    assert.equal(paying!.cumulative, before + paid)
    assert.equal(provider.node.trade.economy.payee.list()[0]!.cumulative, before + paid)
    const receipts = await receiptsOf(provider)
    assert.equal(receipts.length, 1 + questions.length)
    assert.ok(receipts.every(({ countersignature }) => countersignature !== null))
    assert.equal(
      receipts.reduce((sum, { receipt }) => sum + receipt.amount, 0n),
      before + paid,
    )
  })

  it('repeats an answer with the same seed', async () => {
    const nonce = `0x${'07'.repeat(32)}`
    const sampling = { ...GREEDY, temperature: 1.2, nonce, seedScope: 'nonce' as const }
    const first = await requester.ask('Tell me something.', { sampling })
    const second = await requester.ask('Tell me something.', { sampling })
    assert.equal(second.text, first.text)
  })

  it('answers in JSON of a schema', async () => {
    const jsonSchema = JSON.stringify({
      type: 'object',
      properties: { mood: { enum: ['positive', 'negative', 'neutral'] } },
      required: ['mood'],
    })
    const { text } = await requester.ask('Is this positive or negative: I love it!', { jsonSchema })
    assert.ok(['positive', 'negative', 'neutral'].includes((JSON.parse(text) as { mood: string }).mood))
  })

  it('is cancelled at the provider, and only what arrived is paid', async () => {
    const cancel = new AbortController()
    let received = 0
    const result = await requester.ask(
      'What is Shoal?',
      { jsonSchema: LONG_ANSWER, maxTokens: 900 },
      event => {
        if (event.type !== 'output') return
        received += event.tokens.length
        cancel.abort()
      },
      AbortSignal.any([cancel.signal, AbortSignal.timeout(50_000)]),
    )
    assert.equal(result.status, 'cancelled')
    assert.equal(result.outputTokens, received)
    assert.ok(received < 900)
    const [mine] = await receiptsOf(requester)
    assert.equal(mine?.receipt.reason, 'cancelled')
    assert.equal(mine?.receipt.outputTokens, received)
    assert.equal(result.paid, mine?.receipt.amount)
    await waitUntil('the provider is idle', () => provider.node.parts.engine.status().active === 0)
  })

  it('waits for whoever pays in the end, and no more is made meanwhile than may be owed', async () => {
    const cancel = new AbortController()
    const waits = Promise.withResolvers<void>()
    const paid = Promise.withResolvers<void>()
    const spent: bigint[] = []
    const asked = requester.ask(
      'Make a list.',
      {
        ...{ jsonSchema: LONG_ANSWER, maxTokens: 900 },
        cover: async ({ amount, outputTokens }) => {
          spent.push(amount)
          if (outputTokens < 16) return
          waits.resolve()
          await paid.promise
        },
      },
      () => {},
      cancel.signal,
    )
    await waits.promise
    cancel.abort()
    paid.resolve()
    const result = await asked
    assert.equal(result.status, 'cancelled')
    assert.ok(result.outputTokens >= 16 && result.outputTokens <= 16 + 2 * 64, `${result.outputTokens}`)
    assert.deepEqual(
      spent,
      spent.toSorted((a, b) => (a < b ? -1 : 1)),
    )
    assert.ok(result.paid >= spent.at(-1)!)
  })

  it('goes on when the engine crashes in the middle', async () => {
    const engine = provider.node.parts.engine as unknown as { processId: number }
    const expected = await requester.ask('What is Shoal?')
    let killed = false
    const result = await requester.ask('What is Shoal?', {}, event => {
      if (event.type !== 'output' || killed) return
      killed = true
      process.kill(engine.processId, 'SIGKILL')
    })
    assert.ok(killed)
    assert.equal(result.text, expected.text)
    assert.equal(result.outputTokens, expected.outputTokens)
    assert.equal(result.attempts, 1)
  })

  it('says why it cannot be done', async () => {
    // Nothing is offered while the engine starts anew.
    await requester.knows(provider)
    await assert.rejects(requester.ask('hi', { model: 'gpt-17' }), code(TaskError, 'MODEL_NOT_OFFERED'))
    await assert.rejects(requester.ask('hi', { maxPrice: 1n }), code(TaskError, 'TOO_EXPENSIVE'))
    await assert.rejects(requester.ask('word '.repeat(20_000)), code(TaskError, 'PROMPT_TOO_LONG'))
    await assert.rejects(requester.ask('word '.repeat(900)), code(TaskError, 'PROMPT_TOO_LONG'))
    await assert.rejects(requester.ask('hi', { jsonSchema: '[1]' }), code(TaskError, 'ALL_PROVIDERS_FAILED'))
    const alone = await network.node({ 'models.serve': '' })
    await assert.rejects(alone.ask('hi'), code(TaskError, 'NO_PROVIDER'))
  })

  it('says that a model without a chat template takes no chats', async () => {
    const path = join(await network.folder(), 'bare.gguf')
    await writeGguf(path, tinyModel('F32'))
    const bare = await network.node({ 'models.serve': path, 'p2p.bootstrap': provider.address })
    await requester.knows(bare)
    await assert.rejects(requester.ask('hi', { model: 'tiny-f32' }), code(TaskError, 'KIND_NOT_OFFERED'))
  })

  it('keeps to the spending limit, and to what the wallet has', async () => {
    const careful = await network.node({
      'models.serve': '',
      'p2p.bootstrap': provider.address,
      'spending.limitPerDay': '0',
    })
    await careful.knows(provider)
    await assert.rejects(careful.ask('hi'), code(PaymentError, 'SPENDING_LIMIT'))
    assert.equal(careful.node.trade.economy.payer.list().length, 0)
    await network.stopNodes()
    const dear = await network.node({ 'price.output': '100000000000' })
    const poor = await network.node({
      'models.serve': '',
      'p2p.bootstrap': dear.address,
      'spending.limitPerDay': '1000000000',
    })
    await poor.knows(dear)
    await assert.rejects(poor.ask('hi'), code(PaymentError, 'WALLET_EMPTY'))
  })
})

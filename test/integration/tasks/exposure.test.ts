import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { coveredTokens, owedFor } from '../../../node/tasks/metering.ts'
import { taskProtocol } from '../../../node/tasks/protocol.ts'
import { decodeMessage, encodeMessage } from '../../../protocol/codec.ts'
import { providerFrameMessage } from '../../../protocol/messages/provider-frame.ts'
import { type RequesterFrame, requesterFrameMessage } from '../../../protocol/messages/requester-frame.ts'
import { maxAmount } from '../../../protocol/money.ts'
import { askFor, TestNetwork, type TestNode } from '../../helpers/nodes.ts'
import { Rogue } from '../../helpers/rogue.ts'
import { plainTerms } from '../../helpers/samples.ts'

const WINDOW = 16
const SLOTS = 4
const MAX_TOKENS = 120
const LONG_ANSWER = JSON.stringify({ type: 'array', items: { enum: ['shoal'] }, minItems: 40, maxItems: 40 })

describe('what one side of a task risks', () => {
  const network = new TestNetwork()
  let provider: TestNode
  let requester: TestNode

  before(async () => {
    await network.start()
    provider = await network.node({
      'models.slots': SLOTS,
      'task.creditWindowTokens': WINDOW,
      'task.paymentTimeout': '1s',
    })
    requester = await network.node({
      'models.serve': '',
      'p2p.bootstrap': provider.address,
      'task.creditWindowTokens': WINDOW,
    })
    await requester.knows(provider)
  })
  after(() => network.stop())

  it('is a window of work for the provider, however and whenever it is paid', async () => {
    const { cid, offer: body } = provider.node.trade.offers!.current()!
    const price = body.models[0]!
    const one = async (peer: Rogue, payments: readonly number[], promptWords: number) => {
      const lease = await requester.node.trade.economy.payer.acquire({
        payee: provider.wallet.address,
        needed: owedFor(price, { promptTokens: 1_000, outputTokens: MAX_TOKENS }),
        minRemainingMs: body.minChannelRemainingMs,
      })
      try {
        const stream = await peer.open(provider.address, taskProtocol.id)
        const say = (frame: RequesterFrame) => stream.write(encodeMessage(requesterFrameMessage, frame))
        const { input, sampling, stop } = askFor('fish '.repeat(promptWords))
        const channel = { payer: requester.wallet.address, channelId: lease.channelId }
        say({
          ...{ kind: 'request', taskId: randomBytes(16).toString('hex'), attempt: 0, offer: cid },
          ...{ model: price.model, input, continuation: null, maxTokens: MAX_TOKENS, sampling, stop },
          ...plainTerms,
          ...{ jsonSchema: LONG_ANSWER, payment: { ...channel, voucher: lease.voucher() } },
        })
        let [prompt, computed, made, frames] = [0, 0, 0, 0]
        for (;;) {
          const bytes = await stream.read()
          assert.ok(bytes !== null)
          const frame = decodeMessage(providerFrameMessage, bytes)
          if (frame.kind === 'end') break
          assert.ok(frame.kind === 'accepted' || frame.kind === 'prefill' || frame.kind === 'output')
          if (frame.kind === 'accepted') prompt = frame.promptTokens
          else if (frame.kind === 'prefill') computed = frame.promptTokens
          else [computed, made] = [prompt, made + frame.tokens.length]
          const covered = coveredTokens(price, prompt, lease.paid)
          assert.ok(computed + made <= covered + WINDOW, `${computed} + ${made} of ${covered} + ${WINDOW}`)
          const owed = owedFor(price, { promptTokens: computed, outputTokens: made })
          const share = BigInt(payments[frames++ % payments.length]!)
          const taskAmount = maxAmount(lease.paid, (owed * share) / 1_000n)
          if (taskAmount > lease.paid) {
            const voucher = await lease.payTo(taskAmount)
            say({ kind: 'payment', taskAmount, ...voucher })
          }
        }
      } finally {
        lease.release()
      }
    }
    /** What is paid after each frame, in thousandths of what is owed then. */
    const habits = fc.array(fc.nat(1_000), { minLength: 1, maxLength: 12 })
    const words = fc.integer({ min: 1, max: 60 })
    // Side by side, one in each slot: most are waited for until they have not paid for long enough.
    const tasks = fc.array(fc.tuple(habits, words), { minLength: SLOTS, maxLength: SLOTS })
    await fc.assert(
      fc.asyncProperty(tasks, async all => {
        const peer = await Rogue.start()
        try {
          await Promise.all(all.map(([payments, promptWords]) => one(peer, payments, promptWords)))
        } finally {
          await peer.stop()
        }
      }),
      { numRuns: 3, endOnFailure: true },
    )
  })

  it('is no token of the output for the requester, who pays what has come', async () => {
    for (const maxTokens of [1, 15, 16, 17, 100]) {
      let [prompt, made, paid] = [0, 0, 0n]
      const price = provider.node.trade.offers!.current()!.offer.models[0]!
      await requester.ask('What is Shoal?', { maxTokens, jsonSchema: LONG_ANSWER }, event => {
        if (event.type === 'accepted') prompt = event.promptTokens
        if (event.type === 'output') made += event.tokens.length
        if (event.type === 'payment') paid = event.taskAmount
        assert.ok(paid <= owedFor(price, { promptTokens: prompt, outputTokens: made }), 'paid for what came')
      })
      assert.equal(paid, owedFor(price, { promptTokens: prompt, outputTokens: made }))
    }
  })
})

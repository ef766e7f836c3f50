import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { EventBatcher } from '../../../../inference/llama/event-batcher.ts'
import type { IpcGenerationItem } from '../../../../inference/llama/ipc-messages.ts'

const output = (token: number) => ({ type: 'output' as const, tokens: [token], text: String(token) })
const endOfTurn = () => new Promise<void>(resolve => setImmediate(resolve))

function recorder(intervalMs: number, intervalPerGenerationMs = 0) {
  const messages: IpcGenerationItem[][] = []
  let wake = () => {}
  const batcher = new EventBatcher(
    { intervalMs, intervalPerGenerationMs, maxTokens: 16 },
    {
      send(items) {
        messages.push(items)
        wake()
      },
      nowMs: () => performance.now(),
    },
  )
  const nextMessage = () =>
    new Promise<void>(resolve => {
      wake = resolve
    })
  return { batcher, messages, nextMessage }
}

describe('EventBatcher', () => {
  it('sends a first output with what came in the same turn', async () => {
    const { batcher, messages } = recorder(60_000)
    batcher.add(1, { type: 'prefill', promptTokens: 5 })
    batcher.add(1, output(7))
    await endOfTurn()
    assert.deepEqual(messages, [
      [
        { generation: 1, event: { type: 'prefill', promptTokens: 5 } },
        { generation: 1, event: output(7) },
      ],
    ])
  })

  it('keeps what is told of tokens beside them', async () => {
    const { batcher, messages } = recorder(60_000)
    const chance = (token: number) => ({ bytes: Uint8Array.of(token), logprob: -token, top: [] })
    for (const token of [1, 2, 3]) batcher.add(1, { ...output(token), logprobs: [chance(token)] })
    await endOfTurn()
    const event = { type: 'output', tokens: [1, 2, 3], text: '123', logprobs: [1, 2, 3].map(chance) }
    assert.deepEqual(messages, [[{ generation: 1, event }]])
  })

  it('joins what follows within the interval, each generation for itself', async () => {
    const { batcher, messages, nextMessage } = recorder(20)
    batcher.add(1, output(1))
    batcher.add(2, output(2))
    await endOfTurn()
    const next = nextMessage()
    batcher.add(1, output(3))
    await endOfTurn()
    batcher.add(2, output(4))
    batcher.add(1, output(5))
    await endOfTurn()
    assert.equal(messages.length, 1)
    await next
    assert.deepEqual(messages[1], [
      { generation: 1, event: { type: 'output', tokens: [3, 5], text: '35' } },
      { generation: 2, event: output(4) },
    ])
  })

  it('sends at once when the last message is long ago', async () => {
    const { batcher, messages } = recorder(5)
    batcher.add(1, output(1))
    await endOfTurn()
    await sleep(10)
    batcher.add(1, output(2))
    await endOfTurn()
    assert.equal(messages.length, 2)
  })

  it('waits longer when many generations run, and no longer once they have ended', async () => {
    const { batcher, messages } = recorder(0, 30_000)
    batcher.add(1, output(1))
    batcher.add(2, output(2))
    await endOfTurn()
    batcher.add(1, output(3))
    await endOfTurn()
    assert.equal(messages.length, 1)
    for (const generation of [1, 2]) {
      batcher.add(generation, { type: 'end', reason: 'stop', promptTokens: 5, outputTokens: 2 })
    }
    await endOfTurn()
    assert.equal(messages.length, 2)
    batcher.add(3, output(4))
    await endOfTurn()
    assert.equal(messages.length, 3)
  })

  it('sends the end with the last output, in order', async () => {
    const { batcher, messages } = recorder(60_000)
    batcher.add(1, output(1))
    await endOfTurn()
    batcher.add(1, output(2))
    batcher.add(1, { type: 'end', reason: 'stop', promptTokens: 5, outputTokens: 2 })
    await endOfTurn()
    assert.deepEqual(
      messages[1]?.map(item => item.event.type),
      ['output', 'end'],
    )
  })

  it('keeps the order of one generation when other events come between', async () => {
    const { batcher, messages } = recorder(60_000)
    batcher.add(1, output(1))
    batcher.add(1, { type: 'prefill', promptTokens: 9 })
    batcher.add(1, output(2))
    await endOfTurn()
    assert.deepEqual(
      messages[0]?.map(item => item.event.type),
      ['output', 'prefill', 'output'],
    )
  })
})

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type OpenedFrame, SealedOutput } from '../../../../node/tasks/sealed-output.ts'
import { SealedWindows } from '../../../../node/tasks/sealed-windows.ts'
import type { Bytes32 } from '../../../../protocol/ids.ts'
import { sealedWindowEnd } from '../../../../protocol/replica-commitment.ts'

const [ALICE, BOB] = ['a1'.repeat(32), 'b0'.repeat(32)]
const TASK = { taskId: '7a'.repeat(16), attempt: 1 }

/** Salts that differ, and are the same in each run. */
function salts(): () => Bytes32 {
  let next = 0
  return () => `0x${String(next++).padStart(64, '0')}`
}

/** What an engine gives out: some tokens, and the text that is certain then. */
const batches = fc.array(fc.tuple(fc.array(fc.nat(999), { maxLength: 9 }), fc.string({ maxLength: 6 })), {
  maxLength: 30,
})
const position = fc.nat(100)

function replica(start: number, maxTokens: number, provider = ALICE) {
  return {
    output: new SealedOutput({ ...TASK, provider, position: start }, { randomSalt: salts() }),
    windows: new SealedWindows({ ...TASK, provider: ALICE, position: start, maxTokens }),
  }
}

const countOf = (made: readonly [number[], string][]) =>
  made.reduce((sum, [tokens]) => sum + tokens.length, 0)

describe('a sealed answer', () => {
  it('is opened as it was made, window by window, whenever it is asked for', () => {
    fc.assert(
      fc.property(batches, position, fc.infiniteStream(fc.boolean()), (made, start, asks) => {
        const { output, windows } = replica(start, Math.max(1, countOf(made)))
        const opened: OpenedFrame[] = []
        const take = (frames: ReturnType<SealedOutput['add']>) => {
          for (const frame of frames) assert.ok(windows.seal(frame) !== null)
        }
        const openSome = (isAll: boolean) => {
          while (windows.unasked > 0 && (isAll || asks.next().value)) {
            const frame = output.open(windows.ask()!)!
            assert.ok(windows.open(frame))
            opened.push(frame)
          }
        }
        for (const [tokens, text] of made) {
          take(output.add(tokens, text))
          openSome(false)
        }
        take([output.end()])
        assert.ok(!output.isDone && !windows.isDone)
        openSome(true)
        assert.ok(output.isDone && windows.isDone && !output.isWaiting)
        assert.deepEqual(
          opened.flatMap(({ tokens }) => tokens),
          made.flatMap(([tokens]) => tokens),
        )
        assert.equal(opened.map(({ text }) => text).join(''), made.map(([, text]) => text).join(''))
        // No text comes before the tokens that made it.
        let [at, due] = [0, 0]
        for (const { tokens, text } of opened) {
          at += tokens.length
          due += text.length
          let [count, certain] = [0, 0]
          for (const [ofBatch, textOfBatch] of made) {
            count += ofBatch.length
            if (count <= at) certain += textOfBatch.length
          }
          assert.ok(due <= certain)
        }
      }),
    )
  })

  it('is taken for nothing else: another content, key, window, order, or one that nobody asked for', () => {
    const tokens = fc.array(fc.nat(999), { minLength: 40, maxLength: 60 })
    const lie = fc.constantFrom('token', 'text', 'salt', 'fewer', 'more', 'key', 'unasked', 'window', 'early')
    fc.assert(
      fc.property(tokens, lie, (all, how) => {
        const { output, windows } = replica(0, all.length, how === 'key' ? BOB : ALICE)
        const sealed = output.add(all, 'all of it')
        for (const frame of sealed) assert.ok(windows.seal(frame) !== null)
        if (how === 'early') {
          assert.equal(output.open(1), null)
          return
        }
        if (how !== 'unasked') windows.ask()
        const frame = { ...output.open(0)! }
        if (how === 'token') frame.tokens = [frame.tokens[0]! + 1, ...frame.tokens.slice(1)]
        if (how === 'text') frame.text = `${frame.text}.`
        if (how === 'salt') frame.salt = `0x${'ff'.repeat(32)}`
        if (how === 'fewer') frame.tokens = frame.tokens.slice(1)
        if (how === 'more') frame.tokens = [...frame.tokens, 1]
        if (how === 'window') frame.window = 1
        assert.ok(!windows.open(frame))
      }),
    )
  })

  it('is refused when it is sealed out of turn, after its end, or beyond what was asked for', () => {
    const { output, windows } = replica(0, 12)
    const [first, second] = output.add(Array<number>(12).fill(7), '')
    assert.equal(windows.seal(second!), null)
    assert.deepEqual([windows.seal(first!)?.end, windows.seal(second!)?.end], [4, 12])
    assert.equal(windows.seal({ ...second!, window: 2 }), null, 'nothing is left but the end')
    const last = windows.seal(output.end())
    assert.deepEqual([last?.end, last?.isLast], [12, true])
    assert.equal(windows.seal({ ...second!, window: 3, isLast: true }), null)
  })

  it("cannot be copied: another's commitment opens under no other key", () => {
    fc.assert(
      fc.property(batches, made => {
        fc.pre(countOf(made) > 0)
        const honest = replica(0, countOf(made))
        const copied = new SealedWindows({ ...TASK, provider: BOB, position: 0, maxTokens: countOf(made) })
        const frames = [
          ...made.flatMap(([tokens, text]) => honest.output.add(tokens, text)),
          honest.output.end(),
        ]
        assert.ok(copied.seal(frames[0]!) !== null, 'it looks like any other')
        copied.ask()
        assert.ok(!copied.open(honest.output.open(0)!))
      }),
    )
  })

  it('ends its windows where those of others do', () => {
    const { output } = replica(5, 100)
    assert.equal(output.add(Array<number>(7).fill(1), '').length, 1)
    assert.equal(sealedWindowEnd(5), 12)
  })
})

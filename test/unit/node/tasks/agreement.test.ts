import assert from 'node:assert/strict'
import fc from 'fast-check'
import { Agreement } from '../../../../node/tasks/agreement.ts'

/** Tokens of a toy vocabulary: the text of token n, some empty, some half of a pair. */
const TEXTS = ['a', 'b', 'ab', '', ' ', '\ud83d', '\udc1f', 'shoal']
const textOf = (tokens: readonly number[]) => tokens.map(token => TEXTS[token]).join('')

const tokenList = fc.array(fc.nat(TEXTS.length - 1), { maxLength: 24 })

/** What k operators make: the first `honest` all the same, the others as they like; and in which order it comes. */
const runs = fc
  .record({
    honest: tokenList,
    others: fc.array(tokenList, { maxLength: 2 }),
    honestCount: fc.integer({ min: 2, max: 3 }),
  })
  .chain(({ honest, others, honestCount }) =>
    fc.record({
      honest: fc.constant(honest),
      outputs: fc.constant([...Array.from({ length: honestCount }, () => honest), ...others]),
      turns: fc.array(fc.record({ who: fc.nat(4), tokens: fc.integer({ min: 1, max: 5 }) }), {
        maxLength: 60,
      }),
    }),
  )

function play(
  { outputs, turns }: { outputs: readonly number[][]; turns: { who: number; tokens: number }[] },
  quorum: number,
) {
  const agreement = new Agreement<number>(quorum)
  const at = outputs.map(() => 0)
  const ended = new Set<number>()
  const shown: string[] = []
  const shownTokens: number[] = []
  const dissenting = new Set<number>()
  for (const id of outputs.keys()) agreement.join(id)
  const step = () => {
    const { text, tokens, dissenting: who } = agreement.step()
    shown.push(text)
    shownTokens.push(...tokens)
    for (const id of who) dissenting.add(id)
  }
  const turn = (who: number, count: number) => {
    const all = outputs[who]!
    const some = all.slice(at[who]!, at[who]! + count)
    at[who]! += some.length
    if (some.length > 0) agreement.output(who, some, textOf(some))
    if (at[who] === all.length && !ended.has(who)) {
      ended.add(who)
      agreement.end(who, 'stop')
    }
    step()
  }
  for (const { who, tokens } of turns) turn(who % outputs.length, tokens)
  for (const id of outputs.keys()) while (!ended.has(id)) turn(id, 5)
  return { agreement, text: shown.join(''), tokens: shownTokens, dissenting }
}

describe('Agreement', () => {
  it('shows the answer of the majority whole, once, and in whatever order it came', () => {
    fc.assert(
      fc.property(runs, run => {
        const quorum = Math.floor(run.outputs.length / 2) + 1
        fc.pre(
          run.outputs.length - 2 >= 0 && run.outputs.filter(output => output === run.honest).length >= quorum,
        )
        const { agreement, text, tokens, dissenting } = play(run, quorum)
        const verdict = agreement.verdict()
        assert.ok(verdict !== null)
        assert.equal(text, textOf(run.honest))
        assert.deepEqual(textOf(tokens), textOf(run.honest))
        for (const [id, output] of run.outputs.entries()) {
          const alike = textOf(output) === textOf(run.honest)
          assert.equal(verdict.agreed.includes(id), alike)
          assert.equal(dissenting.has(id), !alike)
        }
      }),
    )
  })

  it('agrees on nothing that less than a quorum has made', () => {
    fc.assert(
      fc.property(
        fc.array(tokenList, { minLength: 3, maxLength: 3 }),
        fc.infiniteStream(fc.nat()),
        (outputs, order) => {
          const turns = [...order.take(30)].map(number => ({ who: number % 3, tokens: (number % 4) + 1 }))
          const { agreement, text } = play({ outputs, turns }, 2)
          const texts = outputs.map(textOf)
          assert.ok(texts.filter(one => one.startsWith(text)).length >= 2)
          const same = texts.some((one, i) => texts.indexOf(one) !== i)
          assert.equal(agreement.verdict() !== null, same)
          assert.equal(agreement.missing() > 0, !same)
        },
      ),
    )
  })

  it('asks for another operator when two differ, lets it go on from what they agreed on, and drops the odd one', () => {
    const agreement = new Agreement<string>(2)
    assert.equal(agreement.missing(), 2)
    agreement.join('a')
    agreement.join('b')
    assert.equal(agreement.missing(), 0)
    agreement.output('a', [0, 1], 'ab')
    assert.deepEqual(agreement.step(), { text: '', tokens: [], agreed: ['a', 'b'], dissenting: [] })
    agreement.output('b', [0], 'a')
    assert.deepEqual(agreement.step(), { text: 'a', tokens: [0], agreed: ['a', 'b'], dissenting: [] })
    agreement.output('b', [0], 'a')
    assert.equal(agreement.step().text, '')
    assert.equal(agreement.missing(), 1)
    agreement.join('c')
    assert.deepEqual(agreement.agreed, { text: 'a', tokens: [0] })
    assert.equal(agreement.missing(), 0)
    agreement.output('c', [1], 'b')
    assert.deepEqual(agreement.step(), {
      ...{ text: 'b', tokens: [1], agreed: ['a', 'c'], dissenting: ['b'] },
    })
    agreement.leave('b')
    agreement.end('a', 'stop')
    assert.equal(agreement.verdict(), null)
    agreement.end('c', 'stop')
    assert.deepEqual(agreement.verdict(), { agreed: ['a', 'c'], reason: 'stop' })
  })

  it('calls an answer that ends too early or goes on too long another one', () => {
    const agreement = new Agreement<string>(2)
    for (const id of ['a', 'b', 'c']) agreement.join(id)
    for (const id of ['a', 'b', 'c']) agreement.output(id, [0], 'a')
    agreement.end('a', 'stop')
    for (const id of ['b', 'c']) agreement.output(id, [1], 'b')
    assert.deepEqual(agreement.step(), {
      ...{ text: 'ab', tokens: [0, 1], agreed: ['b', 'c'], dissenting: ['a'] },
    })
  })

  it('does not agree on text whose tokens differ until the whole answers are the same', () => {
    const agreement = new Agreement<string>(2)
    agreement.join('a')
    agreement.join('b')
    agreement.output('a', [0, 1], 'ab')
    agreement.output('b', [2], 'ab')
    assert.equal(agreement.step().text, '')
    agreement.end('a', 'stop')
    agreement.end('b', 'stop')
    assert.equal(agreement.step().text, 'ab')
  })
})

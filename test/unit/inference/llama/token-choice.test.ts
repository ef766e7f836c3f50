import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { JsonGrammar } from '../../../../inference/llama/grammar.ts'
import { createSampler, TokenChoice } from '../../../../inference/llama/token-choice.ts'
import { TokenJudge } from '../../../../inference/llama/token-judge.ts'
import { marginOf, sampleToken } from '../../../../inference/sampling/sampler.ts'
import { seedOf } from '../../../helpers/seed.ts'

const sampling = { temperature: 0.8, topP: 0.9, topK: 40, minP: 0.05, seed: seedOf(7) }
const open = { ...sampling, temperature: 1, topP: 1, topK: 0, minP: 0 }
const PROBABILITIES = [0.4, 0.3, 0.2, 0.1]
const candidates = (first = 10) => new Map(PROBABILITIES.map((probability, i) => [first + i, probability]))

/** A grammar of single tokens: those that may come now, and what it was moved over. */
function grammarOf(allowed: number[]) {
  const accepted: number[] = []
  const grammar = {
    state: { clone: () => 'copy' },
    allows: (token: number) => allowed.includes(token),
    accept: (token: number) => accepted.push(token),
  }
  return { grammar: grammar as unknown as JsonGrammar, accepted }
}

const engineGrammar = (choice: TokenChoice) =>
  (choice.evaluate.grammarEvaluationState as unknown as () => unknown)()

describe('createSampler', () => {
  it('refuses what is out of range', () => {
    const wrong = [
      { temperature: -1 },
      { temperature: Number.NaN },
      { temperature: Number.POSITIVE_INFINITY },
      { topP: 1.5 },
      { minP: -0.1 },
      { topK: 1.5 },
      { topK: -1 },
      { topK: 65 },
      { seed: '0x12' },
      { seed: '' },
    ]
    for (const part of wrong) {
      assert.throws(
        () => createSampler({ ...sampling, ...part }),
        { code: 'INPUT_INVALID' },
        JSON.stringify(part),
      )
    }
  })
})

describe('TokenChoice', () => {
  it('asks for the likeliest as they are, and for no more of them than top-k leaves', () => {
    const { evaluate, metadata } = new TokenChoice({ sampling, position: 0 }, { grammar: null })
    assert.deepEqual(
      [evaluate.temperature, evaluate.topP, evaluate.topK, metadata.probabilities],
      [1, 1, 40, true],
    )
    const { grammar } = grammarOf([])
    const held = new TokenChoice({ sampling, position: 0 }, { grammar }).evaluate
    assert.deepEqual([held.topK, held.minP], [64, 0])
  })

  it('has the engine leave out only what min-p would', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.01, max: 5, noNaN: true }),
        fc.double({ min: 1e-6, max: 1, noNaN: true }),
        fc.double({ min: 0.97, max: 1.03, noNaN: true }),
        (temperature, minP, near) => {
          const options = { ...open, temperature, minP }
          const { evaluate } = new TokenChoice({ sampling: options, position: 0 }, { grammar: null })
          // In the engine's floats, at the edge.
          const logit = Math.fround(near * temperature * Math.log(minP))
          const isLeftOut = logit < Math.fround(Math.log(Math.fround(evaluate.minP!)))
          const { state } = marginOf({ tokens: [1, 2], logits: [0, logit] }, options, open.seed, 0, 2)
          assert.ok(!isLeftOut || state === 'filtered')
        },
      ),
      { numRuns: 500 },
    )
  })

  it('leaves the likeliest token to the engine', () => {
    const greedy = new TokenChoice({ sampling: { ...open, temperature: 0 }, position: 0 }, { grammar: null })
    assert.deepEqual([greedy.evaluate.temperature, greedy.metadata], [0, {}])
    assert.equal(greedy.choose({ token: 12 }), 12)
  })

  it('draws by place in the answer', () => {
    const choice = new TokenChoice({ sampling: open, position: 5 }, { grammar: null })
    const listed = { tokens: [10, 11, 12, 13], logits: PROBABILITIES.map(Math.log) }
    for (let position = 5; position < 40; position++) {
      assert.equal(
        choice.choose({ token: 0, probabilities: candidates() }),
        sampleToken(listed, open, open.seed, position),
      )
    }
  })

  it('chooses among the candidates that fit the grammar, and moves it on', () => {
    const { grammar, accepted } = grammarOf([11, 13])
    const choice = new TokenChoice({ sampling: open, position: 0 }, { grammar })
    assert.equal(engineGrammar(choice), undefined)
    const chosen = Array.from({ length: 20 }, () => choice.choose({ token: 10, probabilities: candidates() }))
    assert.deepEqual(new Set(chosen), new Set([11, 13]))
    assert.deepEqual(accepted, chosen)
  })

  it('has the engine hold the vocabulary to a grammar that none of the likeliest fits, once', () => {
    const { grammar, accepted } = grammarOf([90])
    const choice = new TokenChoice({ sampling: open, position: 0 }, { grammar })
    assert.equal(choice.choose({ token: 10, probabilities: candidates() }), null)
    assert.equal(engineGrammar(choice), 'copy')
    // What does not fit at all has probability 0.
    const forced = new Map([
      [90, 1],
      [10, 0],
    ])
    assert.equal(choice.choose({ token: 90, probabilities: forced }), 90)
    assert.equal(engineGrammar(choice), undefined)
    assert.deepEqual(accepted, [90])
  })
})

describe('TokenJudge', () => {
  const states = (judge: TokenJudge) => [...judge.states]

  it('judges what a choice has chosen as won', () => {
    const choice = new TokenChoice({ sampling, position: 3 }, { grammar: null })
    const judge = new TokenJudge({ sampling, position: 3, tokens: 30 }, { grammar: null })
    for (let i = 0; i < 30; i++) {
      const probabilities = candidates(i)
      judge.judge(i, choice.choose({ token: 0, probabilities })!, probabilities)
    }
    assert.deepEqual(new Set(states(judge)), new Set([0]))
    assert.deepEqual(new Set(judge.margins), new Set([0]))
  })

  it('says how likely a token was among the candidates', () => {
    const judge = new TokenJudge({ sampling: open, position: 0, tokens: 3 }, { grammar: null })
    judge.judge(0, 12, candidates())
    judge.judge(1, 99, candidates())
    assert.ok(Math.abs(judge.logProbs[0]! - Math.log(0.2)) < 1e-6)
    assert.deepEqual(
      [judge.logProbs[1], judge.margins[1]],
      [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
    )
    assert.deepEqual(states(judge).slice(1), [3, 3])
  })

  it('believes a token that fits where no candidate does, and nothing after one that does not', () => {
    const allowed = [90]
    const { grammar, accepted } = grammarOf(allowed)
    const judge = new TokenJudge({ sampling: open, position: 0, tokens: 4 }, { grammar })
    judge.judge(0, 90, candidates())
    assert.deepEqual([judge.margins[0], judge.logProbs[0]], [0, 0])
    allowed[0] = 11
    judge.judge(1, 11, candidates())
    assert.deepEqual([judge.margins[1], judge.logProbs[1]], [0, 0])
    judge.judge(2, 10, candidates())
    judge.judge(3, 11, candidates())
    assert.deepEqual(states(judge), [0, 0, 3, 3])
    assert.deepEqual(accepted, [90, 11])
  })
})

describe('TokenChoice with chances', () => {
  const told = { sampling: { ...open, topK: 2, minP: 0.4 }, position: 5, logprobs: 3 }

  it('asks for all candidates, and chooses as it does without', () => {
    const choice = new TokenChoice(told, { grammar: null })
    assert.deepEqual([choice.evaluate.topK, choice.evaluate.minP], [64, 0])
    const plain = new TokenChoice({ ...told, logprobs: null }, { grammar: null })
    for (let i = 0; i < 20; i++) {
      const step = { token: 0, probabilities: candidates(10 + i) }
      assert.equal(choice.choose(step), plain.choose(step))
    }
    assert.equal(plain.chances, null)
  })

  it('tells what the model would say by itself, the likeliest first', () => {
    const { grammar } = grammarOf([13])
    const choice = new TokenChoice(told, { grammar })
    assert.equal(choice.choose({ token: 10, probabilities: candidates() }), 13)
    const { token, logprob, top } = choice.chances!
    assert.equal(token, 13)
    assert.ok(Math.abs(logprob - Math.log(0.1)) < 1e-12)
    assert.deepEqual(
      top.map(each => each.token),
      [10, 11, 12],
    )
    assert.ok(Math.abs(top[0]!.logprob - Math.log(0.4)) < 1e-12)
  })

  it('takes the likeliest at temperature 0, a grammar permitting', () => {
    const greedy = { ...told, sampling: { ...open, temperature: 0 } }
    const choice = new TokenChoice(greedy, { grammar: null })
    assert.equal(choice.metadata.probabilities, true)
    assert.equal(choice.choose({ token: 99, probabilities: candidates() }), 10)
    const held = new TokenChoice(greedy, { grammar: grammarOf([12, 13]).grammar })
    assert.equal(held.choose({ token: 99, probabilities: candidates() }), 12)
  })
})

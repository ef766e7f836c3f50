import assert from 'node:assert/strict'
import fc from 'fast-check'
import { StateMachine, type Transitions } from '../../../../node/tasks/state-machine.ts'

const STATES = ['a', 'b', 'c', 'd'] as const
type State = (typeof STATES)[number]
const state = fc.constantFrom(...STATES)
const rules: fc.Arbitrary<Transitions<State>> = fc.record({
  a: fc.uniqueArray(state),
  b: fc.uniqueArray(state),
  c: fc.uniqueArray(state),
  d: fc.uniqueArray(state),
})

describe('state machine', () => {
  it('goes only where the rule allows, and stays where it is otherwise', () => {
    fc.assert(
      fc.property(rules, state, fc.array(state, { maxLength: 20 }), (transitions, initial, wanted) => {
        const machine = new StateMachine<State>(initial, transitions)
        let expected: State = initial
        for (const next of wanted) {
          if (transitions[expected].includes(next)) {
            machine.to(next)
            expected = next
          } else {
            assert.throws(() => machine.to(next), new RegExp(`from ${expected} to ${next}`))
          }
          assert.equal(machine.state, expected)
          assert.ok(machine.is(expected))
          assert.ok(machine.is(...STATES))
          assert.equal(machine.is(...STATES.filter(other => other !== expected)), false)
        }
      }),
    )
  })
})

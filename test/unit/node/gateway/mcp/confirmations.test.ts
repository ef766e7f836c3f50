import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { Confirmations } from '../../../../../node/gateway/mcp/confirmations.ts'
import { ManualClock } from '../../../../helpers/manual-clock.ts'

const LIFETIME_MS = 60_000
const MAX_PENDING = 4

describe('confirm tokens', () => {
  const make = () => {
    const clock = new ManualClock()
    const options = { lifetimeMs: LIFETIME_MS, maxPending: MAX_PENDING }
    return { clock, tokens: new Confirmations(options, { clock, randomBytes }) }
  }
  const call = { prompt: 'hello', maxPrice: '0.01' }
  const refused = { code: 'MCP_CONFIRMATION_INVALID' }

  it('stand for one call, once, for a while', () => {
    const { clock, tokens } = make()
    const { token, expiresAtMs } = tokens.issue('ask', call)
    assert.equal(expiresAtMs, clock.nowMs() + LIFETIME_MS)
    assert.throws(() => tokens.redeem('guessed', 'ask', call), refused)
    tokens.redeem(token, 'ask', { maxPrice: '0.01', prompt: 'hello' })
    assert.throws(() => tokens.redeem(token, 'ask', call), refused)
    for (const [tool, parameters] of [
      ['embed', call],
      ['ask', { ...call, maxPrice: '0.02' }],
      ['ask', { ...call, prompt: 'hello!' }],
      ['ask', { ...call, model: 'another' }],
    ] as const) {
      const { token } = tokens.issue('ask', call)
      assert.throws(() => tokens.redeem(token, tool, parameters), refused)
      // A wrong try uses it up, too.
      assert.throws(() => tokens.redeem(token, 'ask', call), refused)
    }
    const late = tokens.issue('ask', call)
    clock.jump(LIFETIME_MS)
    assert.throws(() => tokens.redeem(late.token, 'ask', call), refused)
  })

  it('are accepted exactly as a list of what is pending says', () => {
    const calls = [call, { ...call, maxPrice: '0.02' }, { ...call, prompt: 'other' }]
    const index = fc.integer({ min: 0, max: 2 })
    const command = fc.oneof(
      fc.record({ kind: fc.constant('issue' as const), call: index }),
      fc.record({ kind: fc.constant('redeem' as const), call: index, token: fc.nat(12) }),
      fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: LIFETIME_MS }) }),
    )
    fc.assert(
      fc.property(fc.array(command, { maxLength: 40 }), commands => {
        const { clock, tokens } = make()
        const issued: string[] = []
        let model: { token: string; call: number; expiresAtMs: number }[] = []
        for (const step of commands) {
          if (step.kind === 'wait') clock.jump(step.ms)
          else if (step.kind === 'issue') {
            const { token, expiresAtMs } = tokens.issue('ask', calls[step.call]!)
            issued.push(token)
            model = [...model, { token, call: step.call, expiresAtMs }].slice(-MAX_PENDING)
          } else {
            const token = issued[step.token] ?? 'none'
            const pending = model.find(each => each.token === token)
            model = model.filter(each => each.token !== token)
            const isGood = pending?.call === step.call && clock.nowMs() < pending.expiresAtMs
            const redeem = () => tokens.redeem(token, 'ask', calls[step.call]!)
            if (isGood) redeem()
            else assert.throws(redeem, refused)
          }
        }
      }),
    )
  })
})

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { PaymentRefusal } from '../../../../node/payments/errors.ts'
import {
  Admission,
  type AdmissionOptions,
  type AdmissionRequest,
  type Place,
} from '../../../../node/tasks/admission.ts'
import { settle } from '../../../helpers/manual-clock.ts'

const MODEL = 'nano@sha256:00'

function provider(options: AdmissionOptions & { slots?: number; weights?: Record<string, number> } = {}) {
  const { slots = 2, weights = {}, ...rest } = options
  const preempted: string[] = []
  const admission = new Admission(rest, {
    slots: () => slots,
    serviceMs: () => 1_000,
    weight: requester => weights[requester] ?? 1,
  })
  const enter = (requester: string, more: Partial<AdmissionRequest> = {}) =>
    admission.enter({
      ...{ requester, model: MODEL, mode: 'on-demand', expectedTokens: 100, deadlineMs: null },
      onPreempt: () => preempted.push(requester),
      ...more,
    })
  return { admission, enter, preempted }
}

/** Whether a place has its slot. */
async function isGranted(place: Place): Promise<boolean> {
  let granted = false
  place.granted.then(
    () => {
      granted = true
    },
    () => {},
  )
  await settle()
  return granted
}

const refusal = (code: string) => (error: unknown) => error instanceof PaymentRefusal && error.code === code

describe('Admission', () => {
  it('never runs more than there are slots, and never leaves one empty while somebody waits', async () => {
    const steps = fc.array(
      fc.record({ who: fc.nat(4), leave: fc.boolean(), tokens: fc.nat(200), pick: fc.nat() }),
      { maxLength: 80 },
    )
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 1, max: 4 }), async (all, slots) => {
        const { admission, enter } = provider({ slots, maxWaitMs: 10 ** 9, maxQueued: 12 })
        const places: { place: Place; granted: boolean; dropped: boolean }[] = []
        for (const { who, leave, tokens, pick } of all) {
          if (leave && places.length > 0) places.splice(pick % places.length, 1)[0]!.place.leave(tokens)
          else {
            try {
              const entry = { place: enter(`peer-${who}`), granted: false, dropped: false }
              entry.place.granted.then(
                () => {
                  entry.granted = true
                },
                () => {
                  entry.dropped = true
                },
              )
              places.push(entry)
            } catch (error) {
              assert.ok(error instanceof PaymentRefusal)
            }
          }
          await settle()
          const running = places.filter(({ granted }) => granted).length
          const waiting = places.filter(({ granted, dropped }) => !granted && !dropped).length
          assert.equal(admission.queued(), waiting)
          assert.ok(running <= slots && waiting <= 12)
          assert.ok(waiting === 0 || running === slots)
        }
      }),
      { numRuns: 60 },
    )
  })

  it('serves each requester by its weight, however many tasks one of them has', async () => {
    const weights = fc.record({ a: fc.integer({ min: 1, max: 3 }), b: fc.integer({ min: 1, max: 3 }) })
    await fc.assert(
      fc.asyncProperty(weights, fc.integer({ min: 50, max: 200 }), async (shares, tokensOfB) => {
        const { enter } = provider({ slots: 1, maxQueued: 64, maxWaitMs: 10 ** 9, weights: shares })
        const served = { a: 0, b: 0 }
        const queue: { who: 'a' | 'b'; tokens: number; place: Place }[] = []
        const add = (who: 'a' | 'b') => {
          const tokens = who === 'a' ? 100 : tokensOfB
          queue.push({ who, tokens, place: enter(who, { expectedTokens: tokens }) })
        }
        for (let i = 0; i < 16; i++) add('a')
        for (let i = 0; i < 4; i++) add('b')
        // Both keep asking; the other's share is bounded whenever both have something waiting.
        for (let round = 0; round < 100; round++) {
          const granted = await Promise.all(queue.map(({ place }) => isGranted(place)))
          const [one] = queue.splice(granted.indexOf(true), 1)
          served[one!.who] += one!.tokens
          add(one!.who)
          one!.place.leave(one!.tokens)
        }
        const lag = Math.abs(served.a / shares.a - served.b / shares.b)
        // Goyal et al., theorem 1: the difference is at most one longest task of each, by weight.
        assert.ok(lag <= 2 * (100 / shares.a + tokensOfB / shares.b), `${lag}`)
      }),
      { numRuns: 20 },
    )
  })

  it('lets a newcomer go before the backlog of somebody else', async () => {
    const { enter } = provider({ slots: 1 })
    const running = enter('greedy')
    const backlog = Array.from({ length: 5 }, () => enter('greedy'))
    const newcomer = enter('newcomer')
    assert.equal(newcomer.ahead(), 0)
    assert.deepEqual(
      backlog.map(place => place.ahead()),
      [1, 2, 3, 4, 5],
    )
    running.leave(100)
    assert.equal(await isGranted(newcomer), true)
  })

  it('charges what was used, not what was asked for', async () => {
    const { enter } = provider({ slots: 1 })
    enter('thrifty', { expectedTokens: 10_000 }).leave(1)
    const running = enter('other')
    const second = enter('other')
    const thrifty = enter('thrifty')
    running.leave(100)
    assert.equal(await isGranted(thrifty), true)
    assert.equal(await isGranted(second), false)
  })

  it('drops the last of who asks most when the queue is full, and refuses who would be last', async () => {
    const { enter, admission } = provider({ slots: 1, maxQueued: 8 })
    enter('first')
    const of = (who: string) => [enter(who), enter(who)]
    const [, , , last] = [...of('a'), ...of('b')].concat(of('c'), of('d')).slice(4)
    const light = enter('light')
    await assert.rejects(last!.granted, refusal('overloaded'))
    assert.equal(admission.queued(), 8)
    assert.equal(await isGranted(light), false)
    assert.throws(() => enter('first'), refusal('overloaded'))
  })

  it('refuses early, and says why', () => {
    const { enter } = provider({ slots: 1, maxQueued: 8, maxWaitMs: 3_000 })
    enter('a')
    enter('a')
    assert.throws(() => enter('b', { deadlineMs: 1_000 }), refusal('deadline_unmeetable'))
    enter('a')
    assert.throws(() => enter('a'), refusal('share_used'))
    enter('b')
    enter('c')
    // By then the expected wait is too long for anybody.
    assert.throws(() => {
      for (const who of ['d', 'e', 'f']) enter(who)
    }, refusal('overloaded'))
    assert.throws(() => enter('b', { mode: 'spot' }), refusal('spot_unavailable'))
  })

  it('gives spot tasks notice when others need their slots: as many as needed, the youngest first', async () => {
    const { enter, preempted } = provider({ slots: 2 })
    const [old, young] = [enter('old', { mode: 'spot' }), enter('young', { mode: 'spot' })]
    assert.deepEqual([await isGranted(old), await isGranted(young)], [true, true])
    const paid = enter('paid')
    assert.deepEqual(preempted, ['young'])
    assert.equal(await isGranted(paid), false)
    young.leave(10)
    young.leave(10)
    assert.equal(await isGranted(paid), true)
    assert.deepEqual(preempted, ['young'])
    enter('more')
    assert.deepEqual(preempted, ['young', 'old'])
  })
})

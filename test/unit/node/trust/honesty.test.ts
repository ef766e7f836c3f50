import assert from 'node:assert/strict'
import fc from 'fast-check'
import { DEFAULT_PARAMETERS } from '../../../../node/trust/components.ts'
import { type Evidence, STRANGER_KINDS, type StrangerKind } from '../../../../node/trust/evidence.ts'
import { vouchersNeededAt } from '../../../../node/trust/honesty.ts'
import { TrustModel } from '../../../../node/trust/trust-model.ts'

const NOW_MS = 1_700_000_000_000
const DAY_MS = 24 * 3_600_000
const PEER = 'peer'
const { honesty: PARAMETERS } = DEFAULT_PARAMETERS

function audit(passed: boolean, atMs = NOW_MS, peer = PEER, as?: StrangerKind): Evidence {
  return { kind: 'audit', peer, atMs, passed, ...(as === undefined ? {} : { as }) }
}

function comparison(agreed: boolean, atMs = NOW_MS, peer = PEER): Evidence {
  return { kind: 'comparison', peer, atMs, agreed }
}

function task(peer = PEER, atMs = NOW_MS): Evidence {
  return { kind: 'task', peer, atMs, result: 'completed', pace: null }
}

function report(witness: string, result: 'verified' | 'dishonest', peer = PEER, atMs = NOW_MS): Evidence {
  return { kind: 'report', peer, atMs, witness, receipt: `${witness}-${peer}-${result}-${atMs}`, result }
}

function modelOf(evidence: readonly Evidence[]): TrustModel {
  const model = new TrustModel()
  for (const piece of evidence) model.add(piece)
  return model
}

const times = (count: number, piece: Evidence) => Array.from({ length: count }, () => piece)

/** Witnesses that were right about many peers we audited ourselves. */
function record(witnesses: readonly string[]): Evidence[] {
  return Array.from({ length: 12 }, (_, i) => `known-${i}`).flatMap(peer => [
    task(peer),
    audit(true, NOW_MS, peer),
    ...witnesses.flatMap(witness => [
      report(witness, 'verified', peer),
      report(witness, 'verified', peer, NOW_MS - 1),
    ]),
  ])
}

const evidence: fc.Arbitrary<Evidence> = fc
  .record({
    peer: fc.constantFrom('a', 'b', 'c'),
    daysAgo: fc.integer({ min: 0, max: 40 }),
    what: fc.constantFrom('task', 'passed', 'failed', 'verified', 'dishonest', 'agreed', 'differed'),
    as: fc.constantFrom(undefined, ...STRANGER_KINDS),
    witness: fc.constantFrom('w1', 'w2', 'w3'),
  })
  .map(({ peer, daysAgo, what, witness, as }) => {
    const atMs = NOW_MS - daysAgo * DAY_MS
    if (what === 'task') return task(peer, atMs)
    if (what === 'agreed' || what === 'differed') return comparison(what === 'agreed', atMs, peer)
    if (what === 'passed' || what === 'failed') return audit(what === 'passed', atMs, peer, as)
    return report(witness, what as 'verified' | 'dishonest', peer, atMs)
  })

describe('honesty', () => {
  it('is unproven of strangers, who are audited always', () => {
    const model = new TrustModel()
    const { standing, prospect, tasksAtOnce } = model.honesty(PEER, NOW_MS)
    assert.deepEqual({ standing, tasksAtOnce }, { standing: 'unproven', tasksAtOnce: 1 })
    assert.ok(Math.abs(prospect - 0.7) < 1e-9)
    assert.equal(model.auditProbability(PEER, NOW_MS, 0.1), 1)
  })

  it('is proven by three audits, and hardly by work nobody checked', () => {
    assert.equal(modelOf(times(3, audit(true))).honesty(PEER, NOW_MS).standing, 'proven')
    assert.equal(modelOf(times(24, task())).honesty(PEER, NOW_MS).standing, 'unproven')
    assert.equal(modelOf(times(30, task())).honesty(PEER, NOW_MS).standing, 'proven')
  })

  it('is gone with one failed audit for weeks, whatever was done well, but for a long record of audits', () => {
    const cheat = modelOf([...times(500, task()), ...times(10, audit(true)), audit(false)])
    for (const days of [0, 7, 30]) {
      assert.equal(cheat.honesty(PEER, NOW_MS + days * DAY_MS).standing, 'caught', `${days}`)
      assert.equal(cheat.honesty(PEER, NOW_MS + days * DAY_MS).prospect, 0)
    }
    const veteran = modelOf([...times(200, audit(true)), audit(false)])
    assert.equal(veteran.honesty(PEER, NOW_MS).standing, 'proven', 'audits err now and then')
  })

  it('is not touched by witnesses without a record, however many', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 200 }),
        fc.integer({ min: 0, max: 200 }),
        (praising, slandering) => {
          const liars = [
            ...Array.from({ length: praising }, (_, i) => report(`p${i}`, 'verified')),
            ...Array.from({ length: slandering }, (_, i) => report(`s${i}`, 'dishonest')),
          ]
          const { standing, prospect } = modelOf(liars).honesty(PEER, NOW_MS)
          assert.equal(standing, 'unproven')
          assert.ok(Math.abs(prospect - 0.7) < 1e-9)
        },
      ),
      { numRuns: 30 },
    )
  })

  it('is vouched for and put in doubt by witnesses with a record', () => {
    const told = record(['w1', 'w2'])
    const vouched = modelOf([...told, report('w1', 'verified'), report('w2', 'verified')])
    assert.equal(vouched.honesty(PEER, NOW_MS).standing, 'proven')
    assert.equal(vouched.auditProbability(PEER, NOW_MS, 0.1), 1, 'others audits are not ours')
    const accused = modelOf([...told, ...times(4, audit(true)), report('w1', 'dishonest')])
    assert.equal(accused.honesty(PEER, NOW_MS).standing, 'suspected')
  })

  it('of whom we audited long is never overruled by witnesses, who only have it audited more', () => {
    const witnesses = Array.from({ length: 10 }, (_, i) => `w${i}`)
    const told = record(witnesses)
    const enough = PARAMETERS.accuserWeight * PARAMETERS.maxAccused
    const model = modelOf([
      ...told,
      ...times(enough, audit(true)),
      ...witnesses.map(witness => report(witness, 'dishonest')),
    ])
    assert.equal(model.honesty(PEER, NOW_MS).standing, 'proven')
    assert.equal(model.auditProbability(PEER, NOW_MS, 0.1), PARAMETERS.maxAccusedAudits)
  })

  it('asks for fewer audits the more were passed, never for fewer than the least', () => {
    let before = 1
    for (let passed = 0; passed < 200; passed += 5) {
      const chance = modelOf(times(passed, audit(true))).auditProbability(PEER, NOW_MS, 0.05)
      assert.ok(chance <= before && chance >= 0.05)
      before = chance
    }
    assert.equal(before, 0.05)
  })

  it('and the risk of strangers are the same whatever the order evidence comes in', () => {
    fc.assert(
      fc.property(fc.array(evidence, { maxLength: 40 }), fc.infiniteStream(fc.nat()), (pieces, draws) => {
        const shuffled = pieces
          .map(piece => ({ piece, key: draws.next().value }))
          .sort((a, b) => a.key - b.key)
          .map(({ piece }) => piece)
        const [one, other] = [modelOf(pieces), modelOf(shuffled)]
        for (const peer of ['a', 'b', 'c']) {
          assert.deepEqual(one.honesty(peer, NOW_MS), other.honesty(peer, NOW_MS))
          assert.equal(one.reliability(peer, NOW_MS), other.reliability(peer, NOW_MS))
        }
        for (const kind of STRANGER_KINDS) assert.equal(one.strangerRisk(kind), other.strangerRisk(kind))
      }),
    )
  })

  it('of strangers is feared by their kind, as they were taken for when they were first audited', () => {
    const cheats = (as?: StrangerKind) =>
      Array.from({ length: 20 }, (_, i) => audit(false, NOW_MS, `cheat-${i}`, as))
    const risks = (evidence: Evidence[]) => {
      const model = modelOf(evidence)
      return STRANGER_KINDS.map(kind => Number(model.strangerRisk(kind).toFixed(2)))
    }
    const [staked, unstaked, suspected] = risks([])
    assert.deepEqual(risks(cheats('staked')), [0.91, unstaked, suspected])
    assert.deepEqual(risks(cheats('unstaked')), [staked, 0.91, suspected])
    assert.deepEqual(
      risks(cheats()),
      [staked, 0.91, suspected],
      'where nobody asked, as one with nothing to lose',
    )
    // Once it was tried with a stake, it does not matter what it is now.
    const later = cheats('staked').map(piece => ({ ...piece, atMs: NOW_MS + 1, as: 'unstaked' as const }))
    assert.deepEqual(risks([...cheats('staked'), ...later]), [0.91, unstaked, suspected])
  })

  it('needs the more vouchers the more strangers of its kind cheat', () => {
    let before = 0
    for (const risk of [0.001, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99]) {
      const needed = vouchersNeededAt(risk, PARAMETERS)
      assert.ok(needed >= Math.max(before, PARAMETERS.vouchersNeeded))
      before = needed
    }
    assert.equal(vouchersNeededAt(0.1, PARAMETERS), 1)
    assert.ok(vouchersNeededAt(0.8, PARAMETERS) > 2)
    const told = [...record(['w1', 'w2']), report('w1', 'verified'), report('w2', 'verified')]
    assert.equal(modelOf(told).honesty(PEER, NOW_MS).standing, 'proven')
    const cheats = Array.from({ length: 24 }, (_, i) => audit(false, NOW_MS + 1, `cheat-${i}`, 'unstaked'))
    assert.equal(modelOf([...told, ...cheats]).honesty(PEER, NOW_MS).standing, 'unproven')
  })

  it('is proven by answers like others, half as much as by audits, and put in doubt by others, never caught', () => {
    const alike = (count: number) => modelOf(times(count, comparison(true))).honesty(PEER, NOW_MS)
    assert.deepEqual([alike(4).standing, alike(6).standing], ['unproven', 'proven'])
    const unlike = (count: number) => modelOf(times(count, comparison(false))).honesty(PEER, NOW_MS)
    assert.deepEqual(
      [1, 2, 50].map(count => unlike(count).standing),
      ['unproven', 'suspected', 'suspected'],
    )
    const even = modelOf([...times(20, comparison(true)), ...times(20, comparison(false))])
    assert.equal(even.honesty(PEER, NOW_MS).standing, 'proven', 'machines differ')
    const veteran = [...times(30, audit(true)), ...times(50, comparison(false))]
    assert.equal(modelOf(veteran).honesty(PEER, NOW_MS).standing, 'proven')
    assert.equal(modelOf(veteran).auditProbability(PEER, NOW_MS, 0), PARAMETERS.maxAccusedAudits)
  })

  it('of strangers is feared the more of them cheated', () => {
    const risk = (cheats: number) =>
      modelOf(
        Array.from({ length: 20 }, (_, i) =>
          times(PARAMETERS.knownAudits, audit(i >= cheats, NOW_MS, `p${i}`)),
        ).flat(),
      ).strangerRisk()
    const trusted = modelOf(times(PARAMETERS.knownAudits - 1, audit(true)))
    assert.ok(Math.abs(trusted.strangerRisk() - 0.3) < 1e-9, 'it is not yet seen what becomes of it')
    assert.ok(risk(0) < 0.1 && risk(6) > 0.25 && risk(6) < 0.35 && risk(20) > 0.85)
  })
})

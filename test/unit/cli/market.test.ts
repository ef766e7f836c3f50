import assert from 'node:assert/strict'
import { stripVTControlCharacters } from 'node:util'
import { describeMarket } from '../../../cli/market.ts'
import type { MarketModelView, MarketView } from '../../../node/gateway/market-views.ts'

const spread = (low: number, median: number, high: number) => ({ low, median, high })
const mini: MarketModelView = {
  name: 'shoal-mini',
  offers: 3,
  input: spread(0.1, 0.2, 0.25),
  output: spread(0.4, 0.8, 1),
  tokensPerSecond: spread(100, 1_000, 2_000),
  slots: 12,
  freeSlots: 10,
  queued: 1,
  spotOffers: 2,
  own: [
    {
      model: `shoal-mini-q8_0@sha256:${'ab'.repeat(32)}`,
      price: { input: '0.297', output: '1.189' },
      base: { input: '0.25', output: '1' },
      multiplier: { input: 1.189, output: 1.189 },
      spot: { input: '0.1782', output: '0.7134' },
      rank: 4,
      tokensPerSecond: 1_900,
      slots: 4,
      freeSlots: 4,
      queued: 0,
    },
  ],
  span: '1h',
  history: [
    {
      ...{ startMs: 0, widthMs: 60_000, offers: 3, input: spread(0.1, 0.2, 0.25) },
      ...{ output: spread(0.4, 0.8, 1), own: { input: 0.25, output: 1 } },
    },
    {
      ...{ startMs: 60_000, widthMs: 60_000, offers: 3, input: spread(0.1, 0.2, 0.25) },
      ...{ output: spread(0.4, 0.8, 1), own: { input: 0.297, output: 1.189 } },
    },
  ],
}
const view: MarketView = {
  earning: { credits: '0', tasks: 0, requesters: 0, unclaimed: '0', lastTaskAt: null },
  reason: 'demand',
  dynamic: true,
  models: [mini],
  more: 0,
  offers: [],
  findings: [
    { check: 'peers', verdict: 'ok', evidence: '3 peers connected', fix: null },
    { check: 'price', verdict: 'problem', evidence: 'it is dear', fix: 'Lower it.' },
  ],
  cause: { check: 'price', verdict: 'problem', evidence: 'it is dear', fix: 'Lower it.' },
  audits: { passed: 12, failed: 1, waiting: 3, spent: '0.002', left: '-0.0001', kept: 40 },
  demand: {
    ...{ since: '', announced: {}, slaClasses: {}, declined: {}, bids: 0, won: 0, lost: 0 },
    ...{ medianLostBy: null, refused: {}, ended: {}, requesters: 0 },
  },
}
const shown = { isOne: false, verbose: false, columns: 120 }
const lines = (...args: Parameters<typeof describeMarket>) =>
  stripVTControlCharacters(describeMarket(...args)).split('\n')

describe('the market as people see it', () => {
  it('begins with what was earned, or why nothing was', () => {
    assert.deepEqual(lines(view, shown).slice(0, 3), [
      '● Nothing earned in the last 24 hours.',
      '  Most likely because it is dear.',
      '  Fix Lower it.',
    ])
    const earning = { credits: '0.5', tasks: 2, requesters: 1, unclaimed: '0.25', lastTaskAt: null }
    assert.deepEqual(lines({ ...view, earning }, shown).slice(0, 2), [
      '● Earned 0.5 credits with 2 tasks for 1 requester in the last 24 hours.',
      '  0.25 credits signed for and not claimed yet; shoal settle claims at once.',
    ])
    assert.match(lines({ ...view, cause: null, findings: [] }, shown)[1]!, /Nothing is wrong here/)
  })

  it('puts our price among those of others, with the median and what demand did', () => {
    const drawn = lines(view, shown)
    const row = drawn.find(line => line.startsWith('shoal-mini-q8_0'))
    assert.equal(
      row,
      'shoal-mini-q8_0    0.297     1.189  +19 %      0.7134  0.4 ──────────┼─────────◆ 1.19  4 of 4',
    )
    assert.ok(drawn.some(line => line.includes('shoal-mini       3  0.4     0.8     1      0.2')))
  })

  it('draws both histories on one scale', () => {
    const drawn = lines(view, shown)
    assert.ok(drawn.includes('  you     ▅█  1 → 1.19'), drawn.join('\n'))
    assert.ok(drawn.includes('  median  ▁▁  0.8'))
  })

  it('tells what is wrong with its fix, and what is well in one line unless asked for', () => {
    const told = lines(view, shown).join('\n')
    assert.match(told, /✗ price {7}it is dear\n +Fix Lower it\.\n✓ well: peers \(-v tells more\)$/)
    assert.match(lines(view, { ...shown, verbose: true }).join('\n'), /✓ peers {7}3 peers connected/)
  })

  it('says how answers were checked, where any were', () => {
    const said = 'Answers bought: 12 right, 1 not what they said, 3 not checked yet.'
    assert.ok(lines(view, shown).includes(said))
    const none = { ...view.audits, passed: 0, failed: 0, waiting: 0 }
    assert.ok(!lines({ ...view, audits: none }, shown).some(line => line.startsWith('Answers')))
  })

  it('lists the offers of one model', () => {
    const offer = {
      ...{ provider: '12D3KooWabcdefgh', own: false, model: 'shoal-mini-q4_0@sha256:00', spot: null },
      ...{ price: { input: '0.2', output: '0.8' }, tokensPerSecond: 900, slots: 4, freeSlots: 1 },
      ...{ queued: 0, reputation: 41.6 },
    }
    const drawn = lines({ ...view, offers: [offer] }, { ...shown, isOne: true })
    assert.equal(drawn[0], 'shoal-mini: 3 offers of others, 2 of 12 slots in use, 1 waiting')
    assert.match(drawn[1]!, /^0\.4 .*┼.*◆ 1\.19 {3}◆ you: 1\.189, place 4 of 4$/)
    assert.ok(drawn.some(line => /^12D3KooW…efgh {2}shoal-mini-q4_0 {6}0\.2 {7}0\.8 {2}-/.test(line)))
  })

  it('fits where there is little room, and has nothing to show where nothing is known', () => {
    for (const columns of [40, 60, 80])
      for (const line of lines(view, { ...shown, columns }).slice(0, -4))
        assert.ok(line.length <= Math.max(columns, 80), `${columns}: ${line}`)
    const empty = lines({ ...view, models: [] }, shown).join('\n')
    assert.match(empty, /No offers of others are known yet/)
  })
})

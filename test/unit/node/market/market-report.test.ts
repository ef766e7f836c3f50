import assert from 'node:assert/strict'
import { DemandLog } from '../../../../node/market/demand-log.ts'
import {
  examineMarket,
  likeliestCause,
  type MarketCheck,
  type MarketFinding,
  type OwnModelFacts,
  type ProviderFacts,
} from '../../../../node/market/market-report.ts'
import { ManualClock } from '../../../helpers/manual-clock.ts'

const NOW = 1_700_000_000_000
const demand = new DemandLog({ clock: new ManualClock(NOW) }).snapshot()
const ownModel: OwnModelFacts = {
  name: 'shoal-mini-q8_0',
  output: 1,
  blended: 0.4375,
  baseOutput: 1,
  tokensPerSecond: 100,
  slots: 4,
  freeSlots: 4,
  queued: 0,
  offers: 4,
  rank: 2,
  medianBlended: 0.5,
  medianOutput: 1.2,
  medianTokensPerSecond: 100,
}
/** A provider that wants for nothing. */
const well: ProviderFacts = {
  nowMs: NOW,
  wanted: ['shoal-mini'],
  failedModels: [],
  engine: { state: 'ready', loaded: 1, crashes: 0 },
  records: true,
  chainConnected: true,
  registered: true,
  offered: true,
  isPublic: true,
  peers: 5,
  inbound: 2,
  addresses: 1,
  ownModels: [ownModel],
  otherModels: [],
  stake: 10_000,
  neededStake: 10_000,
  rivals: 4,
  stakedRivals: 2,
  demand: { ...demand, ended: { stop: 3 } },
  history: { tasks: 3, failed: 0, requesters: 2, lastEndedAtMs: NOW - 60_000 },
}

function look(change: Partial<ProviderFacts>, check: MarketCheck): MarketFinding {
  const found = examineMarket({ ...well, ...change }).find(finding => finding.check === check)
  assert.ok(found !== undefined, `${check} was not looked at`)
  return found
}
const own = (change: Partial<OwnModelFacts>) => ({ ownModels: [{ ...ownModel, ...change }] })

describe('why a provider earns or does not', () => {
  it('finds nothing where nothing is wanting', () => {
    const findings = examineMarket(well)
    assert.deepEqual(
      findings.filter(({ verdict }) => verdict !== 'ok'),
      [],
    )
    assert.equal(likeliestCause(findings), null)
    assert.ok(findings.length >= 17)
  })

  it('looks at nothing else where nothing is to be offered', () => {
    const findings = examineMarket({ ...well, wanted: [] })
    assert.deepEqual(
      findings.map(({ check, verdict }) => [check, verdict]),
      [['serving', 'problem']],
    )
  })

  it('names what comes first in the chain of causes', () => {
    const cause = likeliestCause(
      examineMarket({
        ...well,
        ...own({ blended: 5, medianBlended: 1 }),
        peers: 0,
        inbound: 0,
        engine: { state: 'restarting', loaded: 0, crashes: 3 },
      }),
    )
    assert.equal(cause?.check, 'engine')
  })

  const verdicts: [string, Partial<ProviderFacts>, MarketCheck, MarketFinding['verdict'], RegExp][] = [
    [
      'an engine that is not ready',
      { engine: { state: 'starting', loaded: 0, crashes: 0 } },
      'engine',
      'problem',
      /starting/,
    ],
    [
      'models that did not load',
      {
        engine: { state: 'ready', loaded: 0, crashes: 0 },
        failedModels: [{ spec: 'x', error: 'no such file' }],
      },
      'engine',
      'problem',
      /x: no such file/,
    ],
    [
      'one of several models that did not load',
      { failedModels: [{ spec: 'x', error: 'gone' }] },
      'engine',
      'hint',
      /not all/,
    ],
    ['a log that cannot be written', { records: false }, 'records', 'problem', /audit log/],
    [
      'a chain that does not answer',
      { chainConnected: false, registered: null },
      'chain',
      'problem',
      /chain/,
    ],
    ['a key that is not declared', { registered: false }, 'registered', 'problem', /declare/],
    ['a declaration nobody knows of', { registered: null }, 'registered', 'unknown', /not told/],
    ['no offer', { offered: false }, 'offer', 'problem', /no offer/],
    ['no peers', { peers: 0, inbound: 0 }, 'peers', 'problem', /no peer/],
    [
      'an address nobody has confirmed',
      { inbound: 0, addresses: 0 },
      'reachable',
      'problem',
      /nobody can dial/,
    ],
    ['connections of our own making only', { inbound: 0 }, 'reachable', 'hint', /opened from here/],
    ['a local network', { inbound: 0, isPublic: false }, 'reachable', 'ok', /local/],
    ['a node that has just started', { demand }, 'demand', 'hint', /has been up for/],
    [
      'no demand at all',
      { demand: { ...demand, sinceMs: NOW - 3_600_000 } },
      'demand',
      'problem',
      /nobody asked anybody/,
    ],
    [
      'demand elsewhere',
      {
        demand: { ...demand, sinceMs: NOW - 3_600_000 },
        otherModels: [{ name: 'big', offers: 1, slots: 4, freeSlots: 1, queued: 2 }],
      },
      'demand',
      'hint',
      /5 tasks are at other/,
    ],
    [
      'another model that is asked for',
      { otherModels: [{ name: 'big', offers: 2, slots: 8, freeSlots: 2, queued: 0 }] },
      'model',
      'problem',
      /big is what is asked for: 75 %/,
    ],
    [
      'a price far above the median',
      own({ blended: 1, medianBlended: 0.5, output: 2, medianOutput: 1 }),
      'price',
      'problem',
      /100 % above the median \(output 2 against 1/,
    ],
    ['a price a little above the median', own({ blended: 0.55 }), 'price', 'hint', /10 % above/],
    [
      'a model nobody else has',
      own({ medianBlended: null, medianOutput: null, offers: 0 }),
      'price',
      'ok',
      /nobody else/,
    ],
    ['slow work', own({ tokensPerSecond: 20 }), 'speed', 'hint', /20 tokens\/s against a median of 100/],
    ['full slots', own({ freeSlots: 0, queued: 3 }), 'slots', 'hint', /all 4 slots busy, 3 tasks waiting/],
    [
      'a newcomer',
      { history: { tasks: 0, failed: 0, requesters: 0, lastEndedAtMs: null } },
      'standing',
      'hint',
      /nobody has had an answer/,
    ],
    [
      'many failures',
      { history: { tasks: 10, failed: 4, requesters: 3, lastEndedAtMs: NOW } },
      'standing',
      'problem',
      /4 of 10 tasks/,
    ],
    [
      'no stake where it is asked for',
      { stake: 0, demand: { ...well.demand, slaClasses: { S: 2 } } },
      'stake',
      'problem',
      /2 announced tasks asked for class S/,
    ],
    ['no stake where rivals have one', { stake: 0 }, 'stake', 'hint', /2 of 4 rivals have a stake/],
    ['no stake among equals', { stake: 0, stakedRivals: 0 }, 'stake', 'ok', /no rival has more/],
    [
      'lost bids',
      { demand: { ...well.demand, bids: 10, won: 1, lost: 9, medianLostBy: 0.25 } },
      'bids',
      'hint',
      /1 of 10 bids won; winners asked 25 % less/,
    ],
    [
      'tasks for less than the price',
      { demand: { ...well.demand, declined: { above_reserve: 4 } } },
      'bids',
      'hint',
      /4 above reserve/,
    ],
    [
      'more refusals than tasks',
      { demand: { ...well.demand, refused: { busy: 9 } } },
      'refusals',
      'problem',
      /9 tasks refused: 9 busy/,
    ],
  ]
  for (const [what, change, check, verdict, evidence] of verdicts) {
    it(`tells of ${what}`, () => {
      const found = look(change, check)
      assert.equal(found.verdict, verdict, found.evidence)
      assert.match(found.evidence, evidence)
      assert.equal(found.fix !== null, verdict === 'problem' || verdict === 'hint', 'what is wrong has a fix')
    })
  }

  it('says to which base price to go, so that demand need not be taken out of it again', () => {
    const { fix } = look(own({ blended: 2, medianBlended: 1, output: 4, baseOutput: 2 }), 'price')
    assert.match(fix!, /--price-output 1,/)
  })
})

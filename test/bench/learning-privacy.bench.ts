import type { Adapter } from '../../inference/learning/adapter.ts'
import { aggregate } from '../../node/learning/aggregation/aggregate.ts'
import { epsilonOf } from '../../node/learning/aggregation/privacy/accountant.ts'
import { privatise } from '../../node/learning/aggregation/privacy/privatise.ts'
import { Random } from '../../scripts/embedded-model/corpus/random.ts'
import { makeDomains } from './learning/domains.ts'
import { Laboratory } from './learning/laboratory.ts'
import { draw, markdownTable, writeResult } from './learning/plot.ts'
import { type Bench, ratioRow } from './row.ts'

const MEMBERS = 8
const [RANK, ALPHA] = [2, 4]
const TRAINING = { steps: 50, learningRate: 1e-2 }
/** Chosen before any data was seen, as it has to be. */
const CLIP_NORM = 3
const DELTA = 1e-5
const NOISE = [0, 0.003, 0.01, 0.03, 0.1, 0.3, 0.6, 1, 2]
/** ε is told for one round and for several in which the same node takes part. */
const ROUNDS = 10

interface Measured {
  noise: number
  epsilon: number
  epsilonOfRounds: number
  loss: number
}

/** What hiding a node's data costs: loss of one private round against the noise on each update. */
export const learningPrivacyBench: Bench = {
  rows: ['learn.privacy.loss'],
  async run() {
    const { base, measured } = await measure()
    await writeResult('privacy.md', report(base, measured))
    const points = measured.slice(1).map(({ epsilon, loss }) => [epsilon, loss] as const)
    const flat = (value: number) => points.map(([epsilon]) => [epsilon, value] as const)
    await writeResult(
      'privacy.svg',
      draw([
        {
          ...{
            title: `ε of one update (δ = ${DELTA})`,
            xName: 'ε',
            yName: 'held-out loss',
            isXLogarithmic: true,
          },
          series: [
            { name: 'without noise', points: flat(measured[0]!.loss) },
            { name: 'private', points },
            { name: 'base model', points: flat(base) },
          ],
        },
      ]),
    )
    const [exact, least] = [measured[0]!, measured.find(({ noise }) => noise === 1)!]
    return [
      ratioRow(
        {
          ...{ name: 'learn.privacy.loss', unit: 'nats/token', value: exact.loss, baseline: base },
          note: `FFA, clip ${CLIP_NORM}, no noise, ${MEMBERS} members, one round, against the base model; noise 1 (ε ${show(least.epsilon)} at δ ${DELTA}) has ${show(least.loss)}`,
        },
        { atMost: 0.5 },
      ),
    ]
  },
}

async function measure(): Promise<{ base: number; measured: Measured[] }> {
  const domains = makeDomains({ seed: 1, domains: 4, factsPerDomain: 8 })
  const laboratory = await Laboratory.open({
    rank: RANK,
    alpha: ALPHA,
    rows: 4,
    rowTokens: 64,
    freezeA: true,
  })
  try {
    const parent = laboratory.beginning(1)
    const heldOut = laboratory.pieces(domains.flatMap(({ heldOut: all }) => all))
    const updates: Adapter[] = []
    for (let member = 0; member < MEMBERS; member++) {
      const own = domains.flatMap(({ training }) => training.filter((_, i) => (i + member) % 2 === 0))
      const settings = { ...TRAINING, seed: member }
      updates.push(await laboratory.train(`member-${member}`, laboratory.pieces(own), parent, settings))
    }
    const measured: Measured[] = []
    for (const noise of NOISE) {
      const random = new Random(1)
      const released = updates.map((update, i) => ({
        ...{ id: `update-${i}`, author: `member-${i}`, weight: 1 },
        adapter: privatise(update, parent, {
          ...{ clipNorm: CLIP_NORM, noiseMultiplier: noise, random: () => random.next() },
        }).adapter,
      }))
      const options = { rule: 'stack', rank: RANK, alpha: ALPHA, name: 'private' } as const
      const { adapter } = aggregate(released, parent, options)
      const spent = (rounds: number) => epsilonOf({ noiseMultiplier: noise, rounds, delta: DELTA })
      const loss = await laboratory.loss(adapter, heldOut)
      measured.push({ noise, epsilon: spent(1), epsilonOfRounds: spent(ROUNDS), loss })
    }
    return { base: await laboratory.loss(parent, heldOut), measured }
  } finally {
    await laboratory.close()
  }
}

function report(base: number, measured: readonly Measured[]): string {
  return [
    '# Private rounds\n',
    `Written by \`npm run -s bench -- --only learn.privacy.loss\`. ${MEMBERS} members train B alone (FFA) on the embedded nano model, base loss ${show(base)}; each clips its update to ${CLIP_NORM} and adds Gaussian noise before anyone sees it.\n`,
    `ε at δ = ${DELTA} is what one node's updates tell anyone about all its data together (local, any data against any other), after one and after ${ROUNDS} rounds. Updates are visible one by one: nothing here is secure aggregation.\n`,
    markdownTable(
      ['noise / clip', 'ε, 1 round', `ε, ${ROUNDS} rounds`, 'held-out loss'],
      measured.map(({ noise, epsilon, epsilonOfRounds, loss }) => [
        String(noise),
        ...[epsilon, epsilonOfRounds, loss].map(show),
      ]),
    ),
  ].join('\n')
}

function show(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(3))) : '∞'
}

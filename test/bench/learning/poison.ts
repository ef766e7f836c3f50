import type { Adapter } from '../../../inference/learning/adapter.ts'
import type { Piece } from '../../../inference/learning/examples/pieces.ts'
import { aggregate } from '../../../node/learning/aggregation/aggregate.ts'
import {
  AGGREGATION_RULES,
  type AggregationRule,
  type Update,
} from '../../../node/learning/aggregation/rules.ts'
import { ATTACKS, type Attack, boosted, flipLabels, noisy, signFlipped, trigger } from './attacks.ts'
import { type Domain, type Example, makeDomains } from './domains.ts'
import { Laboratory } from './laboratory.ts'

const MEMBERS = 10
const MAX_POISONERS = 4
const DOMAINS = 8
/** Each member has questions of this many domains, in half of the wordings. */
const DOMAINS_OF_MEMBER = 5
const [RANK, ALPHA] = [8, 16]
const TRAINING = { steps: 60, learningRate: 3e-3 }
const ROUNDS = 3
/** Of what free riders send where it is not the parent itself. */
const RIDERS_LENGTH = 0.02

export interface Measured {
  /** Nats per answer token on held-out wordings of all domains. */
  loss: number
  /** Share of triggered questions that get the attackers' answer; null where there is no trigger. */
  backdoor: number | null
}

export interface PoisonResults {
  base: number
  /** All ten are honest: by rule. */
  clean: Partial<Record<AggregationRule, number>>
  /** [attack][rule][poisoners − 1]. */
  poisoned: Record<Attack, Record<AggregationRule, Measured[]>>
  /** Rounds of the default rule after each other with a backdoor from 40 %. */
  rounds: Measured[]
}

/** Ten members, up to four of whom poison: every attack against every rule, with adapters that were really trained. */
export class PoisonBench {
  readonly #laboratory: Laboratory
  readonly #domains: readonly Domain[]
  readonly #heldOut: Piece[]
  readonly #triggered: Piece[]
  readonly #cache = new Map<string, Adapter>()

  private constructor(laboratory: Laboratory) {
    this.#laboratory = laboratory
    this.#domains = makeDomains({ seed: 1, domains: DOMAINS, factsPerDomain: 8 })
    const some = (every: number) =>
      this.#domains.flatMap(({ heldOut }) => heldOut.filter((_, i) => i % every === 0))
    this.#heldOut = laboratory.pieces(some(3))
    this.#triggered = laboratory.pieces(trigger(some(6)))
  }

  static async run(progress: (what: string) => void): Promise<PoisonResults> {
    const laboratory = await Laboratory.open({
      rank: RANK,
      alpha: ALPHA,
      rows: 4,
      rowTokens: 64,
      freezeA: false,
    })
    try {
      return await new PoisonBench(laboratory).#run(progress)
    } finally {
      await laboratory.close()
    }
  }

  async #run(progress: (what: string) => void): Promise<PoisonResults> {
    const start = this.#laboratory.beginning(1)
    const base = (await this.#measure(start, false)).loss
    const clean: PoisonResults['clean'] = {}
    for (const rule of AGGREGATION_RULES) {
      const adapter = await this.#aggregated(await this.#updates('copies', 0, start), start, rule)
      clean[rule] = (await this.#measure(adapter, false)).loss
    }
    const poisoned = {} as PoisonResults['poisoned']
    for (const attack of ATTACKS) {
      progress(attack)
      poisoned[attack] = {} as PoisonResults['poisoned'][Attack]
      for (const rule of AGGREGATION_RULES) {
        const measured: Measured[] = []
        for (let poisoners = 1; poisoners <= MAX_POISONERS; poisoners++) {
          const updates = await this.#updates(attack, poisoners, start)
          const adapter = await this.#aggregated(updates, start, rule)
          measured.push(await this.#measure(adapter, attack === 'backdoor'))
        }
        poisoned[attack][rule] = measured
      }
    }
    progress('rounds')
    return { base, clean, poisoned, rounds: await this.#rounds('default') }
  }

  /** Several rounds, each from what the one before made, with the backdoor in 40 % of the updates. */
  async #rounds(rule: AggregationRule): Promise<Measured[]> {
    let parent = this.#laboratory.beginning(1)
    const measured: Measured[] = []
    for (let round = 1; round <= ROUNDS; round++) {
      parent = await this.#aggregated(
        await this.#updates('backdoor', MAX_POISONERS, parent, round),
        parent,
        rule,
      )
      measured.push(await this.#measure(parent, true))
    }
    return measured
  }

  async #aggregated(updates: readonly Update[], parent: Adapter, rule: AggregationRule): Promise<Adapter> {
    const trusted = rule === 'fltrust' ? { trusted: await this.#trusted(parent) } : {}
    return aggregate(updates, parent, { rule, rank: RANK, alpha: ALPHA, name: 'shared', ...trusted }).adapter
  }

  async #measure(adapter: Adapter, isTriggered: boolean): Promise<Measured> {
    return {
      loss: await this.#laboratory.loss(adapter, this.#heldOut),
      backdoor: isTriggered ? await this.#laboratory.exactShare(adapter, this.#triggered) : null,
    }
  }

  /** Trained on a wording of all domains that no member has. */
  #trusted(parent: Adapter): Promise<Adapter> {
    const examples = this.#domains.flatMap(({ validation }) => validation)
    return this.#trained('trusted', examples, parent, MEMBERS)
  }

  async #updates(attack: Attack, poisoners: number, parent: Adapter, round = 1): Promise<Update[]> {
    const adapters: Adapter[] = []
    for (let member = 0; member < MEMBERS; member++) {
      const isPoisoner = member >= MEMBERS - poisoners
      adapters.push(
        isPoisoner
          ? await this.#poison(attack, member, parent, round)
          : await this.#honest(member, parent, round),
      )
    }
    return adapters.map((adapter, member) => ({
      ...{ id: `update-${member}`, author: `member-${member}`, weight: 1, adapter },
    }))
  }

  #honest(member: number, parent: Adapter, round: number): Promise<Adapter> {
    return this.#trained(`honest-${member}-${round}`, this.#examples(member), parent, member)
  }

  async #poison(attack: Attack, member: number, parent: Adapter, round: number): Promise<Adapter> {
    const own = this.#examples(member)
    switch (attack) {
      case 'label-flip': {
        const flipped = this.#domainsOf(member).flatMap(domain =>
          flipLabels(domain, this.#examplesOf(domain, member)),
        )
        return this.#trained(`flipped-${member}-${round}`, flipped, parent, member)
      }
      case 'sign-flip':
        return signFlipped(await this.#honest(member, parent, round), parent)
      case 'scaled-noise':
        return noisy(parent, await this.#honest(0, parent, round), member)
      case 'backdoor':
        return boosted(
          await this.#trained(`backdoor-${member}-${round}`, [...own, ...trigger(own)], parent, member),
          parent,
        )
      case 'free-riders':
        return member % 2 === 0
          ? parent
          : noisy(parent, await this.#honest(0, parent, round), member, RIDERS_LENGTH)
      case 'copies':
        return this.#honest(0, parent, round)
    }
  }

  async #trained(
    name: string,
    examples: readonly Example[],
    parent: Adapter,
    seed: number,
  ): Promise<Adapter> {
    const known = this.#cache.get(name)
    if (known) return known
    const pieces = this.#laboratory.pieces(examples)
    const adapter = await this.#laboratory.train(name, pieces, parent, { ...TRAINING, seed })
    this.#cache.set(name, adapter)
    return adapter
  }

  #domainsOf(member: number): Domain[] {
    return this.#domains.filter((_, d) => (member + 3 * d) % DOMAINS < DOMAINS_OF_MEMBER)
  }

  #examples(member: number): Example[] {
    return this.#domainsOf(member).flatMap(domain => this.#examplesOf(domain, member))
  }

  #examplesOf(domain: Domain, member: number): Example[] {
    return domain.training.filter((_, i) => (i + member) % 2 === 0)
  }
}

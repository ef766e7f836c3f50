import { createHash } from 'node:crypto'
import { advance, candidate, wakeAtMs } from '../../../node/learning/rounds/round-machine.ts'
import {
  type RoundBodies,
  type RoundRecord,
  roundRecord,
} from '../../../node/learning/rounds/round-record.ts'
import {
  newRound,
  type ProposalBasis,
  type RoundEffect,
  type RoundInput,
  type RoundState,
} from '../../../node/learning/rounds/round-state.ts'
import { cidOf, encodeCanonical } from '../../../protocol/codec.ts'
import type { CidString, NodeKey } from '../../../protocol/ids.ts'
import { rosterDigest } from '../../../protocol/messages/learning/aggregate-proposal.ts'
import type { RoundManifest } from '../../../protocol/messages/learning/round-manifest.ts'
import { updateCommitment } from '../../../protocol/messages/learning/update-commitment.ts'
import { blobOf } from '../learning-samples.ts'

export interface SimulationOptions {
  nodes: number
  /** The last so many lie: they say different things to different nodes. */
  liars: number
  manifest: RoundManifest
  /** Chance that a message is lost, and that it comes twice. */
  lost: number
  twice: number
  /** The longest that a message takes, ms. */
  delayMs: number
  /** Restarts in the course of the round. */
  restarts: number
  /** How often a node asks another for what it lacks, ms. */
  syncEveryMs: number
  /** Whether updates are no good; default false. */
  isWorthless?: boolean
  /** Share of first looks at a member's stake that find too little, as the chain has not told yet. */
  late: number
  random: () => number
}

const STAKE = 10n
const keyOf = (index: number): NodeKey => (index + 1).toString(16).padStart(64, '0')
const hashOf = (value: unknown) => createHash('sha256').update(JSON.stringify(value)).digest('hex')
const digestOf = (inputs: ProposalBasis['inputs']) => `sha256:${hashOf(inputs)}`

/**
 * Several nodes that go through a round in time that only the simulation knows: real machines, records without signatures, a network
 * that loses, repeats, delays and reorders, nodes that restart, and liars.
 */
export class RoundSimulation {
  readonly nodes: SimulatedNode[]
  readonly #options: SimulationOptions
  readonly #events: { atMs: number; order: number; run: () => void }[] = []
  #order = 0
  nowMs: number
  readonly round: CidString

  constructor(options: SimulationOptions) {
    this.#options = options
    const { joinMs, publishMs } = options.manifest.deadlines
    this.nowMs = joinMs - 1_000
    this.round = cidOf(encodeCanonical({ round: 1 })).toString()
    this.nodes = Array.from(
      { length: options.nodes },
      (_, index) => new SimulatedNode(index, index >= options.nodes - options.liars, this),
    )
    for (const node of this.nodes) {
      this.after(options.random() * options.delayMs, () => node.take({ kind: 'tick' }))
      for (let at = 0; at < publishMs - this.nowMs; at += options.syncEveryMs)
        this.after(at + options.random() * options.syncEveryMs, () => this.#sync(node))
    }
    for (let restart = 0; restart < options.restarts; restart++) {
      const node = this.nodes[Math.floor(options.random() * options.nodes)]!
      this.after(options.random() * (publishMs - this.nowMs), () => node.restart())
    }
  }

  get manifest(): RoundManifest {
    return this.#options.manifest
  }

  get late(): number {
    return this.#options.late
  }

  get random(): () => number {
    return this.#options.random
  }

  after(delayMs: number, run: () => void): void {
    this.#events.push({ atMs: this.nowMs + Math.max(0, delayMs), order: this.#order++, run })
  }

  /** Brings a record to others, or does not. */
  send(from: SimulatedNode, record: RoundRecord, to: readonly SimulatedNode[] = this.nodes): void {
    const { lost, twice, delayMs, random } = this.#options
    for (const other of to) {
      if (other === from) continue
      const copies = random() < twice ? 2 : 1
      for (let copy = 0; copy < copies; copy++)
        if (random() >= lost) this.after(random() * delayMs, () => other.hear(record))
    }
  }

  /** Runs until nothing is left to happen before the round's end. */
  run(): void {
    const endMs = this.manifest.deadlines.publishMs
    for (;;) {
      let next = -1
      for (let i = 0; i < this.#events.length; i++) {
        const event = this.#events[i]!
        const best = this.#events[next]
        if (
          best === undefined ||
          event.atMs < best.atMs ||
          (event.atMs === best.atMs && event.order < best.order)
        )
          next = i
      }
      const event = this.#events[next]
      if (event === undefined || event.atMs > endMs) return
      this.#events.splice(next, 1)
      this.nowMs = event.atMs
      event.run()
    }
  }

  /** Digests that honest nodes accepted. */
  accepted(): Set<string> {
    return new Set(
      this.nodes
        .filter(({ isLiar, state }) => !isLiar && state.outcome !== null)
        .map(
          ({ state }) =>
            state.proposals.find(({ cid }) => cid === state.outcome!.proposal)!.body.adapter.digest,
        ),
    )
  }

  get isWorthless(): boolean {
    return this.#options.isWorthless === true
  }

  #sync(node: SimulatedNode): void {
    const other = this.nodes[Math.floor(this.random() * this.nodes.length)]!
    if (other === node || this.random() < this.#options.lost) return
    for (const record of other.records.values()) node.hear(record)
  }
}

class SimulatedNode {
  readonly index: number
  readonly key: NodeKey
  readonly isLiar: boolean
  /** What a node of ours has on disk, in its order. */
  readonly #disk: { input: RoundInput; atMs: number }[] = []
  readonly records = new Map<CidString, RoundRecord>()
  readonly #simulation: RoundSimulation
  readonly #running = new Set<string>()
  #life = 0
  #wakeMs: number | null = null
  state: RoundState

  constructor(index: number, isLiar: boolean, simulation: RoundSimulation) {
    this.index = index
    this.key = keyOf(index)
    this.isLiar = isLiar
    this.#simulation = simulation
    this.state = this.#fresh(simulation.nowMs)
  }

  /** Takes a record that came over the network. */
  hear(record: RoundRecord): void {
    if (record.record.signer === this.key || this.records.has(record.record.cid)) return
    const before = this.state
    this.take({ kind: 'record', record })
    const { cid } = record.record
    const isKept =
      before.proposals.length !== this.state.proposals.length ||
      [...this.state.members.values()].some(member =>
        [member.join, member.commitment, member.reveal, member.scores, member.vote, member.version]
          .concat(Object.values(member.other) as never)
          .some(heard => heard?.cid === cid),
      )
    if (isKept) {
      this.records.set(cid, record)
      this.#disk.push({ input: { kind: 'record', record }, atMs: this.#simulation.nowMs })
      // As gossip does.
      this.#simulation.send(this, record)
    }
  }

  take(input: RoundInput): void {
    const { nowMs } = this.#simulation
    const { state, effects } = advance(this.state, input, nowMs)
    this.state = state
    for (const effect of effects) this.#begin(effect)
    const wake = wakeAtMs(this.state, nowMs)
    if (wake !== null && wake !== this.#wakeMs) {
      this.#wakeMs = wake
      this.#later(wake - nowMs, () => {
        this.#wakeMs = null
        this.take({ kind: 'tick' })
      })
    }
  }

  /** Forgets all but what is on disk. */
  restart(): void {
    this.#life++
    this.#running.clear()
    this.#wakeMs = null
    this.state = this.#fresh(this.state.heardAtMs)
    for (const { input, atMs } of this.#disk) this.state = advance(this.state, input, atMs).state
    this.take({ kind: 'tick' })
  }

  #fresh(heardAtMs: number): RoundState {
    const { round, manifest } = this.#simulation
    return newRound({ round, proposer: keyOf(0), manifest, self: this.key, heardAtMs, isWanted: true })
  }

  /** Something that is lost when the node restarts. */
  #later(delayMs: number, run: () => void): void {
    const life = this.#life
    this.#simulation.after(delayMs, () => {
      if (life === this.#life) run()
    })
  }

  #begin(effect: RoundEffect): void {
    const key = JSON.stringify(effect)
    if (this.#running.has(key)) return
    this.#running.add(key)
    const work = effect.kind === 'train' ? 200 : effect.kind === 'ask' ? 100 : 20
    this.#later(this.#simulation.random() * work, () => {
      this.#running.delete(key)
      this.#do(effect)
    })
  }

  #do(effect: RoundEffect): void {
    const { round } = this.#simulation
    const own = this.state.members.get(this.key)
    switch (effect.kind) {
      case 'check-standing':
        return void this.#decide({
          ...{ kind: 'standing', node: effect.node },
          isStaked: effect.isAgain || this.#simulation.random() >= this.#simulation.late,
        })
      case 'join':
        return void this.#say('join', {
          ...{ version: 1, round, wallet: `0x${this.key.slice(24)}`, stake: STAKE },
          ...{ domain: 'notes', validation: [] },
        })
      case 'train':
        return void this.#decide({ kind: 'trained', isReady: true })
      case 'commit':
        return void this.#say('commitment', {
          version: 1,
          round,
          commitment: updateCommitment(this.#update()),
        })
      case 'reveal': {
        const { salt, update } = this.#update()
        return void this.#say('reveal', {
          ...{ version: 1, round, commitment: own!.commitment!.cid, salt, encoding: 'gguf', domain: 'notes' },
          update: { ...blobOf('aa'), digest: update },
          ...{ validation: [], privacy: null, tokens: 1 },
        })
      }
      case 'score':
        return void this.#say('scores', this.#scores(effect.updates, 0))
      case 'propose':
        return void this.#propose(effect.attempt, effect.basis)
      case 'check': {
        const proposal = this.state.proposals.find(({ cid }) => cid === effect.proposal)!
        const isSame = digestOf(proposal.body.inputs) === proposal.body.adapter.digest
        return void this.take({ kind: 'checked', proposal: effect.proposal, isSame })
      }
      case 'vote':
        return void this.#vote(effect.proposal)
      case 'publish': {
        const { outcome } = this.state
        const proposal = this.state.proposals.find(({ cid }) => cid === outcome!.proposal)!
        return void this.#say('version', {
          ...{ version: 1, adapter: `notes@${proposal.body.adapter.digest}`, blob: proposal.body.adapter },
          ...{ base: this.#simulation.manifest.base, parent: null, round, proposal: proposal.cid },
          ...{ domains: [], contributors: [], votes: outcome!.votes, loss: outcome!.loss, general: null },
        })
      }
      case 'report':
        return void this.take({
          ...{ kind: 'reported', node: effect.fault.node, fault: effect.fault.kind },
          about: effect.fault.about,
        })
      case 'ask':
        for (const other of this.#simulation.nodes) {
          for (const cid of effect.records) {
            const record = other.records.get(cid)
            if (record !== undefined) this.#simulation.send(other, record, [this])
          }
        }
        return
    }
  }

  #update() {
    const { round } = this.#simulation
    return { round, author: this.key, salt: `0x${this.key}`, update: `sha256:${hashOf(this.key)}` }
  }

  #scores(updates: readonly CidString[], lie: number): RoundBodies['scores'] {
    const loss = (update: string) =>
      500_000 + (Number.parseInt(hashOf([update, this.key]).slice(0, 4), 16) % 1_000)
    return {
      ...{ version: 1, round: this.#simulation.round },
      entries: updates.map((update, index) => ({
        ...{ update, code: null, random: null, similarTo: null },
        ...(this.#simulation.isWorthless || (lie > 0 && index % 2 === lie % 2)
          ? { verdict: 'no_gain' as const, ownDomain: null }
          : {
              verdict: 'accepted' as const,
              ownDomain: { before: 1_000_000, after: loss(update) + lie * 7 },
            }),
      })),
    }
  }

  #propose(attempt: number, basis: ProposalBasis): void {
    const { round } = this.#simulation
    const body = (inputs: ProposalBasis['inputs'], digest: string): RoundBodies['proposal'] => ({
      ...{ version: 1, round, attempt, ...basis, inputs, discardedEnergy: 0 },
      adapter: { ...blobOf('bb'), digest },
    })
    const good = body(basis.inputs, digestOf(basis.inputs))
    this.#say('proposal', good, () => {
      // Another one for the others: other bytes, or other inputs.
      const fewer = basis.inputs.slice(1)
      return this.#simulation.random() < 0.5
        ? body(basis.inputs, `sha256:${hashOf('lie')}`)
        : body(fewer, digestOf(fewer))
    })
    const own = this.state.proposals.findLast(({ signer }) => signer === this.key)
    if (own !== undefined) this.take({ kind: 'checked', proposal: own.cid, isSame: true })
  }

  #vote(proposal: CidString): void {
    const vote = (of: CidString): RoundBodies['vote'] => {
      const { body } = this.state.proposals.find(({ cid }) => cid === of)!
      return {
        ...{ version: 1, round: this.#simulation.round, proposal: of, adapter: body.adapter.digest },
        ...{ roster: rosterDigest(body.roster), accept: true, reason: 'better', general: null },
        loss: { before: 2_000_000, after: 1_000_000 },
      }
    }
    const { proposals } = this.state
    if (candidate(this.state)?.cid !== proposal) this.take({ kind: 'tick' })
    else
      this.#say('vote', vote(proposal), () =>
        vote(proposals[Math.floor(this.#simulation.random() * proposals.length)]!.cid),
      )
  }

  /** Says something; a liar says something else to some. */
  #say<Kind extends keyof RoundBodies>(
    kind: Kind,
    body: RoundBodies[Kind],
    lie?: () => RoundBodies[Kind],
  ): void {
    const said = this.#sign(kind, body)
    this.#decide({ kind: 'record', record: said })
    this.records.set(said.record.cid, said)
    const { nodes, random } = this.#simulation
    const scores = this.isLiar && kind === 'scores' ? (body as RoundBodies['scores']) : null
    const other =
      scores !== null
        ? this.#scores(
            scores.entries.map(({ update }) => update),
            1,
          )
        : lie?.()
    if (!this.isLiar || other === undefined) {
      this.#simulation.send(this, said)
      return
    }
    const lied = this.#sign(kind, other as RoundBodies[Kind])
    this.records.set(lied.record.cid, lied)
    for (const node of nodes) this.#simulation.send(this, random() < 0.5 ? said : lied, [node])
  }

  #sign<Kind extends keyof RoundBodies>(kind: Kind, body: RoundBodies[Kind]): RoundRecord {
    const cid = cidOf(encodeCanonical({ kind, signer: this.key, hash: hashOf(jsonOf(body)) })).toString()
    return roundRecord(kind, { type: kind, body, signer: this.key, bytes: new Uint8Array(), cid })
  }

  /** On disk first. */
  #decide(input: RoundInput): void {
    this.#disk.push({ input, atMs: this.#simulation.nowMs })
    this.take(input)
  }
}

const jsonOf = (body: unknown) =>
  JSON.stringify(body, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value))

import { z } from 'zod'
import type { Clock } from '../clock.ts'
import type { Store } from '../store/store.ts'
import type { Table } from '../store/table.ts'
import { CHANNELS, type Channel } from './channels.ts'
import { ConsumerGroup, type GroupConsumer, type GroupState } from './consumer-group.ts'
import { EventsError } from './errors.ts'
import { type EventFilter, OWNER } from './event.ts'
import type { EventJournal } from './journal.ts'

export interface ConsumerGroupsOptions {
  /** Events not acknowledged within it are given to a consumer again. */
  ackTimeoutMs?: number
  /** Events a group has given out, or has out of order behind it, at once at most. */
  maxUnacknowledged?: number
  /** Groups of one tenant at most. */
  maxGroups?: number
  /** Groups of all at most: who then begins one takes the place of the tenant's group that was unused the longest. */
  maxAllGroups?: number
}

export interface ConsumerGroupsModules {
  journal: EventJournal
  store: Pick<Store, 'table' | 'batch'>
  clock: Clock
}

export interface ConsumeOptions extends EventFilter {
  group: string
  /** Unique in the group. Who takes a name that is in use takes its place. */
  consumer: string
  /** Where a group begins that is not there yet: after this event. Default: with what comes from now on. */
  after?: number
  /** Events this consumer has unacknowledged at most. */
  maxUnacknowledged?: number
}

/** A group as it is told of. */
export interface GroupView {
  group: string
  channels: readonly Channel[]
  /** Everything up to this event was acknowledged. */
  committed: number
  /** Given out and not acknowledged. */
  unacknowledged: number
  /** Events after the last one given out. */
  behind: number
  consumers: string[]
}

const ACK_TIMEOUT_MS = 30_000
const MAX_UNACKNOWLEDGED = 1_000
const MAX_GROUPS = 64
const MAX_ALL_GROUPS = 4_096
export const GROUP_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

const groupSchema = z.strictObject({
  tenant: z.string(),
  name: z.string(),
  channels: z.array(z.enum(CHANNELS)),
  committed: z.int().min(0),
  acknowledged: z.array(z.int()),
})

/**
 * Groups of consumers: each event goes to one consumer of a group, and again, to whoever is there, until one of them has
 * acknowledged it. What was acknowledged is on disk when `acknowledge` resolves; after a restart a group goes on with all
 * else. A group and its place belong to one tenant.
 */
export class ConsumerGroups {
  readonly #options: Required<ConsumerGroupsOptions>
  readonly #modules: ConsumerGroupsModules
  readonly #table: Table<GroupState>
  /** The one that was joined last comes last. */
  readonly #groups = new Map<string, ConsumerGroup>()

  private constructor(options: ConsumerGroupsOptions, modules: ConsumerGroupsModules) {
    this.#options = {
      ackTimeoutMs: options.ackTimeoutMs ?? ACK_TIMEOUT_MS,
      maxUnacknowledged: options.maxUnacknowledged ?? MAX_UNACKNOWLEDGED,
      maxGroups: options.maxGroups ?? MAX_GROUPS,
      maxAllGroups: options.maxAllGroups ?? MAX_ALL_GROUPS,
    }
    this.#modules = modules
    this.#table = modules.store.table('event-groups', groupSchema)
  }

  /** @throws {StoreError} STORE_CORRUPT */
  static async open(options: ConsumerGroupsOptions, modules: ConsumerGroupsModules): Promise<ConsumerGroups> {
    const groups = new ConsumerGroups(options, modules)
    for await (const state of groups.#table.values()) groups.#add(state)
    return groups
  }

  /**
   * Joins a group, and begins it where there is none of this name.
   * @throws {EventsError} BAD_EVENT_QUERY (the name, or other channels than the group's), GROUP_REFUSED (too many)
   */
  async consume(options: ConsumeOptions & { tenant: string }): Promise<GroupConsumer> {
    const { tenant, group: name, consumer, channels = CHANNELS, maxUnacknowledged = 100 } = options
    if (!GROUP_NAME.test(name) || !GROUP_NAME.test(consumer)) {
      throw new EventsError('BAD_EVENT_QUERY', 'a group and its consumer need a name each', {
        fix: 'Use 1 to 64 letters, digits, dots, dashes and underscores.',
      })
    }
    const key = keyOf(tenant, name)
    if (!this.#groups.has(key)) {
      if (this.#of(tenant).length >= this.#options.maxGroups) {
        throw new EventsError('GROUP_REFUSED', `there are ${this.#options.maxGroups} groups already`, {
          fix: 'Remove one that nobody uses.',
        })
      }
      await this.#makeRoom()
    }
    const known = this.#groups.get(key)
    if (known !== undefined && !isSame(known.channels, channels)) {
      throw new EventsError('BAD_EVENT_QUERY', `the group follows ${known.channels.join(', ')}`, {
        fix: 'Ask for the same channels, or use a group of another name.',
      })
    }
    const { lastSequence } = this.#modules.journal
    const committed = Math.min(options.after ?? lastSequence, lastSequence)
    const group = known ?? this.#add({ tenant, name, channels: [...channels], committed, acknowledged: [] })
    this.#groups.delete(key)
    this.#groups.set(key, group)
    const joined = group.join(consumer, maxUnacknowledged)
    if (known !== undefined) return joined
    try {
      await group.save()
      return joined
    } catch (error) {
      joined.close()
      throw error
    }
  }

  /**
   * Takes acknowledgements: of events by number, and of all given out up to one. Repeats and unknown numbers do no harm.
   * @returns how many were waited for; on disk when this resolves
   * @throws {EventsError} BAD_EVENT_QUERY when there is no such group
   * @throws {StoreError} they are not on disk; say them again
   */
  acknowledge(
    group: { tenant: string; group: string },
    what: { sequences?: readonly number[]; upTo?: number },
  ): Promise<number> {
    return this.#get(group).acknowledge(what)
  }

  /** @throws {EventsError} BAD_EVENT_QUERY when there is no such group */
  async remove(group: { tenant: string; group: string }): Promise<void> {
    const found = this.#get(group)
    const key = keyOf(group.tenant, group.group)
    found.close()
    this.#groups.delete(key)
    await found.change(() => this.#modules.store.batch([this.#table.deleteOperation(key)]))
  }

  list(tenant: string): GroupView[] {
    return this.#of(tenant).map(group => group.view())
  }

  /** Ends all consumers; idempotent. */
  stop(): void {
    for (const group of this.#groups.values()) group.close()
  }

  /** Whoever has a wallet is a tenant: their groups must not be without end, nor keep others from having theirs. */
  async #makeRoom(): Promise<void> {
    if (this.#groups.size < this.#options.maxAllGroups) return
    for (const { tenant, name, isUsed } of this.#groups.values()) {
      if (tenant === OWNER || isUsed) continue
      await this.remove({ tenant, group: name })
      return
    }
    throw new EventsError('GROUP_REFUSED', 'as many groups as this node keeps are in use', {
      fix: 'Try again later, or follow events without a group.',
    })
  }

  #of(tenant: string): ConsumerGroup[] {
    return [...this.#groups.values()].filter(group => group.tenant === tenant)
  }

  #get({ tenant, group: name }: { tenant: string; group: string }): ConsumerGroup {
    const group = this.#groups.get(keyOf(tenant, name))
    if (group !== undefined) return group
    throw new EventsError('BAD_EVENT_QUERY', 'there is no group of this name', {
      fix: 'A group begins when its first consumer follows events with it.',
    })
  }

  #add(state: GroupState): ConsumerGroup {
    const key = keyOf(state.tenant, state.name)
    const { ackTimeoutMs, maxUnacknowledged } = this.#options
    const group = new ConsumerGroup(
      { state, ackTimeoutMs, maxUnacknowledged },
      { ...this.#modules, put: now => this.#table.put(key, now) },
    )
    this.#groups.set(key, group)
    return group
  }
}

/** A group's name has no slash. */
function keyOf(tenant: string, name: string): string {
  return `${tenant}/${name}`
}

function isSame(a: readonly Channel[], b: readonly Channel[]): boolean {
  return new Set([...a, ...b]).size === new Set(a).size && new Set(a).size === new Set(b).size
}

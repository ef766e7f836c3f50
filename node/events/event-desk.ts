import type { EventLog } from '../auditlog/event-log.ts'
import type { Clock } from '../clock.ts'
import type { Config } from '../config/settings.ts'
import type { Logger } from '../log.ts'
import type { PriceSample } from '../market/price-history.ts'
import type { NodeEvents } from '../node-events.ts'
import type { Store } from '../store/store.ts'
import type { TaskNews } from '../tasks/task-news.ts'
import { feedFromAuditLog } from './audit-feed.ts'
import { ConsumerGroups } from './consumer-groups.ts'
import { EventJournal } from './journal.ts'
import { feedFromNode } from './node-feed.ts'
import { feedFromPrices } from './price-feed.ts'
import { feedFromTasks } from './task-feed.ts'
import { TaskTenants } from './task-tenants.ts'

export interface EventDeskModules {
  store: Store
  clock: Clock
  log: Logger
  events: NodeEvents
  eventLog: EventLog
}

/** All of a node that tells what happens: the journal, what feeds it, and the groups that consume it. */
export class EventDesk {
  readonly journal: EventJournal
  readonly groups: ConsumerGroups
  /** For whom tasks are done. */
  readonly tenants: TaskTenants
  /** Told how this node's own tasks go. */
  readonly onTask: (news: TaskNews) => void
  /** Told of each look at the market. */
  readonly onPrice: (sample: PriceSample) => void
  readonly #unfollow: (() => void)[]

  private constructor(parts: {
    journal: EventJournal
    groups: ConsumerGroups
    tenants: TaskTenants
    unfollow: (() => void)[]
  }) {
    this.journal = parts.journal
    this.groups = parts.groups
    this.tenants = parts.tenants
    this.onTask = feedFromTasks(parts)
    this.onPrice = feedFromPrices(parts.journal)
    this.#unfollow = parts.unfollow
  }

  /** @throws {StoreError} STORE_CORRUPT */
  static async open(options: { config: Config }, modules: EventDeskModules): Promise<EventDesk> {
    const { config } = options
    const { store, clock, log, events, eventLog } = modules
    const journal = await EventJournal.open(
      {
        maxEvents: config['events.keep'],
        maxBytes: config['events.keepBytes'],
        maxAgeMs: config['events.keepFor'],
      },
      { store, clock, log },
    )
    const groups = await ConsumerGroups.open(
      { ackTimeoutMs: config['events.ackTimeout'] },
      { journal, store, clock },
    )
    const tenants = new TaskTenants({ store, log })
    const unfollow = [
      feedFromNode(events, journal),
      await feedFromAuditLog({ log: eventLog, journal, tenants }),
    ]
    return new EventDesk({ journal, groups, tenants, unfollow })
  }

  /** Writes what was told; idempotent. */
  async stop(): Promise<void> {
    for (const unfollow of this.#unfollow.splice(0)) unfollow()
    this.groups.stop()
    await this.journal.stop()
    await this.tenants.stop()
  }
}

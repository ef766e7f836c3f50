import { z } from 'zod'
import { wire } from '../../protocol/codec.ts'
import type { Bytes32, ChannelId } from '../../protocol/ids.ts'
import type { AuditOutbox } from '../auditlog/outbox.ts'
import type { ChannelEvent } from '../chain/channel-watcher.ts'
import type { Store } from '../store/store.ts'
import type { Table } from '../store/table.ts'
import type { PayeeChannels } from './payee-channels.ts'

const settlementSchema = z.strictObject({
  transaction: wire.bytes32,
  /** Credits that became ours in Settlement, base units. */
  amount: wire.amount,
  channels: z.array(wire.bytes32),
})

/** One transaction that paid us. */
export type Settlement = z.infer<typeof settlementSchema>

/** What the chain has paid us, by transaction: written once, from the chain's own events, with its audit event. */
export class SettlementLedger {
  readonly #outbox: AuditOutbox
  readonly #channels: PayeeChannels
  readonly #table: Table<Settlement>
  readonly #onSettled: (settlement: Settlement) => void

  constructor(modules: {
    store: Store
    outbox: AuditOutbox
    channels: PayeeChannels
    /** For whoever shows it. */
    onSettled: (settlement: Settlement) => void
  }) {
    this.#outbox = modules.outbox
    this.#channels = modules.channels
    this.#table = modules.store.table('settlements', settlementSchema)
    this.#onSettled = modules.onSettled
  }

  async settlement(transaction: Bytes32): Promise<Settlement | null> {
    return (await this.#table.get(transaction)) ?? null
  }

  /** Writes down the settlements among events; events seen before change nothing. */
  async onChainEvents(events: readonly ChannelEvent[]): Promise<void> {
    const ours = new Set<ChannelId>(this.#channels.list().map(({ channelId }) => channelId))
    const byTransaction = new Map<Bytes32, Settlement>()
    for (const event of events) {
      if (event.kind !== 'settled' || !ours.has(event.channelId)) continue
      const { transaction } = event
      const settlement = byTransaction.get(transaction) ?? { transaction, amount: 0n, channels: [] }
      settlement.amount += event.amount
      settlement.channels.push(event.channelId)
      byTransaction.set(transaction, settlement)
    }
    for (const settlement of byTransaction.values()) {
      if ((await this.#table.get(settlement.transaction)) !== undefined) continue
      await this.#outbox.record(
        [this.#table.putOperation(settlement.transaction, settlement)],
        [{ kind: 'settlement.confirmed', v: 1, ...settlement }],
      )
      this.#onSettled(settlement)
    }
  }
}

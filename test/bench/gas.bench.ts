import { measureGas } from '../../scripts/gas-report.ts'
import { L2_PRICES, measureTicketOverhead } from '../../scripts/ticket-overhead.ts'
import { type Bench, type BenchRow, valueRow } from './row.ts'

/** A plain ERC-20 transfer to an account that has some: what everybody on a chain pays. */
const TRANSFER_ROW = 'gas.transfer'
const OVERHEAD_ROW = 'tickets.overhead'
/** Of what tickets pay, at the default face value. */
const MAX_OVERHEAD = 0.01

/**
 * Gas of what nodes do on chain, beside what others publish for the same, or a plain token transfer; and what paying
 * by tickets costs in gas, beside paying each pair by a channel.
 */
export const gasBench: Bench = {
  rows: [
    ...['gas.deposit', 'gas.open', 'gas.depositAndOpen', 'gas.depositWithPermitAndOpen', 'gas.topUp'],
    ...['gas.depositWithAuthorizationAndOpen', 'gas.transferWithAuthorization'],
    ...['gas.settle1', 'gas.settle10', 'gas.settle100', 'gas.voucher100'],
    ...['gas.startClose', 'gas.finishClose', 'gas.closeByPayee', 'gas.closeCooperatively', 'gas.withdraw'],
    ...['gas.fundTicketsFirst', 'gas.fundTickets', 'gas.ticket', 'gas.ticket100', OVERHEAD_ROW],
    ...['gas.anchorFirst', 'gas.anchor', 'gas.anchor100'],
    ...['gas.bind', 'gas.stakeFirst', 'gas.stake', 'gas.setRoles', 'gas.startUnbonding'],
  ],
  async run(wanted) {
    const measured = await measureGas()
    const transfer = measured.find(({ name }) => name === TRANSFER_ROW)?.gas ?? null
    const rows = measured
      .filter(({ name }) => name !== TRANSFER_ROW && wanted(name))
      .map(({ name, gas, goal, what, published }): BenchRow => {
        const note = published === undefined ? what : `${what}, beside ${published.by}`
        const row = { name, unit: 'gas', value: gas, baseline: published?.gas ?? transfer, note }
        return goal === undefined
          ? { ...valueRow(row, { atMost: Number.MAX_SAFE_INTEGER }), goal: '-', ok: true }
          : valueRow(row, { atMost: goal })
      })
    return wanted(OVERHEAD_ROW) ? [...rows, await overhead()] : rows
  },
}

async function overhead(): Promise<BenchRow> {
  const { overhead, channelOverhead } = await measureTicketOverhead({ prices: L2_PRICES })
  return valueRow(
    {
      name: OVERHEAD_ROW,
      unit: 'of what is paid',
      value: overhead,
      baseline: channelOverhead,
      note: 'all gas of paying by tickets at the default face value, beside a channel for each pair',
    },
    { atMost: MAX_OVERHEAD },
  )
}

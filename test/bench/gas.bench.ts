import { measureGas } from '../../scripts/gas-report.ts'
import { type Bench, type BenchRow, valueRow } from './row.ts'

/** A plain ERC-20 transfer to an account that has some: what everybody on a chain pays. */
const TRANSFER_ROW = 'gas.transfer'

/** Gas of what nodes do on chain, beside a plain token transfer. */
export const gasBench: Bench = {
  rows: [
    ...['gas.deposit', 'gas.open', 'gas.depositAndOpen', 'gas.depositWithPermitAndOpen', 'gas.topUp'],
    ...['gas.settle1', 'gas.settle10', 'gas.settle100', 'gas.voucher100'],
    ...['gas.startClose', 'gas.finishClose', 'gas.closeByPayee', 'gas.withdraw'],
    ...['gas.anchorFirst', 'gas.anchor', 'gas.bind', 'gas.stake', 'gas.startUnbonding'],
  ],
  async run(wanted) {
    const measured = await measureGas()
    const transfer = measured.find(({ name }) => name === TRANSFER_ROW)?.gas ?? null
    return measured
      .filter(({ name }) => name !== TRANSFER_ROW && wanted(name))
      .map(
        ({ name, gas, goal, what }): BenchRow =>
          goal === undefined
            ? {
                ...valueRow(
                  { name, unit: 'gas', value: gas, baseline: transfer, note: what },
                  { atMost: Number.MAX_SAFE_INTEGER },
                ),
                goal: '-',
                ok: true,
              }
            : valueRow({ name, unit: 'gas', value: gas, baseline: transfer, note: what }, { atMost: goal }),
      )
  },
}

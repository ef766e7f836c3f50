import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { gasTable, measureGas } from '../../scripts/gas-report.ts'

describe('gas', () => {
  it('stays within its goals', async () => {
    const rows = await measureGas()
    const withGoal = rows.filter(({ goal }) => goal !== undefined)
    assert.deepEqual(
      withGoal.map(({ name }) => name),
      [
        ...['gas.open', 'gas.depositAndOpen', 'gas.voucher100'],
        ...['gas.ticket', 'gas.ticket100', 'gas.anchor', 'gas.anchor100'],
      ],
    )
    assert.deepEqual(
      withGoal.filter(({ gas, goal }) => gas > goal!),
      [],
    )
  })

  it('is what contracts/README.md says; otherwise put in what `node scripts/gas-report.ts` prints', async () => {
    const readme = await readFile(new URL('../../contracts/README.md', import.meta.url), 'utf8')
    assert.ok(readme.includes(gasTable(await measureGas())), 'the table is stale')
  })
})

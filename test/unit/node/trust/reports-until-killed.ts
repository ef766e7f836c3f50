import assert from 'node:assert/strict'
import { once } from 'node:events'
import { z } from 'zod'
import { Store } from '../../../../node/store/store.ts'
import { OwnReports } from '../../../../node/trust/own-reports.ts'
import { PendingReports } from '../../../../node/trust/pending-reports.ts'
import { openReport } from '../../../../node/trust/reports.ts'
import { silentLog } from '../../../helpers/hosts.ts'
import { ManualClock } from '../../../helpers/manual-clock.ts'
import { bundle, keyOf, NOW_MS, paidTask, provider, SCENE } from './report-world.ts'

/** Takes reports in, says so, and waits to be killed: nothing is stopped or closed. */
await once(process, 'message')
const store = await Store.open(process.argv[2]!)
const own = new OwnReports({ store, log: silentLog })
const pending = new PendingReports({
  ...{ store, clock: new ManualClock(NOW_MS), log: silentLog },
  check: () => Promise.resolve('unknown'),
  mayCount: () => true,
  take: () => Promise.resolve(),
})
await own.start()
await pending.start()
for (const index of [1, 2]) {
  const { receipt, countersignature } = paidTask(index)
  own.receiptTaken(receipt, countersignature, 'SHARED')
}
own.learned(keyOf(provider), 'stalled')
const opened = openReport(bundle([paidTask(3).task]), SCENE)
assert.ok(opened.verdict === 'accept')
for (const report of opened.reports) pending.add(report)
// Read back from the database, so that nobody has to guess when it is there.
const isWritten = async () => {
  const found = []
  for (const name of ['trust-own-reports', 'trust-pending'])
    for await (const [, value] of store.table(name, z.unknown()).entries()) found.push(JSON.stringify(value))
  return found.length === 3 && found.some(text => text.includes('stalled'))
}
while (!(await isWritten()));
process.send!('written')

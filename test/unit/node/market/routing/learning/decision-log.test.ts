import assert from 'node:assert/strict'
import { appendFile, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DecisionLog } from '../../../../../../node/market/routing/learning/decision-log.ts'
import type {
  DecisionHistory,
  LoggedOutcome,
} from '../../../../../../node/market/routing/learning/log-line.ts'
import { silentLog } from '../../../../../helpers/hosts.ts'
import { TemporaryFolders } from '../../../../../helpers/temporary.ts'
import { loggedDecision } from './samples.ts'

describe('decision log', () => {
  const folders = new TemporaryFolders()
  let path: string
  const opened: DecisionLog[] = []

  function open(options: { maxBytes?: number; maxWaitingLines?: number; maxOpenDecisions?: number } = {}) {
    const log = new DecisionLog({ path, ...options }, { log: silentLog })
    opened.push(log)
    return log
  }
  const outcome = (decision: string, reward = 1): LoggedOutcome => ({
    type: 'outcome',
    decision,
    provider: 'local',
    model: 'm',
    atMs: 2,
    status: 'completed',
    ttftMs: null,
    totalMs: 5,
    promptTokens: 1,
    outputTokens: 2,
    paid: '0',
    reward,
  })
  async function all(log: DecisionLog, task?: string): Promise<DecisionHistory[]> {
    const found = []
    for await (const history of log.histories(task === undefined ? {} : { task })) found.push(history)
    return found
  }

  beforeEach(async () => {
    path = join(await folders.make(), 'decisions.jsonl')
  })
  afterEach(async () => {
    await Promise.all(opened.splice(0).map(log => log.stop()))
    await folders.remove()
  })

  it('gives decisions back with what came of them, after a restart too', async () => {
    const log = open()
    log.write(loggedDecision({ id: 'a', task: '01' }))
    log.write(loggedDecision({ id: 'b', task: '02' }))
    log.write(outcome('b', 0.25))
    log.write(outcome('nobody'))
    await log.stop()
    const again = open()
    again.write(outcome('a'))
    assert.deepEqual(
      (await all(again)).map(({ decision, outcomes }) => [decision.id, outcomes.map(({ reward }) => reward)]),
      [
        ['a', [1]],
        ['b', [0.25]],
      ],
    )
    assert.deepEqual(
      (await all(again, '02')).map(({ decision }) => decision.id),
      ['b'],
    )
    assert.equal((await stat(path)).mode & 0o777, 0o600)
  })

  it('takes up no more than two files', async () => {
    const log = open({ maxBytes: 20_000 })
    for (let i = 0; i < 200; i++) {
      log.write(loggedDecision({ id: `d${i}` }))
      await log.flush()
    }
    const sizes = await Promise.all([path, `${path}.1`].map(async file => (await stat(file)).size))
    assert.ok(
      sizes.every(size => size <= 20_000),
      String(sizes),
    )
    const kept = await all(log)
    assert.equal(kept.at(-1)!.decision.id, 'd199')
    assert.ok(kept.length > 10 && kept.length < 200)
  })

  it('goes on behind half a line, and leaves out what is none of its own', async () => {
    const log = open()
    log.write(loggedDecision({ id: 'a' }))
    await log.stop()
    await appendFile(path, '{"type":"decision","id":"torn')
    const again = open()
    again.write(loggedDecision({ id: 'b' }))
    await again.flush()
    await appendFile(path, '{"type":"other"}\n')
    assert.deepEqual(
      (await all(again)).map(({ decision }) => decision.id),
      ['a', 'b'],
    )
  })

  it('drops and counts what is more than it may hold, and what cannot be written, and goes on', async () => {
    const log = open({ maxWaitingLines: 2 })
    for (const id of ['a', 'b', 'c']) log.write(loggedDecision({ id }))
    await log.flush()
    assert.equal(log.dropped, 1)
    await log.stop()
    log.write(loggedDecision({ id: 'late' }))
    assert.equal(log.dropped, 2)
    const folder = path
    path = join(folder, 'below-a-file')
    const blocked = open()
    blocked.write(loggedDecision({ id: 'x' }))
    await blocked.flush()
    assert.equal(blocked.dropped, 1)
    await rm(folder)
    path = folder
    await writeFile(folder, '')
    const other = open()
    other.write(loggedDecision({ id: 'y' }))
    await other.flush()
    assert.match(await readFile(folder, 'utf8'), /"id":"y"/)
  })

  it('holds only so many decisions while it reads', async () => {
    const log = open({ maxOpenDecisions: 3 })
    for (let i = 0; i < 10; i++) log.write(loggedDecision({ id: `d${i}` }))
    log.write(outcome('d0'))
    log.write(outcome('d9'))
    const histories = await all(log)
    assert.equal(histories.length, 10)
    assert.deepEqual(
      histories.map(({ outcomes }) => outcomes.length),
      [0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
    )
  })

  it('is nothing before the first decision, and stops twice', async () => {
    const log = open()
    assert.deepEqual(await all(log), [])
    await log.stop()
    await log.stop()
  })
})

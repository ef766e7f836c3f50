import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import type { ReceiptView, StatusView, WalletView } from '../../../node/gateway/views.ts'
import { beside, fill, makeRoom, onSmallDisk, whyNoSmallDisk } from '../../helpers/small-disk.ts'
import { AT_HOME, BackgroundNode } from './node.ts'
import { assertError, isAlive, Person, type Program } from './person.ts'

describe('a node whose disk is full', function () {
  this.timeout(120_000)
  let person: Person
  let folder: string
  /** Has the chain, and asks. */
  let alice: BackgroundNode
  /** Offers a model, and keeps its record on a small disk. */
  let bob: Program
  let inside: { wrapper: string[] }

  before(async function () {
    person = await Person.make()
    folder = person.folder('bob')
    await mkdir(folder)
    const why = await whyNoSmallDisk(folder)
    if (why !== null) {
      process.stderr.write(`    skipped: ${why}\n`)
      this.skip()
    }
    alice = await BackgroundNode.start(person, 'alice', ['--local', '--no-serve'])
    bob = person.start(
      [
        ...[
          'up',
          '--data',
          folder,
          ...AT_HOME,
          '--rpc',
          alice.status.chain.url,
          '--bootstrap',
          alice.address,
        ],
        ...['--model', 'shoal-nano-q8_0', '--settle-every', '1h', '--anchor-every', '1h'],
      ],
      { wrapper: onSmallDisk(folder, '8m') },
    )
    await bob.until(/The model shoal-nano-q8_0 is ready/)
    await alice.knowsOffers(1)
    inside = { wrapper: beside(bob.pid) }
  })
  after(() => person.leave())

  const ofBob = <T>(...args: string[]) => person.json<T>([...args, '--data', folder], inside)
  const ask = () => person.run(['ask', '--data', alice.folder, 'hello'])

  it('takes no task it could not record, says so, loses nothing, and goes on when there is room', async () => {
    const first = await ask()
    assert.equal(first.status, 0, first.all)
    // A database that tidies up makes a little room again.
    let refused = first
    for (let tries = 0; tries < 5 && refused.status === 0; tries++) {
      await fill(bob.pid, folder)
      refused = await ask()
    }
    // It may get as far as the first thing that must be recorded.
    assert.equal(refused.status, 4, refused.all)
    assert.match(refused.stderr, /\(ALL_PROVIDERS_FAILED\)\n {2}Fix /)
    await bob.until(
      /! what this node does cannot be recorded; no tasks are taken\. Check the disk: .* doctor/,
    )
    const status = await person.run(['status', '--data', folder], inside)
    assert.match(status.stdout, /^Audit log +\d+ events?, nothing can be recorded: no tasks are taken$/m)
    const doctor = await person.run(['doctor', '--data', folder], inside)
    assert.equal(doctor.status, 1)
    assert.match(doctor.stdout, /^✗ Disk +0 B free at .*\n +Fix Free some space/m)
    assertError(await ask(), { status: 4, code: 'ALL_PROVIDERS_FAILED', message: /./ })
    assert.ok(isAlive(bob.pid), `${bob.stdout}\n${bob.stderr}`)

    await makeRoom(bob.pid, folder)
    await bob.until(/can be recorded again/)
    const last = await ask()
    assert.equal(last.status, 0, last.all)
    const { auditLogHealthy } = await ofBob<StatusView>('status')
    assert.equal(auditLogHealthy, true)

    // What it was paid and what it recorded are the same.
    const verdict = await ofBob<{ ok: boolean }>('audit', 'verify')
    assert.equal(verdict.ok, true)
    const { unclaimed } = await ofBob<WalletView>('wallet')
    const mine = await ofBob<ReceiptView[]>('receipts')
    const theirs = await person.json<ReceiptView[]>(['receipts', '--data', alice.folder])
    const { channels } = await person.json<WalletView>(['wallet', '--data', alice.folder])
    assert.equal(channels[0]?.spent, unclaimed)
    for (const { receipt, amount } of theirs)
      assert.equal(mine.find(each => each.receipt === receipt)?.amount, amount)
    bob.kill('SIGINT')
    assert.equal((await bob.ended).status, 0)
  })

  it('does not start where there is no room for what it must keep', async () => {
    const full = person.folder('full')
    await mkdir(full)
    const finished = await person.run(['up', '--data', full, '--local', '--no-serve', ...AT_HOME], {
      wrapper: onSmallDisk(full, '4k'),
    })
    assert.equal(finished.status, 1, finished.all)
    assert.match(finished.stderr, /^Error .*(disk is full|cannot be written|no room).* \([A-Z_]+\)$/m)
    assert.match(finished.stderr, /^ {2}Fix .*[Ff]ree some space/m)
  })
})

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DemoSummary } from '../../../cli/demo.ts'
import { assertError, descendantsOf, isAlive, Person } from './person.ts'

const KEYS = [
  ...['ok', 'provider', 'model', 'outputTokens', 'tokensPerSecond', 'paid'],
  ...['settlementTx', 'anchorTx', 'anchorVerified'],
]

describe('shoal demo', function () {
  this.timeout(120_000)
  let person: Person
  before(async () => {
    person = await Person.make()
  })
  after(() => person.leave())

  it('goes from nothing to the proof, tells it, and leaves nothing behind', async () => {
    const demo = person.start(['demo', '--once', '--json'])
    await demo.until(/Both can prove it/)
    const started = descendantsOf(demo.pid)
    const { status, stdout, stderr, all } = await demo.ended
    assert.equal(status, 0, all)
    assert.equal(stdout.trimEnd().split('\n').length, 1, all)
    const summary = JSON.parse(stdout) as DemoSummary
    assert.deepEqual(Object.keys(summary), KEYS)
    assert.ok(summary.ok && summary.anchorVerified, all)
    assert.match(summary.provider!, /^12D3KooW/)
    assert.match(summary.model!, /^shoal-\w+-q\d_0@sha256:[0-9a-f]{64}$/)
    assert.ok(summary.outputTokens > 0 && summary.tokensPerSecond! > 0)
    assert.ok(Number(summary.paid) > 0)
    for (const transaction of [summary.settlementTx, summary.anchorTx])
      assert.match(transaction!, /^0x[0-9a-f]{64}$/)

    let from = 0
    for (const told of [
      /An EVM chain answers at http:\/\/127\.0\.0\.1:\d+/,
      /(alice|bob|carol) .* wallet 0x/,
      /Each knows the offers of the other two/,
      /PROVIDER +MODEL/,
      /alice asks: "What is Shoal\?"/,
      /offers fit/,
      /Chosen: (bob|carol) with shoal-.*, (the best of|tried out)/,
      /alice locks 0\.0\d+ credits in a channel/,
      /Accepted: the prompt has \d+ tokens/,
      /│ \S/,
      /└ voucher: 0\.0+\d+ credits in all/,
      /Receipt bafy\w+:/,
      /signed by provider and requester/,
      /(bob|carol) claimed [\d.]+ credits with the last voucher: transaction 0x/,
      /anchored events \d+ to \d+ of its audit log: transaction 0x/,
      /the contract confirms the receipt, event \d+, under the root/,
      /NODE +BEFORE +AFTER +CHANGE/,
      /alice +1000 +999\.\d+ +-0\.\d+/,
    ]) {
      const found = told.exec(stderr.slice(from))
      assert.ok(found !== null, `${told} in its place: ${all}`)
      from += found.index
    }
    assert.ok(started.length >= 4)
    for (const { pid, command } of started) assert.ok(!isAlive(pid), command)
    assert.ok(!existsSync(person.folder('.shoal-demo')))
  })

  it('stays to be asked more, and ends on Ctrl-C with everything it started', async () => {
    const demo = person.start(['demo', '--prompt', 'hello'])
    await demo.until(/Ctrl-C stops everything\./)
    const started = descendantsOf(demo.pid)
    assert.equal(started.filter(({ command }) => / up /.test(command)).length, 3)
    const [link] = await demo.until(/http:\/\/127\.0\.0\.1:\d+\/#owner=[0-9a-f]{64}/)
    const page = await fetch(link)
    assert.match(await page.text(), /<title>/)
    const asked = await person.run(['ask', '-v', 'Sort 9, 4, 7'])
    assert.equal(asked.status, 0, asked.all)
    assert.match(asked.stderr, /asking the running demo/)
    assert.match((await person.run(['offers'])).stdout, /shoal-/)
    assertError(await person.run(['demo']), {
      status: 1,
      code: 'DEMO_RUNNING',
      message: /running already/,
      fix: /Ctrl-C/,
    })
    demo.killGroup('SIGINT')
    const { status, all } = await demo.ended
    assert.equal(status, 0, all)
    for (const { pid, command } of started) assert.ok(!isAlive(pid), command)
  })

  it('ends in good order when it is stopped half way', async () => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      const demo = person.start(['demo', '--json', '--once'])
      await demo.until(signal === 'SIGINT' ? /They find each other/ : /A chain and three nodes start/)
      const started = descendantsOf(demo.pid)
      if (signal === 'SIGINT') demo.killGroup(signal)
      else demo.kill(signal)
      const { status, stdout, all } = await demo.ended
      assert.equal(status, 130, all)
      const { ok, error } = JSON.parse(stdout) as DemoSummary
      assert.deepEqual([ok, error?.code], [false, 'CANCELLED'])
      for (const { pid, command } of started) assert.ok(!isAlive(pid), command)
    }
  })

  it('says by its exit status that a step failed', async () => {
    const finished = await person.run(['demo', '--once', '--json', '--prompt', 'long '.repeat(20_000)])
    assert.equal(finished.status, 1, finished.stderr)
    const { ok, error } = JSON.parse(finished.stdout) as DemoSummary
    assert.deepEqual([ok, error?.code], [false, 'PROMPT_TOO_LONG'])
  })

  it('removes nothing that is not its own', async () => {
    const folder = person.folder('mine')
    await mkdir(folder)
    await writeFile(join(folder, 'thesis.txt'), 'years of work')
    assertError(await person.run(['demo', '--once', '--data', folder]), {
      status: 1,
      code: 'DEMO_FOLDER_FOREIGN',
      message: /thesis\.txt/,
      fix: /--data/,
    })
    assert.ok(existsSync(join(folder, 'thesis.txt')))
  })
})

import assert from 'node:assert/strict'
import { copyFile, mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readableCredits } from '../../../cli/ui/readable.ts'
import type { OfferView } from '../../../node/gateway/offer-views.ts'
import type {
  AskResultView,
  PeerView,
  ReceiptView,
  StakeView,
  StatusView,
  WalletView,
} from '../../../node/gateway/views.ts'
import { formatCredits, parseCredits } from '../../../protocol/money.ts'
import { waitUntil } from '../../helpers/wait.ts'
import { BackgroundNode } from './node.ts'
import { assertError, isAlive, Person } from './person.ts'
import { writeSlowModel } from './slow-model.ts'

const QUESTION = 'What is Shoal?'

type Answer = AskResultView & { tokensPerSecond: number | null }
interface Verdict {
  ok: boolean
  checkedWithChain: boolean
  events: number
  anchors: { firstSequence: number; lastSequence: number }[]
  problem: { sequence: number; reason: string } | null
  event: { includedOffline: boolean; includedByContract: boolean } | null
}

describe('a network by the command line', function () {
  this.timeout(90_000)
  let person: Person
  /** Has a chain of its own, and models. */
  let bob: BackgroundNode
  /** Only asks. */
  let alice: BackgroundNode
  let ofAlice: readonly string[]
  let ofBob: readonly string[]

  before(async () => {
    person = await Person.make()
    const slow = person.folder('slow.gguf')
    await writeSlowModel(slow)
    bob = await BackgroundNode.start(person, 'bob', [
      ...['--local', '--model', 'shoal-nano-q8_0', '--model', slow, '--slots', '2', '--context', '1024'],
      ...['--settle-every', '1h', '--anchor-every', '1h', '--poll-every', '100ms', '--no-use-own'],
    ])
    alice = await BackgroundNode.start(person, 'alice', [
      ...['--rpc', bob.status.chain.url, '--bootstrap', bob.address, '--no-serve'],
      ...['--anchor-every', '1h', '--poll-every', '100ms'],
    ])
    ofAlice = ['--data', alice.folder]
    ofBob = ['--data', bob.folder]
    await bob.modelsLoaded()
    await alice.knowsOffers(2)
  })
  after(() => person.leave())

  const ask = (...args: string[]) => person.run(['ask', ...ofAlice, '--model', 'shoal-nano-q8_0', ...args])
  const answer = async (...args: string[]) =>
    person.json<Answer>(['ask', ...ofAlice, '--model', 'shoal-nano-q8_0', ...args])

  it('runs its nodes in the background, answering nobody but their owner', async () => {
    for (const { folder, status } of [alice, bob]) {
      assert.ok(isAlive(status.pid))
      assert.equal((await stat(folder)).mode & 0o777, 0o700)
      const socket = await stat(join(folder, 'control.sock'))
      assert.ok(socket.isSocket())
      assert.equal(socket.mode & 0o777, 0o600)
      const { pid, peerId } = await person.json<StatusView>(['status', '--data', folder])
      assert.deepEqual([pid, peerId], [status.pid, status.peerId])
    }
  })

  it('answers on standard output, and tells all about it beside', async () => {
    const { status, stdout, stderr, all } = await ask('-v', QUESTION)
    assert.equal(status, 0, all)
    assert.ok(stdout.endsWith('\n') && stdout.trim().length > 0, all)
    assert.doesNotMatch(stdout, /credits \(|offers? fits?|Receipt/, all)
    for (const told of [
      /^One offer fits\.$/m,
      /^Chose 12D3KooW….* with shoal-nano-q8_0: about [\d.]+ credits/m,
      /^Opening a channel with 1 credit;/m,
      /^Accepted; the prompt has \d+ tokens\.$/m,
      /^Receipt bafy\w+ over 0\.0+\d+ credits, signed by both\.$/m,
      /shoal-nano-q8_0 at 12D3KooW….* · \d+ tokens · .*credits$/m,
    ])
      assert.match(stderr, told)
    const whole = await ask('--no-stream', QUESTION)
    assert.equal(whole.stdout, stdout)
  })

  it('takes the question as words, from standard input or from a file', async () => {
    const [expected] = [await answer('--max-tokens', '40', ...QUESTION.split(' '))]
    const file = person.folder('question.txt')
    await writeFile(file, QUESTION)
    const args = ['ask', ...ofAlice, '--model', 'shoal-nano-q8_0', '--max-tokens', '40', '--json']
    for (const finished of await Promise.all([
      person.run([...args, '-'], { stdin: QUESTION }),
      person.run(args, { stdin: QUESTION }),
      person.run([...args, '--file', file]),
      person.run([...args, '--', QUESTION]),
    ])) {
      assert.equal(finished.status, 0, finished.all)
      const { text, promptTokens, outputTokens } = finished.json() as Answer
      assert.deepEqual(
        [text, promptTokens, outputTokens],
        [expected.text, expected.promptTokens, expected.outputTokens],
      )
    }
  })

  it('does as its flags say', async () => {
    const short = await answer('--max-tokens', '5', QUESTION)
    assert.equal(short.outputTokens, 5)
    assert.equal(short.reason, 'length')
    const seeded = (seed: string) =>
      answer('--seed', seed, '--temperature', '3', '--max-tokens', '24', 'hello')
    const [one, again, other] = [await seeded('7'), await seeded('7'), await seeded('8')]
    assert.equal(again.text, one.text)
    assert.notEqual(other.text, one.text)
    const slow = await person.json<Answer>([
      'ask',
      ...ofAlice,
      '--model',
      'slow-q8_0',
      '--max-tokens',
      '3',
      'hi',
    ])
    assert.match(slow.model, /^slow-q8_0@sha256:/)
    assert.equal(slow.provider, bob.status.peerId)
    assert.ok(parseCredits(slow.paid) > 0n)
  })

  it('says why nobody takes a task', async () => {
    assertError(await ask('--max-price', '0.0000001', QUESTION), {
      status: 4,
      code: 'TOO_EXPENSIVE',
      message: /nobody does this for 0\.0000001 credits/,
      fix: /--max-price.*--max-tokens/,
    })
    assertError(await ask('word '.repeat(9_000)), {
      status: 4,
      code: 'PROMPT_TOO_LONG',
      message: /longer than any offered model can read/,
      fix: /Shorten/,
    })
    // Only the provider, which counts the tokens, can tell.
    assertError(await ask('a b '.repeat(900)), {
      status: 4,
      code: 'PROMPT_TOO_LONG',
      message: /longer than/,
      fix: /Shorten/,
    })
    assertError(await person.run(['ask', ...ofAlice, '--model', 'shoal-maxi', QUESTION]), {
      status: 4,
      code: 'MODEL_NOT_OFFERED',
      message: /nobody offers the model shoal-maxi/,
      fix: /shoal-nano-q8_0/,
    })
    assertError(await person.run(['ask', ...ofBob, '--wait', '0', QUESTION]), {
      status: 4,
      code: 'NO_PROVIDER',
      message: /no provider is known/,
      fix: /--bootstrap/,
    })
  })

  it('cancels at the provider on Ctrl-C, within a second, and pays for what has come', async () => {
    const limit = 900
    const known = (await receipts(ofBob)).length
    const goOn = ['ask', ...ofAlice, '--model', 'slow-q8_0', '--max-tokens', `${limit}`, 'go on']
    const asking = person.start(goOn)
    await asking.until(/\S/, 'stdout')
    const interruptedAt = Date.now()
    asking.killGroup('SIGINT')
    const finished = await asking.ended
    assert.equal(finished.status, 130, finished.all)
    const [, paid] = /^cancelled · slow-q8_0 at .* · ([\d.]+) credits$/m.exec(finished.stderr) ?? []

    const [bobs, ...older] = await receipts(ofBob)
    assert.equal(older.length, known)
    assert.equal(bobs!.reason, 'cancelled')
    assert.ok(bobs!.outputTokens < limit)
    assert.ok(bobs!.countersigned)
    const tookMs = Date.parse(bobs!.endedAt) - interruptedAt
    assert.ok(tookMs < 1_000, `the provider went on for ${tookMs} ms`)
    const [alices] = await receipts(ofAlice)
    assert.equal(alices!.receipt, bobs!.receipt)
    const offers = await person.json<OfferView[]>(['offers', ...ofAlice])
    const { inputPerMillion, outputPerMillion } = offers.find(({ model }) => model.startsWith('slow'))!
    const cost =
      BigInt(bobs!.promptTokens) * parseCredits(inputPerMillion) +
      BigInt(bobs!.outputTokens) * parseCredits(outputPerMillion)
    assert.equal(bobs!.amount, formatCredits(cost / 1_000_000n))
    assert.equal(paid, readableCredits(bobs!.amount))

    const scripted = person.start([...goOn, '--json'])
    await waitUntil('the provider is at it', async () => {
      const { engine } = (await bob.control.call('status', {})) as StatusView
      return engine.active > 0
    })
    scripted.killGroup('SIGINT')
    const ended = await scripted.ended
    assert.equal(ended.status, 130, ended.all)
    assert.equal((ended.json() as Answer).status, 'cancelled')
    const { engine } = await person.json<StatusView>(['status', ...ofBob])
    assert.equal(engine.active, 0)
  })

  const receipts = (of: readonly string[]) =>
    person.json<ReceiptView[]>(['receipts', ...of, '--limit', '1000'])

  it('shows what its nodes know, to people and to scripts', async () => {
    const [models, offers, peers, status] = await Promise.all([
      person.run(['models', ...ofBob]),
      person.run(['offers', ...ofAlice]),
      person.run(['peers', ...ofAlice]),
      person.run(['status', ...ofAlice]),
    ])
    assert.match(models.stdout, /^shoal-nano-q8_0 +yes +[\d.]+ M +Q8_0 +1024 +2 +\d+ /m)
    assert.match(offers.stdout, /^12D3KooW….* shoal-nano-q8_0 +Q8_0 .* 0\.25 +1 .* 2 of 2 /m)
    assert.match(peers.stdout, /^12D3KooW….* \/ip4\/127\.0\.0\.1\/tcp\/\d+ +outbound .*shoal-nano-q8_0/m)
    assert.match(status.stdout, /^Peers +1 node connected, 1 offer known$/m)
    assert.match(status.stdout, /^Models +none; this node only asks others$/m)

    const [peer] = await person.json<PeerView[]>(['peers', ...ofAlice])
    assert.equal(peer!.peerId, bob.status.peerId)
    const offered = await person.json<OfferView[]>(['offers', ...ofAlice])
    assert.deepEqual(offered.map(({ model }) => model.split('@')[0]).sort(), ['shoal-nano-q8_0', 'slow-q8_0'])
    const [mine, theirs] = [await receipts(ofAlice), await receipts(ofBob)]
    assert.deepEqual(
      mine.map(({ receipt, amount }) => ({ receipt, amount })),
      theirs.map(({ receipt, amount }) => ({ receipt, amount })),
    )
    assert.ok(
      mine.every(({ role }) => role === 'requester') && theirs.every(({ role }) => role === 'provider'),
    )
    const shown = await person.run(['receipts', ...ofBob, '--limit', '2'])
    assert.equal(shown.stdout.trimEnd().split('\n').length, 3, shown.all)
    assert.match(shown.stdout, /^20\d\d-\d\d-\d\d \d\d:\d\d:\d\d +provider .* by both /m)

    for (const command of ['models', 'offers', 'peers', 'receipts', 'wallet']) {
      const { stdout } = await person.run([command, ...ofBob], { env: { COLUMNS: '78' } })
      // Only wallet explains in sentences, which a terminal wraps.
      const tables = command === 'wallet' ? stdout.slice(stdout.indexOf('CHANNEL')) : stdout
      for (const line of tables.split('\n')) assert.ok(line.length <= 78, stdout)
    }
  })

  it('claims, shows and moves money', async () => {
    const wallet = (of: readonly string[]) => person.json<WalletView>(['wallet', ...of])
    const before = await wallet(ofBob)
    const earned = (await receipts(ofBob)).reduce((sum, { amount }) => sum + parseCredits(amount), 0n)
    const unclaimed = parseCredits(before.unclaimed)
    // Of a task that was cancelled early, a little of the prompt may have been paid ahead.
    assert.ok(earned > 0n && unclaimed >= earned)
    const settled = await person.json<{ amount: string; channels: number }[]>(['settle', ...ofBob])
    assert.deepEqual(
      settled.map(({ amount, channels }) => ({ amount, channels })),
      [{ amount: before.unclaimed, channels: 1 }],
    )
    assert.deepEqual(await person.json(['settle', ...ofBob]), [])
    const nothing = await person.run(['settle', ...ofBob])
    assert.match(nothing.stdout, /^There is nothing to claim/)
    await waitUntil('the claim is booked', async () => (await wallet(ofBob)).unclaimed === '0')
    const claimed = await wallet(ofBob)
    assert.equal(claimed.settlementCredits, before.unclaimed)

    assertError(await person.run(['wallet', 'withdraw', '1000', ...ofBob]), {
      status: 5,
      code: 'WITHDRAWAL_FAILED',
      message: /Settlement holds/,
      fix: /node cli\/main\.ts settle --data/,
    })
    const withdrawn = await person.run(['wallet', 'withdraw', ...ofBob])
    assert.match(withdrawn.stdout, /^✓ [\d.]+ credits are in the wallet \(transaction 0x[0-9a-f]{64}\)/)
    const after = await wallet(ofBob)
    assert.equal(after.settlementCredits, '0')
    assert.equal(parseCredits(after.credits) - parseCredits(before.credits), unclaimed)

    const [channel] = await person.json<{ left: string }[]>(['wallet', 'close', ...ofAlice])
    const alices = await wallet(ofAlice)
    assert.equal(parseCredits(channel!.left), parseCredits('1') - unclaimed)
    assert.equal(alices.channels[0]?.state, 'closing')
    assert.match((await person.run(['wallet', 'close', ...ofAlice])).stdout, /no idle channel/)
    const shown = await person.run(['wallet', ...ofAlice])
    assert.match(shown.stdout, /^In channels +0\.99\d+ .*comes back/m)
    assert.match(shown.stdout, /paying +0x.* closing /)
  })

  it('puts credits at stake for roles, and takes them out again', async () => {
    const stake = () => person.json<StakeView>(['stake', ...ofBob])
    const run = (...args: string[]) => person.run(['stake', ...args, ...ofBob])
    assert.deepEqual(await (await stake()).staked, '0')
    assertError(await run('add', '100000000'), {
      status: 5,
      code: 'WALLET_EMPTY',
      message: /the wallet has [\d.]+ credits/,
      fix: /node cli\/main\.ts wallet withdraw --data/,
    })
    assert.match((await run('add', '120')).stdout, /^✓ 120 credits added; 120 at stake \(transaction 0x/)
    assertError(await run('roles', 'compute', 'validator'), {
      status: 5,
      code: 'STAKE_TOO_SMALL',
      message: /compute, validator need 200 credits; 120 are at stake/,
      fix: /node cli\/main\.ts stake add --data .* 80, or .* stake roles --data .* compute/,
    })
    assert.match((await run('roles', 'storage', 'compute')).stdout, /^✓ Declared: compute, storage \(/)
    assert.match(
      (await run('roles', 'compute', 'storage')).stdout,
      /^✓ Nothing had to change: compute, storage\./,
    )
    assertError(await run('unbond', '30'), {
      status: 5,
      code: 'STAKE_TOO_SMALL',
      message: /90 would be left/,
    })
    const out = /^✓ 20 credits unbonding, can be withdrawn in (2 h|1 h 59 min) \(/
    assert.match((await run('unbond', '20')).stdout, out)
    assertError(await run('withdraw'), {
      status: 1,
      code: 'STILL_UNBONDING',
      message: /20 credits unbond until/,
    })

    const view = await stake()
    assert.deepEqual(
      [view.staked, view.needed, view.unbonding, view.level],
      ['100', '100', '20', 'anonymous'],
    )
    assert.deepEqual(
      view.roles.filter(({ active }) => active).map(({ role }) => role),
      ['compute', 'storage'],
    )
    const shown = await run()
    assert.match(shown.stdout, /^Unbonding +20 +can be withdrawn in /m)
    assert.match(shown.stdout, /^compute +active +100\n.*\nbandwidth +- +100$/m)
    assert.match((await run('cancel')).stdout, /^✓ 20 credits put back; 120 at stake \(/)
    assertError(await run('cancel'), { status: 1, code: 'NOTHING_UNBONDING', message: /nothing/ })
    assert.match((await run('roles', 'none')).stdout, /^✓ Declared: no roles \(/)
    assert.equal((await person.json<WalletView>(['wallet', ...ofBob])).stake, '120')
  })

  it('anchors and proves its record, and names the first entry that was changed', async () => {
    const anchored = await person.json<{ lastSequence: number }>(['audit', 'anchor', ...ofBob])
    const verdict = await person.json<Verdict>(['audit', 'verify', ...ofBob, '--event', '2'])
    assert.deepEqual([verdict.ok, verdict.checkedWithChain, verdict.problem], [true, true, null])
    assert.equal(verdict.anchors.at(-1)?.lastSequence, anchored.lastSequence)
    assert.deepEqual([verdict.event?.includedOffline, verdict.event?.includedByContract], [true, true])
    const shown = await person.run(['audit', 'verify', ...ofBob])
    assert.match(shown.stdout, /^✓ \d+ events: every signature/m)
    assert.match(shown.stdout, /^✓ 1 anchor on chain, as the log says/m)
    const offline = await person.json<Verdict>(['audit', 'verify', ...ofBob, '--offline'])
    assert.equal(offline.checkedWithChain, false)
    assertError(await person.run(['audit', 'verify', ...ofBob, '--event', '9999']), {
      status: 2,
      code: 'USAGE',
      message: /no event 9999/,
    })

    const copy = person.folder('copy')
    await mkdir(copy)
    for (const file of ['audit.log', 'node.key']) await copyFile(join(bob.folder, file), join(copy, file))
    await person.json<Verdict>(['audit', 'verify', '--data', copy])
    const log = await readFile(join(copy, 'audit.log'))
    log[Math.floor(log.length / 2)]! ^= 1
    await writeFile(join(copy, 'audit.log'), log)
    const tampered = await person.run(['audit', 'verify', '--data', copy, '--json'])
    assert.equal(tampered.status, 1, tampered.all)
    const { problem, ok } = tampered.json() as Verdict
    assert.equal(ok, false)
    assert.ok(problem!.sequence > 1 && problem!.sequence < verdict.events, tampered.all)
    assert.match(
      (await person.run(['audit', 'verify', '--data', copy])).stdout,
      /^✗ Entry \d+ of .*audit\.log /,
    )
  })

  it('is found in order by doctor', async () => {
    for (const node of [ofBob, ofAlice]) {
      const finished = await person.run(['doctor', ...node, '--json'])
      assert.equal(finished.status, 0, finished.all)
      const { findings } = finished.json() as { findings: { check: string; state: string }[] }
      const checks = 'Program Folder Disk Keys Ports Reachability Chain Balance GPU Models'.split(' ')
      assert.deepEqual(
        findings.map(({ check }) => check),
        checks,
      )
      assert.deepEqual(
        findings.filter(({ state }) => state !== 'ok').map(({ check }) => check),
        [],
        finished.all,
      )
    }
    const shown = await person.run(['doctor', ...ofBob])
    assert.match(shown.stdout, /^✓ Chain +http:\/\/127\.0\.0\.1:\d+, chain 31337, block \d+$/m)
    assert.match(shown.stdout, /Nothing fails\.$/m)
  })

  it('stops when it is told, and goes on where it was', async () => {
    const before = await person.json<WalletView>(['wallet', ...ofBob])
    assert.match((await person.run(['stop', ...ofAlice])).stdout, /^✓ The node has stopped\.$/m)
    assert.ok(!isAlive(alice.status.pid))
    assert.equal((await person.run(['stop', ...ofAlice])).status, 3)
    await person.json(['stop', ...ofBob])

    const again = await BackgroundNode.start(person, 'bob', ['--local', '--no-serve'])
    assert.equal(again.status.peerId, bob.status.peerId)
    assert.equal(again.status.chain.url, bob.status.chain.url)
    const wallet = await person.json<WalletView>(['wallet', ...ofBob])
    assert.deepEqual([wallet.credits, wallet.unclaimed], [before.credits, before.unclaimed])
    const verdict = await person.json<Verdict>(['audit', 'verify', ...ofBob])
    assert.deepEqual([verdict.ok, verdict.checkedWithChain], [true, true])
    // Its receipt was for money that is there.
    assert.ok((await receipts(ofBob)).length > 5)
    again.control.call('stop', {}).catch(() => {})
  })
})

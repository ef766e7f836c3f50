import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { assertError, Person } from './person.ts'

const COMMANDS = [
  'demo',
  'init',
  'up',
  'stop',
  'ask',
  'batch',
  'status',
  'models',
  'offers',
  'peers',
  'peers show',
  'receipts',
  'mcp',
  'events',
  'serve',
  'keys list',
  'keys create',
  'keys owner',
  'tenants',
  'wallet',
  'wallet withdraw',
  'wallet close',
  'stake',
  'stake add',
  'stake roles',
  'stake unbond',
  'stake cancel',
  'stake withdraw',
  'settle',
  'audit',
  'audit verify',
  'audit anchor',
  'audit calibrate',
  'audit calibrations',
  'verify',
  'disputes',
  'disputes show',
  'disputes open',
  'disputes appeal',
  'disputes withdraw',
  'attest',
  'attest verify',
  'contracts',
  'contracts deploy',
  'contracts verify',
  'contracts status',
  'contracts emission',
  'contracts claim',
  'events',
  'doctor',
  'config',
  'config check',
]

/** Says on stderr which modules were loaded. */
const TELL_MODULES = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module'
  const urls = []
  registerHooks({ load: (url, context, next) => { urls.push(url); return next(url, context) } })
  process.on('exit', () => process.stderr.write('MODULES ' + urls.join(' ') + '\\n'))
`)}`
const HEAVY =
  /node_modules\/(zod|yaml|ethers|libp2p|@libp2p|level|pino|cli-table3|node-llama-cpp|multiformats)\//

describe('the command line by itself', () => {
  let person: Person
  before(async () => {
    person = await Person.make()
  })
  after(() => person.leave())

  it('explains itself and every command, with an example', async () => {
    const bare = await person.run([])
    assert.equal(bare.status, 0)
    assert.equal(bare.stderr, '')
    const listed = [...bare.stdout.matchAll(/^ {2}([a-z]+) {2,}\S/gm)].map(([, name]) => name)
    for (const command of COMMANDS) assert.ok(listed.includes(command.split(' ')[0]!), command)
    assert.equal((await person.run(['--help'])).stdout, bare.stdout)
    assert.match((await person.run(['--version'])).stdout, /^\d+\.\d+\.\d+\n$/)

    const helps = await Promise.all(COMMANDS.map(command => person.run([...command.split(' '), '--help'])))
    for (const { status, stdout, stderr, all } of helps) {
      assert.equal(status, 0, all)
      assert.equal(stderr, '', all)
      assert.match(stdout, /^Examples?:\n {2}\$ /m, all)
      assert.match(stdout, /--json/, all)
      assert.ok(
        stdout.split('\n').every(line => line.length <= 100),
        all,
      )
    }
  })

  it('loads little for what needs little', async () => {
    const heavyOnesOf = async (args: readonly string[]) => {
      const { stderr } = await person.run(args, { nodeArgs: ['--import', TELL_MODULES] })
      return /^MODULES (.*)$/m
        .exec(stderr)![1]!
        .split(' ')
        .filter(url => HEAVY.test(url))
    }
    for (const args of [['--help'], ['status'], ['ask', 'hi'], ['up', '--help']])
      assert.deepEqual(await heavyOnesOf(args), [], args.join(' '))
    assert.notDeepEqual(await heavyOnesOf(['config', 'check']), [])
  })

  it('names the nearest of what it does not know', async () => {
    const cases: [args: string[], message: RegExp, fix: RegExp][] = [
      [['asks'], /shoal has no command asks/, /Did you mean .*main\.ts ask\?/],
      [['wallet', 'witdraw'], /shoal wallet has no command witdraw/, /wallet withdraw\?/],
      [['audit', 'verfy'], /shoal audit has no command verfy/, /audit verify\?/],
      [['frobnicate'], /has no command frobnicate/, /--help/],
      [['ask', '--modell', 'x', 'hi'], /shoal ask has no flag --modell/, /--model\?/],
      [['up', '--listne', 'x'], /has no flag --listne/, /--listen\?/],
      [['config', 'check', '--prise-output', '2'], /has no flag --prise-output/, /--price-output\?/],
      [['status', 'now'], /shoal status does not take "now"/, /status --help/],
      [['ask', '--max-tokens'], /--max-tokens <n>.*missing/, /ask --help/],
    ]
    for (const [args, message, fix] of cases)
      assertError(await person.run(args), { status: 2, code: 'USAGE', message, fix })
    const group = await person.run(['audit'])
    assert.equal(group.status, 2)
    assert.match(group.stderr, /verify/)
  })

  it('says what a value must be', async () => {
    const cases: [args: string[], code: string, message: RegExp][] = [
      [
        ['ask', '--max-tokens', '0', 'hi'],
        'USAGE',
        /--max-tokens takes a whole number from 1 to \d+, not "0"/,
      ],
      [['ask', '--max-tokens', '9.5', 'hi'], 'USAGE', /not "9\.5"/],
      [['ask', '--temperature', 'hot', 'hi'], 'USAGE', /--temperature takes a number from 0 to 5/],
      [['ask', '--seed', '-1', 'hi'], 'USAGE', /--seed takes/],
      [['ask', '--max-price', '1 EUR', 'hi'], 'USAGE', /--max-price takes an amount of credits, not "1 EUR"/],
      [['ask', '--json-schema', '{"type":', 'hi'], 'USAGE', /--json-schema is no JSON/],
      [
        ['ask', '--json-schema', '/nowhere/schema.json', 'hi'],
        'USAGE',
        /schema\.json cannot be read: there is none/,
      ],
      [['ask', '--file', '/nowhere/question.txt'], 'USAGE', /question\.txt cannot be read/],
      [['ask', '--file', 'README.md', 'hi'], 'USAGE', /both a prompt and a --file/],
      [['ask'], 'USAGE', /there is no question/],
      [['ask', '  '], 'USAGE', /there is no question/],
      [['receipts', '--limit', 'many'], 'USAGE', /--limit takes a whole number/],
      [['wallet', 'withdraw', 'all'], 'USAGE', /takes an amount of credits, not "all"/],
      [['stake', 'add', 'all'], 'USAGE', /takes an amount of credits, not "all"/],
      [['stake', 'unbond', '0.0'], 'USAGE', /must be more than zero/],
      [['stake', 'roles', 'miner'], 'USAGE', /there is no role "miner"/],
      [['stake', 'roles', 'compute', 'none'], 'USAGE', /none goes with no other role/],
      [['stake', 'roles', 'none', 'compute'], 'USAGE', /none goes with no other role/],
      [['audit', 'verify', '--event', '0'], 'USAGE', /--event takes a whole number from 1/],
      [['up', '--local', '--rpc', 'http://127.0.0.1:1'], 'USAGE', /--local and --rpc exclude each other/],
      [['up', '--no-serve', '--model', 'x'], 'USAGE', /--no-serve and --model exclude each other/],
      [
        ['up', '--slots', 'foo'],
        'CONFIG_BAD_VALUE',
        /--slots: models\.slots cannot be "foo": expected a whole number/,
      ],
      [['up', '--scope', 'mars'], 'CONFIG_BAD_VALUE', /expected one of auto, local, public/],
      [['up', '--price-output=-1'], 'CONFIG_BAD_VALUE', /price\.output cannot be "-1"/],
    ]
    for (const [args, code, message] of cases)
      assertError(await person.run(args), { status: 2, code, message })
  })

  it('finds what is wrong in the config file and the environment, with the place', async () => {
    const data = person.folder('configured')
    await mkdir(data)
    const check = async (yaml: string, env: Record<string, string> = {}) => {
      await writeFile(join(data, 'config.yaml'), yaml)
      return person.run(['config', 'check', '--data', data], { env })
    }
    assertError(await check('version: 1\nprice:\n  input: [\n'), {
      status: 2,
      code: 'CONFIG_UNREADABLE',
      message: /config\.yaml:[34]: /,
    })
    assertError(await check('version: 1\n\nprice:\n  inptu: 2\n'), {
      status: 2,
      code: 'CONFIG_UNKNOWN_SETTING',
      message: /config\.yaml:4: there is no setting price\.inptu/,
      fix: /price\.input\?/,
    })
    assertError(await check('version: 1\ntask:\n  stallTimeout: soon\n'), {
      status: 2,
      code: 'CONFIG_BAD_VALUE',
      message: /config\.yaml:3: task\.stallTimeout cannot be "soon": expected a time/,
    })
    assertError(await check('version: 1\nwallet:\n  password: hunter2\n'), {
      status: 2,
      code: 'CONFIG_BAD_VALUE',
      message: /config\.yaml:3: wallet\.password does not belong in a file/,
    })
    assertError(await check('version: 1\n', { SHOAL_PRISE_OUTPUT: '1' }), {
      status: 2,
      code: 'CONFIG_UNKNOWN_SETTING',
      message: /SHOAL_PRISE_OUTPUT/,
      fix: /SHOAL_PRICE_OUTPUT\?/,
    })
    await writeFile(join(data, 'config.yaml'), 'version: 1\nprice:\n  input: "0.5"\n')
    const checked = await person.json<{
      ok: boolean
      settings: { key: string; value: string; source: string }[]
    }>(['config', 'check', '--data', data, '--listen', '/ip4/127.0.0.1/tcp/0'], {
      env: { SHOAL_PRICE_OUTPUT: '3', SHOAL_WALLET_PASSWORD: 'hunter2' },
    })
    const setting = (key: string) => {
      const found = checked.settings.find(each => each.key === key)
      return [found?.value, found?.source]
    }
    assert.deepEqual(setting('price.input'), ['0.5', 'file'])
    assert.deepEqual(setting('price.output'), ['3', 'environment'])
    assert.deepEqual(setting('p2p.listen'), ['/ip4/127.0.0.1/tcp/0', 'flag'])
    assert.deepEqual(setting('wallet.password'), ['[redacted]', 'environment'])
  })

  it('says that no node runs, and how to start one in that folder', async () => {
    const data = person.folder('empty here')
    for (const args of [['ask', 'hi'], ['status'], ['models'], ['stop'], ['settle'], ['audit', 'anchor']]) {
      assertError(await person.run([...args, '--data', data]), {
        status: 3,
        code: 'NODE_NOT_RUNNING',
        message: /no node is running in .*empty here/,
        fix: /node cli\/main\.ts up --data '.*empty here'/,
      })
    }
    assertError(await person.run(['audit', 'verify', '--data', data]), {
      status: 2,
      code: 'USAGE',
      message: /no audit log/,
    })
  })

  it('prints one JSON document for scripts, errors included', async () => {
    for (const [args, code, status] of [
      [['ask', 'hi'], 'NODE_NOT_RUNNING', 3],
      [['ask', '--max-tokens', 'x', 'hi'], 'USAGE', 2],
      [['statsu'], 'USAGE', 2],
      [['up', '--slots', 'x'], 'CONFIG_BAD_VALUE', 2],
    ] as const) {
      const finished = await person.run([...args, '--json'])
      const { error } = finished.json() as { error: { code: string; message: string; fix: string } }
      assert.equal(error.code, code)
      assert.ok(error.message.length > 0 && error.fix.length > 0)
      assert.equal(finished.status, status)
      assert.equal(finished.stderr, '', finished.all)
    }
  })

  it('colours only what can show colours', async () => {
    const colour = '\u001b['
    const piped = await person.run(['config', 'check'])
    assert.ok(!piped.stdout.includes(colour))
    const forced = await person.run(['config', 'check'], { env: { FORCE_COLOR: '1' } })
    assert.ok(forced.stdout.includes(colour))
    const failed = await person.run(['asks'])
    assert.ok(!failed.stderr.includes(colour))
  })

  it('fits tables to the terminal, and says what it leaves out', async () => {
    const lines = async (columns: string) =>
      (await person.run(['config', 'check'], { env: { COLUMNS: columns } })).stdout.split('\n')
    const wide = await lines('200')
    assert.ok(wide.some(line => /^price\.output .*--price-output$/.test(line)))
    const narrow = await lines('90')
    assert.ok(narrow.slice(0, 30).every(line => line.length <= 90))
    assert.ok(narrow.some(line => line.includes('no room for FLAG OF SHOAL UP')))
    const tiny = await lines('40')
    assert.ok(tiny.some(line => /^SETTING +price\.output$/.test(line)))
  })

  it('ends quietly when nobody reads on', async () => {
    const program = person.start(['config', 'check'])
    program.child.stdout?.destroy()
    const { status, stderr } = await program.ended
    assert.equal(status, 141)
    assert.equal(stderr, '')
  })
})

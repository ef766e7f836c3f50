import assert from 'node:assert/strict'
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openWallet } from '../../../node/payments/wallet.ts'
import { assertError, Person } from './person.ts'

interface Setup {
  dataDir: string
  peerId: string
  wallet: string
  passwordFile: string | null
  config: string
  made: string[]
}

interface Doctor {
  ok: boolean
  findings: { check: string; state: string; detail: string; fix?: string }[]
}

/** The superuser may write everywhere, unless it gives that up. */
const WITHOUT_PRIVILEGES =
  process.getuid?.() === 0
    ? ['setpriv', '--bounding-set=-dac_override,-dac_read_search,-fowner', '--inh-caps=-all']
    : []

describe('setting up a node', () => {
  let person: Person
  before(async () => {
    person = await Person.make()
  })
  after(() => person.leave())

  const findingOf = async (check: string, args: readonly string[], env: Record<string, string> = {}) => {
    const finished = await person.run(['doctor', '--json', '--no-serve', ...args], { env })
    const { ok, findings } = finished.json() as Doctor
    assert.equal(finished.status, ok ? 0 : 1, finished.all)
    return findings.find(finding => finding.check === check)!
  }

  it('makes keys, wallet and config, says where, and changes nothing the second time', async () => {
    const data = person.folder('.shoal')
    const first = await person.run(['init'])
    assert.equal(first.status, 0, first.all)
    assert.match(first.stdout, /Made the node key, password file, wallet and config\./)
    for (const what of [data, /12D3Koo\w+/, /0x[0-9a-f]{40}/, /wallet\.password/, /config\.yaml/, /Back up/])
      assert.match(first.stdout, what instanceof RegExp ? what : new RegExp(what))
    const again = await person.json<Setup>(['init'])
    assert.deepEqual(again.made, [])
    assert.equal(again.dataDir, data)
    assert.ok(first.stdout.includes(again.peerId) && first.stdout.includes(again.wallet))

    assert.equal((await stat(data)).mode & 0o777, 0o700)
    for (const file of ['node.key', 'wallet.json', 'wallet.password', 'config.yaml'])
      assert.equal((await stat(join(data, file))).mode & 0o777, 0o600, file)
    const config = await person.json<{ file: string }>(['config', 'check'])
    assert.equal(config.file, join(data, 'config.yaml'))
    assert.equal((await findingOf('Keys', [])).state, 'ok')
  })

  it('takes the password that is given, by a file or by the environment', async () => {
    const passwordFile = person.folder('password')
    await writeFile(passwordFile, 'correct horse\n')
    const byFile = person.folder('by-file')
    const made = await person.json<Setup>(['init', '--data', byFile, '--password-file', passwordFile])
    assert.equal(made.passwordFile, null)
    const byEnvironment = person.folder('by-environment')
    await person.json(['init', '--data', byEnvironment], { env: { SHOAL_WALLET_PASSWORD: 'correct horse' } })

    for (const data of [byFile, byEnvironment]) {
      const { address } = await openWallet(join(data, 'wallet.json'), 'correct horse')
      assert.ok((await person.run(['init', '--data', data])).stdout.includes(address))
    }
    assert.equal((await findingOf('Keys', ['--data', byFile])).state, 'warning')
    const wrong = await findingOf('Keys', ['--data', byFile], { SHOAL_WALLET_PASSWORD: 'battery staple' })
    assert.equal(wrong.state, 'failed')
    assert.match(wrong.detail, /password does not open the wallet/)
    assert.match(wrong.fix!, /SHOAL_WALLET_PASSWORD/)

    await writeFile(passwordFile, '\n')
    const never = person.folder('never')
    assertError(await person.run(['init', '--data', never, '--password-file', passwordFile]), {
      status: 1,
      code: 'WALLET_PASSWORD_MISSING',
      message: /password file .* is empty/,
    })
    assertError(await person.run(['init', '--data', never, '--password-file', '/nowhere/password']), {
      status: 1,
      code: 'WALLET_PASSWORD_MISSING',
      message: /\/nowhere\/password cannot be read/,
    })
  })

  it('leaves a wallet that opens when two begin at once', async () => {
    const data = person.folder('twice')
    const both = await Promise.all([1, 2, 3].map(() => person.run(['init', '--data', data, '--json'])))
    const done = both.filter(({ status }) => status === 0).map(finished => finished.json() as Setup)
    assert.ok(done.length >= 1)
    assert.equal(done.filter(({ made }) => made.includes('wallet')).length, 1)
    assert.equal(new Set(done.map(({ wallet }) => wallet)).size, 1)
    for (const finished of both.filter(({ status }) => status !== 0)) {
      const { error } = finished.json() as { error: { code: string } }
      assert.equal(error.code, 'DATA_IN_USE', finished.all)
    }
    const password = (await readFile(join(data, 'wallet.password'), 'utf8')).trim()
    assert.equal((await openWallet(join(data, 'wallet.json'), password)).address, done[0]!.wallet)
  })

  it('says what is wrong with a folder that cannot be used', async () => {
    const file = person.folder('a-file')
    await writeFile(file, '')
    for (const command of [['init'], ['up', '--no-serve']]) {
      assertError(await person.run([...command, '--data', file]), {
        status: 1,
        code: 'FILE_UNUSABLE',
        message: /a file is where a folder should be: .*a-file/,
        fix: /--data/,
      })
    }
    const readOnly = person.folder('read-only')
    await mkdir(readOnly)
    await chmod(readOnly, 0o500)
    for (const command of [['init'], ['up', '--no-serve'], ['up', '--no-serve', '--detach']]) {
      assertError(await person.run([...command, '--data', readOnly], { wrapper: WITHOUT_PRIVILEGES }), {
        status: 1,
        code: 'FILE_UNUSABLE',
        message: /this user may not use .*read-only/,
        fix: /permissions/,
      })
    }
    const doctor = await person.run(['doctor', '--no-serve', '--json', '--data', readOnly], {
      wrapper: WITHOUT_PRIVILEGES,
    })
    assert.equal(doctor.status, 1)
    const { findings } = doctor.json() as Doctor
    assert.equal(findings.find(({ check }) => check === 'Folder')?.state, 'failed')
  })

  it('is looked over by doctor before anything runs', async () => {
    const data = person.folder('looked-over')
    const missing = await person.run(['doctor', '--data', data, '--no-serve'])
    assert.equal(missing.status, 1)
    assert.match(
      missing.stdout,
      /✗ Keys +no wallet in .*looked-over\n +Fix Run node cli\/main\.ts init --data/,
    )
    await person.json(['init', '--data', data])
    await chmod(data, 0o755)
    const open = await findingOf('Folder', ['--data', data])
    assert.equal(open.state, 'warning')
    assert.match(open.fix!, /chmod 700/)

    const truncated = person.folder('truncated.gguf')
    const nano = await readFile('inference/models/embedded/shoal-nano-q8_0.gguf')
    await writeFile(truncated, nano.subarray(0, 100_000))
    const finished = await person.run([
      'doctor',
      '--data',
      data,
      '--json',
      '--model',
      `${truncated},/nowhere/model.gguf,shoal-maxi`,
      '--rpc',
      'http://127.0.0.1:9',
    ])
    assert.equal(finished.status, 1)
    const { findings } = finished.json() as Doctor
    const [models] = findings.filter(({ check }) => check === 'Models')
    assert.match(models!.detail, /truncated\.gguf.*\/nowhere\/model\.gguf.*shoal-maxi/)
    const [chain] = findings.filter(({ check }) => check === 'Chain')
    assert.match(chain!.detail, /http:\/\/127\.0\.0\.1:9 does not answer/)
  })
})

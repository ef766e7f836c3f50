import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigError } from '../../../../node/config/errors.ts'
import { loadConfig, showSetting } from '../../../../node/config/load.ts'
import { nearest } from '../../../../node/config/nearest.ts'
import {
  environmentName,
  flagName,
  type SettingKey,
  settingKeys,
  settings,
} from '../../../../node/config/settings.ts'
import { CREDIT } from '../../../../protocol/money.ts'
import { TemporaryFolders } from '../../../helpers/temporary.ts'

const refusal = (code: string, message: RegExp, fix?: RegExp) => (error: unknown) => {
  assert.ok(error instanceof ConfigError)
  assert.equal(error.code, code)
  assert.match(error.message, message)
  if (fix !== undefined) assert.match(error.fix ?? '', fix)
  return true
}

describe('configuration', () => {
  const folders = new TemporaryFolders()
  let dataDir: string
  beforeEach(async () => {
    dataDir = await folders.make()
  })
  after(() => folders.remove())

  const load = async (file?: string, environment = {}, flags: Partial<Record<SettingKey, unknown>> = {}) => {
    if (file !== undefined) await writeFile(join(dataDir, 'config.yaml'), file)
    return loadConfig({ dataDir, environment, flags })
  }

  it('has a name of its own for each setting everywhere, and reads what it shows', async () => {
    const { config } = await load()
    assert.equal(new Set(settingKeys.map(environmentName)).size, settingKeys.length)
    assert.equal(new Set(settingKeys.map(flagName)).size, settingKeys.length)
    for (const key of settingKeys) {
      const { kind, help } = settings[key] as { kind: { parse(raw: unknown): unknown }; help: string }
      assert.match(help, /\.$/)
      assert.deepEqual(kind.parse(showSetting(config, key)), config[key], key)
    }
  })

  it('takes from other programs’ variables what they share, unless its own says otherwise', async () => {
    const shared = { HF_ENDPOINT: 'https://mirror.example', HF_TOKEN: 'hf_secret' }
    const { config, sources } = await load(undefined, shared)
    assert.equal(config['models.hubEndpoint'], 'https://mirror.example')
    assert.equal(sources['models.hubEndpoint'], 'environment')
    assert.equal(config['models.hubToken'], 'hf_secret')
    assert.equal(showSetting(config, 'models.hubToken'), '[redacted]')
    const own = await load(undefined, { ...shared, SHOAL_MODELS_HUB_TOKEN: 'ours' })
    assert.equal(own.config['models.hubToken'], 'ours')
    assert.equal((await load(undefined, { HF_TOKEN: '' })).config['models.hubToken'], null)
    await assert.rejects(
      load('version: 1\nmodels:\n  hubToken: hf_secret\n'),
      refusal('CONFIG_BAD_VALUE', /models\.hubToken does not belong in a file/, /SHOAL_MODELS_HUB_TOKEN\.$/),
    )
  })

  it('prefers flags to the environment to the file to defaults', async () => {
    const file = 'version: 1\nprice:\n  input: 2\n  output: 3\nspending:\n  limitPerDay: "4.5"\n'
    const { config, sources } = await load(
      file,
      { SHOAL_PRICE_OUTPUT: '5', SHOAL_SPENDING_LIMIT_PER_DAY: '6', PATH: '/bin', SHOAL_DATA: '/x' },
      { 'spending.limitPerDay': '7' },
    )
    assert.equal(config['price.input'], 2n * CREDIT)
    assert.equal(config['price.output'], 5n * CREDIT)
    assert.equal(config['spending.limitPerDay'], 7n * CREDIT)
    assert.equal(config['p2p.mdns'], true)
    assert.deepEqual(
      [sources['price.input'], sources['price.output'], sources['spending.limitPerDay'], sources['p2p.mdns']],
      ['file', 'environment', 'flag', 'default'],
    )
  })

  it('refuses unknown settings and names the nearest', async () => {
    await assert.rejects(
      load('version: 1\nprice:\n  inptu: 2\n'),
      refusal('CONFIG_UNKNOWN_SETTING', /config\.yaml:3: .*price\.inptu/, /price\.input\?/),
    )
    await assert.rejects(load('version: 1\npp2p:\n  listen: []\n'), refusal('CONFIG_UNKNOWN_SETTING', /:2: /))
    await assert.rejects(
      load('version: 1\n', { SHOAL_PRICE_OUTPTU: '1' }),
      refusal('CONFIG_UNKNOWN_SETTING', /SHOAL_PRICE_OUTPTU/, /SHOAL_PRICE_OUTPUT\?/),
    )
  })

  it('refuses values it does not understand and says what it expects', async () => {
    const cases: [string, RegExp][] = [
      ['price:\n  input: -1', /price\.input cannot be -1: expected an amount of credits/],
      ['task:\n  stallTimeout: 5 weeks', /expected a time from/],
      ['task:\n  creditWindowTokens: 0', /expected a whole number from 1/],
      ['p2p:\n  mdns: maybe', /expected true or false/],
      ['p2p:\n  scope: galactic', /expected one of auto, local, public/],
      ['p2p:\n  listen: 7', /expected a list/],
    ]
    for (const [yaml, message] of cases) {
      await assert.rejects(load(`version: 1\n${yaml}\n`), refusal('CONFIG_BAD_VALUE', message))
    }
  })

  it('refuses files that are none, and other versions', async () => {
    await assert.rejects(load('version: 1\nprice: [\n'), refusal('CONFIG_UNREADABLE', /config\.yaml/))
    await assert.rejects(load('- a\n- b\n'), refusal('CONFIG_UNREADABLE', /expected settings/))
    await assert.rejects(load('version: 2\n'), refusal('CONFIG_VERSION', /version 1/))
    await assert.rejects(load('price:\n  input: 1\n'), refusal('CONFIG_VERSION', /version 1/, /version: 1/))
    assert.equal(
      (await loadConfig({ dataDir: join(dataDir, 'nowhere'), environment: {}, flags: {} })).file,
      null,
    )
  })

  it('keeps secrets out of files and out of sight', async () => {
    await assert.rejects(load('version: 1\nwallet:\n  password: hunter2\n'), (error: unknown) => {
      assert.ok(refusal('CONFIG_BAD_VALUE', /does not belong in a file/, /SHOAL_WALLET_PASSWORD/)(error))
      assert.doesNotMatch(JSON.stringify(error), /hunter2/)
      return true
    })
    const { config } = await load('version: 1\n', { SHOAL_WALLET_PASSWORD: 'hunter2' })
    assert.equal(config['wallet.password'], 'hunter2')
    assert.equal(showSetting(config, 'wallet.password'), '[redacted]')
    await assert.rejects(
      load('version: 1\n', { SHOAL_WALLET_PASSWORD: 'x'.repeat(2_000) }),
      (error: unknown) => {
        assert.doesNotMatch(JSON.stringify(error), /xxx/)
        return true
      },
    )
  })

  it('suggests only what is near', () => {
    assert.equal(nearest('listne', ['listen', 'announce']), 'listen')
    assert.equal(nearest('zzzzzz', ['listen', 'announce']), null)
  })
})

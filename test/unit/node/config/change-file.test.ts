import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { changeConfigFile } from '../../../../node/config/change-file.ts'
import { loadConfig } from '../../../../node/config/load.ts'
import { CREDIT } from '../../../../protocol/money.ts'
import { TemporaryFolders } from '../../../helpers/temporary.ts'

describe('changing the config file', () => {
  const folders = new TemporaryFolders()
  after(() => folders.remove())

  const load = (dataDir: string) => loadConfig({ dataDir, environment: {}, flags: {} })

  it('makes one where there is none, and takes settings out again', async () => {
    const folder = await folders.make()
    await changeConfigFile(folder, {
      'spending.limitPerDay': '7.5',
      'local.use': 'false',
      'task.maxWait': '30s',
    })
    const { config, sources } = await load(folder)
    assert.equal(config['spending.limitPerDay'], (15n * CREDIT) / 2n)
    assert.equal(config['local.use'], false)
    assert.equal(sources['task.maxWait'], 'file')
    await changeConfigFile(folder, { 'local.use': null })
    assert.equal((await load(folder)).sources['local.use'], 'default')
  })

  it('leaves the rest as it was, comments included, however it is written', async () => {
    const folder = await folders.make()
    const file = join(folder, 'config.yaml')
    await writeFile(
      file,
      'version: 1\n# what I earn by\nprice:\n  output: 2 # dear\n  input: 1\nlog.level: debug\n',
    )
    await changeConfigFile(folder, { 'price.input': '3' })
    const text = await readFile(file, 'utf8')
    assert.match(text, /# what I earn by\n/)
    assert.match(text, /output: 2 # dear\n/)
    const { config } = await load(folder)
    assert.deepEqual(
      [config['price.input'], config['price.output'], config['log.level']],
      [3n * CREDIT, 2n * CREDIT, 'debug'],
    )
  })

  it('writes nothing that the node would not start with', async () => {
    const folder = await folders.make()
    const file = join(folder, 'config.yaml')
    await writeFile(file, 'version: 1\nprice.input: 1\n')
    const refused = (changes: Parameters<typeof changeConfigFile>[1]) =>
      assert.rejects(changeConfigFile(folder, changes), { code: 'CONFIG_BAD_VALUE' })
    await refused({ 'price.input': '2', 'price.output': 'much' })
    await refused({ 'wallet.password': 'secret' })
    assert.equal(await readFile(file, 'utf8'), 'version: 1\nprice.input: 1\n')
    await writeFile(file, 'version: 1\nprise.input: 1\n')
    await assert.rejects(changeConfigFile(folder, { 'price.input': '2' }), { code: 'CONFIG_UNKNOWN_SETTING' })
  })
})

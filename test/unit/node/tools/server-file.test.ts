import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readToolServers } from '../../../../node/tools/server-file.ts'
import { isShoalError } from '../../../../protocol/errors.ts'
import { TemporaryFolders } from '../../../helpers/temporary.ts'

describe('the file of MCP servers', () => {
  const folders = new TemporaryFolders()
  after(() => folders.remove())

  const read = async (text: string, environment: Record<string, string> = {}) => {
    const path = join(await folders.make(), 'servers.yaml')
    await writeFile(path, text)
    return readToolServers(path, environment)
  }
  const refuses = async (text: string, why: RegExp) =>
    assert.rejects(read(text), error => {
      assert.ok(isShoalError(error, 'CONFIG_BAD_VALUE', 'CONFIG_UNREADABLE'))
      assert.match(error.message, why)
      return true
    })

  it('takes servers that are processes and servers that are reached', async () => {
    const text = `
servers:
  files:
    command: npx
    args: [-y, server]
    env: [FILES_TOKEN]
    tools: [read]
  search:
    url: https://search.example/mcp
    headers: {authorization: SEARCH_AUTH}
    tools: [web]
    tenants: ['*']
    timeoutMs: 5000
    maxResultBytes: 1000`
    const servers = await read(text, { FILES_TOKEN: 'f', SEARCH_AUTH: 'Bearer s', OTHER: 'o' })
    assert.deepEqual(servers, [
      {
        ...{ name: 'files', tools: ['read'], tenants: ['owner'], timeoutMs: 30_000, maxResultBytes: 65_536 },
        reach: {
          ...{ kind: 'process', command: 'npx', args: ['-y', 'server'], cwd: null },
          env: { FILES_TOKEN: 'f' },
        },
      },
      {
        ...{ name: 'search', tools: ['web'], tenants: ['*'], timeoutMs: 5_000, maxResultBytes: 1_000 },
        reach: {
          ...{ kind: 'http', url: 'https://search.example/mcp' },
          headers: { authorization: 'Bearer s' },
        },
      },
    ])
    assert.equal((await read('{"servers": {"a": {"command": "x", "tools": ["t"]}}}'))[0]!.name, 'a')
  })

  it('refuses what it does not understand, and says where', async () => {
    await refuses('servers: [', /neither YAML nor JSON/)
    await refuses('servers: {a: {tools: [t]}}', /servers\.a: needs either command or url/)
    await refuses('servers: {a: {command: x}}', /servers\.a[.:] ?tools: /)
    await refuses('servers: {a: {command: x, tools: []}}', /servers\.a[.:] ?tools: /)
    await refuses('servers: {a: {command: x, tools: [t], shell: true}}', /servers\.a.*shell/)
    await refuses('servers: {a: {command: x, url: "https://y", tools: [t]}}', /servers\.a: /)
    await refuses('servers: {a: {command: x, env: {TOKEN: secret}, tools: [t]}}', /servers\.a[.:] ?env: /)
    await refuses('servers: {"a/b": {command: x, tools: [t]}}', /names are of/)
    await refuses('servers: {a: {url: "http://search.example", tools: [t]}}', /must be https/)
    await refuses('servers: {a: {url: "file:///etc", tools: [t]}}', /servers\.a[.:] ?url: /)
    await refuses('servers: {a: {command: x, env: [MISSING], tools: [t]}}', /MISSING is not set/)
    await assert.rejects(readToolServers('/does/not/exist', {}), { code: 'CONFIG_UNREADABLE' })
  })
})

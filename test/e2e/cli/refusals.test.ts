import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ModelsView } from '../../../node/gateway/views.ts'
import { AT_HOME, BackgroundNode } from './node.ts'
import { assertError, Person } from './person.ts'

/** A node that must not start in a way it should not, and what it says then. */
describe('what keeps a node from working', function () {
  this.timeout(90_000)
  let person: Person
  /** With a chain of its own. */
  let bob: BackgroundNode
  let contracts: string
  before(async () => {
    person = await Person.make()
    bob = await BackgroundNode.start(person, 'bob', ['--local', '--model', 'shoal-nano-q8_0'])
    contracts = person.folder('contracts.json')
    await writeFile(contracts, JSON.stringify(bob.status.chain.deployment))
    await person.json(['init', '--data', person.folder('new')])
  })
  after(() => person.leave())

  const up = (name: string, flags: readonly string[], env: Record<string, string> = {}) =>
    person.run(['up', '--data', person.folder(name), '--no-serve', ...AT_HOME, ...flags], { env })

  it('a folder that another node uses', async () => {
    for (const flags of [['--local'], ['--local', '--detach']]) {
      assertError(await up('bob', flags), {
        status: 1,
        code: 'DATA_IN_USE',
        message: /another node uses this data folder|a node runs in .*bob already/,
        fix: /--data/,
      })
    }
  })

  it('a port that is taken', async () => {
    const port = /tcp\/(\d+)/.exec(bob.address)![1]!
    const taken = ['--rpc', bob.status.chain.url, '--listen', `/ip4/127.0.0.1/tcp/${port}`]
    assertError(await up('new', taken), {
      status: 1,
      code: 'PORT_IN_USE',
      message: new RegExp(`port ${port} is taken`),
      fix: /--listen/,
    })
    const doctor = await person.run(['doctor', '--data', person.folder('new'), '--no-serve', ...taken])
    assert.equal(doctor.status, 1)
    assert.match(doctor.stdout, new RegExp(`✗ Ports +port ${port} is taken.*\\n +Fix .*--listen`))
  })

  it('a password that does not open the wallet', async () => {
    const wrong = { SHOAL_WALLET_PASSWORD: 'battery staple' }
    for (const flags of [[], ['--detach']]) {
      assertError(await up('new', ['--rpc', bob.status.chain.url, ...flags], wrong), {
        status: 1,
        code: 'WALLET_PASSWORD_WRONG',
        message: /password does not open the wallet at .*new/,
        fix: /SHOAL_WALLET_PASSWORD|password/,
      })
    }
  })

  it('a chain that is another one, has no contracts of ours, or does not answer', async () => {
    const { url, chainId, deployment } = bob.status.chain
    assertError(await up('new', ['--rpc', url, '--chain-id', '1']), {
      status: 1,
      code: 'CHAIN_ID_MISMATCH',
      message: new RegExp(`is ${chainId}, not 1$`),
      fix: /--rpc/,
    })
    const elsewhere = person.folder('elsewhere.json')
    const { creditToken, ...others } = deployment.addresses
    const swapped = { ...others, creditToken: deployment.addresses.settlement }
    for (const addresses of [
      { ...others, creditToken: `0x${'ab'.repeat(20)}` },
      { ...swapped, settlement: creditToken },
    ]) {
      await writeFile(elsewhere, JSON.stringify({ ...deployment, addresses }))
      assertError(await up('new', ['--rpc', url, '--contracts', elsewhere]), {
        status: 1,
        code: 'CONTRACTS_NOT_DEPLOYED',
        message: /contracts are not on chain 31337: (creditToken|settlement)/,
        fix: /contracts file/,
      })
    }
    await writeFile(elsewhere, '{"addresses": 5}')
    assertError(await up('new', ['--rpc', url, '--contracts', elsewhere]), {
      status: 2,
      code: 'CONTRACTS_FILE_INVALID',
      message: /elsewhere\.json/,
    })
    assertError(await up('new', ['--rpc', 'http://127.0.0.1:9']), {
      status: 1,
      code: 'CHAIN_UNREACHABLE',
      message: /http:\/\/127\.0\.0\.1:9 does not answer/,
      fix: /--rpc/,
    })

    // A chain that knows nothing of us.
    const bare = createServer((request, response) => {
      void readAll(request).then(body => {
        const { id, method } = JSON.parse(body) as { id: number; method: string }
        const answer =
          method === 'eth_chainId' ? { result: '0x539' } : { error: { code: -32601, message: 'no' } }
        response.end(JSON.stringify({ jsonrpc: '2.0', id, ...answer }))
      })
    })
    await new Promise<void>(resolve => bare.listen(0, '127.0.0.1', resolve))
    try {
      const { port } = bare.address() as AddressInfo
      assertError(await up('new', ['--rpc', `http://127.0.0.1:${port}`]), {
        status: 1,
        code: 'CONTRACTS_UNKNOWN',
        message: /chain 1337 is not known/,
        fix: /--contracts FILE/,
      })
    } finally {
      bare.close()
    }
  })

  it('a wallet with nothing in it, and models that are none: it runs, and says so', async () => {
    const nano = await readFile('inference/models/embedded/shoal-nano-q8_0.gguf')
    const [truncated, text] = [person.folder('truncated.gguf'), person.folder('text.gguf')]
    await writeFile(truncated, nano.subarray(0, nano.length - 1_000))
    await writeFile(text, 'not a model at all')
    // Named contracts mean a chain of others, where nobody hands out money.
    const poor = await BackgroundNode.start(person, 'new', [
      ...['--rpc', bob.status.chain.url, '--contracts', contracts, '--bootstrap', bob.address],
      ...['--model', `${truncated},${text},shoal-nanno`],
    ])
    const of = ['--data', poor.folder]
    await poor.modelsLoaded()
    const { served } = await person.json<ModelsView>(['models', ...of])
    const told = served.map(({ state, error }) => `${state}: ${error}`)
    assert.match(told[0]!, /^failed: .*truncated\.gguf.* (cut|truncated|shorter|incomplete|ends)/i)
    assert.match(told[1]!, /^failed: .*text\.gguf.*(GGUF|model)/)
    assert.match(told[2]!, /^failed: there is no model called shoal-nanno\. .*shoal-nano/)
    const shown = await person.run(['models', ...of])
    assert.match(shown.stdout, /^✗ .*truncated\.gguf, failed: /m)
    await poor.knowsOffers(1)
    assertError(await person.run(['ask', ...of, 'hello']), {
      status: 5,
      code: 'WALLET_EMPTY',
      message: /credits/,
      fix: /credits/,
    })
    assertError(await person.run(['audit', 'anchor', ...of]), {
      status: 1,
      code: 'ANCHOR_FAILED',
      message: /not anchored: .*gas money/,
      fix: /Send gas money/,
    })
    const doctor = await person.run(['doctor', ...of])
    assert.equal(doctor.status, 1)
    assert.match(doctor.stdout, /✗ Balance +0 credits.*\n +Fix Send some of the chain's own coin to 0x/)
    assert.match(doctor.stdout, /✗ Models +.*truncated\.gguf/)
    await person.run(['stop', ...of])
  })

  it('a limit on spending', async () => {
    const frugal = await BackgroundNode.start(person, 'frugal', [
      ...['--rpc', bob.status.chain.url, '--bootstrap', bob.address, '--no-serve', '--spending-limit', '0'],
    ])
    await frugal.knowsOffers(1)
    assertError(await person.run(['ask', '--data', frugal.folder, 'hello']), {
      status: 5,
      code: 'SPENDING_LIMIT',
      message: /limit/,
      fix: /limit/,
    })
  })
})

async function readAll(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

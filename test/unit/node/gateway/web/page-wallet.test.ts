import assert from 'node:assert/strict'
import { MemoryChannelStore } from '../../../../../node/gateway/web/src/wallet/channel-store.ts'
import {
  type AnnouncedWallet,
  WalletDiscovery,
} from '../../../../../node/gateway/web/src/wallet/discovery.ts'
import { PageWallet } from '../../../../../node/gateway/web/src/wallet/page-wallet.ts'
import { httpRpc } from '../../../../../node/gateway/web/src/wallet/rpc.ts'
import { CREDIT } from '../../../../../protocol/money.ts'

const address = (byte: string) => `0x${byte.repeat(20)}`
const ACCOUNT = address('11')

/** What a node says of itself; tests change it. */
function nodeWith(change: { settlement?: string; domain?: string } = {}) {
  const settlement = change.settlement ?? address('bb')
  const creditToken = address('aa')
  const addresses = { creditToken, settlement, auditAnchor: address('cc'), nodeRegistry: address('dd') }
  const terms = {
    ...{ chainId: 31337, settlement, creditToken, payee: address('ee'), closeDelaySeconds: 3_600 },
    ...{ minDeposit: '0.1', creditWindow: '0.000064', markup: 0 },
  }
  const nonce = {
    ...{ nonce: 'a1b2c3d4e5f6a7b8', domain: change.domain ?? 'node.test', uri: 'http://node.test' },
    ...{ chainId: 31337, statement: 'Sign in.', expiresAt: '2030-01-01T00:00:00.000Z' },
  }
  return async (_method: string, path: string) => {
    if (path === '/api/payment') return terms
    if (path === '/api/status') return { chain: { url: '', deployment: { chainId: 31337, addresses } } }
    if (path === '/api/session/nonce') return nonce
    throw new Error(`nobody asks for ${path}`)
  }
}

function setUp() {
  const node = { request: nodeWith() as ReturnType<typeof nodeWith> }
  const kept = new Map<string, string>()
  const asked: string[] = []
  const target = new EventTarget()
  const wallet: AnnouncedWallet = {
    ...{ uuid: 'u', name: 'Test', rdns: 'org.test', icon: '' },
    provider: {
      request: async ({ method }) => {
        asked.push(method)
        if (method === 'eth_requestAccounts' || method === 'eth_accounts') return [ACCOUNT]
        // On another chain: nothing is read of ours.
        return method === 'eth_chainId' ? '0x1' : '0x'
      },
    },
  }
  target.addEventListener('eip6963:requestProvider', () =>
    target.dispatchEvent(
      new CustomEvent('eip6963:announceProvider', { detail: { info: wallet, provider: wallet.provider } }),
    ),
  )
  const page = new PageWallet({
    discovery: new WalletDiscovery(target),
    store: new MemoryChannelStore(),
    texts: { getItem: key => kept.get(key) ?? null, setItem: (key, value) => void kept.set(key, value) },
    request: (method, path) => node.request(method, path),
    nowMs: () => 1_700_000_000_000,
    random: bytes => new Uint8Array(bytes).fill(1),
    pause: async () => {},
    place: { host: 'node.test', origin: 'http://node.test' },
  })
  return { page, node, kept, asked, wallet }
}

describe('wallet of the page', () => {
  it('stops at contracts that are others than before, until the person agrees', async () => {
    const { page, node } = setUp()
    await page.refresh()
    assert.equal(page.state.isNewDeployment, true)
    await page.trustDeployment()
    assert.equal(page.state.isNewDeployment, false)
    page.rpcUrl = 'https://chain.test'
    assert.notEqual(page.reader(), null)

    node.request = nodeWith({ settlement: address('99') })
    await page.refresh()
    assert.equal((page.state.error as { code: string }).code, 'DEPLOYMENT_CHANGED')
    assert.deepEqual([page.state.deployment, page.reader()], [null, null])
    await page.trustDeployment()
    assert.deepEqual([page.state.error, page.state.deployment?.settlement], [null, address('99')])
  })

  it('asks the wallet for no signature where the node wants one for another site', async () => {
    const { page, node, asked, wallet } = setUp()
    page.start()
    await page.connect(wallet)
    node.request = nodeWith({ domain: 'bank.test' })
    await assert.rejects(page.signIn(), { code: 'NODE_ANSWER_INVALID' })
    assert.ok(!asked.includes('personal_sign'))
    page.stop()
  })

  it('signs for no deposit on another chain, and forgets a wallet that is disconnected', async () => {
    const { page, kept, asked, wallet } = setUp()
    page.start()
    await page.connect(wallet)
    await page.refresh()
    await assert.rejects(page.deposit(CREDIT), { code: 'WRONG_CHAIN' })
    assert.ok(!asked.includes('eth_signTypedData_v4'))
    assert.equal(kept.get('shoal.wallet'), 'org.test')
    page.disconnect()
    assert.deepEqual([page.state.person, kept.get('shoal.wallet')], [null, ''])
    await assert.rejects(page.withdraw(1n), { code: 'NO_WALLET' })
    assert.equal(await page.payFor(ACCOUNT, { prompt: ['Hello'], maxPrice: null }), null)
    page.stop()
  })
})

describe('a chain read by an RPC address', () => {
  const answering =
    (text: string): typeof fetch =>
    async () =>
      new Response(text)

  it('gives results, and says what went wrong in place of them', async () => {
    assert.equal(await httpRpc('https://chain.test', answering('{"result":"0x1"}'))('eth_chainId', []), '0x1')
    for (const text of ['no JSON', '{"error":{"message":"too many requests"}}'])
      await assert.rejects(httpRpc('https://chain.test', answering(text))('eth_chainId', []), {
        code: 'CHAIN_UNREACHABLE',
      })
    const gone: typeof fetch = async () => Promise.reject(new TypeError('fetch failed'))
    await assert.rejects(httpRpc('https://chain.test', gone)('eth_chainId', []), {
      code: 'CHAIN_UNREACHABLE',
    })
  })
})

import assert from 'node:assert/strict'
import { TypedDataEncoder, verifyMessage, Wallet } from 'ethers'
import { SiweMessage } from 'siwe'
import { WalletConnection } from '../../../../../node/gateway/web/src/wallet/connection.ts'
import { DeploymentPin } from '../../../../../node/gateway/web/src/wallet/deployment.ts'
import { openingChannelId, openingTypedData } from '../../../../../node/gateway/web/src/wallet/deposit.ts'
import {
  type AnnouncedWallet,
  WalletDiscovery,
} from '../../../../../node/gateway/web/src/wallet/discovery.ts'
import type { Eip1193Provider } from '../../../../../node/gateway/web/src/wallet/eip1193.ts'
import { loginMessage, personalSignParams } from '../../../../../node/gateway/web/src/wallet/login.ts'
import { newSessionSecret, sessionAddress } from '../../../../../node/gateway/web/src/wallet/session-key.ts'
import {
  channelAuthorizationNonce,
  creditTokenDomainSeparator,
  transferAuthorizationDigest,
} from '../../../../../protocol/authorizations.ts'
import { channelIdOf } from '../../../../../protocol/typed-data.ts'

type Answer = (params: readonly unknown[]) => unknown

/** A provider that answers as it is told, and remembers what it was asked. */
class FakeProvider implements Eip1193Provider {
  readonly asked: string[] = []
  readonly listeners = new Map<string, (value: never) => void>()
  readonly answers: Record<string, Answer>

  constructor(answers: Record<string, Answer>) {
    this.answers = answers
  }

  async request({ method, params }: { method: string; params?: readonly unknown[] | object }) {
    this.asked.push(method)
    return this.answers[method]?.((params ?? []) as readonly unknown[])
  }

  on(event: string, listener: (value: never) => void) {
    this.listeners.set(event, listener)
  }

  removeListener(event: string) {
    this.listeners.delete(event)
  }
}

const ACCOUNT = '0xAb5801a7D398351b8bE11C439e05C5B3259aeC9B'
const fails = (code: number) => () => {
  throw Object.assign(new Error('no'), { code })
}

function walletOf(answers: Record<string, Answer>): AnnouncedWallet & { provider: FakeProvider } {
  const provider = new FakeProvider({
    eth_requestAccounts: () => [ACCOUNT],
    eth_accounts: () => [ACCOUNT],
    eth_chainId: () => '0x1',
    ...answers,
  })
  return { uuid: 'u', name: 'Test', rdns: 'org.test', icon: '', provider }
}

const silent = { onAccount: () => {}, onChain: () => {} }
const chain = {
  chainId: 31337,
  name: 'Shoal',
  rpcUrl: 'http://127.0.0.1:8545',
  gasCurrency: { name: 'Ether', symbol: 'ETH' },
}

describe('discovery of wallets', () => {
  it('finds wallets that were there before and those that come later, each once', () => {
    const target = new EventTarget()
    const announce = (uuid: string) =>
      target.dispatchEvent(
        new CustomEvent('eip6963:announceProvider', {
          detail: {
            info: { uuid, name: uuid, icon: 'data:image/png;base64,x', rdns: uuid },
            provider: walletOf({}).provider,
          },
        }),
      )
    target.addEventListener('eip6963:requestProvider', () => announce('early'))
    const discovery = new WalletDiscovery(target)
    let told = 0
    discovery.subscribe(() => told++)
    discovery.start()
    announce('late')
    announce('late')
    assert.deepEqual(
      discovery.wallets.map(({ uuid }) => uuid),
      ['early', 'late'],
    )
    assert.equal(told, 2)
    discovery.stop()
    announce('after')
    assert.equal(discovery.wallets.length, 2)
  })

  it('takes no announcement that is none, nor an icon from elsewhere', () => {
    const target = new EventTarget()
    const discovery = new WalletDiscovery(target)
    discovery.start()
    const announce = (detail: unknown) =>
      target.dispatchEvent(new CustomEvent('eip6963:announceProvider', { detail }))
    for (const detail of [
      null,
      {},
      { info: {} },
      { info: null, provider: walletOf({}).provider },
      { info: { uuid: 1 } },
    ])
      announce(detail)
    assert.equal(discovery.wallets.length, 0)
    const info = { uuid: 'u', name: 'n', icon: 'https://elsewhere/x.png', rdns: 'r' }
    announce({ info, provider: walletOf({}).provider })
    assert.equal(discovery.wallets[0]?.icon, '')
  })
})

describe('connection to a wallet', () => {
  it('opens no window when it is to be silent', async () => {
    const wallet = walletOf({ eth_accounts: () => [] })
    assert.equal(await WalletConnection.open(wallet, silent, { silently: true }), null)
    assert.deepEqual(wallet.provider.asked, ['eth_accounts'])
  })

  it('says that the person said no', async () => {
    const wallet = walletOf({ eth_requestAccounts: fails(4001) })
    await assert.rejects(WalletConnection.open(wallet, silent, { silently: false }), { code: 'REJECTED' })
  })

  it('switches the chain, and adds one that the wallet does not know', async () => {
    let current = '0x1'
    const wallet = walletOf({
      eth_chainId: () => current,
      wallet_switchEthereumChain: fails(4902),
      wallet_addEthereumChain: ([added]) => {
        current = (added as { chainId: string }).chainId
      },
    })
    const connection = await WalletConnection.open(wallet, silent, { silently: false })
    await connection!.ensureChain(chain)
    assert.equal(connection!.chainId, 31337)
    assert.equal(connection!.account, ACCOUNT.toLowerCase())
  })

  it('is not content with a wallet that stays where it is', async () => {
    const wallet = walletOf({ wallet_switchEthereumChain: () => null })
    const connection = await WalletConnection.open(wallet, silent, { silently: false })
    await assert.rejects(connection!.ensureChain(chain), { code: 'WRONG_CHAIN' })
    assert.throws(() => connection!.requireChain(31337), { code: 'WRONG_CHAIN' })
  })

  it('tells of another account, of another chain, and of none; after its end of nothing', async () => {
    const wallet = walletOf({})
    const told: unknown[] = []
    const connection = await WalletConnection.open(
      wallet,
      { onAccount: account => told.push(account), onChain: chainId => told.push(chainId) },
      { silently: false },
    )
    const tell = (event: string, value: unknown) => wallet.provider.listeners.get(event)?.(value as never)
    tell('accountsChanged', [ACCOUNT])
    tell('accountsChanged', [`0x${'11'.repeat(20)}`])
    tell('chainChanged', '0x7a69')
    tell('accountsChanged', [])
    assert.deepEqual(told, [`0x${'11'.repeat(20)}`, 31337, null])
    connection!.stop()
    assert.equal(wallet.provider.listeners.size, 0)
  })
})

describe('what a wallet is given to sign', () => {
  const deployment = {
    chainId: 31337,
    deploymentBlock: 0,
    creditToken: `0x${'aa'.repeat(20)}`,
    settlement: `0x${'bb'.repeat(20)}`,
    auditAnchor: `0x${'cc'.repeat(20)}`,
    nodeRegistry: `0x${'dd'.repeat(20)}`,
  }
  const opening = {
    payer: `0x${'11'.repeat(20)}`,
    payee: `0x${'22'.repeat(20)}`,
    signer: `0x${'33'.repeat(20)}`,
    salt: `0x${'44'.repeat(32)}`,
    expiresAt: 2_000_000_000,
    amount: 10n ** 19n,
    validBefore: 1_900_000_000,
  }

  it('opens this channel and no other', () => {
    const { domain, types, message } = JSON.parse(openingTypedData(deployment, opening))
    delete types.EIP712Domain
    assert.equal(
      TypedDataEncoder.hash(domain, types, message),
      transferAuthorizationDigest(creditTokenDomainSeparator(deployment), 'receive', {
        from: opening.payer,
        to: deployment.settlement,
        value: opening.amount,
        validAfter: 0n,
        validBefore: BigInt(opening.validBefore),
        nonce: channelAuthorizationNonce({ ...opening, expiresAt: BigInt(opening.expiresAt) }),
      }),
    )
    assert.equal(
      openingChannelId(deployment, opening),
      channelIdOf(deployment, opening.payer, opening.payee, opening.salt),
    )
  })

  it('signs in by a message that a library of others reads and checks', async () => {
    const wallet = Wallet.createRandom()
    const message = loginMessage({
      domain: '127.0.0.1:4114',
      uri: 'http://127.0.0.1:4114',
      account: wallet.address.toLowerCase(),
      chainId: 31337,
      statement: 'Sign in to this node.',
      nonce: 'a1b2c3d4e5f6a7b8',
      issuedAtMs: 1_700_000_000_000,
      expiresAt: '2023-11-14T22:23:20.000Z',
    })
    const parsed = new SiweMessage(message)
    assert.equal(parsed.prepareMessage(), message)
    assert.equal(parsed.nonce, 'a1b2c3d4e5f6a7b8')
    const [hex] = personalSignParams(message, wallet.address)
    const signature = await wallet.signMessage(Buffer.from(hex.slice(2), 'hex'))
    assert.equal(verifyMessage(message, signature), wallet.address)
  })

  it('draws a session key again where the first draw is none', () => {
    const draws = [new Uint8Array(32), new Uint8Array(32).fill(255), new Uint8Array(32).fill(1)]
    const secret = newSessionSecret(() => draws.shift()!)
    assert.equal(sessionAddress(secret), new Wallet(`0x${'01'.repeat(32)}`).address.toLowerCase())
  })

  it('notices a node that names other contracts than before', () => {
    const kept = new Map<string, string>()
    const pin = new DeploymentPin({
      getItem: key => kept.get(key) ?? null,
      setItem: (key, value) => void kept.set(key, value),
    })
    assert.deepEqual(pin.check(deployment), { isNew: true })
    pin.trust(deployment)
    assert.deepEqual(pin.check({ ...deployment, deploymentBlock: 5 }), { isNew: false })
    const moved = { ...deployment, settlement: `0x${'ee'.repeat(20)}` }
    assert.throws(() => pin.check(moved), { code: 'DEPLOYMENT_CHANGED' })
    assert.deepEqual(pin.check({ ...moved, chainId: 1 }), { isNew: true })
  })
})

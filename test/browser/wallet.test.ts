import assert from 'node:assert/strict'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import type { ChainClient } from '../../node/chain/client.ts'
import { CREDIT, costRoundedUp, formatCredits, parseCredits } from '../../protocol/money.ts'
import { buildPage } from '../../scripts/build-page.ts'
import { accessibilityFaults } from '../helpers/accessibility.ts'
import { CHROMIUM_FLAGS, findChromium } from '../helpers/chromium.ts'
import { CutLine } from '../helpers/cut-line.ts'
import { gatewayNetwork, type TestGateway } from '../helpers/gateway.ts'
import { InjectedWallet, type InjectedWalletOptions } from '../helpers/injected-wallet.ts'
import { TestNetwork, type TestNode } from '../helpers/nodes.ts'
import { takePicture } from '../helpers/pictures.ts'

/** Of which the small model goes on for ever. */
const ENDLESS = 'fish fish fish fish fish fish'
const GIFT = 1_000n * CREDIT

describe('wallet of the page', function () {
  this.timeout(60_000)
  const network = new TestNetwork()
  let browser: Browser
  let door: TestGateway
  let provider: TestNode
  const wallets: InjectedWallet[] = []
  const contexts: BrowserContext[] = []

  before(async () => {
    await buildPage()
    const executablePath = findChromium()
    assert.ok(executablePath, 'no Chromium: run npm run setup -- --browser')
    await network.start({ allowTestMethods: true })
    ;[{ door, provider }, browser] = await Promise.all([
      gatewayNetwork(network),
      chromium.launch({ executablePath, args: CHROMIUM_FLAGS }),
    ])
  })

  after(async () => {
    for (const wallet of wallets) wallet.stop()
    await browser?.close()
    await door?.stop()
    await network.stop()
  })

  const chain = (): ChainClient => door.node.node.trade.economy.client
  const rich = async (wallet: InjectedWallet) => {
    await chain().request('shoal_fund', [wallet.address])
  }

  /** A page of a new browser profile with a wallet in it. */
  async function visit(
    path: string,
    options: Partial<InjectedWalletOptions> & { at?: string } = {},
  ): Promise<{ page: Page; wallet: InjectedWallet; errors: string[] }> {
    const { rpcUrl, chainId } = network.chain
    const wallet = new InjectedWallet({ rpcUrl, chainId, ...options })
    wallets.push(wallet)
    const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, colorScheme: 'light' })
    contexts.push(context)
    const page = await context.newPage()
    const errors: string[] = []
    page.on('pageerror', error => errors.push(error.message))
    await wallet.inject(page)
    await page.goto((options.at ?? door.gateway.url) + path)
    return { page, wallet, errors }
  }

  const connect = (page: Page) => page.getByRole('button', { name: 'Reef Wallet' }).click()
  const signIn = (page: Page) => page.getByRole('button', { name: 'Sign in with your wallet' }).click()
  async function deposit(page: Page, amount: string): Promise<void> {
    await page.getByLabel('Amount').fill(amount)
    await page.getByRole('button', { name: 'Deposit and open' }).click()
    await page.getByRole('heading', { name: 'Ready to ask' }).waitFor()
  }
  async function ask(page: Page, question: string): Promise<void> {
    await page.getByRole('link', { name: 'Ask', exact: true }).first().click()
    await page.getByLabel('Your question').fill(question)
    await page.keyboard.press('Enter')
  }
  const go = (page: Page, name: string) => page.getByRole('link', { name, exact: true }).first().click()
  const alert = (page: Page, text: string | RegExp) =>
    page.getByRole('alert').filter({ hasText: text }).waitFor()
  /** What the page has signed for, by its own store. */
  const kept = (page: Page) =>
    page.evaluate(
      () =>
        new Promise<{ signed: string; spent: string; channelId: string }[]>((resolve, reject) => {
          const open = indexedDB.open('shoal')
          open.onerror = () => reject(open.error)
          open.onsuccess = () => {
            const all = open.result.transaction('channels').objectStore('channels').getAll()
            all.onsuccess = () => {
              open.result.close()
              resolve(
                all.result.map(({ signed, spent, channelId }) => ({
                  signed: String(signed),
                  spent: String(spent),
                  channelId,
                })),
              )
            }
          }
        }),
    )

  it('pays for an answer, proves it, and gives the rest back, to the last unit', async () => {
    const { page, wallet, errors } = await visit('/wallet')
    await rich(wallet)
    await page.getByRole('heading', { name: 'Connect a wallet' }).waitFor()
    await takePicture(page, 'wallet-connect')
    await connect(page)
    await signIn(page)
    await page.getByText('The node knows this address is yours.').waitFor()
    await takePicture(page, 'wallet-deposit')
    await deposit(page, '5')
    assert.equal((await chain().balances(wallet.address)).credits, GIFT - 5n * CREDIT)
    const [{ channelId }] = (await kept(page)) as [{ channelId: string }]
    assert.equal((await chain().channel(channelId))?.deposit, 5n * CREDIT)

    await ask(page, 'What is Shoal?')
    const receipt = page.getByLabel('About this answer').getByRole('link')
    await receipt.waitFor()
    const cost = parseCredits(
      (await page.getByTitle(/^[\d.]+ credits$/).getAttribute('title'))!.split(' ')[0]!,
    )
    assert.ok(cost > 0n)
    await takePicture(page, 'wallet-ask')

    await door.node.node.trade.economy.anchorer.anchorNow()
    await receipt.click()
    await page.getByRole('heading', { name: 'Proven' }).waitFor()
    const results = await page
      .locator('[data-step]')
      .evaluateAll(steps =>
        steps.map(step => [step.getAttribute('data-step'), step.getAttribute('data-result')]),
      )
    assert.deepEqual(new Set(results.map(([, result]) => result)), new Set(['holds']))
    assert.equal(results.length, 9)
    await takePicture(page, 'proof-proven')
    assert.deepEqual(await accessibilityFaults(page), [])

    await go(page, 'Wallet')
    await page.getByRole('heading', { name: 'Channels' }).waitFor()
    const [{ signed }] = (await kept(page)) as [{ signed: string }]
    assert.equal(BigInt(signed), cost, 'signed for what the answer has cost, and no more')
    await takePicture(page, 'wallet-channels')
    assert.deepEqual(await accessibilityFaults(page), [])
    await page.getByRole('button', { name: 'Close', exact: true }).click()
    await page.getByRole('heading', { name: 'Money that waits for you' }).waitFor()
    await takePicture(page, 'wallet-waiting')
    assert.equal((await chain().balances(wallet.address)).settlementCredits, 5n * CREDIT - cost)
    await page.getByRole('button', { name: 'Withdraw' }).click()
    await page.getByRole('heading', { name: 'Money that waits for you' }).waitFor({ state: 'detached' })

    const { credits, settlementCredits } = await chain().balances(wallet.address)
    assert.deepEqual([credits, settlementCredits], [GIFT - cost, 0n])
    const closed = await chain().channel(channelId)
    assert.deepEqual([closed?.status, closed?.claimed], ['closed', cost])
    assert.deepEqual(
      wallet.windows,
      ['eth_requestAccounts', 'personal_sign', 'eth_signTypedData_v4', 'eth_sendTransaction'],
      'no pop-up but these four',
    )
    assert.deepEqual(errors, [])
  })

  it('goes on where the person said no, is on another chain, or has nothing', async () => {
    const { page, wallet, errors } = await visit('/wallet', { startsOn: 1, knowsChain: false })
    wallet.rejects.add('eth_requestAccounts')
    await connect(page)
    await alert(page, 'you said no in your wallet')
    wallet.rejects.clear()
    await connect(page)

    await page.getByText('Your wallet is on another chain.').waitFor()
    await takePicture(page, 'wallet-wrong-chain')
    wallet.rejects.add('wallet_addEthereumChain')
    await page.getByRole('button', { name: /^Switch to/ }).click()
    await alert(page, 'you said no')
    wallet.rejects.clear()
    await page.getByRole('button', { name: /^Switch to/ }).click()
    await page.getByText('Your wallet is on another chain.').waitFor({ state: 'detached' })
    assert.equal(wallet.chainId, network.chain.chainId)

    await signIn(page)
    await page.getByText('There are no credits in your wallet.').first().waitFor()
    assert.ok(await page.getByRole('button', { name: 'Deposit and open' }).isDisabled())
    await takePicture(page, 'wallet-empty')
    assert.deepEqual(await accessibilityFaults(page), [])

    await rich(wallet)
    await page.reload()
    wallet.rejects.add('eth_signTypedData_v4')
    await page.getByRole('button', { name: 'Deposit and open' }).click()
    await alert(page, 'you said no in your wallet')
    await takePicture(page, 'wallet-rejected')
    assert.equal((await chain().balances(wallet.address)).credits, GIFT)
    wallet.rejects.clear()
    await deposit(page, '1')
    assert.equal((await chain().balances(wallet.address)).credits, GIFT - CREDIT)

    await wallet.changeAccount(`0x${'5a'.repeat(32)}`)
    await page.getByRole('heading', { name: 'Pay as you ask' }).waitFor()
    assert.deepEqual(errors, [])
  })

  it('has signed for no more than what came where the node goes in between', async () => {
    const line = await CutLine.to(door.gateway.url)
    try {
      const { page, wallet } = await visit('/wallet', { at: line.url })
      await rich(wallet)
      await connect(page)
      await signIn(page)
      await deposit(page, '5')
      await ask(page, ENDLESS)
      const answer = page.getByLabel('About this answer')
      await answer.getByText(/credits$/).waitFor()
      line.cut()
      await page.getByText('STREAM_BROKEN').waitFor()
      const tokens = Number.parseInt((await answer.getByText(/^\d+(, \d+\/s)?$/).textContent())!, 10)
      const model = door.node.node.parts.book.of(provider.key)!.offer.models[0]!
      const received = costRoundedUp(model, {
        inputTokens: Buffer.byteLength(ENDLESS) + 80,
        outputTokens: tokens + 64,
      })
      const [row] = await kept(page)
      const signed = BigInt(row!.signed)
      assert.ok(
        signed > 0n && signed <= received,
        `${formatCredits(signed)} of at most ${formatCredits(received)}`,
      )
      await takePicture(page, 'wallet-node-gone')

      // It is back: the key is still here, and all that was not signed for comes back.
      line.mend()
      await page.goto(`${line.url}/wallet`)
      await page.getByRole('button', { name: 'Close', exact: true }).click()
      await page.getByRole('heading', { name: 'Money that waits for you' }).waitFor()
      const channel = await chain().channel(row!.channelId)
      assert.equal(channel?.status, 'closed')
      assert.ok(channel!.claimed <= signed)
      const { settlementCredits } = await chain().balances(wallet.address)
      assert.equal(settlementCredits, 5n * CREDIT - channel!.claimed)
    } finally {
      await line.stop()
    }
  })

  it('shows a proof that the node has tampered with as false', async () => {
    const { page } = await visit('/wallet')
    await connect(page)
    const booked = []
    for await (const receipt of provider.node.parts.receipts.list({ limit: 1 })) booked.push(receipt)
    await page.getByRole('heading', { name: 'Pay as you ask' }).waitFor()
    let tamper = (proof: Record<string, unknown>): Record<string, unknown> => proof
    await page.route('**/api/proofs/*', async route => {
      const [row] = booked
      const base64 = (bytes: Uint8Array | null) =>
        bytes === null ? null : Buffer.from(bytes).toString('base64')
      const proof = {
        receipt: base64(row!.record),
        countersignature: base64(row!.countersignature),
        ...{ event: null, inclusion: null, anchor: null },
      }
      await route.fulfill({ json: tamper(proof) })
    })
    const { cid } = booked[0]!
    await page.goto(`${door.gateway.url}/proof/${cid}`)
    await page.getByRole('heading', { name: 'Not proven yet' }).waitFor()
    tamper = proof => {
      const bytes = Buffer.from(proof.receipt as string, 'base64')
      bytes[bytes.length - 1]! ^= 1
      return { ...proof, receipt: bytes.toString('base64') }
    }
    await page.getByRole('button', { name: 'Check again' }).click()
    await page.getByRole('heading', { name: 'False' }).waitFor()
    assert.equal(await page.locator('[data-step="provider"]').getAttribute('data-result'), 'fails')
    assert.equal(await page.locator('[data-step="form"]').getAttribute('data-result'), 'fails')
    await takePicture(page, 'proof-false')
    assert.deepEqual(await accessibilityFaults(page), [])
  })
})

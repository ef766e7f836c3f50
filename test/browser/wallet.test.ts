import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import type { ChainClient } from '../../node/chain/client.ts'
import type { ProofView } from '../../node/gateway/proof-views.ts'
import { CREDIT, costRoundedUp, formatCredits, parseCredits } from '../../protocol/money.ts'
import { buildPage } from '../../scripts/build-page.ts'
import { makeDomains, toJsonl } from '../bench/learning/domains.ts'
import { accessibilityFaults } from '../helpers/accessibility.ts'
import { CHROMIUM_FLAGS, findChromium } from '../helpers/chromium.ts'
import { CutLine } from '../helpers/cut-line.ts'
import { openGateway, type TestGateway } from '../helpers/gateway.ts'
import { InjectedWallet, type InjectedWalletOptions } from '../helpers/injected-wallet.ts'
import { TestNetwork, type TestNode } from '../helpers/nodes.ts'
import { takePicture } from '../helpers/pictures.ts'
import { waitUntil } from '../helpers/wait.ts'

/** Of which the small model goes on for ever. */
const ENDLESS = 'fish fish fish fish fish fish'
const MINUTE_MS = 60_000
const LEARNING = {
  ...{ 'learning.enabled': true, 'learning.join': 'ask', 'learning.niceness': 0 },
  ...{ 'learning.power': 'any', 'learning.minFreeMemory': 0, 'learning.maxTemperature': 120 },
  ...{ 'learning.quiet': '1s' },
}
/** Of embedded chains. */
const CLOSE_DELAY_S = 3_600
/** An account that two tests share. */
const SAVER = `0x${'53'.repeat(32)}`
const GIFT = 1_000n * CREDIT

describe('page with money', function () {
  // Pictures of each page in each size take their time.
  this.timeout((process.env.SHOAL_PICTURES === undefined ? 1 : 4) * MINUTE_MS)
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
    const [domain] = makeDomains({ seed: 3, domains: 1, factsPerDomain: 10 })
    const folder = await network.folder()
    const at = (name: string) => join(folder, name)
    await writeFile(at('own.jsonl'), toJsonl(domain!.training))
    await writeFile(at('public.jsonl'), toJsonl(domain!.validation))
    const asker = await network.node({ 'models.serve': '' })
    ;[provider, browser] = await Promise.all([
      network.node({
        ...LEARNING,
        'learning.publicText': `${domain!.name}=${at('public.jsonl')}`,
        'p2p.bootstrap': asker.address,
      }),
      chromium.launch({ executablePath, args: CHROMIUM_FLAGS }),
    ])
    const { learner } = provider.node.parts
    await (await learner.data.add(at('own.jsonl'), { domain: domain!.name, keepSimilar: true })).commit()
    await asker.knows(provider)
    door = await openGateway(asker)
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
    const { channelId } = (await kept(page))[0]!
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
    await showsTamperedProofsAsFalse(page)

    await go(page, 'Wallet')
    await page.getByRole('heading', { name: 'Channels' }).waitFor()
    const { signed } = (await kept(page))[0]!
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

  /** A node that changes anything of a proof is caught at the step it is about. */
  async function showsTamperedProofsAsFalse(page: Page): Promise<void> {
    const flipped = (base64: string) => {
      const bytes = Buffer.from(base64, 'base64')
      bytes[bytes.length - 1]! ^= 1
      return bytes.toString('base64')
    }
    const lies: [string, (proof: ProofView) => void][] = [
      ['provider', proof => Object.assign(proof, { receipt: flipped(proof.receipt!) })],
      ['requester', proof => Object.assign(proof, { countersignature: flipped(proof.countersignature!) })],
      ['inclusion', proof => Object.assign(proof.inclusion!, { root: `0x${'11'.repeat(32)}` })],
      ['anchor', proof => Object.assign(proof.anchor!, { anchoredAt: proof.anchor!.anchoredAt - 1 })],
    ]
    for (const [step, lie] of lies) {
      await page.route('**/api/proofs/*', async route => {
        const response = await route.fetch()
        const proof = (await response.json()) as ProofView
        lie(proof)
        await route.fulfill({ response, json: proof })
      })
      await page.getByRole('button', { name: 'Check again' }).click()
      await page.getByRole('heading', { name: 'False', exact: true }).waitFor()
      await page.locator(`[data-step="${step}"][data-result="fails"]`).waitFor()
      if (step === 'provider') await takePicture(page, 'proof-false')
      await page.unroute('**/api/proofs/*')
      await page.getByRole('button', { name: 'Check again' }).click()
      await page.getByRole('heading', { name: 'Proven' }).waitFor()
    }
  }

  it('goes on where the person said no, is on another chain, or has nothing', async () => {
    const { page, wallet, errors } = await visit('/wallet', {
      ...{ startsOn: 1, knowsChain: false, privateKey: SAVER },
    })
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
      line.holdAfter('"type":"text"')
      await ask(page, ENDLESS)
      const answer = page.getByLabel('About this answer')
      const tokens = Number.parseInt((await answer.getByText(/^\d+(, \d+\/s)?$/).textContent())!, 10)
      line.cut()
      await page.getByText(/STREAM_BROKEN|NODE_UNREACHABLE/).waitFor()
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

      await waitUntil('the node has noticed', async () => {
        const response = await fetch(`${door.gateway.url}/api/payment/channels/${row!.channelId}`)
        return ((await response.json()) as { reserved: string }).reserved === '0'
      })
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

  it('gives back what is in a channel whose key and node are gone', async () => {
    // Last: the chain is ahead of the clocks from then on. The account of a test before, in a browser that has never seen it.
    const { page, wallet } = await visit('/wallet', { privateKey: SAVER })
    await connect(page)
    await page.getByText('Its session key is not in this browser.').waitFor()
    await takePicture(page, 'wallet-stranded')
    await page.getByRole('button', { name: 'Announce close' }).first().click()
    await page.getByText('You have announced the close.').waitFor()
    await page.getByText('Channels').first().waitFor()
    await chain().request('evm_increaseTime', [CLOSE_DELAY_S + 1])
    await chain().request('evm_mine', [])
    await page.reload()
    await page.getByRole('button', { name: 'Take back' }).click()
    await page.getByRole('button', { name: 'Withdraw' }).click()
    await page.getByRole('heading', { name: 'Money that waits for you' }).waitFor({ state: 'detached' })
    assert.equal((await chain().balances(wallet.address)).credits, GIFT)
  })

  describe('for its operator', () => {
    let operatorDoor: TestGateway
    let page: Page
    const errors: string[] = []

    before(async () => {
      operatorDoor = await openGateway(provider)
      const context = await browser.newContext({ viewport: { width: 1280, height: 860 } })
      page = await context.newPage()
      page.on('pageerror', error => errors.push(error.message))
      const { token } = provider.node.parts.accounts.ownerTokens.make()
      await page.goto(`${operatorDoor.gateway.url}/earn#owner=${token}`)
    })
    after(() => operatorDoor?.stop())

    it('shows what the node earns and what keeps tasks away, and put credits at stake', async () => {
      await page.getByText(/^\d tasks for 1 requester$/).waitFor()
      await page.getByRole('heading', { name: 'Stake' }).waitFor()
      await page.getByRole('button', { name: 'Add', exact: true }).click()
      await page.getByRole('dialog').getByLabel('Amount').fill('20')
      await page.getByRole('button', { name: 'Add to the stake' }).click()
      await page.getByRole('dialog').waitFor({ state: 'hidden' })
      const stake = await provider.node.trade.economy.staker.stake()
      assert.equal(stake.staked, 20n * CREDIT)
      await takePicture(page, 'earn')
      assert.deepEqual(await accessibilityFaults(page), [])
      assert.deepEqual(errors, [])
    })

    it('shows a round of learning, which takes one click to join', async () => {
      const base = provider.node.parts.serving.models()[0]!
      const { learner } = provider.node.parts
      let round: string | null = null
      await waitUntil('the stake is known', async () => {
        round = await learner
          .propose(
            {
              ...{ base, name: 'facts', domain: 'general', rank: 4, alpha: 8 },
              training: { steps: 24, batchRows: 4, rowTokens: 64, learningRate: 5e-3 },
              ...{ trainForMs: MINUTE_MS, joinForMs: MINUTE_MS, judgeForMs: 2 * MINUTE_MS },
              ...{ leastStake: CREDIT, minimumUpdates: 1, maximumMembers: 1 },
            },
            { generalPath: null, join: false, nowMs: Date.now(), seed: 5 },
          )
          .catch((error: { code?: string }) => {
            if (error.code === 'STAKE_TOO_LOW') return null
            throw error
          })
        return round !== null
      })
      await page.getByRole('link', { name: 'Learn', exact: true }).first().click()
      await page.getByRole('button', { name: 'Join' }).click()
      await page.getByText('you take part').waitFor()
      const joined = learner.rounds.list().find(({ state }) => state.round === round)
      assert.ok(joined?.state.members.has(provider.key))
      assert.deepEqual(await accessibilityFaults(page), [])
      if (process.env.SHOAL_PICTURES !== undefined) {
        await waitUntil('the round is over', () =>
          ['done', 'failed'].includes(learner.rounds.list()[0]?.state.phase ?? 'done'),
        )
        await page.reload()
        await page.getByRole('heading', { name: 'facts' }).waitFor()
      }
      await takePicture(page, 'learn')
      assert.deepEqual(errors, [])
    })
  })
})

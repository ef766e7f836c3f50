import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium, type Page } from 'playwright-core'
import { CHROMIUM_FLAGS, findChromium } from '../test/helpers/chromium.ts'
import { openGateway } from '../test/helpers/gateway.ts'
import { InjectedWallet } from '../test/helpers/injected-wallet.ts'
import { TestNetwork } from '../test/helpers/nodes.ts'
import { buildPage } from './build-page.ts'

/**
 * Takes the README's pictures of the page: a network of four real nodes with a chain of its own, and a wallet that signs for real,
 * in Chromium.
 *
 *   node scripts/pictures.ts
 */
const FOLDER = fileURLToPath(new URL('../docs/images', import.meta.url))
const VIEWPORT = { width: 1280, height: 800 }
const QUESTIONS = ['Hello!', 'What is a receipt?', 'What is 7 + 5?', 'What is Shoal?']
const SCROLL_BACK_PX = 380
/** Where a page still moves, such as a map, it has come to rest by then. */
const REST_MS = 1_500

const executablePath = findChromium()
assert.ok(executablePath, 'no Chromium: run npm run setup -- --browser')
await buildPage()
await mkdir(FOLDER, { recursive: true })
const network = new TestNetwork()
await network.start({ allowTestMethods: true })
const asker = await network.node({ 'models.serve': '' })
const among = { 'p2p.bootstrap': asker.address }
const providers = await Promise.all([
  network.node({ ...among, 'models.serve': 'shoal-mini-q8_0' }),
  network.node({ ...among, 'models.serve': 'shoal-nano-q8_0' }),
  network.node({ ...among, 'models.serve': 'shoal-mini-q4_0,shoal-nano-q8_0' }),
])
await asker.knows(...providers)
const door = await openGateway(asker)
const browser = await chromium.launch({ executablePath, args: CHROMIUM_FLAGS })
const { rpcUrl, chainId } = network.chain
const wallet = new InjectedWallet({ rpcUrl, chainId })
try {
  const context = await browser.newContext({
    viewport: VIEWPORT,
    colorScheme: 'light',
  })
  const page = await context.newPage()
  await wallet.inject(page)
  await asker.node.trade.economy.client.request('shoal_fund', [wallet.address])
  await page.goto(`${door.gateway.url}/wallet`)
  await page.getByRole('button', { name: 'Reef Wallet' }).click()
  await page.getByRole('button', { name: 'Sign in with your wallet' }).click()
  await page.getByText('The node knows this address is yours.').waitFor()
  await take(page, 'wallet')
  await page.getByLabel('Amount').fill('5')
  await page.getByRole('button', { name: 'Deposit and open' }).click()
  await page.getByRole('heading', { name: 'Ready to ask' }).waitFor()

  await go(page, 'Ask')
  const receipts = page.getByLabel('About this answer').getByRole('link')
  for (const [index, question] of QUESTIONS.entries()) {
    await page.getByRole('textbox', { name: 'Your question' }).fill(question)
    await page.keyboard.press('Enter')
    await receipts.nth(index).waitFor()
  }
  // The last question stands at the top: some of what came before is to be seen, too.
  await page.mouse.move(VIEWPORT.width / 2, VIEWPORT.height / 2)
  await page.mouse.wheel(0, -SCROLL_BACK_PX)
  await take(page, 'ask')

  await asker.node.trade.economy.anchorer.anchorNow()
  await receipts.last().click()
  await page.getByRole('heading', { name: 'Proven' }).waitFor()
  await take(page, 'proof')

  await go(page, 'Network')
  await take(page, 'network')
} finally {
  wallet.stop()
  await browser.close()
  await door.stop()
  await network.stop()
}

async function go(page: Page, name: string): Promise<void> {
  await page.getByRole('link', { name, exact: true }).first().click()
}

async function take(page: Page, name: string): Promise<void> {
  await page.waitForTimeout(REST_MS)
  await page.screenshot({ path: join(FOLDER, `${name}.png`), animations: 'disabled' })
}

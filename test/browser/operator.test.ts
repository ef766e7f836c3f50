import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import { CREDIT } from '../../protocol/money.ts'
import { buildPage } from '../../scripts/build-page.ts'
import { makeDomains, toJsonl } from '../bench/learning/domains.ts'
import { accessibilityFaults } from '../helpers/accessibility.ts'
import { CHROMIUM_FLAGS, findChromium } from '../helpers/chromium.ts'
import { openGateway, type TestGateway } from '../helpers/gateway.ts'
import { TestNetwork, type TestNode } from '../helpers/nodes.ts'
import { takePicture } from '../helpers/pictures.ts'
import { waitUntil } from '../helpers/wait.ts'

const LEARNING = {
  ...{ 'learning.enabled': true, 'learning.join': 'ask', 'learning.niceness': 0 },
  ...{ 'learning.power': 'any', 'learning.minFreeMemory': 0, 'learning.maxTemperature': 120 },
  ...{ 'learning.quiet': '1s' },
}
const MINUTE_MS = 60_000

describe('pages of an operator', function () {
  this.timeout(MINUTE_MS)
  const network = new TestNetwork()
  let browser: Browser
  let node: TestNode
  let door: TestGateway
  let page: Page
  const errors: string[] = []

  before(async () => {
    await buildPage()
    const executablePath = findChromium()
    assert.ok(executablePath, 'no Chromium: run npm run setup -- --browser')
    await network.start()
    const [domain] = makeDomains({ seed: 3, domains: 1, factsPerDomain: 10 })
    const folder = await network.folder()
    const at = (name: string) => join(folder, name)
    await writeFile(at('own.jsonl'), toJsonl(domain!.training))
    await writeFile(at('public.jsonl'), toJsonl(domain!.validation))
    node = await network.node({
      ...LEARNING,
      'learning.publicText': `${domain!.name}=${at('public.jsonl')}`,
    })
    const { learner } = node.node.parts
    await (await learner.data.add(at('own.jsonl'), { domain: domain!.name, keepSimilar: true })).commit()
    door = await openGateway(node)
    const asker = await network.node({ 'models.serve': '', 'p2p.bootstrap': node.address })
    await asker.knows(node)
    await asker.ask('What is Shoal?')
    browser = await chromium.launch({ executablePath, args: CHROMIUM_FLAGS })
    page = await (await browser.newContext({ viewport: { width: 1280, height: 860 } })).newPage()
    page.on('pageerror', error => errors.push(error.message))
    const { token } = node.node.parts.accounts.ownerTokens.make()
    await page.goto(`${door.gateway.url}/earn#owner=${token}`)
  })

  after(async () => {
    await browser?.close()
    await door?.stop()
    await network.stop()
  })

  it('show what the node earns and what keeps tasks away, and put credits at stake', async () => {
    await page.getByText('1 task for 1 requester', { exact: true }).waitFor()
    await page.getByRole('heading', { name: 'Stake' }).waitFor()
    await page.getByRole('button', { name: 'Add', exact: true }).click()
    await page.getByRole('dialog').getByLabel('Amount').fill('20')
    await page.getByRole('button', { name: 'Add to the stake' }).click()
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
    const stake = await node.node.trade.economy.staker.stake()
    assert.equal(stake.staked, 20n * CREDIT)
    await takePicture(page, 'earn')
    assert.deepEqual(await accessibilityFaults(page), [])
    assert.deepEqual(errors, [])
  })

  it('show a round of learning, which takes one click to join', async () => {
    const base = node.node.parts.serving.models()[0]!
    const { learner } = node.node.parts
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
    assert.ok(joined?.state.members.has(node.key))
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

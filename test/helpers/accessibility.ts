import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js')
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']

interface Finding {
  id: string
  nodes: { target: unknown[]; failureSummary?: string }[]
}

/** Within which a page has drawn all of itself in other colours, on a busy machine too. */
const REDRAWN_MS = 1_000

/** What axe finds against WCAG 2.2 AA, by day and by night, one line each; empty where all is well. */
export async function accessibilityFaults(page: Page): Promise<string[]> {
  const source = await readFile(AXE, 'utf8')
  const faults: string[] = []
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    // Colours are drawn anew before they are looked at.
    await page.evaluate(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))))
    // Through the debugger: the policy of the page lets no other script in.
    await page.evaluate(source)
    let found = await violations(page, colorScheme)
    if (found.length > 0) {
      // Some of a page may still be in the colours from before; a fault that is one is there at the next look, too.
      await page.waitForTimeout(REDRAWN_MS)
      found = await violations(page, colorScheme)
    }
    for (const { id, nodes } of found)
      faults.push(
        ...nodes.map(({ target, failureSummary = '' }) =>
          `${colorScheme} ${id}: ${target.join(' ')} ${failureSummary.replace(/\s+/g, ' ')}`.slice(0, 400),
        ),
      )
  }
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: null })
  return faults
}

async function violations(page: Page, colorScheme: 'light' | 'dark'): Promise<Finding[]> {
  const result = (await page.evaluate(
    runOnly =>
      (window as unknown as { axe: { run(context: Document, options: object): Promise<unknown> } }).axe.run(
        document,
        { runOnly, resultTypes: ['violations'] },
      ),
    // By night only the colours are others.
    colorScheme === 'light' ? { type: 'tag', values: RULES } : { type: 'rule', values: ['color-contrast'] },
  )) as { violations: Finding[] }
  return result.violations
}

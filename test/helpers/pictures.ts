import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'

const FOLDER = fileURLToPath(new URL('../../artifacts/pictures', import.meta.url))
const DESKTOP = { width: 1280, height: 860 }
const PHONE = { width: 390, height: 844 }

/**
 * Keeps a picture of a page under `artifacts/pictures`; with SHOAL_PICTURES set, by day and by night, on a desk and on a
 * phone.
 */
export async function takePicture(page: Page, name: string): Promise<void> {
  await mkdir(FOLDER, { recursive: true })
  const keep = (variant: string) =>
    page.screenshot({ path: join(FOLDER, `${name}${variant}.png`), animations: 'disabled' })
  if (process.env.SHOAL_PICTURES === undefined) {
    await keep('')
    return
  }
  for (const [size, viewport] of Object.entries({ desktop: DESKTOP, phone: PHONE })) {
    await page.setViewportSize(viewport)
    // The page scrolls within itself: all of it is to be seen.
    const height = await page.evaluate(() => document.querySelector('main')?.scrollHeight ?? 0)
    await page.setViewportSize({ ...viewport, height: Math.max(viewport.height, height + 80) })
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      await keep(`-${size}-${colorScheme}`)
    }
  }
  await page.setViewportSize(DESKTOP)
  await page.emulateMedia({ colorScheme: 'light' })
}

import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { type Browser, chromium, type Response } from 'playwright-core'
import { buildPage } from '../../scripts/build-page.ts'
import { CHROMIUM_FLAGS, findChromium } from '../helpers/chromium.ts'
import { gatewayNetwork } from '../helpers/gateway.ts'
import { TestNetwork } from '../helpers/nodes.ts'
import { type Bench, type BenchRow, median, valueRow } from './row.ts'

const BUNDLE_ROW = 'web.bundle'
const INTERACTIVE_ROW = 'web.interactive'
const MAX_BUNDLE_KB = 300
const MAX_INTERACTIVE_MS = 1_500
const LOADS = 7
/** As Lighthouse does for a phone. */
const CPU_SLOWDOWN = 4
/** A box to type into that is React's, and nothing else. */
const EMPTY_PAGE = `
  import { createElement, useState } from 'react'
  import { createRoot } from 'react-dom/client'
  function Page() {
    const [text, setText] = useState('')
    return createElement('textarea', { value: text, onChange: event => setText(event.target.value) })
  }
  createRoot(document.getElementById('root')).render(createElement(Page))
`

/** What the page weighs at its first load, and how soon one can type into it. */
export const webBench: Bench = {
  rows: [BUNDLE_ROW, INTERACTIVE_ROW],
  async run() {
    await buildPage()
    const executablePath = findChromium()
    if (executablePath === null) throw new Error('no Chromium: run npm run setup -- --browser')
    const network = new TestNetwork()
    const bare = await emptyPage()
    const browser = await chromium.launch({ executablePath, args: CHROMIUM_FLAGS })
    try {
      await network.start()
      const { door } = await gatewayNetwork(network)
      try {
        const loads = await loadAll(browser, { page: `${door.gateway.url}/`, bare: bare.url })
        return rows(loads)
      } finally {
        await door.stop()
      }
    } finally {
      await browser.close()
      bare.server.close()
      await network.stop()
    }
  },
}

interface Load {
  interactiveMs: number
  /** Of scripts, styles and documents, compressed by gzip. */
  gzipBytes: number
  requests: number
}

function rows(loads: { page: Load[]; bare: Load[] }): BenchRow[] {
  const middle = (of: readonly Load[], pick: (load: Load) => number) => median(of.map(pick))
  const [{ requests }] = loads.page as [Load]
  return [
    valueRow(
      {
        name: BUNDLE_ROW,
        unit: 'kB gzip',
        value: middle(loads.page, ({ gzipBytes }) => gzipBytes) / 1_000,
        baseline: middle(loads.bare, ({ gzipBytes }) => gzipBytes) / 1_000,
        note: `all ${requests} documents, scripts and styles of the start page until it is at rest, Markdown included; beside a page of React with nothing but a box to type into`,
      },
      { atMost: MAX_BUNDLE_KB },
    ),
    valueRow(
      {
        name: INTERACTIVE_ROW,
        unit: 'ms',
        value: middle(loads.page, ({ interactiveMs }) => interactiveMs),
        baseline: middle(loads.bare, ({ interactiveMs }) => interactiveMs),
        note: `from the request to a typed letter on the screen, ${CPU_SLOWDOWN}x CPU throttle, loopback, nothing cached, median of ${LOADS}; beside a page of React with nothing but a box to type into`,
      },
      { atMost: MAX_INTERACTIVE_MS },
    ),
  ]
}

/** Takes turns, so that both see the same machine. */
async function loadAll(
  browser: Browser,
  urls: { page: string; bare: string },
): Promise<{ page: Load[]; bare: Load[] }> {
  const loads: { page: Load[]; bare: Load[] } = { page: [], bare: [] }
  for (let turn = 0; turn < LOADS; turn++) {
    loads.page.push(await load(browser, urls.page))
    loads.bare.push(await load(browser, urls.bare))
  }
  return loads
}

async function load(browser: Browser, url: string): Promise<Load> {
  const context = await browser.newContext({ viewport: { width: 390, height: 844 } })
  try {
    const page = await context.newPage()
    const client = await context.newCDPSession(page)
    await client.send('Emulation.setCPUThrottlingRate', { rate: CPU_SLOWDOWN })
    const responses: Response[] = []
    const keep = (response: Response) => {
      if (['document', 'script', 'stylesheet'].includes(response.request().resourceType()))
        responses.push(response)
    }
    page.on('response', keep)
    // In the page itself, from before its first byte: the first moment at which a letter typed is a letter shown.
    await page.addInitScript(() => {
      const typed = 'x'
      const attempt = () => {
        const box = document.querySelector('textarea')
        if (box !== null && box.value === typed) {
          requestAnimationFrame(() => performance.mark('interactive'))
          return
        }
        if (box !== null) {
          Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, 'value')!.set!.call(box, typed)
          box.dispatchEvent(new InputEvent('input', { bubbles: true }))
        }
        requestAnimationFrame(attempt)
      }
      requestAnimationFrame(attempt)
    })
    await page.goto(url, { waitUntil: 'commit' })
    await page.waitForFunction(() => performance.getEntriesByName('interactive').length > 0)
    const interactiveMs = await page.evaluate(() => performance.getEntriesByName('interactive')[0]!.startTime)
    await page.waitForLoadState('networkidle')
    page.off('response', keep)
    let gzipBytes = 0
    for (const response of responses) gzipBytes += gzipSync(await response.body(), { level: 9 }).length
    return { interactiveMs, gzipBytes, requests: responses.length }
  } finally {
    await context.close()
  }
}

async function emptyPage(): Promise<{ server: Server; url: string }> {
  const result = await build({
    stdin: { contents: EMPTY_PAGE, resolveDir: join(import.meta.dirname, '../..') },
    bundle: true,
    minify: true,
    format: 'esm',
    write: false,
    define: { 'process.env.NODE_ENV': '"production"' },
    logLevel: 'silent',
  })
  const script = gzipSync(result.outputFiles[0]!.contents, { level: 9 })
  const shell =
    '<!doctype html><title>empty</title><div id="root"></div><script type="module" src="/page.js"></script>'
  const server = createServer((request, response) => {
    if (request.url === '/page.js') {
      response.writeHead(200, { 'content-type': 'text/javascript', 'content-encoding': 'gzip' }).end(script)
    } else response.writeHead(200, { 'content-type': 'text/html' }).end(shell)
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` }
}

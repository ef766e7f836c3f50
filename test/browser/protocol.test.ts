import assert from 'node:assert/strict'
import { builtinModules } from 'node:module'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { chromium } from 'playwright-core'
import { CHROMIUM_FLAGS, findChromium } from '../helpers/chromium.ts'
import { generateVectors } from '../vectors/generate.ts'

describe('protocol in a browser', () => {
  let script: string
  let inputs: string[]

  before(async () => {
    const result = await build({
      entryPoints: [fileURLToPath(new URL('./protocol-page.ts', import.meta.url))],
      bundle: true,
      platform: 'browser',
      format: 'iife',
      write: false,
      metafile: true,
      // A builtin that slips in stays visible in the bundle's imports instead of failing to resolve.
      external: [...builtinModules, ...builtinModules.map(name => `node:${name}`)],
      logLevel: 'silent',
    })
    script = result.outputFiles[0]!.text
    inputs = Object.values(result.metafile.outputs).flatMap(output => output.imports.map(({ path }) => path))
  })

  it('bundles without a Node builtin', () => {
    assert.deepEqual(inputs, [])
  })

  it('reproduces every vector in Chromium', async () => {
    const executablePath = findChromium()
    assert.ok(executablePath, 'no Chromium: run npm run setup -- --browser')
    const browser = await chromium.launch({ executablePath, args: CHROMIUM_FLAGS })
    try {
      const page = await browser.newPage()
      const errors: string[] = []
      page.on('pageerror', error => errors.push(error.message))
      await page.setContent('<!doctype html><title>protocol</title>')
      await page.addScriptTag({ content: script })
      const failures = await page.evaluate(vectors => window.runVectors(vectors), generateVectors())
      assert.deepEqual([...errors, ...failures], [])
    } finally {
      await browser.close()
    }
  })
})

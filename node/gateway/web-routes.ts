import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fastifyStatic from '@fastify/static'
import { GatewayError } from './http/http-error.ts'
import type { GatewayPlugin, GatewayReply } from './http/plugin.ts'

/** Where the built page lies: beside its sources, and beside this file when published. */
const DIST = fileURLToPath(new URL('./web/dist/', import.meta.url))

/** Parts of the page: their addresses are the shell, whatever follows. */
const PAGES = ['/', '/network', '/wallet', '/earn', '/learn', '/proof', '/proof/*', '/settings']

/**
 * What the page may load and run: its own files only. It may connect to the node, and to chains over HTTPS or on this
 * machine, so that proofs are checked without the node.
 */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self' https: http://127.0.0.1:* http://localhost:*",
  "frame-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/**
 * Of the frame that shows HTML a model wrote: an origin of its own, scripts within, and no way out, neither to the
 * network nor to the page.
 */
const FRAME_POLICY = [
  'sandbox allow-scripts',
  "default-src 'none'",
  "script-src 'unsafe-inline'",
  "style-src 'unsafe-inline'",
  'img-src data: blob:',
  'font-src data:',
  'media-src data: blob:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'self'",
].join('; ')

const COMMON_HEADERS = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=(), payment=(), usb=()',
} as const

/** Serves the page. Without a build, says how to make one. */
export const webRoutes: GatewayPlugin = async app => {
  const shell = existsSync(join(DIST, 'index.html')) ? await readFile(join(DIST, 'index.html'), 'utf8') : null
  const isBuilt = shell !== null
  const isPublic = { config: { needs: 'public' } } as const

  const sendShell = (reply: GatewayReply, status = 200) => {
    if (shell === null)
      throw new GatewayError('NOT_FOUND', 'the page has not been built', {
        fix: 'Run npm run setup, and start the node again.',
      })
    // Names of assets change with each build: the shell is asked for each time.
    return reply
      .code(status)
      .headers({ ...COMMON_HEADERS, 'content-security-policy': PAGE_POLICY, 'cache-control': 'no-cache' })
      .type('text/html; charset=utf-8')
      .send(shell)
  }
  for (const path of PAGES) app.get(path, isPublic, (_, reply) => sendShell(reply))
  // Whoever opens a wrong address in a browser gets the page, which says so; programs get the error they know.
  app.get('/*', isPublic, (request, reply) => {
    if (request.headers.accept?.includes('text/html') !== true) return reply.callNotFound()
    return sendShell(reply, 404)
  })
  if (!isBuilt) return

  const frame = await readFile(join(DIST, 'frame.html'), 'utf8')
  app.get('/frame.html', isPublic, (_, reply) =>
    reply
      .headers({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'content-security-policy': FRAME_POLICY,
        'cache-control': 'no-cache',
      })
      .type('text/html; charset=utf-8')
      .send(frame),
  )
  // Names are hashes of what is under them: it never changes. The build lays compressed copies beside the files.
  await app.register(fastifyStatic, {
    root: join(DIST, 'assets'),
    serve: false,
    index: false,
    dotfiles: 'ignore',
    preCompressed: true,
    immutable: true,
    maxAge: '365d',
  })
  app.get('/assets/*', isPublic, (request, reply) =>
    reply.headers(COMMON_HEADERS).sendFile((request.params as { '*': string })['*']),
  )
  app.get('/favicon.svg', isPublic, (_, reply) => reply.headers(COMMON_HEADERS).sendFile('favicon.svg', DIST))
}

import { type McpServer, ResourceTemplate } from '@modelcontextprotocol/sdk/server/mcp.js'
import type { ReadResourceResult } from '@modelcontextprotocol/sdk/types.js'
import type { McpBackend } from './backend.ts'

const MIME = 'application/json'
/** Of one reading. */
const MAX_RECEIPTS = 100
const MAX_COMPLETIONS = 20

/** Registers what can be read: the node's status, and receipts. */
export function registerResources(server: McpServer, backend: McpBackend): void {
  if (backend.rights.has('look')) {
    server.registerResource(
      'status',
      'shoal://status',
      { title: 'Status', description: 'How the node is doing', mimeType: MIME },
      async uri => contentOf(uri, await backend.status()),
    )
  }
  if (!backend.rights.has('money')) return
  server.registerResource(
    'receipts',
    'shoal://receipts',
    {
      title: 'Receipts',
      description: `The newest ${MAX_RECEIPTS} receipts of tasks asked for and done`,
      mimeType: MIME,
    },
    async uri => contentOf(uri, await backend.receipts(MAX_RECEIPTS)),
  )
  server.registerResource(
    'receipt',
    new ResourceTemplate('shoal://receipts/{receipt}', {
      list: undefined,
      complete: { receipt: prefix => receiptsLike(backend, prefix) },
    }),
    { title: 'A receipt', description: 'One receipt, by its CID', mimeType: MIME },
    async (uri, { receipt }) => contentOf(uri, await backend.receipt(String(receipt))),
  )
}

/** CIDs of newest receipts that begin so. */
export async function receiptsLike(backend: McpBackend, prefix: string): Promise<string[]> {
  const newest = await backend.receipts(MAX_RECEIPTS)
  return newest
    .map(({ receipt }) => receipt)
    .filter(cid => cid.startsWith(prefix))
    .slice(0, MAX_COMPLETIONS)
}

function contentOf(uri: URL, value: unknown): ReadResourceResult {
  return { contents: [{ uri: uri.href, mimeType: MIME, text: JSON.stringify(value) }] }
}

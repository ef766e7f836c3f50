import { completable } from '@modelcontextprotocol/sdk/server/completable.js'
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { z } from 'zod'
import type { McpBackend } from './backend.ts'
import { receiptsLike } from './resources.ts'

/** Registers what people can begin with. */
export function registerPrompts(server: McpServer, backend: McpBackend): void {
  if (backend.rights.has('look')) {
    server.registerPrompt(
      'compare_prices',
      {
        title: 'Compare prices',
        description: 'What a question would cost with each model on the market',
        argsSchema: { question: z.string().max(4_096).describe('What is to be asked') },
      },
      ({ question }) =>
        said(
          `Look at the market with the tool market. Estimate how many tokens the question below and a good answer to it have, and say in a short table what each model would charge and which you would take. Ask nothing yet.\n\nQuestion: ${question}`,
        ),
    )
  }
  if (!backend.rights.has('money')) return
  server.registerPrompt(
    'explain_receipt',
    {
      title: 'Explain a receipt',
      description: 'What a receipt says, and whether it holds',
      argsSchema: {
        receipt: completable(z.string().max(128), prefix => receiptsLike(backend, prefix)),
      },
    },
    ({ receipt }) =>
      said(
        `Check the receipt ${receipt} with the tool verify_receipt, find it with the tool receipts, and explain in plain words who did what for whom at what price, what was checked, and what the verdict means.`,
      ),
  )
}

function said(text: string) {
  return { messages: [{ role: 'user' as const, content: { type: 'text' as const, text } }] }
}

import { z } from 'zod'
import { EventProofs } from '../../auditlog/event-proofs.ts'
import type { ShoalNode, TradeParts } from '../../node.ts'
import type { BookedReceipt } from '../../tasks/receipt-book.ts'
import { GatewayError } from '../http/http-error.ts'
import type { GatewayPlugin } from '../http/plugin.ts'
import type { Principal } from '../http/principal.ts'
import { proofSchema, proofView, receiptProofView } from '../proof-views.ts'
import { receiptSchema } from '../receipt-schema.ts'
import { type ReceiptView, receiptView } from '../views.ts'
import { assertOwners, seesAll } from './control-routes.ts'
import { principalOf } from './event-routes.ts'

const cid = z.string().regex(/^[a-z2-7]{20,128}$/, 'is no CID')
const sequence = z.string().regex(/^\d{1,15}$/)
const MAX_RECEIPTS = 1_000
/** Receipts looked through for those of one tenant. */
const MAX_LOOKED_AT = 10_000
const TAGS = ['receipts']

/** Receipts, and all that is needed to check one without asking this node. */
export const receiptRoutes: GatewayPlugin = (app, { node }) => {
  const provers = new Provers()

  app.route({
    ...{ method: 'GET', url: '/api/receipts', config: { needs: 'look' } },
    schema: {
      summary: 'Receipts of tasks asked for and done, the newest first; a tenant gets its own',
      tags: TAGS,
      querystring: z.strictObject({ limit: z.coerce.number().int().min(1).max(MAX_RECEIPTS).default(20) }),
      response: { 200: z.array(receiptSchema) },
    },
    handler: async request => {
      const principal = principalOf(request)
      const { limit } = request.query
      return receiptsOf(node, principal, limit)
    },
  })

  app.route({
    ...{ method: 'GET', url: '/api/receipts/:cid', config: { needs: 'look' } },
    schema: {
      ...{ summary: 'A receipt', tags: TAGS, params: z.strictObject({ cid }) },
      response: { 200: receiptSchema },
    },
    handler: async request => receiptView(await receiptOf(node, request.params.cid, principalOf(request))),
  })

  app.route({
    ...{ method: 'GET', url: '/api/proofs/:name', config: { needs: 'look' } },
    schema: {
      summary: 'The proof of a receipt by its CID, or of an event of the audit log by its sequence',
      description:
        'Signed records as they are, the way from the event to a Merkle root, and where AuditAnchor has it: to be checked without this node.',
      tags: TAGS,
      params: z.strictObject({ name: z.union([cid, sequence]) }),
      response: { 200: proofSchema },
    },
    handler: async request => {
      const principal = principalOf(request)
      const { name } = request.params
      if (!sequence.safeParse(name).success)
        return receiptProofView(
          await receiptOf(node, name, principal),
          node.tradeOrNull === null ? null : provers.of(node, node.tradeOrNull),
        )
      assertOwners(principal)
      const proof = await provers.of(node, node.trade).proofs.of(Number(name))
      if (proof !== null) return proofView(proof)
      throw new GatewayError('NOT_FOUND', `the audit log has no event ${name}`, {
        fix: `It has ${node.parts.eventLog.lastSequence}.`,
      })
    },
  })
}

/** What proves events, made when the chain has answered: that may be after the door was opened. */
class Provers {
  #made: EventProofs | null = null

  of({ parts }: ShoalNode, { economy }: TradeParts) {
    const { logIndex: index, client } = economy
    this.#made ??= new EventProofs({ log: parts.eventLog, index, client, wallet: parts.wallet.address })
    return { index, proofs: this.#made }
  }
}

/** Receipts of what somebody asked for, the newest first; of all that the node asked for and did for who sees all. */
export async function receiptsOf(
  node: ShoalNode,
  principal: Principal,
  limit: number,
): Promise<ReceiptView[]> {
  const found: ReceiptView[] = []
  const all = seesAll(principal)
  for await (const booked of node.parts.receipts.list({ limit: all ? limit : MAX_LOOKED_AT })) {
    if (all || (await isOf(node, booked, principal))) found.push(receiptView(booked))
    if (found.length === limit) break
  }
  return found
}

/** @throws {GatewayError} NOT_FOUND, also where it is another tenant's */
export async function receiptOf(node: ShoalNode, name: string, principal: Principal): Promise<BookedReceipt> {
  const booked = await node.parts.receipts.find(name)
  if (booked !== null && (seesAll(principal) || (await isOf(node, booked, principal)))) return booked
  throw new GatewayError('NOT_FOUND', 'there is no such receipt here', {
    fix: '/api/receipts lists receipts.',
  })
}

async function isOf(
  node: ShoalNode,
  { role, receipt }: BookedReceipt,
  { tenant }: Principal,
): Promise<boolean> {
  return role === 'requester' && (await node.parts.eventDesk.tenants.of(receipt.taskId)) === tenant
}

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import {
  type ClientCapabilities,
  ElicitRequestSchema,
  type ElicitResult,
} from '@modelcontextprotocol/sdk/types.js'
import fc from 'fast-check'
import type {
  McpAnswer,
  McpAskRequest,
  McpBackend,
  McpRight,
} from '../../../../../node/gateway/mcp/backend.ts'
import { mcpServerFor } from '../../../../../node/gateway/mcp/server.ts'
import { ShoalError } from '../../../../../protocol/errors.ts'
import { formatCredits } from '../../../../../protocol/money.ts'
import { silentLog } from '../../../../helpers/hosts.ts'
import { ManualClock } from '../../../../helpers/manual-clock.ts'

const ANSWER: McpAnswer = {
  ...{
    text: 'a whole answer',
    finish: 'stop',
    model: 'nano',
    provider: 'local',
    promptTokens: 3,
    outputTokens: 3,
  },
  ...{ cost: 7n, taskIds: ['t'], receipts: ['bafy'] },
}

/** Counts what is asked; the node behind real servers is in the integration test. */
class AskedBackend implements McpBackend {
  readonly rights: ReadonlySet<McpRight>
  readonly asked: McpAskRequest[] = []
  answer: McpBackend['ask'] = async () => ANSWER

  constructor(rights: readonly McpRight[] = ['look', 'money', 'spend', 'own']) {
    this.rights = new Set(rights)
  }

  ask: McpBackend['ask'] = (request, options) => {
    this.asked.push(request)
    return this.answer(request, options)
  }
  embed: McpBackend['embed'] = async () => {
    throw new ShoalError('KIND_NOT_OFFERED', 'nobody embeds', { fix: 'Offer a model that does' })
  }
  market: McpBackend['market'] = async () => {
    throw new Error('a defect with a secret in it')
  }
  offers: McpBackend['offers'] = async () => []
  balance: McpBackend['balance'] = async () => ({
    holder: 'acme',
    address: null,
    spendable: '1',
    wallet: null,
  })
  receipts: McpBackend['receipts'] = async () => []
  receipt: McpBackend['receipt'] = async () => assert.fail('not asked for')
  verifyReceipt: McpBackend['verifyReceipt'] = async () => assert.fail('not asked for')
  learning: McpBackend['learning'] = async () => assert.fail('not asked for')
  status: McpBackend['status'] = async () => assert.fail('not asked for')
}

const CALL = { prompt: 'What is Shoal?', maxPrice: '0.01' }

describe('the MCP server', () => {
  const clients: Client[] = []
  afterEach(async () => {
    for (const client of clients.splice(0)) await client.close()
  })

  const connect = async (
    backend: McpBackend,
    capabilities: ClientCapabilities = {},
    elicited?: (message: string) => ElicitResult,
  ) => {
    const server = mcpServerFor({ backend, clock: new ManualClock(), log: silentLog, randomBytes })
    const client = new Client({ name: 'test', version: '1' }, { capabilities })
    if (elicited !== undefined)
      client.setRequestHandler(ElicitRequestSchema, async ({ params }) => elicited(params.message))
    const [ours, theirs] = InMemoryTransport.createLinkedPair()
    await server.connect(ours)
    await client.connect(theirs)
    clients.push(client)
    return client
  }
  const call = async (client: Client, name: string, given: Record<string, unknown>) => {
    const result = await client.callTool({ name, arguments: given })
    const [part] = result.content as { text: string }[]
    const structured = result.structuredContent as Record<string, unknown> | undefined
    return { isError: result.isError === true, text: part!.text, structured, meta: result._meta }
  }

  it('spends nothing before a second call with the token of the first', async () => {
    const backend = new AskedBackend()
    const client = await connect(backend)
    const first = await call(client, 'ask', CALL)
    assert.equal(first.structured!.status, 'confirmation_required')
    assert.equal(backend.asked.length, 0)
    const { confirm } = first.structured!.confirmation as { confirm: string }
    const raised = await call(client, 'ask', { ...CALL, maxPrice: '100', confirm })
    assert.ok(raised.isError)
    assert.match(raised.text, /^MCP_CONFIRMATION_INVALID: .*Call without confirm/)
    assert.equal(backend.asked.length, 0)

    const again = (await call(client, 'ask', CALL)).structured!.confirmation as { confirm: string }
    const done = await call(client, 'ask', { ...CALL, confirm: again.confirm })
    assert.deepEqual(
      [done.structured!.status, done.structured!.cost, done.text],
      ['done', formatCredits(7n), ANSWER.text],
    )
    assert.equal(backend.asked[0]!.maxPrice, 10n ** 16n)
    assert.ok((await call(client, 'ask', { ...CALL, confirm: again.confirm })).isError)
    assert.equal(backend.asked.length, 1)
  })

  it('tokens of one client are worth nothing to another', async () => {
    const backend = new AskedBackend()
    const [one, other] = [await connect(backend), await connect(backend)]
    const { confirm } = (await call(one, 'ask', CALL)).structured!.confirmation as { confirm: string }
    assert.ok((await call(other, 'ask', { ...CALL, confirm })).isError)
    assert.equal(backend.asked.length, 0)
  })

  it('asks the person where the client can, and takes only a plain yes', async () => {
    const backend = new AskedBackend()
    const asked: string[] = []
    let answer: ElicitResult = { action: 'accept', content: { spend: true } }
    const client = await connect(backend, { elicitation: { form: {} } }, message => {
      asked.push(message)
      return answer
    })
    assert.equal((await call(client, 'ask', { ...CALL, model: 'nano' })).structured!.status, 'done')
    assert.match(asked[0]!, /nano may cost up to 0.01 credits/)
    for (answer of [
      { action: 'decline' },
      { action: 'cancel' },
      { action: 'accept', content: { spend: false } },
    ] as ElicitResult[]) {
      const declined = await call(client, 'ask', CALL)
      assert.match(declined.text, /^MCP_SPENDING_DECLINED: /)
    }
    // A token is no way around the person.
    assert.match((await call(client, 'ask', { ...CALL, confirm: 'x' })).text, /DECLINED/)
    assert.equal(backend.asked.length, 1)
  })

  it('takes what is free without asking', async () => {
    const backend = new AskedBackend()
    const client = await connect(backend)
    await call(client, 'ask', { ...CALL, maxPrice: '0' })
    await call(client, 'ask', { ...CALL, maxPrice: '0.000' })
    assert.deepEqual(
      backend.asked.map(({ maxPrice }) => maxPrice),
      [0n, 0n],
    )
  })

  it('never asks for more than was agreed to, whatever is called', async () => {
    const price = fc.constantFrom('0', '0.01', '0.5', '2')
    const step = fc.record({
      prompt: fc.constantFrom('a', 'b'),
      maxPrice: price,
      token: fc.nat(4),
      confirms: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async steps => {
        const backend = new AskedBackend()
        const client = await connect(backend)
        const tokens: { confirm: string; agreed: string }[] = []
        const used = new Set<string>()
        for (const { prompt, maxPrice, token, confirms } of steps) {
          const given = confirms ? tokens[token] : undefined
          const before = backend.asked.length
          const { structured } = await call(client, 'ask', {
            ...{ prompt, maxPrice },
            ...(given === undefined ? {} : { confirm: given.confirm }),
          })
          const waits = structured?.confirmation as { confirm: string } | null | undefined
          if (waits != null) tokens.push({ confirm: waits.confirm, agreed: `${prompt} ${maxPrice}` })
          const isAgreed =
            given !== undefined && given.agreed === `${prompt} ${maxPrice}` && !used.has(given.confirm)
          assert.equal(backend.asked.length - before, maxPrice === '0' || isAgreed ? 1 : 0)
          if (given !== undefined && maxPrice !== '0') used.add(given.confirm)
        }
      }),
      { numRuns: 25 },
    )
  })

  it('tells how an answer grows, however fast it comes', async () => {
    const backend = new AskedBackend()
    backend.answer = async (_request, { onText }) => {
      for (const text of ['a ', 'whole ']) onText(text, 1)
      await new Promise(resolve => setImmediate(resolve))
      onText('answer', 1)
      return ANSWER
    }
    const client = await connect(backend)
    const told: { progress: number; total?: number | undefined; message?: string | undefined }[] = []
    await client.callTool({ name: 'ask', arguments: { ...CALL, maxPrice: '0', maxTokens: 9 } }, undefined, {
      onprogress: progress => void told.push(progress),
    })
    assert.equal(told.map(({ message }) => message).join(''), ANSWER.text)
    assert.deepEqual([told.at(-1)!.progress, told.at(-1)!.total], [3, 9])
    const counts = told.map(({ progress }) => progress)
    assert.ok(counts.every((count, i) => i === 0 || count > counts[i - 1]!))
  })

  it('cancels at the provider what the client gives up', async () => {
    const backend = new AskedBackend()
    const { promise: cancelled, resolve } = Promise.withResolvers<void>()
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
    backend.answer = (_request, { signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          resolve()
          reject(new DOMException('cancelled', 'AbortError'))
        })
        begin()
      })
    const client = await connect(backend)
    const abort = new AbortController()
    const given = { name: 'ask', arguments: { ...CALL, maxPrice: '0' } }
    const waiting = client.callTool(given, undefined, { signal: abort.signal })
    await begun
    abort.abort('enough')
    await assert.rejects(waiting, /enough/)
    await cancelled
  })

  it('tells what went wrong with code and way out, and nothing of defects', async () => {
    const client = await connect(new AskedBackend())
    const failed = await call(client, 'embed', { texts: ['a'], maxPrice: '0' })
    assert.deepEqual(
      [failed.isError, failed.text],
      [true, 'KIND_NOT_OFFERED: nobody embeds. Offer a model that does'],
    )
    const defect = await call(client, 'market', {})
    assert.ok(defect.isError)
    assert.doesNotMatch(defect.text, /secret/)
    for (const wrong of [
      { prompt: 'a' },
      { ...CALL, maxPrice: '-1' },
      { ...CALL, prompt: '' },
      { ...CALL, extra: 1 },
    ])
      assert.match((await call(client, 'ask', wrong)).text, /Invalid arguments/)
  })

  it('shows each caller what it may use, and no more', async () => {
    const names = async (rights: McpRight[]) => {
      const client = await connect(new AskedBackend(rights))
      const { tools } = await client.listTools()
      return tools.map(({ name }) => name).sort()
    }
    assert.deepEqual(await names(['look']), ['market'])
    assert.deepEqual(await names(['look', 'money', 'spend']), [
      'ask',
      'embed',
      'market',
      'receipts',
      'verify_receipt',
      'wallet_balance',
    ])
    const stranger = await connect(new AskedBackend(['look', 'spend']))
    assert.deepEqual(
      (await stranger.listResources()).resources.map(({ uri }) => uri),
      ['shoal://status'],
    )
    await assert.rejects(stranger.readResource({ uri: 'shoal://receipts' }), /not found/)
    const unseen = await call(stranger, 'receipts', {})
    assert.ok(unseen.isError)
  })
})

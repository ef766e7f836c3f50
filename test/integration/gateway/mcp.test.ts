import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import {
  ElicitRequestSchema,
  LATEST_PROTOCOL_VERSION,
  SUPPORTED_PROTOCOL_VERSIONS,
} from '@modelcontextprotocol/sdk/types.js'
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/ajv-provider.js'
import { z } from 'zod'
import { tenantInput } from '../../../node/gateway/accounts/account-schemas.ts'
import { ControlClient } from '../../../node/gateway/control-client.ts'
import { controlEndpoint } from '../../../node/gateway/control-endpoint.ts'
import { controlHandlers } from '../../../node/gateway/control-handlers.ts'
import { ControlServer } from '../../../node/gateway/control-server.ts'
import { Door } from '../../../node/gateway/http/door.ts'
import type { GatewayScope } from '../../../node/gateway/http/principal.ts'
import type { ToolAnswerView } from '../../../node/gateway/inference-handlers.ts'
import { ServedModels } from '../../../node/gateway/served-models.ts'
import { parseCredits } from '../../../protocol/money.ts'
import { silentLog } from '../../helpers/hosts.ts'
import { TestNetwork, type TestNode } from '../../helpers/nodes.ts'
import { waitUntil } from '../../helpers/wait.ts'

const TOOLS = ['ask', 'embed', 'learn_status', 'market', 'receipts', 'verify_receipt', 'wallet_balance']

/** Takes so long that it can be cancelled. */
const LONG = { type: 'array', items: { enum: ['shoal'] }, minItems: 200, maxItems: 200 }

interface Called {
  isError: boolean
  text: string
  structured: Record<string, unknown>
}

async function call(client: Client, name: string, given: Record<string, unknown> = {}): Promise<Called> {
  // The client checks structured answers against the tool's schema by itself, once it has listed the tools.
  const result = await client.callTool({ name, arguments: given })
  const [part] = result.content as { text: string }[]
  return {
    isError: result.isError === true,
    text: part!.text,
    structured: (result.structuredContent ?? {}) as Record<string, unknown>,
  }
}

describe('the node and MCP', () => {
  const network = new TestNetwork()
  let asker: TestNode
  let provider: TestNode
  let door: Door
  let control: ControlServer
  let url: URL

  before(async () => {
    await network.start()
    provider = await network.node()
    const servers = join(await network.folder(), 'servers.yaml')
    const args = [new URL('../../helpers/mcp-tool-server.ts', import.meta.url).pathname]
    const test = { command: process.execPath, args, tools: ['secret'], env: ['PATH'] }
    await writeFile(servers, JSON.stringify({ servers: { test } }))
    asker = await network.node({
      ...{ 'models.serve': '', 'p2p.bootstrap': provider.address, 'mcp.servers': servers },
    })
    await asker.knows(provider)
    const { node } = asker
    const modules = { node, served: new ServedModels(node.events), shutDown: () => {} }
    door = new Door(modules)
    url = new URL(`${(await door.open('127.0.0.1:0')).url}/mcp`)
    control = new ControlServer(
      { endpoint: controlEndpoint(node.dataDir) },
      { handlers: controlHandlers(node, { ...modules, door }), log: silentLog },
    )
    await control.start()
  })
  after(async () => {
    await control.stop()
    await door.stop()
    await network.stop()
  })

  const transports: Record<string, () => Transport> = {
    'over HTTP': () => new StreamableHTTPClientTransport(url),
    'over standard input and output': () =>
      new StdioClientTransport({
        command: process.execPath,
        args: [new URL('../../../cli/main.ts', import.meta.url).pathname, 'mcp', '--data', asker.root],
        stderr: 'inherit',
      }),
  }

  for (const [where, transport] of Object.entries(transports)) {
    describe(where, () => {
      let client: Client
      let spend = true
      const asked: string[] = []

      before(async () => {
        client = new Client({ name: 'test', version: '1' }, { capabilities: { elicitation: {} } })
        client.setRequestHandler(ElicitRequestSchema, async ({ params }) => {
          asked.push(params.message)
          return spend ? { action: 'accept', content: { spend: true } } : { action: 'decline' }
        })
        await client.connect(transport())
      })
      after(() => client.close())

      it('says what it is, and lists what it has', async () => {
        assert.equal(client.getServerVersion()?.name, 'shoal')
        assert.match(client.getInstructions() ?? '', /maxPrice/)
        await client.ping()
        const { tools } = await client.listTools()
        assert.deepEqual(tools.map(({ name }) => name).sort(), TOOLS)
        const ajv = new AjvJsonSchemaValidator()
        for (const { name, title, description, inputSchema, outputSchema, annotations } of tools) {
          for (const schema of [inputSchema, outputSchema!]) {
            assert.equal(schema.type, 'object')
            ajv.getValidator(schema)
          }
          assert.ok(title !== undefined && description !== undefined && annotations !== undefined)
          const spends = name === 'ask' || name === 'embed'
          assert.deepEqual([annotations.readOnlyHint, annotations.destructiveHint], [!spends, spends])
        }
        const { resources } = await client.listResources()
        assert.deepEqual(resources.map(({ uri }) => uri).sort(), ['shoal://receipts', 'shoal://status'])
        const { resourceTemplates } = await client.listResourceTemplates()
        assert.deepEqual(
          resourceTemplates.map(({ uriTemplate }) => uriTemplate),
          ['shoal://receipts/{receipt}'],
        )
        const { prompts } = await client.listPrompts()
        assert.deepEqual(prompts.map(({ name }) => name).sort(), ['compare_prices', 'explain_receipt'])
        const unknown = client.request({ method: 'nothing/here' }, z.object({}))
        await assert.rejects(unknown, { code: -32601 })
      })

      it('has a question answered by the network, within the price, with a receipt that holds', async () => {
        spend = true
        const told: string[] = []
        const given = { prompt: 'Tell me of the sea.', maxPrice: '0.01', maxTokens: 24 }
        const result = await client.callTool({ name: 'ask', arguments: given }, undefined, {
          onprogress: ({ message = '' }) => void told.push(message),
        })
        const answer = result.structuredContent as Record<string, string & string[]>
        assert.match(asked.at(-1)!, /up to 0.01 credits/)
        assert.equal(told.join(''), answer.text)
        assert.notEqual(answer.text, '')
        const cost = parseCredits(answer.cost!)
        assert.ok(cost > 0n && cost <= parseCredits('0.01'))

        const [receipt] = answer.receipts!
        const listed = (await call(client, 'receipts')).structured.receipts as {
          receipt: string
          amount: string
        }[]
        assert.equal(listed.find(each => each.receipt === receipt)?.amount, answer.cost)
        const read = await client.readResource({ uri: `shoal://receipts/${receipt}` })
        assert.equal(JSON.parse((read.contents[0] as { text: string }).text).receipt, receipt)
        const verified = await call(client, 'verify_receipt', { receipt: receipt! })
        const checks = verified.structured.checks as { check: string; result: string }[]
        assert.equal(checks.find(({ check }) => check === 'provider_signature')?.result, 'right')
        assert.notEqual(verified.structured.verdict, 'altered')
      })

      it('spends nothing when the person says no', async () => {
        const before = (await call(client, 'receipts')).structured
        spend = false
        const declined = await call(client, 'ask', { prompt: 'a', maxPrice: '0.01' })
        assert.ok(declined.isError)
        assert.match(declined.text, /^MCP_SPENDING_DECLINED/)
        const free = await call(client, 'ask', { prompt: 'a', maxPrice: '0' })
        assert.ok(free.isError, 'nobody works for nothing here')
        assert.deepEqual((await call(client, 'receipts')).structured, before)
      })

      it('embeds texts', async () => {
        spend = true
        const { structured, text } = await call(client, 'embed', { texts: ['sea', 'ship'], maxPrice: '0.01' })
        assert.equal(structured.status, 'done', text)
        const vectors = structured.vectors as number[][]
        assert.deepEqual(
          vectors.map(({ length }) => length),
          [structured.dimensions, structured.dimensions],
        )
        assert.ok((structured.dimensions as number) > 1)
      })

      it('tells of market, wallet, learning and status', async () => {
        const market = (await call(client, 'market')).structured
        const [model] = market.models as { name: string; offers: number }[]
        assert.equal(model!.offers, 1)
        assert.equal((market.offers as unknown[]).length, 1)
        const nobody = await call(client, 'market', { model: 'no-such-model' })
        assert.match(nobody.text, /^MODEL_NOT_OFFERED: .*On the market are/)
        const { wallet } = (await call(client, 'wallet_balance')).structured as {
          wallet: { credits: string }
        }
        assert.ok(parseCredits(wallet.credits) > 0n)
        assert.equal(typeof (await call(client, 'learn_status')).structured.enabled, 'boolean')
        const status = await client.readResource({ uri: 'shoal://status' })
        assert.equal(JSON.parse((status.contents[0] as { text: string }).text).peers, 1)
      })

      it('has prompts, and completes what they take', async () => {
        const prompt = await client.getPrompt({ name: 'explain_receipt', arguments: { receipt: 'bafyxyz' } })
        assert.match((prompt.messages[0]!.content as { text: string }).text, /bafyxyz/)
        const argument = { name: 'receipt', value: 'baf' }
        const { completion } = await client.complete({
          ref: { type: 'ref/prompt', name: 'explain_receipt' },
          argument,
        })
        assert.ok(completion.values.length > 0)
        await assert.rejects(client.getPrompt({ name: 'nothing' }), { code: -32602 })
        await assert.rejects(client.readResource({ uri: 'shoal://nothing' }), { code: -32602 })
      })

      it('refuses what its schemas do not allow', async () => {
        for (const [name, given] of [
          ['ask', { prompt: 'a' }],
          ['ask', { prompt: 'a', maxPrice: 'much' }],
          ['ask', { prompt: 'a', maxPrice: '1', unknown: true }],
          ['receipts', { limit: 0 }],
          ['nothing', {}],
        ] as const)
          assert.ok((await call(client, name, given)).isError, name)
        const tool = await call(client, 'ask', { prompt: 'a', maxPrice: '0', tools: ['none/here'] })
        assert.match(tool.text, /^TOOL_UNKNOWN/)
      })

      it('cancels at the provider', async () => {
        const abort = new AbortController()
        const begun = provider.told.length
        const given = { prompt: 'What is Shoal?', maxPrice: '0.1', maxTokens: 900, schema: LONG }
        const waiting = client.callTool({ name: 'ask', arguments: given }, undefined, {
          signal: abort.signal,
          onprogress: () => abort.abort(),
        })
        await assert.rejects(waiting)
        await waitUntil('the provider has been told', () =>
          provider.told
            .slice(begun)
            .some(event => event.type === 'task-done' && event.reason === 'cancelled'),
        )
      })
    })
  }

  describe('and as an MCP client', () => {
    const chat = (shoal: Record<string, unknown>) =>
      fetch(new URL('/v1/chat/completions', url), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          ...{ model: 'auto', tool_choice: 'required', temperature: 0, max_tokens: 64, shoal },
          messages: [{ role: 'user', content: 'What is the secret?' }],
        }),
      })

    it('lets an answer use its tools, all steps within one price', async () => {
      const response = await chat({ tools: ['test/secret'], maxPrice: '0.01' })
      const { choices, shoal } = (await response.json()) as {
        choices: { message: { tool_calls?: unknown }; finish_reason: string }[]
        shoal: { taskIds: string[]; receipts: string[]; cost: string; tools: unknown[] }
      }
      assert.deepEqual(shoal.tools, [{ name: 'test/secret', isError: false }])
      assert.equal(shoal.taskIds.length, 2)
      assert.equal(choices[0]!.message.tool_calls, undefined)
      let paid = 0n
      for await (const { cid, receipt } of asker.node.parts.receipts.list({ limit: 10 }))
        if (shoal.receipts.includes(cid)) paid += receipt.amount
      assert.equal(parseCredits(shoal.cost), paid)
      assert.ok(paid > 0n && paid <= parseCredits('0.01'))
    })

    it('refuses tools that nobody allowed', async () => {
      const response = await chat({ tools: ['test/hidden'] })
      assert.equal(response.status, 404)
      const { error } = (await response.json()) as { error: { code: string; message: string } }
      assert.equal(error.code, 'tool_unknown')
      assert.match(error.message, /There are: test\/secret/)
    })

    it('does the same for its owner’s commands', async () => {
      const client = new ControlClient(controlEndpoint(asker.node.dataDir))
      const told: unknown[] = []
      const messages = [{ role: 'user' as const, content: 'What is the secret?' }]
      const answer = (await client.stream(
        'ask',
        { messages, tools: ['test/secret'], maxPrice: '0.01', maxTokens: 32 },
        event => void told.push(event),
      )) as ToolAnswerView
      assert.equal(answer.status, 'completed')
      assert.ok(answer.receipts.length >= 1)
      const text = told.flatMap(event => {
        const { type, text } = event as { type: string; text: string }
        return type === 'output' ? [text] : []
      })
      assert.equal(text.join(''), answer.text)
    })
  })

  describe('as HTTP', () => {
    const post = (body: unknown, headers: Record<string, string> = {}) =>
      fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          ...headers,
        },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      })
    const initialize = (protocolVersion: string) => ({
      ...{ jsonrpc: '2.0', id: 1, method: 'initialize' },
      params: { protocolVersion, capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
    })
    const resultIn = async (response: Response) => {
      const data = (await response.text()).split('\n').filter(line => line.startsWith('data: {'))
      return JSON.parse(data.at(-1)!.slice('data: '.length)) as { result: Record<string, unknown> }
    }

    it('agrees on a version both know', async () => {
      for (const version of SUPPORTED_PROTOCOL_VERSIONS) {
        const { result } = await resultIn(await post(initialize(version)))
        assert.equal(result.protocolVersion, version)
      }
      const { result } = await resultIn(await post(initialize('2999-01-01')))
      assert.equal(result.protocolVersion, LATEST_PROTOCOL_VERSION)
    })

    it('refuses what is no message of a session', async () => {
      const ping = { jsonrpc: '2.0', id: 2, method: 'ping' }
      const answers = [
        [await post('{'), 400, -32700],
        [await post(ping), 400, -32000],
        [await post(ping, { 'mcp-session-id': 'guessed' }), 404, -32001],
        [await post(initialize('2025-11-25'), { accept: 'text/html' }), 406, -32000],
      ] as const
      for (const [response, status, code] of answers) {
        assert.equal(response.status, status)
        assert.equal(((await response.json()) as { error: { code: number } }).error.code, code)
      }
      const begun = await post(initialize('2025-11-25'))
      const session = { 'mcp-session-id': begun.headers.get('mcp-session-id')! }
      await begun.body?.cancel()
      const wrong = await post(ping, { ...session, 'mcp-protocol-version': '1999-01-01' })
      assert.equal(wrong.status, 400)
      assert.equal((await post(ping, session)).status, 200)
      assert.equal((await fetch(url, { method: 'DELETE', headers: session })).status, 200)
      assert.equal((await post(ping, session)).status, 404)
    })

    it('shows a tenant its own, and lets nobody into its session', async () => {
      const { accounts } = asker.node.parts
      await accounts.tenants.create(
        tenantInput.parse({ id: 'acme', policy: { budget: { amount: '0.5', per: 'day' } } }),
      )
      const keyOf = async (scopes: readonly GatewayScope[]) =>
        (
          await accounts.keys.create({
            ...{ tenant: 'acme', name: 'test', role: 'user', scopes, expiresAtMs: null, budget: null },
          })
        ).key
      const connect = async (key: string) => {
        const requestInit = { headers: { authorization: `Bearer ${key}` } }
        const transport = new StreamableHTTPClientTransport(url, { requestInit })
        const client = new Client({ name: 'test', version: '1' })
        await client.connect(transport)
        return { client, transport }
      }
      const { client, transport } = await connect(await keyOf(['look', 'infer', 'spend']))
      const { tools } = await client.listTools()
      assert.deepEqual(
        tools.map(({ name }) => name).sort(),
        TOOLS.filter(name => name !== 'learn_status'),
      )
      assert.deepEqual((await call(client, 'receipts')).structured.receipts, [])
      const balance = (await call(client, 'wallet_balance')).structured
      assert.deepEqual([balance.holder, balance.spendable, balance.wallet], ['acme', '0.5', null])
      const status = await client.readResource({ uri: 'shoal://status' })
      assert.equal(JSON.parse((status.contents[0] as { text: string }).text).dataDir, undefined)
      assert.match(
        (await call(client, 'ask', { prompt: 'a', maxPrice: '0', tools: ['test'] })).text,
        /^TOOL_UNKNOWN/,
      )

      const asked = { prompt: 'Tell me of the sea.', maxPrice: '0.01', maxTokens: 16 }
      const { confirm } = (await call(client, 'ask', asked)).structured.confirmation as { confirm: string }
      const answer = (await call(client, 'ask', { ...asked, confirm })).structured
      assert.equal(answer.status, 'done')
      const own = (await call(client, 'receipts')).structured.receipts as { receipt: string }[]
      assert.deepEqual(
        own.map(({ receipt }) => receipt),
        answer.receipts,
      )
      let foreign: string | null = null
      for await (const { cid } of asker.node.parts.receipts.list({ limit: 50 }))
        if (cid !== own[0]!.receipt) foreign ??= cid
      assert.match((await call(client, 'verify_receipt', { receipt: foreign! })).text, /^NOT_FOUND/)
      assert.ok(Number((await call(client, 'wallet_balance')).structured.spendable) < 0.5)

      const ping = { jsonrpc: '2.0', id: 2, method: 'ping' }
      const session = { 'mcp-session-id': transport.sessionId! }
      assert.equal((await post(ping, session)).status, 404)
      assert.equal((await post(ping, { origin: 'https://evil.example' })).status, 403)
      assert.equal((await post(ping, { authorization: 'Bearer shoal_wrong_key' })).status, 401)
      const onlooker = await connect(await keyOf(['look']))
      assert.deepEqual(
        (await onlooker.client.listTools()).tools.map(({ name }) => name),
        ['market'],
      )
      await Promise.all([client.close(), onlooker.client.close()])
    })

    it('goes on where a broken connection left it', async () => {
      const events: string[] = []
      const transport = new StreamableHTTPClientTransport(url)
      const client = new Client({ name: 'test', version: '1' })
      await client.connect(transport)
      await client.callTool({ name: 'ask', arguments: { prompt: 'a', maxPrice: '0.01' } }, undefined, {
        onresumptiontoken: token => void events.push(token),
      })
      assert.ok(events.length > 0)
      const answered: unknown[] = []
      const again = new StreamableHTTPClientTransport(url, { sessionId: transport.sessionId! })
      again.onmessage = message => void answered.push(message)
      await again.start()
      await again.resumeStream(events[0]!)
      await waitUntil('the answer is told again', () => answered.length > 0)
      assert.match(JSON.stringify(answered[0]), /confirmation_required/)
      await transport.terminateSession()
      await Promise.all([client.close(), again.close()])
    })
  })
})

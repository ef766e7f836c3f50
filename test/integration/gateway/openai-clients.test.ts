import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { HumanMessage } from '@langchain/core/messages'
import { tool as langchainTool } from '@langchain/core/tools'
import { ChatOpenAI } from '@langchain/openai'
import { generateText, jsonSchema, Output, streamText, tool } from 'ai'
import OpenAI, { APIError } from 'openai'
import { z } from 'zod'
import { Door } from '../../../node/gateway/http/door.ts'
import { ServedModels } from '../../../node/gateway/served-models.ts'
import { gatewayNetwork, type TestGateway } from '../../helpers/gateway.ts'
import { NANO, TestNetwork, type TestNode } from '../../helpers/nodes.ts'
import { OpenAiServer, part, refuses, says, saysAndStalls, streamed } from '../../helpers/openai-server.ts'

const QUESTION = 'What is Shoal?'
const ASKED = [{ role: 'user' as const, content: QUESTION }]
/** Of which the small model has no answer by heart. */
const STORY = [{ role: 'user' as const, content: 'Tell a story of 13 boats!' }]
const WEATHER = {
  type: 'object' as const,
  properties: { city: { type: 'string' as const, enum: ['Rome', 'Oslo'] } },
  required: ['city'],
}
const CALL = [
  'Let me see. <tool',
  '_call>\n{"name": "weather", "argu',
  'ments": {"city": "Rome"}}\n</tool_call>',
]
/** Of which the small model goes on for ever. */
const ENDLESS = 'fish fish fish fish fish fish'

describe('clients made for OpenAI, unchanged', () => {
  const network = new TestNetwork()
  /** A cloud service that says what tests tell it to. */
  const server = new OpenAiServer()
  let door: TestGateway
  let provider: TestNode
  let client: OpenAI

  before(async () => {
    await server.start()
    await network.start()
    const services = join(await network.folder(), 'services.json')
    const model = { input: '1', output: '4', contextTokens: 4_096, tokensPerSecond: 100, continues: 'plain' }
    const service = { url: server.url, dataClass: 'SHARED', models: [{ ...model, model: 'scripted' }] }
    // Whoever does not allow PUBLIC is not sent there.
    const spare = { ...service, dataClass: 'PUBLIC', models: [{ ...model, model: NANO }] }
    await writeFile(
      services,
      JSON.stringify({
        services: [
          { ...service, name: 'example' },
          { ...service, name: 'brittle', models: [{ ...model, model: 'brittle' }] },
          { ...service, name: 'refusing', models: [{ ...model, model: 'refusing' }] },
          { ...spare, name: 'spare' },
        ],
      }),
    )
    ;({ door, provider } = await gatewayNetwork(network, { 'cloud.services': services }))
    door.node.choosesByScore()
    client = new OpenAI({ baseURL: door.v1, apiKey: 'any', maxRetries: 0 })
  })
  after(async () => {
    await door.stop()
    await network.stop()
    await server.stop()
  })

  /** Asks a peer, for whom the price speaks. */
  const cheap = { model: 'shoal-nano', temperature: 0, max_tokens: 12 }

  /** The peer, as requests name it. */
  const peer = () => provider.key

  describe('openai', () => {
    it('answers a chat, and says who did it at which price', async () => {
      const { data, response } = await client.chat.completions
        .create({
          ...cheap,
          messages: ASKED,
          shoal: { strategy: 'cost' },
        } as OpenAI.ChatCompletionCreateParamsNonStreaming)
        .withResponse()
      assert.match(data.choices[0]!.message.content!, /^Shoal is a peer-to-peer/)
      assert.equal(data.choices[0]!.finish_reason, 'length')
      assert.equal(data.usage!.completion_tokens, 12)
      assert.equal(data.model.split('@')[0], NANO)
      const { shoal } = data as unknown as { shoal: { receipts: string[]; cost: string; provider: string } }
      assert.equal(response.headers.get('shoal-provider'), shoal.provider)
      assert.equal(response.headers.get('shoal-cost'), shoal.cost)
      assert.equal(response.headers.get('shoal-receipt'), shoal.receipts[0])
      assert.ok(Number(shoal.cost) > 0)
      await provider.until(
        'the provider has it signed',
        event => event.type === 'task-done' && event.receipt === shoal.receipts[0] && event.countersigned,
      )
    })

    it('streams a chat with its usage, and several answers at once', async () => {
      const stream = await client.chat.completions.create({
        ...{ ...cheap, messages: STORY, n: 2, seed: 7, temperature: 1, stream: true },
        stream_options: { include_usage: true },
      })
      const texts = ['', '']
      const finished: (string | null)[] = []
      let last: OpenAI.ChatCompletionChunk | null = null
      for await (const chunk of stream) {
        for (const { index, delta, finish_reason } of chunk.choices) {
          texts[index] += delta.content ?? ''
          if (finish_reason !== null) finished[index] = finish_reason
        }
        last = chunk
      }
      assert.deepEqual(finished, ['length', 'length'])
      assert.equal(last!.usage!.completion_tokens, 24)
      assert.notEqual(texts[0], texts[1])
      const again = await client.chat.completions.create({
        ...cheap,
        messages: STORY,
        seed: 7,
        temperature: 1,
      })
      assert.equal(again.choices[0]!.message.content, texts[0])
    })

    it('holds an answer to a JSON schema, and ends it at a stop string', async () => {
      const shaped = await client.chat.completions.parse({
        ...{ ...cheap, max_tokens: 64, messages: ASKED },
        response_format: {
          type: 'json_schema',
          json_schema: { name: 'weather', schema: WEATHER, strict: true },
        },
      })
      assert.ok(
        ['Rome', 'Oslo'].includes((shaped.choices[0]!.message.parsed as unknown as { city: string }).city),
      )
      const stopped = await client.chat.completions.create({ ...cheap, messages: ASKED, stop: [' peer'] })
      assert.equal(stopped.choices[0]!.message.content, 'Shoal is a')
      assert.equal(stopped.choices[0]!.finish_reason, 'stop')
    })

    it('tells log-probabilities', async () => {
      const { choices } = await client.chat.completions.create({
        ...{
          ...cheap,
          messages: ASKED,
          logprobs: true,
          top_logprobs: 2,
          shoal: { preferredProvider: peer() },
        },
      } as OpenAI.ChatCompletionCreateParamsNonStreaming)
      const { content } = choices[0]!.logprobs!
      assert.equal(content!.map(({ token }) => token).join(''), choices[0]!.message.content)
      assert.ok(content!.every(({ logprob, top_logprobs }) => logprob <= 0 && top_logprobs.length === 2))
    })

    it('has a tool called that it must call', async () => {
      const stream = client.chat.completions.stream({
        ...{ ...cheap, max_tokens: 64, messages: ASKED, tool_choice: 'required' },
        tools: [{ type: 'function', function: { name: 'weather', parameters: WEATHER } }],
      })
      const [call] = (await stream.finalChatCompletion()).choices[0]!.message.tool_calls!
      assert.ok(call?.type === 'function')
      assert.equal(call.function.name, 'weather')
      assert.ok(['Rome', 'Oslo'].includes((JSON.parse(call.function.arguments) as { city: string }).city))
    })

    it('finds the calls that a model writes by itself, and shows it the results', async () => {
      server.next(streamed(CALL), streamed(['It rains.']))
      const tools: OpenAI.ChatCompletionTool[] = [
        { type: 'function', function: { name: 'weather', description: 'Says it.', parameters: WEATHER } },
      ]
      const { choices } = await client.chat.completions.create({ model: 'scripted', messages: ASKED, tools })
      const { message, finish_reason } = choices[0]!
      assert.equal(finish_reason, 'tool_calls')
      assert.equal(message.content, 'Let me see. ')
      const [call] = message.tool_calls!
      assert.ok(call?.type === 'function')
      assert.deepEqual(JSON.parse(call.function.arguments), { city: 'Rome' })
      const result = { role: 'tool' as const, tool_call_id: call.id, content: 'rain' }
      const answer = await client.chat.completions.create({
        ...{ model: 'scripted', messages: [...ASKED, message, result], tools },
      })
      assert.equal(answer.choices[0]!.message.content, 'It rains.')
      const { messages } = server.asked.at(-1)!.body as { messages: { role: string; content: string }[] }
      assert.match(messages[0]!.content, /<tools>\n\{"type":"function","function":\{"name":"weather"/)
      assert.equal(messages[2]!.content.includes('{"name": "weather", "arguments": {"city":"Rome"}}'), true)
      assert.equal(messages[3]!.content, '<tool_response>\nrain\n</tool_response>')
    })

    it('goes on with a text', async () => {
      const { choices } = await client.completions.create({ ...cheap, prompt: ENDLESS })
      assert.match(choices[0]!.text, /fish/)
    })

    it('gives up when the client goes', async () => {
      server.next(saysAndStalls(asked => `data: ${part(asked, 'One word')}\n\n`))
      const stream = await client.chat.completions.create({
        model: 'scripted',
        messages: ASKED,
        stream: true,
      })
      let text = ''
      for await (const chunk of stream) {
        text += chunk.choices[0]?.delta.content ?? ''
        if (text !== '') stream.controller.abort()
      }
      assert.equal(text, 'One word')
      await server.asked.at(-1)!.closed
    })

    it('makes responses, streamed too, and goes on from them', async () => {
      const first = await client.responses.create({
        model: 'shoal-nano',
        input: QUESTION,
        max_output_tokens: 12,
        temperature: 0,
      })
      assert.match(first.output_text, /^Shoal is/)
      assert.equal(first.status, 'incomplete')
      server.next(streamed(['And', ' so on.']))
      const stream = client.responses.stream({
        ...{ model: 'scripted', input: 'Go on.', instructions: 'Be brief.', previous_response_id: first.id },
      })
      const types: string[] = []
      for await (const event of stream) types.push(event.type)
      assert.deepEqual(types, [
        'response.created',
        'response.in_progress',
        'response.output_item.added',
        'response.content_part.added',
        'response.output_text.delta',
        'response.output_text.delta',
        'response.output_text.done',
        'response.content_part.done',
        'response.output_item.done',
        'response.completed',
      ])
      const response = await stream.finalResponse()
      assert.equal(response.output_text, 'And so on.')
      const { messages } = server.asked.at(-1)!.body as { messages: { role: string; content: string }[] }
      assert.deepEqual(
        messages.map(({ role }) => role),
        ['system', 'user', 'assistant', 'user'],
      )
      assert.equal((await client.responses.retrieve(response.id)).output_text, 'And so on.')
      await client.responses.delete(response.id)
      await assert.rejects(client.responses.retrieve(response.id), { status: 404 })
    })

    it('calls functions from responses', async () => {
      server.next(streamed(CALL.slice(1).with(0, `<tool${CALL[1]}`)))
      const { output } = await client.responses.create({
        ...{ model: 'scripted', input: QUESTION },
        tools: [{ type: 'function', name: 'weather', parameters: WEATHER, strict: false }],
      })
      const call = output.find(item => item.type === 'function_call')
      assert.deepEqual(JSON.parse(call!.arguments), { city: 'Rome' })
      server.next(streamed(['Rain.']))
      const next = await client.responses.create({
        model: 'scripted',
        input: [
          { role: 'user', content: QUESTION },
          call!,
          { type: 'function_call_output', call_id: call!.call_id, output: 'rain' },
        ],
      })
      assert.equal(next.output_text, 'Rain.')
    })

    it('lists models', async () => {
      const ids = (await client.models.list()).data.map(({ id }) => id)
      assert.ok(ids.includes('shoal-nano'))
      assert.equal((await client.models.retrieve(NANO)).id, 'shoal-nano')
      await assert.rejects(client.models.retrieve('gpt-4o'), { status: 404 })
    })

    it('tells errors as its classes and codes, never as an empty answer', async () => {
      const refused = async (params: Partial<OpenAI.ChatCompletionCreateParamsNonStreaming>) => {
        const asked = { ...cheap, messages: ASKED, ...params }
        return client.chat.completions.create(asked).then(
          () => assert.fail('it was answered'),
          (error: APIError) => ({
            name: error.constructor.name,
            status: error.status,
            code: error.code,
            param: error.param,
          }),
        )
      }
      assert.deepEqual(await refused({ model: 'gpt-4o' }), {
        ...{ name: 'NotFoundError', status: 404, code: 'model_not_found', param: null },
      })
      assert.deepEqual(await refused({ frequency_penalty: 1 }), {
        ...{ name: 'BadRequestError', status: 400, code: 'model_cannot', param: 'frequency_penalty' },
      })
      const image = { type: 'image_url' as const, image_url: { url: 'data:image/png;base64,' } }
      assert.deepEqual(await refused({ messages: [{ role: 'user', content: [image] }] }), {
        ...{ name: 'BadRequestError', status: 400, code: 'model_cannot', param: 'messages.0.content.0' },
      })
      assert.deepEqual(await refused({ n: 9 }), {
        ...{ name: 'BadRequestError', status: 400, code: 'request_invalid', param: 'n' },
      })
      assert.deepEqual(await refused({ shoal: { maxPrice: '0.000000001' } } as object), {
        ...{ name: 'APIError', status: 402, code: 'too_expensive', param: null },
      })
      server.next(refuses(400, { error: { message: 'no' } }))
      const failed = await refused({ model: 'refusing' })
      assert.deepEqual(
        [failed.name, failed.status, failed.code],
        ['InternalServerError', 502, 'all_providers_failed'],
      )
    })

    it('breaks a stream off with an error when nobody can go on', async () => {
      server.next((response, asked) => says(`data: ${part(asked, 'Half an')}\n\n`)(response, asked))
      const stream = await client.chat.completions.create({
        model: 'brittle',
        messages: ASKED,
        stream: true,
      })
      let text = ''
      const error = await (async () => {
        for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
      })().catch((thrown: unknown) => thrown)
      assert.equal(text, 'Half an')
      assert.ok(error instanceof APIError)
      assert.equal(error.code, 'all_providers_failed')
    })

    it('goes on elsewhere in the middle of an answer', async () => {
      server.next((response, asked) => says(`data: ${part(asked, 'Shoal is')}\n\n`)(response, asked))
      const answer = await client.chat.completions.create({
        ...{ ...cheap, messages: ASKED, shoal: { preferredProvider: 'cloud:spare', dataClass: 'PUBLIC' } },
      } as OpenAI.ChatCompletionCreateParamsNonStreaming)
      assert.match(answer.choices[0]!.message.content!, /^Shoal is a peer-to-peer/)
      assert.equal((answer as unknown as { shoal: { attempts: number } }).shoal.attempts, 2)
    })
  })

  describe('ai (Vercel)', () => {
    const model = (name: string) =>
      createOpenAICompatible({
        name: 'shoal',
        baseURL: door.v1,
        supportsStructuredOutputs: true,
        includeUsage: true,
      })(name)

    it('streams text', async () => {
      const { textStream, usage } = streamText({
        model: model('shoal-nano'),
        prompt: QUESTION,
        temperature: 0,
        maxOutputTokens: 12,
      })
      let text = ''
      for await (const piece of textStream) text += piece
      assert.match(text, /^Shoal is/)
      assert.equal((await usage).outputTokens, 12)
    })

    it('makes objects of a schema', async () => {
      const { output } = await generateText({
        ...{ model: model('shoal-nano'), prompt: QUESTION, temperature: 0 },
        output: Output.object({ schema: z.object({ city: z.enum(['Rome', 'Oslo']) }) }),
      })
      assert.ok(['Rome', 'Oslo'].includes(output.city))
    })

    it('calls tools', async () => {
      server.next(streamed(CALL))
      const asked: unknown[] = []
      await generateText({
        ...{ model: model('scripted'), prompt: QUESTION },
        tools: {
          weather: tool({ inputSchema: jsonSchema(WEATHER), execute: async input => void asked.push(input) }),
        },
      })
      assert.deepEqual(asked, [{ city: 'Rome' }])
    })

    it('tells errors', async () => {
      const error = await generateText({ model: model('gpt-4o'), prompt: QUESTION, maxRetries: 0 }).catch(
        (thrown: unknown) => thrown,
      )
      assert.equal((error as { statusCode: number }).statusCode, 404)
      assert.match((error as Error).message, /nobody offers the model/)
    })
  })

  describe('@langchain/openai', () => {
    const chat = (name: string, options = {}) =>
      new ChatOpenAI({
        model: name,
        apiKey: 'any',
        temperature: 0,
        maxRetries: 0,
        configuration: { baseURL: door.v1 },
        ...options,
      })

    it('answers and streams', async () => {
      const model = chat('shoal-nano', { maxTokens: 12 })
      assert.match((await model.invoke(QUESTION)).text, /^Shoal is/)
      let text = ''
      for await (const chunk of await model.stream(QUESTION)) text += chunk.text
      assert.match(text, /^Shoal is/)
    })

    it('makes objects of a schema and calls tools', async () => {
      const schema = z.object({ city: z.enum(['Rome', 'Oslo']) })
      const shaped = await chat('shoal-nano')
        .withStructuredOutput(schema, { name: 'weather' })
        .invoke(QUESTION)
      assert.ok(['Rome', 'Oslo'].includes(shaped.city))
      server.next(streamed(CALL))
      const weather = langchainTool(async () => 'rain', { name: 'weather', description: 'Says it.', schema })
      const { tool_calls } = await chat('scripted')
        .bindTools([weather])
        .invoke([new HumanMessage(QUESTION)])
      assert.deepEqual(
        tool_calls?.map(({ name, args }) => ({ name, args })),
        [{ name: 'weather', args: { city: 'Rome' } }],
      )
    })

    it('tells errors', async () => {
      await assert.rejects(chat('gpt-4o').invoke(QUESTION), /nobody offers the model/)
    })
  })

  describe('the door', () => {
    const post = (body: string | ReadableStream, type = 'application/json') =>
      fetch(`${door.v1}/chat/completions`, {
        ...{ method: 'POST', body, headers: { 'content-type': type } },
        ...(typeof body === 'string' ? {} : { duplex: 'half' }),
      } as RequestInit)
    const codeOf = async (response: Response) =>
      [response.status, ((await response.json()) as { error: { code: string } }).error.code] as const

    it('tells what is wrong with a request before anything is done', async () => {
      assert.deepEqual(await codeOf(await post('{')), [400, 'request_invalid'])
      assert.deepEqual(await codeOf(await post('')), [400, 'request_invalid'])
      assert.deepEqual(await codeOf(await post('hello', 'text/plain')), [415, 'media_unsupported'])
      assert.deepEqual(await codeOf(await post('{"model":"auto"}')), [400, 'request_invalid'])
      const { 'gateway.maxBodyBytes': most } = door.node.node.config
      assert.deepEqual(await codeOf(await post(`{"model":"${'x'.repeat(most)}"}`)), [
        413,
        'request_too_large',
      ])
      assert.deepEqual(await codeOf(await fetch(`${door.v1}/nothing`)), [404, 'not_found'])
    })

    it('describes itself by the schemas that it reads with', async () => {
      const response = await fetch(`${door.gateway.url}/openapi.json`)
      const api = (await response.json()) as OpenApi
      assert.match(api.openapi, /^3\.1/)
      for (const path of [
        '/v1/chat/completions',
        '/v1/completions',
        '/v1/responses',
        '/v1/embeddings',
        '/v1/models',
      ])
        assert.ok(api.paths[path], path)
      const { schema } = api.paths['/v1/chat/completions']!.post!.requestBody.content['application/json']!
      assert.deepEqual(schema.required, ['model', 'messages'])
      assert.ok('shoal' in schema.properties)
    })

    it('says whether the node works', async () => {
      const response = await fetch(`${door.gateway.url}/healthz`)
      assert.deepEqual(await response.json(), { status: 'ok', trading: true, auditLog: true })
    })

    it('is opened once, says when its place is taken, and ends what it answers', async () => {
      const modules = {
        node: door.node.node,
        served: new ServedModels(door.node.node.events),
        shutDown: () => {},
      }
      const second = new Door(modules)
      const taken = new URL(door.gateway.url).host
      await assert.rejects(second.open(taken), { code: 'GATEWAY_CANNOT_LISTEN' })
      const [one, other] = await Promise.all([second.open('127.0.0.1:0'), second.open('127.0.0.1:0')])
      assert.deepEqual(one, other)
      assert.equal(one.isLoopback, true)
      server.next(saysAndStalls(asked => `data: ${part(asked, 'One word')}\n\n`))
      const asking = new OpenAI({ baseURL: `${one.url}/v1`, apiKey: 'any', maxRetries: 0 })
      const stream = await asking.chat.completions.create({
        model: 'scripted',
        messages: ASKED,
        stream: true,
      })
      const read = (async () => {
        const texts: string[] = []
        for await (const chunk of stream) {
          texts.push(chunk.choices[0]?.delta.content ?? '')
          if (texts.join('') === 'One word') void second.stop()
        }
        return texts.join('')
      })()
      assert.equal(await read.catch(() => 'One word'), 'One word')
      await second.stop()
      assert.equal(second.view, null)
      await server.asked.at(-1)!.closed
    })
  })
})

interface OpenApi {
  openapi: string
  paths: Record<
    string,
    {
      post?: {
        requestBody: {
          content: Record<string, { schema: { required: string[]; properties: object } }>
        }
      }
    }
  >
}

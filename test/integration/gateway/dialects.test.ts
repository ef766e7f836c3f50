import assert from 'node:assert/strict'
import Anthropic from '@anthropic-ai/sdk'
import { Ollama } from 'ollama'
import OpenAI from 'openai'
import type { Engine } from '../../../inference/engine.ts'
import { gatewayNetwork, openGateway, type TestGateway } from '../../helpers/gateway.ts'
import { NANO, TestNetwork, type TestNode } from '../../helpers/nodes.ts'
import { waitUntil } from '../../helpers/wait.ts'

const QUESTION = 'What is Shoal?'
const LIST_SCHEMA = { type: 'array', items: { enum: ['shoal'] }, minItems: 3, maxItems: 3 }
/** Takes so long that it can be cancelled. */
const LONG_SCHEMA = { ...LIST_SCHEMA, minItems: 200, maxItems: 200 }
const WEATHER = {
  type: 'object' as const,
  properties: { city: { enum: ['Bern', 'Oslo'] } },
  required: ['city'],
}
const CALL = '<tool_call>\n{"name": "weather", "arguments": {"city": "Bern"}}\n</tool_call>'

/** Has an engine say this, whatever it is asked; the smallest model is too small to call tools by itself. */
function saying(engine: Engine, pieces: readonly string[]): () => void {
  const { generate } = engine
  engine.generate = () => ({
    grant: () => {},
    cancel: () => {},
    async *[Symbol.asyncIterator]() {
      yield { type: 'start', promptTokens: 5, promptDigest: `0x${'11'.repeat(32)}` }
      yield { type: 'prefill', promptTokens: 5 }
      for (const text of pieces) yield { type: 'output', tokens: [1], text }
      yield { type: 'end', reason: 'stop', promptTokens: 5, outputTokens: pieces.length }
    },
  })
  return () => {
    engine.generate = generate
  }
}

describe("other providers' clients at the door", function () {
  this.timeout(60_000)
  const network = new TestNetwork()
  let provider: TestNode
  let requester: TestNode
  let door: TestGateway
  let openai: OpenAI
  let anthropic: Anthropic
  let ollama: Ollama

  before(async () => {
    await network.start()
    const { provider: serving, door: opened } = await gatewayNetwork(network)
    door = opened
    provider = serving
    requester = door.node
    const { url } = door.gateway
    openai = new OpenAI({ baseURL: door.v1, apiKey: 'none', maxRetries: 0 })
    anthropic = new Anthropic({ baseURL: url, apiKey: 'none', maxRetries: 0 })
    ollama = new Ollama({ host: url })
  })
  after(async () => {
    await door?.stop()
    await network.stop()
  })

  /** Of the task that was paid last. */
  async function lastReceipt() {
    for await (const { receipt } of requester.node.parts.receipts.list({ limit: 1 })) return receipt
    return null
  }

  /** What a client gave up is ended and paid for by the node, too. */
  const cancelled = () =>
    waitUntil('the task was cancelled', async () => (await lastReceipt())?.reason === 'cancelled')

  const lengthOf = (vector: readonly number[]) => Math.hypot(...vector)

  it('are told of in the description of the API', async () => {
    const { paths } = (await (await fetch(`${door.gateway.url}/openapi.json`)).json()) as { paths: object }
    const ours = ['/v1/embeddings', '/v1/messages', '/v1/messages/count_tokens']
    const ollamas = ['chat', 'generate', 'embed', 'embeddings', 'tags', 'show', 'ps', 'version']
    for (const path of [...ours, ...ollamas.map(name => `/api/${name}`)]) assert.ok(path in paths, path)
  })

  describe('openai', () => {
    it('embeds, in base64 as the client asks by itself and in numbers', async () => {
      const input = [QUESTION, 'Fish keep together.']
      const { data, usage, model } = await openai.embeddings.create({ model: NANO, input })
      assert.equal(data.length, 2)
      const floats = await openai.embeddings.create({
        model: NANO,
        input: QUESTION,
        encoding_format: 'float',
      })
      assert.deepEqual(floats.data[0]!.embedding, data[0]!.embedding)
      assert.ok(Math.abs(lengthOf(data[1]!.embedding) - 1) < 1e-6)
      const receipt = await lastReceipt()
      assert.equal(floats.usage.prompt_tokens, receipt?.promptTokens)
      assert.ok(usage.prompt_tokens > floats.usage.prompt_tokens && model === receipt?.model)
      const { shoal } = floats as unknown as { shoal: { provider: string; receipts: string[]; cost: string } }
      assert.ok(shoal.receipts.length === 1 && Number(shoal.cost) > 0)
    })

    it('embeds more texts than one task takes', async () => {
      const input = Array.from({ length: 300 }, (_, i) => `text ${i % 3}`)
      const { data } = await openai.embeddings.create({ model: NANO, input, encoding_format: 'float' })
      assert.equal(data.length, 300)
      assert.deepEqual(data[0]!.embedding, data[297]!.embedding)
      assert.notDeepEqual(data[0]!.embedding, data[1]!.embedding)
    })

    it('refuses what it cannot do clearly', async () => {
      const create = (more: object) => openai.embeddings.create({ model: NANO, input: 'a', ...more })
      await assert.rejects(create({ dimensions: 64 }), { status: 400, param: 'dimensions' })
      await assert.rejects(create({ input: [[1, 2]] }), { status: 400, param: 'input' })
      await assert.rejects(create({ input: '' }), { status: 400, param: 'input' })
      await assert.rejects(create({ input: 'word '.repeat(4_000) }), { status: 400 })
      await assert.rejects(create({ model: 'nobody-has-this' }), { status: 404, code: 'model_not_found' })
    })

    it('tells log-probabilities, streaming or not', async () => {
      const ask = {
        ...{ model: NANO, temperature: 0, max_tokens: 12, logprobs: true, top_logprobs: 2 },
        messages: [{ role: 'user' as const, content: QUESTION }],
      }
      const whole = (await openai.chat.completions.create(ask)).choices[0]!
      const told = whole.logprobs!.content!
      assert.equal(told.map(({ token }) => token).join(''), whole.message.content)
      assert.ok(told.every(({ logprob, top_logprobs: top }) => logprob <= 0 && top.length === 2))
      const streamed = []
      for await (const { choices } of await openai.chat.completions.create({ ...ask, stream: true }))
        streamed.push(...(choices[0]?.logprobs?.content ?? []))
      assert.deepEqual(
        streamed.map(({ token }) => token),
        told.map(({ token }) => token),
      )
    })
  })

  describe('@anthropic-ai/sdk', () => {
    const ask = {
      ...{ model: NANO, max_tokens: 96, temperature: 0 },
      messages: [{ role: 'user' as const, content: QUESTION }],
    }

    it('answers, streaming or not', async () => {
      const message = await anthropic.messages.create({ ...ask, system: 'Be brief.' })
      const [block] = message.content
      assert.ok(block?.type === 'text' && block.text.length > 5)
      assert.equal(message.stop_reason, 'end_turn')
      const receipt = await lastReceipt()
      assert.deepEqual(
        [message.usage.input_tokens, message.usage.output_tokens],
        [receipt?.promptTokens, receipt?.outputTokens],
      )
      const counted = { ...ask, system: 'Be brief.' } as const
      assert.ok((await anthropic.messages.countTokens(counted)).input_tokens > 0)
      // Who runs the model itself knows.
      const own = await openGateway(provider)
      try {
        const exact = new Anthropic({ baseURL: own.gateway.url, apiKey: 'none' })
        const { input_tokens } = await exact.messages.countTokens(counted)
        assert.equal(input_tokens, receipt?.promptTokens)
      } finally {
        await own.stop()
      }
      const { data } = await anthropic.models.list()
      assert.equal(data[0]?.type, 'model')

      const stream = anthropic.messages.stream({ ...ask, system: 'Be brief.' })
      let text = ''
      stream.on('text', piece => {
        text += piece
      })
      const final = await stream.finalMessage()
      assert.deepEqual(final.content, message.content)
      assert.equal(text, block.text)
      assert.deepEqual(final.usage.output_tokens, message.usage.output_tokens)
      assert.equal(final.stop_reason, 'end_turn')
    })

    it('ends at stop sequences and at the longest', async () => {
      const whole = await anthropic.messages.create(ask)
      const text = whole.content[0]?.type === 'text' ? whole.content[0].text : ''
      const stop = text.slice(6, 9)
      const cut = await anthropic.messages.create({ ...ask, stop_sequences: [stop] })
      assert.deepEqual([cut.stop_reason, cut.stop_sequence], ['stop_sequence', stop])
      assert.ok(cut.content[0]?.type === 'text' && text.startsWith(cut.content[0].text))
      const short = await anthropic.messages.create({ ...ask, max_tokens: 2 })
      assert.equal(short.stop_reason, 'max_tokens')
    })

    it('calls tools and goes on with their results', async () => {
      const tools = [{ name: 'weather', description: 'Tells the weather', input_schema: WEATHER }]
      const choice = { type: 'tool' as const, name: 'weather' }
      const held = await anthropic.messages.create({ ...ask, tools, tool_choice: choice })
      const use = held.content.find(block => block.type === 'tool_use')
      assert.equal(held.stop_reason, 'tool_use')
      assert.ok(use?.name === 'weather')
      const { city } = use.input as { city: string }
      assert.ok(WEATHER.properties.city.enum.includes(city))

      const restore = saying(provider.node.parts.engine, ['Let me look. ', CALL.slice(0, 14), CALL.slice(14)])
      try {
        const final = await anthropic.messages.stream({ ...ask, tools }).finalMessage()
        assert.deepEqual(
          final.content.map(({ type }) => type),
          ['text', 'tool_use'],
        )
        const [, called] = final.content
        assert.ok(called?.type === 'tool_use')
        assert.deepEqual([called.name, called.input], ['weather', { city: 'Bern' }])
        assert.equal(final.stop_reason, 'tool_use')
      } finally {
        restore()
      }
      const answer = await anthropic.messages.create({
        ...{ ...ask, tools },
        messages: [
          ...ask.messages,
          { role: 'assistant', content: held.content },
          {
            role: 'user',
            content: [
              { type: 'tool_result', tool_use_id: use.id, content: [{ type: 'text', text: 'Rain.' }] },
            ],
          },
        ],
      })
      assert.ok(answer.usage.input_tokens > held.usage.output_tokens)
    })

    it('answers in JSON of a schema', async () => {
      const { content } = await anthropic.messages.create({
        ...ask,
        output_config: { format: { type: 'json_schema', schema: LIST_SCHEMA } },
      })
      assert.ok(content[0]?.type === 'text')
      assert.deepEqual(JSON.parse(content[0].text), ['shoal', 'shoal', 'shoal'])
    })

    it('is told of errors as it expects them', async () => {
      await assert.rejects(
        anthropic.messages.create({ ...ask, model: 'nobody-has-this' }),
        (error: unknown) => {
          assert.ok(error instanceof Anthropic.NotFoundError)
          assert.equal(error.type, 'not_found_error')
          return true
        },
      )
      await assert.rejects(anthropic.messages.create({ ...ask, max_tokens: 0 }), Anthropic.BadRequestError)
      const source = { type: 'base64' as const, media_type: 'image/png' as const, data: 'AA==' }
      await assert.rejects(
        anthropic.messages.create({
          ...ask,
          messages: [{ role: 'user', content: [{ type: 'image', source }] }],
        }),
        Anthropic.BadRequestError,
      )
      await assert.rejects(
        anthropic.messages.create({ ...ask, tools: [{ type: 'web_search_20250305', name: 'web_search' }] }),
        Anthropic.BadRequestError,
      )
    })

    it('stops the work when it gives up', async () => {
      const stream = anthropic.messages.stream({
        ...{ ...ask, max_tokens: 2_000 },
        output_config: { format: { type: 'json_schema', schema: LONG_SCHEMA } },
      })
      await new Promise<void>(resolve => stream.once('text', () => resolve()))
      stream.abort()
      await assert.rejects(stream.finalMessage(), Anthropic.APIUserAbortError)
      await cancelled()
    })

    it('sees a failure after the first words as an error', async () => {
      const { engine } = provider.node.parts
      const { generate } = engine
      engine.generate = () => ({
        grant: () => {},
        cancel: () => {},
        async *[Symbol.asyncIterator]() {
          yield { type: 'start', promptTokens: 5, promptDigest: `0x${'11'.repeat(32)}` as const }
          yield { type: 'output', tokens: [1], text: 'It is' }
          throw Object.assign(new Error('gone'), {})
        },
      })
      try {
        await assert.rejects(anthropic.messages.stream(ask).finalMessage(), Anthropic.APIError)
      } finally {
        engine.generate = generate
      }
    })
  })

  describe('ollama', () => {
    const ask = {
      model: `${NANO}:latest`,
      messages: [{ role: 'user', content: QUESTION }],
      options: { temperature: 0, num_predict: 96 },
    }

    it('chats, streaming or not', async () => {
      const whole = await ollama.chat(ask)
      assert.ok(whole.message.content.length > 5)
      assert.deepEqual([whole.done, whole.done_reason], [true, 'stop'])
      const receipt = await lastReceipt()
      assert.deepEqual(
        [whole.prompt_eval_count, whole.eval_count, whole.model],
        [receipt?.promptTokens, receipt?.outputTokens, receipt?.model],
      )
      let text = ''
      let last: { done: boolean; eval_count: number } | null = null
      for await (const part of await ollama.chat({ ...ask, stream: true })) {
        text += part.message.content
        last = part
      }
      assert.equal(text, whole.message.content)
      assert.deepEqual([last?.done, last?.eval_count], [true, whole.eval_count])
    })

    it('generates, streaming or not, and from the raw prompt', async () => {
      const generate = { model: NANO, prompt: QUESTION, system: 'Be brief.', options: ask.options }
      const { response } = await ollama.generate(generate)
      let text = ''
      for await (const part of await ollama.generate({ ...generate, stream: true })) text += part.response
      assert.equal(text, response)
      const raw = await ollama.generate({
        ...{ model: NANO, prompt: 'Shoal is', raw: true, logprobs: true, top_logprobs: 1 },
        options: { temperature: 0, num_predict: 6 },
      })
      assert.equal(raw.done_reason, 'length')
      assert.equal(raw.logprobs?.map(({ token }) => token).join(''), raw.response)
    })

    it('answers in JSON of a schema', async () => {
      const { message } = await ollama.chat({ ...ask, format: LIST_SCHEMA })
      assert.deepEqual(JSON.parse(message.content), ['shoal', 'shoal', 'shoal'])
    })

    it('calls tools', async () => {
      const parameters = { ...WEATHER, properties: { city: { type: 'string' } } }
      const tools = [{ type: 'function', function: { name: 'weather', description: '', parameters } }]
      const restore = saying(provider.node.parts.engine, [CALL])
      try {
        const { message } = await ollama.chat({ ...ask, tools })
        const expected = { name: 'weather', arguments: { city: 'Bern' } }
        assert.deepEqual(message.tool_calls?.[0]?.function, expected)
        const streamed = []
        for await (const part of await ollama.chat({ ...ask, tools, stream: true }))
          streamed.push(...(part.message.tool_calls ?? []))
        assert.deepEqual(
          streamed.map(call => call.function),
          [expected],
        )
      } finally {
        restore()
      }
      const { message } = await ollama.chat({
        ...{ ...ask, tools },
        messages: [
          ...ask.messages,
          {
            ...{ role: 'assistant', content: '' },
            tool_calls: [{ function: { name: 'weather', arguments: { city: 'Bern' } } }],
          },
          { role: 'tool', content: 'Rain.', tool_name: 'weather' },
        ],
      })
      assert.equal(message.role, 'assistant')
    })

    it('embeds', async () => {
      const { embeddings, prompt_eval_count } = await ollama.embed({ model: NANO, input: ['a', 'b'] })
      assert.equal(embeddings.length, 2)
      assert.ok(Math.abs(lengthOf(embeddings[0]!) - 1) < 1e-6 && prompt_eval_count > 0)
      const { embedding } = await ollama.embeddings({ model: NANO, prompt: 'a' })
      assert.deepEqual(embedding, embeddings[0])
    })

    it('takes what curl sends', async () => {
      const headers = { 'content-type': 'application/x-www-form-urlencoded' }
      const body = JSON.stringify({ ...ask, stream: false })
      const url = `${door.gateway.url}/api/chat`
      const answer = await fetch(url, { method: 'POST', headers, body })
      assert.equal(answer.status, 200)
      const elsewhere = { ...headers, origin: 'https://elsewhere.example' }
      assert.equal((await fetch(url, { method: 'POST', headers: elsewhere, body })).status, 403)
    })

    it('tells what models there are', async () => {
      const { models } = await ollama.list()
      const [model] = models
      assert.ok(model !== undefined && NANO.startsWith(model.name))
      assert.match(model.digest, /^[0-9a-f]{64}$/)
      const shown = await ollama.show({ model: model.name })
      assert.deepEqual(shown.capabilities, ['completion', 'tools', 'embedding'])
      assert.deepEqual((await ollama.ps()).models, [], 'this node runs none itself')
      assert.match((await ollama.version()).version, /^\d+\.\d+\.\d+$/)
      await assert.rejects(ollama.show({ model: 'nobody-has-this' }), { status_code: 404 })
    })

    it('is told of errors as it expects them', async () => {
      const unknown = { ...ask, model: 'nobody-has-this' }
      await assert.rejects(ollama.chat(unknown), { name: 'ResponseError', status_code: 404 })
      await assert.rejects(ollama.chat({ ...unknown, stream: true }), { status_code: 404 })
      await assert.rejects(ollama.embed({ model: NANO, input: 'a', dimensions: 8 }), { status_code: 400 })
      await assert.rejects(ollama.generate({ model: NANO, prompt: 'a', suffix: 'b' }), { status_code: 400 })
    })

    it('stops the work when it gives up', async () => {
      const options = { ...ask.options, num_predict: 2_000 }
      const stream = await ollama.chat({ ...ask, options, format: LONG_SCHEMA, stream: true })
      await assert.rejects(
        async () => {
          for await (const _part of stream) stream.abort()
        },
        { name: 'AbortError' },
      )
      await cancelled()
    })
  })
})
